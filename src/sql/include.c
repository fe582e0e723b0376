/* include.c -- the related rows of many parents in one statement.
 * Three shapes, all with rows sorted by the parent's key, then by the include's order:
 *   all:     FROM child WHERE fk IN (keys), for one row per parent or when no limit is given.
 *   each:    FROM keys CROSS JOIN child WHERE pk = key, for one row per parent by its key (SQLite);
 * FROM child WHERE pk BETWEEN .. for keys that are whole numbers without a gap, as those of a page
 * often are: one way down the index instead of one for each parent.
 *   near:    FROM keys CROSS JOIN child WHERE fk = key AND pk <= (the n-th pk of that key), when
 * the order is the primary key's and an index serves it (SQLite): no sorter, no table in between.
 *   loose:   near without the n-th pk, which costs a look-up for each parent; its caller counts.
 *   nearest: FROM keys CROSS JOIN child WHERE pk IN (SELECT pk .. fk = key ORDER BY .. LIMIT n),
 * which reads n rows per parent when an index serves the order: a parent with 200,000 children
 * costs what one with ten costs. PostgreSQL says it with LATERAL. ranked:  row_number() over every
 * child, when the child has no primary key (SQLite).
 *   together: FROM (child WHERE fk = ANY (keys) LIMIT n), when all parents have few children: half
 * the time of LATERAL on PostgreSQL, which begins anew for each parent. SPDX: Apache-2.0
 * Invariant: each and near have no ORDER BY, nor has together by whole numbers. SQLite runs a CROSS
 * JOIN as loops from left to right, so their rows come sorted as those of the others do; but no
 * text promises it, so who takes them looks (rows of one parent by whole numbers:
 * resource/include.c). */
#include "sql/keys_priv.h"

enum {
    BOUNDED_MOST = 2000,
    LOOSE_LEAST = 50, /* a limit that few parents reach */
};

struct related {
    const struct relation *r;
    const struct select *s;
    struct keys keys;
    unsigned target, link; /* aliases; link of the join table */
};

/* The columns that tell the parent: of the target, or of the join table. */
static const struct key *parent_key(const struct relation *r)
{
    return r->kind == REL_THROUGH ? &r->near : &r->remote;
}

static void parent_columns(struct sql *b, const struct related *q)
{
    const struct key *k = parent_key(q->r);
    unsigned alias = q->r->kind == REL_THROUGH ? q->link : q->target;
    sql__columns(b, alias, k->columns, k->count);
}

static void selected(struct sql *b, const struct related *q)
{
    sql__text(b, "SELECT ");
    sql__columns(b, q->target, q->s->columns, q->s->column_count);
    if (q->s->column_count)
        text__char(&b->text, ',');
}

static bool fetched(const struct select *s, const struct column *c)
{
    size_t i = 0;
    while (i < s->column_count && s->columns[i] != c)
        i++;
    return i < s->column_count;
}

/* The same with the columns that tell the parent: the last ones, unless it is one that is fetched
 * already (whoever takes the rows can tell by their number). */
static void selected_with_parent(struct sql *b, const struct related *q)
{
    const struct key *k = parent_key(q->r);
    if (q->r->kind != REL_THROUGH && k->count == 1 && fetched(q->s, k->columns[0])) {
        sql__text(b, "SELECT ");
        sql__columns(b, q->target, q->s->columns, q->s->column_count);
        return;
    }
    selected(b, q);
    parent_columns(b, q);
}

/* The child table, joined with the join table when there is one. */
static void from(struct sql *b, const struct related *q)
{
    if (q->r->kind == REL_THROUGH) {
        sql__table(b, q->r->through, q->link);
        sql__text(b, " JOIN ");
    }
    sql__table(b, q->r->target, q->target);
    if (q->r->kind != REL_THROUGH)
        return;
    sql__text(b, " ON ");
    for (size_t i = 0; i < q->r->remote.count; i++) {
        if (i)
            sql__text(b, " AND ");
        sql__column(b, q->target, q->r->remote.columns[i]);
        sql__text(b, " = ");
        sql__column(b, q->link, q->r->far.columns[i]);
    }
}

static void filter(struct sql *b, const struct related *q)
{
    if (!q->s->where)
        return;
    sql__text(b, " AND (");
    sql__cond(b, q->s->where, q->target);
    text__char(&b->text, ')');
}

