/* json_patch.c -- RFC 7396's own examples, RFC 6902's operations and refusals, containment as jsonb
 * has it. SPDX: Apache-2.0 */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static struct value parse(const char *text)
{
    struct value v;
    struct err err = {0};
    if (json_parse(&arena, str_of(text), &json_limits_default, &v, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return v;
}

static const char *shown(const struct value *v)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    json_value(&b, v);
    const char *text = arena_str(&arena, buf_view(&b)).ptr;
    buf_fini(&b);
    return text;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

/* ---- merge patches: the table of RFC 7396, appendix A ---- */

static void merges_as_the_rfc_says(void **state)
{
    static const char *const table[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct value target = parse(table[i][0]), patch = parse(table[i][1]);
        struct value out = json_merge(&arena, &target, &patch);
        assert_string_equal(shown(&out), table[i][2]);
        assert_string_equal(shown(&target), table[i][0]); /* not touched */
    }
}

/* ---- JSON Patch ---- */

struct patch_case {
    const char *doc, *ops, *out; /* out NULL: fails with */
    int code;
};

static const struct patch_case cases[] = {
    {"{\"a\":1}", "[]", "{\"a\":1}", 0},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":[]}]", "{\"a\":[]}", 0},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":2}]", "{\"a\":2}", 0},
    {"[1,3]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2}]", "[1,2,3]", 0},
    {"[1]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2}]", "[1,2]", 0},
    {"[]", "[{\"op\":\"add\",\"path\":\"/-\",\"value\":2}]", "[2]", 0},
    {"[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":2}]", NULL, E_CONFLICT},
    {"[1]", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":2}]", NULL, E_INVALID},
    {"[1,2]", "[{\"op\":\"replace\",\"path\":\"/01\",\"value\":2}]", NULL, E_INVALID},
    {"[1,2]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":2}]", NULL, E_CONFLICT},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/-1\"}]", NULL, E_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/1e0\"}]", NULL, E_INVALID},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"remove\",\"path\":\"/a/b\"}]", "{\"a\":{}}", 0},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL, E_CONFLICT},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":5}]", "5", 0},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", "null", 0},
    {"{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":5}]", "{\"\":5}", 0},
    {"{\"a/b\":1,\"m~n\":2}", "[{\"op\":\"remove\",\"path\":\"/a~1b\"}]", "{\"m~n\":2}", 0},
    {"{\"~1\":1}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":1}]", "{\"~1\":1}", 0},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/a~2\"}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/a~\"}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"a\"}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"op\":\"remove\"}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":5}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\"}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"op\":\"Add\",\"path\":\"/b\",\"value\":1}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"path\":\"/b\",\"value\":1}]", NULL, E_INVALID},
    {"{\"a\":1}", "{\"op\":\"add\"}", NULL, E_BAD},
    {"{\"a\":1}", "[1]", NULL, E_BAD},
    {"{\"a\":{\"b\":1},\"c\":{}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/c/d\"}]",
     "{\"a\":{},\"c\":{\"d\":1}}", 0},
    {"[0,1,2]", "[{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/2\"}]", "[1,2,0]", 0},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", NULL, E_INVALID},
    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}", 0},
    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/x\",\"path\":\"/a\"}]", NULL, E_CONFLICT},
    {"{\"a\":{\"b\":1}}",
     "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},"
     "{\"op\":\"replace\",\"path\":\"/c/b\",\"value\":2}]",
     "{\"a\":{\"b\":1},\"c\":{\"b\":2}}", 0},
    {"{\"a\":[1]}", "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/b\"}]",
     "{\"a\":[1],\"b\":{\"a\":[1]}}", 0},
    {"{\"a\":1.0,\"b\":{\"x\":1,\"y\":2}}",
     "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},"
     "{\"op\":\"test\",\"path\":\"/b\",\"value\":{\"y\":2,\"x\":1e0}}]",
     "{\"a\":1.0,\"b\":{\"x\":1,\"y\":2}}", 0},
    {"{\"a\":\"10\"}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":10}]", NULL, E_CONFLICT},
    {"{\"a\":[1,2]}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":[2,1]}]", NULL, E_CONFLICT},
    {"{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/b\",\"value\":null}]", NULL, E_CONFLICT},
};

