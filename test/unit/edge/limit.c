/* The two steps of the limits of a request: who is signed in has a quota and a plan of his own, and
 * one answer tells of all. */
#include "edge/edge_priv.h" /* before cmocka.h, which has a macro fail() */

#include "base/clock.h"
#include "data/principal.h"
#include "http/http_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define RULE(most)                                                                                 \
    {                                                                                              \
        LIMIT_FIXED, most, most, 3600000                                                           \
    }

static const struct limit_plan all[] = {{STR_INIT("default"), RULE(100)}};
static const struct limit_plan plans[] = {{STR_INIT("default"), RULE(1)},
                                          {STR_INIT("pro"), RULE(3)}};
static const struct limit_config limits[] = {
    {.name = STR_INIT("user"), .parts = PART_USER, .plans = plans, .plan_count = 2, .cost = 1},
    {.name = STR_INIT("all"), .plans = all, .plan_count = 1, .cost = 1},
};

static struct reply reply;
static struct edge *edge;

/* Both steps, as the pipeline takes them; the status. */
static int asks(const char *subject, const char *plan)
{
    static const struct json_limits depth = {.depth = 4, .nodes = 10};
    struct arena a;
    struct err err = {0};
    struct request rq = {.method = METHOD_GET,
                         .method_text = LIT("GET"),
                         .target = LIT("/v1/x"),
                         .path = LIT("/v1/x"),
                         .started_ns = clock_ns(),
                         .reply = &reply};
    reply = (struct reply){.status = 200};
    buf_init(&reply.body, 4096);
    arena_init(&rq.arena, 1 << 20);
    arena_init(&a, 1 << 16);
    struct principal p = {.subject = str_of(subject)};
    str text = arena_printf(&a, "{\"plan\":\"%s\"}", plan);
    assert_int_equal(json_parse(&a, text, &depth, &p.claims, &err), 0);
    int code = edge_limit(edge, &rq, &err);
    rq.principal = &p;
    if (code == 0)
        code = edge_quota(edge, &rq, &err);
    assert_true(code >= 0);
    assert_int_equal(reply.more_count, 1);
    str lines = reply.more[0];
    assert_non_null(memmem(lines.ptr, lines.len, "\"all\";q=100;w=3600, \"user\";q=", 29));
    assert_int_equal(code == 1, reply.status == 429);
    buf_fini(&reply.body);
    arena_reset(&rq.arena);
    arena_reset(&a);
    return reply.status;
}

static void test_users(void **state)
{
    struct edge_config c = {.limits = limits,
                            .limit_count = COUNT_OF(limits),
                            .limit_keys = 64,
                            .key_header = LIT("X-API-Key"),
                            .ipv6_bits = 64};
    (void)state;
    edge = edge_new(&c);
    assert_int_equal(asks("ann", ""), 200);
    assert_int_equal(asks("ann", ""), 429);
    assert_int_equal(asks("bob", "unknown"), 200);
    assert_int_equal(asks("bob", "unknown"), 429);
    for (int i = 0; i < 3; i++)
        assert_int_equal(asks("cid", "pro"), 200);
    assert_int_equal(asks("cid", "pro"), 429);
    /* The next edge, as after a reload, goes on where this one was. */
    struct edge *next = edge_new(&c);
    edge_free(&edge);
    edge = next;
    assert_int_equal(asks("ann", ""), 429);
    edge_free(&edge);
    edge = edge_new(&c); /* after the last one nothing is kept */
    assert_int_equal(asks("ann", ""), 200);
    edge_free(&edge);
}

/* ---- more than one call of a store takes ---- */

enum { MANY = 2 * STORE_TAKES_MOST + 3 };

static int ask_early(void)
{
    struct err err = {0};
    struct request rq = {.method = METHOD_GET,
                         .method_text = LIT("GET"),
                         .target = LIT("/v1/x"),
                         .path = LIT("/v1/x"),
                         .started_ns = clock_ns(),
                         .reply = &reply};
    reply = (struct reply){.status = 200};
    buf_init(&reply.body, 4096);
    arena_init(&rq.arena, 1 << 20);
    int code = edge_limit(edge, &rq, &err);
    assert_true(code >= 0);
    assert_int_equal(reply.more_count, 1);
    assert_non_null(memmem(reply.more[0].ptr, reply.more[0].len, "\"last\";r=0", 10));
    buf_fini(&reply.body);
    arena_reset(&rq.arena);
    return code;
}

static void test_many(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                        "j", "k", "l", "m", "n", "o", "p", "q", "r"};
    struct limit_config list[MANY];
    struct edge_config c = {.limits = list, .limit_count = MANY, .limit_keys = 64};
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        list[i] = (struct limit_config){.name = str_of(i == MANY - 1 ? "last" : names[i]),
                                        .plans = i == MANY - 1 ? plans : all,
                                        .plan_count = 1,
                                        .cost = 1};
    edge = edge_new(&c);
    assert_int_equal(ask_early(), 0);
    assert_int_equal(ask_early(), 1);
    edge_free(&edge);
}

