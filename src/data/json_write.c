/* json_write.c -- values to JSON text. SPDX: Apache-2.0
 * Every answer goes through json_text: it looks at sixteen bytes at a time and copies whole runs.
 * What comes out is always JSON: text that is not UTF-8 (an engine may hold such) gets U+FFFD for
 * each byte that fits nowhere. */
#include "data/data_priv.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const unsigned char data__escape[256] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b',         't',           'n', 'u',
    'f', 'r', 'u', 'u', 'u', 'u', 'u', 'u', 'u',         'u',           'u', 'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\',
};

static void escape_put(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', (char)data__escape[c], '0', '0', hex[c >> 4], hex[c & 15]};
    buf_add(b, text, data__escape[c] == 'u' ? 6 : 2);
}

/* A run without anything to escape, but perhaps not UTF-8. */
static void run_put(struct buf *b, str run, unsigned high)
{
    if (LIKELY(!high) || str_utf8(run)) {
        buf_str(b, run);
        return;
    }
    while (run.len) {
        size_t step = data__utf8_len(run);
        if (step)
            buf_str(b, str_upto(run, step));
        else
            buf_lit(b, "\xEF\xBF\xBD");
        run = str_from(run, step ? step : 1);
    }
}

void json_text(struct buf *b, str s)
{
    unsigned high = 0;
    if (!s.len) {
        buf_lit(b, "\"\"");
        return;
    }
    size_t n = data__plain(s.ptr, s.len, &high);
    if (LIKELY(n == s.len && !high && buf_room(b, n + 2))) {
        char *at = b->ptr + b->len;
        *at = '"';
        memcpy(at + 1, s.ptr, n);
        at[n + 1] = '"';
        b->len += n + 2;
        return;
    }
    buf_char(b, '"');
    run_put(b, str_upto(s, n), high);
    for (s = str_from(s, n); s.len; s = str_from(s, n)) {
        high = 0;
        escape_put(b, (unsigned char)s.ptr[0]);
        s = str_from(s, 1);
        n = data__plain(s.ptr, s.len, &high);
        run_put(b, str_upto(s, n), high);
    }
    buf_char(b, '"');
}

/* Most numbers that people keep are short decimals: m / 10^k with m under 10^15. Both are exact
 * doubles, so their quotient is the double nearest to that decimal; when it is f, "m / 10^k" reads
 * back as f, and no other text of at most 15 digits does. The least k gives the shortest text. */
static bool f64_short(struct buf *b, double f)
{
    static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double size = fabs(f);
    for (int k = 0; k < (int)COUNT_OF(tens); k++) {
        double m = nearbyint(size * tens[k]);
        if (!(m < 1e15))
            return false;
        if (m / tens[k] != size)
            continue;
        uint64_t whole = (uint64_t)m, cut = (uint64_t)tens[k];
        if (signbit(f))
            buf_char(b, '-');
        buf_u64(b, whole / cut);
        if (k) {
            char digits[8] = ".";
            uint64_t rest = whole % cut;
            for (int i = k; i > 0; i--, rest /= 10)
                digits[i] = (char)('0' + rest % 10);
            buf_add(b, digits, (size_t)k + 1);
        }
        return true;
    }
    return false;
}

void json_f64(struct buf *b, double f)
{
    char text[32];
    int len = 0;
    if (!isfinite(f)) {
        buf_lit(b, "null");
        return;
    }
    if (f64_short(b, f))
        return;
    /* Any 15 digits survive a normal double, so fewer are never needed there. */
    for (int digits = fabs(f) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        len = snprintf(text, sizeof text, "%.*g", digits, f);
        if (digits == 17 || strtod(text, NULL) == f)
            break;
    }
    buf_add(b, text, (size_t)len);
}

static void array_put(struct buf *b, const struct value *v)
{
    buf_char(b, '[');
    for (uint32_t i = 0; i < v->count; i++) {
        if (i)
            buf_char(b, ',');
        json_value(b, &v->items[i]);
    }
    buf_char(b, ']');
}

static void object_put(struct buf *b, const struct value *v)
{
    buf_char(b, '{');
    for (uint32_t i = 0; i < v->count; i++) {
        if (i)
            buf_char(b, ',');
        json_text(b, v->fields[i].name);
        buf_char(b, ':');
        json_value(b, &v->fields[i].value);
    }
    buf_char(b, '}');
}

void json_value(struct buf *b, const struct value *v)
{
    switch (v->kind) {
    case V_NULL:
        buf_lit(b, "null");
        break;
    case V_BOOL:
        buf_str(b, v->truth ? LIT("true") : LIT("false"));
        break;
    case V_INT:
        buf_i64(b, v->i);
        break;
    case V_FLOAT:
        json_f64(b, v->f);
        break;
    case V_NUM:
        buf_str(b, v->text);
        break;
    case V_TEXT:
        json_text(b, v->text);
        break;
    case V_BYTES:
        buf_char(b, '"');
        base64_put(b, v->text);
        buf_char(b, '"');
        break;
    case V_ARRAY:
        array_put(b, v);
        break;
    case V_OBJECT:
        object_put(b, v);
        break;
    }
}
