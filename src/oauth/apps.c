/* apps.c -- the apps that one let in: seen, and shut out again. SPDX: Apache-2.0 */
#include "oauth/oauth_priv.h"

enum { APPS_MOST = 1000 };

WAITS static int run(struct request *rq, const struct oauth *o, const char *text,
                     const struct value *v, size_t count, struct rows *out, struct err *err)
{
    struct stmt st = {.text = str_of(text), .binds = v, .bind_count = count};
    rq->statements++;
    return db_rows(account_db(o->accounts), &st, &rq->arena, APPS_MOST, out, err);
}

static void put_app(struct request *rq, const struct oauth *o, const struct value *row)
{
    struct buf *b = &rq->reply->body;
    const struct app_client *c = client_find(o->clients, row[0].text);
    buf_lit(b, "{\"client_id\":");
    json_text(b, row[0].text);
    buf_lit(b, ",\"name\":");
    json_text(b, c ? c->name : row[0].text);
    buf_lit(b, ",\"scope\":");
    json_text(b, row[1].text);
    buf_lit(b, ",\"since\":");
    account_time(b, row[2].i);
    buf_char(b, '}');
}

/* GET PREFIX/auth/apps */
int oauth__apps(struct request *rq, const void *data, struct err *err)
{
    const struct oauth *o = data;
    struct rows rows;
    struct value key = value_text(LIT(""));
    TRY(account_owner(rq, &key.text, err));
    TRY(run(rq, o,
            "SELECT client, scope, created_at FROM cairn_oauth_consents WHERE account = $1"
            " ORDER BY client LIMIT 1000",
            &key, 1, &rows, err));
    rq->reply->type = LIT("application/json");
    buf_lit(&rq->reply->body, "{\"data\":[");
    for (size_t i = 0; i < rows.count; i++) {
        if (i)
            buf_char(&rq->reply->body, ',');
        put_app(rq, o, rows_at(&rows, i, 0));
    }
    buf_lit(&rq->reply->body, "]}");
    return 0;
}

/* DELETE PREFIX/auth/apps/:client: its consent, its codes and all its grants. */
int oauth__app_end(struct request *rq, const void *data, struct err *err)
{
    const struct oauth *o = data;
    struct rows rows;
    str key, client = request_param(rq, LIT("client"));
    TRY(account_owner(rq, &key, err));
    const struct value binds[] = {value_text(key), value_text(client)};
    const struct value ends[] = {value_int(oauth__now()), value_text(key), value_text(client)};
    const struct value alive[] = {value_text(key), value_text(client), value_int(oauth__now())};
    struct db_write list[4] = {
        {.st = {.text = LIT("DELETE FROM cairn_oauth_consents WHERE account = $1 AND client = $2"),
                .binds = binds,
                .bind_count = 2,
                .writes = true},
         .arena = &rq->arena,
         .expect = 1},
        {.st = {.text = LIT("UPDATE cairn_oauth_grants SET revoked_at = $1 WHERE account = $2 AND"
                            " client = $3 AND revoked_at IS NULL"),
                .binds = ends,
                .bind_count = 3,
                .writes = true},
         .arena = &rq->arena,
         .expect = -1},
        {.st = {.text = LIT("DELETE FROM cairn_oauth_codes WHERE account = $1 AND client = $2 AND"
                            " used_at = 0"),
                .binds = binds,
                .bind_count = 2,
                .writes = true},
         .arena = &rq->arena,
         .expect = -1}};
    size_t count = 3;
    TRY(run(rq, o,
            "SELECT id FROM cairn_oauth_grants WHERE account = $1 AND client = $2 AND revoked_at IS"
            " NULL AND expires_at > $3 LIMIT 1000",
            alive, 3, &rows, err));
    account_audit(o->accounts, rq, ACCOUNT_APP_ENDED, key, client, list, &count);
    struct err why = {0};
    int code = db_write(account_db(o->accounts), list, count, NULL, &why);
    if (code == E_NOTFOUND)
        return fail(err, E_NOTFOUND, "app not found");
    if (code < 0) {
        *err = why;
        return code;
    }
    for (size_t i = 0; i < rows.count; i++)
        identity_revoke(account_identity(o->accounts), rows_at(&rows, i, 0)->text, oauth__now());
    rq->reply->status = 204;
    return 0;
}
