/* ddl.c -- a script of PostgreSQL statements, one after the other. SPDX: Apache-2.0
 * The whole script is parsed before anything is written, so a syntax error at its end is told
 * before its beginning runs. Not here: what runs the statements (db/migrate.c). */
#include "ddl/ddl_priv.h"
#include "lib/pgquery.h"

/* ---- the catalog ---- */

void ddl_catalog_init(struct ddl_catalog *c, struct arena *a)
{
    *c = (struct ddl_catalog){.arena = a};
}

static struct ddl_object *find(const struct ddl_catalog *c, enum ddl_kind kind, str name)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].kind == kind && str_eqi(c->list[i].name, name))
            return &c->list[i];
    return NULL;
}

const struct ddl_object *ddl_catalog_get(const struct ddl_catalog *c, enum ddl_kind kind, str name)
{
    return find(c, kind, name);
}

void ddl_catalog_put(struct ddl_catalog *c, const struct ddl_object *object)
{
    struct ddl_object *slot = find(c, object->kind, object->name);
    if (!slot && c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 32;
        struct ddl_object *list = ARENA_ARRAY(c->arena, struct ddl_object, cap);
        if (c->count)
            memcpy(list, c->list, c->count * sizeof *list);
        c->list = list;
        c->cap = cap;
    }
    slot = slot ? slot : &c->list[c->count++];
    str *labels = ARENA_ARRAY(c->arena, str, object->label_count ? object->label_count : 1);
    for (size_t i = 0; i < object->label_count; i++)
        labels[i] = arena_str(c->arena, object->labels[i]);
    *slot = (struct ddl_object){
        .kind = object->kind,
        .name = arena_str(c->arena, object->name),
        .table = arena_str(c->arena, object->table),
        .text = arena_str(c->arena, object->text),
        .labels = labels,
        .label_count = object->label_count,
    };
}

int ddl_catalog_put_enum(struct ddl_catalog *c, str name, str labels_json, struct err *err)
{
    struct value v;
    TRY(json_parse(c->arena, labels_json, &json_limits_default, &v, err));
    size_t count = v.kind == V_ARRAY ? v.count : 0;
    str *labels = ARENA_ARRAY(c->arena, str, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        if (v.items[i].kind != V_TEXT)
            return fail(err, E_CONFIG, "cairn_enums: the labels of '%.*s' are not all texts",
                        STR_ARG(name));
        labels[i] = v.items[i].text;
    }
    struct ddl_object o = {.kind = DDL_ENUM, .name = name, .labels = labels, .label_count = count};
    ddl_catalog_put(c, &o);
    return 0;
}

void ddl__catalog_cut(struct ddl_catalog *c, enum ddl_kind kind, str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct ddl_object *o = &c->list[i];
        bool own = kind == DDL_TABLE && (o->kind == DDL_INDEX || o->kind == DDL_TRIGGER) &&
                   str_eqi(o->table, name);
        if (!own && (o->kind != kind || !str_eqi(o->name, name)))
            c->list[kept++] = *o;
    }
    c->count = kept;
}

/* ---- one statement ---- */

typedef int statement_fn(struct ddl__tr *t, node *body);

static int nothing(struct ddl__tr *t, node *body)
{
    (void)t;
    (void)body;
    return 0;
}

static int transaction(struct ddl__tr *t, node *body)
{
    (void)body;
    return ddl__refuse(t, -1,
                       "BEGIN and COMMIT; each migration file runs in one transaction "
                       "already");
}

static int procedure(struct ddl__tr *t, node *body)
{
    (void)body;
    return ddl__refuse(t, -1,
                       "functions, procedures and triggers; use a hook or a handler of the "
                       "application, a CHECK, or a generated column");
}

static int sequence(struct ddl__tr *t, node *body)
{
    (void)body;
    return ddl__refuse(t, -1,
                       "sequences; declare the column SERIAL or GENERATED ALWAYS AS "
                       "IDENTITY");
}

static int schema(struct ddl__tr *t, node *body)
{
    str name = ddl__text(body, "schemaname");
    if (str_is(name, "public"))
        return 0;
    return ddl__refuse(t, -1,
                       "schema '%s'; SQLite has one schema only: make it a part of the "
                       "tables' names",
                       ddl__dup(t, str_upto(name, 80)));
}

static int row_security(struct ddl__tr *t, node *body)
{
    (void)body;
    return ddl__refuse(t, -1, "row policies; access rules are said in cairn.yaml");
}

static const struct {
    const char *kind;
    statement_fn *run;
} statements[] = {
    {"CreateStmt", ddl__create_table},
    {"IndexStmt", ddl__index},
    {"AlterTableStmt", ddl__alter},
    {"RenameStmt", ddl__rename},
    {"DropStmt", ddl__drop},
    {"TruncateStmt", ddl__truncate},
    {"CommentStmt", ddl__comment},
    {"ViewStmt", ddl__view},
    {"CreateEnumStmt", ddl__create_enum},
    {"AlterEnumStmt", ddl__alter_enum},
    {"CreateExtensionStmt", ddl__extension},
    {"CreateTableAsStmt", ddl__create_as},
    {"CreateSchemaStmt", schema},
    {"TransactionStmt", transaction},
    {"CreateFunctionStmt", procedure},
    {"CreateTrigStmt", procedure},
    {"DoStmt", procedure},
    {"CreateSeqStmt", sequence},
    {"AlterSeqStmt", sequence},
    {"CreatePolicyStmt", row_security},
    {"VariableSetStmt", nothing},
    {"GrantStmt", nothing},
    {"GrantRoleStmt", nothing},
    {"AlterOwnerStmt", nothing},
    {"AlterDefaultPrivilegesStmt", nothing},
    {"VacuumStmt", nothing}, /* ANALYZE too: the engine looks after itself */
};

