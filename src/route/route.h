/* route.h -- method and path to an endpoint: a table built at start, then const. SPDX: Apache-2.0
 * Pure: knows no handlers but as pointers. */
#ifndef CAIRN_ROUTE_H
#define CAIRN_ROUTE_H

#include "http/http.h"

/* Answers through rq->reply. A negative code becomes a problem+json answer (render/). */
WAITS typedef int endpoint_fn(struct request *rq, const void *data, struct err *err);

struct endpoint {
    endpoint_fn *run;
    /* Of routes that take files, else NULL: how many bytes of rq's body are read piece by piece (0:
     * it is read whole), and what reads them, before run. */
    uint64_t (*pieces)(const struct request *rq, const void *data);
    endpoint_fn *receive;
    const void *data;    /* handed to run: e.g. the resource */
    const char *pattern; /* "/v1/users/:id" */
    enum method method;
    const char *what;    /* for `cairn routes`: "list users" */
    const char *accepts; /* of PATCH, POST: the media types, for Accept-Patch and -Post; or NULL */
    bool page;           /* for people: no part of the document of the API */
    bool quiet;          /* no line in the request log */
    bool in_batch; /* may be an operation of a batch: touches nothing but rq and, through rq->tx,
                      the database */
    bool keyed;    /* of POST, PATCH: keeps to rq->tx, so that an Idempotency-Key may hold */
    bool signs_in; /* for those who are not known yet: a cookie is not looked at */
    bool own_who;  /* its credentials, in a head, a cookie or a body, are its own affair */
    bool slashes;  /* its parameters may hold a slash, sent as %2F; else that is no match */
    size_t number; /* set by router_add: its place in the order added */
};

struct router;

struct router *router_new(void);
void router_free(struct router **r);
/* Patterns: literal segments, `:name` for one segment, `*name` at the end for the rest. A literal
 * wins over a name. Copies the endpoint; borrows its texts. Fails with CONFLICT when method and
 * pattern are taken, BAD when malformed. */
int router_add(struct router *r, const struct endpoint *e, struct err *err);
/* Finds the endpoint of rq->method and rq->path; fills rq->params, rq->endpoint, rq->route. HEAD
 * falls back to GET. Fails with NOTFOUND, or METHOD with *allow ("GET, HEAD, OPTIONS") in
 * rq->arena; OPTIONS without an endpoint of its own also gives METHOD and allow: the caller answers
 * 204. */
int router_find(const struct router *r, struct request *rq, str *allow, struct err *err);
/* Every endpoint in the order added: for (size_t i = 0; (e = router_at(r, i)); i++) */
const struct endpoint *router_at(const struct router *r, size_t i);

#endif
