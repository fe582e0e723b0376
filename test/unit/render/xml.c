/* format_xml.c -- JSON as XML and back again. SPDX: Apache-2.0 */
#include "render/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static struct value parse(const char *text)
{
    struct value v;
    struct err err = {0};
    assert_int_equal(json_parse(&arena, str_of(text), &json_limits_default, &v, &err), 0);
    return v;
}

/* JSON to XML to JSON: what comes back, its loose texts as texts. */
static void comes_back(const char *json, bool documents, const char *want)
{
    struct buf xml, out;
    struct err err = {0};
    arena_init(&arena, 1 << 22);
    buf_init(&xml, 1 << 16);
    buf_init(&out, 1 << 16);
    struct value v = parse(json), back;
    assert_int_equal(format_xml(&xml, &v, false, documents, &err), 0);
    assert_int_equal(xml_read(&arena, buf_view(&xml), &json_limits_default, &back, &err), 0);
    json_value(&out, &back);
    buf_char(&out, '\0');
    assert_string_equal(out.ptr, want ? want : json);
    buf_fini(&xml);
    buf_fini(&out);
    arena_reset(&arena);
}

static void test_back(void **state)
{
    (void)state;
    comes_back("{}", false, NULL);
    comes_back("[]", false, NULL);
    comes_back("{\"id\":1,\"no\":null}", false, "{\"id\":\"1\",\"no\":null}");
    comes_back("[{\"id\":1},{\"id\":2}]", false, "[{\"id\":\"1\"},{\"id\":\"2\"}]");
    comes_back("{\"data\":[{\"id\":1}],\"page\":1}", false, "[{\"id\":\"1\"}]");
    comes_back("{\"data\":[],\"page\":1}", false, "[]");
    comes_back("{\"item\":\"x\"}", false, NULL);
    comes_back("[{\"item\":\"x\"}]", false, NULL);
    comes_back("{\"a\":{\"n\":1,\"t\":\"1\",\"f\":1.5,\"b\":false,\"z\":null,\"l\":[],\"o\":{}}}",
               false, NULL);
    comes_back("{\"a\":[[],[[1]],{},\"\",{\"item\":[1]}]}", false, NULL);
    comes_back("{\"a b\":\"\",\"member\":\"x\",\"xmlns\":\"y\",\"1\":\"z\",\"\":\"e\"}", false,
               NULL);
    comes_back("{\"big\":12345678901234567890123.450}", true, NULL);
    comes_back("{\"n\":1,\"b\":true,\"l\":[1],\"t\":\"2\"}", true, NULL);
    comes_back("[{\"n\":1}]", true, NULL);
    comes_back("{\"t\":\" <&>\\\"' \\t\"}", true, NULL);
}

static void test_memory(void **state)
{
    struct value v;
    struct err err = {0};
    str text = LIT("<r><a>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</a><b/></r>");
    (void)state;
    for (size_t limit = 16; limit < 4096; limit += 16) { /* below a library nothing is ended */
        arena_init(&arena, limit);
        int code = xml_read(&arena, text, &json_limits_default, &v, &err);
        assert_true(code == 0 || code == E_TOOBIG);
        arena_reset(&arena);
        err = (struct err){0};
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
