/* Private to src/query. SPDX: Apache-2.0 */
#ifndef CAIRN_QUERY_PRIV_H
#define CAIRN_QUERY_PRIV_H

#include "ddl/ddl.h"
#include "query/query.h"
#include "render/render.h"
#include "sql/sql.h"

enum {
    QUERY__FILE_MOST = 4 << 20, /* bytes of one file */
    QUERY__FILES_MOST = 1000,
    QUERY__MOST = 2000, /* queries in all */
    QUERY__PARAMS_MOST = 64,
    QUERY__ROLES_MOST = 32,
    QUERY__LANGUAGES_MOST = 32,
};

enum query__result { QUERY_MANY, QUERY_ONE, QUERY_EXEC };

/* A place of a file. */
struct query__at {
    unsigned line, column; /* from 1 */
};

/* A parameter. */
struct query__param {
    str name;
    str type;             /* as it was declared */
    struct column column; /* what a value is held to; nullable when it is optional */
    bool list;            /* type[] */
    bool preset_told;
    struct value preset; /* what stands for one that is not given */
    struct query__at at;
};

struct query {
    struct query_set *set;
    str name; /* NUL-terminated */
    str description;
    const char *file; /* for messages */
    struct query__at at;
    struct query__param *params;
    size_t param_count;
    str roles[QUERY__ROLES_MOST];
    size_t role_count;
    bool roles_told, open;                 /* open: anybody may call it */
    str languages[QUERY__LANGUAGES_MOST];  /* that it answers in; the first is the default */
    size_t language_count, language_param; /* 1 + the parameter that says which, or 0 */
    enum method method;
    bool method_told, result_told, cache_told;
    bool ruled;                  /* `-- rules: read` */
    const struct table **tables; /* of a ruled one: those it reads */
    size_t table_count;
    bool with; /* its SQL begins with a WITH */
    struct query__at method_at, result_at, cache_at;
    enum query__result result;
    uint64_t cache_s;
    str cache; /* the value of Cache-Control, or empty */
    str sql;
    unsigned sql_line;
    /* Known once it is translated: */
    str text; /* the engine's */
    bool writes, rows;
    uint32_t most;                 /* rows at most; 0: not known */
    size_t most_param;             /* 1 + the parameter that is its LIMIT, or 0 */
    const struct column **columns; /* of the answer */
    size_t column_count;
    struct row_shape shape;
    const char *what;
};

struct query_set {
    struct arena arena;
    struct query_config config;
    struct db *db;              /* NULL in a preview */
    query_access_fn *access_of; /* the roles of a request's own world; NULL: none */
    bool strict;
    struct query *list;
    size_t count, cap;
    struct map by_name;
};

/* ---- scan.c: a file to queries whose SQL is not yet read ---- */

/* Pure. file names it in messages; text outlives the set. Fails with CONFIG. */
int query__scan(struct query_set *set, const char *file, str text, struct err *err);
/* CONFIG: "file:line:column: ..." */
int query__refuse(const char *file, struct query__at at, struct err *err, const char *fmt, ...)
    ATTR_PRINTF(4, 5);

/* ---- header.c: one line "-- key: value" of a query's header ---- */

enum query__key {
    KEY_NAME,
    KEY_DESCRIPTION,
    KEY_PARAM,
    KEY_ROLES,
    KEY_METHOD,
    KEY_CACHE,
    KEY_RESULT,
    KEY_LANGUAGES,
    KEY_RULES,
    KEY__COUNT
};
extern const char *const query__keys[KEY__COUNT];

/* KEY__COUNT: none of them. */
enum query__key query__key_of(str word);
/* at: where value begins. */
int query__header(struct query *q, enum query__key key, str value, struct query__at at,
                  struct err *err);

/* ---- types.c ---- */

/* "numeric(10,2)", "text[]" to what a value is held to; false when it is no type. near: the type
 * that was meant, or NULL. */
bool query__type(str text, struct column *out, bool *list, const char **near);
/* A value out of a text (query string, default), or of JSON. Fills fault when it answers false. */
bool query__take(const struct query__param *p, struct arena *a, const struct value *in,
                 bool from_text, struct value *out, struct value_fault *fault);
/* As the engine binds it. */
struct value query__bind(enum dialect d, struct arena *a, const struct value *v);

/* ---- translate.c ---- */

/* The tables as the translation wants them; made once for a set. */
const struct ddl_relation *query__relations(const struct schema *s, struct arena *a);
int query__translate(struct query *q, const struct schema *s, const struct ddl_relation *relations,
                     struct err *err);
/* Sets the columns of the answer to names[], with the types known so far. Fails with CONFIG when
 * two have one name. */
int query__name_columns(struct query *q, const str *names, size_t count, struct err *err);

/* ---- params.c: a request's parameters ---- */

WAITS int query__read(struct request *rq, const struct query *q, struct stmt *out, struct err *err);

/* ---- access.c ---- */

/* May anybody call it? May those who have the roles? */
bool query__open(const struct query *q);
bool query__has_role(const struct query *q, const struct access *x, uint64_t roles);
/* May the caller run it? Fails with SIGNIN. */
int query__allowed(struct request *rq, const struct query *q, struct err *err);

/* ---- ruled.c ---- */

/* reads: per table of s. */
int query__tables(struct query *q, const struct schema *s, const bool *reads, struct err *err);
/* Makes st, of a ruled query, see what the caller may read. Fails with SIGNIN, DENIED. */
int query__rule(struct request *rq, const struct query *q, struct stmt *st, struct err *err);
/* The same without any rule, so that the database can say what it does not take. */
int query__ruled_verify(struct arena *a, const struct query *q, struct stmt *st, struct err *err);

/* ---- run.c ---- */
endpoint_fn query__run;

#endif
