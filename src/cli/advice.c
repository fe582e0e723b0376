/* advice.c -- cairn check --database: what could be better about the project's database.
 * SPDX: Apache-2.0
 * One connection that only reads, each statement under the statement time limit. The engine that
 * advises is advise/; here its advice is asked for and written, for people, as JSON or as a
 * migration. */
#include "cli/advice.h"

#include "base/mem.h"
#include "server/server.h"

#include <stdio.h>

enum { ADVICE_MEMORY = 1 << 30, TEXT_MOST = 64 << 20 };

/* ---- gathering ---- */

static int ask(void *ctx, const struct stmt *st, struct arena *a, struct rows *out, struct err *err)
{
    return db_admin_run(ctx, st, a, out, err);
}

static int gather(struct advice_report *r, struct db_admin *db, const struct config *config,
                  struct err *err)
{
    TRY(db_admin_only_reads(db, (unsigned)config->statement_timeout, err));
    TRY(model_read(db, config, &r->schema, err));
    return facts_gather(config_dialect(config), r->schema, ask, db, &r->arena, &r->facts, err);
}

int advice_report(const struct config *config, bool all, str ignore, struct advice_report *out,
                  struct err *err)
{
    struct advise_wish wish = {.all = all, .ignore = ignore};
    struct db_config db;
    struct db_admin *admin;
    *out = (struct advice_report){.schema = NULL};
    arena_init(&out->arena, ADVICE_MEMORY);
    config_db(config, &db);
    if (!db_exists(&db))
        return fail(err, E_CONFIG, "there is no database yet: `cairn migrate up` makes it");
    TRY(db_admin_open(&db, &admin, err));
    int code = gather(out, admin, config, err);
    db_admin_close(&admin);
    if (code == 0)
        out->count = advise(&out->facts, &wish, &out->arena, &out->list);
    return code;
}

void advice_report_end(struct advice_report *r)
{
    if (r->schema)
        schema_free(&r->schema);
    arena_reset(&r->arena);
}

/* ---- writing ---- */

static const char *level_name(enum advice_level l)
{
    return l == ADVICE_WARNING ? "warning" : "hint";
}

/* "posts.user_id", "users (city, zip)", "users", and the index. */
static void put_place(struct buf *b, const struct advice *a)
{
    bool one = a->column && str_eq(a->columns, a->column->name);
    buf_str(b, a->table->name);
    if (one)
        buf_printf(b, ".%.*s", STR_ARG(a->columns));
    else if (a->columns.len)
        buf_printf(b, " (%.*s)", STR_ARG(a->columns));
    if (a->index.len)
        buf_printf(b, ", index %.*s", STR_ARG(a->index));
}

void advice_put_lines(struct buf *b, const char *before, str text)
{
    while (text.len) {
        str line = str_cut(&text, '\n');
        buf_printf(b, "%s%.*s\n", before, STR_ARG(line));
    }
}

/* Breaks between words, so that no line is longer than a terminal's. */
static void put_words(struct buf *b, const char *before, str text)
{
    enum { WIDTH = 92 };
    size_t at = WIDTH;
    while (text.ptr) {
        str word = str_cut(&text, ' ');
        if (at + word.len + 1 > WIDTH) {
            buf_printf(b, "%s%s", b->len && b->ptr[b->len - 1] != '\n' ? "\n" : "", before);
            at = 0;
        } else {
            buf_char(b, ' ');
        }
        buf_str(b, word);
        at += word.len + 1;
    }
    buf_char(b, '\n');
}

static void note(const struct advice_report *r, struct buf *b, const char *before)
{
    if (r->facts.dialect == DIALECT_SQLITE)
        buf_printf(b, "%sSQLite does not count the uses of an index: unused ones cannot be told.",
                   before);
    else
        buf_printf(b, "%suses of indexes are counted %.*s.", before, STR_ARG(r->facts.since));
}

static void put_text(const struct advice_report *r, struct buf *b)
{
    size_t warnings = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct advice *a = &r->list[i];
        warnings += a->level == ADVICE_WARNING;
        buf_printf(b, "%s: %s: ", level_name(a->level), advice_code(a->kind));
        put_place(b, a);
        buf_char(b, '\n');
        put_words(b, "    ", a->reason);
        advice_put_lines(b, "        ", a->sql);
        buf_char(b, '\n');
    }
    note(r, b, "note: ");
    if (r->count)
        buf_printf(b, "\n%zu warning%s, %zu hint%s\n", warnings, warnings == 1 ? "" : "s",
                   r->count - warnings, r->count - warnings == 1 ? "" : "s");
    else
        buf_lit(b, "\nok: no advice\n");
}

static void put_member(struct buf *b, const char *name, str value)
{
    buf_printf(b, ",\"%s\":", name);
    json_text(b, value);
}

static void put_json(const struct advice_report *r, struct buf *b)
{
    buf_lit(b, "{\"advice\":[");
    for (size_t i = 0; i < r->count; i++) {
        const struct advice *a = &r->list[i];
        buf_printf(b, "%s{\"code\":\"%s\",\"level\":\"%s\"", i ? "," : "", advice_code(a->kind),
                   level_name(a->level));
        put_member(b, "title", str_of(advice_title(a->kind)));
        put_member(b, "table", a->table->name);
        put_member(b, "columns", a->columns);
        put_member(b, "index", a->index);
        put_member(b, "reason", a->reason);
        put_member(b, "sql", a->sql);
        put_member(b, "undo", a->undo);
        buf_char(b, '}');
    }
    buf_lit(b, "],\"note\":");
    struct buf text;
    buf_init(&text, 4096);
    note(r, &text, "");
    json_text(b, buf_view(&text));
    buf_fini(&text);
    buf_lit(b, "}\n");
}

/* A migration; undone in the other order. */
static void put_sql(const struct advice_report *r, struct buf *b)
{
    buf_lit(b, "-- migrate:up\n");
    for (size_t i = 0; i < r->count; i++) {
        const struct advice *a = &r->list[i];
        buf_printf(b, "%s-- %s: ", i ? "\n" : "", advice_code(a->kind));
        put_place(b, a);
        buf_char(b, '\n');
        put_words(b, "-- ", a->reason);
        buf_str(b, a->sql);
    }
    buf_lit(b, "\n-- migrate:down\n");
    for (size_t i = r->count; i-- > 0;)
        buf_str(b, r->list[i].undo);
}

/* ---- the command ---- */

static int show(const struct advice_report *r, bool sql, bool json)
{
    struct buf b;
    buf_init(&b, TEXT_MOST);
    if (sql)
        put_sql(r, &b);
    else if (json)
        put_json(r, &b);
    else
        put_text(r, &b);
    return cli_print(&b);
}

int advice_command(struct cli *c)
{
    struct err err = {0};
    struct advice_report r;
    const char *format = "text";
    bool strict = cli_flag(c, "--strict"), all = cli_flag(c, "--all"), sql = cli_flag(c, "--sql");
    if (!cli_option(c, "--format", &format))
        return CLI_USAGE;
    bool json = strcmp(format, "json") == 0;
    if (!json && strcmp(format, "text") != 0)
        return cli_usage(c, "--format is text or json, not '%.60s'", format);
    int code = cli_expect(c, 0, 0);
    if (code)
        return code;
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    code = advice_report(config, all, config->advice_ignore, &r, &err) < 0 ? cli_error(&err)
                                                                           : show(&r, sql, json);
    if (code == CLI_OK && strict && r.count)
        code = CLI_FAILED;
    advice_report_end(&r);
    config_free(&config);
    return code;
}
