/* infer.c -- the types of expressions in a named query, as PostgreSQL would tell them.
 * SPDX: Apache-2.0
 * For two ends: an answer is written by the types of its columns, which SQLite does not tell for
 * expressions; and where the two engines store or compute a type in different ways, the translation
 * must know which it is. What cannot be told is CLASS_OTHER: shown by its value, translated as it
 * stands. */
#include "ddl/ddl_priv.h"

typedef struct ddl__type type_of;

static type_of plain(enum ddl__class class)
{
    return (type_of){.class = class, .scale = -1};
}

static bool numeric(type_of t)
{
    return t.class == CLASS_NUMERIC || t.class == CLASS_DECIMAL;
}

/* Digits behind the point; -1: any number. */
static int scale_of(type_of t)
{
    return t.class == CLASS_INT ? 0 : numeric(t) ? t.scale : -1;
}

static type_of with_scale(int scale)
{
    return (type_of){.class = CLASS_NUMERIC, .scale = scale};
}

/* ---- constants, casts ---- */

static type_of constant(node *n)
{
    node *body = ddl__body(n), *f = ddl__get(body, "fval");
    if (ddl__get(body, "ival"))
        return plain(CLASS_INT);
    if (ddl__get(body, "boolval"))
        return plain(CLASS_BOOL);
    if (!f)
        return plain(CLASS_OTHER); /* a text takes the type that is wanted of it */
    str text = ddl__text(f, "fval");
    size_t dot = str_find(text, '.'), exponent = str_find(text, 'e');
    if (exponent != STR_NONE || str_find(text, 'E') != STR_NONE)
        return with_scale(-1);
    return with_scale(dot == STR_NONE ? 0 : (int)(text.len - dot - 1));
}

static type_of cast(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *name = ddl__get(body, "typeName");
    int64_t precision, scale = 0;
    ddl__infer(t, ddl__get(body, "arg"));
    type_of out = ddl__type_of_name(ddl__last_name(name, "names"));
    if (out.class == CLASS_NUMERIC &&
        ddl__int_const(t, ddl__as(ddl__item(name, "typmods", 0), "A_Const"), &precision)) {
        ddl__int_const(t, ddl__as(ddl__item(name, "typmods", 1), "A_Const"), &scale);
        out.scale = (int)scale;
    }
    if (ddl__count(name, "arrayBounds")) {
        out.element = out.class;
        out.class = CLASS_ARRAY;
    }
    return out;
}

/* ---- operators ---- */

static type_of arithmetic(str op, type_of a, type_of b)
{
    int sa = scale_of(a), sb = scale_of(b), most = sa > sb ? sa : sb;
    if (a.class == CLASS_FLOAT || b.class == CLASS_FLOAT)
        return plain(CLASS_FLOAT);
    if (a.class == CLASS_INT && b.class == CLASS_INT)
        return plain(CLASS_INT);
    if (!numeric(a) && !numeric(b))
        return a.class == CLASS_INT || b.class == CLASS_INT ? plain(CLASS_INT) : plain(CLASS_OTHER);
    if (str_is(op, "/") || sa < 0 || sb < 0)
        return with_scale(-1);
    return with_scale(str_is(op, "*") ? sa + sb : most);
}

static type_of plus_minus(str op, node *right, type_of a, type_of b)
{
    bool day_a = a.class == CLASS_DATE, day_b = b.class == CLASS_DATE;
    if (ddl__is_interval(right))
        return plain(a.class == CLASS_TIME ? CLASS_TIME : CLASS_TIMESTAMP);
    if (day_a && day_b)
        return plain(CLASS_INT);
    if (day_a || (day_b && str_is(op, "+")))
        return plain(CLASS_DATE);
    if (a.class == CLASS_TIMESTAMP || b.class == CLASS_TIMESTAMP)
        return plain(CLASS_OTHER); /* an interval */
    return arithmetic(op, a, b);
}

static type_of operator_expr(struct ddl__tr *t, node *n)
{
    node *e = ddl__body(n), *right = ddl__get(e, "rexpr");
    str kind = ddl__text(e, "kind"), op = ddl__last_name(e, "name");
    type_of a = ddl__infer(t, ddl__get(e, "lexpr")), b = ddl__infer(t, right);
    if (str_is(kind, "AEXPR_NULLIF"))
        return a;
    if (!str_is(kind, "AEXPR_OP"))
        return plain(CLASS_BOOL);
    if (!ddl__get(e, "lexpr"))
        return b;
    if (str_is(op, "||"))
        return plain(a.class == CLASS_JSON || a.class == CLASS_ARRAY ? a.class : CLASS_TEXT);
    if (str_is(op, "->") || str_is(op, "#>"))
        return plain(CLASS_JSON);
    if (str_is(op, "->>") || str_is(op, "#>>"))
        return plain(CLASS_TEXT);
    if (str_is(op, "+") || str_is(op, "-"))
        return plus_minus(op, right, a, b);
    if (str_is(op, "*") || str_is(op, "/") || str_is(op, "%"))
        return ddl__is_interval(n) ? plain(CLASS_OTHER) : arithmetic(op, a, b);
    if (str_is(op, "&") || str_is(op, "|") || str_is(op, "<<") || str_is(op, ">>"))
        return a;
    if (str_is(op, "^"))
        return plain(CLASS_FLOAT);
    return plain(CLASS_BOOL);
}

