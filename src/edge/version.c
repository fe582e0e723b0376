/* version.c -- which version of the API a request asks for: by its path, else by a header, by
 * Accept: application/vnd.NAME.v1+json, or by a parameter, in that order. SPDX: Apache-2.0
 * A request whose path names no version gets the prefix of its version put before it, so that all
 * behind this sees one form of path: routes, limits, caches, logs. Here nothing is known of routes:
 * whether such a path is one of its own, the caller tells. */
#include "edge/edge_priv.h"

#include "render/negotiate.h"

enum { SHOWN = 40 };

/* ---- names ---- */

/* "v1", "V1", and "1" of the version v1. Its place from 1; 0: none. */
static unsigned find(const struct edge_versions *v, str text)
{
    for (size_t i = 0; i < v->count; i++) {
        str name = v->list[i].name;
        bool v_in_front = name.len > 1 && ascii_lower(name.ptr[0]) == 'v';
        if (str_eqi(text, name) || (v_in_front && str_eqi(text, str_from(name, 1))))
            return (unsigned)i + 1;
    }
    return 0;
}

static str names(struct request *rq, const struct edge_versions *v)
{
    str all = LIT("");
    for (size_t i = 0; i < v->count; i++)
        all = arena_printf(&rq->arena, "%.*s%s%.*s", STR_ARG(all), i ? ", " : "",
                           STR_ARG(v->list[i].name));
    return all;
}

/* what: "version" of a path, else "API version". */
static int unknown(const struct edge_versions *v, struct request *rq, const char *what, str field,
                   str text, struct err *err)
{
    str there = names(rq, v);
    return fail_field(err, E_BAD, LIT("unknown_version"), field,
                      "Invalid %s; there is no '%.*s', only %.*s", what,
                      STR_ARG(str_upto(text, SHOWN)), STR_ARG(str_upto(there, 200)));
}

/* ---- parameters ---- */

static bool is_parameter(const struct edge_versions *v, str name)
{
    for (size_t i = 0; i < v->parameter_count; i++) {
        if (str_eq(name, v->parameters[i]))
            return true;
    }
    return false;
}

/* The first one that names a version, or (bad) none that there is. `version=eq.2` is a filter. */
static unsigned by_parameter(const struct edge_versions *v, str query, str *name, str *bad)
{
    for (str rest = query; rest.ptr && v->parameter_count;) {
        str value = str_cut(&rest, '&');
        *name = str_cut(&value, '=');
        if (!is_parameter(v, *name) || !value.ptr)
            continue;
        unsigned found = find(v, value);
        if (found)
            return found;
        if (str_find(value, '.') == STR_NONE)
            *bad = value;
    }
    return 0;
}

/* What chose the version is no parameter of the resource. */
static void cut_parameters(const struct edge_versions *v, struct request *rq)
{
    str ignored_name, ignored = {NULL, 0};
    if (!rq->query.len || !by_parameter(v, rq->query, &ignored_name, &ignored))
        return;
    char *text = arena_new(&rq->arena, rq->query.len + 1);
    struct buf b = {.ptr = text, .cap = rq->query.len + 1, .limit = rq->query.len + 1};
    for (str rest = rq->query; rest.ptr;) {
        str pair = str_cut(&rest, '&'), value = pair, name = str_cut(&value, '=');
        if (is_parameter(v, name) && value.ptr && find(v, value))
            continue;
        buf_str(&b, b.len ? LIT("&") : LIT(""));
        buf_str(&b, pair);
    }
    rq->query = buf_view(&b);
}

/* ---- Accept ---- */

/* The version in application/vnd.NAME.v1+json: 0: none that there is; *ours: NAME is. */
static unsigned vendor_version(const struct edge_versions *v, str type, bool *ours, str *name)
{
    str front = LIT("application/vnd."), tail = LIT("+json");
    *ours = false;
    if (type.len <= front.len + tail.len || !str_eqi(str_upto(type, front.len), front) ||
        !str_eqi(str_from(type, type.len - tail.len), tail))
        return 0;
    str inner = str_upto(str_from(type, front.len), type.len - front.len - tail.len);
    for (size_t i = 0; i < v->vendor_count && !*ours; i++) {
        *name = v->vendors[i];
        *ours = inner.len > name->len + 1 && str_eqi(str_upto(inner, name->len), *name) &&
                inner.ptr[name->len] == '.';
    }
    return *ours ? find(v, str_from(inner, name->len + 1)) : 0;
}

struct accepted {
    unsigned version, q; /* that of most weight, the first of several */
    str vendor, unknown; /* its NAME; one that there is not */
};

/* only: that version alone counts; 0: any. */
static void by_accept(const struct edge_versions *v, str header, unsigned only,
                      struct accepted *out)
{
    struct weighted w;
    bool bad = false, ours;
    str name;
    *out = (struct accepted){0};
    while (header.ptr && weighted_next(&header, &w, &bad)) {
        unsigned found = vendor_version(v, w.name, &ours, &name);
        if (ours && !found)
            out->unknown = w.name;
        if (!found || (only && found != only) || w.q <= out->q)
            continue;
        out->version = found;
        out->q = w.q;
        out->vendor = name;
    }
}

