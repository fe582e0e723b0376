/* fields.c -- names and texts, as a form sends them, to one value. SPDX: Apache-2.0
 * `a=1` is a member; `tags=a&tags=b` and `tags[]=a` a list; `at[city]=Oslo` a member of a member;
 * `items[0][sku]=x` an object in a list, when the numbers begin at 0 and none is left out.
 * The texts have no type (value_loose): the columns that take them decide.
 * Invariants: (1) A name means one thing: a text and a member under it are refused, for two readers
 * would see two things. (2) All is bounded: FIELDS_MOST, FIELD_DEPTH. */
#include "data/data.h"

struct field {
    str name; /* empty: of a list, `[]` */
    str text;
    bool leaf;
    uint32_t count; /* of what is below it */
    struct field *first, *last, *next;
};

void fields_init(struct fields *f, struct arena *a)
{
    *f = (struct fields){.arena = a, .root = ARENA_NEW(a, struct field)};
}

static int refuse(struct err *err, str name, const char *why)
{
    str shown = str_upto(name, FIELD_NAME_SHOWN);
    while (shown.len && !str_utf8(shown))
        shown.len--;
    return fail_field(err, E_BAD, LIT("malformed_form"), shown, "the field '%.*s' %s",
                      STR_ARG(shown), why);
}

static struct field *below(const struct field *f, str name)
{
    for (struct field *c = f->first; c; c = c->next)
        if (name.len && str_eq(c->name, name))
            return c;
    return NULL;
}

static struct field *put_below(struct fields *f, struct field *up, str name)
{
    struct field *made = ARENA_NEW(f->arena, struct field);
    made->name = name;
    if (up->last)
        up->last->next = made;
    else
        up->first = made;
    up->last = made;
    up->count++;
    return made;
}

/* The next part of a name: "a" of "a[b][]", then "b", then "". False: no name of a field. */
static bool next_part(str *rest, bool first, str *out)
{
    size_t end = str_find(*rest, first ? '[' : ']');
    if (first) {
        *out = str_upto(*rest, end);
        *rest = str_from(*rest, out->len);
        return out->len > 0;
    }
    if (rest->ptr[0] != '[' || end == STR_NONE)
        return false;
    *out = str_make(rest->ptr + 1, end - 1);
    *rest = str_from(*rest, end + 1);
    return str_find(*out, '[') == STR_NONE && (out->len || !rest->len);
}

int fields_add(struct fields *f, str name, str text, struct err *err)
{
    struct field *at = f->root, *kin = NULL;
    str rest = name, part;
    if (f->count++ == FIELDS_MOST)
        return fail(err, E_TOOBIG, "a form has %d fields at most", FIELDS_MOST);
    for (unsigned depth = 0; depth == 0 || rest.len; depth++) {
        if (depth == FIELD_DEPTH)
            return refuse(err, name, "is nested too deeply");
        if (!next_part(&rest, depth == 0, &part))
            return refuse(err, name,
                          "has a name that cannot be read; names are a, a[], a[b], a[0][b]");
        kin = below(at, part);
        if (kin && kin->leaf == (rest.len > 0))
            return refuse(err, name, "is sent as a text and as more than that");
        if (depth && at->first && !at->first->name.len != !part.len)
            return refuse(err, name, "is sent as a list and as more than that");
        at = rest.len && kin ? kin : put_below(f, at, part);
    }
    at->leaf = true;
    at->text = text;
    return 0;
}

/* ---- to a value ---- */

/* Items of a list have no names, or are numbered from 0. */
static bool listed(const struct field *f)
{
    char number[16];
    uint32_t i = 0;
    bool bare = true, numbered = true;
    for (const struct field *c = f->first; c; c = c->next, i++) {
        struct buf b = {.ptr = number, .cap = sizeof number, .limit = sizeof number};
        buf_u64(&b, i);
        bare = bare && !c->name.len;
        numbered = numbered && str_eq(c->name, buf_view(&b));
    }
    return bare || numbered;
}

static struct value value_of(const struct fields *f, const struct field *at)
{
    if (at->leaf)
        return value_loose(at->text);
    struct value out = {.kind = at != f->root && listed(at) ? V_ARRAY : V_OBJECT};
    if (out.kind == V_ARRAY) {
        out.items = ARENA_ARRAY(f->arena, struct value, at->count);
        for (const struct field *c = at->first; c; c = c->next)
            out.items[out.count++] = value_of(f, c); /* FIELD_DEPTH deep at most */
        return out;
    }
    struct member *list = ARENA_ARRAY(f->arena, struct member, at->count);
    for (const struct field *c = at->first; c; c = c->next)
        list[out.count++] = (struct member){c->name, value_of(f, c)};
    return fields_gather(f->arena, list, out.count);
}

struct value fields_value(const struct fields *f)
{
    if (!f->root->count)
        return (struct value){.kind = V_OBJECT};
    return value_of(f, f->root);
}

/* ---- names that come several times ---- */

/* By the hash of their names: where a name was seen first. */
static uint32_t *seen_new(struct arena *a, size_t count, size_t *cap)
{
    *cap = 16;
    while (*cap < count * 2)
        *cap *= 2;
    uint32_t *seen = arena_try(a, *cap * sizeof *seen);
    if (seen)
        memset(seen, 0, *cap * sizeof *seen);
    return seen;
}

static bool append(struct arena *a, struct member *m, const struct value *v, uint32_t *room)
{
    if (!*room || m->value.count == *room) { /* doubles: *room is 0 as long as it is no list */
        uint32_t cap = *room ? *room * 2 : 4;
        struct value *items = arena_try(a, cap * sizeof *items);
        if (!items)
            return false;
        if (*room)
            memcpy(items, m->value.items, m->value.count * sizeof *items);
        else
            items[0] = m->value;
        m->value = (struct value){.kind = V_ARRAY, .count = *room ? m->value.count : 1};
        m->value.items = items;
        *room = cap;
    }
    m->value.items[m->value.count++] = *v;
    return true;
}

bool fields_try_gather(struct arena *a, struct member *list, size_t count, struct value *out)
{
    size_t cap;
    uint32_t *seen = seen_new(a, count, &cap), *rooms = arena_try(a, (count + 1) * sizeof *rooms);
    *out = (struct value){.kind = V_OBJECT, .fields = list};
    if (!seen || !rooms)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t at = str_hash(list[i].name) & (cap - 1);
        while (seen[at] && !str_eq(list[seen[at] - 1].name, list[i].name))
            at = (at + 1) & (cap - 1);
        if (seen[at]) {
            uint32_t first = seen[at] - 1;
            if (!append(a, &list[first], &list[i].value, &rooms[first]))
                return false;
            continue;
        }
        rooms[out->count] = 0;
        list[out->count] = list[i];
        seen[at] = ++out->count;
    }
    return true;
}

struct value fields_gather(struct arena *a, struct member *list, size_t count)
{
    struct value out;
    if (!fields_try_gather(a, list, count, &out))
        arena_new(a, a->limit); /* ends the request */
    return out;
}
