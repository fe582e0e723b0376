/* Entity-tags, dates, and the order of preconditions. SPDX: Apache-2.0 */
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cmocka.h>
#include <setjmp.h>
#include <stdarg.h>

#define TAG "\"abc\""

/* ---- lists of tags ---- */

static void lists_test(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        enum etag_says strong, weak;
    } cases[] = {
        {TAG, ETAG_FITS, ETAG_FITS},
        {"W/" TAG, ETAG_DIFFERS, ETAG_FITS},
        {"*", ETAG_FITS, ETAG_FITS},
        {" * ", ETAG_FITS, ETAG_FITS},
        {"\"x\", " TAG, ETAG_FITS, ETAG_FITS},
        {"\"x\",W/\"y\" ,\t" TAG " ,", ETAG_FITS, ETAG_FITS},
        {",, " TAG ",,", ETAG_FITS, ETAG_FITS},
        {"\"a,\", \"b\"", ETAG_DIFFERS, ETAG_DIFFERS},
        {"\"\"", ETAG_DIFFERS, ETAG_DIFFERS},
        {"\"ABC\"", ETAG_DIFFERS, ETAG_DIFFERS},
        {"\"abcd\"", ETAG_DIFFERS, ETAG_DIFFERS},
        {"\"\xc3\xa4\"", ETAG_DIFFERS, ETAG_DIFFERS},
        {"abc", ETAG_MALFORMED, ETAG_MALFORMED},
        {"", ETAG_MALFORMED, ETAG_MALFORMED},
        {" , ", ETAG_MALFORMED, ETAG_MALFORMED},
        {"\"abc", ETAG_MALFORMED, ETAG_MALFORMED},
        {"\"a c\"", ETAG_MALFORMED, ETAG_MALFORMED},
        {"w/" TAG, ETAG_MALFORMED, ETAG_MALFORMED},
        {"W/", ETAG_MALFORMED, ETAG_MALFORMED},
        {TAG " " TAG, ETAG_MALFORMED, ETAG_MALFORMED},
        {TAG "x", ETAG_MALFORMED, ETAG_MALFORMED},
        {"*, " TAG, ETAG_MALFORMED, ETAG_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        str list = str_of(cases[i].list);
        assert_int_equal(etag_list(list, LIT(TAG), ETAG_OWN, true), cases[i].strong);
        assert_int_equal(etag_list(list, LIT(TAG), ETAG_OWN, false), cases[i].weak);
    }
    assert_int_equal(etag_list(LIT("*"), LIT(""), ETAG_OWN, true), ETAG_DIFFERS);
    assert_int_equal(etag_list(LIT(TAG), LIT(""), ETAG_OWN, false), ETAG_DIFFERS);
}

/* Forms of one state fit each other, in tags that were made here. */
static void forms_test(void **state)
{
    (void)state;
    static const struct {
        const char *list, *tag;
        enum etag_says own, foreign;
    } cases[] = {
        {"\"AAAAAAAAAAA-gz\"", "\"AAAAAAAAAAA\"", ETAG_FITS, ETAG_DIFFERS},
        {"\"AAAAAAAAAAA\"", "\"AAAAAAAAAAA-csv-br\"", ETAG_FITS, ETAG_DIFFERS},
        {"\"AAAAAAAAAAA-1\"", "\"AAAAAAAAAAA-2\"", ETAG_FITS, ETAG_DIFFERS},
        {"\"AAAAAAAAAAA-1\"", "\"AAAAAAAAAAA-1\"", ETAG_FITS, ETAG_FITS},
        {"\"AAAAAAAAAAB-gz\"", "\"AAAAAAAAAAA\"", ETAG_DIFFERS, ETAG_DIFFERS},
        {"\"AAAAAAAAAAAgz\"", "\"AAAAAAAAAAA\"", ETAG_DIFFERS, ETAG_DIFFERS},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        str list = str_of(cases[i].list), tag = str_of(cases[i].tag);
        assert_int_equal(etag_list(list, tag, ETAG_OWN, true), cases[i].own);
        assert_int_equal(etag_list(list, tag, ETAG_FOREIGN, true), cases[i].foreign);
    }
}

/* ---- tags ---- */

static void made(const struct etag_key *k, const char *type, str body, char out[ETAG_LEN + 1])
{
    etag_make(k, str_of(type), body, out);
    out[ETAG_LEN] = '\0';
}

/* Every byte, the length, the type and the key count. */
static void make_test(void **state)
{
    (void)state;
    enum { MOST = 70 };
    struct etag_key key = {{1, 2, 3, 4}}, other = {{1, 2, 3, 5}};
    char body[MOST] = {0}, base[ETAG_LEN + 1], tag[ETAG_LEN + 1], before[ETAG_LEN + 1] = "";
    for (size_t len = 0; len < MOST; len++) {
        made(&key, "a/b", str_make(body, len), base);
        assert_int_equal(etag_list(str_of(base), str_of(base), ETAG_OWN, true), ETAG_FITS);
        assert_string_not_equal(base, before);
        memcpy(before, base, sizeof before);
        made(&other, "a/b", str_make(body, len), tag);
        assert_string_not_equal(tag, base);
        made(&key, "a/c", str_make(body, len), tag);
        assert_string_not_equal(tag, base);
        for (size_t i = 0; i < len; i++) {
            body[i] ^= 1;
            made(&key, "a/b", str_make(body, len), tag);
            assert_string_not_equal(tag, base);
            body[i] ^= 1;
        }
        made(&key, "a/b", str_make(body, len), tag);
        assert_string_equal(tag, base);
    }
}

