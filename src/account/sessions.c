/* sessions.c -- signed in, by tokens or by a cookie. A refresh token is the session's id and a
 * counter under a MAC: using it moves the counter on by one conditional UPDATE, so of two at once
 * one wins. The loser, or a client that never saw the answer, gets the same successor for a few
 * seconds (it is computed, not stored); an older token later than that is a theft, and ends the
 * session. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include "observe/log.h"

#include <time.h>

enum { SYNC_SLACK = 5 };

static const struct session_ops *ops_of(const struct accounts *x)
{
    return x->config->redis ? &session_redis : &session_rows;
}

static int invalid(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_refresh_token"), LIT(""),
                      "the refresh token is not valid any more; sign in again");
}

/* ---- beginning ---- */

WAITS static int tokens_for(struct request *rq, const struct accounts *x, const struct account *who,
                            str sid, uint64_t counter, struct tokens *out, struct err *err)
{
    struct ticket t;
    TRY(account__ticket(rq, x, who, &t, err));
    t.sid = sid;
    out->refresh = identity_seal(&rq->arena, x->identity, SEALED_REFRESH, sid, counter);
    return identity_token(&rq->arena, x->identity, &t, &out->access, err);
}

static int begin(struct request *rq, const struct accounts *x, const struct account *who,
                 int64_t counter, struct session *out, struct err *err)
{
    char *sid = arena_new(&rq->arena, SID_TEXT);
    int64_t now = account__now();
    uuid_v4(sid);
    *out = (struct session){.id = str_make(sid, SID_TEXT),
                            .account = who->key,
                            .address = account__client(x, rq, false),
                            .agent = audit__agent(rq),
                            .counter = counter,
                            .created = now,
                            .used = now,
                            .rotated = now,
                            .expires = now + x->config->refresh_s};
    struct audit_note note = {AUDIT_SIGNED_IN, who->key, (str){0}, out->id};
    return ops_of(x)->add(rq, x, out, &note, err);
}

int session__begin(struct request *rq, const struct accounts *x, const struct account *who,
                   struct tokens *out, struct err *err)
{
    struct session s;
    TRY(begin(rq, x, who, 1, &s, err));
    return tokens_for(rq, x, who, s.id, 1, out, err);
}

int session__begin_cookie(struct request *rq, const struct accounts *x, const struct account *who,
                          struct session *out, struct err *err)
{
    return begin(rq, x, who, 0, out, err);
}

/* ---- a session that is there ---- */

static bool over(const struct accounts *x, const struct session *s, int64_t now)
{
    return !s->id.len || s->expires <= now ||
           (x->config->idle_s && s->used + x->config->idle_s <= now);
}

int64_t session__pause(const struct accounts *x, int64_t most)
{
    int64_t part = x->config->idle_s / 4;
    return x->config->idle_s && part < most ? part : most;
}

int session__live(struct request *rq, const struct accounts *x, str sid, int64_t now,
                  struct session *out, struct err *err)
{
    enum { TOUCH_SECONDS = 60 };
    struct err why = {0};
    TRY(ops_of(x)->find(rq, x, sid, out, err));
    if (over(x, out, now)) {
        *out = (struct session){0};
        return 0;
    }
    if (out->used + session__pause(x, TOUCH_SECONDS) > now)
        return 0;
    out->used = now;
    if (ops_of(x)->touch(rq, x, sid, now, &why) == E_CANCELLED) {
        *err = why;
        return err->code;
    }
    return 0; /* that it was used can also be written down the next time */
}

/* ---- refreshing ---- */

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
WAITS static int old_token(struct request *rq, const struct accounts *x, const struct session *s,
                           uint64_t counter, struct err *err)
{
    size_t ended;
    bool parent = counter + 1 == (uint64_t)s->counter;
    if (parent && x->config->reuse_s && account__now() - s->rotated <= x->config->reuse_s)
        return 0;
    log_theft(rq, s->id, s->account);
    struct session_end e = {s->account, s->id, (str){0}, AUDIT_TOKEN_REUSED};
    TRY(session__end(rq, x, &e, &ended, err));
    return invalid(err);
}

/* Moves the counter on, when it still stands where the token says. */
static int rotate(struct request *rq, const struct accounts *x, const struct session *s, bool *won,
                  struct err *err)
{
    struct session next = *s;
    next.counter++;
    next.used = next.rotated = account__now();
    next.address = account__client(x, rq, false);
    next.agent = audit__agent(rq);
    return ops_of(x)->rotate(rq, x, &next, won, err);
}

static int find_token(struct request *rq, const struct accounts *x, str sid, struct session *out,
                      struct err *err)
{
    TRY(ops_of(x)->find(rq, x, sid, out, err));
    return over(x, out, account__now()) || !out->counter ? invalid(err) : 0;
}

int session__refresh(struct request *rq, const struct accounts *x, str token, struct tokens *out,
                     struct err *err)
{
    struct session s;
    struct account who;
    str sid;
    uint64_t counter;
    bool won = false;
    if (!identity_unseal(&rq->arena, x->identity, SEALED_REFRESH, token, &sid, &counter))
        return invalid(err);
    TRY(find_token(rq, x, sid, &s, err));
    if (counter > (uint64_t)s.counter)
        return invalid(err);
    if (counter == (uint64_t)s.counter)
        TRY(rotate(rq, x, &s, &won, err));
    if (!won) {
        TRY(find_token(rq, x, sid, &s, err));
        TRY(old_token(rq, x, &s, counter, err));
    }
    TRY(account__by_key(rq, x, s.account, &who, err));
    if (!who.cells || !account__verified(x, &who))
        return invalid(err);
    TRY(mfa__has(rq, x, who.key, err));
    return tokens_for(rq, x, &who, sid, counter + 1, out, err);
}

