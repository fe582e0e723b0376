/* named.c -- one statement with named parameters, for named queries. SPDX: Apache-2.0
 * The parser knows $1 and not :name, so each name becomes $1 and as many blanks as the name was
 * longer: what the parser says of places is then true of the file. For PostgreSQL the places are
 * put into the text as it was written, with the parameter's type behind: what is not text has its
 * type by that, and text takes the one that is wanted of it (an enum's, say).
 * Invariant: only what is one SELECT, INSERT, UPDATE or DELETE gets through. */
#include "ddl/ddl_priv.h"

enum { PLACES_MOST = 1000, NAMES_MOST = 128 };

struct place {
    size_t at, len; /* ":name" in the source */
    size_t param;
};

struct places {
    struct place *list;
    size_t count;
    size_t end; /* of the last token that is no semicolon */
};

/* ---- :name ---- */

static size_t name_len(str s)
{
    size_t len = 0;
    while (len < s.len &&
           (ascii_alpha(s.ptr[len]) || s.ptr[len] == '_' || (len && ascii_digit(s.ptr[len]))))
        len++;
    return len;
}

static int unknown_param(struct ddl__tr *t, str name, size_t at)
{
    const char *names[NAMES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < t->query->param_count && count < NAMES_MOST; i++)
        names[count++] = ddl__dup(t, t->query->params[i].name);
    const char *near = str_nearest(name, names, count);
    if (near)
        return ddl__refuse(t, (int64_t)at, "there is no parameter '%.*s'; did you mean ':%s'?",
                           STR_ARG(str_upto(name, 60)), near);
    return ddl__refuse(t, (int64_t)at,
                       "there is no parameter '%.*s'; declare it above: "
                       "-- param: %.*s text",
                       STR_ARG(str_upto(name, 60)), STR_ARG(str_upto(name, 60)));
}

static int take_place(struct ddl__tr *t, struct places *p, size_t at, str name)
{
    for (size_t i = 0; i < t->query->param_count; i++) {
        if (!str_eq(t->query->params[i].name, name))
            continue;
        if (p->count == PLACES_MOST)
            return ddl__refuse(t, (int64_t)at, "more than %d places of parameters", PLACES_MOST);
        if (i >= 9 && name.len < 2)
            return ddl__refuse(t, (int64_t)at, "give parameter '%.*s' a longer name",
                               STR_ARG(name));
        p->list[p->count++] = (struct place){.at = at, .len = name.len + 1, .param = i};
        t->answer->used[i] = true;
        return 0;
    }
    return unknown_param(t, name, at);
}

static int find_places(struct ddl__tr *t, struct places *p)
{
    str s = t->source->text;
    p->list = ARENA_ARRAY(t->a, struct place, PLACES_MOST);
    for (size_t at = ddl__skip_blank(s, 0); at < s.len; at = ddl__skip_blank(s, at)) {
        str rest = str_from(s, at);
        size_t name = rest.ptr[0] == ':' ? name_len(str_from(rest, 1)) : 0;
        if (rest.ptr[0] == '$' && rest.len > 1 && ascii_digit(rest.ptr[1]))
            return ddl__refuse(t, (int64_t)at, "write parameters by name: :name");
        if (str_starts(rest, LIT("::"))) {
            at += 2;
        } else if (name) {
            TRY(take_place(t, p, at, str_upto(str_from(rest, 1), name)));
            at += name + 1;
        } else {
            at = ddl__skip_token(s, at);
        }
        p->end = rest.ptr[0] == ';' ? p->end : at;
    }
    return 0;
}

/* The source with $1 and blanks for each name. */
static str padded(struct ddl__tr *t, const struct places *p)
{
    str copy = arena_str(t->a, t->source->text);
    char *text = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < p->count; i++) {
        str place = arena_printf(t->a, "$%zu", p->list[i].param + 1);
        memset(text + p->list[i].at, ' ', p->list[i].len);
        memcpy(text + p->list[i].at, place.ptr, place.len);
    }
    return copy;
}

/* ---- PostgreSQL's text ---- */

static bool says_type(str type)
{
    static const char *const texts[] = {"", "text", "varchar", "char", "character", "enum"};
    size_t paren = str_find(type, '(');
    str base = str_upto(type, paren);
    if (str_ends(base, LIT("[]")))
        base = str_upto(base, base.len - 2);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (str_is(base, texts[i]))
            return false;
    return true;
}

static void postgres_text(struct ddl__tr *t, const struct places *p)
{
    str s = t->source->text;
    size_t from = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct place *x = &p->list[i];
        str type = t->query->params[x->param].type;
        buf_str(&t->b, str_make(s.ptr + from, x->at - from));
        buf_printf(&t->b, "$%zu", x->param + 1);
        if (says_type(type))
            buf_printf(&t->b, "::%.*s", STR_ARG(type));
        from = x->at + x->len;
    }
    buf_str(&t->b, str_from(str_upto(s, p->end), from));
    t->answer->text = ddl__cut(t, 0);
}

/* ---- what changes or locks rows ---- */

