/* fields.c -- what an answer says about limits. SPDX: Apache-2.0
 * RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10) name every limit that
 * decided; X-RateLimit-* tell of the one that is nearest to its end: Reset is a time, in seconds
 * since 1970, as most have it. */
#include "edge/edge_priv.h"

#include "base/clock.h"
#include "render/render.h"

enum { LINE_MOST = 160 };

static uint64_t seconds(uint64_t ms)
{
    return (ms + 999) / 1000;
}

/* Until the client gets something back: when it was refused, until it may come again. */
static uint64_t wait_s(const struct limit_verdict *v)
{
    return seconds(v->allowed ? v->reset_ms : v->retry_ms);
}

static const struct limit_told *nearest(const struct limit_told *told, size_t count)
{
    const struct limit_told *best = told;
    for (const struct limit_told *t = told; t < told + count; t++) {
        if (!t->verdict.allowed)
            return t;
        if ((uint64_t)t->verdict.left * best->level->shown <
            (uint64_t)best->verdict.left * t->level->shown)
            best = t;
    }
    return best;
}

static void put_number(struct buf *b, str lead, uint64_t n)
{
    buf_str(b, lead);
    buf_u64(b, n);
}

static void put_all(struct buf *b, const struct limit_told *told, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_str(b, i ? LIT(", ") : LIT("\r\nRateLimit-Policy: "));
        buf_str(b, told[i].level->policy);
    }
    for (size_t i = 0; i < count; i++) {
        buf_str(b, i ? LIT(", \"") : LIT("\r\nRateLimit: \""));
        buf_str(b, told[i].config->name);
        put_number(b, LIT("\";r="), told[i].verdict.left);
        put_number(b, LIT(";t="), wait_s(&told[i].verdict));
    }
}

/* The digits of a time: the same on all answers of a second. */
static char *put_time(char *at, uint64_t s)
{
    enum { WHOLE = 24 };
    static _Thread_local struct {
        uint64_t s;
        size_t len;
        char text[WHOLE];
    } last;
    if (last.s != s || !last.len) {
        last.s = s;
        last.len = (size_t)(text_u64(last.text, s) - last.text);
    }
    memcpy(at, last.text, WHOLE);
    return at + last.len;
}

/* The same for a single limit, as most have it: on every answer, so it goes by hand. */
static str text_of_one(struct request *rq, const struct limit_told *t)
{
    enum { SEPARATORS = 64, DIGITS_MOST = 16 };
    static const char wait[] = {';', 't', '='}, reset[] = "\r\nX-RateLimit-Reset: ";
    str first = t->level->alone, then = t->level->then;
    uint64_t wait_for = wait_s(&t->verdict);
    char *text = arena_new(&rq->arena, first.len + then.len + SEPARATORS + 4 * TEXT_U64_MOST);
    char *left = (char *)memcpy(text, first.ptr, first.len) + first.len;
    char *at = text_u64(left, t->verdict.left);
    size_t digits = (size_t)(at - left);
    at = (char *)memcpy(at, wait, sizeof wait) + sizeof wait;
    if (wait_for < 10)
        *at++ = (char)('0' + wait_for);
    else
        at = text_u64(at, wait_for);
    at = (char *)memcpy(at, then.ptr, then.len) + then.len;
    memcpy(at, left, DIGITS_MOST); /* what follows the digits there is written over here */
    at += digits;
    at = (char *)memcpy(at, reset, sizeof reset - 1) + sizeof reset - 1;
    at = put_time(at, (uint64_t)clock_wall_s() + wait_for);
    return str_make(text, (size_t)(at - text));
}

str fields__text(struct request *rq, const struct limit_told *told, size_t count)
{
    if (count == 1)
        return text_of_one(rq, told);
    size_t room = (2 * count + 3) * LINE_MOST;
    struct buf b = {.ptr = arena_new(&rq->arena, room), .cap = room, .limit = room};
    const struct limit_told *t = nearest(told, count);
    put_all(&b, told, count);
    put_number(&b, t->level->then, t->verdict.left);
    put_number(&b, LIT("\r\nX-RateLimit-Reset: "), (uint64_t)clock_wall_s() + wait_s(&t->verdict));
    return buf_view(&b);
}

/* 429, with the members of the draft's problem type and of the guide beside the usual ones. */
void fields__refuse(struct request *rq, const struct limit_told *told)
{
    struct err err = {0};
    struct buf *body = &rq->reply->body;
    uint64_t wait = wait_s(&told->verdict);
    wait = wait ? wait : 1;
    fail(&err, E_LIMITED, "too many requests; the limit '%.*s' is used up, come again in %llu s",
         STR_ARG(told->config->name), (unsigned long long)wait);
    render_problem(rq, 0, &err);
    reply_header(rq->reply, LIT("Retry-After"),
                 arena_printf(&rq->arena, "%llu", (unsigned long long)wait));
    if (body->len && body->ptr[body->len - 1] == '}') {
        body->len--;
        buf_printf(body, ",\"retry_after\":%llu,\"violated-policies\":[\"%.*s\"]}",
                   (unsigned long long)wait, STR_ARG(told->config->name));
    }
}
