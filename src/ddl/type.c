/* type.c -- PostgreSQL's types as SQLite's declared types. SPDX: Apache-2.0
 * The declared type keeps PostgreSQL's name, so that introspection recovers it and SQLite's rules
 * of affinity still do the right thing: no name below holds "INT", "CHAR", "BLOB" or "REAL" by
 * accident (which is why an interval is refused: INTERVAL would be an integer). */
#include "ddl/ddl_priv.h"

static const struct type_row {
    const char *pg, *decl;
    enum ddl__class class;
} types[] = {
    {"bool", "BOOLEAN", CLASS_BOOL},
    {"boolean", "BOOLEAN", CLASS_BOOL},
    {"int2", "SMALLINT", CLASS_INT},
    {"smallint", "SMALLINT", CLASS_INT},
    {"int4", "INTEGER", CLASS_INT},
    {"int", "INTEGER", CLASS_INT},
    {"integer", "INTEGER", CLASS_INT},
    {"int8", "BIGINT", CLASS_INT},
    {"bigint", "BIGINT", CLASS_INT},
    {"float4", "REAL", CLASS_FLOAT},
    {"real", "REAL", CLASS_FLOAT},
    {"float8", "DOUBLE PRECISION", CLASS_FLOAT},
    {"double precision", "DOUBLE PRECISION", CLASS_FLOAT},
    {"numeric", "NUMERIC", CLASS_NUMERIC},
    {"text", "TEXT", CLASS_TEXT},
    {"varchar", "VARCHAR", CLASS_TEXT},
    {"bpchar", "CHAR", CLASS_TEXT},
    {"char", "CHAR", CLASS_TEXT},
    {"citext", "TEXT", CLASS_TEXT},
    {"inet", "TEXT", CLASS_TEXT},
    {"cidr", "TEXT", CLASS_TEXT},
    {"macaddr", "TEXT", CLASS_TEXT},
    {"uuid", "UUID", CLASS_UUID},
    {"date", "DATE", CLASS_DATE},
    {"time", "TIME", CLASS_TIME},
    {"timestamp", "TIMESTAMP", CLASS_TIMESTAMP},
    {"timestamptz", "TIMESTAMPTZ", CLASS_TIMESTAMP},
    {"json", "JSON_TEXT", CLASS_JSON},
    {"jsonb", "JSONB_TEXT", CLASS_JSON},
    {"bytea", "BYTEA", CLASS_BYTES},
    {"serial", "INTEGER", CLASS_INT},
    {"serial4", "INTEGER", CLASS_INT},
    {"bigserial", "INTEGER", CLASS_INT},
    {"serial8", "INTEGER", CLASS_INT},
    {"smallserial", "INTEGER", CLASS_INT},
    {"serial2", "INTEGER", CLASS_INT},
};

/* What people write instead, and what PostgreSQL has that SQLite has not. */
static const struct {
    const char *name, *hint;
} hints[] = {
    {"datetime", "PostgreSQL says TIMESTAMP"},
    {"tinyint", "PostgreSQL says SMALLINT or BOOLEAN"},
    {"mediumint", "PostgreSQL says INTEGER"},
    {"double", "PostgreSQL says DOUBLE PRECISION"},
    {"string", "PostgreSQL says TEXT"},
    {"longtext", "PostgreSQL says TEXT"},
    {"mediumtext", "PostgreSQL says TEXT"},
    {"blob", "PostgreSQL says BYTEA"},
    {"number", "PostgreSQL says NUMERIC"},
    {"interval", "store seconds as INTEGER"},
    {"money", "use NUMERIC(12,2)"},
    {"timetz", "use TIME or TIMESTAMPTZ"},
    {"tsvector", "full-text search is not part of a table in SQLite"},
    {"xml", "use TEXT"},
    {"bit", "use INTEGER or BYTEA"},
    {"varbit", "use BYTEA"},
    {"oid", "use BIGINT"},
    {"point", "use two DOUBLE PRECISION columns"},
    {"hstore", "use JSONB"},
    {"int4range", "use two INTEGER columns"},
    {"tstzrange", "use two TIMESTAMPTZ columns"},
    {"daterange", "use two DATE columns"},
};

