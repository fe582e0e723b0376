/* cairn.h -- the public interface of libcairn: a backend with handlers in C. SPDX: Apache-2.0
 *
 *   static int hello(struct cairn_request *rq, void *data)
 *   {
 *       return cairn_text(rq, 200, cairn_param(rq, "name"));
 *   }
 *
 *   int main(void)
 *   {
 *       struct cairn_app *app = cairn_new(".");
 *       cairn_get(app, "/hello/:name", hello, NULL);
 *       return cairn_main(app);
 *   }
 *
 * A handler runs in a fiber of a worker thread: it reads downwards, and a call that waits (marked
 * "waits") lets other requests go on. So do not block in other ways, keep large things off the
 * stack (server.fiber_stack is 128 KiB), and remember that several workers may run the same
 * handler at once. All texts handed out live as long as the request. Texts of a client hold any
 * byte but NUL in names; they are not NUL-terminated.
 *
 * A function that can fail answers 0 or a negative number, and the words of the failure are kept
 * in the request: a handler that returns the negative number answers with them, as
 * application/problem+json (RFC 9457). CAIRN_TRY does that. */
#ifndef CAIRN_H
#define CAIRN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAIRN_API __attribute__((visibility("default")))
#if defined(__GNUC__)
#define CAIRN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CAIRN_PRINTF(fmt, args)
#endif

/* Text with a length. */
typedef struct {
    const char *ptr;
    size_t len;
} cairn_str;

static inline cairn_str cairn_s(const char *text)
{
    cairn_str s = {text, text ? strlen(text) : 0};
    return s;
}

static inline bool cairn_str_eq(cairn_str a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || memcmp(a.ptr, b, a.len) == 0);
}

/* In a handler: if x fails, return its number. */
#define CAIRN_TRY(x)                                                                               \
    do {                                                                                           \
        int cairn_try_ = (x);                                                                      \
        if (cairn_try_ < 0)                                                                        \
            return cairn_try_;                                                                     \
    } while (0)

struct cairn_app;
struct cairn_group;
struct cairn_request;
struct cairn_json;
struct cairn_rows;

/* Answers a request. data: as given with the route. 0, or negative after a failure. */
typedef int cairn_handler(struct cairn_request *rq, void *data);

CAIRN_API const char *cairn_version(void); /* "0.1.0" */

/* ---- the app ---- */

/* An app on the project directory dir: its cairn.yaml, migrations and database, all of which may
 * be missing. Never NULL; what is wrong is told by cairn_run. Gives: cairn_free. */
CAIRN_API struct cairn_app *cairn_new(const char *dir);
CAIRN_API void cairn_free(struct cairn_app **app);

/* A setting, as `--set` on the command line: it wins over cairn.yaml and the environment. Copies.
 */
CAIRN_API void cairn_set(struct cairn_app *app, const char *key, const char *value);

/* Serves until SIGTERM, SIGINT or cairn_stop, in the calling thread and server.workers others;
 * SIGHUP reads cairn.yaml again. Those signals are blocked in the calling thread from then on, and
 * SIGPIPE is ignored. 0 after a clean stop; negative when it could not start: see cairn_error. */
CAIRN_API int cairn_run(struct cairn_app *app);
/* Any thread: as SIGTERM. */
CAIRN_API void cairn_stop(struct cairn_app *app);
/* Why cairn_run failed, in lines (FILE:LINE:COLUMN first where there is a place), or "". */
CAIRN_API const char *cairn_error(const struct cairn_app *app);
/* For `return cairn_main(app);`: runs, prints a failure to stderr, frees; the exit code. */
CAIRN_API int cairn_main(struct cairn_app *app);

/* ---- routes: before cairn_run ---- */

/* method: "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS". pattern: literal segments, `:name`
 * for one segment, `*name` at the end for the rest; a literal wins over a name. HEAD is answered by
 * GET. A malformed or taken pattern is told by cairn_run. Texts are copied, data is borrowed. */
