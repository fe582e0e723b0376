/* cookies.c -- sessions in cookies, for pages in browsers. The cookie is the session's id under a
 * MAC: a made-up one costs no look into the database, and nothing that is stored there opens a
 * session. Its name begins with __Host-, so that no other host of the site and no page over http
 * can set it; script cannot read it. Only in development, between a client and a server on one
 * machine, it goes over plain http, under its plain name. Invariants: (1) Signing in always makes a
 * new session, and ends the one it came with. (2) A cookie that is not good is as none: the answer
 * never clears it, for it may come late, behind a new one. SPDX: Apache-2.0 */
#include "account/account_priv.h"

static bool loopback(str host)
{
    str name = host.len && host.ptr[0] == '[' ? str_upto(host, str_find(host, ']') + 1)
                                              : str_upto(host, str_find(host, ':'));
    return str_eqi(name, LIT("localhost")) || str_is(name, "[::1]") ||
           str_starts(name, LIT("127."));
}

bool cookie__plain(const struct accounts *x, const struct request *rq)
{
    str peer = request_peer(rq);
    bool near = str_starts(peer, LIT("127.")) || str_is(peer, "::1") ||
                str_starts(peer, LIT("::ffff:127.")) || str_is(peer, "unix");
    return x->config->development && near && loopback(rq->host);
}

static str name_of(struct request *rq, const struct accounts *x)
{
    if (cookie__plain(x, rq))
        return x->config->cookie_name;
    return arena_printf(&rq->arena, "__Host-%.*s", STR_ARG(x->config->cookie_name));
}

/* SameSite=None is refused by browsers without Secure. */
static void set(struct request *rq, const struct accounts *x, str value, int64_t seconds)
{
    bool plain = cookie__plain(x, rq);
    str same_site =
        plain && str_is(x->config->same_site, "None") ? LIT("Lax") : x->config->same_site;
    reply_header(rq->reply, LIT("Set-Cookie"),
                 arena_printf(&rq->arena,
                              "%.*s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=%.*s%s",
                              STR_ARG(name_of(rq, x)), STR_ARG(value), (long long)seconds,
                              STR_ARG(same_site), plain ? "" : "; Secure"));
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
}

void cookie__clear(struct request *rq, const struct accounts *x)
{
    set(rq, x, LIT(""), 0);
    if (!cookie__plain(x, rq)) /* browsers take it over https only; cookies of siblings stay */
        reply_header(rq->reply, LIT("Clear-Site-Data"), LIT("\"cache\", \"storage\""));
}

/* ---- who asks ---- */

/* The cookie's value, when there is exactly one. */
static bool given(struct request *rq, const struct accounts *x, str *out)
{
    return request_header(rq, LIT("Cookie")).ptr && request_cookie(rq, name_of(rq, x), out) == 1;
}

WAITS static int look_up(struct request *rq, const struct accounts *x, str sid, int64_t now,
                         struct session *s, struct account *who, struct err *err)
{
    *who = (struct account){0};
    TRY(session__live(rq, x, sid, now, s, err));
    if (!s->id.len || s->counter != 0)
        return 0;
    TRY(account__by_key(rq, x, s->account, who, err));
    if (who->cells && !account__verified(x, who))
        who->cells = NULL;
    if (!who->cells)
        return 0;
    struct err why = {0};
    int code = mfa__has(rq, x, who->key, &why);
    if (code == E_SIGNIN)
        who->cells = NULL; /* as none: whoever has it signs in again, and sets a factor up */
    else if (code < 0)
        *err = why;
    return code == E_SIGNIN ? 0 : code;
}

int cookie__session(struct request *rq, const struct accounts *x, int64_t now, struct session *s,
                    struct account *who, struct err *err)
{
    str value, sid;
    uint64_t counter;
    *who = (struct account){0};
    if (!given(rq, x, &value) ||
        !identity_unseal(&rq->arena, x->identity, SEALED_COOKIE, value, &sid, &counter))
        return 0;
    return look_up(rq, x, sid, now, s, who, err);
}

static int64_t until(const struct accounts *x, const struct session *s, int64_t now)
{
    int64_t at = now + session__pause(x, KEPT_SECONDS);
    return at < s->expires ? at : s->expires;
}

