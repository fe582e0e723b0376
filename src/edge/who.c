/* who.c -- who asks: by sign-in, by API keys of accounts (which are known here by their ids), and
 * by the API keys of the settings. SPDX: Apache-2.0 The plan is that of the key, else the signed-in
 * user's claim `plan`. The settings hold digests only. With a list, a key that is not in it counts
 * as none, so that nobody gets a quota of his own by making keys up; so does one that sign-in did
 * not know, where keys are those of accounts. Only where nothing here knows keys, they are told
 * apart as sent. */
#include "edge/edge_priv.h"

#include "data/principal.h"

#include <sodium.h>

void who__caller(const struct edge *e, const struct request *rq, struct edge_caller *out)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    const struct edge_config *c = &e->config;
    str key = request_header(rq, c->key_header);
    *out = (struct edge_caller){.key = key};
    if (rq->principal) {
        const struct value *plan = value_get(&rq->principal->claims, LIT("plan"));
        out->user = rq->principal->subject;
        out->plan = plan && plan->kind == V_TEXT ? plan->text : (str){"", 0};
    }
    if (rq->principal && rq->principal->key.len) {
        out->key = rq->principal->key; /* verified, and the same in either header */
        return;
    }
    if (!key.len || (!c->key_count && !c->keys_checked))
        return;
    out->key.len = 0;
    crypto_hash_sha256(digest, (const uint8_t *)key.ptr, key.len);
    for (size_t i = 0; i < c->key_count; i++) {
        if (sodium_memcmp(c->keys[i].sha256, digest, sizeof digest) != 0)
            continue;
        out->key = key;
        out->plan = c->keys[i].plan;
        return;
    }
}
