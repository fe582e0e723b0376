/* include.c -- rows with what hangs on them. SPDX: Apache-2.0
 * Each relation of the request costs one statement as a rule and two at most, whatever the number
 * of rows: the keys of all parents go in, and the children come back sorted by parent, so that
 * those of one parent are a range of rows. Parents with the same key share their range. The
 * relations of one level are asked for together. It is first supposed that parents have few
 * children each, which needs no look-up of the limit for each (sql_include_loose); where that is
 * wrong, a second statement is asked, and the supposition is not made again for a while. Invariant:
 * neither the rows fetched nor those shown (a shared parent comes many times) are more than
 * config->include_rows; what is over is refused before anything is sent, never cut. */
#include "resource/resource_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Rows of one parent, and how many the answer shows for it, with all that hangs on them. */
struct range {
    uint32_t first, count;
    uint64_t weight;
};

/* One relation and its rows, for all rows of the level above. */
struct branch {
    str lead;       /* `,"author":`; its comma is left out when it is the first member */
    bool one;       /* REL_ONE: a row or null; else a list */
    uint32_t *keys; /* per row above: its key's position in ranges, or NO_KEY */
    struct range *ranges;
    struct level level;
};

enum {
    NO_KEY = UINT32_MAX,
    LOOSE_KEYS = 4, /* parents from which it pays not to look up a limit for each */
    LOOSE_ROWS = 8, /* children of one parent that a page expects (PostgreSQL: twice the limit) */
    LOOSE_MOST = 1000,
    CROWDED_FOR = 250, /* requests that do not suppose it again */
    CROWDED_SLOTS = 256
};

/* What is asked for one relation. */
struct ask {
    const struct include *inc;
    struct branch *branch;
    struct keyset set;
    struct db_read *read; /* NULL: no parent has a key */
    size_t loose;         /* rows that its statement gives at most, and one more; 0: it is exact */
};

struct grow {
    struct request *rq;
    const struct resource_set *set;
    size_t left; /* rows that may still be fetched */
    struct err *err;
};

/* ---- shapes ---- */

const struct row_shape *resource__shape(struct arena *a, const struct resource_set *s,
                                        const struct select *sel)
{
    if (sel->summary)
        return resource__summary_shape(a, sel->summary);
    if (UNLIKELY(sel->tongue))
        return resource__spoken_shape(a, s, sel);
    const struct row_shape *own = &s->shapes[sel->table - s->schema->tables];
    bool all = sel->shown == own->count;
    for (size_t i = 0; all && i < sel->shown; i++)
        all = sel->columns[i] == own->columns[i];
    if (all)
        return own;
    struct row_shape *shape = ARENA_NEW(a, struct row_shape);
    row_shape_init(shape, a, sel->columns, sel->shown);
    struct shape_cells cells = {sel->columns, sel->column_count};
    resource__file_places(shape, a, s, sel->table, &cells);
    return shape;
}

static str lead_of(struct arena *a, str name)
{
    size_t room = name.len * 6 + 8; /* a byte becomes six at most */
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    buf_char(&b, ',');
    json_text(&b, name);
    buf_char(&b, ':');
    return buf_view(&b);
}

/* ---- the parents' keys ---- */

size_t resource__position(const struct select *s, const struct column *c)
{
    size_t i = 0;
    while (i < s->column_count && s->columns[i] != c)
        i++;
    BUG_ON(i == s->column_count); /* a plan fetches what joins and order need */
    return i;
}

/* The cells of key in a row: where they are, or copied side by side into room. */
static const struct value *tuple_at(const struct rows *rows, size_t row, const size_t *at,
                                    size_t width, struct value *room)
{
    if (width == 1)
        return rows_at(rows, row, at[0]);
    for (size_t i = 0; i < width; i++)
        room[i] = *rows_at(rows, row, at[i]);
    return room;
}

