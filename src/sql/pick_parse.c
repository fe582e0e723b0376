/* pick_parse.c -- `fields=id,author.name` and `include=author,comments(limit:3,sort:-id).author`.
 * SPDX: Apache-2.0 */
#include "sql/query_priv.h"

/* ---- fields ---- */

void pick__column(struct query *q, struct pick *p, const struct column *c)
{
    if (p->column_count == p->column_cap) {
        p->column_cap = p->column_cap ? p->column_cap * 2 : p->table->column_count + 4;
        const struct column **more = arena_new(q->arena, p->column_cap * sizeof *more);
        if (p->column_count)
            memcpy(more, p->columns, p->column_count * sizeof *more);
        p->columns = more;
    }
    for (size_t i = 0; i < p->column_count; i++) {
        if (p->columns[i] == c)
            return;
    }
    p->columns[p->column_count++] = c;
}

static int unknown_field(struct query *q, const struct pick *p, str name)
{
    if (table_relation(p->table, name))
        return query__bad(q, "bad_fields",
                          "'%s' is a relation: name its columns (%s.id) or use include",
                          query__show(q, name), query__show(q, name));
    return query__bad(q, "bad_fields", "'%s' has no column '%s'%s", query__show(q, p->table->name),
                      query__show(q, name), query__hint(q, name, p->table, NULL));
}

static int field(struct query *q, struct pick *p, str path)
{
    size_t dot;
    if (str_ends(path, LIT("()")))
        return query__bad(q, "bad_fields", "'%s': functions stand in the fields of a list only",
                          query__show(q, path));
    const struct column *c = query__column(p->table, path);
    while (!c && !pick__leads_inside(p->table, path) && (dot = str_find(path, '.')) != STR_NONE) {
        str name = str_upto(path, dot);
        if (!table_relation(p->table, name))
            return unknown_field(q, p, name);
        TRY(pick__kid(q, p, name, &p));
        path = str_from(path, dot + 1);
        c = query__column(p->table, path);
    }
    p->listed = true;
    if (!c && pick__leads_inside(p->table, path))
        return pick__inside(q, p, path);
    if (str_is(path, "*")) {
        for (size_t i = 0; i < p->table->column_count; i++) {
            if (!table_closed(p->table, i))
                pick__column(q, p, &p->table->columns[i]);
        }
        return 0;
    }
    if (!c)
        return unknown_field(q, p, path);
    pick__column(q, p, c);
    return 0;
}

int pick__fields(struct query *q, struct pick *p, str text)
{
    if (!text.len)
        return query__bad(q, "bad_fields", "fields names no column; leave it out to get all");
    p->listed = true;
    for (str rest = text; rest.ptr;)
        TRY(field(q, p, str_cut(&rest, ',')));
    return 0;
}

/* ---- include ---- */

static const char *const options[] = {"limit", "sort", "fields", NULL};

/* The option "name:" at the start of s; NULL when there is none. */
static const char *option_at(str s)
{
    for (size_t i = 0; options[i]; i++) {
        str name = str_of(options[i]);
        if (str_starts(s, name) && s.len > name.len && s.ptr[name.len] == ':')
            return options[i];
    }
    return NULL;
}

/* The value of an option: up to the next option or the closing parenthesis. */
static str option_value(struct scan *s)
{
    size_t from = s->at;
    while (!scan_end(s) && scan_peek(s) != ')') {
        if (scan_peek(s) == ',' && option_at(str_from(s->text, s->at + 1)))
            break;
        s->at++;
    }
    return (str){s->text.ptr + from, s->at - from};
}

int pick__limit(struct query *q, struct pick *p, str text)
{
    if (p->relation->kind == REL_ONE)
        return query__bad(q, "bad_include", "'%s' is one row: it takes no limit and no sort",
                          query__show(q, p->relation->name));
    if (!str_to_i64(text, &p->limit) || p->limit < 1 || p->limit > q->limits->max_limit) {
        p->limit = -1;
        return query__bad(q, "bad_include", "'%s': a limit is a number from 1 to %lld",
                          query__show(q, text), (long long)q->limits->max_limit);
    }
    return 0;
}

static int sort_option(struct query *q, struct pick *p, str text)
{
    if (p->relation->kind == REL_ONE)
        return query__bad(q, "bad_include", "'%s' is one row: it takes no limit and no sort",
                          query__show(q, p->relation->name));
    return query__sort(q, p->table, text, &p->order, &p->order_count);
}

static int option(struct query *q, struct pick *p, struct scan *s)
{
    const char *name = option_at(scan_rest(s));
    if (!name) {
        str rest = scan_rest(s);
        str word = str_upto(rest, str_find(rest, ':') == STR_NONE ? rest.len : str_find(rest, ':'));
        return query__bad(q, "bad_include",
                          "'%s' is no option of '%s': limit, sort and fields are%s",
                          query__show(q, word), query__show(q, p->relation->name),
                          query__hint(q, word, NULL, options));
    }
    s->at += strlen(name) + 1;
    str value = option_value(s);
    if (name == options[0])
        return pick__limit(q, p, value);
    return name == options[1] ? sort_option(q, p, value) : pick__fields(q, p, value);
}

static int option_list(struct query *q, struct pick *p, struct scan *s)
{
    if (!scan_take(s, '('))
        return 0;
    if (scan_take(s, ')'))
        return 0;
    do {
        TRY(option(q, p, s));
    } while (scan_take(s, ','));
    if (!scan_take(s, ')'))
        return query__bad(q, "bad_include", "'%s': a parenthesis is not closed",
                          query__show(q, s->text));
    return 0;
}

/* a(limit:3).b.c */
static int path(struct query *q, struct pick *p, struct scan *s)
{
    do {
        size_t from = s->at;
        while (!scan_end(s) && !memchr(".,()", scan_peek(s), 4))
            s->at++;
        TRY(pick__kid(q, p, (str){s->text.ptr + from, s->at - from}, &p));
        p->asked = true;
        TRY(option_list(q, p, s));
    } while (scan_take(s, '.'));
    return 0;
}

int pick__include(struct query *q, struct pick *p, str text)
{
    struct scan s = {text, 0};
    do {
        TRY(path(q, p, &s));
    } while (scan_take(&s, ','));
    if (scan_end(&s))
        return 0;
    return query__bad(q, "bad_include", "'%s': ',' expected at '%s'", query__show(q, text),
                      query__show(q, scan_rest(&s)));
}
