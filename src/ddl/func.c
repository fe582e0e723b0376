/* func.c -- calls and casts: what has the same meaning in SQLite, and no more. SPDX: Apache-2.0 */
#include "ddl/ddl_priv.h"

/* form: how the arguments %1 %2 %3 go into SQLite's text; NULL: name(args). */
static const struct func {
    const char *name;
    unsigned min, max;
    const char *form, *as;
} funcs[] = {
    {"now", 0, 0, "(strftime('%%Y-%%m-%%dT%%H:%%M:%%f000Z','now'))", NULL},
    {"transaction_timestamp", 0, 0, "(strftime('%%Y-%%m-%%dT%%H:%%M:%%f000Z','now'))", NULL},
    {"statement_timestamp", 0, 0, "(strftime('%%Y-%%m-%%dT%%H:%%M:%%f000Z','now'))", NULL},
    {"clock_timestamp", 0, 0, "(strftime('%%Y-%%m-%%dT%%H:%%M:%%f000Z','now'))", NULL},
    {"random", 0, 0, "((random() & 9007199254740991) / 9007199254740992.0)", NULL},
    {"lower", 1, 1, NULL, "lower"},
    {"upper", 1, 1, NULL, "upper"},
    {"length", 1, 1, NULL, "length"},
    {"char_length", 1, 1, NULL, "length"},
    {"character_length", 1, 1, NULL, "length"},
    {"octet_length", 1, 1, "length(CAST(%1 AS BLOB))", NULL},
    {"abs", 1, 1, NULL, "abs"},
    {"round", 1, 2, NULL, "round"},
    {"ceil", 1, 1, NULL, "ceil"},
    {"ceiling", 1, 1, NULL, "ceil"},
    {"floor", 1, 1, NULL, "floor"},
    {"sqrt", 1, 1, NULL, "sqrt"},
    {"power", 2, 2, NULL, "pow"},
    {"pow", 2, 2, NULL, "pow"},
    {"mod", 2, 2, "((%1) % (%2))", NULL},
    {"sign", 1, 1, NULL, "sign"},
    {"replace", 3, 3, NULL, "replace"},
    {"substr", 2, 3, NULL, "substr"},
    {"substring", 2, 3, NULL, "substr"},
    {"left", 2, 2, "substr(%1, 1, %2)", NULL},
    {"right", 2, 2, "substr(%1, -(%2), %2)", NULL},
    {"repeat", 2, 2, "replace(hex(zeroblob(%2)), '00', %1)", NULL},
    {"lpad", 3, 3,
     "(substr(replace(hex(zeroblob(%2)), '00', %3), 1, max(0, %2 - length(%1))) || substr(%1, 1, "
     "%2))",
     NULL},
    {"rpad", 3, 3, "substr(%1 || replace(hex(zeroblob(%2)), '00', %3), 1, %2)", NULL},
    {"starts_with", 2, 2, "(substr(%1, 1, length(%2)) = %2)", NULL},
    {"ascii", 1, 1, NULL, "unicode"},
    {"chr", 1, 1, NULL, "char"},
    {"trunc", 1, 1, NULL, "trunc"},
    {"exp", 1, 1, NULL, "exp"},
    {"ln", 1, 1, NULL, "ln"},
    {"pi", 0, 0, NULL, "pi"},
    {"position", 2, 2, "instr(%1, %2)", NULL},
    {"strpos", 2, 2, "instr(%1, %2)", NULL},
    {"trim", 1, 2, NULL, "trim"},
    {"btrim", 1, 2, NULL, "trim"},
    {"ltrim", 1, 2, NULL, "ltrim"},
    {"rtrim", 1, 2, NULL, "rtrim"},
    {"count", 0, 1, NULL, "count"},
    {"sum", 1, 1, NULL, "sum"},
    {"avg", 1, 1, NULL, "avg"},
    {"min", 1, 1, NULL, "min"},
    {"max", 1, 1, NULL, "max"},
    {"bool_and", 1, 1, NULL, "min"},
    {"bool_or", 1, 1, NULL, "max"},
    {"every", 1, 1, NULL, "min"},
    {"string_agg", 2, 2, NULL, "group_concat"},
    {"array_agg", 1, 1, NULL, "json_group_array"},
    {"json_agg", 1, 1, NULL, "json_group_array"},
    {"jsonb_agg", 1, 1, NULL, "json_group_array"},
    {"json_object_agg", 2, 2, NULL, "json_group_object"},
    {"jsonb_object_agg", 2, 2, NULL, "json_group_object"},
    {"json_build_object", 0, 100, NULL, "json_object"},
    {"jsonb_build_object", 0, 100, NULL, "json_object"},
    {"json_build_array", 0, 100, NULL, "json_array"},
    {"jsonb_build_array", 0, 100, NULL, "json_array"},
    {"json_array_length", 1, 1, NULL, "json_array_length"},
    {"jsonb_array_length", 1, 1, NULL, "json_array_length"},
    {"row_number", 0, 0, NULL, "row_number"},
    {"rank", 0, 0, NULL, "rank"},
    {"dense_rank", 0, 0, NULL, "dense_rank"},
    {"ntile", 1, 1, NULL, "ntile"},
    {"lag", 1, 3, NULL, "lag"},
    {"lead", 1, 3, NULL, "lead"},
    {"first_value", 1, 1, NULL, "first_value"},
    {"last_value", 1, 1, NULL, "last_value"},
    {"nth_value", 2, 2, NULL, "nth_value"},
    {"percent_rank", 0, 0, NULL, "percent_rank"},
    {"cume_dist", 0, 0, NULL, "cume_dist"},
};