CAIRN_API void cairn_route(struct cairn_app *app, const char *method, const char *pattern,
                           cairn_handler *run, void *data);
CAIRN_API void cairn_get(struct cairn_app *app, const char *pattern, cairn_handler *run,
                         void *data);
CAIRN_API void cairn_post(struct cairn_app *app, const char *pattern, cairn_handler *run,
                          void *data);
CAIRN_API void cairn_put(struct cairn_app *app, const char *pattern, cairn_handler *run,
                         void *data);
CAIRN_API void cairn_patch(struct cairn_app *app, const char *pattern, cairn_handler *run,
                           void *data);
CAIRN_API void cairn_delete(struct cairn_app *app, const char *pattern, cairn_handler *run,
                            void *data);

/* A group: routes under a common prefix, with middleware of its own. Groups nest: parent may be
 * NULL. Lives as long as the app. */
CAIRN_API struct cairn_group *cairn_group(struct cairn_app *app, struct cairn_group *parent,
                                          const char *prefix);
CAIRN_API void cairn_group_route(struct cairn_group *group, const char *method, const char *pattern,
                                 cairn_handler *run, void *data);

/* Middleware runs before the handlers of the group's routes that are added after it, outer groups
 * first; group NULL is given with cairn_use for all routes in C. It goes on with
 * `return cairn_next(rq);`, or answers by itself. What stands behind cairn_next runs afterwards. */
CAIRN_API void cairn_use(struct cairn_app *app, cairn_handler *middleware, void *data);
CAIRN_API void cairn_group_use(struct cairn_group *group, cairn_handler *middleware, void *data);
CAIRN_API int cairn_next(struct cairn_request *rq);

/* ---- the request ---- */

/* A text that is not there has ptr NULL. */
CAIRN_API cairn_str cairn_method(const struct cairn_request *rq);
CAIRN_API cairn_str cairn_path(const struct cairn_request *rq); /* decoded */
CAIRN_API cairn_str cairn_id(const struct cairn_request *rq);   /* X-Request-ID */
CAIRN_API cairn_str cairn_param(const struct cairn_request *rq, const char *name); /* of the path */
CAIRN_API cairn_str cairn_header(const struct cairn_request *rq, const char *name);
/* Which of the languages ("en, es, pt-BR"; the first is the default) the client wants most, by
 * Accept-Language; empty when none is offered. Tells it in Content-Language and Vary. Before the
 * first byte is sent. */
CAIRN_API cairn_str cairn_language(struct cairn_request *rq, const char *offers);
/* Who signed in: the id of the account as text; ptr NULL: nobody. */
CAIRN_API cairn_str cairn_user(const struct cairn_request *rq);
/* Whether the caller has the role, itself or through one that includes it. */
CAIRN_API bool cairn_has_role(const struct cairn_request *rq, const char *role);
/* What rules read as me.NAME: an object; NULL: nobody signed in. */
CAIRN_API const struct cairn_json *cairn_claims(const struct cairn_request *rq);
CAIRN_API cairn_str cairn_query(struct cairn_request *rq,
                                const char *name); /* the first of a name */
/* A number out of a parameter of the path or, when that has none, of the query. Fails with 400. */
CAIRN_API int cairn_param_int(struct cairn_request *rq, const char *name, int64_t *out);
/* The whole body; empty when there is none. Waits. Fails with 408, 413. */
CAIRN_API int cairn_body(struct cairn_request *rq, cairn_str *out);
/* The body as JSON. Waits. Fails with 400 (the place of the fault is told), 408, 413, 415. */
CAIRN_API int cairn_body_json(struct cairn_request *rq, const struct cairn_json **out);
/* The same of a JSON body, a form (application/x-www-form-urlencoded) or XML: an object of its
 * fields, read with cairn_json_get and cairn_want_*. Forms and XML have only texts: there
 * cairn_json_int, _double and _bool read what a text holds. Waits. Fails as cairn_body_json. */
