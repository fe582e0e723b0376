/* The model out of real databases: columns, keys, foreign keys, checks, exposure.
 * SPDX: Apache-2.0 */
#include "model.h"

static void the_shop(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){.from = "examples/shop/migrations"});
    assert_int_equal(s->table_count, 15);
    is(s, "users", put_columns,
       "id bigint default\n"
       "name text(100)\n"
       "email text(100)\n"
       "age integer null >=0\n"
       "city text(100) null\n"
       "created_at timestamp default strftime('%Y-%m-%dT%H:%M:%f000Z','now')\n"
       "posts_count integer default 0\n");
    is(s, "users", put_all_keys,
       "primary rowid (id) unique\n"
       "key (email) unique\n"
       "index (email) unique\n"
       "index (city) idx_users_city\n"
       "index (age) idx_users_age\n"
       "index (created_at) idx_users_created_at\n");
    is(s, "products", put_columns,
       "id bigint default\n"
       "name text(200)\n"
       "description text null\n"
       "price numeric(10,2) >=0\n"
       "stock integer default 0 >=0\n"
       "category_id integer\n"
       "brand_id integer null\n"
       "attributes json null\n"
       "created_at timestamp default strftime('%Y-%m-%dT%H:%M:%f000Z','now')\n"
       "photo json null\n");
    is(s, "orders", put_columns,
       "id bigint default\n"
       "user_id integer\n"
       "status text(20) default 'pending' in pending|paid|shipped|delivered|cancelled\n"
       "total numeric(12,2) default 0 >=0\n"
       "created_at timestamp default strftime('%Y-%m-%dT%H:%M:%f000Z','now')\n");
    is(s, "product_tags", put_all_keys,
       "primary (product_id,tag_id) unique\n"
       "index (product_id,tag_id) unique\n"
       "index (tag_id) idx_product_tags_tag_id\n");
    is(s, "product_tags", put_foreign,
       "(product_id) -> products(id)\n"
       "(tag_id) -> tags(id)\n");
    is(s, "reviews", put_checks, "check (rating): \"rating\" BETWEEN 1 AND 5\n");
    is(s, "transactions", put_checks,
       "check (amount): \"amount\" > 0\n"
       "check (from_account,to_account): \"from_account\" <> \"to_account\"\n");
    is(s, "transactions", put_columns,
       "id bigint default\n"
       "from_account text(40)\n"
       "to_account text(40)\n"
       "amount numeric(12,2) >0\n"
       "created_at timestamp default strftime('%Y-%m-%dT%H:%M:%f000Z','now')\n");
    is(s, "accounts", put_all_keys,
       "primary (id) unique\n"
       "index (id) unique\n"
       "index (user_id) idx_accounts_user_id\n");
    assert_null(schema_table(s, LIT("Users")));
    assert_null(schema_table(s, LIT("schema_migrations")));
    assert_null(table_column(schema_table(s, LIT("users")), LIT("nope")));
    schema_free(&s);
    assert_null(s);
}

