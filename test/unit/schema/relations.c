/* Relations: their names, and what wishes and exposure change. SPDX: Apache-2.0 */
#include "model.h"

#define WISHES(list) .relations = (list), .relation_count = COUNT_OF(list)
#define TABLES(list) .tables = (list), .table_count = COUNT_OF(list)
#define NAME(t, c, n)                                                                              \
    {                                                                                              \
        .table = STR_INIT(t), .column = STR_INIT(c), .name = STR_INIT(n)                           \
    }
#define REVERSE(t, c, n)                                                                           \
    {                                                                                              \
        .table = STR_INIT(t), .column = STR_INIT(c), .reverse = STR_INIT(n)                        \
    }

static void the_shop_without_wishes(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){.from = "examples/shop/migrations"});
    is(s, "posts", put_relations,
       "user one (user_id) = users(id) required\n"
       "comments many (id) = comments(post_id)\n");
    is(s, "users", put_relations,
       "accounts many (id) = accounts(user_id)\n"
       "comments many (id) = comments(user_id)\n"
       "follows_by_follower_id many (id) = follows(follower_id)\n"
       "follows_by_followed_id many (id) = follows(followed_id)\n"
       "orders many (id) = orders(user_id)\n"
       "posts many (id) = posts(user_id)\n"
       "reviews many (id) = reviews(user_id)\n"
       "users_by_followed_id through (id) = follows(follower_id)(followed_id) = users(id)\n"
       "users_by_follower_id through (id) = follows(followed_id)(follower_id) = users(id)\n");
    is(s, "products", put_relations,
       "category one (category_id) = categories(id) required\n"
       "brand one (brand_id) = brands(id)\n"
       "order_items many (id) = order_items(product_id)\n"
       "product_tags many (id) = product_tags(product_id)\n"
       "reviews many (id) = reviews(product_id)\n"
       "tags through (id) = product_tags(product_id)(tag_id) = tags(id)\n");
    is(s, "tags", put_relations,
       "product_tags many (id) = product_tags(tag_id)\n"
       "products through (id) = product_tags(tag_id)(product_id) = products(id)\n");
    is(s, "product_tags", put_relations,
       "product one (product_id) = products(id) required\n"
       "tag one (tag_id) = tags(id) required\n");
    is(s, "transactions", put_relations,
       "accounts_by_from_account one (from_account) = accounts(id) required\n"
       "accounts_by_to_account one (to_account) = accounts(id) required\n");
    is(s, "accounts", put_relations,
       "user one (user_id) = users(id)\n"
       "transactions_by_from_account many (id) = transactions(from_account)\n"
       "transactions_by_to_account many (id) = transactions(to_account)\n");
    is(s, "employees", put_relations,
       "manager one (manager_id) = employees(id)\n"
       "employees many (id) = employees(manager_id)\n");
    assert_null(table_relation(schema_table(s, LIT("posts")), LIT("author")));
    schema_free(&s);
}

/* As examples/shop/cairn.yaml has them. */
static void the_shop_with_its_wishes(void **state)
{
    (void)state;
    static const struct schema_relation_wish list[] = {
        NAME("posts", "user_id", "author"),
        NAME("comments", "user_id", "author"),
        REVERSE("order_items", "order_id", "items"),
        REVERSE("employees", "manager_id", "reports"),
        {STR_INIT("transactions"), STR_INIT("from_account"), STR_INIT("payer"),
         STR_INIT("payments")},
        NAME("transactions", "to_account", "payee"),
        REVERSE("transactions", "to_account", "receipts"),
    };
    struct schema *s =
        built(&(struct made){.from = "examples/shop/migrations", .wishes = {WISHES(list)}});
    is(s, "posts", put_relations,
       "author one (user_id) = users(id) required\n"
       "comments many (id) = comments(post_id)\n");
    is(s, "orders", put_relations,
       "user one (user_id) = users(id) required\n"
       "items many (id) = order_items(order_id)\n");
    is(s, "transactions", put_relations,
       "payer one (from_account) = accounts(id) required\n"
       "payee one (to_account) = accounts(id) required\n");
    is(s, "accounts", put_relations,
       "user one (user_id) = users(id)\n"
       "payments many (id) = transactions(from_account)\n"
       "receipts many (id) = transactions(to_account)\n");
    is(s, "employees", put_relations,
       "manager one (manager_id) = employees(id)\n"
       "reports many (id) = employees(manager_id)\n");
    schema_free(&s);
}

