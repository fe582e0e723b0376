/* estimate.c -- count=estimated: the number of rows that PostgreSQL's planner expects, from the
 * statistics of ANALYZE; no row is read for it. SPDX: Apache-2.0
 * SQLite keeps nothing of the kind: there, and where few rows are expected, they are counted. */
#include "resource/resource_priv.h"

/* Also what a table that was never analyzed is taken for: ten pages, some two thousand rows. */
enum { COUNTED_BELOW = 10000 };

/* [{"Plan": {"Plan Rows": 1234, ...}}] */
static int64_t rows_planned(struct request *rq, str plan)
{
    struct err ignored = {0};
    struct value v;
    if (json_parse(&rq->arena, plan, &json_limits_default, &v, &ignored) < 0 || v.kind != V_ARRAY ||
        !v.count)
        return -1;
    const struct value *top = value_get(&v.items[0], LIT("Plan"));
    const struct value *rows = top ? value_get(top, LIT("Plan Rows")) : NULL;
    return rows && rows->kind == V_INT ? rows->i : -1;
}

int resource__estimate(struct request *rq, const struct resource_set *s, const struct select *sel,
                       int64_t *out, struct err *err)
{
    struct stmt st = {0};
    struct rows rows = {0};
    *out = -1;
    if (s->config->dialect != DIALECT_POSTGRES || sel->summary)
        return 0;
    TRY(sql_estimate(&rq->arena, sel, &st, err));
    TRY(resource__rows(rq, s, &st, 1, &rows, err));
    if (rows.count && rows.cells[0].kind == V_TEXT)
        *out = rows_planned(rq, rows.cells[0].text);
    if (*out < COUNTED_BELOW)
        *out = -1;
    return 0;
}