static void every_type(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .migration =
            "CREATE TYPE mood AS ENUM ('sad', 'it''s', 'happy');\n"
            "CREATE TABLE t (id BIGSERIAL PRIMARY KEY, b BOOLEAN, i2 SMALLINT, i4 INT, i8 BIGINT,"
            " f4 REAL, f8 DOUBLE PRECISION, n NUMERIC(10,2), d DECIMAL(10), wide NUMERIC(20,4)"
            " DEFAULT 1.5 CHECK (wide >= 0), any_n NUMERIC, s TEXT, v VARCHAR(20), v0 VARCHAR,"
            " c CHAR(3), u UUID, day DATE, tm TIME, ts TIMESTAMP(3), tz TIMESTAMPTZ, j JSON,"
            " jb JSONB NOT NULL DEFAULT '{}', raw BYTEA, m mood NOT NULL DEFAULT"
            " 'sad', sum INT GENERATED ALWAYS AS (i2 + i4) STORED, nothing TEXT DEFAULT NULL);"
            "COMMENT ON TABLE t IS 'all of them'; COMMENT ON COLUMN t.m IS 'how it is';"});
    is(s, "t", put_columns,
       "id bigint default\n"
       "b boolean null\n"
       "i2 smallint null\n"
       "i4 integer null\n"
       "i8 bigint null\n"
       "f4 real null\n"
       "f8 double precision null\n"
       "n numeric(10,2) null\n"
       "d numeric(10,0) null\n"
       "wide numeric(20,4) as_text null default '1.5000' >=0\n"
       "any_n numeric as_text null\n"
       "s text null\n"
       "v text(20) null\n"
       "v0 text null\n"
       "c text(3) null\n"
       "u uuid null\n"
       "day date null\n"
       "tm time null\n"
       "ts timestamp null\n"
       "tz timestamp null\n"
       "j json null\n"
       "jb json default '{}'\n"
       "raw bytea null\n"
       "m enum default 'sad' in sad|it's|happy -- how it is\n"
       "sum integer null generated default\n"
       "nothing text null default NULL\n");
    assert_true(str_is(schema_table(s, LIT("t"))->comment, "all of them"));
    is(s, "t", put_checks,
       "check (wide): \"wide\" >= 0\n"
       "check enum_mood (m): \"m\" IN ('sad', 'it''s', 'happy')\n");
    schema_free(&s);
}

static void types_of_other_hands(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE t (a, b INT(11), c varchar ( 30 ), d UNSIGNED BIG INT, e DATETIME,"
                  " f \"Fancy Thing\", g MYTEXT, h BLOB, i numeric, j DECIMAL(5), k long_float,"
                  " l AS (b + 1), m INT AS (b + 2) VIRTUAL)"});
    is(s, "t", put_columns,
       "a text null\n"
       "b integer null\n"
       "c text(30) null\n"
       "d bigint null\n"
       "e timestamp null\n"
       "f text null\n"
       "g text null\n"
       "h bytea null\n"
       "i numeric null\n"
       "j numeric(5,0) null\n"
       "k double precision null\n"
       "l text null generated default\n"
       "m integer null generated default\n");
    assert_int_equal(schema_table(s, LIT("t"))->primary.count, 0);
    schema_free(&s);
}

/* ---- keys ---- */

static void primary_keys(void **state)
{
    (void)state;
    struct schema *s = built(
        &(struct made){.script = "CREATE TABLE alias (id INTEGER PRIMARY KEY, x);"
                                 "CREATE TABLE alias2 (x, id integer, PRIMARY KEY (id));"
                                 "CREATE TABLE down (id INTEGER PRIMARY KEY DESC);"
                                 "CREATE TABLE by_int (id INT PRIMARY KEY);"
                                 "CREATE TABLE without (id INTEGER PRIMARY KEY) WITHOUT ROWID;"
                                 "CREATE TABLE two (b TEXT, a INT, c TEXT, PRIMARY KEY (a, b));"
                                 "CREATE TABLE nocase (id TEXT COLLATE NOCASE PRIMARY KEY);"
                                 "CREATE TABLE none (x INT NOT NULL);"});
    is(s, "alias", put_all_keys, "primary rowid (id) unique\n");
    is(s, "alias", put_columns, "id bigint default\nx text null\n");
    is(s, "alias2", put_all_keys, "primary rowid (id) unique\n");
    is(s, "down", put_all_keys, "primary (id) unique\n");
    is(s, "down", put_columns, "id integer\n");
    is(s, "by_int", put_all_keys, "primary (id) unique\nindex (id) unique\n");
    is(s, "by_int", put_columns, "id integer\n");
    is(s, "without", put_all_keys, "primary (id) unique\nindex (id) unique\n");
    is(s, "two", put_all_keys, "primary (a,b) unique\nindex (a,b) unique\n");
    is(s, "two", put_columns, "b text\na integer\nc text null\n");
    is(s, "nocase", put_all_keys, "primary (id) unique\nindex (id) unique\n");
    is(s, "none", put_all_keys, "");
    schema_free(&s);
}

