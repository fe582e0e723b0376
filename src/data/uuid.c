/* uuid.c -- RFC 9562. SPDX: Apache-2.0
 * Random octets come from the kernel, a bufferful at a time for each thread. A process that forks
 * must not make uuids on both sides; Cairn's workers are threads. */
#include "data/data.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/random.h>

enum { UUID_BYTES = 16, POOL_BYTES = 256 }; /* getrandom gives up to 256 in one piece */

static _Thread_local unsigned char pool[POOL_BYTES];
static _Thread_local size_t pool_left;

static void random_get(unsigned char *to, size_t n)
{
    if (pool_left < n) {
        ssize_t got;
        do {
            got = getrandom(pool, sizeof pool, 0);
        } while (got < 0 && errno == EINTR);
        BUG_ON(got != (ssize_t)sizeof pool);
        pool_left = sizeof pool;
    }
    pool_left -= n;
    memcpy(to, pool + pool_left, n);
    memset(pool + pool_left, 0, n); /* what was given out is not to be found here */
}

static bool is_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static void text_put(const unsigned char *bytes, char out[36])
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (is_dash(at))
            out[at++] = '-';
        out[at++] = hex[bytes[i] >> 4];
        out[at++] = hex[bytes[i] & 15];
    }
}

bool uuid_canon(str text, char out[36])
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        char c = ascii_lower(text.ptr[i]);
        if (is_dash(i) ? c != '-' : !ascii_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        out[i] = c;
    }
    return true;
}

static void version_set(unsigned char *bytes, unsigned version)
{
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
}

void uuid_v4(char out[36])
{
    unsigned char bytes[UUID_BYTES];
    random_get(bytes, sizeof bytes);
    version_set(bytes, 4);
    text_put(bytes, out);
}

/* 48 bits of milliseconds, then 12 bits of a millisecond's parts (RFC 9562 6.2, method 3). Each
 * thread counts on when its clock does not, so its own are always in order. */
void uuid_v7(char out[36])
{
    static _Thread_local uint64_t last;
    uint64_t us = (uint64_t)clock_wall_us();
    uint64_t stamp = us / 1000 << 12 | us % 1000 * 4096 / 1000;
    stamp = stamp > last ? stamp : last + 1;
    last = stamp;

    unsigned char bytes[UUID_BYTES];
    random_get(bytes + 8, 8);
    uint64_t ms = stamp >> 12;
    for (unsigned i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    bytes[6] = (unsigned char)(stamp >> 8 & 0x0F);
    bytes[7] = (unsigned char)stamp;
    version_set(bytes, 7);
    text_put(bytes, out);
}