CAIRN_API int cairn_body_fields(struct cairn_request *rq, const struct cairn_json **out);
/* Memory that lives as long as the request, aligned, not zeroed. Never NULL: a request over its
 * budget (http.request_memory) is ended and answered with 413. */
CAIRN_API void *cairn_alloc(struct cairn_request *rq, size_t size);
CAIRN_API cairn_str cairn_format(struct cairn_request *rq, const char *fmt, ...) CAIRN_PRINTF(2, 3);
/* Waits that long, and lets others go on. Fails when the client has gone or time is over. */
CAIRN_API int cairn_sleep(struct cairn_request *rq, unsigned ms);
/* Runs fn(arg) on a helper thread: for what blocks. Waits. Fails with 503 when all are busy. */
CAIRN_API int cairn_blocking(struct cairn_request *rq, void (*fn)(void *arg), void *arg);

/* ---- JSON, read ---- */

enum cairn_kind {
    CAIRN_NULL,
    CAIRN_BOOL,
    CAIRN_INT,
    CAIRN_DOUBLE,
    CAIRN_NUMBER, /* not an int64: its text as it was written */
    CAIRN_TEXT,
    CAIRN_BYTES, /* of a database only */
    CAIRN_ARRAY,
    CAIRN_OBJECT
};

CAIRN_API enum cairn_kind cairn_json_kind(const struct cairn_json *v); /* v NULL: CAIRN_NULL */
CAIRN_API size_t cairn_json_count(const struct cairn_json *v);         /* of an array or object */
CAIRN_API const struct cairn_json *cairn_json_at(const struct cairn_json *v, size_t i);
CAIRN_API const struct cairn_json *cairn_json_get(const struct cairn_json *v, const char *name);
CAIRN_API cairn_str cairn_json_name(const struct cairn_json *v, size_t i); /* of an object */
/* False when it is of another kind (cairn_json_double takes whole numbers too). */
CAIRN_API bool cairn_json_text(const struct cairn_json *v, cairn_str *out);
CAIRN_API bool cairn_json_int(const struct cairn_json *v, int64_t *out);
CAIRN_API bool cairn_json_double(const struct cairn_json *v, double *out);
CAIRN_API bool cairn_json_bool(const struct cairn_json *v, bool *out);
/* A member that must be there and of that kind. Fails with 422 that names the field. */
CAIRN_API int cairn_want_text(struct cairn_request *rq, const struct cairn_json *v,
                              const char *name, cairn_str *out);
CAIRN_API int cairn_want_int(struct cairn_request *rq, const struct cairn_json *v, const char *name,
                             int64_t *out);

/* ---- the answer ---- */

/* Each answers 0, for `return cairn_text(...)`. */
CAIRN_API int cairn_text(struct cairn_request *rq, int status, cairn_str text);
CAIRN_API int cairn_bytes(struct cairn_request *rq, int status, const char *type, const void *ptr,
                          size_t len);
CAIRN_API int cairn_empty(struct cairn_request *rq, int status); /* e.g. 204 */
/* A failure of the handler's own: `return cairn_fail(rq, 404, "user not found");`. The words are a
 * sentence for the client; those of 500 go to the log only. Always negative. */
CAIRN_API int cairn_fail(struct cairn_request *rq, int status, const char *fmt, ...)
    CAIRN_PRINTF(3, 4);
/* Copies. Before the first byte is sent. Not for Content-Length, Date, Connection,
 * Transfer-Encoding, X-Request-ID: those are the server's. */
CAIRN_API void cairn_set_header(struct cairn_request *rq, const char *name, cairn_str value);
CAIRN_API void cairn_set_status(struct cairn_request *rq, int status);

/* JSON, written value by value; commas, quotes and nesting are seen to. key: NULL in an array and
 * for the outermost value. What is left open at the end is closed. */