static void unique_keys_and_indexes(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT, c TEXT COLLATE NOCASE,"
                  " d TEXT UNIQUE, UNIQUE (b, a));"
                  "CREATE UNIQUE INDEX some ON t (a) WHERE b IS NOT NULL;"
                  "CREATE INDEX part ON t (b) WHERE a > 1;"
                  "CREATE UNIQUE INDEX lowered ON t (lower(b));"
                  "CREATE INDEX mixed ON t (a, b DESC);"
                  "CREATE UNIQUE INDEX down ON t (c DESC);"
                  "CREATE INDEX own ON t (c);"
                  "CREATE INDEX other ON t (c COLLATE BINARY);"
                  "CREATE INDEX other2 ON t (b COLLATE nocase);"
                  "CREATE UNIQUE INDEX three ON t (a, c, d);"
                  "CREATE TABLE empty (a INT);"});
    is(s, "t", put_all_keys,
       "primary rowid (id) unique\n"
       "key (d) unique\n"
       "key (b,a) unique\n"
       "key (a) unique partial some\n"
       "key (c) unique down\n"
       "key (a,c,d) unique three\n"
       "index (d) unique\n"
       "index (b,a) unique\n"
       "index (a) unique partial some\n"
       "index (b) partial part\n"
       "index (c) own\n"
       "index (a,c,d) unique three\n");
    is(s, "empty", put_all_keys, "");
    schema_free(&s);
}

static void foreign_keys(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE Parent (Id INTEGER PRIMARY KEY, code TEXT UNIQUE);"
                  "CREATE TABLE two (a INT, b INT, c INT, PRIMARY KEY (b, a));"
                  "CREATE TABLE keyless (x INT);"
                  "CREATE TABLE child (id INTEGER PRIMARY KEY, p INT REFERENCES parent,"
                  " q INT REFERENCES PARENT (ID) ON DELETE RESTRICT,"
                  " code TEXT REFERENCES parent (code) ON DELETE SET NULL, x INT, y INT,"
                  " gone INT REFERENCES nowhere, odd INT REFERENCES parent (nix),"
                  " half INT REFERENCES two, none INT REFERENCES keyless,"
                  " self INT REFERENCES child ON DELETE CASCADE,"
                  " FOREIGN KEY (X, Y) REFERENCES two, FOREIGN KEY (y, x) REFERENCES two (a, b)"
                  " ON DELETE SET DEFAULT, FOREIGN KEY (p) REFERENCES parent (id));"});
    is(s, "child", put_foreign,
       "(p) -> Parent(Id) keeps\n"
       "(q) -> Parent(Id) keeps\n"
       "(code) -> Parent(code)\n"
       "(self) -> child(id)\n"
       "(x,y) -> two(b,a) keeps\n"
       "(y,x) -> two(a,b)\n");
    schema_free(&s);
}

/* ---- checks ---- */

