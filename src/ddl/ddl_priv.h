/* Private to src/ddl. ddl_priv.h -- what the files of the translator share. SPDX: Apache-2.0
 * The tree is libpg_query's JSON: a node is an object with one member, named after its kind.
 * Emitters append SQLite text to t->b; they answer 0 or have filled t->err. */
#ifndef CAIRN_DDL_PRIV_H
#define CAIRN_DDL_PRIV_H

#include "ddl/ddl.h"

enum {
    DDL__SOURCE_MOST = 16 << 20, /* bytes of one script */
    DDL__OUT_MOST = 64 << 20,    /* bytes of one translated statement */
    DDL__TOKENS_MOST = 20000,    /* unfinished at once: bounds the parser's recursion */
    DDL__DEPTH_MOST = 1000,      /* levels of the tree: bounds ours */
};

struct ddl__tr {
    struct arena *a;
    const struct ddl_source *source;
    struct ddl_catalog *cat;
    struct ddl_script *out;
    size_t cap;       /* of out->list */
    struct buf b;     /* the text being written */
    int64_t at;       /* byte offset of the statement in the source */
    bool destructive; /* to be put on the next statement */
    str what;
    bool in_schema; /* inside DDL: a subquery is no good here */
    struct err *err;
    /* Of a named query only: */
    const struct ddl_query_source *query; /* NULL: a migration */
    struct ddl_query *answer;
    struct ddl__scope *scope; /* what column names can mean here */
    struct ddl__rel *ctes;
    int failed; /* the first failure while types were told */
};

/* ---- node.c: the tree ---- */

/* Against rule 2, because it stands in every signature below: a node is a value never written. */
typedef const struct value node;

const char *ddl__dup(struct ddl__tr *t, str s); /* NUL-terminated, for messages */
str ddl__kind(node *n);                         /* "" when n is no node */
bool ddl__is(node *n, const char *kind);
node *ddl__body(node *n);                     /* of whatever kind, or NULL */
node *ddl__as(node *n, const char *kind);     /* the body when of that kind, else NULL */
node *ddl__get(node *body, const char *name); /* member, or NULL */
str ddl__text(node *body, const char *name);  /* member as text, or "" */
bool ddl__flag(node *body, const char *name);
int64_t ddl__num(node *body, const char *name, int64_t absent);
size_t ddl__count(node *body, const char *name); /* of a list member, 0 when absent */
node *ddl__item(node *body, const char *name, size_t i);
str ddl__string(node *n);                         /* of a String node, or "" */
str ddl__last_name(node *body, const char *name); /* the last String of a name list */
/* The table's name; refuses schemas other than public. */
int ddl__relation(struct ddl__tr *t, node *range_var, str *name);
/* An integer constant. libpg_query 15 drops the value of those below one: read from the source. */
bool ddl__int_const(struct ddl__tr *t, node *a_const, int64_t *out);
int64_t ddl__place(node *n); /* byte offset of a node, or -1 */

/* ---- node.c: writing and failing ---- */