/* ---- calls ---- */

enum { AS_FIRST = 100, AS_SUM, AS_AVG, AS_ROUND, AS_CEIL, AS_ROOT, AS_SECOND };

static const struct {
    const char *name;
    int as;
} calls[] = {
    {"count", CLASS_INT},
    {"length", CLASS_INT},
    {"char_length", CLASS_INT},
    {"character_length", CLASS_INT},
    {"octet_length", CLASS_INT},
    {"position", CLASS_INT},
    {"strpos", CLASS_INT},
    {"ascii", CLASS_INT},
    {"row_number", CLASS_INT},
    {"rank", CLASS_INT},
    {"dense_rank", CLASS_INT},
    {"ntile", CLASS_INT},
    {"json_array_length", CLASS_INT},
    {"jsonb_array_length", CLASS_INT},
    {"generate_series", CLASS_INT},
    {"percent_rank", CLASS_FLOAT},
    {"cume_dist", CLASS_FLOAT},
    {"random", CLASS_FLOAT},
    {"pi", CLASS_FLOAT},
    {"date_part", CLASS_FLOAT},
    {"extract", CLASS_NUMERIC},
    {"stddev", CLASS_NUMERIC},
    {"variance", CLASS_NUMERIC},
    {"lower", CLASS_TEXT},
    {"upper", CLASS_TEXT},
    {"initcap", CLASS_TEXT},
    {"substr", CLASS_TEXT},
    {"substring", CLASS_TEXT},
    {"replace", CLASS_TEXT},
    {"trim", CLASS_TEXT},
    {"btrim", CLASS_TEXT},
    {"ltrim", CLASS_TEXT},
    {"rtrim", CLASS_TEXT},
    {"left", CLASS_TEXT},
    {"right", CLASS_TEXT},
    {"lpad", CLASS_TEXT},
    {"rpad", CLASS_TEXT},
    {"repeat", CLASS_TEXT},
    {"reverse", CLASS_TEXT},
    {"split_part", CLASS_TEXT},
    {"concat", CLASS_TEXT},
    {"concat_ws", CLASS_TEXT},
    {"string_agg", CLASS_TEXT},
    {"to_char", CLASS_TEXT},
    {"md5", CLASS_TEXT},
    {"starts_with", CLASS_BOOL},
    {"bool_and", CLASS_BOOL},
    {"bool_or", CLASS_BOOL},
    {"every", CLASS_BOOL},
    {"array_agg", CLASS_ARRAY},
    {"json_agg", CLASS_JSON},
    {"jsonb_agg", CLASS_JSON},
    {"json_object_agg", CLASS_JSON},
    {"jsonb_object_agg", CLASS_JSON},
    {"json_build_object", CLASS_JSON},
    {"jsonb_build_object", CLASS_JSON},
    {"json_build_array", CLASS_JSON},
    {"jsonb_build_array", CLASS_JSON},
    {"to_json", CLASS_JSON},
    {"to_jsonb", CLASS_JSON},
    {"row_to_json", CLASS_JSON},
    {"now", CLASS_TIMESTAMP},
    {"transaction_timestamp", CLASS_TIMESTAMP},
    {"statement_timestamp", CLASS_TIMESTAMP},
    {"clock_timestamp", CLASS_TIMESTAMP},
    {"to_timestamp", CLASS_TIMESTAMP},
    {"date_trunc", CLASS_TIMESTAMP},
    {"timezone", CLASS_TIMESTAMP},
    {"make_date", CLASS_DATE},
    {"to_date", CLASS_DATE},
    {"gen_random_uuid", CLASS_UUID},
    {"uuid_generate_v4", CLASS_UUID},
    {"min", AS_FIRST},
    {"max", AS_FIRST},
    {"abs", AS_FIRST},
    {"mod", AS_FIRST},
    {"lag", AS_FIRST},
    {"lead", AS_FIRST},
    {"first_value", AS_FIRST},
    {"last_value", AS_FIRST},
    {"nth_value", AS_FIRST},
    {"sum", AS_SUM},
    {"avg", AS_AVG},
    {"round", AS_ROUND},
    {"trunc", AS_ROUND},
    {"ceil", AS_CEIL},
    {"ceiling", AS_CEIL},
    {"floor", AS_CEIL},
    {"sqrt", AS_ROOT},
    {"power", AS_ROOT},
    {"pow", AS_ROOT},
    {"exp", AS_ROOT},
    {"ln", AS_ROOT},
    {"sign", AS_CEIL},
};

