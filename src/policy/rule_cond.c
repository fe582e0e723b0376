/* rule_cond.c -- a rule and a caller to a condition on rows.
 * `not` is pushed down to the tests, so that a test about something the caller does not have can
 * become FALSE on both sides of it: unknown never allows. SPDX: Apache-2.0 */
#include "policy/access_priv.h"
#include "policy/policy_priv.h"

#include <stdio.h>
#include <time.h>

struct maker {
    struct arena *arena;
    const struct principal *me;
    int64_t now_ns;
    struct rule_holes *holes; /* NULL: the values themselves */
};

static struct cond *make(const struct maker *m, const struct rule *r, bool negated);

static struct cond *constant(const struct maker *m, bool truth)
{
    struct cond *c = ARENA_NEW(m->arena, struct cond);
    c->kind = truth ? COND_TRUE : COND_FALSE;
    return c;
}

static struct cond *over(const struct maker *m, enum cond_kind kind, struct cond *part)
{
    struct cond *c = ARENA_NEW(m->arena, struct cond);
    c->kind = kind;
    c->parts = arena_new(m->arena, sizeof *c->parts);
    c->parts[0] = part;
    c->part_count = part ? 1 : 0;
    return c;
}

/* ---- what the caller has ---- */

static struct value claim(const struct maker *m, str name)
{
    const struct value *v = m->me ? value_get(&m->me->claims, name) : NULL;
    if (str_is(name, "id") && !v && m->me && m->me->subject.len)
        return value_text(m->me->subject);
    return v ? *v : value_null();
}

static struct value roles(const struct maker *m)
{
    struct value v = {.kind = V_ARRAY};
    size_t count = m->me ? m->me->role_count : 0;
    v.items = ARENA_ARRAY(m->arena, struct value, count);
    for (size_t i = 0; i < count; i++)
        v.items[v.count++] = value_text(m->me->roles[i]);
    return v;
}

static struct value now(const struct maker *m)
{
    char *text = arena_new(m->arena, TIME_CANON_LEN + 8);
    time_t seconds = (time_t)(m->now_ns / 1000000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(text, TIME_CANON_LEN + 8, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, TIME_CANON_LEN + 8 - len, ".%06dZ", (int)(m->now_ns % 1000000000 / 1000));
    return value_text(str_of(text));
}

/* The values of a term without a column; V_NULL: there is none. */
static struct value known(const struct maker *m, const struct term *t)
{
    if (t->kind == TERM_VALUE)
        return t->value;
    if (m->holes)
        m->holes->failed = true;
    if (t->kind == TERM_NOW)
        return now(m);
    return str_is(t->name, "roles") ? roles(m) : claim(m, t->name);
}

/* ---- tests that need no row ---- */

enum truth { NO, YES, UNKNOWN };

static bool number(const struct maker *m, const struct value *v, str *out)
{
    if (v->kind == V_INT)
        *out = arena_printf(m->arena, "%lld", (long long)v->i);
    else if (v->kind == V_NUM)
        *out = v->text;
    else if (v->kind == V_FLOAT)
        *out = arena_printf(m->arena, "%.17g", v->f);
    else
        return false;
    return true;
}

/* False: the two cannot be compared. */
static bool compare(const struct maker *m, const struct value *a, const struct value *b, int *out)
{
    str x, y;
    if (a->kind == V_TEXT && b->kind == V_TEXT)
        *out = str_cmp(a->text, b->text);
    else if (a->kind == V_BOOL && b->kind == V_BOOL)
        *out = (int)a->truth - (int)b->truth;
    else if (number(m, a, &x) && number(m, b, &y))
        *out = decimal_cmp(x, y);
    else
        return false;
    return true;
}

static enum truth test_values(const struct maker *m, enum op op, const struct value *a,
                              const struct value *b)
{
    int order;
    if (a->kind == V_NULL || b->kind == V_NULL || !compare(m, a, b, &order))
        return UNKNOWN;
    switch (op) {
    case OP_EQ:
        return order == 0 ? YES : NO;
    case OP_NEQ:
        return order != 0 ? YES : NO;
    case OP_GT:
        return order > 0 ? YES : NO;
    case OP_GTE:
        return order >= 0 ? YES : NO;
    case OP_LT:
        return order < 0 ? YES : NO;
    default:
        return order <= 0 ? YES : NO;
    }
}

static enum truth in_values(const struct maker *m, const struct value *a, const struct term *list,
                            size_t count)
{
    enum truth all = count ? NO : UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        struct value b = known(m, &list[i]);
        const struct value *items = b.kind == V_ARRAY ? b.items : &b;
        size_t many = b.kind == V_ARRAY ? b.count : 1;
        for (size_t k = 0; k < many; k++) {
            enum truth one = test_values(m, OP_EQ, a, &items[k]);
            if (one == YES)
                return YES;
            all = one == UNKNOWN ? UNKNOWN : all;
        }
    }
    return all;
}

