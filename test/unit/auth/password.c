/* password.c -- hashes from fibers, one that came from elsewhere, a full queue, a list of lost
 * ones. SPDX: Apache-2.0 */
#include "auth/password.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct password_config cheap = {
    .memory_kib = 64, .passes = 1, .threads = 2, .queue = 4};
static struct passwords *p;

static void with_loop(fiber_fn *fn, void *arg)
{
    struct loop *l = loop_new(65536, 100);
    assert_true(fiber_start(l, fn, arg));
    loop_run(l);
    loop_free(&l);
}

static struct password_verdict verdict(str password, str hash)
{
    struct err err = {0};
    struct password_verdict v = {0};
    assert_int_equal(passwords_check(p, password, hash, &v, &err), 0);
    return v;
}

static void hashes(void *arg)
{
    (void)arg;
    char one[PASSWORD_HASH_MOST + 1], two[PASSWORD_HASH_MOST + 1];
    struct err err = {0};
    assert_int_equal(passwords_hash(p, LIT("correct horse"), one, &err), 0);
    assert_int_equal(passwords_hash(p, LIT("correct horse"), two, &err), 0);
    assert_int_equal(strncmp(one, "$argon2id$v=19$m=64,t=1,p=1$", 28), 0);
    assert_string_not_equal(one, two); /* each has its salt */
    assert_true(verdict(LIT("correct horse"), str_of(one)).good);
    assert_false(verdict(LIT("correct horse"), str_of(one)).stale);
    assert_false(verdict(LIT("correct hors"), str_of(one)).good);
    assert_false(verdict(LIT("correct horse\0"), str_of(one)).good);
    assert_false(verdict(LIT("nobody's"), (str){0}).good); /* not even with the dummy's own */
    assert_false(verdict(LIT(""), str_of(one)).good);
    assert_false(verdict(LIT("x"), LIT("plain text")).good);
    assert_false(verdict(LIT("x"), LIT("")).good);
    /* Of another cost: good, but to be made again. */
    str other = LIT("$argon2id$v=19$m=128,t=2,p=1$Ab8wdThhKXF0nQsWb8YBMA$"
                    "0000000000000000000000000000000000000000000");
    assert_false(verdict(LIT("correct horse"), other).good);
    /* A bcrypt hash of jBCrypt's test vectors. */
    str bcrypt = LIT("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i");
    assert_true(
        verdict(LIT("abc"), LIT("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"))
            .good);
    assert_true(verdict(LIT("abc"), bcrypt).stale);
    assert_false(verdict(LIT("abd"), bcrypt).good);
    assert_false(verdict(LIT("abc\0d"), bcrypt).good);
    char *longer = mem_zero(1, 2000);
    memset(longer, 'a', 1999);
    assert_int_equal(passwords_hash(p, str_make(longer, 1999), one, &err), E_TOOBIG);
    assert_int_equal(passwords_hash(p, str_make(longer, 1024), one, &err), 0);
    assert_true(verdict(str_make(longer, 1024), str_of(one)).good);
    assert_false(verdict(str_make(longer, 1999), str_of(one)).good);
    mem_free(longer);
    loop_stop(loop_self());
}

static void hashes_test(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(passwords_new(&cheap, &p, &err), 0);
    with_loop(hashes, NULL);
    passwords_free(&p);
}

static unsigned good, busy, ended;

static void one_of_many(void *arg)
{
    (void)arg;
    char out[PASSWORD_HASH_MOST + 1];
    struct err err = {0};
    int code = passwords_hash(p, LIT("x"), out, &err);
    good += code == 0;
    busy += code == E_BUSY;
    if (++ended == 40)
        loop_stop(loop_self());
}

static void many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 40; i++)
        assert_true(fiber_soon(loop_self(), one_of_many, NULL));
}

static void queue_test(void **state)
{
    (void)state;
    struct err err = {0};
    struct password_config slow = {.memory_kib = 8192, .passes = 2, .threads = 1, .queue = 4};
    assert_int_equal(passwords_new(&slow, &p, &err), 0);
    with_loop(many, NULL);
    assert_int_equal(good + busy, 40);
    assert_true(good >= 4 && busy > 0);
    passwords_free(&p);
    slow.memory_kib = 1;
    assert_int_equal(passwords_new(&slow, &p, &err), E_CONFIG);
}

static bool listed(const char *file, str password)
{
    struct err err = {0};
    bool out = false;
    assert_int_equal(password_listed(file, password, &out, &err), 0);
    return out;
}

static void listed_test(void **state)
{
    (void)state;
    /* SHA-1 of "", "abc", "password" and others between, in order. */
    static const char text[] = "0000000000000000000000000000000000000001:1\n"
                               "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\n"
                               "A9993E364706816ABA3E25717850C26C9CD0D89D:12\n"
                               "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB:7\n"
                               "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709:3\n";
    char path[] = "/tmp/cairn-listed-XXXXXX";
    int fd = mkstemp(path);
    struct err err = {0};
    bool out;
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    assert_true(listed(path, LIT("password")));
    assert_true(listed(path, LIT("abc")));
    assert_true(listed(path, LIT("")));
    assert_false(listed(path, LIT("Password")));
    assert_false(listed(path, LIT("a long one that nobody knows")));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_false(listed(path, LIT("password")));
    close(fd);
    unlink(path);
    assert_int_equal(password_listed(path, LIT("abc"), &out, &err), E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_test),
        cmocka_unit_test(queue_test),
        cmocka_unit_test(listed_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
