/* keys.c -- API keys: made, listed and revoked by their owner, and what a request with one may do.
 * A key is its owner's with some of his roles and, where it was narrowed, some of what they allow;
 * both are weighed at each use, so a key never has what its owner has lost. A key in use costs no
 * statement: what came of it is kept for half a minute, and revoking it takes that away. That it
 * was used is written down once a minute at most. SPDX: Apache-2.0 */
#include "account/account_priv.h"
#include "auth/api_key.h"
#include "observe/log.h"

#include <time.h>

enum { KEYS_MOST = 100, TOUCH_SECONDS = 60 };
enum { K_ID, K_ACCOUNT, K_NAME, K_HINT, K_ROLES, K_CAN, K_CREATED, K_EXPIRES, K_USED };

/* ---- a request with a key ---- */

static int invalid(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_api_key"), LIT(""),
                      "the API key is not known, or not good any more");
}

/* A JSON list of texts, as it is stored; false: there is none. */
static bool read_list(struct arena *a, str text, str **out, size_t *count)
{
    struct value v;
    struct err ignored = {0};
    *count = 0;
    if (!text.len || json_parse(a, text, &json_limits_default, &v, &ignored) < 0)
        return text.len != 0; /* damaged: an empty list allows nothing */
    *out = ARENA_ARRAY(a, str, v.count);
    for (size_t i = 0; v.kind == V_ARRAY && i < v.count; i++) {
        if (v.items[i].kind == V_TEXT)
            (*out)[(*count)++] = v.items[i].text;
    }
    return true;
}

static void narrow(struct arena *a, const struct accounts *x, const struct value *row,
                   struct principal *p)
{
    static str nothing[1];
    str *list = nothing;
    size_t count;
    if (read_list(a, row[K_ROLES].text, &list, &count)) {
        str *roles = ARENA_ARRAY(a, str, count);
        p->role_count = key__roles(x->config->access, p, list, count, roles);
        p->roles = roles;
    }
    list = nothing;
    if (read_list(a, row[K_CAN].text, &list, &count)) {
        p->can = list;
        p->can_count = count;
    }
    p->key = row[K_ID].text;
}

WAITS static int touch(struct request *rq, const struct accounts *x, const struct value *row,
                       int64_t now, struct err *err)
{
    struct err why = {0};
    if (row[K_USED].i + TOUCH_SECONDS > now)
        return 0;
    int code = account__write(
        rq, x,
        STATEMENT("UPDATE cairn_keys SET used_at = $1 WHERE id = $2", value_int(now), row[K_ID]),
        NULL, NULL, &why);
    if (code == E_CANCELLED)
        *err = why;
    return code == E_CANCELLED ? code : 0; /* what fails now is written down the next time */
}

WAITS static int find(struct request *rq, const struct accounts *x, str text, struct rows *out,
                      struct err *err)
{
    char hash[API_KEY_HASH + 1];
    api_key_hash(text, hash);
    struct stmt st = STATEMENT("SELECT id, account, name, hint, roles, can, created_at, expires_at,"
                               " used_at FROM cairn_keys WHERE hash = $1 AND revoked_at IS NULL",
                               value_text(str_make(hash, API_KEY_HASH)));
    rq->statements++;
    return db_rows(x->db, &st, &rq->arena, 1, out, err);
}

WAITS static int look_up(struct request *rq, const struct accounts *x, str text, int64_t now,
                         struct identity_stamp stamp, struct signed_in **out, struct err *err)
{
    struct rows rows;
    struct account who;
    struct principal p;
    TRY(find(rq, x, text, &rows, err));
    const struct value *row = rows.cells;
    if (!rows.count || (row[K_EXPIRES].i && row[K_EXPIRES].i <= now))
        return invalid(err);
    TRY(account__by_key(rq, x, row[K_ACCOUNT].text, &who, err));
    if (!who.cells || !account__verified(x, &who))
        return invalid(err);
    TRY(mfa__has(rq, x, who.key, err));
    TRY(touch(rq, x, row, now, err));
    TRY(account__principal(rq, x, &who, &p, err));
    narrow(&rq->arena, x, row, &p);
    int64_t until = now + KEPT_SECONDS;
    if (row[K_EXPIRES].i && row[K_EXPIRES].i < until)
        until = row[K_EXPIRES].i;
    *out = identity_keep(x->identity, BY_KEY, text, p.key, &p, until, stamp);
    return 0;
}