static struct cond *test_known(const struct maker *m, const struct rule *r, bool negated)
{
    struct value a = known(m, &r->left);
    enum truth is;
    if (r->op == OP_IS) {
        is = a.kind == V_NULL ? YES : NO;
    } else if (r->op == OP_IN) {
        is = in_values(m, &a, r->right, r->right_count);
    } else {
        struct value b = known(m, &r->right[0]);
        is = test_values(m, r->op, &a, &b);
    }
    return constant(m, is != UNKNOWN && (is == YES) != negated);
}

/* ---- tests on a row ---- */

static struct column bare_column(const struct column *c)
{
    return (struct column){.name = c->name,
                           .type = c->type == TYPE_ENUM ? TYPE_TEXT : c->type,
                           .scale = -1,
                           .min_length = -1,
                           .max_length = -1};
}

/* A value as the column stores it; false: it is of no use for that column. */
static bool convert(const struct maker *m, const struct term *left, struct value *v)
{
    struct value_fault fault = {0};
    if (v->kind == V_NULL || v->kind == V_ARRAY || v->kind == V_OBJECT)
        return false;
    if (left->path_count) {
        str text;
        if (v->kind == V_BOOL)
            *v = value_text(v->truth ? LIT("true") : LIT("false"));
        else if (number(m, v, &text))
            *v = value_text(text);
        return true;
    }
    struct column bare = bare_column(left->column);
    struct value in = *v;
    return column_take(&bare, m->arena, &in, in.kind == V_TEXT, v, &fault);
}

/* What the column can be compared with. */
struct operands {
    struct value *list;
    size_t count;
    bool unknown; /* one of them the caller does not have, or it is of no use */
    bool many;    /* one of them is a list of the caller's */
};

static void add_operand(const struct maker *m, const struct rule *r, const struct term *t,
                        struct value v, struct operands *out)
{
    bool ready = t->kind == TERM_VALUE && !r->left.path_count && v.kind != V_NULL;
    if (ready || convert(m, &r->left, &v))
        out->list[out->count++] = v;
    else
        out->unknown = true;
}

static struct operands collect(const struct maker *m, const struct rule *r)
{
    struct operands out = {0};
    struct value *sides = ARENA_ARRAY(m->arena, struct value, r->right_count);
    size_t room = 0;
    for (size_t i = 0; i < r->right_count; i++) {
        sides[i] = known(m, &r->right[i]);
        out.many |= sides[i].kind == V_ARRAY;
        room += sides[i].kind == V_ARRAY ? sides[i].count : 1;
    }
    out.list = ARENA_ARRAY(m->arena, struct value, room);
    for (size_t i = 0; i < r->right_count; i++) {
        const struct value *items = sides[i].kind == V_ARRAY ? sides[i].items : &sides[i];
        size_t many = sides[i].kind == V_ARRAY ? sides[i].count : 1;
        for (size_t k = 0; k < many; k++)
            add_operand(m, r, &r->right[i], items[k], &out);
    }
    return out;
}

/* A value of the column's type, one of two, that binds as any other one; V_NULL: of this type there
 * is none. */
static struct value sample(enum type type, bool other)
{
    switch (type) {
    case TYPE_BOOL:
        return value_bool(other);
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        return value_int(other ? 2 : 1);
    case TYPE_TEXT:
    case TYPE_UUID:
    case TYPE_ENUM:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        return value_text(other ? LIT("y") : LIT("x"));
    default:
        return value_null();
    }
}

/* The one value of a comparison that only the caller knows, or the clock. */
static bool take_hole(const struct maker *m, const struct rule *r, struct operands *out)
{
    const struct term *t = r->right;
    struct rule_holes *h = m->holes;
    if (r->op > OP_LTE || r->right_count != 1 || r->left.path_count || h->count == HOLES_MOST ||
        (t->kind != TERM_NOW && (t->kind != TERM_ME || str_is(t->name, "roles"))))
        return false;
    struct value v = sample(r->left.column->type, h->count == h->other);
    if (v.kind == V_NULL || r->left.column->array.len)
        return false;
    h->list[h->count++] = (struct rule_hole){t, bare_column(r->left.column), v};
    *out = (struct operands){.list = ARENA_NEW(m->arena, struct value), .count = 1};
    out->list[0] = v;
    return true;
}

