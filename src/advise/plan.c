/* plan.c -- reads the lines of an engine's plan: which table is read, and by what.
 * SPDX: Apache-2.0
 * Neither text is a stable interface; what is not understood is left out, and the plan itself is
 * always shown beside what is read from it. */
#include "advise/advise_priv.h"

/* The word behind `what`, with its quotes gone; empty when it does not come. */
static str word_behind(str line, const char *what)
{
    str w = str_of(what);
    for (size_t i = 0; i + w.len < line.len; i++) {
        if (!str_starts(str_from(line, i), w))
            continue;
        str rest = str_from(line, i + w.len);
        size_t end = 0;
        while (end < rest.len && rest.ptr[end] != ' ' && rest.ptr[end] != ':')
            end++;
        rest = str_upto(rest, end);
        if (rest.len > 1 && rest.ptr[0] == '"')
            rest = str_make(rest.ptr + 1, rest.len - 2);
        return rest;
    }
    return LIT("");
}

/* SCAN t | SCAN t USING [COVERING] INDEX i | SEARCH t USING ... | USE TEMP B-TREE FOR ORDER BY.
 * A part of the plan (SCAN of a subquery or of a constant row) names no table; access_table finds
 * none for it. */
static bool lite_read(str line, struct access *out)
{
    bool scan = str_starts(line, LIT("SCAN ")), search = str_starts(line, LIT("SEARCH "));
    if (str_starts(line, LIT("USE TEMP B-TREE FOR ORDER BY"))) {
        out->kind = ACCESS_SORT;
        return true;
    }
    if ((!scan && !search) || advise__holds(line, " VIRTUAL TABLE") ||
        advise__holds(line, "CONSTANT ROW"))
        return false;
    out->table = word_behind(line, scan ? "SCAN " : "SEARCH ");
    out->index = word_behind(line, " INDEX ");
    if (!scan && (advise__holds(line, "INTEGER PRIMARY KEY") ||
                  str_starts(out->index, LIT("sqlite_autoindex_")) || !out->index.len))
        out->kind = ACCESS_KEY;
    else
        out->kind = !scan ? ACCESS_INDEX : out->index.len ? ACCESS_ALONG : ACCESS_SCAN;
    return true;
}

/* Seq Scan on t a | Index [Only] Scan [Backward] using i on t a | Bitmap Index Scan on i | Sort. A
 * Bitmap Heap Scan names the table of the index that stands below it. */
static bool postgres_read(str line, struct access *out)
{
    line = str_trim(line);
    if (str_starts(line, LIT("-> ")))
        line = str_trim(str_from(line, 3));
    if (str_starts(line, LIT("Sort  (")) || str_starts(line, LIT("Incremental Sort  ("))) {
        out->kind = ACCESS_SORT;
        return true;
    }
    if (str_starts(line, LIT("Seq Scan on ")) || str_starts(line, LIT("Parallel Seq Scan on "))) {
        out->kind = ACCESS_SCAN;
        out->table = word_behind(line, "Scan on ");
        return true;
    }
    if (str_starts(line, LIT("Bitmap Index Scan on "))) {
        out->kind = ACCESS_INDEX;
        out->index = word_behind(line, "Scan on ");
        return true;
    }
    if (!advise__holds(str_upto(line, 40), "Index ") || !word_behind(line, " using ").len)
        return false;
    out->index = word_behind(line, " using ");
    out->table = word_behind(line, " on ");
    out->kind = str_ends(out->index, LIT("_pkey")) ? ACCESS_KEY : ACCESS_INDEX;
    return true;
}

bool access_read(enum dialect d, str line, struct access *out)
{
    *out = (struct access){.table = LIT(""), .index = LIT("")};
    return d == DIALECT_POSTGRES ? postgres_read(line, out) : lite_read(line, out);
}

/* ---- names of a statement ---- */

static bool name_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_';
}

/* The name that a text ends in, quoted or not. */
static str last_name(str text)
{
    size_t start = text.len;
    if (text.len && text.ptr[text.len - 1] == '"') {
        str inner = str_upto(text, text.len - 1);
        size_t open = str_rfind(inner, '"');
        return open == STR_NONE ? LIT("") : str_from(inner, open + 1);
    }
    while (start > 0 && name_char(text.ptr[start - 1]))
        start--;
    return str_from(text, start);
}

/* The first TABLE NAME or TABLE AS NAME whose NAME is that one. */
const struct table *access_table(const struct schema *s, str sql, str name)
{
    const struct table *t = schema_table(s, name);
    for (size_t i = 2; !t && i + name.len <= sql.len; i++) {
        bool whole = str_starts(str_from(sql, i), name) &&
                     (sql.ptr[i - 1] == ' ' || sql.ptr[i - 1] == '"') &&
                     (i + name.len == sql.len || !name_char(sql.ptr[i + name.len]));
        str before = str_upto(sql, sql.ptr[i - 1] == '"' ? i - 2 : i - 1);
        if (!whole)
            continue;
        if (str_ends(before, LIT(" AS")) || str_ends(before, LIT(" as")))
            before = str_upto(before, before.len - 3);
        t = schema_table(s, last_name(before));
    }
    return t;
}

/* Whether the statement names the column behind its first WHERE or ORDER BY. */
static bool asks_for(str sql, str column)
{
    size_t at = 0;
    while (at < sql.len && !str_starts(str_from(sql, at), LIT(" WHERE ")) &&
           !str_starts(str_from(sql, at), LIT(" ORDER BY ")))
        at++;
    for (sql = str_from(sql, at); sql.len > column.len; sql = str_from(sql, 1)) {
        char before = sql.ptr[0], after = sql.len > column.len + 1 ? sql.ptr[column.len + 1] : ' ';
        if (str_starts(str_from(sql, 1), column) && !name_char(before) && !name_char(after))
            return true;
    }
    return false;
}

const struct advice *access_advice(const struct advice *list, size_t count, const struct table *t,
                                   str sql)
{
    for (size_t i = 0; i < count; i++) {
        const struct advice *a = &list[i];
        bool index = a->kind == ADVICE_FOREIGN || a->kind == ADVICE_FILTER;
        if (index && a->table == t && asks_for(sql, a->column->name))
            return a;
    }
    return NULL;
}
