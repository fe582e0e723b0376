/* ident.c -- the id in a path, and the path of an id. SPDX: Apache-2.0
 * A text that cannot be an id of the table ("abc" for a number) names no row: 404, not 400, for
 * there is no such resource. A composite id is its values with commas, /v1/product_tags/3,7. */
#include "resource/resource_priv.h"

int resource__missing(struct request *rq, const struct resource_set *s, const struct table *t,
                      struct err *err)
{
    str noun = resource__noun(s, t), id = request_param(rq, LIT("id"));
    return fail(err, E_NOTFOUND, "%.*s not found; no row of %.*s has the id '%.*s'", STR_ARG(noun),
                STR_ARG(t->name), STR_ARG(str_upto(id, 100)));
}

int resource__id(struct request *rq, const struct resource_set *s, const struct table *t,
                 struct value **out, struct err *err)
{
    const struct key *key = &t->primary;
    str rest = request_param(rq, LIT("id"));
    struct value *values = ARENA_ARRAY(&rq->arena, struct value, key->count);
    for (size_t i = 0; i < key->count; i++) {
        if (!rest.ptr)
            return resource__missing(rq, s, t, err);
        str part = rest;
        if (key->count > 1)
            part = str_cut(&rest, ',');
        else
            rest = (str){0};
        struct value text = value_text(part);
        struct value_fault fault;
        if (!column_take(key->columns[i], &rq->arena, &text, true, &values[i], &fault))
            return resource__missing(rq, s, t, err);
    }
    if (rest.ptr)
        return resource__missing(rq, s, t, err);
    *out = values;
    return 0;
}

struct cond *resource__key_cond(struct arena *a, const struct key *k, const struct value *values)
{
    struct cond *all = NULL;
    for (size_t i = 0; i < k->count; i++)
        all = cond_and(a, all, cond_test(a, k->columns[i], OP_EQ, values[i]));
    return all;
}

/* The value as the path shows it: the answer's JSON without its quotes. */
static void id_put(struct buf *b, struct arena *a, const struct column *c, const struct value *v)
{
    size_t room = (v->kind == V_TEXT || v->kind == V_BYTES ? v->text.len * 6 : 0) + 512;
    struct buf json = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    if (v->kind == V_TEXT && c->type != TYPE_TIMESTAMP && c->type != TYPE_TIME) {
        url_encode(b, v->text);
        return;
    }
    render_cell(&json, c, v);
    str text = buf_view(&json);
    if (text.len >= 2 && text.ptr[0] == '"')
        text = str_make(text.ptr + 1, text.len - 2);
    url_encode(b, text);
}

str resource__location(struct request *rq, const struct resource_set *s, const struct table *t,
                       const struct value *id)
{
    size_t room = s->config->public_url.len + s->config->prefix.len + t->name.len * 3 + 16;
    for (size_t i = 0; i < t->primary.count; i++)
        room += (id[i].kind == V_TEXT || id[i].kind == V_BYTES ? id[i].text.len * 3 : 0) + 512;
    struct buf b = {.ptr = arena_new(&rq->arena, room), .cap = room, .limit = room};
    buf_str(&b, s->config->public_url);
    buf_str(&b, s->config->prefix);
    buf_char(&b, '/');
    url_encode(&b, t->name);
    for (size_t i = 0; i < t->primary.count; i++) {
        buf_char(&b, i ? ',' : '/');
        id_put(&b, &rq->arena, t->primary.columns[i], &id[i]);
    }
    return buf_view(&b);
}
