/* others.c -- the operations of named queries and of signing in. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

/* ---- named queries ---- */

static void param_schema(struct doc *d, const struct query_param_about *p)
{
    struct buf *b = d->out;
    if (p->list)
        put(b, "{'type':'array','items':");
    doc__column(d, p->column, USE_PARAMETER);
    if (p->list)
        put(b, "}");
    if (!p->preset || p->list)
        return;
    b->len--; /* into the schema again */
    put(b, "'default':");
    json_value(b, p->preset);
    put(b, "}");
}

static void in_query(struct doc *d, const struct query_about *q)
{
    struct buf *b = d->out;
    for (size_t i = 0; i < q->param_count; i++) {
        put(b, "{");
        put_member(b, "name", q->params[i].name);
        put(b, "'in':'query'");
        if (q->params[i].required)
            put(b, "'required':true");
        put(b, "'schema':");
        param_schema(d, &q->params[i]);
        put(b, "}");
    }
}

static void in_body(struct doc *d, const struct query_about *q)
{
    struct buf *b = d->out;
    put(b,
        "'requestBody':{'required':true,'content':{'application/json':{'schema':{'type':'object',"
        "'additionalProperties':false,'properties':{");
    for (size_t i = 0; i < q->param_count; i++) {
        put_key(b, q->params[i].name);
        param_schema(d, &q->params[i]);
    }
    put(b, "},'required':[");
    for (size_t i = 0; i < q->param_count; i++) {
        if (q->params[i].required)
            put_text(b, q->params[i].name);
    }
    put(b, "]}}}}");
}

static void query_answers(struct doc *d, const struct query_about *q)
{
    struct buf *b = d->out;
    put(b, "'200':{'description':'What it found.','content':{'application/json':{'schema':");
    if (q->answer == QUERY_ANSWERS_CHANGES) {
        put(b, "{'type':'object','required':['changes'],'properties':{'changes':{'type':'integer'}}"
               "}");
    } else if (q->answer == QUERY_ANSWERS_ONE) {
        doc__object_row(d, q->columns, q->column_count);
    } else {
        put(b, "{'type':'object','required':['data'],'properties':{'has_more':{'type':'boolean'},"
               "'data':{'type':'array','items':");
        doc__object_row(d, q->columns, q->column_count);
        put(b, "}}}");
    }
    put(b, "}}}");
}

bool doc__query(struct doc *d, const struct endpoint *e)
{
    static const char *const codes[] = {"400", "406", "413", "414", "429", "500", "503", "504"};
    static const char *const writes[] = {"408", "409", "415", "422"};
    struct query_about q;
    if (!query_about(e, d->arena, &q))
        return false;
    bool body = e->method != METHOD_GET && e->method != METHOD_DELETE;
    struct operation o = {.endpoint = e,
                          .tag = LIT("queries"),
                          .summary = q.name,
                          .description = q.description.len ? q.description : LIT("A named query."),
                          .sign_in = !q.open};
    o.id = arena_printf(d->arena, "query%.*s", STR_ARG(doc__pascal(d->arena, q.name)));
    doc__operation(d, &o);
    if (!body)
        in_query(d, &q);
    put(d->out, "]");
    if (body)
        in_body(d, &q);
    put(d->out, "'responses':{");
    query_answers(d, &q);
    doc__problems(d, codes, COUNT_OF(codes));
    if (body || q.writes)
        doc__problems(d, writes, COUNT_OF(writes));
    if (d->source->accounts)
        doc__problems(d, (const char *const[]){"401", "403"}, 2);
    if (q.answer == QUERY_ANSWERS_ONE)
        doc__problems(d, (const char *const[]){"404"}, 1);
    put(d->out, "}}");
    return true;
}

/* ---- signing in ---- */

#define MFA_PROOF "'code':{'type':'string'},'recovery_code':{'type':'string'}"

enum auth_body { BODY_NONE, BODY_LOGIN, BODY_REGISTER, BODY_OTHER };

