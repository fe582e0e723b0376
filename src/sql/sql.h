/* sql.h -- the one query plan, and its way to SQL text. Pure: never sees a database.
 * SPDX: Apache-2.0
 * REST, GraphQL, relations and policies build `struct select` and the write plans below; nobody
 * else writes SQL over user data. */
#ifndef CAIRN_SQL_H
#define CAIRN_SQL_H

#include "schema/schema.h"

/* ---- conditions ---- */

enum cond_kind { COND_AND, COND_OR, COND_NOT, COND_TEST, COND_EXISTS, COND_TRUE, COND_FALSE };

enum op {
    OP_EQ,
    OP_NEQ,
    OP_GT,
    OP_GTE,
    OP_LT,
    OP_LTE,
    OP_LIKE,
    OP_ILIKE, /* `*` and % stand for any run, _ for one character, \ takes the next as it
                 is; on SQLite ilike folds ASCII letters only */
    OP_IN,
    OP_IS,         /* value V_NULL or V_BOOL; is.not_null is COND_NOT of null */
    OP_ISDISTINCT, /* null-safe inequality */
    OP_MATCH,      /* regular expression (PostgreSQL ~; refused on SQLite) */
    OP_FTS,
    OP_CS,
    OP_CD, /* parsed; refused with a sentence until the engine supports them */
};

enum { SQL_WILDCARDS_MOST = 16 }; /* in a pattern of LIKE and ILIKE; a run of them counts once */

/* Whether a pattern is within that bound: what is not fails when it becomes SQL. */
bool sql_pattern_fits(str pattern);

struct cond {
    enum cond_kind kind;
    struct cond **parts; /* AND, OR: any number; NOT: one; EXISTS: one or none */
    size_t part_count;
    enum op op;                  /* TEST */
    const struct column *column; /* TEST */
    const str *path;             /* TEST on JSON: keys and indexes after the column */
    size_t path_count;
    bool path_text;       /* ->> (text) rather than -> (json) */
    struct value *values; /* TEST: one, or for IN any number; already of the column's type */
    size_t value_count;
    const struct relation *relation; /* EXISTS: a related row for which parts[0] holds */
    bool few; /* EXISTS: parts[0] holds for few rows, found by an index: start from those. The
                 relation's keys have no nulls, and it is not REL_THROUGH */
};

/* ---- reading ---- */

struct order {
    const struct column *column;
    bool descending, nulls_first; /* default as PostgreSQL: nulls last ascending, else first */
};

struct include;

struct select {
    const struct table *table;
    const struct column **columns; /* what is fetched, in this order; includes the join keys that
                                      includes need, see `shown` */
    size_t column_count;
    size_t shown;        /* the first so many columns are for the client, the rest for joining */
    struct cond *where;  /* NULL: all */
    struct order *order; /* always ends in a unique key, so that the order is total */
    size_t order_count;
    int64_t limit, offset; /* limit < 0: none */
    bool lock;             /* in a transaction: nobody else changes these rows until its end */
    /* keyset: rows strictly behind (or, backwards, before) these values of `order` */
    const struct value *after; /* order_count of them, or NULL */
    bool backwards;            /* read towards the start; the caller turns the rows round */
    struct include *includes;
    size_t include_count;
    /* Groups of rows instead of rows: columns and order are those that its items show. No keyset,
     * no includes. */
    struct summary *summary;
    const struct tongue *tongue; /* the language that its rows are shown in; NULL: as they are */
};

struct include {
    const struct relation *relation;
    str name;             /* the member in the answer */
    struct select select; /* of the target; limit and order hold per parent row */
};

/* ---- groups of rows ---- */

enum measure {
    /* What is the same in all rows of a group: the column, or a date or time down to the unit. */
    MEASURE_VALUE,
    MEASURE_YEAR,
    MEASURE_MONTH,
    MEASURE_DAY,
    MEASURE_HOUR,
    /* A number over the rows of a group; nulls do not count. */
    MEASURE_COUNT,
    MEASURE_SUM, /* exact but for floats; of no value: null */
    MEASURE_AVG, /* exact but for floats: rounded to AVG_DIGITS digits more than the column has */
    MEASURE_MIN,
    MEASURE_MAX,
};

enum { AVG_DIGITS = 6, AVG_ANY = 16 }; /* the second: of a numeric with any number of digits */

struct summary_item {
    enum measure measure;
    const struct relation **path; /* REL_ONE, one after the other; the last one has the column */
    size_t path_count;
    const struct column *column; /* NULL: MEASURE_COUNT of rows */
    size_t nested; /* in the answer it stands inside so many objects, one a relation of path */
    str name;      /* the member in the answer */
    str full;      /* the same with its relations: "author.city" */
    str written;   /* as it was asked for: "author.city", "total.sum()" */
    struct column shown; /* what the statement gives; its name is that in the statement */
};

