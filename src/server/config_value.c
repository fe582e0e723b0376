/* config_value.c -- text to typed values and back. SPDX: Apache-2.0 */
#include "server/config_priv.h"

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit size_units[] = {
    {"", 1}, {"K", 1024}, {"M", 1048576}, {"G", 1073741824}, {"T", 1099511627776}};
static const struct unit ms_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

/* Digits and a unit of the list. */
static bool with_unit(str text, const struct unit *units, size_t count, uint64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && ascii_digit(text.ptr[digits]))
        digits++;
    uint64_t n;
    if (!str_to_u64(str_upto(text, digits), &n))
        return false;
    for (size_t i = 0; i < count; i++)
        if (str_eqi(str_from(text, digits), str_of(units[i].name)))
            return !__builtin_mul_overflow(n, units[i].factor, out);
    return false;
}

bool config__size(str text, uint64_t *out)
{
    return with_unit(text, size_units, COUNT_OF(size_units), out);
}

bool config_time(str text, uint64_t *out)
{
    return with_unit(text, ms_units, COUNT_OF(ms_units), out);
}

static void put_unit(struct buf *b, uint64_t n, const struct unit *units, size_t count)
{
    size_t at = 0;
    while (n && at + 1 < count && n % units[at + 1].factor == 0)
        at++;
    buf_u64(b, n / units[at].factor);
    buf_str(b, str_of(units[at].name));
}

void config__put_size(struct buf *b, uint64_t bytes)
{
    put_unit(b, bytes, size_units, COUNT_OF(size_units));
}

void config__put_ms(struct buf *b, uint64_t ms)
{
    put_unit(b, ms, ms_units, COUNT_OF(ms_units) - 1); /* hours are the most we write */
}

/* ---- ENUM: "a|b|c=b" ---- */

str config__word(const struct config_key *k, int index)
{
    str rest = str_of(k->preset);
    rest = str_upto(rest, str_find(rest, '='));
    while (rest.ptr && index >= 0) {
        str word = str_cut(&rest, '|');
        if (index-- == 0)
            return word;
    }
    return (str){"", 0};
}

str config__default(const struct config_key *k)
{
    str all = str_of(k->preset);
    return k->type == CONFIG_ENUM ? str_from(all, str_find(all, '=') + 1) : all;
}

/* ---- faults in words ---- */

static const char *expected(const struct config_key *k)
{
    static const char *const words[] = {[CONFIG_INT] = "a whole number",
                                        [CONFIG_SIZE] = "a size such as `64K`",
                                        [CONFIG_MS] = "a time such as `10s`",
                                        [CONFIG_BOOL] = "`true` or `false`",
                                        [CONFIG_TEXT] = "a text",
                                        [CONFIG_SECRET] = "a text",
                                        [CONFIG_ENUM] = "one of the words",
                                        [CONFIG_LIST] = "a list of texts"};
    return words[k->type];
}

/* What was probably meant; empty when there is no telling. */
static void guess(const struct config_key *k, str text, struct buf *b)
{
    static const char *const yes[] = {"yes", "on", "1", "y"}, *const no[] = {"no", "off", "0", "n"};
    uint64_t n;
    if (k->type == CONFIG_MS && str_to_u64(text, &n))
        buf_printf(b, "%.*ss", STR_ARG(text));
    if (k->type == CONFIG_SIZE && text.len > 1 && ascii_lower(text.ptr[text.len - 1]) == 'b') {
        str less = str_upto(text, text.len - 1);
        if (ascii_lower(less.ptr[less.len - 1]) == 'i')
            less.len--;
        if (with_unit(less, size_units, COUNT_OF(size_units), &n))
            buf_str(b, less);
    }
    for (size_t i = 0; k->type == CONFIG_BOOL && i < COUNT_OF(yes); i++)
        if (str_eqi(text, str_of(yes[i])) || str_eqi(text, str_of(no[i])))
            buf_str(b, str_eqi(text, str_of(yes[i])) ? LIT("true") : LIT("false"));
}

static bool wrong_type(struct config_load *l, const struct config_key *k, str text, str place)
{
    struct buf hint;
    buf_init(&hint, 64);
    guess(k, text, &hint);
    if (text.len == 0)
        config__fault(l, place, str_of(k->path), "expected %s, got nothing", expected(k));
    else if (hint.len && !hint.full)
        config__fault(l, place, str_of(k->path), "expected %s, not '%.*s' (did you mean `%.*s`?)",
                      expected(k), STR_ARG(str_upto(text, 60)), STR_ARG(buf_view(&hint)));
    else
        config__fault(l, place, str_of(k->path), "expected %s, not '%.*s'", expected(k),
                      STR_ARG(str_upto(text, 60)));
    buf_fini(&hint);
    return false;
}

