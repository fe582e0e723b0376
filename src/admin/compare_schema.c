/* compare_schema.c -- two schemas of one place: may what was sent before still be sent, and is what
 * is answered what was told before? SPDX: Apache-2.0
 * Each pair of named schemas is compared once for each way, so that what changed in one of them is
 * told once, at the first place where it occurs, and schemas may hold themselves. */
#include "admin/compare_priv.h"

#include <stdlib.h>

enum { DEPTH_MOST = 40, PARTS_MOST = 16, VALUES_SHOWN = 200 };

enum {
    T_NULL = 1,
    T_BOOL = 2,
    T_INTEGER = 4,
    T_NUMBER = 8,
    T_TEXT = 16,
    T_ARRAY = 32,
    T_OBJECT = 64,
    T_ANY = 127
};

struct look {
    struct compare *c;
    enum way way;
    unsigned depth;
    str base; /* the place where it began */
};

static void compare(struct look *l, struct pair p, str place);

/* ---- types ---- */

static unsigned type_bit(str name)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        if (str_is(name, names[i]))
            return 1u << i;
    }
    return 0;
}

static unsigned types_of(const struct value *s)
{
    const struct value *t = compare__member(s, "type");
    unsigned bits = 0;
    if (t && t->kind == V_TEXT)
        bits = type_bit(t->text);
    for (uint32_t i = 0; t && t->kind == V_ARRAY && i < t->count; i++)
        bits |= t->items[i].kind == V_TEXT ? type_bit(t->items[i].text) : 0;
    if (bits && compare__true(s, "nullable")) /* OpenAPI 3.0 */
        bits |= T_NULL;
    return bits ? bits : T_ANY;
}

static str types_text(struct arena *a, unsigned bits)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};
    str out = LIT("");
    if (bits == T_ANY)
        return LIT("anything");
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        if (bits >> i & 1)
            out = arena_printf(a, "%.*s%s%s", STR_ARG(out), out.len ? " or " : "", names[i]);
    }
    return out;
}

/* Is every value of `less` one of `more`? A whole number is a number. */
static bool holds(unsigned more, unsigned less)
{
    if (more & T_NUMBER)
        more |= T_INTEGER;
    return (less & ~more) == 0;
}

static bool types(struct look *l, struct pair p, str place)
{
    unsigned was = types_of(p.was), now = types_of(p.now);
    bool fine = l->way == WAY_REQUEST ? holds(now, was) : holds(was, now);
    str before = types_text(l->c->arena, was), after = types_text(l->c->arena, now);
    if (fine && was != now)
        compare__tell(l->c, API_SAFE, "type_changed", place, "was %.*s, is %.*s", STR_ARG(before),
                      STR_ARG(after));
    else if (!fine && (was | T_NULL) == (now | T_NULL))
        compare__tell(l->c, API_BREAKING, "null_changed", place,
                      l->way == WAY_REQUEST ? "may not be null any more" : "may be null now");
    else if (!fine)
        compare__tell(l->c, API_BREAKING, "type_changed", place, "was %.*s, is %.*s",
                      STR_ARG(before), STR_ARG(after));
    return fine;
}

static void format(struct look *l, struct pair p, str place)
{
    str was = compare__text(p.was, "format"), now = compare__text(p.now, "format");
    bool request = l->way == WAY_REQUEST;
    if (str_eq(was, now))
        return;
    bool wider = str_is(was, "int32") && (str_is(now, "int64") || !now.len);
    bool narrower = str_is(now, "int32") && (str_is(was, "int64") || !was.len);
    bool looser = was.len && !now.len, tighter = !was.len && now.len;
    bool fine = request ? wider || looser : narrower || tighter;
    compare__tell(l->c, fine ? API_SAFE : API_BREAKING, "format_changed", place,
                  "the format was %.*s, is %.*s", STR_ARG(was.len ? was : LIT("none")),
                  STR_ARG(now.len ? now : LIT("none")));
}

/* ---- lists of values ---- */

static bool in_enum(const struct value *list, const struct value *v)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (json_same(&list->items[i], v))
            return true;
    }
    return false;
}

static str value_text_of(struct arena *a, const struct value *v)
{
    char room[80];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    json_value(&b, v);
    return arena_str(a, buf_view(&b));
}

