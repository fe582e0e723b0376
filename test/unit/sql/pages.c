/* pages.c -- keyset pages over random rows: nulls, ties, every direction, forwards and backwards,
 * while rows come and go, are the sorted list cut into pieces. SPDX: Apache-2.0 */
#include "fixture.h"

enum { ROWS = 120, ROUNDS = 60, LIST_MOST = 4000 };

static struct model *model;
static sqlite3 *db;

static void fill(void)
{
    lite_exec(db, "DELETE FROM users");
    for (int i = 1; i <= ROWS; i++) {
        char sql[500], city[20] = "NULL", age[20] = "NULL", score[40] = "NULL", big[40] = "NULL";
        if (random_below(3))
            snprintf(city, sizeof city, "'c%u'", random_below(4));
        if (random_below(4))
            snprintf(age, sizeof age, "%u", random_below(5));
        if (random_below(4))
            snprintf(score, sizeof score, "%u.1", random_below(4));
        if (random_below(4))
            snprintf(big, sizeof big, "'%u.0000000000'", random_below(3) * 9 + 1);
        snprintf(
            sql, sizeof sql,
            "INSERT INTO users(id,name,email,city,age,score,balance,big,active,photo,created_at)"
            " VALUES(%d,'n%u','e%d',%s,%s,%s,%u.25,%s,%u,%s,'2026-01-0%uT00:00:00.000000Z')",
            i, random_below(5), i, city, age, score, random_below(3), big, random_below(2),
            random_below(2) ? "x'00ff'" : "NULL", random_below(9) + 1);
        lite_exec(db, sql);
    }
}

/* A random sort over one to three columns. */
static void random_sort(char *out, size_t size)
{
    static const char *const names[] = {"city",       "age",     "score",  "big",  "name",
                                        "created_at", "balance", "active", "photo"};
    static const char *const ends[] = {"", "", ".nullsfirst", ".nullslast"};
    unsigned count = 1 + random_below(3), first = random_below(COUNT_OF(names));
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s%s%s", i ? "," : "",
                                random_below(2) ? "-" : "", names[(first + i * 2) % 9],
                                ends[random_below(4)]);
}

static int64_t id_of(const struct list_query *q, const struct rows *r, size_t row)
{
    for (size_t i = 0; i < q->select.column_count; i++) {
        if (str_is(q->select.columns[i]->name, "id"))
            return rows_at(r, row, i)->i;
    }
    fail_msg("the key is not fetched");
    return 0;
}

/* One page as a caller makes it: rows in the order asked for, one more fetched than shown. */
struct page {
    struct list_query q;
    struct rows rows;
    size_t count; /* without the one more */
};

static size_t row_at(const struct page *p, size_t i)
{
    return p->q.select.backwards ? p->count - 1 - i : i;
}

static void read_page(struct arena *a, const char *sort, const char *cursor, unsigned limit,
                      struct page *p)
{
    struct err err = {0};
    struct stmt st;
    str text = arena_printf(a, "fields=id&sort=%s&limit=%u&age=isdistinct.3&cursor=%s", sort, limit,
                            cursor);
    if (list_of(a, &model->tables[USERS], text.ptr, &p->q, &err) < 0)
        fail_msg("%s: %s", text.ptr, err.text);
    assert_int_equal(sql_select(DIALECT_SQLITE, a, &p->q.select, &st, &err), 0);
    p->rows = lite_run(db, a, &st);
    p->count = p->rows.count < limit ? p->rows.count : limit;
}

static const char *cursor_at(struct arena *a, const struct page *p, size_t i, bool backwards)
{
    str c = cursor_make(a, &p->q, rows_at(&p->rows, row_at(p, i), 0), backwards, LIT("secret"));
    return arena_str(a, c).ptr;
}

static size_t whole_list(struct arena *a, const char *sort, int64_t *out)
{
    struct page p;
    read_page(a, sort, "", 1000, &p);
    for (size_t i = 0; i < p.count; i++)
        out[i] = id_of(&p.q, &p.rows, i);
    return p.count;
}

