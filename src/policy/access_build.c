/* access_build.c -- the settings about roles and rules against the catalog. SPDX: Apache-2.0 */
#include "policy/access_priv.h"

enum { BIT_ANYONE, BIT_SIGNED_IN, BIT_FIRST };
enum { FAULTS_MOST = 60 };

struct builder {
    struct arena *arena;
    const struct access_wishes *wishes;
    const struct schema *schema;
    struct access *x;
    struct err *err;
};

#define bad(b, place, ...) fail_at((b)->arena, (b)->err, place, __VA_ARGS__)

ATTR_PRINTF(4, 5)
static int fail_at(struct arena *a, struct err *err, str place, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    (void)a;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fail(err, E_CONFIG, "%.*s: %s", STR_ARG(place), text);
}

static const char *hint(struct builder *b, str name, const str *names, size_t count)
{
    const char **list = arena_new(b->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = arena_str(b->arena, names[i]).ptr;
    const char *near = str_nearest(name, list, count);
    return near ? arena_printf(b->arena, "; did you mean '%s'?", near).ptr : "";
}

/* What is wrong with a table's row: told, and left out. */
static void leave_out(struct builder *b, str text)
{
    struct access *x = b->x;
    if (x->fault_count < FAULTS_MOST)
        x->faults[x->fault_count++] = arena_str(b->arena, text);
}

/* ---- roles ---- */

static size_t find_role(const struct access *x, str name)
{
    for (size_t i = 0; i < x->role_count; i++) {
        if (str_eq(x->roles[i].name, name))
            return i;
    }
    return STR_NONE;
}

static const char *role_hint(struct builder *b, str name)
{
    str names[ROLES_MOST + BIT_FIRST];
    for (size_t i = 0; i < b->x->role_count; i++)
        names[i] = b->x->roles[i].name;
    return hint(b, name, names, b->x->role_count);
}

static int add_roles(struct builder *b)
{
    struct access *x = b->x;
    const struct access_wishes *w = b->wishes;
    x->roles = ARENA_ARRAY(b->arena, struct role, w->role_count + BIT_FIRST);
    x->roles[x->role_count++].name = LIT(ROLE_ANYONE);
    x->roles[x->role_count++].name = LIT(ROLE_SIGNED_IN);
    if (w->role_count > ROLES_MOST)
        return bad(b, w->roles[ROLES_MOST].place, "there are %d roles at most", ROLES_MOST);
    for (size_t i = 0; i < w->role_count; i++) {
        if (find_role(x, w->roles[i].name) != STR_NONE)
            return bad(b, w->roles[i].place, "the role '%.*s' is there already",
                       STR_ARG(w->roles[i].name));
        x->roles[x->role_count++].name = w->roles[i].name;
    }
    for (size_t i = 0; i < x->role_count; i++)
        x->roles[i].bits = (uint64_t)1 << i;
    return 0;
}

static int include_roles(struct builder *b)
{
    struct access *x = b->x;
    for (size_t i = 0; i < b->wishes->role_count; i++) {
        const struct access_role_wish *w = &b->wishes->roles[i];
        for (size_t k = 0; k < w->include_count; k++) {
            size_t at = find_role(x, w->includes[k]);
            if (at == STR_NONE && b->wishes->soft) {
                leave_out(b, arena_printf(b->arena, "%.*s: there is no role '%.*s' now",
                                          STR_ARG(w->place), STR_ARG(w->includes[k])));
                continue;
            }
            if (at == STR_NONE)
                return bad(b, w->place, "there is no role '%.*s'%s", STR_ARG(w->includes[k]),
                           role_hint(b, w->includes[k]));
            x->roles[BIT_FIRST + i].bits |= (uint64_t)1 << at;
        }
    }
    return 0;
}

/* Adds what the included roles include until nothing is new. */
static void close_roles(struct access *x)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < x->role_count; i++) {
            uint64_t all = x->roles[i].bits;
            for (size_t k = 0; k < x->role_count; k++)
                all |= x->roles[i].bits >> k & 1 ? x->roles[k].bits : 0;
            more |= all != x->roles[i].bits;
            x->roles[i].bits = all;
        }
    }
}

