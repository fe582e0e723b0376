/* session_rows.c -- sessions as rows of cairn_sessions. One that ended stays as a row, so that
 * other processes learn of it. SPDX: Apache-2.0 */
#include "account/account_priv.h"

int account__write(struct request *rq, const struct accounts *x, struct stmt st, int64_t *changes,
                   const struct audit_note *note, struct err *err)
{
    struct db_write w = {.st = st, .arena = &rq->arena, .expect = -1};
    TRY(audit__write(rq, x, &w, note, err));
    if (changes)
        *changes = w.changes;
    return 0;
}

#define COLUMNS "id, account, address, agent, counter, created_at, used_at, rotated_at, expires_at"

static struct session session_of(const struct value *row)
{
    return (struct session){.id = row[0].text,
                            .account = row[1].text,
                            .address = row[2].text,
                            .agent = row[3].text,
                            .counter = row[4].i,
                            .created = row[5].i,
                            .used = row[6].i,
                            .rotated = row[7].i,
                            .expires = row[8].i};
}

WAITS static int rows_add(struct request *rq, const struct accounts *x, const struct session *s,
                          const struct audit_note *note, struct err *err)
{
    return account__write(
        rq, x,
        STATEMENT("INSERT INTO cairn_sessions (" COLUMNS ")"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  value_text(s->id), value_text(s->account), value_text(s->address),
                  value_text(s->agent), value_int(s->counter), value_int(s->created),
                  value_int(s->used), value_int(s->rotated), value_int(s->expires)),
        NULL, note, err);
}

WAITS static int rows_find(struct request *rq, const struct accounts *x, str sid,
                           struct session *out, struct err *err)
{
    struct rows rows;
    struct stmt st = STATEMENT("SELECT " COLUMNS " FROM cairn_sessions"
                               " WHERE id = $1 AND revoked_at IS NULL",
                               value_text(sid));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    *out = rows.count ? session_of(rows.cells) : (struct session){0};
    return 0;
}

WAITS static int rows_rotate(struct request *rq, const struct accounts *x,
                             const struct session *next, bool *won, struct err *err)
{
    int64_t changes = 0;
    TRY(account__write(rq, x,
                       STATEMENT("UPDATE cairn_sessions SET counter = counter + 1, used_at = $1,"
                                 " rotated_at = $2, address = $3, agent = $4"
                                 " WHERE id = $5 AND counter = $6 AND revoked_at IS NULL",
                                 value_int(next->used), value_int(next->rotated),
                                 value_text(next->address), value_text(next->agent),
                                 value_text(next->id), value_int(next->counter - 1)),
                       &changes, NULL, err));
    *won = changes == 1;
    return 0;
}

WAITS static int rows_touch(struct request *rq, const struct accounts *x, str sid, int64_t now,
                            struct err *err)
{
    return account__write(rq, x,
                          STATEMENT("UPDATE cairn_sessions SET used_at = $1 WHERE id = $2"
                                    " AND revoked_at IS NULL",
                                    value_int(now), value_text(sid)),
                          NULL, NULL, err);
}

WAITS static int rows_list(struct request *rq, const struct accounts *x, str account,
                           struct session **out, size_t *count, struct err *err)
{
    struct rows rows;
    struct stmt st = STATEMENT("SELECT " COLUMNS " FROM cairn_sessions WHERE account = $1"
                               " AND revoked_at IS NULL ORDER BY used_at DESC LIMIT 10000",
                               value_text(account));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, SESSIONS_ENDED, &rows, err));
    *out = ARENA_ARRAY(&rq->arena, struct session, rows.count);
    *count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*out)[i] = session_of(rows_at(&rows, i, 0));
    return 0;
}

static str *ids_of(struct arena *a, const struct rows *rows, size_t *count)
{
    str *list = ARENA_ARRAY(a, str, rows->count);
    *count = rows->count;
    for (size_t i = 0; i < rows->count; i++)
        list[i] = rows->cells[i].text;
    return list;
}

WAITS static int rows_end(struct request *rq, const struct accounts *x, const struct session_end *e,
                          int64_t now, str **ids, size_t *count, struct err *err)
{
    bool one = e->sid.len != 0;
    const struct value binds[] = {value_int(now), value_text(e->account),
                                  value_text(one           ? e->sid
                                             : e->keep.ptr ? e->keep
                                                           : LIT(""))};
    struct audit_note note = session__note(e);
    struct db_write w = {
        .st = {.text = one ? LIT("UPDATE cairn_sessions SET revoked_at = $1 WHERE account = $2"
                                 " AND id = $3 AND revoked_at IS NULL RETURNING id")
                           : LIT("UPDATE cairn_sessions SET revoked_at = $1 WHERE account = $2"
                                 " AND id <> $3 AND revoked_at IS NULL RETURNING id"),
               .binds = binds,
               .bind_count = COUNT_OF(binds)},
        .arena = &rq->arena,
        .expect = one ? 1 : -1}; /* what is not there has not ended: no note either */
    int code = audit__write(rq, x, &w, &note, err);
    if (code == E_NOTFOUND) {
        *err = (struct err){0};
        return 0;
    }
    TRY(code);
    *ids = ids_of(&rq->arena, &w.rows, count);
    return 0;
}

WAITS static int rows_sync(const struct accounts *x, int64_t since, int64_t now, struct err *err)
{
    return account_sync_rows(x, LIT("SELECT id, revoked_at FROM cairn_sessions" ACCOUNT_ENDED),
                             since, now, err);
}

int account_sweep(const struct accounts *x, int64_t now, struct err *err)
{
    enum { KEEP_SECONDS = 2 * 86400, MOST = 1000 };
    struct arena a;
    const struct value binds[] = {value_int(now - KEEP_SECONDS), value_int(MOST)};
    arena_init(&a, 1 << 16);
    struct db_write w = {
        .st = {.text = LIT("DELETE FROM cairn_sessions WHERE id IN (SELECT id FROM "
                           "cairn_sessions WHERE expires_at < $1 LIMIT $2)"),
               .binds = binds,
               .bind_count = COUNT_OF(binds),
               .writes = true},
        .arena = &a,
        .expect = -1};
    int code = db_write(x->db, &w, 1, NULL, err);
    arena_reset(&a);
    return code;
}

const struct session_ops session_rows = {.name = "database",
                                         .add = rows_add,
                                         .find = rows_find,
                                         .rotate = rows_rotate,
                                         .touch = rows_touch,
                                         .list = rows_list,
                                         .end = rows_end,
                                         .sync = rows_sync};