static const struct {
    const char *tail, *id, *description, *take; /* take: properties and required, of BODY_OTHER */
    enum method method;
    enum auth_body body;
    bool optional, token; /* of the body; one is needed */
    int status;
    const char *answer; /* a schema, or NULL */
    const char *codes[8];
} auth[] = {
    {"/auth/register",
     "register",
     "Anybody may; who has to be verified first gets no tokens yet.",
     NULL,
     METHOD_POST,
     BODY_REGISTER,
     false,
     false,
     201,
     "TokenSet",
     {"409", "422"}},
    {"/auth/login",
     "login",
     "The access token goes into Authorization; the refresh token gets the next ones.",
     NULL,
     METHOD_POST,
     BODY_LOGIN,
     false,
     false,
     200,
     "TokenSet",
     {"401", "403", "422"}},
    {"/auth/refresh",
     "refresh",
     "A refresh token is good once.",
     "'properties':{'refresh_token':{'type':'string'}},'required':['refresh_token']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     200,
     "TokenSet",
     {"401", "422"}},
    {"/auth/logout",
     "logout",
     "The session ends at once; with `all` every session of the account.",
     "'properties':{'all':{'type':'boolean'}}",
     METHOD_POST,
     BODY_OTHER,
     true,
     true,
     204,
     NULL,
     {"401"}},
    {"/auth/password",
     "changePassword",
     "The other sessions end.",
     "'properties':{'current':{'type':'string'},'password':{'type':'string'}},'required':["
     "'current','password']",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     204,
     NULL,
     {"401", "404", "422"}},
    {"/auth/verify/send",
     "askForProof",
     "The same answer, in the same time, for an address that nobody has.",
     "'properties':{'email':{'type':'string'}},'required':['email']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     202,
     "LetterAsked",
     {"422"}},
    {"/auth/verify",
     "proveAddress",
     "By the link's token, or the code with what asking answered.",
     "'properties':{'token':{'type':'string'},'request':{'type':'string'},'code':{'type':'string'}"
     "}",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     204,
     NULL,
     {"422"}},
    {"/auth/reset/send",
     "askForReset",
     "The same answer, in the same time, for an address that nobody has.",
     "'properties':{'email':{'type':'string'}},'required':['email']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     202,
     "LetterAsked",
     {"422"}},
    {"/auth/reset",
     "resetPassword",
     "By the link's token, or the code with what asking answered; every session ends.",
     "'properties':{'token':{'type':'string'},'request':{'type':'string'},'code':{'type':'string'},"
     "'password':{'type':'string'}},'required':['password']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     204,
     NULL,
     {"422"}},
    {"/auth/magic/send",
     "askForMagicLink",
     "The same answer, in the same time, for an address that nobody has.",
     "'properties':{'email':{'type':'string'}},'required':['email']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     202,
     "LetterAsked",
     {"422"}},
    {"/auth/magic",
     "signInByLetter",
     "By the link's token, or the code with what asking answered.",
     "'properties':{'token':{'type':'string'},'request':{'type':'string'},'code':{'type':'string'}"
     "}",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     200,
     "TokenSet",
     {"403", "422"}},
    {"/auth/email/send",
     "askForOtherAddress",
     "The letter goes to the new address.",
     "'properties':{'email':{'type':'string'},'password':{'type':'string'}},'required':['email','"
     "password']",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     202,
     "LetterAsked",
     {"401", "403", "404", "422"}},
    {"/auth/email",
     "changeAddress",
     "By the link's token, or the code with what asking answered; the old address is told.",
     "'properties':{'token':{'type':'string'},'request':{'type':'string'},'code':{'type':'string'}"
     "}",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     204,
     NULL,
     {"422", "409"}},
    {"/auth/me",
     "getMe",
     "With every column but the password.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     true,
     200,
     "OwnAccount",
     {"401", "404"}},
    {"/auth/me",
     "deleteMe",
     "With the password. What belongs to the account goes, stays without it, or forbids it, as the "
     "foreign keys say.",
     "'properties':{'password':{'type':'string'}},'required':['password']",
     METHOD_DELETE,
     BODY_OTHER,
     false,
     true,
     204,
     NULL,
     {"401", "403", "404", "409", "422"}},
    {"/auth/mfa/verify",
     "verifySecondFactor",
     "With the `mfa_token` that signing in answered (401 `mfa_required`), and `code` or "
     "`recovery_code`: the session.",
     "'properties':{'mfa_token':{'type':'string'}," MFA_PROOF "},'required':['mfa_token']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     200,
     "TokenSet",
     {"401", "403", "404", "422"}},
    {"/auth/mfa",
     "getSecondFactor",
     "Whether there is an authenticator app, and how many recovery codes are left.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     true,
     200,
     "MfaState",
     {"401", "403"}},
    {"/auth/mfa/totp",
     "beginTotp",
     "The secret for the app; it counts when a code of it was confirmed. Needs the password or a "
     "session of the last ten minutes; to replace an app, a code of it.",
     "'properties':{'password':{'type':'string'},'mfa_token':{'type':'string'}," MFA_PROOF "}",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     200,
     "TotpSecret",
     {"401", "403", "404", "422"}},
    {"/auth/mfa/totp/confirm",
     "confirmTotp",
     "The recovery codes are shown this once. Other sessions end. With an `mfa_token` the answer "
     "is "
     "a session, too.",
     "'properties':{'code':{'type':'string'},'mfa_token':{'type':'string'}},'required':['code']",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     200,
     "RecoveryCodes",
     {"409", "403", "404", "422"}},
    {"/auth/mfa/totp",
     "removeTotp",
     "With a code of it, or a recovery code.",
     "'properties':{" MFA_PROOF "}",
     METHOD_DELETE,
     BODY_OTHER,
     false,
     true,
     204,
     NULL,
     {"401", "403", "404", "422"}},
    {"/auth/mfa/recovery",
     "newRecoveryCodes",
     "The codes of before are void.",
     "'properties':{" MFA_PROOF "}",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     200,
     "RecoveryCodes",
     {"401", "403", "404", "422"}},
    {"/auth/passkeys/options",
     "beginPasskey",
     "`publicKey` is for navigator.credentials.create; the answer goes to addPasskey with `state`. "
     "Needs the password or a session of the last ten minutes.",
     "'properties':{'password':{'type':'string'}}",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     200,
     "PasskeyOptions",
     {"409", "403", "404", "422"}},
    {"/auth/passkeys",
     "addPasskey",
     "With what the browser made.",
     "'properties':{'state':{'type':'string'},'name':{'type':'string','maxLength':100},'credential'"
     ":"
     "{'type':'object'}},'required':['state','credential']",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     201,
     "Passkey",
     {"409", "403", "422"}},
    {"/auth/passkeys",
     "listPasskeys",
     "Names and times.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     true,
     200,
     "PasskeyList",
     {"401", "403"}},
    {"/auth/passkeys/:id",
     "removePasskey",
     "Needs the password or a session of the last ten minutes.",
     "'properties':{'password':{'type':'string'}}",
     METHOD_DELETE,
     BODY_OTHER,
     true,
     true,
     204,
     NULL,
     {"401", "403", "404", "422"}},
    {"/auth/passkeys/login/options",
     "askPasskey",
     "`publicKey` is for navigator.credentials.get.",
     NULL,
     METHOD_POST,
     BODY_NONE,
     false,
     false,
     200,
     "PasskeyOptions",
     {"409"}},
    {"/auth/passkeys/login",
     "loginWithPasskey",
     "With what the browser signed.",
     "'properties':{'state':{'type':'string'},'credential':{'type':'object'}},'required':['state',"
     "'credential']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     200,
     "TokenSet",
     {"409", "403", "404", "422"}},
    {"/auth/oauth",
     "listProviders",
     "Where people may sign in, too.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     false,
     200,
     "ProviderList",
     {NULL}},
    {"/auth/oauth/:provider",
     "beginAtProvider",
     "For a browser: it is sent to the provider, and comes back to the callback.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     false,
     302,
     NULL,
     {"400", "404"}},
    {"/auth/oauth/:provider/callback",
     "endAtProvider",
     "What a provider sends the browser back to. With a `return_to` it is led there (303), with "
     "what went wrong, or a ticket for tokens, behind `#`.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     false,
     200,
     "TokenSet",
     {"409", "400", "403", "404"}},
    {"/auth/oauth/:provider/callback",
     "endAtProviderByForm",
     "The same, of a provider that answers by a form.",
     "'properties':{'state':{'type':'string'},'code':{'type':'string'}},'required':['state']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     200,
     "TokenSet",
     {"409", "403", "404", "422"}},
    {"/auth/oauth/:provider/link",
     "linkAtProvider",
     "The address that a browser with this session is to be sent to, to link the account. Needs "
     "the "
     "password, or a session of the last ten minutes.",
     "'properties':{'return_to':{'type':'string'},'password':{'type':'string'}}",
     METHOD_POST,
     BODY_OTHER,
     true,
     true,
     200,
     "ProviderLink",
     {"401", "403", "404", "422"}},
    {"/auth/oauth/ticket",
     "tradeTicket",
     "The session for the ticket that a page was led back with; or what the second factor needs.",
     "'properties':{'ticket':{'type':'string'},'verifier':{'type':'string','description':'What the "
     "challenge of the sign-in was made of.'}},'required':['ticket','verifier']",
     METHOD_POST,
     BODY_OTHER,
     false,
     false,
     200,
     "TokenSet",
     {"401", "403", "404", "422"}},
    {"/auth/identities",
     "listIdentities",
     "Who the account is at providers.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     true,
     200,
     "IdentityList",
     {"401", "403"}},
    {"/auth/identities/:id",
     "unlinkIdentity",
     "Needs the password, or a session of the last ten minutes. The last way to sign in stays.",
     "'properties':{'password':{'type':'string'}}",
     METHOD_DELETE,
     BODY_OTHER,
     true,
     true,
     204,
     NULL,
     {"409", "403", "404", "422"}},
    {"/auth/csrf",
     "getCsrfToken",
     "For the header X-CSRF-Token of changes under a cookie.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     true,
     200,
     "CsrfToken",
     {"401"}},
    {"/auth/keys",
     "makeKey",
     "The key is shown this once. It has the account's roles, or some of them, and is narrowed to "
     "what `can` lists.",
     "'properties':{'name':{'type':'string','minLength':1,'maxLength':100},'roles':{'type':"
     "'array','items':{'type':'string'}},'can':{'type':'array','items':{'type':'string',"
     "'examples':['posts:read']}},'expires_at':{'type':'string','format':'date-time'}},"
     "'required':['name']",
     METHOD_POST,
     BODY_OTHER,
     false,
     true,
     201,
     "ApiKeyMade",
     {"409", "403", "404", "422"}},
    {"/auth/keys",
     "listKeys",
     "Those that are good.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     true,
     200,
     "ApiKeyList",
     {"401", "403"}},
    {"/auth/keys/:id",
     "revokeKey",
     "It is void at once, in other processes within two seconds.",
     NULL,
     METHOD_DELETE,
     BODY_NONE,
     false,
     true,
     204,
     NULL,
     {"401", "403", "404"}},
    {"/auth/sessions",
     "listSessions",
     "The one of this request is marked.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     true,
     200,
     "SessionList",
     {"401"}},
    {"/auth/sessions/:id",
     "endSession",
     "Its tokens are void at once.",
     NULL,
     METHOD_DELETE,
     BODY_NONE,
     false,
     true,
     204,
     NULL,
     {"401", "404"}},
    {"/.well-known/jwks.json",
     "getKeys",
     "To verify access tokens elsewhere.",
     NULL,
     METHOD_GET,
     BODY_NONE,
     false,
     false,
     200,
     NULL,
     {NULL}},
};

