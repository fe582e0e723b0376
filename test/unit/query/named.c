/* Headers of named queries, and the SQL that comes of theirs. That both engines answer alike is
 * shown by test/wire/45-queries. */
#include "query/query_priv.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct query_set set;
static struct err err;

static int setup(void **state)
{
    (void)state;
    set = (struct query_set){0};
    err = (struct err){0};
    arena_init(&set.arena, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&set.arena);
    return 0;
}

static void same(str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("wanted:\n%s\ngot:\n%.*s", want, STR_ARG(got));
}

static struct query *scan(const char *text)
{
    assert_int_equal(query__scan(&set, "q.sql", str_of(text), &err), 0);
    return set.list;
}

static void test_header(void **state)
{
    (void)state;
    const struct query *q = scan("-- A comment of the file: http://example.com/a::b\n\n"
                                 "-- name: first_one\r\n"
                                 "-- What it does,\n"
                                 "--   in two lines.\n"
                                 "-- param: city  varchar( 40 )\n"
                                 "--param:limit integer=20 min 1 max 100\n"
                                 "-- param: price numeric(10, 2) optional\n"
                                 "-- param: who text = 'it''s = me'\n"
                                 "-- param: ids bigint[] = 1,2\n"
                                 "-- param: at timestamp with time zone = null\n"
                                 "-- roles: admin, public\n"
                                 "-- cache: 5m\n"
                                 "-- result: one\n"
                                 "\n"
                                 "SELECT 1\n"
                                 "-- not a key here\n"
                                 ";\n"
                                 "-- name: second\n"
                                 "-- method: post\n"
                                 "DELETE FROM t");
    assert_int_equal(set.count, 2);
    same(q->name, "first_one");
    same(q->description, "What it does, in two lines.");
    same(q->sql, "SELECT 1\n-- not a key here\n;\n");
    assert_int_equal(q->sql_line, 16);
    assert_int_equal(q->cache_s, 300);
    assert_true(q->open && q->role_count == 2 && q->result == QUERY_ONE);
    assert_int_equal(q->param_count, 6);
    same(q->params[0].type, "varchar(40)");
    assert_int_equal(q->params[0].column.length, 40);
    assert_true(q->params[1].column.has_min && q->params[1].preset.i == 20);
    assert_true(q->params[2].column.nullable && q->params[2].column.scale == 2);
    same(q->params[3].preset.text, "it's = me");
    assert_true(q->params[4].list && q->params[4].preset.count == 2);
    assert_true(q->params[5].column.nullable && q->params[5].column.type == TYPE_TIMESTAMP);
    assert_int_equal(q[1].method, METHOD_POST);
    assert_false(q[1].roles_told);
}

static const struct {
    const char *text, *words;
} refused[] = {
    {"-- name: 1a\nSELECT 1", "q.sql:1:10: the name of a query"},
    {"-- param: a text\n-- name: a\nSELECT 1", "q.sql:1:4: 'param' stands before"},
    {"-- name: a\n-- param: x text\n-- param: x text\nSELECT 1",
     "q.sql:3:11: there is a parameter"},
    {"-- name: a\n-- param: x\nSELECT 1", "q.sql:2:12: parameter 'x' has no type"},
    {"-- name: a\n-- param: x string\nSELECT 1",
     "q.sql:2:13: 'string' is no type of a parameter; did you mean 'text'?"},
    {"-- name: a\n-- param: x jsonb[]\nSELECT 1", "q.sql:2:13: 'jsonb[]' is no type"},
    {"-- name: a\n-- param: x text min 1\nSELECT 1", "q.sql:2:22: min and max are of numbers"},
    {"-- name: a\n-- param: x int = 5 max 3\nSELECT 1",
     "q.sql:2:19: the default of 'x' must be at most 3"},
    {"-- name: a\n-- param: x int requird\nSELECT 1", "q.sql:2:13: 'int requird' is no type"},
    {"-- name: a\n-- param: x text = 'a\nSELECT 1", "q.sql:2:20: the text has no closing quote"},
    {"-- name: a\n-- roles: a b\nSELECT 1", "q.sql:2:11: roles are names"},
    {"-- name: a\n-- roles: a\n-- roles: b\nSELECT 1",
     "q.sql:3:11: roles stand here for the second"},
    {"-- name: a\n-- result: rows\nSELECT 1", "q.sql:2:12: a result is many"},
    {"-- name: a\n-- cache: 9d9\nSELECT 1", "q.sql:2:11: a cache time"},
    {"-- name: a\nSELECT 1\n--roles:admin", "q.sql:3:3: 'roles' stands behind"},
    {"-- name: a\n-- Roles: x\nSELECT 1", "q.sql:2:4: 'Roles' is no key"},
};