/* What a CHECK of a column tells about it. Columns: n INT, d NUMERIC(10,2), t TEXT, raw BLOB. */
static const struct {
    const char *check, *column, *want;
} checks[] = {
    {"n >= 0", "n", "n integer null >=0"},
    {"n > -5", "n", "n integer null >-5"},
    {"0 <= n", "n", "n integer null >=0"},
    {"10 > n", "n", "n integer null <10"},
    {"n = 7", "n", "n integer null >=7 <=7"},
    {"7 == n", "n", "n integer null >=7 <=7"},
    {"\"n\" >= + 1", "n", "n integer null >=1"},
    {"[N]>=1 /* a */ -- b\n", "n", "n integer null >=1"},
    {"(n >= 0)", "n", "n integer null >=0"},
    {"((n >= 0) AND (n < 150))", "n", "n integer null >=0 <150"},
    {"n BETWEEN 1 AND 5", "n", "n integer null >=1 <=5"},
    {"n between -1.5 and 2e1 and n > 0", "n", "n integer null >0 <=20"},
    {"n > 0 AND n >= 0", "n", "n integer null >0"},
    {"n >= 0 AND n > 0", "n", "n integer null >0"},
    {"n <= 5 AND n < 5", "n", "n integer null <5"},
    {"n < 5 AND n <= 9", "n", "n integer null <5"},
    {"n >= 0 AND t <> 'x' AND d < 100.50", "n", "n integer null >=0"},
    {"n >= 0 AND t <> 'x' AND d < 100.50", "d", "d numeric(10,2) null <100.5"},
    {"n IS NULL OR n >= 3", "n", "n integer null >=3"},
    {"(n IS NULL) OR (n >= 3 AND d >= 1)", "n", "n integer null >=3"},
    {"(n IS NULL) OR (n >= 3 AND d >= 1)", "d", "d numeric(10,2) null"},
    {"length(t) > 0", "t", "t text null length>=1"},
    {"length(t) >= 2 AND length(t) < 10", "t", "t text null length>=2 length<=9"},
    {"length(t) BETWEEN 3 AND 5", "t", "t text null length>=3 length<=5"},
    {"length(t) = 3", "t", "t text null length>=3 length<=3"},
    {"5 >= LENGTH(\"t\")", "t", "t text null length<=5"},
    {"length(raw) <= 16", "raw", "raw bytea null length<=16"},
    {"t IN ('a', 'it''s', 'c')", "t", "t text null in a|it's|c"},
    {"(t IN ('a'))", "t", "t text null in a"},
    {"t IN ('a', 'b') AND t IN ('a')", "t", "t text null in a|b"},
    /* what must not be believed */
    {"n >= 0 OR d > 1", "n", "n integer null"},
    {"d IS NULL OR n >= 3", "n", "n integer null"},
    {"n IS NOT NULL OR n >= 3", "n", "n integer null"},
    {"NOT n >= 0", "n", "n integer null"},
    {"NOT (n >= 0)", "n", "n integer null"},
    {"n NOT BETWEEN 1 AND 5", "n", "n integer null"},
    {"n + 1 >= 0", "n", "n integer null"},
    {"abs(n) >= 1", "n", "n integer null"},
    {"n >= d", "n", "n integer null"},
    {"n >= 1 + 1", "n", "n integer null"},
    {"n >= 0 = 1", "n", "n integer null"},
    {"n <> 0", "n", "n integer null"},
    {"-n < 3", "n", "n integer null"},
    {"n >= 0x10", "n", "n integer null"},
    {"CASE WHEN n >= 0 AND n < 5 THEN 1 ELSE 0 END", "n", "n integer null"},
    {"CASE WHEN t = 'a' THEN 1 ELSE d END AND n >= 2", "n", "n integer null >=2"},
    {"n IN (1, 2)", "n", "n integer null"},
    {"t NOT IN ('a')", "t", "t text null"},
    {"t IN ('a', 1)", "t", "t text null"},
    {"t IN ('a' || 'b')", "t", "t text null"},
    {"lower(t) IN ('a')", "t", "t text null"},
    {"t COLLATE NOCASE IN ('a')", "t", "t text null"},
    {"nc IN ('a', 'b')", "nc", "nc text null"},
    {"t >= 5", "t", "t text null"},
    {"length(t) >= 1.5", "t", "t text null"},
    {"length(trim(t)) > 0", "t", "t text null"},
    {"length(n) > 3", "n", "n integer null"},
    {"length(t) > 3 OR t = ''", "t", "t text null"},
    {"t <> 'n >= 5'", "n", "n integer null"},
};

