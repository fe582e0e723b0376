/* authorize.c -- GET /oauth/authorize, and what its pages send. SPDX: Apache-2.0
 *
 * The request stands in the query string, and goes along in each form as it came, to be read again
 * each time: nothing about it is kept here until somebody agreed.
 *
 *     authorize --nobody is signed in--> page signin --> page code (second factor) --.
 *        |                                                                           v
 *        '--somebody is------------------------------------------> page consent --> code, 303
 *                                                   (agreed before: no page)
 *
 * Invariants: (1) As long as app and redirect URI are not known to belong together, nobody is sent
 * anywhere. (2) A code is given only for S256. (3) Only a form that we made for this session
 * agrees. */
#include "oauth/oauth_priv.h"

/* ASK_MOST: encoded once more in a form, and behind a redirect URI, it still fits. */
enum { FRESH_SECONDS = 600, ASK_MOST = PARAMS_TEXT_MOST / 4 };

/* ---- the request ---- */

/* One that can only be told the person: it may be anybody's. */
static int lost(struct request *rq, const char *text)
{
    rq->reply->status = 400;
    page__fault(rq, "This link does not work", str_of(text));
    return 1;
}

static void add(struct buf *b, const char *name, str value, bool *first)
{
    if (!value.len)
        return;
    buf_char(b, *first ? '?' : '&');
    *first = false;
    buf_printf(b, "%s=", name);
    url_encode(b, value);
}

/* Back to the app, with code or error. It ends in `#`: without that the browser would take along
 * what the address that led here had behind its own (RFC 9110, 10.2.2). */
static int back(struct request *rq, const struct oauth *o, const struct ask *ask, str code,
                const char *error, const char *text)
{
    struct buf b;
    bool first = str_find(ask->redirect, '?') == STR_NONE;
    buf_init(&b, 4 * PARAMS_TEXT_MOST);
    buf_str(&b, ask->redirect);
    add(&b, "code", code, &first);
    add(&b, "error", str_of(error), &first);
    add(&b, "error_description", str_of(text), &first);
    add(&b, "state", ask->state, &first);
    add(&b, "iss", o->clients->issuer, &first);
    buf_char(&b, '#');
    buf_clear(&rq->reply->body);
    rq->reply->status = 303;
    rq->reply->type = (str){NULL, 0};
    reply_header(rq->reply, LIT("Location"), arena_str(&rq->arena, buf_view(&b)));
    oauth__no_store(rq->reply);
    reply_header(rq->reply, LIT("Referrer-Policy"), LIT("no-referrer"));
    buf_fini(&b);
    return 1;
}

static int wrong(struct request *rq, const struct oauth *o, const struct ask *ask,
                 const char *error, const char *text)
{
    return back(rq, o, ask, LIT(""), error, text);
}

/* Whose request it is, and where its answer goes. 1: answered. */
static int read_ends(struct request *rq, const struct oauth *o, str query, struct ask *ask)
{
    struct err why = {0};
    *ask = (struct ask){.query = query, .max_age = -1};
    if (query.len > ASK_MOST)
        return lost(rq, "The request of the app that sent you here is too long.");
    if (params_read(&rq->arena, query, &ask->p, &why) < 0)
        return lost(rq, why.text);
    ask->client = client_find(o->clients, ask->p.of[PARAM_CLIENT]);
    if (!ask->client || !(ask->client->grants & GRANT_CODE))
        return lost(rq, "The app that sent you here is not known.");
    ask->redirect = ask->p.of[PARAM_REDIRECT];
    if (!client_redirects(ask->client, ask->redirect))
        return lost(rq, "The app that sent you here names an address that is not its own.");
    ask->state = ask->p.of[PARAM_STATE];
    return 0;
}

static int read_prompt(struct request *rq, const struct oauth *o, struct ask *ask)
{
    str rest = ask->p.of[PARAM_PROMPT], one;
    uint64_t age;
    size_t count = 0;
    while (scope_next(&rest, &one)) {
        ask->none |= str_is(one, "none");
        ask->login |= str_is(one, "login") || str_is(one, "select_account");
        ask->consent |= str_is(one, "consent");
        count++;
    }
    if (ask->none && count > 1)
        return wrong(rq, o, ask, "invalid_request", "prompt=none stands alone");
    if (!ask->p.of[PARAM_MAX_AGE].len)
        return 0;
    if (!str_to_u64(ask->p.of[PARAM_MAX_AGE], &age) || age > INT32_MAX)
        return wrong(rq, o, ask, "invalid_request", "max_age is a number of seconds");
    ask->max_age = (int64_t)age;
    return 0;
}