/* PostgreSQL takes the rows of a function for a hundred, and reads a table of 20,000 whole for
 * them; of an array it expects few elements, and looks each up. */
static void in_keys(struct sql *b, const struct related *q)
{
    bool many = q->keys.parts > 1;
    if (b->dialect == DIALECT_POSTGRES && !many) {
        parent_columns(b, q);
        sql__text(b, " = ANY (");
        keys__array(b, &q->keys);
        text__char(&b->text, ')');
        return;
    }
    if (many)
        text__char(&b->text, '(');
    parent_columns(b, q);
    if (many)
        text__char(&b->text, ')');
    sql__text(b, " IN (SELECT ");
    keys__parts(b, &q->keys);
    sql__text(b, " FROM ");
    keys__table(b, &q->keys);
    text__char(&b->text, ')');
}

static void then_order(struct sql *b, const struct related *q)
{
    if (!q->s->order_count)
        return;
    text__char(&b->text, ',');
    sql__order(b, q->s->order, q->s->order_count, q->s->backwards, q->target);
}

static void all_rows(struct sql *b, const struct related *q)
{
    selected_with_parent(b, q);
    sql__text(b, " FROM ");
    from(b, q);
    sql__text(b, " WHERE ");
    in_keys(b, q);
    filter(b, q);
    sql__text(b, " ORDER BY ");
    parent_columns(b, q);
    if (q->r->kind != REL_ONE)
        then_order(b, q);
}

static void order_by(struct sql *b, const struct related *q)
{
    if (!q->s->order_count)
        return;
    sql__text(b, " ORDER BY ");
    sql__order(b, q->s->order, q->s->order_count, q->s->backwards, q->target);
}

/* FROM child WHERE fk = key .. ORDER BY .. LIMIT n: the children of one parent. */
static void of_one_parent(struct sql *b, const struct related *q)
{
    const struct key *k = parent_key(q->r);
    unsigned alias = q->r->kind == REL_THROUGH ? q->link : q->target;
    sql__text(b, " FROM ");
    from(b, q);
    sql__text(b, " WHERE ");
    for (size_t i = 0; i < k->count; i++) {
        if (i)
            sql__text(b, " AND ");
        sql__column(b, alias, k->columns[i]);
        sql__text(b, " = ");
        keys__part(b, &q->keys, i);
    }
    filter(b, q);
    order_by(b, q);
    sql__limit(b, q->s->limit, q->s->offset);
}

static void nearest_head(struct sql *b, const struct related *q)
{
    selected(b, q);
    keys__parts(b, &q->keys);
    sql__text(b, " FROM ");
    keys__table(b, &q->keys);
    sql__text(b, " CROSS JOIN ");
}

static void nearest_tail(struct sql *b, const struct related *q)
{
    sql__text(b, " ORDER BY ");
    keys__parts(b, &q->keys);
    then_order(b, q);
}

static bool by_key(const struct related *q)
{
    return q->keys.parts == 1 && q->r->kind == REL_ONE && sql__unique(q->r->target, &q->r->remote);
}

static bool whole(const struct column *c)
{
    return c->type == TYPE_INT2 || c->type == TYPE_INT4 || c->type == TYPE_INT8;
}

static bool stored_whole(const struct column *c)
{
    return whole(c) && !c->inside && c->recast == RECAST_NONE;
}

static void each_row(struct sql *b, const struct related *q)
{
    const struct keys *k = &q->keys;
    bool span = stored_whole(q->r->remote.columns[0]) && keys__gapless(k);
    selected_with_parent(b, q);
    sql__text(b, " FROM ");
    if (!span) {
        keys__table(b, k);
        sql__text(b, " CROSS JOIN ");
    }
    sql__table(b, q->r->target, q->target);
    sql__text(b, " WHERE ");
    parent_columns(b, q);
    if (span) {
        sql__text(b, " BETWEEN ");
        sql__place(b, sql__add(b, *k->list[0]));
        sql__text(b, " AND ");
        sql__place(b, sql__add(b, *k->list[k->count - 1]));
    } else {
        sql__text(b, " = ");
        keys__part(b, k, 0);
    }
    filter(b, q);
}