static void columns_of_checks(void **state)
{
    (void)state;
    struct buf script;
    buf_init(&script, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(checks); i++)
        buf_printf(&script,
                   "CREATE TABLE t%zu (n INT, d NUMERIC(10,2), t TEXT, raw BLOB,"
                   " nc TEXT COLLATE NOCASE, CHECK (%s));",
                   i, checks[i].check);
    buf_char(&script, '\0');
    struct schema *s = built(&(struct made){.script = script.ptr});
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        struct buf b;
        char name[20];
        snprintf(name, sizeof name, "t%zu", i);
        const struct table *t = schema_table(s, str_of(name));
        const struct column *c = table_column(t, str_of(checks[i].column));
        buf_init(&b, 1000);
        put_type(&b, c);
        put_rules(&b, c);
        buf_char(&b, '\0');
        if (strcmp(b.ptr, checks[i].want) != 0)
            fail_msg("%s: %s, not %s", checks[i].check, b.ptr, checks[i].want);
        buf_fini(&b);
    }
    schema_free(&s);
    buf_fini(&script);
}

static void names_and_texts_of_checks(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .script = "CREATE TABLE t (a INT CONSTRAINT positive CHECK(  a > 0 ) DEFAULT (1 + (2)),\n"
                  " \"b c\" TEXT NOT NULL CONSTRAINT x UNIQUE CHECK (\"b c\" LIKE '%)%'),\n"
                  " -- CHECK (no)\n"
                  " [check] INT CHECK ([check] > a), length INT REFERENCES t (a) ON DELETE CASCADE,"
                  " g INT AS (a) STORED CHECK (g < 9),"
                  " CONSTRAINT \"two words\" CHECK (length(\"b c\") > length AND 'a' <> t.a),"
                  " CHECK (1))"});
    is(s, "t", put_checks,
       "check positive (a): a > 0\n"
       "check (b c): \"b c\" LIKE '%)%'\n"
       "check (check,a): [check] > a\n"
       "check (g): g < 9\n"
       "check two words (b c,length,a): length(\"b c\") > length AND 'a' <> t.a\n"
       "check (): 1\n");
    is(s, "t", put_columns,
       "a integer null default 1 + (2) >0\n"
       "b c text\n"
       "check integer null\n"
       "length integer null\n"
       "g integer null generated default <9\n");
    schema_free(&s);
}

/* ---- views, and what is not ours ---- */

static void views(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){
        .migration = "CREATE TABLE a (id SERIAL PRIMARY KEY, n INTEGER NOT NULL,"
                     " s VARCHAR(5) CHECK (length(s) > 1));"
                     "CREATE VIEW big AS SELECT id, n, s, n + 1 AS more FROM a WHERE n > 10;"});
    const struct table *t = schema_table(s, LIT("big"));
    assert_true(t->view && t->exposed && !t->rowid);
    assert_false(schema_table(s, LIT("a"))->view);
    is(s, "big", put_columns, "id integer null\nn integer null\ns text(5) null\nmore text null\n");
    is(s, "big", put_all_keys, "");
    is(s, "big", put_checks, "");
    schema_free(&s);
}

static void tables_of_others(void **state)
{
    (void)state;
    struct schema *s = built(
        &(struct made){.script = "CREATE TABLE cairn_jobs (id INTEGER PRIMARY KEY AUTOINCREMENT);"
                                 "CREATE TABLE schema_migrations (version TEXT);"
                                 "CREATE TABLE cairnx (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                 " job INT REFERENCES cairn_jobs);"
                                 "CREATE VIRTUAL TABLE words USING fts5(text);"
                                 "CREATE TEMP TABLE passing (x INT);"});
    assert_int_equal(s->table_count, 1);
    is(s, "cairnx", put_foreign, "");
    is(s, "cairnx", put_relations, "");
    schema_free(&s);
}

static void an_empty_database(void **state)
{
    (void)state;
    struct schema *s = built(&(struct made){.from = NULL});
    assert_int_equal(s->table_count, 0);
    assert_null(schema_table(s, LIT("users")));
    schema_free(&s);
}

