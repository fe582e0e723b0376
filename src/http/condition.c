/* condition.c -- preconditions of a request against a representation (RFC 9110, 13.2.2).
 * SPDX: Apache-2.0
 * Where a header comes in several lines, they are one list. A date that is none is ignored, as is
 * one where it is not known when the representation changed.
 * Not here: If-Range (range.c). */
#include "http/http.h"

bool request_conditional(const struct request *rq)
{
    const uint64_t bits = header_bit(LIT("If-Match")) | header_bit(LIT("If-None-Match")) |
                          header_bit(LIT("If-Modified-Since")) |
                          header_bit(LIT("If-Unmodified-Since")) | header_bit(LIT("If-Range"));
    if (LIKELY((rq->absent & bits) == bits))
        return false;
    for (size_t i = 0; i < rq->header_count; i++) {
        str name = rq->headers[i].name;
        if (name.len >= 8 && (name.ptr[0] | 0x20) == 'i' && (name.ptr[1] | 0x20) == 'f' &&
            name.ptr[2] == '-')
            return true;
    }
    return false;
}

/* What all lines of a name say together. False: there is none. */
static bool lists(const struct request *rq, str name, const struct validators *v, bool strong,
                  enum etag_says *out)
{
    str tag = v->there ? (v->etag.len ? v->etag : LIT("?")) : LIT(""); /* unquoted: fits only `*` */
    bool any = false;
    *out = ETAG_DIFFERS;
    for (size_t i = 0; i < rq->header_count; i++) {
        if (!str_eqi(rq->headers[i].name, name))
            continue;
        enum etag_says one = etag_list(rq->headers[i].value, tag, v->kind, strong);
        if (one == ETAG_MALFORMED || *out == ETAG_DIFFERS)
            *out = one;
        any = true;
        if (one == ETAG_MALFORMED)
            break;
    }
    return any;
}

/* -1: the header is not there, no date, or it is not known; 1: changed after it, 0: not. */
static int changed_after(const struct request *rq, str name, const struct validators *v)
{
    int64_t date;
    str text = request_header(rq, name);
    if (!text.ptr || !v->there || !v->changed_s || !http_date(text, &date))
        return -1;
    return v->changed_s > date;
}

static int malformed(struct err *err, const char *name)
{
    return fail_field(err, E_BAD, LIT("bad_request"), str_of(name),
                      "%s must be entity-tags in double quotes as ETag gave them, or *; for "
                      "example %s: \"p3nZ0ckQ1xA\"",
                      name, name);
}

static int failed(struct err *err, const char *name, const char *why)
{
    return fail_field(err, E_PRECONDITION, LIT("precondition_failed"), str_of(name), "%s", why);
}

/* The steps that hold for any method: 412. */
static int must_be(const struct request *rq, const struct validators *v, struct err *err)
{
    enum etag_says says;
    if (lists(rq, LIT("If-Match"), v, true, &says)) {
        if (says == ETAG_MALFORMED)
            return malformed(err, "If-Match");
        if (says == ETAG_FITS)
            return 0;
        return failed(err, "If-Match",
                      v->there ? "this has changed since it was read; get it again, and say its "
                                 "present ETag in If-Match"
                               : "nothing is there; If-Match wants something that is");
    }
    if (changed_after(rq, LIT("If-Unmodified-Since"), v) == 1)
        return failed(err, "If-Unmodified-Since",
                      "this has changed since then; get it again, and say its present ETag in "
                      "If-Match");
    return 0;
}

int request_condition(const struct request *rq, const struct validators *v, struct err *err)
{
    enum etag_says says;
    bool reads = rq->method == METHOD_GET || rq->method == METHOD_HEAD;
    TRY(must_be(rq, v, err));
    if (lists(rq, LIT("If-None-Match"), v, false, &says)) {
        if (says == ETAG_MALFORMED && !reads)
            return malformed(err, "If-None-Match");
        if (says != ETAG_FITS)
            return 0;
        return reads ? 304
                     : failed(err, "If-None-Match",
                              "something is there already, and is left as it is");
    }
    return reads && changed_after(rq, LIT("If-Modified-Since"), v) == 0 ? 304 : 0;
}
