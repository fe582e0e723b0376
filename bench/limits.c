/* limits.c -- decisions of the rate limits a second, on one core, in the process: each algorithm,
 * with a thousand and with a million clients. SPDX: Apache-2.0 Linked with build/inner.a. Prints a
 * JSON object: algorithm and clients to decisions a second. */
#include "base/clock.h"
#include "store/store.h"

#include <stdio.h>

enum { BATCH = 4096 };

static double decide(const struct limit_rule *r, uint64_t clients, uint64_t ms)
{
    struct limit_table *t = limit_table_new(r, clients, (size_t)256 << 20);
    struct limit_verdict v;
    uint64_t begin = clock_ns(), now = begin, done = 0, dice = 88172645463325252u, allowed = 0;
    while (now - begin < ms * 1000000) {
        for (int i = 0; i < BATCH; i++) {
            dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
            limit_take(t, (dice % clients + 1) * 0x9e3779b97f4a7c15u, now, 1, &v);
            allowed += v.allowed;
        }
        done += BATCH;
        now = clock_ns();
    }
    limit_table_free(&t);
    return allowed ? (double)done * 1e9 / (double)(now - begin) : 0;
}

int main(void)
{
    static const struct {
        const char *name;
        enum limit_algorithm algorithm;
    } all[] = {{"fixed_window", LIMIT_FIXED},
               {"sliding_window", LIMIT_SLIDING},
               {"sliding_log", LIMIT_LOG},
               {"token_bucket", LIMIT_BUCKET},
               {"gcra", LIMIT_GCRA}};
    printf("{");
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct limit_rule r = {all[i].algorithm, 100, 100, 60000};
        printf("%s\"%s\":[%.0f,%.0f]", i ? "," : "", all[i].name, decide(&r, 1000, 1000),
               decide(&r, 1000000, 1000));
    }
    printf("}\n");
    return 0;
}
