/* rows.c -- the reading endpoints over a real database, each request in a fiber as in the server:
 * what they answer, how many statements that costs, and that the hot path takes nothing from the
 * heap. SPDX: Apache-2.0 */
#include "base/mem.h"
#include "resource/resource_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char script[] =
    "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss_id INTEGER REFERENCES "
    "users(id));"
    "CREATE INDEX users_boss ON users(boss_id);"
    "CREATE TABLE posts(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id),"
    " title TEXT);"
    "CREATE INDEX posts_user ON posts(user_id);"
    "CREATE TABLE comments(id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts(id),"
    " text TEXT);"
    "CREATE INDEX comments_post ON comments(post_id);"
    "CREATE TABLE tags(code TEXT NOT NULL PRIMARY KEY, label TEXT);"
    "CREATE TABLE post_tags(post_id INTEGER NOT NULL REFERENCES posts(id),"
    " tag_code TEXT NOT NULL REFERENCES tags(code), PRIMARY KEY(post_id, tag_code));"
    "CREATE TABLE halls(city TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(city, number));"
    "CREATE TABLE seats(id INTEGER PRIMARY KEY, city TEXT, number INTEGER,"
    " FOREIGN KEY(city, number) REFERENCES halls(city, number));"
    "CREATE TABLE badges(user_id INTEGER PRIMARY KEY REFERENCES users(id), text TEXT);"
    "INSERT INTO users VALUES(1,'Ann',NULL),(2,'Bob',1),(3,'Cid',1),(4,'Dan',NULL);"
    "INSERT INTO posts VALUES(1,1,'a'),(2,1,'b'),(3,2,NULL);"
    "INSERT INTO comments VALUES(1,1,'x'),(2,1,'y'),(3,3,'z'),(4,1,'\"w\"');"
    "INSERT INTO tags VALUES('red','R'),('blue','B'),('none','N');"
    "INSERT INTO post_tags VALUES(1,'red'),(1,'blue'),(3,'red');"
    "INSERT INTO halls VALUES('Oslo',1),('Oslo',2),('Bergen',1);"
    "INSERT INTO seats VALUES(1,'Oslo',2),(2,'Bergen',1),(3,'Oslo',2),(4,NULL,2);"
    "INSERT INTO badges VALUES(2,'b');";

static char dir[] = "/tmp/cairn-rows-XXXXXX";
static struct db *db;
static struct schema *schema;
static struct router *router;
static struct arena arena;
static struct loop *loop;
static struct resource_config config = {
    .prefix = STR_INIT("/v1"),
    .cursor_secret = STR_INIT("a secret of the test"),
    .limits = {.default_limit = 10,
               .max_limit = 100,
               .max_offset = 1000,
               .include_depth = 4,
               .include_count = 8,
               .filter_nodes = 20,
               .in_values = 20,
               .include_limit = 50},
    .include_rows = 1000,
};

/* ---- a request in a fiber ---- */

static struct request rq;
static struct reply reply;
static struct err err;
static int code;
static int rounds = 1; /* how often the request is made */
static uint64_t heap;  /* heap calls of the last round */

static void over(struct arena *a)
{
    (void)a;
    fiber_end();
}

static void body(void *arg)
{
    str allow, target = str_of(arg);
    size_t mark = str_find(target, '?');
    rq = (struct request){.fiber = fiber_self(), .method = METHOD_GET, .reply = &reply};
    rq.target = target;
    rq.path = str_upto(target, mark);
    rq.query = mark == STR_NONE ? (str){0} : str_from(target, mark + 1);
    arena_init(&rq.arena, 1 << 20);
    rq.arena.over = over;
    reply.status = 200;
    reply.header_count = 0;
    buf_clear(&reply.body);
    err = (struct err){0};
    code = router_find(router, &rq, &allow, &err);
    if (code == 0) {
        const struct endpoint *e = rq.endpoint;
        code = e->run(&rq, e->data, &err);
    }
}

static void fiber(void *arg)
{
    for (int i = 0; i < rounds; i++) {
        uint64_t before = mem_calls();
        if (fiber_scope(body, arg) < 0)
            code = E_TOOBIG;
        heap = mem_calls() - before;
        if (i + 1 < rounds)
            arena_reset(&rq.arena);
    }
    loop_stop(loop_self());
}

