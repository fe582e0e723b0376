/* write.c -- INSERT, UPDATE, DELETE. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

static void returning(struct sql *b, const struct column *const *list, size_t count)
{
    if (!count)
        return;
    sql__text(b, " RETURNING ");
    b->bare = true; /* SQLite knows no alias here */
    sql__columns(b, 0, list, count);
}

/* Rows of defaults only. SQLite has no word for several: a NULL for the rowid comes nearest. */
static void defaults(struct sql *b, const struct insert *i)
{
    bool lite = b->dialect == DIALECT_SQLITE;
    if (i->row_count == 1) {
        sql__text(b, " DEFAULT VALUES");
        return;
    }
    if (!i->table->primary.count || (lite && !i->table->rowid)) {
        sql__fail(b, "several rows without any field cannot be made at once");
        return;
    }
    sql__text(b, " (");
    sql__ident(b, column_stored(i->table->primary.columns[0]));
    sql__text(b, ") VALUES ");
    for (size_t row = 0; row < i->row_count; row++) {
        if (row)
            text__char(&b->text, ',');
        if (lite)
            sql__text(b, "(NULL)");
        else
            sql__text(b, "(DEFAULT)");
    }
}

static void rows(struct sql *b, const struct insert *i)
{
    const struct value *v = i->values;
    sql__text(b, " (");
    for (size_t c = 0; c < i->column_count; c++) {
        if (c)
            text__char(&b->text, ',');
        sql__ident(b, column_stored(i->columns[c]));
    }
    sql__text(b, ") VALUES ");
    for (size_t row = 0; row < i->row_count && b->code == 0; row++) {
        if (row)
            text__char(&b->text, ',');
        text__char(&b->text, '(');
        for (size_t c = 0; c < i->column_count; c++, v++) {
            if (c)
                text__char(&b->text, ',');
            sql__bind(b, i->columns[c], v);
        }
        text__char(&b->text, ')');
    }
}

/* For RETURNING SQLite builds a table on the side; to read the row by its rowid costs a fifth. */
static bool reads_back(enum dialect d, const struct insert *i)
{
    return d == DIALECT_SQLITE && i->row_count == 1 && i->returning_count && i->table->rowid;
}

static int row_made(struct arena *a, const struct insert *i, str *out, struct err *err)
{
    struct sql b;
    struct stmt st = {0};
    sql__begin(&b, DIALECT_SQLITE, a, err);
    b.bare = true;
    sql__text(&b, "SELECT ");
    sql__columns(&b, 0, i->returning, i->returning_count);
    sql__text(&b, " FROM ");
    sql__ident(&b, i->table->name);
    sql__text(&b, " WHERE ");
    sql__ident(&b, column_stored(i->table->primary.columns[0]));
    sql__text(&b, " = last_insert_rowid()");
    TRY(sql__done(&b, &st));
    *out = st.text;
    return 0;
}

int sql_insert(enum dialect d, struct arena *a, const struct insert *i, struct stmt *out,
               struct err *err)
{
    struct sql b;
    str then = {0};
    if (reads_back(d, i))
        TRY(row_made(a, i, &then, err));
    sql__begin(&b, d, a, err);
    b.bare = true;
    sql__text(&b, "INSERT INTO ");
    sql__ident(&b, i->table->name);
    if (i->column_count)
        rows(&b, i);
    else
        defaults(&b, i);
    if (!then.len)
        returning(&b, i->returning, i->returning_count);
    TRY(sql__done(&b, out));
    out->then = then;
    out->writes = true;
    out->once = i->row_count > 1;
    return 0;
}

/* ---- UPDATE ---- */

/* SQLite would store a sum of any size: an UPDATE that adds changes the row only when all sums fit.
 * A sum with null is null, and that is not false. */
