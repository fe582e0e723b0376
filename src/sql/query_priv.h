/* Private to src/sql: reading the query grammar. SPDX: Apache-2.0 */
#ifndef CAIRN_SQL_QUERY_PRIV_H
#define CAIRN_SQL_QUERY_PRIV_H

#include "sql/sql.h"

/* What every part of the grammar needs while one request is read. */
struct query {
    struct arena *arena;
    const struct sql_limits *limits;
    struct err *err;
    str field;         /* the parameter being read */
    unsigned nodes;    /* conditions so far */
    unsigned includes; /* relations so far */
};

/* A text and how far it has been read. */
struct scan {
    str text;
    size_t at;
};

static inline bool scan_end(const struct scan *s)
{
    return s->at >= s->text.len;
}

/* The next character, NUL at the end. */
static inline char scan_peek(const struct scan *s)
{
    return s->at < s->text.len ? s->text.ptr[s->at] : '\0';
}

static inline str scan_rest(const struct scan *s)
{
    return str_from(s->text, s->at);
}

static inline bool scan_take(struct scan *s, char c)
{
    if (scan_peek(s) != c || scan_end(s))
        return false;
    s->at++;
    return true;
}

/* ---- complaints (complain.c) ---- */

#define query__bad(q, code, ...) fail_field((q)->err, E_BAD, LIT(code), (q)->field, __VA_ARGS__)
/* s cut to a length fit for a message, anything unprintable as '?'. */
const char *query__show(struct query *q, str s);
/* " Did you mean 'x'?" of columns and relations of t and the words (ended by NULL), or "". */
const char *query__hint(struct query *q, str s, const struct table *t, const char *const *words);

/* ---- filters (filter.c, place.c, operand.c) ---- */

enum { PLACE_RELATIONS = 16, PLACE_PATH = 16 };

enum place_kind { PLACE_COLUMN, PLACE_ROW, PLACE_AND, PLACE_OR };

/* The left side of a test: a column, perhaps of a related row and inside JSON; a related row as
 * such; or a group of tests over a related row. */
struct place {
    enum place_kind kind;
    bool negated; /* not.and, not.or */
    const struct relation *relations[PLACE_RELATIONS];
    size_t relation_count;
    const struct table *table; /* that of the column or group */
    const struct column *column;
    str path[PLACE_PATH];
    size_t path_count;
    bool path_text;
    bool loose; /* a member of a document: a number asked for may be there as text */
};

/* How a place is written. */
enum place_style {
    PLACE_NAME,    /* the whole name of a parameter */
    PLACE_BRACKET, /* inside filter[...]: no groups */
    PLACE_ITEM,    /* inside a group: an operator or a parenthesis follows */
};

int query__place(struct query *q, const struct table *t, struct scan *s, enum place_style style,
                 struct place *out);
/* The column of that name; a collection's document is none, its members are. */
const struct column *query__column(const struct table *t, str name);
/* Does the name lead into a JSON column (attributes->color) or a document (address.city)? */
bool query__leads_inside(const struct table *t, str name);
/* A place inside JSON by its whole name, no relation crossed. */
int query__inside(struct query *q, const struct table *t, str name, struct place *out);
/* The place read as a column; what it points to is copied. */
struct column *query__virtual(struct query *q, const struct place *p, enum place_form form,
                              str name);
/* Reads [not.]op.value. `item`: inside a group, where a comma or a parenthesis ends it. */
int query__test(struct query *q, const struct place *p, struct scan *s, bool item,
                struct cond **out);
/* Is the next word an operator, or not. before one? */
bool query__at_operator(const struct scan *s);
/* A double-quoted text with backslash escapes; s is at the quote. */
int query__quoted(struct query *q, struct scan *s, str *out);
/* One filter parameter. */
int query__filter(struct query *q, const struct table *t, str name, str value, struct cond **out);

/* ---- order (sort.c) ---- */

int query__sort(struct query *q, const struct table *t, str text, struct order **out,
                size_t *count);

/* Takes direction and place of nulls off the name: "-age.nullslast". */
int query__direction(struct query *q, str *name, struct order *o);

/* ---- what is shown (pick.c, pick_parse.c) ---- */

/* A table in the tree of what is shown: the root, or a relation. */
struct pick {
    const struct table *table;
    const struct relation *relation; /* NULL: the root */
    struct pick **kids;
    size_t kid_count, kid_cap;
    const struct column **columns; /* named by fields */
    size_t column_count, column_cap;
    bool listed, asked; /* by fields; by include */
    unsigned depth;
    int64_t limit; /* -1: none given */
    struct order *order;
    size_t order_count;
};

void pick__init(struct pick *p, const struct table *t);
int pick__fields(struct query *q, struct pick *p, str text);
int pick__include(struct query *q, struct pick *p, str text);
void pick__column(struct query *q, struct pick *p, const struct column *c);
/* A place inside JSON, as `color:attributes->color`, shown as a member of its own (pick_inside.c).
 */
bool pick__leads_inside(const struct table *t, str text);
int pick__inside(struct query *q, struct pick *p, str text);
/* The child over that relation, made when missing. */
int pick__kid(struct query *q, struct pick *p, str name, struct pick **out);
int pick__limit(struct query *q, struct pick *p, str text);
/* Fills columns, shown and includes. Also fetches the columns of s->order. */
int pick__finish(struct query *q, const struct pick *p, struct select *s);

/* ---- cursors (cursor.c) ---- */

int cursor__fingerprint(struct query *q, struct list_query *l);
int cursor__read(struct query *q, str text, const struct list_rules *rules, struct list_query *l);

/* ---- groups of rows (summary_parse.c) ---- */

enum { SUMMARY_ITEMS = 16 };

/* Does an item of `fields` end in (), which makes the list one of groups? */
bool summary__asked(str fields);
int summary__fields(struct query *q, const struct table *t, struct summary *sum, str text);
/* Once all are read, before anything is said of them: members of one object stand together. */
void summary__gather(struct summary *sum);
/* having[NAME]=test */
int summary__having(struct query *q, struct summary *sum, str name, str value);
/* The order of groups, made total by what groups differ in. */
int summary__sort(struct query *q, const struct summary *sum, str text, struct select *s);
/* Fills in what s fetches. */
void summary__finish(struct query *q, struct summary *sum, struct select *s);

#endif