/* ---- keys in a shared store ---- */

static str name_of(const struct limit_rule *rule)
{
    static char room[100];
    struct limit_plan plan = {STR_INIT("pro"), *rule};
    struct limit_config l = {.name = LIT("api"), .plans = &plan, .plan_count = 1, .cost = 1};
    struct edge_config c = {.limits = &l, .limit_count = 1, .limit_keys = 64, .log_bytes = 65536};
    struct edge *e = edge_new(&c);
    str name = e->limits[0].levels[0].shared_name;
    snprintf(room, sizeof room, "%.*s", STR_ARG(name));
    edge_free(&e);
    return str_of(room);
}

/* Rules whose states do not fit one another do not meet; a changed quota goes on counting. */
static void test_names(void **state)
{
    (void)state;
    assert_true(str_is(name_of(&(struct limit_rule){LIMIT_FIXED, 5, 5, 60000}), "api:pro:f60000"));
    assert_true(
        str_is(name_of(&(struct limit_rule){LIMIT_SLIDING, 5, 5, 60000}), "api:pro:s60000"));
    assert_true(
        str_is(name_of(&(struct limit_rule){LIMIT_SLIDING, 9, 9, 60000}), "api:pro:s60000"));
    assert_true(
        str_is(name_of(&(struct limit_rule){LIMIT_SLIDING, 5, 5, 86400000}), "api:pro:s86400000"));
    assert_true(str_is(name_of(&(struct limit_rule){LIMIT_LOG, 5, 5, 60000}), "api:pro:l60000"));
    assert_true(
        str_is(name_of(&(struct limit_rule){LIMIT_BUCKET, 9, 5, 60000}), "api:pro:b60000/5"));
    assert_true(str_is(name_of(&(struct limit_rule){LIMIT_GCRA, 1, 5, 60000}), "api:pro:b60000/5"));
}

/* ---- keys that nobody knows ---- */

static str key_of(const struct edge_config *c, struct principal *p)
{
    struct edge *e = edge_new(c);
    struct header h = {LIT("X-API-Key"), LIT("made-up")};
    struct request rq = {.headers = &h, .header_count = 1, .principal = p};
    struct edge_caller out;
    who__caller(e, &rq, &out);
    edge_free(&e);
    return out.key;
}

static void test_unknown_keys(void **state)
{
    struct principal known = {.subject = LIT("ann"), .key = LIT("id-1")};
    struct principal other = {.subject = LIT("ann")};
    struct edge_config c = {.key_header = LIT("X-API-Key")};
    (void)state;
    assert_true(str_is(key_of(&c, NULL), "made-up"));
    c.keys_checked = true;
    assert_int_equal(key_of(&c, NULL).len, 0);
    assert_int_equal(key_of(&c, &other).len, 0);
    assert_true(str_is(key_of(&c, &known), "id-1"));
}

/* ---- lines that a handler may replace ---- */

static size_t lines_held(str lines)
{
    size_t count = 0;
    for (str rest = str_from(lines, 2); rest.len; count++) {
        str line = str_upto(rest, str_find(rest, '\r'));
        struct header h = {str_upto(line, str_find(line, ':')), LIT("own")};
        struct reply r = {.header_count = 1, .headers = {h}};
        if (!str_is(h.name, "Link")) /* a list: both are sent */
            assert_true(reply__replaces(&r));
        rest = line.len < rest.len ? str_from(rest, line.len + 2) : str_from(rest, rest.len);
    }
    return count;
}

static void test_lines(void **state)
{
    static const struct edge_version version = {
        .name = STR_INIT("v1"),
        .prefix = STR_INIT("/v1"),
        .lines = STR_INIT("\r\nDeprecation: @1\r\nSunset: x\r\nLink: <x>; rel=\"sunset\"")};
    static const struct cache_rule cache = {.value = STR_INIT("no-store")};
    struct edge_config c = {.headers = {.on = true,
                                        .policy = LIT("p"),
                                        .page_policy = LIT("p"),
                                        .frame = LIT("DENY"),
                                        .referrer = LIT("x"),
                                        .resource = LIT("x"),
                                        .opener = LIT("x"),
                                        .permissions = LIT("x"),
                                        .server = LIT("x"),
                                        .version = LIT("v1"),
                                        .version_prefix = LIT("/v1"),
                                        .hsts_s = 9},
                            .versions = {.list = &version, .count = 1},
                            .caches = &cache,
                            .cache_count = 1};
    (void)state;
    edge = edge_new(&c);
    assert_int_equal(lines_held(edge->lines[1].plain), 11);
    assert_int_equal(lines_held(edge->lines[1].page), 13);
    assert_int_equal(lines_held(edge->hsts), 1);
    edge_free(&edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),        cmocka_unit_test(test_many),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_unknown_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
