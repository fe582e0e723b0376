/* batch.c -- POST PREFIX/batch: several operations in one transaction, all of them or none.
 * SPDX: Apache-2.0
 * Why so: an operation is a request like any other. It goes through the same route and the same
 * endpoint, so that all that holds for a request by itself holds here; only its body is parsed
 * already, its statements belong to rq->tx, and what it answers becomes part of one answer.
 * Invariants: (1) Nothing is written unless all is, but for what on_error: continue lets go: that
 * is undone to its savepoint. (2) The answer is made before the commit: one that does not fit
 * undoes the batch. (3) A batch that clashed with another begins anew as a whole. */
#include "resource/batch_priv.h"

/* ---- one operation ---- */

/* The answer of the connection is lent to each operation in turn. */
static void lend_reply(const struct batch *b)
{
    struct reply *r = b->rq->reply;
    r->status = 200;
    r->type = r->fixed = (str){NULL, 0};
    r->header_count = b->headers;
    r->language = (str){NULL, 0};
    buf_clear(&r->body);
}

static void keep_answer(const struct batch *b, struct operation *op)
{
    struct reply *r = b->rq->reply;
    struct arena *a = &b->rq->arena;
    size_t count = r->header_count - b->headers;
    struct header *sent = ARENA_ARRAY(a, struct header, count);
    for (size_t i = 0; i < count; i++)
        sent[i] = r->headers[b->headers + i];
    op->sent = sent;
    op->sent_count = count;
    op->status = r->status;
    op->type = r->type;
    op->answer = arena_str(a, r->fixed.ptr ? r->fixed : buf_view(&r->body));
}

/* What was read is told with the tag that a GET of it has, for the If-Match of a later change. */
static void tag_read(const struct batch *b)
{
    struct request *rq = b->rq;
    const struct resource any = {.set = b->place->set};
    if (rq->method != METHOD_GET || rq->reply->status != 200 || !any.set->config->etag ||
        rq->reply->language.len)
        return;
    reply_header(rq->reply, LIT("ETag"), resource__etag(rq, &any, buf_view(&rq->reply->body)));
}

/* A path without a version is one of the batch's own version. */
static bool put_version(const struct batch *b, struct request *rq)
{
    str prefix = b->place->set->config->prefix, base = str_upto(prefix, str_rfind(prefix, '/'));
    if (!str_starts(rq->path, base) || str_starts(rq->path, prefix))
        return false;
    rq->path = arena_printf(&rq->arena, "%.*s%.*s", STR_ARG(prefix),
                            STR_ARG(str_from(rq->path, base.len)));
    if (rq->segments.ptr)
        rq->segments = arena_printf(&rq->arena, "%.*s%.*s", STR_ARG(prefix),
                                    STR_ARG(str_from(rq->segments, base.len)));
    rq->before = prefix;
    return true;
}

/* Through the router to the endpoint, as a request that came by itself. */
WAITS static int run_endpoint(struct batch *b, struct err *err)
{
    struct request *rq = b->rq;
    str allow;
    struct err missing = {0};
    int code = router_find(b->place->router, rq, &allow, &missing);
    if (code == E_NOTFOUND && rq->version && put_version(b, rq))
        code = router_find(b->place->router, rq, &allow, err);
    else if (code < 0)
        *err = missing;
    if (code == E_METHOD)
        reply_header(rq->reply, LIT("Allow"), allow);
    TRY(code);
    const struct endpoint *e = rq->endpoint;
    if (!e->in_batch)
        return fail_field(err, E_INVALID, LIT("not_in_batch"), LIT(""),
                          "'%s' cannot be an operation of a batch; only tables can", e->pattern);
    TRY(e->run(rq, e->data, err));
    tag_read(b);
    return rq->reply->body.full ? resource__full(err) : 0;
}

WAITS static int run_as_request(struct batch *b, size_t at, struct err *err)
{
    struct request *rq = b->rq;
    const struct operation *op = &b->all[at];
    str target;
    TRY(batch__path(b, at, &target, err));
    TRY(batch__body(b, at, &rq->given, err));
    rq->method = op->method;
    rq->method_text = str_of(method_name(op->method));
    rq->headers = op->headers;
    rq->header_count = op->header_count;
    rq->absent = 0;
    rq->param_count = 0;
    rq->before = (str){NULL, 0};
    TRY(request_aim(rq, target, err));
    return run_endpoint(b, err);
}

