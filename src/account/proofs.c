/* proofs.c -- what a letter carries and somebody brings back: a link's token, or a code. SPDX:
 * Apache-2.0
 * A code is short, so it counts only together with what the asker was answered, and five wrong ones
 * end it. A row is there for an address whether anybody has it or not: who asks cannot tell.
 * Invariants: (1) Of each kind a subject has one, the newest. (2) The table holds digests: a token
 * and a request of 256 bits hashed, the code under the installation's key. (3) Used once: it is
 * deleted in the transaction of what it allows. */
#include "account/account_priv.h"

#include <sodium.h>

enum { SECRET_BYTES = 32, CODE_DIGITS = 8, TRIES_MOST = 5, MAGIC_S = 600, TEXT_MOST = 100 };

static const char *const names[PROOF_KINDS] = {"verify", "reset", "magic", "change"};

int proof__invalid(struct err *err)
{
    return fail_field(err, E_INVALID, LIT("invalid_link"), LIT(""),
                      "the link or the code is not good any more; ask for another one");
}

/* ---- making ---- */

static str digest(struct request *rq, str text)
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    struct buf b = {.ptr = arena_new(&rq->arena, 2 * sizeof sum),
                    .cap = 2 * sizeof sum,
                    .limit = 2 * sizeof sum};
    crypto_hash_sha256(sum, (const unsigned char *)text.ptr, text.len);
    hex_put(&b, str_make((const char *)sum, sizeof sum));
    return buf_view(&b);
}

str account__secret(struct request *rq)
{
    enum { ROOM = 64 };
    unsigned char raw[SECRET_BYTES];
    struct buf b = {.ptr = arena_new(&rq->arena, ROOM), .cap = ROOM, .limit = ROOM};
    randombytes_buf(raw, sizeof raw);
    base64url_put(&b, str_make((const char *)raw, sizeof raw));
    return buf_view(&b);
}

static str code_mac(struct request *rq, const struct accounts *x, enum proof_kind kind, str request,
                    str code)
{
    char *out = arena_new(&rq->arena, DIGEST_TEXT + 1);
    identity_digest(
        x->identity,
        arena_printf(&rq->arena, "%s %.*s %.*s", names[kind], STR_ARG(request), STR_ARG(code)),
        out);
    return str_make(out, DIGEST_TEXT);
}

void proof__make(struct request *rq, const struct accounts *x, enum proof_kind kind, str subject,
                 str address, struct proof_made *made, struct db_write *out)
{
    enum { BINDS = 7 };
    int64_t good = x->config->link_s;
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, BINDS);
    if (kind == PROOF_MAGIC && good > MAGIC_S)
        good = MAGIC_S;
    *made = (struct proof_made){
        .token = account__secret(rq),
        .request = account__secret(rq),
        .code = arena_printf(&rq->arena, "%0*u", CODE_DIGITS, randombytes_uniform(100000000)),
        .minutes = good / 60,
        .expires_at = account__now() + good};
    v[0] = value_text(str_of(names[kind]));
    v[1] = value_text(subject);
    v[2] = value_text(address);
    v[3] = value_text(digest(rq, made->token));
    v[4] = value_text(digest(rq, made->request));
    v[5] = value_text(code_mac(rq, x, kind, made->request, made->code));
    v[6] = value_int(made->expires_at);
    *out = (struct db_write){
        .st = {.text = LIT("INSERT INTO cairn_proofs (kind, subject, address, token, request, code,"
                           " tries, expires_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7)"
                           " ON CONFLICT (kind, subject) DO UPDATE SET address = excluded.address,"
                           " token = excluded.token, request = excluded.request,"
                           " code = excluded.code, tries = 0, expires_at = excluded.expires_at"),
               .binds = v,
               .bind_count = BINDS,
               .writes = true},
        .arena = &rq->arena,
        .expect = 1};
}

/* ---- bringing back ---- */