static struct cond *test_row(const struct maker *m, const struct rule *r, bool negated)
{
    struct cond *c = ARENA_NEW(m->arena, struct cond);
    struct operands o;
    if (!m->holes || !take_hole(m, r, &o))
        o = collect(m, r);
    if (r->op == OP_IS)
        o = (struct operands){.list = ARENA_NEW(m->arena, struct value), .count = 1};
    else if (o.unknown && (negated || !o.count))
        return constant(m, false);
    else if (o.many && r->op != OP_IN) /* one value against many */
        return constant(m, false);
    else if (!o.count)
        return constant(m, negated); /* in an empty list is nothing */
    *c = (struct cond){.kind = COND_TEST,
                       .op = r->op,
                       .column = r->left.column,
                       .path = r->left.path,
                       .path_count = r->left.path_count,
                       .path_text = r->left.path_count != 0,
                       .values = o.list,
                       .value_count = o.count};
    if (negated)
        c = over(m, COND_NOT, c);
    for (size_t i = r->left.relation_count; i-- > 0;) {
        c = over(m, COND_EXISTS, c);
        c->relation = r->left.relations[i];
    }
    return c;
}

/* ---- and, or, not ---- */

static struct cond *make_row(const struct maker *m, const struct rule *r, bool negated)
{
    bool all = (r->kind == RULE_AND) != negated; /* De Morgan */
    struct cond *c = ARENA_NEW(m->arena, struct cond);
    c->kind = all ? COND_AND : COND_OR;
    c->parts = arena_new(m->arena, r->part_count * sizeof *c->parts);
    for (size_t i = 0; i < r->part_count; i++) {
        struct cond *part = make(m, r->parts[i], negated);
        if (part->kind == (all ? COND_FALSE : COND_TRUE))
            return part;
        if (part->kind != COND_TRUE && part->kind != COND_FALSE)
            c->parts[c->part_count++] = part;
    }
    if (!c->part_count)
        return constant(m, all);
    return c->part_count == 1 ? c->parts[0] : c;
}

static struct cond *make_some(const struct maker *m, const struct rule *r, bool negated)
{
    struct cond *inner = r->part_count ? make(m, r->parts[0], false) : NULL;
    if (inner && inner->kind == COND_FALSE)
        return constant(m, negated);
    if (inner && inner->kind == COND_TRUE)
        inner = NULL;
    struct cond *c = over(m, COND_EXISTS, inner);
    c->relation = r->relation;
    return negated ? over(m, COND_NOT, c) : c;
}

static struct cond *make(const struct maker *m, const struct rule *r, bool negated)
{
    switch (r->kind) {
    case RULE_AND:
    case RULE_OR:
        return make_row(m, r, negated);
    case RULE_NOT:
        return make(m, r->parts[0], !negated);
    case RULE_SOME:
        return make_some(m, r, negated);
    case RULE_TEST:
        break;
    }
    if (r->left.kind != TERM_COLUMN)
        return test_known(m, r, negated);
    return test_row(m, r, negated);
}

struct cond *rule_cond(struct arena *a, const struct rule *r, const struct principal *me,
                       int64_t now_ns)
{
    struct maker m = {.arena = a, .me = me, .now_ns = now_ns};
    return make(&m, r, false);
}

struct value rule__claim(struct arena *a, const struct column *c, str name,
                         const struct principal *me)
{
    struct maker m = {.arena = a, .me = me};
    struct term left = {.kind = TERM_COLUMN, .column = c};
    struct value v = claim(&m, name);
    return convert(&m, &left, &v) ? v : value_null();
}

/* ---- for all callers with the same roles ---- */

struct cond *rule__shape(struct arena *a, const struct rule *r, struct rule_holes *h)
{
    struct maker m = {.arena = a, .holes = h};
    return make(&m, r, false);
}

/* The clock of requests moves every few milliseconds: many in a row see the same time. */
static bool fill_now(const struct maker *m, const struct rule_hole *h, struct value *out)
{
    static _Thread_local struct {
        int64_t now_ns;
        size_t len;
        char text[TIME_CANON_LEN];
    } last;
    struct value_fault fault;
    if (h->column.type != TYPE_TIMESTAMP)
        return false;
    if (last.now_ns != m->now_ns) {
        struct value v = now(m);
        if (!column_take(&h->column, m->arena, &v, true, out, &fault) ||
            out->text.len > sizeof last.text)
            return false;
        memcpy(last.text, out->text.ptr, out->text.len);
        last.len = out->text.len;
        last.now_ns = m->now_ns;
    }
    *out = value_text(arena_str(m->arena, str_make(last.text, last.len)));
    return true;
}

bool rule__fill(struct arena *a, const struct rule_hole *h, const struct principal *me,
                int64_t now_ns, struct value *out)
{
    struct maker m = {.arena = a, .me = me, .now_ns = now_ns};
    struct value_fault fault;
    if (h->term->kind == TERM_NOW)
        return fill_now(&m, h, out);
    struct value v = claim(&m, h->term->name);
    if (v.kind == V_NULL || v.kind == V_ARRAY || v.kind == V_OBJECT)
        return false;
    return column_take(&h->column, a, &v, v.kind == V_TEXT, out, &fault) &&
           out->kind == h->sample.kind;
}
