/* access.c -- what the rules let a caller do.
 * Rows: those of any rule. Columns: open when a rule without a condition opens them, or when every
 * rule that counts does; so no row ever shows more than one of the rules for it would. Checks of a
 * new row: some rule must hold, its condition and its check. SPDX: Apache-2.0 */
#include "policy/access_priv.h"

const char *action_name(enum action a)
{
    static const char *const names[ACTIONS] = {"read", "create", "update", "delete"};
    return names[a];
}

unsigned access_actions(str word)
{
    if (str_is(word, "all") || str_is(word, "*"))
        return ACTION_ALL;
    if (str_is(word, "write"))
        return ACTION_ALL & ~ACTION_BIT(ACTION_READ);
    for (int i = 0; i < ACTIONS; i++) {
        if (str_is(word, action_name((enum action)i)))
            return ACTION_BIT(i);
    }
    return 0;
}

bool access_permission(str text, struct access_rule_wish *out)
{
    str rest = text;
    out->table = str_cut(&rest, ':');
    out->actions = access_actions(rest.ptr ? str_cut(&rest, ':') : LIT("*"));
    out->own = rest.ptr && str_is(rest, "own");
    return out->table.len && out->actions && (!rest.ptr || out->own);
}

size_t access_faults(const struct access *x, const str **out)
{
    *out = x->faults;
    return x->fault_count;
}

uint64_t access_roles(const struct access *x, const struct principal *me)
{
    uint64_t bits = x->roles[0].bits | (me ? x->roles[1].bits : 0);
    for (size_t i = 0; me && i < me->role_count; i++) {
        for (size_t k = 2; k < x->role_count; k++)
            bits |= str_eq(x->roles[k].name, me->roles[i]) ? x->roles[k].bits : 0;
    }
    return bits;
}

/* Roles with the same rules shadow each other from the first one on: of any set one stays. */
uint64_t access_ruled(const struct access *x, uint64_t roles)
{
    uint64_t out = roles & x->ruled;
    for (uint64_t left = out; left; left &= left - 1) {
        if (x->shadows[__builtin_ctzll(left)] & roles)
            out &= ~(left & -left);
    }
    return out;
}

size_t access_role_names(const struct access *x, uint64_t roles, str out[ROLES_MOST + 2])
{
    size_t count = 0;
    for (size_t i = 0; i < x->role_count; i++) {
        if (roles >> i & 1)
            out[count++] = x->roles[i].name;
    }
    return count;
}

static bool counts(const struct access_rule *r, enum action act, uint64_t roles)
{
    return r->actions & ACTION_BIT(act) && r->roles & roles;
}

const struct table_access *access__of(const struct access *x, const struct table *t)
{
    return &x->tables[(t->model ? t->model : t) - x->schema->tables];
}

void access__or(struct arena *a, struct cond **all, bool first, struct cond *y)
{
    struct cond *x = *all;
    if (y && y->kind == COND_TRUE)
        y = NULL;
    if (first || (x && x->kind == COND_FALSE)) {
        *all = y;
    } else if (!x || !y) {
        *all = NULL;
    } else if (y->kind != COND_FALSE) {
        struct cond *c = ARENA_NEW(a, struct cond);
        c->kind = COND_OR;
        c->parts = arena_new(a, 2 * sizeof *c->parts);
        c->parts[0] = x;
        c->parts[1] = y;
        c->part_count = 2;
        *all = c;
    }
}

static void add_presets(struct arena *a, const struct access_rule *r, const struct principal *me,
                        struct grant *g)
{
    if (!r->preset_count)
        return;
    struct preset *list = ARENA_ARRAY(a, struct preset, g->preset_count + r->preset_count);
    if (g->preset_count)
        memcpy(list, g->presets, g->preset_count * sizeof *list);
    for (size_t i = 0; i < r->preset_count; i++) {
        const struct access_preset *p = &r->presets[i];
        struct preset *out = &list[g->preset_count++];
        *out = (struct preset){.column = p->column, .value = p->value};
        if (p->claim.len)
            out->value = rule__claim(a, p->column, p->claim, me);
    }
    g->presets = list;
}

/* The columns closed by all rules that count: opened by one without a condition, or by each. */
struct columns {
    bool *open, *closed; /* by some rule without a condition; by some rule */
    size_t count;
};

static void merge_columns(const struct access_rule *r, struct columns *c)
{
    for (size_t i = 0; i < c->count; i++) {
        bool closed = r->closed && r->closed[i];
        c->closed[i] |= closed;
        c->open[i] |= !r->where && !closed;
    }
}

