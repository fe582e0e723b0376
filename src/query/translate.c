/* translate.c -- a query's SQL to the engine's statement, and its columns to what an answer shows.
 * SPDX: Apache-2.0
 * What the header promises is checked against the SQL here: parameters that nothing uses, a write
 * behind GET, rows where none come. */
#include "query/query_priv.h"

#include <stdio.h>

/* ---- the tables ---- */

static struct ddl_field field_of(const struct column *c, struct arena *a)
{
    struct ddl_field f = {.name = c->name, .decimal_text = c->decimal_text};
    f.type = str_of(type_name(c->type));
    if (c->type == TYPE_NUMERIC && c->precision > 0)
        f.type = arena_printf(a, "numeric(%d,%d)", c->precision, c->scale < 0 ? 0 : c->scale);
    if (c->type == TYPE_TIMESTAMP)
        f.type = LIT("timestamptz");
    if (c->type == TYPE_JSON)
        f.type = LIT("jsonb");
    return f;
}

const struct ddl_relation *query__relations(const struct schema *s, struct arena *a)
{
    struct ddl_relation *list = ARENA_ARRAY(a, struct ddl_relation, s->table_count);
    for (size_t i = 0; i < s->table_count; i++) {
        const struct table *t = &s->tables[i];
        struct ddl_field *fields = ARENA_ARRAY(a, struct ddl_field, t->column_count);
        for (size_t k = 0; k < t->column_count; k++)
            fields[k] = field_of(&t->columns[k], a);
        list[i] =
            (struct ddl_relation){.name = t->name, .fields = fields, .count = t->column_count};
    }
    return list;
}

/* ---- what header and SQL say of each other ---- */

static int check_params(struct query *q, const struct ddl_query *t, struct err *err)
{
    for (size_t i = 0; i < q->param_count; i++) {
        struct query__param *p = &q->params[i];
        if (!t->used[i])
            return query__refuse(q->file, p->at, err,
                                 "parameter '%.*s' is not used; write :%.*s in the SQL, or leave "
                                 "it out here",
                                 STR_ARG(p->name), STR_ARG(p->name));
        if (t->bounds[i] && !p->column.has_min) { /* a LIMIT or an OFFSET */
            p->column.has_min = true;
            p->column.min = LIT("0");
        }
    }
    return 0;
}

static int check_header(struct query *q, const struct ddl_query *t, struct err *err)
{
    if (q->cache_s && q->method != METHOD_GET)
        return query__refuse(q->file, q->cache_at, err, "only what is read with GET is cached");
    if (q->result_told && q->result != QUERY_EXEC && !t->rows)
        return query__refuse(q->file, q->result_at, err,
                             "this answers no rows; add RETURNING, or write '-- result: exec'");
    if (q->result_told && q->result == QUERY_EXEC && t->rows)
        return query__refuse(q->file, q->result_at, err,
                             "this answers rows; write '-- result: many' or 'one'%s",
                             t->writes ? ", or leave RETURNING out" : "");
    if (!t->rows)
        q->result = QUERY_EXEC;
    return 0;
}

/* ---- the answer's columns ---- */

static int column_of(struct query *q, const struct ddl_field *f, struct column *out,
                     struct err *err)
{
    const char *near;
    bool list;
    struct query__at at = {q->sql_line, 1};
    str type = f->type.len ? f->type : LIT("text");
    if (str_is(type, "array"))
        return query__refuse(q->file, at, err,
                             "column '%.*s' of the answer is an array; answer JSON: json_agg(...), "
                             "to_json(...)",
                             STR_ARG(str_upto(f->name, 60)));
    BUG_ON(!query__type(type, out, &list, &near));
    if (!f->type.len)
        out->type = TYPE_INT8; /* shown as what its value is */
    out->name = f->name;
    out->nullable = true;
    return 0;
}

static int take_columns(struct query *q, const struct ddl_query *t, struct err *err)
{
    struct arena *a = &q->set->arena;
    struct column *columns = ARENA_ARRAY(a, struct column, t->column_count);
    str *names = ARENA_ARRAY(a, str, t->column_count);
    q->columns = ARENA_ARRAY(a, const struct column *, t->column_count);
    q->column_count = t->column_count;
    for (size_t i = 0; i < t->column_count; i++) {
        TRY(column_of(q, &t->columns[i], &columns[i], err));
        columns[i].name = names[i] = arena_str(a, t->columns[i].name);
        q->columns[i] = &columns[i];
    }
    return t->open ? 0 : query__name_columns(q, names, t->column_count, err);
}

static const struct column *known_column(const struct query *q, str name)
{
    for (size_t i = 0; i < q->column_count; i++)
        if (str_eq(q->columns[i]->name, name))
            return q->columns[i];
    return NULL;
}

int query__name_columns(struct query *q, const str *names, size_t count, struct err *err)
{
    struct arena *a = &q->set->arena;
    struct query__at at = {q->sql_line, 1};
    const struct column **list = ARENA_ARRAY(a, const struct column *, count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            if (str_eq(names[k], names[i]))
                return query__refuse(q->file, at, err,
                                     "two columns of the answer are called '%.*s'; give one of "
                                     "them another name with AS",
                                     STR_ARG(str_upto(names[i], 60)));
        list[i] = known_column(q, names[i]);
        if (list[i])
            continue;
        struct column *c = ARENA_NEW(a, struct column);
        struct ddl_field f = {.name = arena_str(a, names[i])};
        TRY(column_of(q, &f, c, err));
        list[i] = c;
    }
    q->columns = list;
    q->column_count = count;
    row_shape_init(&q->shape, a, list, count);
    return 0;
}

/* ---- all of it ---- */

int query__translate(struct query *q, const struct schema *s, const struct ddl_relation *relations,
                     struct err *err)
{
    struct arena scratch;
    struct ddl_query t;
    struct ddl_field params[QUERY__PARAMS_MOST];
    struct ddl_query_source in = {
        .source = {.text = q->sql, .file = str_of(q->file), .first_line = q->sql_line},
        .params = params,
        .param_count = q->param_count,
        .relations = relations,
        .relation_count = s->table_count,
        .sqlite = q->set->config.dialect == DIALECT_SQLITE,
        .only_reads = q->method == METHOD_GET,
        .ruled = q->ruled};
    for (size_t i = 0; i < q->param_count; i++)
        params[i] = (struct ddl_field){.name = q->params[i].name, .type = q->params[i].type};
    arena_init(&scratch, 256 << 20); /* the parser's tree */
    int code = ddl_query(&scratch, &in, &t, err);
    if (code == 0 && q->ruled)
        code = query__tables(q, s, t.reads, err);
    if (code == 0)
        code = check_params(q, &t, err);
    if (code == 0)
        code = check_header(q, &t, err);
    if (code == 0)
        code = take_columns(q, &t, err);
    if (code == 0) {
        bool first = q->result == QUERY_ONE && t.unlimited;
        q->text = arena_printf(&q->set->arena, "%.*s%s", STR_ARG(t.text), first ? "\nLIMIT 1" : "");
        q->most = first ? 1 : t.most;
        q->most_param = t.most_param;
        q->writes = t.writes;
        q->with = t.with;
        q->rows = t.rows;
    }
    arena_reset(&scratch);
    return code;
}
