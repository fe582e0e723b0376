/* explain.c -- one request through the whole pipeline, to see what it asks of the database.
 * SPDX: Apache-2.0
 * Why a socket of its own and not a call: what is parsed, routed, allowed and compiled must be
 * what a client gets, so the bytes take the client's way. A thread is the client; it connects to a
 * socket file in a directory that nobody else may enter. */
#include "net/net.h"
#include "observe/log.h"
#include "render/render.h"
#include "server/queries.h"
#include "server/server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EXPLAIN_MEMORY = 512 << 20, ANSWER_MOST = 256 << 20 };

struct visit {
    struct world *world;
    struct loop *loop;
    struct http_server *http;
    str request;
    char path[sizeof((struct sockaddr_un){0}.sun_path)];
    struct buf answer;
    int code; /* of the client: 0 or an errno */
};

/* ---- the server's side ---- */

static void walk(void *arg)
{
    pipeline_walk(arg);
}

WAITS static void handle(struct request *rq, void *ctx)
{
    struct visit *v = ctx;
    struct err err = {0};
    rq->world = v->world;
    if (fiber_scope(walk, rq) == 0)
        return;
    fail(&err, E_TOOBIG, "the request needs more memory than http.request_memory allows");
    rq->headers = NULL;
    rq->header_count = rq->param_count = rq->reply->header_count = 0;
    arena_reset(&rq->arena);
    rq->path = rq->target;
    rq->id = LIT("explain");
    rq->reply->failed = rq->reply->started;
    if (!rq->reply->started)
        render_problem(rq, 0, &err);
}

static void refused(void *ctx, const struct refusal *r)
{
    (void)ctx;
    (void)r;
}

static void stop(void *arg)
{
    struct visit *v = arg;
    loop_stop(v->loop);
}

static void leave(void *arg)
{
    struct visit *v = arg;
    http_server_drain(v->http, stop, v);
}

/* ---- the client's side ---- */

static int send_all(int fd, str text)
{
    while (text.len) {
        ssize_t n = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
        if (n < 0)
            return errno;
        text = str_from(text, (size_t)n);
    }
    return 0;
}

static int receive_all(int fd, struct buf *out)
{
    char some[16384];
    for (;;) {
        ssize_t n = recv(fd, some, sizeof some, 0);
        if (n <= 0)
            return n < 0 ? errno : 0;
        buf_add(out, some, (size_t)n);
    }
}

static int talk(struct visit *v)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    memcpy(to.sun_path, v->path, sizeof to.sun_path);
    int code = connect(fd, (const struct sockaddr *)&to, sizeof to) < 0 ? errno : 0;
    if (code == 0)
        code = send_all(fd, v->request);
    if (code == 0)
        code = receive_all(fd, &v->answer);
    close(fd);
    return code;
}

static void *client(void *arg)
{
    struct visit *v = arg;
    v->code = talk(v);
    loop_post(v->loop, leave, v);
    return NULL;
}

/* ---- both together ---- */

static struct http_limits limits_of(const struct config *c)
{
    struct serve one = {.worker_count = 1};
    return worker_limits(&one, c);
}

static int serve_one(struct visit *v, const struct config *c, int fd, struct err *err)
{
    static const struct http_hooks hooks = {.handle = handle, .refused = refused};
    struct http_limits limits = limits_of(c);
    pthread_t thread;
    v->loop = loop_new((size_t)c->fiber_stack, (unsigned)c->max_requests);
    v->http = http_server_new(v->loop, &limits, &hooks, v);
    http_server_listen(v->http, fd);
    int rc = pthread_create(&thread, NULL, client, v);
    if (rc == 0) {
        loop_run(v->loop);
        pthread_join(thread, NULL);
    } else {
        leave(v);
        loop_run(v->loop);
    }
    http_server_free(&v->http);
    loop_free(&v->loop);
    rc = rc ? rc : v->code;
    return rc ? fail(err, E_IO, "cannot send the request: %s", strerror(rc)) : 0;
}

static int visit(struct visit *v, const struct config *c, struct err *err)
{
    char dir[] = "/tmp/cairn-explain-XXXXXX", addr[sizeof v->path + 8];
    int fd;
    if (!mkdtemp(dir))
        return fail(err, E_IO, "cannot make a temporary directory '%s': %s", dir, strerror(errno));
    snprintf(v->path, sizeof v->path, "%s/s", dir);
    snprintf(addr, sizeof addr, "unix:%s", v->path);
    int code = net_bind(str_of(addr), false, &fd, NULL, err);
    if (code == 0)
        code = serve_one(v, c, fd, err);
    unlink(v->path);
    rmdir(dir);
    return code;
}

static int model(const struct db_config *db, const struct config *config, struct schema **out,
                 struct err *err)
{
    struct db_admin *a;
    if (!db_exists(db))
        return fail(err, E_CONFIG, "there is no database yet: `cairn migrate up` makes it");
    TRY(db_admin_open(db, &a, err));
    int code = model_read(a, config, out, err);
    db_admin_close(&a);
    return code;
}

static int world(struct config *config, bool run, struct explained *out, struct err *err)
{
    static const _Atomic bool draining = false;
    struct schema *schema = NULL;
    struct query_set *queries = NULL;
    struct db_config db;
    config_db(config, &db);
    int code = model(&db, config, &schema, err);
    if (code == 0)
        code = queries_load(config, schema, &queries, err);
    if (code == 0)
        code = db_probe_open(&db, run, &out->arena, &out->db, err);
    if (code < 0) {
        query_free(&queries);
        if (schema)
            schema_free(&schema);
        config_free(&config);
        return code;
    }
    return world_new(NULL, config, schema, queries, out->db, &draining, &out->world, err);
}

/* "HTTP/1.1 200 OK" */
static int status_of(str answer)
{
    int64_t status = 0;
    str_to_i64(str_upto(str_from(answer, 9), 3), &status);
    return (int)status;
}

int explain_request(struct config *config, const struct explain_wish *wish, struct explained *out,
                    struct err *err)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct visit v = {.request = wish->request};
    *out = (struct explained){.world = NULL};
    arena_init(&out->arena, EXPLAIN_MEMORY);
    buf_init(&v.answer, ANSWER_MOST);
    if (nowhere >= 0)
        log_setup(nowhere, LOG_ERROR, LOG_FORMAT_JSON);
    int code = world(config, wish->run, out, err);
    if (code == 0) {
        v.world = out->world;
        code = visit(&v, out->world->config, err);
    }
    if (code == 0) {
        out->answer = arena_str(&out->arena, buf_view(&v.answer));
        out->status = status_of(out->answer);
        out->list = db_probe_list(out->db, &out->count);
    }
    buf_fini(&v.answer);
    return code;
}

void explain_end(struct explained *e)
{
    world_put(&e->world);
    db_close(&e->db);
    arena_reset(&e->arena);
}
