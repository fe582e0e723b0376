/* page.c -- the Link header and the members behind the rows. SPDX: Apache-2.0 */
#include "resource/resource_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct request rq;
static struct reply reply;
static struct resource_config config;
static const struct resource_set set = {.config = &config};

static void begin(const char *target)
{
    str t = str_of(target);
    size_t mark = str_find(t, '?');
    arena_reset(&rq.arena);
    arena_init(&rq.arena, 1 << 20);
    rq.target = t;
    rq.query = mark == STR_NONE ? (str){0} : str_from(t, mark + 1);
    rq.reply = &reply;
    memset(&reply, 0, sizeof reply);
    config = (struct resource_config){.limits = {.max_offset = 1000}};
}

/* The Link header's text, or "". */
static const char *links(const struct list_query *q, const struct page *p)
{
    resource__links(&rq, &set, q, p);
    if (!reply.header_count)
        return "";
    assert_int_equal(reply.header_count, 1);
    assert_true(str_is(reply.headers[0].name, "Link"));
    return arena_str(&rq.arena, reply.headers[0].value).ptr;
}

static const char *tail(const struct list_query *q, const struct page *p)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    resource__tail(&b, q, p);
    const char *text = arena_str(&rq.arena, buf_view(&b)).ptr;
    buf_fini(&b);
    return text;
}

static struct list_query pages(int64_t page, int64_t limit)
{
    return (struct list_query){
        .page = page, .limit = limit, .select = {.offset = (page - 1) * limit}};
}

static void a_page_in_the_middle(void **state)
{
    (void)state;
    struct list_query q = pages(2, 10);
    struct page p = {.total = 35, .rows = 10};
    begin("/v1/users?page=2&limit=10&city=eq.New+York");
    assert_string_equal(links(&q, &p),
                        "</v1/users?limit=10&city=eq.New%20York&page=3>; rel=\"next\", "
                        "</v1/users?limit=10&city=eq.New%20York&page=1>; rel=\"prev\", "
                        "</v1/users?limit=10&city=eq.New%20York&page=1>; rel=\"first\", "
                        "</v1/users?limit=10&city=eq.New%20York&page=4>; rel=\"last\"");
    assert_string_equal(tail(&q, &p), "],\"page\":2,\"limit\":10,\"total\":35,\"total_pages\":4}");
}

static void the_edges(void **state)
{
    (void)state;
    struct list_query first = pages(1, 10), last = pages(4, 10), beyond = pages(9, 10);
    struct page p = {.total = 40, .rows = 10};
    begin("/v1/users");
    assert_string_equal(links(&first, &p), "</v1/users?page=2>; rel=\"next\", "
                                           "</v1/users?page=1>; rel=\"first\", "
                                           "</v1/users?page=4>; rel=\"last\"");
    begin("/v1/users?page=4");
    assert_string_equal(links(&last, &p), "</v1/users?page=3>; rel=\"prev\", "
                                          "</v1/users?page=1>; rel=\"first\", "
                                          "</v1/users?page=4>; rel=\"last\"");
    begin("/v1/users?page=9");
    assert_string_equal(links(&beyond, &p), "</v1/users?page=4>; rel=\"prev\", "
                                            "</v1/users?page=1>; rel=\"first\", "
                                            "</v1/users?page=4>; rel=\"last\"");
    begin("/v1/users");
    struct page none = {.total = 0};
    assert_string_equal(links(&first, &none), "");
    assert_string_equal(tail(&first, &none),
                        "],\"page\":1,\"limit\":10,\"total\":0,\"total_pages\":0}");
}

static void offsets(void **state)
{
    (void)state;
    struct list_query q = {.limit = 10, .select = {.offset = 5}};
    struct page p = {.total = 30, .rows = 10};
    begin("/v1/users?offset=5&limit=10");
    assert_string_equal(links(&q, &p), "</v1/users?limit=10&offset=15>; rel=\"next\", "
                                       "</v1/users?limit=10&offset=0>; rel=\"prev\", "
                                       "</v1/users?limit=10&offset=0>; rel=\"first\", "
                                       "</v1/users?limit=10&offset=25>; rel=\"last\"");
    assert_string_equal(tail(&q, &p),
                        "],\"offset\":5,\"limit\":10,\"total\":30,\"total_pages\":3}");
}

