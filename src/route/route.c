/* route.c -- method and path to an endpoint, through a trie of segments. SPDX: Apache-2.0
 * Why a trie: a lookup costs one binary search per segment, however many tables the app has.
 * Invariants: (1) Built at start, const once the workers run: no locks. (2) A lookup takes no
 * memory but for the Allow text. (3) A node stands for one sequence of segments, so a search sees
 * each node at most once and trying again behind a wrong turn is bounded by the trie's size.
 * The path's way wins before the method: literal, then `:name`, then `*rest`; a way whose end has
 * nothing for the method is given up for the next one, and Allow is what all ways together offer.
 * Not here: percent-decoding and dot segments (http/). */
#include "route/route.h"

#include "base/mem.h"

enum { SEGMENTS_MOST = 32 };

struct route {
    struct endpoint endpoint; /* first: rq->endpoint points here */
    str names[PATH_PARAMS_MOST];
    size_t name_count;
};

struct node {
    str text;           /* of a literal: its segment */
    struct node **kids; /* literals, sorted by length, then bytes */
    size_t kid_count;
    struct node *any;                      /* `:name` */
    struct node *rest;                     /* `*name` */
    const struct route *at[METHOD__COUNT]; /* what ends here */
    bool used;                             /* at[] has something */
};

struct router {
    struct arena arena; /* nodes and routes */
    struct node root;
    struct route **list; /* in the order added */
    size_t count, room;
};

struct router *router_new(void)
{
    struct router *r = mem_zero(1, sizeof *r);
    arena_init(&r->arena, SIZE_MAX / 2);
    return r;
}

static void node_fini(struct node *n)
{
    for (size_t i = 0; i < n->kid_count; i++)
        node_fini(n->kids[i]);
    if (n->any)
        node_fini(n->any);
    mem_free(n->kids);
}

void router_free(struct router **r)
{
    if (!*r)
        return;
    node_fini(&(*r)->root);
    arena_reset(&(*r)->arena);
    mem_free((*r)->list);
    mem_free(*r);
    *r = NULL;
}

/* ---- building ---- */

static int segment_cmp(str a, str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.ptr, b.ptr, a.len) : 0;
}

/* The position of the literal, or where it would go. */
static size_t kid_find(const struct node *n, str text, bool *found)
{
    size_t low = 0, high = n->kid_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = segment_cmp(n->kids[mid]->text, text);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = false;
    return low;
}

static struct node *kid_make(struct router *r, struct node *n, str text)
{
    bool found;
    size_t at = kid_find(n, text, &found);
    if (found)
        return n->kids[at];
    struct node *kid = ARENA_NEW(&r->arena, struct node);
    kid->text = text;
    n->kids = mem_grow(n->kids, (n->kid_count + 1) * sizeof(struct node *));
    memmove(n->kids + at + 1, n->kids + at, (n->kid_count - at) * sizeof(struct node *));
    n->kids[at] = kid;
    n->kid_count++;
    return kid;
}

static struct node *segment_make(struct router *r, struct node *n, str segment)
{
    struct node **place = segment.len && segment.ptr[0] == ':'   ? &n->any
                          : segment.len && segment.ptr[0] == '*' ? &n->rest
                                                                 : NULL;
    if (!place)
        return kid_make(r, n, segment);
    if (!*place)
        *place = ARENA_NEW(&r->arena, struct node);
    return *place;
}

static int param_check(const struct route *route, str segment, bool last, struct err *err)
{
    const char *pattern = route->endpoint.pattern;
    str name = str_from(segment, 1);
    if (!name.len)
        return fail(err, E_BAD, "route '%s' has a parameter without a name", pattern);
    if (segment.ptr[0] == '*' && !last)
        return fail(err, E_BAD, "route '%s' goes on behind '%.*s'", pattern, STR_ARG(segment));
    if (route->name_count == PATH_PARAMS_MOST)
        return fail(err, E_BAD, "route '%s' has more than %d parameters", pattern,
                    PATH_PARAMS_MOST);
    for (size_t i = 0; i < route->name_count; i++)
        if (str_eq(route->names[i], name))
            return fail(err, E_BAD, "route '%s' has two parameters '%.*s'", pattern, STR_ARG(name));
    return 0;
}

