/* schema.h -- the app's model: read once from the database's catalog, then const.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_SCHEMA_H
#define CAIRN_SCHEMA_H

#include "base/map.h"
#include "data/data.h"

enum type {
    TYPE_BOOL,
    TYPE_INT2,
    TYPE_INT4,
    TYPE_INT8,
    TYPE_FLOAT4,
    TYPE_FLOAT8,
    TYPE_NUMERIC, /* precision, scale; precision 0: any */
    TYPE_TEXT,    /* length: 0 any, else most characters (varchar, char) */
    TYPE_UUID,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP, /* with or without zone: shown as RFC 3339 UTC */
    TYPE_JSON,
    TYPE_BYTES,
    TYPE_ENUM, /* text out of a list */
    TYPE__COUNT
};

const char *type_name(enum type t); /* "boolean", "integer", "bigint", ... as PostgreSQL says it */

struct table;
struct column;

/* What a place inside a JSON column is read as. */
enum place_form {
    FORM_JSON,        /* the value itself, TYPE_JSON */
    FORM_TEXT,        /* its text, TYPE_TEXT: a string's characters, else the JSON */
    FORM_SORT_NUMBER, /* a number, else null, TYPE_NUMERIC */
    FORM_SORT_TEXT,   /* the text of anything but a number, TYPE_TEXT */
    FORM_OBJECT,      /* several places as one object, TYPE_JSON */
    /* What a version of the API makes of members, which are columns of the same row: */
    FORM_SAME,  /* the one */
    FORM_JOIN,  /* texts with path[0] between them; those that are null are left out */
    FORM_FIRST, /* of one text, what stands before the first path[0], and what behind */
    FORM_REST,
    FORM_VALUE, /* of none: path[0], as the column's type reads it */
};

/* A place inside a JSON column, read as if it were a column; made for one request. Or a column that
 * only a version of the API has. */
struct inside {
    enum place_form form;
    const struct column *column;
    const str *path; /* keys and positions */
    size_t path_count;
    const struct column *const *members; /* FORM_OBJECT: under their names */
    size_t member_count;
};

/* How a version of the API shows and takes a column otherwise than it is stored. */
enum recast {
    RECAST_NONE,
    RECAST_STRING,  /* a number or boolean: its text */
    RECAST_INTEGER, /* a boolean: 0 or 1 */
    RECAST_BOOLEAN, /* a whole number: not 0 */
    RECAST_NUMBER,  /* a text: the number it holds, else null */
    RECAST_UNIX,    /* a timestamp: seconds since 1970 */
};

struct column {
    str name;
    enum type type;
    int length;           /* TYPE_TEXT */
    int precision, scale; /* TYPE_NUMERIC; precision 0: any, scale -1: any */
    bool nullable;
    bool has_default;  /* may be left out of an INSERT (also: serial, identity, generated) */
    str default_sql;   /* SQLite: the DEFAULT expression as the catalog tells it, or empty */
    bool generated;    /* computed by the database: never written by a client */
    bool decimal_text; /* SQLite: a numeric wider than 15 digits, stored as text */
    str comment;
    const str *labels; /* TYPE_ENUM, or a CHECK (col IN (...)) on text */
    size_t label_count;
    /* From simple CHECKs (col >= 0, col BETWEEN 1 AND 5, length(col) > 0): inclusive or not. */
    bool has_min, has_max, min_open, max_open;
    str min, max;               /* decimal texts */
    int min_length, max_length; /* from CHECKs on length(); -1 none */
    str array; /* PostgreSQL: TYPE_JSON that is stored as an array of this type; else empty */
    const struct schema_file_wish *file; /* it holds a file; borrowed from the wishes, or NULL */
    bool spread;                 /* a collection's document: its members are shown, not itself */
    size_t index;                /* position in table->columns */
    const struct inside *inside; /* no column of the table, a place inside one; else NULL */
    /* In a version of the API (schema_version): */
    str stored; /* its name in the database; ptr NULL: name */
    enum recast recast;
    const struct value *filled; /* what a new row gets that does not tell; NULL: nothing */
    str warning;                /* it is deprecated: what answers say; ptr NULL: it is not */
};

static inline str column_stored(const struct column *c)
{
    return c->stored.ptr ? c->stored : c->name;
}

/* A tuple of columns. */
struct key {
    str name; /* constraint or index name, may be empty */
    const struct column **columns;
    size_t count;
    bool unique;
    bool partial; /* an index with WHERE: says nothing about all rows */
};

struct foreign_key {
    str name;
    struct key from; /* columns of this table */
    const struct table *target;
    struct key to; /* columns of target */
    bool keeps;    /* a row of target cannot go while one points to it: no ON DELETE that takes
                      the row along or lets it go */
};

struct check {
    str name;                      /* constraint name, may be empty */
    str expression;                /* as the database tells it */
    const struct column **columns; /* those it names */
    size_t count;
};

enum relation_kind { REL_ONE, REL_MANY, REL_THROUGH };

