/* What an app, or whoever, sends to the endpoints of OAuth: parameters, Basic, a redirect URI. */
#include "auth/clients.h"
#include "base/bug.h"
#include "oauth/params.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool clean(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < ' ')
            return false;
    }
    return true;
}

/* Whatever is taken begins as what the settings say, but for a port. */
static void redirect(str uri)
{
    static const str list[] = {STR_INIT("https://a.example.com/cb"),
                               STR_INIT("http://127.0.0.1/cb"), STR_INIT("http://[::1]:80/x?y=1"),
                               STR_INIT("com.example.a:/cb")};
    static const struct app_client c = {.redirects = list, .redirect_count = COUNT_OF(list)};
    if (!client_redirects(&c, uri))
        return;
    BUG_ON(!client_redirect_good(uri));
    BUG_ON(!str_eq(uri, list[0]) && !str_eq(uri, list[3]) &&
           !str_starts(uri, LIT("http://127.0.0.1")) && !str_starts(uri, LIT("http://[::1]")));
    BUG_ON(str_find(uri, '@') != STR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_make((const char *)data, size), name, secret;
    struct params p;
    struct arena a;
    struct err err = {0};
    arena_init(&a, 8 << 20);
    if (params_read(&a, text, &p, &err) == 0) {
        for (size_t i = 0; i < PARAMS; i++)
            BUG_ON(i != PARAM_PASSWORD && !clean(p.of[i]));
        redirect(p.of[PARAM_REDIRECT]);
        BUG_ON(pkce_is(p.of[PARAM_VERIFIER], p.of[PARAM_VERIFIER]));
    }
    err = (struct err){0};
    if (params_basic(&a, text, &name, &secret, &err) == 0)
        BUG_ON(!clean(name) || !clean(secret));
    redirect(text);
    pkce_is(text, text);
    arena_reset(&a);
    return 0;
}
