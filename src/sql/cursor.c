/* cursor.c -- a place in a list that a client can keep, but neither read nor change.
 * base64url of: version, direction, fingerprint of table, filter and order, the order columns'
 * values of one row exactly as the engine gave them, HMAC-SHA-256 of all that. A cursor therefore
 * only fits the list it was made for, and works whatever is inserted or deleted meanwhile: it
 * names values, not a row. SPDX: Apache-2.0 */
#include "sql/query_priv.h"
#include "sql/sql_priv.h"

#include <sodium.h>

enum { VERSION = 1, HEAD = 2 + LIST_FINGERPRINT, MAC = crypto_auth_hmacsha256_BYTES };

_Static_assert(LIST_FINGERPRINT >= crypto_generichash_BYTES_MIN, "too short for generichash");

static void put_u32(struct text *t, size_t n)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        text__char(t, (char)(n >> shift));
}

static void put_value(struct text *t, const struct value *v)
{
    text__char(t, (char)v->kind);
    if (v->kind == V_BOOL) {
        text__char(t, v->truth);
    } else if (v->kind == V_INT || v->kind == V_FLOAT) {
        char raw[8];
        memcpy(raw, v->kind == V_INT ? (const void *)&v->i : (const void *)&v->f, sizeof raw);
        text__add(t, raw, sizeof raw);
    } else if (v->kind != V_NULL) {
        put_u32(t, v->text.len);
        text__str(t, v->text);
    }
}

/* ---- fingerprint ---- */

/* The statement itself says best which list it is. PostgreSQL's dialect, as it refuses least. */
int cursor__fingerprint(struct query *q, struct list_query *l)
{
    const struct select *s = &l->select;
    struct stmt st;
    struct text t;
    TRY(sql_count(DIALECT_POSTGRES, q->arena, s, &st, q->err));
    text__init(&t, q->arena, 256);
    put_u32(&t, st.text.len);
    text__str(&t, st.text);
    for (size_t i = 0; i < st.bind_count; i++)
        put_value(&t, &st.binds[i]);
    for (size_t i = 0; i < s->order_count; i++) {
        text__char(&t, s->order[i].descending ? 'd' : 'a');
        text__char(&t, s->order[i].nulls_first ? 'f' : 'l');
        str name = column_stored(s->order[i].column); /* of a place inside JSON: the whole place */
        put_u32(&t, name.len);
        text__str(&t, name);
    }
    crypto_generichash(l->fingerprint, LIST_FINGERPRINT, (const unsigned char *)t.ptr, t.len, NULL,
                       0);
    return 0;
}

/* ---- making ---- */

static void sign(const char *ptr, size_t len, str secret, unsigned char mac[MAC])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.ptr, secret.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)ptr, len);
    crypto_auth_hmacsha256_final(&state, mac);
}

static str base64url(struct arena *a, str raw)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct text t;
    text__init(&t, a, raw.len / 3 * 4 + 8);
    for (size_t i = 0; i < raw.len; i += 3) {
        uint32_t bits = 0;
        size_t have = raw.len - i < 3 ? raw.len - i : 3;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < have ? (unsigned char)raw.ptr[i + j] : 0);
        for (size_t j = 0; j <= have; j++)
            text__char(&t, digits[bits >> (18 - 6 * j) & 63]);
    }
    return text__done(&t);
}

static const struct value *cell_of(const struct list_query *q, const struct value *cells,
                                   const struct column *c)
{
    size_t i = 0;
    while (i < q->select.column_count && q->select.columns[i] != c)
        i++;
    BUG_ON(i == q->select.column_count);
    return &cells[i];
}

str cursor_make(struct arena *a, const struct list_query *q, const struct value *cells,
                bool backwards, str secret)
{
    struct text t;
    unsigned char mac[MAC];
    text__init(&t, a, 256);
    text__char(&t, VERSION);
    text__char(&t, backwards);
    text__add(&t, (const char *)q->fingerprint, LIST_FINGERPRINT);
    for (size_t i = 0; i < q->select.order_count; i++)
        put_value(&t, cell_of(q, cells, q->select.order[i].column));
    sign(t.ptr, t.len, secret, mac);
    text__add(&t, (const char *)mac, MAC);
    return base64url(a, (str){t.ptr, t.len});
}

/* ---- reading ---- */

static bool take(str *s, void *out, size_t len)
{
    if (s->len < len)
        return false;
    memcpy(out, s->ptr, len);
    *s = str_from(*s, len);
    return true;
}

static bool take_text(str *s, str *out)
{
    unsigned char raw[4];
    if (!take(s, raw, sizeof raw))
        return false;
    size_t len = (size_t)raw[0] | (size_t)raw[1] << 8 | (size_t)raw[2] << 16 | (size_t)raw[3] << 24;
    if (s->len < len)
        return false;
    *out = str_upto(*s, len);
    *s = str_from(*s, len);
    return true;
}

static bool take_value(str *s, struct value *v)
{
    unsigned char kind, truth = 0;
    if (!take(s, &kind, 1) || kind > V_BYTES)
        return false;
    *v = (struct value){.kind = (enum value_kind)kind};
    switch (v->kind) {
    case V_NULL:
        return true;
    case V_BOOL:
        if (!take(s, &truth, 1))
            return false;
        v->truth = truth != 0;
        return true;
    case V_INT:
        return take(s, &v->i, sizeof v->i);
    case V_FLOAT:
        return take(s, &v->f, sizeof v->f);
    default:
        return take_text(s, &v->text);
    }
}

static bool take_values(struct query *q, str raw, struct list_query *l)
{
    size_t count = l->select.order_count;
    struct value *after = arena_new(q->arena, (count + 1) * sizeof *after);
    for (size_t i = 0; i < count; i++) {
        if (!take_value(&raw, &after[i]))
            return false;
    }
    l->select.after = after;
    return raw.len == 0;
}

static int forged(struct query *q)
{
    return query__bad(q, "bad_cursor",
                      "this is no cursor of ours; start again with an empty cursor=");
}

static bool signed_with(str secret, str raw, size_t body)
{
    unsigned char mac[MAC];
    sign(raw.ptr, body, secret, mac);
    return sodium_memcmp(mac, raw.ptr + body, MAC) == 0;
}

int cursor__read(struct query *q, str text, const struct list_rules *rules, struct list_query *l)
{
    str raw;
    if (!base64url_get(q->arena, text, &raw) || raw.len < HEAD + MAC)
        return forged(q);
    size_t body = raw.len - MAC;
    bool ours = signed_with(rules->secret, raw, body) ||
                (rules->former.len && signed_with(rules->former, raw, body));
    if (!ours || raw.ptr[0] != VERSION)
        return forged(q);
    if (memcmp(raw.ptr + 2, l->fingerprint, LIST_FINGERPRINT) != 0)
        return query__bad(q, "bad_cursor",
                          "this cursor belongs to another filter or sort; start again with an "
                          "empty cursor=");
    l->select.backwards = raw.ptr[1] != 0;
    if (!take_values(q, (str){raw.ptr + HEAD, body - HEAD}, l))
        return forged(q);
    return 0;
}
