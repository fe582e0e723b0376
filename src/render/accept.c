/* accept.c -- Accept and Accept-Encoding: weights, stars, specificity (RFC 9110, 12.4 and 12.5).
 * SPDX: Apache-2.0
 * A header that cannot be read counts as not sent. Of two media types with the same weight the one
 * that is named more exactly wins, then the one that the client names first; of two codings the
 * first on offer, for clients list them in any order.
 * Browsers ask for text/html, and for application/xml behind it, because pages may be XHTML. Nobody
 * in front of one wants rows as XML: who weighs a page higher than XML gets XML only when nothing
 * else fits. */
#include "render/negotiate.h"

/* ---- lists ---- */

/* The part of s before the first sep outside of quotes. */
static size_t part(str s, char sep)
{
    bool in = false;
    for (size_t i = 0; i < s.len; i++) {
        if (in && s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            in = !in;
        else if (!in && s.ptr[i] == sep)
            return i;
    }
    return s.len;
}

static bool token(str s)
{
    static const char others[] = "!#$%&'*+-.^_`|~/";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!ascii_alpha(c) && !ascii_digit(c) && (!c || !strchr(others, c)))
            return false;
    }
    return s.len > 0;
}

/* 0, 0.5, 0.125, 1, 1.000 */
static bool weight(str s, unsigned *q)
{
    unsigned unit = 100;
    if (!s.len || s.len > 5 || (s.ptr[0] != '0' && s.ptr[0] != '1') ||
        (s.len > 1 && s.ptr[1] != '.'))
        return false;
    *q = s.ptr[0] == '1' ? WEIGHT_ALL : 0;
    for (size_t i = 2; i < s.len; i++, unit /= 10) {
        if (!ascii_digit(s.ptr[i]))
            return false;
        *q += (unsigned)(s.ptr[i] - '0') * unit;
    }
    return *q <= WEIGHT_ALL;
}

/* What stands behind the name; the weight ends the parameters. */
static bool params(str rest, struct weighted *out)
{
    out->params = str_trim(rest);
    for (str left = rest; left.len;) {
        size_t n = part(left, ';');
        str one = str_trim(str_upto(left, n));
        if (one.len >= 2 && ascii_lower(one.ptr[0]) == 'q' && one.ptr[1] == '=') {
            str before = str_trim(str_upto(rest, (size_t)(left.ptr - rest.ptr)));
            bool stop = before.len && before.ptr[before.len - 1] == ';';
            out->params = str_trim(str_upto(before, before.len - stop));
            return weight(str_from(one, 2), &out->q);
        }
        left = str_from(left, n + 1);
    }
    return true;
}

bool weighted_next(str *rest, struct weighted *out, bool *bad)
{
    while (rest->len) {
        size_t n = part(*rest, ',');
        str one = str_trim(str_upto(*rest, n));
        *rest = str_from(*rest, n + 1);
        if (!one.len)
            continue;
        size_t semi = part(one, ';');
        *out = (struct weighted){.name = str_trim(str_upto(one, semi)), .q = WEIGHT_ALL};
        *bad = !token(out->name) || !params(str_from(one, semi + 1), out);
        return !*bad;
    }
    return false;
}

/* ---- codings ---- */

static const str coding_names[CODING__COUNT] = {STR_INIT("identity"), STR_INIT("gzip"),
                                                STR_INIT("br"), STR_INIT("zstd")};

str coding_name(enum coding c)
{
    return coding_names[c];
}

enum coding coding_of(str name)
{
    if (!name.len)
        return CODING_NONE;
    for (enum coding c = CODING_NONE; c < CODING__COUNT; c++)
        if (str_eqi(name, coding_names[c]))
            return c;
    return str_eqi(name, LIT("x-gzip")) ? CODING_GZIP : CODING__COUNT;
}

struct asked {
    int q[CODING__COUNT]; /* -1: not named */
    int star;
};

static bool read_codings(str header, struct asked *a)
{
    struct weighted w;
    bool bad = false;
    a->star = -1;
    for (size_t i = 0; i < CODING__COUNT; i++)
        a->q[i] = -1;
    while (weighted_next(&header, &w, &bad)) {
        enum coding c = coding_of(w.name);
        if (str_is(w.name, "*"))
            a->star = (int)w.q;
        else if (c != CODING__COUNT)
            a->q[c] = (int)w.q;
    }
    return !bad;
}

struct coding_choice coding_choose(const struct coding_config *c, str header)
{
    struct coding_choice best = {.coding = CODING_NONE, .plain = true};
    struct asked a;
    if (!header.ptr || !read_codings(header, &a))
        return best;
    int plain = a.q[CODING_NONE], top = plain > 0 ? plain : 0;
    best.plain = plain > 0 || (plain < 0 && a.star != 0);
    for (size_t i = 0; i < c->count; i++) {
        int q = a.q[c->order[i]] >= 0 ? a.q[c->order[i]] : a.star;
        if (q > top || (q == top && q > 0 && best.coding == CODING_NONE)) {
            best.coding = c->order[i];
            top = q;
        }
    }
    return best;
}

