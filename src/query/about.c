/* about.c -- what named queries take and answer, for those who write documents of it.
 * SPDX: Apache-2.0 */
#include "query/query_priv.h"

bool query_about(const struct endpoint *e, struct arena *a, struct query_about *out)
{
    static const enum query_answer answers[] = {[QUERY_MANY] = QUERY_ANSWERS_ROWS,
                                                [QUERY_ONE] = QUERY_ANSWERS_ONE,
                                                [QUERY_EXEC] = QUERY_ANSWERS_CHANGES};
    const struct query *q = e->data;
    if (e->run != query__run)
        return false;
    struct query_param_about *list = ARENA_ARRAY(a, struct query_param_about, q->param_count);
    for (size_t i = 0; i < q->param_count; i++) {
        const struct query__param *p = &q->params[i];
        bool preset = p->preset_told && p->preset.kind != V_NULL;
        list[i] = (struct query_param_about){.name = p->name,
                                             .column = &p->column,
                                             .list = p->list,
                                             .required = !p->preset_told && !p->column.nullable,
                                             .preset = preset ? &p->preset : NULL};
    }
    *out = (struct query_about){.name = q->name,
                                .description = q->description,
                                .answer = answers[q->result],
                                .open = query__open(q),
                                .cached = q->cache.len > 0,
                                .writes = q->writes,
                                .params = list,
                                .param_count = q->param_count,
                                .columns = q->columns,
                                .column_count = q->column_count};
    return true;
}

bool query_may(const struct endpoint *e, const struct access *x, uint64_t roles)
{
    const struct query *q = e->data;
    return query__open(q) || query__has_role(q, x, roles);
}
