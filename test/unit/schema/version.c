/* The model as a version of the API shows it: a whole copy, which points into itself alone; what it
 * says of fields; values of other types, taken back to what is stored. SPDX: Apache-2.0 */
#include "model.h"

static const char tables[] =
    "CREATE TABLE users (id bigserial PRIMARY KEY, full_name text NOT NULL UNIQUE, phone text,"
    " age integer CHECK (age >= 0), active boolean NOT NULL DEFAULT true, born timestamptz,"
    " code text);\n"
    "CREATE TABLE posts (id bigserial PRIMARY KEY, title text NOT NULL,"
    " user_id bigint NOT NULL REFERENCES users (id));\n"
    "CREATE INDEX posts_user ON posts (user_id);\n";

static struct schema *model_of_tables(void)
{
    return built(&(struct made){.migration = tables});
}

static struct schema_field_wish field(const char *name)
{
    return (struct schema_field_wish){
        .name = str_of(name), .place = LIT("f:1:2"), .with = LIT(" ")};
}

/* The version of one table with these fields; NULL and err filled. */
static struct schema *version(const struct schema *model, const char *table,
                              const struct schema_field_wish *list, size_t count, struct err *err)
{
    struct schema_version_table t = {
        .table = str_of(table), .place = LIT("t:1:1"), .fields = list, .field_count = count};
    struct schema *out = NULL;
    int code = schema_version(model, &t, 1, true, &out, err);
    assert_int_equal(code, out ? 0 : E_CONFIG);
    return out;
}

static void own_column(const struct table *t, const struct column *c)
{
    assert_true(c >= t->columns && c < t->columns + t->column_count);
}

static void own_key(const struct table *t, const struct key *k)
{
    for (size_t i = 0; i < k->count; i++)
        own_column(t, k->columns[i]);
}

static void test_copy(void **state)
{
    (void)state;
    struct err err = {0};
    struct schema *model = model_of_tables(), *v = version(model, "users", NULL, 0, &err);
    assert_non_null(v);
    for (size_t i = 0; i < v->table_count; i++) {
        const struct table *t = &v->tables[i];
        assert_ptr_equal(t->model, &model->tables[i]);
        own_key(t, &t->primary);
        for (size_t k = 0; k < t->unique_count; k++)
            own_key(t, &t->uniques[k]);
        for (size_t k = 0; k < t->index_count; k++)
            own_key(t, &t->indexes[k]);
        for (size_t k = 0; k < t->foreign_key_count; k++) {
            own_key(t, &t->foreign_keys[k].from);
            own_key(t->foreign_keys[k].target, &t->foreign_keys[k].to);
        }
        for (size_t k = 0; k < t->relation_count; k++) {
            const struct relation *r = &t->relations[k];
            assert_ptr_equal(r->from, t);
            assert_true(r->target >= v->tables && r->target < v->tables + v->table_count);
            own_key(t, &r->local);
            own_key(r->target, &r->remote);
        }
        for (size_t k = 0; k < t->check_count; k++)
            for (size_t n = 0; n < t->checks[k].count; n++)
                own_column(t, t->checks[k].columns[n]);
    }
    schema_free(&v);
    schema_free(&model);
}

static void test_fields(void **state)
{
    (void)state;
    struct err err = {0};
    struct schema *model = model_of_tables();
    struct schema_field_wish list[] = {field("full_name"), field("phone"), field("age"),
                                       field("nick"),      field("kind"),  field("posts")};
    str from[] = {LIT("full_name")};
    list[0].shown = LIT("name");
    list[0].deprecated = true;
    list[0].use = LIT("full_name");
    list[0].removed = LIT("v3");
    list[1].hidden = true;
    list[2].type = LIT("string");
    list[3].source = FIELD_SAME;
    list[3].of = from;
    list[3].of_count = 1;
    list[4].source = FIELD_VALUE;
    list[4].value = LIT("person");
    list[4].value_type = TYPE_TEXT;
    list[5].shown = LIT("articles");
    struct schema *v = version(model, "users", list, COUNT_OF(list), &err);
    assert_string_equal(err.text, "");
    const struct table *t = schema_table(v, LIT("users"));
    const struct column *name = table_column(t, LIT("name"));
    assert_non_null(name);
    assert_true(str_is(column_stored(name), "full_name"));
    assert_true(str_is(name->warning, "Field 'name' is deprecated. Use 'full_name' instead. This "
                                      "field will be removed in v3."));
    assert_true(t->warns);
    assert_null(table_column(t, LIT("full_name")));
    assert_null(table_column(t, LIT("phone")));
    assert_null(table_stored(t, LIT("phone")));
    assert_ptr_equal(table_stored(t, LIT("full_name")), name);
    assert_int_equal(table_column(t, LIT("age"))->recast, RECAST_STRING);
    const struct column *nick = table_column(t, LIT("nick"));
    assert_true(column_made(nick) && column_made_of(nick, name) && !nick->generated);
    assert_true(table_column(t, LIT("kind"))->generated);
    assert_non_null(table_relation(t, LIT("articles")));
    assert_null(table_relation(t, LIT("posts")));
    assert_non_null(table_column(schema_table(model, LIT("users")), LIT("full_name")));
    schema_free(&v);
    schema_free(&model);
}

