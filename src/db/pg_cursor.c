/* pg_cursor.c -- rows that are handed out while their reader stands still in between.
 * SPDX: Apache-2.0
 * Why two kinds: libpq gathers an answer whole before it gives its first row. That is the fast way,
 * and a page of a list takes it: one round trip on a session that others use too; who stands still
 * then holds the rows and no session. A statement that may answer with many rows, or was seen to
 * answer with large ones, is a cursor of the server instead, in a block and on a session of its
 * own: so many rows are fetched as make up about PIECE bytes, and more only when those are through.
 * Invariants: (1) The struct lives until the fiber's scope ends. (2) A session of a cursor goes
 * back as soon as its last row is here, not when it has been read. (3) One that stands still is in
 * pool->cursors, where the sweep ends it: after a statement's time limit, after WHOLE_TIMES that in
 * all, after STAND_MS already when somebody waits for a session. (4) Cursors never have all
 * sessions of a worker: with a single one there are none. */
#include "db/pg_priv.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"

#define MS UINT64_C(1000000)

enum {
    WHOLE_ROWS = 1000,     /* at most: read whole */
    WHOLE_BYTES = 1 << 20, /* of an answer: the next one of this statement is fetched */
    LARGE_MOST = 256,      /* statements that this is remembered of */
    PIECE = 128 << 10,
    FETCH_FIRST = 64,
    FETCH_MOST = 10000,
    FETCH_ROOM = 32,
    WHOLE_TIMES = 6,
    STAND_MS = 1000
};

struct pg_cursor {
    struct db_cursor base;
    struct link link; /* pool->cursors, while it stands still and has a session */
    struct pg_pool *pool;
    struct pg_session *session; /* NULL: all rows are here */
    PGresult *result;
    int at;         /* the next row of result */
    unsigned fetch; /* rows to ask for */
    uint64_t opened_ns, stood_ns;
    bool late;
};

/* ---- which kind ---- */

bool pg_cursor__large(const struct pg_pool *p, str text)
{
    return p->large.count && map_get(&p->large, text);
}

/* Memory has its bound: at that, all is forgotten, and learned anew. */
void pg_cursor__weigh(struct pg_pool *p, str text, const PGresult *r)
{
    if (pq.resultMemorySize(r) <= WHOLE_BYTES || pg_cursor__large(p, text))
        return;
    if (p->large.count >= LARGE_MOST)
        pg_cursor__forget(p);
    str copy = str_make(mem_text(text.ptr, text.len), text.len);
    map_set(&p->large, copy, (void *)(uintptr_t)copy.ptr);
}

void pg_cursor__forget(struct pg_pool *p)
{
    const struct map_slot *slot;
    for (size_t i = 0; map_next(&p->large, &i, &slot);)
        mem_free(slot->value);
    map_fini(&p->large);
    map_init(&p->large);
}

bool pg_cursor__wanted(struct pg_pool *p, const struct stmt *st)
{
    str word = pg__first_word(st->text);
    if (p->streams_most == 0 || st->writes ||
        !(str_eqi(word, LIT("SELECT")) || str_eqi(word, LIT("WITH"))))
        return false;
    return !st->most || st->most > WHOLE_ROWS || pg_cursor__large(p, st->text);
}

/* ---- life ---- */

static void drop_rows(struct pg_cursor *k)
{
    pq.clear(k->result);
    k->result = NULL;
}

/* done: all rows are here, and what the statement did, if anything, is to last. */
static void leave(struct pg_cursor *k, bool done)
{
    static const struct stmt commit = PG_FIXED("COMMIT");
    list_cut(&k->link);
    if (k->session && done)
        pool__give_after(&k->session, &commit);
    else if (k->session)
        pool__give(&k->session, false);
}

static void end(struct pg_cursor *k)
{
    leave(k, false);
    drop_rows(k);
}

static void at_scope_end(void *arg)
{
    end(arg);
    mem_free(arg);
}

static struct pg_cursor *cursor_new(struct db *db, struct pg_pool *p)
{
    struct pg_cursor *k = mem_zero(1, sizeof *k);
    *k = (struct pg_cursor){.base = {.db = db}, .pool = p, .fetch = FETCH_FIRST};
    list_init(&k->link);
    k->opened_ns = clock_ns();
    fiber_defer(at_scope_end, k);
    return k;
}

static void stand(struct pg_cursor *k)
{
    k->stood_ns = clock_ns();
    if (k->session)
        list_push(&k->pool->cursors, &k->link);
}

static bool overdue(const struct pg_cursor *k, uint64_t now)
{
    uint64_t limit = k->pool->pg->cfg.statement_timeout_ms * MS, stood = now - k->stood_ns;
    bool wanted = !list_empty(&k->pool->waiting);
    return (limit && (stood > limit || now - k->opened_ns > WHOLE_TIMES * limit)) ||
           (wanted && stood > STAND_MS * MS);
}

void pg_cursor__sweep(struct pg_pool *p, uint64_t now)
{
    for (struct link *it = p->cursors.next, *next; it != &p->cursors; it = next) {
        struct pg_cursor *k = OUTER(it, struct pg_cursor, link);
        next = it->next;
        if (!overdue(k, now))
            continue;
        k->late = true;
        leave(k, false);
        next = p->cursors.next; /* fibers that were woken may have changed the list */
    }
}

