/* keyring.c -- signing keys and the MAC key in one file of mode 0600:
 *     {"keys":[JWK, ...],"mac":"..."}
 * It is written beside its place and then linked or renamed, so that who reads it reads it whole.
 * SPDX: Apache-2.0 */
#include "auth/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 18, MEMORY = 1 << 21, PATH_ROOM = 4200 };

void keyring_free(struct keyring *k)
{
    while (k->count)
        jwk_free(&k->keys[--k->count]);
    sodium_memzero(k->mac, sizeof k->mac);
}

int keyring_make(enum jwt_alg alg, struct keyring *out, struct err *err)
{
    *out = (struct keyring){0};
    TRY(jwk_make(alg, &out->keys[0], err));
    out->count = 1;
    randombytes_buf(out->mac, sizeof out->mac);
    return 0;
}

/* ---- reading ---- */

static int damaged(const char *file, const char *why, struct err *err)
{
    return fail(err, E_CONFIG, "the keys in '%s' are damaged: %s", file, why);
}

static int take(struct arena *a, const char *file, str text, struct keyring *out, struct err *err)
{
    struct value v;
    struct err inner = {0};
    str mac;
    if (json_parse(a, text, &json_limits_default, &v, &inner) < 0)
        return damaged(file, inner.text, err);
    const struct value *keys = value_get(&v, LIT("keys")), *m = value_get(&v, LIT("mac"));
    if (!keys || keys->kind != V_ARRAY || !keys->count || keys->count > KEYRING_MOST)
        return damaged(file, "1 to 16 `keys` expected", err);
    if (!m || m->kind != V_TEXT || !base64url_get(a, m->text, &mac) || mac.len != MAC_BYTES)
        return damaged(file, "32 bytes of `mac` expected", err);
    memcpy(out->mac, mac.ptr, MAC_BYTES);
    for (size_t i = 0; i < keys->count; i++) {
        if (jwk_read(&keys->items[i], &out->keys[i], &inner) < 0)
            return damaged(file, inner.text, err);
        out->count++;
    }
    return jwk_private(out->keys[0]) ? 0 : damaged(file, "the first key cannot sign", err);
}

static int load(int fd, const char *file, struct arena *a, str *out, struct err *err)
{
    struct stat st;
    char *text = arena_new(a, FILE_MOST);
    if (fstat(fd, &st) < 0)
        return fail(err, E_IO, "'%s' cannot be read: %s", file, strerror(errno));
    if (st.st_mode & 077)
        return fail(err, E_CONFIG, "others may read '%s': chmod 600 it, and make new keys", file);
    ssize_t n = read(fd, text, FILE_MOST);
    if (n < 0 || n == FILE_MOST)
        return fail(err, E_IO, "'%s' cannot be read: %s", file,
                    n < 0 ? strerror(errno) : "it is too long");
    *out = str_make(text, (size_t)n);
    return 0;
}

int keyring_read(const char *file, struct keyring *out, struct err *err)
{
    struct arena a;
    str text;
    *out = (struct keyring){0};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, errno == ENOENT ? E_NOTFOUND : E_IO, "'%s' cannot be read: %s", file,
                    strerror(errno));
    arena_init(&a, MEMORY);
    int code = load(fd, file, &a, &text, err);
    if (code == 0)
        code = take(&a, file, text, out, err);
    close(fd);
    arena_reset(&a);
    if (code < 0)
        keyring_free(out);
    return code;
}

/* ---- writing ---- */

static void put(struct buf *b, const struct keyring *k)
{
    buf_lit(b, "{\"keys\":[");
    for (size_t i = 0; i < k->count; i++) {
        if (i)
            buf_lit(b, ",\n");
        jwk_write(b, k->keys[i], true);
    }
    buf_lit(b, "],\n\"mac\":\"");
    base64url_put(b, str_make((const char *)k->mac, sizeof k->mac));
    buf_lit(b, "\"}\n");
}

static int place(const char *temporary, const char *file, bool anew)
{
    int code = anew ? link(temporary, file) : rename(temporary, file);
    int why = errno;
    if (anew || code < 0)
        unlink(temporary);
    return code < 0 ? why : 0;
}

int keyring_write(const char *file, const struct keyring *k, bool anew, struct err *err)
{
    char temporary[PATH_ROOM];
    struct buf b;
    int why = 0;
    snprintf(temporary, sizeof temporary, "%s.%ld", file, (long)getpid());
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, E_IO, "cannot make '%s': %s", temporary, strerror(errno));
    buf_init(&b, FILE_MOST);
    put(&b, k);
    if (b.full || write(fd, b.ptr, b.len) != (ssize_t)b.len || fsync(fd) < 0)
        why = errno ? errno : ENOSPC;
    close(fd);
    sodium_memzero(b.ptr, b.len);
    buf_fini(&b);
    why = why ? why : place(temporary, file, anew);
    if (why == EEXIST)
        return fail(err, E_CONFLICT, "'%s' is there already", file);
    return why ? fail(err, E_IO, "cannot write '%s': %s", file, strerror(why)) : 0;
}
