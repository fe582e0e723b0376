/* A JSON body against the columns of a table: what is taken, and how every fault is told. */
#include "thing.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct table things;
static struct arena arena;
static struct body body;
static struct err err;

static int setup(void **state)
{
    (void)state;
    things = thing_new();
    arena_init(&arena, 1 << 22);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    map_fini(&things.by_name);
    return 0;
}

static int take(enum body_kind kind, const struct fixed *fixed, const char *json)
{
    struct value v;
    err = (struct err){0};
    body = (struct body){0};
    if (json_parse(&arena, str_of(json), &json_limits_default, &v, &err) < 0)
        fail_msg("%s: %s", json, err.text);
    return resource__take(&arena, &things, &v, kind, fixed, &body, &err);
}

static int create(const char *json)
{
    return take(BODY_CREATE, NULL, json);
}

/* The faults as "/pointer code" lines in the order told. */
static void is_refused(const char *want)
{
    char text[4096] = "";
    size_t len = 0;
    assert_int_equal(err.code, E_INVALID);
    assert_true(err.text[0] != '\0');
    for (size_t i = 0; i < err.item_count; i++) {
        const struct err_item *e = &err.items[i];
        assert_non_null(e->field.ptr);
        assert_true(e->message.len > 0);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s %.*s", i ? "\n" : "",
                                STR_ARG(e->pointer), STR_ARG(e->code));
    }
    assert_string_equal(text, want);
}

#define REFUSED(json, want)                                                                        \
    do {                                                                                           \
        assert_int_equal(create(json), E_INVALID);                                                 \
        is_refused(want);                                                                          \
    } while (0)

static const struct value *cell(size_t row, size_t column)
{
    assert_true(row < body.count);
    assert_true(body.rows[row].given[column]);
    return &body.rows[row].cells[column];
}

static void a_row_is_taken(void **state)
{
    (void)state;
    assert_int_equal(create("{\"name\":\"abcde\",\"owner_id\":7,\"price\":5,\"age\":null,"
                            "\"active\":true,\"meta\":{\"a\": [1, 2.50]},\"photo\":\"AAE=\"}"),
                     0);
    assert_int_equal(body.count, 1);
    assert_false(body.array);
    assert_true(str_is(cell(0, THING_NAME)->text, "abcde"));
    assert_int_equal(cell(0, THING_OWNER)->i, 7);
    assert_int_equal(cell(0, THING_AGE)->kind, V_NULL);
    assert_int_equal(cell(0, THING_ACTIVE)->kind, V_BOOL);
    assert_true(str_is(cell(0, THING_META)->text, "{\"a\":[1,2.50]}"));
    assert_int_equal(cell(0, THING_PHOTO)->kind, V_BYTES);
    assert_int_equal(cell(0, THING_PHOTO)->text.len, 2);
    static const size_t left_out[] = {THING_ID, THING_CODE, THING_WIDE, THING_AT, THING_LABEL};
    for (size_t i = 0; i < COUNT_OF(left_out); i++) {
        assert_false(body.rows[0].given[left_out[i]]);
        assert_int_equal(body.rows[0].cells[left_out[i]].kind, V_NULL);
    }
}

static void an_array_is_many_rows(void **state)
{
    (void)state;
    assert_int_equal(create("[{\"name\":\"a\",\"owner_id\":1},"
                            "{\"owner_id\":2,\"name\":\"b\",\"age\":3}]"),
                     0);
    assert_true(body.array);
    assert_int_equal(body.count, 2);
    assert_int_equal(cell(1, THING_OWNER)->i, 2);
    assert_int_equal(cell(1, THING_AGE)->i, 3);
    assert_false(body.rows[0].given[THING_AGE]);
    assert_int_equal(create("[]"), 0);
    assert_true(body.array);
    assert_int_equal(body.count, 0);
}

static void every_fault_has_its_code(void **state)
{
    (void)state;
#define WITH(member) "{\"name\":\"a\",\"owner_id\":1," member "}"
    REFUSED("{\"name\":\"a\"}", "/owner_id required");
    REFUSED("{\"name\":null,\"owner_id\":1}", "/name required");
    REFUSED(WITH("\"nick\":1"), "/nick unknown_field");
    REFUSED(WITH("\"active\":1"), "/active type");
    REFUSED(WITH("\"age\":1.5"), "/age type");
    REFUSED(WITH("\"age\":40000"), "/age range");
    REFUSED(WITH("\"age\":-1"), "/age range");
    REFUSED(WITH("\"price\":1.005"), "/price range");
    REFUSED("{\"name\":\"abcdef\",\"owner_id\":1}", "/name length");
    REFUSED(WITH("\"mood\":\"angry\""), "/mood enum");
    REFUSED(WITH("\"day\":\"2023-02-29\""), "/day format");
    REFUSED(WITH("\"uid\":\"1\""), "/uid format");
    REFUSED(WITH("\"photo\":\"?\""), "/photo format");
    REFUSED(WITH("\"label\":\"x\""), "/label read_only");
    REFUSED(WITH("\"a/b~c\":\"x\""), "/a~1b~0c type");
    REFUSED(WITH("\"\":1"), "/ unknown_field");
}

