/* health.c -- /livez, /readyz, /metrics. SPDX: Apache-2.0
 * /livez says that the process answers, and asks nobody: a supervisor that restarts a server whose
 * database is away makes matters worse. /readyz says whether to send requests here. */
#include "observe/metrics.h"
#include "server/scrape.h"
#include "server/server_priv.h"

#define NOT_STORED() reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"))

static int livez(struct request *rq, const void *data, struct err *err)
{
    (void)data;
    (void)err;
    NOT_STORED();
    rq->reply->type = LIT("application/json");
    rq->reply->fixed = LIT("{\"status\":\"ok\"}");
    return 0;
}

static int readyz(struct request *rq, const void *data, struct err *err)
{
    const struct world *w = rq->world;
    bool healthy = db_healthy(w->db), stays = !atomic_load(w->draining);
    (void)data;
    (void)err;
    NOT_STORED();
    rq->reply->status = healthy && stays ? 200 : 503;
    rq->reply->type = LIT("application/json");
    rq->reply->fixed = arena_printf(
        &rq->arena, "{\"status\":\"%s\",\"checks\":{\"database\":\"%s\",\"serving\":\"%s\"}}",
        healthy && stays ? "ok" : "unavailable", healthy ? "ok" : "recovering",
        stays ? "ok" : "stopping");
    return 0;
}

static int metrics(struct request *rq, const void *data, struct err *err)
{
    const struct world *w = rq->world;
    (void)data;
    (void)err;
    NOT_STORED();
    rq->reply->type = LIT(METRICS_TYPE);
    scrape_render(w->db, &rq->reply->body);
    edge_metrics(w->edge, &rq->reply->body);
    return 0;
}

int health_routes(struct router *r, const struct world *w, struct err *err)
{
    const struct endpoint list[] = {
        {.run = livez, .pattern = "/livez", .what = "the process answers", .quiet = true},
        {.run = readyz, .pattern = "/readyz", .what = "requests may come", .quiet = true},
        {.run = metrics, .pattern = "/metrics", .what = "Prometheus metrics", .quiet = true},
    };
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        if (list[i].run != metrics || w->config->metrics)
            TRY(router_add(r, &list[i], err));
    }
    return 0;
}
