/* range.c -- which bytes a GET wants (RFC 9110, 14). SPDX: Apache-2.0
 * A Range that cannot be understood, or asks for more pieces than is reasonable, is passed over:
 * the client gets the whole. One that lies behind the end is 416. */
#include "http/http.h"

/* Digits alone; a number too large for the type is as large as it can be. */
static bool number(str s, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_digit(s.ptr[i]))
            return false;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        *out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *out * 10 + digit;
    }
    return s.len > 0;
}

/* 1: out is filled; 0: behind the end; -1: no range. */
static int one_of(str spec, uint64_t size, struct byte_range *out)
{
    str last = spec, first = str_cut(&last, '-');
    uint64_t a, b = UINT64_MAX;
    if (!last.ptr)
        return -1;
    if (!first.len) { /* the last n */
        if (!number(last, &b))
            return -1;
        *out = (struct byte_range){b < size ? size - b : 0, b < size ? b : size};
        return b && size ? 1 : 0;
    }
    if (!number(first, &a) || (last.len && !number(last, &b)) || a > b)
        return -1;
    if (a >= size)
        return 0;
    b = b < size ? b : size - 1;
    *out = (struct byte_range){a, b - a + 1};
    return 1;
}

/* Pieces that overlap, or more bytes in all than there are, are no way to read a file. */
static bool reasonable(const struct byte_range *list, size_t count, uint64_t size)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        all += list[i].len;
        for (size_t k = 0; k < i; k++) {
            const struct byte_range *x = &list[i], *y = &list[k];
            if (x->at < y->at + y->len && y->at < x->at + x->len)
                return false;
        }
    }
    return all <= size;
}

/* RFC 9110, 13.1.5: the same representation as the client has the rest of? */
static bool if_range(const struct request *rq, const struct validators *v)
{
    str text = request_header(rq, LIT("If-Range"));
    int64_t date;
    if (!text.ptr)
        return true;
    if (text.len && (text.ptr[0] == '"' || text.ptr[0] == 'W'))
        return v->etag.len && str_eq(text, v->etag);
    return v->changed_s && http_date(text, &date) && date == v->changed_s;
}

enum range_says request_ranges(const struct request *rq, const struct validators *v, uint64_t size,
                               struct byte_range list[RANGES_MOST], size_t *count)
{
    str rest = request_header(rq, LIT("Range")), unit = str_trim(str_cut(&rest, '='));
    bool any = false;
    *count = 0;
    if (rq->method != METHOD_GET || !rest.ptr || !str_eqi(unit, LIT("bytes")) || !if_range(rq, v))
        return RANGE_WHOLE;
    while (rest.ptr) {
        str spec = str_trim(str_cut(&rest, ','));
        struct byte_range r;
        if (!spec.len)
            continue; /* an empty element of a list */
        int rc = one_of(spec, size, &r);
        if (rc < 0 || (rc && *count == RANGES_MOST))
            return RANGE_WHOLE;
        any = true;
        if (rc)
            list[(*count)++] = r;
    }
    if (!any)
        return RANGE_WHOLE;
    if (!*count)
        return RANGE_NONE;
    return *count == 1 || reasonable(list, *count, size) ? RANGE_SOME : RANGE_WHOLE;
}
