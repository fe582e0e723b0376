/* filters.c -- random filters give the same rows as a plain model in C with SQL's three truth
 * values. The text of a filter and its answer for every row are made together. SPDX: Apache-2.0 */
#include "fixture.h"

enum { ROWS = 60, POSTS_MADE = 80, ROUNDS = 1500, DEPTH = 3 };
enum tri { NO, YES, UNKNOWN };

struct user {
    int city, age, score, big, active, color, number, name; /* -1: null */
};
struct post {
    int user, likes; /* user 0: null */
};

static const char *const cities[] = {"Oslo", "oslo", "Bergen, N", "O\"slo", "\xc3\x98rsta"};
static const char *const names[] = {"Ada",
                                    "ada",
                                    "A*da",
                                    "[x]?",
                                    "100%",
                                    "a_b",
                                    "adam",
                                    "\xc3\x85"
                                    "da"};
static const char *const bigs[] = {"9.0000000000", "10.0000000000", "-1.5000000000",
                                   "12345678901234567890.0000000001"};
static const char *const colors[] = {"red", "18", "true", "b d"};
static struct user users[ROWS];
static struct post posts[POSTS_MADE];
static struct model *model;
static sqlite3 *db;

static int maybe(unsigned n)
{
    return random_below(4) ? (int)random_below(n) : -1;
}

static void quote(struct buf *b, const char *s)
{
    buf_char(b, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            buf_char(b, '\'');
        buf_char(b, *s);
    }
    buf_char(b, '\'');
}

static void put_text(struct buf *b, int i, const char *const *list)
{
    buf_char(b, ',');
    if (i < 0)
        buf_lit(b, "NULL");
    else
        quote(b, list[i]);
}

static void put_int(struct buf *b, int i, int scale)
{
    buf_char(b, ',');
    if (i < 0)
        buf_lit(b, "NULL");
    else
        buf_printf(b, scale == 10 ? "%d.5" : "%d", i);
}

/* {"color":"red","n":3} : numbers and true of the colors are JSON values, not strings. */
static void put_meta(struct buf *b, const struct user *u)
{
    const char *color = u->color < 0 ? "null" : colors[u->color];
    bool bare = u->color < 0 || u->color == 1 || u->color == 2;
    buf_printf(b, ",'{\"color\":%s%s%s", bare ? "" : "\"", color, bare ? "" : "\"");
    if (u->number >= 0)
        buf_printf(b, ",\"n\":%s%d%s", u->number == 3 ? "\"" : "", u->number,
                   u->number == 3 ? "\"" : "");
    buf_lit(b, "}'");
}

static void insert_user(int i)
{
    struct user *u = &users[i];
    struct buf b;
    *u = (struct user){maybe(5), maybe(5), maybe(4), maybe(4),
                       maybe(2), maybe(4), maybe(4), (int)random_below(8)};
    buf_init(&b, 10000);
    buf_printf(&b,
               "INSERT INTO users(id,name,email,created_at,city,age,score,big,active,meta)"
               " VALUES(%d,",
               i + 1);
    quote(&b, names[u->name]);
    buf_printf(&b, ",'e%d','t'", i);
    put_text(&b, u->city, cities);
    put_int(&b, u->age, 1);
    put_int(&b, u->score, 10);
    put_text(&b, u->big, bigs);
    put_int(&b, u->active, 1);
    put_meta(&b, u);
    buf_lit(&b, ")");
    buf_char(&b, '\0');
    lite_exec(db, b.ptr);
    buf_fini(&b);
}

static void fill(void)
{
    char sql[200], user[20];
    for (int i = 0; i < ROWS; i++)
        insert_user(i);
    for (int i = 0; i < POSTS_MADE; i++) {
        posts[i] = (struct post){(int)random_below(ROWS / 2), (int)random_below(5)};
        snprintf(user, sizeof user, "%d", posts[i].user);
        snprintf(sql, sizeof sql, "INSERT INTO posts VALUES(%d,%s,'t',%d)", i + 1,
                 posts[i].user ? user : "NULL", posts[i].likes);
        lite_exec(db, sql);
    }
}

/* ---- the model ---- */

static const char *const six[] = {"eq", "neq", "gt", "gte", "lt", "lte"};

