/* pg_checks.c -- checks and labels out of PostgreSQL's catalog. SPDX: Apache-2.0
 * The server tells an expression with every cast it inserted, as in
 *     (((status)::text = ANY ((ARRAY['new'::character varying, 'paid'::character
 * varying])::text[]))) Made plain it is what somebody would have written: status IN ('new',
 * 'paid'). */
#include "schema/schema_priv.h"

struct plain {
    struct arena *arena;
    str rest;
    char *out;
    size_t len;
};

static size_t quoted_len(str s)
{
    char mark = s.ptr[0];
    size_t i = 1;
    for (; i < s.len; i++) {
        if (s.ptr[i] != mark)
            continue;
        if (i + 1 < s.len && s.ptr[i + 1] == mark)
            i++;
        else
            return i + 1;
    }
    return s.len;
}

static bool word_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_' || (c & 0x80);
}

static size_t word_len(str s)
{
    size_t n = 0;
    while (n < s.len && word_char(s.ptr[n]))
        n++;
    return n;
}

static str blanks_cut(str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\n' || s.ptr[0] == '\t'))
        s = str_from(s, 1);
    return s;
}

/* ---- casts ---- */

/* The further words of a type's name. */
static str more_words(str s)
{
    static const char *const words[] = {" varying", " precision", " with time zone",
                                        " without time zone"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_starts(s, str_of(words[i])))
            return str_from(s, strlen(words[i]));
    }
    return s;
}

static str numbers_cut(str s)
{
    size_t close = s.len && s.ptr[0] == '(' ? str_find(s, ')') : STR_NONE;
    return close == STR_NONE ? s : str_from(s, close + 1);
}

/* Behind "::": past the name of a type, schema-qualified, with its numbers and brackets. */
static str type_cut(str s)
{
    size_t n;
    while ((n = s.len && s.ptr[0] == '"' ? quoted_len(s) : word_len(s)) > 0) {
        s = str_from(s, n);
        if (!s.len || s.ptr[0] != '.')
            break;
        s = str_from(s, 1);
    }
    s = numbers_cut(more_words(numbers_cut(s)));
    s = more_words(s); /* timestamp(3) without time zone */
    while (str_starts(s, LIT("[]")))
        s = str_from(s, 2);
    return s;
}

static void copy(struct plain *p, size_t n)
{
    memcpy(p->out + p->len, p->rest.ptr, n);
    p->len += n;
    p->rest = str_from(p->rest, n);
}

static str without_casts(struct arena *a, str s)
{
    struct plain p = {.arena = a, .rest = s, .out = arena_new(a, s.len + 1)};
    while (p.rest.len) {
        if (p.rest.ptr[0] == '\'' || p.rest.ptr[0] == '"')
            copy(&p, quoted_len(p.rest));
        else if (str_starts(p.rest, LIT("::")))
            p.rest = type_cut(str_from(p.rest, 2));
        else
            copy(&p, 1);
    }
    return str_make(p.out, p.len);
}

/* ---- = ANY (ARRAY[..]) ---- */

/* At "= ANY (": past the opening parentheses and ARRAY[; *depth: how many parentheses. */
static bool list_begins(str s, str *inner, size_t *depth)
{
    if (!str_starts(s, LIT("= ANY ")))
        return false;
    s = blanks_cut(str_from(s, 6));
    for (*depth = 0; s.len && s.ptr[0] == '('; ++*depth)
        s = blanks_cut(str_from(s, 1));
    *inner = str_from(s, 6);
    return *depth > 0 && str_starts(s, LIT("ARRAY["));
}

static void list_copy(struct plain *p, str inner, size_t depth)
{
    memcpy(p->out + p->len, "IN (", 4);
    p->len += 4;
    p->rest = inner;
    while (p->rest.len && p->rest.ptr[0] != ']')
        copy(p, p->rest.ptr[0] == '\'' ? quoted_len(p->rest) : 1);
    p->rest = str_from(p->rest, 1);
    for (; depth > 1 && p->rest.len && p->rest.ptr[0] == ')'; depth--)
        p->rest = blanks_cut(str_from(p->rest, 1));
}

