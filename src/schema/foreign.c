/* foreign.c -- foreign keys. SPDX: Apache-2.0
 * SQLite takes the names of a REFERENCES as they are written, whatever their case, and does not
 * look whether they are there. A key without columns of the target means its primary key. One that
 * points nowhere, or to another number of columns, is left out: no row can ever follow it. */
#include "schema/schema_priv.h"

/* Cells: table, id, target, from, to (or null), ON DELETE; one row a column. */
enum { CELL_TARGET = 2, CELL_FROM, CELL_TO, CELL_ON_DELETE };

static const struct column *target_column(const struct schema__work *target, const struct rows *r,
                                          size_t row, size_t i, size_t count)
{
    if (rows_at(r, row, CELL_TO)->kind != V_NULL)
        return schema__column_any_case(target, schema__cell(r, row, CELL_TO));
    const struct key *primary = &target->table->primary;
    return primary->count == count ? primary->columns[i] : NULL;
}

static bool key_read(struct schema__build *b, const struct schema__work *w, const struct rows *r,
                     size_t from, size_t to, struct foreign_key *out)
{
    struct schema__work *target = schema__work_any_case(b, schema__cell(r, from, CELL_TARGET));
    size_t count = to - from;
    if (!target)
        return false;
    *out = (struct foreign_key){.name = LIT(""),
                                .from = schema__key_new(b->arena, count),
                                .target = target->table,
                                .to = schema__key_new(b->arena, count)};
    str action = schema__cell(r, from, CELL_ON_DELETE);
    out->keeps = str_is(action, "NO ACTION") || str_is(action, "RESTRICT");
    for (size_t i = 0; i < count; i++) {
        out->from.columns[i] = schema__column_any_case(w, schema__cell(r, from + i, CELL_FROM));
        out->to.columns[i] = target_column(target, r, from + i, i, count);
        if (!out->from.columns[i] || !out->to.columns[i])
            return false;
    }
    return true;
}

/* The same key twice, as REFERENCES and as FOREIGN KEY. */
static bool known(const struct schema__work *w, const struct foreign_key *key)
{
    for (size_t i = 0; i < w->table->foreign_key_count; i++) {
        const struct foreign_key *have = &w->foreign_keys[i];
        if (have->target == key->target && schema__key_eq(&have->from, &key->from) &&
            schema__key_eq(&have->to, &key->to))
            return true;
    }
    return false;
}

void schema__foreign_keys(struct schema__build *b, const struct rows *answer)
{
    for (size_t at = 0, end; at < answer->count; at = end) {
        end = schema__run_end(answer, at, 1);
        struct schema__work *w = schema__work_of(b, schema__cell(answer, at, 0));
        if (!w)
            continue;
        w->foreign_keys = ARENA_ARRAY(b->arena, struct foreign_key, end - at);
        w->table->foreign_keys = w->foreign_keys;
        for (size_t i = at, next; i < end; i = next) {
            struct foreign_key key;
            next = schema__run_end(answer, i, 2);
            if (key_read(b, w, answer, i, next, &key) && !known(w, &key))
                w->foreign_keys[w->table->foreign_key_count++] = key;
        }
    }
}

static bool goes_with(const struct table *from, const struct table *target)
{
    for (size_t k = 0; k < from->foreign_key_count; k++) {
        if (from->foreign_keys[k].target == target && !from->foreign_keys[k].keeps)
            return true;
    }
    return false;
}

const bool *schema_gone_with(struct arena *a, const struct schema *s, const struct table *t)
{
    bool *gone = ARENA_ARRAY(a, bool, s->table_count);
    const struct table **queue = ARENA_ARRAY(a, const struct table *, s->table_count);
    size_t count = 1;
    queue[0] = t;
    gone[t - s->tables] = true;
    for (size_t at = 0; at < count; at++) {
        for (size_t i = 0; i < s->table_count; i++) {
            if (gone[i] || !goes_with(&s->tables[i], queue[at]))
                continue;
            gone[i] = true;
            queue[count++] = &s->tables[i];
        }
    }
    return gone;
}
