/* model.h -- a model out of a real database, and the model told as text. SPDX: Apache-2.0 */
#ifndef CAIRN_TEST_SCHEMA_MODEL_H
#define CAIRN_TEST_SCHEMA_MODEL_H

#include "db/migrate.h"
#include "schema/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused)) /* not every test tells everything */

static char root[] = "/tmp/cairn-schema-XXXXXX";
static char dir[64], data_dir[64], url[80];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    snprintf(dir, sizeof dir, "%s/migrations", root);
    snprintf(data_dir, sizeof data_dir, "%s/data", root);
    snprintf(url, sizeof url, "%s/cairn.db", data_dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* A new database: migrations of a directory, or one of this text, then SQLite's own statements. */
struct made {
    const char *from, *migration, *script;
    struct schema_wishes wishes;
};

static void migrate_all(const struct db_config *c, const char *from)
{
    struct err err = {0};
    struct migrate_wish wish = {.destructive = true};
    struct migrate *m = NULL;
    size_t done;
    if (migrate_open(c, str_of(from), 5000, &m, &err) < 0 || migrate_up(m, &wish, &done, &err) < 0)
        fail_msg("%s", err.text);
    migrate_close(&m);
}

static void prepare(const struct made *w, const struct db_config *c)
{
    char command[300], path[100];
    snprintf(command, sizeof command, "rm -rf '%s' '%s' && mkdir '%s' '%s'", dir, data_dir, dir,
             data_dir);
    assert_int_equal(system(command), 0);
    if (w->migration) {
        snprintf(path, sizeof path, "%s/20260101000000_a.sql", dir);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fprintf(f, "-- migrate:up\n%s", w->migration);
        fclose(f);
    }
    if (w->migration || w->from)
        migrate_all(c, w->from ? w->from : dir);
}

static int ask_all(struct db_admin *a, const struct made *w, struct schema **out, struct err *err)
{
    struct rows answers[8];
    const struct stmt *list, *comments = schema_question_comments(DIALECT_SQLITE);
    size_t count = schema_questions(DIALECT_SQLITE, &list);
    struct arena arena;
    assert_true(count + 1 <= COUNT_OF(answers));
    arena_init(&arena, 1 << 26);
    for (size_t i = 0; i < count; i++) {
        if (db_admin_run(a, &list[i], &arena, &answers[i], err) < 0)
            fail_msg("%s", err->text);
    }
    if (w->migration || w->from) {
        assert_int_equal(db_admin_run(a, comments, &arena, &answers[count], err), 0);
        count++;
    }
    int code = schema_build(DIALECT_SQLITE, answers, count, &w->wishes, out, err);
    arena_reset(&arena); /* the model must not point into it */
    return code;
}

static int build(const struct made *w, struct schema **out, struct err *err)
{
    struct db_config c = {.url = str_of(url), .data_dir = str_of(data_dir)};
    struct db_admin *a = NULL;
    prepare(w, &c);
    if (db_admin_open(&c, &a, err) < 0 ||
        (w->script && db_admin_script(a, str_of(w->script), NULL, err) < 0))
        fail_msg("%s", err->text);
    int code = ask_all(a, w, out, err);
    db_admin_close(&a);
    return code;
}

static struct schema *built(const struct made *w)
{
    struct schema *s = NULL;
    struct err err = {0};
    if (build(w, &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

/* ---- as text ---- */

static void put_key(struct buf *b, const struct key *k)
{
    buf_char(b, '(');
    for (size_t i = 0; i < k->count; i++) {
        if (i)
            buf_char(b, ',');
        buf_str(b, k->columns[i]->name);
    }
    buf_char(b, ')');
}

static void put_type(struct buf *b, const struct column *c)
{
    buf_printf(b, "%.*s %s", STR_ARG(c->name), type_name(c->type));
    if (c->length)
        buf_printf(b, "(%d)", c->length);
    if (c->type == TYPE_NUMERIC && c->precision)
        buf_printf(b, "(%d,%d)", c->precision, c->scale);
    else if (c->type == TYPE_NUMERIC)
        assert_int_equal(c->scale, -1);
    if (c->decimal_text)
        buf_lit(b, " as_text");
    if (c->nullable)
        buf_lit(b, " null");
    if (c->generated)
        buf_lit(b, " generated");
    if (c->default_sql.len)
        buf_printf(b, " default %.*s", STR_ARG(c->default_sql));
    else if (c->has_default)
        buf_lit(b, " default");
}

static void put_rules(struct buf *b, const struct column *c)
{
    if (c->has_min)
        buf_printf(b, " %s%.*s", c->min_open ? ">" : ">=", STR_ARG(c->min));
    if (c->has_max)
        buf_printf(b, " %s%.*s", c->max_open ? "<" : "<=", STR_ARG(c->max));
    if (c->min_length >= 0)
        buf_printf(b, " length>=%d", c->min_length);
    if (c->max_length >= 0)
        buf_printf(b, " length<=%d", c->max_length);
    for (size_t i = 0; i < c->label_count; i++)
        buf_printf(b, "%s%.*s", i ? "|" : " in ", STR_ARG(c->labels[i]));
}

static UNUSED void put_columns(struct buf *b, const struct table *t)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        assert_int_equal(c->index, i);
        assert_ptr_equal(table_column(t, c->name), c);
        put_type(b, c);
        put_rules(b, c);
        if (c->comment.len)
            buf_printf(b, " -- %.*s", STR_ARG(c->comment));
        buf_char(b, '\n');
    }
}

static void put_keys(struct buf *b, const char *what, const struct key *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(b, "%s ", what);
        put_key(b, &list[i]);
        buf_printf(b, "%s%s", list[i].unique ? " unique" : "", list[i].partial ? " partial" : "");
        buf_printf(b, "%s%.*s\n", list[i].name.len ? " " : "", STR_ARG(list[i].name));
    }
}

static UNUSED void put_all_keys(struct buf *b, const struct table *t)
{
    put_keys(b, t->rowid ? "primary rowid" : "primary", &t->primary, t->primary.count ? 1 : 0);
    put_keys(b, "key", t->uniques, t->unique_count);
    put_keys(b, "index", t->indexes, t->index_count);
}

static UNUSED void put_foreign(struct buf *b, const struct table *t)
{
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const struct foreign_key *k = &t->foreign_keys[i];
        put_key(b, &k->from);
        buf_printf(b, " -> %.*s", STR_ARG(k->target->name));
        put_key(b, &k->to);
        buf_printf(b, "%s\n", k->keeps ? " keeps" : "");
    }
}

