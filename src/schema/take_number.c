/* take_number.c -- numbers against a column. SPDX: Apache-2.0
 * Whole numbers and decimals never go through a double: they are exact at any width. In a text, as
 * of a path, a whole number is written one way only, so that a row has one address. */
#include "schema/schema_priv.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static bool in_bounds(const struct column *c, struct arena *a, str number,
                      struct value_fault *fault)
{
    int low = c->has_min ? decimal_cmp(number, c->min) : 1;
    int high = c->has_max ? decimal_cmp(number, c->max) : -1;
    if (low < 0 || (low == 0 && c->min_open))
        return schema__fault(fault, LIT("range"),
                             arena_printf(a, "must be %s %.*s",
                                          c->min_open ? "greater than" : "at least",
                                          STR_ARG(c->min)));
    if (high > 0 || (high == 0 && c->max_open))
        return schema__fault(fault, LIT("range"),
                             arena_printf(a, "must be %s %.*s",
                                          c->max_open ? "less than" : "at most", STR_ARG(c->max)));
    return true;
}

/* The text of a number, as it was written; empty when in is none. */
static str number_text(struct arena *a, const struct value *in, bool from_text)
{
    char room[64];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    switch (in->kind) {
    case V_INT:
        buf_i64(&b, in->i);
        return arena_str(a, buf_view(&b));
    case V_NUM:
        return in->text;
    case V_FLOAT:
        if (!isfinite(in->f))
            return LIT("");
        json_f64(&b, in->f);
        return arena_str(a, buf_view(&b));
    case V_TEXT:
        return from_text ? in->text : LIT("");
    default:
        return LIT("");
    }
}

bool schema__is_number(str s)
{
    size_t i = s.len && s.ptr[0] == '-' ? 1 : 0, digits = 0;
    while (i < s.len && ascii_digit(s.ptr[i]))
        i++, digits++;
    if (!digits)
        return false;
    if (i < s.len && s.ptr[i] == '.') {
        for (i++, digits = 0; i < s.len && ascii_digit(s.ptr[i]); i++)
            digits++;
    }
    if (digits && i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        i += i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-');
        for (digits = 0; i < s.len && ascii_digit(s.ptr[i]); i++)
            digits++;
    }
    return digits && i == s.len;
}

/* ---- whole numbers ---- */

static const struct {
    int64_t min, max;
} widths[] = {
    [TYPE_INT2] = {INT16_MIN, INT16_MAX},
    [TYPE_INT4] = {INT32_MIN, INT32_MAX},
    [TYPE_INT8] = {INT64_MIN, INT64_MAX},
};

static bool out_of_width(const struct column *c, struct arena *a, struct value_fault *fault)
{
    return schema__fault(fault, LIT("range"),
                         arena_printf(a, "must be between %lld and %lld",
                                      (long long)widths[c->type].min,
                                      (long long)widths[c->type].max));
}

enum whole { WHOLE_OK, WHOLE_NONE, WHOLE_WIDE, WHOLE_FORM };

/* Whether a number with an exponent has a negative one. */
static bool small(str text)
{
    size_t minus = str_rfind(text, '-');
    return minus != STR_NONE && minus > 0;
}

/* The usual form, of nearly every id in a path: up to 18 digits without a zero before them. */
static bool plain_whole(str text, int64_t *out)
{
    int64_t n = 0;
    if (!text.len || text.len > 18 || (text.ptr[0] == '0' && text.len > 1))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_digit(text.ptr[i]))
            return false;
        n = n * 10 + (text.ptr[i] - '0');
    }
    *out = n;
    return true;
}

/* 1.0 and 1e3 are whole, in JSON. */
static enum whole whole_of(struct arena *a, str text, bool from_text, int64_t *out)
{
    str canon;
    if (plain_whole(text, out))
        return WHOLE_OK;
    if (!schema__is_number(text))
        return WHOLE_NONE;
    if (!decimal_canon(a, text, 0, -1, &canon)) /* an exponent of four digits */
        return small(text) ? WHOLE_NONE : WHOLE_WIDE;
    if (str_find(canon, '.') != STR_NONE)
        return WHOLE_NONE;
    if (from_text && !str_eq(canon, text))
        return WHOLE_FORM;
    return str_to_i64(canon, out) ? WHOLE_OK : WHOLE_WIDE;
}

bool schema__take_int(const struct column *c, struct arena *a, const struct value *in,
                      bool from_text, struct value *out, struct value_fault *fault)
{
    static const char what[] = "a whole number";
    int64_t n = in->kind == V_INT ? in->i : 0;
    str text = {NULL, 0};
    if (in->kind != V_INT) {
        text = number_text(a, in, from_text);
        switch (whole_of(a, text, from_text, &n)) {
        case WHOLE_NONE:
            return schema__not_a(in, from_text, a, what, fault);
        case WHOLE_WIDE:
            return out_of_width(c, a, fault);
        case WHOLE_FORM:
            return schema__fault(fault, LIT("format"),
                                 LIT("must be a whole number, written with its digits only"));
        case WHOLE_OK:
            break;
        }
    }
    if (n < widths[c->type].min || n > widths[c->type].max)
        return out_of_width(c, a, fault);
    *out = value_int(n);
    if (!c->has_min && !c->has_max)
        return true;
    return in_bounds(c, a, number_text(a, out, false), fault);
}

/* ---- decimals ---- */

static bool out_of_scale(const struct column *c, struct arena *a, str text,
                         struct value_fault *fault)
{
    str canon;
    int scale = c->scale > 0 ? c->scale : 0;
    bool places = c->scale >= 0 && decimal_canon(a, text, 0, -1, &canon) &&
                  !decimal_canon(a, text, 0, c->scale, &canon);
    if (places && !c->scale)
        return schema__fault(fault, LIT("range"), LIT("must be a whole number"));
    if (places)
        return schema__fault(fault, LIT("range"),
                             arena_printf(a, "must have at most %d decimal place%s", c->scale,
                                          c->scale == 1 ? "" : "s"));
    if (!c->precision)
        return schema__fault(fault, LIT("range"),
                             LIT("must have an exponent of three digits at most"));
    return schema__fault(fault, LIT("range"),
                         arena_printf(a, "must have at most %d digit%s before the decimal point",
                                      c->precision - scale, c->precision - scale == 1 ? "" : "s"));
}

bool schema__take_numeric(const struct column *c, struct arena *a, const struct value *in,
                          bool from_text, struct value *out, struct value_fault *fault)
{
    str text = number_text(a, in, from_text), canon;
    if (!schema__is_number(text))
        return schema__not_a(in, from_text, a, "a number", fault);
    if (!decimal_canon(a, text, c->precision, c->scale, &canon))
        return out_of_scale(c, a, text, fault);
    *out = value_num(canon);
    return in_bounds(c, a, canon, fault);
}

/* ---- floats ---- */

bool schema__take_float(const struct column *c, struct arena *a, const struct value *in,
                        bool from_text, struct value *out, struct value_fault *fault)
{
    str text = number_text(a, in, from_text);
    double most = c->type == TYPE_FLOAT4 ? (double)FLT_MAX : DBL_MAX;
    if (!schema__is_number(text))
        return schema__not_a(in, from_text, a, "a number", fault);
    double f = in->kind == V_FLOAT ? in->f : strtod(arena_str(a, text).ptr, NULL);
    if (!(fabs(f) <= most))
        return schema__fault(fault, LIT("range"),
                             arena_printf(a, "must be a number of at most %.6g in size", most));
    *out = value_float(f);
    return in_bounds(c, a, number_text(a, out, false), fault);
}