/* id: whose the client says it is, or empty. */
int key__who(struct request *rq, const struct accounts *x, str text, str id, int64_t now,
             struct signed_in **out, struct err *err)
{
    struct identity_stamp stamp;
    *out = NULL;
    if (!api_key_good(text))
        return invalid(err);
    *out = identity_kept(x->identity, BY_KEY, text, now, &stamp);
    if (!*out)
        TRY(look_up(rq, x, text, now, stamp, out, err));
    if (!id.len || str_eq(id, signed_in_sid(*out)))
        return 0;
    identity_release(out);
    return invalid(err);
}

/* ---- making one ---- */

static int take_list(struct request *rq, const struct value *body, str name, const str **out,
                     size_t *count, struct err *err)
{
    const struct value *v = value_get(body, name);
    *out = NULL;
    *count = 0;
    if (!v || v->kind == V_NULL)
        return 0;
    str *list = ARENA_ARRAY(&rq->arena, str, v->kind == V_ARRAY ? v->count + 1 : 1);
    for (size_t i = 0; v->kind == V_ARRAY && i < v->count && v->items[i].kind == V_TEXT; i++)
        list[(*count)++] = v->items[i].text;
    *out = list;
    if (v->kind == V_ARRAY && *count == v->count)
        return 0;
    return fail_field(err, E_INVALID, LIT("type"), name, "'%.*s' is a list of texts",
                      STR_ARG(name));
}

