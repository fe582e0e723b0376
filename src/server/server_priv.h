/* Private to src/server: the app, the worlds it serves, its workers. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_PRIV_H
#define CAIRN_SERVER_PRIV_H

#include "admin/admin.h"
#include "cairn.h"
#include "client/client.h"
#include "edge/edge.h"
#include "edge/idempotency.h"
#include "http/http.h"
#include "mail/mail.h"
#include "query/query.h"
#include "resource/resource.h"
#include "server/server.h"
#include "server/signin.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- the app: what was said before it runs ---- */

/* A handler or middleware with its data. */
struct call_link {
    cairn_handler *run;
    void *data;
};

/* A route in C: its middleware, outermost first, then the handler. */
struct c_route {
    const char *method, *pattern;
    const struct call_link *chain;
    size_t length;
};

struct cairn_group {
    struct cairn_app *app;
    struct cairn_group *parent;
    str prefix;
    struct call_link *uses;
    size_t use_count, use_cap;
};

/* The sending of letters: worker 0's, but for loop and stop. */
struct mailer {
    struct worker *worker;
    _Atomic(struct loop *) loop; /* once worker 0 is there */
    atomic_bool stop;
    unsigned sending, ticks; /* fibers that send */
    bool sweeping;
};

enum { APP_MAGIC = 0x43415250, APP_SETTINGS_MOST = 64 };

struct cairn_app {
    uint32_t magic;
    struct arena arena; /* all texts, groups and chains */
    const char *dir;
    struct config_override over[APP_SETTINGS_MOST];
    size_t over_count;
    struct c_route *routes;
    size_t route_count, route_cap;
    struct cairn_group root; /* prefix "" */
    struct buf error;
    int wake;                    /* eventfd: cairn_stop writes to it */
    struct identity *identity;   /* while it serves; NULL: nobody signs in */
    struct client *client;       /* while it serves: calls to other servers */
    struct files *files;         /* while it serves */
    struct serve *serve;         /* while it serves */
    struct role_rows *role_rows; /* roles as their tables had them last; of worker 0, or NULL */
    struct mailer mailer;
};

/* ---- versions of the API (versions.c) ---- */

struct world_version {
    str name, prefix;
    bool deprecated;
    struct schema *schema;
    struct resource_config rest;
    struct resource_views views;
    struct docs docs;
};

/* ---- a world: everything that a request is answered from, const once made ---- */

struct world {
    _Atomic unsigned refs;
    struct world *base;  /* whose config, schema and queries it uses; NULL: they are its own */
    struct serve *serve; /* borrowed; NULL in a preview */
    struct role_tables *role_tables; /* NULL: no roles come from tables */
    struct role_rows *preview_roles; /* of a preview: roles as their tables have them; or NULL */
    unsigned char *touches;          /* roles.c: by table, what a row of it takes along */
    unsigned roles_number;           /* of the roles' state that it was made of */
    struct config *config;
    struct schema *schema;
    struct query_set *queries; /* may be NULL */
    struct db *db;             /* borrowed; NULL in a preview */
    const _Atomic bool *draining;
    struct resource_config rest;
    struct client *client; /* borrowed; NULL in a preview */
    struct mail_config mail_config;
    struct mail *mail;             /* NULL: there are no letters */
    struct identity *identity;     /* borrowed; NULL: nobody signs in */
    struct account_config account; /* with identity: */
    struct accounts *accounts;
    struct clients clients; /* apps that people may let in */
    struct oauth *oauth;    /* NULL: there are none */
    struct etag_key etag_key;
    struct access *access; /* NULL: everything is open */
    struct resource_views views;
    struct docs docs;
    struct world_version *versions;
    size_t version_count; /* 0: there is one, at rest.prefix */
    struct router *router;
    struct edge *edge;
    struct reply_coder coder;        /* what the client gets instead of JSON as it is */
    struct idempotency *idempotency; /* NULL: keys are not looked at */
    size_t *metric_of;               /* endpoint->number -> number in the metrics */
    bool log_requests;
    struct arena arena; /* of the endpoints */
};

/* Takes config, schema and queries (may be NULL), also when it fails. app may be NULL. Fails with
 * CONFIG, CONFLICT. */
int world_new(struct cairn_app *app, struct config *config, struct schema *schema,
              struct query_set *queries, struct db *db, const _Atomic bool *draining,
              struct world **out, struct err *err);
/* The same one with the roles of app->role_rows. Fails with CONFIG, CONFLICT. */
int world_again(struct world *from, struct cairn_app *app, struct world **out, struct err *err);
struct world *world_get(struct world *w);
/* All workers go over to it; takes next. Worker 0's thread. */
void serve_hand_out(struct serve *s, struct world *next);
/* Hands the routes to metrics_setup; the worlds to come count into the same ones. */
void world_metrics(const struct world *w);
/* The key of cursor signatures: from the settings, or made once and kept in the data directory. */
void secret_dirs(const struct config *config); /* makes the data directory */
int secret_cursor(const struct config *config, struct arena *a, str *out, struct err *err);
/* The key of entity-tags follows from that of cursors: the same in every process that has that. */
void secret_etag(str cursor, struct etag_key *out);

