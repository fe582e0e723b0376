/* outbox.c -- the table of letters, and the fiber that sends them. SPDX: Apache-2.0
 *
 *   QUEUED --claim--> QUEUED, due when the claim is over --taken by the server--> SENT
 *      ^                  |-- not reached, or "come again" --> QUEUED, due later
 *      '------------------'-- refused for good, or too old --> FAILED
 *   KEPT: development; nobody sends it. VOID: was never meant for anybody.
 *
 * Invariants: (1) A letter is claimed by one conditional UPDATE, so of several fibers and processes
 * one sends it. (2) What is known of it changes only as long as the claim is ours. (3) A process
 * that dies between the server's word and ours leaves the claim to run out: at least once, with the
 * same Message-ID. (4) What was sent or given up keeps no body: there are tokens in it. */
#include "mail/mail_priv.h"

#include "observe/log.h"
#include "observe/metrics.h"

#include <time.h>

enum { LOOK_MOST = 8, MEMORY = 64 << 20, MESSAGE_MOST = 8 << 20, ERROR_MOST = 200, MS = 1000 };

static const char tables_lite[] =
    "CREATE TABLE IF NOT EXISTS cairn_mail (id TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL,"
    " recipient TEXT NOT NULL, subject TEXT NOT NULL, plain TEXT NOT NULL, html TEXT NOT NULL,"
    " state TEXT NOT NULL, tries INTEGER NOT NULL, due_at INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, done_at INTEGER NOT NULL,"
    " error TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_mail_due ON cairn_mail (due_at) WHERE state = 'queued';"
    "CREATE INDEX IF NOT EXISTS cairn_mail_created ON cairn_mail (created_at);";
static const char tables_postgres[] =
    "CREATE TABLE IF NOT EXISTS cairn_mail (id text PRIMARY KEY, kind text NOT NULL,"
    " recipient text NOT NULL, subject text NOT NULL, plain text NOT NULL, html text NOT NULL,"
    " state text NOT NULL, tries bigint NOT NULL, due_at bigint NOT NULL,"
    " created_at bigint NOT NULL, expires_at bigint NOT NULL, done_at bigint NOT NULL,"
    " error text NOT NULL);"
    "CREATE INDEX IF NOT EXISTS cairn_mail_due ON cairn_mail (due_at) WHERE state = 'queued';"
    "CREATE INDEX IF NOT EXISTS cairn_mail_created ON cairn_mail (created_at);";

const char *mail_tables(enum db_engine e)
{
    return e == DB_SQLITE ? tables_lite : tables_postgres;
}

/* Times are milliseconds since 1970. */
static int64_t now_ms(void)
{
    return clock_wall_us() / MS;
}

void outbox__add(struct arena *a, const struct mail_row *r, const char *state, struct db_write *out)
{
    enum { BINDS = 9 };
    struct value *v = ARENA_ARRAY(a, struct value, BINDS);
    v[0] = value_text(r->id);
    v[1] = value_text(r->kind);
    v[2] = value_text(r->to);
    v[3] = value_text(r->subject);
    v[4] = value_text(r->plain);
    v[5] = value_text(r->html);
    v[6] = value_text(str_of(state));
    v[7] = value_int(now_ms());
    v[8] = value_int(r->expires_at * MS);
    *out = (struct db_write){
        .st = {.text = LIT("INSERT INTO cairn_mail (id, kind, recipient, subject, plain, html,"
                           " state, tries, due_at, created_at, expires_at, done_at, error)"
                           " VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9, 0, '')"),
               .binds = v,
               .bind_count = BINDS,
               .writes = true},
        .arena = a,
        .expect = 1};
}

/* ---- sending ---- */

struct sending {
    const struct mail_sender *s;
    struct arena arena;
    int64_t claimed_until;
};

WAITS static int write_one(struct sending *x, str text, const struct value *binds, size_t count,
                           int64_t *changes, struct err *err)
{
    struct db_write w = {.st = {.text = text, .binds = binds, .bind_count = count, .writes = true},
                         .arena = &x->arena,
                         .expect = -1};
    TRY(db_write(x->s->db, &w, 1, NULL, err));
    *changes = w.changes;
    return 0;
}

