/* Any file of queries: the scanner of headers, the parameters in SQL, and the translation. What
 * gets through must be whole; what does not must be told with its place. */
#include "query/query_priv.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ddl_field fields[] = {
    {STR_INIT("id"), STR_INIT("bigint"), false},
    {STR_INIT("name"), STR_INIT("varchar(40)"), false},
    {STR_INIT("price"), STR_INIT("numeric(10,2)"), false},
    {STR_INIT("wide"), STR_INIT("numeric(30,4)"), true},
    {STR_INIT("at"), STR_INIT("timestamptz"), false},
    {STR_INIT("day"), STR_INIT("date"), false},
    {STR_INIT("doc"), STR_INIT("jsonb"), false},
};
static const struct ddl_relation tables[] = {{STR_INIT("things"), fields, COUNT_OF(fields)}};

static void translate(struct arena *a, const struct query *q, bool sqlite)
{
    struct ddl_field params[QUERY__PARAMS_MOST];
    struct ddl_query out;
    struct err err = {0};
    struct ddl_query_source in = {.source = {q->sql, str_of(q->file), q->sql_line},
                                  .params = params,
                                  .param_count = q->param_count,
                                  .relations = tables,
                                  .relation_count = 1,
                                  .sqlite = sqlite,
                                  .only_reads = q->method == METHOD_GET};
    for (size_t i = 0; i < q->param_count; i++)
        params[i] = (struct ddl_field){.name = q->params[i].name, .type = q->params[i].type};
    int code = ddl_query(a, &in, &out, &err);
    BUG_ON(code < 0 && !str_starts(str_of(err.text), LIT("f.sql:")));
    BUG_ON(code == 0 && !out.text.len);
    BUG_ON(code == 0 && in.only_reads && out.writes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query_set set = {0};
    struct err err = {0};
    if (size > 4096)
        return 0;
    arena_init(&set.arena, 512 << 20);
    str text = arena_str(&set.arena, str_make((const char *)data, size));
    int code = query__scan(&set, "f.sql", text, &err);
    BUG_ON(code < 0 && !str_starts(str_of(err.text), LIT("f.sql:")));
    for (size_t i = 0; code == 0 && i < set.count && i < 4; i++) {
        const struct query *q = &set.list[i];
        BUG_ON(!q->name.len || !q->sql.len || q->param_count > QUERY__PARAMS_MOST);
        for (size_t k = 0; k < q->param_count; k++)
            BUG_ON(!q->params[k].name.len || !q->params[k].type.len);
        translate(&set.arena, q, true);
        translate(&set.arena, q, false);
    }
    arena_reset(&set.arena);
    return 0;
}