static void keys_of_several_columns(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .migration = "CREATE TABLE a (x INTEGER, y TEXT, PRIMARY KEY (x, y));"
                     "CREATE TABLE b (id SERIAL PRIMARY KEY, ax INTEGER, ay TEXT NOT NULL,"
                     " FOREIGN KEY (ax, ay) REFERENCES a (x, y));"
                     "CREATE TABLE c (id SERIAL PRIMARY KEY, ax INTEGER, ay TEXT, az TEXT,"
                     " FOREIGN KEY (ax, ay) REFERENCES a, FOREIGN KEY (ax, az) REFERENCES a);"});
    is(s, "b", put_relations, "a one (ax,ay) = a(x,y)\n");
    is(s, "c", put_relations,
       "a_by_ax_ay one (ax,ay) = a(x,y)\n"
       "a_by_ax_az one (ax,az) = a(x,y)\n");
    is(s, "a", put_relations,
       "b many (x,y) = b(ax,ay)\n"
       "c_by_ax_ay many (x,y) = c(ax,ay)\n"
       "c_by_ax_az many (x,y) = c(ax,az)\n");
    schema_free(&s);
}

static void names_that_are_taken(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE users (id INTEGER PRIMARY KEY, posts TEXT, logs TEXT,"
                  " logs_by_user_id TEXT);"
                  "CREATE TABLE clubs (id INTEGER PRIMARY KEY);"
                  "CREATE TABLE posts (id INTEGER PRIMARY KEY, user TEXT,"
                  " user_id INT REFERENCES users);" /* user and posts are columns */
                  "CREATE TABLE logs (userId INT REFERENCES users,"
                  " user_id INT REFERENCES clubs, OWNER_ID INT REFERENCES clubs,"
                  " _id INT REFERENCES posts);"
                  "CREATE TABLE logs2 (user_id INT REFERENCES users, clubs TEXT,"
                  " club INT REFERENCES clubs);"});
    is(s, "posts", put_relations,
       "users one (user_id) = users(id)\n"
       "logs many (id) = logs(_id)\n");
    is(s, "logs", put_relations,
       "user one (userId) = users(id)\n"
       "clubs_by_user_id one (user_id) = clubs(id)\n"
       "OWNER one (OWNER_ID) = clubs(id)\n"
       "posts one (_id) = posts(id)\n");
    is(s, "logs2", put_relations,
       "user one (user_id) = users(id)\n"
       "clubs_by_club one (club) = clubs(id)\n");
    is(s, "users", put_relations,
       "logs_by_userId many (id) = logs(userId)\n"
       "logs2 many (id) = logs2(user_id)\n"
       "posts_by_user_id many (id) = posts(user_id)\n");
    is(s, "clubs", put_relations,
       "logs_by_user_id many (id) = logs(user_id)\n"
       "logs_by_OWNER_ID many (id) = logs(OWNER_ID)\n"
       "logs2 many (id) = logs2(club)\n");
    schema_free(&s);
}

static void numbered_at_worst(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE users (id INTEGER PRIMARY KEY, posts TEXT, posts_by_user_id TEXT);"
                  "CREATE TABLE posts (user_id INT REFERENCES users, user TEXT, users TEXT,"
                  " users_by_user_id TEXT, users_by_user_id_2 TEXT);"});
    is(s, "posts", put_relations, "users_by_user_id_3 one (user_id) = users(id)\n");
    is(s, "users", put_relations, "posts_by_user_id_2 many (id) = posts(user_id)\n");
    schema_free(&s);
}

/* ---- through ---- */

