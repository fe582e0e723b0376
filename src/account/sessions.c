/* sessions.c -- one row a session. Its refresh token is the session's id and a counter under a MAC:
 * using it moves the counter on by one conditional UPDATE, so of two at once one wins. The loser,
 * or a client that never saw the answer, gets the same successor for a few seconds (it is computed,
 * not stored); an older token later than that is a theft, and ends the session.
 * SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include "observe/log.h"

#include <time.h>

enum { SESSIONS_SHOWN = 100, SYNC_MOST = 10000 };

static int invalid(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_refresh_token"), LIT(""),
                      "the refresh token is not valid any more; sign in again");
}

#define STATEMENT(text_, ...)                                                                      \
    (struct stmt)                                                                                  \
    {                                                                                              \
        .text = LIT(text_), .binds = (const struct value[]){__VA_ARGS__},                          \
        .bind_count = sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)           \
    }

static int tokens_for(struct request *rq, const struct accounts *x, const struct account *who,
                      str sid, uint64_t counter, struct tokens *out, struct err *err)
{
    struct ticket t;
    account__ticket(rq, x, who, &t);
    t.sid = sid;
    out->refresh = identity_refresh_make(&rq->arena, x->identity, sid, counter);
    return identity_token(&rq->arena, x->identity, &t, &out->access, err);
}

int session__begin(struct request *rq, const struct accounts *x, const struct account *who,
                   struct tokens *out, struct err *err)
{
    char *sid = arena_new(&rq->arena, SID_TEXT);
    int64_t now = account__now();
    uuid_v4(sid);
    struct value id = value_text(str_make(sid, SID_TEXT));
    struct audit_note note = {AUDIT_SIGNED_IN, who->key, (str){0}, id.text};
    struct db_write w = {
        .st = STATEMENT("INSERT INTO cairn_sessions (id, account, counter, created_at, used_at,"
                        " rotated_at, expires_at, address, agent)"
                        " VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8)",
                        id, value_text(who->key), value_int(now), value_int(now), value_int(now),
                        value_int(now + x->config->refresh_s), value_text(request_peer(rq)),
                        value_text(audit__agent(rq))),
        .arena = &rq->arena,
        .expect = -1};
    TRY(audit__write(rq, x, &w, &note, err));
    return tokens_for(rq, x, who, id.text, 1, out, err);
}

/* ---- refreshing ---- */

enum { S_ACCOUNT, S_COUNTER, S_USED, S_ROTATED, S_EXPIRES, S_REVOKED };

static int read_session(struct request *rq, const struct accounts *x, str sid, struct rows *out,
                        struct err *err)
{
    struct stmt st = STATEMENT("SELECT account, counter, used_at, rotated_at, expires_at,"
                               " coalesce(revoked_at, 0) FROM cairn_sessions WHERE id = $1",
                               value_text(sid));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, out, err));
    return out->count ? 0 : invalid(err);
}

static bool over(const struct accounts *x, const struct value *s, int64_t now)
{
    return s[S_REVOKED].i || s[S_EXPIRES].i <= now ||
           (x->config->idle_s && s[S_USED].i + x->config->idle_s <= now);
}

static void log_theft(const struct request *rq, str sid, str key)
{
    struct log l;
    log_begin(&l, LOG_WARN, "refresh token used again");
    log_str(&l, "request_id", rq->id);
    log_str(&l, "session", sid);
    log_str(&l, "account", key);
    log_end(&l);
}

/* An older token than the session's last one. */
static int old_token(struct request *rq, const struct accounts *x, str sid, uint64_t counter,
                     const struct value *s, struct err *err)
{
    int64_t now = account__now();
    size_t ended;
    bool parent = counter + 1 == (uint64_t)s[S_COUNTER].i;
    if (parent && x->config->reuse_s && now - s[S_ROTATED].i <= x->config->reuse_s)
        return 0;
    log_theft(rq, sid, s[S_ACCOUNT].text);
    struct session_end e = {s[S_ACCOUNT].text, sid, (str){0}, AUDIT_TOKEN_REUSED};
    TRY(session__end(rq, x, &e, &ended, err));
    return invalid(err);
}

/* Moves the counter on, when it still stands where the token says. */
static int rotate(struct request *rq, const struct accounts *x, str sid, uint64_t counter,
                  bool *won, struct err *err)
{
    int64_t now = account__now();
    struct db_write w = {
        .st = STATEMENT("UPDATE cairn_sessions SET counter = counter + 1, used_at = $1,"
                        " rotated_at = $2, address = $3, agent = $4"
                        " WHERE id = $5 AND counter = $6 AND revoked_at IS NULL",
                        value_int(now), value_int(now), value_text(request_peer(rq)),
                        value_text(audit__agent(rq)), value_text(sid), value_int((int64_t)counter)),
        .arena = &rq->arena,
        .expect = -1};
    TRY(audit__write(rq, x, &w, NULL, err));
    *won = w.changes == 1;
    return 0;
}

