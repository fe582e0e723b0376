/* err.h -- a failure: a negative code, and words for the caller's struct err. SPDX: Apache-2.0 */
#ifndef CAIRN_BASE_ERR_H
#define CAIRN_BASE_ERR_H

#include "base/bug.h"
#include "base/str.h"

enum {
    ERR__ZERO = 0,
#define X(name, status, title) ERR__##name,
#include "base/err.def"
#undef X
    ERR__COUNT
};
enum err_code {
#define X(name, status, title) E_##name = -ERR__##name,
#include "base/err.def"
#undef X
};

/* One faulty place of the input. Texts live in the request's arena or are literals. */
struct err_item {
    str field;   /* column or parameter */
    str pointer; /* JSON Pointer into the body (RFC 6901), or empty */
    str code;    /* a stable word: required, unknown_field, type, range, length, ... */
    str message; /* a sentence */
};

/* Untouched on success. Zero it before first use. */
struct err {
    int code;
    char text[320]; /* lower case, subject quoted, what first; never a secret or SQL text */
    char field[64]; /* the column, constraint or parameter at fault, or "" */
    str word;       /* stable code word for the answer; empty: derived from code */
    const struct err_item *items; /* all faulty places, when there are several */
    size_t item_count;
    str offers;    /* of ACCEPT, MEDIA: what can be had or sent instead, with commas between */
    str more;      /* further members of the answer, as JSON without braces; else empty */
    str operation; /* of a batch, that failed: a JSON Pointer, "/operations/2"; else empty */
};

/* Zeroes what anybody reads of an err that tells of nothing: on the hot path, where 320 bytes of
 * text would cost more than the work. */
static inline void err_none(struct err *err)
{
    err->code = 0;
    err->text[0] = err->field[0] = '\0';
    err->word = err->offers = err->more = err->operation = (str){NULL, 0};
    err->items = NULL;
    err->item_count = 0;
}

/* Fills err and gives code, for `return fail(err, E_BAD, "...")`. */
int fail(struct err *err, int code, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* The same with the stable word and the field set. */
int fail_field(struct err *err, int code, str word, str field, const char *fmt, ...)
    ATTR_PRINTF(5, 6);
#ifdef __clang_analyzer__ /* it reads one file at a time: these give codes below 0 */
#define fail(...) ((void)fail(__VA_ARGS__), -1)
#define fail_field(...) ((void)fail_field(__VA_ARGS__), -1)
#endif

int err_status(int code);        /* HTTP status of a code */
const char *err_title(int code); /* its title */
const char *err_name(int code);  /* "BAD", "NOTFOUND", ... */

/* If x fails, return its code: the only macro that returns. */
#define TRY(x)                                                                                     \
    do {                                                                                           \
        int try_code_ = (x);                                                                       \
        if (UNLIKELY(try_code_ < 0))                                                               \
            return try_code_;                                                                      \
    } while (0)

#endif