static const char *writing_call(str name)
{
    static const char *const names[] = {
        "nextval",
        "setval",
        "set_config",
        "pg_notify",
        "lo_create",
        "lo_import",
        "lo_unlink",
        "lo_put",
        "lo_from_bytea",
        "dblink_exec",
        "dblink",
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_reload_conf",
        "pg_read_file",
        "pg_logical_emit_message",
        "pg_switch_wal",
        "txid_current",
        "pg_current_xact_id",
        "query_to_xml",
    };
    if (str_starts(name, LIT("pg_advisory_")) || str_starts(name, LIT("pg_try_advisory_")))
        return "an advisory lock";
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_is(name, names[i]))
            return names[i];
    return NULL;
}

static const char *writing_node(str kind, node *body)
{
    if (str_is(kind, "InsertStmt"))
        return "INSERT";
    if (str_is(kind, "UpdateStmt"))
        return "UPDATE";
    if (str_is(kind, "DeleteStmt"))
        return "DELETE";
    if (str_is(kind, "MergeStmt"))
        return "MERGE";
    if (str_is(kind, "IntoClause"))
        return "SELECT INTO";
    if (str_is(kind, "LockingClause"))
        return str_is(ddl__text(body, "strength"), "LCS_FORUPDATE") ? "FOR UPDATE" : "FOR SHARE";
    if (str_is(kind, "FuncCall"))
        return writing_call(ddl__last_name(body, "funcname"));
    return NULL;
}

struct found {
    const char *what;
    int64_t place;
};

static void find_writes(node *n, struct found *f)
{
    for (uint32_t i = 0; n->kind == V_ARRAY && i < n->count; i++)
        find_writes(&n->items[i], f);
    for (uint32_t i = 0; n->kind == V_OBJECT && i < n->count; i++) {
        node *v = &n->fields[i].value;
        const char *what = f->what ? NULL : writing_node(n->fields[i].name, v);
        if (!f->what && str_is(n->fields[i].name, "intoClause"))
            what = "SELECT INTO";
        if (what)
            *f = (struct found){what, ddl__num(v, "location", -1)};
        find_writes(v, f);
    }
}

/* Parameters that are a LIMIT or an OFFSET: never negative. */
static void find_bounds(struct ddl__tr *t, node *n)
{
    static const char *const members[] = {"limitCount", "limitOffset"};
    for (uint32_t i = 0; n->kind == V_ARRAY && i < n->count; i++)
        find_bounds(t, &n->items[i]);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        int64_t number = ddl__num(ddl__as(ddl__get(n, members[i]), "ParamRef"), "number", 0);
        if (number > 0 && (size_t)number <= t->query->param_count)
            t->answer->bounds[number - 1] = true;
    }
    for (uint32_t i = 0; n->kind == V_OBJECT && i < n->count; i++)
        find_bounds(t, &n->fields[i].value);
}

/* How many rows there can be, as the outermost LIMIT says. */
static void find_most(struct ddl__tr *t, node *select)
{
    node *limit = ddl__get(select, "limitCount"), *constant = ddl__as(limit, "A_Const");
    struct ddl_query *q = t->answer;
    int64_t n = 0, number = ddl__num(ddl__as(limit, "ParamRef"), "number", 0);
    if (!select)
        return;
    q->unlimited = !limit && !ddl__get(select, "limitOffset") && !ddl__get(select, "lockingClause");
    q->most_param = number > 0 && (size_t)number <= t->query->param_count ? (size_t)number : 0;
    if (ddl__int_const(t, constant, &n) && n > 0 && n < UINT32_MAX)
        q->most = (uint32_t)n;
}

static int check_kind(struct ddl__tr *t, node *stmt)
{
    static const char *const kinds[] = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (ddl__is(stmt, kinds[i]))
            return 0;
    str kind = ddl__kind(stmt);
    if (str_ends(kind, LIT("Stmt")))
        kind = str_upto(kind, kind.len - 4);
    return ddl__refuse(t, -1,
                       "a query is one SELECT, INSERT, UPDATE or DELETE, not %.*s; what changes "
                       "tables is a migration",
                       STR_ARG(str_upto(kind, 60)));
}

static int check_writes(struct ddl__tr *t, node *stmt)
{
    struct found f = {NULL, -1};
    find_writes(stmt, &f);
    t->answer->writes = f.what != NULL;
    if (!f.what || !t->query->only_reads)
        return 0;
    return ddl__refuse(
        t, f.place, "%s in a query that is read with GET; add the line '-- method: POST'", f.what);
}

/* ---- the answer's columns ---- */

static str type_text(struct ddl__tr *t, const struct ddl__type *type)
{
    static const char *const names[] = {
        [CLASS_OTHER] = "",
        [CLASS_BOOL] = "boolean",
        [CLASS_INT] = "bigint",
        [CLASS_FLOAT] = "double precision",
        [CLASS_NUMERIC] = "numeric",
        [CLASS_DECIMAL] = "numeric",
        [CLASS_TEXT] = "text",
        [CLASS_UUID] = "uuid",
        [CLASS_DATE] = "date",
        [CLASS_TIME] = "time",
        [CLASS_TIMESTAMP] = "timestamptz",
        [CLASS_JSON] = "jsonb",
        [CLASS_ARRAY] = "array",
        [CLASS_BYTES] = "bytea",
        [CLASS_ENUM] = "text",
    };
    bool number = type->class == CLASS_NUMERIC || type->class == CLASS_DECIMAL;
    if (number && type->scale >= 0)
        return arena_printf(t->a, "numeric(%d,%d)", type->precision ? type->precision : 1000,
                            type->scale);
    return str_of(names[type->class]);
}

