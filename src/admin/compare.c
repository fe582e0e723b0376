/* compare.c -- two documents of an API: paths, operations, parameters, bodies, answers.
 * SPDX: Apache-2.0
 * The rules are those of docs/versions.md: what a client may send stays, what it was told stays;
 * what is new it need not know. What is inside of values is compare_schema.c's. */
#include "admin/compare_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FOLLOWED_MOST = 16, TEXT_MOST = 400 };

const char *api_level_name(enum api_level l)
{
    static const char *const names[] = {"breaking", "warning", "safe"};
    return names[l];
}

void compare__tell(struct compare *c, enum api_level level, const char *code, str place,
                   const char *fmt, ...)
{
    char text[TEXT_MOST];
    struct api_changes *o = c->out;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (o->count == API_CHANGES_MOST) {
        o->cut = true;
        return;
    }
    if (!o->list)
        o->list = ARENA_ARRAY(c->arena, struct api_change, API_CHANGES_MOST);
    o->list[o->count++] =
        (struct api_change){level, str_of(code), place, arena_str(c->arena, str_of(text))};
}

/* ---- reading a document ---- */

const struct value *compare__member(const struct value *v, const char *name)
{
    return v ? value_get(v, str_of(name)) : NULL;
}

str compare__text(const struct value *v, const char *name)
{
    const struct value *m = compare__member(v, name);
    return m && m->kind == V_TEXT ? m->text : LIT("");
}

bool compare__true(const struct value *v, const char *name)
{
    const struct value *m = compare__member(v, name);
    return m && m->kind == V_BOOL && m->truth;
}

bool compare__lists(const struct value *list, str text)
{
    for (uint32_t i = 0; list && list->kind == V_ARRAY && i < list->count; i++) {
        if (list->items[i].kind == V_TEXT && str_eq(list->items[i].text, text))
            return true;
    }
    return false;
}

const struct value *compare__follow(const struct value *document, const struct value *v)
{
    for (unsigned i = 0; v && i < FOLLOWED_MOST; i++) {
        str ref = compare__text(v, "$ref");
        if (!ref.len)
            return v;
        if (!str_starts(ref, LIT("#/")))
            return NULL;
        v = document;
        for (str rest = str_from(ref, 2); rest.ptr && v;)
            v = value_get(v, str_cut(&rest, '/'));
    }
    return NULL;
}

/* v1, v2.1: what stands for the version in a path. */
static bool is_version(str s)
{
    bool digits = false;
    for (size_t i = 1; i < s.len; i++) {
        if (!ascii_digit(s.ptr[i]) && s.ptr[i] != '.')
            return false;
        digits |= ascii_digit(s.ptr[i]);
    }
    return digits && (s.ptr[0] == 'v' || s.ptr[0] == 'V');
}

/* "/v1/users/{id}" to "/users/{}": the same in all versions. */
static str plain_path(struct arena *a, str path)
{
    char *out = arena_new(a, path.len + 1);
    size_t len = 0;
    bool cut = false;
    for (str rest = str_from(path, 1); rest.ptr;) {
        str part = str_cut(&rest, '/');
        if (!cut && is_version(part)) {
            cut = true;
            continue;
        }
        if (part.len && part.ptr[0] == '{')
            part = LIT("{}");
        out[len++] = '/';
        memcpy(out + len, part.ptr, part.len);
        len += part.len;
    }
    return str_make(out, len);
}

static const struct value *find_path(struct arena *a, const struct value *paths, str plain)
{
    for (uint32_t i = 0; paths && paths->kind == V_OBJECT && i < paths->count; i++) {
        if (str_eq(plain_path(a, paths->fields[i].name), plain))
            return &paths->fields[i].value;
    }
    return NULL;
}

/* ---- parameters ---- */

static const struct value *find_parameter(const struct value *document, const struct value *list,
                                          const struct value *like)
{
    for (uint32_t i = 0; list && list->kind == V_ARRAY && i < list->count; i++) {
        const struct value *p = compare__follow(document, &list->items[i]);
        if (str_eq(compare__text(p, "name"), compare__text(like, "name")) &&
            str_eq(compare__text(p, "in"), compare__text(like, "in")))
            return p;
    }
    return NULL;
}

/* Those of a path are told by their place. */
static bool counts(const struct value *p)
{
    return p && !str_is(compare__text(p, "in"), "path");
}