/* One row a group; without an item up to MEASURE_HOUR all rows are one group. */
struct summary {
    struct summary_item *items;
    size_t item_count;
    struct cond *having; /* over shown columns of items; NULL: all groups */
};

/* ---- writing ---- */

struct assignment {
    const struct column *column;
    struct value value;
    bool add; /* value is added to what is there; null stays null. A sum that the column's type
                 cannot hold: INVALID (PostgreSQL), or no row is changed (SQLite) */
    bool to_default; /* instead of value: DEFAULT (PostgreSQL), (column->default_sql) (SQLite; NULL
                        when that is empty) */
};

struct insert {
    const struct table *table;
    const struct column **columns; /* column_count may be 0: all defaults */
    size_t column_count;
    const struct value *values; /* row_count * column_count */
    size_t row_count;
    const struct column **returning;
    size_t returning_count;
};

struct update {
    const struct table *table;
    const struct assignment *set; /* at least one */
    size_t set_count;
    struct cond *where;
    const struct column **returning;
    size_t returning_count;
};

struct remove {
    const struct table *table;
    struct cond *where;
    const struct column **returning;
    size_t returning_count;
};

/* ---- compiling: each fills *out, whose text and binds live in a ---- */

/* How a value that is neither numeric nor a list is bound. */
struct value sql_stored(enum dialect d, const struct value *v);

int sql_select(enum dialect d, struct arena *a, const struct select *s, struct stmt *out,
               struct err *err);
/* PostgreSQL: the columns of s, of the rows whose key is one of an array: its only place. */
int sql_select_any(struct arena *a, const struct select *s, const struct column *key, str *text,
                   struct err *err);
/* SELECT count(*) with the same table and where (of a summary: the groups); order, limit and keyset
 * do not count. */
int sql_count(enum dialect d, struct arena *a, const struct select *s, struct stmt *out,
              struct err *err);
/* PostgreSQL: its plan of the same rows, as JSON in one cell. */
int sql_estimate(struct arena *a, const struct select *s, struct stmt *out, struct err *err);
/* The rows of one include for all parents in one statement. `keys`: V_ARRAY of the parents' local
 * key values (of V_ARRAYs when the key is composite); repeated keys and keys with a null are left
 * out here. They are bound as one place, so that the text does not depend on how many there are
 * (keys of bytes or doubles get one place each, and out->once).
 * The answer's columns are those of inc->select followed by the key columns that tell the parent,
 * relation->local.count of them. limit, offset and order of inc->select hold per parent; the rows
 * come sorted by the parent's key (as the engine compares keys), then by that order, so that the
 * rows of one parent stand together. limit < 0: all; REL_ONE needs none. With a limit, a parent
 * with many children costs no more than one with few, when an index leads with the key and goes on
 * with the order. */
int sql_include(enum dialect d, struct arena *a, const struct include *inc,
                const struct value *keys, struct stmt *out, struct err *err);

/* The same without the limit of a parent, where keeping it costs a look-up for each parent and few
 * parents are expected to reach it; false: there is no such statement, or nothing is gained. It
 * gives at most `most` rows, and one more to tell that there are others: then sql_include has to be
 * asked. Who takes the rows keeps the limit; those by whole numbers may come in no order, and he
 * sorts. */
bool sql_include_loose(enum dialect d, struct arena *a, const struct include *inc,
                       const struct value *keys, size_t most, struct stmt *out);
int sql_insert(enum dialect d, struct arena *a, const struct insert *i, struct stmt *out,
               struct err *err);
int sql_update(enum dialect d, struct arena *a, const struct update *u, struct stmt *out,
               struct err *err);
int sql_remove(enum dialect d, struct arena *a, const struct remove *r, struct stmt *out,
               struct err *err);

/* The expression that a filter on the place compares, without an alias, for an index over it.
 * FORM_TEXT: as ->> gives it; FORM_SORT_NUMBER. */
int sql_place(enum dialect d, struct arena *a, const struct inside *in, str *out, struct err *err);

/* ---- the query grammar (docs/reference/query.md) ---- */

struct sql_limits {
    int64_t default_limit, max_limit, max_offset;
    unsigned include_depth, include_count, filter_nodes, in_values;
    int64_t include_limit; /* rows per parent when none is asked for */
};

/* One parameter of a query string, percent-decoded, in the order written. */
struct query_param {
    str name, value;
};

enum page_kind { PAGE_OFFSET, PAGE_CURSOR };

enum { LIST_FINGERPRINT = 16 };

