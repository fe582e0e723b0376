/* values.c -- looking at facts: keys, indexes, how often values come. SPDX: Apache-2.0 */
#include "advise/advise_priv.h"

bool advise__in_key(const struct key *k, const struct column *c)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i] == c)
            return true;
    }
    return false;
}

bool advise__foreign(const struct table *t, const struct column *c)
{
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        if (advise__in_key(&t->foreign_keys[i].from, c))
            return true;
    }
    return false;
}

const struct foreign_key *advise__points(const struct table *t, const struct column *c)
{
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const struct foreign_key *f = &t->foreign_keys[i];
        if (f->from.count == 1 && f->from.columns[0] == c)
            return f;
    }
    return NULL;
}

bool advise__alone_unique(const struct table *t, const struct column *c)
{
    if (t->primary.count == 1 && t->primary.columns[0] == c)
        return true;
    for (size_t i = 0; i < t->unique_count; i++) {
        if (t->uniques[i].count == 1 && t->uniques[i].columns[0] == c)
            return true;
    }
    return false;
}

bool advise__holds(str text, const char *word)
{
    str w = str_of(word);
    for (size_t i = 0; i + w.len <= text.len; i++) {
        if (str_eqi(str_upto(str_from(text, i), w.len), w))
            return true;
    }
    return false;
}

static bool begins_with(const struct fact_index *x, const struct column *const *list, size_t count)
{
    if (x->count < count || !x->valid || !x->own)
        return false;
    if (x->where.len && !advise__holds(x->where, "IS NOT NULL"))
        return false;
    struct key lead = {.columns = x->columns, .count = count};
    for (size_t i = 0; i < count; i++) {
        if (!advise__in_key(&lead, list[i]))
            return false;
    }
    return true;
}

const struct fact_index *advise__leads(const struct fact_table *t, const struct column *const *list,
                                       size_t count)
{
    for (size_t i = 0; i < t->index_count; i++) {
        if (begins_with(&t->indexes[i], list, count))
            return &t->indexes[i];
    }
    return NULL;
}

uint32_t advise__most(const struct fact_values *x)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i <= x->distinct; i++) {
        if (!best || x->counts[i] > x->counts[best])
            best = i;
    }
    return best;
}

uint32_t advise__rarest(const struct fact_values *x)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i <= x->distinct; i++) {
        if (!best || x->counts[i] < x->counts[best])
            best = i;
    }
    return best;
}

double advise__share(const struct fact_table *t, uint32_t rows)
{
    return t->sample ? (double)rows / (double)t->sample : 0;
}

/* ---- a sample to numbers ---- */

bool facts_sampled(const struct column *c)
{
    return c->type != TYPE_JSON && c->type != TYPE_BYTES;
}

/* Values are numbered in the order first seen. */
static void count_values(struct arena *a, struct fact_values *x, const struct rows *rows, size_t at)
{
    uint32_t *ids = ARENA_ARRAY(a, uint32_t, rows->count);
    uint32_t *counts = ARENA_ARRAY(a, uint32_t, rows->count + 1);
    str *texts = ARENA_ARRAY(a, str, rows->count + 1);
    struct map seen;
    map_init(&seen);
    for (size_t i = 0; i < rows->count; i++) {
        const struct value *v = rows_at(rows, i, at);
        if (v->kind == V_TEXT) {
            uintptr_t id = (uintptr_t)map_get(&seen, v->text);
            if (!id) {
                id = ++x->distinct;
                texts[id] = v->text;
                map_set(&seen, v->text, (void *)id);
            }
            ids[i] = (uint32_t)id;
            x->bytes += v->text.len;
        }
        counts[ids[i]]++;
    }
    map_fini(&seen);
    x->ids = ids;
    x->counts = counts;
    x->texts = texts;
}

void facts_sample(struct arena *a, struct fact_table *t, const struct rows *rows)
{
    size_t at = 0;
    t->sample = rows->count;
    for (size_t i = 0; i < t->table->column_count; i++) {
        const struct column *c = &t->table->columns[i];
        if (!facts_sampled(c) || at >= rows->cols)
            continue;
        t->values[i].column = c;
        count_values(a, &t->values[i], rows, at++);
    }
}
