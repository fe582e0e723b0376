/* writes.c -- INSERT, UPDATE, DELETE in a real SQLite; values exact, names quoted, limits kept.
 * SPDX: Apache-2.0 */
#include "fixture.h"

#include "base/mem.h"

static struct model *model;
static sqlite3 *db;
static struct arena arena;
static struct err err;

static struct rows run(const struct stmt *st)
{
    assert_true(st->writes);
    return lite_run(db, &arena, st);
}

/* The row that an INSERT of one made: read by a statement of its own. */
static struct rows made(const struct stmt *st)
{
    struct stmt then = {.text = st->then};
    assert_int_equal(run(st).count, 0);
    return lite_run(db, &arena, &then);
}

static struct rows ask(const char *sql)
{
    struct stmt st = {.text = str_of(sql)};
    return lite_run(db, &arena, &st);
}

static int setup(void **state)
{
    (void)state;
    db = lite_open();
    arena_init(&arena, 1 << 26);
    err = (struct err){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sqlite3_close(db);
    arena_reset(&arena);
    return 0;
}

static void insert_keeps_values(void **state)
{
    (void)state;
    const struct table *t = &model->tables[USERS];
    const struct column *columns[] = {&t->columns[0], &t->columns[1],  &t->columns[2],
                                      &t->columns[5], &t->columns[6],  &t->columns[7],
                                      &t->columns[8], &t->columns[11], &t->columns[13]};
    struct value values[] = {
        value_int(INT64_MAX),    value_text(LIT("a'b\"c; --")),
        value_text(LIT("e")),    value_float(0.1),
        value_num(LIT("10.00")), value_num(LIT("12345678901234567890.1234567890")),
        value_bool(true),        value_bytes(LIT("\0\x01")),
        value_text(LIT("t"))};
    struct insert in = {.table = t,
                        .columns = columns,
                        .column_count = COUNT_OF(columns),
                        .values = values,
                        .row_count = 1,
                        .returning = all_columns(&arena, t),
                        .returning_count = t->column_count};
    struct stmt st;
    assert_int_equal(sql_insert(DIALECT_SQLITE, &arena, &in, &st, &err), 0);
    assert_false(st.once);
    struct rows r = made(&st);
    assert_int_equal(r.count, 1);
    assert_int_equal(rows_at(&r, 0, 0)->i, INT64_MAX);
    assert_true(value_eq(rows_at(&r, 0, 1), &values[1]));
    assert_true(value_eq(rows_at(&r, 0, 5), &values[3]));
    assert_true(rows_at(&r, 0, 6)->kind == V_INT && rows_at(&r, 0, 6)->i == 10);
    assert_true(str_eq(rows_at(&r, 0, 7)->text, values[5].text));
    assert_true(rows_at(&r, 0, 8)->kind == V_INT && rows_at(&r, 0, 8)->i == 1);
    assert_true(value_eq(rows_at(&r, 0, 11), &values[7]));
    values[4] = value_num(LIT("-0.05"));
    in.columns++, in.values++, in.column_count--;
    values[2] = value_text(LIT("f"));
    assert_int_equal(sql_insert(DIALECT_SQLITE, &arena, &in, &st, &err), 0);
    r = made(&st);
    assert_true(rows_at(&r, 0, 6)->kind == V_FLOAT && rows_at(&r, 0, 6)->f == -0.05);
}

static void insert_many(void **state)
{
    (void)state;
    const struct table *t = &model->tables[TAGS];
    struct value values[200];
    for (int i = 0; i < 100; i++) {
        values[2 * i] = value_text(arena_printf(&arena, "c%02d", i));
        values[2 * i + 1] = value_text(LIT("l"));
    }
    struct insert in = {.table = t,
                        .columns = all_columns(&arena, t),
                        .column_count = 2,
                        .values = values,
                        .row_count = 100,
                        .returning = all_columns(&arena, t),
                        .returning_count = 1};
    struct stmt st;
    assert_int_equal(sql_insert(DIALECT_SQLITE, &arena, &in, &st, &err), 0);
    assert_true(st.once);
    struct rows r = run(&st);
    assert_int_equal(r.count, 100);
    for (size_t i = 0; i < 100; i++)
        assert_true(value_eq(rows_at(&r, i, 0), &values[2 * i]));
    in.row_count = 20000;
    in.values = ARENA_ARRAY(&arena, struct value, 40000);
    assert_int_equal(sql_insert(DIALECT_SQLITE, &arena, &in, &st, &err), E_TOOBIG);
}

static void insert_defaults(void **state)
{
    (void)state;
    lite_exec(db, "CREATE TABLE d(id INTEGER PRIMARY KEY, n INTEGER DEFAULT 7)");
    struct table t = model->tables[POSTS];
    struct insert in = {.table = &t, .row_count = 1};
    struct stmt st;
    t.name = LIT("d");
    assert_int_equal(sql_insert(DIALECT_SQLITE, &arena, &in, &st, &err), 0);
    assert_true(str_is(st.text, "INSERT INTO \"d\" DEFAULT VALUES"));
    run(&st);
    in.row_count = 3;
    assert_int_equal(sql_insert(DIALECT_SQLITE, &arena, &in, &st, &err), 0);
    run(&st);
    struct rows r = ask("SELECT count(*), min(n) FROM d");
    assert_int_equal(r.cells[0].i, 4);
    assert_int_equal(r.cells[1].i, 7);
    in.table = &model->tables[TAGS];
    assert_int_equal(sql_insert(DIALECT_SQLITE, &arena, &in, &st, &err), E_BAD);
}

static void update_and_remove(void **state)
{
    (void)state;
    const struct table *t = &model->tables[USERS];
    struct stmt st;
    lite_exec(db, "INSERT INTO users(id,name,email,created_at,active,city) VALUES"
                  "(1,'a','a','t',0,'x'),(2,'b','b','t',0,'x'),(3,'c','c','t',0,'x');"
                  "INSERT INTO posts VALUES(1,2,'p',5)");
    struct assignment set[] = {{.column = &t->columns[1], .value = value_text(LIT("new"))},
                               {.column = &t->columns[8], .to_default = true},
                               {.column = &t->columns[3], .to_default = true},
                               {.column = &t->columns[12], .value = value_int(4)}};
    struct update up = {.table = t,
                        .set = set,
                        .set_count = COUNT_OF(set),
                        .where = cond_test(&arena, &t->columns[0], OP_EQ, value_int(1)),
                        .returning = all_columns(&arena, t),
                        .returning_count = t->column_count};
    assert_int_equal(sql_update(DIALECT_SQLITE, &arena, &up, &st, &err), 0);
    struct rows r = run(&st);
    assert_int_equal(r.count, 1);
    assert_true(str_is(rows_at(&r, 0, 1)->text, "new"));
    assert_int_equal(rows_at(&r, 0, 8)->i, 1); /* the catalog's default */
    assert_int_equal(rows_at(&r, 0, 3)->kind, V_NULL);
    assert_int_equal(rows_at(&r, 0, 12)->i, 4);
    assert_int_equal(sql_update(DIALECT_POSTGRES, &arena, &up, &st, &err), 0);
    assert_non_null(strstr(arena_str(&arena, st.text).ptr, "\"active\" = DEFAULT,"));
    /* a condition over another table brings aliases; RETURNING goes without */
    up.where = NULL;
    assert_int_equal(
        query_filter(&arena, t, LIT("posts.likes"), LIT("eq.5"), &limits, &up.where, &err), 0);
    assert_int_equal(sql_update(DIALECT_SQLITE, &arena, &up, &st, &err), 0);
    r = run(&st);
    assert_int_equal(r.count, 1);
    assert_int_equal(rows_at(&r, 0, 0)->i, 2);
    struct remove rm = {
        .table = t, .where = up.where, .returning = up.returning, .returning_count = 1};
    assert_int_equal(sql_remove(DIALECT_SQLITE, &arena, &rm, &st, &err), 0);
    r = run(&st);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.cells[0].i, 2);
    rm.where = NULL;
    assert_int_equal(sql_remove(DIALECT_SQLITE, &arena, &rm, &st, &err), 0);
    assert_int_equal(run(&st).count, 2);
}