static bool star_fits(str pattern, str type)
{
    size_t star = str_find(pattern, '*');
    if (star == STR_NONE)
        return str_eqi(pattern, type);
    str before = str_upto(pattern, star), after = str_from(pattern, star + 1);
    return type.len >= before.len + after.len && str_eqi(str_upto(type, before.len), before) &&
           str_eqi(str_from(type, type.len - after.len), after);
}

bool coding_shrinks(const struct coding_config *c, str type)
{
    type = str_trim(str_upto(type, str_find(type, ';')));
    for (size_t i = 0; i < c->type_count; i++)
        if (star_fits(c->types[i], type))
            return true;
    return false;
}

/* ---- media types ---- */

static const struct {
    str type;
    enum format format;
} offers[] = {
    {STR_INIT("application/json"), FORMAT_JSON},
    {STR_INIT("application/x-ndjson"), FORMAT_NDJSON},
    {STR_INIT("application/ndjson"), FORMAT_NDJSON},
    {STR_INIT("application/jsonl"), FORMAT_NDJSON},
    {STR_INIT("text/csv"), FORMAT_CSV},
    {STR_INIT("application/msgpack"), FORMAT_MSGPACK},
    {STR_INIT("application/vnd.msgpack"), FORMAT_MSGPACK},
    {STR_INIT("application/x-msgpack"), FORMAT_MSGPACK},
    {STR_INIT("application/xml"), FORMAT_XML},
    {STR_INIT("text/xml"), FORMAT_XML},
};
const char format_offers[] = "application/json, application/x-ndjson, application/jsonl, text/csv, "
                             "application/msgpack, application/vnd.msgpack, application/xml, "
                             "text/xml";

/* All answers are UTF-8, and a CSV has its header line: who says so asks for nothing else. */
static bool params_fit(str p)
{
    return !p.len || str_eqi(p, LIT("charset=utf-8")) || str_eqi(p, LIT("charset=\"utf-8\"")) ||
           str_eqi(p, LIT("header=present"));
}

/* 0: the range does not hold the type; else the more, the more exactly. */
static unsigned fits(const struct weighted *w, size_t offer)
{
    str type = offers[offer].type, name = w->name;
    size_t slash = str_find(type, '/');
    if (!params_fit(w->params))
        return 0;
    if (str_eqi(name, type))
        return 3 + (w->params.len > 0);
    if (offer == 0 && star_fits(LIT("application/*+json"), name))
        return 3; /* a kind of JSON of the client's own */
    if (str_is(name, "*/*"))
        return 1;
    return name.len == slash + 2 && name.ptr[slash + 1] == '*' &&
                   str_eqi(str_upto(name, slash + 1), str_upto(type, slash + 1))
               ? 2
               : 0;
}

struct rank {
    unsigned q, exact;
    size_t order;
};

static bool better(const struct rank *x, const struct rank *y)
{
    if (x->q != y->q)
        return x->q > y->q;
    if (x->exact != y->exact)
        return x->exact > y->exact;
    return x->order < y->order;
}

/* The most exact range that holds the offer says its weight. */
static bool rank_offer(str header, size_t offer, struct rank *out)
{
    struct weighted w;
    bool bad = false;
    *out = (struct rank){0};
    for (size_t order = 0; weighted_next(&header, &w, &bad); order++) {
        unsigned exact = fits(&w, offer);
        if (exact > out->exact)
            *out = (struct rank){w.q, exact, order};
    }
    return !bad;
}

/* What the header weighs a page, which we have not. */
static unsigned page_weight(str header)
{
    struct weighted w;
    unsigned most = 0;
    bool bad = false;
    while (weighted_next(&header, &w, &bad)) {
        bool page =
            str_eqi(w.name, LIT("text/html")) || str_eqi(w.name, LIT("application/xhtml+xml"));
        most = page && w.q > most ? w.q : most;
    }
    return most;
}

/* The best offer, without XML that weighs less than `page`. False: nothing fits. */
static bool choose(str header, unsigned page, struct format_choice *out)
{
    struct rank best = {0};
    for (size_t i = 0; i < COUNT_OF(offers); i++) {
        struct rank r;
        if (!rank_offer(header, i, &r))
            return true;
        if (!r.q || !better(&r, &best) || (offers[i].format == FORMAT_XML && r.q < page))
            continue;
        best = r;
        *out = (struct format_choice){offers[i].format, offers[i].type};
    }
    return best.q > 0;
}

bool format_choose(str header, struct format_choice *out)
{
    *out = (struct format_choice){FORMAT_JSON, offers[0].type};
    if (!str_trim(header).len)
        return true;
    unsigned page = page_weight(header);
    return choose(header, page, out) || (page && choose(header, 0, out));
}