static void all_faults_are_told_at_once(void **state)
{
    (void)state;
    REFUSED("{\"age\":-1,\"name\":5,\"nick\":\"z\"}",
            "/age range\n/name type\n/nick unknown_field\n/owner_id required");
    assert_non_null(strstr(err.text, "4 values"));
    REFUSED("[{\"name\":\"a\",\"owner_id\":1},{\"name\":5},3,{\"owner_id\":1}]",
            "/1/name type\n/1/owner_id required\n/2 type\n/3/name required");
}

static void a_near_name_is_suggested(void **state)
{
    (void)state;
    REFUSED(WITH("\"naem\":1"), "/naem unknown_field");
    assert_non_null(strstr(err.text, "'name'"));
    REFUSED(WITH("\"zzzzzzzz\":1"), "/zzzzzzzz unknown_field");
    assert_null(strstr(err.text, "mean"));
}

/* Of a body that is all wrong only the beginning is told. */
static void faults_have_a_ceiling(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 1 << 20);
    buf_char(&b, '[');
    for (int i = 0; i < 500; i++)
        buf_printf(&b, "%s{\"x%d\":1}", i ? "," : "", i);
    buf_lit(&b, "]");
    buf_add(&b, "", 1);
    assert_int_equal(create(b.ptr), E_INVALID);
    assert_int_equal(err.item_count, 100);
    assert_non_null(strstr(err.text, "at least 100"));
    buf_fini(&b);
}

/* A long name of the client's is shown up to a whole character. */
static void a_long_name_is_cut(void **state)
{
    char json[1000] = "{\"";
    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(json, "\xE2\x82\xAC");
    strcat(json, "\":1,\"name\":\"a\",\"owner_id\":1}");
    assert_int_equal(create(json), E_INVALID);
    assert_int_equal(err.item_count, 1);
    assert_true(str_utf8(err.items[0].field));
    assert_true(str_utf8(err.items[0].pointer));
    assert_true(err.items[0].field.len <= 100);
}

static void other_than_objects(void **state)
{
    static const char *const all[] = {"5", "\"x\"", "null", "true", "1.5"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(create(all[i]), E_INVALID);
        assert_int_equal(err.item_count, 0);
        assert_int_equal(take(BODY_PATCH, NULL, all[i]), E_INVALID);
    }
    REFUSED("[1]", "/0 type");
    REFUSED("[[]]", "/0 type");
    assert_int_equal(take(BODY_PATCH, NULL, "[{\"age\":1}]"), E_INVALID);
    assert_int_equal(take(BODY_REPLACE, NULL, "[]"), E_INVALID);
}

static void a_patch_needs_nothing(void **state)
{
    (void)state;
    assert_int_equal(take(BODY_PATCH, NULL, "{}"), 0);
    for (size_t i = 0; i < THING_COLUMNS; i++)
        assert_false(body.rows[0].given[i]);
    assert_int_equal(take(BODY_PATCH, NULL, "{\"age\":null}"), 0);
    assert_int_equal(cell(0, THING_AGE)->kind, V_NULL);
    assert_int_equal(take(BODY_PATCH, NULL, "{\"name\":null,\"age\":-1,\"nick\":1,\"label\":1}"),
                     E_INVALID);
    is_refused("/name required\n/age range\n/nick unknown_field\n/label read_only");
}