/* The distinct keys of all rows of the level, and which of them each row has. */
static void gather(struct arena *a, const struct level *level, const struct key *local,
                   struct keyset *set, uint32_t *keys)
{
    size_t count = level->rows.count, width = local->count;
    size_t *at = ARENA_ARRAY(a, size_t, width);
    struct value *room = width > 1 ? arena_new(a, count * width * sizeof *room) : NULL;
    for (size_t i = 0; i < width; i++)
        at[i] = resource__position(level->select, local->columns[i]);
    keyset_init(set, a, width, count);
    for (size_t i = 0; i < count; i++) {
        struct value *mine = room ? room + i * width : NULL;
        size_t key = keyset_add(set, tuple_at(&level->rows, i, at, width, mine));
        keys[i] = key == STR_NONE ? NO_KEY : (uint32_t)key;
    }
}

/* ---- the children's order ---- */

/* Where the numbers are that rows are sorted by: the parent's key, then the order's column. */
struct by {
    size_t key, column;
    bool down;
};

static int row_cmp(const void *a, const void *b, void *arg)
{
    const struct by *by = arg;
    const struct value *x = a, *y = b;
    int64_t k = x[by->key].i, l = y[by->key].i, m = x[by->column].i, n = y[by->column].i;
    if (k != l)
        return k < l ? -1 : 1;
    if (m == n)
        return 0;
    return (m < n) != by->down ? -1 : 1;
}

/* Where a row's parent key begins: at its column, or behind all that is fetched. */
static size_t key_at(const struct rows *r, const struct include *inc)
{
    const struct select *s = &inc->select;
    const struct key *k = &inc->relation->remote;
    return r->cols == s->column_count ? resource__position(s, k->columns[0]) : s->column_count;
}

/* Rows of parents by number in the order of a number need not come sorted (sql/include.c): mostly
 * they are, and a look costs little. */
static void arrange(struct rows *r, const struct keyset *set, const struct select *s, size_t key)
{
    if (r->count < 2 || set->width != 1 || s->order_count != 1)
        return;
    struct by by = {.key = key, .down = s->order[0].descending};
    while (by.column < s->column_count && s->columns[by.column] != s->order[0].column)
        by.column++;
    if (by.column == s->column_count)
        return;
    bool sorted = true;
    for (size_t i = 0; i < r->count; i++) {
        const struct value *row = rows_at(r, i, 0);
        if (row[by.key].kind != V_INT || row[by.column].kind != V_INT)
            return;
        sorted = sorted && (i == 0 || row_cmp(row - r->cols, row, &by) < 0);
    }
    if (!sorted)
        qsort_r(r->cells, r->count, r->cols * sizeof *r->cells, row_cmp, &by);
}

/* The range of each key: its rows stand together. */
static void divide(struct branch *b, const struct keyset *set, size_t at)
{
    const struct rows *r = &b->level.rows;
    size_t key = STR_NONE;
    const struct value *before = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const struct value *tuple = rows_at(r, i, at);
        bool same = before && set->width == 1 && tuple->kind == V_INT && before->kind == V_INT &&
                    tuple->i == before->i;
        if (!same)
            key = keyset_find(set, tuple);
        before = tuple;
        if (key == STR_NONE)
            continue;
        struct range *range = &b->ranges[key];
        if (!range->count)
            range->first = (uint32_t)i;
        range->count = (uint32_t)i + 1 - range->first;
    }
}

/* ---- fetching ---- */

static int too_many(const struct grow *g)
{
    return fail(g->err, E_TOOBIG,
                "the answer has more than %lld rows; ask for fewer with limit=, or with "
                "include=relation(limit:n)",
                (long long)g->set->config->include_rows);
}

/* How many more requests will not suppose that parents have few children. Two relations may share
 * a slot, and threads may count past each other: that costs time only. */
static _Atomic unsigned char *crowded(const struct include *inc)
{
    static _Atomic unsigned char slots[CROWDED_SLOTS];
    uint64_t mix = (uint64_t)(uintptr_t)inc->relation + (uint64_t)inc->select.limit;
    return &slots[mix * 0x9E3779B97F4A7C15u >> 56];
}