static int check_circles(struct builder *b)
{
    const struct access *x = b->x;
    for (size_t i = BIT_FIRST; i < x->role_count; i++) {
        for (size_t k = BIT_FIRST; k < i; k++) {
            bool circle = x->roles[i].bits >> k & 1 && x->roles[k].bits >> i & 1;
            if (circle && b->wishes->soft)
                leave_out(b, arena_printf(b->arena,
                                          "the roles '%.*s' and '%.*s' include each "
                                          "other: they are the same",
                                          STR_ARG(x->roles[i].name), STR_ARG(x->roles[k].name)));
            else if (circle)
                return bad(b, b->wishes->roles[i - BIT_FIRST].place,
                           "the roles '%.*s' and '%.*s' include each other",
                           STR_ARG(x->roles[i].name), STR_ARG(x->roles[k].name));
        }
    }
    return 0;
}

/* ---- rules ---- */

static int find_column(struct builder *b, const struct table *t, str name, str place,
                       const struct column **out)
{
    *out = table_column(t, name);
    if (*out)
        return 0;
    str *names = ARENA_ARRAY(b->arena, str, t->column_count);
    for (size_t i = 0; i < t->column_count; i++)
        names[i] = t->columns[i].name;
    return bad(b, place, "'%.*s' has no column '%.*s'%s", STR_ARG(t->name), STR_ARG(name),
               hint(b, name, names, t->column_count));
}

static int close_columns(struct builder *b, const struct table *t, const struct access_rule_wish *w,
                         struct access_rule *r)
{
    const struct column *c;
    if (!w->column_count && !w->hidden_count)
        return 0;
    r->closed = ARENA_ARRAY(b->arena, bool, t->column_count);
    for (size_t i = 0; w->column_count && i < t->column_count; i++)
        r->closed[i] = true;
    for (size_t i = 0; i < w->column_count; i++) {
        TRY(find_column(b, t, w->columns[i], w->place, &c));
        r->closed[c - t->columns] = false;
    }
    for (size_t i = 0; i < w->hidden_count; i++) {
        TRY(find_column(b, t, w->hidden[i], w->place, &c));
        r->closed[c - t->columns] = true;
    }
    return 0;
}

static int read_rule(struct builder *b, const struct table *t, str text, str place,
                     struct rule **out)
{
    struct err inner = {0};
    size_t at = 0;
    if (!text.len || rule_read(b->arena, t, text, out, &at, &inner) == 0)
        return 0;
    return bad(b, place, "at character %zu of the rule for '%.*s': %s", at + 1, STR_ARG(t->name),
               inner.text);
}

/* The column that says whose a row is: the one foreign key to the table of accounts, whose own rows
 * are their own. NULL: nobody owns it, or several columns could. */
static const struct column *owner_of(const struct builder *b, const struct table *t, bool *several)
{
    const struct column *owner = NULL;
    *several = false;
    if (str_eq(t->name, b->wishes->accounts) && t->primary.count == 1)
        return t->primary.columns[0];
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const struct foreign_key *f = &t->foreign_keys[i];
        if (!str_eq(f->target->name, b->wishes->accounts) || f->from.count != 1)
            continue;
        *several |= owner != NULL;
        owner = f->from.columns[0];
    }
    return *several ? NULL : owner;
}

/* COLUMN == me.id */
static int own_rule(struct builder *b, const struct table *t, const struct access_rule_wish *w,
                    struct rule **out)
{
    bool several;
    const struct column *owner = owner_of(b, t, &several);
    if (several)
        return bad(b, w->place, "'%.*s' has several columns that could own it: write a rule",
                   STR_ARG(t->name));
    if (!owner)
        return bad(b, w->place, "'%.*s' has no foreign key to the accounts: nobody owns it",
                   STR_ARG(t->name));
    str text = arena_printf(b->arena, "%.*s == me.id", STR_ARG(owner->name));
    return read_rule(b, t, text, w->place, out);
}

/* "me.id", or a constant as a query string would write it. */
static int read_preset(struct builder *b, const struct table *t, const struct access_rule_wish *w,
                       const struct access_preset_wish *p, struct access_preset *out)
{
    struct value_fault fault = {0};
    struct value in = value_text(p->value);
    TRY(find_column(b, t, p->column, w->place, &out->column));
    if (str_starts(p->value, LIT("me."))) {
        out->claim = str_from(p->value, 3);
        return 0;
    }
    if (column_take(out->column, b->arena, &in, true, &out->value, &fault))
        return 0;
    return bad(b, w->place, "'%.*s' %.*s", STR_ARG(p->column), STR_ARG(fault.message));
}

