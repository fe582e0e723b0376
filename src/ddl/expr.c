/* expr.c -- expressions: operators, tests, CASE, subqueries. SPDX: Apache-2.0
 * Why parentheses are put by rank and not by a copy of the source: the two grammars rank `||`,
 * `->` and the comparisons differently, so only what binds the same way in both goes without. */
#include "ddl/ddl_priv.h"

enum rank { RANK_OR = 1, RANK_AND, RANK_NOT, RANK_TEST, RANK_ADD, RANK_MUL, RANK_CAT, RANK_ATOM };

static str op_name(node *expr)
{
    return ddl__last_name(expr, "name");
}

static enum rank op_rank(str op)
{
    if (str_is(op, "+") || str_is(op, "-"))
        return RANK_ADD;
    if (str_is(op, "*") || str_is(op, "/") || str_is(op, "%"))
        return RANK_MUL;
    if (str_is(op, "||") || str_is(op, "->") || str_is(op, "->>"))
        return RANK_CAT;
    return RANK_TEST;
}

static enum rank rank_of(node *n)
{
    node *e = ddl__as(n, "A_Expr");
    if (ddl__is(n, "BoolExpr")) {
        str op = ddl__text(ddl__body(n), "boolop");
        return str_is(op, "OR_EXPR") ? RANK_OR : str_is(op, "AND_EXPR") ? RANK_AND : RANK_NOT;
    }
    if (ddl__is(n, "NullTest") || ddl__is(n, "BooleanTest"))
        return RANK_TEST;
    if (ddl__is(n, "SubLink"))
        return str_starts(ddl__text(ddl__body(n), "subLinkType"), LIT("A")) ? RANK_TEST : RANK_ATOM;
    if (!e || str_is(ddl__text(e, "kind"), "AEXPR_NULLIF") ||
        ddl__is_interval(ddl__get(e, "rexpr")))
        return RANK_ATOM;
    return str_is(ddl__text(e, "kind"), "AEXPR_OP") ? op_rank(op_name(e)) : RANK_TEST;
}

/* n inside something that binds with `outer`; at the same rank it gets parentheses too. */
static int inside(struct ddl__tr *t, node *n, enum rank outer)
{
    bool wrap = rank_of(n) <= outer;
    if (wrap)
        buf_char(&t->b, '(');
    TRY(ddl__expr(t, n));
    if (wrap)
        buf_char(&t->b, ')');
    return 0;
}

int ddl__operand(struct ddl__tr *t, node *n)
{
    return inside(t, n, RANK_CAT);
}

int ddl__expr_list(struct ddl__tr *t, node *body, const char *name)
{
    for (size_t i = 0; i < ddl__count(body, name); i++) {
        if (i)
            buf_lit(&t->b, ", ");
        TRY(ddl__expr(t, ddl__item(body, name, i)));
    }
    return 0;
}

/* ---- names and constants ---- */

static int column_ref(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    size_t count = ddl__count(body, "fields"), from = 0;
    if (count == 3 && str_is(ddl__string(ddl__item(body, "fields", 0)), "public"))
        from = 1;
    if (t->in_schema && count > 1)
        from = count - 1; /* the table's own columns: a rebuild gives it another name for a while */
    if (count - from > 2 || count == 0)
        return ddl__refuse(t, ddl__place(n), "a column name of three parts; write table.column");
    for (size_t i = from; i < count; i++) {
        node *field = ddl__item(body, "fields", i);
        if (i > from)
            buf_char(&t->b, '.');
        if (ddl__is(field, "A_Star"))
            buf_char(&t->b, '*');
        else
            ddl__ident(t, ddl__string(field));
    }
    return 0;
}

