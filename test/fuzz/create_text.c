/* create_text.c -- any text as that of a CREATE TABLE: clauses, and what its checks say.
 * SPDX: Apache-2.0
 * Never reads outside of the text; texts of clauses are parts of it; what a check says of a column
 * is well-formed. */
#include "schema/schema_priv.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct column plain[] = {
    {.name = STR_INIT("a"), .type = TYPE_INT4},
    {.name = STR_INIT("b"), .type = TYPE_TEXT},
    {.name = STR_INIT("c"), .type = TYPE_NUMERIC, .precision = 10, .scale = 2},
    {.name = STR_INIT("d"), .type = TYPE_ENUM},
    {.name = STR_INIT("length"), .type = TYPE_BYTES},
};

static void well_formed(struct arena *a, const struct column *c)
{
    str again;
    BUG_ON(c->has_min && !decimal_canon(a, c->min, 0, -1, &again));
    BUG_ON(c->has_max && !decimal_canon(a, c->max, 0, -1, &again));
    BUG_ON(c->min_length < -1 || c->max_length < -1);
    for (size_t i = 0; i < c->label_count; i++)
        BUG_ON(!c->labels[i].ptr);
}

static void checks(struct arena *a, str sql, const struct schema__clause *list, size_t count)
{
    struct table table = {.name = LIT("t"), .column_count = COUNT_OF(plain)};
    struct column columns[COUNT_OF(plain)];
    str collations[COUNT_OF(plain)] = {{NULL, 0}};
    struct schema__work w = {.table = &table, .columns = columns, .collations = collations};
    memcpy(columns, plain, sizeof plain);
    table.columns = columns;
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        columns[i].index = i;
        columns[i].min_length = columns[i].max_length = -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct check check;
        str text = list[i].text;
        if (list[i].kind != CLAUSE_CHECK)
            continue;
        BUG_ON(text.len && (text.ptr < sql.ptr || text.ptr + text.len > sql.ptr + sql.len));
        schema__check_read(a, &w, &list[i], &check);
        BUG_ON(check.count > COUNT_OF(plain));
    }
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        well_formed(a, &columns[i]);
}

/* The tokens are in order, within the text, and never empty before the end. */
static void tokens(str sql)
{
    str rest = sql;
    for (;;) {
        const char *before = rest.ptr;
        struct schema__token t = schema__token_next(&rest);
        if (t.kind == TOKEN_END)
            break;
        BUG_ON(!t.text.len || t.text.ptr < before || rest.ptr != t.text.ptr + t.text.len);
    }
    BUG_ON(rest.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct schema__clause *list;
    str sql = {(const char *)data, size};
    if (size > 1 << 16)
        return 0;
    arena_init(&a, (size_t)1 << 30);
    tokens(sql);
    size_t count = schema__clauses(&a, sql, &list);
    checks(&a, sql, list, count);
    /* The text alone, too, as that of one check. */
    struct schema__clause whole = {.kind = CLAUSE_CHECK, .name = LIT(""), .text = sql};
    checks(&a, sql, &whole, 1);
    arena_reset(&a);
    return 0;
}
