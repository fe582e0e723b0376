/* take_string.c -- what travels as a string against a column. SPDX: Apache-2.0
 * Lengths count characters (code points), as the databases do; of bytes, octets. NUL is refused in
 * every text: SQLite's functions end at it and PostgreSQL has no place for it. */
#include "schema/schema_priv.h"

static size_t characters(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

static bool length_ok(const struct column *c, struct arena *a, size_t n, struct value_fault *fault)
{
    const char *unit = c->type == TYPE_BYTES ? "byte" : "character";
    size_t most = c->length > 0 ? (size_t)c->length : SIZE_MAX;
    size_t least = c->min_length > 0 ? (size_t)c->min_length : 0;
    if (c->max_length > 0 && (size_t)c->max_length < most)
        most = (size_t)c->max_length;
    if (n > most)
        return schema__fault(fault, LIT("length"),
                             arena_printf(a, "must have at most %zu %s%s, not %zu", most, unit,
                                          most == 1 ? "" : "s", n));
    if (n < least && n == 0 && least == 1)
        return schema__fault(fault, LIT("length"), LIT("must not be empty"));
    if (n < least)
        return schema__fault(fault, LIT("length"),
                             arena_printf(a, "must have at least %zu %s%s, not %zu", least, unit,
                                          least == 1 ? "" : "s", n));
    return true;
}

/* ---- words out of a list ---- */

enum { LABELS_SHOWN = 20, LABEL_SHOWN = 60 };

static bool label_fault(const struct column *c, struct arena *a, struct value_fault *fault)
{
    size_t count = c->label_count < LABELS_SHOWN ? c->label_count : LABELS_SHOWN;
    str list = LIT("");
    for (size_t i = 0; i < count; i++)
        list = arena_printf(a, "%.*s%s'%.*s'", STR_ARG(list), i ? ", " : "",
                            STR_ARG(str_upto(c->labels[i], LABEL_SHOWN)));
    return schema__fault(
        fault, LIT("enum"),
        arena_printf(a, c->label_count == 1 ? "must be %.*s%s" : "must be one of %.*s%s",
                     STR_ARG(list), count < c->label_count ? ", ..." : ""));
}

static bool take_text(const struct column *c, struct arena *a, str s, struct value *out,
                      struct value_fault *fault)
{
    bool known = !c->label_count;
    if (str_find(s, '\0') != STR_NONE)
        return schema__fault(fault, LIT("format"), LIT("must not hold the character NUL"));
    if (!str_utf8(s))
        return schema__fault(fault, LIT("format"), LIT("must be UTF-8"));
    for (size_t i = 0; i < c->label_count && !known; i++)
        known = str_eq(c->labels[i], s);
    if (!known)
        return label_fault(c, a, fault);
    *out = value_text(s);
    return length_ok(c, a, characters(s), fault);
}

static bool take_bytes(const struct column *c, struct arena *a, const struct value *in,
                       struct value *out, struct value_fault *fault)
{
    str bytes = in->text;
    if (in->kind == V_TEXT && !base64_get(a, in->text, &bytes))
        return schema__fault(fault, LIT("format"), LIT("must be base64 with its padding"));
    *out = value_bytes(bytes);
    return length_ok(c, a, bytes.len, fault);
}

/* ---- forms ---- */

typedef bool canon_fn(str text, char *out);

/* The canonical forms' functions take arrays of their own sizes. */
static bool canon_uuid(str text, char *out)
{
    return uuid_canon(text, out);
}
static bool canon_date(str text, char *out)
{
    return date_canon(text, out);
}
static bool canon_time(str text, char *out)
{
    return clocktime_canon(text, out);
}
static bool canon_stamp(str text, char *out)
{
    return time_canon(text, out);
}

static const struct {
    canon_fn *canon;
    size_t len;
    const char *what;
} forms[TYPE__COUNT] = {
    [TYPE_UUID] = {canon_uuid, 36, "must be a UUID, as 6f9619ff-8b86-d011-b42d-00cf4fc964ff"},
    [TYPE_DATE] = {canon_date, 10, "must be a date, as 2026-01-31"},
    [TYPE_TIME] = {canon_time, 15, "must be a time of day, as 23:59:59"},
    [TYPE_TIMESTAMP] = {canon_stamp, TIME_CANON_LEN, "must be a time, as 2026-01-31T23:59:59Z"},
};

static bool take_form(const struct column *c, struct arena *a, str s, struct value *out,
                      struct value_fault *fault)
{
    size_t len = forms[c->type].len;
    char *to = arena_new(a, len + 1);
    if (!forms[c->type].canon(s, to))
        return schema__fault(fault, LIT("format"), str_of(forms[c->type].what));
    to[len] = '\0';
    *out = value_text(str_make(to, len));
    return true;
}

bool schema__take_string(const struct column *c, struct arena *a, const struct value *in,
                         bool from_text, struct value *out, struct value_fault *fault)
{
    static const char *const names[TYPE__COUNT] = {
        [TYPE_TEXT] = "a string",
        [TYPE_ENUM] = "a string",
        [TYPE_UUID] = "a UUID in a string",
        [TYPE_DATE] = "a date in a string",
        [TYPE_TIME] = "a time in a string",
        [TYPE_TIMESTAMP] = "a time in a string",
        [TYPE_BYTES] = "base64 in a string",
    };
    if (c->type == TYPE_BYTES && (in->kind == V_TEXT || in->kind == V_BYTES))
        return take_bytes(c, a, in, out, fault);
    if (in->kind != V_TEXT)
        return schema__not_a(in, from_text, a, names[c->type], fault);
    if (forms[c->type].canon)
        return take_form(c, a, in->text, out, fault);
    return take_text(c, a, in->text, out, fault);
}
