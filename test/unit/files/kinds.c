/* Types, names and digests of files. */
#include "files/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void sniffed(void **state)
{
    static const struct {
        str bytes;
        const char *type;
    } list[] = {{STR_INIT("\x89PNG\r\n\x1a\nxxxx"), "image/png"},
                {STR_INIT("\xff\xd8\xff\xe0...."), "image/jpeg"},
                {STR_INIT("RIFF....WEBPVP8 "), "image/webp"},
                {STR_INIT("RIFX....WEBPVP8 "), "text/plain"},
                {STR_INIT("\0\0\0\x18"
                          "ftypisom"),
                 "video/mp4"},
                {STR_INIT("%PDF-1.4"), "application/pdf"},
                {STR_INIT("PK\3\4...."), "application/zip"},
                {STR_INIT("BMW is a car"), "text/plain"},
                {STR_INIT("BM\x01\x02\x00\x00"), "image/bmp"},
                {STR_INIT(" \r\n<!DocType HTML>"), "text/html"},
                {STR_INIT("\xef\xbb\xbf<html>"), "text/html"},
                {STR_INIT("<?xml version='1.0'?><!-- --><svg/>"), "image/svg+xml"},
                {STR_INIT("<?xml version='1.0'?><a/>"), "text/xml"},
                {STR_INIT("<svg></svg>"), "image/svg+xml"},
                {STR_INIT("h\xc3\xa9llo"), "text/plain"},
                {STR_INIT("h\xc3"), "application/octet-stream"},
                {STR_INIT("a\0b"), "application/octet-stream"},
                {STR_INIT(""), "text/plain"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        str type = sniff_type(list[i].bytes);
        assert_int_equal(type.len, strlen(list[i].type));
        assert_memory_equal(type.ptr, list[i].type, type.len);
    }
}

static void agreed(void **state)
{
    static const struct {
        const char *declared, *found;
        bool agrees;
    } list[] = {{"image/png", "image/png", true},
                {"image/jpg", "image/jpeg", true},
                {"image/png", "image/jpeg", false},
                {"image/png", "text/html", false},
                {"image/png", "text/plain", false},
                {"image/png", "application/octet-stream", false},
                {"image/jpg", "text/plain", false},
                {"text/plain", "text/html", false},
                {"text/html", "text/plain", true},
                {"text/csv", "text/plain", true},
                {"application/json", "text/plain", true},
                {"application/json", "application/octet-stream", true},
                {"text/csv", "application/octet-stream", false},
                {"application/pdf", "text/plain", false},
                {"application/x-own", "application/octet-stream", true},
                {"application/x-own", "image/png", false},
                {"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                 "application/zip", true},
                {"image/svg+xml", "text/plain", false},
                {"image/svg+xml", "text/xml", true},
                {"text/plain", "image/svg+xml", false},
                {"audio/webm", "video/webm", true}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++)
        assert_int_equal(sniff_agrees(str_of(list[i].declared), str_of(list[i].found)),
                         list[i].agrees);
}

static void patterns(void **state)
{
    const str list[] = {STR_INIT("image/*"), STR_INIT("application/pdf")};
    struct arena a;
    str out;
    (void)state;
    arena_init(&a, 1 << 20);
    assert_true(media_allowed(list, 2, LIT("image/png")));
    assert_true(media_allowed(list, 2, LIT("application/pdf")));
    assert_false(media_allowed(list, 2, LIT("text/html")));
    assert_true(media_allowed(NULL, 0, LIT("text/html")));
    assert_true(media_pattern(LIT("image/*")) && media_pattern(LIT("*/*")));
    assert_false(media_pattern(LIT("png")) || media_pattern(LIT("image/")) ||
                 media_pattern(LIT("a/b/c")) || media_pattern(LIT("*a/*b")));
    assert_true(media_clean(&a, LIT(" Image/PNG ; q=\"x\""), &out) && str_is(out, "image/png"));
    assert_false(media_clean(&a, LIT("image/*"), &out) || media_clean(&a, LIT("a\r\nb/c"), &out));
    assert_false(media_harmless(LIT("image/svg+xml")) || media_harmless(LIT("text/html")) ||
                 media_harmless(LIT("application/pdf")));
    assert_true(media_harmless(LIT("image/png")));
    arena_reset(&a);
}

static void cleaned(void **state)
{
    static const struct {
        str sent;
        const char *name;
    } list[] = {{STR_INIT("a.png"), "a.png"},
                {STR_INIT("../../etc/passwd"), "passwd"},
                {STR_INIT("C:\\dir\\x.txt"), "x.txt"},
                {STR_INIT("..\\../x"), "x"},
                {STR_INIT(".htaccess"), "htaccess"},
                {STR_INIT("..."), "file"},
                {STR_INIT(""), "file"},
                {STR_INIT("a/"), "file"},
                {STR_INIT("a\r\nb\0c\x7f.txt"), "abc.txt"},
                {STR_INIT("a\"b<c>:d|e?f*"), "a_b_c__d_e_f_"},
                {STR_INIT("con.txt"), "_con.txt"},
                {STR_INIT("COM1"), "_COM1"},
                {STR_INIT("come.txt"), "come.txt"},
                {STR_INIT("x\xe2\x80\xaegnp.exe"), "xgnp.exe"},
                {STR_INIT("h\xc3\xa4 ."), "h\xc3\xa4"},
                {STR_INIT("bad\xff"), "file"}};
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        str name = file_name_clean(&a, list[i].sent);
        assert_int_equal(name.len, strlen(list[i].name));
        assert_memory_equal(name.ptr, list[i].name, name.len);
    }
    char longest[600];
    memset(longest, 'x', sizeof longest);
    memcpy(longest + 590, ".jpeg", 5);
    str name = file_name_clean(&a, (str){longest, 595});
    assert_int_equal(name.len, FILE_NAME_MOST);
    assert_true(str_ends(name, LIT("x.jpeg")));
    for (size_t i = 0; i + 1 < sizeof longest; i += 2)
        memcpy(longest + i, "\xc3\xa4", 2);
    assert_true(str_utf8(file_name_clean(&a, (str){longest, 599 & ~1})));
    str d = file_disposition(&a, false, LIT("a b.txt"));
    assert_true(str_is(d, "attachment; filename=\"a b.txt\""));
    d = file_disposition(&a, true, LIT("\xe2\x82\xac 50%.txt"));
    assert_true(
        str_is(d, "inline; filename=\"___ 50_.txt\"; filename*=UTF-8''%E2%82%AC%2050%25.txt"));
    arena_reset(&a);
}

static void digested(void **state)
{
    struct digests want, got;
    struct err err = {0};
    struct digester *d = NULL;
    static const char *const bad[] = {
        "sha-256", "sha-256=x", "sha-256=:x:", "sha-256=:YWJj:", "", ",", "sha-256=::"};
    (void)state;
    assert_int_equal(digester_new(DIGEST_SHA256 | DIGEST_SHA512, &d, &err), 0);
    digester_add(d, LIT("hel"));
    digester_add(d, LIT("lo"));
    digester_done(d, &got);
    digester_free(&d);
    assert_int_equal(
        digests_parse(LIT("md5=:AAAA:, sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"),
                      &want, &err),
        0);
    assert_int_equal(want.has, DIGEST_SHA256);
    assert_int_equal(digests_check(&want, &got, "Content-Digest", &err), 0);
    want.sha256[0] ^= 1;
    assert_int_equal(digests_check(&want, &got, "Content-Digest", &err), E_BAD);
    assert_true(str_is(err.word, "digest_mismatch"));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err wrong = {0};
        bool none = !bad[i][0];
        assert_int_equal(digests_parse(str_of(bad[i]), &want, &wrong), none ? 0 : E_BAD);
    }
}

