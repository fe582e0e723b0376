/* refusals.c -- what a line of text cannot hold: NUL and broken UTF-8 in every part of a query, and
 * how a message repeats them. SPDX: Apache-2.0 */
#include "fixture.h"

static struct model *model;

static void refused(str name, str value, const char *word)
{
    struct arena a;
    struct err err = {0};
    struct list_query q;
    struct query_param p = {name, value};
    arena_init(&a, 1 << 22);
    const struct list_rules rules = {.limits = &limits, .secret = LIT("secret")};
    int rc = query_list(&a, &model->tables[USERS], &p, 1, &rules, &q, &err);
    assert_int_equal(rc, E_BAD);
    if (!str_eq(err.word, str_of(word)))
        fail_msg("%.*s: %s, not %s", STR_ARG(name), err.text, word);
    assert_true(str_utf8(str_of(err.text)));
    for (const char *c = err.text; *c; c++)
        assert_true((unsigned char)*c >= 0x20);
    arena_reset(&a);
}

/* PostgreSQL's statement would end at the NUL. */
static void nul_is_refused_everywhere(void **state)
{
    (void)state;
    refused(LIT("meta->a\0b->>c"), LIT("eq.1"), "bad_filter");
    refused(LIT("meta->>\"a\0b\""), LIT("eq.1"), "bad_filter");
    refused(LIT("or"), LIT("(meta->>a\0b.eq.1)"), "bad_filter");
    refused(LIT("name"), LIT("eq.a\0b"), "bad_value");
    refused(LIT("name"), LIT("like.a\0b*"), "bad_value");
    refused(LIT("name"), LIT("in.(a,\"\0\")"), "bad_value");
    refused(LIT("meta->>a"), LIT("eq.\0"), "bad_value");
    refused(LIT("na\0me"), LIT("eq.a"), "unknown_parameter");
    refused(LIT("sort"), LIT("na\0me"), "bad_sort");
    refused(LIT("fields"), LIT("na\0me"), "bad_fields");
    refused(LIT("include"), LIT("po\0sts"), "bad_include");
    refused(LIT("limit"), LIT("5\0"), "bad_page");
    refused(LIT("cursor"), LIT("\0"), "bad_cursor");
}

static void broken_utf8_is_refused_and_not_repeated(void **state)
{
    (void)state;
    refused(LIT("name"), LIT("eq.\xff"), "bad_value");
    refused(LIT("meta->>\xc3(x"), LIT("eq.1"), "bad_filter");
    refused(LIT("\xed\xa0\x80"), LIT("eq.1"), "unknown_parameter");
    refused(LIT("sort"), LIT("\xf0\x9f\x98"), "bad_sort");
    refused(LIT("a\nb\x1b[31m"), LIT("eq.1"), "unknown_parameter");
}

/* A long text is shown by its beginning, cut between characters. */
static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[400];
    for (size_t at = 0; at < 4; at++) {
        memset(text, 'a', sizeof text);
        for (size_t i = at; i + 2 <= sizeof text; i += 2)
            memcpy(text + i, "\xc3\xa9", 2);
        size_t len = at + (sizeof text - at) / 2 * 2;
        refused((str){text, len}, LIT("eq.1"), "unknown_parameter");
        refused(LIT("sort"), (str){text, len}, "bad_sort");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nul_is_refused_everywhere),
        cmocka_unit_test(broken_utf8_is_refused_and_not_repeated),
        cmocka_unit_test(long_texts_are_cut),
    };
    model = model_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    model_free(model);
    return failed;
}