static int constant(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *v;
    int64_t i;
    if (ddl__flag(body, "isnull"))
        buf_lit(&t->b, "NULL");
    else if (ddl__int_const(t, body, &i))
        buf_i64(&t->b, i);
    else if ((v = ddl__get(body, "fval")) != NULL)
        buf_str(&t->b, ddl__text(v, "fval"));
    else if ((v = ddl__get(body, "boolval")) != NULL)
        buf_str(&t->b, ddl__flag(v, "boolval") ? LIT("1") : LIT("0"));
    else if ((v = ddl__get(body, "sval")) != NULL)
        ddl__quote(t, ddl__text(v, "sval"));
    else
        return ddl__refuse(t, ddl__place(n), "a bit string; use an integer or a bytea");
    return 0;
}

static int value_function(struct ddl__tr *t, node *n)
{
    str op = ddl__text(ddl__body(n), "op");
    if (str_is(op, "SVFOP_CURRENT_DATE"))
        buf_str(&t->b, str_of(ddl__today));
    else if (str_starts(op, LIT("SVFOP_CURRENT_TIMESTAMP")) ||
             str_starts(op, LIT("SVFOP_LOCALTIMESTAMP")))
        buf_str(&t->b, str_of(ddl__now));
    else if (str_starts(op, LIT("SVFOP_CURRENT_TIME")) || str_starts(op, LIT("SVFOP_LOCALTIME")))
        buf_str(&t->b, str_of(ddl__clock));
    else
        return ddl__refuse(t, ddl__place(n), "SQLite knows no users and no schemas; leave %s out",
                           "current_user and its like");
    return 0;
}

/* ---- operators ---- */

static const char *const operators[] = {"=", "<>", "<",  ">",  "<=",  ">=", "+", "-",  "*",
                                        "/", "%",  "||", "->", "->>", "&",  "|", "<<", ">>"};

static const char *operator_hint(str op)
{
    if (op.len && (op.ptr[0] == '~' || str_starts(op, LIT("!~"))))
        return "regular expressions are not in SQLite; use LIKE, length() or a list of values";
    if (str_is(op, "@>") || str_is(op, "<@") || str_is(op, "?") || str_is(op, "#>>"))
        return "use -> and ->> with one key at a time";
    if (str_is(op, "^"))
        return "multiply instead";
    return "there is nothing with the same meaning in SQLite";
}

/* ---- the two sides of a comparison ---- */

static bool compares(str op)
{
    static const char *const list[] = {"=", "<>", "<", ">", "<=", ">="};
    for (size_t i = 0; i < COUNT_OF(list); i++)
        if (str_is(op, list[i]))
            return true;
    return false;
}

/* A side of a comparison with `other`. */
static int beside(struct ddl__tr *t, node *n, node *other, enum rank rank)
{
    struct ddl__type type = ddl__infer(t, other);
    node *constant = ddl__as(n, "A_Const");
    if (!t->query || type.class == CLASS_OTHER || type.class == CLASS_ARRAY)
        return inside(t, n, rank);
    if (!constant && type.class != CLASS_TIMESTAMP && type.class != CLASS_DECIMAL)
        return inside(t, n, rank);
    if (ddl__infer(t, n).class == type.class)
        return inside(t, n, rank);
    type.scale = -1; /* compared by value: it need not fit */
    type.precision = 0;
    return ddl__as_type(t, n, &type);
}

/* Of whole numbers both engines cut; SQLite holds a numeric without a fraction as one, too. */
static bool divides_fractions(struct ddl__tr *t, node *left, node *right, str op)
{
    enum ddl__class a = ddl__infer(t, left).class, b = ddl__infer(t, right).class;
    bool fraction = a == CLASS_NUMERIC || a == CLASS_DECIMAL || a == CLASS_FLOAT ||
                    b == CLASS_NUMERIC || b == CLASS_DECIMAL || b == CLASS_FLOAT;
    return left && str_is(op, "/") && fraction;
}

static int divide(struct ddl__tr *t, node *left, node *right)
{
    buf_lit(&t->b, "CAST(");
    TRY(ddl__expr(t, left));
    buf_lit(&t->b, " AS REAL) / ");
    return inside(t, right, RANK_MUL);
}