static type_of round_type(struct ddl__tr *t, node *call, type_of first)
{
    int64_t digits = 0;
    node *second = ddl__item(call, "args", 1);
    if (second)
        return with_scale(ddl__int_const(t, ddl__as(second, "A_Const"), &digits) && digits >= 0
                              ? (int)digits
                              : -1);
    return numeric(first) ? with_scale(0) : plain(CLASS_FLOAT);
}

static type_of call_type(struct ddl__tr *t, node *call, int as, type_of first)
{
    switch (as) {
    case AS_FIRST:
        return first;
    case AS_SUM:
        return numeric(first) ? with_scale(first.scale) : first;
    case AS_AVG:
        return first.class == CLASS_FLOAT ? first : with_scale(-1);
    case AS_ROUND:
        return round_type(t, call, first);
    case AS_CEIL:
        return numeric(first) ? with_scale(0) : plain(CLASS_FLOAT);
    case AS_ROOT:
        return numeric(first) ? with_scale(-1) : plain(CLASS_FLOAT);
    default:
        return plain((enum ddl__class)as);
    }
}

static void window(struct ddl__tr *t, node *w)
{
    for (size_t i = 0; i < ddl__count(w, "partitionClause"); i++)
        ddl__infer(t, ddl__item(w, "partitionClause", i));
    for (size_t i = 0; i < ddl__count(w, "orderClause"); i++)
        ddl__infer(t, ddl__get(ddl__body(ddl__item(w, "orderClause", i)), "node"));
}

static type_of call(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    str name = ddl__last_name(body, "funcname");
    type_of first = plain(CLASS_OTHER);
    for (size_t i = 0; i < ddl__count(body, "args"); i++) {
        type_of arg = ddl__infer(t, ddl__item(body, "args", i));
        first = i ? first : arg;
    }
    ddl__infer(t, ddl__get(body, "agg_filter"));
    window(t, ddl__get(body, "over"));
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (str_is(name, calls[i].name))
            return call_type(t, body, calls[i].as, first);
    return plain(CLASS_OTHER);
}

/* ---- the rest ---- */

/* Of several branches: the first type that is known, numeric before integer. */
static type_of either(type_of a, type_of b)
{
    if (a.class == CLASS_OTHER || (a.class == CLASS_INT && (numeric(b) || b.class == CLASS_FLOAT)))
        return b;
    if (numeric(a) && numeric(b) && (a.scale < 0 || b.scale < 0 || b.scale > a.scale))
        return a.scale < 0 ? a : b;
    return a;
}

static type_of branches(struct ddl__tr *t, node *body, const char *list)
{
    type_of out = plain(CLASS_OTHER);
    for (size_t i = 0; i < ddl__count(body, list); i++)
        out = either(out, ddl__infer(t, ddl__item(body, list, i)));
    return out;
}

static type_of case_type(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    type_of out = plain(CLASS_OTHER);
    ddl__infer(t, ddl__get(body, "arg"));
    for (size_t i = 0; i < ddl__count(body, "args"); i++) {
        node *when = ddl__body(ddl__item(body, "args", i));
        ddl__infer(t, ddl__get(when, "expr"));
        out = either(out, ddl__infer(t, ddl__get(when, "result")));
    }
    return either(out, ddl__infer(t, ddl__get(body, "defresult")));
}

static type_of sub_link(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    str kind = ddl__text(body, "subLinkType");
    struct ddl__fields fields = {0};
    ddl__infer(t, ddl__get(body, "testexpr"));
    ddl__fields_of(t, ddl__as(ddl__get(body, "subselect"), "SelectStmt"), &fields);
    if (str_is(kind, "ARRAY_SUBLINK"))
        return plain(CLASS_ARRAY);
    if (!str_is(kind, "EXPR_SUBLINK"))
        return plain(CLASS_BOOL);
    return fields.count == 1 && !fields.open ? fields.list[0].type : plain(CLASS_OTHER);
}

static type_of value_function(node *n)
{
    str op = ddl__text(ddl__body(n), "op");
    if (str_is(op, "SVFOP_CURRENT_DATE"))
        return plain(CLASS_DATE);
    if (str_starts(op, LIT("SVFOP_CURRENT_TIMESTAMP")) ||
        str_starts(op, LIT("SVFOP_LOCALTIMESTAMP")))
        return plain(CLASS_TIMESTAMP);
    return plain(str_starts(op, LIT("SVFOP_CURRENT_TIME")) || str_starts(op, LIT("SVFOP_LOCALTIME"))
                     ? CLASS_TIME
                     : CLASS_TEXT);
}

