/* pipeline.c -- the whole way of a request, as a table. SPDX: Apache-2.0
 * Steps run downwards until one answers or fails; what one of them has to undo it defers. A failure
 * becomes a problem+json answer here and nowhere else. */
#include "observe/log.h"
#include "render/negotiate.h"
#include "render/render.h"
#include "server/roles.h"
#include "server/server_priv.h"

#include <time.h>

enum step { STEP_NEXT, STEP_ANSWERED, STEP_FAILED };

WAITS typedef enum step step_enter(struct request *rq, struct err *err);

/* ---- which version of the API ---- */

void pipeline_version(const struct world *w, struct request *rq)
{
    struct err ignored;
    str allow;
    if (LIKELY(!w->version_count) || str_is(rq->path, "*") || edge_version_path(w->edge, rq))
        return;
    err_none(&ignored);
    bool own = router_find(w->router, rq, &allow, &ignored) != E_NOTFOUND;
    edge_version_asked(w->edge, rq, !own, &ignored); /* a failure is told when nothing is found */
}

static enum step step_version(struct request *rq, struct err *err)
{
    (void)err;
    pipeline_version(rq->world, rq);
    return STEP_NEXT;
}

/* ---- edge ---- */

static enum step step_headers(struct request *rq, struct err *err)
{
    const struct world *w = rq->world;
    (void)err;
    edge_set_headers(w->edge, rq);
    return STEP_NEXT;
}

static enum step step_cors(struct request *rq, struct err *err)
{
    const struct world *w = rq->world;
    (void)err;
    return edge_cors(w->edge, rq) ? STEP_ANSWERED : STEP_NEXT;
}

/* Those who ask whether the server lives are not limited. */
WAITS static enum step step_limit(struct request *rq, struct err *err)
{
    const struct world *w = rq->world;
    const struct endpoint *e = rq->endpoint;
    if (e && e->quiet)
        return STEP_NEXT;
    int code = edge_limit(w->edge, rq, err);
    return code < 0 ? STEP_FAILED : code > 0 ? STEP_ANSWERED : STEP_NEXT;
}

WAITS static enum step step_quota(struct request *rq, struct err *err)
{
    const struct world *w = rq->world;
    const struct endpoint *e = rq->endpoint;
    if (e && e->quiet)
        return STEP_NEXT;
    int code = edge_quota(w->edge, rq, err);
    return code < 0 ? STEP_FAILED : code > 0 ? STEP_ANSWERED : STEP_NEXT;
}

/* ---- route ---- */

#define ALL_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

static enum step options_answer(struct request *rq, str allow)
{
    rq->reply->status = 204;
    reply_header(rq->reply, LIT("Allow"), allow);
    return STEP_ANSWERED;
}

/* Which bodies the resource takes (RFC 5789; Accept-Post is of W3C LDP, 7.1.2). */
static void tell_bodies(const struct router *r, struct request *rq, enum method m, str name)
{
    struct err none = {0};
    str allow;
    rq->method = m;
    const struct endpoint *e = router_find(r, rq, &allow, &none) == 0 ? rq->endpoint : NULL;
    rq->method = METHOD_OPTIONS;
    rq->endpoint = NULL;
    rq->route = NULL;
    if (e && e->accepts)
        reply_header(rq->reply, name, str_of(e->accepts));
}

WAITS static enum step step_route(struct request *rq, struct err *err)
{
    const struct world *w = rq->world;
    str allow;
    if (str_is(rq->path, "*"))
        return options_answer(rq, LIT(ALL_METHODS));
    int code = router_find(w->router, rq, &allow, err);
    if (code == 0)
        return STEP_NEXT;
    struct err over = {0};
    enum step limit = step_limit(rq, &over); /* what is not there is counted too */
    if (limit == STEP_NEXT)
        limit = step_quota(rq, &over);
    if (limit != STEP_NEXT) {
        *err = over;
        return limit;
    }
    if (code == E_METHOD && rq->method == METHOD_OPTIONS) {
        tell_bodies(w->router, rq, METHOD_POST, LIT("Accept-Post"));
        tell_bodies(w->router, rq, METHOD_PATCH, LIT("Accept-Patch"));
        return options_answer(rq, allow);
    }
    if (code == E_METHOD)
        reply_header(rq->reply, LIT("Allow"), allow);
    if (code == E_NOTFOUND && w->version_count && edge_version_fault(w->edge, rq, &over) < 0)
        *err = over;
    return STEP_FAILED;
}

/* ---- who asks ---- */

static void forget(void *arg)
{
    struct request *rq = arg;
    identity_release(&rq->signed_in);
    rq->principal = NULL;
}

/* A defer: a request that is ended on the spot lets go of its token, too. */
WAITS static enum step step_sign_in(struct request *rq, struct err *err)
{
    const struct world *w = rq->world;
    const struct endpoint *e = rq->endpoint;
    if (!w->identity || e->own_who)
        return STEP_NEXT;
    struct signed_in *who = NULL;
    if (account_who(w->accounts, rq, (int64_t)time(NULL), &who, err) < 0)
        return STEP_FAILED;
    if (who) {
        rq->signed_in = who;
        rq->principal = signed_in_principal(who);
        fiber_defer(forget, rq);
    }
    return STEP_NEXT;
}