/* Is the order that of a whole number which is the whole key, read off an index of the parent's
 * key? Then the n-th child of a parent bounds the first n. */
static bool by_number(const struct related *q)
{
    const struct table *t = q->r->target;
    const struct order *o = q->s->order;
    return q->keys.parts == 1 && q->r->kind == REL_MANY && q->s->offset <= 0 && q->s->limit > 0 &&
           !q->s->where && !q->s->backwards && q->s->order_count == 1 && t->rowid &&
           o->column == t->primary.columns[0] && fetched(q->s, o->column) &&
           whole(q->r->remote.columns[0]) && sql__order_indexed(t, &q->r->remote, o, 1);
}

static void near_rows(struct sql *b, const struct related *q)
{
    const struct order *o = q->s->order;
    struct related inner = *q;
    struct select last = *q->s;
    inner.target = b->aliases++;
    inner.s = &last;
    last.limit = 1;
    last.offset = q->s->limit - 1;
    nearest_head(b, q);
    sql__table(b, q->r->target, q->target);
    sql__text(b, " WHERE ");
    parent_columns(b, q);
    sql__text(b, " = ");
    keys__part(b, &q->keys, 0);
    sql__text(b, " AND ");
    sql__column(b, q->target, o->column);
    text__str(&b->text, o->descending ? LIT(" >= ") : LIT(" <= "));
    sql__text(b, "coalesce((SELECT ");
    sql__column(b, inner.target, o->column);
    of_one_parent(b, &inner);
    sql__text(b, "),");
    sql__place(b, sql__add(b, value_int(o->descending ? INT64_MIN : INT64_MAX)));
    text__char(&b->text, ')');
}

static void nearest_lite(struct sql *b, const struct related *q)
{
    const struct key *pk = &q->r->target->primary;
    struct related inner = *q;
    inner.target = b->aliases++;
    nearest_head(b, q);
    sql__table(b, q->r->target, q->target);
    sql__text(b, " WHERE (");
    sql__columns(b, q->target, pk->columns, pk->count);
    sql__text(b, ") IN (SELECT ");
    sql__columns(b, inner.target, pk->columns, pk->count);
    of_one_parent(b, &inner);
    text__char(&b->text, ')');
    nearest_tail(b, q);
}

static void nearest_postgres(struct sql *b, const struct related *q)
{
    struct related inner = *q;
    inner.target = b->aliases++;
    nearest_head(b, q);
    sql__text(b, "LATERAL (SELECT ");
    sql__alias(b, inner.target);
    sql__text(b, ".*");
    of_one_parent(b, &inner);
    sql__text(b, ") AS ");
    sql__alias(b, q->target);
    nearest_tail(b, q);
}

static void numbered(struct sql *b, size_t count, char letter)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            text__char(&b->text, ',');
        text__char(&b->text, letter);
        text__u64(&b->text, i);
    }
}

/* A column under a short name, so that two tables may have columns of one name. */
static void named(struct sql *b, unsigned alias, const struct column *const *list, size_t count,
                  char letter)
{
    for (size_t i = 0; i < count; i++) {
        sql__column(b, alias, list[i]);
        sql__text(b, " AS ");
        text__char(&b->text, letter);
        text__u64(&b->text, i);
        text__char(&b->text, ',');
    }
}

static void ranked(struct sql *b, const struct related *q)
{
    const struct key *k = parent_key(q->r);
    int64_t skip = q->s->offset > 0 ? q->s->offset : 0, most;
    if (__builtin_add_overflow(skip, q->s->limit, &most))
        most = INT64_MAX;
    sql__text(b, "SELECT ");
    numbered(b, q->s->column_count, 'c');
    if (q->s->column_count)
        text__char(&b->text, ',');
    numbered(b, k->count, 'p');
    sql__text(b, " FROM (SELECT ");
    named(b, q->target, q->s->columns, q->s->column_count, 'c');
    named(b, q->r->kind == REL_THROUGH ? q->link : q->target, k->columns, k->count, 'p');
    sql__text(b, "row_number() OVER (PARTITION BY ");
    parent_columns(b, q);
    order_by(b, q);
    sql__text(b, ") AS n FROM ");
    from(b, q);
    sql__text(b, " WHERE ");
    in_keys(b, q);
    filter(b, q);
    sql__text(b, ") WHERE n > ");
    sql__place(b, sql__add(b, value_int(skip)));
    sql__text(b, " AND n <= ");
    sql__place(b, sql__add(b, value_int(most)));
    sql__text(b, " ORDER BY ");
    numbered(b, k->count, 'p');
    sql__text(b, ",n");
}

