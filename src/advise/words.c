/* words.c -- the SQL of advice, and lists of names. SPDX: Apache-2.0 */
#include "advise/advise_priv.h"

/* Words that PostgreSQL or SQLite would take for their own. */
static const char *const reserved[] = {
    "all",        "and",    "any",   "as",     "asc",  "case",  "check", "column",
    "default",    "desc",   "do",    "else",   "end",  "false", "for",   "from",
    "group",      "having", "in",    "index",  "into", "is",    "join",  "key",
    "limit",      "not",    "null",  "offset", "on",   "or",    "order", "primary",
    "references", "select", "set",   "table",  "then", "to",    "true",  "union",
    "unique",     "user",   "using", "values", "when", "where", "with"};

static bool plain(str name)
{
    bool fine = name.len && !ascii_digit(name.ptr[0]);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        fine = fine && ((c >= 'a' && c <= 'z') || ascii_digit(c) || c == '_');
    }
    for (size_t i = 0; fine && i < COUNT_OF(reserved); i++)
        fine = !str_is(name, reserved[i]);
    return fine;
}

str advise__name(struct arena *a, str name)
{
    if (plain(name))
        return name;
    char *text = arena_new(a, 2 * name.len + 3);
    size_t n = 0;
    text[n++] = '"';
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            text[n++] = '"';
        text[n++] = name.ptr[i];
    }
    text[n++] = '"';
    text[n] = '\0';
    return str_make(text, n);
}

str advise__columns(struct arena *a, const struct column *const *list, size_t count, bool sql)
{
    str out = LIT("");
    for (size_t i = 0; i < count; i++) {
        str name = sql ? advise__name(a, list[i]->name) : list[i]->name;
        out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), i ? ", " : "", STR_ARG(name));
    }
    return out;
}

static bool taken(const struct facts *f, str name)
{
    for (size_t i = 0; i < f->count; i++) {
        for (size_t k = 0; k < f->tables[i].index_count; k++) {
            if (str_eqi(f->tables[i].indexes[k].name, name))
                return true;
        }
    }
    return false;
}

/* idx_TABLE_COLUMN_COLUMN, within PostgreSQL's 63 bytes, free. */
static str index_name(struct advisor *v, const struct table *t, const struct column *const *list,
                      size_t count)
{
    enum { NAME_MOST = 56 };
    struct arena *a = v->arena;
    str name = arena_printf(a, "idx_%.*s", STR_ARG(t->name));
    for (size_t i = 0; i < count; i++)
        name = arena_printf(a, "%.*s_%.*s", STR_ARG(name), STR_ARG(list[i]->name));
    name = str_upto(name, NAME_MOST);
    str free = name;
    for (int n = 2; n < 100 && taken(v->facts, free); n++)
        free = arena_printf(a, "%.*s_%d", STR_ARG(name), n);
    return advise__name(a, free);
}

void advise__create(struct advisor *v, struct advice *to, const struct table *t,
                    const struct column *const *list, size_t count, const char *where)
{
    struct arena *a = v->arena;
    str name = index_name(v, t, list, count);
    to->sql = arena_printf(a, "%.*sCREATE INDEX %.*s ON %.*s (%.*s)%s%s;\n", STR_ARG(to->sql),
                           STR_ARG(name), STR_ARG(advise__name(a, t->name)),
                           STR_ARG(advise__columns(a, list, count, true)), *where ? " WHERE " : "",
                           where);
    to->undo = arena_printf(a, "DROP INDEX %.*s;\n%.*s", STR_ARG(name), STR_ARG(to->undo));
}

/* The index as it is, for the way back; empty when that is not known here. */
static str again(struct advisor *v, const struct fact_table *t, const struct fact_index *i)
{
    struct arena *a = v->arena;
    str list = LIT("");
    for (size_t k = 0; k < i->count; k++) {
        if (!i->columns[k] || !i->own || i->where.len)
            return LIT("");
        list = arena_printf(a, "%.*s%s%.*s%s", STR_ARG(list), k ? ", " : "",
                            STR_ARG(advise__name(a, i->columns[k]->name)),
                            i->descending[k] ? " DESC" : "");
    }
    return arena_printf(a, "CREATE %sINDEX %.*s ON %.*s (%.*s);\n", i->unique ? "UNIQUE " : "",
                        STR_ARG(advise__name(a, i->name)), STR_ARG(advise__name(a, t->table->name)),
                        STR_ARG(list));
}

void advise__drop(struct advisor *v, struct advice *to, const struct fact_table *t,
                  const struct fact_index *i)
{
    struct arena *a = v->arena;
    str name = advise__name(a, i->name);
    if (i->constraint)
        to->sql = arena_printf(a, "%.*sALTER TABLE %.*s DROP CONSTRAINT %.*s;\n", STR_ARG(to->sql),
                               STR_ARG(advise__name(a, t->table->name)), STR_ARG(name));
    else
        to->sql = arena_printf(a, "%.*sDROP INDEX %.*s;\n", STR_ARG(to->sql), STR_ARG(name));
    to->undo = arena_printf(a, "%.*s%.*s", STR_ARG(to->undo),
                            STR_ARG(i->constraint ? LIT("") : again(v, t, i)));
    to->index = i->name;
}

str advise__singular(struct arena *a, str name)
{
    if (str_ends(name, LIT("ies")) && name.len > 4)
        return arena_printf(a, "%.*sy", (int)(name.len - 3), name.ptr);
    if (str_ends(name, LIT("ses")) || str_ends(name, LIT("xes")))
        return str_upto(name, name.len - 2);
    if (name.len > 2 && str_ends(name, LIT("s")) && !str_ends(name, LIT("ss")) &&
        !str_ends(name, LIT("us")))
        return str_upto(name, name.len - 1);
    return name;
}
