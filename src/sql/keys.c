/* keys.c -- the parents' keys of an include as one table inside a statement.
 * Keys are made distinct and sorted here, without nulls: the rows of every parent come once, and
 * the list costs one place: cairn_each(?1) on SQLite (db/sqlite_each.c), an array on PostgreSQL.
 * Composite keys are JSON on both, a key an inner array. Bytes and doubles inside them, which JSON
 * does not carry exactly, become a VALUES list instead. SPDX: Apache-2.0 */
#include "sql/keys_priv.h"

#include <stdlib.h>

static int cell_cmp(const struct value *x, const struct value *y)
{
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == V_INT)
        return (x->i > y->i) - (x->i < y->i);
    if (x->kind == V_FLOAT)
        return (x->f > y->f) - (x->f < y->f);
    return str_cmp(x->text, y->text);
}

static int pair_cmp(const void *p, const void *q)
{
    const struct value *x = *(const struct value *const *)p, *y = *(const struct value *const *)q;
    if (x->kind != V_ARRAY)
        return cell_cmp(x, y);
    int order = 0;
    for (uint32_t i = 0; i < x->count && order == 0; i++)
        order = cell_cmp(&x->items[i], &y->items[i]);
    return order;
}

static bool scalar(const struct value *v)
{
    return v->kind == V_INT || v->kind == V_FLOAT || v->kind == V_TEXT || v->kind == V_BYTES;
}

/* Is v a key of that many parts, none of them null? */
static bool usable(const struct value *v, size_t parts)
{
    if (parts == 1)
        return scalar(v);
    if (v->kind != V_ARRAY || v->count != parts)
        return false;
    for (uint32_t i = 0; i < v->count; i++) {
        if (!scalar(&v->items[i]))
            return false;
    }
    return true;
}

static const struct value *part_of(const struct value *v, size_t parts, size_t i)
{
    return parts == 1 ? v : &v->items[i];
}

/* As the keys of rows that are read by their id. */
static bool ascending(const struct keys *k)
{
    for (size_t i = 1; i < k->count; i++) {
        if (pair_cmp(&k->list[i - 1], &k->list[i]) >= 0)
            return false;
    }
    return true;
}

static void sort_distinct(struct keys *k)
{
    size_t kept = 0;
    qsort(k->list, k->count, sizeof *k->list, pair_cmp);
    for (size_t i = 0; i < k->count; i++) {
        if (kept == 0 || pair_cmp(&k->list[kept - 1], &k->list[i]) != 0)
            k->list[kept++] = k->list[i];
    }
    k->count = kept;
}

void keys__take(struct sql *b, struct keys *k, const struct value *list, const struct key *of)
{
    *k = (struct keys){.parts = of->count, .of = of, .one_place = true};
    k->list = arena_new(b->arena, (list->count + 1) * sizeof *k->list);
    for (uint32_t i = 0; i < list->count; i++) {
        if (usable(&list->items[i], k->parts))
            k->list[k->count++] = &list->items[i];
    }
    if (!ascending(k))
        sort_distinct(k);
    bool listed = k->parts == 1 && b->dialect == DIALECT_SQLITE;
    for (size_t i = 0; i < k->count * k->parts && k->one_place && !listed; i++)
        k->one_place = sql__rides_json(part_of(k->list[i / k->parts], k->parts, i % k->parts));
    if (!k->one_place && b->dialect == DIALECT_POSTGRES)
        sql__fail(b, "keys of this type cannot be followed to other tables on PostgreSQL");
}

bool keys__gapless(const struct keys *k)
{
    if (k->parts != 1 || k->count < 2 || k->list[0]->kind != V_INT ||
        k->list[k->count - 1]->kind != V_INT)
        return false;
    return (uint64_t)k->list[k->count - 1]->i - (uint64_t)k->list[0]->i == k->count - 1;
}

static void json_part(struct text *t, const struct value *v)
{
    if (v->kind == V_INT)
        text__i64(t, v->i);
    else
        text__json(t, v->text);
}

