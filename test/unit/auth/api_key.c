/* api_key.c -- the form of API keys, and their check digits. SPDX: Apache-2.0 */
#include "auth/api_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_form(void **state)
{
    (void)state;
    char one[API_KEY_ROOM], two[API_KEY_ROOM];
    api_key_make("live", one);
    api_key_make("live", two);
    assert_int_equal(strlen(one), 8 + API_KEY_DIGITS + API_KEY_CHECK);
    assert_memory_equal(one, "ck_live_", 8);
    assert_string_not_equal(one, two);
    assert_true(api_key_good(str_of(one)));
    api_key_make("test", two);
    assert_true(api_key_good(str_of(two)));
}

/* Whichever character changes, it shows. */
static void test_check(void **state)
{
    (void)state;
    char key[API_KEY_ROOM];
    api_key_make("live", key);
    size_t len = strlen(key);
    for (size_t i = 0; i < len; i++) {
        char was = key[i];
        for (const char *c = "0Az_-\xc3 "; *c; c++) {
            key[i] = *c;
            assert_true(api_key_good(str_make(key, len)) == (*c == was));
        }
        key[i] = was;
        assert_false(api_key_good(str_make(key, i)));
    }
    key[len] = '0';
    assert_false(api_key_good(str_make(key, len + 1)));
    assert_false(api_key_good(str_of("")));
    assert_false(api_key_good(str_of("ck__")));
}

/* What scanners are told: CRC-32 as zlib's of all in front, in base 62, six digits. */
static void test_known(void **state)
{
    (void)state;
    char hash[API_KEY_HASH + 1];
    assert_true(api_key_good(LIT("ck_live_00000000000000000000000000000000000000000001IqqS6")));
    api_key_hash(LIT("abc"), hash);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_form), cmocka_unit_test(test_check),
                                       cmocka_unit_test(test_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
