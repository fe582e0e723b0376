/* data.h -- values that travel between bodies, plans, engines and answers. SPDX: Apache-2.0 */
#ifndef CAIRN_DATA_H
#define CAIRN_DATA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* V_NUM is a number that an int64 does not hold exactly: its text, as it was written. */
enum value_kind { V_NULL, V_BOOL, V_INT, V_FLOAT, V_NUM, V_TEXT, V_BYTES, V_ARRAY, V_OBJECT };

struct member;

struct value {
    enum value_kind kind;
    uint32_t count; /* V_ARRAY, V_OBJECT: how many; V_TEXT: 1 when it is loose */
    union {
        bool truth;
        int64_t i;
        double f;
        str text;              /* V_NUM, V_TEXT, V_BYTES */
        struct value *items;   /* V_ARRAY */
        struct member *fields; /* V_OBJECT, in the order written */
    };
};

struct member {
    str name;
    struct value value;
};

static inline struct value value_null(void)
{
    return (struct value){.kind = V_NULL};
}
static inline struct value value_bool(bool truth)
{
    return (struct value){.kind = V_BOOL, .truth = truth};
}
static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = V_INT, .i = i};
}
static inline struct value value_float(double f)
{
    return (struct value){.kind = V_FLOAT, .f = f};
}
static inline struct value value_text(str s)
{
    return (struct value){.kind = V_TEXT, .text = s};
}
/* A text out of a form or of XML, where nothing tells its type: who takes it decides. */
static inline struct value value_loose(str s)
{
    return (struct value){.kind = V_TEXT, .count = 1, .text = s};
}
static inline bool value_is_loose(const struct value *v)
{
    return v->kind == V_TEXT && v->count;
}
static inline struct value value_num(str s)
{
    return (struct value){.kind = V_NUM, .text = s};
}
static inline struct value value_bytes(str s)
{
    return (struct value){.kind = V_BYTES, .text = s};
}

/* The member of that name, or NULL (also when v is no object). */
const struct value *value_get(const struct value *v, str name);
/* Its text; ptr NULL: there is none, or it is no text. */
str value_get_text(const struct value *v, const char *name);
/* It has bytes in v->text: a text, bytes, or a number as text. */
bool value_has_text(const struct value *v);
/* The same value by kind and content; object members in any order. V_INT 1 is not V_FLOAT 1. */
bool value_eq(const struct value *a, const struct value *b);
/* A copy with all it points to in a. */
struct value value_copy(struct arena *a, const struct value *v);
const char *value_kind_name(enum value_kind kind); /* "null", "boolean", "number", "string", ... */

/* ---- JSON (RFC 8259): strict, no duplicate member names, well-formed UTF-8 only ---- */

struct json_limits {
    unsigned depth; /* nesting of arrays and objects */
    size_t nodes;   /* values in all */
};
extern const struct json_limits json_limits_default; /* depth 64, nodes 1,000,000 */

/* Parses the whole text. Strings without escapes point into text, which must live as long as
 * *out; all else lives in a. Never ends the request (uses arena_try). Fails with BAD, the text
 * naming line and column and what was expected; TOOBIG past a limit. */
int json_parse(struct arena *a, str text, const struct json_limits *limits, struct value *out,
               struct err *err);

void json_text(struct buf *b, str s);                  /* a JSON string, quoted and escaped */
void json_value(struct buf *b, const struct value *v); /* compact; V_BYTES as base64 string; a
                                                     V_FLOAT that is not finite as null */
void json_f64(struct buf *b,
              double f); /* shortest digits that read back the same; 1e21 style allowed */

/* ---- JSON changed by JSON (json_patch.c) ---- */

/* The same JSON: members in any order, numbers by their value (1 is 1.0). */
bool json_same(const struct value *a, const struct value *b);
/* As PostgreSQL's jsonb @>: every member and element of part is found in whole, at the same depth;
 * a single value is found in an array. */
bool json_contains(const struct value *whole, const struct value *part);
/* RFC 7396. The result shares parts of both. */
struct value json_merge(struct arena *a, const struct value *target, const struct value *patch);
enum { JSON_PATCH_OPS = 1000 };
/* RFC 6902: ops is the array of operations; doc is not touched. Fails with BAD (no patch), INVALID
 * (word bad_patch: no operation, no pointer), CONFLICT (patch_path: nothing is there; patch_test: a
 * test does not hold), TOOBIG. */
int json_patch(struct arena *a, const struct value *doc, const struct value *ops, struct value *out,
               struct err *err);

/* ---- the fields of a form (fields.c) ---- */

enum { FIELDS_MOST = 1000, FIELD_DEPTH = 8, FIELD_NAME_SHOWN = 60 };
struct field;
struct fields {
    struct arena *arena;
    struct field *root;
    size_t count;
};
void fields_init(struct fields *f, struct arena *a);
/* Borrows both texts, which must be UTF-8 and live as long as the value. name: `a`, `a[]`, `a[b]`,
 * `a[0][b]`. Fails with BAD (malformed_form, the field named), TOOBIG. */
int fields_add(struct fields *f, str name, str text, struct err *err);
struct value fields_value(const struct fields *f); /* an object; its texts are loose */
/* An object of the members, those of one name made a list; list is used for it. */
struct value fields_gather(struct arena *a, struct member *list, size_t count);
/* The same; false when the arena is full. */
bool fields_try_gather(struct arena *a, struct member *list, size_t count, struct value *out);

/* ---- texts of other types ---- */