/* A list request, understood. */
struct list_query {
    struct select select; /* limit is one more than asked for when page is PAGE_CURSOR */
    enum page_kind paging;
    int64_t page, limit; /* as asked: page counts from 1; 0 when offset= was used */
    enum { COUNT_NONE, COUNT_ESTIMATED, COUNT_EXACT } count;
    bool explicit_cursor; /* cursor= held a value: this is not the first page */
    unsigned char fingerprint[LIST_FINGERPRINT]; /* of table, filter, order (PAGE_CURSOR) */
};

/* What a list is held to besides its parameters. */
struct list_rules {
    const struct sql_limits *limits;
    str secret;         /* key of the cursor signature */
    str former;         /* the one before it, whose cursors are still taken; empty: none */
    struct cond *scope; /* ANDed to the filter (a sub-resource, later a policy); may be NULL */
};

/* Fills *out from the parameters of GET /v1/T. Fails with BAD; err->word and err->field say which
 * parameter (unknown_parameter with the nearest valid name, bad_filter, bad_value, bad_sort,
 * bad_cursor, ...). */
int query_list(struct arena *a, const struct table *t, const struct query_param *params,
               size_t count, const struct list_rules *rules, struct list_query *out,
               struct err *err);
/* The parameters allowed for one row: fields and include. Same failures. */
int query_one(struct arena *a, const struct table *t, const struct query_param *params,
              size_t count, const struct sql_limits *limits, struct select *out, struct err *err);
/* Parses one filter expression over t ("and(age.gte.18,city.eq.Oslo)" or with a name/value pair of
 * a query string): also the language of access rules. */
int query_filter(struct arena *a, const struct table *t, str name, str value,
                 const struct sql_limits *limits, struct cond **out, struct err *err);

/* Opaque cursor of a row (its cells in the order of q->select.columns), towards next or previous
 * rows: base64url of version, direction, order and filter hash, values, HMAC-SHA-256 under secret.
 */
str cursor_make(struct arena *a, const struct list_query *q, const struct value *cells,
                bool backwards, str secret);

/* ---- columns that count (docs/decisions/0007-counter-caches.md) ---- */

/* What the database must have to keep one counter. A part is a trigger; the stamp tells whether it
 * is the one of today: on SQLite its text, on PostgreSQL its comment. */
enum { COUNTER_PARTS = 6 };
struct counter_part {
    str name;
    const struct table *on;
    str stamp;
};
struct counter_plan {
    struct counter_part parts[COUNTER_PARTS];
    size_t part_count;
    str function;                    /* PostgreSQL: that of the triggers */
    str make[2 * COUNTER_PARTS + 2]; /* statements, once nothing of the parts is there */
    size_t make_count;
    str lock;    /* keeps writers out until the transaction ends; empty where nothing is needed */
    str recount; /* sets the rows right that tell a wrong number */
    str wrong;   /* SELECT: how many those are */
};
#define COUNTER_PREFIX "cairn_count_"
/* Fails with CONFIG: a name that cannot be one. */
int sql_counter(enum dialect d, struct arena *a, const struct table *t, const struct counter *c,
                struct counter_plan *out, struct err *err);

/* ---- columns that hold files: who points to which ---- */

struct sql_file_of {
    const struct table *table;
    const struct column *column;
};
/* The table cairn_files (id, refs, at: seconds) and the triggers that keep refs, as if it were a
 * counter; recount sets the numbers of all such columns of s right. Fails with CONFIG. */
int sql_file(enum dialect d, struct arena *a, const struct schema *s, const struct sql_file_of *of,
             struct counter_plan *out, struct err *err);

/* ---- what is an account's goes with its row ---- */

/* The triggers on the table of accounts, one column its primary key, as if they were a counter; the
 * statements that make them clear what is left of accounts that went before. Fails with CONFIG. */
int sql_account(enum dialect d, struct arena *a, const struct table *t, struct counter_plan *out,
                struct err *err);
/* The tables that they clear; out: their names, or NULL. Gives how many. */
size_t sql_account_tables(str *out);

/* ---- small makers for callers that build plans by hand ---- */
struct cond *cond_test(struct arena *a, const struct column *c, enum op op, struct value v);
struct cond *cond_and(struct arena *a, struct cond *x, struct cond *y); /* either may be NULL */
/* Every column of t, for `columns`, `returning`. */
const struct column **all_columns(struct arena *a, const struct table *t);

/* ---- in front of what somebody wrote ---- */

/* A table as a caller may see it: those rows, and NULL in the closed columns (by column->index). */
struct sql_shadow {
    const struct table *table;
    struct cond *where; /* NULL: all rows */
    const bool *closed; /* NULL: none */
};
/* Makes st, a SELECT that names its tables without a schema, see the shadows instead of the tables;
 * its binds stay the first ones. with: it begins with a WITH. In a. Fails as sql_select does. */
int sql_shadows(enum dialect d, struct arena *a, const struct sql_shadow *list, size_t count,
                bool with, struct stmt *st, struct err *err);

#endif
