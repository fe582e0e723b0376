/* The two steps of the limits of a request: who is signed in has a quota and a plan of his own, and
 * one answer tells of all. */
#include "edge/edge_priv.h" /* before cmocka.h, which has a macro fail() */

#include "base/clock.h"
#include "data/principal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_users)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
