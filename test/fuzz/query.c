/* query.c -- any query string over the model of the unit tests. SPDX: Apache-2.0
 * Refusals have a word, a sentence in UTF-8 and a code of BAD or TOOBIG. What is understood must
 * compile; its SQLite text must run on a real SQLite, its PostgreSQL text must parse. */
#include "../unit/sql/fixture.h"

#include "lib/pgquery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rows_sql[] =
    "INSERT INTO users VALUES(1,'ann','a@x','Oslo',30,1.5,10.5,'12345678901234567890.1',1,NULL,"
    "'{\"color\":\"red\",\"a\":{\"b\":[1,2,{\"c\":null}]},\"n\":18}',x'00ff',3,'2026-01-01');"
    "INSERT INTO users VALUES(2,'bob','b@x',NULL,NULL,NULL,NULL,NULL,0,NULL,'[1,\"x\"]',NULL,NULL,"
    "'2026-01-02');"
    "INSERT INTO posts VALUES(1,1,'t',5),(2,NULL,'u',0);INSERT INTO comments VALUES(1,1,2,'c');"
    "INSERT INTO tags VALUES('a','A');INSERT INTO post_tags VALUES(1,'a');"
    "INSERT INTO logs VALUES(1,'l');INSERT INTO seats VALUES('h',1,NULL);"
    "INSERT INTO tickets VALUES(1,'h',1);";

static sqlite3 *open_rows(void)
{
    sqlite3 *db;
    BUG_ON(sqlite3_open(":memory:", &db) != SQLITE_OK);
    sqlite3_create_collation(db, "decimal", SQLITE_UTF8, NULL, decimal_collation);
    sqlite__sums(db);
    sqlite__json(db);
    sqlite__each(db);
    BUG_ON(sqlite3_exec(db, schema_sql, NULL, NULL, NULL) != SQLITE_OK);
    BUG_ON(sqlite3_exec(db, rows_sql, NULL, NULL, NULL) != SQLITE_OK);
    return db;
}

static struct model *model;
static sqlite3 *db;

NORETURN static void stop(const char *why, str text)
{
    fprintf(stderr, "%s: %.*s\n", why, STR_ARG(text));
    abort();
}

static void check_refusal(int rc, const struct err *err)
{
    BUG_ON(rc != E_BAD && rc != E_TOOBIG);
    BUG_ON(err->code != rc || !err->text[0]);
    BUG_ON(rc == E_BAD && !err->word.len);
    if (strlen(err->text) + 1 < sizeof err->text && !str_utf8(str_of(err->text)))
        stop("not UTF-8", str_of(err->text));
}

/* As the engine binds. A kind that no engine stores must not come this far. */
static void bind(sqlite3_stmt *st, int at, const struct value *v)
{
    int len = v->kind >= V_NUM ? (int)v->text.len : 0;
    const char *ptr = len ? v->text.ptr : "";
    if (v->kind == V_NULL)
        sqlite3_bind_null(st, at);
    else if (v->kind == V_INT)
        sqlite3_bind_int64(st, at, v->i);
    else if (v->kind == V_FLOAT)
        sqlite3_bind_double(st, at, v->f);
    else if (v->kind == V_TEXT)
        sqlite3_bind_text(st, at, ptr, len, SQLITE_STATIC);
    else if (v->kind == V_BYTES)
        sqlite3_bind_blob(st, at, ptr, len, SQLITE_STATIC);
    else
        stop("bound", str_of(value_kind_name(v->kind)));
}

static void run_sqlite(const struct stmt *s)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, s->text.ptr, (int)s->text.len, &st, NULL) != SQLITE_OK)
        stop(sqlite3_errmsg(db), s->text);
    BUG_ON(sqlite3_bind_parameter_count(st) != (int)s->bind_count);
    for (size_t i = 0; i < s->bind_count; i++) {
        if (i + 1 == s->keys)
            sqlite__bind_keys(st, (int)i + 1, &s->binds[i]);
        else
            bind(st, (int)i + 1, &s->binds[i]);
    }
    int code;
    do {
        code = sqlite3_step(st);
    } while (code == SQLITE_ROW);
    if (code != SQLITE_DONE)
        stop(sqlite3_errmsg(db), s->text);
    sqlite3_finalize(st);
}

