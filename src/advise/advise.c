/* advise.c -- every rule on every table. SPDX: Apache-2.0
 * What is not worth the reader's time is no advice: small tables need no index (the database reads
 * them whole), and a sample that is too small proves nothing. */
#include "advise/advise_priv.h"

static const struct {
    const char *code, *title;
    enum advice_level level;
} kinds[] = {
#define X(name, code, level, title) {code, title, ADVICE_##level},
#include "advise/advice.def"
#undef X
};

const char *advice_code(enum advice_kind k)
{
    return kinds[k].code;
}

const char *advice_title(enum advice_kind k)
{
    return kinds[k].title;
}

bool advise__small(const struct advisor *v, const struct fact_table *t)
{
    return t->rows < ADVISE_SMALL && !v->wish->all;
}

str advise__rows(struct arena *a, const struct fact_table *t)
{
    if (t->rows == 1)
        return LIT("1 row");
    return arena_printf(a, "%s%lld rows", t->more ? "at least " : "", (long long)t->rows);
}

/* "CODE", "CODE:TABLE" or "CODE:TABLE.COLUMN" */
static bool matches(str word, enum advice_kind k, const struct table *t, const struct column *c)
{
    str rest = word;
    if (!str_is(str_cut(&rest, ':'), kinds[k].code))
        return false;
    if (!rest.ptr)
        return true;
    return str_eq(str_cut(&rest, '.'), t->name) && (!rest.ptr || (c && str_eq(rest, c->name)));
}

static bool ignored(const struct advisor *v, enum advice_kind k, const struct table *t,
                    const struct column *c)
{
    str rest = v->wish->ignore;
    for (size_t i = 0; i < rest.len;) {
        size_t end = i;
        while (end < rest.len && rest.ptr[end] != ',' && rest.ptr[end] != ' ')
            end++;
        if (matches(str_upto(str_from(rest, i), end - i), k, t, c))
            return true;
        i = end + 1;
    }
    return false;
}

struct advice *advise__add(struct advisor *v, const struct fact_table *t, enum advice_kind k,
                           const struct column *c)
{
    if (v->count == ADVICE_MOST || ignored(v, k, t->table, c))
        return NULL;
    struct advice *out = &v->list[v->count++];
    *out = (struct advice){.kind = k,
                           .level = kinds[k].level,
                           .table = t->table,
                           .column = c,
                           .columns = c ? c->name : LIT(""),
                           .index = LIT(""),
                           .reason = LIT(""),
                           .sql = LIT(""),
                           .undo = LIT("")};
    return out;
}

size_t advise(const struct facts *f, const struct advise_wish *wish, struct arena *a,
              struct advice **out)
{
    struct advisor v = {.facts = f, .wish = wish, .arena = a};
    v.list = ARENA_ARRAY(a, struct advice, ADVICE_MOST);
    for (size_t i = 0; i < f->count; i++) {
        const struct fact_table *t = &f->tables[i];
        if (t->table->view)
            continue;
        advise__indexes(&v, t); /* before keys: they look at what indexes it makes */
        advise__keys(&v, t);
        advise__uses(&v, t);
        advise__forms(&v, t);
        advise__depends(&v, t);
        advise__types(&v, t);
    }
    *out = v.list;
    return v.count;
}