/* Makes the request; the answer's body, or the error's sentence. */
static const char *get(const char *target)
{
    arena_reset(&rq.arena);
    assert_true(fiber_start(loop, fiber, (void *)(uintptr_t)target));
    loop_run(loop);
    if (code < 0)
        return err.text;
    buf_char(&reply.body, '\0');
    reply.body.len--;
    return reply.body.ptr;
}

static void is(const char *target, const char *want, unsigned statements)
{
    const char *got = get(target);
    if (code < 0)
        fail_msg("%s: %s", target, got);
    assert_string_equal(got, want);
    assert_int_equal(rq.statements, statements);
    assert_true(str_is(reply.type, "application/json"));
}

static void is_refused(const char *target, int want, unsigned statements)
{
    get(target);
    if (code != want)
        fail_msg("%s: %d '%s'", target, code, code < 0 ? err.text : reply.body.ptr);
    assert_int_equal(rq.statements, statements);
}

/* ---- one row ---- */

static void a_whole_row(void **state)
{
    (void)state;
    is("/v1/users/2", "{\"id\":2,\"name\":\"Bob\",\"boss_id\":1}", 1);
    is("/v1/tags/red", "{\"code\":\"red\",\"label\":\"R\"}", 1);
    is("/v1/halls/Oslo,2", "{\"city\":\"Oslo\",\"number\":2}", 1);
    is_refused("/v1/users/9", E_NOTFOUND, 1);
    assert_string_equal(err.text, "user not found; no row of users has the id '9'");
    is_refused("/v1/users/x", E_NOTFOUND, 0);
    is_refused("/v1/halls/Oslo,2,3", E_NOTFOUND, 0);
    is_refused("/v1/halls/Oslo", E_NOTFOUND, 0);
}

static void the_hot_path_takes_nothing_from_the_heap(void **state)
{
    (void)state;
    rounds = 20;
    get("/v1/users/2");
    assert_int_equal(code, 0);
    assert_int_equal(heap, 0);
    get("/v1/posts?include=user,comments&count=none");
    assert_int_equal(code, 0);
    assert_int_equal(heap, 0);
    rounds = 1;
}

static void chosen_columns_and_relations(void **state)
{
    (void)state;
    is("/v1/users/2?fields=name,id", "{\"name\":\"Bob\",\"id\":2}", 1);
    is("/v1/users/2?fields=name,boss.name", "{\"name\":\"Bob\",\"boss\":{\"name\":\"Ann\"}}", 2);
    is("/v1/users/1?fields=id,boss.name,posts.title",
       "{\"id\":1,\"boss\":null,\"posts\":[{\"title\":\"a\"},{\"title\":\"b\"}]}", 2);
    is("/v1/users/4?fields=id,posts.title", "{\"id\":4,\"posts\":[]}", 2);
    is("/v1/posts/1?fields=tags.code", "{\"tags\":[{\"code\":\"blue\"},{\"code\":\"red\"}]}", 2);
    is("/v1/users/1?fields=posts.comments.text",
       "{\"posts\":[{\"comments\":[{\"text\":\"x\"},{\"text\":\"y\"},{\"text\":\"\\\"w\\\"\"}]},"
       "{\"comments\":[]}]}",
       3);
    is_refused("/v1/users/9?include=posts", E_NOTFOUND, 1);
    is_refused("/v1/users/1?nope=1", E_BAD, 0);
}

/* ---- lists ---- */

static void pages_and_what_they_cost(void **state)
{
    (void)state;
    is("/v1/users?fields=id&limit=3",
       "{\"data\":[{\"id\":1},{\"id\":2},{\"id\":3}],\"page\":1,\"limit\":3,\"total\":4,"
       "\"total_pages\":2}",
       2);
    is("/v1/users?fields=id&limit=3&page=2", /* a short page tells the total by itself */
       "{\"data\":[{\"id\":4}],\"page\":2,\"limit\":3,\"total\":4,\"total_pages\":2}", 1);
    is("/v1/users?fields=id&limit=3&page=3",
       "{\"data\":[],\"page\":3,\"limit\":3,\"total\":4,\"total_pages\":2}", 2);
    is("/v1/users?fields=id&name=eq.Zoe",
       "{\"data\":[],\"page\":1,\"limit\":10,\"total\":0,\"total_pages\":0}", 1);
    is("/v1/users?fields=id&limit=3&count=none",
       "{\"data\":[{\"id\":1},{\"id\":2},{\"id\":3}],\"page\":1,\"limit\":3,\"has_more\":true}", 1);
    is("/v1/users?fields=id&limit=4&count=none",
       "{\"data\":[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}],\"page\":1,\"limit\":4,"
       "\"has_more\":false}",
       1);
}