/* The order itself, checked against a plain comparison. */
static int compare(const struct value *x, const struct value *y, const struct order *o)
{
    if (x->kind == V_NULL || y->kind == V_NULL) {
        int nulls = (x->kind != V_NULL) - (y->kind != V_NULL);
        return o->nulls_first ? nulls : -nulls;
    }
    int c;
    if (o->column->decimal_text)
        c = decimal_cmp(x->text, y->text);
    else if (x->kind == V_TEXT || x->kind == V_BYTES)
        c = str_cmp(x->text, y->text);
    else {
        double f = x->kind == V_INT ? (double)x->i : x->f,
               g = y->kind == V_INT ? (double)y->i : y->f;
        c = (f > g) - (f < g);
    }
    return o->descending ? -c : c;
}

static void check_sorted(const struct page *p)
{
    const struct select *s = &p->q.select;
    for (size_t row = 1; row < p->count; row++) {
        int c = 0;
        for (size_t i = 0; i < s->order_count && c == 0; i++) {
            size_t col = 0;
            while (s->columns[col] != s->order[i].column)
                col++;
            c = compare(rows_at(&p->rows, row - 1, col), rows_at(&p->rows, row, col), &s->order[i]);
        }
        assert_true(c < 0); /* strictly: the order is total */
    }
}

static void walk_forwards(struct arena *a, const char *sort, const int64_t *want, size_t count)
{
    unsigned limit = 1 + random_below(17);
    const char *cursor = "";
    size_t at = 0;
    for (;;) {
        struct page p;
        read_page(a, sort, cursor, limit, &p);
        for (size_t i = 0; i < p.count; i++)
            assert_int_equal(id_of(&p.q, &p.rows, row_at(&p, i)), want[at++]);
        if (p.rows.count <= limit)
            break;
        cursor = cursor_at(a, &p, p.count - 1, false);
    }
    assert_int_equal(at, count);
}

static void walk_backwards(struct arena *a, const char *sort, const int64_t *want, size_t count)
{
    unsigned limit = 1 + random_below(17);
    struct page p;
    read_page(a, sort, "", 1000, &p);
    size_t at = count - 1; /* the last row: everything before it is read backwards */
    const char *cursor = cursor_at(a, &p, at, true);
    while (at > 0) {
        read_page(a, sort, cursor, limit, &p);
        assert_true(p.q.select.backwards);
        assert_true(p.count > 0);
        for (size_t i = p.count; i-- > 0;)
            assert_int_equal(id_of(&p.q, &p.rows, row_at(&p, i)), want[--at]);
        assert_int_equal(p.rows.count > limit, at > 0);
        cursor = cursor_at(a, &p, 0, true);
    }
}

static void pages_are_the_list(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena a;
        char sort[200];
        int64_t want[LIST_MOST];
        struct page p;
        arena_init(&a, 1 << 26);
        if (round % 10 == 0)
            fill();
        random_sort(sort, sizeof sort);
        size_t count = whole_list(&a, sort, want);
        assert_true(count > ROWS / 2);
        read_page(&a, sort, "", 1000, &p);
        check_sorted(&p);
        walk_forwards(&a, sort, want, count);
        walk_backwards(&a, sort, want, count);
        arena_reset(&a);
    }
}

