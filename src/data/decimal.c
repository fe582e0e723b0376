/* decimal.c -- decimal numbers as text, exact at any width. SPDX: Apache-2.0
 * Money must not go through a double. A decimal is looked at as one row of digits d[0..count) and
 * the place of its point: its value is 0.d0 d1 d2... times 10^point. */
#include "data/data_priv.h"

static str digits_cut(str *s)
{
    size_t n = 0;
    while (n < s->len && ascii_digit(s->ptr[n]))
        n++;
    str digits = str_upto(*s, n);
    *s = str_from(*s, n);
    return digits;
}

static bool sign_cut(str *s)
{
    bool minus = s->len && s->ptr[0] == '-';
    if (minus || (s->len && s->ptr[0] == '+'))
        *s = str_from(*s, 1);
    return minus;
}

/* s stands behind the e. At most three digits, so that no small text becomes a huge number. */
static bool exponent_get(str s, int64_t *out)
{
    bool minus = sign_cut(&s);
    uint64_t n;
    if (s.len > 3 || !str_to_u64(s, &n))
        return false;
    *out = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

bool decimal__read(str s, struct decimal *d)
{
    int64_t exponent = 0;
    if (!s.len)
        return false;
    d->minus = sign_cut(&s);
    d->whole = digits_cut(&s);
    d->fraction = (str){NULL, 0};
    if (!d->whole.len)
        return false;
    if (s.len && s.ptr[0] == '.') {
        s = str_from(s, 1);
        d->fraction = digits_cut(&s);
        if (!d->fraction.len)
            return false;
    }
    if (s.len && ((s.ptr[0] != 'e' && s.ptr[0] != 'E') || !exponent_get(str_from(s, 1), &exponent)))
        return false;
    d->point = (int64_t)d->whole.len + exponent;
    d->first = 0;
    d->last = d->whole.len + d->fraction.len;
    while (d->first < d->last && decimal__digit(d, d->first) == '0')
        d->first++;
    while (d->last > d->first && decimal__digit(d, d->last - 1) == '0')
        d->last--;
    return true;
}

/* The digit at a position of the row, which goes on with zeros on both sides. */
static char digit_or_zero(const struct decimal *d, int64_t at)
{
    return at >= (int64_t)d->first && at < (int64_t)d->last ? decimal__digit(d, (size_t)at) : '0';
}

bool decimal_canon(struct arena *a, str text, int precision, int scale, str *out)
{
    struct decimal d;
    if (!decimal__read(text, &d))
        return false;
    bool zero = d.first == d.last;
    int64_t whole = zero ? 0 : d.point - (int64_t)d.first;
    int64_t fraction = zero ? 0 : (int64_t)d.last - d.point;
    whole = whole > 0 ? whole : 0;
    fraction = fraction > 0 ? fraction : 0;
    if (scale >= 0 && fraction > scale)
        return false;
    if (precision > 0 && whole > precision - (scale > 0 ? scale : 0))
        return false;
    if (scale >= 0)
        fraction = scale;
    char *to = arena_new(a, (size_t)(whole + fraction) + 4), *at = to;
    if (d.minus && !zero)
        *at++ = '-';
    if (!whole)
        *at++ = '0';
    for (int64_t i = d.point - whole; i < d.point; i++)
        *at++ = digit_or_zero(&d, i);
    if (fraction)
        *at++ = '.';
    for (int64_t i = d.point; i < d.point + fraction; i++)
        *at++ = digit_or_zero(&d, i);
    *at = '\0';
    *out = str_make(to, (size_t)(at - to));
    return true;
}

/* Order of the sizes of two numbers that are not 0. */
static int size_cmp(const struct decimal *a, const struct decimal *b)
{
    int64_t lead_a = a->point - (int64_t)a->first, lead_b = b->point - (int64_t)b->first;
    if (lead_a != lead_b)
        return lead_a < lead_b ? -1 : 1;
    size_t len_a = a->last - a->first, len_b = b->last - b->first;
    for (size_t i = 0; i < len_a && i < len_b; i++) {
        char x = decimal__digit(a, a->first + i), y = decimal__digit(b, b->first + i);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (len_a > len_b) - (len_a < len_b);
}

static int sign_of(const struct decimal *d)
{
    return d->first == d->last ? 0 : d->minus ? -1 : 1;
}

/* A collation must order everything: what is no number comes after the numbers, bytewise. */
int decimal_cmp(str a, str b)
{
    struct decimal x, y;
    bool has_x = decimal__read(a, &x), has_y = decimal__read(b, &y);
    if (!has_x || !has_y)
        return has_x ? -1 : has_y ? 1 : str_cmp(a, b);
    int sign_x = sign_of(&x), sign_y = sign_of(&y);
    if (sign_x != sign_y)
        return sign_x < sign_y ? -1 : 1;
    return sign_x * (sign_x ? size_cmp(&x, &y) : 0);
}
