/* leave.c -- DELETE .../auth/me: an account goes, by whoever knows its password. Its row is deleted
 * like any other: what points at it goes, stays without it, or forbids it, as the foreign keys say;
 * and keys, passkeys, identities and what else opens it go by a trigger (sql/account.c), as they do
 * whoever deletes the row. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include "observe/log.h"

WAITS static int remove_all(struct request *rq, const struct accounts *x, const struct account *who,
                            struct err *err)
{
    struct remove r = {.table = x->table,
                       .where = cond_test(&rq->arena, x->id, OP_EQ, who->cells[x->id->index])};
    struct db_write list[2] = {{.arena = &rq->arena, .expect = 1}};
    struct audit_note note = {.event = AUDIT_ACCOUNT_DELETED, .account = who->key};
    size_t count = 1 + audit__add(rq, x, &note, &list[1]);
    TRY(sql_remove(x->config->dialect, &rq->arena, &r, &list[0].st, err));
    rq->statements += (unsigned)count;
    int code = db_write(x->db, list, count, NULL, err);
    if (code == E_CHILDREN)
        return fail_field(
            err, E_CHILDREN, LIT("children"), LIT(""),
            "rows of other tables belong to the account, and their foreign keys do not "
            "let it go");
    return code;
}

/* Who has no password (he signs in at a provider) has signed in lately. */
WAITS static int prove(struct request *rq, const struct accounts *x, const struct account *who,
                       const struct value *body, struct err *err)
{
    const struct value *hash = who->cells ? &who->cells[x->password->index] : NULL;
    bool has = hash && hash->kind == V_TEXT && str_starts(hash->text, LIT("$"));
    str password;
    if (who->cells && !has)
        return mfa__fresh(rq, x, who, body, err);
    TRY(account__text(body, LIT("password"), &password, err));
    TRY(account__attempt(rq, x, who->cells ? who->key : LIT(""), err));
    return account__prove(rq, x, who, password, err);
}

int account__leave(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct account who;
    struct rows keys;
    str key;
    size_t ended;
    TRY(account__me(rq, &key, err));
    TRY(account__body(rq, &body, err));
    TRY(account__by_key(rq, x, key, &who, err));
    TRY(prove(rq, x, &who, &body, err));
    TRY(key__all_of(rq, x, key, &keys, err));
    TRY(remove_all(rq, x, &who, err));
    basic__forget(x, &who);
    identity_changed(x->identity);
    for (size_t i = 0; i < keys.count; i++)
        identity_revoke(x->identity, rows_at(&keys, i, 0)->text, account__now());
    struct session_end e = {.account = key, .why = AUDIT_SESSIONS_ENDED};
    TRY(session__end(rq, x, &e, &ended, err));
    if (signed_in_by(rq->signed_in) == BY_COOKIE)
        cookie__clear(rq, x);
    log_event_str(LOG_INFO, "account deleted by its owner", "account", key);
    rq->reply->status = 204;
    return 0;
}