/* What is made of a closed column is closed, too. */
static void close_made(const struct table *t, bool *closed)
{
    for (size_t i = t->model ? t->model->column_count : t->column_count; i < t->column_count; i++) {
        const struct inside *in = t->columns[i].inside;
        for (size_t k = 0; k < in->member_count; k++)
            closed[i] |= closed[in->members[k]->index];
    }
}

const bool *access_closed(struct arena *a, const struct access *x, const struct table *t,
                          enum action act, uint64_t roles)
{
    const struct table_access *ta = access__of(x, t);
    struct columns c = {.open = ARENA_ARRAY(a, bool, t->column_count),
                        .closed = ARENA_ARRAY(a, bool, t->column_count),
                        .count = t->model ? t->model->column_count : t->column_count};
    bool any = false;
    for (size_t i = 0; i < ta->rule_count; i++) {
        if (counts(&ta->rules[i], act, roles))
            merge_columns(&ta->rules[i], &c);
    }
    for (size_t i = 0; i < c.count; i++) {
        c.closed[i] = (c.closed[i] && !c.open[i]) || (ta->secret && ta->secret[i]);
        any |= c.closed[i];
    }
    close_made(t, c.closed);
    return any ? c.closed : NULL;
}

static struct cond *both(struct arena *a, struct cond *x, struct cond *y)
{
    if ((x && x->kind == COND_FALSE) || !y || y->kind == COND_TRUE)
        return x;
    if (!x || x->kind == COND_TRUE || y->kind == COND_FALSE)
        return y;
    return cond_and(a, x, y);
}

static void rules_grant(struct arena *a, const struct access *x, const struct table *t,
                        const struct asking *q, struct grant *out)
{
    const struct table_access *ta = access__of(x, t);
    *out = (struct grant){0};
    for (size_t i = 0; i < ta->rule_count; i++) {
        const struct access_rule *r = &ta->rules[i];
        if (!counts(r, q->act, q->roles))
            continue;
        struct cond *where = r->where ? rule_cond(a, r->where, q->me, q->now_ns) : NULL;
        struct cond *check = r->check ? rule_cond(a, r->check, q->me, q->now_ns) : where;
        if (r->check && q->act == ACTION_CREATE)
            check = both(a, where, check);
        if (where && where->kind == COND_FALSE)
            continue;
        access__or(a, &out->where, !out->allowed, where);
        access__or(a, &out->check, !out->allowed, check);
        add_presets(a, r, q->me, out);
        out->allowed = true;
    }
}

/* A row that the caller may not read does not exist for it: no rule about changing shows it. */
static void readable_only(struct arena *a, const struct access *x, const struct table *t,
                          const struct asking *q, struct grant *g)
{
    struct asking read = *q;
    struct grant seen;
    read.act = ACTION_READ;
    rules_grant(a, x, t, &read, &seen);
    g->allowed = seen.allowed;
    g->where = both(a, g->where, seen.where);
}

void access_grant(struct arena *a, const struct access *x, const struct table *t,
                  const struct asking *q, struct grant *out)
{
    *out = (struct grant){0};
    if (principal_barred(q->me, t->name, str_of(action_name(q->act))))
        return;
    rules_grant(a, x, t, q, out);
    if (out->allowed && (q->act == ACTION_UPDATE || q->act == ACTION_DELETE))
        readable_only(a, x, t, q, out);
    out->closed = out->allowed ? access_closed(a, x, t, q->act, q->roles) : NULL;
}

static str roles_text(struct arena *a, const struct access_rule_wish *w)
{
    str out = LIT("");
    for (size_t i = 0; i < w->role_count; i++)
        out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), i ? ", " : "", STR_ARG(w->roles[i]));
    return out;
}

size_t access_opinions(struct arena *a, const struct access *x, const struct table *t,
                       const struct asking *q, struct access_opinion *out, size_t most)
{
    const struct table_access *ta = access__of(x, t);
    size_t count = 0;
    for (; count < ta->rule_count && count < most; count++) {
        const struct access_rule *r = &ta->rules[count];
        struct access_opinion *o = &out[count];
        *o = (struct access_opinion){.place = r->wish->place,
                                     .roles_text = roles_text(a, r->wish),
                                     .where = r->wish->where,
                                     .check = r->wish->check,
                                     .role = (r->roles & q->roles) != 0,
                                     .action = (r->actions & ACTION_BIT(q->act)) != 0};
        if (o->role && o->action && r->where)
            o->cond = rule_cond(a, r->where, q->me, q->now_ns);
        if (o->cond && o->cond->kind == COND_TRUE)
            o->cond = NULL;
    }
    return count;
}
