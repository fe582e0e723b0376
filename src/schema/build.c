/* build.c -- the catalog's answers to the model. SPDX: Apache-2.0
 * First every table and column is there, then what points from one to another.
 * Invariants: (1) Everything kept is copied into the schema's arena; the answers may go at once.
 * (2) Arrays of tables and columns never move once made, so that pointers to them hold.
 * (3) Names of tables and columns are not empty and end with a NUL behind their length. */
#include "schema/schema_priv.h"

#include "base/mem.h"

enum { SCHEMA_MEMORY = 1 << 30, ANSWERS = ANSWER_COMMENTS };

/* ---- reading answers ---- */

str schema__cell(const struct rows *r, size_t row, size_t col)
{
    const struct value *v = rows_at(r, row, col);
    return v->kind == V_TEXT || v->kind == V_BYTES ? v->text : LIT("");
}

int64_t schema__number(const struct rows *r, size_t row, size_t col)
{
    const struct value *v = rows_at(r, row, col);
    return v->kind == V_INT ? v->i : 0;
}

size_t schema__run_end(const struct rows *r, size_t at, size_t same)
{
    size_t end = at + 1;
    for (; end < r->count; end++) {
        for (size_t i = 0; i < same; i++) {
            if (!value_eq(rows_at(r, at, i), rows_at(r, end, i)))
                return end;
        }
    }
    return end;
}

/* ---- looking up while building ---- */

static void *unconst(const void *ptr)
{
    return (void *)(uintptr_t)ptr;
}

struct schema__work *schema__work_of(const struct schema__build *b, str table)
{
    const struct table *t = schema_table(b->schema, table);
    return t ? &b->works[t - b->schema->tables] : NULL;
}

struct schema__work *schema__work_any_case(const struct schema__build *b, str table)
{
    struct schema__work *w = schema__work_of(b, table);
    for (size_t i = 0; !w && i < b->count; i++) {
        if (str_eqi(b->works[i].table->name, table))
            w = &b->works[i];
    }
    return w;
}

struct column *schema__column_any_case(const struct schema__work *w, str column)
{
    for (size_t i = 0; i < w->table->column_count; i++) {
        if (str_eqi(w->columns[i].name, column))
            return &w->columns[i];
    }
    return NULL;
}

struct key schema__key_new(struct arena *a, size_t count)
{
    return (struct key){
        .name = LIT(""), .columns = ARENA_ARRAY(a, const struct column *, count), .count = count};
}

bool schema__key_has(const struct key *k, const struct column *c)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i] == c)
            return true;
    }
    return false;
}

bool schema__key_eq(const struct key *a, const struct key *b)
{
    for (size_t i = 0; a->count == b->count && i < a->count; i++) {
        if (a->columns[i] != b->columns[i])
            return false;
    }
    return a->count == b->count;
}

/* ---- tables and columns ---- */

static void tables_read(struct schema__build *b, const struct rows *r)
{
    struct table *tables = ARENA_ARRAY(b->arena, struct table, r->count);
    b->works = ARENA_ARRAY(b->arena, struct schema__work, r->count);
    b->schema->tables = tables;
    b->schema->table_count = b->count = r->count;
    for (size_t i = 0; i < r->count; i++) {
        struct table *t = &tables[i];
        struct schema__work *w = &b->works[i];
        t->name = arena_str(b->arena, schema__cell(r, i, 0));
        t->view = str_is(schema__cell(r, i, 1), "view");
        t->comment = LIT("");
        map_init(&t->by_name);
        map_init(&t->rel_by_name);
        w->table = t;
        w->without_rowid = schema__number(r, i, 2) != 0;
        w->sql = t->view ? LIT("") : schema__cell(r, i, 3);
        map_set(&b->schema->by_name, t->name, t);
    }
}

/* Cells: table, name, type, notnull, dflt_value, pk, hidden. */
static void column_read(struct schema__build *b, const struct rows *r, size_t row, struct column *c)
{
    bool has_default = rows_at(r, row, 4)->kind != V_NULL;
    c->name = arena_str(b->arena, schema__cell(r, row, 1));
    schema__types(c, schema__cell(r, row, 2), b->arena);
    c->nullable = !schema__number(r, row, 3) && !schema__number(r, row, 5);
    c->generated = schema__number(r, row, 6) > 1; /* 2 virtual, 3 stored */
    c->has_default = has_default || c->generated;
    c->default_sql = has_default ? arena_str(b->arena, schema__cell(r, row, 4)) : LIT("");
    c->comment = c->min = c->max = LIT("");
    c->min_length = c->max_length = -1;
}

