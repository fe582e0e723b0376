/* identity.c -- what is kept of credentials, what ends it, and seals of sessions. SPDX: Apache-2.0
 */
#include "auth/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SID "0198a3c2-7d5e-4000-8000-000000000001"

static struct arena arena;
static struct identity *id;
static char dir[64], file[80];

static int setup(void **state)
{
    struct err err = {0};
    bool made;
    (void)state;
    arena_init(&arena, 16 << 20);
    snprintf(dir, sizeof dir, "/tmp/cairn-identity-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/auth.keys", dir);
    struct identity_config c = {.file = file,
                                .issuer = LIT("me"),
                                .audience = LIT("me"),
                                .alg = JWT_EDDSA,
                                .access_seconds = 600,
                                .passwords = {64, 1, 1, 4}};
    assert_int_equal(identity_open(&c, &id, &made, &err), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    identity_thread_end();
    identity_close(&id);
    arena_reset(&arena);
    unlink(file);
    rmdir(dir);
    return 0;
}

static struct signed_in *keep(enum signed_by by, const char *secret, const char *sid, int64_t until,
                              struct identity_stamp stamp)
{
    static const str roles[] = {STR_INIT("editor")}, can[] = {STR_INIT("posts:read")};
    struct principal p = {.subject = LIT("7"),
                          .claims = {.kind = V_OBJECT},
                          .roles = roles,
                          .role_count = 1,
                          .key = LIT("k1"),
                          .can = can,
                          .can_count = 1};
    return identity_keep(id, by, str_of(secret), str_of(sid), &p, until, stamp);
}

static void test_kept(void **state)
{
    (void)state;
    struct identity_stamp stamp;
    assert_null(identity_kept(id, BY_KEY, LIT("secret"), 100, &stamp));
    struct signed_in *a = keep(BY_KEY, "secret", "k1", 130, stamp), *b;
    b = identity_kept(id, BY_KEY, LIT("secret"), 129, &stamp);
    assert_ptr_equal(a, b);
    const struct principal *p = signed_in_principal(b);
    assert_true(str_is(p->subject, "7") && principal_is(p, LIT("editor")) && str_is(p->key, "k1"));
    assert_false(principal_barred(p, LIT("posts"), LIT("read")));
    assert_true(principal_barred(p, LIT("posts"), LIT("update")));
    assert_true(str_is(signed_in_sid(b), "k1") && signed_in_by(b) == BY_KEY);
    assert_null(identity_kept(id, BY_COOKIE, LIT("secret"), 100, &stamp)); /* of another kind */
    assert_null(identity_kept(id, BY_KEY, LIT("secrets"), 100, &stamp));
    assert_null(identity_kept(id, BY_KEY, LIT("secret"), 130, &stamp)); /* its time is over */
    identity_release(&a);
    identity_release(&b);
}

/* A token that was checked is found again by its text: all of it. */
static void test_token(void **state)
{
    (void)state;
    struct err err = {0};
    struct ticket t = {.sid = LIT(SID), .subject = LIT("7"), .now = 1000};
    struct signed_in *s = NULL;
    str token;
    assert_int_equal(identity_token(&arena, id, &t, &token, &err), 0);
    assert_int_equal(identity_check(id, token, 1000, &s, &err), 0);
    identity_release(&s);
    assert_true(identity_holds(id, token));
    for (size_t i = 0; i < token.len; i++) {
        str other = arena_str(&arena, token);
        ((char *)(uintptr_t)other.ptr)[i] ^= 1;
        err = (struct err){0};
        assert_false(identity_holds(id, other));
        if (i + 1 < token.len) /* the last character has bits that say nothing */
            assert_int_equal(identity_check(id, other, 1000, &s, &err), E_SIGNIN);
        assert_null(s);
    }
    err = (struct err){0};
    assert_true(identity_holds(id, token));
    assert_int_equal(identity_check(id, token, 1000, &s, &err), 0);
    identity_release(&s);
    assert_int_equal(identity_check(id, token, 1000 + 606, &s, &err), E_SIGNIN);
    assert_false(identity_holds(id, str_upto(token, token.len - 1)));
}

static void test_revoked(void **state)
{
    (void)state;
    struct identity_stamp stamp, late;
    identity_kept(id, BY_KEY, LIT("one"), 100, &stamp);
    struct signed_in *a = keep(BY_KEY, "one", "k-one", 130, stamp);
    identity_release(&a);
    identity_revoke(id, LIT("k-one"), 100);
    assert_null(identity_kept(id, BY_KEY, LIT("one"), 101, &late));
    /* Revoked while it was being checked: what was kept by an older stamp is looked at again. */
    a = keep(BY_KEY, "one", "k-one", 130, stamp);
    identity_release(&a);
    assert_null(identity_kept(id, BY_KEY, LIT("one"), 101, &late));
    a = keep(BY_COOKIE, "other", "k-other", 130, late);
    identity_release(&a);
    a = identity_kept(id, BY_COOKIE, LIT("other"), 101, &late);
    assert_non_null(a);
    identity_release(&a);
}

/* What is kept of an account is read again after so many seconds, and at once when told. */
static void test_follow(void **state)
{
    (void)state;
    struct identity_stamp stamp;
    int64_t now = (int64_t)time(NULL), until = now + 600;
    identity_follow(id, 30);
    identity_kept(id, BY_PASSWORD, LIT("follow"), now, &stamp);
    struct signed_in *a = keep(BY_PASSWORD, "follow", "s", until, stamp);
    identity_release(&a);
    a = identity_kept(id, BY_PASSWORD, LIT("follow"), now + 29, &stamp);
    assert_non_null(a);
    identity_release(&a);
    assert_null(identity_kept(id, BY_PASSWORD, LIT("follow"), now + 32, &stamp));
    identity_follow(id, 0);
    a = identity_kept(id, BY_PASSWORD, LIT("follow"), now + 32, &stamp);
    assert_non_null(a);
    identity_release(&a);
    identity_follow(id, 30);
    identity_changed(id);
    assert_null(identity_kept(id, BY_PASSWORD, LIT("follow"), now, &stamp));
    identity_follow(id, 0);
}

/* Sessions that end and accounts that change are counted apart: neither makes the other look. */
static void test_apart(void **state)
{
    (void)state;
    struct identity_stamp before = identity_stamp(id), after;
    identity_changed(id);
    after = identity_stamp(id);
    assert_int_equal(after.revoked, before.revoked);
    assert_int_equal(after.changed, before.changed + 1);
    identity_revoke(id, LIT("apart"), 100);
    assert_int_equal(identity_stamp(id).changed, after.changed);
    assert_int_not_equal(identity_stamp(id).revoked, after.revoked);
}

static void test_seal(void **state)
{
    (void)state;
    str sid, cookie = identity_seal(&arena, id, SEALED_COOKIE, LIT(SID), 0);
    str refresh = identity_seal(&arena, id, SEALED_REFRESH, LIT(SID), 3);
    uint64_t counter;
    assert_true(identity_unseal(&arena, id, SEALED_COOKIE, cookie, &sid, &counter));
    assert_true(str_is(sid, SID) && counter == 0);
    assert_true(identity_unseal(&arena, id, SEALED_REFRESH, refresh, &sid, &counter));
    assert_true(str_is(sid, SID) && counter == 3);
    assert_false(identity_unseal(&arena, id, SEALED_REFRESH, cookie, &sid, &counter));
    assert_false(identity_unseal(&arena, id, SEALED_COOKIE, refresh, &sid, &counter));
    /* One for the other, by its prefix alone. */
    str dressed = arena_printf(&arena, "crs_%.*s", STR_ARG(str_from(refresh, 4)));
    assert_false(identity_unseal(&arena, id, SEALED_COOKIE, dressed, &sid, &counter));
    for (size_t i = 0; i < cookie.len; i++) {
        str bent = arena_str(&arena, cookie);
        ((char *)(uintptr_t)bent.ptr)[i] = bent.ptr[i] == 'A' ? 'B' : 'A';
        assert_false(identity_unseal(&arena, id, SEALED_COOKIE, bent, &sid, &counter));
        assert_false(
            identity_unseal(&arena, id, SEALED_COOKIE, str_upto(cookie, i), &sid, &counter));
    }
}

static void test_csrf(void **state)
{
    (void)state;
    char a[CSRF_TEXT], b[CSRF_TEXT], c[CSRF_TEXT];
    identity_csrf(id, LIT(SID), a);
    identity_csrf(id, LIT(SID), b);
    identity_csrf(id, LIT("another"), c);
    assert_memory_equal(a, b, CSRF_TEXT);
    assert_memory_not_equal(a, c, CSRF_TEXT);
}

static void test_since(void **state)
{
    (void)state;
    assert_int_equal(identity_synced(id, 10000),
                     10000 - 610); /* a token's whole life, and leeway */
    identity_sync_done(id, 10000);
    assert_int_equal(identity_synced(id, 10100), 10000);
}

static void test_wrap(void **state)
{
    (void)state;
    str out, text = LIT("a secret"), one = identity_wrap(&arena, id, "use", LIT("7"), text);
    str two = identity_wrap(&arena, id, "use", LIT("7"), text);
    assert_false(str_eq(one, two)); /* a nonce each */
    assert_true(identity_unwrap(&arena, id, "use", LIT("7"), one, &out) && str_eq(out, text));
    assert_true(identity_unwrap(&arena, id, "use", LIT("7"), two, &out) && str_eq(out, text));
    assert_false(identity_unwrap(&arena, id, "use", LIT("8"), one, &out));   /* of another */
    assert_false(identity_unwrap(&arena, id, "other", LIT("7"), one, &out)); /* for another use */
    char *bent = arena_new(&arena, one.len);
    for (size_t i = 0; i < one.len; i++) {
        memcpy(bent, one.ptr, one.len);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_false(identity_unwrap(&arena, id, "use", LIT("7"), str_make(bent, one.len), &out));
        assert_false(identity_unwrap(&arena, id, "use", LIT("7"), str_upto(one, i), &out));
    }
    str none = identity_wrap(&arena, id, "use", LIT(""), LIT(""));
    assert_true(identity_unwrap(&arena, id, "use", LIT(""), none, &out) && out.len == 0);
}

/* A token of an app says which app and scope, and allows nothing by itself. */
static void test_app(void **state)
{
    static const str roles[] = {STR_INIT("admin")};
    struct member m = {LIT("email"), value_text(LIT("a@x.io"))};
    struct value claims = {.kind = V_OBJECT, .fields = &m, .count = 1};
    struct ticket t = {.sid = LIT(SID),
                       .subject = LIT("7"),
                       .claims = &claims,
                       .roles = roles,
                       .role_count = 1,
                       .now = 1000,
                       .app = LIT("shop"),
                       .scope = LIT("openid read")};
    struct signed_in *s = NULL;
    struct err err = {0};
    str token, other;
    (void)state;
    assert_int_equal(identity_token(&arena, id, &t, &token, &err), 0);
    assert_int_equal(identity_check(id, token, 1000, &s, &err), 0);
    const struct principal *p = signed_in_principal(s);
    assert_true(str_is(p->app, "shop") && str_is(p->scope, "openid read"));
    assert_int_equal(p->role_count, 0);
    assert_null(value_get(&p->claims, LIT("email")));
    assert_true(p->can && principal_barred(p, LIT("posts"), LIT("read")));
    identity_release(&s);
    t.app = (str){0};
    assert_int_equal(identity_token(&arena, id, &t, &token, &err), 0);
    assert_int_equal(identity_check(id, token, 1000, &s, &err), 0);
    p = signed_in_principal(s);
    assert_true(!p->app.len && !p->can && principal_is(p, LIT("admin")));
    identity_release(&s);
    /* What is signed for others is no access token. */
    assert_int_equal(identity_sign(&arena, id,
                                   LIT("{\"iss\":\"me\",\"aud\":\"me\",\"exp\":9999,"
                                       "\"client_id\":\"cairn\",\"sub\":\"7\"}"),
                                   &other, &err),
                     0);
    assert_int_equal(identity_check(id, other, 1000, &s, &err), E_SIGNIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),  cmocka_unit_test(test_token), cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_apart), cmocka_unit_test(test_seal),  cmocka_unit_test(test_csrf),
        cmocka_unit_test(test_since), cmocka_unit_test(test_wrap),  cmocka_unit_test(test_app),
        cmocka_unit_test(test_follow)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