static bool seconds_of(const char canon[TIME_CANON_LEN], int64_t *out)
{
    struct tm tm = {0};
    char text[TIME_CANON_LEN + 1];
    memcpy(text, canon, TIME_CANON_LEN);
    text[TIME_CANON_LEN] = '\0';
    if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

/* When it ends: as wished, and not later than the settings allow. */
static int take_end(const struct accounts *x, const struct value *body, struct key_wish *w,
                    struct err *err)
{
    const struct value *v = value_get(body, LIT("expires_at"));
    char canon[TIME_CANON_LEN];
    int64_t latest = x->config->key_s ? w->now + x->config->key_s : 0;
    w->expires = latest;
    if (!v || v->kind == V_NULL)
        return 0;
    if (v->kind != V_TEXT || !time_canon(v->text, canon) || !seconds_of(canon, &w->expires))
        return fail_field(err, E_INVALID, LIT("type"), LIT("expires_at"),
                          "'expires_at' is a time such as 2027-01-31T00:00:00Z");
    if (w->expires <= 0)
        w->expires = 1; /* past */
    if (latest && w->expires > latest)
        w->expires = latest;
    return 0;
}

static void put_list(struct buf *b, const char *name, str json)
{
    buf_printf(b, ",\"%s\":%.*s", name, STR_ARG(json.len ? json : LIT("null")));
}

static void put_key(struct buf *b, const struct value *row)
{
    buf_lit(b, "\"id\":");
    json_text(b, row[K_ID].text);
    buf_lit(b, ",\"name\":");
    json_text(b, row[K_NAME].text);
    buf_lit(b, ",\"hint\":");
    json_text(b, row[K_HINT].text);
    put_list(b, "roles", row[K_ROLES].text);
    put_list(b, "can", row[K_CAN].text);
    buf_lit(b, ",\"created_at\":");
    account__time(b, row[K_CREATED].i);
    buf_lit(b, ",\"expires_at\":");
    account__time(b, row[K_EXPIRES].i);
    buf_lit(b, ",\"used_at\":");
    account__time(b, row[K_USED].i);
}

/* Of what is being written: a read could come from a replica that does not have it yet. */
static void answer_made(struct request *rq, const struct key_made *made)
{
    struct buf *b = &rq->reply->body;
    const struct value *v = made->st.binds; /* id, account, name, hash, hint, roles, can, ... */
    const struct value row[] = {v[0], v[1], v[2], v[4], v[5], v[6], v[7], v[8], value_int(0)};
    rq->reply->status = 201;
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_lit(b, "{\"key\":");
    json_text(b, made->text);
    buf_char(b, ',');
    put_key(b, row);
    buf_char(b, '}');
}

static void say(const struct request *rq, const char *what, str id, str account)
{
    struct log l;
    log_begin(&l, LOG_INFO, what);
    log_str(&l, "request_id", rq->id);
    log_str(&l, "key", id);
    log_str(&l, "account", account);
    log_end(&l);
}

WAITS static int wish_of(struct request *rq, const struct accounts *x, struct key_wish *w,
                         struct err *err)
{
    static const char *const known[] = {"name", "roles", "can", "expires_at"};
    struct value body;
    TRY(account__body(rq, &body, err));
    for (size_t i = 0; i < body.count; i++) {
        bool is = false;
        for (size_t k = 0; k < COUNT_OF(known); k++)
            is |= str_is(body.fields[i].name, known[k]);
        if (!is)
            return fail_field(err, E_INVALID, LIT("unknown_field"),
                              arena_str(&rq->arena, str_upto(body.fields[i].name, 60)),
                              "a key has name, roles, can and expires_at");
    }
    TRY(account__text(&body, LIT("name"), &w->name, err));
    TRY(take_list(rq, &body, LIT("roles"), &w->roles, &w->role_count, err));
    TRY(take_list(rq, &body, LIT("can"), &w->can, &w->can_count, err));
    return take_end(x, &body, w, err);
}

int key__add(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct key_wish w = {.now = account__now(), .kind = x->config->development ? "test" : "live"};
    struct key_made made;
    struct principal owner;
    struct account who;
    struct rows rows;
    TRY(account__me(rq, &w.account, err));
    TRY(wish_of(rq, x, &w, err));
    TRY(account__by_key(rq, x, w.account, &who, err));
    if (!who.cells)
        return fail(err, E_NOTFOUND, "the account is gone");
    TRY(account__principal(rq, x, &who, &owner, err));
    TRY(account_key_check(&rq->arena, x->schema, x->config->access, &owner, &w, err));
    TRY(key__all_of(rq, x, w.account, &rows, err));
    if (rows.count >= KEYS_MOST)
        return fail_field(err, E_CONFLICT, LIT("too_many_keys"), LIT(""),
                          "an account has %d keys at most; revoke one first", KEYS_MOST);
    account_key_make(&rq->arena, &w, &made);
    struct audit_note note = {AUDIT_KEY_MADE, w.account, (str){0}, made.id};
    TRY(account__write(rq, x, made.st, NULL, &note, err));
    say(rq, "API key made", made.id, w.account);
    answer_made(rq, &made);
    return 0;
}

/* ---- looking at them, ending one ---- */

int key__list(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct rows rows;
    str key;
    TRY(account__me(rq, &key, err));
    TRY(key__all_of(rq, x, key, &rows, err));
    rq->reply->type = LIT("application/json");
    buf_lit(&rq->reply->body, "{\"data\":[");
    for (size_t i = 0; i < rows.count; i++) {
        buf_str(&rq->reply->body, i ? LIT(",{") : LIT("{"));
        put_key(&rq->reply->body, rows_at(&rows, i, 0));
        buf_char(&rq->reply->body, '}');
    }
    buf_lit(&rq->reply->body, "]}");
    return 0;
}

int key__remove(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    str key, id = request_param(rq, LIT("id"));
    int64_t now = account__now();
    TRY(account__me(rq, &key, err));
    struct audit_note note = {AUDIT_KEY_REVOKED, key, (str){0}, id};
    struct db_write w = {.st = STATEMENT("UPDATE cairn_keys SET revoked_at = $1 WHERE id = $2"
                                         " AND account = $3 AND revoked_at IS NULL",
                                         value_int(now), value_text(id), value_text(key)),
                         .arena = &rq->arena,
                         .expect = 1};
    struct err why = {0};
    if (audit__write(rq, x, &w, &note, &why) < 0) {
        *err = why;
        return why.code == E_NOTFOUND ? fail(err, E_NOTFOUND, "key not found") : why.code;
    }
    identity_revoke(x->identity, id, now);
    say(rq, "API key revoked", id, key);
    rq->reply->status = 204;
    return 0;
}
