/* json_patch.c -- JSON values changed by JSON: merge patches (RFC 7396), patches (RFC 6902) with
 * their pointers (RFC 6901), and which value contains which (as jsonb's @>). Pure. SPDX: Apache-2.0
 * A patch works on a copy of the document, whose arrays and objects have room for as many parts as
 * the next power of two says: an addition moves a container only when it outgrows that.
 * Invariants: (1) The caller's document is not touched, so that a patch that fails half way changes
 * nothing. (2) `copy` cannot make the document grow without bound: nodes are counted. */
#include "data/data.h"

#include <stdio.h>

enum { POINTER_STEPS = 128, DEPTH_MOST = 128 };

struct patch {
    struct arena *arena;
    struct value doc;
    size_t nodes, most; /* of the document */
    size_t op;          /* the position of the operation at work */
    struct err *err;
};

/* ---- equality and containment ---- */

static bool is_number(const struct value *v)
{
    return v->kind == V_INT || v->kind == V_FLOAT || v->kind == V_NUM;
}

static str digits(const struct value *v, char room[40])
{
    struct buf b = {.ptr = room, .cap = 40, .limit = 40};
    if (v->kind == V_NUM)
        return v->text;
    if (v->kind == V_INT)
        buf_i64(&b, v->i);
    else
        json_f64(&b, v->f);
    return buf_view(&b);
}

static bool same_number(const struct value *a, const struct value *b)
{
    char x[40], y[40];
    if (a->kind == V_INT && b->kind == V_INT)
        return a->i == b->i;
    return decimal_cmp(digits(a, x), digits(b, y)) == 0;
}

bool json_same(const struct value *a, const struct value *b)
{
    if (is_number(a) && is_number(b))
        return same_number(a, b);
    if (a->kind != b->kind)
        return false;
    if (a->kind != V_ARRAY && a->kind != V_OBJECT)
        return value_eq(a, b);
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        if (a->kind == V_ARRAY) {
            same = json_same(&a->items[i], &b->items[i]);
            continue;
        }
        const struct value *other = value_get(b, a->fields[i].name);
        same = other && json_same(&a->fields[i].value, other);
    }
    return same;
}

static bool array_holds(const struct value *array, const struct value *part)
{
    for (uint32_t i = 0; i < array->count; i++) {
        bool nested = part->kind == V_ARRAY || part->kind == V_OBJECT;
        if (nested ? array->items[i].kind == part->kind && json_contains(&array->items[i], part)
                   : json_same(&array->items[i], part))
            return true;
    }
    return false;
}

bool json_contains(const struct value *whole, const struct value *part)
{
    if (whole->kind == V_ARRAY && part->kind != V_ARRAY && part->kind != V_OBJECT)
        return array_holds(whole, part);
    if (whole->kind == V_ARRAY && part->kind == V_ARRAY) {
        for (uint32_t i = 0; i < part->count; i++) {
            if (!array_holds(whole, &part->items[i]))
                return false;
        }
        return true;
    }
    if (whole->kind != V_OBJECT || part->kind != V_OBJECT)
        return json_same(whole, part);
    for (uint32_t i = 0; i < part->count; i++) {
        const struct value *here = value_get(whole, part->fields[i].name);
        const struct value *want = &part->fields[i].value;
        bool list = here && here->kind == V_ARRAY && want->kind != V_ARRAY;
        if (!here || list || !json_contains(here, want))
            return false;
    }
    return true;
}

/* ---- containers that grow ---- */

static size_t part_size(const struct value *v)
{
    return v->kind == V_ARRAY ? sizeof *v->items : sizeof *v->fields;
}

/* Room that a container of so many parts has. */
static size_t room_for(uint32_t count)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return room;
}

static void *parts_of(const struct value *v)
{
    return v->kind == V_ARRAY ? (void *)v->items : (void *)v->fields;
}

static void parts_set(struct value *v, void *parts)
{
    if (v->kind == V_ARRAY)
        v->items = parts;
    else
        v->fields = parts;
}

/* Makes a place at position `at`. */
static void open_at(struct patch *p, struct value *v, size_t at)
{
    size_t size = part_size(v);
    char *parts = parts_of(v);
    if (v->count == 0 || room_for(v->count) < (size_t)v->count + 1) {
        char *more = arena_new(p->arena, room_for(v->count + 1) * size);
        if (v->count)
            memcpy(more, parts, v->count * size);
        parts = more;
        parts_set(v, parts);
    }
    memmove(parts + (at + 1) * size, parts + at * size, (v->count - at) * size);
    v->count++;
}

