/* batch_ref.c -- references to what earlier operations of a batch answered. SPDX: Apache-2.0
 * `u.id` is the member id of the answer of the operation named u; `2.data.0.id` goes on into lists,
 * and begins with the number of an operation of the batch itself. In a body it stands for a value
 * of any kind, in a path for the text of one, percent-encoded.
 * Invariants: (1) What is put in is never read for references again. (2) Whatever stands below
 * $literal stays as it is. */
#include "resource/batch_priv.h"

/* Where in the body we are, for a pointer when something is wrong. */
struct step {
    const struct step *up;
    str name; /* ptr NULL: a position */
    size_t position;
};

struct resolver {
    struct batch *b;
    size_t at; /* the operation that refers */
    struct err *err;
};

static str step_path(struct arena *a, const struct step *s)
{
    if (!s)
        return LIT("");
    str up = step_path(a, s->up);
    str own = s->name.ptr ? resource__pointer(a, ROW_NONE, s->name)
                          : resource__pointer(a, s->position, (str){NULL, 0});
    return arena_printf(a, "%.*s%.*s", STR_ARG(up), STR_ARG(own));
}

/* ---- what is referred to ---- */

static struct operation *find(struct resolver *r, str name)
{
    struct operation *all = r->b->all;
    uint64_t number;
    bool numbered = str_to_u64(name, &number);
    for (size_t i = 0; i < r->at; i++) {
        bool hit = numbered ? all[i].depth == 0 && all[i].number == number
                            : all[i].name.ptr && str_eq(all[i].name, name);
        if (hit && !all[i].group)
            return &all[i];
    }
    return NULL;
}

static const struct value *answer_of(struct resolver *r, struct operation *op)
{
    struct arena *a = &r->b->rq->arena;
    struct err ignored = {0};
    if (op->value)
        return op->value;
    struct value *v = ARENA_NEW(a, struct value);
    if (op->answer.len && json_parse(a, op->answer, &json_limits_default, v, &ignored) < 0)
        *v = value_null();
    op->value = v;
    return v;
}

static const struct value *inside(const struct value *v, str name)
{
    uint64_t at;
    if (v->kind == V_ARRAY)
        return str_to_u64(name, &at) && at < v->count ? &v->items[at] : NULL;
    return value_get(v, name);
}

static int bad(struct resolver *r, const struct step *place, const char *member, str text)
{
    struct arena *a = &r->b->rq->arena;
    const struct operation *op = &r->b->all[r->at];
    str where = arena_printf(a, "%s%.*s", member, STR_ARG(step_path(a, place)));
    batch__fault(a, op->at, where.ptr, LIT("reference"), r->err, "%.*s", STR_ARG(text));
    r->err->word = LIT("reference");
    return E_INVALID;
}

static int look_up(struct resolver *r, str ref, const struct step *place, const char *member,
                   const struct value **out)
{
    struct arena *a = &r->b->rq->arena;
    str rest = ref, name = str_cut(&rest, '.'), shown = str_upto(ref, 80);
    struct operation *op = find(r, name);
    if (!op)
        return bad(r, place, member,
                   arena_printf(a, "'%.*s' refers to no earlier operation", STR_ARG(shown)));
    if (op->state != OPERATION_DONE)
        return bad(
            r, place, member,
            arena_printf(a, "'%.*s' refers to an operation that was undone", STR_ARG(shown)));
    const struct value *v = answer_of(r, op);
    while (v && rest.ptr)
        v = inside(v, str_cut(&rest, '.'));
    if (!v)
        return bad(
            r, place, member,
            arena_printf(a, "'%.*s' is not in the answer of that operation", STR_ARG(shown)));
    *out = v;
    return 0;
}

/* ---- in a body ---- */

/* The value of {"NAME": value} alone, or NULL. */
static const struct value *only(const struct value *v, const char *name)
{
    return v->kind == V_OBJECT && v->count == 1 && str_is(v->fields[0].name, name)
               ? &v->fields[0].value
               : NULL;
}

static bool refers(const struct value *v)
{
    bool some = only(v, "$ref") || only(v, "$literal");
    for (uint32_t i = 0; !some && v->kind == V_ARRAY && i < v->count; i++)
        some = refers(&v->items[i]);
    for (uint32_t i = 0; !some && v->kind == V_OBJECT && i < v->count; i++)
        some = refers(&v->fields[i].value);
    return some;
}

