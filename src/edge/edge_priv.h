/* Private to src/edge. SPDX: Apache-2.0 */
#ifndef CAIRN_EDGE_PRIV_H
#define CAIRN_EDGE_PRIV_H

#include "edge/edge.h"

#include <stdatomic.h>

enum { COUNT_STRIPES = 16, RESULT_ALLOWED = 0, RESULT_LIMITED, RESULT_FAILED, RESULTS };

/* Of one limit; stays when the settings are read again. Each thread counts in a line of its own. */
struct limit_counts {
    _Alignas(64) _Atomic uint64_t of[COUNT_STRIPES][8];
};

/* A plan of a limit: its states, and its texts. */
struct limit_level {
    struct limit_table *table;
    str shared_name; /* "api:free:s60000": with what its states depend on */
    str policy;      /* "api";q=100;w=3600 */
    str alone;       /* what an answer says when no other limit decides: to the first number, */
    str then;        /* and from the numbers of RateLimit to that of X-RateLimit-Remaining */
    uint32_t shown;  /* X-RateLimit-Limit */
};

struct limit {
    const struct limit_config *config;
    struct limit_level levels[EDGE_PLANS_MOST];
    struct limit_counts *counts;
    str below; /* "/v1/": what is below it is all in its path; or empty */
    bool late; /* needs to know who asks */
};

/* The lines of one CORS rule that are the same for every origin. */
struct cors_lines {
    str *exact;    /* of each origin without a star: the whole block */
    str behind;    /* what follows the origin in other blocks */
    str any;       /* the block when every origin is allowed without credentials */
    bool depends;  /* on the origin, also for one that is not allowed, or none */
    str preflight; /* methods, headers (unless any_header), max age */
};

struct edge {
    struct edge_config config;
    struct reply_lines *lines; /* of each cache rule: of paths without a version, and of each */
    size_t line_kinds;
    str hsts;
    struct cors_lines *cors;
    struct limit *limits;
    bool early, late; /* there are limits before sign-in; and behind it */
    bool shares;      /* some of them in Redis */
    struct arena arena;
};

void headers__make(struct edge *e);
/* version.c: the Link to the same path in the version that follows. */
void version__successor(const struct edge *e, struct request *rq);
void cors__make(struct edge *e);
/* limits.c: tables and counts, kept from one edge to the next by name and rule. */
void limits__make(struct edge *e);
void limits__drop(struct edge *e);
void limits__count(const struct limit *l, int result);
/* fields.c: the headers of the answer, in the request's arena. */
struct limit_told {
    const struct limit_level *level;
    const struct limit_config *config;
    struct limit_verdict verdict;
};
str fields__text(struct request *rq, const struct limit_told *told, size_t count);
void fields__refuse(struct request *rq, const struct limit_told *told);
/* address.c: edge_client and edge_secure for a request from peer. */
bool address__client(const struct edge_proxies *p, const struct request *rq, str peer,
                     struct address *out);
bool address__secure(const struct edge_proxies *p, const struct request *rq, str peer);
/* who.c */
edge_caller_fn who__caller;

#endif