static void patches(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct patch_case *c = &cases[i];
        struct value doc = parse(c->doc), ops = parse(c->ops), out;
        struct err err = {0};
        int code = json_patch(&arena, &doc, &ops, &out, &err);
        if (code != c->code)
            fail_msg("%s of %s: %d (%s), not %d", c->ops, c->doc, code, err.text, c->code);
        if (c->out)
            assert_string_equal(shown(&out), c->out);
        struct value before = parse(c->doc);
        assert_true(value_eq(&doc, &before));
    }
}

/* Each copy of the whole into itself doubles it: refused long before memory is short. */
static void copies_have_an_end(void **state)
{
    (void)state;
    struct buf b;
    struct value out, doc = parse("{\"a\":[1,2,3,4,5,6,7,8,9]}");
    struct err err = {0};
    buf_init(&b, 1 << 16);
    buf_char(&b, '[');
    for (int i = 0; i < 60; i++)
        buf_printf(&b, "%s{\"op\":\"copy\",\"from\":\"\",\"path\":\"/k%d\"}", i ? "," : "", i);
    buf_char(&b, ']');
    struct value ops = parse(arena_str(&arena, buf_view(&b)).ptr);
    buf_fini(&b);
    assert_int_equal(json_patch(&arena, &doc, &ops, &out, &err), E_TOOBIG);
}

/* A container keeps its order and parts while it grows and shrinks. */
static void arrays_grow_and_shrink(void **state)
{
    (void)state;
    struct value out, doc = parse("[]");
    struct err err = {0};
    for (int i = 0; i < 70; i++) {
        struct value add = parse("[{\"op\":\"add\",\"path\":\"/-\",\"value\":0}]");
        add.items[0].fields[2].value = value_int(i);
        assert_int_equal(json_patch(&arena, &doc, &add, &out, &err), 0);
        doc = out;
    }
    for (int i = 0; i < 69; i++) {
        struct value cut = parse("[{\"op\":\"remove\",\"path\":\"/0\"}]");
        assert_int_equal(json_patch(&arena, &doc, &cut, &out, &err), 0);
        doc = out;
    }
    assert_string_equal(shown(&doc), "[69]");
}

/* ---- containment ---- */

static void contains_as_jsonb(void **state)
{
    static const struct {
        const char *whole, *part;
        bool yes;
    } table[] = {
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1.0}", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":2}}", true},
        {"{\"a\":{\"b\":1}}", "{\"b\":1}", false},
        {"[1,2,3]", "[3,1,1]", true},
        {"[1,2,[1,3]]", "[1,3]", false},
        {"[1,2,[1,3]]", "[[3]]", true},
        {"[\"x\"]", "\"x\"", true},
        {"\"x\"", "[\"x\"]", false},
        {"{\"a\":[\"x\"]}", "{\"a\":\"x\"}", false},
        {"[{\"a\":1,\"b\":2}]", "[{\"a\":1}]", true},
        {"{}", "{}", true},
        {"[]", "[]", true},
        {"[1]", "{}", false},
        {"null", "null", true},
        {"{\"a\":null}", "{\"a\":null}", true},
        {"{}", "{\"a\":null}", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct value whole = parse(table[i].whole), part = parse(table[i].part);
        if (json_contains(&whole, &part) != table[i].yes)
            fail_msg("%s @> %s", table[i].whole, table[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(merges_as_the_rfc_says, setup, teardown),
        cmocka_unit_test_setup_teardown(patches, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_have_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(arrays_grow_and_shrink, setup, teardown),
        cmocka_unit_test_setup_teardown(contains_as_jsonb, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
