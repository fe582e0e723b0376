/* edge.h -- what stands between a request's bytes and its route: security headers, CORS, the
 * client's address, rate limits. SPDX: Apache-2.0
 * Made from the settings at the start: texts of headers are put together once, and an answer copies
 * them. Const, but for the limits' states and counts, which go over to the next edge at a reload.
 */
#ifndef CAIRN_EDGE_H
#define CAIRN_EDGE_H

#include "http/http.h"
#include "store/store.h"

struct edge;

/* ---- headers ---- */

struct edge_headers {
    bool on;                                            /* false: none of these */
    str policy, page_policy;                            /* Content-Security-Policy; of text/html */
    str frame, referrer, resource, opener, permissions; /* empty: not sent */
    str server;                                         /* Server, also when the rest is off */
    str version, version_prefix;                        /* X-API-Version, on paths below prefix */
    uint64_t hsts_s;                                    /* 0: not sent */
    bool hsts_subdomains, hsts_preload;
};

/* ---- versions of the API ---- */

struct edge_version {
    str name, prefix; /* "v1", "/v1" */
    str lines;        /* Deprecation, Sunset, Link: as those of struct reply_lines, or empty */
    str successor;    /* of a deprecated one: the prefix of the version to use; or empty */
};
struct edge_versions {
    const struct edge_version *list;
    size_t count;    /* 0: there is one only, and nobody asks for it */
    size_t fallback; /* that of requests that name none */
    str base;        /* what all prefixes begin with: "", "/api" */
    str header;      /* "API-Version"; empty: none names one */
    const str *vendors, *parameters;
    size_t vendor_count, parameter_count;
    str public_url;
};

/* ---- what caches may do ---- */

struct cache_rule {
    str path;        /* of GETs; see edge_path */
    str value, vary; /* Cache-Control, and header names of Vary; empty: not sent */
};

/* ---- CORS ---- */

/* One allowed origin: exact, `*`, or with one star in place of subdomains or of the port. */
struct cors_origin {
    str before, after; /* of the star; exact: before is all */
    bool star, any, port;
};
/* NULL, or why text is none: "has a path", ... */
const char *cors_origin_parse(str text, struct cors_origin *out);
bool cors_origin_match(const struct cors_origin *o, str origin);

struct cors_rule {
    str path; /* where it holds: see edge_path; empty: everywhere */
    const struct cors_origin *origins;
    size_t origin_count;          /* 0: nobody */
    str methods, headers, expose; /* as sent: separated by ", " */
    bool any_header;              /* allows what is asked for */
    bool credentials, private_network;
    uint64_t max_age_s;
};

/* ---- where the client is ---- */

struct address {
    uint8_t bytes[16]; /* IPv6, or IPv4 as ::ffff:a.b.c.d */
};
struct network {
    struct address at;
    unsigned bits;
};
enum edge_proxy_header { PROXY_AUTO, PROXY_X_FORWARDED_FOR, PROXY_FORWARDED };

struct edge_proxies {
    const struct network *list;
    size_t count;
    bool unix_socket; /* who connects through one is trusted */
    enum edge_proxy_header header;
};
/* "10.0.0.0/8", "::1", "loopback", "private", "unix": adds to p, whose list has room for six more.
 * NULL, or why text is none. */
const char *network_parse(str text, struct network *list, size_t *count, bool *unix_socket);
bool address_parse(str text, struct address *out); /* without port and brackets */

/* ---- rate limits ---- */

enum limit_part { PART_ADDRESS = 1, PART_USER = 2, PART_KEY = 4, PART_ROUTE = 8 };
enum limit_fail { FAIL_OPEN, FAIL_CLOSED, FAIL_LOCAL };

struct limit_plan {
    str name; /* "default": of a caller whose plan is not listed */
    struct limit_rule rule;
};
struct limit_cost {
    str path;
    unsigned methods;
    uint32_t cost;
};
struct limit_config {
    str name, path;
    unsigned methods;               /* bits 1 << enum method; 0: all */
    unsigned parts;                 /* of the key; 0: one for everybody */
    const struct limit_plan *plans; /* plans[0] is the default */
    size_t plan_count;
    uint32_t cost;
    const struct limit_cost *costs; /* of single routes; the first that fits */
    size_t cost_count;
    bool shared; /* in Redis */
    enum limit_fail fail;
};

