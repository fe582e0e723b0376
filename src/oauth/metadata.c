/* metadata.c -- what apps find out by themselves: RFC 8414, and OpenID Connect Discovery 1.0, in
 * one document for both. SPDX: Apache-2.0 */
#include "oauth/oauth_priv.h"

static void address(struct buf *b, const struct oauth *o, const char *name, const char *path)
{
    buf_printf(b, ",\"%s\":", name);
    buf_char(b, '"');
    buf_str(b, o->clients->issuer); /* an origin: nothing in it has to be escaped */
    buf_printf(b, "%s\"", path);
}

static void scopes(struct buf *b, const struct clients *c)
{
    buf_lit(b, ",\"scopes_supported\":[\"openid\",\"profile\",\"email\",\"offline_access\"");
    for (size_t i = 0; i < c->scope_count; i++) {
        buf_char(b, ',');
        json_text(b, c->scopes[i].name);
    }
    buf_char(b, ']');
}

int oauth__metadata(struct request *rq, const void *data, struct err *err)
{
    const struct oauth *o = data;
    struct buf *b = &rq->reply->body;
    (void)err;
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("public, max-age=300"));
    buf_lit(b, "{\"issuer\":");
    json_text(b, o->clients->issuer);
    address(b, o, "authorization_endpoint", "/oauth/authorize");
    address(b, o, "token_endpoint", "/oauth/token");
    address(b, o, "revocation_endpoint", "/oauth/revoke");
    address(b, o, "introspection_endpoint", "/oauth/introspect");
    address(b, o, "userinfo_endpoint", "/oauth/userinfo");
    address(b, o, "jwks_uri", "/.well-known/jwks.json");
    scopes(b, o->clients);
    buf_printf(b, ",\"id_token_signing_alg_values_supported\":[\"%s\"]",
               jwt_alg_name(identity_alg(account_identity(o->accounts))));
    buf_lit(b, ",\"response_types_supported\":[\"code\"],\"response_modes_supported\":[\"query\"]"
               ",\"grant_types_supported\":[\"authorization_code\",\"refresh_token\","
               "\"client_credentials\"],\"code_challenge_methods_supported\":[\"S256\"]"
               ",\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\","
               "\"client_secret_post\",\"private_key_jwt\",\"none\"]"
               ",\"revocation_endpoint_auth_methods_supported\":[\"client_secret_basic\","
               "\"client_secret_post\",\"private_key_jwt\",\"none\"]"
               ",\"introspection_endpoint_auth_methods_supported\":[\"client_secret_basic\","
               "\"client_secret_post\",\"private_key_jwt\"]"
               ",\"token_endpoint_auth_signing_alg_values_supported\":[\"EdDSA\",\"ES256\","
               "\"RS256\"]"
               ",\"authorization_response_iss_parameter_supported\":true"
               ",\"subject_types_supported\":[\"public\"]"
               ",\"prompt_values_supported\":[\"none\",\"login\",\"consent\"]"
               ",\"claims_supported\":[\"iss\",\"sub\",\"aud\",\"exp\",\"iat\",\"auth_time\","
               "\"nonce\",\"at_hash\",\"name\",\"preferred_username\",\"picture\",\"locale\","
               "\"email\",\"email_verified\"]"
               ",\"claims_parameter_supported\":false,\"request_parameter_supported\":false"
               ",\"request_uri_parameter_supported\":false}");
    return 0;
}