static void credentials(struct doc *d, bool registers)
{
    const struct accounts *x = d->source->accounts;
    const struct column *login = account_login(x);
    const struct table *t = account_table(x);
    struct buf *b = d->out;
    put(b, "'properties':{");
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        if (c != login && !(registers && account_takes(x, c)))
            continue;
        put_key(b, c->name);
        doc__column(d, c, registers ? USE_WRITE : USE_PARAMETER);
    }
    if (registers)
        putf(b, "'password':{'type':'string','minLength':%lld}",
             (long long)account_password_least(x));
    else
        put(b, "'password':{'type':'string'}");
    put(b, "},'required':['password'");
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        bool needed = registers && account_takes(x, c) && !c->nullable && !c->has_default;
        if (c == login || needed)
            put_text(b, c->name);
    }
    put(b, "]");
}

static void auth_body(struct doc *d, size_t i)
{
    struct buf *b = d->out;
    if (auth[i].body == BODY_NONE)
        return;
    putf(b, "'requestBody':{'required':%s", auth[i].optional ? "false" : "true");
    put(b, "'content':{'application/json':{'schema':{'type':'object'");
    if (auth[i].take)
        put(b, auth[i].take);
    else
        credentials(d, auth[i].body == BODY_REGISTER);
    put(b, "}}}}");
}