/* idempotent.c: the table of kept answers; what takes keys, behind all routes. Fail with CONFIG. */
int idempotent_tables(const struct config *config, struct db_admin *a, struct err *err);
int idempotent_world(struct world *w, struct err *err);

/* mailer.c: letters. Fail with CONFIG. */
int mailer_tables(const struct config *config, struct db_admin *a, struct err *err);
int mailer_world(struct world *w, struct cairn_app *app, struct err *err);
void mailer_begin(struct worker *w); /* worker 0, its thread */
void mailer_stop(struct cairn_app *app);
bool mailer_busy(const struct cairn_app *app); /* worker 0's thread */

/* Makes the model of each version and its routes. Fails with CONFIG, CONFLICT. */
int versions_routes(struct world *w, struct err *err);
/* The documents of each; the first ones are made from `source`, without a version. */
int versions_documents(struct world *w, const struct docs_source *source, struct err *err);
void versions_end(struct world *w);
/* Its place in w->versions. Fails with CONFIG: the nearest name is told. */
int versions_find(const struct world *w, str name, size_t *out, struct err *err);

int health_routes(struct router *r, const struct world *w, struct err *err);
/* The endpoint of a route in C; data is its struct c_route. */
endpoint_fn api_run;

/* ---- serving ---- */

enum { ADDRESSES_MOST = 16 };

/* A world at one worker: it stays until its last request has ended. Owned by that thread. */
struct seat {
    struct world *world;
    unsigned active;
    bool left; /* another world has come */
};

struct worker {
    struct serve *serve;
    unsigned index;
    pthread_t thread;
    struct loop *loop;
    struct http_server *http;
    struct seat *seat;
    int fds[ADDRESSES_MOST];
    unsigned fd_count;
    struct http_stats told; /* what the metrics know of */
    int64_t told_fibers;
    bool drained; /* its connections are all closed */
    unsigned syncs;
    bool syncing;  /* worker 0: a fiber looks for ended sessions */
    bool sweeping; /* worker 0: a fiber deletes expired answers and files that no row has */
    _Atomic unsigned roles_number; /* of its world */
    int started;                   /* 0, or the code of its failure */
    struct err err;
};

struct serve {
    struct cairn_app *app;
    struct config *boot; /* settings that only a restart changes are read from here */
    struct redis_config redis;
    struct db *db;
    struct world *world; /* the newest; belongs to worker 0 once that runs */
    struct worker *workers;
    unsigned worker_count;
    unsigned running; /* threads that were started */
    struct buf url;   /* of the first address, for people */
    struct buf urls;  /* of all, separated by blanks */
    _Atomic bool draining;
    _Atomic unsigned ended; /* workers whose connections are all closed */
    bool reloading;         /* of worker 0 */
    bool reading_roles;     /* of worker 0: a fiber looks at the tables of roles */
    _Atomic unsigned roles_asked, roles_done, roles_number;
    pthread_mutex_t lock; /* over ready and over */
    pthread_cond_t changed;
    bool over;      /* nobody posts to a worker's loop any more */
    unsigned ready; /* workers that accept, or failed to start */
};

/* The pipeline (pipeline.c): answers rq in world. */
WAITS void pipeline_walk(struct request *rq);
/* A path that names no version of the API, and is no route of its own, becomes one of the version
 * that rq asks for. rq->reply is told what the answer depends on. */
void pipeline_version(const struct world *w, struct request *rq);

/* listen.c: binds every address for every worker. Fails with CONFIG, IO. */
int listen_all(struct serve *s, struct err *err);
void listen_close(struct serve *s); /* those that no worker has taken */

/* worker.c */
int worker_start(struct worker *w);  /* 0 or a negative errno */
void worker_drained(void *worker);   /* its thread only: no connection is left */
void worker_rests(struct worker *w); /* a fiber of the worker's own has ended */
void worker_adopt(struct worker *w, struct world *world); /* its thread only; takes a reference */
struct http_limits worker_limits(const struct serve *s, const struct config *c);

/* reload.c: reads the settings and the catalog again; worker 0, no fiber. */
void reload_begin(void *serve);

/* tail.c: for `cairn tail`. The thread that waits for signals accepts. */
struct tail {
    int fd; /* -1: none */
    bool bound;
    char path[108];
    const struct config *config;
};
void tail_open(struct tail *t, const struct config *c); /* says in the log why it cannot */
void tail_accept(struct tail *t);
void tail_close(struct tail *t);

/* serve.c */
int serve_run(struct cairn_app *app, struct err *err);
void serve_rest(void); /* gives back what only starting and reloading need; any thread */

#endif
