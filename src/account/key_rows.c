/* key_rows.c -- API keys as rows of cairn_keys, and what a key may be. The secret is not among what
 * is stored: its SHA-256 finds the row. SPDX: Apache-2.0 */
#include "account/account_priv.h"
#include "auth/api_key.h"

enum { HINT_HEAD = 12, HINT_TAIL = 4, NAME_MOST = 100, LIST_MOST = 64, WORD_MOST = 200 };

/* ---- statements ---- */

/* A list of texts as JSON; none at all: the empty text. */
static str listed(struct arena *a, const str *list, size_t count, bool there)
{
    struct buf b;
    buf_init(&b, LIST_MOST * (WORD_MOST * 6 + 4));
    if (!there)
        return LIT("");
    buf_char(&b, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_char(&b, ',');
        json_text(&b, list[i]);
    }
    buf_char(&b, ']');
    str out = arena_str(a, buf_view(&b));
    buf_fini(&b);
    return out;
}

void account_key_make(struct arena *a, const struct key_wish *w, struct key_made *out)
{
    char text[API_KEY_ROOM], hash[API_KEY_HASH + 1], id[36];
    struct value *binds = ARENA_ARRAY(a, struct value, 9);
    api_key_make(w->kind, text);
    str key = arena_str(a, str_of(text));
    api_key_hash(key, hash);
    uuid_v7(id);
    out->id = arena_str(a, str_make(id, sizeof id));
    out->text = key;
    binds[0] = value_text(out->id);
    binds[1] = value_text(arena_str(a, w->account));
    binds[2] = value_text(arena_str(a, w->name));
    binds[3] = value_text(arena_str(a, str_of(hash)));
    binds[4] = value_text(arena_printf(a, "%.*s...%.*s", HINT_HEAD, key.ptr, HINT_TAIL,
                                       key.ptr + key.len - HINT_TAIL));
    binds[5] = value_text(listed(a, w->roles, w->role_count, w->roles != NULL));
    binds[6] = value_text(listed(a, w->can, w->can_count, w->can != NULL));
    binds[7] = value_int(w->now);
    binds[8] = value_int(w->expires);
    out->st =
        (struct stmt){.text = LIT("INSERT INTO cairn_keys (id, account, name, hash, hint, roles,"
                                  " can, created_at, expires_at, used_at)"
                                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)"),
                      .binds = binds,
                      .bind_count = 9,
                      .writes = true};
}

#define LISTED                                                                                     \
    "SELECT id, account, name, hint, roles, can, created_at, expires_at, used_at FROM cairn_keys"  \
    " WHERE revoked_at IS NULL"

struct stmt account_keys_list(struct arena *a, str account)
{
    struct value *binds = ARENA_ARRAY(a, struct value, 1);
    binds[0] = value_text(account);
    if (!account.len)
        return (struct stmt){.text = LIT(LISTED " ORDER BY account, created_at, id LIMIT 10000")};
    return (struct stmt){.text =
                             LIT(LISTED " AND account = $1 ORDER BY created_at, id LIMIT 10000"),
                         .binds = binds,
                         .bind_count = 1};
}

struct stmt account_key_end(struct arena *a, str id, int64_t now)
{
    struct value *binds = ARENA_ARRAY(a, struct value, 2);
    binds[0] = value_int(now);
    binds[1] = value_text(id);
    return (struct stmt){
        .text = LIT("UPDATE cairn_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL"),
        .binds = binds,
        .bind_count = 2,
        .writes = true};
}

int key__all_of(struct request *rq, const struct accounts *x, str account, struct rows *out,
                struct err *err)
{
    struct stmt st = account_keys_list(&rq->arena, account);
    rq->statements++;
    return db_rows(x->db, &st, &rq->arena, SESSIONS_ENDED, out, err);
}

/* ---- what may be asked for ---- */

/* The role is the owner's: itself, or by one that includes it. */
static bool owns(const struct access *access, const struct principal *owner, str role)
{
    struct principal alone = {.roles = &role, .role_count = 1}, none = {.role_count = 0};
    if (principal_is(owner, role))
        return true;
    if (!access)
        return false;
    uint64_t has = access_roles(access, owner), wants = access_roles(access, &alone);
    return wants != access_roles(access, &none) && (wants & ~has) == 0;
}

size_t key__roles(const struct access *access, const struct principal *owner, const str *list,
                  size_t count, str *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (owns(access, owner, list[i]))
            out[kept++] = list[i];
    }
    return kept;
}

static int bad_scope(struct err *err, str scope, const char *why, const char *near)
{
    return fail_field(err, E_INVALID, LIT("bad_scope"), LIT("can"), "'%.*s': %s%s%s%s",
                      STR_ARG(str_upto(scope, 100)), why, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

static bool is_action(str word)
{
    for (int i = 0; i < ACTIONS; i++) {
        if (str_is(word, action_name((enum action)i)))
            return true;
    }
    return str_is(word, "*");
}

static int check_scope(struct arena *a, const struct schema *s, str scope, struct err *err)
{
    str action = scope, name = str_cut(&action, ':');
    bool handlers = str_is(name, "handlers");
    if (str_is(scope, "*") || str_is(name, "queries") || handlers)
        return str_is(scope, "*") || (action.len && (!handlers || str_is(action, "*")))
                   ? 0
                   : bad_scope(err, scope, "expected queries:NAME, queries:* or handlers:*", NULL);
    if (!action.ptr || !is_action(action))
        return bad_scope(err, scope, "expected TABLE:read, create, update, delete or *", NULL);
    if (str_is(name, "*") || schema_table(s, name))
        return 0;
    const char **names = ARENA_ARRAY(a, const char *, s->table_count);
    for (size_t i = 0; i < s->table_count; i++)
        names[i] = arena_str(a, s->tables[i].name).ptr;
    return bad_scope(err, scope, "there is no such table",
                     str_nearest(name, names, s->table_count));
}

int account_scope_check(struct arena *a, const struct schema *s, str scope, struct err *err)
{
    return check_scope(a, s, scope, err);
}

int account_key_check(struct arena *a, const struct schema *s, const struct access *access,
                      const struct principal *owner, const struct key_wish *w, struct err *err)
{
    size_t characters = 0;
    for (size_t i = 0; i < w->name.len; i++)
        characters += ((unsigned char)w->name.ptr[i] & 0xC0) != 0x80;
    if (!characters || characters > NAME_MOST)
        return fail_field(err, E_INVALID, LIT("length"), LIT("name"),
                          "'name' has 1 to %d characters", NAME_MOST);
    if (w->role_count > LIST_MOST || w->can_count > LIST_MOST)
        return fail_field(err, E_INVALID, LIT("length"),
                          w->role_count > LIST_MOST ? LIT("roles") : LIT("can"), "%d items at most",
                          LIST_MOST);
    for (size_t i = 0; i < w->role_count; i++) {
        if (!owns(access, owner, w->roles[i]))
            return fail_field(err, E_INVALID, LIT("not_own_role"), LIT("roles"),
                              "the account does not have the role '%.*s'",
                              STR_ARG(str_upto(w->roles[i], 60)));
    }
    for (size_t i = 0; i < w->can_count; i++) {
        if (w->can[i].len > WORD_MOST)
            return bad_scope(err, w->can[i], "longer than 200 bytes", NULL);
        TRY(check_scope(a, s, w->can[i], err));
    }
    if (w->expires && w->expires <= w->now)
        return fail_field(err, E_INVALID, LIT("past"), LIT("expires_at"),
                          "'expires_at' is not in the future");
    return 0;
}
