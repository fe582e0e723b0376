/* query.c -- SELECT: for views, for data in migrations, for subqueries. SPDX: Apache-2.0
 * What SQLite spells in another way: an alias with column names is a WITH inside the subquery, an
 * inner compound is a subquery, and the place of NULLs in an order is always said, as the two
 * have opposite defaults. */
#include "ddl/ddl_priv.h"

int ddl__sort_order(struct ddl__tr *t, node *body, const char *dir, const char *nulls)
{
    bool desc = str_is(ddl__text(body, dir), "SORTBY_DESC");
    str where = ddl__text(body, nulls);
    bool first =
        str_is(where, "SORTBY_NULLS_FIRST") || (desc && !str_is(where, "SORTBY_NULLS_LAST"));
    if (str_is(ddl__text(body, dir), "SORTBY_USING"))
        return ddl__refuse(t, ddl__num(body, "location", -1),
                           "ORDER BY ... USING; use ASC or DESC");
    if (desc)
        buf_lit(&t->b, " DESC");
    if (first != !desc)
        buf_str(&t->b, first ? LIT(" NULLS FIRST") : LIT(" NULLS LAST"));
    return 0;
}

int ddl__sort(struct ddl__tr *t, node *sort_by)
{
    node *body = ddl__body(sort_by);
    TRY(ddl__expr(t, ddl__get(body, "node")));
    return ddl__sort_order(t, body, "sortby_dir", "sortby_nulls");
}

int ddl__targets(struct ddl__tr *t, node *body, const char *name)
{
    for (size_t i = 0; i < ddl__count(body, name); i++) {
        node *target = ddl__body(ddl__item(body, name, i));
        if (i)
            buf_lit(&t->b, ", ");
        TRY(ddl__expr(t, ddl__get(target, "val")));
        str told = ddl__text(target, "name");
        if (!told.len && t->query && !ddl__is(ddl__get(target, "val"), "ColumnRef"))
            told = ddl__figure(target); /* count, where SQLite would say count(*) */
        if (told.len) {
            buf_lit(&t->b, " AS ");
            ddl__ident(t, told);
        }
    }
    return 0;
}

/* ---- FROM ---- */

static int from_item(struct ddl__tr *t, node *n);

static void put_alias(struct ddl__tr *t, node *alias)
{
    if (!alias)
        return;
    buf_lit(&t->b, " AS ");
    ddl__ident(t, ddl__text(alias, "aliasname"));
}

static void put_names(struct ddl__tr *t, node *body, const char *member)
{
    buf_char(&t->b, '(');
    for (size_t i = 0; i < ddl__count(body, member); i++) {
        if (i)
            buf_lit(&t->b, ", ");
        ddl__ident(t, ddl__string(ddl__item(body, member, i)));
    }
    buf_char(&t->b, ')');
}

static int range_subselect(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *alias = ddl__get(body, "alias");
    bool named = ddl__count(alias, "colnames") > 0;
    if (ddl__flag(body, "lateral"))
        return ddl__refuse(t, -1, "LATERAL; join with a GROUP BY or use a scalar subquery");
    buf_char(&t->b, '(');
    if (named) {
        buf_lit(&t->b, "WITH ");
        ddl__ident(t, ddl__text(alias, "aliasname"));
        put_names(t, alias, "colnames");
        buf_lit(&t->b, " AS (");
    }
    TRY(ddl__select(t, ddl__as(ddl__get(body, "subquery"), "SelectStmt")));
    if (named) {
        buf_lit(&t->b, ") SELECT * FROM ");
        ddl__ident(t, ddl__text(alias, "aliasname"));
    }
    buf_char(&t->b, ')');
    put_alias(t, alias);
    return 0;
}

static int series_step(struct ddl__tr *t, node *call, int64_t *step)
{
    node *last = ddl__item(call, "args", 2);
    *step = 1;
    for (size_t i = 0; i < 2; i++)
        if (ddl__is(ddl__item(call, "args", i), "TypeCast"))
            return ddl__refuse(t, ddl__place(ddl__item(call, "args", i)),
                               "generate_series of times; count days with integers and add them");
    if (last && (!ddl__int_const(t, ddl__as(last, "A_Const"), step) || *step == 0))
        return ddl__refuse(t, ddl__place(last),
                           "the step of generate_series has to be a whole "
                           "number other than 0");
    return 0;
}

