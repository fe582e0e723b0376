/* Any answer of a provider: its document, tokens, claims, GitHub's user and addresses, a key. */
#include "auth/provider_read.h"

#include "base/bug.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void claims(struct arena *a, str text, bool tenants)
{
    const struct provider_config c = {.issuer = tenants ? LIT("https://i/{tenantid}/v2.0")
                                                        : LIT("https://i"),
                                      .tenants = tenants,
                                      .client_id = LIT("me")};
    struct provider_person p;
    struct value v;
    struct err err = {0};
    if (provider_object(a, text, &v, &err) < 0)
        return;
    bool good = provider_claims_check(&c, &v, LIT("n"), &err) == 0;
    provider_take(a, &c, &v, &p);
    BUG_ON(good && !p.subject.len);
    BUG_ON(p.verified && !p.email.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_make((const char *)data, size), access, id;
    struct provider_endpoints e;
    struct provider_person p;
    struct arena a;
    struct buf b;
    struct err err = {0};
    arena_init(&a, 64 << 20);
    if (provider_endpoints_read(&a, text, LIT("https://i"), &e, &err) == 0)
        BUG_ON(!str_starts(e.authorize, LIT("https://")) || !str_starts(e.token, LIT("https://")) ||
               e.authorize.len > PROVIDER_URL_MOST || e.user.len > PROVIDER_URL_MOST);
    err = (struct err){0};
    if (provider_tokens_read(&a, text, &access, &id, &err) == 0)
        BUG_ON(!access.len || access.len > PROVIDER_TOKEN_MOST);
    claims(&a, text, false);
    claims(&a, text, true);
    err = (struct err){0};
    if (provider_take_user(&a, text, &p, &err) == 0)
        BUG_ON(!p.subject.len);
    p = (struct provider_person){0};
    err = (struct err){0};
    if (provider_take_emails(&a, text, &p, &err) == 0)
        BUG_ON(p.verified && !p.email.len);
    str word = provider_error(text);
    BUG_ON(!word.len || word.len > 60);
    buf_init(&b, 1 << 20);
    provider_put(&b, "x", text);
    BUG_ON(!b.full && b.len < size);
    buf_fini(&b);
    err = (struct err){0};
    provider_key_check(text, LIT("k"), &err);
    arena_reset(&a);
    return 0;
}
