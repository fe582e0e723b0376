/* cursor.c -- any text as a cursor, and any byte of a good one changed. SPDX: Apache-2.0
 * Only what cursor_make gave is taken back, only with the same list and secret, and then exactly.
 */
#include "../unit/sql/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sorts[] = {"id", "-city,age", "score,-big.nullslast", "photo,uid,-active"};
static struct model *model;

static int ask(struct arena *a, const char *sort, str cursor, str secret, struct list_query *q)
{
    const struct query_param params[] = {{LIT("sort"), str_of(sort)}, {LIT("cursor"), cursor}};
    struct err err = {0};
    int rc = query_list(a, &model->tables[USERS], params, 2,
                        &(struct list_rules){.limits = &limits, .secret = secret}, q, &err);
    BUG_ON(rc < 0 && (rc != E_BAD || !str_is(err.word, "bad_cursor")));
    return rc;
}

/* The next cell out of the input, of any kind an engine gives. */
static struct value cell(str *in)
{
    unsigned char kind = in->len ? (unsigned char)in->ptr[0] : 0;
    char raw[8] = {0};
    *in = str_from(*in, 1);
    memcpy(raw, in->ptr, in->len < 8 ? in->len : 8);
    struct value v = {.kind = (enum value_kind)(kind % (V_BYTES + 1))};
    if (v.kind == V_BOOL) {
        v.truth = raw[0] & 1;
    } else if (v.kind == V_INT || v.kind == V_FLOAT) {
        memcpy(&v.i, raw, sizeof v.i);
    } else if (v.kind != V_NULL) {
        v.text = str_upto(*in, kind >> 4);
        *in = str_from(*in, kind >> 4);
        return v;
    }
    *in = str_from(*in, 8);
    return v;
}

static void check_values(const struct list_query *made, const struct value *cells,
                         const struct list_query *read)
{
    const struct select *s = &made->select;
    for (size_t i = 0; i < s->order_count; i++) {
        size_t col = 0;
        while (s->columns[col] != s->order[i].column)
            col++;
        BUG_ON(!value_eq(&cells[col], &read->select.after[i]));
    }
}

static void check_flips(struct arena *a, const char *sort, str cursor, str salt)
{
    struct list_query q;
    for (size_t i = 0; i < salt.len && i < 16; i++) {
        str bad = arena_str(a, cursor);
        unsigned char bits = (unsigned char)salt.ptr[i];
        size_t at = (i * 131 + bits) % bad.len;
        ((char *)(uintptr_t)bad.ptr)[at] ^= (char)(bits ? bits : 1);
        BUG_ON(ask(a, sort, bad, LIT("secret"), &q) == 0);
        BUG_ON(ask(a, sort, str_upto(cursor, at ? at : 1), LIT("secret"), &q) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    model = model ? model : model_new();
    struct arena a;
    struct list_query made, read;
    struct value cells[32];
    str text = str_make((const char *)data + 1, size - 1), rest = text;
    const char *sort = sorts[data[0] % COUNT_OF(sorts)];
    bool backwards = data[0] & 4;
    arena_init(&a, (size_t)1 << 28);
    BUG_ON(ask(&a, sort, text, LIT("secret"), &made) == 0 && text.len);
    BUG_ON(ask(&a, sort, LIT(""), LIT("secret"), &made) != 0);
    BUG_ON(made.select.column_count > COUNT_OF(cells));
    for (size_t i = 0; i < made.select.column_count; i++)
        cells[i] = cell(&rest);
    str cursor = cursor_make(&a, &made, cells, backwards, LIT("secret"));
    BUG_ON(ask(&a, sort, cursor, LIT("secret"), &read) != 0);
    BUG_ON(read.select.backwards != backwards || !read.explicit_cursor);
    check_values(&made, cells, &read);
    BUG_ON(ask(&a, sort, cursor, LIT("other"), &read) == 0);
    BUG_ON(ask(&a, sorts[(data[0] + 1) % COUNT_OF(sorts)], cursor, LIT("secret"), &read) == 0);
    check_flips(&a, sort, cursor, text);
    arena_reset(&a);
    return 0;
}