static void refused(const struct schema *model, struct schema_field_wish w, const char *words)
{
    struct err err = {0};
    assert_null(version(model, "users", &w, 1, &err));
    if (!strstr(err.text, words))
        print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, words));
    assert_non_null(strstr(err.text, "f:1:2: "));
}

static void test_faults(void **state)
{
    (void)state;
    struct err err = {0};
    struct schema *model = model_of_tables();
    struct schema_field_wish w = field("full_nam");
    refused(model, w, "did you mean 'full_name'?");
    w = field("full_name");
    w.hidden = true;
    refused(model, w, "give it a `default:`");
    w.filled = true;
    w.fill = LIT("x");
    struct schema *v = version(model, "users", &w, 1, &err);
    assert_non_null(v);
    schema_free(&v);
    w = field("full_name");
    w.type = LIT("integer");
    refused(model, w, "cannot be shown as integer");
    w = field("full_name");
    w.shown = LIT("phone");
    refused(model, w, "two fields of the name 'phone'");
    w = field("age");
    w.filled = true;
    w.fill = LIT("-1");
    refused(model, w, "default: 'age' must be at least 0");
    w = field("posts");
    w.type = LIT("string");
    refused(model, w, "is a relation");
    assert_null(version(model, "user", NULL, 0, &err));
    assert_non_null(strstr(err.text, "t:1:1: there is no table 'user'; did you mean 'users'?"));
    schema_free(&model);
}

/* ---- other types ---- */

static void took(enum type t, enum recast r, struct value in, bool from_text, const char *want)
{
    struct arena a;
    struct column c = {.type = t, .recast = r, .scale = -1, .min_length = -1, .max_length = -1};
    struct value out;
    struct value_fault fault = {0};
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, 1000);
    if (column_take(&c, &a, &in, from_text, &out, &fault))
        json_value(&b, &out);
    else
        buf_printf(&b, "%.*s: %.*s", STR_ARG(fault.code), STR_ARG(fault.message));
    buf_char(&b, 0);
    assert_string_equal(b.ptr, want);
    buf_fini(&b);
    arena_reset(&a);
}

static void test_recast(void **state)
{
    (void)state;
    took(TYPE_INT4, RECAST_STRING, value_text(LIT("25")), false, "25");
    took(TYPE_INT4, RECAST_STRING, value_text(LIT("25")), true, "25");
    took(TYPE_INT4, RECAST_STRING, value_int(25), false, "type: must be a string, not a number");
    took(TYPE_INT4, RECAST_STRING, value_text(LIT("x")), false, "type: must be a whole number");
    took(TYPE_BOOL, RECAST_STRING, value_text(LIT("true")), false, "true");
    took(TYPE_BOOL, RECAST_INTEGER, value_int(1), false, "true");
    took(TYPE_BOOL, RECAST_INTEGER, value_text(LIT("0")), true, "false");
    took(TYPE_BOOL, RECAST_INTEGER, value_int(2), false, "type: must be the number 0 or 1");
    took(TYPE_BOOL, RECAST_INTEGER, value_bool(true), false,
         "type: must be the number 0 or 1, not a boolean");
    took(TYPE_INT4, RECAST_BOOLEAN, value_bool(true), false, "1");
    took(TYPE_INT4, RECAST_BOOLEAN, value_text(LIT("false")), true, "0");
    took(TYPE_INT4, RECAST_BOOLEAN, value_int(1), false,
         "type: must be true or false, not a number");
    took(TYPE_TEXT, RECAST_NUMBER, value_int(7), false, "\"7\"");
    took(TYPE_TEXT, RECAST_NUMBER, value_float(0.5), false, "\"0.5\"");
    took(TYPE_TEXT, RECAST_NUMBER, value_text(LIT("7")), false,
         "type: must be a number, not a string");
    took(TYPE_TEXT, RECAST_NUMBER, value_text(LIT("1e3")), true, "\"1e3\"");
    took(TYPE_TIMESTAMP, RECAST_UNIX, value_int(86400), false, "\"1970-01-02T00:00:00.000000Z\"");
    took(TYPE_TIMESTAMP, RECAST_UNIX, value_text(LIT("-1")), true,
         "\"1969-12-31T23:59:59.000000Z\"");
    took(TYPE_TIMESTAMP, RECAST_UNIX, value_int(INT64_MAX), false,
         "range: must be a time of the years 0 to 9999");
    took(TYPE_TIMESTAMP, RECAST_UNIX, value_text(LIT("1970-01-01")), false,
         "type: must be a number of seconds since 1970, not a string");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_recast),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