static void through_two_tables(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE users (id INTEGER PRIMARY KEY);"
                  "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INT REFERENCES users);"
                  /* users.posts is taken; likes and marks join the same two */
                  "CREATE TABLE likes (user_id INT REFERENCES users, at TEXT,"
                  " post_id INT REFERENCES posts, PRIMARY KEY (post_id, user_id));"
                  "CREATE TABLE clubs (id INTEGER PRIMARY KEY);"
                  "CREATE TABLE members (club_id INT REFERENCES clubs,"
                  " user_id INT REFERENCES users, PRIMARY KEY (club_id, user_id));"
                  "CREATE TABLE guests (club_id INT REFERENCES clubs,"
                  " user_id INT REFERENCES users, PRIMARY KEY (club_id, user_id));"});
    is(s, "users", put_relations,
       "guests many (id) = guests(user_id)\n"
       "likes many (id) = likes(user_id)\n"
       "members many (id) = members(user_id)\n"
       "posts many (id) = posts(user_id)\n"
       "clubs_through_guests through (id) = guests(user_id)(club_id) = clubs(id)\n"
       "posts_through_likes through (id) = likes(user_id)(post_id) = posts(id)\n"
       "clubs_through_members through (id) = members(user_id)(club_id) = clubs(id)\n");
    is(s, "posts", put_relations,
       "user one (user_id) = users(id)\n"
       "likes many (id) = likes(post_id)\n"
       "users through (id) = likes(post_id)(user_id) = users(id)\n");
    schema_free(&s);
}

static void through_to_itself(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE users (id INTEGER PRIMARY KEY);"
                  "CREATE TABLE follows (follower_id INT REFERENCES users,"
                  " followed_id INT REFERENCES users, PRIMARY KEY (follower_id, followed_id));"});
    is(s, "users", put_relations,
       "follows_by_follower_id many (id) = follows(follower_id)\n"
       "follows_by_followed_id many (id) = follows(followed_id)\n"
       "users_by_followed_id through (id) = follows(follower_id)(followed_id) = users(id)\n"
       "users_by_follower_id through (id) = follows(followed_id)(follower_id) = users(id)\n");
    schema_free(&s);
}

static void through_keys_of_several_columns(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE halls (city TEXT, no INT, PRIMARY KEY (city, no));"
                  "CREATE TABLE bands (id INTEGER PRIMARY KEY);"
                  "CREATE TABLE gigs (city TEXT, no INT, band_id INT REFERENCES bands,"
                  " PRIMARY KEY (band_id, no, city), FOREIGN KEY (city, no) REFERENCES halls);"});
    is(s, "bands", put_relations,
       "gigs many (id) = gigs(band_id)\n"
       "halls through (id) = gigs(band_id)(city,no) = halls(city,no)\n");
    is(s, "halls", put_relations,
       "gigs many (city,no) = gigs(city,no)\n"
       "bands through (city,no) = gigs(city,no)(band_id) = bands(id)\n");
    schema_free(&s);
}

static void what_joins_nothing(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script =
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY);"
            /* a key of its own, a third part, a part that is no key, three keys, a shared column */
            "CREATE TABLE own (id INTEGER PRIMARY KEY, a_id INT REFERENCES a,"
            " b_id INT REFERENCES b, UNIQUE (a_id, b_id));"
            "CREATE TABLE year (a_id INT REFERENCES a, b_id INT REFERENCES b, year INT,"
            " PRIMARY KEY (a_id, b_id, year));"
            "CREATE TABLE half (a_id INT REFERENCES a, n INT, PRIMARY KEY (a_id, n));"
            "CREATE TABLE three (a_id INT REFERENCES a, b_id INT REFERENCES b,"
            " c_id INT REFERENCES b, PRIMARY KEY (a_id, b_id, c_id));"
            "CREATE TABLE shared (id INT REFERENCES a REFERENCES b, n INT, PRIMARY KEY (id, n));"
            "CREATE TABLE keyless (a_id INT REFERENCES a, b_id INT REFERENCES b);"});
    for (size_t i = 0; i < s->table_count; i++) {
        for (size_t k = 0; k < s->tables[i].relation_count; k++)
            assert_int_not_equal(s->tables[i].relations[k].kind, REL_THROUGH);
    }
    schema_free(&s);
}

/* ---- wishes ---- */

static const char guide[] = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);"
                            "CREATE TABLE rooms (a INT, b INT, PRIMARY KEY (a, b));"
                            "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT,"
                            " user_id INT REFERENCES users, editor_id INT REFERENCES users,"
                            " room_a INT, room_b INT,"
                            " FOREIGN KEY (room_a, room_b) REFERENCES rooms);";

