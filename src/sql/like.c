/* like.c -- pattern tests. `*` and `%` are any run, `_` one character, a backslash takes the next
 * character as it is.
 * SQLite: its LIKE ignores ASCII case, so `like` is GLOB, which does not, and `ilike` is LIKE
 * (ASCII letters only). A pattern is bound behind a unary plus: on a naked place SQLite would
 * prepare the statement again for every new pattern to try its own prefix search. We write the
 * prefix as a range instead, which any index over the column serves. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

/* One element of a pattern. */
enum piece { PIECE_END, PIECE_RUN, PIECE_ONE, PIECE_CHAR };

static enum piece next_piece(str p, size_t *at, char *c)
{
    if (*at >= p.len)
        return PIECE_END;
    *c = p.ptr[(*at)++];
    if (*c == '\\' && *at < p.len) {
        *c = p.ptr[(*at)++];
        return PIECE_CHAR;
    }
    if (*c == '*' || *c == '%') {
        while (*at < p.len && (p.ptr[*at] == '*' || p.ptr[*at] == '%'))
            ++*at;
        return PIECE_RUN;
    }
    return *c == '_' ? PIECE_ONE : PIECE_CHAR;
}

/* The time of a match grows with every run: a ceiling keeps it small. */
bool sql_pattern_fits(str pattern)
{
    size_t at = 0, runs = 0;
    char c;
    for (enum piece p = next_piece(pattern, &at, &c); p; p = next_piece(pattern, &at, &c))
        runs += p == PIECE_RUN;
    return runs <= SQL_WILDCARDS_MOST;
}

static void check_pattern(struct sql *b, str pattern)
{
    if (!sql_pattern_fits(pattern))
        sql__fail(b, "a pattern may hold 16 wildcards (* or %) at most");
}

void sql__glob_pattern(struct sql *b, str pattern, struct text *out)
{
    size_t at = 0;
    char c;
    check_pattern(b, pattern);
    for (enum piece p = next_piece(pattern, &at, &c); p; p = next_piece(pattern, &at, &c)) {
        if (p == PIECE_RUN) {
            text__char(out, '*');
        } else if (p == PIECE_ONE) {
            text__char(out, '?');
        } else if (c == '*' || c == '?' || c == '[') {
            char set[3] = {'[', c, ']'};
            text__add(out, set, sizeof set);
        } else {
            text__char(out, c);
        }
    }
}

void sql__like_pattern(struct sql *b, str pattern, struct text *out)
{
    size_t at = 0;
    char c;
    check_pattern(b, pattern);
    for (enum piece p = next_piece(pattern, &at, &c); p; p = next_piece(pattern, &at, &c)) {
        if (p == PIECE_RUN) {
            text__char(out, '%');
        } else if (p == PIECE_ONE) {
            text__char(out, '_');
        } else {
            if (c == '%' || c == '_' || c == '\\')
                text__char(out, '\\');
            text__char(out, c);
        }
    }
}

/* The characters before the first wildcard. */
static str prefix_of(struct arena *a, str pattern)
{
    struct text t;
    size_t at = 0;
    char c;
    text__init(&t, a, pattern.len + 8);
    while (next_piece(pattern, &at, &c) == PIECE_CHAR)
        text__char(&t, c);
    return text__done(&t);
}

static size_t utf8_last(str s)
{
    size_t at = s.len - 1;
    while (at > 0 && ((unsigned char)s.ptr[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static uint32_t utf8_read(str s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    uint32_t code = s.len == 1 ? c : c & (0xffu >> (s.len + 1));
    for (size_t i = 1; i < s.len; i++)
        code = code << 6 | ((unsigned char)s.ptr[i] & 0x3f);
    return code;
}

static void utf8_write(struct text *t, uint32_t code)
{
    if (code < 0x80) {
        text__char(t, (char)code);
        return;
    }
    unsigned tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    text__char(t, (char)((0xff00u >> (tail + 1) & 0xff) | code >> (6 * tail)));
    while (tail--)
        text__char(t, (char)(0x80 | (code >> (6 * tail) & 0x3f)));
}

/* The least text above all that start with prefix; empty when there is none. */
static str prefix_end(struct arena *a, str prefix)
{
    struct text t;
    text__init(&t, a, prefix.len + 8);
    while (prefix.len) {
        size_t at = utf8_last(prefix);
        uint32_t code = utf8_read(str_from(prefix, at)) + 1;
        prefix.len = at;
        if (code == 0xd800)
            code = 0xe000;
        if (code > 0x10ffff)
            continue;
        text__str(&t, prefix);
        utf8_write(&t, code);
        break;
    }
    return text__done(&t);
}

static void range(struct sql *b, const struct cond *c, unsigned alias, str prefix)
{
    str end = prefix_end(b->arena, prefix);
    sql__column(b, alias, c->column);
    sql__text(b, " >= ");
    sql__place(b, sql__add(b, value_text(prefix)));
    sql__text(b, " COLLATE BINARY AND ");
    if (end.len) {
        sql__column(b, alias, c->column);
        sql__text(b, " < ");
        sql__place(b, sql__add(b, value_text(end)));
        sql__text(b, " COLLATE BINARY AND ");
    }
}

static void glob(struct sql *b, const struct cond *c, unsigned alias)
{
    str pattern = c->values[0].text;
    str prefix = prefix_of(b->arena, pattern);
    struct text t;
    text__init(&t, b->arena, pattern.len + 16);
    sql__glob_pattern(b, pattern, &t);
    bool ranged = prefix.len && str_utf8(prefix);
    if (ranged) {
        text__char(&b->text, '(');
        range(b, c, alias, prefix);
    }
    sql__column(b, alias, c->column);
    sql__text(b, " GLOB +");
    sql__place(b, sql__add(b, value_text(text__done(&t))));
    if (ranged)
        text__char(&b->text, ')');
}

void sql__like(struct sql *b, const struct cond *c, unsigned alias)
{
    if (c->values[0].kind != V_TEXT) {
        sql__fail(b, "like and ilike need a text");
        return;
    }
    if (c->op == OP_LIKE && b->dialect == DIALECT_SQLITE) {
        glob(b, c, alias);
        return;
    }
    struct text t;
    text__init(&t, b->arena, c->values[0].text.len + 16);
    sql__like_pattern(b, c->values[0].text, &t);
    sql__column(b, alias, c->column);
    if (b->dialect == DIALECT_SQLITE)
        sql__text(b, " LIKE +");
    else if (c->op == OP_LIKE)
        sql__text(b, " LIKE ");
    else
        sql__text(b, " ILIKE ");
    sql__place(b, sql__add(b, value_text(text__done(&t))));
    if (b->dialect == DIALECT_SQLITE)
        sql__text(b, " ESCAPE '\\'");
}