static int read_presets(struct builder *b, const struct table *t, const struct access_rule_wish *w,
                        struct access_rule *r)
{
    r->presets = ARENA_ARRAY(b->arena, struct access_preset, w->preset_count);
    for (size_t i = 0; i < w->preset_count; i++)
        TRY(read_preset(b, t, w, &w->presets[i], &r->presets[r->preset_count++]));
    return 0;
}

static bool same_rows(const struct access_rule *x, const struct access_rule *y)
{
    return x->wish->own == y->wish->own && str_eq(x->wish->where, y->wish->where) &&
           str_eq(x->wish->check, y->wish->check);
}

/* A rule beside one that allows the same to the same roles, and more, says nothing; unless it
 * closes columns, which holds for all. */
static bool covers(const struct access_rule *x, const struct access_rule *y)
{
    bool roles = (x->roles & y->roles) == y->roles, acts = (x->actions & y->actions) == y->actions;
    bool rows = (!x->where && !x->check) || same_rows(x, y);
    return y->roles && roles && acts && rows && !x->closed && !y->closed && !x->preset_count &&
           !y->preset_count;
}

/* Of a table by its name: one for all tables is not there for this one alone. */
static bool is_own(const struct access_rule *r)
{
    return !r->wish->soft && !str_is(r->wish->table, "*");
}

static int check_said(struct builder *b, const struct table_access *ta, const struct access_rule *r)
{
    for (size_t i = 0; i < ta->rule_count && is_own(r); i++) {
        const struct access_rule *x = &ta->rules[i];
        bool behind = is_own(x) && covers(x, r), before = is_own(x) && covers(r, x);
        if (behind || before)
            return bad(b, behind ? r->wish->place : x->wish->place,
                       "this rule says nothing: the one at %.*s allows all of it",
                       STR_ARG(behind ? x->wish->place : r->wish->place));
    }
    return 0;
}

static int add_rule(struct builder *b, const struct table *t, const struct access_rule_wish *w,
                    struct table_access *ta)
{
    struct access_rule r = {.wish = w, .actions = w->actions};
    for (size_t i = 0; i < w->role_count; i++) {
        size_t at = find_role(b->x, w->roles[i]);
        if (at == STR_NONE && b->wishes->soft) {
            leave_out(b, arena_printf(b->arena, "%.*s: there is no role '%.*s' now",
                                      STR_ARG(w->place), STR_ARG(w->roles[i])));
            continue;
        }
        if (at == STR_NONE)
            return bad(b, w->place, "there is no role '%.*s'%s", STR_ARG(w->roles[i]),
                       role_hint(b, w->roles[i]));
        r.roles |= (uint64_t)1 << at;
    }
    TRY(close_columns(b, t, w, &r));
    TRY(read_rule(b, t, w->where, w->where_place, &r.where));
    TRY(read_rule(b, t, w->check, w->check_place, &r.check));
    if (w->own)
        TRY(own_rule(b, t, w, &r.where));
    TRY(read_presets(b, t, w, &r));
    TRY(check_said(b, ta, &r));
    ta->rules[ta->rule_count++] = r;
    return 0;
}

/* "*:read:own" of a table's row is about the tables that somebody owns; of the others it grants
 * nothing. */
static bool is_about(const struct builder *b, const struct access_rule_wish *w,
                     const struct table *t)
{
    bool several;
    return !w->soft || !w->own || !str_is(w->table, "*") || owner_of(b, t, &several);
}

static int add_wish(struct builder *b, const struct access_rule_wish *w)
{
    const struct schema *s = b->schema;
    const struct table *only = schema_table(s, w->table);
    if (!only && !str_is(w->table, "*")) {
        str *names = ARENA_ARRAY(b->arena, str, s->table_count);
        for (size_t i = 0; i < s->table_count; i++)
            names[i] = s->tables[i].name;
        return bad(b, w->place, "there is no table '%.*s'%s", STR_ARG(w->table),
                   hint(b, w->table, names, s->table_count));
    }
    for (size_t i = 0; i < s->table_count; i++) {
        if (only == &s->tables[i] || (!only && is_about(b, w, &s->tables[i])))
            TRY(add_rule(b, &s->tables[i], w, &b->x->tables[i]));
    }
    return 0;
}