static int simple_operator(struct ddl__tr *t, node *n)
{
    node *e = ddl__body(n), *left = ddl__get(e, "lexpr"), *right = ddl__get(e, "rexpr");
    str op = op_name(e);
    enum rank rank = op_rank(op);
    bool known = false;
    for (size_t i = 0; i < COUNT_OF(operators); i++)
        known |= str_is(op, operators[i]);
    if (ddl__is_interval(right))
        return ddl__time_shift(t, n);
    if (rank == RANK_ADD && t->query) {
        bool done;
        TRY(ddl__day_math(t, n, &done));
        if (done)
            return 0;
    }
    if (!left)
        known = rank == RANK_ADD; /* a sign */
    if (!known || ddl__count(e, "name") != 1)
        return ddl__refuse(t, ddl__place(n), "operator %s: %s", ddl__dup(t, op), operator_hint(op));
    if (divides_fractions(t, left, right, op))
        return divide(t, left, right);
    if (left && compares(op)) {
        TRY(beside(t, left, right, rank));
        buf_printf(&t->b, " %.*s ", STR_ARG(op));
        return beside(t, right, left, rank);
    }
    if (left) {
        /* A chain of the same operator associates to the left in both languages. */
        node *inner = ddl__as(left, "A_Expr");
        bool chain =
            inner && rank_of(left) == rank && rank != RANK_TEST && str_eq(op_name(inner), op);
        TRY(inside(t, left, chain ? rank - 1 : rank == RANK_ADD ? RANK_ADD : rank));
        buf_printf(&t->b, " %.*s ", STR_ARG(op));
    } else {
        buf_str(&t->b, op); /* unary */
        rank = RANK_CAT;
        if (!ddl__is(right, "ColumnRef") && !ddl__is(right, "FuncCall")) {
            buf_char(&t->b, '(');
            TRY(ddl__expr(t, right));
            buf_char(&t->b, ')');
            return 0;
        }
    }
    return inside(t, right, rank);
}

/* The pattern of a LIKE as one of GLOB, which tells upper from lower case as PostgreSQL does. */
static void glob_pattern(struct ddl__tr *t, str pattern, char escape)
{
    size_t mark = t->b.len;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        bool literal = false;
        if (c == escape && escape && i + 1 < pattern.len) {
            c = pattern.ptr[++i];
            literal = true;
        }
        if (!literal && c == '%')
            buf_char(&t->b, '*');
        else if (!literal && c == '_')
            buf_char(&t->b, '?');
        else if (c == '*' || c == '?' || c == '[')
            buf_printf(&t->b, "[%c]", c);
        else
            buf_char(&t->b, c);
    }
    ddl__quote(t, ddl__cut(t, mark));
}

/* The pattern and escape character of LIKE; false when they are not constants. */
static bool like_pattern(node *right, str *pattern, char *escape)
{
    node *call = ddl__as(right, "FuncCall");
    *escape = '\\';
    if (call && str_is(ddl__last_name(call, "funcname"), "like_escape")) {
        node *v = ddl__get(ddl__as(ddl__item(call, "args", 1), "A_Const"), "sval");
        str text = ddl__text(v, "sval");
        if (!v || text.len > 1)
            return false;
        *escape = text.len ? text.ptr[0] : 0;
        right = ddl__item(call, "args", 0);
    }
    node *v = ddl__get(ddl__as(right, "A_Const"), "sval");
    *pattern = ddl__text(v, "sval");
    return v != NULL;
}

/* A pattern that is known when the query runs. A backslash in it takes no character as it is
 * when upper and lower case differ: GLOB has no such sign. */
static int pattern_at_run(struct ddl__tr *t, node *right, bool any_case)
{
    if (ddl__is(right, "FuncCall") &&
        str_is(ddl__last_name(ddl__body(right), "funcname"), "like_escape"))
        return ddl__refuse(t, ddl__place(right), "ESCAPE behind a pattern that is no constant");
    if (any_case) {
        buf_lit(&t->b, "LIKE ");
        TRY(inside(t, right, RANK_TEST));
        buf_lit(&t->b, " ESCAPE '\\'");
        return 0;
    }
    buf_lit(&t->b, "GLOB replace(replace(replace(replace(replace(");
    TRY(ddl__expr(t, right));
    buf_lit(&t->b, ", '[', '[[]'), '*', '[*]'), '?', '[?]'), '%', '*'), '_', '?')");
    return 0;
}

