/* digest.c -- digests of what is taken in, and those a client says it has (RFC 9530).
 * SPDX: Apache-2.0
 * The headers are dictionaries of RFC 8941 whose members are byte sequences. An algorithm that
 * nobody here computes is passed over, as the RFC has it. */
#include "files/files.h"

#include "base/mem.h"
#include "lib/crypto.h"

enum { BYTES_MOST = 64 };

/* ---- computing ---- */

struct digester {
    unsigned kinds;
    EVP_MD_CTX *sha256, *sha512;
};

static EVP_MD_CTX *begin(const EVP_MD *md)
{
    EVP_MD_CTX *c = crypto.EVP_MD_CTX_new();
    BUG_ON(!c || crypto.EVP_DigestInit_ex(c, md, NULL) != 1);
    return c;
}

int digester_new(unsigned kinds, struct digester **out, struct err *err)
{
    TRY(lib_load(&lib_crypto, E_INTERNAL, err));
    struct digester *d = mem_zero(1, sizeof *d);
    d->kinds = kinds;
    if (kinds & DIGEST_SHA256)
        d->sha256 = begin(crypto.EVP_sha256());
    if (kinds & DIGEST_SHA512)
        d->sha512 = begin(crypto.EVP_sha512());
    *out = d;
    return 0;
}

void digester_add(struct digester *d, str bytes)
{
    if (d->sha256)
        crypto.EVP_DigestUpdate(d->sha256, bytes.ptr, bytes.len);
    if (d->sha512)
        crypto.EVP_DigestUpdate(d->sha512, bytes.ptr, bytes.len);
}

void digester_done(struct digester *d, struct digests *out)
{
    *out = (struct digests){.has = d->kinds};
    if (d->sha256)
        crypto.EVP_DigestFinal_ex(d->sha256, out->sha256, NULL);
    if (d->sha512)
        crypto.EVP_DigestFinal_ex(d->sha512, out->sha512, NULL);
}

void digester_free(struct digester **d)
{
    if (!*d)
        return;
    crypto.EVP_MD_CTX_free((*d)->sha256);
    crypto.EVP_MD_CTX_free((*d)->sha512);
    mem_free(*d);
    *d = NULL;
}

/* ---- headers ---- */

static int malformed(struct err *err)
{
    return fail_field(err, E_BAD, LIT("malformed_digest"), LIT(""),
                      "a digest is written sha-256=:BASE64: or sha-512=:BASE64:");
}

static int bytes_of(str text, uint8_t *out, size_t want)
{
    struct arena a;
    str bytes;
    arena_init(&a, 1 << 20);
    bool fine = text.len <= 4 * BYTES_MOST && base64_get(&a, text, &bytes) && bytes.len == want;
    if (fine)
        memcpy(out, bytes.ptr, want);
    arena_reset(&a);
    return fine ? 0 : E_BAD;
}

/* One member: key "=" ":" base64 ":" */
static int take_member(str member, struct digests *out, struct err *err)
{
    size_t equals = str_find(member, '=');
    if (equals == STR_NONE)
        return malformed(err);
    str key = str_upto(member, equals), value = str_from(member, equals + 1);
    if (value.len < 2 || value.ptr[0] != ':' || value.ptr[value.len - 1] != ':')
        return malformed(err);
    value = str_make(value.ptr + 1, value.len - 2);
    bool short_one = str_is(key, "sha-256");
    if (!short_one && !str_is(key, "sha-512"))
        return 0;
    if (bytes_of(value, short_one ? out->sha256 : out->sha512, short_one ? 32 : 64) < 0)
        return malformed(err);
    out->has |= short_one ? DIGEST_SHA256 : DIGEST_SHA512;
    return 0;
}

int digests_parse(str header, struct digests *out, struct err *err)
{
    *out = (struct digests){0};
    for (str rest = header; rest.ptr && header.len;)
        TRY(take_member(str_trim(str_cut(&rest, ',')), out, err));
    return 0;
}

int digests_check(const struct digests *want, const struct digests *got, const char *header,
                  struct err *err)
{
    unsigned both = want->has & got->has;
    bool same = !(both & DIGEST_SHA256) || memcmp(want->sha256, got->sha256, 32) == 0;
    same = same && (!(both & DIGEST_SHA512) || memcmp(want->sha512, got->sha512, 64) == 0);
    if (same)
        return 0;
    return fail_field(err, E_BAD, LIT("digest_mismatch"), str_of(header),
                      "the bytes that came are not those of '%s'; send them again", header);
}