WAITS static int due(struct sending *x, struct rows *out, struct err *err)
{
    const struct value now = value_int(now_ms());
    const struct stmt st = {.text = LIT("SELECT id, kind, recipient, subject, plain, html, tries,"
                                        " due_at, created_at, expires_at FROM cairn_mail"
                                        " WHERE state = 'queued' AND due_at <= $1"
                                        " ORDER BY due_at LIMIT 8"),
                            .binds = &now,
                            .bind_count = 1,
                            .most = LOOK_MOST};
    return db_rows(x->s->db, &st, &x->arena, LOOK_MOST, out, err);
}

static struct mail_row row_of(const struct value *v)
{
    return (struct mail_row){.id = v[0].text,
                             .kind = v[1].text,
                             .to = v[2].text,
                             .subject = v[3].text,
                             .plain = v[4].text,
                             .html = v[5].text,
                             .tries = v[6].i,
                             .due_at = v[7].i,
                             .created_at = v[8].i,
                             .expires_at = v[9].i};
}

/* As long as the longest call can take, and then some. */
WAITS static int claim(struct sending *x, const struct mail_row *r, bool *ours, struct err *err)
{
    enum { MARGIN_MS = 30000 };
    int64_t changes = 0;
    x->claimed_until = now_ms() + (int64_t)x->s->mail->config->timeout_ms + MARGIN_MS;
    const struct value binds[] = {value_int(x->claimed_until), value_text(r->id),
                                  value_int(r->due_at)};
    TRY(write_one(x,
                  LIT("UPDATE cairn_mail SET due_at = $1, tries = tries + 1 WHERE id = $2"
                      " AND due_at = $3 AND state = 'queued'"),
                  binds, COUNT_OF(binds), &changes, err));
    *ours = changes == 1;
    return 0;
}

WAITS static int over(struct sending *x, const struct mail_row *r, const char *state, str why,
                      struct err *err)
{
    int64_t changes;
    const struct value binds[] = {value_text(str_of(state)), value_int(now_ms()), value_text(why),
                                  value_text(r->id), value_int(x->claimed_until)};
    return write_one(x,
                     LIT("UPDATE cairn_mail SET state = $1, done_at = $2, error = $3, plain = '',"
                         " html = '' WHERE id = $4 AND due_at = $5 AND state = 'queued'"),
                     binds, COUNT_OF(binds), &changes, err);
}

WAITS static int later(struct sending *x, const struct mail_row *r, int64_t due_at, bool counts,
                       str why, struct err *err)
{
    int64_t changes;
    const struct value binds[] = {value_int(due_at), value_int(counts ? 0 : 1), value_text(why),
                                  value_text(r->id), value_int(x->claimed_until)};
    return write_one(x,
                     LIT("UPDATE cairn_mail SET due_at = $1, tries = tries - $2, error = $3"
                         " WHERE id = $4 AND due_at = $5 AND state = 'queued'"),
                     binds, COUNT_OF(binds), &changes, err);
}

static void tell(enum log_level level, const char *what, const struct mail_row *r, str why)
{
    struct log l;
    log_begin(&l, level, what);
    log_str(&l, "mail", r->id);
    log_str(&l, "kind", r->kind);
    log_int(&l, "tries", r->tries + 1);
    if (why.len)
        log_str(&l, "error", why);
    log_end(&l);
}

/* Of the reply codes in 5xx, those that tell of our settings, not of the letter: somebody will mend
 * them. */
static bool for_good(int status)
{
    return status >= 500 && status != 530 && status != 534 && status != 535 && status != 538;
}

/* Twice as long after each try, an hour at most, with chance in it. */
static int64_t pause_ms(const struct mail *m, const struct mail_row *r)
{
    enum { DOUBLINGS_MOST = 12, HOUR_MS = 3600000 };
    int64_t n = r->tries < DOUBLINGS_MOST ? r->tries : DOUBLINGS_MOST;
    int64_t pause = (int64_t)m->config->retry_ms << n;
    pause = pause < HOUR_MS ? pause : HOUR_MS;
    return pause - pause / 5 + (int64_t)(clock_ns() % (uint64_t)(pause / 5 + 1));
}