/* One line for all of them: what may be sorted by is many values. */
static void tell_values(struct look *l, const struct value *list, const struct value *other,
                        bool added, str place)
{
    bool request = l->way == WAY_REQUEST;
    enum api_level level =
        added ? (request ? API_SAFE : API_WARNING) : (request ? API_BREAKING : API_SAFE);
    str all = LIT("");
    for (uint32_t i = 0; i < list->count && all.len < VALUES_SHOWN; i++) {
        if (in_enum(other, &list->items[i]))
            continue;
        str text = value_text_of(l->c->arena, &list->items[i]);
        all = arena_printf(l->c->arena, "%.*s%s%.*s", STR_ARG(all), all.len ? ", " : "",
                           STR_ARG(text));
    }
    if (all.len)
        compare__tell(l->c, level, added ? "value_added" : "value_removed", place, "%s: %.*s",
                      added ? "new values" : "values were removed", STR_ARG(all));
}

static void values(struct look *l, struct pair p, str place)
{
    const struct value *was = compare__member(p.was, "enum"), *now = compare__member(p.now, "enum");
    bool request = l->way == WAY_REQUEST;
    bool before = was && was->kind == V_ARRAY, after = now && now->kind == V_ARRAY;
    if (before && after) {
        tell_values(l, was, now, false, place);
        tell_values(l, now, was, true, place);
    } else if (before != after) {
        bool fine = request ? before : after;
        compare__tell(l->c,
                      fine      ? API_SAFE
                      : request ? API_BREAKING
                                : API_WARNING,
                      "values_changed", place,
                      before ? "any value is possible now" : "only listed values are possible now");
    }
}

/* ---- bounds, of what is sent ---- */

static bool number_of(const struct value *s, const char *name, double *out)
{
    const struct value *v = compare__member(s, name);
    if (!v || (v->kind != V_INT && v->kind != V_FLOAT && v->kind != V_NUM))
        return false;
    if (v->kind == V_NUM) {
        char text[64];
        if (v->text.len >= sizeof text)
            return false;
        memcpy(text, v->text.ptr, v->text.len);
        text[v->text.len] = '\0';
        *out = strtod(text, NULL);
        return true;
    }
    *out = v->kind == V_INT ? (double)v->i : v->f;
    return true;
}

static void bound(struct look *l, struct pair p, const char *name, bool least, str place)
{
    double was = 0, now = 0;
    bool before = number_of(p.was, name, &was), after = number_of(p.now, name, &now);
    bool looser = before && (!after || (least ? now < was : now > was));
    if ((!before && !after) || (before && after && !looser && !(least ? now > was : now < was)))
        return;
    if (looser) {
        compare__tell(l->c, API_SAFE, "bound_loosened", place, "%s is looser now", name);
        return;
    }
    compare__tell(l->c, API_BREAKING, "bound_tightened", place, "%s is %g now", name, now);
}

static void bounds(struct look *l, struct pair p, str place)
{
    static const struct {
        const char *name;
        bool least;
    } list[] = {{"minimum", true},    {"exclusiveMinimum", true}, {"minLength", true},
                {"minItems", true},   {"maximum", false},         {"exclusiveMaximum", false},
                {"maxLength", false}, {"maxItems", false}};
    str pattern = compare__text(p.now, "pattern");
    if (l->way != WAY_REQUEST)
        return;
    for (size_t i = 0; i < COUNT_OF(list); i++)
        bound(l, p, list[i].name, list[i].least, place);
    if (pattern.len && !str_eq(pattern, compare__text(p.was, "pattern")))
        compare__tell(l->c, API_BREAKING, "pattern_changed", place, "the pattern is another one");
}

/* ---- objects ---- */

/* "GET /users 200" and "name" make "GET /users 200 name"; "... 200 data[]" "... 200 data[].name".
 */
static str inner(struct look *l, str place, str name)
{
    const char *glue = str_eq(place, l->base) ? " " : ".";
    return arena_printf(l->c->arena, "%.*s%s%.*s", STR_ARG(place), glue, STR_ARG(name));
}

/* Of what is sent, a client sends no member that it may only read. */
static bool counts(const struct look *l, const struct value *document, const struct member *m)
{
    const struct value *s = compare__follow(document, &m->value);
    if (str_is(m->name, "_warnings"))
        return false;
    return l->way == WAY_ANSWER || !compare__true(s, "readOnly");
}

