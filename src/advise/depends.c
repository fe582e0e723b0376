/* depends.c -- the second and third normal form: what one column says, another need not repeat.
 * SPDX: Apache-2.0
 * A dependency is seen in the sample: each value of the one goes with a single value of the other.
 * That proves nothing by itself, so thresholds keep out what chance makes: the value must come
 * again often enough, and the columns must be such as name things. Names that belong together
 * (product_id, product_name) are evidence too, and need fewer rows. */
#include "advise/advise_priv.h"

enum { ROWS_LEAST = 100, REPEATED_LEAST = 30 };

/* ---- a pair of columns ---- */

struct pair {
    size_t repeated; /* rows whose value of `by` came before */
    bool holds;
};

static struct pair look(const struct fact_table *t, const struct fact_values *by,
                        const struct fact_values *what, uint32_t *first)
{
    struct pair out = {.holds = true};
    memset(first, 0, (by->distinct + 1) * sizeof *first);
    for (size_t i = 0; i < t->sample && out.holds; i++) {
        uint32_t id = by->ids[i], value = what->ids[i];
        if (!id)
            continue;
        if (!first[id])
            first[id] = value + 1;
        else
            out.repeated++;
        out.holds = first[id] == value + 1;
    }
    return out;
}

/* "product_name" belongs to "product_id", "department_location" to "department". */
static bool belong(str by, str what)
{
    if (str_ends(by, LIT("_id")) || str_ends(by, LIT("_no")))
        by = str_upto(by, by.len - 3);
    else if (str_ends(by, LIT("_code")) || str_ends(by, LIT("_name")))
        by = str_upto(by, by.len - 5);
    return by.len >= 3 && what.len > by.len + 1 && str_starts(what, by) && what.ptr[by.len] == '_';
}

/* Columns that name a thing: others may determine a text by accident of how data is made. */
static bool names_thing(const struct table *t, const struct column *c)
{
    static const char *const ends[] = {"_id",     "_code",    "_no",  "zip",
                                       "zipcode", "postcode", "code", "postal_code",
                                       "number",  "sku",      "isbn"};
    bool whole = c->type == TYPE_INT2 || c->type == TYPE_INT4 || c->type == TYPE_INT8;
    if (c->type == TYPE_TEXT || c->type == TYPE_UUID || c->type == TYPE_ENUM ||
        advise__foreign(t, c))
        return true;
    for (size_t i = 0; whole && i < COUNT_OF(ends); i++) {
        if (str_ends(c->name, str_of(ends[i])))
            return true;
    }
    return false;
}

/* A part of a key of several columns names things too; the whole key, of course, says all. */
static bool may_determine(const struct fact_table *t, const struct column *c)
{
    const struct table *x = t->table;
    if (!t->values[c->index].column || advise__alone_unique(x, c) || c->generated)
        return false;
    return names_thing(x, c) && t->values[c->index].distinct > 0;
}

static bool may_depend(const struct fact_table *t, const struct column *c)
{
    const struct fact_values *x = &t->values[c->index];
    return x->column && c->type == TYPE_TEXT && !c->generated && !c->label_count &&
           !advise__in_key(&t->table->primary, c) && !advise__alone_unique(t->table, c) &&
           !advise__foreign(t->table, c) && x->distinct > 0;
}

static bool depends(const struct fact_table *t, const struct column *by, const struct column *what,
                    uint32_t *room)
{
    const struct fact_values *x = &t->values[by->index], *y = &t->values[what->index];
    bool near = belong(by->name, what->name), key = advise__foreign(t->table, by);
    if (by == what || (!near && (t->sample < ROWS_LEAST || y->distinct < 3)))
        return false;
    struct pair p = look(t, x, y, room);
    size_t least = near ? t->sample / 10 : t->sample / (key ? 4 : 2);
    if (!near && least < REPEATED_LEAST)
        least = REPEATED_LEAST;
    return p.holds && p.repeated && p.repeated >= least;
}

/* ---- who determines what ---- */

/* The better one to blame: a foreign key, then names that belong, then the fewest values, which is
 * the nearest of a chain. Of two that determine each other, the first of the table. */
static bool better(const struct fact_table *t, const struct column *x, const struct column *y,
                   const struct column *what)
{
    bool fx = advise__foreign(t->table, x), fy = advise__foreign(t->table, y);
    bool nx = belong(x->name, what->name), ny = belong(y->name, what->name);
    if (nx != ny)
        return nx;
    if (fx != fy)
        return fx;
    return t->values[x->index].distinct < t->values[y->index].distinct;
}

static const struct column *determines(const struct fact_table *t, const struct column *what,
                                       uint32_t *room)
{
    const struct column *best = NULL;
    for (size_t i = 0; i < t->table->column_count; i++) {
        const struct column *c = &t->table->columns[i];
        if (may_determine(t, c) && depends(t, c, what, room) && (!best || better(t, c, best, what)))
            best = c;
    }
    return best;
}

/* Two columns that determine each other are told once, under the one that stands first. */
static void untwine(const struct table *t, const struct column **by)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = by[i];
        if (c && by[c->index] == &t->columns[i] && i < c->index)
            by[i] = NULL;
    }
}

