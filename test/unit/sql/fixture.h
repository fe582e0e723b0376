/* fixture.h -- a small model made by hand, and a real SQLite in memory to run statements in.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_TEST_SQL_FIXTURE_H
#define CAIRN_TEST_SQL_FIXTURE_H

#include "db/sqlite_priv.h"
#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#define UNUSED __attribute__((unused))

/* ---- the model ---- */

static const struct column user_columns[] = {
    {.name = STR_INIT("id"), .type = TYPE_INT8, .has_default = true},
    {.name = STR_INIT("name"), .type = TYPE_TEXT, .length = 20},
    {.name = STR_INIT("email"), .type = TYPE_TEXT},
    {.name = STR_INIT("city"), .type = TYPE_TEXT, .nullable = true},
    {.name = STR_INIT("age"),
     .type = TYPE_INT4,
     .nullable = true,
     .has_min = true,
     .min = STR_INIT("0")},
    {.name = STR_INIT("score"), .type = TYPE_FLOAT8, .nullable = true},
    {.name = STR_INIT("balance"),
     .type = TYPE_NUMERIC,
     .precision = 12,
     .scale = 2,
     .nullable = true},
    {.name = STR_INIT("big"),
     .type = TYPE_NUMERIC,
     .precision = 30,
     .scale = 10,
     .nullable = true,
     .decimal_text = true},
    {.name = STR_INIT("active"), .type = TYPE_BOOL, .nullable = true, .default_sql = STR_INIT("1")},
    {.name = STR_INIT("uid"), .type = TYPE_UUID, .nullable = true},
    {.name = STR_INIT("meta"), .type = TYPE_JSON, .nullable = true},
    {.name = STR_INIT("photo"), .type = TYPE_BYTES, .nullable = true},
    {.name = STR_INIT("limit"), .type = TYPE_INT2, .nullable = true},
    {.name = STR_INIT("created_at"), .type = TYPE_TIMESTAMP},
};
static const struct column post_columns[] = {
    {.name = STR_INIT("id"), .type = TYPE_INT8},
    {.name = STR_INIT("user_id"), .type = TYPE_INT8, .nullable = true},
    {.name = STR_INIT("title"), .type = TYPE_TEXT},
    {.name = STR_INIT("likes"), .type = TYPE_INT4},
};
static const struct column comment_columns[] = {
    {.name = STR_INIT("id"), .type = TYPE_INT8},
    {.name = STR_INIT("post_id"), .type = TYPE_INT8},
    {.name = STR_INIT("user_id"), .type = TYPE_INT8, .nullable = true},
    {.name = STR_INIT("body"), .type = TYPE_TEXT},
};
static const struct column tag_columns[] = {
    {.name = STR_INIT("code"), .type = TYPE_TEXT},
    {.name = STR_INIT("label \"x\""), .type = TYPE_TEXT},
};
static const struct column link_columns[] = {
    {.name = STR_INIT("post_id"), .type = TYPE_INT8},
    {.name = STR_INIT("tag_code"), .type = TYPE_TEXT},
};
static const struct column log_columns[] = {
    /* no primary key */
    {.name = STR_INIT("user_id"), .type = TYPE_INT8, .nullable = true},
    {.name = STR_INIT("line"), .type = TYPE_TEXT, .nullable = true},
};
static const struct column seat_columns[] = {
    /* composite key */
    {.name = STR_INIT("hall"), .type = TYPE_TEXT},
    {.name = STR_INIT("number"), .type = TYPE_INT4},
    {.name = STR_INIT("note"), .type = TYPE_TEXT, .nullable = true},
};
static const struct column ticket_columns[] = {
    {.name = STR_INIT("id"), .type = TYPE_INT8},
    {.name = STR_INIT("hall"), .type = TYPE_TEXT, .nullable = true},
    {.name = STR_INIT("number"), .type = TYPE_INT4, .nullable = true},
};

