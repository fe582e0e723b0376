/* cookie.c -- the Cookie header (RFC 6265, 5.4 and 4.2), as far as a server may trust it: names and
 * values, in any order. Browsers send what other hosts of the same site have set, too; so a name
 * that stands there twice has no value anybody could rely on. SPDX: Apache-2.0 */
#include "http/http.h"

enum { COOKIES_MOST = 200 };

/* Octets of a cookie's value: no controls, blanks, quotes, commas, semicolons or backslashes. */
static bool value_good(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x20 || c >= 0x7F || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

bool cookie_next(str *rest, str *name, str *value)
{
    while (rest->ptr) {
        str pair = str_trim(str_cut(rest, ';'));
        size_t equals = str_find(pair, '=');
        if (equals == STR_NONE)
            continue; /* a name alone, or nothing */
        *name = str_trim(str_upto(pair, equals));
        *value = str_trim(str_from(pair, equals + 1));
        if (value->len >= 2 && value->ptr[0] == '"' && value->ptr[value->len - 1] == '"')
            *value = str_from(str_upto(*value, value->len - 1), 1);
        if (name->len && value_good(*value))
            return true;
    }
    return false;
}

size_t request_cookie(const struct request *rq, str name, str *out)
{
    size_t found = 0, seen = 0;
    str key, value;
    *out = (str){NULL, 0};
    for (size_t i = 0; i < rq->header_count; i++) {
        if (!str_eqi(rq->headers[i].name, LIT("Cookie")))
            continue;
        str rest = rq->headers[i].value;
        while (cookie_next(&rest, &key, &value)) {
            if (++seen > COOKIES_MOST)
                return found;
            if (!str_eq(key, name))
                continue;
            *out = value;
            found++;
        }
    }
    return found;
}
