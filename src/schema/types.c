/* types.c -- a declared type to a type of the model. SPDX: Apache-2.0
 * The migrations declare PostgreSQL's names (src/ddl/type.c); a database made by hand has what
 * people write for SQLite. A name that is not known is no failure: it is taken as SQLite's rules
 * of affinity would, at worst as text. */
#include "schema/schema_priv.h"

static const char *const names[TYPE__COUNT] = {
    [TYPE_BOOL] = "boolean",    [TYPE_INT2] = "smallint", [TYPE_INT4] = "integer",
    [TYPE_INT8] = "bigint",     [TYPE_FLOAT4] = "real",   [TYPE_FLOAT8] = "double precision",
    [TYPE_NUMERIC] = "numeric", [TYPE_TEXT] = "text",     [TYPE_UUID] = "uuid",
    [TYPE_DATE] = "date",       [TYPE_TIME] = "time",     [TYPE_TIMESTAMP] = "timestamp",
    [TYPE_JSON] = "json",       [TYPE_BYTES] = "bytea",   [TYPE_ENUM] = "enum",
};

const char *type_name(enum type t)
{
    return names[t];
}

/* With one blank between words and without what stands in parentheses. */
static const struct {
    const char *declared;
    enum type type;
} known[] = {
    {"boolean", TYPE_BOOL},
    {"bool", TYPE_BOOL},
    {"smallint", TYPE_INT2},
    {"int2", TYPE_INT2},
    {"tinyint", TYPE_INT2},
    {"integer", TYPE_INT4},
    {"int", TYPE_INT4},
    {"int4", TYPE_INT4},
    {"mediumint", TYPE_INT4},
    {"bigint", TYPE_INT8},
    {"int8", TYPE_INT8},
    {"unsigned big int", TYPE_INT8},
    {"real", TYPE_FLOAT4},
    {"float4", TYPE_FLOAT4},
    {"double precision", TYPE_FLOAT8},
    {"double", TYPE_FLOAT8},
    {"float", TYPE_FLOAT8},
    {"float8", TYPE_FLOAT8},
    {"numeric", TYPE_NUMERIC},
    {"decimal", TYPE_NUMERIC},
    {"dec", TYPE_NUMERIC},
    {"number", TYPE_NUMERIC},
    {"decimal_text", TYPE_NUMERIC},
    {"text", TYPE_TEXT},
    {"varchar", TYPE_TEXT},
    {"character varying", TYPE_TEXT},
    {"varying character", TYPE_TEXT},
    {"char", TYPE_TEXT},
    {"character", TYPE_TEXT},
    {"bpchar", TYPE_TEXT},
    {"nchar", TYPE_TEXT},
    {"nvarchar", TYPE_TEXT},
    {"native character", TYPE_TEXT},
    {"clob", TYPE_TEXT},
    {"uuid", TYPE_UUID},
    {"date", TYPE_DATE},
    {"time", TYPE_TIME},
    {"time without time zone", TYPE_TIME},
    {"timestamp", TYPE_TIMESTAMP},
    {"timestamptz", TYPE_TIMESTAMP},
    {"timestamp with time zone", TYPE_TIMESTAMP},
    {"timestamp without time zone", TYPE_TIMESTAMP},
    {"datetime", TYPE_TIMESTAMP},
    {"json", TYPE_JSON},
    {"jsonb", TYPE_JSON},
    {"json_text", TYPE_JSON},
    {"jsonb_text", TYPE_JSON},
    {"bytea", TYPE_BYTES},
    {"blob", TYPE_BYTES},
    {"binary", TYPE_BYTES},
    {"varbinary", TYPE_BYTES},
    {"enum_text", TYPE_ENUM},
};

struct declared {
    str name; /* lower case */
    int args[2];
    int arg_count;
};

static bool holds(str name, const char *part)
{
    str want = str_of(part);
    for (; name.len >= want.len; name = str_from(name, 1)) {
        if (str_starts(name, want))
            return true;
    }
    return false;
}

/* SQLite's rules of affinity (datatype3.html, 3.1), in their order. */
static enum type by_affinity(str name)
{
    if (holds(name, "int"))
        return TYPE_INT8;
    if (holds(name, "char") || holds(name, "clob") || holds(name, "text"))
        return TYPE_TEXT;
    if (holds(name, "blob"))
        return TYPE_BYTES;
    if (holds(name, "real") || holds(name, "floa") || holds(name, "doub"))
        return TYPE_FLOAT8;
    return TYPE_TEXT;
}

/* The numbers in parentheses; what is no small number counts as absent. */
static void args_read(str text, struct declared *out)
{
    while (text.ptr && out->arg_count < 2) {
        int64_t n;
        if (!str_to_i64(str_trim(str_cut(&text, ',')), &n) || n < 0 || n > 1000000000)
            return;
        out->args[out->arg_count++] = (int)n;
    }
}

static struct declared declared_read(str text, struct arena *a)
{
    struct declared out = {.name = {NULL, 0}};
    size_t open = str_find(text, '('), close = str_rfind(text, ')');
    char *name = arena_new(a, text.len + 1), *at = name;
    bool gap = false, inside = open != STR_NONE && close != STR_NONE && open < close;
    if (inside)
        args_read(str_upto(str_from(text, open + 1), close - open - 1), &out);
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.ptr[i]);
        if (inside && i >= open && i <= close)
            c = ' ';
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!blank && gap && at > name)
            *at++ = ' ';
        if (!blank)
            *at++ = c;
        gap = blank;
    }
    out.name = str_make(name, (size_t)(at - name));
    return out;
}

void schema__types(struct column *c, str declared, struct arena *a)
{
    if (str_starts(declared, LIT("array of "))) { /* pg_questions.c */
        c->type = TYPE_JSON;
        c->array = arena_str(a, str_from(declared, strlen("array of ")));
        return;
    }
    struct declared d = declared_read(declared, a);
    c->type = by_affinity(d.name);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (str_is(d.name, known[i].declared))
            c->type = known[i].type;
    }
    c->scale = -1;
    c->decimal_text = str_is(d.name, "decimal_text");
    if (c->type == TYPE_TEXT && d.arg_count)
        c->length = d.args[0];
    if (c->type == TYPE_NUMERIC && d.arg_count && d.args[0] > 0) {
        c->precision = d.args[0];
        c->scale = d.arg_count > 1 ? d.args[1] : 0;
    }
}