/* generate_series(from, to, step) as a recursive subquery. */
static int series(struct ddl__tr *t, node *call, node *alias)
{
    int64_t step;
    size_t mark = t->b.len;
    TRY(series_step(t, call, &step));
    TRY(ddl__operand(t, ddl__item(call, "args", 0)));
    str from = ddl__cut(t, mark);
    TRY(ddl__operand(t, ddl__item(call, "args", 1)));
    str to = ddl__cut(t, mark), column = ddl__string(ddl__item(alias, "colnames", 0));
    str name = ddl__text(alias, "aliasname");
    const char *compare = step > 0 ? "<=" : ">=";
    name = name.len ? name : LIT("generate_series");
    buf_printf(&t->b,
               "(WITH RECURSIVE \"cairn_series\"(\"n\") AS (SELECT %s WHERE %s %s %s UNION ALL "
               "SELECT \"n\" + %lld FROM \"cairn_series\" WHERE \"n\" + %lld %s %s) SELECT \"n\" "
               "AS ",
               from.ptr, from.ptr, compare, to.ptr, (long long)step, (long long)step, compare,
               to.ptr);
    ddl__ident(t, column.len ? column : name);
    buf_lit(&t->b, " FROM \"cairn_series\") AS ");
    ddl__ident(t, name);
    return 0;
}

static int range_function(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *alias = ddl__get(body, "alias");
    node *first = ddl__body(ddl__item(body, "functions", 0));
    node *call = ddl__as(ddl__item(first, "items", 0), "FuncCall");
    str name = ddl__last_name(call, "funcname");
    size_t args = ddl__count(call, "args");
    if (ddl__count(body, "functions") != 1 || ddl__flag(body, "ordinality") ||
        !str_is(name, "generate_series") || args < 2 || args > 3)
        return ddl__refuse(t, ddl__num(call, "location", -1),
                           "function %s() in FROM; only "
                           "generate_series is translated",
                           ddl__dup(t, str_upto(name, 60)));
    return series(t, call, alias);
}

static const char *join_word(str type, bool bare)
{
    if (str_is(type, "JOIN_LEFT"))
        return "LEFT JOIN";
    if (str_is(type, "JOIN_RIGHT"))
        return "RIGHT JOIN";
    if (str_is(type, "JOIN_FULL"))
        return "FULL JOIN";
    return bare ? "CROSS JOIN" : "JOIN";
}

static int join(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n), *right = ddl__get(body, "rarg"), *quals = ddl__get(body, "quals");
    bool natural = ddl__flag(body, "isNatural"), nested = ddl__is(right, "JoinExpr");
    size_t using = ddl__count(body, "usingClause");
    if (ddl__get(body, "alias") || ddl__get(body, "join_using_alias"))
        return ddl__refuse(t, -1, "an alias of a join; name its tables");
    TRY(from_item(t, ddl__get(body, "larg")));
    buf_printf(&t->b, " %s%s ", natural ? "NATURAL " : "",
               join_word(ddl__text(body, "jointype"), !natural && !using && !quals));
    if (nested)
        buf_char(&t->b, '(');
    TRY(from_item(t, right));
    if (nested)
        buf_char(&t->b, ')');
    if (using) {
        buf_lit(&t->b, " USING ");
        put_names(t, body, "usingClause");
    } else if (quals) {
        buf_lit(&t->b, " ON ");
        TRY(ddl__expr(t, quals));
    }
    return 0;
}

static int from_item(struct ddl__tr *t, node *n)
{
    node *range = ddl__as(n, "RangeVar");
    str name;
    if (range) {
        TRY(ddl__relation(t, range, &name));
        if (ddl__count(ddl__get(range, "alias"), "colnames"))
            return ddl__refuse(t, ddl__place(n), "a table alias with column names; use WITH");
        ddl__ident(t, name);
        put_alias(t, ddl__get(range, "alias"));
        return 0;
    }
    if (ddl__is(n, "JoinExpr"))
        return join(t, n);
    if (ddl__is(n, "RangeSubselect"))
        return range_subselect(t, n);
    if (ddl__is(n, "RangeFunction"))
        return range_function(t, n);
    return ddl__refuse(t, ddl__place(n), "%s in FROM", ddl__dup(t, ddl__kind(n)));
}