static const struct type_row *row_of(str name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_is(name, types[i].pg))
            return &types[i];
    return NULL;
}

static int unknown_type(struct ddl__tr *t, str name, int64_t place)
{
    const char *names[COUNT_OF(types)];
    for (size_t i = 0; i < COUNT_OF(hints); i++)
        if (str_is(name, hints[i].name))
            return ddl__refuse(t, place, "type '%s' cannot be used here; %s", hints[i].name,
                               hints[i].hint);
    for (size_t i = 0; i < COUNT_OF(types); i++)
        names[i] = types[i].pg;
    const char *near = str_nearest(name, names, COUNT_OF(types));
    return ddl__refuse(t, place, "type '%.*s' is not known; %s%s", STR_ARG(str_upto(name, 80)),
                       near ? "did you mean " : "an enum has to be made by CREATE TYPE before",
                       near ? near : "");
}

static int numeric_type(struct ddl__tr *t, node *type_name, struct ddl__type *out)
{
    int64_t precision = 0, scale = 0, place = ddl__num(type_name, "location", -1);
    size_t mods = ddl__count(type_name, "typmods");
    if (mods > 0 &&
        (!ddl__int_const(t, ddl__as(ddl__item(type_name, "typmods", 0), "A_Const"), &precision) ||
         precision < 1 || precision > 1000))
        return ddl__refuse(t, place, "the precision of a numeric is between 1 and 1000");
    if (mods > 1 &&
        (!ddl__int_const(t, ddl__as(ddl__item(type_name, "typmods", 1), "A_Const"), &scale) ||
         scale < 0 || scale > precision))
        return ddl__refuse(t, place, "the scale of a numeric is between 0 and its precision");
    out->precision = (int)precision;
    out->scale = mods ? (int)scale : -1;
    if (mods && precision <= 15) {
        out->decl = arena_printf(t->a, "NUMERIC(%d,%d)", (int)precision, (int)scale);
        return 0;
    }
    out->class = CLASS_DECIMAL;
    out->decl = mods ? arena_printf(t->a, "DECIMAL_TEXT(%d,%d)", (int)precision, (int)scale)
                     : LIT("DECIMAL_TEXT");
    return 0;
}

static int sized_type(struct ddl__tr *t, node *type_name, struct ddl__type *out)
{
    int64_t n = 0;
    if (!ddl__count(type_name, "typmods"))
        return 0;
    node *mod = ddl__as(ddl__item(type_name, "typmods", 0), "A_Const");
    if (!ddl__int_const(t, mod, &n) || n < 1 || n > 10485760)
        return ddl__refuse(t, ddl__num(type_name, "location", -1),
                           "a length is between 1 and 10485760");
    out->decl = arena_printf(t->a, "%.*s(%d)", STR_ARG(out->decl), (int)n);
    return 0;
}

static int array_type(struct ddl__type *out)
{
    out->element = out->class;
    out->class = CLASS_ARRAY;
    out->decl = LIT("JSON_TEXT");
    out->nocase = false;
    return 0;
}

int ddl__type(struct ddl__tr *t, node *type_name, struct ddl__type *out)
{
    int64_t place = ddl__num(type_name, "location", -1);
    str name = ddl__last_name(type_name, "names");
    const struct ddl_object *labels = ddl_catalog_get(t->cat, DDL_ENUM, name);
    const struct type_row *row = labels ? NULL : row_of(name);
    *out = (struct ddl__type){.scale = -1};
    if (ddl__flag(type_name, "setof") || ddl__flag(type_name, "pct_type"))
        return ddl__refuse(t, place, "SETOF and %%TYPE name no type of a column");
    if (labels) {
        *out = (struct ddl__type){
            .decl = LIT("ENUM_TEXT"), .class = CLASS_ENUM, .labels = labels, .scale = -1};
    } else if (row) {
        out->decl = str_of(row->decl);
        out->class = row->class;
        out->serial = str_find(name, 's') != STR_NONE && str_ends(name, LIT("serial"));
        out->serial |= str_starts(name, LIT("serial"));
        out->nocase = str_is(name, "citext");
    } else {
        return unknown_type(t, name, place);
    }
    if (out->class == CLASS_NUMERIC)
        TRY(numeric_type(t, type_name, out));
    else if (out->class == CLASS_TEXT)
        TRY(sized_type(t, type_name, out));
    return ddl__count(type_name, "arrayBounds") ? array_type(out) : 0;
}

