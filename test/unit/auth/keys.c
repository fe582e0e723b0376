/* The keys in force: taken anew when their file changes. SPDX: Apache-2.0 */
#include "auth/keys.h"
#include "auth/identity.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/cairn-keys-XXXXXX", file[64];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof file, "%s/auth.keys", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(dir);
}

static void test_refresh(void **state)
{
    (void)state;
    struct err err = {0};
    struct keys k;
    bool made;
    assert_int_equal(keys_open(&k, file, JWT_EDDSA, &made, &err), 0);
    assert_true(made);
    const struct keyring *first = keys_now(&k);
    assert_int_equal(first->count, 1);
    assert_int_equal(keys_refresh(&k, &err), 0);
    assert_int_equal(identity_rotate(file, JWT_ES256, &err), 0);
    assert_int_equal(keys_refresh(&k, &err), 1);
    const struct keyring *next = keys_now(&k);
    assert_int_equal(next->count, 2);
    assert_int_equal(jwk_alg(next->keys[0]), JWT_ES256);
    assert_true(str_eq(jwk_kid(next->keys[1]), jwk_kid(first->keys[0])));
    assert_memory_equal(next->mac, first->mac, MAC_BYTES);
    assert_int_equal(keys_refresh(&k, &err), 0);

    /* A damaged file changes nothing, and is told of once. */
    int fd = open(file, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "{}", 2), 2);
    close(fd);
    assert_int_equal(keys_refresh(&k, &err), E_CONFIG);
    assert_ptr_equal(keys_now(&k), next);
    assert_int_equal(keys_refresh(&k, &err), 0);
    unlink(file);
    assert_int_equal(keys_refresh(&k, &err), 0);
    assert_ptr_equal(keys_now(&k), next);
    keys_close(&k);
}

static void test_retire(void **state)
{
    (void)state;
    struct err err = {0};
    struct keys k;
    struct buf b;
    bool made;
    char kid[200];
    assert_int_equal(keys_open(&k, file, JWT_EDDSA, &made, &err), 0);
    snprintf(kid, sizeof kid, "%.*s", STR_ARG(jwk_kid(keys_now(&k)->keys[0])));
    assert_int_equal(identity_retire(file, str_of(kid), &err), E_CONFLICT);
    assert_int_equal(identity_retire(file, LIT("none"), &err), E_NOTFOUND);
    for (int i = 1; i < KEYRING_MOST; i++)
        assert_int_equal(identity_rotate(file, JWT_EDDSA, &err), 0);
    err = (struct err){0};
    assert_int_equal(identity_rotate(file, JWT_EDDSA, &err), E_CONFLICT);
    assert_int_equal(identity_retire(file, str_of(kid), &err), 0);
    buf_init(&b, 1 << 16);
    assert_int_equal(identity_list(file, &b, &err), 0);
    assert_null(memmem(b.ptr, b.len, kid, strlen(kid)));
    assert_non_null(memmem(b.ptr, b.len, "  signs\n", 8));
    buf_fini(&b);
    keys_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_retire),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
