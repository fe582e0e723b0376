/* counter.c -- the triggers of counters: on a real SQLite they follow any change; PostgreSQL's
 * parse as SQL and as PL/pgSQL. SPDX: Apache-2.0 */
#include "fixture.h"

#include <pg_query.h>

static struct model *model;

static const struct counter posts_of_user = {.column = &user_columns[4], /* age */
                                             .source = NULL};

/* users.age counts posts, seats.number counts tickets (a key of two columns). */
static struct counter counter_over(const struct table *t, const struct column *c, const char *name)
{
    const struct relation *r = table_relation(t, str_of(name));
    struct counter k = posts_of_user;
    k.column = c;
    k.source = r->kind == REL_THROUGH ? r->through : r->target;
    k.from = r->kind == REL_THROUGH ? r->near : r->remote;
    k.to = r->local;
    return k;
}

static int64_t number(sqlite3 *db, struct arena *a, str sql)
{
    struct rows rows = lite_run(db, a, &(struct stmt){.text = sql});
    assert_int_equal(rows.count, 1);
    return rows_at(&rows, 0, 0)->i;
}

static void run(sqlite3 *db, struct arena *a, str sql)
{
    lite_exec(db, arena_str(a, sql).ptr);
}

static void make(sqlite3 *db, struct arena *a, const struct counter_plan *p)
{
    for (size_t i = 0; i < p->make_count; i++)
        run(db, a, p->make[i]);
}

/* One random change of users or posts. */
static void change(sqlite3 *db)
{
    static const char *const texts[] = {
        "INSERT INTO posts (user_id, title, likes) VALUES (%d, 't', 0)",
        "INSERT INTO posts (user_id, title, likes) SELECT id, 't', 0 FROM users WHERE id < %d",
        "INSERT INTO posts (user_id, title, likes) VALUES (NULL, 't', %d)",
        "DELETE FROM posts WHERE user_id = %d AND id %% 3 = 0",
        "DELETE FROM posts WHERE id = %d",
        "UPDATE posts SET user_id = 1 + id %% %d",
        "UPDATE posts SET user_id = NULL WHERE user_id = %d",
        "UPDATE posts SET likes = likes + %d",
        "UPDATE OR IGNORE users SET id = id + 20 WHERE id = %d",
        "DELETE FROM users WHERE id = %d",
        "INSERT OR IGNORE INTO users (id, name, email, created_at) VALUES (%1$d, 'n', 'e%1$d', '')",
        "INSERT INTO users (name, email, age, created_at) VALUES ('n', random(), %d, '')",
    };
    char sql[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(sql, sizeof sql, texts[(size_t)random() % COUNT_OF(texts)], 1 + (int)(random() % 12));
#pragma GCC diagnostic pop
    lite_exec(db, sql);
}

static void follow_any_change(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    struct counter_plan p;
    int64_t most = 0;
    sqlite3 *db = lite_open();
    const struct counter k = counter_over(&model->tables[USERS], &user_columns[4], "posts");
    arena_init(&a, 1 << 24);
    srandom(11);
    for (int i = 0; i < 50; i++) /* what is there before the counter */
        change(db);
    assert_int_equal(sql_counter(DIALECT_SQLITE, &a, &model->tables[USERS], &k, &p, &err), 0);
    make(db, &a, &p);
    run(db, &a, p.recount);
    assert_int_equal(number(db, &a, p.wrong), 0);
    for (int i = 0; i < 3000; i++) {
        change(db);
        if (i % 10)
            continue;
        assert_int_equal(number(db, &a, p.wrong), 0);
        most += number(db, &a, LIT("SELECT coalesce(max(age), 0) FROM users"));
    }
    assert_true(most > 100); /* there was something to count */
    lite_exec(db, "UPDATE users SET age = 1000 WHERE id = (SELECT min(id) FROM users)");
    assert_int_equal(number(db, &a, p.wrong), 1);
    run(db, &a, p.recount);
    assert_int_equal(number(db, &a, p.wrong), 0);
    sqlite3_close(db);
    arena_reset(&a);
}

/* The stamp is the text in the catalog, by which it is known again. */
static void is_known_again(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    struct counter_plan p;
    sqlite3 *db = lite_open();
    const struct counter k = counter_over(&model->tables[SEATS], &seat_columns[1], "tickets");
    arena_init(&a, 1 << 22);
    assert_int_equal(sql_counter(DIALECT_SQLITE, &a, &model->tables[SEATS], &k, &p, &err), 0);
    make(db, &a, &p);
    assert_int_equal(p.part_count, 5);
    for (size_t i = 0; i < p.part_count; i++) {
        struct value binds[] = {value_text(p.parts[i].name), value_text(p.parts[i].on->name),
                                value_text(p.parts[i].stamp)};
        struct stmt st = {.text = LIT("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' "
                                      "AND name = ?1 AND tbl_name = ?2 AND sql = ?3"),
                          .binds = binds,
                          .bind_count = 3};
        struct rows rows = lite_run(db, &a, &st);
        assert_int_equal(rows_at(&rows, 0, 0)->i, 1);
    }
    sqlite3_close(db);
    arena_reset(&a);
}

static void parses(str sql)
{
    char *text = strndup(sql.ptr, sql.len);
    PgQueryParseResult r = pg_query_parse(text);
    if (r.error)
        fail_msg("%s: %s", r.error->message, text);
    pg_query_free_parse_result(r);
    if (str_starts(sql, LIT("CREATE OR REPLACE FUNCTION"))) {
        PgQueryPlpgsqlParseResult f = pg_query_parse_plpgsql(text);
        if (f.error)
            fail_msg("%s: %s", f.error->message, text);
        pg_query_free_plpgsql_parse_result(f);
    }
    free(text);
}

static void postgres_reads_it(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    struct counter_plan p, again;
    const struct table *t = model->tables;
    const struct counter list[] = {counter_over(&t[USERS], &user_columns[4], "posts"),
                                   counter_over(&t[SEATS], &seat_columns[1], "tickets"),
                                   counter_over(&t[POSTS], &post_columns[3], "tags")};
    const struct table *tables[] = {&t[USERS], &t[SEATS], &t[POSTS]};
    arena_init(&a, 1 << 22);
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        assert_int_equal(sql_counter(DIALECT_POSTGRES, &a, tables[i], &list[i], &p, &err), 0);
        for (size_t m = 0; m < p.make_count; m++)
            parses(p.make[m]);
        parses(p.lock);
        parses(p.recount);
        parses(p.wrong);
        sql_counter(DIALECT_POSTGRES, &a, tables[i], &list[i], &again, &err);
        assert_true(str_eq(p.parts[0].stamp, again.parts[0].stamp));
        assert_true(str_eq(p.parts[0].stamp, p.parts[5].stamp));
    }
    arena_reset(&a);
}

