/* forms.c -- the first normal form: one value a column, one row a thing. SPDX: Apache-2.0 */
#include "advise/advise_priv.h"

/* ---- phone1, phone2, phone3 ---- */

/* The number that a name ends in, and the name without it ("phone_2": "phone"); 0: none. */
static int64_t numbered(str name, str *stem)
{
    size_t at = name.len;
    int64_t n = 0;
    while (at > 0 && ascii_digit(name.ptr[at - 1]))
        at--;
    if (at == 0 || at == name.len || !str_to_i64(str_from(name, at), &n))
        return 0;
    while (at > 1 && name.ptr[at - 1] == '_')
        at--;
    *stem = str_upto(name, at);
    return n;
}

static const struct column *with_number(const struct table *t, str stem, int64_t n)
{
    for (size_t i = 0; i < t->column_count; i++) {
        str other;
        if (numbered(t->columns[i].name, &other) == n && str_eq(other, stem))
            return &t->columns[i];
    }
    return NULL;
}

/* Two lines of one address are one value in two pieces, and x1, x2 are coordinates. */
static bool pieces(str stem, size_t count)
{
    static const char *const lines[] = {"address", "addr", "line", "street"};
    bool out = stem.len < 3;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        out = out || (count == 2 && str_ends(stem, str_of(lines[i])));
    return out;
}

/* The type of t's key as a foreign key writes it; INTEGER when it has none of its own. */
static str key_type(struct advisor *v, const struct table *t)
{
    const struct key *k = &t->primary;
    str type = v->facts->tables[t - v->facts->schema->tables]
                   .declared[k->count == 1 ? k->columns[0]->index : 0];
    return k->count == 1 && type.len ? type : LIT("INTEGER");
}

/* "CREATE TABLE user_phones ...": a value `one` a row. move: the statements that fill it. */
static void table_beside(struct advisor *v, struct advice *to, str one, str move)
{
    struct arena *a = v->arena;
    const struct table *t = to->table;
    str owner = advise__singular(a, t->name);
    str type = v->facts->tables[t - v->facts->schema->tables].declared[to->column->index];
    str name = arena_printf(a, "%.*s_%.*ss", STR_ARG(owner), STR_ARG(one));
    str key = t->primary.count == 1 ? t->primary.columns[0]->name : LIT("id");
    str points = arena_printf(a, "%.*s_%.*s", STR_ARG(owner), STR_ARG(key));
    to->sql = arena_printf(
        a,
        "CREATE TABLE %.*s (\n    id BIGSERIAL PRIMARY KEY,\n    %.*s %.*s NOT NULL REFERENCES "
        "%.*s (%.*s) ON DELETE CASCADE,\n    %.*s %.*s NOT NULL\n);\n",
        STR_ARG(advise__name(a, name)), STR_ARG(advise__name(a, points)), STR_ARG(key_type(v, t)),
        STR_ARG(advise__name(a, t->name)), STR_ARG(advise__name(a, key)),
        STR_ARG(advise__name(a, one)), STR_ARG(type.len ? type : LIT("TEXT")));
    to->sql =
        arena_printf(a, "%.*sCREATE INDEX idx_%.*s_%.*s ON %.*s (%.*s);\n%.*s", STR_ARG(to->sql),
                     STR_ARG(name), STR_ARG(points), STR_ARG(advise__name(a, name)),
                     STR_ARG(advise__name(a, points)), STR_ARG(move));
    to->undo = arena_printf(a, "DROP TABLE %.*s;\n", STR_ARG(advise__name(a, name)));
}

/* One INSERT a column, when there is a key to point to. */
static str moves(struct advisor *v, const struct table *t, str stem, size_t count)
{
    struct arena *a = v->arena;
    str owner = advise__singular(a, t->name), out = LIT("");
    if (t->primary.count != 1)
        return out;
    str key = t->primary.columns[0]->name;
    str into = arena_printf(a, "%.*s_%.*ss", STR_ARG(owner), STR_ARG(stem));
    str points = arena_printf(a, "%.*s_%.*s", STR_ARG(owner), STR_ARG(key));
    for (size_t n = 1; n <= count; n++) {
        str from = advise__name(a, with_number(t, stem, (int64_t)n)->name);
        out = arena_printf(a,
                           "%.*sINSERT INTO %.*s (%.*s, %.*s) SELECT %.*s, %.*s FROM %.*s WHERE "
                           "%.*s IS NOT NULL;\n",
                           STR_ARG(out), STR_ARG(advise__name(a, into)),
                           STR_ARG(advise__name(a, points)), STR_ARG(advise__name(a, stem)),
                           STR_ARG(advise__name(a, key)), STR_ARG(from),
                           STR_ARG(advise__name(a, t->name)), STR_ARG(from));
    }
    return out;
}