/* What is added is added by the database; SQLite changes no row when the sum does not fit. */
static void update_adds(void **state)
{
    (void)state;
    const struct table *t = &model->tables[USERS];
    struct stmt st;
    struct cond *either = ARENA_NEW(&arena, struct cond), *parts[2];
    struct assignment set[] = {{.column = table_column(t, LIT("age")), .add = true}};
    struct update up = {.table = t, .set = set, .set_count = 1};
    lite_exec(db, "INSERT INTO users(id,name,email,created_at,active,city,age) VALUES"
                  "(1,'a','a','t',0,'x',5),(2,'b','b','t',0,'x',NULL),(3,'c','c','t',0,'x',9)");
    up.returning = all_columns(&arena, t);
    up.returning_count = t->column_count;
    parts[0] = cond_test(&arena, &t->columns[0], OP_EQ, value_int(1));
    parts[1] = cond_test(&arena, &t->columns[0], OP_EQ, value_int(2));
    *either = (struct cond){.kind = COND_OR, .parts = parts, .part_count = 2};
    up.where = either;
    set[0].value = value_int(-3);
    assert_int_equal(sql_update(DIALECT_SQLITE, &arena, &up, &st, &err), 0);
    assert_int_equal(run(&st).count, 2);
    struct rows r = ask("SELECT age FROM users ORDER BY id");
    assert_int_equal(r.cells[0].i, 2);
    assert_int_equal(r.cells[1].kind, V_NULL);
    assert_int_equal(r.cells[2].i, 9);
    set[0].value = value_int(INT64_MAX);
    assert_int_equal(sql_update(DIALECT_SQLITE, &arena, &up, &st, &err), 0);
    assert_int_equal(run(&st).count, 1); /* the one with null, which stays null */
    assert_int_equal(ask("SELECT age FROM users WHERE id = 1").cells[0].i, 2);
    assert_int_equal(sql_update(DIALECT_POSTGRES, &arena, &up, &st, &err), 0);
    assert_non_null(strstr(arena_str(&arena, st.text).ptr, "\"age\" = \"age\" + $1 WHERE ("));
}

/* The hot path takes no heap: all is in the arena, whose chunk is kept. */
static void select_takes_no_heap(void **state)
{
    (void)state;
    const struct table *t = &model->tables[USERS];
    uint64_t before = 0;
    for (int i = 0; i < 3; i++) {
        struct arena a;
        struct stmt st;
        if (i == 1)
            before = mem_calls();
        arena_init(&a, 1 << 20);
        struct select s = {.table = t,
                           .columns = all_columns(&a, t),
                           .column_count = 8,
                           .limit = -1,
                           .where = cond_test(&a, &t->columns[0], OP_EQ, value_int(i))};
        assert_int_equal(sql_select(DIALECT_SQLITE, &a, &s, &st, &err), 0);
        assert_int_equal(st.bind_count, 1);
        arena_reset(&a);
    }
    assert_int_equal(mem_calls(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(insert_keeps_values, setup, teardown),
        cmocka_unit_test_setup_teardown(insert_many, setup, teardown),
        cmocka_unit_test_setup_teardown(insert_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(update_and_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(update_adds, setup, teardown),
        cmocka_unit_test(select_takes_no_heap),
    };
    model = model_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    model_free(model);
    return failed;
}