static void columns_read(struct schema__build *b, const struct rows *r)
{
    for (size_t at = 0, end; at < r->count; at = end) {
        end = schema__run_end(r, at, 1);
        struct schema__work *w = schema__work_of(b, schema__cell(r, at, 0));
        if (!w)
            continue;
        struct table *t = w->table;
        t->column_count = end - at;
        t->columns = w->columns = ARENA_ARRAY(b->arena, struct column, end - at);
        for (size_t i = 0; i < end - at; i++) {
            column_read(b, r, at + i, &w->columns[i]);
            w->columns[i].index = i;
            map_set(&t->by_name, w->columns[i].name, &w->columns[i]);
        }
        schema__primary(b, w, r, at);
    }
}

static void collations_read(struct schema__build *b, struct schema__work *w)
{
    struct schema__clause *list;
    size_t count = schema__clauses(b->arena, w->sql, &list);
    w->collations = ARENA_ARRAY(b->arena, str, w->table->column_count);
    for (size_t i = 0; i < count; i++) {
        struct column *c = schema__column_any_case(w, list[i].column);
        if (c && list[i].kind == CLAUSE_COLLATE)
            w->collations[c->index] = list[i].text;
    }
}

/* Cells: table, column or nothing, comment. */
static void comments_read(struct schema__build *b, const struct rows *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct schema__work *w = schema__work_any_case(b, schema__cell(r, i, 0));
        str column = schema__cell(r, i, 1), comment = arena_str(b->arena, schema__cell(r, i, 2));
        if (!w)
            continue;
        struct column *c = schema__column_any_case(w, column);
        if (c)
            c->comment = comment;
        else if (!column.len)
            w->table->comment = comment;
    }
}

static void checks_read(struct schema__build *b, enum dialect d, const struct rows *answers)
{
    if (d == DIALECT_POSTGRES) {
        schema__labels_postgres(b, &answers[ANSWER_LABELS]);
        schema__checks_postgres(b, &answers[ANSWER_CHECKS]);
        return;
    }
    for (size_t i = 0; i < b->count; i++)
        schema__checks(b, &b->works[i]);
}

static int build(struct schema__build *b, enum dialect d, const struct rows *answers, size_t count,
                 const struct schema_wishes *wishes)
{
    tables_read(b, &answers[ANSWER_TABLES]);
    columns_read(b, &answers[ANSWER_COLUMNS]);
    for (size_t i = 0; i < b->count; i++)
        collations_read(b, &b->works[i]);
    schema__keys(b, &answers[ANSWER_INDEXES]);
    schema__foreign_keys(b, &answers[ANSWER_FOREIGN]);
    checks_read(b, d, answers);
    if (count > ANSWER_COMMENTS)
        comments_read(b, &answers[ANSWER_COMMENTS]);
    TRY(schema__relations(b, wishes));
    TRY(schema__counters(b, wishes)); /* before relations to hidden tables go */
    TRY(schema__files(b, wishes));
    TRY(schema__expose(b, wishes));
    return schema__tongues(b, wishes);
}

/* ---- life ---- */

int schema_build(enum dialect d, const struct rows *answers, size_t count,
                 const struct schema_wishes *wishes, struct schema **out, struct err *err)
{
    static const struct schema_wishes none = {.tables = NULL};
    BUG_ON(d == DIALECT_SQLITE ? count != ANSWERS && count != ANSWERS + 1 : count != ANSWER__COUNT);
    struct schema *s = mem_zero(1, sizeof *s);
    struct schema__build b = {.schema = s, .arena = &s->arena, .err = err};
    arena_init(&s->arena, SCHEMA_MEMORY);
    map_init(&s->by_name);
    int code = build(&b, d, answers, count, wishes ? wishes : &none);
    if (code < 0) {
        schema_free(&s);
        return code;
    }
    *out = s;
    return 0;
}

void schema_free(struct schema **s)
{
    struct schema *old = *s;
    *s = NULL;
    for (size_t i = 0; i < old->table_count; i++) {
        struct table *t = unconst(&old->tables[i]);
        map_fini(&t->by_name);
        map_fini(&t->rel_by_name);
    }
    map_fini(&old->by_name);
    arena_reset(&old->arena);
    mem_free(old);
}

/* ---- looking up ---- */

const struct table *schema_table(const struct schema *s, str name)
{
    return map_get(&s->by_name, name);
}

const struct column *table_column(const struct table *t, str name)
{
    return map_get(&t->by_name, name);
}

const struct relation *table_relation(const struct table *t, str name)
{
    return map_get(&t->rel_by_name, name);
}
