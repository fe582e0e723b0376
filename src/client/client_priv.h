/* Private to src/client. SPDX: Apache-2.0 */
#ifndef CAIRN_CLIENT_PRIV_H
#define CAIRN_CLIENT_PRIV_H

#include "base/buf.h"
#include "base/list.h"
#include "client/client.h"
#include "fiber/fiber.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* ---- libcurl (curl_lib.c) ---- */

/* Its functions by pointer: curl.easy_init is curl_easy_init. Filled in by client__library. */
extern struct curl_lib {
#define X(name) __typeof__(curl_##name) *name;
#include "client/curl_lib.def"
#undef X
} curl;
/* Any thread, again and again; loading blocks. Fails with CONFIG: not there, or too old. */
int client__library(struct err *err);

/* ---- the guard (guard.c) ---- */

struct guard {
    str allow;
    bool named; /* the call's destination may be anywhere */
};
bool guard__named(str allow, str host, unsigned port);
/* May a connection be made to the socket address? */
bool guard__passes(const struct guard *g, const struct sockaddr *to);
/* Is host an address as it stands, and one that is refused? Else the name decides nothing. */
bool guard__refuses_text(const struct guard *g, str host);

/* ---- one call (transfer.c) ---- */

/* Lives on the stack of its fiber; between the queue and `done` the helper thread's. */
struct job {
    struct link link;
    const struct client_config *config;
    struct client_call *call; /* one of the two */
    struct client_mail *mail;
    struct guard guard;
    struct buf head, answer;
    uint64_t received, sent, answer_most;
    uint64_t timeout_ms, until; /* with the wait in the queue; on the clock of clock_ns */
    bool refused, over;         /* by the guard; past answer_most */
    bool enough;                /* said the sink */
    atomic_bool cancelled;
    int code;
    struct err err;
    struct loop *loop;
    struct fiber *fiber;
    bool done;
};

/* Runs the job to its end; blocks. handles[0] is for guarded calls, [1] for those that may go
 * anywhere: else a guarded one could be redirected to a connection that another one keeps open. */
void transfer__run(struct job *j, CURL *handles[2]);

#endif
