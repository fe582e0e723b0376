/* batch_read.c -- the body of a batch to its operations. SPDX: Apache-2.0
 * Whatever can be said of the batch without running it is said here, before anything is begun: a
 * misspelled member is never taken for an absent one. Invariant: operations stand in one list in
 * the order written; a group stands before what it holds, and `end` says how far that goes. */
#include "resource/batch_priv.h"

#include <stdarg.h>
#include <stdio.h>

int batch__fault(struct arena *a, str at, const char *member, str code, struct err *err,
                 const char *fmt, ...)
{
    char text[256];
    va_list ap;
    struct err_item *item = ARENA_NEW(a, struct err_item);
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str last = str_of(member);
    size_t slash = str_rfind(last, '/');
    *item = (struct err_item){.field = arena_str(a, str_from(last, slash + 1)), /* NONE + 1: 0 */
                              .pointer = arena_printf(a, "%.*s/%s", STR_ARG(at), member),
                              .code = code,
                              .message = arena_str(a, str_of(text))};
    fail(err, E_INVALID, "%s", text);
    err->items = item;
    err->item_count = 1;
    err->operation = at;
    return E_INVALID;
}

/* ---- members ---- */

/* What a list of members is read with. */
struct reading {
    struct batch *b;
    const struct value *json;
    str at;
    struct err *err;
};

#define FAULT(r, member, code, ...)                                                                \
    batch__fault(&(r)->b->rq->arena, (r)->at, (member), LIT(code), (r)->err, __VA_ARGS__)

