/* What is read from a CHECK must follow from it: a value that SQLite's own CHECK lets pass is never
 * refused. Held against SQLite over many made-up expressions. SPDX: Apache-2.0 */
#include "schema/schema_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

enum { ROUNDS = 4000, DEPTH = 3 };

/* The same expressions each time (splitmix64). */
static uint64_t seed = 20260101;

static size_t pick(size_t count)
{
    uint64_t x = seed += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (size_t)((x ^ x >> 31) % count);
}

#define ONE_OF(list) (list)[pick(COUNT_OF(list))]

static void put_term(struct buf *b)
{
    static const char *const ops[] = {">=", ">", "<=", "<", "=", "==", "<>", "!="};
    static const char *const operands[] = {"n",     "\"n\"", "[t]",    "length(t)", "LENGTH(\"t\")",
                                           "n + 1", "-n",    "abs(n)", "3",         "-1",
                                           "1.5",   "+2"};
    static const char *const whats[] = {"n", "length(t)", "n", "(n)", "t", "length(t) + 0"};
    static const char *const lists[] = {"'a', 'b'", "'a'", "'abc', '', 'b'", "'a', 1", "1, 2"};
    static const char *const others[] = {"n IS NULL",
                                         "t IS NULL",
                                         "n IS NOT NULL",
                                         "t LIKE 'a%'",
                                         "1",
                                         "0",
                                         "NULL",
                                         "CASE WHEN n >= 1 AND n < 3 THEN 0 ELSE 1 END",
                                         "t || 'x' >= 'b'",
                                         "n >= 1 = 0",
                                         "n BETWEEN 0 AND 3 = 0",
                                         "n >= 2 IS NULL",
                                         "t COLLATE NOCASE IN ('A')",
                                         "t = 'a'"};
    switch (pick(6)) {
    case 0:
    case 1:
        buf_printf(b, "%s %s %d", ONE_OF(whats), ONE_OF(ops), (int)pick(6) - 1);
        break;
    case 2:
        buf_printf(b, "%s %s %s", ONE_OF(operands), ONE_OF(ops), ONE_OF(operands));
        break;
    case 3:
        buf_printf(b, "%s%s BETWEEN %d AND %d", ONE_OF(whats), pick(4) ? "" : " NOT",
                   (int)pick(6) - 2, (int)pick(6));
        break;
    case 4:
        buf_printf(b, "t%s IN (%s)", pick(3) ? "" : " NOT", ONE_OF(lists));
        break;
    default:
        buf_str(b, str_of(ONE_OF(others)));
    }
}

static void put_expression(struct buf *b, unsigned depth)
{
    static const char *const joints[] = {" AND ", " AND ", " OR ", "\nand /* ) */ ", " AND\n"};
    size_t parts = depth ? 1 + pick(3) : 1;
    bool wrapped = pick(3) == 0, turned = pick(12) == 0;
    if (pick(6) == 0)
        buf_str(b, pick(2) ? LIT("n IS NULL OR ") : LIT("(t IS NULL) OR "));
    if (turned)
        buf_lit(b, "NOT ");
    if (wrapped)
        buf_char(b, '(');
    for (size_t i = 0; i < parts; i++) {
        if (i)
            buf_str(b, str_of(ONE_OF(joints)));
        if (depth)
            put_expression(b, depth - 1);
        else
            put_term(b);
    }
    if (wrapped)
        buf_char(b, ')');
}

/* ---- the two sides ---- */

struct model {
    struct arena arena;
    struct table table;
    struct column columns[2]; /* n, t */
    str collations[2];
    struct schema__work work;
};

static void read_check(struct model *m, str expression)
{
    struct check check;
    struct schema__clause clause = {.kind = CLAUSE_CHECK, .name = LIT(""), .text = expression};
    const struct column plain = {.nullable = true, .min_length = -1, .max_length = -1};
    m->columns[0] = m->columns[1] = plain;
    m->columns[0].name = LIT("n");
    m->columns[0].type = TYPE_INT4;
    m->columns[1].name = LIT("t");
    m->columns[1].type = TYPE_TEXT;
    m->columns[1].index = 1;
    m->table = (struct table){.name = LIT("v"), .columns = m->columns, .column_count = 2};
    m->collations[0] = m->collations[1] = LIT("");
    m->work = (struct schema__work){
        .table = &m->table, .columns = m->columns, .collations = m->collations};
    schema__check_read(&m->arena, &m->work, &clause, &check);
}

static bool says_something(const struct column *c)
{
    return c->has_min || c->has_max || c->min_length >= 0 || c->max_length >= 0 || c->label_count;
}

static bool taken(struct model *m, sqlite3_stmt *st, int at)
{
    struct value in = value_null(), out;
    struct value_fault fault;
    if (sqlite3_column_type(st, at) == SQLITE_INTEGER)
        in = value_int(sqlite3_column_int64(st, at));
    if (sqlite3_column_type(st, at) == SQLITE_TEXT)
        in = value_text(str_of((const char *)sqlite3_column_text(st, at)));
    return column_take(&m->columns[at], &m->arena, &in, false, &out, &fault);
}

/* Every row that the CHECK lets pass must be taken. */
static void held_against(sqlite3 *db, struct model *m, str expression)
{
    sqlite3_stmt *st = NULL;
    str sql = arena_printf(&m->arena, "SELECT n, t FROM v WHERE coalesce((%.*s), 1)",
                           STR_ARG(expression));
    if (sqlite3_prepare_v2(db, sql.ptr, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql.ptr, sqlite3_errmsg(db));
    while (sqlite3_step(st) == SQLITE_ROW) {
        for (int i = 0; i < 2; i++) {
            if (!taken(m, st, i))
                fail_msg("%.*s lets pass: %s, which is refused", STR_ARG(expression),
                         sqlite3_column_text(st, i));
        }
    }
    sqlite3_finalize(st);
}

static void nothing_that_passes_is_refused(void **state)
{
    (void)state;
    static const char rows[] =
        "CREATE TABLE v (n INTEGER, t TEXT);"
        "WITH n(n) AS (VALUES (NULL), (-2), (-1), (0), (1), (2), (3), (4), (5), (6)),"
        " t(t) AS (VALUES (NULL), (''), ('a'), ('b'), ('A'), ('abc'), ('1'), ('abcdefgh'))"
        " INSERT INTO v SELECT n, t FROM n, t;";
    sqlite3 *db = NULL;
    size_t said = 0;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct model m;
        struct buf b;
        arena_init(&m.arena, 1 << 24);
        buf_init(&b, 1 << 16);
        put_expression(&b, (unsigned)pick(DEPTH));
        read_check(&m, buf_view(&b));
        said += says_something(&m.columns[0]) || says_something(&m.columns[1]);
        held_against(db, &m, buf_view(&b));
        buf_fini(&b);
        arena_reset(&m.arena);
    }
    sqlite3_close(db);
    assert_true(said > ROUNDS / 10); /* else nothing was tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_passes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
