/* Lines of plans, as both engines write them. SPDX: Apache-2.0 */
#include "table.h"

static const char *reads(enum dialect d, const char *line)
{
    static const char *const kinds[] = {"scan", "along", "index", "key", "sort"};
    struct access x;
    if (!access_read(d, str_of(line), &x))
        return "nothing";
    return arena_printf(&arena, "%s %.*s %.*s", kinds[x.kind], STR_ARG(x.table), STR_ARG(x.index))
        .ptr;
}

static void lines_of_sqlite(void **state)
{
    (void)state;
    assert_string_equal(reads(DIALECT_SQLITE, "SCAN users"), "scan users ");
    assert_string_equal(reads(DIALECT_SQLITE, "SCAN t0 USING COVERING INDEX i"), "along t0 i");
    assert_string_equal(reads(DIALECT_SQLITE, "SEARCH t0 USING INDEX idx_a (a=?)"),
                        "index t0 idx_a");
    assert_string_equal(reads(DIALECT_SQLITE, "SEARCH users USING INTEGER PRIMARY KEY (rowid=?)"),
                        "key users ");
    assert_string_equal(reads(DIALECT_SQLITE, "USE TEMP B-TREE FOR ORDER BY"), "sort  ");
    assert_string_equal(reads(DIALECT_SQLITE, "SCAN k VIRTUAL TABLE INDEX 1:"), "nothing");
    assert_string_equal(reads(DIALECT_SQLITE, "CORRELATED SCALAR SUBQUERY 1"), "nothing");
    assert_string_equal(reads(DIALECT_SQLITE, ""), "nothing");
}

static void lines_of_postgres(void **state)
{
    (void)state;
    assert_string_equal(
        reads(DIALECT_POSTGRES, "  ->  Seq Scan on users t0  (cost=0.00..25.02 rows=1 width=670)"),
        "scan users ");
    assert_string_equal(
        reads(DIALECT_POSTGRES, "Index Scan using users_pkey on users  (cost=0.28..8.29)"),
        "key users users_pkey");
    assert_string_equal(
        reads(DIALECT_POSTGRES, "->  Index Only Scan Backward using i on posts t0  (cost=0)"),
        "index posts i");
    assert_string_equal(reads(DIALECT_POSTGRES, "->  Bitmap Index Scan on i  (cost=0.00..4.40)"),
                        "index  i");
    assert_string_equal(reads(DIALECT_POSTGRES, "Seq Scan on \"Orders\" o  (cost=0)"),
                        "scan Orders ");
    assert_string_equal(reads(DIALECT_POSTGRES, "Sort  (cost=25.04..25.04)"), "sort  ");
    assert_string_equal(reads(DIALECT_POSTGRES, "  Filter: (a = ' using b on c ')"), "nothing");
    assert_string_equal(reads(DIALECT_POSTGRES, "->"), "nothing");
}

static void names_are_tables_or_their_aliases(void **state)
{
    (void)state;
    table_of("posts", "id title");
    str sql = LIT("SELECT t0.\"id\" FROM json_each(?1) AS k CROSS JOIN \"posts\" AS t0 WHERE true");
    assert_ptr_equal(access_table(&schema, sql, LIT("t0")), &table);
    assert_ptr_equal(access_table(&schema, sql, LIT("posts")), &table);
    assert_null(access_table(&schema, sql, LIT("k")));
    assert_null(access_table(&schema, sql, LIT("t")));
    assert_null(access_table(&schema, LIT(""), LIT("t0")));
    assert_ptr_equal(access_table(&schema, LIT("SELECT 1 FROM posts p JOIN x"), LIT("p")), &table);
    assert_ptr_equal(access_table(&schema, LIT("SELECT 1 FROM posts as p"), LIT("p")), &table);
    assert_null(access_table(&schema, LIT("SELECT 1 FROM post p"), LIT("p")));
}

static void an_index_is_offered_for_what_is_asked(void **state)
{
    (void)state;
    table_of("posts", "id title");
    struct advice list[] = {{.kind = ADVICE_FILTER, .table = &table, .column = &columns[1]}};
    assert_non_null(access_advice(
        list, 1, &table, LIT("SELECT \"id\" FROM \"posts\" WHERE \"title\" = ?1 LIMIT ?2")));
    assert_non_null(
        access_advice(list, 1, &table, LIT("SELECT \"id\" FROM \"posts\" ORDER BY \"title\"")));
    assert_null(
        access_advice(list, 1, &table, LIT("SELECT \"title\" FROM \"posts\" WHERE \"id\" = 1")));
    assert_null(
        access_advice(list, 1, &table, LIT("SELECT 1 FROM \"posts\" WHERE \"subtitle\" = 1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(lines_of_sqlite),
        T(lines_of_postgres),
        T(names_are_tables_or_their_aliases),
        T(an_index_is_offered_for_what_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
