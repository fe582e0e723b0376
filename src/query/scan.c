/* scan.c -- a file of queries, cut apart: headers and SQL. SPDX: Apache-2.0
 *   -- name: users_by_city
 *   -- Who lives there, newest first.
 *   -- param: city text
 *   SELECT id, name FROM users WHERE city = :city ORDER BY id DESC;
 * A query goes from its line `-- name:` to the next one. Its header is the comments in front of its
 * SQL; comments there that are no `key: value` describe it. The form is that of aiosql and sqlc,
 * so editors and formatters of SQL leave it alone.
 * Invariant: a header line never gets lost as a comment. One that stands behind the SQL, or has a
 * key that is not known, is refused: it may be the line that says who may call the query. */
#include "query/query_priv.h"

#include <stdarg.h>
#include <stdio.h>

struct scan {
    struct query_set *set;
    const char *file;
    struct query *q; /* the query whose lines these are */
    const char *sql; /* where its SQL begins, or NULL */
    unsigned line;
    struct err *err;
};

int query__refuse(const char *file, struct query__at at, struct err *err, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fail(err, E_CONFIG, "%s:%u:%u: %s", file, at.line, at.column, text);
}

/* ---- one line ---- */

struct header_line {
    bool comment;
    str word;  /* before the colon, or empty: no "key: value" */
    str value; /* behind it; of a comment without a key all of it */
    size_t word_at, value_at;
};

static str blanks_off(str s)
{
    while (s.len &&
           (s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static size_t blanks_at(str s, size_t at)
{
    while (at < s.len && (s.ptr[at] == ' ' || s.ptr[at] == '\t' || s.ptr[at] == '\r'))
        at++;
    return at;
}

static struct header_line line_read(str line)
{
    struct header_line h = {0};
    line = blanks_off(line);
    size_t at = blanks_at(line, 0), end;
    h.comment = str_starts(str_from(line, at), LIT("--"));
    if (!h.comment)
        return h;
    at = blanks_at(line, at + 2);
    for (end = at; end < line.len && (ascii_alpha(line.ptr[end]) || line.ptr[end] == '_');)
        end++;
    h.word_at = h.value_at = at;
    h.value = str_from(line, at);
    if (end == at || end >= line.len || line.ptr[end] != ':')
        return h;
    str word = str_make(line.ptr + at, end - at);
    bool apart = end + 1 == line.len || line.ptr[end + 1] == ' ' || line.ptr[end + 1] == '\t';
    if (!apart && query__key_of(word) == KEY__COUNT)
        return h; /* http://... and x::text */
    h.word = word;
    h.value_at = blanks_at(line, end + 1);
    h.value = str_from(line, h.value_at);
    return h;
}

static struct query__at place(const struct scan *s, size_t at)
{
    return (struct query__at){s->line, (unsigned)at + 1};
}

/* ---- a query ---- */

static struct query *add(struct query_set *set)
{
    if (set->count == set->cap) {
        size_t cap = set->cap ? set->cap * 2 : 32;
        struct query *list = ARENA_ARRAY(&set->arena, struct query, cap);
        if (set->count)
            memcpy(list, set->list, set->count * sizeof *list);
        set->list = list;
        set->cap = cap;
    }
    struct query *q = &set->list[set->count++];
    *q = (struct query){.set = set, .method = METHOD_GET, .roles = {{0}}};
    q->params = ARENA_ARRAY(&set->arena, struct query__param, QUERY__PARAMS_MOST);
    return q;
}

static int begin(struct scan *s, const struct header_line *h)
{
    if (s->set->count == QUERY__MOST)
        return query__refuse(s->file, place(s, h->word_at), s->err, "more than %d queries",
                             QUERY__MOST);
    s->q = add(s->set);
    s->sql = NULL;
    s->q->file = s->file;
    s->q->at = place(s, h->value_at);
    return query__header(s->q, KEY_NAME, h->value, s->q->at, s->err);
}

/* end: where the next query or the end of the file is. */
static int finish(struct scan *s, const char *end)
{
    if (!s->q)
        return 0;
    if (!s->sql)
        return query__refuse(s->file, s->q->at, s->err, "query '%.*s' has no SQL",
                             STR_ARG(str_upto(s->q->name, 60)));
    s->q->sql = str_make(s->sql, (size_t)(end - s->sql));
    return 0;
}

static int unknown_key(struct scan *s, const struct header_line *h)
{
    const char *near = str_nearest(h->word, query__keys, KEY__COUNT);
    if (near)
        return query__refuse(s->file, place(s, h->word_at), s->err,
                             "'%.*s' is no key of a query; did you mean '%s'?",
                             STR_ARG(str_upto(h->word, 40)), near);
    return query__refuse(s->file, place(s, h->word_at), s->err,
                         "'%.*s' is no key of a query: those are name, description, param, roles, "
                         "method, cache, result, languages, rules",
                         STR_ARG(str_upto(h->word, 40)));
}

static void describe(struct query *q, str text)
{
    struct arena *a = &q->set->arena;
    if (text.len)
        q->description = q->description.len
                             ? arena_printf(a, "%.*s %.*s", STR_ARG(q->description), STR_ARG(text))
                             : arena_str(a, text);
}

/* A comment between name and SQL. */
static int in_header(struct scan *s, const struct header_line *h)
{
    enum query__key key = query__key_of(h->word);
    if (!h->word.len) {
        describe(s->q, h->value);
        return 0;
    }
    if (key == KEY__COUNT)
        return unknown_key(s, h);
    return query__header(s->q, key, h->value, place(s, h->value_at), s->err);
}

/* Before the first name, and behind the SQL's first line, a header line would be a comment. */
static int out_of_place(struct scan *s, const struct header_line *h)
{
    if (query__key_of(h->word) == KEY__COUNT)
        return 0;
    return query__refuse(s->file, place(s, h->word_at), s->err,
                         s->q ? "'%.*s' stands behind the SQL; put it above, below '-- name:'"
                              : "'%.*s' stands before the first '-- name: ...'",
                         STR_ARG(str_upto(h->word, 40)));
}

static int take_line(struct scan *s, str line)
{
    struct header_line h = line_read(line);
    bool blank = blanks_at(line, 0) == line.len;
    if (str_is(h.word, "name")) {
        TRY(finish(s, line.ptr));
        return begin(s, &h);
    }
    if (blank)
        return 0;
    if (h.comment)
        return s->q && !s->sql ? in_header(s, &h) : out_of_place(s, &h);
    if (!s->q)
        return query__refuse(s->file, place(s, blanks_at(line, 0)), s->err,
                             "a query begins with the line '-- name: ...'");
    if (!s->sql) {
        s->sql = line.ptr;
        s->q->sql_line = s->line;
    }
    return 0;
}

int query__scan(struct query_set *set, const char *file, str text, struct err *err)
{
    struct scan s = {.set = set, .file = file, .err = err};
    str rest = text;
    if (str_starts(rest, LIT("\xef\xbb\xbf")))
        rest = str_from(rest, 3);
    if (!str_utf8(text) || memchr(text.ptr ? text.ptr : "", 0, text.len))
        return query__refuse(file, (struct query__at){1, 1}, err, "the file is no UTF-8 text");
    while (rest.ptr) {
        s.line++;
        TRY(take_line(&s, str_cut(&rest, '\n')));
    }
    return finish(&s, text.ptr + text.len);
}