static const char schema_sql[] UNUSED =
    "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE,"
    " city TEXT, age INTEGER, score REAL, balance NUMERIC, big TEXT COLLATE decimal,"
    " active INTEGER DEFAULT 1, uid TEXT, meta TEXT, photo BLOB, \"limit\" INTEGER,"
    " created_at TEXT NOT NULL);"
    "CREATE INDEX users_city ON users(city); CREATE INDEX users_created ON users(created_at);"
    "CREATE TABLE posts(id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT NOT NULL,"
    " likes INTEGER NOT NULL);"
    "CREATE INDEX posts_user ON posts(user_id);"
    "CREATE TABLE comments(id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL, user_id INTEGER,"
    " body TEXT NOT NULL);"
    "CREATE INDEX comments_post ON comments(post_id);"
    "CREATE TABLE tags(code TEXT NOT NULL PRIMARY KEY, \"label \"\"x\"\"\" TEXT NOT NULL);"
    "CREATE TABLE post_tags(post_id INTEGER NOT NULL, tag_code TEXT NOT NULL,"
    " PRIMARY KEY(post_id, tag_code));"
    "CREATE TABLE logs(user_id INTEGER, line TEXT);"
    "CREATE TABLE seats(hall TEXT NOT NULL, number INTEGER NOT NULL, note TEXT,"
    " PRIMARY KEY(hall, number));"
    "CREATE TABLE tickets(id INTEGER PRIMARY KEY, hall TEXT, number INTEGER);";

enum { USERS, POSTS, COMMENTS, TAGS, LINKS, LOGS, SEATS, TICKETS, TABLES };

struct model {
    struct arena arena;
    struct table tables[TABLES];
};

#define COLUMNS(list) .columns = (list), .column_count = COUNT_OF(list)

static struct key key1(struct arena *a, const struct column *c)
{
    struct key k = {.columns = arena_new(a, sizeof(struct column *)), .count = 1};
    k.columns[0] = c;
    return k;
}

static struct key key2(struct arena *a, const struct column *c, const struct column *d)
{
    struct key k = {.columns = arena_new(a, 2 * sizeof(struct column *)), .count = 2};
    k.columns[0] = c;
    k.columns[1] = d;
    return k;
}

static struct key *keys_of(struct arena *a, struct key k, bool unique)
{
    struct key *list = ARENA_NEW(a, struct key);
    *list = k;
    list->unique = unique;
    return list;
}

static void relate(struct arena *a, struct table *t, struct relation r)
{
    struct relation *list = ARENA_ARRAY(a, struct relation, 8);
    if (t->relation_count)
        memcpy(list, t->relations, t->relation_count * sizeof *list);
    r.from = t;
    list[t->relation_count++] = r;
    t->relations = list;
}

static void model_relations(struct model *m)
{
    struct arena *a = &m->arena;
    struct table *t = m->tables;
    struct key user_id = key1(a, &user_columns[0]), post_id = key1(a, &post_columns[0]);
    struct key post_user = key1(a, &post_columns[1]), comment_post = key1(a, &comment_columns[1]);
    struct key code = key1(a, &tag_columns[0]);
    struct key near = key1(a, &link_columns[0]), far = key1(a, &link_columns[1]);
    struct key seat = key2(a, &seat_columns[0], &seat_columns[1]);
    struct key ticket = key2(a, &ticket_columns[1], &ticket_columns[2]);
#define REL(t_, name_, kind_, target_, local_, remote_)                                            \
    relate(a, &t[t_],                                                                              \
           (struct relation){.name = LIT(name_),                                                   \
                             .kind = (kind_),                                                      \
                             .target = &t[target_],                                                \
                             .local = (local_),                                                    \
                             .remote = (remote_)})
    REL(USERS, "posts", REL_MANY, POSTS, user_id, post_user);
    REL(USERS, "comments", REL_MANY, COMMENTS, user_id, key1(a, &comment_columns[2]));
    REL(USERS, "logs", REL_MANY, LOGS, user_id, key1(a, &log_columns[0]));
    REL(POSTS, "author", REL_ONE, USERS, post_user, user_id);
    REL(POSTS, "comments", REL_MANY, COMMENTS, post_id, comment_post);
    REL(COMMENTS, "post", REL_ONE, POSTS, comment_post, post_id);
    REL(COMMENTS, "author", REL_ONE, USERS, key1(a, &comment_columns[2]), user_id);
    REL(SEATS, "tickets", REL_MANY, TICKETS, seat, ticket);
    REL(TICKETS, "seat", REL_ONE, SEATS, ticket, seat);
#undef REL
    relate(a, &t[POSTS],
           (struct relation){.name = LIT("tags"),
                             .kind = REL_THROUGH,
                             .target = &t[TAGS],
                             .through = &t[LINKS],
                             .local = post_id,
                             .remote = code,
                             .near = near,
                             .far = far});
    relate(a, &t[TAGS],
           (struct relation){.name = LIT("posts"),
                             .kind = REL_THROUGH,
                             .target = &t[POSTS],
                             .through = &t[LINKS],
                             .local = code,
                             .remote = post_id,
                             .near = far,
                             .far = near});
}