static int statement(struct ddl__tr *t, node *stmt)
{
    static const char *const data[] = {"InsertStmt", "UpdateStmt", "DeleteStmt", "SelectStmt"};
    size_t mark = t->b.len;
    t->in_schema = false;
    for (size_t i = 0; i < COUNT_OF(statements); i++)
        if (ddl__is(stmt, statements[i].kind))
            return statements[i].run(t, ddl__body(stmt));
    for (size_t i = 0; i < COUNT_OF(data); i++) {
        if (!ddl__is(stmt, data[i]))
            continue;
        TRY(ddl__dml(t, stmt));
        return ddl__emit(t, mark);
    }
    return ddl__refuse(t, -1, "%s: a migration cannot do this on SQLite",
                       ddl__dup(t, ddl__kind(stmt)));
}

/* ---- the script ---- */

/* The parser counts characters, we count bytes. */
static size_t byte_of(str s, int character)
{
    size_t at = 0;
    for (int i = 1; i < character && at < s.len; i++)
        for (at++; at < s.len && ((unsigned char)s.ptr[at] & 0xc0) == 0x80;)
            at++;
    return at;
}

int ddl__parse(struct ddl__tr *t, struct value *tree)
{
    static const struct json_limits limits = {.depth = DDL__DEPTH_MOST, .nodes = 8000000};
    str text = t->source->text;
    if (text.len > DDL__SOURCE_MOST)
        return ddl__refuse(t, 0, "the script is larger than %d MiB", DDL__SOURCE_MOST >> 20);
    if (memchr(text.ptr, 0, text.len) || !str_utf8(text))
        return ddl__refuse(t, 0, "the script is no UTF-8 text");
    if (!ddl__guard(text))
        return ddl__refuse(t, 0, "an expression is too long or nested too deep");
    TRY(lib_load(&lib_pgquery, E_CONFIG, t->err));
    PgQueryParseResult r = pgquery.pg_query_parse(ddl__dup(t, text));
    int code = 0;
    struct err why = {0};
    if (r.error)
        code = ddl__refuse(t, (int64_t)byte_of(text, r.error->cursorpos), "%s", r.error->message);
    else if (json_parse(t->a, arena_str(t->a, str_of(r.parse_tree)), &limits, tree, &why) < 0)
        code = ddl__refuse(t, 0, "an expression is too long or nested too deep");
    pgquery.pg_query_free_parse_result(r);
    return code;
}

static int each_statement(struct ddl__tr *t, statement_fn *run)
{
    struct value *tree = ARENA_NEW(t->a, struct value);
    TRY(ddl__parse(t, tree));
    for (size_t i = 0; i < ddl__count(tree, "stmts"); i++) {
        node *item = ddl__item(tree, "stmts", i);
        size_t at = (size_t)ddl__num(item, "stmt_location", 0);
        t->at = (int64_t)ddl__skip_blank(t->source->text, at);
        TRY(run(t, item));
    }
    return 0;
}

static int translate_item(struct ddl__tr *t, node *item)
{
    return statement(t, ddl__get(item, "stmt"));
}

/* What is destroyed, in the words of the script: its first line. */
static const char *said(struct ddl__tr *t, str text)
{
    enum { MOST = 80 };
    return ddl__dup(t, str_trim(str_upto(str_upto(text, str_find(text, '\n')), MOST)));
}

/* As it is, for PostgreSQL. */
static int copy_item(struct ddl__tr *t, node *item)
{
    size_t at = (size_t)ddl__num(item, "stmt_location", 0);
    size_t len = (size_t)ddl__num(item, "stmt_len", 0);
    node *stmt = ddl__get(item, "stmt"), *body = ddl__body(stmt);
    str text = str_from(t->source->text, (size_t)t->at);
    if (len)
        text = str_upto(text, at + len - (size_t)t->at);
    if (ddl__is(stmt, "DropStmt") && str_is(ddl__text(body, "removeType"), "OBJECT_TABLE"))
        ddl__warn(t, "%s", said(t, text));
    if (ddl__is(stmt, "TruncateStmt"))
        ddl__warn(t, "%s", said(t, text));
    if ((ddl__is(stmt, "DeleteStmt") || ddl__is(stmt, "UpdateStmt")) &&
        !ddl__get(body, "whereClause"))
        ddl__warn(t, "%s of every row", ddl__is(stmt, "DeleteStmt") ? "DELETE" : "UPDATE");
    for (size_t i = 0; i < ddl__count(body, "cmds"); i++)
        if (str_is(ddl__text(ddl__body(ddl__item(body, "cmds", i)), "subtype"), "AT_DropColumn"))
            ddl__warn(t, "%s", said(t, text));
    return ddl__emit_text(t, arena_str(t->a, text));
}

static int run_script(struct arena *a, const struct ddl_source *source, struct ddl_catalog *cat,
                      struct ddl_script *out, statement_fn *run, struct err *err)
{
    struct ddl_catalog empty;
    ddl_catalog_init(&empty, a);
    struct ddl__tr t = {
        .a = a, .source = source, .cat = cat ? cat : &empty, .out = out, .err = err};
    *out = (struct ddl_script){0};
    t.what = LIT("");
    buf_init(&t.b, DDL__OUT_MOST);
    int code = each_statement(&t, run);
    buf_fini(&t.b);
    return code;
}

int ddl_to_sqlite(struct arena *a, const struct ddl_source *source, struct ddl_catalog *cat,
                  struct ddl_script *out, struct err *err)
{
    return run_script(a, source, cat, out, translate_item, err);
}

int ddl_split(struct arena *a, const struct ddl_source *source, struct ddl_script *out,
              struct err *err)
{
    return run_script(a, source, NULL, out, copy_item, err);
}
