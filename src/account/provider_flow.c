/* provider_flow.c -- a sign-in at a provider between its beginning and its end: what it needs again
 * goes along in a cookie that nobody else can read or make. SPDX: Apache-2.0
 * Why a cookie: so the answer counts only in the browser that asked (RFC 9700, 4.7), a beginning
 * costs no row, and no other host of the site can set it (__Host-). Invariants: (1) A state is good
 * for FLOW_S seconds, with its own cookie, at its own provider. (2) It is good once: its digest is
 * kept until it is too old anyway. (3) Where it leads back to is decided before it begins: never to
 * an endpoint, which could send the browser on with what stands behind `#` (RFC 9110, 10.2.2). */
#include "account/account_priv.h"
#include "auth/clients.h"

#include <sodium.h>

enum { FLOW_S = 600, TICKET_S = 60, BACK_MOST = 1000, LINES = 9 };

static const char use_flow[] = "provider flow", use_ticket[] = "provider ticket", prefix[] = "cot_";

/* ---- where it may lead back to ---- */

static bool plain(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c <= ' ' || c > '~' || c == '\\' || c == '#' || c == '"' || c == '<' || c == '>')
            return false;
        if (c == '.' && str_starts(str_from(s, i), LIT("..")))
            return false;
        if (str_eqi(str_upto(str_from(s, i), 3), LIT("%2e"))) /* browsers read it as a dot */
            return false;
    }
    return s.len && s.len <= BACK_MOST;
}

static bool below(str path, str place)
{
    return str_starts(path, place) && (path.len == place.len || path.ptr[place.len] == '/');
}

/* Of an address without its host: that it is one path however it is read, and none of ours. */
static bool page(struct request *rq, const struct accounts *x, str back)
{
    const struct account_config *c = x->config;
    struct err ignored = {0};
    size_t query = str_find(back, '?');
    str path;
    if (url_decode(&rq->arena, str_upto(back, query == STR_NONE ? back.len : query), false, &path,
                   &ignored) < 0 ||
        !path.len || path.ptr[0] != '/' || below(path, LIT("/oauth")))
        return false;
    for (size_t i = 0; i < path.len; i++) {
        str rest = str_from(path, i);
        if (str_starts(rest, LIT("//")) || str_starts(rest, LIT("/./")) || str_is(rest, "/."))
            return false;
    }
    for (size_t i = 0; i < c->prefix_count; i++) {
        str p = c->prefixes[i], base = str_upto(p, p.len ? str_rfind(p, '/') : 0);
        bool short_one = str_starts(path, base) && /* the version may stand in a header */
                         below(str_from(path, base.len), LIT("/auth/oauth"));
        if (short_one || (p.len && below(path, p)))
            return false;
    }
    return true;
}

bool flow__back_good(struct request *rq, const struct accounts *x, str back, bool secret)
{
    if (!plain(back))
        return false;
    if (back.ptr[0] == '/')
        return !secret && page(rq, x, back);
    for (str rest = x->config->return_urls; rest.ptr && rest.len;) {
        str one = str_trim(str_cut(&rest, ','));
        if (one.len && str_eq(back, one))
            return true;
        size_t host = str_starts(one, LIT("https://")) ? 8 : 7, slash;
        if (!str_ends(one, LIT("/")) || !str_starts(back, one))
            continue;
        slash = str_find(str_from(back, host), '/');
        if (slash != STR_NONE && page(rq, x, str_from(back, host + slash)))
            return true;
    }
    return false;
}

/* ---- the cookie ---- */

/* A form that another site sends brings a cookie only when it says so; browsers take that over
 * https alone, and from the own machine. */
static bool bare(const struct accounts *x, const struct request *rq,
                 const struct provider_config *c)
{
    return cookie__plain(x, rq) && !c->form_post;
}

static str name_of(struct request *rq, const struct accounts *x, const struct provider_config *c)
{
    return arena_printf(&rq->arena, "%s%.*s-oauth-%.*s", bare(x, rq, c) ? "" : "__Host-",
                        STR_ARG(x->config->cookie_name), STR_ARG(c->name));
}

static void set(struct request *rq, const struct accounts *x, const struct provider_config *c,
                str value, int seconds)
{
    reply_header(rq->reply, LIT("Set-Cookie"),
                 arena_printf(&rq->arena, "%.*s=%.*s; Path=/; Max-Age=%d; HttpOnly; SameSite=%s%s",
                              STR_ARG(name_of(rq, x, c)), STR_ARG(value), seconds,
                              c->form_post ? "None" : "Lax", bare(x, rq, c) ? "" : "; Secure"));
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
}

void flow__begin(struct request *rq, const struct accounts *x, const struct provider_config *c,
                 struct flow *f)
{
    f->at.state = account__secret(rq);
    f->at.nonce = account__secret(rq);
    f->at.verifier = account__secret(rq);
    str text =
        arena_printf(&rq->arena, "%lld\n%.*s\n%.*s\n%.*s\n%s\n%.*s\n%.*s\n%.*s\n%.*s",
                     (long long)account__now() + FLOW_S, STR_ARG(f->at.state), STR_ARG(f->at.nonce),
                     STR_ARG(f->at.verifier), f->cookie ? "cookie" : "token", STR_ARG(f->back),
                     STR_ARG(f->challenge), STR_ARG(f->sid), STR_ARG(f->account));
    set(rq, x, c, identity_wrap(&rq->arena, x->identity, use_flow, c->name, text), FLOW_S);
}