static str parameter_place(struct compare *c, str place, const struct value *p)
{
    str in = compare__text(p, "in"), name = compare__text(p, "name");
    return arena_printf(c->arena, "%.*s %.*s %.*s", STR_ARG(place), STR_ARG(in), STR_ARG(name));
}

static void old_parameter(struct compare *c, struct pair p, str place)
{
    str at = parameter_place(c, place, p.was), name = compare__text(p.was, "name");
    if (!p.now) {
        compare__tell(c, API_BREAKING, "parameter_removed", at, "parameter '%.*s' was removed",
                      STR_ARG(name));
        return;
    }
    if (compare__true(p.now, "required") && !compare__true(p.was, "required"))
        compare__tell(c, API_BREAKING, "parameter_required", at, "parameter '%.*s' became required",
                      STR_ARG(name));
    struct pair schemas = {compare__member(p.was, "schema"), compare__member(p.now, "schema")};
    compare__schema(c, schemas, WAY_REQUEST, at);
}

static void parameters(struct compare *c, struct pair op, str place)
{
    const struct value *was = compare__member(op.was, "parameters");
    const struct value *now = compare__member(op.now, "parameters");
    for (uint32_t i = 0; was && was->kind == V_ARRAY && i < was->count; i++) {
        const struct value *p = compare__follow(c->was, &was->items[i]);
        if (counts(p))
            old_parameter(c, (struct pair){p, find_parameter(c->now, now, p)}, place);
    }
    for (uint32_t i = 0; now && now->kind == V_ARRAY && i < now->count; i++) {
        const struct value *p = compare__follow(c->now, &now->items[i]);
        if (!counts(p) || find_parameter(c->was, was, p))
            continue;
        bool must = compare__true(p, "required");
        str name = compare__text(p, "name");
        compare__tell(c, must ? API_BREAKING : API_SAFE, "parameter_added",
                      parameter_place(c, place, p), "%s parameter '%.*s' was added",
                      must ? "required" : "optional", STR_ARG(name));
    }
}

/* ---- contents ---- */

static void contents(struct compare *c, struct pair p, enum way way, str place)
{
    const struct value *was = compare__member(p.was, "content");
    const struct value *now = compare__member(p.now, "content");
    for (uint32_t i = 0; was && was->kind == V_OBJECT && i < was->count; i++) {
        str type = was->fields[i].name;
        const struct value *other = now ? value_get(now, type) : NULL;
        if (!other) {
            compare__tell(c, API_BREAKING, "media_type_removed", place,
                          "the media type %.*s was removed", STR_ARG(type));
            continue;
        }
        struct pair schemas = {compare__member(&was->fields[i].value, "schema"),
                               compare__member(other, "schema")};
        compare__schema(c, schemas, way, place);
    }
}

static void body(struct compare *c, struct pair op, str place)
{
    struct pair p = {compare__follow(c->was, compare__member(op.was, "requestBody")),
                     compare__follow(c->now, compare__member(op.now, "requestBody"))};
    str at = arena_printf(c->arena, "%.*s body", STR_ARG(place));
    bool must = compare__true(p.now, "required");
    if (p.was && !p.now)
        compare__tell(c, API_BREAKING, "body_removed", at, "the body was removed");
    else if (!p.was && p.now)
        compare__tell(c, must ? API_BREAKING : API_SAFE, "body_added", at, "a%s body was added",
                      must ? " required" : "n optional");
    else if (must && !compare__true(p.was, "required"))
        compare__tell(c, API_BREAKING, "body_required", at, "the body became required");
    if (p.was && p.now)
        contents(c, p, WAY_REQUEST, at);
}

static bool good(str status)
{
    return status.len == 3 && status.ptr[0] == '2';
}

static void answers(struct compare *c, struct pair op, str place)
{
    const struct value *was = compare__member(op.was, "responses");
    const struct value *now = compare__member(op.now, "responses");
    for (uint32_t i = 0; was && was->kind == V_OBJECT && i < was->count; i++) {
        str status = was->fields[i].name;
        str at = arena_printf(c->arena, "%.*s %.*s", STR_ARG(place), STR_ARG(status));
        struct pair p = {compare__follow(c->was, &was->fields[i].value),
                         compare__follow(c->now, now ? value_get(now, status) : NULL)};
        if (p.was && p.now)
            contents(c, p, WAY_ANSWER, at);
        else if (p.was && good(status))
            compare__tell(c, API_BREAKING, "status_removed", at, "there is no answer %.*s any more",
                          STR_ARG(status));
    }
    for (uint32_t i = 0; now && now->kind == V_OBJECT && i < now->count; i++) {
        str status = now->fields[i].name;
        if (!(was && value_get(was, status)))
            compare__tell(c, good(status) ? API_WARNING : API_SAFE, "status_added",
                          arena_printf(c->arena, "%.*s %.*s", STR_ARG(place), STR_ARG(status)),
                          "there is an answer %.*s now", STR_ARG(status));
    }
}