static void test_refused(void **state)
{
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        setup(state);
        int code = query__scan(&set, "q.sql", str_of(refused[i].text), &err);
        if (code != E_CONFIG || !str_starts(str_of(err.text), str_of(refused[i].words)))
            fail_msg("%s\nwanted: %s\ngot: %s", refused[i].text, refused[i].words, err.text);
        teardown(state);
    }
    setup(state);
}

/* ---- SQL ---- */

static const struct ddl_field fields[] = {
    {STR_INIT("id"), STR_INIT("bigint"), false},
    {STR_INIT("name"), STR_INIT("text"), false},
    {STR_INIT("price"), STR_INIT("numeric(10,2)"), false},
    {STR_INIT("wide"), STR_INIT("numeric(30,4)"), true},
    {STR_INIT("at"), STR_INIT("timestamptz"), false},
    {STR_INIT("day"), STR_INIT("date"), false},
    {STR_INIT("doc"), STR_INIT("jsonb"), false},
};
static const struct ddl_relation tables[] = {{STR_INIT("t"), fields, COUNT_OF(fields)}};
static const struct ddl_field params[] = {
    {STR_INIT("n"), STR_INIT("integer"), false},
    {STR_INIT("ids"), STR_INIT("bigint[]"), false},
    {STR_INIT("since"), STR_INIT("date"), false},
    {STR_INIT("city"), STR_INIT("text"), false},
};

static int query(const char *sql, bool sqlite, struct ddl_query *out)
{
    struct ddl_query_source in = {.source = {str_of(sql), LIT("q.sql"), 1},
                                  .params = params,
                                  .param_count = COUNT_OF(params),
                                  .relations = tables,
                                  .relation_count = 1,
                                  .sqlite = sqlite};
    err = (struct err){0};
    return ddl_query(&set.arena, &in, out, &err);
}

static const struct {
    const char *sql, *lite;
} translated[] = {
    {"SELECT id FROM t WHERE id = :n", "SELECT \"id\" FROM \"t\" WHERE \"id\" = ?1"},
    {"SELECT count(*) FROM t", "SELECT count(*) AS \"count\" FROM \"t\""},
    {"SELECT id FROM t WHERE id = ANY(:ids)",
     "SELECT \"id\" FROM \"t\" WHERE \"id\" IN (SELECT value FROM json_each(?2))"},
    {"SELECT id FROM t WHERE at >= :since AND at < '2026-02-01'",
     "SELECT \"id\" FROM \"t\" WHERE \"at\" >= ((?3) || 'T00:00:00.000000Z') AND \"at\" < "
     "'2026-02-01T00:00:00.000000Z'"},
    {"SELECT id FROM t WHERE wide > 5 AND wide < :n",
     "SELECT \"id\" FROM \"t\" WHERE \"wide\" > '5' AND \"wide\" < CAST(?1 AS TEXT)"},
    {"SELECT price / 3 AS a, id / 3 AS b FROM t",
     "SELECT CAST(\"price\" AS REAL) / 3 AS \"a\", \"id\" / 3 AS \"b\" FROM \"t\""},
    {"SELECT id FROM t LIMIT :n OFFSET :n",
     "SELECT \"id\" FROM \"t\" LIMIT coalesce(?1, -1) OFFSET coalesce(?1, 0)"},
    {"SELECT day - :n AS a, day - :since AS b FROM t",
     "SELECT date(\"day\", (-(?1)) || ' days') AS \"a\", CAST(julianday(\"day\") - julianday(?3) "
     "AS "
     "INTEGER) AS \"b\" FROM \"t\""},
    {"SELECT 'a' AS a FROM t x WHERE x.name ILIKE :city",
     "SELECT 'a' AS \"a\" FROM \"t\" AS \"x\" WHERE \"x\".\"name\" LIKE ?4 ESCAPE '\\'"},
    {"SELECT sum(id) OVER (ORDER BY id ROWS 2 PRECEDING) AS s FROM t",
     "SELECT sum(\"id\") OVER (ORDER BY \"id\" NULLS LAST ROWS BETWEEN 2 PRECEDING AND CURRENT "
     "ROW) "
     "AS \"s\" FROM \"t\""},
    {"UPDATE t SET price = :n * 1.005, wide = :n, id = price WHERE id = :n",
     "UPDATE \"t\" SET \"price\" = round(?1 * 1.005, 2), \"wide\" = CAST(?1 AS TEXT), \"id\" = "
     "CAST(round(\"price\") AS INTEGER) WHERE \"id\" = ?1"},
};

static void test_translated(void **state)
{
    struct ddl_query out;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(translated); i++) {
        if (query(translated[i].sql, true, &out) < 0)
            fail_msg("%s: %s", translated[i].sql, err.text);
        same(out.text, translated[i].lite);
    }
}