static enum tri six_of(int op, int c)
{
    const bool yes[] = {c == 0, c != 0, c > 0, c >= 0, c < 0, c <= 0};
    return yes[op] ? YES : NO;
}

static enum tri tri_not(enum tri x)
{
    return x == UNKNOWN ? UNKNOWN : x == YES ? NO : YES;
}

static bool model_like(const char *p, const char *s, bool fold)
{
    if (!*p)
        return !*s;
    if (*p == '*' || *p == '%') {
        for (;; s++) {
            if (model_like(p + 1, s, fold))
                return true;
            if (!*s)
                return false;
        }
    }
    if (!*s)
        return false;
    if (*p == '_') { /* one character, which may be several bytes */
        for (s++; ((unsigned char)*s & 0xc0) == 0x80;)
            s++;
        return model_like(p + 1, s, fold);
    }
    if (*p == '\\' && p[1])
        p++;
    bool same = fold ? ascii_lower(*p) == ascii_lower(*s) : *p == *s;
    return same && model_like(p + 1, s + 1, fold);
}

/* ---- one random test: its text, and its answer for every user ---- */

struct gen {
    struct buf text;
    bool negated; /* the test that is being written */
};

static void put_quoted(struct buf *b, const char *s)
{
    buf_char(b, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_char(b, '\\');
        buf_char(b, *s);
    }
    buf_char(b, '"');
}

static void begin_test(struct gen *g, const char *left)
{
    g->negated = random_below(4) == 0;
    buf_printf(&g->text, "%s.%s", left, g->negated ? "not." : "");
}

static void test_text(struct gen *g, const char *left, size_t member, const char *const *list,
                      unsigned count, enum tri *out)
{
    int op = (int)random_below(6), v = (int)random_below(count);
    begin_test(g, left);
    buf_printf(&g->text, "%s.", six[op]);
    put_quoted(&g->text, list[v]);
    for (int i = 0; i < ROWS; i++) {
        int have = *(const int *)(const void *)((const char *)&users[i] + member);
        int c = have < 0       ? 0
                : list == bigs ? decimal_cmp(str_of(list[have]), str_of(list[v]))
                               : str_cmp(str_of(list[have]), str_of(list[v]));
        out[i] = have < 0 ? UNKNOWN : six_of(op, c);
    }
}

static void test_number(struct gen *g, const char *left, size_t member, bool half, enum tri *out)
{
    int op = (int)random_below(6), v = (int)random_below(5);
    begin_test(g, left);
    buf_printf(&g->text, half ? "%s.%d.5" : "%s.%d", six[op], v);
    for (int i = 0; i < ROWS; i++) {
        int have = *(const int *)(const void *)((const char *)&users[i] + member);
        out[i] = have < 0 ? UNKNOWN : six_of(op, (have > v) - (have < v));
    }
}

static void test_in(struct gen *g, enum tri *out)
{
    unsigned count = random_below(9), set = 0;
    begin_test(g, "age");
    buf_lit(&g->text, "in.(");
    for (unsigned i = 0; i < count; i++) {
        unsigned v = random_below(6);
        set |= 1u << v;
        buf_printf(&g->text, "%s%u", i ? "," : "", v);
    }
    buf_lit(&g->text, ")");
    for (int i = 0; i < ROWS; i++) {
        out[i] = users[i].age < 0 ? UNKNOWN : set >> users[i].age & 1 ? YES : NO;
        if (!count)
            out[i] = NO;
    }
}

static void test_in_text(struct gen *g, enum tri *out)
{
    unsigned count = 1 + random_below(9), set = 0;
    begin_test(g, "city");
    buf_lit(&g->text, "in.(");
    for (unsigned i = 0; i < count; i++) {
        unsigned v = random_below(5);
        set |= 1u << v;
        if (i)
            buf_char(&g->text, ',');
        put_quoted(&g->text, cities[v]);
    }
    buf_lit(&g->text, ")");
    for (int i = 0; i < ROWS; i++)
        out[i] = users[i].city < 0 ? UNKNOWN : set >> users[i].city & 1 ? YES : NO;
}

