/* mfa_rows.c -- second factors as rows: cairn_totp has an account's secret, cairn_recovery the
 * digests of its recovery codes. Invariants: (1) A secret is stored wrapped under a key of the
 * installation and bound to its account; a code as a MAC of it: a copy of the database opens
 * nothing. (2) A step of the app is used once: the statement moves used_step on, whichever process
 * runs it first wins. (3) A recovery code is deleted by its use. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include <sodium.h>

static const char use_secret[] = "totp secret";

/* ---- secrets ---- */

str factor__wrap(struct request *rq, const struct accounts *x, str account,
                 const unsigned char secret[TOTP_SECRET])
{
    return identity_wrap(&rq->arena, x->identity, use_secret, account,
                         str_make((const char *)secret, TOTP_SECRET));
}

int factor__unwrap(struct request *rq, const struct accounts *x, str account, str wrapped,
                   unsigned char secret[TOTP_SECRET], struct err *err)
{
    str text;
    TRY(totp_ready(err));
    if (!identity_unwrap(&rq->arena, x->identity, use_secret, account, wrapped, &text) ||
        text.len != TOTP_SECRET)
        return fail(err, E_INTERNAL, "a secret in cairn_totp is not of this auth.keys");
    memcpy(secret, text.ptr, TOTP_SECRET);
    return 0;
}

/* ---- rows ---- */

int factor__find(struct request *rq, const struct accounts *x, str account, struct factor *out,
                 struct err *err)
{
    struct rows rows;
    struct stmt st = STATEMENT("SELECT secret, pending, pending_at, created_at, used_step"
                               " FROM cairn_totp WHERE account = $1",
                               value_text(account));
    *out = (struct factor){0};
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    const struct value *v = rows.cells;
    if (rows.count)
        *out = (struct factor){v[0].text, v[1].text, v[2].i, v[3].i, v[4].i};
    return 0;
}

int factor__pend(struct request *rq, const struct accounts *x, str account, str wrapped,
                 struct err *err)
{
    return account__write(
        rq, x,
        STATEMENT("INSERT INTO cairn_totp (account, secret, pending, pending_at, created_at,"
                  " used_step) VALUES ($1, '', $2, $3, 0, 0) ON CONFLICT (account) DO UPDATE SET"
                  " pending = excluded.pending, pending_at = excluded.pending_at",
                  value_text(account), value_text(wrapped), value_int(account__now())),
        NULL, NULL, err);
}

int factor__use(struct request *rq, const struct accounts *x, str account, str secret, int64_t step,
                bool *won, struct err *err)
{
    int64_t changes = 0;
    TRY(account__write(rq, x,
                       STATEMENT("UPDATE cairn_totp SET used_step = $1 WHERE account = $2"
                                 " AND secret = $3 AND used_step < $1",
                                 value_int(step), value_text(account), value_text(secret)),
                       &changes, NULL, err));
    *won = changes == 1;
    return 0;
}

/* ---- recovery codes ---- */

/* Letters and digits that are not mistaken for each other, as they were typed or shown. */
static str plain_code(struct arena *a, str code)
{
    char *out = arena_new(a, code.len);
    size_t len = 0;
    for (size_t i = 0; i < code.len; i++) {
        if (code.ptr[i] != '-' && code.ptr[i] != ' ')
            out[len++] = ascii_lower(code.ptr[i]);
    }
    return str_make(out, len);
}

static str code_digest(struct request *rq, const struct accounts *x, str account, str code)
{
    char *out = arena_new(&rq->arena, DIGEST_TEXT + 1);
    identity_digest(x->identity,
                    arena_printf(&rq->arena, "recovery %.*s %.*s", STR_ARG(account),
                                 STR_ARG(plain_code(&rq->arena, code))),
                    out);
    return str_make(out, DIGEST_TEXT);
}

/* 80 random bits: xxxx-xxxx-xxxx-xxxx. */
static str new_code(struct arena *a)
{
    enum { BYTES = 10, GROUP = 4, ROOM = 24 };
    unsigned char raw[BYTES];
    char text[ROOM], *out = arena_new(a, ROOM);
    struct buf b = {.ptr = text, .cap = sizeof text, .limit = sizeof text};
    size_t len = 0;
    randombytes_buf(raw, sizeof raw);
    base32_put(&b, str_make((const char *)raw, sizeof raw));
    for (size_t i = 0; i < b.len; i++) {
        if (i && i % GROUP == 0)
            out[len++] = '-';
        out[len++] = ascii_lower(text[i]);
    }
    sodium_memzero(raw, sizeof raw);
    return str_make(out, len);
}