static void model_keys(struct model *m)
{
    struct arena *a = &m->arena;
    struct table *t = m->tables;
    static const int rowid[] = {USERS, POSTS, COMMENTS, TICKETS};
    for (size_t i = 0; i < COUNT_OF(rowid); i++) {
        t[rowid[i]].primary = key1(a, &t[rowid[i]].columns[0]);
        t[rowid[i]].rowid = true;
    }
    t[TAGS].primary = key1(a, &tag_columns[0]);
    t[LINKS].primary = key2(a, &link_columns[0], &link_columns[1]);
    t[SEATS].primary = key2(a, &seat_columns[0], &seat_columns[1]);
    t[USERS].uniques = keys_of(a, key1(a, &user_columns[2]), true);
    t[USERS].unique_count = 1;
    t[USERS].indexes = keys_of(a, key1(a, &user_columns[13]), false);
    t[USERS].index_count = 1;
    t[POSTS].indexes = keys_of(a, key1(a, &post_columns[1]), false);
    t[POSTS].index_count = 1;
    t[COMMENTS].indexes = keys_of(a, key1(a, &comment_columns[1]), false);
    t[COMMENTS].index_count = 1;
}

static struct model *model_new(void)
{
    struct model *m = calloc(1, sizeof *m);
    arena_init(&m->arena, 1 << 22);
    const struct table plain[TABLES] = {
        [USERS] = {.name = LIT("users"), COLUMNS(user_columns)},
        [POSTS] = {.name = LIT("posts"), COLUMNS(post_columns)},
        [COMMENTS] = {.name = LIT("comments"), COLUMNS(comment_columns)},
        [TAGS] = {.name = LIT("tags"), COLUMNS(tag_columns)},
        [LINKS] = {.name = LIT("post_tags"), COLUMNS(link_columns)},
        [LOGS] = {.name = LIT("logs"), COLUMNS(log_columns)},
        [SEATS] = {.name = LIT("seats"), COLUMNS(seat_columns)},
        [TICKETS] = {.name = LIT("tickets"), COLUMNS(ticket_columns)},
    };
    memcpy(m->tables, plain, sizeof plain);
    model_keys(m);
    model_relations(m);
    for (size_t i = 0; i < TABLES; i++) {
        struct table *t = &m->tables[i];
        map_init(&t->by_name);
        map_init(&t->rel_by_name);
        for (size_t c = 0; c < t->column_count; c++)
            map_set(&t->by_name, t->columns[c].name, (void *)(uintptr_t)&t->columns[c]);
        for (size_t r = 0; r < t->relation_count; r++)
            map_set(&t->rel_by_name, t->relations[r].name, (void *)(uintptr_t)&t->relations[r]);
    }
    return m;
}

static void UNUSED model_free(struct model *m)
{
    for (size_t i = 0; i < TABLES; i++) {
        map_fini(&m->tables[i].by_name);
        map_fini(&m->tables[i].rel_by_name);
    }
    arena_reset(&m->arena);
    free(m);
}

static UNUSED const struct table *model_table(const struct model *m, str name)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (str_eq(m->tables[i].name, name))
            return &m->tables[i];
    }
    return NULL;
}

static const struct sql_limits limits UNUSED = {.default_limit = 10,
                                                .max_limit = 1000,
                                                .max_offset = 100000,
                                                .include_depth = 4,
                                                .include_count = 8,
                                                .filter_nodes = 32,
                                                .in_values = 100,
                                                .include_limit = 100};

/* Cuts "a=b&c=d" into parameters. */
static size_t params_of(str text, struct query_param *list, size_t most)
{
    size_t count = 0;
    for (str rest = text; text.len && rest.ptr && count < most;) {
        str value = str_cut(&rest, '&');
        str name = str_cut(&value, '=');
        list[count++] = (struct query_param){name, value.ptr ? value : LIT("")};
    }
    return count;
}

