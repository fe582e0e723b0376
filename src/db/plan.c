/* plan.c -- reads EXPLAIN QUERY PLAN: may a statement run inline? Pure. SPDX: Apache-2.0
 * Heavy is what walks a table from one end, sorts what a range without an equality yields, or
 * builds an index of its own. The text is no stable interface of SQLite: a misreading costs speed
 * only, because inline statements have a work budget besides. */
#include "db/sqlite_priv.h"

static bool has(str line, const char *what)
{
    str w = str_of(what);
    for (size_t i = 0; i + w.len <= line.len; i++) {
        if (str_starts(str_from(line, i), w))
            return true;
    }
    return false;
}

static void remember(struct plan *p, str name)
{
    if (p->name_count == COUNT_OF(p->names) || name.len >= sizeof p->names[0]) {
        p->overflow = true;
        return;
    }
    memcpy(p->names[p->name_count], name.ptr, name.len);
    p->names[p->name_count++][name.len] = '\0';
}

/* rest: what follows SCAN. A table may be called "c LEFT-JOIN": then it is the name of a part. */
static bool scans_table(const struct plan *p, str rest)
{
    if (str_ends(rest, LIT(" LEFT-JOIN")))
        rest = str_upto(rest, rest.len - 10);
    if (str_ends(rest, LIT("CONSTANT ROW")) || str_ends(rest, LIT(" CONSTANT ROWS")))
        return false;
    if (has(rest, " VIRTUAL TABLE "))
        return false;
    for (unsigned i = 0; i < p->name_count; i++) {
        if (str_is(rest, p->names[i]))
            return false;
    }
    return true;
}

void plan__line(struct plan *p, str line)
{
    if (has(line, "TEMP B-TREE"))
        p->sort = true;
    if (str_starts(line, LIT("CO-ROUTINE ")))
        remember(p, str_from(line, 11));
    else if (str_starts(line, LIT("MATERIALIZE ")))
        remember(p, str_from(line, 12));
    else if (str_starts(line, LIT("SCAN ")))
        p->scan = p->scan || scans_table(p, str_from(line, 5));
    else if (str_starts(line, LIT("BLOOM FILTER ")) || has(line, " USING AUTOMATIC "))
        p->scan = true;
    else if (str_starts(line, LIT("SEARCH ")) && (has(line, ">?") || has(line, "<?")) &&
             !has(line, "=?"))
        p->range = true;
}

bool plan__heavy(const struct plan *p, bool bounded)
{
    if (p->overflow)
        return true;
    if (p->scan)
        return !bounded || p->sort;
    return p->range && p->sort;
}
