/* Any path and method against a fixed table: the trie must agree with trying every pattern. */
#include "route/route.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_none(struct request *rq, const void *data, struct err *err)
{
    (void)rq;
    (void)data;
    (void)err;
    return 0;
}

static const char *const patterns[] = {
    "/",     "/a",    "/a/b",    "/a/:x",  "/a/:x/c", "/a/b/d", "/a/:x/:y/:z",
    "/b/*r", "/:x/b", "/:x/b/c", "/c/:x/", "/a/b/*r", "/*all",  "/d/a/b/c/d/e/f",
};

static bool fits(str pattern, str path)
{
    if (!path.len || path.ptr[0] != '/')
        return false;
    pattern = str_from(pattern, 1);
    path = str_from(path, 1);
    while (pattern.ptr && path.ptr) {
        str want = str_cut(&pattern, '/');
        if (want.len && want.ptr[0] == '*')
            return true;
        str has = str_cut(&path, '/');
        if (want.len && want.ptr[0] == ':' ? !has.len : !str_eq(want, has))
            return false;
    }
    return !pattern.ptr && !path.ptr;
}

static enum method method_at(size_t i)
{
    return i % 3 == 0 ? METHOD_GET : i % 3 == 1 ? METHOD_POST : METHOD_DELETE;
}

static struct router *table(void)
{
    static struct router *r;
    struct err err = {0};
    if (r)
        return r;
    r = router_new();
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        struct endpoint e = {.run = run_none,
                             .pattern = patterns[i],
                             .method = method_at(i),
                             .slashes = true}; /* the model below knows no PATH_SLASH */
        BUG_ON(router_add(r, &e, &err) != 0);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct request rq = {.method = (enum method)(data[0] % METHOD__COUNT)};
    rq.path = str_make((const char *)data + 1, size - 1);
    rq.method_text = str_of(method_name(rq.method));
    arena_init(&rq.arena, 1 << 16);
    bool any = false, hit = false;
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        bool here = fits(str_of(patterns[i]), rq.path);
        enum method m = method_at(i);
        any |= here;
        hit |= here && (m == rq.method || (rq.method == METHOD_HEAD && m == METHOD_GET));
    }
    struct err err = {0};
    str allow = {0};
    int rc = router_find(table(), &rq, &allow, &err);
    BUG_ON((rc == 0) != hit);
    BUG_ON(rc == 0 && !fits(str_of(rq.route), rq.path));
    if (!str_is(rq.path, "*")) {
        BUG_ON(!hit && rc != (any ? E_METHOD : E_NOTFOUND));
        BUG_ON(rc == E_METHOD && !allow.len);
    }
    arena_reset(&rq.arena);
    return 0;
}
