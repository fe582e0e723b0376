/* include_rows.c -- one statement brings the related rows of all parents, as a plain search over
 * all rows would: every kind of relation, limits, orders, repeated and unknown keys, keys that JSON
 * cannot carry. SPDX: Apache-2.0 */
#include "fixture.h"

enum { POSTS_MADE = 60, COMMENTS_MADE = 300, TAGS_MADE = 8 };

static struct model *model;
static sqlite3 *db;

static void run(const char *fmt, ...) ATTR_PRINTF(1, 2);
static void run(const char *fmt, ...)
{
    char sql[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    lite_exec(db, sql);
}

static void fill(void)
{
    for (int i = 1; i <= 10; i++)
        run("INSERT INTO users(id,name,email,created_at) VALUES(%d,'n%d','e%d','t')", i, i, i);
    for (int i = 1; i <= POSTS_MADE; i++) {
        unsigned user = random_below(12); /* 0: null, 11: nobody */
        run(user ? "INSERT INTO posts VALUES(%d,%u,'p%u',%u)"
                 : "INSERT INTO posts VALUES(%d,nullif(%u,0),'p%u',%u)",
            i, user, random_below(5), random_below(4));
    }
    for (int i = 1; i <= COMMENTS_MADE; i++)
        run("INSERT INTO comments VALUES(%d,%u,%u,'b%u')", i, 1 + random_below(20),
            1 + random_below(10), random_below(6));
    for (int i = 0; i < TAGS_MADE; i++)
        run("INSERT INTO tags VALUES('t\"%d','l%u')", i, random_below(3));
    for (int i = 0; i < 100; i++)
        run("INSERT OR IGNORE INTO post_tags VALUES(%u,'t\"%u')", 1 + random_below(20),
            random_below(TAGS_MADE));
    for (int i = 0; i < 60; i++)
        run("INSERT INTO logs VALUES(%u,'line %d')", 1 + random_below(5), i);
    for (int i = 0; i < 9; i++)
        run("INSERT INTO seats VALUES('%c',%d,'note')", 'a' + i / 3, i % 3);
    for (int i = 1; i <= 40; i++)
        run("INSERT INTO tickets VALUES(%d,'%c',%u)", i, (char)('a' + random_below(3)),
            random_below(3));
}

static struct value int_keys(struct arena *a, int64_t from, int64_t to)
{
    struct value v = {.kind = V_ARRAY, .items = arena_new(a, 200 * sizeof v)};
    for (int64_t i = to; i >= from; i--) {
        v.items[v.count++] = value_int(i);
        if (i % 3 == 0)
            v.items[v.count++] = value_int(i);
        if (i % 4 == 0)
            v.items[v.count++] = value_null();
    }
    return v;
}

static const struct include *include_of(struct arena *a, int table, const char *query)
{
    struct list_query *q = ARENA_NEW(a, struct list_query);
    struct err err = {0};
    if (list_of(a, &model->tables[table], query, q, &err) < 0)
        fail_msg("%s: %s", query, err.text);
    return &q->select.includes[0];
}

static struct rows related(struct arena *a, const struct include *inc, const struct value *keys,
                           struct stmt *st)
{
    struct err err = {0};
    assert_int_equal(sql_include(DIALECT_SQLITE, a, inc, keys, st, &err), 0);
    struct rows r = lite_run(db, a, st);
    assert_int_equal(r.cols, inc->select.column_count + inc->relation->local.count);
    return r;
}

static struct rows plain(struct arena *a, const char *sql)
{
    struct stmt st = {.text = str_of(sql)};
    return lite_run(db, a, &st);
}

static bool same_cells(const struct rows *r, size_t row, const struct rows *s, size_t other)
{
    for (size_t c = 0; c < r->cols; c++) {
        if (!value_eq(rows_at(r, row, c), rows_at(s, other, c)))
            return false;
    }
    return true;
}

/* The rows that `sql` gives for each key ("%lld" is the key), one key after the other. */
static void check_each(struct arena *a, const struct rows *got, const char *sql, int64_t from,
                       int64_t to)
{
    size_t at = 0;
    for (int64_t key = from; key <= to; key++) {
        char text[400];
        char number[24];
        const char *mark = strchr(sql, '#');
        snprintf(number, sizeof number, "%lld", (long long)key);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - sql), sql, number, mark + 1);
        struct rows want = plain(a, text);
        for (size_t i = 0; i < want.count; i++, at++) {
            assert_true(at < got->count);
            assert_int_equal(want.cols + 1, got->cols);
            assert_int_equal(rows_at(got, at, want.cols)->i, key);
            for (size_t c = 0; c < want.cols; c++)
                assert_true(value_eq(rows_at(&want, i, c), rows_at(got, at, c)));
        }
    }
    assert_int_equal(at, got->count);
    assert_true(at > 5);
}

