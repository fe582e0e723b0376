/* create_text.c -- reads the text of CREATE TABLE for what no pragma tells: CHECK and COLLATE.
 * SPDX: Apache-2.0
 * No parser of SQL: SQLite has parsed the text already. Enough is known to stay in step with it:
 * tokens with all kinds of quotes, comments, and the depth of parentheses. Text that is none of
 * SQLite's own gives fewer clauses or odd ones, never a read outside of it. */
#include "schema/schema_priv.h"

/* ---- tokens ---- */

static bool word_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static size_t blank_len(str s)
{
    if (str_starts(s, LIT("--"))) {
        size_t end = str_find(s, '\n');
        return end == STR_NONE ? s.len : end + 1;
    }
    if (str_starts(s, LIT("/*"))) {
        for (size_t i = 2; i + 1 < s.len; i++) {
            if (s.ptr[i] == '*' && s.ptr[i + 1] == '/')
                return i + 2;
        }
        return s.len;
    }
    return s.len && strchr(" \t\n\r\f", s.ptr[0]) && s.ptr[0] ? 1 : 0;
}

/* s begins with a quote; its closing one is doubled to stand for itself, but not a bracket. */
static size_t quoted_len(str s)
{
    char close = s.ptr[0] == '[' ? ']' : s.ptr[0];
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] != close)
            continue;
        if (close == ']' || i + 1 == s.len || s.ptr[i + 1] != close)
            return i + 1;
        i++;
    }
    return s.len;
}

static size_t number_len(str s)
{
    size_t i = 0;
    while (i < s.len && (word_char(s.ptr[i]) || s.ptr[i] == '.')) {
        bool exponent = ascii_lower(s.ptr[i]) == 'e' && i + 1 < s.len &&
                        (s.ptr[i + 1] == '-' || s.ptr[i + 1] == '+');
        i += exponent ? 2 : 1;
    }
    return i;
}

static size_t op_len(str s)
{
    static const char *const pairs[] = {"<=", ">=", "<>", "!=", "==", "||", "<<", ">>", "->"};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if (str_starts(s, str_of(pairs[i])))
            return 2;
    }
    return 1;
}

struct schema__token schema__token_next(str *rest)
{
    struct schema__token t = {.kind = TOKEN_END};
    size_t n = 0;
    while ((n = blank_len(*rest)))
        *rest = str_from(*rest, n);
    if (!rest->len)
        return t;
    char c = rest->ptr[0];
    if (c == '\'' || c == '"' || c == '`' || c == '[') {
        t.kind = c == '\'' ? TOKEN_STRING : TOKEN_QUOTED;
        n = quoted_len(*rest);
    } else if (ascii_digit(c) || (c == '.' && rest->len > 1 && ascii_digit(rest->ptr[1]))) {
        t.kind = TOKEN_NUMBER;
        n = number_len(*rest);
    } else if (word_char(c)) {
        t.kind = TOKEN_WORD;
        while (n < rest->len && word_char(rest->ptr[n]))
            n++;
    } else {
        t.kind = TOKEN_OP;
        n = op_len(*rest);
    }
    t.text = str_upto(*rest, n);
    *rest = str_from(*rest, n);
    return t;
}

bool schema__token_is(const struct schema__token *t, const char *word)
{
    return (t->kind == TOKEN_WORD || t->kind == TOKEN_OP) && str_eqi(t->text, str_of(word));
}

str schema__token_value(struct arena *a, const struct schema__token *t)
{
    if (t->kind != TOKEN_QUOTED && t->kind != TOKEN_STRING)
        return t->text;
    char close = t->text.ptr[0] == '[' ? ']' : t->text.ptr[0];
    str inner = str_from(t->text, 1);
    if (inner.len && inner.ptr[inner.len - 1] == close)
        inner.len--;
    char *to = arena_new(a, inner.len + 1), *at = to;
    for (size_t i = 0; i < inner.len; i++) {
        *at++ = inner.ptr[i];
        if (inner.ptr[i] == close && close != ']')
            i++;
    }
    *at = '\0';
    return str_make(to, (size_t)(at - to));
}