/* The key of the path may be repeated, in any form that means the same. */
static void the_path_fixes_the_key(void **state)
{
    struct value seven = value_int(7);
    struct fixed id = {.key = &thing_primary, .values = &seven},
                 owner = {.key = &thing_foreign, .values = &seven};
    (void)state;
    assert_int_equal(take(BODY_REPLACE, &id, "{\"id\":7.0,\"name\":\"a\",\"owner_id\":1}"), 0);
    assert_false(body.rows[0].given[THING_ID]);
    assert_int_equal(body.rows[0].cells[THING_ID].i, 7);
    assert_int_equal(take(BODY_REPLACE, &id, "{\"id\":8,\"name\":\"a\",\"owner_id\":1}"),
                     E_INVALID);
    is_refused("/id read_only");
    assert_int_equal(take(BODY_PATCH, &id, "{\"id\":\"seven\"}"), E_INVALID);
    is_refused("/id type");
    assert_int_equal(take(BODY_PATCH, &id, "{\"id\":7}"), 0);
    assert_int_equal(
        take(BODY_CREATE, &owner, "[{\"name\":\"a\"},{\"name\":\"b\",\"owner_id\":7}]"), 0);
    assert_int_equal(cell(0, THING_OWNER)->i, 7);
    assert_int_equal(cell(1, THING_OWNER)->i, 7);
    assert_int_equal(
        take(BODY_CREATE, &owner, "[{\"name\":\"a\"},{\"name\":\"b\",\"owner_id\":8}]"), E_INVALID);
    is_refused("/1/owner_id read_only");
}

/* A parent's value comes as the engine has it: a boolean is a number there. */
static void a_fixed_value_of_the_engine(void **state)
{
    static const struct column *active[] = {&thing_columns[THING_ACTIVE]};
    static const struct key key = {.columns = active, .count = 1};
    struct value one = value_int(1);
    struct fixed fixed = {.key = &key, .values = &one};
    (void)state;
    assert_int_equal(take(BODY_CREATE, &fixed, WITH("\"active\":true")), 0);
    assert_int_equal(take(BODY_CREATE, &fixed, WITH("\"active\":false")), E_INVALID);
    is_refused("/active read_only");
}

/* What GET shows can be sent back with PUT, computed columns and all. */
static void a_row_comes_back(void **state)
{
    struct value seven = value_int(7);
    struct fixed id = {.key = &thing_primary, .values = &seven};
    (void)state;
    assert_int_equal(take(BODY_REPLACE, &id,
                          "{\"id\":7,\"name\":\"a\",\"owner_id\":1,\"label\":\"is computed\"}"),
                     0);
    assert_false(body.rows[0].given[THING_LABEL]);
    assert_int_equal(take(BODY_REPLACE, &id, "{\"age\":3}"), E_INVALID);
    is_refused("/owner_id required\n/name required");
}

static void pointers(void **state)
{
    (void)state;
    assert_true(str_is(resource__pointer(&arena, ROW_NONE, LIT("email")), "/email"));
    assert_true(str_is(resource__pointer(&arena, 3, LIT("email")), "/3/email"));
    assert_true(str_is(resource__pointer(&arena, 3, (str){0}), "/3"));
    assert_true(str_is(resource__pointer(&arena, ROW_NONE, LIT("")), "/"));
    assert_true(str_is(resource__pointer(&arena, ROW_NONE, LIT("~/")), "/~0~1"));
}

/* {"$inc": n} in a PATCH: the bounds of the column are those of the sum, not of n. */
static void a_patch_adds(void **state)
{
    (void)state;
    assert_int_equal(take(BODY_PATCH, NULL,
                          "{\"age\":{\"$inc\":-5},\"price\":{\"$inc\":\"0.5\"},\"name\":\"x\"}"),
                     0);
    assert_true(body.rows[0].given[THING_AGE] && body.rows[0].added[THING_AGE]);
    assert_int_equal(body.rows[0].cells[THING_AGE].i, -5);
    assert_true(body.rows[0].added[THING_PRICE] && !body.rows[0].added[THING_NAME]);
    assert_int_equal(take(BODY_PATCH, NULL, "{\"meta\":{\"$inc\":1}}"), 0);
    assert_false(body.rows[0].added[THING_META]);
    assert_int_equal(take(BODY_PATCH, NULL,
                          "{\"age\":{\"$inc\":null},\"wide\":{\"$inc\":1},\"score\":{\"$inc\":1,"
                          "\"x\":1},\"name\":{\"$inc\":1},\"odd\":1}"),
                     E_INVALID);
    is_refused("/age required\n/wide type\n/score type\n/name type\n/odd unknown_field");
    assert_int_equal(
        take(BODY_REPLACE, NULL, "{\"owner_id\":1,\"name\":\"x\",\"age\":{\"$inc\":1}}"),
        E_INVALID);
    is_refused("/age type");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(an_array_is_many_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(every_fault_has_its_code, setup, teardown),
        cmocka_unit_test_setup_teardown(all_faults_are_told_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_near_name_is_suggested, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_have_a_ceiling, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_name_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(other_than_objects, setup, teardown),
        cmocka_unit_test_setup_teardown(a_patch_needs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_path_fixes_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fixed_value_of_the_engine, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(pointers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_patch_adds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