/* Does the statement read a few rows per key, whatever the tables hold? */
static bool bounded(const struct related *q)
{
    if (q->s->where || q->s->offset > 0 || q->keys.count > BOUNDED_MOST)
        return false;
    if (q->r->kind == REL_ONE)
        return sql__unique(q->r->target, &q->r->remote);
    if (q->s->limit < 0 || q->s->limit > BOUNDED_MOST || q->r->kind == REL_THROUGH)
        return false;
    return q->s->limit * (int64_t)q->keys.count <= BOUNDED_MOST &&
           sql__order_indexed(q->r->target, &q->r->remote, q->s->order, q->s->order_count);
}

/* Need rows not come in the order of parent and include? Whoever takes them sorts them by two whole
 * numbers in less time than the server. */
static bool sorted_by_taker(const struct related *q)
{
    const struct order *o = q->s->order;
    return q->s->order_count == 1 && !q->s->backwards && stored_whole(q->r->remote.columns[0]) &&
           stored_whole(o->column) && !o->column->nullable && fetched(q->s, o->column);
}

static void together(struct sql *b, const struct related *q)
{
    struct related inner = *q;
    inner.target = b->aliases++;
    selected_with_parent(b, q);
    sql__text(b, " FROM (SELECT ");
    sql__alias(b, inner.target);
    sql__text(b, ".* FROM ");
    from(b, &inner);
    sql__text(b, " WHERE ");
    in_keys(b, &inner);
}

static void together_end(struct sql *b, const struct related *q)
{
    sql__text(b, ") AS ");
    sql__alias(b, q->target);
    if (sorted_by_taker(q))
        return;
    sql__text(b, " ORDER BY ");
    parent_columns(b, q);
    then_order(b, q);
}

static void begin(struct sql *b, struct related *q, const struct value *keys)
{
    BUG_ON(keys->kind != V_ARRAY);
    b->aliases = 2;
    keys__take(b, &q->keys, keys, &q->r->local);
}

int sql_include(enum dialect d, struct arena *a, const struct include *inc,
                const struct value *keys, struct stmt *out, struct err *err)
{
    struct sql b;
    struct related q = {.r = inc->relation, .s = &inc->select, .target = 0, .link = 1};
    sql__begin(&b, d, a, err);
    begin(&b, &q, keys);
    if (d == DIALECT_SQLITE && by_key(&q))
        each_row(&b, &q);
    else if (q.r->kind == REL_ONE || q.s->limit < 0)
        all_rows(&b, &q);
    else if (d == DIALECT_SQLITE && by_number(&q))
        near_rows(&b, &q);
    else if (d == DIALECT_POSTGRES)
        nearest_postgres(&b, &q);
    else if (q.r->target->primary.count)
        nearest_lite(&b, &q);
    else
        ranked(&b, &q);
    TRY(sql__done(&b, out));
    out->bounded = bounded(&q);
    out->once = !q.keys.one_place;
    return 0;
}

bool sql_include_loose(enum dialect d, struct arena *a, const struct include *inc,
                       const struct value *keys, size_t most, struct stmt *out)
{
    struct sql b;
    struct err ignored = {0};
    struct related q = {.r = inc->relation, .s = &inc->select, .target = 0, .link = 1};
    bool lite = d == DIALECT_SQLITE;
    if (q.r->kind != REL_MANY || q.s->limit < (lite ? LOOSE_LEAST : 1) || q.s->offset > 0 ||
        q.s->where || q.r->local.count != 1)
        return false;
    sql__begin(&b, d, a, &ignored);
    begin(&b, &q, keys);
    if (lite && !by_number(&q))
        return false;
    if (lite)
        each_row(&b, &q);
    else
        together(&b, &q);
    sql__limit(&b, (int64_t)most + 1, 0);
    if (!lite)
        together_end(&b, &q);
    if (sql__done(&b, out) < 0)
        return false;
    out->bounded = lite ? bounded(&q) : most <= BOUNDED_MOST && !q.r->target->view;
    return true;
}