int ddl__from(struct ddl__tr *t, node *body, const char *name)
{
    for (size_t i = 0; i < ddl__count(body, name); i++) {
        buf_str(&t->b, i ? LIT(", ") : LIT(" FROM "));
        TRY(from_item(t, ddl__item(body, name, i)));
    }
    return 0;
}

/* ---- WITH ---- */

int ddl__with(struct ddl__tr *t, node *stmt)
{
    node *with = ddl__get(stmt, "withClause");
    if (!with)
        return 0;
    bool recursive = ddl__flag(with, "recursive");
    buf_str(&t->b, recursive ? LIT("WITH RECURSIVE ") : LIT("WITH "));
    for (size_t i = 0; i < ddl__count(with, "ctes"); i++) {
        node *cte = ddl__body(ddl__item(with, "ctes", i));
        node *query = ddl__as(ddl__get(cte, "ctequery"), "SelectStmt");
        if (!query || ddl__get(cte, "search_clause") || ddl__get(cte, "cycle_clause"))
            return ddl__refuse(t, ddl__num(cte, "location", -1),
                               "WITH over anything but a plain SELECT");
        if (i)
            buf_lit(&t->b, ", ");
        ddl__ident(t, ddl__text(cte, "ctename"));
        if (ddl__count(cte, "aliascolnames"))
            put_names(t, cte, "aliascolnames");
        buf_lit(&t->b, " AS (");
        struct ddl__rel *rel = t->query ? ddl__cte(t, cte, recursive) : NULL;
        if (rel && recursive)
            ddl__cte_push(t, rel);
        TRY(ddl__select(t, query));
        if (rel && !recursive)
            ddl__cte_push(t, rel);
        buf_char(&t->b, ')');
    }
    buf_char(&t->b, ' ');
    return 0;
}

/* ---- SELECT ---- */

