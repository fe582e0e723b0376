/* origin.c -- allowed origins: exact, or with one star. SPDX: Apache-2.0
 * A browser sends an origin as scheme://host[:port], in lower case and without the scheme's own
 * port, so texts are compared byte by byte; a setting that no browser can ever send is refused.
 * A star in front of a domain means one or more labels, never the domain itself. */
#include "edge/edge.h"

static bool host_char(char c)
{
    return (c >= 'a' && c <= 'z') || ascii_digit(c) || c == '-' || c == '.';
}

/* Labels without an empty one. */
static bool labels(str s)
{
    bool good = s.len > 0 && s.ptr[0] != '.' && s.ptr[s.len - 1] != '.';
    for (size_t i = 0; good && i < s.len; i++)
        good = host_char(s.ptr[i]) && !(s.ptr[i] == '.' && s.ptr[i + 1] == '.');
    return good;
}

static bool digits(str s)
{
    bool good = s.len > 0 && s.len <= 5;
    for (size_t i = 0; good && i < s.len; i++)
        good = ascii_digit(s.ptr[i]);
    return good;
}

static const char *bad_port(str scheme, str port)
{
    uint64_t n;
    if (str_is(port, "*"))
        return NULL;
    if (!digits(port) || !str_to_u64(port, &n) || n == 0 || n > 65535)
        return "a port is a number from 1 to 65535, or `*`";
    if ((str_is(scheme, "https") && n == 443) || (str_is(scheme, "http") && n == 80))
        return "browsers leave out the scheme's own port: leave it out here too";
    return NULL;
}

static const char *bad_host(str host)
{
    if (str_starts(host, LIT("[")) && str_ends(host, LIT("]")))
        return NULL; /* an IPv6 address */
    if (!str_starts(host, LIT("*.")))
        return labels(host)
                   ? NULL
                   : "expected a host name in lower case (a star stands only in front, as `*.`)";
    str rest = str_from(host, 2);
    if (!labels(rest))
        return "expected a domain behind `*.`";
    return str_find(rest, '.') == STR_NONE
               ? "a star in front of a top-level domain allows everybody"
               : NULL;
}

static const char *bad_scheme(str scheme)
{
    bool good = scheme.len > 0;
    for (size_t i = 0; good && i < scheme.len; i++)
        good = (scheme.ptr[i] >= 'a' && scheme.ptr[i] <= 'z') ||
               (i && (ascii_digit(scheme.ptr[i]) || strchr("+-.", scheme.ptr[i])));
    return good ? NULL : "a scheme is written in lower case, as `https`";
}

const char *cors_origin_parse(str text, struct cors_origin *out)
{
    *out = (struct cors_origin){.before = text};
    if (str_is(text, "*")) {
        out->any = out->star = true;
        return NULL;
    }
    if (str_is(text, "null"))
        return "`null` is every sandboxed page and every file: it cannot be allowed";
    size_t colon = str_find(text, ':');
    if (colon == STR_NONE || !str_starts(str_from(text, colon), LIT("://")))
        return "expected scheme://host, as `https://app.example.com`";
    str scheme = str_upto(text, colon), place = str_from(text, colon + 3);
    if (str_find(place, '/') != STR_NONE)
        return "an origin ends with host or port: no path, no slash";
    size_t at = str_rfind(place, ':');
    if (str_ends(place, LIT("]")))
        at = STR_NONE;
    const char *why = bad_scheme(scheme);
    if (!why)
        why = bad_host(str_upto(place, at));
    if (!why && at != STR_NONE)
        why = bad_port(scheme, str_from(place, at + 1));
    size_t star = str_find(text, '*');
    if (why || star == STR_NONE)
        return why;
    if (str_rfind(text, '*') != star)
        return "only one star can be used";
    out->star = true;
    out->port = star + 1 == text.len;
    out->before = str_upto(text, star);
    out->after = str_from(text, star + 1);
    return NULL;
}

bool cors_origin_match(const struct cors_origin *o, str origin)
{
    if (o->any)
        return true;
    if (!o->star)
        return str_eq(o->before, origin);
    if (origin.len <= o->before.len + o->after.len || !str_starts(origin, o->before) ||
        !str_ends(origin, o->after))
        return false;
    str middle =
        str_upto(str_from(origin, o->before.len), origin.len - o->before.len - o->after.len);
    return o->port ? digits(middle) : labels(middle);
}