static void sum_fits(struct sql *b, const struct assignment *set, size_t place)
{
    static const char *const bounds[] = {
        [TYPE_INT2] = " BETWEEN -32768 AND 32767",
        [TYPE_INT4] = " BETWEEN -2147483648 AND 2147483647",
        [TYPE_INT8] = " BETWEEN -9223372036854775808 AND 9223372036854775807",
        [TYPE_FLOAT4] = " BETWEEN -3.4028234663852886e38 AND 3.4028234663852886e38",
        [TYPE_FLOAT8] = " BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308",
    };
    const struct column *c = set->column;
    bool decimal = c->type == TYPE_NUMERIC;
    text__str(&b->text, decimal ? LIT("(abs(") : LIT("(("));
    sql__column(b, 0, c);
    sql__text(b, " + ");
    sql__place(b, place);
    text__char(&b->text, ')');
    if (decimal) {
        sql__text(b, " < 1e");
        text__i64(&b->text, c->precision - c->scale);
    } else {
        text__str(&b->text, str_of(bounds[c->type]));
    }
    sql__text(b, ") IS NOT FALSE");
}

/* c + n, rounded where a decimal is a double: 0.1 + 0.2. Gives the number of n's place. */
static size_t sum(struct sql *b, const struct assignment *set)
{
    bool rounds = b->dialect == DIALECT_SQLITE && set->column->type == TYPE_NUMERIC;
    size_t place = sql__add(b, sql__store(b, set->column, &set->value));
    if (rounds)
        sql__text(b, "round(");
    sql__column(b, 0, set->column);
    sql__text(b, " + ");
    sql__place(b, place);
    if (!rounds)
        return place;
    sql__text(b, ", ");
    text__i64(&b->text, set->column->scale);
    text__char(&b->text, ')');
    return place;
}

/* The right side of one SET. A default is the catalog's own text, never a client's. */
static void assigned(struct sql *b, const struct assignment *set)
{
    if (!set->to_default) {
        sql__bind(b, set->column, &set->value);
    } else if (b->dialect == DIALECT_POSTGRES) {
        sql__text(b, "DEFAULT");
    } else if (set->column->default_sql.len) {
        text__char(&b->text, '(');
        text__str(&b->text, set->column->default_sql);
        text__char(&b->text, ')');
    } else {
        sql__text(b, "NULL");
    }
}

static void where(struct sql *b, const struct cond *c)
{
    if (!c)
        return;
    bool either = c->kind == COND_OR; /* more conditions may follow */
    text__str(&b->text, either ? LIT(" WHERE (") : LIT(" WHERE "));
    sql__cond(b, c, 0);
    if (either)
        text__char(&b->text, ')');
}

/* What is set; gives by how many of them something is added, and where those stand. */
static size_t assignments(struct sql *b, const struct update *u, size_t *places)
{
    size_t sums = 0;
    for (size_t i = 0; i < u->set_count; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__ident(b, column_stored(u->set[i].column));
        sql__text(b, " = ");
        if (u->set[i].add)
            places[sums++] = sum(b, &u->set[i]);
        else
            assigned(b, &u->set[i]);
    }
    return sums;
}

static void where_sums_fit(struct sql *b, const struct update *u, const size_t *places)
{
    for (size_t i = 0, at = 0; i < u->set_count; i++) {
        if (!u->set[i].add)
            continue;
        text__str(&b->text, at || u->where ? LIT(" AND ") : LIT(" WHERE "));
        sum_fits(b, &u->set[i], places[at++]);
    }
}

int sql_update(enum dialect d, struct arena *a, const struct update *u, struct stmt *out,
               struct err *err)
{
    struct sql b;
    size_t *places = ARENA_ARRAY(a, size_t, u->set_count);
    sql__begin(&b, d, a, err);
    b.bare = !sql__crosses(u->where);
    b.aliases = 1;
    sql__text(&b, "UPDATE ");
    sql__table(&b, u->table, 0);
    sql__text(&b, " SET ");
    bool sums = assignments(&b, u, places) > 0;
    where(&b, u->where);
    if (sums && d == DIALECT_SQLITE)
        where_sums_fit(&b, u, places);
    returning(&b, u->returning, u->returning_count);
    TRY(sql__done(&b, out));
    out->writes = true;
    return 0;
}

int sql_remove(enum dialect d, struct arena *a, const struct remove *r, struct stmt *out,
               struct err *err)
{
    struct sql b;
    sql__begin(&b, d, a, err);
    b.bare = !sql__crosses(r->where);
    b.aliases = 1;
    sql__text(&b, "DELETE FROM ");
    sql__table(&b, r->table, 0);
    where(&b, r->where);
    returning(&b, r->returning, r->returning_count);
    TRY(sql__done(&b, out));
    out->writes = true;
    return 0;
}