#define T(text) value_text(LIT(text))
#define I(n) value_int(n)
#define ANSWER(cols_, ...)                                                                         \
    ((struct rows){.cols = (cols_),                                                                \
                   .count =                                                                        \
                       sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value) / (cols_),     \
                   .cells = (struct value[]){__VA_ARGS__}})

/* As PostgreSQL's catalog answers, in the order of its questions. */
static void postgres(void **state)
{
    (void)state;
    struct schema *s = NULL;
    struct err err = {0};
    struct value none = value_null();
    const struct rows answers[] = {
        ANSWER(4, T("a"), T("table"), I(1), T(""), T("b"), T("table"), I(1), T("")),
        ANSWER(7, T("a"), T("id"), T("bigint"), I(1), T("identity"), I(1), I(0), T("a"), T("s"),
               T("character varying(20)"), I(1), none, I(0), I(0), T("a"), T("p"),
               T("numeric(10,2)"), I(0), none, I(0), I(0), T("b"), T("id"), T("integer"), I(1),
               T("nextval('b_id_seq'::regclass)"), I(1), I(0), T("b"), T("a_id"), T("bigint"), I(0),
               none, I(0), I(0), T("b"), T("mood"), T("enum_text"), I(1), T("'ok'::mood"), I(0),
               I(0)),
        ANSWER(6, T("b"), T("b_a_id_fkey"), T("a"), T("a_id"), T("id"), T("CASCADE")),
        ANSWER(9, T("a"), I(1), T("a_pkey"), I(1), T("pk"), I(0), T("id"), I(0), T("BINARY"),
               T("a"), I(2), T("a_s_key"), I(1), T("c"), I(0), T("s"), I(0), T("BINARY"), T("b"),
               I(3), T("b_pkey"), I(1), T("pk"), I(0), T("id"), I(0), T("BINARY")),
        ANSWER(3, T("a"), T("s"), T("a word")),
        ANSWER(3, T("a"), T("a_p_check"), T("(p >= (0)::numeric)"), T("a"), T("a_s_check"),
               T("((s)::text = ANY ((ARRAY['x'::character varying, "
                 "'y'::character varying])::text[]))")),
        ANSWER(3, T("b"), T("mood"), T("sad"), T("b"), T("mood"), T("ok")),
    };
    assert_int_equal(schema_build(DIALECT_POSTGRES, answers, COUNT_OF(answers), NULL, &s, &err), 0);
    const struct table *a = schema_table(s, LIT("a")), *b = schema_table(s, LIT("b"));
    const struct column *word = table_column(a, LIT("s")), *mood = table_column(b, LIT("mood"));
    assert_false(a->rowid);
    assert_int_equal(a->primary.count, 1);
    assert_int_equal(table_column(b, LIT("id"))->type, TYPE_INT4);
    assert_true(table_column(b, LIT("id"))->has_default);
    assert_int_equal(word->length, 20);
    assert_int_equal(word->label_count, 2);
    assert_true(str_is(word->comment, "a word"));
    assert_int_equal(a->unique_count, 1);
    assert_int_equal(a->check_count, 2);
    assert_true(table_column(a, LIT("p"))->has_min);
    assert_int_equal(mood->type, TYPE_ENUM);
    assert_true(str_is(mood->labels[1], "ok"));
    assert_int_equal(b->foreign_key_count, 1);
    assert_ptr_equal(b->foreign_keys[0].target, a);
    assert_false(b->foreign_keys[0].keeps);
    schema_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shop),
        cmocka_unit_test(every_type),
        cmocka_unit_test(types_of_other_hands),
        cmocka_unit_test(primary_keys),
        cmocka_unit_test(unique_keys_and_indexes),
        cmocka_unit_test(foreign_keys),
        cmocka_unit_test(columns_of_checks),
        cmocka_unit_test(names_and_texts_of_checks),
        cmocka_unit_test(views),
        cmocka_unit_test(tables_of_others),
        cmocka_unit_test(an_empty_database),
        cmocka_unit_test(postgres),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