/* ---- clauses ---- */

struct reader {
    struct arena *arena;
    str rest;
    str column, name; /* of the present item; of the constraint to come */
    bool item_begins;
    struct schema__clause *list;
    size_t count, cap;
};

static void clause_add(struct reader *r, enum schema__clause_kind kind, str text)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        struct schema__clause *more = ARENA_ARRAY(r->arena, struct schema__clause, cap);
        if (r->count)
            memcpy(more, r->list, r->count * sizeof *more);
        r->list = more;
        r->cap = cap;
    }
    r->list[r->count++] =
        (struct schema__clause){.kind = kind, .name = r->name, .column = r->column, .text = text};
    r->name = LIT("");
}

/* Behind an opening parenthesis: the text up to its partner, which is cut off too. */
static str inner_cut(struct reader *r)
{
    str start = r->rest;
    unsigned depth = 1;
    for (;;) {
        struct schema__token t = schema__token_next(&r->rest);
        if (t.kind == TOKEN_END)
            return start;
        if (schema__token_is(&t, "("))
            depth++;
        if (schema__token_is(&t, ")") && --depth == 0)
            return str_upto(start, (size_t)(t.text.ptr - start.ptr));
    }
}

static str trimmed(str s)
{
    while (s.len && strchr(" \t\n\r\f", s.ptr[0]) && s.ptr[0])
        s = str_from(s, 1);
    while (s.len && strchr(" \t\n\r\f", s.ptr[s.len - 1]) && s.ptr[s.len - 1])
        s.len--;
    return s;
}

static bool any_of(const struct schema__token *t, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (schema__token_is(t, words[i]))
            return true;
    }
    return false;
}

/* The first token of an item: a constraint of the table, or the name of a column. */
static bool item_begin(struct reader *r, const struct schema__token *t)
{
    static const char *const words[] = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"};
    bool constraint = any_of(t, words, COUNT_OF(words));
    r->item_begins = false;
    r->name = LIT("");
    r->column = constraint ? LIT("") : schema__token_value(r->arena, t);
    return !constraint;
}

static void item_word(struct reader *r, const struct schema__token *t)
{
    static const char *const others[] = {"NOT",     "NULL",       "DEFAULT",   "PRIMARY", "UNIQUE",
                                         "FOREIGN", "REFERENCES", "GENERATED", "AS"};
    if (schema__token_is(t, "CONSTRAINT")) {
        struct schema__token name = schema__token_next(&r->rest);
        r->name = schema__token_value(r->arena, &name);
    } else if (schema__token_is(t, "COLLATE")) {
        struct schema__token name = schema__token_next(&r->rest);
        clause_add(r, CLAUSE_COLLATE, schema__token_value(r->arena, &name));
    } else if (schema__token_is(t, "CHECK")) {
        struct schema__token open = schema__token_next(&r->rest);
        if (schema__token_is(&open, "("))
            clause_add(r, CLAUSE_CHECK, trimmed(inner_cut(r)));
    } else if (any_of(t, others, COUNT_OF(others))) {
        r->name = LIT("");
    }
}

static void body_read(struct reader *r)
{
    for (;;) {
        struct schema__token t = schema__token_next(&r->rest);
        if (t.kind == TOKEN_END || schema__token_is(&t, ")"))
            return;
        if (schema__token_is(&t, "("))
            inner_cut(r);
        else if (schema__token_is(&t, ","))
            r->item_begins = true;
        else if (!r->item_begins || !item_begin(r, &t))
            item_word(r, &t);
    }
}

size_t schema__clauses(struct arena *a, str sql, struct schema__clause **out)
{
    struct reader r = {.arena = a, .rest = sql, .item_begins = true, .list = NULL};
    struct schema__token t;
    do {
        t = schema__token_next(&r.rest);
    } while (t.kind != TOKEN_END && !schema__token_is(&t, "("));
    body_read(&r);
    *out = r.list;
    return r.count;
}