static void wishes_take_names(void **state)
{
    (void)state;
    static const struct schema_relation_wish list[] = {
        NAME("posts", "editor_id", "user"), /* which user_id would have had */
        REVERSE("posts", "editor_id", "posts"),
        {STR_INIT("posts"), STR_INIT("room_b"), STR_INIT("place"), STR_INIT("talks")},
    };
    struct schema *s = built(&(struct made){.script = guide, .wishes = {WISHES(list)}});
    is(s, "posts", put_relations,
       "users_by_user_id one (user_id) = users(id)\n"
       "user one (editor_id) = users(id)\n"
       "place one (room_a,room_b) = rooms(a,b)\n");
    is(s, "users", put_relations,
       "posts_by_user_id many (id) = posts(user_id)\n"
       "posts many (id) = posts(editor_id)\n");
    is(s, "rooms", put_relations, "talks many (a,b) = posts(room_a,room_b)\n");
    schema_free(&s);
}

static void wishes_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        struct schema_relation_wish list[2];
        const char *want;
    } bad[] = {
        {{NAME("post", "user_id", "x")}, "tables: there is no table 'post'; did you mean 'posts'?"},
        {{NAME("zebra", "user_id", "x")}, "tables: there is no table 'zebra'"},
        {{NAME("posts", "usr_id", "x")},
         "tables.posts: there is no column 'usr_id'; did you mean 'user_id'?"},
        {{NAME("posts", "title", "x")}, "tables.posts: column 'title' is no foreign key"},
        {{NAME("posts", "user_id", "title")},
         "tables: relation 'title' of 'posts' has the name of a column; take another"},
        {{REVERSE("posts", "user_id", "name")},
         "tables: relation 'name' of 'users' has the name of a column; take another"},
        {{NAME("posts", "user_id", "x"), NAME("posts", "editor_id", "x")},
         "tables: two relations of 'posts' are named 'x'"},
        {{NAME("posts", "user_id", "x"), NAME("posts", "user_id", "y")},
         "tables: relation 'x' of 'posts' is named twice, also 'y'"},
        {{NAME("posts", "room_a", "x"), NAME("posts", "room_b", "y")},
         "tables: relation 'x' of 'posts' is named twice, also 'y'"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct made m = {.script = guide};
        struct schema *s = NULL;
        struct err err = {0};
        m.wishes.relations = bad[i].list;
        m.wishes.relation_count = bad[i].list[1].table.len ? 2 : 1;
        assert_int_equal(build(&m, &s, &err), E_CONFIG);
        assert_null(s);
        assert_string_equal(err.text, bad[i].want);
    }
}

/* ---- exposure ---- */

static void what_is_hidden_is_not_there(void **state)
{
    (void)state;
    static const struct schema_table_wish hide[] = {
        {.table = STR_INIT("comments"), .expose = 0, .aggregates = -1, .put_creates = -1},
        {.table = STR_INIT("tags"), .expose = 0, .aggregates = -1, .put_creates = -1},
        {.table = STR_INIT("users"), .expose = -1, .aggregates = -1, .put_creates = -1}};
    struct schema *s =
        built(&(struct made){.from = "examples/shop/migrations", .wishes = {TABLES(hide)}});
    assert_false(schema_table(s, LIT("comments"))->exposed);
    assert_true(schema_table(s, LIT("users"))->exposed);
    is(s, "posts", put_relations, "user one (user_id) = users(id) required\n");
    is(s, "products", put_relations,
       "category one (category_id) = categories(id) required\n"
       "brand one (brand_id) = brands(id)\n"
       "order_items many (id) = order_items(product_id)\n"
       "product_tags many (id) = product_tags(product_id)\n"
       "reviews many (id) = reviews(product_id)\n");
    is(s, "comments", put_relations,
       "post one (post_id) = posts(id) required\n"
       "user one (user_id) = users(id) required\n");
    schema_free(&s);
}

static void the_table_between_may_be_hidden(void **state)
{
    (void)state;
    static const struct schema_table_wish hide[] = {
        {.table = STR_INIT("product_tags"), .expose = 0, .aggregates = -1, .put_creates = -1}};
    struct schema *s =
        built(&(struct made){.from = "examples/shop/migrations", .wishes = {TABLES(hide)}});
    is(s, "tags", put_relations,
       "products through (id) = product_tags(tag_id)(product_id) = products(id)\n");
    schema_free(&s);
}