/* Rows that stay are seen exactly once, whatever comes and goes between two pages. */
static void pages_stand_changes(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct arena a;
        char sort[200], sql[300];
        const char *cursor = "";
        unsigned seen[ROWS + 1] = {0};
        arena_init(&a, 1 << 26);
        fill();
        lite_exec(db, "UPDATE users SET age = 1 WHERE age = 3"); /* all pass the filter */
        random_sort(sort, sizeof sort);
        for (;;) {
            struct page p;
            read_page(&a, sort, cursor, 7, &p);
            for (size_t i = 0; i < p.count; i++) {
                int64_t id = id_of(&p.q, &p.rows, i);
                if (id <= ROWS)
                    seen[id]++;
            }
            if (p.rows.count <= 7)
                break;
            cursor = cursor_at(&a, &p, p.count - 1, false);
            /* also the very row that the cursor names goes away: ids divisible by 3 may */
            snprintf(sql, sizeof sql, "DELETE FROM users WHERE id %% 3 = 0 AND id %% 7 = %u",
                     random_below(7));
            lite_exec(db, sql);
            snprintf(sql, sizeof sql,
                     "INSERT INTO users(name,email,city,created_at) VALUES('n%u','x%u-%u','c1',"
                     "'2026-01-05T00:00:00.000000Z')",
                     random_below(5), round, random_below(1000000));
            lite_exec(db, sql);
        }
        for (int id = 1; id <= ROWS; id++) {
            assert_true(seen[id] <= 1);
            if (id % 3)
                assert_int_equal(seen[id], 1);
        }
        arena_reset(&a);
    }
}

/* ---- cursors ---- */

static void cursor_is_bound_to_its_list(void **state)
{
    (void)state;
    struct arena a;
    struct page p;
    struct list_query q;
    struct err err = {0};
    arena_init(&a, 1 << 22);
    fill();
    read_page(&a, "city,-age", "", 5, &p);
    const char *cursor = cursor_at(&a, &p, 4, false);
    const struct table *users = &model->tables[USERS], *posts = &model->tables[POSTS];
#define ASK(t, text) list_of(&a, t, arena_printf(&a, text, cursor).ptr, &q, &err)
    assert_int_equal(ASK(users, "sort=city,-age&age=isdistinct.3&cursor=%s"), 0);
    assert_true(q.explicit_cursor);
    assert_int_equal(ASK(users, "sort=city,-age&limit=50&include=posts&age=isdistinct.3&cursor=%s"),
                     0);
    assert_int_equal(ASK(users, "sort=city,age&age=isdistinct.3&cursor=%s"), E_BAD);
    assert_true(str_is(err.word, "bad_cursor"));
    assert_non_null(strstr(err.text, "another filter or sort"));
    assert_int_equal(ASK(users, "sort=city.nullsfirst,-age&age=isdistinct.3&cursor=%s"), E_BAD);
    assert_int_equal(ASK(users, "sort=city,-age&age=isdistinct.4&cursor=%s"), E_BAD);
    assert_int_equal(ASK(users, "sort=city,-age&cursor=%s"), E_BAD);
    assert_int_equal(ASK(posts, "cursor=%s"), E_BAD);
    arena_reset(&a);
}

static void cursor_cannot_be_changed(void **state)
{
    (void)state;
    struct arena a;
    struct page p;
    struct list_query q;
    struct err err = {0};
    arena_init(&a, 1 << 26);
    fill();
    read_page(&a, "city,-age", "", 5, &p);
    str cursor = str_of(cursor_at(&a, &p, 4, false));
    for (size_t i = 0; i < cursor.len; i++) {
        str bad = arena_str(&a, cursor);
        ((char *)(uintptr_t)bad.ptr)[i] = bad.ptr[i] == 'A' ? 'B' : 'A';
        str text = arena_printf(&a, "sort=city,-age&age=isdistinct.3&cursor=%s", bad.ptr);
        assert_int_equal(list_of(&a, &model->tables[USERS], text.ptr, &q, &err), E_BAD);
        assert_true(str_is(err.word, "bad_cursor"));
        text = arena_printf(&a, "sort=city,-age&age=isdistinct.3&cursor=%.*s", (int)i, cursor.ptr);
        if (i) /* an empty one asks for the first page */
            assert_int_equal(list_of(&a, &model->tables[USERS], text.ptr, &q, &err), E_BAD);
    }
    struct query_param params[] = {{LIT("sort"), LIT("city,-age")},
                                   {LIT("age"), LIT("isdistinct.3")},
                                   {LIT("cursor"), cursor}};
    assert_int_equal(query_list(&a, &model->tables[USERS], params, 3,
                                &(struct list_rules){.limits = &limits, .secret = LIT("secret")},
                                &q, &err),
                     0);
    assert_int_equal(query_list(&a, &model->tables[USERS], params, 3,
                                &(struct list_rules){.limits = &limits, .secret = LIT("other")}, &q,
                                &err),
                     E_BAD);
    arena_reset(&a);
}

