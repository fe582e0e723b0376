/* The router: precedence, backtracking, HEAD and OPTIONS, Allow, refused patterns. */
#include "route/route.h" /* before cmocka.h, which has a macro fail() */

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static int run_none(struct request *rq, const void *data, struct err *err)
{
    (void)rq;
    (void)data;
    (void)err;
    return 0;
}

static struct router *made;
static struct request rq;
static struct err err;
static str allow;

static int add(enum method m, const char *pattern)
{
    struct endpoint e = {.run = run_none, .pattern = pattern, .method = m, .what = "test"};
    err = (struct err){0};
    return router_add(made, &e, &err);
}

static int find(enum method m, const char *path)
{
    arena_reset(&rq.arena);
    rq.method = m;
    rq.method_text = str_of(method_name(m));
    rq.path = str_of(path);
    err = (struct err){0};
    allow = (str){0};
    return router_find(made, &rq, &allow, &err);
}

static void is_route(const char *pattern)
{
    assert_non_null(rq.endpoint);
    assert_string_equal(((const struct endpoint *)rq.endpoint)->pattern, pattern);
    assert_string_equal(rq.route, pattern);
}

static void is_param(size_t i, const char *name, const char *value)
{
    assert_true(i < rq.param_count);
    assert_true(str_is(rq.params[i].name, name));
    assert_true(str_is(rq.params[i].value, value));
}