/* Rows that are expected at most; 0: the limit is looked up. */
static size_t loose_most(const struct grow *g, const struct ask *q)
{
    _Atomic unsigned char *slot = crowded(q->inc);
    unsigned char times = atomic_load_explicit(slot, memory_order_relaxed);
    uint64_t limit = q->inc->select.limit > 0 ? (uint64_t)q->inc->select.limit : 0;
    uint64_t most = q->set.count * LOOSE_ROWS + LOOSE_ROWS;
    if (q->set.count < LOOSE_KEYS || !limit)
        return 0;
    if (times) {
        atomic_store_explicit(slot, times - 1, memory_order_relaxed);
        return 0;
    }
    if (g->set->config->dialect == DIALECT_POSTGRES)
        most = 2 * limit * q->set.count;
    if (most > LOOSE_MOST)
        most = LOOSE_MOST;
    return most < g->left ? most : 0;
}

static int make(struct grow *g, struct ask *q, size_t loose)
{
    struct arena *a = &g->rq->arena;
    enum dialect d = g->set->config->dialect;
    struct value keys = keyset_value(&q->set, a);
    *q->read = (struct db_read){.most = g->left};
    q->loose = 0;
    if (loose && sql_include_loose(d, a, q->inc, &keys, loose, &q->read->st)) {
        q->loose = loose;
        q->read->most = loose + 1;
        return 0;
    }
    return sql_include(d, a, q->inc, &keys, &q->read->st, g->err);
}

WAITS static int run(struct grow *g, struct db_read *list, size_t count)
{
    int code = resource__rows_each(g->rq, g->set, list, count, g->err);
    for (size_t i = 0; code == E_TOOBIG && i < count; i++) {
        if (list[i].rows.count >= list[i].most)
            return too_many(g);
    }
    return code == E_TOOBIG ? resource__full(g->err) : code;
}

/* Those whose parents have many children after all. */
WAITS static int run_again(struct grow *g, struct ask *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ask *q = &list[i];
        if (!q->loose || q->read->rows.count <= q->loose)
            continue;
        atomic_store_explicit(crowded(q->inc), CROWDED_FOR, memory_order_relaxed);
        TRY(make(g, q, 0));
        TRY(run(g, q->read, 1));
    }
    return 0;
}

WAITS static int fetch(struct grow *g, struct ask *list, size_t count)
{
    struct db_read *reads = ARENA_ARRAY(&g->rq->arena, struct db_read, count);
    size_t some = 0;
    for (size_t i = 0; i < count; i++) {
        if (!list[i].set.count) /* nobody to ask for */
            continue;
        list[i].read = &reads[some++];
        TRY(make(g, &list[i], loose_most(g, &list[i])));
    }
    if (!some)
        return 0;
    TRY(run(g, reads, some));
    return run_again(g, list, count);
}

/* The first rows of each parent stay. */
static void trim(struct rows *r, int64_t limit, size_t key)
{
    size_t kept = 0;
    int64_t of_parent = 0;
    for (size_t i = 0; i < r->count; i++) {
        bool same = i && value_eq(rows_at(r, i, key), rows_at(r, i - 1, key));
        of_parent = same ? of_parent + 1 : 1;
        if (of_parent > limit)
            continue;
        if (kept != i)
            memcpy(&r->cells[kept * r->cols], rows_at(r, i, 0), r->cols * sizeof *r->cells);
        kept++;
    }
    r->count = kept;
}

/* ---- how large the answer becomes ---- */

static uint64_t row_weight(const struct level *level, size_t row)
{
    const uint64_t most = (uint64_t)1 << 40; /* so that sums of it fit */
    uint64_t sum = 1;
    for (size_t i = 0; level->branches && i < level->select->include_count; i++) {
        const struct branch *b = &level->branches[i];
        if (b->keys[row] != NO_KEY)
            sum += b->ranges[b->keys[row]].weight;
    }
    return sum < most ? sum : most;
}