static void close_at(struct value *v, size_t at)
{
    size_t size = part_size(v);
    char *parts = parts_of(v);
    memmove(parts + at * size, parts + (at + 1) * size, (v->count - at - 1) * size);
    v->count--;
}

static size_t count_nodes(const struct value *v)
{
    size_t count = 1;
    for (uint32_t i = 0; (v->kind == V_ARRAY || v->kind == V_OBJECT) && i < v->count; i++)
        count += count_nodes(v->kind == V_ARRAY ? &v->items[i] : &v->fields[i].value);
    return count;
}

static unsigned depth_of(const struct value *v)
{
    unsigned deepest = 0;
    for (uint32_t i = 0; (v->kind == V_ARRAY || v->kind == V_OBJECT) && i < v->count; i++) {
        unsigned d = depth_of(v->kind == V_ARRAY ? &v->items[i] : &v->fields[i].value);
        deepest = d > deepest ? d : deepest;
    }
    return deepest + 1;
}

/* A copy with the room described above. Texts are shared. */
static struct value roomy(struct arena *a, const struct value *v)
{
    struct value copy = *v;
    if ((v->kind != V_ARRAY && v->kind != V_OBJECT) || !v->count)
        return copy;
    parts_set(&copy, arena_new(a, room_for(v->count) * part_size(v)));
    for (uint32_t i = 0; i < v->count; i++) {
        if (v->kind == V_ARRAY)
            copy.items[i] = roomy(a, &v->items[i]);
        else
            copy.fields[i] = (struct member){v->fields[i].name, roomy(a, &v->fields[i].value)};
    }
    return copy;
}

/* ---- merge patch ---- */

static size_t position(const struct value *v, str name)
{
    for (uint32_t i = 0; i < v->count; i++) {
        if (str_eq(v->fields[i].name, name))
            return i;
    }
    return STR_NONE;
}

struct value json_merge(struct arena *a, const struct value *target, const struct value *patch)
{
    struct value out = {.kind = V_OBJECT};
    static const struct value nothing = {.kind = V_NULL};
    if (patch->kind != V_OBJECT)
        return *patch;
    uint32_t had = target->kind == V_OBJECT ? target->count : 0;
    out.fields = arena_new(a, ((size_t)had + patch->count) * sizeof *out.fields + 1);
    if (had)
        memcpy(out.fields, target->fields, had * sizeof *out.fields);
    out.count = had;
    for (uint32_t i = 0; i < patch->count; i++) {
        const struct member *m = &patch->fields[i];
        size_t at = position(&out, m->name);
        if (m->value.kind == V_NULL) {
            if (at != STR_NONE)
                close_at(&out, at);
            continue;
        }
        const struct value *old = at == STR_NONE ? &nothing : &out.fields[at].value;
        struct value merged = json_merge(a, old, &m->value);
        if (at == STR_NONE)
            at = out.count++;
        out.fields[at] = (struct member){m->name, merged};
    }
    return out;
}

/* ---- pointers ---- */

struct pointer {
    str text;
    str steps[POINTER_STEPS]; /* unescaped */
    size_t count;
};

static int wrong(struct patch *p, const char *what, str shown)
{
    return fail_field(p->err, E_INVALID, LIT("bad_patch"), LIT(""), "operation %zu: %s '%.*s'",
                      p->op, what, STR_ARG(str_upto(shown, 80)));
}

/* The document is not as the operation expects it. */
static int missing(struct patch *p, const struct pointer *at)
{
    return fail_field(p->err, E_CONFLICT, LIT("patch_path"), LIT(""),
                      "operation %zu: there is nothing at '%.*s'", p->op,
                      STR_ARG(str_upto(at->text, 80)));
}

/* ~1 is a slash and ~0 a tilde; false for any other ~. */
static bool unescape(struct arena *a, str s, str *out)
{
    size_t len = 0;
    *out = s;
    if (str_find(s, '~') == STR_NONE)
        return true;
    char *text = arena_new(a, s.len);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '~') {
            c = i + 1 < s.len ? s.ptr[++i] : '?';
            if (c != '0' && c != '1')
                return false;
            c = c == '0' ? '~' : '/';
        }
        text[len++] = c;
    }
    *out = str_make(text, len);
    return true;
}