static bool alike(struct look *l, const struct value *was, const struct value *now)
{
    was = compare__follow(l->c->was, was);
    now = compare__follow(l->c->now, now);
    return types_of(was) == types_of(now) &&
           str_eq(compare__text(was, "format"), compare__text(now, "format"));
}

static bool inside(str whole, str part)
{
    for (size_t i = 0; part.len && i + part.len <= whole.len; i++) {
        if (str_starts(str_from(whole, i), part))
            return true;
    }
    return false;
}

/* The member that came for it: the only new one of the same type, or the only one of those whose
 * name has something of the old one. Nobody can be sure; hence the question mark. */
static str renamed(struct look *l, struct pair props, const struct member *gone)
{
    str found = LIT(""), near = LIT("");
    size_t count = 0, nearer = 0, lost = 0;
    for (uint32_t i = 0; i < props.was->count; i++)
        lost += !value_get(props.now, props.was->fields[i].name);
    for (uint32_t i = 0; i < props.now->count; i++) {
        const struct member *m = &props.now->fields[i];
        struct pair p = {&gone->value, &m->value};
        if (value_get(props.was, m->name) || !alike(l, p.was, p.now))
            continue;
        found = m->name;
        count++;
        if (inside(m->name, gone->name) || inside(gone->name, m->name)) {
            near = m->name;
            nearer++;
        }
    }
    if (nearer == 1)
        return near;
    return count == 1 && lost == 1 ? found : LIT("");
}

static void member_gone(struct look *l, struct pair p, struct pair props, const struct member *m,
                        str place)
{
    const struct value *more = compare__member(p.now, "additionalProperties");
    bool refused = more && more->kind == V_BOOL && !more->truth;
    bool breaks = l->way == WAY_ANSWER || refused;
    str to = props.now ? renamed(l, props, m) : LIT("");
    str at = inner(l, place, m->name);
    if (to.len)
        compare__tell(l->c, breaks ? API_BREAKING : API_SAFE, "field_renamed", at,
                      "field '%.*s' was removed (renamed to '%.*s'?)", STR_ARG(m->name),
                      STR_ARG(to));
    else
        compare__tell(l->c, breaks ? API_BREAKING : API_SAFE, "field_removed", at,
                      "field '%.*s' was removed", STR_ARG(m->name));
}

static void required(struct look *l, struct pair p, const struct member *m, str at)
{
    bool was = compare__lists(compare__member(p.was, "required"), m->name);
    bool now = compare__lists(compare__member(p.now, "required"), m->name);
    if (l->way == WAY_REQUEST && now && !was)
        compare__tell(l->c, API_BREAKING, "field_required", at, "field '%.*s' became required",
                      STR_ARG(m->name));
    if (l->way == WAY_REQUEST && was && !now)
        compare__tell(l->c, API_SAFE, "field_optional", at, "field '%.*s' became optional",
                      STR_ARG(m->name));
    if (l->way == WAY_ANSWER && was && !now)
        compare__tell(l->c, API_BREAKING, "field_optional", at, "field '%.*s' may be missing now",
                      STR_ARG(m->name));
}

static void old_members(struct look *l, struct pair p, struct pair props, str place)
{
    for (uint32_t i = 0; i < props.was->count; i++) {
        const struct member *m = &props.was->fields[i];
        const struct value *other = props.now ? value_get(props.now, m->name) : NULL;
        str at = inner(l, place, m->name);
        if (!counts(l, l->c->was, m))
            continue;
        if (!other) {
            member_gone(l, p, props, m, place);
            continue;
        }
        const struct value *now = compare__follow(l->c->now, other);
        required(l, p, m, at);
        if (compare__true(now, "deprecated") &&
            !compare__true(compare__follow(l->c->was, &m->value), "deprecated"))
            compare__tell(l->c, API_SAFE, "field_deprecated", at, "field '%.*s' is deprecated",
                          STR_ARG(m->name));
        compare(l, (struct pair){&m->value, other}, at);
    }
}