static int known(const struct reading *r, const char *const *names, size_t count)
{
    for (uint32_t i = 0; i < r->json->count; i++) {
        str name = r->json->fields[i].name;
        bool found = false;
        for (size_t n = 0; n < count; n++)
            found = found || str_is(name, names[n]);
        if (found)
            continue;
        const char *near = str_nearest(name, names, count);
        name = arena_str(&r->b->rq->arena, str_upto(name, 60));
        return FAULT(r, name.ptr, "unknown_field", "'%s' is no member here%s%s%s", name.ptr,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return 0;
}

/* A text; ptr NULL when it is not there. */
static int take_text(const struct reading *r, const char *member, str *out)
{
    const struct value *v = value_get(r->json, str_of(member));
    *out = (str){NULL, 0};
    if (!v)
        return 0;
    if (v->kind != V_TEXT)
        return FAULT(r, member, "type", "'%s' must be a string, not %s", member,
                     value_kind_name(v->kind));
    *out = v->text;
    return 0;
}

static int one_of(const struct reading *r, const char *member, str word, const char *const *words,
                  size_t count, size_t *out)
{
    str list = LIT("");
    for (size_t i = 0; i < count; i++) {
        if (str_is(word, words[i])) {
            *out = i;
            return 0;
        }
        list = arena_printf(&r->b->rq->arena, "%.*s%s%s", STR_ARG(list), i ? ", " : "", words[i]);
    }
    return FAULT(r, member, "enum", "'%s' must be one of %.*s", member, STR_ARG(list));
}

/* ---- one operation ---- */

static int take_name(const struct reading *r, struct operation *op)
{
    TRY(take_text(r, "name", &op->name));
    str name = op->name;
    bool fine = name.len && name.len <= 64 && !ascii_digit(name.ptr[0]);
    for (size_t i = 0; i < name.len; i++)
        fine = fine && (ascii_alpha(name.ptr[i]) || ascii_digit(name.ptr[i]) ||
                        name.ptr[i] == '_' || name.ptr[i] == '-');
    if (name.ptr && !fine)
        return FAULT(r, "name", "format",
                     "'name' must be letters, digits, '_' and '-', and not begin with a digit");
    for (size_t i = 0; name.ptr && i < r->b->count; i++) {
        const struct operation *other = &r->b->all[i];
        if (other != op && other->name.ptr && str_eq(other->name, name))
            return FAULT(r, "name", "unique", "two operations are named '%.*s'", STR_ARG(name));
    }
    return 0;
}

static int take_on_error(const struct reading *r, struct operation *op)
{
    static const char *const words[] = {"rollback", "continue"};
    str word;
    size_t at = 0;
    TRY(take_text(r, "on_error", &word));
    if (word.ptr)
        TRY(one_of(r, "on_error", word, words, COUNT_OF(words), &at));
    op->goes_on = at == 1;
    return 0;
}

static int take_method(const struct reading *r, struct operation *op)
{
    static const char *const words[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    static const enum method methods[] = {METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH,
                                          METHOD_DELETE};
    str word;
    size_t at;
    TRY(take_text(r, "method", &word));
    if (!word.ptr)
        return FAULT(r, "method", "required", "'method' is required");
    TRY(one_of(r, "method", word, words, COUNT_OF(words), &at));
    op->method = methods[at];
    if (at && r->b->options.read_only)
        return FAULT(r, "method", "read_only", "a batch with read_only holds only GET");
    return 0;
}

static int take_headers(const struct reading *r, struct operation *op)
{
    const struct value *v = value_get(r->json, LIT("headers"));
    struct header *list = ARENA_ARRAY(&r->b->rq->arena, struct header, BATCH_HEADERS_MOST + 1);
    bool type = false;
    if (v && v->kind != V_OBJECT)
        return FAULT(r, "headers", "type", "'headers' must be an object of strings");
    if (v && v->count > BATCH_HEADERS_MOST)
        return FAULT(r, "headers", "length", "at most %d headers", BATCH_HEADERS_MOST);
    op->headers = list;
    for (uint32_t i = 0; v && i < v->count; i++) {
        if (v->fields[i].value.kind != V_TEXT)
            return FAULT(r, "headers", "type", "'headers' must be an object of strings");
        list[op->header_count++] = (struct header){v->fields[i].name, v->fields[i].value.text};
        type = type || str_eqi(v->fields[i].name, LIT("Content-Type"));
    }
    if (op->body && !type)
        list[op->header_count++] = (struct header){LIT("Content-Type"), LIT("application/json")};
    return 0;
}

static int take_request(const struct reading *r, struct operation *op)
{
    TRY(take_method(r, op));
    TRY(take_text(r, "path", &op->path));
    if (!op->path.ptr)
        return FAULT(r, "path", "required", "'path' is required");
    if (!op->path.len || op->path.ptr[0] != '/')
        return FAULT(r, "path", "format", "'path' must begin with a slash");
    op->body = value_get(r->json, LIT("body"));
    bool takes = op->method != METHOD_GET && op->method != METHOD_DELETE;
    if (takes && !op->body)
        return FAULT(r, "body", "required", "'body' is required");
    if (!takes && op->body)
        return FAULT(r, "body", "unknown_field", "%s takes no body", method_name(op->method));
    return take_headers(r, op);
}

/* ---- lists of them ---- */

static int take_list(const struct reading *r, size_t depth);

static int take_operation(const struct reading *r, size_t number, size_t depth)
{
    static const char *const names[] = {"method",  "path",     "body",      "name",
                                        "headers", "on_error", "operations"};
    static const char *const group_names[] = {"operations", "name", "on_error"};
    struct batch *b = r->b;
    size_t at = b->count++;
    struct operation *op = &b->all[at];
    *op = (struct operation){.number = number, .depth = depth, .at = r->at, .end = at + 1};
    op->group = value_get(r->json, LIT("operations")) != NULL;
    if (op->group)
        TRY(known(r, group_names, COUNT_OF(group_names)));
    else
        TRY(known(r, names, COUNT_OF(names) - 1));
    TRY(take_name(r, op));
    TRY(take_on_error(r, op));
    if (!op->group)
        return take_request(r, op);
    TRY(take_list(r, depth + 1));
    op->end = b->count;
    return 0;
}

static int take_list(const struct reading *r, size_t depth)
{
    const struct value *list = value_get(r->json, LIT("operations"));
    if (!list)
        return FAULT(r, "operations", "required", "'operations' is required");
    if (list->kind != V_ARRAY || !list->count)
        return FAULT(r, "operations", "type", "'operations' must be a list of operations");
    if (depth > BATCH_DEEP)
        return FAULT(r, "operations", "length", "groups nest at most %d deep", BATCH_DEEP);
    for (uint32_t i = 0; i < list->count; i++) {
        struct reading one = *r;
        one.json = &list->items[i];
        one.at = arena_printf(&r->b->rq->arena, "%.*s/operations/%u", STR_ARG(r->at), i);
        if (r->b->count == r->b->room)
            return fail(r->err, E_TOOBIG, "at most %zu operations in one batch", r->b->room);
        if (one.json->kind != V_OBJECT)
            return FAULT(r, arena_printf(&r->b->rq->arena, "operations/%u", i).ptr, "type",
                         "an operation must be an object, not %s", value_kind_name(one.json->kind));
        TRY(take_operation(&one, i, depth));
    }
    return 0;
}

/* ---- the batch ---- */

/* "read committed" and "READ_COMMITTED" are the same. No engine reads what is not committed. */
static int take_isolation(const struct reading *r)
{
    static const char *const words[] = {"read_committed", "repeatable_read", "serializable",
                                        "read_uncommitted"};
    static const enum db_isolation levels[] = {DB_READ_COMMITTED, DB_REPEATABLE_READ,
                                               DB_SERIALIZABLE, DB_READ_COMMITTED};
    const struct resource_config *c = r->b->place->set->config;
    str word;
    size_t at;
    TRY(take_text(r, "isolation", &word));
    if (!word.ptr)
        return 0;
    str copy = arena_str(&r->b->rq->arena, word);
    char *text = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < copy.len; i++)
        text[i] = text[i] == ' ' ? '_' : ascii_lower(text[i]);
    TRY(one_of(r, "isolation", copy, words, COUNT_OF(words), &at));
    r->b->options.isolation = levels[at];
    if (c->isolation_allowed >> levels[at] & 1)
        return 0;
    return FAULT(r, "isolation", "not_allowed", "'%.*s' is not among database.isolation_allowed",
                 STR_ARG(copy));
}

int batch__read(struct batch *b, const struct value *json, struct err *err)
{
    static const char *const names[] = {"operations", "isolation", "read_only"};
    struct reading r = {.b = b, .json = json, .at = LIT(""), .err = err};
    if (json->kind != V_OBJECT)
        return fail(err, E_INVALID, "the body must be a JSON object with 'operations'; found: %s",
                    value_kind_name(json->kind));
    TRY(known(&r, names, COUNT_OF(names)));
    TRY(take_isolation(&r));
    const struct value *read_only = value_get(json, LIT("read_only"));
    if (read_only && read_only->kind != V_BOOL)
        return FAULT(&r, "read_only", "type", "'read_only' must be true or false");
    b->options.read_only = read_only && read_only->truth;
    b->room = (size_t)b->place->set->config->batch_operations;
    b->all = ARENA_ARRAY(&b->rq->arena, struct operation, b->room);
    return take_list(&r, 0);
}