static bool read(str text, struct flow *f)
{
    str line[LINES];
    int64_t until;
    for (size_t i = 0; i < LINES - 1; i++) {
        if (!text.ptr)
            return false;
        line[i] = str_cut(&text, '\n');
    }
    f->at = (struct provider_flow){.state = line[1], .nonce = line[2], .verifier = line[3]};
    f->cookie = str_is(line[4], "cookie");
    f->back = line[5];
    f->challenge = line[6];
    f->sid = line[7];
    f->account = text;
    return text.ptr && str_to_i64(line[0], &until) && until > account__now();
}

static int invalid(struct err *err)
{
    return fail_field(err, E_BAD, LIT("invalid_state"), LIT("state"),
                      "this sign-in did not begin in this browser, is too old, or is over; begin "
                      "again");
}

/* A digest that is kept: of two at once one is first. */
WAITS static int once(struct request *rq, const struct accounts *x, str text, int64_t until,
                      bool *first, struct err *err)
{
    char digest[DIGEST_TEXT + 1];
    int64_t changes = 0;
    identity_digest(x->identity, text, digest);
    TRY(account__write(rq, x,
                       STATEMENT("INSERT INTO cairn_used (id, expires_at) VALUES ($1, $2)"
                                 " ON CONFLICT (id) DO NOTHING",
                                 value_text(str_of(digest)), value_int(until)),
                       &changes, NULL, err));
    *first = changes == 1;
    return 0;
}

int flow__find(struct request *rq, const struct accounts *x, const struct provider_config *c,
               str state, struct flow *f, struct err *err)
{
    str value, text;
    bool good = request_cookie(rq, name_of(rq, x, c), &value) == 1 &&
                identity_unwrap(&rq->arena, x->identity, use_flow, c->name, value, &text) &&
                read(text, f) && state.len == f->at.state.len &&
                sodium_memcmp(state.ptr, f->at.state.ptr, state.len) == 0;
    return good ? 0 : invalid(err);
}

int flow__use(struct request *rq, const struct accounts *x, const struct provider_config *c,
              const struct flow *f, struct err *err)
{
    bool first;
    set(rq, x, c, LIT(""), 0);
    TRY(once(rq, x, f->at.state, account__now() + FLOW_S, &first, err));
    return first ? 0 : invalid(err);
}

/* ---- a ticket: what a page trades for tokens, which must not stand in an address ----
 * It opens nothing in another page: that does not know the verifier of the challenge. */

str flow__ticket(struct request *rq, const struct accounts *x, str account, str challenge)
{
    str text =
        arena_printf(&rq->arena, "%lld\n%.*s\n%.*s\n%.*s", (long long)account__now() + TICKET_S,
                     STR_ARG(account__secret(rq)), STR_ARG(challenge), STR_ARG(account));
    text = identity_wrap(&rq->arena, x->identity, use_ticket, LIT(""), text);
    return arena_printf(&rq->arena, "%s%.*s", prefix, STR_ARG(text));
}

int flow__ticket_use(struct request *rq, const struct accounts *x, str ticket, str verifier,
                     str *account, struct err *err)
{
    str text = {0}, challenge = {0};
    int64_t until = 0;
    bool first = false;
    bool good = str_starts(ticket, LIT("cot_")) &&
                identity_unwrap(&rq->arena, x->identity, use_ticket, LIT(""),
                                str_from(ticket, sizeof prefix - 1), &text) &&
                str_to_i64(str_cut(&text, '\n'), &until) && until > account__now();
    str id = good && text.ptr ? str_cut(&text, '\n') : LIT("");
    if (text.ptr)
        challenge = str_cut(&text, '\n');
    *account = text;
    if (good && id.len && text.ptr && !pkce_is(challenge, verifier))
        return fail_field(err, E_SIGNIN, LIT("invalid_ticket"), LIT("verifier"),
                          "'verifier' is not the text that the sign-in's challenge was made of");
    if (good && id.len && text.ptr)
        TRY(once(rq, x, id, until, &first, err));
    return first ? 0
                 : fail_field(err, E_SIGNIN, LIT("invalid_ticket"), LIT("ticket"),
                              "the ticket is not good any more; sign in again");
}

int account_sweep_flows(const struct accounts *x, struct err *err)
{
    struct arena a;
    const struct value now = value_int(account__now());
    struct db_write w = {
        .st = {.text = LIT("DELETE FROM cairn_used WHERE id IN (SELECT id FROM cairn_used WHERE"
                           " expires_at < $1 ORDER BY expires_at LIMIT 1000)"),
               .binds = &now,
               .bind_count = 1,
               .writes = true},
        .arena = &a,
        .expect = -1};
    if (!x->config->provider_count)
        return 0;
    arena_init(&a, 1 << 16);
    int code = db_write(x->db, &w, 1, NULL, err);
    arena_reset(&a);
    return code;
}