/* The statements that put new codes in the place of those that are there. */
static size_t add_codes(struct request *rq, const struct accounts *x, str account,
                        str codes[RECOVERY_CODES], struct db_write *out)
{
    enum { BINDS = RECOVERY_CODES + 1 };
    struct value *binds = ARENA_ARRAY(&rq->arena, struct value, BINDS);
    binds[0] = value_text(account);
    for (int i = 0; i < RECOVERY_CODES; i++) {
        codes[i] = new_code(&rq->arena);
        binds[1 + i] = value_text(code_digest(rq, x, account, codes[i]));
    }
    out[0] = (struct db_write){.st = {.text = LIT("DELETE FROM cairn_recovery WHERE account = $1"),
                                      .binds = binds,
                                      .bind_count = 1,
                                      .writes = true},
                               .arena = &rq->arena,
                               .expect = -1};
    out[1] = (struct db_write){
        .st = {.text = LIT("INSERT INTO cairn_recovery (account, hash) VALUES ($1, $2), ($1, $3),"
                           " ($1, $4), ($1, $5), ($1, $6), ($1, $7), ($1, $8), ($1, $9), ($1, $10),"
                           " ($1, $11)"),
               .binds = binds,
               .bind_count = BINDS,
               .writes = true},
        .arena = &rq->arena,
        .expect = RECOVERY_CODES};
    return 2;
}

WAITS static int write_all(struct request *rq, const struct accounts *x, struct db_write *list,
                           size_t count, const struct audit_note *note, struct err *err)
{
    if (audit__add(rq, x, note, &list[count]))
        count++;
    rq->statements += (unsigned)count;
    return db_write(x->db, list, count, NULL, err);
}

int factor__confirm(struct request *rq, const struct accounts *x, str account, str pending,
                    int64_t step, str codes[RECOVERY_CODES], struct err *err)
{
    const struct value binds[] = {value_int(account__now()), value_int(step), value_text(account),
                                  value_text(pending)};
    struct db_write list[4] = {{.arena = &rq->arena, .expect = 1}};
    struct audit_note note = {.event = AUDIT_MFA_ADDED, .account = account, .detail = LIT("totp")};
    list[0].st = (struct stmt){
        .text = LIT("UPDATE cairn_totp SET secret = pending, pending = '', pending_at = 0,"
                    " created_at = $1, used_step = $2 WHERE account = $3 AND pending = $4"),
        .binds = binds,
        .bind_count = COUNT_OF(binds),
        .writes = true};
    size_t count = 1 + add_codes(rq, x, account, codes, list + 1);
    return write_all(rq, x, list, count, &note, err);
}

int factor__new_codes(struct request *rq, const struct accounts *x, str account,
                      str codes[RECOVERY_CODES], struct err *err)
{
    struct db_write list[3];
    struct audit_note note = {.event = AUDIT_RECOVERY_MADE, .account = account};
    size_t count = add_codes(rq, x, account, codes, list);
    return write_all(rq, x, list, count, &note, err);
}

int factor__recover(struct request *rq, const struct accounts *x, str account, str code, bool *good,
                    struct err *err)
{
    int64_t changes = 0;
    TRY(account__write(rq, x,
                       STATEMENT("DELETE FROM cairn_recovery WHERE account = $1 AND hash = $2",
                                 value_text(account),
                                 value_text(code_digest(rq, x, account, code))),
                       &changes, NULL, err));
    *good = changes == 1;
    if (*good)
        audit__alone(rq, x, &(struct audit_note){.event = AUDIT_RECOVERY_USED, .account = account});
    return 0;
}

int factor__codes_left(struct request *rq, const struct accounts *x, str account, int64_t *out,
                       struct err *err)
{
    struct rows rows;
    struct stmt st =
        STATEMENT("SELECT count(*) FROM cairn_recovery WHERE account = $1", value_text(account));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    *out = rows.cells[0].i;
    return 0;
}

void account_mfa_end(struct arena *a, str account, struct stmt out[MFA_TABLES])
{
    struct value *binds = ARENA_ARRAY(a, struct value, 1);
    binds[0] = value_text(account);
    out[0] = (struct stmt){.text = LIT("DELETE FROM cairn_totp WHERE account = $1")};
    out[1] = (struct stmt){.text = LIT("DELETE FROM cairn_recovery WHERE account = $1")};
    out[2] = (struct stmt){.text = LIT("DELETE FROM cairn_passkeys WHERE account = $1")};
    for (int i = 0; i < MFA_TABLES; i++) {
        out[i].binds = binds;
        out[i].bind_count = 1;
        out[i].writes = true;
    }
}

int factor__remove(struct request *rq, const struct accounts *x, str account, struct err *err)
{
    struct stmt st[MFA_TABLES]; /* passkeys stay */
    struct audit_note note = {
        .event = AUDIT_MFA_REMOVED, .account = account, .detail = LIT("totp")};
    account_mfa_end(&rq->arena, account, st);
    struct db_write list[3] = {{.st = st[0], .arena = &rq->arena, .expect = -1},
                               {.st = st[1], .arena = &rq->arena, .expect = -1}};
    return write_all(rq, x, list, 2, &note, err);
}
