/* Keys of Idempotency-Key, and what a request is known by. */
#include "edge/idempotency_priv.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void reads(struct arena *a, str value, const char *key)
{
    str out;
    const char *why = idempotency_key_parse(a, value, &out);
    if (why)
        print_error("%.*s: %s\n", STR_ARG(value), why);
    assert_null(why);
    assert_true(str_is(out, key));
}

static void test_keys(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    reads(&a, LIT("8e03978e-40d5"), "8e03978e-40d5");
    reads(&a, LIT("\"8e03978e-40d5\""), "8e03978e-40d5");
    reads(&a, LIT("  \"a b\"\t"), "a b");
    reads(&a, LIT("\"a\\\"b\\\\\""), "a\"b\\");
    reads(&a, LIT("a\\b"), "a\\b");
    reads(&a, LIT("order:7/pay;x=1,2"), "order:7/pay;x=1,2");
    arena_reset(&a);
}

static void test_no_keys(void **state)
{
    static const char *const bad[] = {
        "",       "\"\"",     "\"",      "\"a",         "\"a\\\"", "\"a\\x\"",
        "\"a\"b", "\"a\";v",  "a b",     "a\"",         "a, b",    "\"a\nb\"",
        "\x7f",   "\"\x7f\"", "caf\xe9", "\"caf\xe9\"", "a\tb",    "\"a\\"};
    struct arena a;
    str out;
    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        str in = str_of(bad[i]);
        const char *why = idempotency_key_parse(&a, in, &out);
        if (!why)
            print_error("taken: %.*s\n", STR_ARG(in));
        assert_non_null(why);
    }
    assert_non_null(idempotency_key_parse(&a, str_make("a\0b", 3), &out));
    arena_reset(&a);
}

static void test_length(void **state)
{
    struct arena a;
    char text[600];
    str out;
    (void)state;
    arena_init(&a, 1 << 20);
    memset(text, 'x', sizeof text);
    assert_null(idempotency_key_parse(&a, str_make(text, 255), &out));
    assert_int_equal(out.len, 255);
    assert_non_null(idempotency_key_parse(&a, str_make(text, 256), &out));
    text[0] = text[256] = '"';
    assert_null(idempotency_key_parse(&a, str_make(text, 257), &out)); /* quotes do not count */
    assert_int_equal(out.len, 255);
    text[256] = 'x';
    text[257] = '"';
    assert_non_null(idempotency_key_parse(&a, str_make(text, 258), &out));
    arena_reset(&a);
}

/* ---- records ---- */

static struct edge_caller asks;

static void caller(const struct edge *e, const struct request *rq, struct edge_caller *out)
{
    (void)e;
    (void)rq;
    *out = asks;
}

struct sent {
    const char *method, *route, *target, *type, *body, *key;
};

static struct record record_of(struct arena *a, const struct sent *s)
{
    struct edge_config config = {.caller = caller};
    struct edge *e = edge_new(&config);
    struct header type = {LIT("Content-Type"), str_of(s->type)};
    struct request rq = {.arena = *a,
                         .method_text = str_of(s->method),
                         .route = s->route,
                         .target = str_of(s->target),
                         .headers = &type,
                         .header_count = 1};
    struct record r;
    idempotency__record(e, &rq, str_of(s->key), str_of(s->body), &r);
    *a = rq.arena;
    edge_free(&e);
    return r;
}

static const struct sent first = {"POST", "/v1/a", "/v1/a", "application/json", "{}", "k"};

static void test_records(void **state)
{
    struct sent other = first;
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    asks = (struct edge_caller){.user = LIT("7")};
    struct record one = record_of(&a, &first), same = record_of(&a, &first);
    assert_true(str_is(one.caller, "user:7"));
    assert_int_equal(one.name.len, RECORD_HEX);
    assert_true(str_eq(one.name, same.name) && str_eq(one.fingerprint, same.fingerprint));
    other.body = "{ }";
    assert_true(str_eq(record_of(&a, &other).name, one.name));
    assert_false(str_eq(record_of(&a, &other).fingerprint, one.fingerprint));
    other = first;
    other.target = "/v1/a?x=1";
    assert_false(str_eq(record_of(&a, &other).fingerprint, one.fingerprint));
    other = first;
    other.type = "text/csv";
    assert_false(str_eq(record_of(&a, &other).fingerprint, one.fingerprint));
    other = first;
    other.key = "l";
    assert_false(str_eq(record_of(&a, &other).name, one.name));
    other = first;
    other.method = "PATCH";
    assert_false(str_eq(record_of(&a, &other).name, one.name));
    arena_reset(&a);
}

/* Texts that are alike when they are written one behind the other. */
static void test_borders(void **state)
{
    struct sent x = first, y = first;
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    asks = (struct edge_caller){.user = LIT("7")};
    x.route = "/v1/a";
    x.key = "bc";
    y.route = "/v1/ab";
    y.key = "c";
    assert_false(str_eq(record_of(&a, &x).name, record_of(&a, &y).name));
    x = y = first;
    x.type = "text/a";
    x.body = "bc";
    y.type = "text/ab";
    y.body = "c";
    assert_false(str_eq(record_of(&a, &x).fingerprint, record_of(&a, &y).fingerprint));
    arena_reset(&a);
}

static void test_callers(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    asks = (struct edge_caller){.user = LIT("7"), .key = LIT("secret")};
    assert_true(str_is(record_of(&a, &first).caller, "user:7"));
    asks = (struct edge_caller){.user = {"", 0}, .key = LIT("secret")};
    struct record r = record_of(&a, &first);
    assert_true(str_starts(r.caller, LIT("key:")));
    assert_int_equal(r.caller.len, 4 + RECORD_HEX);
    asks.key = LIT("other");
    assert_false(str_eq(record_of(&a, &first).caller, r.caller));
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_no_keys),
        cmocka_unit_test(test_length),  cmocka_unit_test(test_records),
        cmocka_unit_test(test_borders), cmocka_unit_test(test_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
