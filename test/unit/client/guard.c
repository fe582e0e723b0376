/* guard.c -- which addresses only the settings can open, and what they say. SPDX: Apache-2.0 */
#include "client/client_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

static bool special(const char *text)
{
    uint8_t a[16];
    if (inet_pton(AF_INET, text, a) == 1)
        return client_special(a, 4);
    assert_int_equal(inet_pton(AF_INET6, text, a), 1);
    return client_special(a, 16);
}

static void addresses(void **state)
{
    (void)state;
    static const char *const refused[] = {"0.0.0.0",
                                          "0.1.2.3",
                                          "10.0.0.1",
                                          "10.255.255.255",
                                          "100.64.0.1",
                                          "100.127.255.255",
                                          "100.100.100.200",
                                          "127.0.0.1",
                                          "127.255.0.1",
                                          "169.254.169.254",
                                          "169.254.0.1",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.0.0.192",
                                          "192.0.2.1",
                                          "192.168.1.1",
                                          "198.18.0.1",
                                          "198.19.255.255",
                                          "198.51.100.7",
                                          "203.0.113.9",
                                          "224.0.0.1",
                                          "239.1.1.1",
                                          "240.0.0.1",
                                          "255.255.255.255",
                                          "168.63.129.16",
                                          "::",
                                          "::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:10.0.0.1",
                                          "::ffff:169.254.169.254",
                                          "::127.0.0.1",
                                          "64:ff9b::127.0.0.1",
                                          "64:ff9b::10.1.1.1",
                                          "64:ff9b:1::1",
                                          "100::1",
                                          "fc00::1",
                                          "fd00:ec2::254",
                                          "fe80::1",
                                          "fec0::1",
                                          "ff02::1",
                                          "2001::1",
                                          "2001:db8::1",
                                          "2001:10::1",
                                          "2002:7f00:1::",
                                          "2002:0a00:0001::1",
                                          "3fff::1",
                                          "4000::1"};
    static const char *const open[] = {
        "1.1.1.1",          "8.8.8.8",        "9.255.255.255", "11.0.0.0",     "100.63.255.255",
        "100.128.0.0",      "172.15.255.255", "172.32.0.0",    "192.167.1.1",  "192.0.1.1",
        "223.255.255.255",  "168.63.129.17",  "2606:4700::1",  "2a00:1450::1", "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8", "2001:4860::8888"};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (!special(refused[i]))
            fail_msg("%s passes", refused[i]);
    }
    for (size_t i = 0; i < COUNT_OF(open); i++) {
        if (special(open[i]))
            fail_msg("%s is refused", open[i]);
    }
}

static bool goes(const char *allow, const char *text)
{
    struct guard g = {.allow = str_of(allow)};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool refused = guard__refuses_text(&g, str_of(text)), passes;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        passes = guard__passes(&g, (struct sockaddr *)&v4);
    else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        passes = guard__passes(&g, (struct sockaddr *)&v6);
    }
    assert_int_equal(refused, !passes);
    return passes;
}

static void allowed(void **state)
{
    (void)state;
    assert_true(goes("", "8.8.8.8"));
    assert_false(goes("", "10.0.0.1"));
    assert_true(goes("10.0.0.0/8", "10.9.9.9"));
    assert_true(goes("10.0.0.0/8", "::ffff:10.9.9.9"));
    assert_false(goes("10.0.0.0/9", "10.128.0.0"));
    assert_true(goes("192.168.0.1, private", "172.16.3.4"));
    assert_false(goes("private", "127.0.0.1"));
    assert_false(goes("private", "169.254.169.254"));
    assert_false(goes("private", "fd00:ec2::254"));
    assert_true(goes("private", "fd12::1"));
    assert_true(goes("loopback", "127.0.0.1"));
    assert_true(goes("loopback", "::1"));
    assert_false(goes("loopback", "10.0.0.1"));
    assert_true(goes("169.254.169.254", "169.254.169.254"));
    assert_true(goes("::1", "::1"));
    assert_false(goes("localhost", "127.0.0.1")); /* a name is none of the addresses */
    struct guard named = {.named = true};
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_true(guard__passes(&named, &other));
    named.named = false;
    assert_false(guard__passes(&named, &other));
}

static void names(void **state)
{
    (void)state;
    str allow = LIT("one.example, two.example:8080,10.0.0.0/8");
    assert_true(guard__named(allow, LIT("one.example"), 443));
    assert_true(guard__named(allow, LIT("ONE.example."), 80));
    assert_true(guard__named(allow, LIT("two.example"), 8080));
    assert_false(guard__named(allow, LIT("two.example"), 80));
    assert_false(guard__named(allow, LIT("x.one.example"), 443));
    assert_false(guard__named(allow, LIT("one.example.evil"), 443));
    assert_false(guard__named(LIT(""), LIT("one.example"), 443));
    assert_null(client_allow_fault(LIT("one.example:80")));
    assert_null(client_allow_fault(LIT("10.0.0.0/8")));
    assert_null(client_allow_fault(LIT("[::1]")));
    assert_null(client_allow_fault(LIT("fd00::/8")));
    assert_null(client_allow_fault(LIT("private")));
    assert_non_null(client_allow_fault(LIT("10.0.0.0/33")));
    assert_non_null(client_allow_fault(LIT("http://one.example")));
    assert_non_null(client_allow_fault(LIT("one.example:0")));
    assert_non_null(client_allow_fault(LIT("one.example:65536")));
    assert_non_null(client_allow_fault(LIT("*.example")));
    assert_non_null(client_allow_fault(LIT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(allowed),
                                       cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