/* Notes the parameters' names and checks the shape, before anything is built. */
static int pattern_read(struct route *route, struct err *err)
{
    str rest = str_of(route->endpoint.pattern);
    if (!rest.len || rest.ptr[0] != '/')
        return fail(err, E_BAD, "route '%.*s' does not start with '/'", STR_ARG(rest));
    rest = str_from(rest, 1);
    for (size_t count = 1; rest.ptr; count++) {
        str segment = str_cut(&rest, '/');
        if (count > SEGMENTS_MOST)
            return fail(err, E_BAD, "route '%s' has more than %d segments", route->endpoint.pattern,
                        SEGMENTS_MOST);
        if (!segment.len && rest.ptr)
            return fail(err, E_BAD, "route '%s' has an empty segment", route->endpoint.pattern);
        if (!segment.len || (segment.ptr[0] != ':' && segment.ptr[0] != '*'))
            continue;
        TRY(param_check(route, segment, !rest.ptr, err));
        route->names[route->name_count++] = str_from(segment, 1);
    }
    return 0;
}

static void list_add(struct router *r, struct route *route)
{
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 64;
        r->list = mem_grow(r->list, r->room * sizeof(struct route *));
    }
    r->list[r->count++] = route;
}

int router_add(struct router *r, const struct endpoint *e, struct err *err)
{
    BUG_ON(e->method >= METHOD_OTHER || !e->run);
    struct route *route = ARENA_NEW(&r->arena, struct route);
    route->endpoint = *e;
    route->endpoint.number = r->count;
    TRY(pattern_read(route, err));
    struct node *n = &r->root;
    for (str rest = str_from(str_of(e->pattern), 1); rest.ptr;)
        n = segment_make(r, n, str_cut(&rest, '/'));
    if (n->at[e->method])
        return fail(err, E_CONFLICT, "route '%s %s' is taken by '%s'", method_name(e->method),
                    e->pattern, n->at[e->method]->endpoint.pattern);
    n->at[e->method] = route;
    n->used = true;
    list_add(r, route);
    return 0;
}

const struct endpoint *router_at(const struct router *r, size_t i)
{
    return i < r->count ? &r->list[i]->endpoint : NULL;
}

/* ---- finding ---- */

struct search {
    enum method method; /* METHOD_OTHER: any; see `seen` */
    str values[PATH_PARAMS_MOST];
    size_t value_count;
    const struct route *seen[METHOD__COUNT]; /* for METHOD_OTHER: the first of each method */
    bool any;                                /* something is there */
};

static const struct route *end_at(struct search *s, const struct node *n)
{
    if (s->method != METHOD_OTHER) {
        const struct route *route = n->at[s->method];
        return route || s->method != METHOD_HEAD ? route : n->at[METHOD_GET];
    }
    for (int m = 0; m < METHOD_OTHER; m++)
        if (!s->seen[m])
            s->seen[m] = n->at[m];
    s->any |= n->used;
    return NULL;
}

static const struct route *walk(struct search *s, const struct node *n, str rest);

static const struct route *walk_any(struct search *s, const struct node *n, str segment, str rest)
{
    if (!n->any || !segment.len)
        return NULL;
    s->values[s->value_count++] = segment;
    const struct route *found = walk(s, n->any, rest);
    if (!found)
        s->value_count--;
    return found;
}

static const struct route *walk_rest(struct search *s, const struct node *n, str rest)
{
    const struct route *found = n->rest ? end_at(s, n->rest) : NULL;
    if (found)
        s->values[s->value_count++] = rest;
    return found;
}