static bool wrong_word(struct config_load *l, const struct config_key *k, str text, str place)
{
    const char *words[16];
    size_t count = 0;
    struct buf list;
    buf_init(&list, 256);
    for (str w; count < COUNT_OF(words) && (w = config__word(k, (int)count)).len; count++) {
        words[count] = arena_str(&l->c->arena, w).ptr;
        buf_printf(&list, "%s`%.*s`", count ? ", " : "", STR_ARG(w));
    }
    const char *near = str_nearest(text, words, count);
    config__fault(l, place, str_of(k->path), "expected one of %.*s, not '%.*s'%s%s%s",
                  STR_ARG(buf_view(&list)), STR_ARG(str_upto(text, 60)),
                  near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    buf_fini(&list);
    return false;
}

static void put_number(struct buf *b, enum config_type type, int64_t n)
{
    if (type == CONFIG_SIZE)
        config__put_size(b, (uint64_t)n);
    else if (type == CONFIG_MS)
        config__put_ms(b, (uint64_t)n);
    else
        buf_i64(b, n);
}

static bool in_range(struct config_load *l, const struct config_key *k, int64_t n, str place)
{
    if (n >= k->min && n <= k->max)
        return true;
    struct buf b;
    buf_init(&b, 128);
    buf_lit(&b, "must be between ");
    put_number(&b, k->type, k->min);
    buf_lit(&b, " and ");
    put_number(&b, k->type, k->max);
    buf_lit(&b, ", not ");
    put_number(&b, k->type, n);
    config__fault(l, place, str_of(k->path), "%.*s", STR_ARG(buf_view(&b)));
    buf_fini(&b);
    return false;
}

/* ---- storing ---- */

static bool parse_number(const struct config_key *k, str text, int64_t *out)
{
    uint64_t n;
    if (k->type == CONFIG_INT)
        return str_to_i64(text, out);
    bool ok = k->type == CONFIG_SIZE ? with_unit(text, size_units, COUNT_OF(size_units), &n)
                                     : with_unit(text, ms_units, COUNT_OF(ms_units), &n);
    if (k->type == CONFIG_MS && str_is(text, "0"))
        ok = !(n = 0);
    if (!ok || n > INT64_MAX)
        return false;
    *out = (int64_t)n;
    return true;
}

static bool set_enum(struct config_load *l, const struct config_key *k, str text, str place,
                     int *out)
{
    str word;
    for (int i = 0; (word = config__word(k, i)).len; i++) {
        if (str_eq(word, text)) {
            *out = i;
            return true;
        }
    }
    return wrong_word(l, k, text, place);
}

bool config__set(struct config_load *l, const struct config_key *k, str text, str place)
{
    void *at = (char *)l->c + k->offset;
    int64_t n;
    switch (k->type) {
    case CONFIG_TEXT:
    case CONFIG_LIST:
    case CONFIG_SECRET:
        *(str *)at = arena_str(&l->c->arena, text);
        break;
    case CONFIG_ENUM:
        if (!set_enum(l, k, text, place, at))
            return false;
        break;
    case CONFIG_BOOL:
        if (!str_is(text, "true") && !str_is(text, "false"))
            return wrong_type(l, k, text, place);
        *(bool *)at = str_is(text, "true");
        break;
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_MS:
        if (!parse_number(k, text, &n))
            return wrong_type(l, k, text, place);
        if (!in_range(l, k, n, place))
            return false;
        memcpy(at, &n, sizeof n);
        break;
    }
    l->c->origin[k - config_keys] = place;
    return true;
}

void config__put(struct buf *b, const struct config_key *k, const struct config *c)
{
    const void *at = (const char *)c + k->offset;
    int64_t n;
    switch (k->type) {
    case CONFIG_TEXT:
    case CONFIG_LIST:
        buf_str(b, *(const str *)at);
        break;
    case CONFIG_SECRET:
        if (((const str *)at)->len)
            buf_lit(b, "(hidden)");
        break;
    case CONFIG_ENUM:
        buf_str(b, config__word(k, *(const int *)at));
        break;
    case CONFIG_BOOL:
        buf_str(b, *(const bool *)at ? LIT("true") : LIT("false"));
        break;
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_MS:
        memcpy(&n, at, sizeof n);
        put_number(b, k->type, n);
        break;
    }
}
