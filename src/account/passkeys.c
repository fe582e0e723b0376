/* passkeys.c -- signing in with a passkey: a key pair in a phone, a computer or a stick, which
 * signs for one site only, after it has verified its user. That is two factors in one act, so its
 * session needs no code. A challenge is not stored: it comes back in a state that only this
 * installation can make, good for five minutes and once a passkey. SPDX: Apache-2.0 */
#include "account/account_priv.h"
#include "auth/webauthn.h"
#include "base/clock.h"

#include <sodium.h>

enum {
    STATE_US = 300000000,
    CHALLENGE = 32,
    HEAD = 9 + CHALLENGE,
    KEYS_MOST = 20,
    NAME_MOST = 100
};
enum state_kind { STATE_ADD = 1, STATE_LOGIN };

static const char use_state[] = "passkey state";

struct state {
    int64_t issued; /* microseconds */
    str challenge, account;
};

/* ---- where we are ---- */

static str lower(struct arena *a, str s)
{
    char *out = arena_new(a, s.len);
    for (size_t i = 0; i < s.len; i++)
        out[i] = ascii_lower(s.ptr[i]);
    return str_make(out, s.len);
}

/* The origin is that of server.public_url; in development, without one, http://localhost. */
static int site_of(struct request *rq, const struct accounts *x, struct webauthn_wish *w,
                   struct err *err)
{
    str *origin = ARENA_NEW(&rq->arena, str);
    *origin = lower(&rq->arena, csrf__origin(x->config->public_url));
    bool local = str_eqi(str_upto(rq->host, str_find(rq->host, ':')), LIT("localhost"));
    if (!origin->len && local && cookie__plain(x, rq))
        *origin = arena_printf(&rq->arena, "http://%.*s", STR_ARG(lower(&rq->arena, rq->host)));
    if (!origin->len)
        return fail_field(err, E_CONFLICT, LIT("passkeys_need_origin"), LIT(""),
                          "passkeys need server.public_url, or http://localhost in development");
    str host = str_from(*origin, str_find(*origin, ':') + 3);
    w->rp_id = str_upto(host, str_find(host, ':'));
    w->origins = origin;
    w->origin_count = 1;
    return 0;
}

/* ---- states ---- */

static str state_make(struct request *rq, const struct accounts *x, enum state_kind kind,
                      str account, str *challenge)
{
    enum { ROOM = 64 };
    char *raw = arena_new(&rq->arena, HEAD + account.len);
    uint64_t now = (uint64_t)clock_wall_us();
    struct buf b = {.ptr = arena_new(&rq->arena, ROOM), .cap = ROOM, .limit = ROOM};
    for (int i = 0; i < 8; i++)
        raw[i] = (char)(now >> (8 * i));
    raw[8] = (char)kind;
    randombytes_buf(raw + 9, CHALLENGE);
    memcpy(raw + HEAD, account.ptr, account.len);
    base64url_put(&b, str_make(raw + 9, CHALLENGE));
    *challenge = buf_view(&b);
    return identity_wrap(&rq->arena, x->identity, use_state, LIT(""),
                         str_make(raw, HEAD + account.len));
}

static int state_take(struct request *rq, const struct accounts *x, enum state_kind kind,
                      const struct value *body, struct state *out, struct err *err)
{
    enum { ROOM = 64 };
    struct buf b = {.ptr = arena_new(&rq->arena, ROOM), .cap = ROOM, .limit = ROOM};
    uint64_t issued = 0;
    str text, raw = {0};
    TRY(account__text(body, LIT("state"), &text, err));
    bool good = identity_unwrap(&rq->arena, x->identity, use_state, LIT(""), text, &raw) &&
                raw.len >= HEAD && raw.ptr[8] == (char)kind;
    for (int i = 0; good && i < 8; i++)
        issued |= (uint64_t)(unsigned char)raw.ptr[i] << (8 * i);
    if (!good || issued + STATE_US <= (uint64_t)clock_wall_us())
        return fail_field(err, E_SIGNIN, LIT("invalid_state"), LIT("state"),
                          "the state is not good any more; begin again");
    base64url_put(&b, str_make(raw.ptr + 9, CHALLENGE));
    *out = (struct state){(int64_t)issued, buf_view(&b), str_from(raw, HEAD)};
    return 0;
}

