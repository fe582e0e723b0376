/* number.c -- numeric cells: as many digits after the point as the column says, never an exponent.
 * SPDX: Apache-2.0
 * SQLite hands out a numeric of up to 15 digits as an integer or a double. Such a double is the one
 * nearest to its decimal, so the decimal can be told from it; a wider one comes as text.
 * A double that is no decimal of that many digits (a sum made inside the database) is rounded half
 * away from zero on its 15 leading digits, as PostgreSQL rounds the decimal those digits name. */
#include "render/render_priv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS = 17, SCALE_FAST = 9, SCALE_MOST = 1000 };

static const int64_t tens[SCALE_FAST + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

static void zeros(struct buf *b, int n)
{
    for (; n > 0; n--)
        buf_char(b, '0');
}

static void int_put(struct buf *b, int64_t n, int scale)
{
    buf_i64(b, n);
    if (scale <= 0)
        return;
    buf_char(b, '.');
    zeros(b, scale);
}

/* n / 10^scale; scale at most SCALE_FAST. */
static void scaled_put(struct buf *b, int64_t n, int scale)
{
    char digits[SCALE_FAST + 1] = ".";
    int64_t whole = n / tens[scale], rest = n % tens[scale];
    if (n < 0) {
        buf_char(b, '-');
        whole = -whole;
        rest = -rest;
    }
    buf_i64(b, whole);
    if (!scale)
        return;
    for (int i = scale; i > 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    buf_add(b, digits, (size_t)scale + 1);
}

/* The usual case: f times ten to the scale is a whole number but for the error of the product,
 * which stays under a quarter as long as that number has at most 15 digits. */
static bool float_fast(struct buf *b, double f, int scale)
{
    if (scale < 0 || scale > SCALE_FAST)
        return false;
    double product = f * (double)tens[scale], whole = nearbyint(product);
    if (!(fabs(whole) < 1e15) || fabs(product - whole) > 0.25)
        return false;
    scaled_put(b, (int64_t)whole, scale);
    return true;
}

/* A decimal: 0.d1d2d3... times ten to the power `point`. */
struct decimal {
    char digits[DIGITS + 2];
    int count, point;
    bool negative;
};

static void decimal_read(struct decimal *d, double f, int count)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, fabs(f)); /* d.ddde+XX */
    d->negative = signbit(f);
    d->digits[0] = text[0];
    memcpy(d->digits + 1, text + 2, (size_t)count - 1);
    d->count = count;
    d->point = (int)strtol(text + count + 2, NULL, 10) + 1;
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
}

/* Keeps `keep` digits, rounding half away from zero. */
static void decimal_cut(struct decimal *d, int keep)
{
    if (keep >= d->count)
        return;
    bool up = keep >= 0 && d->digits[keep] >= '5';
    d->count = keep > 0 ? keep : 0;
    for (int i = d->count - 1; up && i >= 0; i--) {
        up = d->digits[i] == '9';
        d->digits[i] = up ? '0' : (char)(d->digits[i] + 1);
    }
    if (!up)
        return;
    memmove(d->digits + 1, d->digits, (size_t)d->count);
    d->digits[0] = '1';
    d->count++;
    d->point++;
}

static char digit_at(const struct decimal *d, int i)
{
    return i >= 0 && i < d->count ? d->digits[i] : '0';
}

static bool decimal_zero(const struct decimal *d)
{
    for (int i = 0; i < d->count; i++)
        if (d->digits[i] != '0')
            return false;
    return true;
}

static void decimal_put(struct buf *b, const struct decimal *d, int scale)
{
    if (d->negative && !decimal_zero(d))
        buf_char(b, '-');
    if (d->point <= 0)
        buf_char(b, '0');
    for (int i = 0; i < d->point; i++)
        buf_char(b, digit_at(d, i));
    if (scale <= 0)
        return;
    buf_char(b, '.');
    for (int i = 0; i < scale; i++)
        buf_char(b, digit_at(d, d->point + i));
}

static void float_put(struct buf *b, double f, int scale)
{
    struct decimal d;
    if (!isfinite(f)) {
        buf_lit(b, "null");
        return;
    }
    decimal_read(&d, f, 15);
    if (scale < 0) { /* any number of digits: as many as tell this double from others */
        char text[40];
        snprintf(text, sizeof text, "%.14e", f);
        if (strtod(text, NULL) != f)
            decimal_read(&d, f, DIGITS);
        scale = d.count - d.point;
    } else {
        decimal_cut(&d, d.point + scale);
    }
    decimal_put(b, &d, scale);
}

/* Digits, a point and digits: what a JSON number may be, without an exponent. */
static bool is_plain(str s, size_t *fraction)
{
    size_t i = s.len && s.ptr[0] == '-', start = i;
    while (i < s.len && ascii_digit(s.ptr[i]))
        i++;
    if (i == start || (s.ptr[start] == '0' && i - start > 1))
        return false;
    *fraction = 0;
    if (i == s.len)
        return true;
    *fraction = s.len - i - 1;
    if (s.ptr[i++] != '.' || i == s.len)
        return false;
    while (i < s.len && ascii_digit(s.ptr[i]))
        i++;
    return i == s.len;
}

static void text_put(struct buf *b, str s, int scale)
{
    size_t fraction;
    if (!is_plain(s, &fraction)) { /* NaN, or what somebody wrote past the checks */
        json_text(b, s);
        return;
    }
    buf_str(b, s);
    if (scale <= 0 || fraction >= (size_t)scale)
        return;
    if (!fraction)
        buf_char(b, '.');
    zeros(b, scale - (int)fraction);
}

void render__numeric(struct buf *b, const struct column *c, const struct value *v)
{
    int scale = c->scale < SCALE_MOST ? c->scale : SCALE_MOST;
    if (!c->precision && !c->scale)
        scale = -1; /* numeric without bounds */
    if (v->kind == V_INT)
        int_put(b, v->i, scale);
    else if (v->kind != V_FLOAT)
        text_put(b, v->text, scale);
    else if (!float_fast(b, v->f, scale))
        float_put(b, v->f, scale);
}