static void weigh(struct branch *b, size_t keys)
{
    for (size_t k = 0; k < keys; k++) {
        struct range *r = &b->ranges[k];
        for (uint32_t i = 0; i < r->count && !(b->one && i); i++)
            r->weight += row_weight(&b->level, r->first + i);
    }
}

static bool too_heavy(const struct grow *g, const struct level *level)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < level->rows.count; i++)
        sum += row_weight(level, i);
    return sum > (uint64_t)g->set->config->include_rows;
}

/* The branch and the keys of its parents. */
static void begin(struct grow *g, const struct level *up, struct ask *q)
{
    struct arena *a = &g->rq->arena;
    const struct include *inc = q->inc;
    struct branch *b = q->branch;
    b->lead = lead_of(a, inc->name);
    b->one = inc->relation->kind == REL_ONE;
    b->keys = arena_new(a, (up->rows.count + 1) * sizeof *b->keys);
    gather(a, up, &inc->relation->local, &q->set, b->keys);
    b->ranges = ARENA_ARRAY(a, struct range, q->set.count);
    b->level.select = &inc->select;
    b->level.shape = resource__shape(a, g->set, &inc->select);
}

static int finish(struct grow *g, struct ask *q)
{
    struct branch *b = q->branch;
    if (q->read)
        b->level.rows = q->read->rows;
    size_t key = key_at(&b->level.rows, q->inc);
    arrange(&b->level.rows, &q->set, &q->inc->select, key);
    if (q->loose)
        trim(&b->level.rows, q->inc->select.limit, key);
    if (b->level.rows.count > g->left)
        return too_many(g);
    g->left -= b->level.rows.count;
    divide(b, &q->set, key);
    return 0;
}

WAITS static int grow(struct grow *g, struct level *level)
{
    const struct select *s = level->select;
    size_t count = s->include_count;
    if (!count)
        return 0;
    struct ask *list = ARENA_ARRAY(&g->rq->arena, struct ask, count);
    level->branches = ARENA_ARRAY(&g->rq->arena, struct branch, count);
    for (size_t i = 0; i < count; i++) {
        list[i].inc = &s->includes[i];
        list[i].branch = &level->branches[i];
        begin(g, level, &list[i]);
    }
    TRY(fetch(g, list, count));
    for (size_t i = 0; i < count; i++)
        TRY(finish(g, &list[i]));
    for (size_t i = 0; i < count; i++) {
        TRY(grow(g, &list[i].branch->level));
        weigh(list[i].branch, list[i].set.count);
    }
    return 0;
}

int resource__grow(struct request *rq, const struct resource_set *s, struct level *level,
                   struct err *err)
{
    struct grow g = {.rq = rq, .set = s, .err = err};
    size_t most = (size_t)s->config->include_rows;
    if (!level->select->include_count)
        return 0;
    if (level->rows.count > most)
        return too_many(&g);
    g.left = most - level->rows.count;
    TRY(grow(&g, level));
    return too_heavy(&g, level) ? too_many(&g) : 0;
}

/* ---- rendering ---- */

static void put_branch(struct buf *b, const struct branch *branch, size_t row)
{
    struct range none = {0}, range = none;
    if (branch->keys[row] != NO_KEY)
        range = branch->ranges[branch->keys[row]];
    if (branch->one && !range.count) {
        buf_lit(b, "null");
        return;
    }
    if (branch->one) {
        resource__put_row(b, &branch->level, range.first);
        return;
    }
    buf_char(b, '[');
    for (size_t i = 0; i < range.count && !b->full; i++) {
        if (i)
            buf_char(b, ',');
        resource__put_row(b, &branch->level, range.first + i);
    }
    buf_char(b, ']');
}

void resource__put_row(struct buf *b, const struct level *level, size_t row)
{
    bool some = render_shape_open(b, level->shape, rows_at(&level->rows, row, 0));
    for (size_t i = 0; level->branches && i < level->select->include_count; i++) {
        const struct branch *branch = &level->branches[i];
        buf_str(b, some ? branch->lead : str_from(branch->lead, 1));
        put_branch(b, branch, row);
        some = true;
    }
    buf_char(b, '}');
}