/* ---- what a browser sends ---- */

static int bytes_of(struct request *rq, const struct value *in, str name, str *out, struct err *err)
{
    const struct value *v = in ? value_get(in, name) : NULL;
    if (v && v->kind == V_TEXT && v->text.len && v->text.len <= WEBAUTHN_BODY_MOST &&
        base64url_get(&rq->arena, v->text, out))
        return 0;
    return fail_field(err, E_INVALID, LIT("bad_passkey"), LIT("credential"),
                      "'%.*s' of the credential is bytes in base64url", STR_ARG(name));
}

static const struct value *response_of(const struct value *body)
{
    const struct value *c = value_get(body, LIT("credential"));
    const struct value *r = c && c->kind == V_OBJECT ? value_get(c, LIT("response")) : NULL;
    return r && r->kind == V_OBJECT ? r : NULL;
}

static str coded(struct arena *a, str bytes)
{
    size_t room = bytes.len * 2 + 4;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    base64url_put(&b, bytes);
    return buf_view(&b);
}

static void begin_answer(struct request *rq, str state, str challenge)
{
    struct buf *b = &rq->reply->body;
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_lit(b, "{\"state\":");
    json_text(b, state);
    buf_printf(b, ",\"publicKey\":{\"timeout\":%d,\"challenge\":", STATE_US / 1000);
    json_text(b, challenge);
}

/* ---- adding one ---- */

static void put_user(struct request *rq, const struct accounts *x, const struct account *who)
{
    struct buf *b = &rq->reply->body;
    const struct value *login = &who->cells[x->login->index];
    str name = login->kind == V_TEXT ? login->text : who->key;
    buf_lit(b, ",\"user\":{\"id\":");
    json_text(b, coded(&rq->arena, str_upto(who->key, 64)));
    buf_lit(b, ",\"name\":");
    json_text(b, name);
    buf_lit(b, ",\"displayName\":");
    json_text(b, name);
    buf_lit(b, "}");
}

int passkey__options(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct buf *b = &rq->reply->body;
    struct webauthn_wish w;
    struct value body;
    struct account who;
    struct rows rows;
    str key, challenge;
    TRY(account__me(rq, &key, err));
    TRY(account__body(rq, &body, err));
    TRY(site_of(rq, x, &w, err));
    TRY(mfa__account(rq, x, key, &who, err));
    TRY(mfa__fresh(rq, x, &who, &body, err));
    TRY(passkey__all_of(rq, x, key, &rows, err));
    str state = state_make(rq, x, STATE_ADD, key, &challenge);
    begin_answer(rq, state, challenge);
    buf_lit(b, ",\"rp\":{\"id\":");
    json_text(b, w.rp_id);
    buf_lit(b, ",\"name\":");
    json_text(b, identity_config_of(x->identity)->issuer);
    buf_lit(b, "}");
    put_user(rq, x, &who);
    buf_lit(b, ",\"pubKeyCredParams\":[{\"type\":\"public-key\",\"alg\":-8},{\"type\":"
               "\"public-key\",\"alg\":-7},{\"type\":\"public-key\",\"alg\":-257}],"
               "\"attestation\":\"none\",\"authenticatorSelection\":{\"residentKey\":\"required\","
               "\"requireResidentKey\":true,\"userVerification\":\"required\"},"
               "\"excludeCredentials\":[");
    for (size_t i = 0; i < rows.count; i++) {
        buf_str(b, i ? LIT(",{\"type\":\"public-key\",\"id\":")
                     : LIT("{\"type\":\"public-key\",\"id\":"));
        json_text(b, rows_at(&rows, i, 0)->text);
        buf_char(b, '}');
    }
    buf_lit(b, "]}}");
    return 0;
}