static int read_scope(struct request *rq, const struct oauth *o, struct ask *ask)
{
    if (!scope_allowed(&rq->arena, o->clients, ask->client, ask->p.of[PARAM_SCOPE], &ask->scope))
        return wrong(rq, o, ask, "invalid_scope", "the app may not ask for one of the scopes");
    if (!ask->scope.len)
        return wrong(rq, o, ask, "invalid_scope", "scope is needed");
    return 0;
}

/* 1: answered. */
static int read_ask(struct request *rq, const struct oauth *o, str query, struct ask *ask)
{
    const str *p = ask->p.of;
    if (read_ends(rq, o, query, ask))
        return 1;
    if (p[PARAM_REQUEST].len)
        return wrong(rq, o, ask, "request_not_supported", "requests as a JWT are not taken");
    if (p[PARAM_REQUEST_URI].len)
        return wrong(rq, o, ask, "request_uri_not_supported", "request_uri is not taken");
    if (!p[PARAM_TYPE].len)
        return wrong(rq, o, ask, "invalid_request", "response_type is needed");
    if (!str_is(p[PARAM_TYPE], "code"))
        return wrong(rq, o, ask, "unsupported_response_type", "response_type is code");
    if (p[PARAM_MODE].len && !str_is(p[PARAM_MODE], "query"))
        return wrong(rq, o, ask, "invalid_request", "response_mode is query");
    if (!p[PARAM_CHALLENGE].len)
        return wrong(rq, o, ask, "invalid_request", "code_challenge is needed (PKCE)");
    if (!str_is(p[PARAM_METHOD], "S256") || !pkce_challenge_good(p[PARAM_CHALLENGE]))
        return wrong(rq, o, ask, "invalid_request", "code_challenge is made by S256");
    if (p[PARAM_NONCE].len > NONCE_MOST)
        return wrong(rq, o, ask, "invalid_request", "nonce has 500 bytes at most");
    if (read_prompt(rq, o, ask))
        return 1;
    return read_scope(rq, o, ask);
}

/* ---- letting in ---- */

WAITS static int let_in(struct request *rq, const struct oauth *o, const struct ask *ask,
                        const struct account_person *who, const str *consent, struct err *err)
{
    struct oauth_code c = {.client = ask->client->id,
                           .account = who->key,
                           .redirect = ask->redirect,
                           .scope = ask->scope,
                           .challenge = ask->p.of[PARAM_CHALLENGE],
                           .nonce = ask->p.of[PARAM_NONCE],
                           .auth_time = who->since};
    str code;
    TRY(code__add(rq, o, &c, consent, &code, err));
    back(rq, o, ask, code, "", "");
    return 0;
}

static bool too_old(const struct ask *ask, const struct account_person *who, int64_t slack)
{
    int64_t age = oauth__now() - who->since;
    return ask->max_age >= 0 && age > ask->max_age + slack;
}

/* Somebody is signed in: has he agreed already? An app of a device is asked about each time, since
 * any program may say that it is that one (RFC 8252, 8.6). */
WAITS static int agreed(struct request *rq, const struct oauth *o, const struct ask *ask,
                        const struct account_person *who, struct err *err)
{
    str before;
    bool again = ask->consent || client_is_native(ask->client, ask->redirect);
    TRY(consent__find(rq, o, who->key, ask->client->id, &before, err));
    if (!again && before.len && scope_within(ask->scope, before))
        return let_in(rq, o, ask, who, NULL, err);
    if (ask->none)
        return wrong(rq, o, ask, "consent_required", "the person has to be asked"), 0;
    page__consent(rq, o, ask, who);
    return 0;
}

/* The request in the body of a form instead (OpenID Connect Core, 3.1.2.1). 1: answered. */
WAITS static int posted(struct request *rq, str *query, struct err *err)
{
    struct params ignored;
    struct err why = {0};
    int code = caller__form(rq, &ignored, &why);
    if (code == E_BAD)
        return lost(rq, why.text);
    if (code == 0)
        return request_body(rq, query, err);
    *err = why;
    return code;
}