/* The request is the batch's again. Also at the end of its scope, when an operation was ended on
 * the spot: what tells of it afterwards must not take it for the operation. */
static void give_back(void *arg)
{
    struct batch *b = arg;
    struct request *rq = b->rq, now = *rq;
    if (!b->lent)
        return;
    *rq = b->whole;
    rq->arena = now.arena;
    rq->statements = now.statements;
    rq->view = now.view;
    b->lent = false;
}

WAITS static int run_one(struct batch *b, size_t at, struct err *err)
{
    b->whole = *b->rq;
    b->lent = true;
    lend_reply(b);
    int code = run_as_request(b, at, err);
    if (code >= 0) {
        keep_answer(b, &b->all[at]);
        b->all[at].state = OPERATION_DONE;
    }
    give_back(b);
    return code;
}

/* ---- failures ---- */

static str place_of(struct arena *a, const struct operation *op, const struct err *err, str pointer)
{
    bool body = pointer.len || err->code != E_BAD;
    return arena_printf(a, "%.*s%s%.*s", STR_ARG(op->at), body ? "/body" : "/path",
                        STR_ARG(pointer));
}

/* The places of a failure, as seen from the whole batch. */
static void place(struct arena *a, const struct operation *op, struct err *err)
{
    size_t count = err->item_count ? err->item_count : err->field[0] != '\0';
    struct err_item *items = ARENA_ARRAY(a, struct err_item, count);
    if (err->operation.len) /* told already */
        return;
    err->operation = op->at;
    for (size_t i = 0; i < count; i++) {
        if (err->item_count)
            items[i] = err->items[i];
        else
            items[i] = (struct err_item){.field = arena_str(a, str_of(err->field)),
                                         .code = err->word,
                                         .message = arena_str(a, str_of(err->text))};
        items[i].pointer = place_of(a, op, err, items[i].pointer);
    }
    err->items = items;
    err->item_count = count;
}

/* May the batch go on without the operation? Not when the failure is of the whole. */
static bool may_go_on(const struct err *err)
{
    int status = err_status(err->code);
    return status >= 400 && status < 500 && err->code != E_CANCELLED && err->code != E_SLOW;
}

/* ---- all of them ---- */

WAITS static int run_list(struct batch *b, size_t first, size_t end, struct err *err);

WAITS static int run_any(struct batch *b, size_t at, struct err *err)
{
    struct operation *op = &b->all[at];
    if (op->group)
        TRY(run_list(b, at + 1, op->end, err));
    else if (run_one(b, at, err) < 0)
        place(&b->rq->arena, op, err);
    if (!err->code)
        op->state = OPERATION_DONE;
    return err->code;
}

/* What is left of an operation that was undone is the problem. */
static void keep_problem(struct batch *b, size_t at, const struct err *why)
{
    struct operation *op = &b->all[at];
    for (size_t i = at; i < op->end; i++)
        b->all[i].state = OPERATION_UNDONE;
    lend_reply(b);
    render_problem(b->rq, 0, why);
    keep_answer(b, op);
}

/* Within a savepoint of its own. */
WAITS static int run_optional(struct batch *b, size_t at, struct err *err)
{
    struct db_tx *tx = b->rq->tx;
    struct err why = {0};
    TRY(db_tx_savepoint(tx, err));
    if (run_any(b, at, &why) == 0)
        return db_tx_release(tx, true, err);
    if (!may_go_on(&why)) {
        *err = why;
        return why.code;
    }
    TRY(db_tx_release(tx, false, err));
    keep_problem(b, at, &why);
    return 0;
}

static int run_list(struct batch *b, size_t first, size_t end, struct err *err)
{
    for (size_t i = first; i < end; i = b->all[i].end)
        TRY(b->all[i].goes_on ? run_optional(b, i, err) : run_any(b, i, err));
    return 0;
}