int cookie__who(struct request *rq, const struct accounts *x, int64_t now, struct signed_in **out,
                struct err *err)
{
    struct session s;
    struct account who;
    struct principal p;
    str value, sid;
    uint64_t counter;
    struct identity_stamp stamp;
    *out = NULL;
    if (!given(rq, x, &value))
        return 0;
    *out = identity_kept(x->identity, BY_COOKIE, value, now, &stamp);
    if (*out || !identity_unseal(&rq->arena, x->identity, SEALED_COOKIE, value, &sid, &counter))
        return 0;
    TRY(look_up(rq, x, sid, now, &s, &who, err));
    if (!who.cells)
        return 0;
    TRY(account__principal(rq, x, &who, &p, err));
    *out = identity_keep(x->identity, BY_COOKIE, value, sid, &p, until(x, &s, now), stamp);
    return 0;
}

/* ---- signing in ---- */

int cookie__wanted(struct request *rq, const struct accounts *x, bool *out, struct err *err)
{
    const struct param *list;
    size_t count;
    *out = false;
    TRY(request_query(rq, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!str_is(list[i].name, "session"))
            continue;
        if (!str_is(list[i].value, "cookie") && !str_is(list[i].value, "token"))
            return fail_field(err, E_BAD, LIT("bad_parameter"), LIT("session"),
                              "'session' is cookie or token");
        *out = str_is(list[i].value, "cookie");
    }
    if (*out && !x->config->cookies)
        return fail_field(err, E_BAD, LIT("bad_parameter"), LIT("session"),
                          "there are no sessions in cookies here: auth.cookies is off");
    return *out ? csrf__from_us(rq, x, err) : 0;
}

static str csrf_of(struct request *rq, const struct accounts *x, str sid)
{
    char text[CSRF_TEXT];
    identity_csrf(x->identity, sid, text);
    return arena_str(&rq->arena, str_make(text, CSRF_TEXT));
}

str cookie__sid(struct request *rq, const struct accounts *x)
{
    str value, sid;
    uint64_t counter;
    bool good = given(rq, x, &value) &&
                identity_unseal(&rq->arena, x->identity, SEALED_COOKIE, value, &sid, &counter);
    return good ? sid : LIT("");
}

int cookie__end(struct request *rq, const struct accounts *x, str sid, struct err *err)
{
    struct session s;
    size_t ended;
    if (!sid.len)
        return 0;
    TRY(session__live(rq, x, sid, account__now(), &s, err));
    struct session_end e = {s.account, sid, (str){0}, AUDIT_SESSIONS_ENDED};
    return s.id.len ? session__end(rq, x, &e, &ended, err) : 0;
}

WAITS static int begin(struct request *rq, const struct accounts *x, const struct account *who,
                       struct session *s, str *csrf, struct err *err)
{
    TRY(session__begin_cookie(rq, x, who, s, err));
    set(rq, x, identity_seal(&rq->arena, x->identity, SEALED_COOKIE, s->id, 0),
        s->expires - s->created);
    *csrf = csrf_of(rq, x, s->id);
    reply_header(rq->reply, LIT("X-CSRF-Token"), *csrf);
    return 0;
}

/* The session that the browser had until now, whosever it was. */
WAITS static int end_old(struct request *rq, const struct accounts *x, struct err *err)
{
    return cookie__end(rq, x, cookie__sid(rq, x), err);
}

int cookie__begin(struct request *rq, const struct accounts *x, const struct account *who,
                  struct err *err)
{
    struct buf *b = &rq->reply->body;
    struct session s;
    str csrf;
    TRY(end_old(rq, x, err));
    TRY(begin(rq, x, who, &s, &csrf, err));
    rq->reply->type = LIT("application/json");
    buf_lit(b, "{\"csrf_token\":");
    json_text(b, csrf);
    buf_lit(b, ",\"expires_at\":");
    account__time(b, s.expires);
    buf_lit(b, ",\"user\":");
    account__put(b, x, who);
    buf_char(b, '}');
    return 0;
}

int cookie__enter(struct request *rq, const struct accounts *x, const struct account *who,
                  struct session *s, struct err *err)
{
    str csrf;
    TRY(end_old(rq, x, err));
    return begin(rq, x, who, s, &csrf, err);
}

int cookie__renew(struct request *rq, const struct accounts *x, const struct account *who, str *sid,
                  struct err *err)
{
    struct session s;
    str csrf;
    TRY(begin(rq, x, who, &s, &csrf, err));
    *sid = s.id;
    return 0;
}

int cookie__csrf(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    if (!rq->signed_in || signed_in_by(rq->signed_in) != BY_COOKIE)
        return fail_field(err, E_SIGNIN, LIT("sign_in_required"), LIT(""),
                          "sign in first, with a cookie: POST .../auth/login?session=cookie");
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_lit(&rq->reply->body, "{\"csrf_token\":");
    json_text(&rq->reply->body, csrf_of(rq, x, signed_in_sid(rq->signed_in)));
    buf_char(&rq->reply->body, '}');
    return 0;
}