static void auth_answers(struct doc *d, size_t i)
{
    static const char *const every[] = {"429", "500", "503", "504"};
    static const char *const bodies[] = {"400", "408", "413", "415"};
    if (auth[i].status == 200 && !auth[i].answer)
        put(d->out, "'200':{'description':'A JSON Web Key Set.','content':{"
                    "'application/jwk-set+json':{'schema':{'type':'object','required':['keys'],"
                    "'properties':{'keys':{'type':'array','items':{'type':'object'}}}}}}}");
    else
        doc__answer(d, auth[i].status,
                    auth[i].status == 204   ? "Done."
                    : auth[i].status == 302 ? "To the provider."
                                            : "Done; this is the answer.",
                    str_of(auth[i].answer ? auth[i].answer : ""));
    if (str_ends(str_of(auth[i].tail), LIT("/callback")))
        doc__answer(d, 303, "Led back to `return_to`.", LIT(""));
    doc__problems(d, every, COUNT_OF(every));
    if (auth[i].body != BODY_NONE)
        doc__problems(d, bodies, COUNT_OF(bodies));
    for (size_t k = 0; auth[i].codes[k]; k++)
        doc__problems(d, &auth[i].codes[k], 1);
    if (auth[i].codes[0] && strcmp(auth[i].codes[0], "409") == 0)
        doc__problems(d, (const char *const[]){"401"}, 1);
}