/* ---- operations ---- */

static const char *const methods[] = {"get",   "head",   "post",    "put",
                                      "patch", "delete", "options", "trace"};

/* Nobody has to sign in: no security at all, or one of the ways is none. */
static bool open_to_all(const struct value *document, const struct value *op)
{
    const struct value *list = compare__member(op, "security");
    if (!list)
        list = compare__member(document, "security");
    if (!list || list->kind != V_ARRAY || !list->count)
        return true;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].kind == V_OBJECT && !list->items[i].count)
            return true;
    }
    return false;
}

static str operation_place(struct compare *c, const char *method, str path)
{
    str out = arena_printf(c->arena, "%s %.*s", method, STR_ARG(path));
    for (size_t i = 0; i < strlen(method); i++)
        ((char *)(uintptr_t)out.ptr)[i] = (char)(method[i] - 32);
    return out;
}

static void operation(struct compare *c, struct pair op, str place)
{
    if (!op.was || !op.now) {
        compare__tell(c, op.was ? API_BREAKING : API_SAFE,
                      op.was ? "operation_removed" : "operation_added", place,
                      op.was ? "the operation was removed" : "the operation was added");
        return;
    }
    if (open_to_all(c->was, op.was) && !open_to_all(c->now, op.now))
        compare__tell(c, API_BREAKING, "sign_in_required", place, "callers must sign in now");
    if (compare__true(op.now, "deprecated") && !compare__true(op.was, "deprecated"))
        compare__tell(c, API_SAFE, "operation_deprecated", place, "the operation is deprecated");
    parameters(c, op, place);
    body(c, op, place);
    answers(c, op, place);
}

static void operations(struct compare *c, struct pair p, str path)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        struct pair op = {compare__member(p.was, methods[i]), compare__member(p.now, methods[i])};
        if (op.was || op.now)
            operation(c, op, operation_place(c, methods[i], path));
    }
}

static void paths(struct compare *c)
{
    const struct value *was = compare__member(c->was, "paths");
    const struct value *now = compare__member(c->now, "paths");
    for (uint32_t i = 0; i < was->count; i++) {
        str plain = plain_path(c->arena, was->fields[i].name);
        struct pair p = {&was->fields[i].value, find_path(c->arena, now, plain)};
        operations(c, p, plain);
    }
    for (uint32_t i = 0; i < now->count; i++) {
        str plain = plain_path(c->arena, now->fields[i].name);
        if (!find_path(c->arena, was, plain))
            operations(c, (struct pair){NULL, &now->fields[i].value}, plain);
    }
}

/* ---- the whole ---- */

static bool is_document(const struct value *v)
{
    const struct value *p = compare__member(v, "paths");
    return str_starts(compare__text(v, "openapi"), LIT("3.")) && p && p->kind == V_OBJECT;
}

/* The breaking ones first, otherwise as they came. */
static void arrange(struct compare *c)
{
    struct api_changes *o = c->out;
    struct api_change *list = ARENA_ARRAY(c->arena, struct api_change, o->count);
    size_t count = 0;
    for (enum api_level l = API_BREAKING; l < API_LEVELS; l++) {
        for (size_t i = 0; i < o->count; i++) {
            if (o->list[i].level == l)
                list[count++] = o->list[i];
        }
    }
    o->list = list;
}

int api_compare(struct arena *a, const struct value *was, const struct value *now,
                struct api_changes *out, struct err *err)
{
    struct compare c = {.arena = a, .was = was, .now = now, .out = out};
    *out = (struct api_changes){0};
    if (!is_document(was) || !is_document(now))
        return fail(err, E_BAD, "the %s is no OpenAPI 3 document",
                    is_document(was) ? "second" : "first");
    map_init(&c.seen);
    paths(&c);
    map_fini(&c.seen);
    arrange(&c);
    return 0;
}