static int like(struct ddl__tr *t, node *n)
{
    node *e = ddl__body(n);
    bool any_case = str_is(ddl__text(e, "kind"), "AEXPR_ILIKE");
    bool negated = str_starts(op_name(e), LIT("!"));
    str pattern;
    char escape;
    bool fixed = like_pattern(ddl__get(e, "rexpr"), &pattern, &escape);
    if (!fixed && !t->query)
        return ddl__refuse(t, ddl__place(n),
                           "LIKE with a pattern that is not a constant; "
                           "compare with substr() or instr()");
    TRY(inside(t, ddl__get(e, "lexpr"), RANK_TEST));
    buf_str(&t->b, negated ? LIT(" NOT ") : LIT(" "));
    if (!fixed)
        return pattern_at_run(t, ddl__get(e, "rexpr"), any_case);
    if (!any_case) {
        buf_lit(&t->b, "GLOB ");
        glob_pattern(t, pattern, escape);
        return 0;
    }
    buf_lit(&t->b, "LIKE ");
    ddl__quote(t, pattern);
    if (escape && str_find(pattern, escape) != STR_NONE) {
        buf_lit(&t->b, " ESCAPE ");
        ddl__quote(t, str_make(&escape, 1));
    }
    return 0;
}

static int in_list(struct ddl__tr *t, node *n, bool negated, node *list, const char *member)
{
    node *left = ddl__get(ddl__body(n), "lexpr");
    TRY(inside(t, left, RANK_TEST));
    buf_str(&t->b, negated ? LIT(" NOT IN (") : LIT(" IN ("));
    for (size_t i = 0; i < ddl__count(list, member); i++) {
        if (i)
            buf_lit(&t->b, ", ");
        TRY(beside(t, ddl__item(list, member, i), left, RANK_OR - 1));
    }
    buf_char(&t->b, ')');
    return 0;
}

/* A list that is a parameter or a column is JSON. */
static int in_json(struct ddl__tr *t, node *n, bool negated, node *list)
{
    TRY(inside(t, ddl__get(ddl__body(n), "lexpr"), RANK_TEST));
    buf_str(&t->b, negated ? LIT(" NOT IN (") : LIT(" IN ("));
    buf_lit(&t->b, "SELECT value FROM json_each(");
    TRY(ddl__expr(t, list));
    buf_lit(&t->b, "))");
    return 0;
}

static int any_array(struct ddl__tr *t, node *n, bool all)
{
    node *e = ddl__body(n), *right = ddl__get(e, "rexpr");
    while (ddl__is(right, "TypeCast"))
        right = ddl__get(ddl__body(right), "arg");
    str want = all ? LIT("<>") : LIT("=");
    bool json = ddl__is(right, "ParamRef") || ddl__is(right, "ColumnRef");
    if (t->query && json && str_eq(op_name(e), want))
        return in_json(t, n, all, right);
    if (!ddl__is(right, "A_ArrayExpr") || !str_eq(op_name(e), want))
        return ddl__refuse(t, ddl__place(n), "%s; write IN (a, b, c) with the values",
                           all ? "ALL of an array" : "ANY of an array");
    return in_list(t, n, all, ddl__body(right), "elements");
}

static int between(struct ddl__tr *t, node *n, bool negated)
{
    node *e = ddl__body(n), *range = ddl__body(ddl__get(e, "rexpr"));
    node *left = ddl__get(e, "lexpr");
    TRY(inside(t, left, RANK_TEST));
    buf_str(&t->b, negated ? LIT(" NOT BETWEEN ") : LIT(" BETWEEN "));
    TRY(beside(t, ddl__item(range, "items", 0), left, RANK_TEST));
    buf_lit(&t->b, " AND ");
    return beside(t, ddl__item(range, "items", 1), left, RANK_TEST);
}