static void parse_postgres(const struct stmt *s)
{
    if (memchr(s->text.ptr, '\0', s->text.len))
        stop("NUL", s->text);
    struct err err = {0};
    BUG_ON(lib_load(&lib_pgquery, E_CONFIG, &err) < 0);
    char *text = strndup(s->text.ptr, s->text.len);
    PgQueryParseResult r = pgquery.pg_query_parse(text);
    if (r.error)
        stop(r.error->message, s->text);
    pgquery.pg_query_free_parse_result(r);
    free(text);
}

static void check(enum dialect d, int rc, const struct stmt *s, const struct err *err)
{
    if (rc < 0)
        check_refusal(rc, err);
    else if (d == DIALECT_SQLITE)
        run_sqlite(s);
    else
        parse_postgres(s);
}

/* ---- includes ---- */

static struct value sample(const struct column *c, int n)
{
    return c->type == TYPE_TEXT ? value_text(n ? LIT("a") : LIT("h")) : value_int(n);
}

static struct value sample_keys(struct arena *a, const struct key *k)
{
    struct value keys = {.kind = V_ARRAY, .count = 2, .items = ARENA_ARRAY(a, struct value, 2)};
    for (int row = 0; row < 2; row++) {
        struct value parts = {.kind = V_ARRAY, .count = (uint32_t)k->count};
        parts.items = ARENA_ARRAY(a, struct value, k->count);
        for (size_t i = 0; i < k->count; i++)
            parts.items[i] = sample(k->columns[i], row);
        keys.items[row] = k->count == 1 ? parts.items[0] : parts;
    }
    return keys;
}

static void compile_includes(enum dialect d, struct arena *a, const struct select *s)
{
    for (size_t i = 0; i < s->include_count; i++) {
        const struct include *inc = &s->includes[i];
        struct value keys = sample_keys(a, &inc->relation->local);
        struct stmt st;
        struct err err = {0};
        int rc = sql_include(d, a, inc, &keys, &st, &err);
        check(d, rc, &st, &err);
        compile_includes(d, a, &inc->select);
    }
}

static void compile(struct arena *a, const struct select *s)
{
    for (enum dialect d = DIALECT_SQLITE; d <= DIALECT_POSTGRES; d++) {
        struct stmt st;
        struct err err = {0};
        int rc = sql_select(d, a, s, &st, &err);
        check(d, rc, &st, &err);
        err = (struct err){0};
        rc = sql_count(d, a, s, &st, &err);
        check(d, rc, &st, &err);
        compile_includes(d, a, s);
    }
}

/* ---- the three ways in ---- */

static int read_list(struct arena *a, const struct table *t, str text, struct err *err)
{
    struct query_param params[64];
    struct list_query q;
    size_t count = params_of(text, params, 64);
    TRY(query_list(a, t, params, count,
                   &(struct list_rules){.limits = &limits, .secret = LIT("secret")}, &q, err));
    BUG_ON(q.limit < 1 || q.limit > limits.max_limit || q.select.offset > limits.max_offset);
    BUG_ON((!q.select.order_count && !q.select.summary) || q.select.shown > q.select.column_count);
    compile(a, &q.select);
    return 0;
}

static int read_one(struct arena *a, const struct table *t, str text, struct err *err)
{
    struct query_param params[64];
    struct select s;
    size_t count = params_of(text, params, 64);
    TRY(query_one(a, t, params, count, &limits, &s, err));
    s.where = cond_test(a, &t->columns[0], OP_IS, value_null());
    compile(a, &s);
    return 0;
}

static int read_filter(struct arena *a, const struct table *t, str text, struct err *err)
{
    struct select s = {.table = t, .columns = all_columns(a, t), .limit = -1};
    str name = {"", 0};
    if (text.len && text.ptr[0] == '=')
        text = str_from(text, 1); /* no name: an expression alone */
    else
        name = str_cut(&text, '=');
    s.column_count = s.shown = t->column_count;
    TRY(query_filter(a, t, name, text.ptr ? text : LIT(""), &limits, &s.where, err));
    compile(a, &s);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (!model) {
        model = model_new();
        db = open_rows();
    }
    struct arena a;
    struct err err = {0};
    arena_init(&a, (size_t)1 << 28);
    const struct table *t = &model->tables[data[0] % TABLES];
    str text = str_make((const char *)data + 1, size - 1);
    unsigned way = data[0] / TABLES % 4;
    int rc = way == 0   ? read_one(&a, t, text, &err)
             : way == 1 ? read_filter(&a, t, text, &err)
                        : read_list(&a, t, text, &err);
    if (rc < 0)
        check_refusal(rc, &err);
    arena_reset(&a);
    return 0;
}