static int refuse_select_forms(struct ddl__tr *t, node *s)
{
    static const struct {
        const char *member, *what;
    } forms[] = {
        {"intoClause", "SELECT INTO; use CREATE TABLE ... and INSERT ... SELECT"},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (ddl__get(s, forms[i].member))
            return ddl__refuse(t, -1, "%s", forms[i].what);
    node *distinct = ddl__item(s, "distinctClause", 0);
    if (distinct && ddl__kind(distinct).len)
        return ddl__refuse(t, ddl__place(distinct), "DISTINCT ON; use row_number() OVER (...) = 1");
    if (str_is(ddl__text(s, "limitOption"), "LIMIT_OPTION_WITH_TIES"))
        return ddl__refuse(t, -1, "FETCH ... WITH TIES; use rank() OVER (...)");
    for (size_t i = 0; i < ddl__count(s, "groupClause"); i++)
        if (ddl__is(ddl__item(s, "groupClause", i), "GroupingSet"))
            return ddl__refuse(t, ddl__place(ddl__item(s, "groupClause", i)),
                               "GROUPING SETS, ROLLUP and CUBE; use UNION ALL");
    return 0;
}

static int values(struct ddl__tr *t, node *s)
{
    buf_lit(&t->b, "VALUES ");
    for (size_t i = 0; i < ddl__count(s, "valuesLists"); i++) {
        buf_str(&t->b, i ? LIT(", (") : LIT("("));
        TRY(ddl__expr_list(t, ddl__body(ddl__item(s, "valuesLists", i)), "items"));
        buf_char(&t->b, ')');
    }
    return 0;
}

static int clause(struct ddl__tr *t, node *s, const char *member, const char *words)
{
    node *n = ddl__get(s, member);
    if (!n || ddl__as(ddl__as(n, "A_Const"), "isnull"))
        return 0;
    buf_str(&t->b, str_of(words));
    return ddl__expr(t, n);
}

static int simple_select(struct ddl__tr *t, node *s)
{
    if (ddl__count(s, "valuesLists"))
        return values(t, s);
    buf_str(&t->b, ddl__count(s, "distinctClause") ? LIT("SELECT DISTINCT ") : LIT("SELECT "));
    TRY(ddl__targets(t, s, "targetList"));
    if (!ddl__count(s, "targetList"))
        buf_lit(&t->b, "NULL");
    TRY(ddl__from(t, s, "fromClause"));
    TRY(clause(t, s, "whereClause", " WHERE "));
    if (ddl__count(s, "groupClause")) {
        buf_lit(&t->b, " GROUP BY ");
        TRY(ddl__expr_list(t, s, "groupClause"));
    }
    TRY(clause(t, s, "havingClause", " HAVING "));
    for (size_t i = 0; i < ddl__count(s, "windowClause"); i++) {
        node *window = ddl__body(ddl__item(s, "windowClause", i));
        buf_str(&t->b, i ? LIT(", ") : LIT(" WINDOW "));
        ddl__ident(t, ddl__text(window, "name"));
        buf_lit(&t->b, " AS (");
        TRY(ddl__window(t, window));
        buf_char(&t->b, ')');
    }
    return 0;
}

/* LIMIT and OFFSET of nothing are no bound in PostgreSQL and a mistake in SQLite. */
static int bound(struct ddl__tr *t, node *s, const char *member, const char *words)
{
    node *n = ddl__get(s, member);
    if (!t->query || !n || ddl__is(n, "A_Const"))
        return clause(t, s, member, words);
    buf_str(&t->b, str_of(words));
    buf_lit(&t->b, "coalesce(");
    TRY(ddl__expr(t, n));
    buf_str(&t->b, str_is(str_of(member), "limitCount") ? LIT(", -1)") : LIT(", 0)"));
    return 0;
}

/* A side of a compound: SQLite allows no parentheses there, so what needs them is a subquery. */
static int side(struct ddl__tr *t, node *s, bool right)
{
    bool compound = !str_is(ddl__text(s, "op"), "SETOP_NONE");
    bool wrap = ddl__get(s, "withClause") || ddl__get(s, "sortClause") ||
                ddl__get(s, "limitCount") || ddl__get(s, "limitOffset") || (compound && right);
    if (wrap)
        buf_lit(&t->b, "SELECT * FROM (");
    TRY(ddl__select(t, s));
    if (wrap)
        buf_char(&t->b, ')');
    return 0;
}

static int compound_select(struct ddl__tr *t, node *s)
{
    str op = ddl__text(s, "op");
    bool all = ddl__flag(s, "all"), join_all = str_is(op, "SETOP_UNION");
    if (all && !join_all)
        return ddl__refuse(t, -1, "INTERSECT ALL and EXCEPT ALL; leave ALL out");
    TRY(side(t, ddl__get(s, "larg"), false));
    buf_str(&t->b, join_all                        ? (all ? LIT(" UNION ALL ") : LIT(" UNION "))
                   : str_is(op, "SETOP_INTERSECT") ? LIT(" INTERSECT ")
                                                   : LIT(" EXCEPT "));
    return side(t, ddl__get(s, "rarg"), true);
}

static int whole_select(struct ddl__tr *t, node *s)
{
    struct ddl__scope scope;
    TRY(refuse_select_forms(t, s));
    TRY(ddl__with(t, s));
    if (str_is(ddl__text(s, "op"), "SETOP_NONE"))
        ddl__scope_enter(t, s, &scope);
    if (str_is(ddl__text(s, "op"), "SETOP_NONE"))
        TRY(simple_select(t, s));
    else
        TRY(compound_select(t, s));
    for (size_t i = 0; i < ddl__count(s, "sortClause"); i++) {
        buf_str(&t->b, i ? LIT(", ") : LIT(" ORDER BY "));
        TRY(ddl__sort(t, ddl__item(s, "sortClause", i)));
    }
    if (ddl__get(s, "limitOffset") && !ddl__get(s, "limitCount"))
        buf_lit(&t->b, " LIMIT -1");
    TRY(bound(t, s, "limitCount", " LIMIT "));
    return bound(t, s, "limitOffset", " OFFSET ");
}

int ddl__select(struct ddl__tr *t, node *s)
{
    struct ddl__scope *scope = t->scope;
    struct ddl__rel *ctes = t->ctes;
    if (!s)
        return ddl__refuse(t, -1, "only a SELECT can stand here");
    TRY(whole_select(t, s));
    t->scope = scope;
    t->ctes = ctes;
    return 0;
}