static void test_is(struct gen *g, enum tri *out)
{
    static const char *const words[] = {"null", "not_null", "true", "false"};
    unsigned word = random_below(4);
    begin_test(g, word < 2 ? "age" : "active");
    buf_printf(&g->text, "is.%s", words[word]);
    for (int i = 0; i < ROWS; i++) {
        const bool yes[] = {users[i].age < 0, users[i].age >= 0, users[i].active == 1,
                            users[i].active == 0};
        out[i] = yes[word] ? YES : NO;
    }
}

static void test_distinct(struct gen *g, enum tri *out)
{
    int v = (int)random_below(5);
    begin_test(g, "age");
    buf_printf(&g->text, "isdistinct.%d", v);
    for (int i = 0; i < ROWS; i++)
        out[i] = users[i].age != v ? YES : NO;
}

static void test_like(struct gen *g, enum tri *out)
{
    static const char *const patterns[] = {"Ada",  "ada*", "A%",     "*d*",       "_da", "A\\*da",
                                           "[x]?", "[*",   "100\\%", "%\\%",      "a_b", "a\\_b",
                                           "*",    "",     "*?",     "\xc3\x85*", "__",  "A*\\*d*"};
    bool fold = random_below(2);
    const char *p = patterns[random_below(COUNT_OF(patterns))];
    begin_test(g, "name");
    buf_lit(&g->text, "");
    buf_printf(&g->text, "%s.", fold ? "ilike" : "like");
    put_quoted(&g->text, p);
    for (int i = 0; i < ROWS; i++)
        out[i] = model_like(p, names[users[i].name], fold) ? YES : NO;
}

static void test_json(struct gen *g, enum tri *out)
{
    int op = (int)random_below(6), v = (int)random_below(4);
    if (random_below(2)) { /* ->> : text */
        test_text(g, "meta->>color", offsetof(struct user, color), colors, 4, out);
        return;
    }
    begin_test(g, "meta->n"); /* -> : numbers with numbers; the string "3" is none of them */
    buf_printf(&g->text, "%s.%d", six[op], v);
    for (int i = 0; i < ROWS; i++) {
        int n = users[i].number;
        out[i] = n < 0 ? UNKNOWN : n == 3 ? (op == 1 ? YES : NO) : six_of(op, (n > v) - (n < v));
    }
}

static void test_related(struct gen *g, enum tri *out)
{
    int op = (int)random_below(6), v = (int)random_below(5);
    bool any = random_below(4) == 0; /* posts.is.not_null */
    begin_test(g, any ? "posts" : "posts.likes");
    if (any)
        buf_lit(&g->text, "is.not_null");
    else
        buf_printf(&g->text, "%s.%d", six[op], v);
    for (int i = 0; i < ROWS; i++) {
        out[i] = NO;
        for (int p = 0; p < POSTS_MADE; p++) {
            if (posts[p].user != i + 1)
                continue;
            int likes = posts[p].likes;
            enum tri hit = any ? YES : six_of(op, (likes > v) - (likes < v));
            if (!any && g->negated)
                hit = tri_not(hit);
            if (hit == YES)
                out[i] = YES;
        }
    }
    g->negated = g->negated && any; /* else it stood inside EXISTS and is done */
}

static void random_test(struct gen *g, enum tri *out)
{
    switch (random_below(11)) {
    case 0:
        test_text(g, "city", offsetof(struct user, city), cities, 5, out);
        break;
    case 1:
        test_text(g, "big", offsetof(struct user, big), bigs, 4, out);
        break;
    case 2:
        test_number(g, "age", offsetof(struct user, age), false, out);
        break;
    case 3:
        test_number(g, "score", offsetof(struct user, score), true, out);
        break;
    case 4:
        test_in(g, out);
        break;
    case 5:
        test_in_text(g, out);
        break;
    case 6:
        test_is(g, out);
        break;
    case 7:
        test_distinct(g, out);
        break;
    case 8:
        test_like(g, out);
        break;
    case 9:
        test_json(g, out);
        break;
    default:
        test_related(g, out);
    }
    for (int i = 0; i < ROWS && g->negated; i++)
        out[i] = tri_not(out[i]);
}