static const struct {
    const char *name, *hint;
} missing[] = {
    {"nextval", "declare the column SERIAL or GENERATED ALWAYS AS IDENTITY instead"},
    {"currval", "use RETURNING"},
    {"lastval", "use RETURNING"},
    {"setval", "ids go on from the greatest one by themselves"},
    {"md5", "compute it in the application"},
    {"digest", "compute it in the application"},
    {"crypt", "passwords are hashed by the server, not by the database"},
    {"gen_salt", "passwords are hashed by the server, not by the database"},
    {"to_tsvector", "full-text search is not part of a table in SQLite"},
    {"regexp_replace", "regular expressions are not in SQLite; use replace()"},
    {"generate_series", "use it in FROM, or WITH RECURSIVE"},
};

static int refuse_call(struct ddl__tr *t, node *n, str name)
{
    for (size_t i = 0; i < COUNT_OF(missing); i++)
        if (str_is(name, missing[i].name))
            return ddl__refuse(t, ddl__place(n), "function %s(): %s", missing[i].name,
                               missing[i].hint);
    return ddl__refuse(t, ddl__place(n),
                       "function %.*s(): SQLite has none with the same meaning, "
                       "or not with these arguments",
                       STR_ARG(str_upto(name, 80)));
}

/* %1 .. %9 are arguments, %% and any other % stand for themselves. */
static int filled(struct ddl__tr *t, node *body, const char *form)
{
    for (const char *p = form; *p; p++) {
        if (*p == '%' && p[1] >= '1' && p[1] <= '9') {
            TRY(ddl__expr(t, ddl__item(body, "args", (size_t)(*++p - '1'))));
        } else {
            p += *p == '%' && p[1] == '%';
            buf_char(&t->b, *p);
        }
    }
    return 0;
}

/* ---- windows ---- */

/* One end of a frame: `bits` in the order UNBOUNDED, CURRENT ROW, an offset back, one forth. */
static int frame_end(struct ddl__tr *t, int64_t options, const int64_t bits[4], node *offset)
{
    if (options & bits[1])
        buf_lit(&t->b, "CURRENT ROW");
    else if (!(options & (bits[2] | bits[3])))
        buf_str(&t->b, options & bits[0] ? LIT("UNBOUNDED PRECEDING") : LIT("UNBOUNDED FOLLOWING"));
    else
        TRY(ddl__operand(t, offset));
    if (options & bits[2])
        buf_lit(&t->b, " PRECEDING");
    if (options & bits[3])
        buf_lit(&t->b, " FOLLOWING");
    return 0;
}