/* The answer's type is the vendor's where the client likes that at least as much as plain JSON. */
static void set_vendor(const struct edge_versions *v, struct request *rq, unsigned version)
{
    str header = request_header(rq, LIT("Accept")), rest = header;
    struct accepted a;
    struct weighted w;
    bool bad = false;
    if (LIKELY(!header.len || str_is(header, "*/*")))
        return;
    by_accept(v, header, version, &a);
    while (a.q && weighted_next(&rest, &w, &bad)) {
        if (str_eqi(w.name, LIT("application/json")) && w.q > a.q)
            a.q = 0;
    }
    if (a.q)
        rq->reply->vendor = arena_printf(&rq->arena, "application/vnd.%.*s.%.*s+json",
                                         STR_ARG(a.vendor), STR_ARG(v->list[version - 1].name));
}

/* ---- a request ---- */

static bool below(str path, str prefix)
{
    return str_starts(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

bool edge_version_path(const struct edge *e, struct request *rq)
{
    const struct edge_versions *v = &e->config.versions;
    for (size_t i = 0; i < v->count; i++) {
        if (!below(rq->path, v->list[i].prefix))
            continue;
        rq->version = (unsigned)i + 1;
        set_vendor(v, rq, rq->version);
        cut_parameters(v, rq);
        return true;
    }
    return false;
}

/* Like v9 or v2.1. */
static bool looks_version(str s)
{
    bool digits = false;
    for (size_t i = 1; i < s.len; i++) {
        if (!ascii_digit(s.ptr[i]) && s.ptr[i] != '.')
            return false;
        digits |= ascii_digit(s.ptr[i]);
    }
    return s.len > 1 && ascii_lower(s.ptr[0]) == 'v' && digits;
}

static int choose(const struct edge_versions *v, struct request *rq, unsigned *out, struct err *err)
{
    str first = below(rq->path, v->base) ? str_from(rq->path, v->base.len + 1) : LIT("");
    first = str_upto(first, str_find(first, '/'));
    if (looks_version(first))
        return unknown(v, rq, "version", LIT("path"), first, err);
    str text = v->header.len ? request_header(rq, v->header) : (str){NULL, 0};
    str name = {NULL, 0}, bad = {NULL, 0};
    struct accepted a;
    if (text.ptr) {
        *out = find(v, str_trim(text));
        return *out ? 0 : unknown(v, rq, "API version", v->header, text, err);
    }
    by_accept(v, request_header(rq, LIT("Accept")), 0, &a);
    *out = a.version;
    if (a.unknown.ptr && !*out)
        return unknown(v, rq, "API version", LIT("Accept"), a.unknown, err);
    if (!*out)
        *out = by_parameter(v, rq->query, &name, &bad);
    if (bad.ptr && !*out)
        return unknown(v, rq, "API version", name, bad, err);
    if (!*out)
        *out = (unsigned)v->fallback + 1;
    return 0;
}

static void vary(const struct edge_versions *v, struct request *rq)
{
    if (v->header.len)
        reply_vary(rq->reply, v->header);
    if (v->vendor_count)
        reply_vary(rq->reply, LIT("Accept"));
}

/* "/users" to "/v1/users"; "/api/users" to "/api/v1/users". */
static str put_before(struct request *rq, const struct edge_versions *v, str prefix, str path)
{
    return arena_printf(&rq->arena, "%.*s%.*s", STR_ARG(prefix),
                        STR_ARG(str_from(path, v->base.len)));
}

int edge_version_asked(const struct edge *e, struct request *rq, bool take, struct err *err)
{
    const struct edge_versions *v = &e->config.versions;
    unsigned version;
    rq->asked = VERSION_UNKNOWN;
    TRY(choose(v, rq, &version, err));
    rq->asked = version;
    if (!take || !below(rq->path, v->base))
        return 0;
    str prefix = v->list[version - 1].prefix;
    rq->version = version;
    rq->path = put_before(rq, v, prefix, rq->path);
    if (rq->segments.ptr)
        rq->segments = put_before(rq, v, prefix, rq->segments);
    rq->before = prefix;
    set_vendor(v, rq, version);
    cut_parameters(v, rq);
    vary(v, rq);
    return 0;
}

int edge_version_fault(const struct edge *e, struct request *rq, struct err *err)
{
    unsigned ignored;
    if (rq->asked != VERSION_UNKNOWN)
        return 0;
    return choose(&e->config.versions, rq, &ignored, err);
}

/* ---- the version that follows ---- */

/* Of the path as it was sent: checked when it was parsed, so that no byte of it ends the link. */
void version__successor(const struct edge *e, struct request *rq)
{
    const struct edge_versions *v = &e->config.versions;
    const struct edge_version *own = &v->list[rq->version - 1];
    str path = str_upto(rq->target, str_find(rq->target, '?'));
    str front = rq->before.ptr ? v->base : own->prefix;
    if (!below(path, front))
        return;
    str link = arena_printf(&rq->arena, "<%.*s%.*s%.*s>; rel=\"successor-version\"",
                            STR_ARG(v->public_url), STR_ARG(own->successor),
                            STR_ARG(str_from(path, front.len)));
    reply_header(rq->reply, LIT("Link"), link);
}