static void group(struct advisor *v, const struct fact_table *t, const struct column *first)
{
    enum { GROUP_MOST = 30 };
    const struct column *list[GROUP_MOST];
    size_t n = 0;
    str stem;
    if (numbered(first->name, &stem) != 1)
        return;
    for (const struct column *c = first; c && n < GROUP_MOST && c->type == first->type;) {
        list[n++] = c;
        c = with_number(t->table, stem, (int64_t)n + 1);
    }
    struct advice *to = n < 2 || pieces(stem, n) ? NULL : advise__add(v, t, ADVICE_GROUP, first);
    if (!to)
        return;
    to->columns = advise__columns(v->arena, list, n, false);
    to->reason = arena_printf(
        v->arena,
        "%.*s of %.*s hold one kind of value in %zu columns: a search has to name each, and the "
        "next value has no place. First normal form: a table beside it, one value a row.",
        STR_ARG(to->columns), STR_ARG(t->table->name), n);
    table_beside(v, to, stem, moves(v, t->table, stem, n));
}

/* ---- "123-456, 789-012" ---- */

/* How many short words without blanks a separator makes of a text; 0: it is no list. */
static size_t words_of(str text, char separator)
{
    enum { WORD = 40 };
    size_t n = 0;
    while (text.ptr) {
        str word = str_trim(str_cut(&text, separator));
        if (!word.len || word.len > WORD || str_find(word, ' ') != STR_NONE)
            return 0;
        n++;
    }
    return n;
}

struct lists {
    size_t some, many;  /* rows with a value; with two words or more */
    size_t least, most; /* words */
};

static struct lists count_lists(const struct fact_values *x, char separator)
{
    struct lists out = {.least = SIZE_MAX};
    for (uint32_t i = 1; i <= x->distinct; i++) {
        size_t n = words_of(x->texts[i], separator);
        out.some += x->counts[i];
        out.many += n > 1 ? x->counts[i] : 0;
        out.least = n < out.least ? n : out.least;
        out.most = n > out.most ? n : out.most;
    }
    return out;
}

/* A name that says it is many is believed at once. Else the rows have to show it: many of them,
 * with lists of different lengths (a name before its comma and one behind it are always two). */
static bool is_list(str name, const struct lists *l)
{
    bool plural = str_ends(name, LIT("s")) && !str_ends(name, LIT("ss"));
    plural = plural || str_ends(name, LIT("_list"));
    if (plural && l->many)
        return l->many * 3 >= l->some && l->most > 1;
    return l->some >= 20 && l->many * 4 >= l->some && l->least >= 1 && l->most > 2 &&
           l->least != l->most;
}

static str one_of(struct arena *a, str name)
{
    return str_ends(name, LIT("_list")) ? str_upto(name, name.len - 5) : advise__singular(a, name);
}

static void list_in(struct advisor *v, const struct fact_table *t, const struct column *c)
{
    static const char separators[] = {',', ';', '|'};
    const struct fact_values *x = &t->values[c->index];
    struct advice *to = NULL;
    if (c->type != TYPE_TEXT || c->generated || !x->column)
        return;
    for (size_t i = 0; i < COUNT_OF(separators) && !to; i++) {
        struct lists l = count_lists(x, separators[i]);
        to = is_list(c->name, &l) ? advise__add(v, t, ADVICE_LIST, c) : NULL;
        if (!to)
            continue;
        to->reason = arena_printf(
            v->arena,
            "%zu of %zu values of %.*s.%.*s hold several words between '%c': none of them can be "
            "found by an index, checked, or pointed to. First normal form: a table beside it, one "
            "value a row.",
            l.many, l.some, STR_ARG(t->table->name), STR_ARG(c->name), separators[i]);
        table_beside(v, to, one_of(v->arena, c->name),
                     LIT("-- then a row for each word, and the column goes\n"));
    }
}

void advise__forms(struct advisor *v, const struct fact_table *t)
{
    for (size_t i = 0; i < t->table->column_count; i++) {
        group(v, t, &t->table->columns[i]);
        list_in(v, t, &t->table->columns[i]);
    }
}