/* RFC 6750, 3: how to sign in, on every 401. */
static void tell_scheme(struct request *rq, const struct err *err)
{
    if (err_status(err->code) != 401)
        return;
    const struct world *w = rq->world;
    bool token = str_is(err->word, "invalid_token") || str_is(err->word, "invalid_api_key");
    reply_header(rq->reply, LIT("WWW-Authenticate"),
                 token ? LIT("Bearer error=\"invalid_token\"") : LIT("Bearer"));
    if (w->account.basic)
        reply_header(rq->reply, LIT("WWW-Authenticate"),
                     LIT("Basic realm=\"cairn\", charset=\"UTF-8\""));
}

/* ---- run ---- */

/* What may be sent twice and must not happen twice. */
WAITS static int run_endpoint(const struct world *w, struct request *rq, struct err *err)
{
    const struct endpoint *e = rq->endpoint;
    bool takes_key = e->keyed && (rq->method == METHOD_POST || rq->method == METHOD_PATCH);
    if (takes_key && w->idempotency)
        return idempotency_run(w->idempotency, rq, e->run, e->data, err);
    return e->run(rq, e->data, err);
}

WAITS static enum step step_run(struct request *rq, struct err *err)
{
    const struct endpoint *e = rq->endpoint;
    const struct world *w = rq->world;
    int code = edge_conditional(w->edge, rq, err);
    if (code == 0)
        code = negotiate_begin(&w->coder, rq, e->in_batch, err);
    if (code == 0 && rq->method >= METHOD_POST)
        code = body_decode(rq, &w->config->codings, err);
    if (code == 0 && e->receive)
        code = e->receive(rq, e->data, err);
    if (code == 0)
        code = run_endpoint(w, rq, err);
    if (w->identity && rq->method >= METHOD_POST && code == 0 && rq->reply->status < 400)
        roles_after(w, rq);
    if (rq->uploads)
        uploads_settle(rq, code < 0 || rq->reply->status >= 400);
    if (code == 0)
        negotiate_settle(rq);
    if (code == 0 && !e->quiet)
        code = edge_validate(w->edge, rq, &w->etag_key, err);
    if (code == 0 && rq->reply->body.full) {
        fail(err, E_TOOBIG, "the answer is larger than http.request_memory allows");
        code = E_TOOBIG;
    }
    return code < 0 ? STEP_FAILED : STEP_ANSWERED;
}

static step_enter *const pipeline[] = {
    step_version, /* from here on the path names it */
    step_headers, /* of every answer from here on, failures too */
    step_cors,    /* preflights end here: they carry no credentials */
    step_route,   /* pure; the steps below read the endpoint */
    step_limit,   /* before sign-in: bad tokens can flood too */
    step_sign_in, /* who asks */
    step_quota,   /* limits by user, key and plan */
    step_run,
};

/* ---- failures ---- */

/* Who operates the server wants the cause of a 5xx; the client gets none of it. */
static void log_failure(const struct request *rq, const struct err *err)
{
    struct log l;
    log_begin(&l, err_status(err->code) == 503 ? LOG_WARN : LOG_ERROR, "request failed");
    log_str(&l, "request_id", rq->id);
    log_str(&l, "method", rq->method_text);
    log_str(&l, "path", rq->path);
    log_err(&l, err);
    log_end(&l);
}

static void failed(struct request *rq, struct err *err)
{
    if (err->code == E_CANCELLED && request_timed_out(rq)) {
        *err = (struct err){0};
        fail(err, E_TIMEOUT, "the request took longer than http.request_timeout");
    }
    if (err_status(err->code) >= 500)
        log_failure(rq, err);
    if (rq->reply->started)
        rq->reply->failed = true; /* the client can tell by the missing end */
    else {
        tell_scheme(rq, err);
        rq->reply->settled = false;
        render_problem(rq, 0, err);
    }
}

/* What failed before its run is negotiated, too. */
WAITS static void negotiate(struct request *rq)
{
    const struct world *w = rq->world;
    struct err err;
    err_none(&err);
    if (!rq->reply->coder && !rq->reply->started)
        negotiate_begin(&w->coder, rq, false, &err);
    if (negotiate_finish(rq, &err) < 0) {
        rq->reply->coder = NULL;
        failed(rq, &err);
    }
}

static void tell_work(void *arg, struct fiber_work *out)
{
    const struct request *rq = arg;
    out->method = rq->method_text;
    out->route = rq->route ? str_of(rq->route) : rq->path;
    out->id = rq->id;
}

void pipeline_walk(struct request *rq)
{
    struct err err;
    enum step s = STEP_NEXT;
    err_none(&err);
    fiber_tells(tell_work, rq);
    rq->locales = &((const struct world *)rq->world)->config->locales;
    for (size_t at = 0; at < COUNT_OF(pipeline) && s == STEP_NEXT; at++)
        s = pipeline[at](rq, &err);
    if (s == STEP_FAILED)
        failed(rq, &err);
    negotiate(rq);
}