static str with_lists(struct arena *a, str s)
{
    struct plain p = {.arena = a, .rest = s, .out = arena_new(a, s.len + 1)};
    str inner;
    size_t depth;
    while (p.rest.len) {
        if (p.rest.ptr[0] == '\'' || p.rest.ptr[0] == '"')
            copy(&p, quoted_len(p.rest));
        else if (list_begins(p.rest, &inner, &depth))
            list_copy(&p, inner, depth);
        else
            copy(&p, 1);
    }
    return str_make(p.out, p.len);
}

/* ---- parentheses around one word ---- */

/* Bytes of the word, number or text at s, with a sign before a number. */
static size_t single_len(str s)
{
    size_t sign = s.len && s.ptr[0] == '-' ? 1 : 0;
    str at = str_from(s, sign);
    if (!at.len)
        return 0;
    if (at.ptr[0] == '\'' || at.ptr[0] == '"')
        return sign ? 0 : quoted_len(at);
    size_t n = 0;
    while (n < at.len && (word_char(at.ptr[n]) || at.ptr[n] == '.'))
        n++;
    return n ? n + sign : 0;
}

/* Does a function's name, or a word that needs its parentheses, stand before? */
static bool called(const struct plain *p)
{
    size_t end = p->len, from;
    while (end && p->out[end - 1] == ' ')
        end--;
    for (from = end; from && word_char(p->out[from - 1]);)
        from--;
    str word = str_make(p->out + from, end - from);
    if (!word.len)
        return end && p->out[end - 1] == '"';
    return !str_is(word, "AND") && !str_is(word, "OR") && !str_is(word, "NOT") &&
           !str_is(word, "BETWEEN");
}

static str unwrapped_once(struct arena *a, str s)
{
    struct plain p = {.arena = a, .rest = s, .out = arena_new(a, s.len + 1)};
    while (p.rest.len) {
        size_t n = p.rest.ptr[0] == '(' ? single_len(str_from(p.rest, 1)) : 0;
        if (n && n + 1 < p.rest.len && p.rest.ptr[n + 1] == ')' && !called(&p)) {
            p.rest = str_from(p.rest, 1);
            copy(&p, n);
            p.rest = str_from(p.rest, 1);
        } else if (p.rest.ptr[0] == '\'' || p.rest.ptr[0] == '"') {
            copy(&p, quoted_len(p.rest));
        } else {
            copy(&p, 1);
        }
    }
    return str_make(p.out, p.len);
}

str schema__plain_check(struct arena *a, str expression)
{
    str s = with_lists(a, without_casts(a, expression));
    for (size_t before = 0; before != s.len;) {
        before = s.len;
        s = unwrapped_once(a, s);
    }
    return s;
}

/* ---- the answers ---- */

/* Cells: table, name, expression. */
void schema__checks_postgres(struct schema__build *b, const struct rows *answer)
{
    for (size_t at = 0, end; at < answer->count; at = end) {
        end = schema__run_end(answer, at, 1);
        struct schema__work *w = schema__work_of(b, schema__cell(answer, at, 0));
        if (!w)
            continue;
        struct check *out = ARENA_ARRAY(b->arena, struct check, end - at);
        for (size_t i = at; i < end; i++) {
            struct schema__clause clause = {
                .kind = CLAUSE_CHECK,
                .name = schema__cell(answer, i, 1),
                .column = LIT(""),
                .text = schema__plain_check(b->arena, schema__cell(answer, i, 2))};
            schema__check_read(b->arena, w, &clause, &out[w->table->check_count++]);
        }
        w->table->checks = out;
    }
}

/* Cells: table, column, label. */
void schema__labels_postgres(struct schema__build *b, const struct rows *answer)
{
    for (size_t at = 0, end; at < answer->count; at = end) {
        end = schema__run_end(answer, at, 2);
        struct schema__work *w = schema__work_of(b, schema__cell(answer, at, 0));
        struct column *c = w ? schema__column_any_case(w, schema__cell(answer, at, 1)) : NULL;
        if (!c)
            continue;
        str *labels = ARENA_ARRAY(b->arena, str, end - at);
        for (size_t i = at; i < end; i++)
            labels[i - at] = arena_str(b->arena, schema__cell(answer, i, 2));
        c->labels = labels;
        c->label_count = end - at;
    }
}