static int pointer_read(struct patch *p, str text, struct pointer *out)
{
    str rest = str_from(text, 1);
    out->text = text;
    out->count = 0;
    if (!text.len)
        return 0;
    if (text.ptr[0] != '/')
        return wrong(p, "a path begins with a slash; this does not:", text);
    while (rest.ptr) {
        if (out->count == POINTER_STEPS)
            return wrong(p, "a path has 128 steps at most:", text);
        if (!unescape(p->arena, str_cut(&rest, '/'), &out->steps[out->count++]))
            return wrong(p, "in a path ~ is followed by 0 or 1:", text);
    }
    return 0;
}

/* A position in an array: digits without a zero in front; "-" is behind the last where `past`.
 * False for what can be none; *at may lie behind the end. */
static bool array_index(const struct value *v, str s, bool past, size_t *at)
{
    uint64_t n;
    if (past && str_is(s, "-")) {
        *at = v->count;
        return true;
    }
    if (!s.len || s.len > 9 || (s.len > 1 && s.ptr[0] == '0') || !ascii_digit(s.ptr[0]) ||
        !str_to_u64(s, &n))
        return false;
    *at = (size_t)n;
    return true;
}

/* One step down. NULL with a failure in p->err. */
static struct value *step(struct patch *p, struct value *v, const struct pointer *at, size_t i)
{
    size_t n;
    if (v->kind == V_OBJECT) {
        n = position(v, at->steps[i]);
        if (n != STR_NONE)
            return &v->fields[n].value;
    } else if (v->kind == V_ARRAY) {
        if (!array_index(v, at->steps[i], true, &n)) {
            wrong(p, "no position in an array:", at->steps[i]);
            return NULL;
        }
        if (n < v->count)
            return &v->items[n];
    }
    missing(p, at);
    return NULL;
}

/* The value after `count` steps. */
static struct value *find(struct patch *p, const struct pointer *at, size_t count)
{
    struct value *v = &p->doc;
    for (size_t i = 0; v && i < count; i++)
        v = step(p, v, at, i);
    return v;
}

/* ---- the operations ---- */

static int put(struct patch *p, const struct pointer *at, struct value value)
{
    size_t n;
    if (!at->count) {
        p->doc = value;
        return 0;
    }
    struct value *v = find(p, at, at->count - 1);
    str last = at->steps[at->count - 1];
    if (!v)
        return p->err->code;
    if (v->kind == V_OBJECT) {
        n = position(v, last);
        if (n == STR_NONE) {
            n = v->count;
            open_at(p, v, n);
        }
        v->fields[n] = (struct member){last, value};
        return 0;
    }
    if (v->kind != V_ARRAY)
        return missing(p, at);
    if (!array_index(v, last, true, &n))
        return wrong(p, "no position in an array:", last);
    if (n > v->count)
        return missing(p, at);
    open_at(p, v, n);
    v->items[n] = value;
    return 0;
}

static int take_out(struct patch *p, const struct pointer *at, struct value *out)
{
    size_t n = 0;
    struct value *v = find(p, at, at->count);
    if (!v)
        return p->err->code;
    *out = *v;
    if (!at->count) {
        p->doc = value_null();
        return 0;
    }
    struct value *above = find(p, at, at->count - 1);
    str last = at->steps[at->count - 1];
    if (above->kind == V_OBJECT)
        n = position(above, last);
    else
        array_index(above, last, false, &n);
    close_at(above, n);
    return 0;
}

/* May the document take in that much more, that deep? */
static int room(struct patch *p, const struct value *more, const struct pointer *at)
{
    p->nodes += count_nodes(more);
    if (p->nodes > p->most || depth_of(more) + at->count > DEPTH_MOST)
        return fail(p->err, E_TOOBIG, "operation %zu: the document becomes too large", p->op);
    return 0;
}

static int op_add(struct patch *p, const struct pointer *at, const struct value *value)
{
    TRY(room(p, value, at));
    return put(p, at, roomy(p->arena, value));
}

static int op_replace(struct patch *p, const struct pointer *at, const struct value *value)
{
    struct value *v = find(p, at, at->count);
    if (!v)
        return p->err->code;
    TRY(room(p, value, at));
    *v = roomy(p->arena, value);
    return 0;
}

