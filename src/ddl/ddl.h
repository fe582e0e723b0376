/* ddl.h -- PostgreSQL DDL to SQLite's, through PostgreSQL's own parser. Pure: text in, text out.
 * SPDX: Apache-2.0
 * Some statements depend on what the database holds already: an enum is a CHECK in SQLite, and
 * most of ALTER TABLE is a rebuild from the table's present text. The caller hands that in as a
 * catalog, and the translator keeps it up to date while it goes through a script. */
#ifndef CAIRN_DDL_H
#define CAIRN_DDL_H

#include "data/data.h"

/* ---- what the database holds ---- */

enum ddl_kind { DDL_TABLE, DDL_INDEX, DDL_VIEW, DDL_TRIGGER, DDL_ENUM };

struct ddl_object {
    enum ddl_kind kind;
    str name;
    str table;         /* DDL_INDEX, DDL_TRIGGER: whose */
    str text;          /* SQLite's own CREATE text (sqlite_schema.sql); DDL_ENUM: empty */
    const str *labels; /* DDL_ENUM, in order */
    size_t label_count;
};

struct ddl_catalog {
    struct arena *arena;
    struct ddl_object *list;
    size_t count, cap;
};

/* Empty. Everything in it lives in a. */
void ddl_catalog_init(struct ddl_catalog *c, struct arena *a);
/* Copies what object points to. An object of the same kind and name is replaced. */
void ddl_catalog_put(struct ddl_catalog *c, const struct ddl_object *object);
/* The labels as the JSON array that cairn_enums holds. Fails with CONFIG when it is none. */
int ddl_catalog_put_enum(struct ddl_catalog *c, str name, str labels_json, struct err *err);
/* NULL when there is none. Valid until the next put. */
const struct ddl_object *ddl_catalog_get(const struct ddl_catalog *c, enum ddl_kind kind, str name);

/* The tables that translated scripts write to; the caller makes them before it runs one. */
#define DDL_TABLES_OF_ITS_OWN                                                                      \
    "CREATE TABLE IF NOT EXISTS cairn_enums (name TEXT PRIMARY KEY NOT NULL, "                     \
    "labels TEXT NOT NULL) WITHOUT ROWID;\n"                                                       \
    "CREATE TABLE IF NOT EXISTS cairn_comments (table_name TEXT NOT NULL, "                        \
    "column_name TEXT NOT NULL DEFAULT '', comment TEXT NOT NULL, "                                \
    "PRIMARY KEY (table_name, column_name)) WITHOUT ROWID;\n"

/* ---- translating ---- */

struct ddl_source {
    str text;
    str file; /* for messages ("FILE:LINE:COLUMN: ..."); empty: "line L, column C: ..." */
    unsigned first_line; /* the line of the file where text begins, from 1 */
};

struct ddl_statement {
    str text;         /* SQLite text, one statement without the semicolon */
    unsigned line;    /* of the source file, counted from 1 */
    bool destructive; /* the first of a source statement that drops or empties something */
    str what;         /* "DROP TABLE users", for the warning; empty when not destructive */
};

struct ddl_script {
    struct ddl_statement *list;
    size_t count;
    bool rebuilds;    /* must run with foreign_keys and legacy_alter_table set for a rebuild */
    unsigned at_line; /* of a failure: line and column of the source file, else 0 */
    unsigned at_column;
};

/* Translates a script. cat may be NULL: an empty database; else it is changed as the script would
 * change the database (also, in part, when it fails). Everything lives in a. Fails with CONFIG:
 * a syntax error in PostgreSQL's words, or a construct that SQLite cannot hold, with a suggestion.
 * When out->rebuilds, run it with PRAGMA foreign_keys = OFF and legacy_alter_table = ON set before
 * the transaction, and ask PRAGMA foreign_key_check before its end. */
int ddl_to_sqlite(struct arena *a, const struct ddl_source *source, struct ddl_catalog *cat,
                  struct ddl_script *out, struct err *err);
/* Only splits and classifies (for PostgreSQL, which runs the text as it is). */
int ddl_split(struct arena *a, const struct ddl_source *source, struct ddl_script *out,
              struct err *err);

/* ---- one statement with named parameters ---- */

/* A parameter, a column of a table, a column of an answer. */
struct ddl_field {
    str name;
    str type; /* in PostgreSQL's words: "integer", "numeric(10,2)", "text[]"; empty: not known */
    bool decimal_text; /* SQLite: a numeric that is stored as text */
};

struct ddl_relation {
    str name;
    const struct ddl_field *fields;
    size_t count;
};

struct ddl_query_source {
    struct ddl_source source; /* parameters are written :name */
    const struct ddl_field *params;
    size_t param_count;
    const struct ddl_relation *relations; /* all tables and views that plain names find */
    size_t relation_count;
    bool sqlite;     /* else PostgreSQL */
    bool only_reads; /* what changes or locks rows is refused */
    bool ruled;      /* rules will hold for its tables: see ddl_query.reads */
};

struct ddl_query {
    str text;                  /* the engine's, with places ?1 or $1 in the order of params */
    struct ddl_field *columns; /* of the answer, as far as they are known */
    size_t column_count;
    bool open;           /* the columns could not all be told */
    bool with;           /* it begins with a WITH */
    bool writes;         /* it changes or locks rows */
    bool rows;           /* it answers rows: SELECT, or RETURNING */
    bool unlimited;      /* a SELECT that a LIMIT can be put behind */
    uint32_t most;       /* rows at most; 0: not known */
    size_t most_param;   /* 1 + the parameter that is its LIMIT, or 0 */
    bool *reads;         /* per relation of a ruled one: it is read, by its plain name */
    bool *used, *bounds; /* per parameter: stands in the text; is a LIMIT or an OFFSET */
};

/* Parses, checks and translates one SELECT, INSERT, UPDATE or DELETE. Everything lives in a. Needs
 * the stack of a thread, not of a fiber. Fails with CONFIG, the text beginning with
 * FILE:LINE:COLUMN: syntax, several statements, a parameter, table or column that is not known
 * (with a suggestion), what SQLite cannot do. */
int ddl_query(struct arena *a, const struct ddl_query_source *in, struct ddl_query *out,
              struct err *err);

#endif
