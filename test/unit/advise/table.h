/* table.h -- one table of text columns with rows, as facts. SPDX: Apache-2.0 */
#ifndef CAIRN_TEST_ADVISE_TABLE_H
#define CAIRN_TEST_ADVISE_TABLE_H

#include "advise/advise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define UNUSED __attribute__((unused)) /* not every test needs everything */

enum { COLUMNS_MOST = 8 };

static struct arena arena;
static struct schema schema;
static struct table table;
static struct column columns[COLUMNS_MOST];
static struct fact_table fact;
static struct facts facts;
static struct value *cells;
static size_t cell_count;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    memset(&table, 0, sizeof table);
    memset(columns, 0, sizeof columns);
    memset(&fact, 0, sizeof fact);
    map_init(&schema.by_name);
    map_init(&table.by_name);
    cells = ARENA_ARRAY(&arena, struct value, 100000);
    cell_count = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    map_fini(&schema.by_name);
    map_fini(&table.by_name);
    arena_reset(&arena);
    return 0;
}

/* "id name email": text columns, the first of which is the key. */
static void table_of(const char *name, const char *names)
{
    str rest = str_of(names);
    table.name = str_of(name);
    table.columns = columns;
    table.exposed = true;
    while (rest.ptr) {
        struct column *c = &columns[table.column_count];
        c->name = str_cut(&rest, ' ');
        c->type = TYPE_TEXT;
        c->index = table.column_count++;
        map_set(&table.by_name, c->name, c);
    }
    const struct column **key = ARENA_ARRAY(&arena, const struct column *, 1);
    key[0] = &columns[0];
    table.primary = (struct key){.columns = key, .count = 1, .unique = true};
    schema.tables = &table;
    schema.table_count = 1;
    map_set(&schema.by_name, table.name, &table);
}

/* A row after the key's own column; NULL is null. */
static UNUSED void row(const char *const *texts)
{
    str id = arena_printf(&arena, "%zu", cell_count);
    cells[cell_count++] = value_text(id);
    for (size_t i = 0; i + 1 < table.column_count; i++)
        cells[cell_count++] =
            texts[i] ? value_text(arena_str(&arena, str_of(texts[i]))) : value_null();
}
#define ROW(...) row((const char *const[]){__VA_ARGS__})

/* The codes of all advice, "code column; code column". */
static UNUSED const char *advised(bool all)
{
    struct advise_wish wish = {.all = all, .ignore = LIT("filter_without_index")};
    struct rows rows = {
        .cols = table.column_count, .count = cell_count / table.column_count, .cells = cells};
    struct advice *list;
    fact.table = &table;
    fact.rows = (int64_t)rows.count;
    fact.reads = -1;
    fact.values = ARENA_ARRAY(&arena, struct fact_values, table.column_count);
    fact.declared = ARENA_ARRAY(&arena, str, table.column_count);
    facts_sample(&arena, &fact, &rows);
    facts = (struct facts){.schema = &schema, .tables = &fact, .count = 1, .since = LIT("")};
    size_t count = advise(&facts, &wish, &arena, &list);
    str out = LIT("");
    for (size_t i = 0; i < count; i++)
        out = arena_printf(&arena, "%.*s%s%s %.*s", STR_ARG(out), i ? "; " : "",
                           advice_code(list[i].kind), STR_ARG(list[i].columns));
    return arena_str(&arena, out).ptr;
}

#endif