/* By the key, then by the number in the first column, downwards: who reads rows by a whole number
 * sorts them. */
static void arrange(struct rows *r)
{
    for (size_t i = 1; i < r->count; i++) {
        for (size_t j = i; j > 0; j--) {
            struct value *x = &r->cells[(j - 1) * r->cols], *y = &r->cells[j * r->cols];
            int64_t k = x[r->cols - 1].i, l = y[r->cols - 1].i;
            if (k < l || (k == l && x[0].i >= y[0].i))
                break;
            for (size_t c = 0; c < r->cols; c++) {
                struct value cell = x[c];
                x[c] = y[c];
                y[c] = cell;
            }
        }
    }
}

static void many_with_limit(void **state)
{
    (void)state;
    struct arena a;
    struct stmt st;
    arena_init(&a, 1 << 24);
    struct value keys = int_keys(&a, 1, 25);
    const struct include *inc =
        include_of(&a, POSTS, "include=comments(limit:3,sort:-body,id,fields:id,body)");
    struct rows r = related(&a, inc, &keys, &st);
    check_each(&a, &r, "SELECT id,body FROM comments WHERE post_id=# ORDER BY body DESC,id LIMIT 3",
               1, 25);
    assert_false(st.bounded); /* no index goes on with the body */
    assert_false(st.once);
    inc = include_of(&a, POSTS, "include=comments(limit:2,sort:-id,fields:id)");
    r = related(&a, inc, &keys, &st);
    arrange(&r);
    check_each(&a, &r, "SELECT id FROM comments WHERE post_id=# ORDER BY id DESC LIMIT 2", 1, 25);
    assert_true(st.bounded);
    arena_reset(&a);
}

static void many_without_limit(void **state)
{
    (void)state;
    struct arena a;
    struct stmt st;
    struct include inc;
    arena_init(&a, 1 << 24);
    struct value keys = int_keys(&a, 1, 25);
    inc = *include_of(&a, POSTS, "include=comments(fields:id,body)");
    inc.select.limit = -1;
    struct rows r = related(&a, &inc, &keys, &st);
    check_each(&a, &r, "SELECT id,body FROM comments WHERE post_id=# ORDER BY id", 1, 25);
    inc.select.limit = 2;
    inc.select.offset = 1;
    inc.select.where = cond_test(&a, &comment_columns[3], OP_NEQ, value_text(LIT("b1")));
    r = related(&a, &inc, &keys, &st);
    check_each(&a, &r,
               "SELECT id,body FROM comments WHERE post_id=# AND body<>'b1' ORDER BY id LIMIT 2 "
               "OFFSET 1",
               1, 25);
    arena_reset(&a);
}

static void one(void **state)
{
    (void)state;
    struct arena a;
    struct stmt st;
    arena_init(&a, 1 << 24);
    struct value keys = int_keys(&a, 0, 14);
    struct rows r =
        related(&a, include_of(&a, POSTS, "include=author&fields=author.name"), &keys, &st);
    check_each(&a, &r, "SELECT name FROM users WHERE id=#", 0, 14);
    assert_true(st.bounded);
    arena_reset(&a);
}

static void through(void **state)
{
    (void)state;
    struct arena a;
    struct stmt st;
    struct include inc;
    arena_init(&a, 1 << 24);
    struct value keys = int_keys(&a, 1, 25);
    inc = *include_of(&a, POSTS, "include=tags(limit:2,sort:-code,fields:code)");
    struct rows r = related(&a, &inc, &keys, &st);
    check_each(&a, &r, "SELECT tag_code FROM post_tags WHERE post_id=# ORDER BY 1 DESC LIMIT 2", 1,
               25);
    inc.select.limit = -1;
    r = related(&a, &inc, &keys, &st);
    check_each(&a, &r, "SELECT tag_code FROM post_tags WHERE post_id=# ORDER BY 1 DESC", 1, 25);
    struct value codes = {.kind = V_ARRAY, .items = arena_new(&a, 3 * sizeof codes), .count = 3};
    codes.items[0] = value_text(LIT("t\"5"));
    codes.items[1] = value_text(LIT("t\"2"));
    codes.items[2] = value_text(LIT("unknown"));
    r = related(&a, include_of(&a, TAGS, "include=posts(fields:id)"), &codes, &st);
    struct rows want = plain(&a, "SELECT post_id,tag_code FROM post_tags WHERE tag_code IN"
                                 " ('t\"5','t\"2') ORDER BY tag_code,post_id");
    assert_int_equal(r.count, want.count);
    for (size_t i = 0; i < r.count; i++)
        assert_true(same_cells(&r, i, &want, i));
    arena_reset(&a);
}

