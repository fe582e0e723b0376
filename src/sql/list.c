/* list.c -- many values in a statement whose text does not say how many.
 * A prepared statement is kept by its text. A list of any length therefore rides as one JSON
 * array (SQLite) or one array literal (PostgreSQL). JSON carries integers and text exactly; it
 * does not carry bytes, and SQLite's own reading of fractions may differ in the last bit, so
 * those get one place each, padded to a power of two to keep the shapes few. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

enum { FEW = 4 };

bool sql__rides_json(const struct value *v)
{
    if (v->kind == V_TEXT)
        return str_utf8(v->text) && str_find(v->text, '\0') == STR_NONE;
    return v->kind == V_INT;
}

static void places(struct sql *b, const struct value *list, size_t count)
{
    size_t padded = count;
    if (count > FEW)
        for (padded = FEW * 2; padded < count; padded *= 2)
            ;
    sql__text(b, " IN (");
    for (size_t i = 0; i < padded; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__place(b, sql__add(b, list[i < count ? i : count - 1]));
    }
    text__char(&b->text, ')');
}

static void json_list(struct sql *b, const struct value *list, size_t count)
{
    struct text t;
    text__init(&t, b->arena, 16 * count + 16);
    text__char(&t, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            text__char(&t, ',');
        if (list[i].kind == V_INT)
            text__i64(&t, list[i].i);
        else
            text__json(&t, list[i].text);
    }
    text__char(&t, ']');
    sql__text(b, " IN (SELECT k.value FROM json_each(");
    sql__place(b, sql__add(b, value_text(text__done(&t))));
    sql__text(b, ") AS k)");
}

void sql__in_list(struct sql *b, const struct column *c, const struct value *list, size_t count)
{
    struct value *stored = arena_new(b->arena, (count ? count : 1) * sizeof *stored);
    bool json = count > FEW && b->dialect == DIALECT_SQLITE;
    for (size_t i = 0; i < count; i++) {
        stored[i] = sql__store(b, c, &list[i]);
        json = json && sql__rides_json(&stored[i]);
    }
    if (json)
        json_list(b, stored, count);
    else
        places(b, stored, count);
}

const char *sql__cast(enum type t)
{
    static const char *const names[TYPE__COUNT] = {
        [TYPE_BOOL] = "boolean",    [TYPE_INT2] = "smallint", [TYPE_INT4] = "integer",
        [TYPE_INT8] = "bigint",     [TYPE_FLOAT4] = "real",   [TYPE_FLOAT8] = "double precision",
        [TYPE_NUMERIC] = "numeric", [TYPE_TEXT] = "text",     [TYPE_UUID] = "uuid",
        [TYPE_DATE] = "date",       [TYPE_TIME] = "time",     [TYPE_TIMESTAMP] = "timestamptz",
        [TYPE_JSON] = "jsonb",      [TYPE_BYTES] = "bytea",   [TYPE_ENUM] = "text",
    };
    return names[t];
}