static int two_sided(struct ddl__tr *t, node *n, const char *before, const char *between_them)
{
    node *e = ddl__body(n);
    node *left = ddl__get(e, "lexpr"), *right = ddl__get(e, "rexpr");
    buf_str(&t->b, str_of(before));
    TRY(beside(t, left, right, *before ? RANK_OR - 1 : RANK_TEST));
    buf_str(&t->b, str_of(between_them));
    TRY(beside(t, right, left, *before ? RANK_OR - 1 : RANK_TEST));
    if (*before)
        buf_char(&t->b, ')');
    return 0;
}

static int operator_expr(struct ddl__tr *t, node *n)
{
    node *e = ddl__body(n);
    str kind = ddl__text(e, "kind");
    if (str_is(kind, "AEXPR_OP"))
        return simple_operator(t, n);
    if (str_is(kind, "AEXPR_LIKE") || str_is(kind, "AEXPR_ILIKE"))
        return like(t, n);
    if (str_is(kind, "AEXPR_IN"))
        return in_list(t, n, str_is(op_name(e), "<>"), ddl__body(ddl__get(e, "rexpr")), "items");
    if (str_is(kind, "AEXPR_OP_ANY") || str_is(kind, "AEXPR_OP_ALL"))
        return any_array(t, n, str_is(kind, "AEXPR_OP_ALL"));
    if (str_is(kind, "AEXPR_BETWEEN") || str_is(kind, "AEXPR_NOT_BETWEEN"))
        return between(t, n, str_is(kind, "AEXPR_NOT_BETWEEN"));
    if (str_is(kind, "AEXPR_DISTINCT"))
        return two_sided(t, n, "", " IS NOT ");
    if (str_is(kind, "AEXPR_NOT_DISTINCT"))
        return two_sided(t, n, "", " IS ");
    if (str_is(kind, "AEXPR_NULLIF"))
        return two_sided(t, n, "nullif(", ", ");
    return ddl__refuse(t, ddl__place(n), "%s; use LIKE, BETWEEN or IN",
                       str_is(kind, "AEXPR_SIMILAR") ? "SIMILAR TO" : "BETWEEN SYMMETRIC");
}

/* ---- the rest ---- */

static int bool_expr(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    enum rank rank = rank_of(n);
    for (size_t i = 0; i < ddl__count(body, "args"); i++) {
        if (rank == RANK_NOT)
            buf_lit(&t->b, "NOT ");
        else if (i)
            buf_str(&t->b, rank == RANK_AND ? LIT(" AND ") : LIT(" OR "));
        TRY(inside(t, ddl__item(body, "args", i), rank));
    }
    return 0;
}

static int null_test(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    TRY(inside(t, ddl__get(body, "arg"), RANK_TEST));
    buf_str(&t->b, str_is(ddl__text(body, "nulltesttype"), "IS_NULL") ? LIT(" IS NULL")
                                                                      : LIT(" IS NOT NULL"));
    return 0;
}

static int boolean_test(struct ddl__tr *t, node *n)
{
    static const char *const forms[][2] = {
        {"IS_TRUE", " IS TRUE"},    {"IS_NOT_TRUE", " IS NOT TRUE"},
        {"IS_FALSE", " IS FALSE"},  {"IS_NOT_FALSE", " IS NOT FALSE"},
        {"IS_UNKNOWN", " IS NULL"}, {"IS_NOT_UNKNOWN", " IS NOT NULL"},
    };
    str kind = ddl__text(ddl__body(n), "booltesttype");
    TRY(inside(t, ddl__get(ddl__body(n), "arg"), RANK_TEST));
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (str_is(kind, forms[i][0]))
            buf_str(&t->b, str_of(forms[i][1]));
    return 0;
}