/* The cursor behind `name` in the last answer, or "". */
static const char *cursor(const char *name)
{
    static char text[400];
    const char *at = strstr(reply.body.ptr, name);
    assert_non_null(at);
    at += strlen(name) + 2;
    text[0] = '\0';
    if (*at == '"')
        snprintf(text, sizeof text, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
    return text;
}

static void follow(const char *name)
{
    static char target[600];
    snprintf(target, sizeof target, "/v1/comments?fields=text&sort=-text&limit=2&cursor=%s",
             cursor(name));
    get(target);
    assert_int_equal(code, 0);
    assert_int_equal(rq.statements, 1);
}

static void has(const char *rows, bool next, bool prev)
{
    assert_int_equal(strncmp(reply.body.ptr, rows, strlen(rows)), 0);
    assert_int_equal(*cursor("next_cursor") != '\0', next);
    assert_int_equal(*cursor("prev_cursor") != '\0', prev);
    assert_non_null(strstr(reply.body.ptr, next ? "\"has_more\":true" : "\"has_more\":false"));
}

static void cursors_both_ways(void **state)
{
    (void)state;
    const char *first = "{\"data\":[{\"text\":\"z\"},{\"text\":\"y\"}],";
    const char *second = "{\"data\":[{\"text\":\"x\"},{\"text\":\"\\\"w\\\"\"}],";
    get("/v1/comments?fields=text&sort=-text&limit=2&cursor=");
    assert_int_equal(code, 0);
    has(first, true, false);
    follow("next_cursor");
    has(second, false, true);
    follow("prev_cursor");
    has(first, true, false);
    follow("next_cursor");
    has(second, false, true);
    get("/v1/comments?limit=4&cursor=");
    has("{\"data\":[{\"id\":1,", false, false); /* a full page that is the last */
}

static void includes_of_a_page(void **state)
{
    (void)state;
    is("/v1/posts?sort=id&fields=id,user.name,comments.id&count=none",
       "{\"data\":[{\"id\":1,\"user\":{\"name\":\"Ann\"},\"comments\":[{\"id\":1},{\"id\":2},"
       "{\"id\":4}]},{\"id\":2,\"user\":{\"name\":\"Ann\"},\"comments\":[]},{\"id\":3,\"user\":{"
       "\"name\":\"Bob\"},\"comments\":[{\"id\":3}]}],\"page\":1,\"limit\":10,\"has_more\":false}",
       3);
    is("/v1/seats?fields=id,halls.number&count=none",
       "{\"data\":[{\"id\":1,\"halls\":{\"number\":2}},{\"id\":2,\"halls\":{\"number\":1}},"
       "{\"id\":3,\"halls\":{\"number\":2}},{\"id\":4,\"halls\":null}],\"page\":1,\"limit\":10,"
       "\"has_more\":false}",
       2);
    is("/v1/users?id=eq.4&fields=boss.name&count=none", /* nobody to ask for */
       "{\"data\":[{\"boss\":null}],\"page\":1,\"limit\":10,\"has_more\":false}", 1);
}

/* Rows are counted as they are shown: few in the database can be many in the answer. */
static void an_answer_of_too_many_rows(void **state)
{
    (void)state;
    const char *wide = "/v1/comments?include=post.comments.post.comments";
    config.include_rows = 40; /* 4 + 4 + 10 + 10 + 28, of 4 + 2 + 4 + 2 + 4 fetched */
    is_refused(wide, E_TOOBIG, 5);
    config.include_rows = 56;
    assert_non_null(get(wide));
    assert_int_equal(code, 0);
    config.include_rows = 55;
    is_refused(wide, E_TOOBIG, 5);
    config.include_rows = 6;
    is_refused("/v1/posts?include=comments", E_TOOBIG, 2);
    config.include_rows = 1000;
}

/* ---- below a parent ---- */

static void rows_of_a_parent(void **state)
{
    (void)state;
    is("/v1/users/1/posts?fields=id",
       "{\"data\":[{\"id\":1},{\"id\":2}],\"page\":1,\"limit\":10,\"total\":2,\"total_pages\":1}",
       1);
    is("/v1/posts/1/tags?fields=code&sort=code&count=none",
       "{\"data\":[{\"code\":\"blue\"},{\"code\":\"red\"}],\"page\":1,\"limit\":10,"
       "\"has_more\":false}",
       1);
    is("/v1/tags/red/posts?fields=id&sort=-id",
       "{\"data\":[{\"id\":3},{\"id\":1}],\"page\":1,\"limit\":10,\"total\":2,\"total_pages\":1}",
       1);
    is("/v1/halls/Oslo,2/seats?fields=id&count=none",
       "{\"data\":[{\"id\":1},{\"id\":3}],\"page\":1,\"limit\":10,\"has_more\":false}", 1);
}

/* Only an empty list asks whether the parent is there. */
static void a_parent_that_is_not_there(void **state)
{
    (void)state;
    is("/v1/users/4/posts", "{\"data\":[],\"page\":1,\"limit\":10,\"total\":0,\"total_pages\":0}",
       2);
    is("/v1/users/1/posts?page=2",
       "{\"data\":[],\"page\":2,\"limit\":10,\"total\":2,\"total_pages\":1}", 3);
    is_refused("/v1/users/9/posts", E_NOTFOUND, 2);
    assert_string_equal(err.text, "user not found; no row of users has the id '9'");
    is_refused("/v1/users/x/posts", E_NOTFOUND, 0);
    is_refused("/v1/tags/grey/posts?cursor=", E_NOTFOUND, 2);
}

static void the_one_of_a_row(void **state)
{
    (void)state;
    is("/v1/posts/3/user?fields=name", "{\"name\":\"Bob\"}", 2);
    is("/v1/seats/2/halls", "{\"city\":\"Bergen\",\"number\":1}", 2);
    is("/v1/badges/2/user?fields=name,posts.id", "{\"name\":\"Bob\",\"posts\":[{\"id\":3}]}", 3);
    is_refused("/v1/badges/1/user", E_NOTFOUND, 1); /* user 1 is there, badge 1 is not */
    is_refused("/v1/users/1/boss", E_NOTFOUND, 1);
    assert_string_equal(err.text, "boss not found; the user '1' has none");
    is_refused("/v1/seats/4/halls", E_NOTFOUND, 1); /* half a key refers to nothing */
}

/* ---- parts ---- */

static const struct resource *resource_at(const char *pattern)
{
    const struct endpoint *e;
    for (size_t i = 0; (e = router_at(router, i)); i++) {
        if (strcmp(e->pattern, pattern) == 0)
            return e->data;
    }
    fail_msg("no route %s", pattern);
    return NULL;
}

static void fresh(void)
{
    arena_reset(&rq.arena);
    arena_init(&rq.arena, 1 << 20);
}

/* A list through a join table reads the parent's links, not every row of the target. */
static void a_join_table_is_where_the_search_starts(void **state)
{
    (void)state;
    const struct resource *r = resource_at("/v1/tags/:id/posts");
    struct value code_red = value_text(LIT("red")), null = value_null();
    const struct column *id = table_column(r->table, LIT("id"));
    struct select sel = {.table = r->table, .columns = &id, .column_count = 1, .limit = -1};
    struct stmt st;
    fresh();
    sel.where = resource__scope(&rq, r, &code_red);
    assert_int_equal(sql_select(DIALECT_SQLITE, &rq.arena, &sel, &st, &err), 0);
    assert_string_equal(arena_str(&rq.arena, st.text).ptr,
                        "SELECT t0.\"id\" FROM \"posts\" AS t0 WHERE t0.\"id\" IN (SELECT "
                        "t1.\"post_id\" FROM \"post_tags\" AS t1 WHERE t1.\"tag_code\" = ?1)");
    assert_int_equal(resource__scope(&rq, r, &null)->kind, COND_FALSE);
}

static void where_a_row_is(void **state)
{
    (void)state;
    const struct resource *tags = resource_at("/v1/tags/:id"),
                          *halls = resource_at("/v1/halls/:id");
    struct value odd = value_text(LIT("a/b c,d?\xc3\xa9%"));
    struct value hall[] = {value_text(LIT("Oslo")), value_int(-2)};
    fresh();
    assert_true(str_is(resource__location(&rq, tags->set, tags->table, &odd),
                       "/v1/tags/a%2Fb%20c%2Cd%3F%C3%A9%25"));
    config.public_url = LIT("https://shop.example");
    assert_true(str_is(resource__location(&rq, halls->set, halls->table, hall),
                       "https://shop.example/v1/halls/Oslo,-2"));
    config.public_url = (str){0};
}

static void routes_of_tables_and_relations(void **state)
{
    (void)state;
    assert_true(resource_at("/v1/halls/:id/seats")->relation->kind == REL_MANY);
    assert_true(resource_at("/v1/posts/:id/tags")->near.kind == REL_MANY);
    assert_true(resource_at("/v1/users/:id")->one_ready);
    assert_true(resource_at("/v1/post_tags/:id")->one_ready);
    struct table odd[] = {{.name = LIT("a/b"), .exposed = true},
                          {.name = LIT(":x"), .exposed = true},
                          {.name = LIT(".."), .exposed = true}};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct schema s = {.tables = &odd[i], .table_count = 1};
        struct router *other = router_new();
        assert_int_equal(resource_routes(other, &s, db, &config, &arena, &err), E_CONFIG);
        odd[i].exposed = false;
        assert_int_equal(resource_routes(other, &s, db, &config, &arena, &err), 0);
        assert_null(router_at(other, 0));
        router_free(&other);
    }
}

