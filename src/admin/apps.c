/* apps.c -- the operations of OAuth 2.0 and OpenID Connect, as apps call them. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

#define FORM                                                                                       \
    "'requestBody':{'required':true,'content':{'application/x-www-form-urlencoded':{'schema':"
#define TEXT "{'type':'string'}"
#define CALLER                                                                                     \
    "'client_id':" TEXT ",'client_secret':" TEXT ",'client_assertion_type':" TEXT                  \
    ",'client_assertion':" TEXT
#define TOKEN                                                                                      \
    FORM "{'type':'object','required':['token'],'properties':{'token':" TEXT "," CALLER "}}}}}"
#define ERROR                                                                                      \
    "'content':{'application/json':{'schema':{'type':'object','required':['error'],'properties':{" \
    "'error':" TEXT ",'error_description':" TEXT "}}}}}"
#define ERRORS                                                                                     \
    ",'400':{'description':'It is refused (RFC 6749, 5.2).'," ERROR                                \
    ",'401':{'description':'The app is not known, or did not prove itself.'," ERROR                \
    ",'429':{'description':'Too many attempts.'," ERROR
#define JSON(schema) "'content':{'application/json':{'schema':" schema "}}}"

static const struct {
    const char *pattern, *id, *description, *body, *answers;
    enum method method;
    bool sign_in, open;
} ops[] = {
    {"/oauth/token", "oauthToken",
     "A code with its verifier, a refresh token, or the app itself, for tokens (RFC 6749, 3.2).",
     FORM "{'type':'object','required':['grant_type'],'properties':{'grant_type':{'type':'string',"
          "'enum':['authorization_code','refresh_token','client_credentials']},'code':" TEXT
          ",'redirect_uri':" TEXT ",'code_verifier':" TEXT ",'refresh_token':" TEXT ",'scope':" TEXT
          "," CALLER "}}}}}",
     "'200':{'description':'Tokens.'," JSON(
         "{'type':'object','required':['access_token','token_type','expires_in','scope'],"
         "'properties':{'access_token':" TEXT ",'token_type':" TEXT
         ",'expires_in':{'type':'integer'},'refresh_token':" TEXT ",'id_token':" TEXT
         ",'scope':" TEXT "}}") ERRORS,
     METHOD_POST, false, true},
    {"/oauth/revoke", "oauthRevoke",
     "Any token of a grant ends the whole of it. One that is not known is as one that is void.",
     TOKEN, "'200':{'description':'It is void.'}" ERRORS, METHOD_POST, false, true},
    {"/oauth/introspect", "oauthIntrospect", "What a token is, and whether it is good (RFC 7662).",
     TOKEN,
     "'200':{'description':'What it is.'," JSON(
         "{'type':'object','required':['active'],'properties':{'active':{'type':'boolean'},"
         "'scope':" TEXT ",'client_id':" TEXT ",'sub':" TEXT ",'exp':{'type':'integer'}}}") ERRORS,
     METHOD_POST, false, true},
    {"/oauth/userinfo", "getUserinfo", "Who let the app in, as far as its scopes go.", NULL,
     "'200':{'description':'Claims.'," JSON(
         "{'type':'object','required':['sub'],'properties':{'sub':" TEXT ",'name':" TEXT
         ",'email':" TEXT ",'email_verified':{'type':'boolean'}}}"),
     METHOD_GET, true, false},
    {"/oauth/userinfo", "postUserinfo", "Who let the app in, as far as its scopes go.", NULL,
     "'200':{'description':'Claims.'," JSON(
         "{'type':'object','required':['sub'],'properties':{'sub':" TEXT "}}"),
     METHOD_POST, true, false},
    {"/.well-known/oauth-authorization-server", "getOauthMetadata", "RFC 8414.", NULL,
     "'200':{'description':'Endpoints and what they take.'," JSON("{'type':'object'}"), METHOD_GET,
     false, true},
    {"/.well-known/openid-configuration", "getOpenidConfiguration",
     "OpenID Connect Discovery 1.0: the same document.", NULL,
     "'200':{'description':'Endpoints and what they take.'," JSON("{'type':'object'}"), METHOD_GET,
     false, true},
    {"/auth/apps", "listApps", "Apps that one let in.", NULL,
     "'200':{'description':'The apps.'," JSON(
         "{'type':'object','required':['data'],'properties':{'data':{'type':'array','items':{"
         "'type':'object','properties':{'client_id':" TEXT ",'name':" TEXT ",'scope':" TEXT
         ",'since':{'type':'string','format':'date-time'}}}}}}"),
     METHOD_GET, true, false},
    {"/auth/apps/:client", "shutAppOut", "Its tokens are void at once.", NULL,
     "'204':{'description':'Done.'}", METHOD_DELETE, true, false},
};

static size_t find(const struct doc *d, const struct endpoint *e)
{
    str prefix = d->source->prefix, pattern = str_of(e->pattern);
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        bool below =
            str_starts(pattern, prefix) && str_is(str_from(pattern, prefix.len), ops[i].pattern);
        if (e->method == ops[i].method && (below || str_is(pattern, ops[i].pattern)))
            return i;
    }
    return STR_NONE;
}

bool doc__app(struct doc *d, const struct endpoint *e)
{
    const struct accounts *x = d->source->accounts;
    const struct clients *c = x ? account_settings_of(x)->clients : NULL;
    size_t i = c && c->count ? find(d, e) : STR_NONE;
    if (i == STR_NONE)
        return false;
    struct operation o = {.endpoint = e,
                          .id = str_of(ops[i].id),
                          .tag = LIT("auth"),
                          .summary = str_of(e->what),
                          .description = str_of(ops[i].description),
                          .sign_in = ops[i].sign_in,
                          .open = ops[i].open};
    doc__operation(d, &o);
    put(d->out, "]");
    if (ops[i].body)
        put(d->out, ops[i].body);
    put(d->out, "'responses':{");
    put(d->out, ops[i].answers);
    doc__problems(d, (const char *const[]){"500", "503", "504"}, 3);
    if (!ops[i].body)
        doc__problems(d, (const char *const[]){"400", "429"}, 2);
    if (ops[i].sign_in)
        doc__problems(d, (const char *const[]){"401", "403"}, 2);
    if (ops[i].method == METHOD_DELETE)
        doc__problems(d, (const char *const[]){"404"}, 1);
    put(d->out, "}}");
    return true;
}
