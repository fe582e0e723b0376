/* mail.h -- letters to people: written from templates in the transaction of what they are about,
 * and sent by a fiber afterwards. SPDX: Apache-2.0 */
#ifndef CAIRN_MAIL_H
#define CAIRN_MAIL_H

#include "client/client.h"
#include "db/db.h"
#include "route/route.h"

#include <stdatomic.h>

struct mail;

enum mail_kind {
#define X(id, name, variables) MAIL_##id,
#include "mail/kinds.def"
#undef X
    MAIL_KINDS
};

struct mail_config {
    str project;             /* name of it */
    str from, reply_to;      /* "Shop <shop@example.com>", or an address */
    str url, user, password; /* of the mail server */
    enum client_starttls starttls;
    str ca_file, helo;
    bool send; /* false: kept, to be looked at in the inbox */
    uint64_t timeout_ms, retry_ms, give_up_ms, keep_ms;
    str dir;                 /* of the project's templates; need not be there */
    void (*kick)(void *arg); /* a letter was committed; any thread. NULL in a preview */
    void *kick_arg;
};

/* Reads the templates. Borrows all but what it needs for itself, which lives in a. Blocks on files.
 * Fails with CONFIG: file, line and column. */
int mail_new(struct arena *a, const struct mail_config *c, struct mail **out, struct err *err);
/* Why text is no sender, or NULL. */
const char *mail_from_fault(str text);
/* One address as a letter can go to: a@b, no blanks, no control characters, no quotes. */
bool mail_address(str text);

/* The table, for start-up; safe to run again. */
const char *mail_tables(enum db_engine e);

/* ---- writing one ---- */

struct mail_letter {
    enum mail_kind kind;
    str to;
    str link, code, new_email, when, address, provider; /* those that its template may show */
    int64_t minutes;                                    /* that link and code are good */
    int64_t expires_at; /* not sent later, seconds since 1970; 0: any time */
    bool nowhere;       /* takes the same time, and is sent to nobody */
};
/* The statement that puts it into the outbox, for a list of writes: what it is about and the letter
 * are committed together. Lives in a. Fails with INTERNAL, TOOBIG. */
int mail_add(const struct mail *m, struct arena *a, const struct mail_letter *l,
             struct db_write *out, struct err *err);
/* After the commit: the sender looks at once. */
void mail_kick(const struct mail *m);

/* ---- sending ---- */

struct mail_sender {
    const struct mail *mail;
    struct client *client;
    struct db *db;
    const atomic_bool *stop; /* ends a running call, too */
};
/* Sends what is due, one after the other, until nothing is. Several fibers and processes may do so
 * at once. Waits. Fails with DB, BUSY. */
WAITS int mail_send_due(const struct mail_sender *s, struct err *err);
/* Deletes what is over. Waits. */
WAITS int mail_sweep(const struct mail *m, struct db *db, struct err *err);

/* ---- looking at it in development ---- */

/* GET /dev/mail and below, for callers on this machine. */
int mail_inbox_routes(struct router *r, struct arena *a, struct db *db, struct err *err);

#endif
