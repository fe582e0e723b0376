/* Which version of the API a request asks for, and what becomes of its path. SPDX: Apache-2.0 */
#include "edge/edge.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct edge_version versions[] = {
    {.name = STR_INIT("v1"), .prefix = STR_INIT("/v1"), .successor = STR_INIT("/v2")},
    {.name = STR_INIT("v2"), .prefix = STR_INIT("/v2"), .successor = STR_INIT("")}};
static const str vendors[] = {STR_INIT("api"), STR_INIT("my.shop")};
static const str parameters[] = {STR_INIT("version"), STR_INIT("v")};

static struct edge *edge;
static struct reply reply;
static struct request rq;
static struct err err;

static int setup(void **state)
{
    (void)state;
    struct edge_config c = {.headers = {.version = STR_INIT("auto"), .server = STR_INIT("")}};
    c.headers.version_prefix = LIT("/v1");
    c.versions = (struct edge_versions){.list = versions,
                                        .count = 2,
                                        .base = LIT(""),
                                        .header = LIT("API-Version"),
                                        .vendors = vendors,
                                        .vendor_count = 2,
                                        .parameters = parameters,
                                        .parameter_count = 2,
                                        .public_url = LIT("")};
    edge = edge_new(&c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&rq.arena);
    edge_free(&edge);
    return 0;
}

/* A request for that; header NULL: none. The code of edge_version_asked, 1 when the path told. */
static int ask(const char *path, const char *query, const char *header, const char *value)
{
    static struct header h;
    h = (struct header){str_of(header), str_of(value)};
    arena_reset(&rq.arena);
    reply = (struct reply){.status = 200};
    rq = (struct request){.path = str_of(path),
                          .segments = str_of(path),
                          .target = str_of(path),
                          .query = str_of(query),
                          .headers = &h,
                          .header_count = header != NULL,
                          .reply = &reply};
    arena_init(&rq.arena, 1 << 20);
    err = (struct err){0};
    return edge_version_path(edge, &rq) ? 1 : edge_version_asked(edge, &rq, true, &err);
}

static void is(unsigned version, const char *path)
{
    assert_int_equal(rq.version, version);
    assert_true(str_is(rq.path, path));
    assert_true(str_is(rq.segments, path));
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(ask("/v2/users", "version=1", "API-Version", "1"), 1);
    is(2, "/v2/users");
    assert_true(str_is(rq.query, ""));
    assert_int_equal(ask("/users", "version=1", "API-Version", "2"), 0);
    is(2, "/v2/users");
    assert_true(str_is(rq.before, "/v2"));
    assert_int_equal(ask("/users", "a=1&v=2&b=2", NULL, NULL), 0);
    is(2, "/v2/users");
    assert_true(str_is(rq.query, "a=1&b=2"));
    assert_int_equal(ask("/users", "", NULL, NULL), 0);
    is(1, "/v1/users");
    assert_int_equal(ask("/v11/users", "", NULL, NULL), E_BAD);
    assert_non_null(strstr(err.text, "Invalid version; there is no 'v11', only v1, v2"));
    assert_int_equal(ask("/v1", "", NULL, NULL), 1);
    assert_int_equal(ask("/v1users", "", NULL, NULL), 0);
    is(1, "/v1/v1users");
}

static void test_accept(void **state)
{
    (void)state;
    assert_int_equal(ask("/users", "", "Accept", "application/vnd.api.v2+json"), 0);
    is(2, "/v2/users");
    assert_true(str_is(reply.vendor, "application/vnd.api.v2+json"));
    assert_int_equal(ask("/users", "", "Accept", "APPLICATION/VND.my.shop.2+JSON;q=0.3, */*"), 0);
    is(2, "/v2/users");
    assert_true(str_is(reply.vendor, "application/vnd.my.shop.v2+json"));
    assert_int_equal(ask("/users", "", "Accept", "application/vnd.other.v2+json"), 0);
    is(1, "/v1/users");
    assert_int_equal(reply.vendor.len, 0);
    assert_int_equal(ask("/users", "", "Accept", "application/vnd.api.v3+json"), E_BAD);
    assert_int_equal(rq.asked, VERSION_UNKNOWN);
    assert_int_equal(ask("/users", "", "Accept",
                         "application/vnd.api.v3+json, application/vnd.api.v1+json;q=0.1"),
                     0);
    is(1, "/v1/users");
    assert_int_equal(
        ask("/users", "", "Accept", "application/json, application/vnd.api.v1+json;q=0.1"), 0);
    assert_int_equal(reply.vendor.len, 0);
}

static void test_parameters(void **state)
{
    (void)state;
    assert_int_equal(ask("/users", "version=eq.2", NULL, NULL), 0);
    is(1, "/v1/users");
    assert_true(str_is(rq.query, "version=eq.2"));
    assert_int_equal(ask("/users", "version=3", NULL, NULL), E_BAD);
    assert_true(str_is(err.word, "unknown_version"));
    assert_string_equal(err.field, "version");
    assert_int_equal(ask("/users", "version", NULL, NULL), 0);
    assert_int_equal(ask("/users", "&&version=2&", NULL, NULL), 0);
    is(2, "/v2/users");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_parameters),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
