/* recast.c -- a cell that a version of the API shows in another type than its column's.
 * SPDX: Apache-2.0
 * Invariant: one JSON value, as in cell.c; null for what the type cannot show. */
#include "render/render_priv.h"

#include "base/clock.h"

/* In quotes, unless that is what it is already. */
static void string_put(struct buf *b, const struct column *c, const struct value *v)
{
    size_t at = b->len;
    render__plain(b, c, v);
    if (b->full || b->len == at || b->ptr[at] == '"')
        return;
    size_t len = b->len - at;
    buf_lit(b, "\"\"");
    if (b->full)
        return;
    memmove(b->ptr + at + 1, b->ptr + at, len);
    b->ptr[at] = '"';
    b->ptr[at + 1 + len] = '"';
}

static bool truth(const struct value *v)
{
    return v->kind == V_BOOL ? v->truth : v->kind == V_INT && v->i != 0;
}

/* A number as JSON writes it: no plus, no leading zeros. */
static bool is_json_number(str s)
{
    size_t i = s.len && s.ptr[0] == '-', from = i;
    while (i < s.len && ascii_digit(s.ptr[i]))
        i++;
    if (i == from || (i > from + 1 && s.ptr[from] == '0'))
        return false;
    if (i < s.len && s.ptr[i] == '.') {
        for (from = ++i; i < s.len && ascii_digit(s.ptr[i]); i++)
            ;
        if (i == from)
            return false;
    }
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        i += i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-');
        for (from = i; i < s.len && ascii_digit(s.ptr[i]); i++)
            ;
        if (i == from)
            return false;
    }
    return i == s.len;
}

static void number_put(struct buf *b, const struct value *v)
{
    bool text = v->kind == V_TEXT || v->kind == V_BYTES;
    if (text && is_json_number(v->text))
        buf_str(b, v->text);
    else if (v->kind == V_INT || v->kind == V_FLOAT)
        json_value(b, v);
    else
        buf_lit(b, "null");
}

static unsigned digits(const char *p, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (unsigned)(p[i] - '0');
    return value;
}

static void unix_put(struct buf *b, const struct value *v)
{
    char t[TIME_CANON_LEN];
    if (v->kind != V_TEXT || !time_canon(v->text, t)) {
        buf_lit(b, "null");
        return;
    }
    int64_t days = clock_days(digits(t, 4), digits(t + 5, 2), digits(t + 8, 2));
    buf_i64(b,
            days * 86400 + digits(t + 11, 2) * 3600 + digits(t + 14, 2) * 60 + digits(t + 17, 2));
}

void render__recast(struct buf *b, const struct column *c, const struct value *v)
{
    switch (c->recast) {
    case RECAST_INTEGER:
        buf_str(b, truth(v) ? LIT("1") : LIT("0"));
        break;
    case RECAST_BOOLEAN:
        buf_str(b, truth(v) ? LIT("true") : LIT("false"));
        break;
    case RECAST_NUMBER:
        number_put(b, v);
        break;
    case RECAST_UNIX:
        unix_put(b, v);
        break;
    default:
        string_put(b, c, v);
        break;
    }
}