static void only_what_is_named(void **state)
{
    (void)state;
    static const struct schema_table_wish show[] = {
        {.table = STR_INIT("users"), .expose = 1, .aggregates = -1, .put_creates = -1},
        {.table = STR_INIT("posts"), .expose = -1, .aggregates = -1, .put_creates = -1},
        {.table = STR_INIT("comments"), .expose = 0, .aggregates = -1, .put_creates = -1}};
    struct schema *s = built(&(struct made){.from = "examples/shop/migrations",
                                            .wishes = {TABLES(show), .only_named = true}});
    assert_true(schema_table(s, LIT("posts"))->exposed);
    assert_false(schema_table(s, LIT("comments"))->exposed);
    assert_false(schema_table(s, LIT("orders"))->exposed);
    is(s, "users", put_relations,
       "posts many (id) = posts(user_id)\n"
       "users_by_followed_id through (id) = follows(follower_id)(followed_id) = users(id)\n"
       "users_by_follower_id through (id) = follows(followed_id)(follower_id) = users(id)\n");
    schema_free(&s);
}

static void an_unknown_table(void **state)
{
    (void)state;
    static const struct schema_table_wish list[] = {
        {.table = STR_INIT("Posts"), .expose = 1, .aggregates = -1, .put_creates = -1}};
    struct schema *s = NULL;
    struct err err = {0};
    struct made m = {.script = guide, .wishes = {TABLES(list)}};
    assert_int_equal(build(&m, &s, &err), E_CONFIG);
    assert_string_equal(err.text, "tables: there is no table 'Posts'; did you mean 'posts'?");
}

static void gone_is(const struct schema *s, const char *table, const char *want)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 16);
    buf_init(&b, 256);
    const bool *gone = schema_gone_with(&a, s, schema_table(s, str_of(table)));
    for (size_t i = 0; i < s->table_count; i++) {
        if (gone[i])
            buf_printf(&b, "%.*s ", STR_ARG(s->tables[i].name));
    }
    assert_true(str_is(buf_view(&b), want));
    buf_fini(&b);
    arena_reset(&a);
}

/* Along every foreign key that lets rows go, and no other; circles end. */
static void what_goes_along(void **state)
{
    (void)state;
    struct schema *s =
        built(&(struct made){.script = "CREATE TABLE a(id INTEGER PRIMARY KEY, d INTEGER REFERENCES"
                                       " d(id) ON DELETE CASCADE);"
                                       "CREATE TABLE b(id INTEGER PRIMARY KEY, a INTEGER REFERENCES"
                                       " a(id) ON DELETE CASCADE);"
                                       "CREATE TABLE c(id INTEGER PRIMARY KEY, b INTEGER REFERENCES"
                                       " b(id) ON DELETE SET NULL);"
                                       "CREATE TABLE d(id INTEGER PRIMARY KEY, c INTEGER REFERENCES"
                                       " c(id) ON DELETE RESTRICT, b INTEGER REFERENCES b(id));"
                                       "CREATE TABLE e(id INTEGER PRIMARY KEY, e INTEGER REFERENCES"
                                       " e(id) ON DELETE CASCADE);"});
    gone_is(s, "a", "a b c ");
    gone_is(s, "b", "b c ");
    gone_is(s, "c", "c ");
    gone_is(s, "d", "a b c d ");
    gone_is(s, "e", "e ");
    schema_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shop_without_wishes),
        cmocka_unit_test(the_shop_with_its_wishes),
        cmocka_unit_test(keys_of_several_columns),
        cmocka_unit_test(names_that_are_taken),
        cmocka_unit_test(numbered_at_worst),
        cmocka_unit_test(through_two_tables),
        cmocka_unit_test(through_to_itself),
        cmocka_unit_test(through_keys_of_several_columns),
        cmocka_unit_test(what_joins_nothing),
        cmocka_unit_test(wishes_take_names),
        cmocka_unit_test(wishes_that_cannot_be),
        cmocka_unit_test(what_is_hidden_is_not_there),
        cmocka_unit_test(the_table_between_may_be_hidden),
        cmocka_unit_test(only_what_is_named),
        cmocka_unit_test(an_unknown_table),
        cmocka_unit_test(what_goes_along),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