static type_of param(struct ddl__tr *t, node *n)
{
    int64_t number = ddl__num(ddl__body(n), "number", 0);
    if (number < 1 || (size_t)number > t->query->param_count)
        return plain(CLASS_OTHER);
    return ddl__type_of_name(t->query->params[number - 1].type);
}

/* Everything below a test has to be looked through for names that are not known. */
static type_of test(struct ddl__tr *t, node *body)
{
    ddl__infer(t, ddl__get(body, "arg"));
    for (size_t i = 0; i < ddl__count(body, "args"); i++)
        ddl__infer(t, ddl__item(body, "args", i));
    return plain(CLASS_BOOL);
}

static type_of list_type(struct ddl__tr *t, node *n)
{
    branches(t, ddl__body(n), "items");
    return plain(CLASS_OTHER);
}

type_of ddl__infer(struct ddl__tr *t, node *n)
{
    if (!n || !t->query)
        return plain(CLASS_OTHER);
    node *body = ddl__body(n);
    if (ddl__is(n, "ColumnRef"))
        return ddl__infer_column(t, n);
    if (ddl__is(n, "A_Const"))
        return constant(n);
    if (ddl__is(n, "ParamRef"))
        return param(t, n);
    if (ddl__is(n, "A_Expr"))
        return operator_expr(t, n);
    if (ddl__is(n, "FuncCall"))
        return call(t, n);
    if (ddl__is(n, "TypeCast"))
        return cast(t, n);
    if (ddl__is(n, "CaseExpr"))
        return case_type(t, n);
    if (ddl__is(n, "SubLink"))
        return sub_link(t, n);
    if (ddl__is(n, "SQLValueFunction"))
        return value_function(n);
    if (ddl__is(n, "BoolExpr") || ddl__is(n, "NullTest") || ddl__is(n, "BooleanTest"))
        return test(t, body);
    if (ddl__is(n, "CoalesceExpr") || ddl__is(n, "MinMaxExpr"))
        return branches(t, body, "args");
    if (ddl__is(n, "CollateClause"))
        return ddl__infer(t, ddl__get(body, "arg"));
    if (ddl__is(n, "List"))
        return list_type(t, n);
    if (ddl__is(n, "A_ArrayExpr")) {
        branches(t, body, "elements");
        return plain(CLASS_ARRAY);
    }
    return plain(CLASS_OTHER);
}

/* ---- names ---- */

static str name_of(node *n)
{
    node *body = ddl__body(n), *inner;
    if (ddl__is(n, "ColumnRef"))
        return ddl__last_name(body, "fields");
    if (ddl__is(n, "FuncCall"))
        return ddl__last_name(body, "funcname");
    if (ddl__is(n, "CoalesceExpr"))
        return LIT("coalesce");
    if (ddl__is(n, "MinMaxExpr"))
        return str_is(ddl__text(body, "op"), "IS_LEAST") ? LIT("least") : LIT("greatest");
    if (ddl__is(n, "A_Expr") && str_is(ddl__text(body, "kind"), "AEXPR_NULLIF"))
        return LIT("nullif");
    if (ddl__is(n, "CollateClause"))
        return name_of(ddl__get(body, "arg"));
    if (ddl__is(n, "SubLink") && str_is(ddl__text(body, "subLinkType"), "EXISTS_SUBLINK"))
        return LIT("exists");
    if (ddl__is(n, "SubLink") && str_is(ddl__text(body, "subLinkType"), "EXPR_SUBLINK")) {
        inner = ddl__as(ddl__get(body, "subselect"), "SelectStmt");
        return ddl__figure(ddl__body(ddl__item(inner, "targetList", 0)));
    }
    if (ddl__is(n, "A_ArrayExpr") || ddl__is(n, "SubLink"))
        return LIT("array");
    if (ddl__is(n, "SQLValueFunction")) {
        str op = str_from(ddl__text(body, "op"), 6);
        return str_is(op, "CURRENT_DATE")        ? LIT("current_date")
               : str_is(op, "CURRENT_TIMESTAMP") ? LIT("current_timestamp")
                                                 : LIT("now");
    }
    return LIT("");
}

static str name_or_kind(node *n)
{
    node *body = ddl__body(n);
    if (ddl__is(n, "TypeCast")) {
        str name = name_or_kind(ddl__get(body, "arg"));
        return name.len ? name : ddl__last_name(ddl__get(body, "typeName"), "names");
    }
    if (ddl__is(n, "CaseExpr")) {
        str name = name_of(ddl__get(body, "defresult"));
        return name.len ? name : LIT("case");
    }
    return name_of(n);
}

str ddl__figure(node *target)
{
    str name = ddl__text(target, "name");
    if (!name.len)
        name = name_or_kind(ddl__get(target, "val"));
    return name.len ? name : LIT("?column?");
}