static int op_test(struct patch *p, const struct pointer *at, const struct value *value)
{
    const struct value *v = find(p, at, at->count);
    if (v && json_same(v, value))
        return 0;
    if (!v && p->err->code == E_INVALID)
        return p->err->code;
    *p->err = (struct err){0};
    return fail_field(p->err, E_CONFLICT, LIT("patch_test"), LIT(""),
                      "operation %zu: '%.*s' has not the value that the test expects", p->op,
                      STR_ARG(str_upto(at->text, 80)));
}

static int op_copy(struct patch *p, const struct pointer *from, const struct pointer *at)
{
    const struct value *v = find(p, from, from->count);
    if (!v)
        return p->err->code;
    struct value copy = *v;
    return op_add(p, at, &copy);
}

static int op_move(struct patch *p, const struct pointer *from, const struct pointer *at)
{
    struct value moved;
    bool below = at->count > from->count;
    for (size_t i = 0; below && i < from->count; i++)
        below = str_eq(at->steps[i], from->steps[i]);
    if (below)
        return wrong(p, "a value cannot be moved into itself:", at->text);
    if (str_eq(from->text, at->text))
        return find(p, from, from->count) ? 0 : p->err->code;
    TRY(take_out(p, from, &moved));
    if (depth_of(&moved) + at->count > DEPTH_MOST)
        return fail(p->err, E_TOOBIG, "operation %zu: the document becomes too large", p->op);
    return put(p, at, moved);
}

/* ---- one operation, read ---- */

static int member(struct patch *p, const struct value *op, const char *name,
                  const struct value **out)
{
    *out = value_get(op, str_of(name));
    return *out ? 0 : wrong(p, "a member is missing:", str_of(name));
}

static int pointer_member(struct patch *p, const struct value *op, const char *name,
                          struct pointer *out)
{
    const struct value *v;
    TRY(member(p, op, name, &v));
    if (v->kind != V_TEXT)
        return wrong(p, "a text is expected in", str_of(name));
    return pointer_read(p, v->text, out);
}

static int with_value(struct patch *p, const struct value *op, str word, const struct pointer *at)
{
    const struct value *value;
    TRY(member(p, op, "value", &value));
    if (str_is(word, "add"))
        return op_add(p, at, value);
    return str_is(word, "test") ? op_test(p, at, value) : op_replace(p, at, value);
}

static int apply(struct patch *p, const struct value *op)
{
    static const char *const words[] = {"add", "replace", "test", "remove", "move", "copy"};
    const struct value *word, *unused;
    struct value gone;
    struct pointer *at = ARENA_ARRAY(p->arena, struct pointer, 2), *from = at + 1;
    size_t i = 0;
    if (op->kind != V_OBJECT)
        return fail_field(p->err, E_BAD, LIT("bad_patch"), LIT(""),
                          "operation %zu is no object; found: %s", p->op,
                          value_kind_name(op->kind));
    TRY(member(p, op, "op", &word));
    while (i < COUNT_OF(words) && !(word->kind == V_TEXT && str_is(word->text, words[i])))
        i++;
    if (i == COUNT_OF(words))
        return wrong(p, "add, remove, replace, move, copy or test is expected, not",
                     word->kind == V_TEXT ? word->text : str_of(value_kind_name(word->kind)));
    TRY(pointer_member(p, op, "path", at));
    if (i < 3)
        return with_value(p, op, word->text, at);
    if (i == 3)
        return take_out(p, at, &gone);
    TRY(member(p, op, "from", &unused));
    TRY(pointer_member(p, op, "from", from));
    return i == 4 ? op_move(p, from, at) : op_copy(p, from, at);
}

int json_patch(struct arena *a, const struct value *doc, const struct value *ops, struct value *out,
               struct err *err)
{
    struct patch p = {.arena = a, .most = json_limits_default.nodes, .err = err};
    if (ops->kind != V_ARRAY)
        return fail_field(err, E_BAD, LIT("bad_patch"), LIT(""),
                          "a JSON Patch is an array of operations; found: %s",
                          value_kind_name(ops->kind));
    if (ops->count > JSON_PATCH_OPS)
        return fail(err, E_TOOBIG, "a JSON Patch has %d operations at most", JSON_PATCH_OPS);
    p.doc = roomy(a, doc);
    p.nodes = count_nodes(doc);
    for (uint32_t i = 0; i < ops->count; i++) {
        p.op = i;
        TRY(apply(&p, &ops->items[i]));
    }
    *out = p.doc;
    return 0;
}
