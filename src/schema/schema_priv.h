/* Private to src/schema: the model while it is made. SPDX: Apache-2.0 */
#ifndef CAIRN_SCHEMA_PRIV_H
#define CAIRN_SCHEMA_PRIV_H

#include "schema/schema.h"

/* What is known of a table before it is const. */
struct schema__work {
    struct table *table;
    struct column *columns; /* those of table */
    str *collations;        /* one a column; empty: BINARY */
    str sql;                /* its CREATE text */
    bool without_rowid;
    bool integer_key;     /* its primary key is one column declared INTEGER */
    bool primary_indexed; /* its primary key has an index, so it is no alias of the rowid */
    struct foreign_key *foreign_keys;
    struct relation *relations;
    size_t relation_count, relation_cap;
};

struct schema__build {
    struct schema *schema;
    struct arena *arena;
    struct schema__work *works; /* in the order of schema->tables */
    size_t count;
    struct err *err;
};

/* NULL when there is none. The second kind ignores ASCII case, as SQLite's identifiers do. */
struct schema__work *schema__work_of(const struct schema__build *b, str table);
struct schema__work *schema__work_any_case(const struct schema__build *b, str table);
struct column *schema__column_any_case(const struct schema__work *w, str column);

/* Answers to the questions; names of the columns in questions.c. The last two are PostgreSQL's. */
enum {
    ANSWER_TABLES,
    ANSWER_COLUMNS,
    ANSWER_FOREIGN,
    ANSWER_INDEXES,
    ANSWER_COMMENTS,
    ANSWER_CHECKS,
    ANSWER_LABELS,
    ANSWER__COUNT
};

/* End of the run of rows from `at` on whose first `same` cells equal those of row `at`. */
size_t schema__run_end(const struct rows *r, size_t at, size_t same);
str schema__cell(const struct rows *r, size_t row, size_t col);       /* NULL: empty */
int64_t schema__number(const struct rows *r, size_t row, size_t col); /* no number: 0 */

/* The tables' columns, keys and relations, as build.c fills them in, in this order. */
void schema__types(struct column *c, str declared, struct arena *a);
/* From the rows of the table's columns, the first of which is row `from`. */
void schema__primary(struct schema__build *b, struct schema__work *w, const struct rows *answer,
                     size_t from);
void schema__keys(struct schema__build *b, const struct rows *answer);
void schema__foreign_keys(struct schema__build *b, const struct rows *answer);
void schema__checks(struct schema__build *b, struct schema__work *w);
int schema__relations(struct schema__build *b, const struct schema_wishes *wishes);
int schema__counters(struct schema__build *b, const struct schema_wishes *wishes);
int schema__tongues(struct schema__build *b, const struct schema_wishes *wishes);
int schema__expose(struct schema__build *b, const struct schema_wishes *wishes);
/* files.c */
int schema__files(struct schema__build *b, const struct schema_wishes *wishes);
/* Which tables are collections, and which of those are wished for. */
int schema__collections(struct schema__build *b, const struct schema_wishes *wishes);

/* ---- PostgreSQL (pg_questions.c, pg_checks.c) ---- */

size_t schema__questions_postgres(const struct stmt **list);
/* From ANSWER_CHECKS and ANSWER_LABELS. */
void schema__checks_postgres(struct schema__build *b, const struct rows *answer);
void schema__labels_postgres(struct schema__build *b, const struct rows *answer);
/* An expression as pg_get_expr tells it, in the words that schema__check_read knows: without casts,
 * without parentheses around single words, `= ANY (ARRAY[..])` as `IN (..)`. */
str schema__plain_check(struct arena *a, str expression);

/* A tuple with room for count columns. */
struct key schema__key_new(struct arena *a, size_t count);
bool schema__key_has(const struct key *k, const struct column *c);
bool schema__key_eq(const struct key *a, const struct key *b); /* the same columns in order */

/* ---- relations ---- */

/* A foreign key and the two relations that it gives. */
struct schema__link {
    struct schema__work *from, *to;
    const struct foreign_key *key;
    size_t one, many; /* positions in from->relations and to->relations */
};

/* Adds a relation, as yet without a name; its position. */
size_t schema__relation_add(struct schema__build *b, struct schema__work *w, struct relation r);
bool schema__name_taken(const struct schema__work *w, str name);
/* The names wished for. Fails with CONFIG. */
int schema__wished(struct schema__build *b, const struct schema_wishes *wishes,
                   struct schema__link *links, size_t count);
/* Names for those that have none yet. */
void schema__named(struct schema__build *b, struct schema__link *links, size_t count);
/* Relations through tables between, with their names. */
void schema__through(struct schema__build *b);

/* The table or column of a wish. Fail with CONFIG and a suggestion; key: the path in the config. */
int schema__wish_table(struct schema__build *b, str table, struct schema__work **w);
int schema__wish_column(struct schema__build *b, const struct schema_relation_wish *wish,
                        struct schema__work **w, const struct column **column);

/* ---- the text of CREATE TABLE ---- */

enum schema__token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_QUOTED,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_OP
};

struct schema__token {
    enum schema__token_kind kind;
    str text; /* as written, with its quotes */
};

/* Cuts the next token off *rest; blanks and comments are skipped. */
struct schema__token schema__token_next(str *rest);
bool schema__token_is(const struct schema__token *t, const char *word); /* ASCII case ignored */
/* What a quoted name or a string holds; the text itself for all else. */
str schema__token_value(struct arena *a, const struct schema__token *t);

enum schema__clause_kind { CLAUSE_CHECK, CLAUSE_COLLATE };

struct schema__clause {
    enum schema__clause_kind kind;
    str name;   /* of the constraint, or empty */
    str column; /* whose definition it stands in; empty for a constraint of the table */
    str text;   /* the expression without its parentheses, or the collation */
};

/* The clauses of a CREATE TABLE in their order; how many. Any text is allowed. */
size_t schema__clauses(struct arena *a, str sql, struct schema__clause **out);
/* Keeps the check and reads from it what it says about single columns. */
void schema__check_read(struct arena *a, const struct schema__work *w,
                        const struct schema__clause *clause, struct check *out);

/* ---- values against columns ---- */

/* Fills fault and answers false, for `return schema__fault(...)`. */
bool schema__fault(struct value_fault *fault, str code, str message);
/* A value of another type than the column's: "must be text, not a number". */
bool schema__not_a(const struct value *in, bool from_text, struct arena *a, const char *what,
                   struct value_fault *fault);
/* Whether s has the form of a JSON number; superfluous zeros in front are allowed. */
bool schema__is_number(str s);
/* take_recast.c: of a column that a version of the API shows in another type. */
bool schema__take_recast(const struct column *c, struct arena *a, const struct value *in,
                         bool from_text, struct value *out, struct value_fault *fault);
bool schema__take_int(const struct column *c, struct arena *a, const struct value *in,
                      bool from_text, struct value *out, struct value_fault *fault);
bool schema__take_numeric(const struct column *c, struct arena *a, const struct value *in,
                          bool from_text, struct value *out, struct value_fault *fault);
bool schema__take_float(const struct column *c, struct arena *a, const struct value *in,
                        bool from_text, struct value *out, struct value_fault *fault);
bool schema__take_string(const struct column *c, struct arena *a, const struct value *in,
                         bool from_text, struct value *out, struct value_fault *fault);

#endif