static int tell_columns(struct ddl__tr *t, node *stmt)
{
    struct ddl__fields fields = {0};
    struct ddl_query *q = t->answer;
    ddl__fields_of_stmt(t, stmt, &fields);
    TRY(t->failed);
    q->rows = ddl__is(stmt, "SelectStmt") || ddl__count(ddl__body(stmt), "returningList");
    q->open = fields.open;
    q->columns = ARENA_ARRAY(t->a, struct ddl_field, fields.count);
    q->column_count = fields.count;
    for (size_t i = 0; i < fields.count; i++)
        q->columns[i] = (struct ddl_field){.name = fields.list[i].name,
                                           .type = type_text(t, &fields.list[i].type)};
    return 0;
}

/* ---- SQLite ---- */

/* The tables as the translation of writes knows them. */
static void fill_catalog(struct ddl__tr *t)
{
    for (size_t i = 0; i < t->query->relation_count; i++) {
        const struct ddl_relation *r = &t->query->relations[i];
        struct ddl_object o = {.kind = DDL_TABLE, .name = r->name};
        buf_lit(&t->b, "CREATE TABLE ");
        ddl__ident(t, r->name);
        for (size_t k = 0; k < r->count; k++) {
            buf_str(&t->b, k ? LIT(", ") : LIT(" ("));
            ddl__ident(t, r->fields[k].name);
            str decl = ddl__decl_of_name(t, &r->fields[k]);
            buf_printf(&t->b, " %.*s", STR_ARG(decl));
        }
        buf_char(&t->b, ')');
        o.text = ddl__cut(t, 0);
        ddl_catalog_put(t->cat, &o);
    }
}

static int sqlite_text(struct ddl__tr *t, node *stmt)
{
    fill_catalog(t);
    TRY(ddl__dml(t, stmt));
    TRY(t->failed);
    if (t->b.full)
        return ddl__refuse(t, -1, "the query is too large when translated");
    t->answer->text = ddl__cut(t, 0);
    return 0;
}

/* ---- all of it ---- */

static int one_statement(struct ddl__tr *t, node *tree, node **out)
{
    size_t count = ddl__count(tree, "stmts");
    node *item = ddl__item(tree, "stmts", count > 1 ? 1 : 0);
    t->at = (int64_t)ddl__skip_blank(t->source->text, (size_t)ddl__num(item, "stmt_location", 0));
    if (count > 1)
        return ddl__refuse(t, -1,
                           "a query is one statement; begin another one with '-- name: ...', or "
                           "put several changes into a WITH or a batch");
    if (!count)
        return ddl__refuse(t, 0, "the query has no SQL");
    *out = ddl__get(item, "stmt");
    return check_kind(t, *out);
}

static int run(struct ddl__tr *t, struct ddl_source *with_places)
{
    struct places p = {0};
    struct value *tree = ARENA_NEW(t->a, struct value);
    const struct ddl_source *written = t->source;
    node *stmt = NULL;
    if (t->source->text.len > DDL__SOURCE_MOST ||
        memchr(t->source->text.ptr, 0, t->source->text.len))
        return ddl__refuse(t, 0, "the query is no text, or too long");
    TRY(find_places(t, &p));
    with_places->text = padded(t, &p);
    t->source = with_places;
    TRY(ddl__parse(t, tree));
    TRY(one_statement(t, tree, &stmt));
    TRY(check_writes(t, stmt));
    TRY(ddl__ruled(t, stmt));
    find_bounds(t, stmt);
    find_most(t, ddl__as(stmt, "SelectStmt"));
    TRY(tell_columns(t, stmt));
    if (t->query->sqlite)
        return sqlite_text(t, stmt);
    t->source = written;
    postgres_text(t, &p);
    return 0;
}

int ddl_query(struct arena *a, const struct ddl_query_source *in, struct ddl_query *out,
              struct err *err)
{
    struct ddl_catalog cat;
    struct ddl_script script = {0};
    struct ddl_source source = in->source;
    *out = (struct ddl_query){0};
    out->used = ARENA_ARRAY(a, bool, in->param_count);
    out->bounds = ARENA_ARRAY(a, bool, in->param_count);
    ddl_catalog_init(&cat, a);
    struct ddl__tr t = {.a = a,
                        .source = &in->source,
                        .cat = &cat,
                        .out = &script,
                        .err = err,
                        .query = in,
                        .answer = out,
                        .what = LIT("")};
    buf_init(&t.b, DDL__OUT_MOST);
    int code = run(&t, &source);
    buf_fini(&t.b);
    return code;
}