static void new_members(struct look *l, struct pair p, struct pair props, str place)
{
    for (uint32_t i = 0; i < props.now->count; i++) {
        const struct member *m = &props.now->fields[i];
        bool must =
            l->way == WAY_REQUEST && compare__lists(compare__member(p.now, "required"), m->name);
        if ((props.was && value_get(props.was, m->name)) || !counts(l, l->c->now, m))
            continue;
        compare__tell(l->c, must ? API_BREAKING : API_SAFE, "field_added", inner(l, place, m->name),
                      "%sfield '%.*s' was added", must ? "required " : "", STR_ARG(m->name));
    }
}

static void members(struct look *l, struct pair p, str place)
{
    struct pair props = {compare__member(p.was, "properties"),
                         compare__member(p.now, "properties")};
    const struct value *was = compare__member(p.was, "additionalProperties");
    const struct value *now = compare__member(p.now, "additionalProperties");
    bool open = !(was && was->kind == V_BOOL && !was->truth);
    if (props.was && props.was->kind == V_OBJECT)
        old_members(l, p, props, place);
    if (props.now && props.now->kind == V_OBJECT)
        new_members(l, p, props, place);
    if (l->way == WAY_REQUEST && open && now && now->kind == V_BOOL && !now->truth)
        compare__tell(l->c, API_BREAKING, "closed", place, "other members are refused now");
}

/* ---- several schemas in one ---- */

static bool has_forms(const struct value *s)
{
    const struct value *any = compare__member(s, "anyOf"), *one = compare__member(s, "oneOf");
    return (any && any->kind == V_ARRAY) || (one && one->kind == V_ARRAY);
}

static const struct value *part(const struct value *s, const char *name, uint32_t i)
{
    const struct value *list = compare__member(s, name);
    return list && list->kind == V_ARRAY && i < list->count ? &list->items[i] : NULL;
}

static void all_of(struct look *l, struct pair p, str place)
{
    for (uint32_t i = 0; i < PARTS_MOST; i++)
        compare(l, (struct pair){part(p.was, "allOf", i), part(p.now, "allOf", i)}, place);
}

/* The i-th of the forms that s may have; a schema without such a list is one form. */
static const struct value *form(const struct value *s, uint32_t i)
{
    if (!has_forms(s))
        return i ? NULL : s;
    return part(s, compare__member(s, "anyOf") ? "anyOf" : "oneOf", i);
}

/* In their order: Cairn's own documents keep it, others mostly do. */
static void forms(struct look *l, struct pair p, str place)
{
    for (uint32_t i = 0; i < PARTS_MOST; i++) {
        struct pair q = {form(p.was, i), form(p.now, i)};
        bool fine = (l->way == WAY_REQUEST) == (q.now != NULL);
        if (q.was && q.now)
            compare(l, q, place);
        else if (q.was || q.now)
            compare__tell(l->c, fine ? API_SAFE : API_BREAKING, "choice_changed", place,
                          q.now ? "there is one more form" : "there is one form less");
    }
}

/* True: the pair was compared before. */
static bool seen(struct look *l, struct pair p)
{
    str was = compare__text(p.was, "$ref"), now = compare__text(p.now, "$ref");
    if (!was.len || !now.len)
        return false;
    str name = arena_printf(l->c->arena, "%d %.*s %.*s", l->way, STR_ARG(was), STR_ARG(now));
    return map_set(&l->c->seen, name, l->c) != NULL;
}

static void compare(struct look *l, struct pair p, str place)
{
    if (!p.was || !p.now || l->depth == DEPTH_MOST || seen(l, p))
        return;
    struct pair q = {compare__follow(l->c->was, p.was), compare__follow(l->c->now, p.now)};
    if (!q.was || !q.now)
        return;
    l->depth++;
    if (has_forms(q.was) || has_forms(q.now)) {
        forms(l, q, place);
        l->depth--;
        return;
    }
    if (types(l, q, place)) {
        format(l, q, place);
        values(l, q, place);
        bounds(l, q, place);
    }
    members(l, q, place);
    all_of(l, q, place);
    struct pair items = {compare__member(q.was, "items"), compare__member(q.now, "items")};
    compare(l, items, arena_printf(l->c->arena, "%.*s[]", STR_ARG(place)));
    l->depth--;
}

void compare__schema(struct compare *c, struct pair p, enum way way, str place)
{
    struct look l = {.c = c, .way = way, .base = place};
    compare(&l, p, place);
}