static int case_expr(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *arg = ddl__get(body, "arg"), *other = ddl__get(body, "defresult");
    buf_lit(&t->b, "CASE");
    if (arg) {
        buf_char(&t->b, ' ');
        TRY(ddl__operand(t, arg));
    }
    for (size_t i = 0; i < ddl__count(body, "args"); i++) {
        node *when = ddl__body(ddl__item(body, "args", i));
        buf_lit(&t->b, " WHEN ");
        TRY(ddl__expr(t, ddl__get(when, "expr")));
        buf_lit(&t->b, " THEN ");
        TRY(ddl__expr(t, ddl__get(when, "result")));
    }
    if (other) {
        buf_lit(&t->b, " ELSE ");
        TRY(ddl__expr(t, other));
    }
    buf_lit(&t->b, " END");
    return 0;
}

/* PostgreSQL passes over NULLs in GREATEST, SQLite's max() does not: pairs, with a fallback. */
static int min_max(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    const char *name = str_is(ddl__text(body, "op"), "IS_LEAST") ? "min" : "max";
    size_t count = ddl__count(body, "args"), mark = t->b.len;
    if (count > 3)
        return ddl__refuse(t, ddl__place(n), "GREATEST and LEAST of more than three; nest them");
    TRY(ddl__expr(t, ddl__item(body, "args", 0)));
    str folded = ddl__cut(t, mark);
    for (size_t i = 1; i < count; i++) {
        TRY(ddl__expr(t, ddl__item(body, "args", i)));
        str next = ddl__cut(t, mark);
        buf_printf(&t->b, "coalesce(%s(%s, %s), %s, %s)", name, folded.ptr, next.ptr, folded.ptr,
                   next.ptr);
        folded = ddl__cut(t, mark);
    }
    buf_str(&t->b, folded);
    return 0;
}

static int sub_link(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *test = ddl__get(body, "testexpr");
    str kind = ddl__text(body, "subLinkType"), op = ddl__last_name(body, "operName");
    if (t->in_schema)
        return ddl__refuse(t, ddl__place(n), "a subquery cannot stand in a table definition");
    if (str_is(kind, "EXISTS_SUBLINK")) {
        buf_lit(&t->b, "EXISTS ");
    } else if (str_is(kind, "ANY_SUBLINK") && (op.len == 0 || str_is(op, "="))) {
        TRY(inside(t, test, RANK_TEST));
        buf_lit(&t->b, " IN ");
    } else if (str_is(kind, "ALL_SUBLINK") && str_is(op, "<>")) {
        TRY(inside(t, test, RANK_TEST));
        buf_lit(&t->b, " NOT IN ");
    } else if (!str_is(kind, "EXPR_SUBLINK")) {
        return ddl__refuse(t, ddl__place(n), "ANY, ALL or ARRAY of a subquery; use IN or EXISTS");
    }
    buf_char(&t->b, '(');
    TRY(ddl__select(t, ddl__as(ddl__get(body, "subselect"), "SelectStmt")));
    buf_char(&t->b, ')');
    return 0;
}

static int listed(struct ddl__tr *t, node *n, const char *before, const char *member)
{
    buf_str(&t->b, str_of(before));
    TRY(ddl__expr_list(t, ddl__body(n), member));
    buf_char(&t->b, ')');
    return 0;
}

static int collate(struct ddl__tr *t, node *n)
{
    str name = ddl__last_name(ddl__body(n), "collname");
    if (!str_is(name, "C") && !str_is(name, "POSIX") && !str_is(name, "ucs_basic"))
        return ddl__refuse(t, ddl__place(n),
                           "collation '%.*s'; SQLite sorts text by bytes, which "
                           "is collation \"C\"",
                           STR_ARG(str_upto(name, 60)));
    TRY(ddl__operand(t, ddl__get(ddl__body(n), "arg")));
    buf_lit(&t->b, " COLLATE BINARY");
    return 0;
}

static int param_ref(struct ddl__tr *t, node *n)
{
    if (!t->query)
        return ddl__refuse(t, ddl__place(n), "a parameter; a migration has none");
    buf_printf(&t->b, "?%lld", (long long)ddl__num(ddl__body(n), "number", 0));
    return 0;
}