void base64_put(struct buf *b, str bytes);               /* RFC 4648 section 4, padded */
bool base64_get(struct arena *a, str text, str *out);    /* strict, padding required */
void base64url_put(struct buf *b, str bytes);            /* section 5, no padding */
bool base64url_get(struct arena *a, str text, str *out); /* strict: no padding, no stray bits */
void base32_put(struct buf *b, str bytes);               /* RFC 4648 section 6, no padding */
void hex_put(struct buf *b, str bytes);

/* ---- CBOR (RFC 8949): integers, bytes, texts, arrays, maps of definite length ---- */
enum cbor_kind { CBOR_INT, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_OTHER };
struct cbor {
    enum cbor_kind kind;
    int64_t i;
    str bytes;    /* of bytes and texts, within the input */
    size_t count; /* of items, or of pairs: they follow */
};
/* The next item's head, and all of it when it holds no others. False: damaged, not of these kinds,
 * or more than 256 items at a place; rest stays. */
bool cbor_next(str *rest, struct cbor *out);
/* Past the next item and all that it holds, 256 at most. */
bool cbor_skip(str *rest);

/* A decimal: optional sign, digits, optional fraction, optional exponent (at most 3 digits).
 * Canonical form: no exponent, no plus, no leading zeros, no trailing zeros of the fraction, "-0"
 * is "0"; with scale >= 0 the fraction has exactly that many digits. Fails (false) when it is no
 * number, or has more than precision digits before the point minus scale (precision 0: any), or
 * more fraction digits than scale that are not zero (scale < 0: any). No rounding, no loss. */
bool decimal_canon(struct arena *a, str text, int precision, int scale, str *out);
int decimal_cmp(str a, str b); /* numeric order of two decimals in any accepted form */

/* An exact sum of decimals (sum.c). Zeroed it is 0. */
enum { SUM_LIMBS = 128, SUM_TEXT = 2 * 9 * SUM_LIMBS + 4 };
struct decimal_sum {
    int64_t limbs[2 * SUM_LIMBS]; /* of nine digits each, least first */
    uint32_t pending;             /* numbers added since the carries were settled */
    bool full;                    /* a number was wider than that: the sum says nothing */
};
/* text rounded to scale digits behind the point, half away from zero (scale < 0: as it is).
 * False when it is no decimal. */
bool decimal_sum_add(struct decimal_sum *s, str text, int scale);
void decimal_sum_scaled(struct decimal_sum *s, int64_t n, int scale); /* n / 10^scale, 0..9 */
/* The canonical text, not NUL-terminated; its length. */
size_t decimal_sum_text(const struct decimal_sum *s, char out[SUM_TEXT]);
/* The sum divided by count, rounded to scale digits (at most 9 * SUM_LIMBS - 9), half away from
 * zero; canonical. */
size_t decimal_sum_mean(const struct decimal_sum *s, uint64_t count, int scale, char out[SUM_TEXT]);

bool uuid_canon(str text,
                char out[36]); /* RFC 9562 text form to lower case; false when it is none */
void uuid_v4(char out[36]);
void uuid_v7(char out[36]); /* sortable by time */

/* RFC 3339 date-time (also with a blank for T, or a date alone, or without offset: then UTC) to
 * UTC "YYYY-MM-DDTHH:MM:SS.ffffffZ"; more than six fraction digits are cut. False when it is no
 * such time. with_zone false (SQL timestamp): the form is the same. */
enum { TIME_CANON_LEN = 27 };
bool time_canon(str text, char out[TIME_CANON_LEN]);
/* The same of microseconds and days since 1970; false: the year is not 1 to 9999. */
bool time_of_micros(int64_t micros, char out[TIME_CANON_LEN]);
bool date_of_days(int64_t days, char out[10]);
bool date_canon(str text, char out[10]);      /* YYYY-MM-DD, a real day */
bool clocktime_canon(str text, char out[15]); /* HH:MM:SS.ffffff */
/* As shown to a client: canonical form with trailing zeros of the fraction (and the point) gone. */
void time_show(struct buf *b, str canonical);

/* ---- a file, as its column holds it (file.c) ---- */

/* {"id":..,"name":..,"type":..,"size":..,"sha256":..,"at":..}, in any order: the JSON of each
 * member, strings with their quotes. */
struct file_value {
    str id, name, type, size, sha256, at;
};
/* False: the text is no such object. */
bool file_value_get(str text, struct file_value *out);

/* ---- a statement ---- */

/* SQL text with numbered places (?1 or $1) and their values. Made by sql/ and by nobody else over
 * user data; run by db/. Values and text live in the arena of whoever made it. */
struct stmt {
    str text;
    str then; /* of an INSERT of one row, instead of RETURNING: reads the row that was made */
    const struct value *binds;
    size_t bind_count;
    bool writes;   /* may change the database */
    bool bounded;  /* reads at most a few thousand rows even when a table is scanned (LIMIT without
                      filter), so it may run inline */
    bool once;     /* a shape that will not come again: do not keep it prepared */
    bool by_key;   /* reads one row by its whole key: others may wait for its end */
    uint32_t most; /* rows at most; 0: nobody knows */
    str together;  /* of one by_key with a number as its only value: the same for an array of such
                      numbers (PostgreSQL); empty: there is none */
    uint32_t together_key; /* the column of its answer that tells which */
    uint32_t
        keys; /* the place, from 1, whose V_ARRAY gives cairn_each its rows (SQLite); 0: none */
};

/* Rows held in memory: cells[row * cols + col], all in one arena. */
struct rows {
    size_t cols, count;
    struct value *cells;
    const str *names; /* cols of them, or NULL */
};

static inline const struct value *rows_at(const struct rows *r, size_t row, size_t col)
{
    return &r->cells[row * r->cols + col];
}

#endif