/* REL_ONE:     from.local = target.remote, at most one row (this table holds the foreign key)
 * REL_MANY:    target.remote = from.local (the other table holds it)
 * REL_THROUGH: through.near = from.local and through.far = target.remote */
struct relation {
    str name;
    enum relation_kind kind;
    const struct table *from, *target, *through;
    struct key local, remote, near, far;
    bool required; /* REL_ONE over NOT NULL columns: the row is always there */
};

/* A column that tells how many rows of another table point to the row; kept by the database. */
struct counter {
    const struct column *column;
    const struct table *source; /* whose rows are counted */
    struct key from;            /* columns of source */
    struct key to;              /* columns of the table, which they point to */
};

/* How rows of a table are shown in a language. */
struct tongue {
    str language;                 /* "es" */
    str *names;                   /* by column->index: what its member is called; len 0: as it is */
    const struct column **values; /* the same: shown instead of it when not null; or NULL */
};

struct table {
    str name;
    const struct column *columns;
    size_t column_count;
    struct key primary;        /* count 0: none, the table cannot be addressed by id */
    const struct key *uniques; /* unique constraints and unique indexes, not the primary key */
    size_t unique_count;
    /* Every index over plain columns that all ascend in the column's own collation, also the
     * unique ones and that of the primary key: an order over them can be read off. */
    const struct key *indexes;
    size_t index_count;
    const struct foreign_key *foreign_keys;
    size_t foreign_key_count;
    const struct check *checks;
    size_t check_count;
    const struct relation *relations;
    size_t relation_count;
    bool view;                     /* read only */
    bool exposed;                  /* has routes */
    bool no_aggregates;            /* clients may not sum its rows up */
    bool put_creates;              /* PUT of an id that is free makes the row */
    const struct column *modified; /* tells when a row was changed last; or NULL */
    const struct counter *counters;
    size_t counter_count;
    /* A collection: rows show the members of this JSON column beside the others; else NULL. */
    const struct column *document;
    const struct schema_collection_wish *collection; /* with document; borrowed from the wishes */
    const struct tongue *tongues;
    size_t tongue_count;
    const bool *translations; /* with tongues, by column->index: it only says what others say */
    bool rowid;               /* SQLite: primary key is an alias of the rowid */
    str comment;
    /* In a version of the API: the table of the model that it shows; else NULL. Columns have the
     * same places in both; those that only the version has stand behind them. */
    const struct table *model;
    bool warns; /* a column of it is deprecated */
    /* Of a copy made for some callers, or of a version: by column->index, those they may not know
     * of. by_name lacks them. NULL: none. */
    const bool *closed;
    struct map by_name;     /* column name -> struct column */
    struct map rel_by_name; /* relation name -> struct relation */
};

struct schema {
    const struct table *tables;
    size_t table_count;
    struct map by_name; /* table name -> struct table */
    struct arena arena; /* everything above */
};

/* ---- making one ---- */

enum dialect { DIALECT_SQLITE, DIALECT_POSTGRES };

/* What to ask the engine, in this order, and to hand to schema_build as one struct rows each. */
size_t schema_questions(enum dialect d, const struct stmt **list);
/* One more question, or NULL: the comments. On SQLite it fails in a database that migrations
 * never touched (no table cairn_comments); then leave it out, else its answer comes last. */
const struct stmt *schema_question_comments(enum dialect d);

/* Wishes from the project's config. */
struct schema_table_wish {
    str table;
    int expose;      /* 1 yes, 0 no, -1 default */
    int aggregates;  /* the same: may clients sum its rows up? */
    int put_creates; /* the same: does PUT of an id that is free make the row? */
    str modified;    /* its column that tells when a row was changed last, or empty */
};
/* Column `column` of `table` counts the rows of the relation. */
struct schema_counter_wish {
    str table, column, relation, place; /* place: FILE:LINE:COLUMN */
};
/* Column `column` of `table` holds files. */
struct schema_file_wish {
    str table, column, place; /* place: FILE:LINE:COLUMN */
    const str *types;         /* media types, one star each at most; none: any */
    size_t type_count;
    uint64_t max; /* bytes of one */
};
/* Names the relation over table.column (a foreign key column): `name` on that table, and
 * `reverse` on the other one. Empty keeps the default name. */
struct schema_relation_wish {
    str table, column, name, reverse;
};
/* In `language`, `column` of `table` is called `name` and shown from `value`; both may be empty.
 * Without a column: the table has that language. */
struct schema_tongue_wish {
    str table, language, column, name, value, place; /* place: FILE:LINE:COLUMN */
};
/* A collection: a table of Cairn's own making that keeps JSON objects as they come. */
struct schema_collection_wish {
    str name, place;              /* place: FILE:LINE:COLUMN */
    const str *indexes, *uniques; /* paths, as a filter writes them: "address.city" */
    size_t index_count, unique_count;
    uint64_t max_size; /* bytes of a document */
};
/* The constraint by whose name a table is known as a collection. */
#define COLLECTION_CHECK "cairn_collection"

enum put_creates { PUT_CREATES_AUTO, PUT_CREATES_ALWAYS, PUT_CREATES_NEVER };