static int list_of(struct arena *a, const struct table *t, const char *text, struct list_query *out,
                   struct err *err) UNUSED;
static int list_of(struct arena *a, const struct table *t, const char *text, struct list_query *out,
                   struct err *err)
{
    struct query_param *params = arena_new(a, 100 * sizeof *params);
    size_t count = params_of(str_of(text), params, 100);
    return query_list(a, t, params, count,
                      &(struct list_rules){.limits = &limits, .secret = LIT("secret")}, out, err);
}

/* ---- SQLite ---- */

static int UNUSED decimal_collation(void *ctx, int xlen, const void *x, int ylen, const void *y)
{
    (void)ctx;
    return decimal_cmp((str){x, (size_t)xlen}, (str){y, (size_t)ylen});
}

static void UNUSED lite_exec(sqlite3 *db, const char *sql)
{
    char *text = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", text, sql);
}

static UNUSED sqlite3 *lite_open(void)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_create_collation(db, "decimal", SQLITE_UTF8, NULL, decimal_collation);
    sqlite__sums(db);
    sqlite__each(db);
    lite_exec(db, schema_sql);
    return db;
}

static void lite_bind(sqlite3_stmt *st, int at, const struct value *v)
{
    switch (v->kind) {
    case V_NULL:
        sqlite3_bind_null(st, at);
        break;
    case V_INT:
        sqlite3_bind_int64(st, at, v->i);
        break;
    case V_FLOAT:
        sqlite3_bind_double(st, at, v->f);
        break;
    case V_TEXT:
        sqlite3_bind_text(st, at, v->text.len ? v->text.ptr : "", (int)v->text.len, SQLITE_STATIC);
        break;
    case V_BYTES:
        sqlite3_bind_blob(st, at, v->text.len ? v->text.ptr : "", (int)v->text.len, SQLITE_STATIC);
        break;
    default:
        fail_msg("a bind of kind %d", (int)v->kind);
    }
}

static struct value lite_cell(struct arena *a, sqlite3_stmt *st, int at)
{
    str raw = {NULL, (size_t)sqlite3_column_bytes(st, at)};
    switch (sqlite3_column_type(st, at)) {
    case SQLITE_NULL:
        return value_null();
    case SQLITE_INTEGER:
        return value_int(sqlite3_column_int64(st, at));
    case SQLITE_FLOAT:
        return value_float(sqlite3_column_double(st, at));
    case SQLITE_TEXT:
        raw.ptr = (const char *)sqlite3_column_text(st, at);
        return value_text(arena_str(a, raw));
    default:
        raw.ptr = sqlite3_column_blob(st, at);
        return value_bytes(arena_str(a, raw));
    }
}

/* Runs a statement; all rows in a. */
static struct rows UNUSED lite_run(sqlite3 *db, struct arena *a, const struct stmt *s)
{
    sqlite3_stmt *st;
    struct rows rows = {0};
    size_t cap = 0;
    if (sqlite3_prepare_v2(db, s->text.ptr, (int)s->text.len, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %.*s", sqlite3_errmsg(db), STR_ARG(s->text));
    assert_int_equal(sqlite3_bind_parameter_count(st), s->bind_count);
    for (size_t i = 0; i < s->bind_count; i++) {
        if (i + 1 == s->keys)
            sqlite__bind_keys(st, (int)i + 1, &s->binds[i]);
        else
            lite_bind(st, (int)i + 1, &s->binds[i]);
    }
    rows.cols = (size_t)sqlite3_column_count(st);
    int code;
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
        if (rows.count == cap) {
            struct value *more =
                arena_new(a, (cap = cap ? cap * 2 : 16) * rows.cols * sizeof *more);
            if (rows.count)
                memcpy(more, rows.cells, rows.count * rows.cols * sizeof *more);
            rows.cells = more;
        }
        for (size_t c = 0; c < rows.cols; c++)
            rows.cells[rows.count * rows.cols + c] = lite_cell(a, st, (int)c);
        rows.count++;
    }
    if (code != SQLITE_DONE)
        fail_msg("%s: %.*s", sqlite3_errmsg(db), STR_ARG(s->text));
    sqlite3_finalize(st);
    return rows;
}

/* A small generator of numbers, the same on every machine. */
static uint64_t random_state UNUSED = 88172645463325252u;
static unsigned UNUSED random_below(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 16) % n);
}

#endif