/* ---- dates ---- */

static void dates_test(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: none */
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Sun Nov 16 08:49:37 1994", 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 23:59:60 GMT", 1709251200},
        {"Wed, 29 Feb 2023 00:00:00 GMT", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nox 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"1994-11-06T08:49:37Z", -1},
        {"784111777", -1},
        {"", -1},
        {"Sun", -1},
        {"Sun,", -1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t got = -1;
        assert_int_equal(http_date(str_of(cases[i].text), &got), cases[i].want != -1);
        assert_int_equal(got, cases[i].want);
    }
    int64_t near;
    assert_true(http_date(LIT("Friday, 01-Jan-99 00:00:00 GMT"), &near));
    assert_int_equal(near, 915148800); /* 1999: 2099 is more than fifty years ahead */
}

/* ---- the order of RFC 9110, 13.2.2 ---- */

#define EARLY "Sun, 06 Nov 1994 08:49:36 GMT"
#define AT "Sun, 06 Nov 1994 08:49:37 GMT"

struct sent {
    const char *match, *unmodified, *none_match, *modified;
};

static int outcome(enum method m, const struct sent *s, const struct validators *v)
{
    const char *values[] = {s->match, s->unmodified, s->none_match, s->modified};
    static const char *const names[] = {"if-match", "If-Unmodified-Since", "IF-NONE-MATCH",
                                        "If-Modified-Since"};
    struct header list[4];
    struct request rq = {.method = m, .headers = list};
    struct err err = {0};
    for (size_t i = 0; i < 4; i++)
        if (values[i])
            list[rq.header_count++] = (struct header){str_of(names[i]), str_of(values[i])};
    assert_int_equal(request_conditional(&rq), rq.header_count > 0);
    int code = request_condition(&rq, v, &err);
    return code < 0 ? err_status(err.code) : code;
}

static void order_test(void **state)
{
    (void)state;
    const struct validators there = {true, LIT(TAG), ETAG_OWN, 784111777}, none = {.there = false};
    static const struct {
        struct sent sent;
        int get, put, free; /* free: PUT of what is not there */
    } cases[] = {
        {{0}, 0, 0, 0},
        {{.match = TAG}, 0, 0, 412},
        {{.match = "*"}, 0, 0, 412},
        {{.match = "\"x\""}, 412, 412, 412},
        {{.match = "W/" TAG}, 412, 412, 412},
        {{.match = "x"}, 400, 400, 400},
        {{.match = TAG, .unmodified = EARLY}, 0, 0, 412},
        {{.unmodified = EARLY}, 412, 412, 0},
        {{.unmodified = AT}, 0, 0, 0},
        {{.unmodified = "never"}, 0, 0, 0},
        {{.none_match = TAG}, 304, 412, 0},
        {{.none_match = "W/" TAG}, 304, 412, 0},
        {{.none_match = "*"}, 304, 412, 0},
        {{.none_match = "\"x\""}, 0, 0, 0},
        {{.none_match = "x"}, 0, 400, 400},
        {{.none_match = "\"x\"", .modified = AT}, 0, 0, 0},
        {{.modified = AT}, 304, 0, 0},
        {{.modified = EARLY}, 0, 0, 0},
        {{.match = "\"x\"", .none_match = TAG}, 412, 412, 412},
        {{.unmodified = EARLY, .none_match = TAG}, 412, 412, 0},
        {{.match = TAG, .none_match = TAG}, 304, 412, 412},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(outcome(METHOD_GET, &cases[i].sent, &there), cases[i].get);
        assert_int_equal(outcome(METHOD_HEAD, &cases[i].sent, &there), cases[i].get);
        assert_int_equal(outcome(METHOD_PUT, &cases[i].sent, &there), cases[i].put);
        assert_int_equal(outcome(METHOD_PUT, &cases[i].sent, &none), cases[i].free);
    }
}

/* Several lines of one name are one list; one that is none spoils it. */
static void lines_test(void **state)
{
    (void)state;
    const struct validators there = {true, LIT(TAG), ETAG_OWN, 0};
    struct header list[] = {{LIT("If-Match"), LIT("\"x\"")},
                            {LIT("if-match"), LIT(TAG)},
                            {LIT("If-Match"), LIT("\"y\"")},
                            {LIT("If-Match"), LIT("y")}};
    struct request rq = {.method = METHOD_PUT, .headers = list, .header_count = 3};
    struct err err = {0};
    assert_int_equal(request_condition(&rq, &there, &err), 0);
    rq.header_count = 4;
    assert_int_equal(request_condition(&rq, &there, &err), E_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_test), cmocka_unit_test(forms_test), cmocka_unit_test(make_test),
        cmocka_unit_test(dates_test), cmocka_unit_test(order_test), cmocka_unit_test(lines_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