static str json_keys(struct sql *b, const struct keys *k)
{
    struct text t;
    text__init(&t, b->arena, 16 * k->count * k->parts + 16);
    text__char(&t, '[');
    for (size_t i = 0; i < k->count; i++) {
        if (i)
            text__char(&t, ',');
        if (k->parts > 1)
            text__char(&t, '[');
        for (size_t p = 0; p < k->parts; p++) {
            if (p)
                text__char(&t, ',');
            json_part(&t, part_of(k->list[i], k->parts, p));
        }
        if (k->parts > 1)
            text__char(&t, ']');
    }
    text__char(&t, ']');
    return text__done(&t);
}

/* {1,2} or {"a","b"}: inside quotes an array's text escapes two characters. */
static void array_text(struct text *t, str s)
{
    text__char(t, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            text__char(t, '\\');
        text__char(t, s.ptr[i]);
    }
    text__char(t, '"');
}

void keys__array(struct sql *b, const struct keys *k)
{
    struct text t;
    text__init(&t, b->arena, 16 * k->count + 16);
    text__char(&t, '{');
    for (size_t i = 0; i < k->count; i++) {
        if (i)
            text__char(&t, ',');
        if (k->list[i]->kind == V_INT)
            text__i64(&t, k->list[i]->i);
        else
            array_text(&t, k->list[i]->text);
    }
    text__char(&t, '}');
    sql__place(b, sql__add(b, value_text(text__done(&t))));
    sql__text(b, "::");
    text__str(&b->text, str_of(sql__cast(k->of->columns[0]->type)));
    sql__text(b, "[]");
}

static void values(struct sql *b, const struct keys *k)
{
    sql__text(b, "(VALUES ");
    for (size_t i = 0; i < k->count; i++) {
        if (i)
            text__char(&b->text, ',');
        text__char(&b->text, '(');
        for (size_t p = 0; p < k->parts; p++) {
            if (p)
                text__char(&b->text, ',');
            sql__place(b, sql__add(b, *part_of(k->list[i], k->parts, p)));
        }
        text__char(&b->text, ')');
    }
    text__char(&b->text, ')');
}

static size_t key_rows(struct sql *b, const struct keys *k)
{
    struct value all = {.kind = V_ARRAY, .count = (uint32_t)k->count};
    all.items = arena_new(b->arena, (k->count + 1) * sizeof *all.items);
    for (size_t i = 0; i < k->count; i++)
        all.items[i] = *k->list[i];
    size_t place = sql__add(b, all);
    b->keys = (uint32_t)place;
    return place;
}

void keys__table(struct sql *b, const struct keys *k)
{
    if (b->dialect == DIALECT_POSTGRES && k->parts == 1) {
        sql__text(b, "unnest(");
        keys__array(b, k);
        sql__text(b, ") AS k(value)");
    } else if (b->dialect == DIALECT_POSTGRES) {
        sql__text(b, "jsonb_array_elements(");
        sql__place(b, sql__add(b, value_text(json_keys(b, k))));
        sql__text(b, "::jsonb) AS k(value)");
    } else if (k->parts == 1) {
        sql__text(b, "cairn_each(");
        sql__place(b, key_rows(b, k));
        sql__text(b, ") AS k");
    } else if (k->one_place) {
        sql__text(b, "json_each(");
        sql__place(b, sql__add(b, value_text(json_keys(b, k))));
        sql__text(b, ") AS k");
    } else {
        values(b, k);
        sql__text(b, " AS k");
    }
}

static void part_postgres(struct sql *b, const struct keys *k, size_t i)
{
    sql__text(b, "CAST(k.value ->> ");
    text__u64(&b->text, i);
    sql__text(b, " AS ");
    text__str(&b->text, str_of(sql__cast(k->of->columns[i]->type)));
    text__char(&b->text, ')');
}

void keys__part(struct sql *b, const struct keys *k, size_t i)
{
    if (b->dialect == DIALECT_POSTGRES && k->parts > 1) {
        part_postgres(b, k, i);
    } else if (!k->one_place) {
        sql__text(b, "k.column");
        text__u64(&b->text, i + 1);
    } else if (k->parts == 1) {
        sql__text(b, "k.value");
    } else {
        sql__text(b, "json_extract(k.value,'$[");
        text__u64(&b->text, i);
        sql__text(b, "]')");
    }
}

void keys__parts(struct sql *b, const struct keys *k)
{
    for (size_t i = 0; i < k->parts; i++) {
        if (i)
            text__char(&b->text, ',');
        keys__part(b, k, i);
    }
}