static UNUSED void put_checks(struct buf *b, const struct table *t)
{
    for (size_t i = 0; i < t->check_count; i++) {
        const struct check *c = &t->checks[i];
        struct key named = {.columns = c->columns, .count = c->count};
        buf_printf(b, "check %.*s%s", STR_ARG(c->name), c->name.len ? " " : "");
        put_key(b, &named);
        buf_printf(b, ": %.*s\n", STR_ARG(c->expression));
    }
}

static UNUSED void put_relations(struct buf *b, const struct table *t)
{
    static const char *const kinds[] = {"one", "many", "through"};
    for (size_t i = 0; i < t->relation_count; i++) {
        const struct relation *r = &t->relations[i];
        assert_ptr_equal(r->from, t);
        assert_ptr_equal(table_relation(t, r->name), r);
        buf_printf(b, "%.*s %s ", STR_ARG(r->name), kinds[r->kind]);
        put_key(b, &r->local);
        if (r->through) {
            buf_printf(b, " = %.*s", STR_ARG(r->through->name));
            put_key(b, &r->near);
            put_key(b, &r->far);
        }
        buf_printf(b, " = %.*s", STR_ARG(r->target->name));
        put_key(b, &r->remote);
        buf_printf(b, "%s\n", r->required ? " required" : "");
    }
}

typedef void put_fn(struct buf *b, const struct table *t);

static UNUSED void is(const struct schema *s, const char *table, put_fn *put, const char *want)
{
    struct buf b;
    const struct table *t = schema_table(s, str_of(table));
    assert_non_null(t);
    buf_init(&b, 1 << 16);
    put(&b, t);
    buf_char(&b, '\0');
    assert_string_equal(b.ptr, want);
    buf_fini(&b);
}

#endif
