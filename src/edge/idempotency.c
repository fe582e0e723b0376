/* idempotency.c -- a request with an Idempotency-Key: done once, answered as often as it is sent.
 * SPDX: Apache-2.0
 * Why in one transaction: a record that is written before the change may promise what never
 * happened, one that is written after it may be lost, and the change is done twice. So the endpoint
 * runs inside a transaction, its answer is kept in that same transaction, and only then sent.
 * Invariants: (1) A row is there exactly when the change is. (2) Nothing is sent before the commit:
 * what streams is gathered. (3) Who does not get the answer loses nothing by asking again.
 * Of two at once one works; the other hears 409 at once: within a process by the list of those that
 * run, among processes by PostgreSQL's advisory lock. Both only save a wait: the row's unique id,
 * and SQLite's one writer, decide. */
#include "edge/idempotency_priv.h"

#include "base/mem.h"
#include "observe/metrics.h"
#include "render/render.h"

enum { HEADERS_ROOM = 16 * 1024 };

struct once {
    struct idempotency *x;
    struct request *rq;
    idempotency_work *work;
    const void *data;
    struct record record;
    struct db_tx_options options;
    struct running running;
    size_t headers, more; /* of the answer, before the work */
    bool linked;
    bool answered; /* the work's answer stands, but for the commit */
    bool refused;  /* the work answered with a problem: all is undone, and that is the answer */
    bool wished;   /* the work wants to be isolated as options say now */
};

struct idempotency *idempotency_new(const struct idempotency_config *c)
{
    struct idempotency *x = mem_zero(1, sizeof *x);
    x->config = *c;
    pthread_mutex_init(&x->lock, NULL);
    return x;
}

void idempotency_free(struct idempotency **x)
{
    if (!*x)
        return;
    pthread_mutex_destroy(&(*x)->lock);
    mem_free(*x);
    *x = NULL;
}

/* ---- those that run ---- */

static struct running **place_of(struct idempotency *x, const struct running *r)
{
    struct running **at = &x->buckets[r->id[0] % RUNNING_BUCKETS];
    while (*at && memcmp((*at)->id, r->id, RECORD_ID) != 0)
        at = &(*at)->next;
    return at;
}

/* Asked first: those that wait for a slow one cost the database nothing. */
static bool is_running(struct once *o)
{
    struct idempotency *x = o->x;
    memcpy(o->running.id, o->record.id, RECORD_ID);
    pthread_mutex_lock(&x->lock);
    bool there = *place_of(x, &o->running) != NULL;
    pthread_mutex_unlock(&x->lock);
    return there;
}

static bool enter(struct once *o)
{
    struct idempotency *x = o->x;
    pthread_mutex_lock(&x->lock);
    struct running **at = place_of(x, &o->running);
    o->linked = !*at;
    if (o->linked)
        *at = &o->running;
    pthread_mutex_unlock(&x->lock);
    return o->linked;
}

/* Also a defer: a request may be ended on the spot. */
static void leave(void *arg)
{
    struct once *o = arg;
    if (!o->linked)
        return;
    o->linked = false;
    pthread_mutex_lock(&o->x->lock);
    *place_of(o->x, &o->running) = o->running.next;
    pthread_mutex_unlock(&o->x->lock);
}

/* ---- failures ---- */

static int in_progress(struct once *o, struct err *err)
{
    reply_header(o->rq->reply, LIT("Retry-After"), LIT("1"));
    return fail_field(err, E_CONFLICT, LIT("idempotency_in_progress"), LIT("Idempotency-Key"),
                      "the first request with this key is still running; ask again in a second");
}

static int missing(struct err *err)
{
    return fail_field(err, E_BAD, LIT("idempotency_key_missing"), LIT("Idempotency-Key"),
                      "this route needs an Idempotency-Key; send a new one, a UUID for example, "
                      "and the same one when the request is sent again");
}

static int reused(struct err *err)
{
    return fail_field(err, E_INVALID, LIT("idempotency_key_reused"), LIT("Idempotency-Key"),
                      "this key was used for another request; a new request needs a new key");
}

static bool required(const struct idempotency *x, const struct request *rq)
{
    const struct idempotency_config *c = &x->config;
    for (size_t i = 0; i < c->required_count; i++) {
        if (c->required[i].methods >> rq->method & 1 &&
            edge_path(c->required[i].path, str_of(rq->route)))
            return true;
    }
    return false;
}

/* ---- the answer, from the table and into it ---- */

/* As it was before the work, which may run more than once. */
static void clear_answer(struct once *o)
{
    struct reply *r = o->rq->reply;
    r->status = 200;
    r->type = r->fixed = (str){NULL, 0};
    r->header_count = o->headers;
    r->more_count = (unsigned)o->more;
    buf_clear(&r->body);
}

static int replay(struct once *o, const struct kept *k, struct err *err)
{
    struct reply *r = o->rq->reply;
    if (!str_eq(k->fingerprint, o->record.fingerprint))
        return reused(err);
    clear_answer(o);
    r->status = k->status;
    for (str rest = k->headers; rest.len;) {
        str line = str_cut(&rest, '\n'), name = str_cut(&line, ':');
        if (str_is(name, "Content-Type"))
            r->type = str_from(line, 1);
        else
            reply_header(r, name, str_from(line, 1));
    }
    r->fixed = k->body.len ? k->body : LIT("");
    reply_header(r, LIT("Idempotent-Replayed"), LIT("true"));
    metrics_add(METRICS_REPLAYED, 1);
    return 0;
}

