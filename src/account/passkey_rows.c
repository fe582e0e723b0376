/* passkey_rows.c -- passkeys as rows of cairn_passkeys: public keys, of no use to who copies them.
 * Invariants: (1) A counter never goes back, and an answer to a challenge counts once: the same
 * statement that writes the use down refuses both. SPDX: Apache-2.0 */
#include "account/account_priv.h"

int passkey__all_of(struct request *rq, const struct accounts *x, str account, struct rows *out,
                    struct err *err)
{
    struct stmt st = STATEMENT("SELECT id, name, created_at, used_at FROM cairn_passkeys"
                               " WHERE account = $1 ORDER BY created_at, id LIMIT 1000",
                               value_text(account));
    rq->statements++;
    return db_rows(x->db, &st, &rq->arena, SESSIONS_ENDED, out, err);
}

int passkey__find(struct request *rq, const struct accounts *x, str id, struct passkey *out,
                  struct err *err)
{
    struct rows rows;
    struct stmt st =
        STATEMENT("SELECT account, key FROM cairn_passkeys WHERE id = $1", value_text(id));
    *out = (struct passkey){0};
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    if (rows.count)
        *out = (struct passkey){.id = id, .account = rows.cells[0].text, .key = rows.cells[1].text};
    return 0;
}

int passkey__add(struct request *rq, const struct accounts *x, const struct passkey *p,
                 struct err *err)
{
    struct audit_note note = {
        .event = AUDIT_PASSKEY_ADDED, .account = p->account, .detail = str_upto(p->id, 100)};
    int code = account__write(
        rq, x,
        STATEMENT("INSERT INTO cairn_passkeys (id, account, name, key, counter, created_at,"
                  " used_at, used_state) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)",
                  value_text(p->id), value_text(p->account), value_text(p->name),
                  value_text(p->key), value_int(p->counter), value_int(account__now())),
        NULL, &note, err);
    if (code == E_UNIQUE)
        return fail_field(err, E_UNIQUE, LIT("unique"), LIT("credential"),
                          "this passkey is known already");
    return code;
}

int passkey__use(struct request *rq, const struct accounts *x, const struct passkey *p,
                 int64_t state, bool *won, struct err *err)
{
    int64_t changes = 0;
    TRY(account__write(rq, x,
                       STATEMENT("UPDATE cairn_passkeys SET counter = $1, used_at = $2,"
                                 " used_state = $3 WHERE id = $4 AND used_state < $3"
                                 " AND (counter < $1 OR (counter = 0 AND $1 = 0))",
                                 value_int(p->counter), value_int(account__now()), value_int(state),
                                 value_text(p->id)),
                       &changes, NULL, err));
    *won = changes == 1;
    return 0;
}

int passkey__end(struct request *rq, const struct accounts *x, str account, str id, bool *ended,
                 struct err *err)
{
    int64_t changes = 0;
    TRY(account__write(rq, x,
                       STATEMENT("DELETE FROM cairn_passkeys WHERE id = $1 AND account = $2",
                                 value_text(id), value_text(account)),
                       &changes, NULL, err));
    *ended = changes == 1;
    if (*ended)
        audit__alone(rq, x,
                     &(struct audit_note){.event = AUDIT_PASSKEY_REMOVED,
                                          .account = account,
                                          .detail = str_upto(id, 100)});
    return 0;
}

struct db_write passkey__end_all(struct request *rq, str account)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 1);
    v[0] = value_text(account);
    return (struct db_write){.st = {.text = LIT("DELETE FROM cairn_passkeys WHERE account = $1"),
                                    .binds = v,
                                    .bind_count = 1,
                                    .writes = true},
                             .arena = &rq->arena,
                             .expect = -1};
}