CAIRN_API void cairn_put_object(struct cairn_request *rq, const char *key);
CAIRN_API void cairn_put_array(struct cairn_request *rq, const char *key);
CAIRN_API void cairn_put_end(struct cairn_request *rq); /* of the innermost object or array */
CAIRN_API void cairn_put_text(struct cairn_request *rq, const char *key, cairn_str text);
CAIRN_API void cairn_put_int(struct cairn_request *rq, const char *key, int64_t n);
CAIRN_API void cairn_put_double(struct cairn_request *rq, const char *key, double n);
CAIRN_API void cairn_put_bool(struct cairn_request *rq, const char *key, bool truth);
CAIRN_API void cairn_put_null(struct cairn_request *rq, const char *key);
CAIRN_API void cairn_put_json(struct cairn_request *rq, const char *key,
                              const struct cairn_json *v);
/* A row as an object, and all rows as an array of objects. */
CAIRN_API void cairn_put_row(struct cairn_request *rq, const char *key,
                             const struct cairn_rows *rows, size_t row);
CAIRN_API void cairn_put_rows(struct cairn_request *rq, const char *key,
                              const struct cairn_rows *rows);

/* A stream: the head goes out at once, what is written in chunks, when 16 KiB are together or at
 * cairn_flush. Waits while the client is slow. Fails when the client has gone. */
CAIRN_API int cairn_stream(struct cairn_request *rq, int status, const char *type);
CAIRN_API int cairn_write(struct cairn_request *rq, const void *ptr, size_t len);
CAIRN_API int cairn_flush(struct cairn_request *rq);

/* ---- the database ---- */

/* A value for a place of a statement, or out of a cell. */
struct cairn_value {
    enum cairn_kind kind;
    union {
        bool truth;
        int64_t i;
        double d;
        cairn_str text; /* also of CAIRN_BYTES */
    } u;
};

static inline struct cairn_value cairn_v_null(void)
{
    struct cairn_value v = {CAIRN_NULL, {0}};
    return v;
}
static inline struct cairn_value cairn_v_int(int64_t i)
{
    struct cairn_value v = {CAIRN_INT, {0}};
    v.u.i = i;
    return v;
}
static inline struct cairn_value cairn_v_bool(bool truth)
{
    struct cairn_value v = {CAIRN_BOOL, {0}};
    v.u.truth = truth;
    return v;
}
static inline struct cairn_value cairn_v_double(double d)
{
    struct cairn_value v = {CAIRN_DOUBLE, {0}};
    v.u.d = d;
    return v;
}
static inline struct cairn_value cairn_v_text(cairn_str text)
{
    struct cairn_value v = {CAIRN_TEXT, {0}};
    v.u.text = text;
    return v;
}
static inline struct cairn_value cairn_v_bytes(cairn_str bytes)
{
    struct cairn_value v = {CAIRN_BYTES, {0}};
    v.u.text = bytes;
    return v;
}

/* The values of a statement: cairn_select(rq, "... WHERE id = $1", CAIRN_ARGS(cairn_v_int(5)),
 * &rows) */
#ifndef __cplusplus
#define CAIRN_ARGS(...)                                                                            \
    (const struct cairn_value[]){__VA_ARGS__},                                                     \
        sizeof((const struct cairn_value[]){__VA_ARGS__}) / sizeof(struct cairn_value)
#endif
#define CAIRN_NO_ARGS NULL, 0

/* Statements are SQL of the project's engine with the places $1, $2, ...; the text is the
 * handler's own, never a client's. Each waits. A failure of a constraint is 409 or 422 with the
 * field, a full queue 503. Inside cairn_transaction they are part of it. */

/* All rows, at most rest.max_limit times 100 (then 413). */
CAIRN_API int cairn_select(struct cairn_request *rq, const char *sql,
                           const struct cairn_value *args, size_t count,
                           const struct cairn_rows **out);
/* The first row; fails with 404 when there is none. */
CAIRN_API int cairn_select_one(struct cairn_request *rq, const char *sql,
                               const struct cairn_value *args, size_t count,
                               const struct cairn_rows **out);
/* A write, durable when it answers 0 (in a transaction: when that is committed). returned: the
 * rows of RETURNING, may be NULL. changes: rows changed, may be NULL. */
