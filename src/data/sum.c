/* sum.c -- exact sums of decimals. SPDX: Apache-2.0
 * A sum of money made of doubles depends on the order of the rows. Here it is a row of limbs, each
 * worth a power of 10^9, on both sides of the point; a number adds at most 10^9 to each of them,
 * with its sign, and the carries wait until there is need. */
#include "data/data_priv.h"

enum { DIGITS = 9, BASE = 1000000000, LIMBS = 2 * SUM_LIMBS, PENDING_MOST = 1 << 30 };

static const int64_t tens[DIGITS + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

/* Brings each limb but the last into [0, BASE); that one carries the sign. */
static void settle(int64_t *limbs)
{
    for (size_t i = 0; i + 1 < LIMBS; i++) {
        int64_t carry = limbs[i] / BASE - (limbs[i] % BASE < 0);
        limbs[i] -= carry * BASE;
        limbs[i + 1] += carry;
    }
}

static void counted(struct decimal_sum *s)
{
    if (++s->pending < PENDING_MOST)
        return;
    settle(s->limbs);
    s->pending = 0;
}

/* Adds the digit, worth 10^weight. */
static void digit(struct decimal_sum *s, int64_t weight, int64_t n)
{
    int64_t place = weight + (int64_t)SUM_LIMBS * DIGITS;
    if (place < 0 || place >= (LIMBS - 1) * DIGITS) /* the last limb takes carries only */
        s->full = true;
    else
        s->limbs[place / DIGITS] += n * tens[place % DIGITS];
}

bool decimal_sum_add(struct decimal_sum *s, str text, int scale)
{
    struct decimal d;
    if (!decimal__read(text, &d))
        return false;
    int64_t sign = d.minus ? -1 : 1;
    for (size_t i = d.first; i < d.last && !s->full; i++) {
        int64_t weight = d.point - 1 - (int64_t)i, n = decimal__digit(&d, i) - '0';
        if (scale >= 0 && weight < -scale) { /* the first digit cut off says whether to round up */
            if (weight == -scale - 1 && n >= 5)
                digit(s, -scale, sign);
            break;
        }
        digit(s, weight, sign * n);
    }
    counted(s);
    return true;
}

void decimal_sum_scaled(struct decimal_sum *s, int64_t n, int scale)
{
    CHECK(scale >= 0 && scale <= DIGITS);
    int64_t whole = n / tens[scale], rest = n % tens[scale];
    s->limbs[SUM_LIMBS - 1] += rest * tens[DIGITS - scale];
    for (size_t at = SUM_LIMBS; whole; at++, whole /= BASE)
        s->limbs[at] += whole % BASE;
    counted(s);
}

/* ---- what came of it ---- */

/* The sum as sign and size. */
static bool size_of(const struct decimal_sum *s, int64_t *limbs)
{
    memcpy(limbs, s->limbs, sizeof s->limbs);
    settle(limbs);
    if (limbs[LIMBS - 1] >= 0)
        return false;
    for (size_t i = 0; i < LIMBS; i++)
        limbs[i] = -limbs[i];
    settle(limbs);
    return true;
}

static char *limb_put(char *at, int64_t limb)
{
    for (size_t i = DIGITS; i-- > 0; limb /= 10)
        at[i] = (char)('0' + limb % 10);
    return at + DIGITS;
}

/* Zeros in front of all and behind the fraction go; a zero has no sign. */
static size_t text_of(const int64_t *limbs, bool minus, char *out)
{
    size_t high = LIMBS - 1, low = 0, skip = 0;
    while (high > SUM_LIMBS && !limbs[high])
        high--;
    while (low < SUM_LIMBS && !limbs[low])
        low++;
    char *at = out + 1;
    for (size_t i = high + 1; i-- > SUM_LIMBS;)
        at = limb_put(at, limbs[i]);
    while (skip + 1 < (size_t)(at - out - 1) && out[1 + skip] == '0')
        skip++;
    if (low < SUM_LIMBS)
        *at++ = '.';
    for (size_t i = SUM_LIMBS; i-- > low;)
        at = limb_put(at, limbs[i]);
    while (low < SUM_LIMBS && at[-1] == '0')
        at--;
    size_t len = (size_t)(at - out) - 1 - skip;
    bool zero = len == 1 && out[1 + skip] == '0';
    bool sign = minus && !zero;
    memmove(out + sign, out + 1 + skip, len);
    if (sign)
        out[0] = '-';
    return len + sign;
}

size_t decimal_sum_text(const struct decimal_sum *s, char out[SUM_TEXT])
{
    int64_t limbs[LIMBS];
    bool minus = size_of(s, limbs);
    return text_of(limbs, minus, out);
}

/* Cuts what lies behind scale digits off, rounding up when the first of it is 5 or more. */
static void round_at(int64_t *limbs, int scale)
{
    size_t at = (size_t)(SUM_LIMBS * DIGITS - scale - 1) / DIGITS; /* of the first digit cut off */
    int64_t unit = tens[(SUM_LIMBS * DIGITS - scale - 1) % DIGITS];
    bool up = limbs[at] / unit % 10 >= 5;
    memset(limbs, 0, at * sizeof *limbs);
    limbs[at] -= limbs[at] % (unit * 10);
    if (up)
        limbs[at] += unit * 10;
    settle(limbs);
}

size_t decimal_sum_mean(const struct decimal_sum *s, uint64_t count, int scale, char out[SUM_TEXT])
{
    int64_t limbs[LIMBS];
    bool minus = size_of(s, limbs);
    __extension__ unsigned __int128 rest = 0;
    for (size_t i = LIMBS; i-- > 0;) {
        rest = rest * BASE + (uint64_t)limbs[i];
        limbs[i] = (int64_t)(rest / count);
        rest %= count;
    }
    round_at(limbs, scale);
    return text_of(limbs, minus, out);
}
