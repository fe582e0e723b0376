/* revoked.c -- see revoked.h. SPDX: Apache-2.0 */
#include "auth/revoked.h"

#include "base/mem.h"

void revoked_init(struct revoked *r)
{
    *r = (struct revoked){0};
    pthread_mutex_init(&r->lock, NULL);
}

void revoked_fini(struct revoked *r)
{
    mem_free(r->ring);
    pthread_mutex_destroy(&r->lock);
}

void revoked_add(struct revoked *r, str sid, int64_t until)
{
    pthread_mutex_lock(&r->lock);
    if (!r->ring)
        r->ring = mem_zero(REVOKED_MOST, sizeof *r->ring);
    r->ring[r->next] = (struct revoked_one){str_hash(sid), until};
    r->next = (r->next + 1) % REVOKED_MOST;
    size_t count = atomic_load(&r->count);
    if (count < REVOKED_MOST)
        atomic_store(&r->count, count + 1);
    atomic_fetch_add(&r->stamp, 1);
    pthread_mutex_unlock(&r->lock);
}

bool revoked_has(struct revoked *r, str sid, int64_t now)
{
    uint64_t hash = str_hash(sid);
    bool found = false;
    if (!atomic_load(&r->count))
        return false;
    pthread_mutex_lock(&r->lock);
    size_t count = atomic_load(&r->count);
    for (size_t i = 1; i <= count && !found; i++) {
        const struct revoked_one *one = &r->ring[(r->next + REVOKED_MOST - i) % REVOKED_MOST];
        found = one->hash == hash && one->until > now;
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}
