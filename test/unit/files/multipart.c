/* Forms, whole and cut into pieces anywhere. */
#include "files/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TYPE "multipart/form-data; boundary=XX"
#define NAME "Content-Disposition: form-data; name="

/* What came, as one text: (name|filename|type)bytes */
static int told(str type, str body, size_t piece, struct buf *out, struct err *err)
{
    struct multipart m;
    enum multipart_event event;
    buf_clear(out);
    TRY(multipart_init(&m, type, err));
    for (size_t at = 0; at < body.len; at += piece) {
        str in = str_upto(str_from(body, at), piece);
        while (in.len) {
            TRY(multipart_next(&m, &in, &event, err));
            if (event == MULTIPART_PART)
                buf_printf(out, "(%.*s|%.*s|%.*s)", STR_ARG(m.part.name), STR_ARG(m.part.filename),
                           STR_ARG(m.part.type));
            if (event == MULTIPART_DATA)
                buf_str(out, m.data);
            if (event == MULTIPART_LAST)
                buf_char(out, ';');
        }
    }
    return multipart_done(&m, err);
}

/* The same in every cut; NULL: refused. */
static void check_type(const char *type, str body, const char *want)
{
    static const size_t pieces[] = {1, 2, 3, 5, 7, 11, 64, 100000};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct buf out;
        struct err err = {0};
        buf_init(&out, 1 << 20);
        int code = told(str_of(type), body, pieces[i], &out, &err);
        assert_int_equal(code < 0, want == NULL);
        if (want) {
            assert_int_equal(out.len, strlen(want));
            assert_memory_equal(out.ptr, want, out.len);
        } else {
            assert_true(err.text[0] != '\0');
        }
        buf_fini(&out);
    }
}

static void check(const char *body, const char *want)
{
    check_type(TYPE, str_of(body), want);
}

static void forms(void **state)
{
    (void)state;
    check("--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX--\r\n", "(a||)1;");
    check("--XX\r\n" NAME "a\r\n\r\n1\r\n--XX--", "(a||)1;");
    check("--XX\r\n" NAME "\"a\"\r\n\r\n\r\n--XX--", "(a||);");
    check("--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX\r\n" NAME "\"b\"; filename=\"x.png\"\r\n"
          "content-type: image/png\r\nX-Other: y\r\n\r\n\r\n\r\n--XX--",
          "(a||)1;(b|x.png|image/png)\r\n;");
    check("--XX--\r\n", "");
    check("--XX\r\n" NAME "\"a\"; filename=\"\"\r\n\r\n\r\n--XX--", "(a||);");
    /* What is nearly a delimiter is data. */
    check("--XX\r\n" NAME "\"a\"\r\n\r\n\r\r\n--X\r\n--XY\r\n-\r\n\r\n--XX--",
          "(a||)\r\r\n--X\r\n--XY\r\n-\r\n;");
    check("--XX\r\n" NAME "\"a\"\r\n\r\n--XX\r\n--XX--", "(a||)--XX;");
}

static void names(void **state)
{
    (void)state;
    check("--XX\r\n" NAME "\"a\"; filename=\"a\\\"b\\\\c%22d.txt\"\r\n\r\n1\r\n--XX--",
          "(a|a\"b\\c\"d.txt|)1;");
    check("--XX\r\n" NAME "\"a\"; filename=\"C:\\dir\\x.txt\"\r\n\r\n1\r\n--XX--",
          "(a|C:\\dir\\x.txt|)1;");
    check("--XX\r\n" NAME "\"a\"; filename*=UTF-8''x\r\n\r\n1\r\n--XX--", "(a||)1;");
    check("--XX\r\n" NAME "\"a;b\" ; FILENAME=\"x;y\"\r\n\r\n1\r\n--XX--", "(a;b|x;y|)1;");
}

static void refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "--XX",
        "hello\r\n--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX--",
        "\r\n--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX--\r\nx",
        "--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX--\r",
        "--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX",
        "--XX\r\n" NAME "\"a\"\r\n\r\n1",
        "--XX \r\n" NAME "\"a\"\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"\r\n\r\n1\r\n--XXX\r\n",
        "--XX\n" NAME "\"a\"\n\n1\n--XX--",
        "--XX\r\n" NAME "\"a\"\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\r\"\r\n\r\n1\r\n--XX--",
        "--XX\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Type: text/plain\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"\"\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"; name=\"b\"\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\" filename=x\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"\r\n" NAME "\"a\"\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"\r\n X: folded\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"a\"\r\nno colon\r\n\r\n1\r\n--XX--",
        "--XX\r\n" NAME "\"\xff\"\r\n\r\n1\r\n--XX--",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        check(bodies[i], NULL);
}

static void types(void **state)
{
    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a\xe9\"",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; "
        "boundary=12345678901234567890123456789012345678901234567890123456789012345678901"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check_type(bad[i], LIT("--a--"), NULL);
    check_type("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b\"", LIT("--a b--"), "");
    assert_true(multipart_is(LIT("multipart/form-data;boundary=x")));
    assert_false(multipart_is(LIT("multipart/mixed; boundary=x")));
    assert_false(multipart_is((str){0}));
}

static void bounds(void **state)
{
    struct buf body;
    (void)state;
    buf_init(&body, 1 << 20);
    buf_lit(&body, "--XX\r\n" NAME "a\r\nX: ");
    for (int i = 0; i < MULTIPART_HEAD_MOST; i++)
        buf_char(&body, 'y');
    buf_lit(&body, "\r\n\r\n1\r\n--XX--");
    check_type(TYPE, buf_view(&body), NULL);
    buf_clear(&body);
    buf_lit(&body, "--XX\r\n" NAME "a\r\n");
    for (int i = 0; i < MULTIPART_LINES_MOST; i++)
        buf_lit(&body, "X: y\r\n");
    buf_lit(&body, "\r\n1\r\n--XX--");
    check_type(TYPE, buf_view(&body), NULL);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(names),
                                       cmocka_unit_test(refused), cmocka_unit_test(types),
                                       cmocka_unit_test(bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
