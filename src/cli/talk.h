/* Private to src/cli: one request to a server, and its answer. SPDX: Apache-2.0 */
#ifndef CAIRN_CLI_TALK_H
#define CAIRN_CLI_TALK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Where a server answers. */
struct place {
    str host, port; /* host empty: a unix socket */
    str path;       /* of the socket */
    bool tls;
    const char *ca; /* with it, a file of certificates that are trusted; NULL: the system's */
    str base;       /* in front of targets: "", or "/shop" of http://host/shop */
};
/* "http://HOST[:PORT][/BASE]", the same with https, "unix:PATH". Lives in a. Fails with BAD. */
int place_of_url(struct arena *a, str url, struct place *out, struct err *err);
/* An address as server.listen has it; "every address" becomes the loopback. Fails with BAD. */
int place_of_listen(struct arena *a, str listen, struct place *out, struct err *err);

enum { TALK_ANSWER_MOST = 256 << 20 };

struct answer {
    int status;
    str line;    /* "HTTP/1.1 200 OK" */
    str headers; /* lines, without the empty one */
    str body;
};
/* Sends the request as it stands and reads until the server closes: it must ask for that. What out
 * points to lives in *all. Blocks, at most `seconds` without a byte. Fails with BUSY (nobody
 * there), TIMEOUT, TOOBIG, BAD (no HTTP). */
int talk(const struct place *p, str request, unsigned seconds, struct buf *all, struct answer *out,
         struct err *err);
/* The bytes of a whole answer, taken apart; a 100 in front of it is passed over. Fails with BAD. */
int answer_read(str all, struct answer *out, struct err *err);
str answer_header(const struct answer *r, str name); /* ptr NULL: it has none */

#endif