static void random_group(struct gen *g, unsigned depth, enum tri *out)
{
    if (depth == 0 || random_below(3) == 0) {
        random_test(g, out);
        return;
    }
    bool both = random_below(2), negated = random_below(3) == 0;
    unsigned count = 1 + random_below(3);
    buf_printf(&g->text, "%s%s(", negated ? "not." : "", both ? "and" : "or");
    for (int i = 0; i < ROWS; i++)
        out[i] = both ? YES : NO;
    for (unsigned part = 0; part < count; part++) {
        enum tri one[ROWS];
        enum tri strong = both ? NO : YES; /* decides alone */
        if (part)
            buf_char(&g->text, ',');
        random_group(g, depth - 1, one);
        for (int i = 0; i < ROWS; i++) {
            if (out[i] != strong && one[i] != (both ? YES : NO))
                out[i] = one[i] == strong ? strong : UNKNOWN;
        }
    }
    buf_char(&g->text, ')');
    for (int i = 0; i < ROWS && negated; i++)
        out[i] = tri_not(out[i]);
}

/* ---- running ---- */

static void compare(struct arena *a, struct cond *where, const enum tri *want, str text)
{
    const struct table *t = &model->tables[USERS];
    struct order order = {.column = &t->columns[0]};
    struct select s = {.table = t,
                       .columns = all_columns(a, t),
                       .column_count = 1,
                       .where = where,
                       .order = &order,
                       .order_count = 1,
                       .limit = -1};
    struct stmt st;
    struct err err = {0};
    if (sql_select(DIALECT_SQLITE, a, &s, &st, &err) < 0)
        fail_msg("%s: %.*s", err.text, STR_ARG(text));
    struct rows r = lite_run(db, a, &st);
    size_t at = 0;
    for (int i = 0; i < ROWS; i++) {
        bool have = at < r.count && rows_at(&r, at, 0)->i == i + 1;
        if (have != (want[i] == YES))
            fail_msg("row %d: %s, want %d\n%.*s\n%.*s", i + 1, have ? "found" : "missing", want[i],
                     STR_ARG(text), STR_ARG(st.text));
        at += have;
    }
    assert_int_equal(sql_count(DIALECT_SQLITE, a, &s, &st, &err), 0);
    assert_int_equal(lite_run(db, a, &st).cells[0].i, r.count);
}

static void filters_are_the_model(void **state)
{
    (void)state;
    size_t found = 0, missed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena a;
        struct gen g = {0};
        enum tri want[ROWS];
        struct cond *where = NULL;
        struct err err = {0};
        arena_init(&a, 1 << 22);
        buf_init(&g.text, 1 << 16);
        random_group(&g, DEPTH, want);
        if (query_filter(&a, &model->tables[USERS], LIT(""), buf_view(&g.text), &limits, &where,
                         &err) < 0)
            assert_non_null(strstr(err.text, "32 conditions at most"));
        else
            compare(&a, where, want, buf_view(&g.text));
        for (int i = 0; i < ROWS; i++) {
            found += want[i] == YES;
            missed += want[i] != YES;
        }
        buf_fini(&g.text);
        arena_reset(&a);
    }
    assert_true(found > 1000 && missed > 1000);
}

/* A thousand parts pass SQLite's limit on the depth of an expression. */
static void long_lists_run(void **state)
{
    (void)state;
    struct arena a;
    enum { PARTS = 5000 };
    enum tri want[ROWS];
    arena_init(&a, 1 << 24);
    struct cond **parts = arena_new(&a, PARTS * sizeof *parts);
    for (int i = 0; i < PARTS; i++)
        parts[i] = cond_test(&a, &user_columns[4], OP_EQ, value_int(i + 3));
    struct cond c = {.kind = COND_OR, .parts = parts, .part_count = PARTS};
    for (int i = 0; i < ROWS; i++)
        want[i] = users[i].age >= 3 ? YES : NO;
    compare(&a, &c, want, LIT("long or"));
    c.kind = COND_AND;
    for (int i = 0; i < ROWS; i++)
        want[i] = NO;
    compare(&a, &c, want, LIT("long and"));
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(filters_are_the_model),
                                       cmocka_unit_test(long_lists_run)};
    model = model_new();
    db = lite_open();
    fill();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sqlite3_close(db);
    model_free(model);
    return failed;
}