static void cookie_parameter(struct doc *d)
{
    if (account_settings_of(d->source->accounts)->cookies)
        put(d->out, "{'name':'session','in':'query','description':'cookie: the session goes into a "
                    "cookie (Set-Cookie), and the answer holds csrf_token, expires_at and user.',"
                    "'schema':{'type':'string','enum':['token','cookie'],'default':'token'}}");
}

static void provider_parameters(struct doc *d)
{
    put(d->out,
        "{'name':'session','in':'query','description':'What it ends with: a session in a cookie "
        "where there are such, unless "
        "said.','schema':{'type':'string','enum':['token','cookie']}}");
    put(d->out, "{'name':'return_to','in':'query','description':'An address of auth.return_urls, "
                "or below one; with a session in a cookie also a path of this server. No "
                "endpoint.','schema':{'type':'string'}}");
    put(d->out, "{'name':'challenge','in':'query','description':'For a ticket, so needed with "
                "session=token and return_to: the SHA-256 of a random verifier, in base64url (RFC "
                "7636, S256).','schema':{'type':'string','pattern':'^[A-Za-z0-9_-]{43}$'}}");
}

static size_t auth_of(const struct doc *d, const struct endpoint *e)
{
    str prefix = d->source->prefix, pattern = str_of(e->pattern);
    for (size_t i = 0; i < COUNT_OF(auth); i++) {
        bool below =
            str_starts(pattern, prefix) && str_is(str_from(pattern, prefix.len), auth[i].tail);
        if (e->method == auth[i].method && (below || str_is(pattern, auth[i].tail)))
            return i;
    }
    return STR_NONE;
}

bool doc__account(struct doc *d, const struct endpoint *e)
{
    size_t i = d->source->accounts && e->data == d->source->accounts ? auth_of(d, e) : STR_NONE;
    if (i == STR_NONE)
        return false;
    struct operation o = {.endpoint = e,
                          .id = str_of(auth[i].id),
                          .tag = LIT("auth"),
                          .summary = str_of(e->what),
                          .description = str_of(auth[i].description),
                          .sign_in = auth[i].token,
                          .open = !auth[i].token};
    doc__operation(d, &o);
    if (auth[i].body == BODY_LOGIN || auth[i].body == BODY_REGISTER)
        cookie_parameter(d);
    if (auth[i].status == 302)
        provider_parameters(d);
    put(d->out, "]");
    auth_body(d, i);
    put(d->out, "'responses':{");
    auth_answers(d, i);
    put(d->out, "}}");
    return true;
}

#define KEY_MEMBERS                                                                                \
    "'id':{'type':'string'},'name':{'type':'string'},'hint':{'type':'string'},'roles':{'type':["   \
    "'array','null'],'items':{'type':'string'}},'can':{'type':['array','null'],'items':{'type':"   \
    "'string'}},'created_at':{'type':'string','format':'date-time'},'expires_at':{'type':["        \
    "'string','null'],'format':'date-time'},'used_at':{'type':['string','null'],'format':"         \
    "'date-time'}"

static void mfa_schemas(struct buf *b)
{
    put(b, "'MfaState':{'type':'object','required':['required','totp','recovery_codes'],"
           "'properties':{'required':{'type':'boolean'},'totp':{'type':['object','null'],"
           "'properties':{'created_at':{'type':'string','format':'date-time'}}},"
           "'recovery_codes':{'type':'integer'}}}");
    put(b, "'TotpSecret':{'type':'object','required':['secret','uri'],'properties':{'secret':{"
           "'type':'string'},'uri':{'type':'string'},'expires_in':{'type':'integer'}}}");
    put(b, "'RecoveryCodes':{'allOf':[{'$ref':'#/components/schemas/TokenSet'},{'type':'object',"
           "'required':['recovery_codes'],'properties':{'recovery_codes':{'type':'array','items':{"
           "'type':'string'}}}}]}");
}