WAITS static int by_token(struct request *rq, const struct accounts *x, enum proof_kind kind,
                          str token, struct rows *out, struct err *err)
{
    const struct value binds[] = {value_text(str_of(names[kind])), value_text(digest(rq, token)),
                                  value_int(account__now())};
    const struct stmt st = {
        .text = LIT("SELECT subject, address, code, request FROM cairn_proofs WHERE kind = $1 AND"
                    " token = $2 AND expires_at > $3"),
        .binds = binds,
        .bind_count = COUNT_OF(binds),
        .most = 1};
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, out, err));
    return out->count ? 0 : proof__invalid(err);
}

/* Counted before it is looked at: of many at once no more than five are. */
WAITS static int by_code(struct request *rq, const struct accounts *x, enum proof_kind kind,
                         str request, str code, struct rows *out, struct err *err)
{
    const struct value binds[] = {value_text(str_of(names[kind])), value_text(digest(rq, request)),
                                  value_int(account__now()), value_int(TRIES_MOST)};
    struct db_write w = {
        .st = {.text = LIT("UPDATE cairn_proofs SET tries = tries + 1 WHERE kind = $1 AND"
                           " request = $2 AND expires_at > $3 AND tries < $4"
                           " RETURNING subject, address, code, request"),
               .binds = binds,
               .bind_count = COUNT_OF(binds),
               .writes = true},
        .arena = &rq->arena,
        .expect = -1};
    rq->statements++;
    TRY(db_write(x->db, &w, 1, NULL, err));
    if (!w.rows.count)
        return proof__invalid(err);
    str mac = code_mac(rq, x, kind, request, code), kept = w.rows.cells[2].text;
    if (kept.len != mac.len || sodium_memcmp(kept.ptr, mac.ptr, mac.len) != 0)
        return proof__invalid(err);
    *out = w.rows;
    return 0;
}

int proof__find(struct request *rq, const struct accounts *x, enum proof_kind kind,
                const struct value *body, struct proof *out, struct err *err)
{
    struct rows rows = {0};
    str token, request, code;
    if (value_get(body, LIT("token"))) {
        TRY(account__text(body, LIT("token"), &token, err));
        if (token.len > TEXT_MOST)
            return proof__invalid(err);
        TRY(by_token(rq, x, kind, token, &rows, err));
    } else {
        TRY(account__text(body, LIT("request"), &request, err));
        TRY(account__text(body, LIT("code"), &code, err));
        if (request.len > TEXT_MOST || code.len > TEXT_MOST)
            return proof__invalid(err);
        TRY(by_code(rq, x, kind, request, code, &rows, err));
    }
    *out = (struct proof){.kind = kind,
                          .subject = rows.cells[0].text,
                          .address = rows.cells[1].text,
                          .request = rows.cells[3].text};
    return 0;
}

void proof__use(struct request *rq, const struct proof *p, struct db_write *out)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 3);
    v[0] = value_text(str_of(names[p->kind]));
    v[1] = value_text(p->subject);
    v[2] = value_text(p->request);
    *out = (struct db_write){
        .st = {.text = LIT("DELETE FROM cairn_proofs WHERE kind = $1 AND subject = $2"
                           " AND request = $3"),
               .binds = v,
               .bind_count = 3,
               .writes = true},
        .arena = &rq->arena,
        .expect = 1};
}

struct db_write proof__end(struct request *rq, str subject)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 2);
    v[0] = value_text(str_of(names[PROOF_CHANGE]));
    v[1] = value_text(subject);
    return (struct db_write){
        .st = {.text = LIT("DELETE FROM cairn_proofs WHERE kind = $1 AND subject = $2"),
               .binds = v,
               .bind_count = 2,
               .writes = true},
        .arena = &rq->arena,
        .expect = -1};
}

int account_sweep_proofs(const struct accounts *x, struct err *err)
{
    struct arena a;
    const struct value now = value_int(account__now());
    struct db_write w = {
        .st = {.text = LIT("DELETE FROM cairn_proofs WHERE token IN (SELECT token FROM cairn_proofs"
                           " WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)"),
               .binds = &now,
               .bind_count = 1,
               .writes = true},
        .arena = &a,
        .expect = -1};
    if (!x->config->mail)
        return 0;
    arena_init(&a, 1 << 16);
    int code = db_write(x->db, &w, 1, NULL, err);
    arena_reset(&a);
    return code;
}
