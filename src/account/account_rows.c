/* account_rows.c -- accounts as rows of their table. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include "base/clock.h"

str account__key(struct arena *a, const struct value *v)
{
    if (v->kind == V_INT)
        return arena_printf(a, "%lld", (long long)v->i);
    return v->text;
}

int account__find(struct request *rq, const struct accounts *x, const struct column *by,
                  struct value v, struct account *out, struct err *err)
{
    struct stmt st = {0};
    struct rows rows = {0};
    struct select s = {.table = x->table,
                       .columns = x->all,
                       .column_count = x->table->column_count,
                       .shown = x->table->column_count,
                       .where = cond_test(&rq->arena, by, OP_EQ, v),
                       .limit = 1};
    *out = (struct account){0};
    TRY(sql_select(x->config->dialect, &rq->arena, &s, &st, err));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    if (rows.count) {
        out->cells = rows.cells;
        out->key = account__key(&rq->arena, &rows.cells[x->id->index]);
    }
    return 0;
}

int account__by_key(struct request *rq, const struct accounts *x, str key, struct account *out,
                    struct err *err)
{
    struct value in = value_text(key), v;
    struct value_fault fault = {0};
    *out = (struct account){0};
    if (!column_take(x->id, &rq->arena, &in, true, &v, &fault))
        return 0;
    return account__find(rq, x, x->id, v, out, err);
}

int account__assign(struct request *rq, const struct accounts *x, const struct account *who,
                    const struct assignment *set, size_t count, struct db_write *out,
                    struct err *err)
{
    struct update u = {.table = x->table,
                       .set = set,
                       .set_count = count,
                       .where = cond_test(&rq->arena, x->id, OP_EQ, who->cells[x->id->index])};
    *out = (struct db_write){.arena = &rq->arena, .expect = 1};
    return sql_update(x->config->dialect, &rq->arena, &u, &out->st, err);
}

int account__set_password(struct request *rq, const struct accounts *x, const struct account *who,
                          const char *hash, const struct audit_note *note, struct err *err)
{
    struct assignment set = {.column = x->password, .value = value_text(str_of(hash))};
    struct db_write w;
    TRY(account__assign(rq, x, who, &set, 1, &w, err));
    return audit__write(rq, x, &w, note, err);
}

/* true, or now: in the form of the column's type. */
bool account__verify(struct request *rq, const struct accounts *x, struct assignment *out)
{
    char text[CLOCK_RFC3339_MAX];
    struct value_fault fault;
    if (!x->verified)
        return false;
    struct value yes = value_bool(true), v;
    size_t len = clock_rfc3339(clock_wall_us(), text);
    struct value now = value_text(arena_str(&rq->arena, str_make(text, len)));
    if (!column_take(x->verified, &rq->arena, &yes, false, &v, &fault) &&
        !column_take(x->verified, &rq->arena, &now, false, &v, &fault))
        v = value_int(account__now());
    *out = (struct assignment){.column = x->verified, .value = v};
    return true;
}

void account__put(struct buf *b, const struct accounts *x, const struct account *who)
{
    bool first = true;
    buf_char(b, '{');
    for (size_t i = 0; i < x->table->column_count; i++) {
        if (x->hidden[i])
            continue;
        if (!first)
            buf_char(b, ',');
        first = false;
        json_text(b, x->all[i]->name);
        buf_char(b, ':');
        render_cell(b, x->all[i], &who->cells[i]);
    }
    buf_char(b, '}');
}

/* ---- what a token says ---- */

/* A cell as it would be shown, read back: numbers stay numbers. */
static struct value shown(struct arena *a, const struct column *c, const struct value *cell)
{
    struct buf b;
    struct value v = value_null();
    struct err ignored = {0};
    buf_init(&b, 4096);
    render_cell(&b, c, cell);
    if (!b.full)
        json_parse(a, arena_str(a, buf_view(&b)), &json_limits_default, &v, &ignored);
    buf_fini(&b);
    return v;
}

static void take_roles(struct arena *a, const struct accounts *x, const struct value *cells,
                       struct principal *out)
{
    if (!x->roles)
        return;
    struct value v = shown(a, x->roles, &cells[x->roles->index]);
    const struct value *items = v.kind == V_ARRAY ? v.items : &v;
    size_t count = v.kind == V_ARRAY ? v.count : 1;
    str *roles = ARENA_ARRAY(a, str, count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == V_TEXT)
            roles[out->role_count++] = items[i].text;
    }
    out->roles = roles;
}

void account_principal(struct arena *a, const struct accounts *x, const struct value *cells,
                       struct principal *out)
{
    struct member *m = ARENA_ARRAY(a, struct member, x->claim_count + 2);
    *out = (struct principal){.subject = account__key(a, &cells[x->id->index]),
                              .claims = {.kind = V_OBJECT, .fields = m}};
    m[out->claims.count++] = (struct member){LIT("id"), shown(a, x->id, &cells[x->id->index])};
    m[out->claims.count++] =
        (struct member){x->login->name, shown(a, x->login, &cells[x->login->index])};
    for (size_t i = 0; i < x->claim_count; i++) {
        const struct column *c = x->claims[i];
        if (c != x->login && c != x->id)
            m[out->claims.count++] = (struct member){c->name, shown(a, c, &cells[c->index])};
    }
    take_roles(a, x, cells, out);
}

void account_roles(struct arena *a, const struct accounts *x, const struct rows *rows,
                   struct principal *out)
{
    str *list = ARENA_ARRAY(a, str, out->role_count + rows->count + 1);
    if (out->role_count)
        memcpy(list, out->roles, out->role_count * sizeof *list);
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->cells[i].kind == V_TEXT)
            list[out->role_count++] = arena_str(a, rows->cells[i].text);
    }
    if (!out->role_count && x->config->default_role.len)
        list[out->role_count++] = x->config->default_role;
    out->roles = list;
}

int account__principal(struct request *rq, const struct accounts *x, const struct account *who,
                       struct principal *out, struct err *err)
{
    struct stmt st = {0};
    struct rows rows = {0};
    account_principal(&rq->arena, x, who->cells, out);
    if (!x->config->role_tables)
        return 0;
    TRY(role_tables_of(x->config->dialect, &rq->arena, x->config->role_tables,
                       &who->cells[x->id->index], &st, err));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, ROLES_MOST, &rows, err));
    account_roles(&rq->arena, x, &rows, out);
    return 0;
}

int account__ticket(struct request *rq, const struct accounts *x, const struct account *who,
                    struct ticket *out, struct err *err)
{
    struct principal *p = ARENA_NEW(&rq->arena, struct principal);
    TRY(account__principal(rq, x, who, p, err));
    *out = (struct ticket){.subject = p->subject,
                           .claims = &p->claims,
                           .roles = p->roles,
                           .role_count = p->role_count,
                           .now = account__now()};
    return 0;
}

/* 0 and an empty text are as much of a no as nothing: a column of SQLite holds what it is given. */
bool account__verified(const struct accounts *x, const struct account *who)
{
    if (!x->verified)
        return true;
    const struct value *v = &who->cells[x->verified->index];
    switch (v->kind) {
    case V_BOOL:
        return v->truth;
    case V_INT:
        return v->i != 0;
    case V_TEXT:
        return x->verified->type == TYPE_BOOL ? str_is(v->text, "t") : v->text.len != 0;
    default:
        return false;
    }
}