/* ---- the answer ---- */

static void put_headers(struct buf *out, const struct operation *op)
{
    for (size_t i = 0; i < op->sent_count; i++) {
        buf_str(out, i ? LIT(",") : LIT(",\"headers\":{"));
        json_text(out, op->sent[i].name);
        buf_char(out, ':');
        json_text(out, op->sent[i].value);
    }
    if (op->sent_count)
        buf_char(out, '}');
}

static void put_list(struct buf *out, const struct batch *b, size_t first, size_t end);

static void put_result(struct buf *out, const struct batch *b, size_t at)
{
    const struct operation *op = &b->all[at];
    bool whole = op->group && op->state == OPERATION_DONE;
    buf_lit(out, "{\"status\":");
    buf_i64(out, whole ? 200 : op->status);
    if (op->name.ptr) {
        buf_lit(out, ",\"name\":");
        json_text(out, op->name);
    }
    put_headers(out, op);
    if (whole) {
        buf_lit(out, ",\"results\":");
        put_list(out, b, at + 1, op->end);
    } else if (op->answer.len) {
        buf_lit(out, ",\"body\":");
        buf_str(out, op->answer);
    }
    buf_char(out, '}');
}

static void put_list(struct buf *out, const struct batch *b, size_t first, size_t end)
{
    buf_char(out, '[');
    for (size_t i = first; i < end; i = b->all[i].end) {
        if (i > first)
            buf_char(out, ',');
        put_result(out, b, i);
    }
    buf_char(out, ']');
}

static int answer(struct batch *b, enum db_isolation isolation, struct err *err)
{
    static const char *const words[] = {[DB_READ_COMMITTED] = "read_committed",
                                        [DB_REPEATABLE_READ] = "repeatable_read",
                                        [DB_SERIALIZABLE] = "serializable"};
    struct reply *r = b->rq->reply;
    lend_reply(b);
    r->type = LIT("application/json");
    buf_lit(&r->body, "{\"isolation\":");
    json_text(&r->body, str_of(words[isolation]));
    buf_lit(&r->body, ",\"results\":");
    put_list(&r->body, b, 0, b->count);
    buf_char(&r->body, '}');
    return r->body.full ? resource__full(err) : 0;
}

/* ---- the endpoint ---- */

static void forget(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct operation *op = &b->all[i];
        op->state = OPERATION_WAITS;
        op->sent_count = 0;
        op->answer = (str){NULL, 0};
        op->value = NULL;
    }
}

WAITS static int run_all(void *ctx, struct db_tx *tx, struct err *err)
{
    struct batch *b = ctx;
    struct db_tx *outer = b->rq->tx;
    forget(b);
    b->rq->tx = tx;
    int code = run_list(b, 0, b->count, err);
    b->rq->tx = outer;
    return code < 0 ? code : answer(b, db_tx_isolation(tx), err);
}

/* With an Idempotency-Key: the transaction is there already. */
WAITS static int run_inside(struct batch *b, struct err *err)
{
    struct db_tx *tx = b->rq->tx;
    if (!db_tx_suits(tx, b->options.isolation))
        return fail(err, E_INTERNAL, "the batch wants another transaction than it is in");
    bool was = db_tx_only_reads(tx, b->options.read_only);
    int code = run_all(b, tx, err);
    db_tx_only_reads(tx, was);
    return code;
}

int resource__batch(struct request *rq, const void *data, struct err *err)
{
    struct batch *b = ARENA_NEW(&rq->arena, struct batch); /* a large one for a fiber's stack */
    struct db_block block = {.body = run_all, .ctx = b};
    struct value json;
    *b = (struct batch){.rq = rq, .place = data, .headers = rq->reply->header_count};
    TRY(resource__no_params(rq, err));
    TRY(body_read(rq, TAKES_JSON | TAKES_KINDS, &json_limits_default, &json, err));
    TRY(batch__read(b, &json, err));
    fiber_defer(give_back, b);
    if (rq->tx)
        return run_inside(b, err);
    return db_transact(b->place->set->db, &b->options, &block, err);
}