static const struct {
    const char *kind;
    int (*write)(struct ddl__tr *t, node *n);
} writers[] = {
    {"ColumnRef", column_ref},     {"A_Const", constant},
    {"ParamRef", param_ref},       {"A_Expr", operator_expr},
    {"BoolExpr", bool_expr},       {"NullTest", null_test},
    {"BooleanTest", boolean_test}, {"CaseExpr", case_expr},
    {"MinMaxExpr", min_max},       {"SubLink", sub_link},
    {"CollateClause", collate},    {"FuncCall", ddl__call},
    {"TypeCast", ddl__cast},       {"SQLValueFunction", value_function},
};

int ddl__expr(struct ddl__tr *t, node *n)
{
    for (size_t i = 0; i < COUNT_OF(writers); i++)
        if (ddl__is(n, writers[i].kind))
            return writers[i].write(t, n);
    if (ddl__is(n, "CoalesceExpr"))
        return listed(t, n, "coalesce(", "args");
    if (ddl__is(n, "A_ArrayExpr"))
        return listed(t, n, "json_array(", "elements");
    if (ddl__is(n, "RowExpr"))
        return listed(t, n, "(", "args");
    if (ddl__is(n, "SetToDefault"))
        return ddl__refuse(t, ddl__place(n), "DEFAULT as a value here; leave the column out");
    if (ddl__is(n, "A_Indirection"))
        return ddl__refuse(t, ddl__place(ddl__get(ddl__body(n), "arg")),
                           "an array element; arrays are JSON in SQLite, use -> with an index");
    return ddl__refuse(t, ddl__place(n), "%s: there is nothing with the same meaning in SQLite",
                       n ? ddl__dup(t, ddl__kind(n)) : "an empty expression");
}

/* ---- into the form of a column ---- */

static bool fractional(struct ddl__type type)
{
    return type.class == CLASS_NUMERIC || type.class == CLASS_DECIMAL || type.class == CLASS_FLOAT;
}

static int around(struct ddl__tr *t, node *n, const char *before, const char *after)
{
    buf_str(&t->b, str_of(before));
    TRY(ddl__expr(t, n));
    buf_str(&t->b, str_of(after));
    return 0;
}

/* What is computed when the query runs. PostgreSQL rounds on the way into a column; a day is its
 * first moment where a time is wanted. */
static int run_as(struct ddl__tr *t, node *n, const struct ddl__type *type)
{
    struct ddl__type from = ddl__infer(t, n);
    bool day = type->class == CLASS_TIMESTAMP && from.class == CLASS_DATE;
    if (day)
        return around(t, n, "((", ") || 'T00:00:00.000000Z')");
    if (type->class == CLASS_DATE && from.class == CLASS_TIMESTAMP)
        return around(t, n, "date(", ")");
    if (type->class == CLASS_DECIMAL && (fractional(from) || from.class == CLASS_INT))
        return around(t, n, "CAST(", " AS TEXT)");
    if (type->class == CLASS_INT && fractional(from) && from.scale != 0)
        return around(t, n, "CAST(round(", ") AS INTEGER)");
    if (type->class == CLASS_NUMERIC && type->scale >= 0 && fractional(from) &&
        (from.scale < 0 || from.scale > type->scale)) {
        TRY(around(t, n, "round(", ""));
        buf_printf(&t->b, ", %d)", type->scale);
        return 0;
    }
    return ddl__operand(t, n);
}

/* Of a column "NUMERIC(10,2)"; its values are numbers in SQLite, whatever it says. */
static int declared_scale(str decl)
{
    size_t comma = str_find(decl, ',');
    int64_t scale = 0;
    if (str_find(decl, '(') == STR_NONE)
        return -1;
    if (comma != STR_NONE)
        str_to_i64(str_make(decl.ptr + comma + 1, decl.len - comma - 2), &scale);
    return (int)scale;
}

int ddl__as_type(struct ddl__tr *t, node *n, const struct ddl__type *type)
{
    struct ddl__type scaled = *type;
    if (type->class == CLASS_NUMERIC && type->scale < 0)
        scaled.scale = declared_scale(type->decl);
    if (!t->query || ddl__is(n, "A_Const"))
        return ddl__value_for(t, n, type);
    return run_as(t, n, &scaled);
}
