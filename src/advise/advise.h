/* advise.h -- what could be better about a database, with the reason and the SQL that does it.
 * SPDX: Apache-2.0
 * Pure but for `advise_ask`, through which a database is asked. Nothing here changes one. */
#ifndef CAIRN_ADVISE_H
#define CAIRN_ADVISE_H

#include "schema/schema.h"

/* ---- facts: what is known of a database besides its model ---- */

struct fact_index {
    str name;
    const struct column **columns; /* NULL: an expression */
    const bool *descending;
    size_t count;
    bool primary, constraint, unique; /* constraint: of a UNIQUE or PRIMARY KEY */
    bool own;                         /* PostgreSQL's own order: btree, default operators */
    bool valid;
    str where;     /* empty: all rows */
    int64_t scans; /* -1: not known */
};

/* What a sample tells of a column: each value has a number from 1, null is 0. */
struct fact_values {
    const struct column *column; /* NULL: not sampled (JSON, bytes) */
    const uint32_t *ids;         /* one a row of the sample */
    const uint32_t *counts;      /* by number: rows with that value; [0] nulls */
    const str *texts;            /* by number; cut at FACT_TEXT bytes */
    uint32_t distinct;
    size_t bytes; /* of all texts */
};

struct fact_table {
    const struct table *table;
    int64_t rows;
    bool more; /* there are more rows than that */
    struct fact_index *indexes;
    size_t index_count;
    const str *declared; /* types by column->index, as the engine says them */
    struct fact_values *values;
    size_t sample;   /* rows of it */
    int64_t reads;   /* of the table and its indexes; -1: not known */
    int64_t largest; /* the greatest value of an integer key; 0: not asked for */
};

struct facts {
    enum dialect dialect;
    const struct schema *schema;
    struct fact_table *tables; /* in the order of schema->tables */
    size_t count;
    str since; /* since when the engine counts uses; empty: it does not */
};

enum { FACT_SAMPLE = 3000, FACT_TEXT = 120, FACT_ROWS_MOST = 1000000 };

/* Runs one statement; rows live in a. */
typedef int advise_ask(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                       struct err *err);

/* Asks for the catalog and for a bounded sample of each table. Lives in a. What a table refuses (no
 * permission, a time limit) is left out of its facts. */
int facts_gather(enum dialect d, const struct schema *s, advise_ask *ask, void *ctx,
                 struct arena *a, struct facts *out, struct err *err);
/* The sample's rows, all texts or nulls, of the columns that facts_sampled names. */
void facts_sample(struct arena *a, struct fact_table *t, const struct rows *rows);
bool facts_sampled(const struct column *c);

/* ---- advice ---- */

enum advice_level { ADVICE_HINT, ADVICE_WARNING };

enum advice_kind {
#define X(name, code, level, title) ADVICE_##name,
#include "advise/advice.def"
#undef X
    ADVICE_KINDS
};
const char *advice_code(enum advice_kind k);
const char *advice_title(enum advice_kind k);

struct advice {
    enum advice_kind kind;
    enum advice_level level;
    const struct table *table;
    const struct column *column; /* the first one concerned, or NULL */
    const struct column *lead;   /* of the index that takes the place of another one, or NULL */
    str columns;                 /* "city, zip", may be empty */
    str index;                   /* concerned, or empty */
    str reason;                  /* sentences */
    str sql;                     /* that does it, or begins it; statements end with ";\n" */
    str undo;                    /* the way back; empty: none */
};

struct advise_wish {
    bool all;   /* small tables too */
    str ignore; /* "CODE", "CODE:TABLE", "CODE:TABLE.COLUMN", separated by commas or blanks */
};

enum { ADVISE_SMALL = 1000, ADVISE_LARGE = 100000, ADVICE_MOST = 1000 };

/* All advice, table by table; at most ADVICE_MOST. Lives in a. */
size_t advise(const struct facts *f, const struct advise_wish *wish, struct arena *a,
              struct advice **out);

/* ---- reading an engine's plan ---- */

/* ACCESS_ALONG: all of an index, in its order. */
enum access_kind { ACCESS_SCAN, ACCESS_ALONG, ACCESS_INDEX, ACCESS_KEY, ACCESS_SORT };

struct access {
    enum access_kind kind;
    str table; /* or its alias; empty for a sort */
    str index;
};

/* What one line of a plan says; false when it reads no table and sorts nothing. */
bool access_read(enum dialect d, str line, struct access *out);
/* The table that `name` stands for in a statement of Cairn's: a table, or its alias. NULL: none. */
const struct table *access_table(const struct schema *s, str sql, str name);
/* An index that would spare the statement reading all of t: advice of the list, or NULL. */
const struct advice *access_advice(const struct advice *list, size_t count, const struct table *t,
                                   str sql);

#endif