static int name_of(const struct value *body, str *out, struct err *err)
{
    *out = LIT("passkey");
    if (value_get(body, LIT("name")))
        TRY(account__text(body, LIT("name"), out, err));
    if (out->len > NAME_MOST)
        return fail_field(err, E_INVALID, LIT("length"), LIT("name"), "'name' has %d bytes at most",
                          NAME_MOST);
    return 0;
}

static void put_passkey(struct buf *b, const struct value *row)
{
    buf_lit(b, "{\"id\":");
    json_text(b, row[0].text);
    buf_lit(b, ",\"name\":");
    json_text(b, row[1].text);
    buf_lit(b, ",\"created_at\":");
    account__time(b, row[2].i);
    buf_lit(b, ",\"used_at\":");
    account__time(b, row[3].i);
    buf_char(b, '}');
}

WAITS static int take_new(struct request *rq, const struct accounts *x, str key, struct passkey *p,
                          struct err *err)
{
    struct webauthn_wish w;
    struct webauthn_made made;
    struct value body;
    struct state s;
    str client, attestation;
    TRY(account__body(rq, &body, err));
    TRY(state_take(rq, x, STATE_ADD, &body, &s, err));
    if (!str_eq(s.account, key))
        return fail_field(err, E_SIGNIN, LIT("invalid_state"), LIT("state"),
                          "the state is another account's; begin again");
    TRY(name_of(&body, &p->name, err));
    TRY(site_of(rq, x, &w, err));
    w.challenge = s.challenge;
    TRY(bytes_of(rq, response_of(&body), LIT("clientDataJSON"), &client, err));
    TRY(bytes_of(rq, response_of(&body), LIT("attestationObject"), &attestation, err));
    TRY(webauthn_register(&rq->arena, &w, client, attestation, &made, err));
    p->account = key;
    p->id = coded(&rq->arena, made.id);
    p->key = coded(&rq->arena, made.key);
    p->counter = made.counter;
    return 0;
}

int passkey__make(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct passkey p = {.counter = 0};
    struct rows rows;
    str key;
    TRY(account__me(rq, &key, err));
    TRY(take_new(rq, x, key, &p, err));
    TRY(passkey__all_of(rq, x, key, &rows, err));
    if (rows.count >= KEYS_MOST)
        return fail_field(err, E_CONFLICT, LIT("too_many_passkeys"), LIT(""),
                          "an account has %d passkeys at most; remove one first", KEYS_MOST);
    TRY(passkey__add(rq, x, &p, err));
    const struct value row[] = {value_text(p.id), value_text(p.name), value_int(account__now()),
                                value_int(0)};
    rq->reply->status = 201;
    rq->reply->type = LIT("application/json");
    put_passkey(&rq->reply->body, row);
    return 0;
}

/* ---- looking, removing ---- */

int passkey__list(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct buf *b = &rq->reply->body;
    struct rows rows;
    str key;
    TRY(account__me(rq, &key, err));
    TRY(passkey__all_of(rq, x, key, &rows, err));
    rq->reply->type = LIT("application/json");
    buf_lit(b, "{\"data\":[");
    for (size_t i = 0; i < rows.count; i++) {
        if (i)
            buf_char(b, ',');
        put_passkey(b, rows_at(&rows, i, 0));
    }
    buf_lit(b, "]}");
    return 0;
}

/* Where a second factor is required, the last one stays. */
WAITS static int may_go(struct request *rq, const struct accounts *x, str key, struct err *err)
{
    struct factor f;
    struct rows rows;
    if (x->config->mfa != MFA_REQUIRED)
        return 0;
    TRY(factor__find(rq, x, key, &f, err));
    TRY(passkey__all_of(rq, x, key, &rows, err));
    if (f.secret.len || rows.count > 1)
        return 0;
    return fail_field(err, E_DENIED, LIT("mfa_is_required"), LIT(""),
                      "a second factor is required here: add another one first");
}

