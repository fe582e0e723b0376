/* api_request.c -- cairn.h: what a handler asks of its request. SPDX: Apache-2.0 */
#include "observe/log.h"
#include "render/locale.h"
#include "render/negotiate.h"
#include "render/render.h"
#include "server/api_priv.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- running the chain ---- */

static void json_end(struct cairn_request *c)
{
    while (c->depth)
        cairn_put_end(c);
}

int cairn_next(struct cairn_request *c)
{
    BUG_ON(c->at == c->route->length); /* the handler is the end of the chain */
    const struct call_link *link = &c->route->chain[c->at++];
    return link->run(c, link->data);
}

int api_run(struct request *rq, const void *data, struct err *err)
{
    struct cairn_request c = {.rq = rq, .err = err, .route = data};
    if (principal_barred(rq->principal, LIT("handlers"), LIT("call")))
        return fail_field(err, E_DENIED, LIT("forbidden"), LIT(""),
                          "the API key is not for 'handlers:*'");
    int code = cairn_next(&c);
    if (code >= 0) {
        json_end(&c);
        return 0;
    }
    if (!err->code)
        fail(err, E_INTERNAL, "the handler answered %d without a reason", code);
    bool named = c.status && str_is(c.said, err->text);
    if (named && err_status(err->code) != c.status && !rq->reply->started) {
        render_problem(rq, c.status, err);
        return 0;
    }
    return err->code;
}

/* ---- texts ---- */

cairn_str cairn_method(const struct cairn_request *c)
{
    return api_str(c->rq->method_text);
}

cairn_str cairn_path(const struct cairn_request *c)
{
    return api_str(c->rq->path);
}

cairn_str cairn_id(const struct cairn_request *c)
{
    return api_str(c->rq->id);
}

cairn_str cairn_user(const struct cairn_request *c)
{
    const struct principal *p = c->rq->principal;
    return p && p->subject.len ? api_str(p->subject) : (cairn_str){NULL, 0};
}

bool cairn_has_role(const struct cairn_request *c, const char *role)
{
    str names[ROLES_MOST + 2];
    const struct world *w = c->rq->world;
    if (!w->access)
        return principal_is(c->rq->principal, str_of(role));
    size_t count = access_role_names(w->access, access_roles(w->access, c->rq->principal), names);
    for (size_t i = 0; i < count; i++) {
        if (str_is(names[i], role))
            return true;
    }
    return false;
}

const struct cairn_json *cairn_claims(const struct cairn_request *c)
{
    const struct principal *p = c->rq->principal;
    return p ? (const struct cairn_json *)(const void *)&p->claims : NULL;
}

cairn_str cairn_param(const struct cairn_request *c, const char *name)
{
    return api_str(request_param(c->rq, str_of(name)));
}

cairn_str cairn_header(const struct cairn_request *c, const char *name)
{
    return api_str(request_header(c->rq, str_of(name)));
}

cairn_str cairn_language(struct cairn_request *c, const char *offers)
{
    enum { MOST = 32 };
    str list[MOST], header = request_header(c->rq, LIT("Accept-Language"));
    size_t count = 0;
    for (str rest = str_of(offers); rest.ptr && count < MOST;)
        list[count++] = str_trim(str_cut(&rest, ','));
    if (!count)
        return api_str((str){"", 0});
    size_t at = header.len ? language_choose(header, list, count) : 0;
    str chosen = arena_str(&c->rq->arena, list[at == STR_NONE ? 0 : at]);
    reply_vary(c->rq->reply, LIT("Accept-Language"));
    reply_header(c->rq->reply, LIT("Content-Language"), chosen);
    return api_str(chosen);
}

cairn_str cairn_query(struct cairn_request *c, const char *name)
{
    const struct param *list;
    struct err ignored = {0}; /* a query string that cannot be read holds nothing */
    size_t count;
    if (request_query(c->rq, &list, &count, &ignored) < 0)
        return (cairn_str){NULL, 0};
    for (size_t i = 0; i < count; i++) {
        if (str_is(list[i].name, name))
            return api_str(list[i].value);
    }
    return (cairn_str){NULL, 0};
}

int cairn_param_int(struct cairn_request *c, const char *name, int64_t *out)
{
    cairn_str text = cairn_param(c, name);
    if (!text.ptr)
        text = cairn_query(c, name);
    if (text.ptr && str_to_i64(api_in(text), out))
        return 0;
    return fail_field(c->err, E_BAD, LIT("bad_value"), str_of(name), "'%s' is not a whole number",
                      name);
}

/* ---- the body ---- */

int cairn_body(struct cairn_request *c, cairn_str *out)
{
    str body;
    TRY(request_body(c->rq, &body, c->err));
    *out = api_str(body);
    return 0;
}

WAITS static int read_value(struct cairn_request *c, unsigned takes, const struct cairn_json **out)
{
    struct value *v = ARENA_NEW(&c->rq->arena, struct value);
    TRY(body_read(c->rq, takes, &json_limits_default, v, c->err));
    *out = (const struct cairn_json *)(const void *)v;
    return 0;
}

int cairn_body_json(struct cairn_request *c, const struct cairn_json **out)
{
    return read_value(c, TAKES_JSON | TAKES_KINDS, out);
}

int cairn_body_fields(struct cairn_request *c, const struct cairn_json **out)
{
    return read_value(c, TAKES_FIELDS | TAKES_KINDS, out);
}

/* ---- memory and time ---- */

void *cairn_alloc(struct cairn_request *c, size_t size)
{
    return arena_new(&c->rq->arena, size);
}

cairn_str cairn_format(struct cairn_request *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BUG_ON(len < 0);
    char *text = arena_new(&c->rq->arena, (size_t)len + 1);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, ap);
    va_end(ap);
    return (cairn_str){text, (size_t)len};
}

static int waited(struct cairn_request *c, int code)
{
    if (code == 0)
        return 0;
    return fail(c->err, code,
                code == E_BUSY ? "all helper threads are busy; try again" : "the wait was ended");
}

int cairn_sleep(struct cairn_request *c, unsigned ms)
{
    return waited(c, fiber_sleep((uint64_t)ms * 1000000));
}

int cairn_blocking(struct cairn_request *c, void (*fn)(void *arg), void *arg)
{
    return waited(c, fiber_blocking(fn, arg));
}

/* ---- the log ---- */

void cairn_log(const struct cairn_request *c, const char *level, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    enum log_level at = LOG_INFO;
    char text[1024];
    struct log l;
    va_list ap;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        at = strcmp(level, names[i]) == 0 ? (enum log_level)i : at;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log_begin(&l, at, "handler");
    log_str(&l, "request_id", c->rq->id);
    log_str(&l, "text", str_of(text));
    log_end(&l);
}