static void passkey_schemas(struct buf *b)
{
    put(b, "'PasskeyOptions':{'type':'object','required':['state','publicKey'],'properties':{"
           "'state':{'type':'string'},'publicKey':{'type':'object'}}}");
    put(b, "'Passkey':{'type':'object','required':['id','name'],'properties':{'id':{'type':"
           "'string'},'name':{'type':'string'},'created_at':{'type':'string','format':"
           "'date-time'},'used_at':{'type':['string','null'],'format':'date-time'}}}");
    put(b, "'PasskeyList':{'type':'object','required':['data'],'properties':{'data':{'type':"
           "'array','items':{'$ref':'#/components/schemas/Passkey'}}}}");
}

static void provider_schemas(struct buf *b)
{
    put(b, "'ProviderList':{'type':'object','required':['data'],'properties':{'data':{'type':"
           "'array','items':{'type':'object','required':['name','url'],'properties':{'name':{"
           "'type':'string'},'url':{'type':'string'}}}}}}");
    put(b, "'ProviderLink':{'type':'object','required':['url'],'properties':{'url':{'type':"
           "'string'}}}");
    put(b, "'IdentityList':{'type':'object','required':['data'],'properties':{'data':{'type':"
           "'array','items':{'type':'object','required':['id','provider','subject'],'properties':{"
           "'id':{'type':'string'},'provider':{'type':'string'},'subject':{'type':'string'},"
           "'email':{'type':['string','null']},'created_at':{'type':'string','format':"
           "'date-time'},'used_at':{'type':['string','null'],'format':'date-time'}}}}}}");
}

static void key_schemas(struct buf *b, const struct account_config *c)
{
    if (c->cookies)
        put(b, "'CsrfToken':{'type':'object','required':['csrf_token'],'properties':{'csrf_token':{"
               "'type':'string'}}}");
    if (c->passkeys && (c->public_url.len || c->development))
        passkey_schemas(b);
    if (c->mfa != MFA_OFF)
        mfa_schemas(b);
    if (c->provider_count)
        provider_schemas(b);
    if (!c->keys)
        return;
    put(b, "'ApiKey':{'type':'object','required':['id','name','hint'],'properties':{" KEY_MEMBERS
           "}}");
    put(b, "'ApiKeyMade':{'type':'object','required':['key','id','name'],'properties':{'key':{"
           "'type':'string'}," KEY_MEMBERS "}}");
    put(b, "'ApiKeyList':{'type':'object','required':['data'],'properties':{'data':{'type':'array',"
           "'items':{'$ref':'#/components/schemas/ApiKey'}}}}");
}

void doc__account_schemas(struct doc *d)
{
    const struct accounts *x = d->source->accounts;
    struct buf *b = d->out;
    if (!x)
        return;
    const struct table *t = account_table(x);
    const struct column **list = ARENA_ARRAY(d->arena, const struct column *, t->column_count);
    size_t count = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        if (account_shows(x, &t->columns[i]))
            list[count++] = &t->columns[i];
    }
    put(b, "'OwnAccount':");
    doc__object_row(d, list, count);
    put(b,
        "'TokenSet':{'type':'object','description':'Who registers and is not verified yet gets the "
        "account "
        "alone.','properties':{'csrf_token':{'type':'string'},'expires_at':{'type':'string',"
        "'format':'date-time'},'access_token':{'type':'string'},'token':{'type':"
        "'string'},'token_type':{'type':'string'},'expires_in':{'type':'integer'},"
        "'refresh_token':{'type':'string'},'user':{'$ref':'#/components/schemas/OwnAccount'}}}");
    put(b,
        "'SessionList':{'type':'object','required':['data'],'properties':{'data':{'type':'array',"
        "'items':{'type':'object','properties':{'id':{'type':'string'},'created_at':{'type':"
        "'string','format':'date-time'},'used_at':{'type':'string','format':'date-time'},"
        "'expires_at':{'type':'string','format':'date-time'},'address':{'type':'string'},"
        "'kind':{'type':'string','enum':['token','cookie']},'device':{'type':'string'},"
        "'agent':{'type':'string'},'current':{'type':'boolean'}}}}}}");
    if (account_mails(x))
        put(b, "'LetterAsked':{'type':'object','required':['request','expires_in'],'properties':{"
               "'request':{'type':'string'},'expires_in':{'type':'integer'}}}");
    key_schemas(b, account_settings_of(x));
}