/* GET /oauth/authorize, and the same as a POST */
int oauth__authorize(struct request *rq, const void *data, struct err *err)
{
    const struct oauth *o = data;
    struct account_person who;
    struct ask ask;
    str query = rq->query.ptr ? rq->query : LIT("");
    int code = rq->method == METHOD_POST ? posted(rq, &query, err) : 0;
    if (code)
        return code < 0 ? code : 0;
    if (read_ask(rq, o, query, &ask))
        return 0;
    TRY(account_person(o->accounts, rq, &who, err));
    if (who.key.len && !ask.login && !too_old(&ask, &who, 0))
        return agreed(rq, o, &ask, &who, err);
    if (ask.none)
        return wrong(rq, o, &ask, "login_required", "nobody is signed in"), 0;
    page__signin(rq, o, &ask, ask.p.of[PARAM_HINT], LIT(""));
    return 0;
}

/* ---- what the pages send ---- */

/* The form, and the request in it. 1: answered. */
WAITS static int read_form(struct request *rq, const struct oauth *o, struct params *form,
                           struct ask *ask, struct err *err)
{
    struct err why = {0};
    int code = caller__form(rq, form, &why);
    if (code == E_BAD)
        return lost(rq, why.text);
    if (code < 0) {
        *err = why;
        return code;
    }
    return read_ask(rq, o, form->of[PARAM_ASKED], ask);
}

/* Signing in did not work: the page again, with what was wrong. */
static int once_more(struct request *rq, const struct oauth *o, const struct ask *ask,
                     const struct params *form, struct err *why, struct err *err)
{
    int status = err_status(why->code);
    bool code = form->of[PARAM_MFA].len && !str_is(why->word, "invalid_mfa_token");
    if (status >= 499) {
        *err = *why;
        return why->code;
    }
    rq->reply->status = status;
    if (code)
        page__code(rq, ask, form->of[PARAM_MFA], str_of(why->text));
    else
        page__signin(rq, o, ask, form->of[PARAM_LOGIN], str_of(why->text));
    return 0;
}

int oauth__signin(struct request *rq, const void *data, struct err *err)
{
    const struct oauth *o = data;
    struct account_person who;
    struct params form;
    struct ask ask;
    struct err why = {0};
    str token = LIT("");
    int code = read_form(rq, o, &form, &ask, err);
    if (code)
        return code < 0 ? code : 0;
    if (form.of[PARAM_MFA].len)
        code = account_sign_in_code(o->accounts, rq, form.of[PARAM_MFA], form.of[PARAM_OTP], &who,
                                    &why);
    else
        code = account_sign_in(o->accounts, rq, form.of[PARAM_LOGIN], form.of[PARAM_PASSWORD],
                               &token, &who, &why);
    if (code < 0)
        return once_more(rq, o, &ask, &form, &why, err);
    if (who.key.len)
        return agreed(rq, o, &ask, &who, err);
    page__code(rq, &ask, token, LIT(""));
    return 0;
}

/* All that was agreed to, once each. */
static str together(struct arena *a, str before, str now)
{
    str one, out = before;
    while (scope_next(&now, &one)) {
        if (!scope_has(out, one))
            out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), out.len ? " " : "", STR_ARG(one));
    }
    return out;
}

int oauth__consent(struct request *rq, const void *data, struct err *err)
{
    const struct oauth *o = data;
    struct account_person who;
    struct params form;
    struct ask ask;
    str before;
    int code = read_form(rq, o, &form, &ask, err);
    if (code)
        return code < 0 ? code : 0;
    TRY(account_person(o->accounts, rq, &who, err));
    bool old = (ask.login && oauth__now() - who.since > FRESH_SECONDS) ||
               too_old(&ask, &who, FRESH_SECONDS);
    if (!who.key.len || old ||
        !account_form_good(o->accounts, rq, who.sid, form.of[PARAM_FORM_TOKEN])) {
        rq->reply->status = 403;
        page__signin(rq, o, &ask, LIT(""), LIT("Sign in once more: nothing was allowed yet."));
        return 0;
    }
    if (str_is(form.of[PARAM_ANSWER], "other")) {
        page__signin(rq, o, &ask, LIT(""), LIT(""));
        return 0;
    }
    if (!str_is(form.of[PARAM_ANSWER], "allow"))
        return wrong(rq, o, &ask, "access_denied", "the person did not agree"), 0;
    TRY(consent__find(rq, o, who.key, ask.client->id, &before, err));
    str all = together(&rq->arena, before, ask.scope);
    return let_in(rq, o, &ask, &who, &all, err);
}
