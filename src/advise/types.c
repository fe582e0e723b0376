/* types.c -- types that lose something, or cost more than they have to. SPDX: Apache-2.0 */
#include "advise/advise_priv.h"

/* ALTER ... TYPE, which every engine of the project understands in a migration. */
static void retype(struct advisor *v, struct advice *to, const char *type, const char *how)
{
    str table = advise__name(v->arena, to->table->name);
    str column = advise__name(v->arena, to->column->name);
    to->sql = arena_printf(v->arena, "ALTER TABLE %.*s ALTER COLUMN %.*s TYPE %s%s%s;\n",
                           STR_ARG(table), STR_ARG(column), type,
                           v->facts->dialect == DIALECT_POSTGRES && *how ? " USING " : "",
                           v->facts->dialect == DIALECT_POSTGRES ? how : "");
}

static void money(struct advisor *v, const struct fact_table *t, const struct column *c)
{
    static const char *const words[] = {"price",   "amount", "cost",   "balance", "salary", "fee",
                                        "payment", "money",  "budget", "revenue", "wage",   "debt"};
    bool sum = str_is(c->name, "total") || str_is(c->name, "tax") ||
               str_ends(c->name, LIT("_total")) || str_ends(c->name, LIT("_tax"));
    if (c->type != TYPE_FLOAT4 && c->type != TYPE_FLOAT8)
        return;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        sum = sum || advise__holds(c->name, words[i]);
    struct advice *to = sum ? advise__add(v, t, ADVICE_MONEY, c) : NULL;
    if (!to)
        return;
    to->reason = arena_printf(v->arena,
                              "%.*s.%.*s is binary: 0.1 + 0.2 is 0.30000000000000004 there, and "
                              "sums drift. Money is NUMERIC(12,2), or whole cents.",
                              STR_ARG(t->table->name), STR_ARG(c->name));
    retype(v, to, "NUMERIC(12,2)", "");
}

static void zone(struct advisor *v, const struct fact_table *t, const struct column *c)
{
    str type = t->declared[c->index];
    bool none = str_starts(type, LIT("timestamp")) && advise__holds(type, "without time zone");
    none = none || (str_starts(type, LIT("TIMESTAMP")) && !str_starts(type, LIT("TIMESTAMPTZ")));
    struct advice *to = none ? advise__add(v, t, ADVICE_ZONE, c) : NULL;
    if (!to)
        return;
    to->reason = arena_printf(v->arena,
                              "%.*s.%.*s does not keep which zone its times are of: each writer "
                              "means its own. TIMESTAMPTZ is the same size and means one moment.",
                              STR_ARG(t->table->name), STR_ARG(c->name));
    str how =
        arena_printf(v->arena, "%.*s AT TIME ZONE 'UTC'", STR_ARG(advise__name(v->arena, c->name)));
    retype(v, to, "TIMESTAMPTZ", how.ptr);
}

static void padded(struct advisor *v, const struct fact_table *t, const struct column *c)
{
    str type = t->declared[c->index];
    bool fixed = str_starts(type, LIT("character(")) || str_starts(type, LIT("CHAR("));
    struct advice *to = fixed && c->length > 1 ? advise__add(v, t, ADVICE_PADDED, c) : NULL;
    if (!to)
        return;
    to->reason = arena_printf(v->arena,
                              "%.*s.%.*s fills up with blanks, which count in some comparisons and "
                              "not in others. VARCHAR(%d) or TEXT with a CHECK says the same.",
                              STR_ARG(t->table->name), STR_ARG(c->name), c->length);
    retype(v, to, arena_printf(v->arena, "VARCHAR(%d)", c->length).ptr, "");
}

static bool all_uuids(const struct fact_values *x)
{
    char canon[36];
    for (uint32_t i = 1; i <= x->distinct; i++) {
        if (!uuid_canon(x->texts[i], canon))
            return false;
    }
    return x->distinct >= 20;
}

static void uuid(struct advisor *v, const struct fact_table *t, const struct column *c)
{
    bool text = c->type == TYPE_TEXT && t->values[c->index].column;
    struct advice *to =
        text && all_uuids(&t->values[c->index]) ? advise__add(v, t, ADVICE_UUID, c) : NULL;
    if (!to)
        return;
    to->reason =
        arena_printf(v->arena,
                     "every value of %.*s.%.*s looked at is a UUID: as UUID it is checked, "
                     "and on PostgreSQL has 16 bytes instead of 37.",
                     STR_ARG(t->table->name), STR_ARG(c->name));
    str how = arena_printf(v->arena, "%.*s::uuid", STR_ARG(advise__name(v->arena, c->name)));
    retype(v, to, "UUID", how.ptr);
}

/* ---- keys ---- */

/* SQLite keeps integers of every width alike. */
static void mismatch(struct advisor *v, const struct fact_table *t, const struct foreign_key *f)
{
    for (size_t i = 0; v->facts->dialect == DIALECT_POSTGRES && i < f->from.count; i++) {
        const struct column *from = f->from.columns[i], *to = f->to.columns[i];
        struct advice *out = from->type == to->type ? NULL : advise__add(v, t, ADVICE_TYPES, from);
        if (!out)
            continue;
        out->reason =
            arena_printf(v->arena,
                         "%.*s.%.*s is %s, and %.*s.%.*s, which it points to, is %s: "
                         "each comparison converts, and the narrower one fills up first.",
                         STR_ARG(t->table->name), STR_ARG(from->name), type_name(from->type),
                         STR_ARG(f->target->name), STR_ARG(to->name), type_name(to->type));
        retype(v, out, type_name(to->type), "");
    }
}

static void running_out(struct advisor *v, const struct fact_table *t)
{
    const struct key *k = &t->table->primary;
    const struct column *c = k->count == 1 ? k->columns[0] : NULL;
    int64_t end = c && c->type == TYPE_INT2 ? INT16_MAX : INT32_MAX;
    struct advice *to = c && t->largest > end / 2 ? advise__add(v, t, ADVICE_NUMBERS, c) : NULL;
    if (!to)
        return;
    to->reason = arena_printf(v->arena,
                              "%.*s.%.*s has come to %lld of %lld; past that every insert fails. "
                              "The columns that point to it have to grow too.",
                              STR_ARG(t->table->name), STR_ARG(c->name), (long long)t->largest,
                              (long long)end);
    retype(v, to, "BIGINT", "");
}

void advise__types(struct advisor *v, const struct fact_table *t)
{
    for (size_t i = 0; i < t->table->column_count; i++) {
        const struct column *c = &t->table->columns[i];
        money(v, t, c);
        zone(v, t, c);
        padded(v, t, c);
        uuid(v, t, c);
    }
    for (size_t i = 0; i < t->table->foreign_key_count; i++)
        mismatch(v, t, &t->table->foreign_keys[i]);
    running_out(v, t);
}
