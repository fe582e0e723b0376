/* Private to src/server: a request as handlers in C see it. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_API_PRIV_H
#define CAIRN_SERVER_API_PRIV_H

#include "data/data.h"
#include "server/server_priv.h"

enum { API_ROWS_PER_LIMIT = 100, API_NESTING_MOST = 32, API_STREAM_AT = 16 * 1024 };

/* On the fiber's stack while the handler runs. */
struct cairn_request {
    struct request *rq;
    struct err *err; /* of the caller */
    const struct c_route *route;
    size_t at;   /* the next link of its chain */
    int status;  /* of a failure that cairn_fail named, 0: that of err->code */
    str said;    /* its words: the handler may go on, and fail in another way */
    bool doomed; /* a statement of the transaction failed and nothing since undid it */
    /* the JSON that is being written */
    unsigned depth;
    bool some[API_NESTING_MOST + 1]; /* something stands at this level already */
    char closing[API_NESTING_MOST];  /* '}' or ']' of each open level */
};

/* api_db.c */
struct value api_value(struct cairn_value v);
WAITS int api_run_in_tx(struct cairn_request *c, struct db_write *w); /* of c->rq->tx */

static inline cairn_str api_str(str s)
{
    return (cairn_str){s.ptr, s.len};
}

static inline str api_in(cairn_str s)
{
    return (str){s.ptr, s.len};
}

#endif
