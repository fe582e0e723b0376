/* problem+json: members, code words, silence about the cause of a server error. */
#include "render/render.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail

static struct request rq;
static struct reply reply;

static int setup(void **state)
{
    (void)state;
    rq = (struct request){.reply = &reply, .target = LIT("/v1/users/5?x=1"), .id = LIT("r1")};
    reply = (struct reply){.status = 200};
    buf_init(&reply.body, 1 << 16);
    arena_init(&rq.arena, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_fini(&reply.body);
    arena_reset(&rq.arena);
    return 0;
}

static void is_body(const char *want)
{
    buf_char(&reply.body, '\0');
    assert_string_equal(reply.body.ptr, want);
}

static void a_plain_one(void **state)
{
    (void)state;
    struct err err = {0};
    fail(&err, E_NOTFOUND, "user not found; there is no row '5'");
    buf_lit(&reply.body, "half an answer");
    render_problem(&rq, 0, &err);
    assert_int_equal(reply.status, 404);
    assert_true(str_is(reply.type, "application/problem+json"));
    assert_int_equal(reply.header_count, 1);
    assert_true(str_is(reply.headers[0].name, "Cache-Control"));
    assert_true(str_is(reply.headers[0].value, "no-store"));
    is_body("{\"type\":\"/problems/not_found\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"User not found; there is no row '5'.\",\"instance\":\"/v1/users/5\","
            "\"code\":\"not_found\",\"error\":\"User not found\",\"request_id\":\"r1\"}");
}

static void a_field_and_a_word(void **state)
{
    (void)state;
    struct err err = {0};
    fail_field(&err, E_BAD, LIT("bad_sort"), LIT("sort"), "'agee' is no column of users.");
    render_problem(&rq, 400, &err);
    is_body("{\"type\":\"/problems/bad_sort\",\"title\":\"Bad Request\",\"status\":400,"
            "\"detail\":\"'agee' is no column of users.\",\"instance\":\"/v1/users/5\","
            "\"code\":\"bad_sort\",\"error\":\"'agee' is no column of users\","
            "\"request_id\":\"r1\",\"errors\":[{\"field\":\"sort\",\"code\":\"bad_sort\","
            "\"message\":\"'agee' is no column of users.\"}]}");
}

static void several_items(void **state)
{
    (void)state;
    const struct err_item items[] = {
        {LIT("email"), LIT("/email"), LIT("required"), LIT("email is required.")},
        {LIT("a\"e"), LIT("/a\"e"), LIT("type"), LIT("no.")},
    };
    struct err err = {0};
    fail(&err, E_INVALID, "email is required; one more field is faulty");
    err.items = items;
    err.item_count = 2;
    rq.id = (str){0};
    rq.target = LIT("http://h/x");
    render_problem(&rq, 0, &err);
    assert_int_equal(reply.status, 422);
    is_body(
        "{\"type\":\"/problems/invalid\",\"title\":\"Unprocessable Content\",\"status\":422,"
        "\"detail\":\"Email is required; one more field is faulty.\",\"code\":\"invalid\","
        "\"error\":\"Email is required\",\"errors\":[{\"field\":\"email\","
        "\"pointer\":\"/email\",\"code\":\"required\",\"message\":\"email is required.\"},"
        "{\"field\":\"a\\\"e\",\"pointer\":\"/a\\\"e\",\"code\":\"type\",\"message\":\"no.\"}]}");
}

static void server_errors_are_silent(void **state)
{
    (void)state;
    struct err err = {0};
    fail_field(&err, E_DB, (str){0}, LIT("secret_column"), "SELECT secret failed");
    render_problem(&rq, 0, &err);
    assert_int_equal(reply.status, 500);
    is_body("{\"type\":\"/problems/internal\",\"title\":\"Internal Server Error\",\"status\":500,"
            "\"instance\":\"/v1/users/5\",\"code\":\"internal\","
            "\"error\":\"Internal Server Error\",\"request_id\":\"r1\"}");
    buf_clear(&reply.body);
    render_problem(&rq, 0, &(struct err){0}); /* a failure without words is a failure still */
    assert_int_equal(reply.status, 500);
}

static void busy_says_when(void **state)
{
    (void)state;
    struct err err = {0};
    fail(&err, E_BUSY, "too many writes are waiting");
    render_problem(&rq, 0, &err);
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.header_count, 2);
    assert_true(str_is(reply.headers[1].name, "Retry-After"));
    assert_true(str_is(reply.headers[1].value, "1"));
}

static void words_of_other_statuses_and_cut_texts(void **state)
{
    (void)state;
    struct err err = {0};
    fail(&err, E_BAD, "the target is too long \xC3\xA9");
    err.text[strlen(err.text) - 1] = '\0'; /* as snprintf may cut it */
    render_problem(&rq, 414, &err);
    assert_int_equal(reply.status, 414);
    is_body("{\"type\":\"/problems/uri_too_long\",\"title\":\"URI Too Long\",\"status\":414,"
            "\"detail\":\"The target is too long .\",\"instance\":\"/v1/users/5\","
            "\"code\":\"uri_too_long\",\"error\":\"The target is too long \","
            "\"request_id\":\"r1\"}");
}

static void too_late_once_the_head_is_out(void **state)
{
    (void)state;
    struct err err = {0};
    fail(&err, E_TIMEOUT, "too slow");
    reply.started = true;
    buf_lit(&reply.body, "[1,");
    render_problem(&rq, 0, &err);
    assert_int_equal(reply.status, 200);
    is_body("[1,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plain_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_field_and_a_word, setup, teardown),
        cmocka_unit_test_setup_teardown(several_items, setup, teardown),
        cmocka_unit_test_setup_teardown(server_errors_are_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(busy_says_when, setup, teardown),
        cmocka_unit_test_setup_teardown(words_of_other_statuses_and_cut_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(too_late_once_the_head_is_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