static void long_names_stay_apart(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    struct counter_plan p, q;
    struct column c = user_columns[4], d = c;
    struct counter k = counter_over(&model->tables[USERS], &user_columns[4], "posts"), l = k;
    c.name = LIT("a_column_with_a_name_that_is_as_long_as_postgresql_allows_one_x");
    d.name = LIT("a_column_with_a_name_that_is_as_long_as_postgresql_allows_one_y");
    k.column = &c;
    l.column = &d;
    arena_init(&a, 1 << 22);
    assert_int_equal(sql_counter(DIALECT_POSTGRES, &a, &model->tables[USERS], &k, &p, &err), 0);
    assert_int_equal(sql_counter(DIALECT_POSTGRES, &a, &model->tables[USERS], &l, &q, &err), 0);
    for (size_t i = 0; i < p.part_count; i++) {
        assert_true(p.parts[i].name.len <= 63);
        assert_false(str_eq(p.parts[i].name, q.parts[i].name));
    }
    d.name = LIT("a$cairn$");
    assert_int_equal(sql_counter(DIALECT_POSTGRES, &a, &model->tables[USERS], &l, &q, &err),
                     E_CONFIG);
    assert_int_equal(sql_counter(DIALECT_SQLITE, &a, &model->tables[USERS], &l, &q, &err), 0);
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follow_any_change),
        cmocka_unit_test(is_known_again),
        cmocka_unit_test(postgres_reads_it),
        cmocka_unit_test(long_names_stay_apart),
    };
    model = model_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    model_free(model);
    return failed;
}