static int setup(void **state)
{
    (void)state;
    made = router_new();
    rq = (struct request){0};
    arena_init(&rq.arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    router_free(&made);
    arena_reset(&rq.arena);
    return made ? -1 : 0;
}

static void literals_and_parameters(void **state)
{
    (void)state;
    assert_int_equal(add(METHOD_GET, "/"), 0);
    assert_int_equal(add(METHOD_GET, "/v1/users"), 0);
    assert_int_equal(add(METHOD_GET, "/v1/users/:id"), 0);
    assert_int_equal(add(METHOD_GET, "/v1/users/:user/posts/:post"), 0);
    assert_int_equal(add(METHOD_GET, "/v1/posts"), 0);

    assert_int_equal(find(METHOD_GET, "/"), 0);
    is_route("/");
    assert_int_equal(find(METHOD_GET, "/v1/users"), 0);
    is_route("/v1/users");
    assert_int_equal(rq.param_count, 0);
    assert_int_equal(find(METHOD_GET, "/v1/users/42"), 0);
    is_route("/v1/users/:id");
    assert_int_equal(rq.param_count, 1);
    is_param(0, "id", "42");
    /* The same segment has another name in another pattern. */
    assert_int_equal(find(METHOD_GET, "/v1/users/42/posts/7"), 0);
    is_route("/v1/users/:user/posts/:post");
    is_param(0, "user", "42");
    is_param(1, "post", "7");

    assert_int_equal(find(METHOD_GET, "/v1"), E_NOTFOUND);
    assert_null(rq.endpoint);
    assert_null(rq.route);
    assert_int_equal(find(METHOD_GET, "/v1/user"), E_NOTFOUND);
    assert_int_equal(find(METHOD_GET, "/v1/users/"), E_NOTFOUND); /* a name is never empty */
    assert_int_equal(find(METHOD_GET, "/v1/users/42/posts"), E_NOTFOUND);
    assert_int_equal(find(METHOD_GET, "/v1/users/42/posts/7/x"), E_NOTFOUND);
    assert_int_equal(find(METHOD_GET, ""), E_NOTFOUND);
    assert_int_equal(find(METHOD_GET, "v1/users"), E_NOTFOUND);
}

static void a_literal_wins_and_a_wrong_turn_is_taken_back(void **state)
{
    (void)state;
    assert_int_equal(add(METHOD_GET, "/a/:x/c"), 0);
    assert_int_equal(add(METHOD_GET, "/a/b/d"), 0);
    assert_int_equal(add(METHOD_GET, "/a/b"), 0);
    assert_int_equal(add(METHOD_GET, "/a/:x"), 0);
    assert_int_equal(add(METHOD_GET, "/a/*rest"), 0);
    assert_int_equal(add(METHOD_GET, "/*all"), 0);

    assert_int_equal(find(METHOD_GET, "/a/b"), 0);
    is_route("/a/b");
    assert_int_equal(find(METHOD_GET, "/a/bb"), 0);
    is_route("/a/:x");
    assert_int_equal(find(METHOD_GET, "/a/b/d"), 0);
    is_route("/a/b/d");
    assert_int_equal(find(METHOD_GET, "/a/b/c"), 0); /* b leads nowhere, :x does */
    is_route("/a/:x/c");
    is_param(0, "x", "b");
    assert_int_equal(rq.param_count, 1);
    assert_int_equal(find(METHOD_GET, "/a/b/e"), 0); /* neither does */
    is_route("/a/*rest");
    is_param(0, "rest", "b/e");
    assert_int_equal(rq.param_count, 1);
    assert_int_equal(find(METHOD_GET, "/a/"), 0);
    is_route("/a/*rest");
    is_param(0, "rest", "");
    assert_int_equal(find(METHOD_GET, "/a"), 0);
    is_route("/*all");
    is_param(0, "all", "a");
    assert_int_equal(find(METHOD_GET, "/z/y/x/w"), 0);
    is_param(0, "all", "z/y/x/w");
}

static void methods(void **state)
{
    (void)state;
    assert_int_equal(add(METHOD_GET, "/v1/users/:id"), 0);
    assert_int_equal(add(METHOD_DELETE, "/v1/users/:id"), 0);
    assert_int_equal(add(METHOD_POST, "/v1/users"), 0);
    assert_int_equal(add(METHOD_GET, "/v1/users/me"), 0);
    assert_int_equal(add(METHOD_OPTIONS, "/own"), 0);

    assert_int_equal(find(METHOD_HEAD, "/v1/users/1"), 0);
    is_route("/v1/users/:id");
    assert_int_equal(((const struct endpoint *)rq.endpoint)->method, METHOD_GET);
    assert_int_equal(find(METHOD_PATCH, "/v1/users/1"), E_METHOD);
    assert_true(str_is(allow, "GET, HEAD, DELETE, OPTIONS"));
    assert_string_equal(rq.route, "/v1/users/:id"); /* for logs and metrics */
    assert_null(rq.endpoint);
    assert_int_equal(rq.param_count, 0);
    assert_int_equal(find(METHOD_HEAD, "/v1/users"), E_METHOD);
    assert_true(str_is(allow, "POST, OPTIONS"));
    assert_int_equal(find(METHOD_OPTIONS, "/v1/users"), E_METHOD);
    assert_true(str_is(allow, "POST, OPTIONS"));
    assert_int_equal(find(METHOD_OPTIONS, "/own"), 0);
    assert_int_equal(find(METHOD_OTHER, "/own"), E_METHOD);
    assert_true(str_is(allow, "OPTIONS"));
    assert_int_equal(find(METHOD_OPTIONS, "/nowhere"), E_NOTFOUND);

    /* The literal offers GET alone: DELETE finds the name, and Allow tells of both. */
    assert_int_equal(find(METHOD_GET, "/v1/users/me"), 0);
    is_route("/v1/users/me");
    assert_int_equal(find(METHOD_DELETE, "/v1/users/me"), 0);
    is_route("/v1/users/:id");
    is_param(0, "id", "me");
    assert_int_equal(find(METHOD_PUT, "/v1/users/me"), E_METHOD);
    assert_true(str_is(allow, "GET, HEAD, DELETE, OPTIONS"));
    assert_int_equal(find(METHOD_OPTIONS, "*"), E_METHOD);
    assert_true(str_is(allow, "GET, HEAD, POST, DELETE, OPTIONS"));
}

static void refused_patterns(void **state)
{
    (void)state;
    assert_int_equal(add(METHOD_GET, "users"), E_BAD);
    assert_int_equal(add(METHOD_GET, ""), E_BAD);
    assert_int_equal(add(METHOD_GET, "/a//b"), E_BAD);
    assert_int_equal(add(METHOD_GET, "/a/:"), E_BAD);
    assert_int_equal(add(METHOD_GET, "/a/*"), E_BAD);
    assert_int_equal(add(METHOD_GET, "/a/*rest/b"), E_BAD);
    assert_int_equal(add(METHOD_GET, "/:a/:a"), E_BAD);
    assert_int_equal(add(METHOD_GET, "/:a/:b/:c/:d/:e/:f/:g/:h"), 0);
    assert_int_equal(add(METHOD_GET, "/:a/:b/:c/:d/:e/:f/:g/:h/:i"), E_BAD);
    assert_int_equal(add(METHOD_GET, "/x/:id"), 0);
    assert_int_equal(add(METHOD_GET, "/x/:name"), E_CONFLICT); /* the same way by another name */
    assert_string_equal(err.text, "route 'GET /x/:name' is taken by '/x/:id'");
    assert_int_equal(add(METHOD_PUT, "/x/:name"), 0);
    assert_int_equal(find(METHOD_GET, "/a/rest"), E_NOTFOUND); /* nothing of a refused one stays */
}

static void many_routes_in_order_without_memory(void **state)
{
    (void)state;
    static char patterns[300][32];
    for (int i = 0; i < 300; i++) {
        snprintf(patterns[i], sizeof patterns[i], "/v1/t%d/:id", (i * 7919) % 300);
        assert_int_equal(add(METHOD_GET, patterns[i]), 0);
    }
    for (size_t i = 0; i < 300; i++)
        assert_string_equal(router_at(made, i)->pattern, patterns[i]);
    assert_null(router_at(made, 300));
    uint64_t before = mem_calls();
    for (int i = 0; i < 300; i++) {
        char path[32];
        snprintf(path, sizeof path, "/v1/t%d/5", i);
        assert_int_equal(find(METHOD_GET, path), 0);
        is_param(0, "id", "5");
    }
    assert_int_equal(find(METHOD_GET, "/v1/t300/5"), E_NOTFOUND);
    assert_int_equal(mem_calls(), before);
    assert_int_equal(rq.arena.used, 0);
}

/* PATH_SLASH stands for %2F: part of a segment, and only for endpoints that want it. */
static void an_encoded_slash(void **state)
{
    (void)state;
    struct endpoint e = {
        .run = run_none, .pattern = "/t/:id", .method = METHOD_GET, .what = "t", .slashes = true};
    assert_int_equal(router_add(made, &e, &err), 0);
    assert_int_equal(add(METHOD_GET, "/f/:name"), 0);
    rq.segments = LIT("/t/a\001b");
    assert_int_equal(find(METHOD_GET, "/t/a/b"), 0);
    is_route("/t/:id");
    is_param(0, "id", "a/b");
    rq.segments = LIT("/f/..\001x");
    assert_int_equal(find(METHOD_GET, "/f/../x"), E_NOTFOUND);
    rq.segments = (str){NULL, 0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_encoded_slash, setup, teardown),
        cmocka_unit_test_setup_teardown(literals_and_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(a_literal_wins_and_a_wrong_turn_is_taken_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(methods, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_patterns, setup, teardown),
        cmocka_unit_test_setup_teardown(many_routes_in_order_without_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