static void test_postgres(void **state)
{
    struct ddl_query out;
    (void)state;
    assert_int_equal(query("SELECT ':n', :n, name::text, $$:n$$ FROM t -- :n\n"
                           "WHERE name = :city AND id = ANY(:ids); -- the end",
                           false, &out),
                     0);
    same(out.text, "SELECT ':n', $1::integer, name::text, $$:n$$ FROM t -- :n\n"
                   "WHERE name = $4 AND id = ANY($2::bigint[])");
    assert_true(out.used[0] && out.used[1] && !out.used[2] && out.used[3]);
}

static const struct {
    const char *expression, *name, *type;
} types[] = {
    {"id", "id", "bigint"},
    {"price", "price", "numeric(10,2)"},
    {"sum(price)", "sum", "numeric(1000,2)"},
    {"price * 1.5", "?column?", "numeric(1000,3)"},
    {"price / 3", "?column?", "numeric"},
    {"round(avg(id), 1)", "round", "numeric(1000,1)"},
    {"avg(id)", "avg", "numeric"},
    {"id > 3", "?column?", "boolean"},
    {"name || 'x'", "?column?", "text"},
    {"coalesce(price, 0)", "coalesce", "numeric(10,2)"},
    {"CASE WHEN id > 1 THEN at END", "case", "timestamptz"},
    {"at::date", "at", "date"},
    {"at - interval '1 day'", "?column?", "timestamptz"},
    {"doc -> 'a'", "?column?", "jsonb"},
    {"doc ->> 'a'", "?column?", "text"},
    {"(SELECT max(day) FROM t u)", "max", "date"},
    {"EXISTS (SELECT 1)", "exists", "boolean"},
    {"(SELECT x.n FROM (SELECT count(*) AS n FROM t) AS x)", "n", "bigint"},
    {"1::int", "int4", "bigint"},
};

static void test_types(void **state)
{
    struct ddl_query out;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        str sql = arena_printf(&set.arena, "SELECT %s FROM t", types[i].expression);
        if (query(sql.ptr, true, &out) < 0)
            fail_msg("%s: %s", sql.ptr, err.text);
        assert_int_equal(out.column_count, 1);
        if (!str_is(out.columns[0].type, types[i].type))
            fail_msg("%s is %.*s, not %s", types[i].expression, STR_ARG(out.columns[0].type),
                     types[i].type);
        same(out.columns[0].name, types[i].name);
    }
    assert_int_equal(
        query("WITH a (x, y) AS (SELECT id, day FROM t) SELECT *, 1 AS one FROM a", true, &out), 0);
    assert_int_equal(out.column_count, 3);
    same(out.columns[1].name, "y");
    same(out.columns[1].type, "date");
}

static const struct {
    const char *sql, *words;
} wrong[] = {
    {"SELECT 1;\n SELECT 2", "q.sql:2:2: a query is one statement"},
    {"-- nothing", "q.sql:1:1: the query has no SQL"},
    {"SELECT $1", "q.sql:1:8: write parameters by name"},
    {"SELECT :m", "q.sql:1:8: there is no parameter 'm'"},
    {"SELECT t.nam FROM t", "q.sql:1:8: there is no column 't.nam'; did you mean 'name'?"},
    {"SELECT id FROM t ORDER BY prise", "q.sql:1:27: there is no column 'prise'"},
    {"SELECT id FROM t JOIN t u ON t.id = u.idd", "q.sql:1:37: there is no column 'u.idd'"},
    {"SELECT (SELECT z.id) FROM t", "q.sql:1:16: there is no column 'z.id'"},
    {"SELECT id FROM tt", "q.sql:1:16: there is no table 'tt'; did you mean 't'?"},
    {"DELETE FROM t WHERE nam = 'x'", "q.sql:1:21: there is no column 'nam'"},
    {"CREATE TABLE x (a int)",
     "q.sql:1:1: a query is one SELECT, INSERT, UPDATE or DELETE, not Create"},
    {"TRUNCATE t", "q.sql:1:1: a query is one SELECT"},
};

static void test_wrong(void **state)
{
    struct ddl_query out;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        for (int sqlite = 0; sqlite < 2; sqlite++) {
            int code = query(wrong[i].sql, sqlite, &out);
            if (code != E_CONFIG || !str_starts(str_of(err.text), str_of(wrong[i].words)))
                fail_msg("%s\nwanted: %s\ngot: %s", wrong[i].sql, wrong[i].words, err.text);
        }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_header),   TEST(test_refused), TEST(test_translated),
        TEST(test_postgres), TEST(test_types),   TEST(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
