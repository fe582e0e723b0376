/* take_recast.c -- a value for a column that a version of the API shows in another type: back to
 * what is stored. SPDX: Apache-2.0
 * The column's own rules hold for the value that comes of it. */
#include "schema/schema_priv.h"

#include "base/clock.h"

/* The column as it is stored. */
static bool plain(const struct column *c, struct arena *a, struct value in, bool from_text,
                  struct value *out, struct value_fault *fault)
{
    struct column own = *c;
    own.recast = RECAST_NONE;
    return column_take(&own, a, &in, from_text, out, fault);
}

/* The whole number of a body or a text. */
static bool whole(const struct value *in, bool from_text, int64_t *out)
{
    if (from_text)
        return str_to_i64(in->text, out);
    *out = in->i;
    return in->kind == V_INT;
}

static bool take_zero_or_one(const struct column *c, struct arena *a, const struct value *in,
                             bool from_text, struct value *out, struct value_fault *fault)
{
    int64_t n = 0;
    if (from_text && (str_is(in->text, "true") || str_is(in->text, "false")))
        return plain(c, a, *in, true, out, fault); /* a checkbox */
    if (!whole(in, from_text, &n) || (n != 0 && n != 1))
        return schema__not_a(in, from_text, a, "the number 0 or 1", fault);
    return plain(c, a, value_bool(n == 1), false, out, fault);
}

static bool take_truth(const struct column *c, struct arena *a, const struct value *in,
                       bool from_text, struct value *out, struct value_fault *fault)
{
    bool yes = from_text ? str_is(in->text, "true") : in->kind == V_BOOL && in->truth;
    bool no = from_text ? str_is(in->text, "false") : in->kind == V_BOOL && !in->truth;
    if (!yes && !no)
        return schema__not_a(in, from_text, a, "true or false", fault);
    return plain(c, a, value_int(yes), false, out, fault);
}

/* A text that holds a number, as JSON writes it. */
static bool take_number(const struct column *c, struct arena *a, const struct value *in,
                        bool from_text, struct value *out, struct value_fault *fault)
{
    char room[64];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    str text = in->text;
    if (!from_text && in->kind != V_NUM) {
        if (in->kind != V_INT && in->kind != V_FLOAT)
            return schema__not_a(in, from_text, a, "a number", fault);
        json_value(&b, in);
        text = arena_str(a, buf_view(&b));
    }
    if (!schema__is_number(text))
        return schema__not_a(in, from_text, a, "a number", fault);
    return plain(c, a, value_text(text), from_text, out, fault);
}

/* Years 0000 to 9999. */
static bool take_unix(const struct column *c, struct arena *a, const struct value *in,
                      bool from_text, struct value *out, struct value_fault *fault)
{
    const int64_t least = INT64_C(-62167219200), most = INT64_C(253402300799);
    int64_t s = 0;
    if (!whole(in, from_text, &s))
        return schema__not_a(in, from_text, a, "a number of seconds since 1970", fault);
    if (s < least || s > most)
        return schema__fault(fault, LIT("range"), LIT("must be a time of the years 0 to 9999"));
    char *text = arena_new(a, CLOCK_RFC3339_MAX);
    size_t len = clock_rfc3339(s * 1000000, text);
    return plain(c, a, value_text(str_make(text, len)), from_text, out, fault);
}

bool schema__take_recast(const struct column *c, struct arena *a, const struct value *in,
                         bool from_text, struct value *out, struct value_fault *fault)
{
    switch (c->recast) {
    case RECAST_INTEGER:
        return take_zero_or_one(c, a, in, from_text, out, fault);
    case RECAST_BOOLEAN:
        return take_truth(c, a, in, from_text, out, fault);
    case RECAST_NUMBER:
        return take_number(c, a, in, from_text, out, fault);
    case RECAST_UNIX:
        return take_unix(c, a, in, from_text, out, fault);
    default:
        break;
    }
    if (!from_text && in->kind != V_TEXT)
        return schema__not_a(in, from_text, a, "a string", fault);
    return plain(c, a, *in, true, out, fault);
}