int session__refresh(struct request *rq, const struct accounts *x, str token, struct tokens *out,
                     struct err *err)
{
    struct rows rows;
    struct account who;
    str sid;
    uint64_t counter;
    bool won = false;
    if (!identity_refresh_read(&rq->arena, x->identity, token, &sid, &counter))
        return invalid(err);
    TRY(read_session(rq, x, sid, &rows, err));
    if (over(x, rows.cells, account__now()) || counter > (uint64_t)rows.cells[S_COUNTER].i)
        return invalid(err);
    if (counter == (uint64_t)rows.cells[S_COUNTER].i)
        TRY(rotate(rq, x, sid, counter, &won, err));
    if (!won) {
        TRY(read_session(rq, x, sid, &rows, err));
        if (over(x, rows.cells, account__now()))
            return invalid(err);
        TRY(old_token(rq, x, sid, counter, rows.cells, err));
    }
    TRY(account__by_key(rq, x, rows.cells[S_ACCOUNT].text, &who, err));
    if (!who.cells)
        return invalid(err);
    return tokens_for(rq, x, &who, sid, counter + 1, out, err);
}

/* ---- ending ---- */

int session__end(struct request *rq, const struct accounts *x, const struct session_end *e,
                 size_t *count, struct err *err)
{
    int64_t now = account__now();
    bool one = e->sid.len != 0;
    const struct value binds[] = {value_int(now), value_text(e->account),
                                  value_text(one           ? e->sid
                                             : e->keep.ptr ? e->keep
                                                           : LIT(""))};
    struct audit_note note = {e->why, e->account, (str){0},
                              one           ? e->sid
                              : e->keep.len ? LIT("all others")
                                            : LIT("all")};
    struct db_write w = {
        .st = {.text = one ? LIT("UPDATE cairn_sessions SET revoked_at = $1 WHERE account = $2"
                                 " AND id = $3 AND revoked_at IS NULL RETURNING id")
                           : LIT("UPDATE cairn_sessions SET revoked_at = $1 WHERE account = $2"
                                 " AND id <> $3 AND revoked_at IS NULL RETURNING id"),
               .binds = binds,
               .bind_count = 3},
        .arena = &rq->arena,
        .expect = -1};
    TRY(audit__write(rq, x, &w, &note, err));
    *count = w.rows.count;
    for (size_t i = 0; i < w.rows.count; i++)
        identity_revoke(x->identity, w.rows.cells[i].text, now);
    return 0;
}

int account_sync(const struct accounts *x, int64_t now, struct err *err)
{
    struct arena a;
    struct rows rows = {0};
    struct stmt st =
        STATEMENT("SELECT id FROM cairn_sessions WHERE revoked_at >= $1", value_int(now - 5));
    arena_init(&a, 4 << 20);
    int code = db_rows(x->db, &st, &a, SYNC_MOST, &rows, err);
    for (size_t i = 0; code == 0 && i < rows.count; i++)
        identity_revoke(x->identity, rows.cells[i].text, now);
    arena_reset(&a);
    return code;
}

/* ---- own sessions ---- */

static void put_time(struct buf *b, int64_t seconds)
{
    static const struct column when = {.type = TYPE_TIMESTAMP};
    char text[40];
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
    struct value v = value_text(str_of(text));
    render_cell(b, &when, &v);
}

static void put_session(struct buf *b, const struct value *row, str current)
{
    static const char *const names[] = {"id",         "created_at", "used_at",
                                        "expires_at", "address",    "agent"};
    buf_char(b, '{');
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        buf_printf(b, "%s\"%s\":", i ? "," : "", names[i]);
        if (row[i].kind == V_INT)
            put_time(b, row[i].i);
        else
            json_value(b, &row[i]);
    }
    buf_printf(b, ",\"current\":%s}", str_eq(row[0].text, current) ? "true" : "false");
}

int session__list(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct rows rows;
    str key, current = rq->signed_in ? signed_in_sid(rq->signed_in) : LIT("");
    TRY(account__me(rq, &key, err));
    struct stmt st = STATEMENT("SELECT id, created_at, used_at, expires_at, address, agent"
                               " FROM cairn_sessions WHERE account = $1 AND revoked_at IS NULL"
                               " AND expires_at > $2 ORDER BY used_at DESC LIMIT 100",
                               value_text(key), value_int(account__now()));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, SESSIONS_SHOWN, &rows, err));
    rq->reply->type = LIT("application/json");
    buf_lit(&rq->reply->body, "{\"data\":[");
    for (size_t i = 0; i < rows.count; i++) {
        if (i)
            buf_char(&rq->reply->body, ',');
        put_session(&rq->reply->body, rows_at(&rows, i, 0), current);
    }
    buf_lit(&rq->reply->body, "]}");
    return 0;
}

int session__remove(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    str key, sid = request_param(rq, LIT("id"));
    size_t ended;
    TRY(account__me(rq, &key, err));
    struct session_end e = {key, sid, (str){0}, AUDIT_SESSIONS_ENDED};
    TRY(session__end(rq, x, &e, &ended, err));
    if (!ended)
        return fail(err, E_NOTFOUND, "session not found");
    rq->reply->status = 204;
    return 0;
}