int passkey__remove(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body = {0};
    struct account who;
    bool ended;
    str key;
    TRY(account__me(rq, &key, err));
    if (request_header(rq, LIT("Content-Type")).ptr)
        TRY(account__body(rq, &body, err));
    TRY(mfa__account(rq, x, key, &who, err));
    TRY(mfa__fresh(rq, x, &who, &body, err));
    TRY(may_go(rq, x, key, err));
    TRY(passkey__end(rq, x, key, request_param(rq, LIT("id")), &ended, err));
    if (!ended)
        return fail(err, E_NOTFOUND, "passkey not found");
    rq->reply->status = 204;
    return 0;
}

/* ---- signing in ---- */

int passkey__ask(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct buf *b = &rq->reply->body;
    struct webauthn_wish w;
    str challenge;
    TRY(site_of(rq, x, &w, err));
    str state = state_make(rq, x, STATE_LOGIN, LIT(""), &challenge);
    begin_answer(rq, state, challenge);
    buf_lit(b, ",\"rpId\":");
    json_text(b, w.rp_id);
    buf_lit(b, ",\"userVerification\":\"required\",\"allowCredentials\":[]}}");
    return 0;
}

WAITS static int check_answer(struct request *rq, const struct accounts *x,
                              const struct value *body, const struct webauthn_wish *w,
                              struct passkey *p, struct err *err)
{
    const struct value *r = response_of(body);
    uint32_t counter;
    str client, auth, signature, key, handle;
    TRY(bytes_of(rq, r, LIT("clientDataJSON"), &client, err));
    TRY(bytes_of(rq, r, LIT("authenticatorData"), &auth, err));
    TRY(bytes_of(rq, r, LIT("signature"), &signature, err));
    TRY(bytes_of(rq, r, LIT("userHandle"), &handle, err));
    TRY(passkey__find(rq, x, p->id, p, err));
    if (!p->account.len || !base64url_get(&rq->arena, p->key, &key) ||
        !str_eq(handle, str_upto(p->account, 64)))
        return fail_field(err, E_INVALID, LIT("bad_passkey"), LIT("credential"),
                          "the passkey is refused: it is not known here");
    TRY(webauthn_check(&rq->arena, w, key, client, auth, signature, &counter, err));
    p->counter = counter;
    return 0;
}

WAITS static int refused(struct request *rq, const struct accounts *x, const struct passkey *p,
                         struct err *err)
{
    account__note_failure(rq, x, AUDIT_PASSKEY_REFUSED, p->account, LIT(""));
    return err->code = E_SIGNIN;
}

int passkey__login(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct webauthn_wish w;
    struct passkey p = {.counter = 0};
    struct value body;
    struct account who;
    struct state s;
    bool cookie, won;
    TRY(cookie__wanted(rq, x, &cookie, err));
    TRY(account__body(rq, &body, err));
    TRY(state_take(rq, x, STATE_LOGIN, &body, &s, err));
    TRY(site_of(rq, x, &w, err));
    w.challenge = s.challenge;
    const struct value *c = value_get(&body, LIT("credential"));
    str raw;
    TRY(bytes_of(rq, c && c->kind == V_OBJECT ? c : NULL, LIT("id"), &raw, err));
    p.id = coded(&rq->arena, raw);
    TRY(account__attempt(rq, x, p.id, err));
    int code = check_answer(rq, x, &body, &w, &p, err);
    if (code == E_INVALID)
        return refused(rq, x, &p, err);
    TRY(code);
    TRY(mfa__account(rq, x, p.account, &who, err));
    TRY(passkey__use(rq, x, &p, s.issued, &won, err));
    if (won)
        return account__enter(rq, x, &who, cookie, err);
    fail_field(err, E_INVALID, LIT("bad_passkey"), LIT("credential"),
               "the passkey is refused: its counter went back, or its answer came twice");
    return refused(rq, x, &p, err);
}