struct schema_wishes {
    const struct schema_collection_wish *collections;
    size_t collection_count;
    const struct schema_table_wish *tables;
    size_t table_count;
    const struct schema_relation_wish *relations;
    size_t relation_count;
    const struct schema_counter_wish *counters;
    size_t counter_count;
    const struct schema_tongue_wish *tongues;
    size_t tongue_count;
    const struct schema_file_wish *files;
    size_t file_count;
    bool only_named;              /* a table without a wish is not exposed */
    bool no_aggregates;           /* nor summed up */
    enum put_creates put_creates; /* where a table does not say */
};

/* Builds the model from the answers. Copies what it keeps. Fails with CONFIG (a wish names an
 * unknown table or column, with a suggestion) or DB (a type nobody knows). Gives: schema_free. */
int schema_build(enum dialect d, const struct rows *answers, size_t count,
                 const struct schema_wishes *wishes, struct schema **out, struct err *err);
void schema_free(struct schema **s);

const struct table *schema_table(const struct schema *s, str name);
/* The tables whose rows may go or change when a row of t goes, by what its foreign keys say of
 * DELETE; t itself, too. By position in s->tables, in a. */
const bool *schema_gone_with(struct arena *a, const struct schema *s, const struct table *t);
const struct column *table_column(const struct table *t, str name);
static inline bool table_closed(const struct table *t, size_t column)
{
    return t->closed && t->closed[column];
}
const struct relation *table_relation(const struct table *t, str name);
/* By the name in the database; NULL: there is none that t shows. */
const struct column *table_stored(const struct table *t, str stored);
/* Does c follow from the other? FORM_SAME and its like. */
bool column_made_of(const struct column *c, const struct column *source);
static inline bool column_made(const struct column *c)
{
    return c->inside && c->inside->form >= FORM_SAME;
}

/* ---- versions of the API (docs/versions.md) ---- */

enum field_source { FIELD_OWN, FIELD_SAME, FIELD_VALUE, FIELD_JOIN, FIELD_FIRST, FIELD_REST };

/* What a version says of one field. Texts are empty where nothing is said. */
struct schema_field_wish {
    str name, place; /* of a column or relation, or the field's own; FILE:LINE:COLUMN */
    str shown;       /* as: its name in this version */
    str type;        /* "string", "integer", "number", "boolean", "unix" */
    bool hidden;
    enum field_source source;
    const str *of; /* columns it is made of */
    size_t of_count;
    str with; /* between them */
    bool has_with;
    str value; /* FIELD_VALUE */
    enum type value_type;
    bool filled; /* `fill` is what new rows get */
    str fill;
    bool deprecated;
    str use, removed, message; /* what to use instead; the version without it; own words */
};
struct schema_version_table {
    str table, place;
    bool hidden; /* no routes, no includes */
    const struct schema_field_wish *fields;
    size_t field_count;
};
/* The model as a version shows it: a whole model, to be freed before the first one. Borrows wishes
 * and model. strict: a column that a new row needs and the version hides is a fault. Fails with
 * CONFIG, the text beginning with the place. */
int schema_version(const struct schema *model, const struct schema_version_table *list,
                   size_t count, bool strict, struct schema **out, struct err *err);

/* ---- collections ---- */

/* The columns of a collection's table, in this order. */
enum { COLLECTION_ID, COLLECTION_DOC, COLLECTION_CREATED, COLLECTION_UPDATED, COLLECTION_COLUMNS };
enum { COLLECTION_STEPS = 16 };
/* "address.city" in its steps, at most COLLECTION_STEPS. */
size_t collection_path(str path, str steps[COLLECTION_STEPS]);
/* The name of the index over a path; kind: 't' text, 'n' number, 'u' unique. The same on every
 * machine, and short enough for both engines. */
str collection_index(struct arena *a, str collection, str path, char kind);

/* ---- values against columns ---- */

/* What is wrong with a value, in words for an answer. */
struct value_fault {
    str code;    /* required type range length enum format unknown_field read_only */
    str message; /* what stands behind the field's name: "must be a whole number"; in the arena */
};

/* The value of a JSON body (or, from_text, of a query string or path: V_TEXT only) as the engine
 * stores it: bool as V_BOOL, ints as V_INT, numeric as V_NUM canonical at the column's scale,
 * floats as V_FLOAT, uuid/date/time/timestamp canonical V_TEXT, json as V_TEXT (compact JSON text),
 * bytes as V_BYTES (base64 in, octets out), enum and text as V_TEXT. Checks type, range, length in
 * characters, labels, NUL bytes, null against nullable. Answers false and fills fault. A loose text
 * is read as the column's type has it: a number, on and off of a checkbox, JSON where it looks like
 * that; in an array that PostgreSQL keeps as one, each item. */
bool column_take(const struct column *c, struct arena *a, const struct value *in, bool from_text,
                 struct value *out, struct value_fault *fault);
/* An empty loose text for what is no text: as good as not sent. */
bool column_blank(const struct column *c, const struct value *in);

#endif