static void cursor_values_are_exact(void **state)
{
    (void)state;
    struct arena a;
    struct list_query q, back;
    struct err err = {0};
    arena_init(&a, 1 << 22);
    const char *text = "sort=age,score,big,city,photo,active&cursor=";
    assert_int_equal(list_of(&a, &model->tables[USERS], text, &q, &err), 0);
    struct value cells[14] = {
        value_int(INT64_MIN), value_text(LIT("n")),
        value_text(LIT("e")), value_text(LIT("a\"\\\n")),
        value_int(INT64_MAX), value_float(0.1),
        value_null(),         value_text(LIT("12345678901234567890.0000000001")),
        value_int(1),         value_null(),
        value_null(),         value_bytes(LIT("\0\xff")),
        value_null(),         value_text(LIT("t"))};
    str cursor = cursor_make(&a, &q, cells, true, LIT("secret"));
    text = arena_printf(&a, "%s%.*s", text, STR_ARG(cursor)).ptr;
    assert_int_equal(list_of(&a, &model->tables[USERS], text, &back, &err), 0);
    static const size_t want[] = {4, 5, 7, 3, 11, 8, 0};
    assert_true(back.select.backwards);
    assert_int_equal(back.select.order_count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_true(value_eq(&back.select.after[i], &cells[want[i]]));
    arena_reset(&a);
}

/* ---- an index serves ---- */

static bool plan_has(struct arena *a, const struct stmt *st, const char *words)
{
    struct stmt explain = *st;
    explain.text = arena_printf(a, "EXPLAIN QUERY PLAN %.*s", STR_ARG(st->text));
    struct rows r = lite_run(db, a, &explain);
    for (size_t i = 0; i < r.count; i++) {
        if (strstr(arena_str(a, rows_at(&r, i, 3)->text).ptr, words))
            return true;
    }
    return false;
}

static void deep_pages_use_an_index(void **state)
{
    (void)state;
    static const char *const sorts[] = {"created_at", "-created_at", "-created_at,id", "id", "-id"};
    struct arena a;
    struct err err = {0};
    arena_init(&a, 1 << 24);
    fill();
    for (size_t i = 0; i < COUNT_OF(sorts); i++) {
        struct list_query q;
        struct stmt st;
        str text = arena_printf(&a, "sort=%s&cursor=", sorts[i]);
        assert_int_equal(list_of(&a, &model->tables[USERS], text.ptr, &q, &err), 0);
        struct value cells[14] = {[0] = value_int(5), [13] = value_text(LIT("2026-01-05"))};
        str cursor = cursor_make(&a, &q, cells, false, LIT("secret"));
        text = arena_printf(&a, "%s%.*s", text.ptr, STR_ARG(cursor));
        assert_int_equal(list_of(&a, &model->tables[USERS], text.ptr, &q, &err), 0);
        assert_int_equal(sql_select(DIALECT_SQLITE, &a, &q.select, &st, &err), 0);
        assert_true(plan_has(&a, &st, "SEARCH users"));
        assert_false(plan_has(&a, &st, "TEMP B-TREE FOR ORDER BY"));
        assert_int_equal(st.bounded, i != 2);
    }
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_the_list),          cmocka_unit_test(pages_stand_changes),
        cmocka_unit_test(cursor_is_bound_to_its_list), cmocka_unit_test(cursor_cannot_be_changed),
        cmocka_unit_test(cursor_values_are_exact),     cmocka_unit_test(deep_pages_use_an_index),
    };
    model = model_new();
    db = lite_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sqlite3_close(db);
    model_free(model);
    return failed;
}