struct edge_key { /* a known API key */
    uint8_t sha256[32];
    str plan;
};

/* Who asks, as far as it is known; empty: it is not. */
struct edge_caller {
    str user, key, plan;
};
typedef void edge_caller_fn(const struct edge *e, const struct request *rq,
                            struct edge_caller *out);

/* Texts and lists are borrowed: they live as long as the edge. */
struct edge_config {
    struct edge_headers headers;
    struct edge_versions versions;
    const struct cache_rule *caches; /* the first whose path fits; the last holds everywhere */
    size_t cache_count;
    bool etag;             /* answers of GETs have one */
    const str *must_match; /* paths where a change needs If-Match */
    size_t must_match_count;
    const struct cors_rule *cors; /* the first whose path fits holds */
    size_t cors_count;
    struct edge_proxies proxies;
    const struct limit_config *limits;
    size_t limit_count;
    const struct edge_key *keys;
    size_t key_count;
    bool keys_checked; /* those of key_header are accounts' keys: what sign-in did not know is none
                        */
    str key_header;
    size_t limit_keys, log_bytes; /* room of each limit */
    unsigned ipv6_bits;           /* of an address that count as one client */
    edge_caller_fn *caller;       /* NULL: sign-in and API keys tell */
};

enum { EDGE_LIMITS_MOST = 64, EDGE_PLANS_MOST = 16 };

struct edge *edge_new(const struct edge_config *c);
void edge_free(struct edge **e);

/* A path of the settings: exact, `*` for one segment, and for all the rest at the end. */
bool edge_path(str pattern, str path);

/* ---- a request's steps ---- */

void edge_set_headers(const struct edge *e, struct request *rq);
/* Is the path below a version's prefix? Then that is rq->version. */
bool edge_version_path(const struct edge *e, struct request *rq);
/* Which version a request asks for whose path names none: by header, Accept or parameter, or the
 * one of those that do not ask. take: puts the version's prefix before the path; else the version
 * becomes rq->asked only. Fails with BAD: there is no such version. */
int edge_version_asked(const struct edge *e, struct request *rq, bool take, struct err *err);
/* Nothing is at the path: 0, or BAD where that is for want of a version. */
int edge_version_fault(const struct edge *e, struct request *rq, struct err *err);
/* Refuses a change that does not say of which state, where the settings demand it. Fails with
 * UNCONDITIONAL. */
int edge_conditional(const struct edge *e, const struct request *rq, struct err *err);
/* Behind the handler: gives an answer that is not on its way yet its ETag and Last-Modified, and
 * evaluates a GET's preconditions: 304. Fails with PRECONDITION. */
int edge_validate(const struct edge *e, struct request *rq, const struct etag_key *key,
                  struct err *err);
/* Sets what CORS says; true: rq is a preflight, and answered. */
bool edge_cors(const struct edge *e, struct request *rq);
/* Whether CORS lets the page that asks use credentials here. */
bool edge_trusts(const struct edge *e, const struct request *rq);
/* Where rq is from: behind trusted proxies what they say. False: through a unix socket. */
bool edge_client(const struct edge *e, const struct request *rq, struct address *out);
/* The same for people, in rq's arena: "203.0.113.7", "2001:db8::1", "unix". network: without the
 * bits of an IPv6 address that one client has to itself. */
str edge_client_text(const struct edge *e, struct request *rq, bool network);
/* Whether rq came to a trusted proxy by https. */
bool edge_secure(const struct edge *e, const struct request *rq);
/* Counts rq by the limits that need not know who asks, before sign-in; edge_quota by the others,
 * behind it. 0: it may go on; 1: it was refused, and answered. Fails with BUSY (the shared store is
 * away, and a limit wants that to fail), CANCELLED. */
WAITS int edge_limit(const struct edge *e, struct request *rq, struct err *err);
WAITS int edge_quota(const struct edge *e, struct request *rq, struct err *err);
/* Metrics of the limits, and of Redis when one is configured. */
void edge_metrics(const struct edge *e, struct buf *out);

#endif
