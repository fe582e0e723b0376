/* Where a request is from: who is believed, what is invented, what is no address at all. */
#include "edge/edge_priv.h" /* before cmocka.h, which has a macro fail() */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct network list[16];
static struct edge_proxies proxies;
static struct header headers[4];
static struct request rq;

static int trust(const char *text)
{
    proxies = (struct edge_proxies){.list = list};
    for (str rest = str_of(text); rest.ptr && rest.len;)
        if (network_parse(str_cut(&rest, ' '), list, &proxies.count, &proxies.unix_socket))
            return -1;
    return 0;
}

static void sent(const char *name, const char *value)
{
    headers[rq.header_count++] = (struct header){str_of(name), str_of(value)};
}

static void begin(const char *trusted)
{
    rq = (struct request){.headers = headers};
    assert_int_equal(trust(trusted), 0);
}

static void is_from(const char *peer, const char *want)
{
    char text[INET6_ADDRSTRLEN];
    struct address a;
    bool known = address__client(&proxies, &rq, str_of(peer), &a);
    if (!want) {
        assert_false(known);
        return;
    }
    struct address expected;
    assert_true(known);
    assert_true(address_parse(str_of(want), &expected));
    if (memcmp(&a, &expected, sizeof a) != 0)
        print_error("%s\n", inet_ntop(AF_INET6, a.bytes, text, sizeof text));
    assert_memory_equal(&a, &expected, sizeof a);
}

static void test_untrusted(void **state)
{
    (void)state;
    begin("");
    sent("X-Forwarded-For", "1.2.3.4");
    is_from("9.9.9.9", "9.9.9.9");
    is_from("unix", NULL);
    begin("10.0.0.0/8");
    sent("X-Forwarded-For", "1.2.3.4");
    is_from("9.9.9.9", "9.9.9.9");
    is_from("11.0.0.1", "11.0.0.1");
    is_from("10.255.0.1", "1.2.3.4");
}

static void test_chain(void **state)
{
    (void)state;
    begin("10.0.0.0/8 loopback");
    sent("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.1.1.1");
    is_from("10.0.0.1", "1.2.3.4"); /* the first was the client's own word */
    begin("loopback");
    sent("X-Forwarded-For", "6.6.6.6");
    sent("X-Forwarded-For", "1.2.3.4");
    is_from("127.0.0.1", "1.2.3.4"); /* lines are one list */
    begin("loopback private");
    sent("X-Forwarded-For", "10.9.9.9,192.168.1.1");
    is_from("::1", "10.9.9.9"); /* all are ours: the farthest */
    begin("unix");
    sent("X-Forwarded-For", "1.2.3.4");
    is_from("unix", "1.2.3.4");
}

static void test_forms(void **state)
{
    static const char *const good[][2] = {
        {"1.2.3.4:5678", "1.2.3.4"},    {"[2001:db8::1]:443", "2001:db8::1"},
        {"2001:db8::1", "2001:db8::1"}, {"[2001:db8::1]", "2001:db8::1"},
        {"::ffff:1.2.3.4", "1.2.3.4"},  {" 1.2.3.4 ", "1.2.3.4"},
    };
    static const char *const bad[] = {"unknown", "_hidden", "1.2.3", "1.2.3.4.5", "300.1.1.1",
                                      "",        "[::1",    "::g",   "localhost", "1.2.3.4;"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        begin("loopback");
        sent("X-Forwarded-For", good[i][0]);
        is_from("127.0.0.1", good[i][1]);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        begin("loopback");
        sent("X-Forwarded-For", bad[i]);
        is_from("127.0.0.1", "127.0.0.1");
    }
}

static void test_forwarded(void **state)
{
    static const char *const forms[][2] = {
        {"for=1.2.3.4", "1.2.3.4"},
        {"For=\"1.2.3.4:80\";proto=https;by=10.0.0.1", "1.2.3.4"},
        {"proto=http; for=\"[2001:db8::1]:4711\"", "2001:db8::1"},
        {"for=6.6.6.6, for=1.2.3.4", "1.2.3.4"},
        {"for=\"6.6.6.6, for=1.2.3.4", "1.2.3.4"}, /* a quote that never ends */
        {"for=6.6.6.6\", for=1.2.3.4", "1.2.3.4"},
        {"for=\"_a,b\", for=1.2.3.4", "1.2.3.4"},
        {"for=unknown", "127.0.0.1"},
        {"for=_secret", "127.0.0.1"},
        {"by=1.2.3.4", "127.0.0.1"},
        {"for", "127.0.0.1"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        begin("loopback");
        sent("Forwarded", forms[i][0]);
        is_from("127.0.0.1", forms[i][1]);
    }
}

/* A proxy writes one of the two; the other is the client's. */
static void test_both(void **state)
{
    (void)state;
    begin("loopback");
    sent("Forwarded", "for=6.6.6.6");
    sent("X-Forwarded-For", "1.2.3.4");
    is_from("127.0.0.1", "127.0.0.1");
    proxies.header = PROXY_X_FORWARDED_FOR;
    is_from("127.0.0.1", "1.2.3.4");
    proxies.header = PROXY_FORWARDED;
    is_from("127.0.0.1", "6.6.6.6");
    begin("loopback");
    sent("Forwarded", "for=1.2.3.4");
    sent("X-Forwarded-For", "1.2.3.4");
    is_from("127.0.0.1", "1.2.3.4");
}

static void test_secure(void **state)
{
    (void)state;
    begin("loopback");
    sent("X-Forwarded-Proto", "https");
    assert_true(address__secure(&proxies, &rq, LIT("127.0.0.1")));
    assert_false(address__secure(&proxies, &rq, LIT("1.2.3.4")));
    begin("loopback");
    sent("X-Forwarded-Proto", "https, http");
    assert_false(address__secure(&proxies, &rq, LIT("127.0.0.1")));
    begin("unix");
    sent("Forwarded", "for=1.2.3.4;proto=https");
    assert_true(address__secure(&proxies, &rq, LIT("unix")));
    begin("loopback");
    assert_false(address__secure(&proxies, &rq, LIT("127.0.0.1")));
}

static void test_networks(void **state)
{
    static const char *const bad[] = {
        "",       "10.0.0.0/33",   "10.0.0.0/x", "::/0",        "0.0.0.0/0",
        "10.0.0", "proxy.example", "::1/129",    "10.0.0.0/-1", "10.0.0.0/"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        size_t count = 0;
        bool socket = false;
        assert_non_null(network_parse(str_of(bad[i]), list, &count, &socket));
    }
    begin("172.16.0.0/12 2001:db8::/33");
    sent("X-Forwarded-For", "1.2.3.4");
    is_from("172.31.255.255", "1.2.3.4");
    is_from("172.32.0.0", "172.32.0.0");
    is_from("2001:db8:7fff::1", "1.2.3.4");
    is_from("2001:db8:8000::1", "2001:db8:8000::1");
    is_from("::ffff:172.16.0.1", "1.2.3.4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untrusted), cmocka_unit_test(test_chain),
        cmocka_unit_test(test_forms),     cmocka_unit_test(test_forwarded),
        cmocka_unit_test(test_both),      cmocka_unit_test(test_secure),
        cmocka_unit_test(test_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