static void put_line(struct buf *b, str name, str value)
{
    buf_str(b, name);
    buf_lit(b, ": ");
    for (size_t i = 0; i < value.len; i++)
        buf_char(b, strchr("\r\n", value.ptr[i]) ? ' ' : value.ptr[i]); /* NUL is found, too */
    buf_char(b, '\n');
}

/* Cookies are for the one who was there. */
static int take_headers(struct once *o, str *out, struct err *err)
{
    const struct reply *r = o->rq->reply;
    struct buf b = {
        .ptr = arena_new(&o->rq->arena, HEADERS_ROOM), .cap = HEADERS_ROOM, .limit = HEADERS_ROOM};
    if (r->type.ptr)
        put_line(&b, LIT("Content-Type"), r->type);
    for (size_t i = o->headers; i < r->header_count; i++) {
        if (!str_eqi(r->headers[i].name, LIT("Set-Cookie")))
            put_line(&b, r->headers[i].name, r->headers[i].value);
    }
    *out = buf_view(&b);
    return b.full ? fail(err, E_TOOBIG, "the headers of the answer are too large to be kept") : 0;
}

static int take_answer(struct once *o, struct kept *out, struct err *err)
{
    const struct reply *r = o->rq->reply;
    size_t most = o->x->config.answer_most;
    if (r->body.full)
        return fail(err, E_TOOBIG, "the answer is larger than http.request_memory allows");
    *out = (struct kept){.status = r->status, .body = r->fixed.ptr ? r->fixed : buf_view(&r->body)};
    if (out->body.len > most)
        return fail_field(err, E_TOOBIG, LIT("idempotency_answer_too_big"), LIT("Idempotency-Key"),
                          "an answer of %zu bytes cannot be kept for this key; idempotency."
                          "max_answer allows %zu",
                          out->body.len, most);
    return take_headers(o, &out->headers, err);
}

/* ---- the work ---- */

/* Whatever the work makes of its failure: it did not get the transaction it wanted. */
static bool wants_another(struct once *o, const struct db_tx *tx)
{
    o->wished = db_tx_wish(tx) != DB_USUAL;
    if (o->wished)
        o->options.isolation = db_tx_wish(tx);
    return o->wished;
}

static bool is_problem(const struct reply *r)
{
    return str_starts(r->type, LIT("application/problem+json"));
}

WAITS static int run_work(struct once *o, struct db_tx *tx, struct err *err)
{
    struct request *rq = o->rq;
    rq->tx = tx;
    int code = o->work(rq, o->data, err);
    rq->tx = NULL;
    if (wants_another(o, tx))
        return fail(err, E_INTERNAL, "another transaction is wanted");
    o->refused = code >= 0 && is_problem(rq->reply);
    return o->refused ? E_CONFLICT : code; /* its words are in the answer already */
}

WAITS static int body(void *ctx, struct db_tx *tx, struct err *err)
{
    struct once *o = ctx;
    struct kept k;
    bool mine, found;
    clear_answer(o);
    o->answered = o->refused = false;
    TRY(idempotency__lock(o->x, o->rq, tx, &o->record, &mine, err));
    if (!mine)
        return in_progress(o, err);
    TRY(idempotency__find(o->x, o->rq, tx, &o->record, &k, &found, err));
    if (found)
        return replay(o, &k, err);
    TRY(run_work(o, tx, err));
    TRY(take_answer(o, &k, err));
    k.fingerprint = o->record.fingerprint;
    TRY(idempotency__keep(o->x, o->rq, tx, &o->record, &k, &mine, err));
    o->answered = mine;
    if (mine)
        return 0;
    clear_answer(o);
    return in_progress(o, err);
}

WAITS static int transact(struct once *o, struct err *err)
{
    struct db_block block = {.body = body, .ctx = o};
    int code = db_transact(o->x->config.db, &o->options, &block, err);
    if (code >= 0 || !o->wished)
        return code;
    *err = (struct err){0};
    return db_transact(o->x->config.db, &o->options, &block, err);
}

WAITS static int run_once(struct once *o, struct err *err)
{
    struct reply *r = o->rq->reply;
    r->held = true;
    int code = transact(o, err);
    r->held = false;
    if (code < 0 && o->answered)
        clear_answer(o);
    return code < 0 && o->refused && !err->code ? 0 : code;
}

WAITS static int keyed(struct once *o, str key, struct err *err)
{
    struct kept k;
    str sent;
    bool found;
    TRY(request_body(o->rq, &sent, err));
    idempotency__record(o->x->config.edge, o->rq, key, sent, &o->record);
    if (is_running(o))
        return in_progress(o, err);
    TRY(idempotency__find(o->x, o->rq, NULL, &o->record, &k, &found, err));
    if (found)
        return replay(o, &k, err);
    if (!enter(o))
        return in_progress(o, err);
    fiber_defer(leave, o);
    int code = run_once(o, err);
    leave(o);
    return code;
}

int idempotency_run(struct idempotency *x, struct request *rq, idempotency_work *work,
                    const void *data, struct err *err)
{
    str key;
    TRY(idempotency__key(rq, &key, err));
    if (!key.ptr)
        return required(x, rq) ? missing(err) : work(rq, data, err);
    struct once *o = ARENA_NEW(&rq->arena, struct once);
    *o = (struct once){.x = x,
                       .rq = rq,
                       .work = work,
                       .data = data,
                       .headers = rq->reply->header_count,
                       .more = rq->reply->more_count};
    return keyed(o, key, err);
}