/* ---- ending ---- */

struct audit_note session__note(const struct session_end *e)
{
    return (struct audit_note){e->why, e->account, (str){0},
                               e->sid.len    ? e->sid
                               : e->keep.len ? LIT("all others")
                                             : LIT("all")};
}

int session__end(struct request *rq, const struct accounts *x, const struct session_end *e,
                 size_t *count, struct err *err)
{
    int64_t now = account__now();
    str *ids;
    *count = 0;
    TRY(ops_of(x)->end(rq, x, e, now, &ids, count, err));
    for (size_t i = 0; i < *count; i++)
        identity_revoke(x->identity, ids[i], now);
    return 0;
}

int account_sync_rows(const struct accounts *x, str text, int64_t since, int64_t now,
                      struct err *err)
{
    enum { PAGE = 1000 };
    struct arena a;
    struct rows rows = {0};
    char last[SID_TEXT];
    str after = LIT("");
    int code;
    do {
        const struct value binds[] = {value_int(since), value_text(after)};
        struct stmt st = {.text = text, .binds = binds, .bind_count = COUNT_OF(binds)};
        arena_init(&a, 1 << 20);
        code = db_rows(x->db, &st, &a, PAGE, &rows, err);
        for (size_t i = 0; code == 0 && i < rows.count; i++) {
            const struct value *row = rows_at(&rows, i, 0);
            identity_revoke(x->identity, row[0].text, now);
            since = row[1].i;
            after = str_make(last, str_upto(row[0].text, sizeof last).len);
            memcpy(last, row[0].text.ptr, after.len);
        }
        arena_reset(&a);
    } while (code == 0 && rows.count == PAGE);
    return code;
}

int account_sync(const struct accounts *x, int64_t now, struct err *err)
{
    int64_t since = identity_synced(x->identity, now) - SYNC_SLACK;
    TRY(ops_of(x)->sync(x, since, now, err));
    if (x->config->keys)
        TRY(account_sync_rows(x, LIT("SELECT id, revoked_at FROM cairn_keys" ACCOUNT_ENDED), since,
                              now, err));
    identity_sync_done(x->identity, now);
    return 0;
}

int account_recall(struct db_admin *admin, struct identity *i, int64_t now, struct err *err)
{
    struct arena a;
    struct rows rows = {0};
    struct value since = value_int(identity_synced(i, now) - SYNC_SLACK);
    struct stmt st = {.text = LIT("SELECT id FROM cairn_sessions WHERE revoked_at >= $1 UNION ALL"
                                  " SELECT id FROM cairn_keys WHERE revoked_at >= $1"),
                      .binds = &since,
                      .bind_count = 1};
    arena_init(&a, 64 << 20);
    int code = db_admin_run(admin, &st, &a, &rows, err);
    for (size_t k = 0; code == 0 && k < rows.count; k++)
        identity_revoke(i, rows.cells[k].text, now);
    arena_reset(&a);
    return code;
}

/* ---- own sessions ---- */

void account__time(struct buf *b, int64_t seconds)
{
    static const struct column when = {.type = TYPE_TIMESTAMP};
    char text[40];
    time_t t = (time_t)seconds;
    struct tm tm;
    struct value v = value_null();
    if (seconds) {
        gmtime_r(&t, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
        v = value_text(str_of(text));
    }
    render_cell(b, &when, &v);
}

static void put_session(struct request *rq, const struct session *s, str current)
{
    struct buf *b = &rq->reply->body;
    buf_lit(b, "{\"id\":");
    json_text(b, s->id);
    buf_printf(b, ",\"kind\":\"%s\",\"created_at\":", s->counter ? "token" : "cookie");
    account__time(b, s->created);
    buf_lit(b, ",\"used_at\":");
    account__time(b, s->used);
    buf_lit(b, ",\"expires_at\":");
    account__time(b, s->expires);
    buf_lit(b, ",\"address\":");
    json_text(b, s->address);
    buf_lit(b, ",\"device\":");
    json_text(b, device_name(&rq->arena, s->agent));
    buf_lit(b, ",\"agent\":");
    json_text(b, s->agent);
    buf_printf(b, ",\"current\":%s}", str_eq(s->id, current) ? "true" : "false");
}

int session__list(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct session *list;
    size_t count, shown = 0;
    int64_t now = account__now();
    str key, current = rq->signed_in ? signed_in_sid(rq->signed_in) : LIT("");
    TRY(account__me(rq, &key, err));
    TRY(ops_of(x)->list(rq, x, key, &list, &count, err));
    rq->reply->type = LIT("application/json");
    buf_lit(&rq->reply->body, "{\"data\":[");
    for (size_t i = 0; i < count && shown < SESSIONS_SHOWN; i++) {
        if (over(x, &list[i], now))
            continue;
        if (shown++)
            buf_char(&rq->reply->body, ',');
        put_session(rq, &list[i], current);
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
    if (str_eq(sid, signed_in_sid(rq->signed_in)) && signed_in_by(rq->signed_in) == BY_COOKIE)
        cookie__clear(rq, x);
    rq->reply->status = 204;
    return 0;
}
