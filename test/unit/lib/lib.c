/* Libraries at first use: found, missing, too old; asked by many threads; at rest and back. */
#include "lib/lib.h"
#include "lib/zlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "observe/log.h"

#include <pthread.h>

static int (*pointers[2])(int);
static const char *const there[] = {"toupper", "tolower"}, *const newer[] = {"toupper", "to_newer"};

static struct lib lib_of(const char *file, const char *const *names)
{
    return (struct lib){.what = "upper case",
                        .file = file,
                        .package = "libupper1",
                        .names = names,
                        .count = 2,
                        .table = pointers};
}

static void its_functions_are_found_in_order(void **state)
{
    struct lib lib = lib_of("libc.so.6", there);
    struct err err = {0};
    (void)state;
    assert_int_equal(lib_load(&lib, E_CONFIG, &err), 0);
    assert_int_equal(pointers[0]('a'), 'A');
    assert_int_equal(pointers[1]('A'), 'a');
    assert_int_equal(lib_load(&lib, E_CONFIG, &err), 0);
    assert_int_equal(err.code, 0);
}

static void what_is_missing_is_said_to_who_can_mend_it(void **state)
{
    struct lib lib = lib_of("libno-such.so.9", there);
    struct err err = {0};
    (void)state;
    assert_int_equal(lib_load(&lib, E_CONFIG, &err), E_CONFIG);
    assert_string_equal(err.text, "upper case needs the library libno-such.so.9, which cannot be "
                                  "loaded; Debian and Ubuntu: apt-get install libupper1");
    assert_int_equal(lib_load(&lib, E_BUSY, &err), E_BUSY);
    assert_string_equal(err.text, "upper case cannot be had at present");
    assert_true(atomic_load(&lib.told)); /* to the log */
    lib.file = "libc.so.6";              /* it was installed meanwhile */
    assert_int_equal(lib_load(&lib, E_BUSY, &err), 0);
}

static void one_that_is_too_old_is_refused(void **state)
{
    struct lib lib = lib_of("libc.so.6", newer);
    struct err err = {0};
    (void)state;
    assert_int_equal(lib_load(&lib, E_CONFIG, &err), E_CONFIG);
    assert_string_equal(err.text, "upper case needs the library libc.so.6, and the one here has no "
                                  "to_newer; Debian and Ubuntu: apt-get install libupper1");
    assert_int_equal(lib_load(&lib, E_CONFIG, &err), E_CONFIG);
}

static void *crc_again(void *arg)
{
    struct err err = {0};
    z_stream z = {0};
    int *good = arg;
    *good = lib_load(&lib_zlib, E_BUSY, &err) == 0;
    for (int i = 0; *good && i < 200; i++) {
        *good = zlib.inflateInit2_(&z, 31, ZLIB_VERSION, (int)sizeof z) == Z_OK &&
                zlib.inflateEnd(&z) == Z_OK;
        if (i % 20 == 0)
            lib_rest(&lib_zlib);
    }
    return NULL;
}

static void threads_may_load_use_and_rest_at_once(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    int good[THREADS] = {0};
    (void)state;
    lib_rest(&lib_zlib); /* not loaded: nothing */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crc_again, &good[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(good[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_functions_are_found_in_order),
        cmocka_unit_test(what_is_missing_is_said_to_who_can_mend_it),
        cmocka_unit_test(one_that_is_too_old_is_refused),
        cmocka_unit_test(threads_may_load_use_and_rest_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