/* ---- fetching ---- */

static void fetch_text(const struct pg_cursor *k, char *room, struct stmt *st)
{
    int len = snprintf(room, FETCH_ROOM, "FETCH %u FROM c", k->fetch);
    *st = (struct stmt){.text = str_make(room, (size_t)len), .once = true};
}

/* The rows of the last step; fewer than asked for are the last ones. */
static void take_piece(struct pg_cursor *k, struct pg_step *step)
{
    size_t bytes = pq.resultMemorySize(step->result) + 1;
    int rows = pq.ntuples(step->result);
    drop_rows(k);
    k->result = step->result;
    step->result = NULL;
    k->at = 0;
    if (rows < 0 || (unsigned)rows < k->fetch)
        leave(k, true);
    uint64_t fits = (uint64_t)k->fetch * PIECE / bytes;
    k->fetch = fits < 1 ? 1 : fits > FETCH_MOST ? FETCH_MOST : (unsigned)fits;
}

WAITS static int run(struct pg_cursor *k, struct pg_step *steps, size_t count, struct err *err)
{
    struct pg_op op;
    if (fiber_cancelled())
        return fail(err, E_CANCELLED, "the client has gone");
    op__init(&op, steps, count, err);
    int code = session__run(k->session, &op);
    if (code == 0)
        take_piece(k, &steps[count - 1]);
    else
        leave(k, false);
    op__fini(&op);
    return code;
}

WAITS static int fetch(struct pg_cursor *k, struct err *err)
{
    char room[FETCH_ROOM];
    struct stmt st;
    struct pg_step step = {.st = &st};
    fetch_text(k, room, &st);
    return run(k, &step, 1, err);
}

/* One round trip for the block, the cursor and its first rows. */
WAITS static int open_at_server(struct pg_cursor *k, const struct stmt *st, struct err *err)
{
    static const struct stmt begin = PG_FIXED("BEGIN");
    static const char head[] = "DECLARE c NO SCROLL CURSOR FOR ";
    char room[FETCH_ROOM], *text = mem_new(sizeof head + st->text.len);
    struct stmt declare = *st, first;
    struct pg_step steps[] = {{.st = &begin}, {.st = &declare}, {.st = &first}};
    memcpy(text, head, sizeof head - 1);
    memcpy(text + sizeof head - 1, st->text.ptr, st->text.len);
    declare.text = str_make(text, sizeof head - 1 + st->text.len);
    declare.once = true;
    fetch_text(k, room, &first);
    int code = run(k, steps, COUNT_OF(steps), err);
    mem_free(text);
    return code;
}

/* ---- handing out ---- */

WAITS static int hand_out(struct pg_cursor *k, const struct row_sink *sink, struct err *err)
{
    int code = 0;
    while (code == 0 && k->result) {
        int from = k->at;
        code = pg_value__rows(&k->pool->scratch, k->result, &k->at, sink, err);
        pg__count(&k->pool->pg->rows, (uint64_t)(k->at - from));
        if (code == 0 && !k->session)
            break;
        if (code == 0)
            code = fetch(k, err);
    }
    if (code == DB_PAUSE)
        stand(k);
    else
        end(k);
    return code;
}

int pg_cursor__whole(struct db *db, const struct stmt *st, PGresult *r, const struct row_sink *sink,
                     struct db_cursor **out, struct err *err)
{
    struct pg_pool *p = pool__mine(pg_of(db));
    int at = 0, code = pg_value__names(r, sink, err);
    if (code == 0)
        code = pg_value__rows(&p->scratch, r, &at, sink, err);
    pg__count(&p->pg->rows, (uint64_t)at);
    if (out)
        pg_cursor__weigh(p, st->text, r);
    if (code != DB_PAUSE || !out) {
        pq.clear(r);
        return code;
    }
    struct pg_cursor *k = cursor_new(db, p);
    k->result = r;
    k->at = at;
    *out = &k->base;
    return DB_PAUSE;
}

int pg_cursor__query(struct db *db, const struct stmt *st, const struct row_sink *sink,
                     struct db_cursor **out, struct err *err)
{
    struct pg_pool *p = pool__mine(pg_of(db));
    struct pg_session *s = NULL;
    TRY(pool__take_stream(p, &s, err));
    struct pg_cursor *k = cursor_new(db, p);
    k->session = s;
    TRY(open_at_server(k, st, err));
    TRY(pg_value__names(k->result, sink, err));
    int code = hand_out(k, sink, err);
    if (code == DB_PAUSE)
        *out = &k->base;
    return code;
}

int pg__next(struct db_cursor *base, const struct row_sink *sink, struct err *err)
{
    struct pg_cursor *k = OUTER(base, struct pg_cursor, base);
    list_cut(&k->link);
    if (!k->late)
        return hand_out(k, sink, err);
    end(k);
    return fail(err, E_TIMEOUT, "the answer was not read within the time limit of %u ms",
                k->pool->pg->cfg.statement_timeout_ms);
}

void pg__cursor_end(struct db_cursor *base)
{
    end(OUTER(base, struct pg_cursor, base));
}
