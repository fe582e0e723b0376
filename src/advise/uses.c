/* uses.c -- indexes that nobody reads, or that could be much smaller: what the rows and the
 * engine's counters tell of them. SPDX: Apache-2.0 */
#include "advise/advise_priv.h"

enum { SAMPLE_LEAST = 200, READS_LEAST = 100 };

static void invalid(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    struct advice *to = x->valid ? NULL : advise__add(v, t, ADVICE_INVALID, NULL);
    if (!to)
        return;
    to->reason = arena_printf(v->arena,
                              "the making of %.*s failed (a value twice, a broken connection): "
                              "writes keep it up, reads do not use it.",
                              STR_ARG(x->name));
    to->index = x->name;
    to->sql = arena_printf(v->arena, "DROP INDEX %.*s; -- then make it again\n",
                           STR_ARG(advise__name(v->arena, x->name)));
}

/* Other advice drops it already. */
static bool goes(const struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->list[i].table == t->table && str_eq(v->list[i].index, x->name))
            return true;
    }
    return false;
}

/* Reads that an index might have served: not those by the primary key, which every check of a
 * foreign key counts as one. */
static int64_t reads_of(const struct fact_table *t)
{
    int64_t reads = t->reads;
    for (size_t i = 0; i < t->index_count; i++) {
        if (t->indexes[i].primary && t->indexes[i].scans > 0)
            reads -= t->indexes[i].scans;
    }
    return reads;
}

static void unused(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    const struct column *c = x->columns[0];
    if (x->scans != 0 || x->unique || !x->valid || advise__small(v, t) ||
        (reads_of(t) < READS_LEAST && !v->wish->all) || (c && advise__foreign(t->table, c)))
        return;
    struct advice *to = advise__add(v, t, ADVICE_UNUSED, c);
    if (!to)
        return;
    to->reason = arena_printf(
        v->arena,
        "nothing has read %.*s %.*s, while %.*s was read %lld times; every write pays for it. "
        "Keep it when a report or another server reads it.",
        STR_ARG(x->name), STR_ARG(v->facts->since), STR_ARG(t->table->name),
        (long long)reads_of(t));
    advise__drop(v, to, t, x);
}

/* ---- what the values say ---- */

/* A value as a literal of SQL, for texts, booleans and numbers that are short. */
static str literal(struct arena *a, const struct column *c, str text)
{
    if (c->type == TYPE_BOOL)
        return str_is(text, "1") || str_is(text, "true") ? LIT("true") : LIT("false");
    str out = LIT("'");
    for (size_t i = 0; i < text.len; i++)
        out =
            arena_printf(a, "%.*s%s%c", STR_ARG(out), text.ptr[i] == '\'' ? "'" : "", text.ptr[i]);
    return arena_printf(a, "%.*s'", STR_ARG(out));
}

static void mostly_null(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    const struct column *c = x->columns[0];
    const struct fact_values *f = &t->values[c->index];
    struct advice *to = advise__add(v, t, ADVICE_PARTIAL, c);
    if (!to)
        return;
    to->reason = arena_printf(
        v->arena,
        "%.0f %% of %.*s.%.*s are null, and %.*s holds them all. An index over the others alone "
        "serves every filter for a value and is as much smaller.",
        100 * advise__share(t, f->counts[0]), STR_ARG(t->table->name), STR_ARG(c->name),
        STR_ARG(x->name));
    advise__drop(v, to, t, x);
    str where =
        arena_printf(v->arena, "%.*s IS NOT NULL", STR_ARG(advise__name(v->arena, c->name)));
    advise__create(v, to, t->table, &c, 1, where.ptr);
}

/* One value fills the index, and another one is rare: that one is looked for. */
static void one_rare(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    const struct column *c = x->columns[0];
    const struct fact_values *f = &t->values[c->index];
    uint32_t most = advise__most(f), rare = advise__rarest(f);
    struct advice *to = advise__add(v, t, ADVICE_PARTIAL, c);
    if (!to)
        return;
    const struct key *k = &t->table->primary;
    str value = literal(v->arena, c, f->texts[rare]);
    to->reason = arena_printf(
        v->arena,
        "%.*s.%.*s is %.*s in %.0f %% of the rows, and %.*s in %.1f %%: an index of the rare rows "
        "alone is small, and serves queries that name the value (a named query, a job). For the "
        "frequent value no index helps.",
        STR_ARG(t->table->name), STR_ARG(c->name), STR_ARG(literal(v->arena, c, f->texts[most])),
        100 * advise__share(t, f->counts[most]), STR_ARG(value),
        100 * advise__share(t, f->counts[rare]));
    advise__drop(v, to, t, x);
    str where = arena_printf(v->arena, "%.*s = %.*s", STR_ARG(advise__name(v->arena, c->name)),
                             STR_ARG(value));
    advise__create(v, to, t->table, k->count ? k->columns : &c, k->count ? k->count : 1, where.ptr);
}

/* The column that lists of t are most likely sorted by: a time, else none. */
static const struct column *sorted_by(const struct table *t)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].type == TYPE_TIMESTAMP && !t->columns[i].nullable)
            return &t->columns[i];
    }
    return NULL;
}

static void few_values(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    const struct column *list[2] = {x->columns[0], sorted_by(t->table)};
    const struct fact_values *f = &t->values[list[0]->index];
    struct advice *to = advise__add(v, t, ADVICE_LOW, list[0]);
    if (!to)
        return;
    to->reason = arena_printf(
        v->arena,
        "%.*s.%.*s has %u value%s, the rarest of them in %.0f %% of the rows: to read so much of a "
        "table by an index costs more than to read it whole.%s",
        STR_ARG(t->table->name), STR_ARG(list[0]->name), f->distinct, f->distinct == 1 ? "" : "s",
        100 * advise__share(t, f->counts[advise__rarest(f)]),
        list[1] ? " In front of the column that lists are sorted by it is worth its place." : "");
    advise__drop(v, to, t, x);
    if (list[1] && list[1] != list[0])
        advise__create(v, to, t->table, list, 2, "");
}

static void values(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    enum { FEW = 10, SHORT = 40 };
    const struct column *c = x->columns[0];
    if (x->unique || x->count != 1 || !c || x->where.len || !x->own || advise__small(v, t) ||
        t->sample < SAMPLE_LEAST || !t->values[c->index].column)
        return;
    const struct fact_values *f = &t->values[c->index];
    uint32_t most = advise__most(f), rare = advise__rarest(f);
    double least = advise__share(t, f->counts[rare]);
    bool words = c->type == TYPE_TEXT || c->type == TYPE_ENUM || c->type == TYPE_BOOL;
    if (advise__share(t, f->counts[0]) >= 0.8)
        mostly_null(v, t, x);
    else if (advise__foreign(t->table, c) || f->distinct > FEW)
        return;
    else if (words && advise__share(t, f->counts[most]) >= 0.7 && least <= 0.05 &&
             f->texts[rare].len <= SHORT)
        one_rare(v, t, x);
    else if (least >= 0.05)
        few_values(v, t, x);
}

void advise__uses(struct advisor *v, const struct fact_table *t)
{
    for (size_t i = 0; i < t->index_count; i++) {
        invalid(v, t, &t->indexes[i]);
        if (!goes(v, t, &t->indexes[i]))
            values(v, t, &t->indexes[i]);
        if (!goes(v, t, &t->indexes[i]))
            unused(v, t, &t->indexes[i]);
    }
}