/* As a column holds it, and what is no file. */
static void values(void **state)
{
#define HEX32 "0123456789abcdef0123456789abcdef"
    struct file_value f;
    static const char good[] = "{\"at\": 12, \"size\": 5, \"id\": \"" HEX32
                               "\", \"name\": \"a\\\"b\", \"type\": \"image/png\","
                               " \"sha256\": \"" HEX32 HEX32 "\"}";
    static const char *const bad[] = {
        "",
        "null",
        "{}",
        "[]",
        "5",
        "{\"id\":\"" HEX32 "\"}",
        "{\"id\":\"x\",\"name\":\"a\",\"type\":\"b\",\"size\":1,\"sha256\":\"" HEX32 HEX32 "\"}",
        "{\"id\":\"" HEX32
        "\",\"name\":\"a\",\"type\":\"b\",\"size\":\"1\",\"sha256\":\"" HEX32 HEX32 "\"}",
        "{\"id\":\"" HEX32 "\",\"name\":\"a\",\"type\":\"b\",\"size\":1,\"sha256\":\"" HEX32 HEX32
        "\",\"x\":1}",
        "{\"id\":\"" HEX32 "\",\"name\":\"a\",\"type\":\"b\",\"size\":1,\"sha256\":\"" HEX32 HEX32
        "\"",
        "{\"id\":\"" HEX32 "\",\"name\":\"a\",\"type\":\"b\",\"size\":1,\"sha256\":\"" HEX32 HEX32
        "\"} x",
        "{\"id\":\"" HEX32 "\",\"id\":\"" HEX32 "\"}",
        "{\"id\":\"",
        "{\"id\"",
        "{\"id\":\"\\"};
    (void)state;
    assert_true(file_value_get(str_of(good), &f));
    assert_true(str_is(f.name, "\"a\\\"b\"") && str_is(f.size, "5") && str_is(f.at, "12"));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(file_value_get(str_of(bad[i]), &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sniffed),  cmocka_unit_test(agreed),
                                       cmocka_unit_test(patterns), cmocka_unit_test(cleaned),
                                       cmocka_unit_test(digested), cmocka_unit_test(values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
