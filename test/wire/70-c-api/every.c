/* every.c -- what the examples leave out of cairn.h: a program of the tests only, played by
 * every.test.mjs. every DIR [bad | taken | stop]    bad: a setting that is none; taken: a route
 * twice; stop: ends itself as soon as it runs SPDX: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <cairn.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct cairn_app *the_app;

/* ---- answers and bodies ---- */

static int bytes(struct cairn_request *rq, void *data)
{
    (void)data;
    return cairn_bytes(rq, 201, "application/x-bytes", "\0\1\xff\n", 4);
}

static int empty(struct cairn_request *rq, void *data)
{
    (void)data;
    return cairn_empty(rq, 204);
}

/* The body as it came, with what is known of the request in headers. */
static int body(struct cairn_request *rq, void *data)
{
    (void)data;
    cairn_str text;
    CAIRN_TRY(cairn_body(rq, &text));
    cairn_set_header(rq, "X-Method", cairn_method(rq));
    cairn_set_header(rq, "X-Path", cairn_path(rq));
    cairn_set_header(rq, "X-Id", cairn_id(rq));
    cairn_set_header(rq, "X-Length", cairn_format(rq, "%zu", text.len));
    return cairn_bytes(rq, 200, "application/octet-stream", text.ptr, text.len);
}

/* A value, told by what each reader says of it. */
static void tell(struct cairn_request *rq, const char *key, const struct cairn_json *v)
{
    int64_t i;
    double d;
    bool b;
    cairn_str s;
    cairn_put_object(rq, key);
    cairn_put_int(rq, "kind", cairn_json_kind(v));
    if (cairn_json_int(v, &i))
        cairn_put_int(rq, "int", i);
    if (cairn_json_double(v, &d))
        cairn_put_double(rq, "double", d);
    if (cairn_json_bool(v, &b))
        cairn_put_bool(rq, "bool", b);
    if (cairn_json_text(v, &s))
        cairn_put_text(rq, "text", s);
    cairn_put_int(rq, "count", (int64_t)cairn_json_count(v));
    cairn_put_array(rq, "members");
    for (size_t n = 0; n <= cairn_json_count(v) && cairn_json_at(v, n); n++) {
        cairn_put_object(rq, NULL);
        cairn_put_text(rq, "name", cairn_json_name(v, n));
        tell(rq, "value", cairn_json_at(v, n));
        cairn_put_end(rq);
    }
    cairn_put_end(rq);
    cairn_put_end(rq);
}

static int json(struct cairn_request *rq, void *data)
{
    (void)data;
    const struct cairn_json *v;
    CAIRN_TRY(cairn_body_json(rq, &v));
    cairn_put_object(rq, NULL);
    cairn_put_json(rq, "as_it_came", v);
    cairn_put_json(rq, "none", cairn_json_get(v, "no such member"));
    tell(rq, "told", v);
    cairn_put_array(rq, "written");
    cairn_put_double(rq, NULL, 0.1);
    cairn_put_double(rq, NULL, -1e300);
    cairn_put_null(rq, NULL);
    cairn_put_bool(rq, NULL, true);
    cairn_put_text(rq, NULL, (cairn_str){NULL, 0});
    cairn_put_array(rq, NULL);
    return 0; /* what is open is closed */
}

/* ---- time, memory, threads, the log ---- */

static int stream(struct cairn_request *rq, void *data)
{
    (void)data;
    CAIRN_TRY(cairn_stream(rq, 200, "text/plain"));
    CAIRN_TRY(cairn_write(rq, "first\n", 6));
    CAIRN_TRY(cairn_flush(rq));
    CAIRN_TRY(cairn_sleep(rq, 700));
    return cairn_write(rq, "last\n", 5);
}

static int wait_for(struct cairn_request *rq, void *data)
{
    (void)data;
    int64_t ms;
    CAIRN_TRY(cairn_param_int(rq, "ms", &ms));
    CAIRN_TRY(cairn_sleep(rq, (unsigned)ms));
    return cairn_empty(rq, 204);
}

struct job {
    pthread_t thread;
    int64_t ms, sum;
};

static void work(void *arg)
{
    struct job *j = arg;
    struct timespec t = {j->ms / 1000, j->ms % 1000 * 1000000};
    nanosleep(&t, NULL);
    j->thread = pthread_self();
    for (int i = 1; i <= 100; i++)
        j->sum += i;
}

static int blocking(struct cairn_request *rq, void *data)
{
    (void)data;
    struct job j = {.sum = 0};
    CAIRN_TRY(cairn_param_int(rq, "ms", &j.ms));
    CAIRN_TRY(cairn_blocking(rq, work, &j));
    cairn_put_object(rq, NULL);
    cairn_put_int(rq, "sum", j.sum);
    cairn_put_bool(rq, "elsewhere", !pthread_equal(j.thread, pthread_self()));
    return 0;
}

