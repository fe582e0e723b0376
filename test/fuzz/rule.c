/* Any text as a rule, for a caller with claims and for nobody: read, made a condition, compiled.
 * What is not a rule fails with a sentence; what is one compiles for both engines. */
#include "../unit/sql/fixture.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compile(struct arena *a, const struct table *t, struct cond *where)
{
    struct err err = {0};
    struct stmt st;
    struct select s = {.table = t,
                       .columns = all_columns(a, t),
                       .column_count = t->column_count,
                       .shown = t->column_count,
                       .where = where,
                       .limit = 1};
    BUG_ON(sql_select(DIALECT_SQLITE, a, &s, &st, &err) < 0);
    BUG_ON(sql_select(DIALECT_POSTGRES, a, &s, &st, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model *model;
    static const str roles[] = {STR_INIT("admin")};
    static struct member claims[] = {{STR_INIT("id"), {.kind = V_INT, .i = 1}},
                                     {STR_INIT("name"), {.kind = V_TEXT, .text = STR_INIT("x")}}};
    static const struct principal me = {.claims = {.kind = V_OBJECT, .count = 2, .fields = claims},
                                        .roles = roles,
                                        .role_count = 1};
    if (!model)
        model = model_new();
    struct arena a;
    struct rule *rule;
    struct err err = {0};
    size_t at = 0;
    arena_init(&a, 64 << 20);
    const struct table *t = &model->tables[size ? data[0] % TABLES : 0];
    str text = {(const char *)data + (size ? 1 : 0), size ? size - 1 : 0};
    if (rule_read(&a, t, text, &rule, &at, &err) == 0) {
        compile(&a, t, rule_cond(&a, rule, &me, 0));
        compile(&a, t, rule_cond(&a, rule, NULL, 0));
    } else {
        BUG_ON(!err.text[0] || at > text.len);
    }
    arena_reset(&a);
    return 0;
}