/* rest: what is left of the path, ptr NULL at its end. Depth is that of the trie. */
static const struct route *walk(struct search *s, const struct node *n, str rest)
{
    if (!rest.ptr)
        return end_at(s, n);
    str whole = rest, segment = str_cut(&rest, '/');
    bool found;
    size_t at = kid_find(n, segment, &found);
    const struct route *route = found ? walk(s, n->kids[at], rest) : NULL;
    if (!route)
        route = walk_any(s, n, segment, rest);
    return route ? route : walk_rest(s, n, whole);
}

/* False: a parameter holds a slash, and the endpoint takes none. A handler that makes a file name
 * of it is not to be surprised. */
static bool found_fill(struct request *rq, const struct search *s, const struct route *route)
{
    CHECK(s->value_count == route->name_count);
    for (size_t i = 0; i < route->name_count; i++) {
        str value = s->values[i];
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): walk() filled value_count of them
        if (str_find(value, PATH_SLASH) != STR_NONE) {
            if (!route->endpoint.slashes)
                return false;
            value = path_show(&rq->arena, value);
        }
        rq->params[i] = (struct path_param){route->names[i], value};
    }
    rq->param_count = route->name_count;
    rq->endpoint = &route->endpoint;
    rq->route = route->endpoint.pattern;
    return true;
}

/* Into a: "GET, HEAD, POST, OPTIONS". */
static str allow_text(struct arena *a, const struct route *const *seen)
{
    char *text = arena_new(a, 80);
    size_t len = 0;
    for (int m = 0; m < METHOD_OTHER; m++) {
        bool has = seen[m] || m == METHOD_OPTIONS || (m == METHOD_HEAD && seen[METHOD_GET]);
        if (!has)
            continue;
        const char *name = method_name((enum method)m);
        if (len) {
            memcpy(text + len, ", ", 2);
            len += 2;
        }
        memcpy(text + len, name, strlen(name));
        len += strlen(name);
    }
    return str_make(text, len);
}

static str segments_of(const struct request *rq)
{
    return rq->segments.ptr ? rq->segments : rq->path;
}

static int nothing_there(const struct request *rq, struct err *err)
{
    return fail(err, E_NOTFOUND, "there is nothing at '%.*s'", STR_ARG(str_upto(rq->path, 200)));
}

/* The path is known, the method is not: what there is instead. */
static int other_methods(const struct router *r, struct request *rq, str *allow, struct err *err)
{
    struct search s = {.method = METHOD_OTHER};
    if (str_is(rq->path, "*")) /* OPTIONS *: the server as a whole */
        for (size_t i = 0; i < r->count; i++) {
            s.seen[r->list[i]->endpoint.method] = r->list[i];
            s.any = true;
        }
    else if (rq->path.len && rq->path.ptr[0] == '/')
        walk(&s, &r->root, str_from(segments_of(rq), 1));
    if (!s.any)
        return nothing_there(rq, err);
    for (int m = 0; m < METHOD_OTHER && !rq->route; m++)
        if (s.seen[m] && !str_is(rq->path, "*"))
            rq->route = s.seen[m]->endpoint.pattern;
    *allow = allow_text(&rq->arena, s.seen);
    return fail(err, E_METHOD, "method %.*s is not allowed here; use %.*s",
                STR_ARG(str_upto(rq->method_text, 40)), STR_ARG(*allow));
}

int router_find(const struct router *r, struct request *rq, str *allow, struct err *err)
{
    struct search s;
    s.method = rq->method;
    s.value_count = 0;
    rq->param_count = 0;
    rq->endpoint = NULL;
    rq->route = NULL;
    if (rq->method != METHOD_OTHER && rq->path.len && rq->path.ptr[0] == '/') {
        const struct route *route = walk(&s, &r->root, str_from(segments_of(rq), 1));
        if (route && found_fill(rq, &s, route))
            return 0;
        if (route)
            return nothing_there(rq, err);
    }
    return other_methods(r, rq, allow, err);
}