/* ---- set up ---- */

static int build(struct db_admin *a)
{
    const struct stmt *questions;
    size_t count = schema_questions(DIALECT_SQLITE, &questions);
    struct rows *answers = ARENA_ARRAY(&arena, struct rows, count);
    struct schema_wishes wishes = {0};
    TRY(db_admin_script(a, str_of(script), NULL, &err));
    for (size_t i = 0; i < count; i++)
        TRY(db_admin_run(a, &questions[i], &arena, &answers[i], &err));
    return schema_build(DIALECT_SQLITE, answers, count, &wishes, &schema, &err);
}

static int open_all(void)
{
    struct db_admin *a;
    struct db_config c = {.url = LIT("sqlite:test.db"),
                          .data_dir = str_of(dir),
                          .statement_timeout_ms = 5000,
                          .tx_timeout_ms = 1000,
                          .write_queue = 16,
                          .group_most = 16,
                          .scan_threads = 1,
                          .scan_queue = 16,
                          .statements = 64,
                          .cache_kib = 256};
    TRY(db_admin_open(&c, &a, &err));
    int built = build(a);
    db_admin_close(&a);
    TRY(built);
    TRY(db_open(&c, &db, &err));
    router = router_new();
    TRY(resource_routes(router, schema, db, &config, &arena, &err));
    loop = loop_new(131072, 16);
    return db_worker_begin(db, &err);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    arena_init(&arena, 8 << 20);
    buf_init(&reply.body, 1 << 20);
    int rc = open_all();
    if (rc < 0)
        print_error("%s\n", err.text);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    db_worker_end(db);
    arena_reset(&rq.arena);
    loop_free(&loop);
    db_close(&db);
    router_free(&router);
    schema_free(&schema);
    arena_reset(&arena);
    buf_fini(&reply.body);
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_row),
        cmocka_unit_test(the_hot_path_takes_nothing_from_the_heap),
        cmocka_unit_test(chosen_columns_and_relations),
        cmocka_unit_test(pages_and_what_they_cost),
        cmocka_unit_test(cursors_both_ways),
        cmocka_unit_test(includes_of_a_page),
        cmocka_unit_test(an_answer_of_too_many_rows),
        cmocka_unit_test(rows_of_a_parent),
        cmocka_unit_test(a_parent_that_is_not_there),
        cmocka_unit_test(the_one_of_a_row),
        cmocka_unit_test(a_join_table_is_where_the_search_starts),
        cmocka_unit_test(where_a_row_is),
        cmocka_unit_test(routes_of_tables_and_relations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