static void without_a_count(void **state)
{
    (void)state;
    struct list_query q = pages(2, 10);
    struct page p = {.total = -1, .rows = 10, .more = true};
    begin("/v1/users?page=2");
    assert_string_equal(links(&q, &p), "</v1/users?page=3>; rel=\"next\", "
                                       "</v1/users?page=1>; rel=\"prev\", "
                                       "</v1/users?page=1>; rel=\"first\"");
    assert_string_equal(tail(&q, &p), "],\"page\":2,\"limit\":10,\"has_more\":true}");
    p.more = false;
    begin("/v1/users?page=2");
    assert_null(strstr(links(&q, &p), "next"));
    p.open = true; /* rows are still coming: nobody knows yet */
    begin("/v1/users?page=2");
    assert_non_null(strstr(links(&q, &p), "page=3>; rel=\"next\""));
}

/* A link never leads where the answer would be 400. */
static void no_link_past_the_deepest_page(void **state)
{
    (void)state;
    struct list_query q = pages(101, 10);
    struct page p = {.total = 5000, .rows = 10};
    begin("/v1/users?page=101");
    const char *text = links(&q, &p);
    assert_null(strstr(text, "next"));
    assert_null(strstr(text, "last"));
    assert_non_null(strstr(text, "page=100>; rel=\"prev\""));
}

static void cursors(void **state)
{
    (void)state;
    struct list_query q = {.paging = PAGE_CURSOR, .limit = 5, .explicit_cursor = true};
    struct page p = {.total = -1, .rows = 5, .next = LIT("abc"), .prev = LIT("x-_")};
    begin("/v1/users?cursor=old&limit=5");
    assert_string_equal(links(&q, &p), "</v1/users?limit=5&cursor=abc>; rel=\"next\", "
                                       "</v1/users?limit=5&cursor=x-_>; rel=\"prev\", "
                                       "</v1/users?limit=5&cursor=>; rel=\"first\"");
    assert_string_equal(tail(&q, &p),
                        "],\"next_cursor\":\"abc\",\"prev_cursor\":\"x-_\",\"has_more\":true}");
    struct page last = {.total = 3, .rows = 3};
    q.explicit_cursor = false;
    begin("/v1/users?cursor=");
    assert_string_equal(links(&q, &last), "");
    assert_string_equal(
        tail(&q, &last),
        "],\"next_cursor\":null,\"prev_cursor\":null,\"has_more\":false,\"total\":3}");
}

static void where_links_begin(void **state)
{
    (void)state;
    struct list_query q = pages(1, 10);
    struct page p = {.total = -1, .rows = 10};
    begin("/v1/users/1%2C2/posts");
    config.public_url = LIT("https://api.example.com");
    assert_string_equal(links(&q, &p),
                        "<https://api.example.com/v1/users/1%2C2/posts?page=1>; rel=\"first\"");
    begin("http://evil.example/v1/users?limit=3");
    assert_string_equal(links(&q, &p), "</v1/users?limit=3&page=1>; rel=\"first\"");
    begin("http://evil.example");
    assert_string_equal(links(&q, &p), "</?page=1>; rel=\"first\"");
}

/* What a client writes cannot end a link or begin another. */
static void nothing_breaks_out(void **state)
{
    (void)state;
    struct list_query q = pages(1, 10);
    struct page p = {.total = -1, .rows = 10};
    begin("/v1/users?a%3E=%3E;rel=%22next%22,%0d%0aX:1&p%61ge=7&cursor=%3C");
    assert_string_equal(
        links(&q, &p),
        "</v1/users?a%3E=%3E%3Brel%3D%22next%22%2C%0D%0AX%3A1&page=1>; rel=\"first\"");
}

/* A link that does not fit is left out whole. */
static void long_queries(void **state)
{
    (void)state;
    struct list_query q = pages(2, 10);
    struct page p = {.total = 100, .rows = 10};
    for (size_t len = 1000; len < 9000; len += 500) {
        char *target = calloc(1, len + 40);
        strcpy(target, "/v1/users?name=eq.");
        memset(target + 18, 'x', len);
        begin(target);
        const char *text = links(&q, &p);
        assert_true(strlen(text) <= 6000);
        size_t ends = 0, starts = 0;
        for (const char *c = text; *c; c++) {
            starts += *c == '<';
            ends += *c == '>';
        }
        assert_int_equal(starts, ends);
        assert_true((len < 6000) == (starts > 0));
        assert_true(!starts || strstr(text, "next"));
        assert_true(!starts || text[strlen(text) - 1] == '"');
        free(target);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_in_the_middle),
        cmocka_unit_test(the_edges),
        cmocka_unit_test(offsets),
        cmocka_unit_test(without_a_count),
        cmocka_unit_test(no_link_past_the_deepest_page),
        cmocka_unit_test(cursors),
        cmocka_unit_test(where_links_begin),
        cmocka_unit_test(nothing_breaks_out),
        cmocka_unit_test(long_queries),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_reset(&rq.arena);
    return failed;
}
