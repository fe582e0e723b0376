/* Private to src/resource, batch*.c: several operations in one transaction. SPDX: Apache-2.0 */
#ifndef CAIRN_RESOURCE_BATCH_PRIV_H
#define CAIRN_RESOURCE_BATCH_PRIV_H

#include "resource/resource_priv.h"

enum { BATCH_DEEP = 4, BATCH_HEADERS_MOST = 16 };

enum operation_state { OPERATION_WAITS, OPERATION_DONE, OPERATION_UNDONE };

/* One request of the batch, or a group of them. */
struct operation {
    str name;      /* ptr NULL: none */
    size_t number; /* among those of its list */
    str at;        /* its place in the body, a JSON Pointer: "/operations/2" */
    size_t depth;  /* 0: of the batch itself */
    size_t end;    /* in batch->all, past the last that it holds; of a plain one: the next */
    bool group;
    bool goes_on; /* when it fails it is undone, and the batch goes on */
    enum method method;
    str path;                 /* with references */
    const struct value *body; /* with references; NULL: none */
    const struct header *headers;
    size_t header_count;
    /* what came of it: */
    enum operation_state state;
    int status;
    str answer, type;
    const struct header *sent; /* headers of its answer */
    size_t sent_count;
    const struct value *value; /* the answer parsed, once somebody refers to it */
};

/* The data of the endpoint. */
struct batch_place {
    const struct resource_set *set;
    const struct router *router;
};

struct batch {
    struct request *rq;
    const struct batch_place *place;
    struct db_tx_options options;
    struct operation *all; /* in the order written, a group before what it holds */
    size_t count, room;
    size_t headers;       /* of the reply, before the batch */
    struct request whole; /* the batch's own request, while rq is lent to an operation */
    bool lent;
};

/* Fails with INVALID: the member of what stands at `at` is faulty. */
int batch__fault(struct arena *a, str at, const char *member, str code, struct err *err,
                 const char *fmt, ...) ATTR_PRINTF(6, 7);

/* batch_read.c: fills b from the body. Fails with INVALID, TOOBIG. */
int batch__read(struct batch *b, const struct value *json, struct err *err);

/* ---- batch_ref.c: references to the answers of earlier operations ---- */

/* {$ref:NAME.MEMBER} within the path of all[at]. Fails with INVALID. */
int batch__path(struct batch *b, size_t at, str *out, struct err *err);
/* {"$ref": "NAME.MEMBER"} within its body; shares with the body what holds none. */
int batch__body(struct batch *b, size_t at, const struct value **out, struct err *err);

#endif
