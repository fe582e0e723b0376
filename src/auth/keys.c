/* keys.c -- the keys in force, and how they change while tokens are checked with them.
 * Every process reads the file of keys again when it has changed: at once when a token names a key
 * that is not known, else within a second or two. So `cairn keys rotate` needs no restart, and a
 * token of one process is good in the others from its first use.
 * Invariants: (1) A ring is const once it is in force; readers take it without a lock. (2) Older
 * rings live until the end, since a reader may hold one: a few KB for each change by hand.
 * SPDX: Apache-2.0 */
#include "auth/keys.h"

#include "auth/identity.h"

#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

/* ---- life ---- */

static struct keys_look look_at(const char *file)
{
    struct stat st;
    if (stat(file, &st) < 0)
        return (struct keys_look){0};
    return (struct keys_look){.inode = (uint64_t)st.st_ino,
                              .size = (int64_t)st.st_size,
                              .seconds = (int64_t)st.st_mtim.tv_sec,
                              .nanoseconds = (int64_t)st.st_mtim.tv_nsec};
}

static bool same(const struct keys_look *a, const struct keys_look *b)
{
    return a->inode == b->inode && a->size == b->size && a->seconds == b->seconds &&
           a->nanoseconds == b->nanoseconds;
}

static int first_ring(const char *file, enum jwt_alg alg, struct keyring *out, bool *made,
                      struct err *err)
{
    *made = false;
    int code = keyring_read(file, out, err);
    if (code != E_NOTFOUND)
        return code;
    *err = (struct err){0};
    TRY(keyring_make(alg, out, err));
    code = keyring_write(file, out, true, err);
    *made = code == 0;
    if (code < 0)
        keyring_free(out);
    if (code != E_CONFLICT)
        return code;
    *err = (struct err){0}; /* another process was faster */
    return keyring_read(file, out, err);
}

int keys_open(struct keys *k, const char *file, enum jwt_alg alg, bool *made, struct err *err)
{
    struct keys_ring *r = mem_zero(1, sizeof *r);
    *k = (struct keys){.file = file};
    int code = first_ring(file, alg, &r->ring, made, err);
    if (code < 0) {
        mem_free(r);
        return code;
    }
    k->look = look_at(file);
    pthread_mutex_init(&k->lock, NULL);
    atomic_store(&k->now, r);
    return 0;
}

void keys_close(struct keys *k)
{
    struct keys_ring *r = atomic_load(&k->now);
    if (!r)
        return;
    while (r) {
        struct keys_ring *older = r->older;
        keyring_free(&r->ring);
        mem_free(r);
        r = older;
    }
    pthread_mutex_destroy(&k->lock);
    atomic_store(&k->now, NULL);
}

const struct keyring *keys_now(const struct keys *k)
{
    return &atomic_load(&k->now)->ring;
}

/* ---- change ---- */

static int take(struct keys *k, struct err *err)
{
    struct keys_ring *r = mem_zero(1, sizeof *r), *now = atomic_load(&k->now);
    int code = keyring_read(k->file, &r->ring, err);
    if (code < 0) {
        mem_free(r);
        return code;
    }
    r->older = now;
    atomic_store(&k->now, r);
    return 1;
}

int keys_refresh(struct keys *k, struct err *err)
{
    int code = 0;
    pthread_mutex_lock(&k->lock);
    struct keys_look look = look_at(k->file);
    if (look.inode && !same(&look, &k->look)) {
        k->look = look; /* a damaged file is told of once, not again and again */
        code = take(k, err);
    }
    pthread_mutex_unlock(&k->lock);
    return code;
}

/* ---- by hand ---- */

int identity_rotate(const char *file, enum jwt_alg alg, struct err *err)
{
    struct keyring ring;
    struct jwk *new;
    TRY(keyring_read(file, &ring, err));
    int code =
        ring.count == KEYRING_MOST
            ? fail(err, E_CONFLICT, "there are %d keys already: retire one first", KEYRING_MOST)
            : jwk_make(alg, &new, err);
    if (code == 0) {
        memmove(&ring.keys[1], &ring.keys[0], ring.count * sizeof ring.keys[0]);
        ring.keys[0] = new;
        ring.count++;
        code = keyring_write(file, &ring, false, err);
    }
    keyring_free(&ring);
    return code;
}

static int without(struct keyring *ring, str kid, struct err *err)
{
    size_t at = 0;
    while (at < ring->count && !str_eq(jwk_kid(ring->keys[at]), kid))
        at++;
    if (at == ring->count)
        return fail(err, E_NOTFOUND, "there is no key '%.*s'", STR_ARG(kid));
    if (at == 0)
        return fail(err, E_CONFLICT, "'%.*s' signs: `cairn keys rotate` first", STR_ARG(kid));
    jwk_free(&ring->keys[at]);
    ring->count--;
    memmove(&ring->keys[at], &ring->keys[at + 1], (ring->count - at) * sizeof ring->keys[0]);
    return 0;
}

int identity_retire(const char *file, str kid, struct err *err)
{
    struct keyring ring;
    TRY(keyring_read(file, &ring, err));
    int code = without(&ring, kid, err);
    if (code == 0)
        code = keyring_write(file, &ring, false, err);
    keyring_free(&ring);
    return code;
}

int identity_list(const char *file, struct buf *out, struct err *err)
{
    struct keyring ring;
    TRY(keyring_read(file, &ring, err));
    for (size_t i = 0; i < ring.count; i++)
        buf_printf(out, "%-6s  %.*s  %s\n", jwt_alg_name(jwk_alg(ring.keys[i])),
                   STR_ARG(jwk_kid(ring.keys[i])), i ? "checks" : "signs");
    keyring_free(&ring);
    return 0;
}
