/* Private to src/sql: the sticky builder of statements, and what its writers share.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_SQL_PRIV_H
#define CAIRN_SQL_PRIV_H

#include "sql/sql.h"

/* Bytes that grow inside an arena: unlike struct buf it needs no heap and no end of life. */
struct text {
    struct arena *arena;
    char *ptr;
    size_t len, cap;
};

void text__init(struct text *t, struct arena *a, size_t cap);
void text__more(struct text *t, size_t n); /* room for n more bytes */
void text__u64(struct text *t, uint64_t n);
void text__i64(struct text *t, int64_t n);
void text__json(struct text *t, str s); /* a JSON string, quoted and escaped */
/* The view; what was reserved and not used goes back to the arena when nothing came after. */
str text__done(struct text *t);

static inline void text__add(struct text *t, const char *ptr, size_t len)
{
    if (UNLIKELY(len > t->cap - t->len))
        text__more(t, len);
    if (len)
        memcpy(t->ptr + t->len, ptr, len);
    t->len += len;
}

static inline void text__str(struct text *t, str s)
{
    text__add(t, s.ptr, s.len);
}

static inline void text__char(struct text *t, char c)
{
    if (UNLIKELY(t->len == t->cap))
        text__more(t, 1);
    t->ptr[t->len++] = c;
}

/* ---- the builder: the first failure is kept in code, later calls add nothing that matters ---- */

struct sql {
    struct text text;
    struct arena *arena;
    enum dialect dialect;
    struct value *binds;
    size_t bind_count, bind_cap;
    bool in_main;                /* tables with their schema, of SQLite */
    bool bare;                   /* one table only: columns go without an alias */
    unsigned aliases;            /* table aliases t0, t1, ... given out */
    unsigned depth;              /* of the condition being written */
    unsigned nots;               /* that it stands in: there null must not be taken for false */
    uint32_t keys;               /* as in struct stmt */
    const struct column *tested; /* by the condition being written, for a failure's field */
    int code;
    struct err *err;
};

void sql__begin(struct sql *b, enum dialect d, struct arena *a, struct err *err);
/* Fills text and binds of *out; gives the first failure. */
int sql__done(struct sql *b, struct stmt *out);
void sql__fail(struct sql *b, const char *sentence); /* E_BAD, word bad_filter */

/* Literals only: other text cannot become SQL. */
#define sql__text(b, literal) text__add(&(b)->text, "" literal, sizeof(literal) - 1)
void sql__ident(struct sql *b, str name);
void sql__quoted(struct sql *b, str text);      /* 'text', for JSON keys only */
void sql__alias(struct sql *b, unsigned alias); /* tN */
void sql__table(struct sql *b, const struct table *t, unsigned alias);   /* "name" AS tN */
void sql__column(struct sql *b, unsigned alias, const struct column *c); /* tN."name" */
void sql__columns(struct sql *b, unsigned alias, const struct column *const *list, size_t count);

/* The value as the engine binds it for this column (NULL: as it is). */
struct value sql__store(struct sql *b, const struct column *c, const struct value *v);
size_t sql__add(struct sql *b, struct value v); /* binds; gives the number of its place */
void sql__place(struct sql *b, size_t number);  /* ?N or $N */
void sql__bind(struct sql *b, const struct column *c, const struct value *v); /* both */

/* ---- lists in one place (list.c) ---- */

/* Can v ride in a JSON array and come back exactly? */
bool sql__rides_json(const struct value *v);
/* IN (...) behind the column: at most four values or those that JSON cannot carry one place each
 * (padded to a power of two), else one JSON array. */
void sql__in_list(struct sql *b, const struct column *c, const struct value *list, size_t count);
const char *sql__cast(enum type t); /* PostgreSQL's name of the type, for CAST */

/* ---- conditions (cond.c, like.c, json.c) ---- */

void sql__cond(struct sql *b, const struct cond *c, unsigned alias);
/* True when the condition speaks of another table. */
bool sql__crosses(const struct cond *c);
void sql__like(struct sql *b, const struct cond *c, unsigned alias);
void sql__json_test(struct sql *b, const struct cond *c, unsigned alias);
void sql__operator(struct sql *b, enum op op); /* " = " and the like, for the six comparisons */
void sql__like_pattern(struct sql *b, str pattern, struct text *out); /* for LIKE .. ESCAPE '\' */
void sql__glob_pattern(struct sql *b, str pattern, struct text *out);

/* made.c: a field that only a version of the API has. */
void sql__made(struct sql *b, unsigned alias, const struct column *c);

/* ---- places inside JSON (inside.c); each in parentheses ---- */

void sql__inside(struct sql *b, unsigned alias, const struct inside *in); /* by its form */
void inside__json(struct sql *b, unsigned alias, const struct inside *in);
void inside__arrow(struct sql *b, unsigned alias, const struct inside *in);  /* ->> as it is */
void inside__text(struct sql *b, unsigned alias, const struct inside *in);   /* always a text */
void inside__number(struct sql *b, unsigned alias, const struct inside *in); /* or NULL */
/* json_type() or jsonb_typeof() of the place. */
void inside__kind(struct sql *b, unsigned alias, const struct inside *in);

/* ---- order, keyset (order.c) ---- */

void sql__order(struct sql *b, const struct order *list, size_t count, bool backwards,
                unsigned alias);
void sql__keyset(struct sql *b, const struct select *s, unsigned alias);
void sql__limit(struct sql *b, int64_t limit, int64_t offset);
/* Does an index give rows with `equal` fixed in this order without sorting? */
bool sql__order_indexed(const struct table *t, const struct key *equal, const struct order *list,
                        size_t count);
bool sql__unique(const struct table *t, const struct key *key); /* at most one row per value */

/* ---- groups (summary.c) ---- */

/* "(one row a group) AS t0 WHERE having". */
void sql__groups(struct sql *b, const struct select *s);

/* ---- triggers (trigger.c) ---- */

/* cairn_count_users_posts_count; a long one is cut and told apart by its hash. */
str sql__trigger_name(struct arena *a, const char *prefix, const struct table *t,
                      const struct column *c);

/* The comment of each trigger: a digest of all that is made. */
str sql__trigger_stamp(struct arena *a, const struct counter_plan *p);

#endif