static void without_primary_key(void **state)
{
    (void)state;
    struct arena a;
    struct stmt st;
    arena_init(&a, 1 << 24);
    struct value keys = int_keys(&a, 1, 7);
    struct rows r = related(
        &a, include_of(&a, USERS, "include=logs(limit:4,sort:-line,fields:line)"), &keys, &st);
    check_each(&a, &r, "SELECT line FROM logs WHERE user_id=# ORDER BY line DESC LIMIT 4", 1, 7);
    arena_reset(&a);
}

static void composite(void **state)
{
    (void)state;
    struct arena a;
    struct stmt st;
    arena_init(&a, 1 << 24);
    struct rows seats = plain(&a, "SELECT hall,number FROM seats ORDER BY random()");
    struct value keys = {.kind = V_ARRAY, .count = 10, .items = arena_new(&a, 10 * sizeof keys)};
    for (size_t i = 0; i < 9; i++)
        keys.items[i] = (struct value){.kind = V_ARRAY, .count = 2, .items = &seats.cells[2 * i]};
    struct value hole[2] = {value_text(LIT("a")), value_null()};
    keys.items[9] = (struct value){.kind = V_ARRAY, .count = 2, .items = hole};
    struct rows r =
        related(&a, include_of(&a, SEATS, "include=tickets(limit:2,fields:id)"), &keys, &st);
    struct rows want =
        plain(&a, "SELECT id,hall,number FROM (SELECT *,row_number() OVER (PARTITION BY"
                  " hall,number ORDER BY id) AS n FROM tickets) WHERE n<3"
                  " ORDER BY hall,number,id");
    assert_int_equal(r.count, want.count);
    for (size_t i = 0; i < r.count; i++)
        assert_true(same_cells(&r, i, &want, i));
    r = related(&a, include_of(&a, TICKETS, "include=seat"), &keys, &st);
    assert_int_equal(r.count, 9);
    arena_reset(&a);
}

/* Bytes and doubles are keys like others on SQLite; JSON, their way to PostgreSQL, cannot carry
 * them. */
static void odd_keys(void **state)
{
    (void)state;
    struct arena a;
    struct stmt st;
    struct err err = {0};
    arena_init(&a, 1 << 24);
    lite_exec(db, "INSERT INTO logs VALUES(x'00ff','bytes'),(0.1,'double')");
    struct value list[] = {value_bytes(LIT("\0\xff")), value_float(0.1), value_bytes(LIT("x")),
                           value_float(0.1), value_null()};
    struct value keys = {.kind = V_ARRAY, .count = COUNT_OF(list), .items = list};
    struct include inc = *include_of(&a, USERS, "include=logs(limit:4,fields:line)");
    for (int i = 0; i < 2; i++, inc.select.limit = -1) {
        struct rows r = related(&a, &inc, &keys, &st);
        assert_false(st.once);
        assert_int_equal(st.bind_count - (i == 0 ? 2u : 0u), 1);
        assert_int_equal(r.count, 2);
        assert_true(str_is(rows_at(&r, 0, 0)->text, "double"));
        assert_true(str_is(rows_at(&r, 1, 0)->text, "bytes"));
    }
    assert_int_equal(sql_include(DIALECT_POSTGRES, &a, &inc, &keys, &st, &err), E_BAD);
    keys.count = 0;
    assert_int_equal(related(&a, &inc, &keys, &st).count, 0);
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_with_limit),
        cmocka_unit_test(many_without_limit),
        cmocka_unit_test(one),
        cmocka_unit_test(through),
        cmocka_unit_test(without_primary_key),
        cmocka_unit_test(composite),
        cmocka_unit_test(odd_keys),
    };
    model = model_new();
    db = lite_open();
    fill();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sqlite3_close(db);
    model_free(model);
    return failed;
}