WAITS static int call(struct sending *x, const struct mail_row *r, int *status, struct err *err)
{
    const struct mail *m = x->s->mail;
    struct buf message;
    buf_init(&message, MESSAGE_MOST);
    struct mail_row shown = *r;
    shown.created_at /= MS;
    message__put(&message, m, &shown);
    struct client_mail c = {.url = m->config->url,
                            .user = m->config->user,
                            .password = m->config->password,
                            .starttls = m->config->starttls,
                            .ca_file = m->config->ca_file,
                            .helo = m->config->helo,
                            .from = m->from_address,
                            .to = &r->to,
                            .to_count = 1,
                            .message = buf_view(&message),
                            .timeout_ms = m->config->timeout_ms,
                            .stop = x->s->stop};
    int code = message.full ? fail(err, E_DENIED, "the letter is too large")
                            : client_mail(x->s->client, &c, err);
    *status = message.full ? 552 : c.status;
    buf_fini(&message);
    return code;
}

WAITS static int not_sent(struct sending *x, const struct mail_row *r, int status, str why,
                          struct err *err)
{
    const struct mail *m = x->s->mail;
    int64_t now = now_ms();
    if (atomic_load(x->s->stop)) /* it was us: not a try */
        return later(x, r, now, false, LIT(""), err);
    if (for_good(status) || now - r->created_at > (int64_t)m->config->give_up_ms) {
        metrics_add(METRICS_MAIL_FAILED, 1);
        tell(LOG_ERROR, "mail given up", r, why);
        return over(x, r, "failed", why, err);
    }
    metrics_add(METRICS_MAIL_AGAIN, 1);
    tell(LOG_WARN, "mail not sent yet", r, why);
    return later(x, r, now + pause_ms(m, r), true, why, err);
}

WAITS static int send_one(struct sending *x, const struct mail_row *r, struct err *err)
{
    struct err why = {0};
    int status;
    bool ours;
    TRY(claim(x, r, &ours, err));
    if (!ours)
        return 0;
    if (r->expires_at && r->expires_at <= now_ms()) {
        metrics_add(METRICS_MAIL_FAILED, 1);
        tell(LOG_WARN, "mail given up", r, LIT("what it says is not true any more"));
        return over(x, r, "failed", LIT("expired"), err);
    }
    if (call(x, r, &status, &why) < 0)
        return not_sent(x, r, status, str_upto(str_of(why.text), ERROR_MOST), err);
    metrics_add(METRICS_MAIL_SENT, 1);
    tell(LOG_INFO, "mail sent", r, LIT(""));
    return over(x, r, "sent", LIT(""), err);
}

/* *more: perhaps there are others. */
WAITS static int send_some(struct sending *x, bool *more, struct err *err)
{
    struct rows rows = {0};
    TRY(due(x, &rows, err));
    *more = rows.count == LOOK_MOST;
    for (size_t i = 0; i < rows.count && !atomic_load(x->s->stop); i++) {
        struct mail_row r = row_of(rows_at(&rows, i, 0));
        TRY(send_one(x, &r, err));
    }
    return 0;
}

int mail_send_due(const struct mail_sender *s, struct err *err)
{
    bool more = true;
    int code = 0;
    while (more && code == 0 && !atomic_load(s->stop)) {
        struct sending x = {.s = s};
        arena_init(&x.arena, MEMORY);
        code = send_some(&x, &more, err);
        arena_reset(&x.arena);
    }
    return code;
}

/* ---- deleting ---- */

int mail_sweep(const struct mail *m, struct db *db, struct err *err)
{
    enum { VOID_MS = 60000, KEPT_MS = 86400000, ROWS = 500, TURNS = 100 };
    struct arena a;
    int code = 0;
    int64_t now = now_ms();
    const struct value binds[] = {value_int(now - (int64_t)m->config->keep_ms),
                                  value_int(now - VOID_MS), value_int(now - KEPT_MS)};
    struct db_write w = {
        .st = {.text = LIT("DELETE FROM cairn_mail WHERE id IN (SELECT id FROM cairn_mail WHERE"
                           " (created_at < $1 AND state IN ('sent', 'failed')) OR"
                           " (created_at < $2 AND state = 'void') OR"
                           " (created_at < $3 AND state = 'kept') ORDER BY created_at LIMIT 500)"),
               .binds = binds,
               .bind_count = COUNT_OF(binds),
               .writes = true},
        .expect = -1};
    arena_init(&a, MEMORY);
    w.arena = &a;
    w.changes = ROWS;
    for (int turn = 0; turn < TURNS && code == 0 && w.changes == ROWS; turn++)
        code = db_write(db, &w, 1, NULL, err);
    arena_reset(&a);
    return code;
}