/* `(precision)` or `(precision,scale)`: how many of them there are. */
static int sizes_of(str s, struct ddl__type *out)
{
    int *to[] = {&out->precision, &out->scale}, count = 0;
    s = str_upto(s, str_find(s, ')'));
    for (str rest = str_from(s, 1); rest.ptr && count < 2; count++) {
        int64_t n;
        if (!str_to_i64(str_trim(str_cut(&rest, ',')), &n) || n < INT16_MIN || n > INT16_MAX)
            break;
        *to[count] = (int)n;
    }
    return count;
}

struct ddl__type ddl__type_of_decl(str decl)
{
    struct ddl__type out = {.decl = decl, .scale = -1};
    size_t paren = str_find(decl, '(');
    str base = str_trim(str_upto(decl, paren));
    if (str_eqi(base, LIT("DECIMAL_TEXT"))) {
        out.class = CLASS_DECIMAL;
        if (paren != STR_NONE)
            sizes_of(str_from(decl, paren), &out);
        return out;
    }
    if (str_eqi(base, LIT("ENUM_TEXT")))
        out.class = CLASS_ENUM;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_eqi(base, str_of(types[i].decl)))
            out.class = types[i].class;
    return out;
}

/* ---- of a named query ---- */

static enum ddl__class class_of(str base)
{
    static const struct {
        const char *name;
        enum ddl__class class;
    } more[] = {
        {"decimal", CLASS_NUMERIC},
        {"enum", CLASS_TEXT},
        {"character varying", CLASS_TEXT},
        {"character", CLASS_TEXT},
        {"name", CLASS_TEXT},
        {"timestamp with time zone", CLASS_TIMESTAMP},
        {"timestamp without time zone", CLASS_TIMESTAMP},
        {"time without time zone", CLASS_TIME},
    };
    const struct type_row *row = row_of(base);
    for (size_t i = 0; !row && i < COUNT_OF(more); i++)
        if (str_is(base, more[i].name))
            return more[i].class;
    return row ? row->class : CLASS_OTHER;
}

struct ddl__type ddl__type_of_name(str name)
{
    struct ddl__type out = {.scale = -1};
    bool array = str_ends(name, LIT("[]"));
    if (array)
        name = str_upto(name, name.len - 2);
    size_t paren = str_find(name, '(');
    out.class = class_of(str_trim(str_upto(name, paren)));
    if (out.class == CLASS_NUMERIC && paren != STR_NONE &&
        sizes_of(str_from(name, paren), &out) == 1)
        out.scale = 0;
    if (array) {
        out.element = out.class;
        out.class = CLASS_ARRAY;
    }
    return out;
}

str ddl__decl_of_name(struct ddl__tr *t, const struct ddl_field *f)
{
    size_t paren = str_find(f->type, '(');
    str base = str_trim(str_upto(f->type, paren));
    const struct type_row *row = row_of(base);
    if (f->decimal_text)
        return arena_printf(t->a, "DECIMAL_TEXT%.*s", STR_ARG(str_from(f->type, paren)));
    if (!row || class_of(base) == CLASS_ARRAY)
        return LIT("TEXT");
    if (row->class == CLASS_NUMERIC && paren != STR_NONE)
        return arena_printf(t->a, "NUMERIC%.*s", STR_ARG(str_from(f->type, paren)));
    return str_of(row->decl);
}
