/* ruled.c -- the tables that a named query reads, where rules hold for them. SPDX: Apache-2.0
 * The rules come in as a WITH of the tables' names (sql/shadow.c), so each table has to be found by
 * its plain name, and by no other thing of that name. */
#include "ddl/ddl_priv.h"

static size_t relation_of(const struct ddl__tr *t, str name)
{
    for (size_t i = 0; i < t->query->relation_count; i++) {
        if (str_eq(t->query->relations[i].name, name))
            return i;
    }
    return STR_NONE;
}

static int cte(struct ddl__tr *t, node *body)
{
    str name = ddl__text(body, "ctename");
    if (relation_of(t, name) == STR_NONE)
        return 0;
    return ddl__refuse(t, ddl__num(body, "location", -1),
                       "'%.*s' is a table; where rules hold, a WITH has another name",
                       STR_ARG(str_upto(name, 60)));
}

static int range(struct ddl__tr *t, node *body)
{
    size_t at = relation_of(t, ddl__text(body, "relname"));
    if (ddl__text(body, "schemaname").len || ddl__text(body, "catalogname").len)
        return ddl__refuse(t, ddl__num(body, "location", -1),
                           "where rules hold, a table is named without its schema");
    if (at != STR_NONE) /* else a WITH, or what is refused elsewhere */
        t->answer->reads[at] = true;
    return 0;
}

static int walk(struct ddl__tr *t, node *n)
{
    for (uint32_t i = 0; n->kind == V_ARRAY && i < n->count; i++)
        TRY(walk(t, &n->items[i]));
    for (uint32_t i = 0; n->kind == V_OBJECT && i < n->count; i++) {
        node *v = &n->fields[i].value;
        if (str_is(n->fields[i].name, "CommonTableExpr"))
            TRY(cte(t, v));
        if (str_is(n->fields[i].name, "RangeVar"))
            TRY(range(t, v));
        TRY(walk(t, v));
    }
    return 0;
}

int ddl__ruled(struct ddl__tr *t, node *stmt)
{
    t->answer->with = ddl__get(ddl__body(stmt), "withClause") != NULL;
    t->answer->reads = ARENA_ARRAY(t->a, bool, t->query->relation_count);
    if (!t->query->ruled)
        return 0;
    if (t->answer->writes)
        return ddl__refuse(t, -1, "rules hold for what reads; this changes or locks rows");
    return walk(t, stmt);
}