static int memory(struct cairn_request *rq, void *data)
{
    (void)data;
    int64_t size;
    CAIRN_TRY(cairn_param_int(rq, "size", &size));
    char *p = cairn_alloc(rq, (size_t)size);
    memset(p, 'x', (size_t)size);
    char *q = cairn_alloc(rq, 1);
    bool aligned =
        (uintptr_t)p % _Alignof(max_align_t) == 0 && (uintptr_t)q % _Alignof(max_align_t) == 0;
    return cairn_text(
        rq, 200, cairn_format(rq, "%s %c%c", aligned ? "aligned" : "crooked", p[0], p[size - 1]));
}

static int say(struct cairn_request *rq, void *data)
{
    (void)data;
    static const char *const levels[] = {"debug", "info", "warn", "error", "no such level"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        cairn_log(rq, levels[i], "said \"%s\"\n%d", levels[i], 7);
    return cairn_empty(rq, 204);
}

static int stop(struct cairn_request *rq, void *data)
{
    (void)data;
    cairn_stop(the_app);
    CAIRN_TRY(cairn_sleep(rq, 200)); /* a running request finishes */
    return cairn_text(rq, 200, cairn_s("stopped"));
}

/* ---- rows ---- */

static void tell_cell(struct cairn_request *rq, const struct cairn_rows *rows, size_t row,
                      size_t column)
{
    struct cairn_value v = cairn_cell_at(rows, row, column);
    cairn_put_object(rq, NULL);
    cairn_put_text(rq, "column", cairn_column(rows, column));
    cairn_put_int(rq, "kind", v.kind);
    if (v.kind == CAIRN_BOOL)
        cairn_put_bool(rq, "value", v.u.truth);
    else if (v.kind == CAIRN_INT)
        cairn_put_int(rq, "value", v.u.i);
    else if (v.kind == CAIRN_DOUBLE)
        cairn_put_double(rq, "value", v.u.d);
    else if (v.kind == CAIRN_TEXT)
        cairn_put_text(rq, "value", v.u.text);
    else if (v.kind == CAIRN_BYTES)
        cairn_put_int(rq, "length", (int64_t)v.u.text.len);
    cairn_put_end(rq);
}

/* Writes one row of every kind of value and one of nulls, and tells what comes back. */
static int cells(struct cairn_request *rq, void *data)
{
    (void)data;
    const char *insert = "INSERT INTO cells (i, b, d, t, y, n) VALUES ($1, $2, $3, $4, $5, $6) "
                         "RETURNING id, t AS again";
    const struct cairn_rows *rows, *made;
    CAIRN_TRY(cairn_execute(rq, insert,
                            CAIRN_ARGS(cairn_v_int(-5), cairn_v_bool(true), cairn_v_double(0.25),
                                       cairn_v_text(cairn_s("$1 \"text\"")),
                                       cairn_v_bytes((cairn_str){"\0\xff", 2}), cairn_v_null()),
                            &made, NULL));
    CAIRN_TRY(
        cairn_execute(rq, insert,
                      CAIRN_ARGS(cairn_v_null(), cairn_v_null(), cairn_v_null(), cairn_v_null(),
                                 cairn_v_null(), cairn_v_text((cairn_str){NULL, 0})),
                      NULL, NULL));
    CAIRN_TRY(
        cairn_select(rq, "SELECT i, b, d, t, y, n FROM cells ORDER BY id", CAIRN_NO_ARGS, &rows));
    cairn_put_object(rq, NULL);
    cairn_put_row(rq, "made", made, 0);
    cairn_put_array(rq, "rows");
    for (size_t r = 0; r < cairn_row_count(rows); r++) {
        cairn_put_array(rq, NULL);
        for (size_t c = 0; c < cairn_column_count(rows); c++)
            tell_cell(rq, rows, r, c);
        cairn_put_end(rq);
    }
    cairn_put_end(rq);
    cairn_put_int(rq, "int", cairn_cell_int(rows, 0, "i"));
    cairn_put_int(rq, "int_of_text", cairn_cell_int(rows, 0, "t"));
    cairn_put_text(rq, "text", cairn_cell_text(rows, 0, "t"));
    cairn_put_text(rq, "text_of_null", cairn_cell_text(rows, 1, "t"));
    cairn_put_json(rq, "json", cairn_cell_json(rows, 0, "i"));
    cairn_put_bool(rq, "no_row",
                   cairn_cell_json(rows, 2, "i") == NULL &&
                       cairn_cell(rows, 2, "i").kind == CAIRN_NULL);
    cairn_put_bool(rq, "no_column",
                   cairn_cell_json(rows, 0, "nope") == NULL &&
                       cairn_cell(rows, 0, "nope").kind == CAIRN_NULL &&
                       cairn_column(rows, 6).ptr == NULL &&
                       cairn_cell_at(rows, 0, 6).kind == CAIRN_NULL);
    return 0;
}

/* ---- transactions in each other, as the body says ----
 * [1, -1, "fail", {"tx": [...], "read_only": true, "isolation": 3, "must": true}]: inserts 1;
 * inserts 1 and does not look whether it went; fails; a transaction, whose failure matters only
 * with `must`. */

static int steps(struct cairn_request *rq, const struct cairn_json *list);

static int inner(struct cairn_request *rq, void *data)
{
    return steps(rq, data);
}

static int block(struct cairn_request *rq, const struct cairn_json *v)
{
    struct cairn_tx_options o = {CAIRN_USUAL, false};
    int64_t level;
    bool must = false;
    if (cairn_json_int(cairn_json_get(v, "isolation"), &level))
        o.isolation = (enum cairn_isolation)level;
    cairn_json_bool(cairn_json_get(v, "read_only"), &o.read_only);
    cairn_json_bool(cairn_json_get(v, "must"), &must);
    void *list = (void *)(uintptr_t)cairn_json_get(v, "tx");
    bool plain = o.isolation == CAIRN_USUAL && !o.read_only;
    int code =
        plain ? cairn_transaction(rq, inner, list) : cairn_transaction_with(rq, &o, inner, list);
    return must ? code : 0;
}

static int step(struct cairn_request *rq, const struct cairn_json *v)
{
    int64_t n;
    if (cairn_json_kind(v) == CAIRN_OBJECT)
        return block(rq, v);
    if (!cairn_json_int(v, &n))
        return cairn_fail(rq, 409, "it is to fail");
    int code = cairn_execute(rq, "INSERT INTO notes (id) VALUES ($1)",
                             CAIRN_ARGS(cairn_v_int(n < 0 ? -n : n)), NULL, NULL);
    return n < 0 ? 0 : code;
}

static int steps(struct cairn_request *rq, const struct cairn_json *list)
{
    for (size_t i = 0; i < cairn_json_count(list); i++)
        CAIRN_TRY(step(rq, cairn_json_at(list, i)));
    return 0;
}

static int transactions(struct cairn_request *rq, void *data)
{
    (void)data;
    const struct cairn_json *list;
    CAIRN_TRY(cairn_body_json(rq, &list));
    CAIRN_TRY(steps(rq, list));
    return cairn_empty(rq, 204);
}

/* ---- groups in groups: each middleware tells of itself on the way in, and the outer ones last on
 * the way back ---- */

static int letter(struct cairn_request *rq, void *data)
{
    cairn_set_header(rq, "X-Way", cairn_s(data));
    int code = cairn_next(rq);
    cairn_set_header(rq, "X-Back", cairn_s(data));
    return code;
}

static int here(struct cairn_request *rq, void *data)
{
    cairn_set_status(rq, 202);
    cairn_put_object(rq, NULL);
    cairn_put_text(rq, "route", cairn_s(data));
    cairn_put_text(rq, "rest", cairn_param(rq, "rest"));
    return 0;
}

static void groups(struct cairn_app *app)
{
    struct cairn_group *a = cairn_group(app, NULL, "/a");
    cairn_group_route(a, "GET", "/before", here,
                      "before"); /* added before the middleware: without it */
    cairn_group_use(a, letter, "a");
    struct cairn_group *b = cairn_group(app, a, "/b");
    cairn_group_use(b, letter, "b");
    struct cairn_group *c = cairn_group(app, b, "/:id");
    cairn_group_use(c, letter, "c");
    cairn_group_route(a, "GET", "/one", here, "one");
    cairn_group_route(b, "GET", "/two", here, "two");
    cairn_group_route(c, "POST", "/three/*rest", here, "three");
}

static void *stop_soon(void *app)
{
    struct timespec t = {0, 300000000};
    nanosleep(&t, NULL);
    cairn_stop(app);
    return NULL;
}

int main(int argc, char **argv)
{
    struct cairn_app *app = the_app = cairn_new(argc > 1 ? argv[1] : ".");
    const char *how = argc > 2 ? argv[2] : "";
    cairn_set(app, "rest.default_limit", "3");
    if (strcmp(how, "bad") == 0)
        cairn_set(app, "rest.default_limitt", "3");
    if (strcmp(how, "taken") == 0)
        cairn_get(app, "/bytes", empty, NULL);
    cairn_get(app, "/bytes", bytes, NULL);
    cairn_delete(app, "/empty", empty, NULL);
    cairn_put(app, "/body/:name", body, NULL);
    cairn_patch(app, "/json", json, NULL);
    cairn_get(app, "/stream", stream, NULL);
    cairn_route(app, "GET", "/sleep/:ms", wait_for, NULL);
    cairn_get(app, "/blocking/:ms", blocking, NULL);
    cairn_get(app, "/memory/:size", memory, NULL);
    cairn_get(app, "/log", say, NULL);
    cairn_post(app, "/stop", stop, NULL);
    cairn_post(app, "/cells", cells, NULL);
    cairn_post(app, "/tx", transactions, NULL);
    groups(app);
    pthread_t soon;
    bool stops = strcmp(how, "stop") == 0;
    if (stops && pthread_create(&soon, NULL, stop_soon, app) != 0)
        return 3;
    int code = cairn_run(app);
    if (stops)
        pthread_join(soon, NULL);
    fprintf(stderr, "error: \"%s\" of %s\n", cairn_error(app), cairn_version());
    cairn_free(&app);
    return code < 0 || app ? 2 : 0;
}