static int add_rules(struct builder *b)
{
    const struct access_wishes *w = b->wishes;
    for (size_t k = 0; k < w->rule_count; k++) {
        struct err *err = b->err, fault = {0};
        if (w->rules[k].soft)
            b->err = &fault;
        int code = add_wish(b, &w->rules[k]);
        b->err = err;
        if (code < 0 && !w->rules[k].soft)
            return code;
        if (code < 0)
            leave_out(b, str_of(fault.text));
    }
    return 0;
}

/* Who may read no row changes none: without a rule to read, one to change never holds. */
static int check_reached(struct builder *b, const struct table_access *ta)
{
    const unsigned needs = ACTION_BIT(ACTION_UPDATE) | ACTION_BIT(ACTION_DELETE);
    const struct access_rule *idle = NULL;
    bool read = false;
    for (size_t i = 0; i < ta->rule_count; i++) {
        const struct access_rule *r = &ta->rules[i];
        read |= r->roles && r->actions & ACTION_BIT(ACTION_READ);
        if (!idle && is_own(r) && r->roles && !(r->actions & ~needs))
            idle = r;
    }
    if (!idle || read)
        return 0;
    return bad(b, idle->wish->place,
               "this rule never holds: who updates or deletes a row has to be able to read it, and "
               "no rule lets anybody read '%.*s'",
               STR_ARG(idle->wish->table));
}

static int close_secrets(struct builder *b)
{
    for (size_t i = 0; i < b->wishes->secret_count; i++) {
        const struct column *c;
        str column = b->wishes->secret[i], name = str_cut(&column, '.');
        const struct table *t = schema_table(b->schema, name);
        if (!t)
            continue;
        TRY(find_column(b, t, column, LIT("auth"), &c));
        struct table_access *ta = &b->x->tables[t - b->schema->tables];
        if (!ta->secret)
            ta->secret = ARENA_ARRAY(b->arena, bool, t->column_count);
        ta->secret[c - t->columns] = true;
    }
    return 0;
}

/* What access_ruled looks at. */
static void tell_apart(struct access *x)
{
    uint64_t all[ROLES_MOST + 2];
    for (size_t b = 0; b < x->role_count; b++)
        all[b] = UINT64_MAX;
    for (size_t i = 0; i < x->schema->table_count; i++) {
        const struct table_access *ta = &x->tables[i];
        for (size_t k = 0; k < ta->rule_count; k++) {
            x->ruled |= ta->rules[k].roles;
            for (uint64_t left = ta->rules[k].roles; left; left &= left - 1)
                all[__builtin_ctzll(left)] &= ta->rules[k].roles;
        }
    }
    for (size_t b = 0; b < x->role_count; b++) {
        for (size_t c = 0; c < x->role_count; c++) {
            bool more = c != b && all[b] >> c & 1, same = more && all[c] >> b & 1;
            if (more && (!same || c < b))
                x->shadows[b] |= (uint64_t)1 << c;
        }
    }
}

int access_build(struct arena *a, const struct access_wishes *w, const struct schema *s,
                 struct access **out, struct err *err)
{
    struct access *x = ARENA_NEW(a, struct access);
    struct builder b = {.arena = a, .wishes = w, .schema = s, .x = x, .err = err};
    x->schema = s;
    x->faults = ARENA_ARRAY(a, str, FAULTS_MOST);
    for (size_t i = 0; i < w->fault_count; i++)
        leave_out(&b, w->faults[i]);
    x->tables = ARENA_ARRAY(a, struct table_access, s->table_count);
    for (size_t i = 0; i < s->table_count; i++)
        x->tables[i].rules = ARENA_ARRAY(a, struct access_rule, w->rule_count);
    TRY(add_roles(&b));
    TRY(include_roles(&b));
    close_roles(x);
    TRY(check_circles(&b));
    TRY(add_rules(&b));
    for (size_t i = 0; i < s->table_count && !w->soft; i++)
        TRY(check_reached(&b, &x->tables[i]));
    TRY(close_secrets(&b));
    tell_apart(x);
    *out = x;
    return 0;
}
