/* totp.c -- codes against RFC 6238's table, and which of them are taken. SPDX: Apache-2.0 */
#include "auth/totp.h"

#include "lib/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char secret[TOTP_SECRET + 1] = "12345678901234567890";

static int setup(void **state)
{
    struct err err = {0};
    (void)state;
    return lib_load(&lib_crypto, E_CONFIG, &err);
}

/* Appendix B; of its eight digits the last six. */
static void test_table(void **state)
{
    (void)state;
    static const struct {
        int64_t time;
        const char *code;
    } rows[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    char code[TOTP_DIGITS + 1];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        totp_at(secret, rows[i].time / TOTP_SECONDS, code);
        assert_string_equal(code, rows[i].code);
    }
}

static void test_window(void **state)
{
    (void)state;
    enum { NOW = 1234567890, STEP = NOW / TOTP_SECONDS };
    char code[TOTP_DIGITS + 1];
    for (int off = -3; off <= 3; off++) {
        int64_t step = 0;
        bool near = off >= -TOTP_WINDOW && off <= TOTP_WINDOW;
        totp_at(secret, STEP + off, code);
        assert_int_equal(totp_find(secret, NOW, 0, str_of(code), &step), near);
        assert_int_equal(step, near ? STEP + off : 0);
        /* a step that was used, or one before it, is not taken again */
        assert_false(totp_find(secret, NOW, STEP + off, str_of(code), &step));
        assert_false(totp_find(secret, NOW, STEP + 1, str_of(code), &step));
        assert_int_equal(totp_find(secret, NOW, STEP + off - 1, str_of(code), &step), near);
    }
}

static void test_other_texts(void **state)
{
    (void)state;
    int64_t step;
    static const char *const bad[] = {"",        "00592",   "0059244", "005925",
                                      " 005924", "005924 ", "00592\n", "abcdef"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(totp_find(secret, 1234567890, 0, str_of(bad[i]), &step));
    assert_true(totp_find(secret, 1234567890, 0, LIT("005924"), &step));
}

static void test_uri(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1024);
    totp_uri(&b, LIT("My shop"), LIT("ada:x@example.com"), LIT("JBSWY3DP"));
    assert_true(str_is(buf_view(&b),
                       "otpauth://totp/My%20shop:ada%3Ax%40example.com?secret=JBSWY3DP"
                       "&issuer=My%20shop&algorithm=SHA1&digits=6&period=30"));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_other_texts),
        cmocka_unit_test(test_uri),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