/* The bits are FRAMEOPTION_ of PostgreSQL's parsenodes.h. */
static int frame(struct ddl__tr *t, node *n, int64_t options)
{
    enum { NONDEFAULT = 1, ROWS = 4, GROUPS = 8 };
    static const int64_t starts[] = {0x20, 0x200, 0x800, 0x2000},
                         ends[] = {0, 0x400, 0x1000, 0x4000};
    static const char *const excludes[] = {" EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                           " EXCLUDE TIES"};
    if (!(options & NONDEFAULT))
        return 0;
    buf_printf(&t->b, " %s BETWEEN ",
               options & ROWS     ? "ROWS"
               : options & GROUPS ? "GROUPS"
                                  : "RANGE");
    TRY(frame_end(t, options, starts, ddl__get(n, "startOffset")));
    buf_lit(&t->b, " AND ");
    TRY(frame_end(t, options, ends, ddl__get(n, "endOffset")));
    for (int i = 0; i < 3; i++)
        if (options & (0x8000 << i))
            buf_str(&t->b, str_of(excludes[i]));
    return 0;
}

/* What stands between the parentheses of OVER or WINDOW. */
int ddl__window(struct ddl__tr *t, node *window)
{
    size_t mark = t->b.len;
    str base = ddl__text(window, "refname");
    if (base.len)
        ddl__ident(t, base);
    if (ddl__count(window, "partitionClause")) {
        buf_lit(&t->b, "PARTITION BY ");
        TRY(ddl__expr_list(t, window, "partitionClause"));
    }
    for (size_t i = 0; i < ddl__count(window, "orderClause"); i++) {
        if (i == 0 && t->b.len > mark)
            buf_char(&t->b, ' ');
        buf_str(&t->b, i ? LIT(", ") : LIT("ORDER BY "));
        TRY(ddl__sort(t, ddl__item(window, "orderClause", i)));
    }
    return frame(t, window, ddl__num(window, "frameOptions", 0));
}

static int over(struct ddl__tr *t, node *window)
{
    if (ddl__text(window, "name").len) {
        buf_lit(&t->b, " OVER ");
        ddl__ident(t, ddl__text(window, "name"));
        return 0;
    }
    buf_lit(&t->b, " OVER (");
    TRY(ddl__window(t, window));
    buf_char(&t->b, ')');
    return 0;
}

/* ---- calls of a form of their own ---- */

static int concat(struct ddl__tr *t, node *body)
{
    for (size_t i = 0; i < ddl__count(body, "args"); i++) {
        buf_str(&t->b, i ? LIT(" || coalesce(") : LIT("(coalesce("));
        TRY(ddl__expr(t, ddl__item(body, "args", i)));
        buf_lit(&t->b, ", '')");
    }
    buf_str(&t->b, ddl__count(body, "args") ? LIT(")") : LIT("''"));
    return 0;
}

/* NULLs and their separators are left out. */
static int concat_ws(struct ddl__tr *t, node *body)
{
    size_t mark = t->b.len;
    TRY(ddl__operand(t, ddl__item(body, "args", 0)));
    str separator = ddl__cut(t, mark);
    buf_lit(&t->b, "substr(");
    for (size_t i = 1; i < ddl__count(body, "args"); i++) {
        buf_printf(&t->b, "%scoalesce(%s || ", i > 1 ? " || " : "", separator.ptr);
        TRY(ddl__operand(t, ddl__item(body, "args", i)));
        buf_lit(&t->b, ", '')");
    }
    buf_printf(&t->b, ", 1 + length(%s))", separator.ptr);
    return 0;
}

static const struct func *func_of(str name, size_t args)
{
    for (size_t i = 0; i < COUNT_OF(funcs); i++)
        if (str_is(name, funcs[i].name) && args >= funcs[i].min && args <= funcs[i].max)
            return &funcs[i];
    return NULL;
}

static int plain_call(struct ddl__tr *t, node *body, const struct func *f)
{
    if (f->form)
        return filled(t, body, f->form);
    buf_printf(&t->b, "%s(", f->as);
    if (ddl__flag(body, "agg_distinct"))
        buf_lit(&t->b, "DISTINCT ");
    if (ddl__flag(body, "agg_star"))
        buf_char(&t->b, '*');
    TRY(ddl__expr_list(t, body, "args"));
    buf_char(&t->b, ')');
    return 0;
}

static int special_call(struct ddl__tr *t, node *n, str name, bool *done)
{
    node *body = ddl__body(n);
    *done = true;
    if (str_is(name, "gen_random_uuid") || str_is(name, "uuid_generate_v4")) {
        buf_str(&t->b, str_of(ddl__uuid4));
        return 0;
    }
    if (str_is(name, "concat"))
        return concat(t, body);
    if (str_is(name, "concat_ws"))
        return concat_ws(t, body);
    return ddl__time_call(t, n, name, done);
}

int ddl__call(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *filter = ddl__get(body, "agg_filter");
    node *window = ddl__get(body, "over");
    str name = ddl__last_name(body, "funcname");
    bool done;
    TRY(special_call(t, n, name, &done));
    if (done)
        return 0;
    const struct func *f = func_of(name, ddl__count(body, "args"));
    if (!f || ddl__count(body, "agg_order") || ddl__flag(body, "agg_within_group") ||
        ddl__flag(body, "func_variadic"))
        return refuse_call(t, n, name);
    if (ddl__flag(body, "agg_distinct") && ddl__count(body, "args") != 1)
        return ddl__refuse(t, ddl__place(n), "DISTINCT in a call of two arguments");
    TRY(plain_call(t, body, f));
    if (filter) {
        buf_lit(&t->b, " FILTER (WHERE ");
        TRY(ddl__expr(t, filter));
        buf_char(&t->b, ')');
    }
    return window ? over(t, window) : 0;
}

/* ---- casts ---- */

static int wrapped(struct ddl__tr *t, node *arg, const char *before, const char *after)
{
    buf_str(&t->b, str_of(before));
    TRY(ddl__expr(t, arg));
    buf_str(&t->b, str_of(after));
    return 0;
}

static bool has_fraction(struct ddl__tr *t, node *arg)
{
    struct ddl__type type = ddl__infer(t, arg);
    return type.class == CLASS_FLOAT || type.class == CLASS_DECIMAL ||
           (type.class == CLASS_NUMERIC && type.scale != 0);
}

static int cast_to(struct ddl__tr *t, node *n, node *arg, const struct ddl__type *type)
{
    switch (type->class) {
    case CLASS_INT: /* PostgreSQL rounds a fraction, SQLite cuts it */
        if (has_fraction(t, arg))
            return wrapped(t, arg, "CAST(round(", ") AS INTEGER)");
        return wrapped(t, arg, "CAST(", " AS INTEGER)");
    case CLASS_BOOL:
        return wrapped(t, arg, "((", ") <> 0)");
    case CLASS_FLOAT:
        return wrapped(t, arg, "CAST(", " AS REAL)");
    case CLASS_NUMERIC:
        if (t->query && type->scale >= 0) {
            TRY(wrapped(t, arg, "round(", ", "));
            buf_printf(&t->b, "%d)", type->scale);
            return 0;
        }
        return wrapped(t, arg, "CAST(", " AS NUMERIC)");
    case CLASS_DATE:
        return wrapped(t, arg, "date(", ")");
    case CLASS_TIME:
        return wrapped(t, arg, "strftime('%H:%M:%f000', ", ")");
    case CLASS_TIMESTAMP:
        return wrapped(t, arg, "strftime('%Y-%m-%dT%H:%M:%f000Z', ", ")");
    case CLASS_JSON:
        return wrapped(t, arg, "json(", ")");
    case CLASS_UUID:
        return wrapped(t, arg, "lower(", ")");
    case CLASS_ENUM:
        return ddl__operand(t, arg);
    case CLASS_DECIMAL:
        if (t->query) /* computed with, not stored */
            return wrapped(t, arg, "CAST(", " AS NUMERIC)");
        return wrapped(t, arg, "CAST(", " AS TEXT)");
    case CLASS_TEXT:
        return wrapped(t, arg, "CAST(", " AS TEXT)");
    case CLASS_ARRAY:
        if (ddl__is(arg, "A_ArrayExpr") || ddl__is(arg, "ParamRef"))
            return ddl__expr(t, arg);
        break;
    case CLASS_BYTES:
    case CLASS_OTHER:
        break;
    }
    return ddl__refuse(t, ddl__place(n), "a cast to %.*s of something that is not a constant",
                       STR_ARG(type->decl));
}

int ddl__cast(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *arg = ddl__get(body, "arg");
    node *constant = ddl__as(arg, "A_Const"), *s = ddl__get(constant, "sval");
    struct ddl__type type;
    TRY(ddl__type(t, ddl__get(body, "typeName"), &type));
    if (s)
        return ddl__literal(t, ddl__text(s, "sval"), &type, ddl__place(arg));
    if (constant && (ddl__flag(constant, "isnull") || ddl__get(constant, "boolval")))
        return ddl__expr(t, arg);
    return cast_to(t, n, arg, &type);
}

int ddl__cast_column(struct ddl__tr *t, str name, const struct ddl__type *type)
{
    struct value s = value_text(name), fields;
    struct member sval = {LIT("sval"), s}, string = {LIT("String"), {0}}, list, ref;
    string.value = (struct value){.kind = V_OBJECT, .count = 1, .fields = &sval};
    struct value item = {.kind = V_OBJECT, .count = 1, .fields = &string};
    fields = (struct value){.kind = V_ARRAY, .count = 1, .items = &item};
    list = (struct member){LIT("fields"), fields};
    ref = (struct member){LIT("ColumnRef"), {.kind = V_OBJECT, .count = 1, .fields = &list}};
    struct value column = {.kind = V_OBJECT, .count = 1, .fields = &ref};
    if (type->class == CLASS_DECIMAL && type->scale >= 0) {
        buf_printf(&t->b, "printf('%%.%df', ", type->scale);
        TRY(ddl__expr(t, &column));
        buf_char(&t->b, ')');
        return 0;
    }
    return cast_to(t, &column, &column, type);
}