static int resolve(struct resolver *r, const struct value *in, const struct step *place,
                   struct value *out);

static int resolve_inside(struct resolver *r, const struct value *in, const struct step *place,
                          struct value *out)
{
    struct arena *a = &r->b->rq->arena;
    *out = *in;
    if (in->kind == V_ARRAY)
        out->items = ARENA_ARRAY(a, struct value, in->count);
    else
        out->fields = ARENA_ARRAY(a, struct member, in->count);
    for (uint32_t i = 0; i < in->count; i++) {
        struct step here = {.up = place, .position = i};
        if (in->kind == V_ARRAY) {
            TRY(resolve(r, &in->items[i], &here, &out->items[i]));
            continue;
        }
        here.name = out->fields[i].name = in->fields[i].name;
        TRY(resolve(r, &in->fields[i].value, &here, &out->fields[i].value));
    }
    return 0;
}

static int resolve(struct resolver *r, const struct value *in, const struct step *place,
                   struct value *out)
{
    const struct value *ref = only(in, "$ref"), *literal = only(in, "$literal"), *found;
    if (literal || !refers(in)) {
        *out = literal ? *literal : *in;
        return 0;
    }
    if (!ref)
        return resolve_inside(r, in, place, out);
    if (ref->kind != V_TEXT)
        return bad(r, place, "body", LIT("'$ref' must be a string, as in {\"$ref\": \"user.id\"}"));
    TRY(look_up(r, ref->text, place, "body", &found));
    *out = *found;
    return 0;
}

int batch__body(struct batch *b, size_t at, const struct value **out, struct err *err)
{
    struct resolver r = {.b = b, .at = at, .err = err};
    *out = b->all[at].body;
    if (!*out || !refers(*out))
        return 0;
    struct value *copy = ARENA_NEW(&b->rq->arena, struct value);
    TRY(resolve(&r, *out, NULL, copy));
    *out = copy;
    return 0;
}

/* ---- in a path ---- */

static size_t find_text(str s, const char *text)
{
    str what = str_of(text);
    for (size_t i = 0; i + what.len <= s.len; i++) {
        if (str_starts(str_from(s, i), what))
            return i;
    }
    return STR_NONE;
}

static int path_value(struct resolver *r, str ref, str *out)
{
    struct arena *a = &r->b->rq->arena;
    const struct value *v;
    TRY(look_up(r, ref, NULL, "path", &v));
    if (v->kind == V_NULL || v->kind == V_ARRAY || v->kind == V_OBJECT)
        return bad(r, NULL, "path",
                   arena_printf(a, "'%.*s' is %s, which a path cannot hold",
                                STR_ARG(str_upto(ref, 80)), value_kind_name(v->kind)));
    str text = v->kind == V_TEXT ? v->text : LIT("");
    size_t room = text.len * 3 + 64;
    if (v->kind == V_NUM)
        room += v->text.len;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    if (v->kind == V_TEXT)
        url_encode(&b, text);
    else
        json_value(&b, v);
    *out = buf_view(&b);
    return 0;
}

int batch__path(struct batch *b, size_t at, str *out, struct err *err)
{
    static const char open[] = "{$ref:";
    struct resolver r = {.b = b, .at = at, .err = err};
    str rest = b->all[at].path, done = LIT("");
    for (size_t mark; (mark = find_text(rest, open)) != STR_NONE;) {
        str ref = str_from(rest, mark + sizeof open - 1), value = {NULL, 0};
        size_t end = str_find(ref, '}');
        if (end == STR_NONE)
            return bad(&r, NULL, "path", LIT("'{$ref:' has no closing brace"));
        TRY(path_value(&r, str_trim(str_upto(ref, end)), &value));
        done = arena_printf(&b->rq->arena, "%.*s%.*s%.*s", STR_ARG(done),
                            STR_ARG(str_upto(rest, mark)), STR_ARG(value));
        rest = str_from(ref, end + 1);
    }
    *out = done.len ? arena_printf(&b->rq->arena, "%.*s%.*s", STR_ARG(done), STR_ARG(rest)) : rest;
    return 0;
}