/* ---- advice ---- */

static void words(struct advisor *v, const struct fact_table *t, struct advice *to, bool part)
{
    const struct column *by = to->column;
    const struct foreign_key *f = advise__points(t->table, by);
    str where = f ? arena_printf(v->arena, "it belongs into %.*s, where %.*s points",
                                 STR_ARG(f->target->name), STR_ARG(by->name))
                  : LIT("it belongs into a table of its own");
    to->reason = arena_printf(
        v->arena,
        "in %zu rows looked at, each %.*s always goes with the same %.*s: it depends on %.*s%s, is "
        "written many times and can come to differ. %s normal form: %.*s.",
        t->sample, STR_ARG(by->name), STR_ARG(to->columns), STR_ARG(by->name),
        part ? ", a part of the key" : ", which is no key", part ? "Second" : "Third",
        STR_ARG(where));
}

static str declared(const struct fact_table *t, const struct column *c)
{
    return t->declared[c->index].len ? t->declared[c->index] : LIT("TEXT");
}

/* The table that the dependent columns go to, filled from the rows as they are. */
static void table_of_own(struct advisor *v, const struct fact_table *t, struct advice *to,
                         const struct column *const *list, size_t count)
{
    struct arena *a = v->arena;
    const struct column *by = to->column;
    str name = by->name, columns = LIT(""), picks = LIT("");
    if (str_ends(name, LIT("_id")))
        name = str_upto(name, name.len - 3);
    name = arena_printf(a, "%.*s%s", STR_ARG(name), str_ends(name, LIT("s")) ? "_names" : "s");
    if (schema_table(v->facts->schema, name))
        name = arena_printf(a, "%.*s_of_%.*s", STR_ARG(name), STR_ARG(t->table->name));
    for (size_t i = 0; i < count; i++) {
        str c = advise__name(a, list[i]->name);
        columns = arena_printf(a, "%.*s,\n    %.*s %.*s", STR_ARG(columns), STR_ARG(c),
                               STR_ARG(declared(t, list[i])));
        picks = arena_printf(a, "%.*s, min(%.*s)", STR_ARG(picks), STR_ARG(c));
    }
    str key = advise__name(a, by->name), table = advise__name(a, name);
    str from = advise__name(a, t->table->name);
    to->sql =
        arena_printf(a, "CREATE TABLE %.*s (\n    %.*s %.*s PRIMARY KEY%.*s\n);\n", STR_ARG(table),
                     STR_ARG(key), STR_ARG(declared(t, by)), STR_ARG(columns));
    to->sql = arena_printf(
        a,
        "%.*sINSERT INTO %.*s SELECT %.*s%.*s FROM %.*s WHERE %.*s IS NOT NULL GROUP BY %.*s;\n"
        "-- then a foreign key from %.*s (%.*s), and the columns go\n",
        STR_ARG(to->sql), STR_ARG(table), STR_ARG(key), STR_ARG(picks), STR_ARG(from), STR_ARG(key),
        STR_ARG(key), STR_ARG(from), STR_ARG(key));
    to->undo = arena_printf(a, "DROP TABLE %.*s;\n", STR_ARG(table));
}

static void tell(struct advisor *v, const struct fact_table *t, const struct column *by,
                 const struct column *const *list, size_t count)
{
    const struct key *k = &t->table->primary;
    bool part = k->count > 1 && advise__in_key(k, by);
    struct advice *to = advise__add(v, t, part ? ADVICE_PARTLY : ADVICE_TRANSITIVE, by);
    if (!to)
        return;
    if (t->sample < ROWS_LEAST)
        to->level = ADVICE_HINT;
    to->columns = advise__columns(v->arena, list, count, false);
    words(v, t, to, part);
    const struct foreign_key *f = advise__points(t->table, by);
    if (!f) {
        table_of_own(v, t, to, list, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        to->sql = arena_printf(v->arena, "%.*sALTER TABLE %.*s ADD COLUMN %.*s %.*s;\n",
                               STR_ARG(to->sql), STR_ARG(advise__name(v->arena, f->target->name)),
                               STR_ARG(advise__name(v->arena, list[i]->name)),
                               STR_ARG(declared(t, list[i])));
    to->sql = arena_printf(v->arena, "%.*s-- then fill it from %.*s, and the columns there go\n",
                           STR_ARG(to->sql), STR_ARG(t->table->name));
}

void advise__depends(struct advisor *v, const struct fact_table *t)
{
    size_t n = t->table->column_count;
    const struct column **by = ARENA_ARRAY(v->arena, const struct column *, n);
    const struct column **list = ARENA_ARRAY(v->arena, const struct column *, n);
    uint32_t *room = ARENA_ARRAY(v->arena, uint32_t, t->sample + 1);
    if (t->sample < 2)
        return;
    for (size_t i = 0; i < n; i++) {
        if (may_depend(t, &t->table->columns[i]))
            by[i] = determines(t, &t->table->columns[i], room);
    }
    untwine(t->table, by);
    for (size_t k = 0; k < n; k++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            if (by[i] == &t->table->columns[k])
                list[count++] = &t->table->columns[i];
        }
        if (count)
            tell(v, t, &t->table->columns[k], list, count);
    }
}