CAIRN_API int cairn_execute(struct cairn_request *rq, const char *sql,
                            const struct cairn_value *args, size_t count,
                            const struct cairn_rows **returned, int64_t *changes);

/* A parameter of a named query: CAIRN_NAMED({"city", cairn_v_text(city)}, {"limit",
 * cairn_v_int(5)}). A list is given as text, "1,2,3"; what is left out has its default. */
struct cairn_named {
    const char *name;
    struct cairn_value value;
};
#ifndef __cplusplus
#define CAIRN_NAMED(...)                                                                           \
    (const struct cairn_named[]){__VA_ARGS__},                                                     \
        sizeof((const struct cairn_named[]){__VA_ARGS__}) / sizeof(struct cairn_named)
#endif

/* Runs a query of the project's queries directory (docs/queries.md). Its roles are not asked: who
 * may do this is the handler's decision. rows, changes: may be NULL. Cells are as an answer shows
 * them: booleans, RFC 3339 times, JSON (see cairn_cell_json), exact decimals. Inside
 * cairn_transaction it is part of it. Waits. Fails with 422 and each faulty parameter, 500 when
 * there is no such query, and as cairn_select and cairn_execute do. */
CAIRN_API int cairn_call(struct cairn_request *rq, const char *query,
                         const struct cairn_named *params, size_t count,
                         const struct cairn_rows **rows, int64_t *changes);

/* Runs body(rq, data) in a transaction: committed and durable when it answers 0, else undone. In
 * a transaction it is a savepoint. It holds the only writer (PostgreSQL: a connection), at most
 * database.transaction_timeout: do nothing slow inside. On PostgreSQL a deadlock or serialization
 * failure undoes it and body runs again, at most database.transaction_retries times and only while
 * it has put nothing into the answer: it must leave nothing behind that a second run would not
 * overwrite. Waits. */
CAIRN_API int cairn_transaction(struct cairn_request *rq, cairn_handler *body, void *data);

/* What a transaction sees of others: docs/transactions.md. On SQLite each is serializable. */
enum cairn_isolation {
    CAIRN_USUAL, /* database.isolation */
    CAIRN_READ_COMMITTED,
    CAIRN_REPEATABLE_READ,
    CAIRN_SERIALIZABLE
};

struct cairn_tx_options {
    enum cairn_isolation isolation;
    bool read_only; /* a write in it fails with 403 */
};

/* The same with options; NULL: the usual ones. Inside a transaction it is a savepoint of that one,
 * and fails (500) when that is less isolated than asked for. */
CAIRN_API int cairn_transaction_with(struct cairn_request *rq,
                                     const struct cairn_tx_options *options, cairn_handler *body,
                                     void *data);

CAIRN_API size_t cairn_row_count(const struct cairn_rows *rows);
CAIRN_API size_t cairn_column_count(const struct cairn_rows *rows);
CAIRN_API cairn_str cairn_column(const struct cairn_rows *rows, size_t column); /* its name */
CAIRN_API struct cairn_value cairn_cell_at(const struct cairn_rows *rows, size_t row,
                                           size_t column);
/* By name; CAIRN_NULL when there is no such row or column. */
CAIRN_API struct cairn_value cairn_cell(const struct cairn_rows *rows, size_t row,
                                        const char *column);
CAIRN_API int64_t cairn_cell_int(const struct cairn_rows *rows, size_t row, const char *column);
CAIRN_API cairn_str cairn_cell_text(const struct cairn_rows *rows, size_t row, const char *column);
/* The cell as JSON; NULL when there is no such row or column. */
CAIRN_API const struct cairn_json *cairn_cell_json(const struct cairn_rows *rows, size_t row,
                                                   const char *column);

/* ---- the log ---- */

/* A line with the request's id. level: "debug", "info", "warn", "error". */
CAIRN_API void cairn_log(const struct cairn_request *rq, const char *level, const char *fmt, ...)
    CAIRN_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
