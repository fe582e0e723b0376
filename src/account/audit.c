/* audit.c -- security events as rows of cairn_audit, beside the change that they tell of, in its
 * transaction: what happened is there, and what is there happened (OWASP A09).
 * What changed nothing (a wrong password) is written alone; when that fails, the answer stays the
 * same and the log says so.
 * Invariants: (1) No secret, no password, no token in a row. (2) Rows are only added; the sweep
 * takes those older than auth.audit_keep.
 * Not here: changes of the project's own tables. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include "observe/log.h"

#include <time.h>

enum { AGENT_MOST = 200, LOGIN_MOST = 200, SWEPT_MOST = 1000 };

static const char *const names[] = {
#define X(id, name, what) name,
#include "account/audit.def"
#undef X
};

const char *audit_name(size_t event)
{
    return event < COUNT_OF(names) ? names[event] : NULL;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What a client says of itself is text of any bytes. */
static str clean(str s, size_t most)
{
    s = str_upto(s, most);
    while (s.len && !str_utf8(s)) /* a character that was cut */
        s.len--;
    return s.ptr && str_find(s, '\0') == STR_NONE ? s : LIT("");
}

str audit__agent(const struct request *rq)
{
    return clean(request_header(rq, LIT("User-Agent")), AGENT_MOST);
}

bool audit__add(struct request *rq, const struct accounts *x, const struct audit_note *n,
                struct db_write *out)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 9);
    char *id = arena_new(&rq->arena, 36);
    if (!x->config->audit)
        return false;
    uuid_v7(id); /* in their order, also within a millisecond */
    v[0] = value_text(str_make(id, 36));
    v[1] = value_int(now_ms());
    v[2] = value_text(str_of(names[n->event]));
    v[3] = value_text(n->account.ptr ? n->account : LIT(""));
    v[4] = value_text(clean(n->login, LOGIN_MOST));
    v[5] = value_text(account__client(x, rq, false));
    v[6] = value_text(audit__agent(rq));
    v[7] = value_text(rq->id);
    v[8] = value_text(n->detail.ptr ? n->detail : LIT(""));
    *out = (struct db_write){
        .st = {.text = LIT("INSERT INTO cairn_audit (id, at, event, account, login, address, agent,"
                           " request_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
               .binds = v,
               .bind_count = 9,
               .writes = true},
        .arena = &rq->arena,
        .expect = -1};
    return true;
}

bool account_mfa_note(struct arena *a, const struct accounts *x, str account, str login,
                      struct stmt *out)
{
    struct value *v = ARENA_ARRAY(a, struct value, 6);
    char *id = arena_new(a, 36);
    uuid_v7(id);
    v[0] = value_text(str_make(id, 36));
    v[1] = value_int(now_ms());
    v[2] = value_text(str_of(names[AUDIT_MFA_REMOVED]));
    v[3] = value_text(account);
    v[4] = value_text(clean(login, LOGIN_MOST));
    v[5] = value_text(LIT("by cairn account"));
    *out = (struct stmt){.text = LIT("INSERT INTO cairn_audit (id, at, event, account, login,"
                                     " address, agent, request_id, detail)"
                                     " VALUES ($1, $2, $3, $4, $5, '', '', '', $6)"),
                         .binds = v,
                         .bind_count = 6,
                         .writes = true};
    return x->config->audit;
}

int audit__write(struct request *rq, const struct accounts *x, struct db_write *change,
                 const struct audit_note *n, struct err *err)
{
    struct db_write list[2] = {*change};
    size_t count = n && audit__add(rq, x, n, &list[1]) ? 2 : 1;
    list[0].st.writes = true;
    rq->statements += (unsigned)count;
    TRY(db_write(x->db, list, count, NULL, err));
    change->rows = list[0].rows;
    change->changes = list[0].changes;
    return 0;
}

void writes__note(struct writes *w, struct request *rq, const struct accounts *x,
                  const struct audit_note *n)
{
    BUG_ON(w->count == WRITES_MOST);
    if (audit__add(rq, x, n, &w->list[w->count]))
        w->count++;
}

int writes__run(struct writes *w, struct request *rq, const struct accounts *x, struct err *err)
{
    BUG_ON(w->count > WRITES_MOST);
    for (size_t i = 0; i < w->count; i++)
        w->list[i].st.writes = true;
    rq->statements += (unsigned)w->count;
    return db_write(x->db, w->list, w->count, NULL, err);
}

void audit__alone(struct request *rq, const struct accounts *x, const struct audit_note *n)
{
    struct db_write w;
    struct err err = {0};
    if (!audit__add(rq, x, n, &w))
        return;
    rq->statements++;
    if (db_write(x->db, &w, 1, NULL, &err) < 0)
        log_event_str(LOG_WARN, "a security event is not in cairn_audit", "error",
                      str_of(err.text));
}

int audit_sweep(const struct accounts *x, struct err *err)
{
    struct arena a;
    const struct value binds[] = {value_int(now_ms() - x->config->audit_keep_ms),
                                  value_int(SWEPT_MOST)};
    arena_init(&a, 1 << 16);
    struct db_write w = {.st = {.text = LIT("DELETE FROM cairn_audit WHERE id IN (SELECT id FROM "
                                            "cairn_audit WHERE at < $1 ORDER BY at LIMIT $2)"),
                                .binds = binds,
                                .bind_count = 2,
                                .writes = true},
                         .arena = &a,
                         .expect = -1};
    int code = db_write(x->db, &w, 1, NULL, err);
    arena_reset(&a);
    return code;
}