void ddl__ident(struct ddl__tr *t, str name); /* "name" */
void ddl__quote(struct ddl__tr *t, str text); /* 'text' */
str ddl__cut(struct ddl__tr *t, size_t mark); /* takes off what was written since mark */
/* Ends a statement that began at mark and adds it to the script. */
int ddl__emit(struct ddl__tr *t, size_t mark);
int ddl__emit_text(struct ddl__tr *t, str text);
void ddl__warn(struct ddl__tr *t, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* CONFIG at a place of the source (or at the statement, when place < 0). */
int ddl__refuse(struct ddl__tr *t, int64_t place, const char *fmt, ...) ATTR_PRINTF(3, 4);

/* ---- type.c ---- */

enum ddl__class {
    CLASS_OTHER,
    CLASS_BOOL,
    CLASS_INT,
    CLASS_FLOAT,
    CLASS_NUMERIC,
    CLASS_DECIMAL, /* a numeric held as text */
    CLASS_TEXT,
    CLASS_UUID,
    CLASS_DATE,
    CLASS_TIME,
    CLASS_TIMESTAMP,
    CLASS_JSON,
    CLASS_ARRAY,
    CLASS_BYTES,
    CLASS_ENUM,
};

struct ddl__type {
    str decl; /* as declared in SQLite */
    enum ddl__class class;
    bool serial, nocase;
    int precision, scale;            /* CLASS_DECIMAL; 0 and -1: any */
    enum ddl__class element;         /* CLASS_ARRAY */
    const struct ddl_object *labels; /* CLASS_ENUM */
};

int ddl__type(struct ddl__tr *t, node *type_name, struct ddl__type *out);
/* By PostgreSQL's name: "numeric(10,2)", "text[]". CLASS_OTHER when it is none. */
struct ddl__type ddl__type_of_name(str name);
str ddl__decl_of_name(struct ddl__tr *t, const struct ddl_field *f); /* SQLite's declared type */
/* The class of a column declared so, in our words. */
struct ddl__type ddl__type_of_decl(str decl);

/* ---- literal.c ---- */

extern const char ddl__now[], ddl__today[], ddl__clock[], ddl__uuid4[];

/* A constant as a column of that type stores it. Refuses one that is no such value. */
int ddl__literal(struct ddl__tr *t, str text, const struct ddl__type *type, int64_t place);
/* A value for a column: a constant is brought into the column's form, else it is an expression. */
int ddl__value_for(struct ddl__tr *t, node *n, const struct ddl__type *type);

/* ---- expr.c, func.c, query.c, dml.c ---- */

int ddl__expr(struct ddl__tr *t, node *n);    /* as a whole expression */
int ddl__operand(struct ddl__tr *t, node *n); /* parenthesised unless it is an atom */
int ddl__expr_list(struct ddl__tr *t, node *body, const char *name); /* a, b, c */
int ddl__call(struct ddl__tr *t, node *n);                           /* FuncCall */
int ddl__cast(struct ddl__tr *t, node *n);                           /* TypeCast */
int ddl__window(struct ddl__tr *t, node *window); /* inside the parentheses of OVER, WINDOW */
int ddl__sort(struct ddl__tr *t, node *sort_by);
int ddl__sort_order(struct ddl__tr *t, node *body, const char *dir, const char *nulls);
int ddl__select(struct ddl__tr *t, node *select_body);
int ddl__with(struct ddl__tr *t, node *stmt_body);
int ddl__from(struct ddl__tr *t, node *stmt_body, const char *name);
int ddl__targets(struct ddl__tr *t, node *stmt_body, const char *name);
int ddl__insert(struct ddl__tr *t, node *body);
int ddl__update(struct ddl__tr *t, node *body);
int ddl__delete(struct ddl__tr *t, node *body);
int ddl__dml(struct ddl__tr *t, node *stmt); /* any of the four, without emitting */

/* ---- time.c: times and days ---- */

bool ddl__is_interval(node *n);                  /* a constant, or a multiple of one */
int ddl__time_shift(struct ddl__tr *t, node *n); /* A_Expr: a time and an interval */
/* A_Expr `-` or `+` of days and dates; *done false: it is none. */
int ddl__day_math(struct ddl__tr *t, node *n, bool *done);
/* extract, date_trunc, to_char and others; *done false: the call is none of them. */
int ddl__time_call(struct ddl__tr *t, node *n, str name, bool *done);

/* ---- infer.c, scope.c: the types of expressions in a named query ---- */

struct ddl__field {
    str name;
    struct ddl__type type;
};

struct ddl__fields {
    struct ddl__field *list;
    size_t count, cap;
    bool open; /* there may be more, or others */
};

/* A table, subquery or WITH query under the name by which columns call it. */
struct ddl__rel {
    struct ddl__rel *next;
    str name;
    struct ddl__fields fields;
};

struct ddl__scope {
    struct ddl__scope *outer;
    struct ddl__rel *rels;
};

/* The type of an expression, CLASS_OTHER when it cannot be told. A name that is not known is a
 * failure, kept in t->failed. In a migration all is CLASS_OTHER. */
struct ddl__type ddl__infer(struct ddl__tr *t, node *n);
struct ddl__type ddl__infer_column(struct ddl__tr *t, node *n);
/* The columns of a SELECT; of what INSERT, UPDATE or DELETE returns. */
void ddl__fields_of(struct ddl__tr *t, node *select, struct ddl__fields *out);
void ddl__fields_of_stmt(struct ddl__tr *t, node *stmt, struct ddl__fields *out);
/* The scope of a statement with a FROM (fromClause, usingClause) and perhaps a target. */
void ddl__scope_enter(struct ddl__tr *t, node *stmt, struct ddl__scope *scope);
struct ddl__rel *ddl__cte(struct ddl__tr *t, node *cte, bool recursive); /* not yet in t->ctes */
void ddl__cte_push(struct ddl__tr *t, struct ddl__rel *rel);
/* The name that PostgreSQL gives to a column of the answer. */
str ddl__figure(node *target);
/* n, brought into the form in which a column of that type is stored; without one, or in a
 * migration, as it is. */
int ddl__as_type(struct ddl__tr *t, node *n, const struct ddl__type *type);

/* ---- table.c: a SQLite table as a model, read from its text ---- */

enum ddl__clause_kind {
    C_PRIMARY,
    C_NOTNULL,
    C_NULL,
    C_DEFAULT,
    C_UNIQUE,
    C_CHECK,
    C_FOREIGN,
    C_COLLATE,
    C_GENERATED,
};

/* One token of SQLite's language. kind: 'w' bare word, 'i' quoted identifier, 's' string,
 * 'n' number, 0 the end, else the character itself. */
struct ddl__token {
    char kind;
    str text;  /* as written */
    str ident; /* 'w' and 'i': the name; embedded quotes are left doubled */
};
struct ddl__token ddl__next(str *rest);

struct ddl__clause {
    enum ddl__clause_kind kind;
    str name; /* of the constraint, or empty */
    str text; /* without CONSTRAINT name */
};

struct ddl__clauses {
    struct ddl__clause *list;
    size_t count, cap;
};

struct ddl__column {
    str name, type;
    struct ddl__clauses clauses;
    str fill; /* a rebuild: the expression to fill it with; empty: its own value, if it had one */
};

struct ddl__table {
    str name;
    struct ddl__column *columns;
    size_t count, cap;
    struct ddl__clauses constraints;
    str tail; /* "WITHOUT ROWID", "STRICT", or empty */
};

/* Reads a CREATE TABLE text. False when it is none that we understand. */
bool ddl__table_read(struct arena *a, str text, struct ddl__table *out);
/* Writes CREATE TABLE "name" (...), one line a column or constraint. */
void ddl__table_write(struct buf *b, const struct ddl__table *m, str name);
struct ddl__column *ddl__table_column(const struct ddl__table *m, str name);
struct ddl__column *ddl__table_add(struct arena *a, struct ddl__table *m, str name, str type);
struct ddl__clause *ddl__clause_add(struct arena *a, struct ddl__clauses *c,
                                    enum ddl__clause_kind kind, str name, str text);
struct ddl__clause *ddl__clause_of(const struct ddl__clauses *c, enum ddl__clause_kind kind);
void ddl__clause_cut(struct ddl__clauses *c, size_t index);
void ddl__column_write(struct buf *b, const struct ddl__column *c);
/* Does the text hold this identifier (quoted or bare, any case)? */
bool ddl__mentions(str text, str name);
str ddl__ident_of(struct arena *a, const struct ddl__token *k); /* with quotes undoubled */
/* The text with identifier `from` as "to". */
str ddl__renamed(struct arena *a, str text, str from, str to);
/* The model of a table the catalog knows; NOTFOUND style refusal when it does not. */
int ddl__table_of(struct ddl__tr *t, str name, int64_t place, struct ddl__table *out);
bool ddl__table_known(struct ddl__tr *t, str name, struct ddl__table *out);
void ddl__table_store(struct ddl__tr *t, const struct ddl__table *m);

/* ---- statements ---- */

int ddl__create_table(struct ddl__tr *t, node *body);
/* Adds a column to m from a ColumnDef. */
int ddl__column_def(struct ddl__tr *t, node *def, struct ddl__table *m);
/* Adds a table constraint to m. */
int ddl__table_constraint(struct ddl__tr *t, node *constraint, struct ddl__table *m);
int ddl__alter(struct ddl__tr *t, node *body);
int ddl__rename(struct ddl__tr *t, node *body);
/* What a type asks of a column beyond its name: collation, CHECK of labels. */
void ddl__type_clauses(struct ddl__tr *t, const struct ddl__type *type, struct ddl__column *c);
int ddl__default(struct ddl__tr *t, node *expr, const struct ddl__type *type, str *text);
/* The type of a column of a model, with the labels or the element that its clauses tell. */
struct ddl__type ddl__column_type(struct ddl__tr *t, const struct ddl__column *c);
/* Replaces table `from` by `to` with SQLite's documented steps, and stores it. */
int ddl__rebuild(struct ddl__tr *t, const struct ddl__table *from, const struct ddl__table *to);
/* Takes from every other table the foreign keys to `name`. */
int ddl__forget_parent(struct ddl__tr *t, str name);
/* Is this clause a foreign key to table `name`? */
bool ddl__refers_to(const struct ddl__clause *c, str name);
int ddl__index(struct ddl__tr *t, node *body);
int ddl__view(struct ddl__tr *t, node *body);
int ddl__drop(struct ddl__tr *t, node *body);
int ddl__truncate(struct ddl__tr *t, node *body);
int ddl__comment(struct ddl__tr *t, node *body);
int ddl__create_enum(struct ddl__tr *t, node *body);
int ddl__alter_enum(struct ddl__tr *t, node *body);
int ddl__extension(struct ddl__tr *t, node *body);
int ddl__create_as(struct ddl__tr *t, node *body);
void ddl__catalog_cut(struct ddl_catalog *c, enum ddl_kind kind, str name);
void ddl__enum_check(struct ddl__tr *t, str column, const struct ddl_object *labels);
/* The expression that turns a column's present value into one of that type. */
int ddl__cast_column(struct ddl__tr *t, str name, const struct ddl__type *type);

/* ---- ddl.c ---- */

int ddl__parse(struct ddl__tr *t, struct value *tree);

/* ---- guard.c ---- */

/* False when the text nests or chains so far that the parser would run out of stack. */
bool ddl__guard(str text);
/* The offset of the first token at or after at (blanks and comments passed). */
size_t ddl__skip_blank(str text, size_t at);
size_t ddl__skip_token(str text, size_t at); /* the offset behind the token at at */

/* ---- ruled.c ---- */

/* Fills answer->reads; fails where rules could not hold. */
int ddl__ruled(struct ddl__tr *t, node *stmt);

#endif
