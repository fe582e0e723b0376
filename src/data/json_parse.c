/* json_parse.c -- JSON text to values, strictly RFC 8259. SPDX: Apache-2.0
 * Why by hand: bodies are parsed on the hot path, numbers must keep their digits, an error must
 * name its place, and a member given twice must be refused (two readers of one body must not see
 * two different things).
 * Invariants: (1) No recursion: the depth is a limit, not a matter of the C stack. (2) Children
 * wait on one stack until their container closes, then move to an array of the exact size. Below
 * the children of each open container lies its head: kind, and in `at` the head before it.
 * (3) Memory only by arena_try: the caller may be where a request cannot be ended. */
#include "data/data_priv.h"

#include <stdio.h>

const struct json_limits json_limits_default = {.depth = 64, .nodes = 1000000};

struct entry {
    struct member m;
    size_t at; /* offset of the name; in a head: index of the first child of the one outside */
};

enum { LOCAL_ENTRIES = 32, FEW_MEMBERS = 12 };

struct parser {
    struct arena *arena;
    const char *start, *p, *end;
    struct err *err;
    struct entry *stack;
    size_t top, cap;
    size_t base;    /* index of the first child of the open container; 0 when none is open */
    size_t nodes;   /* values that may still come */
    unsigned depth; /* levels that may still be opened */
};

/* ---- words for what is wrong ---- */

struct place {
    size_t line, column;
};

static struct place place_of(const struct parser *ps, const char *at)
{
    struct place place = {1, 1};
    for (const char *p = ps->start; p < at; p++) {
        if (*p == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static int bad(struct parser *ps, const char *at, const char *expected)
{
    struct place place = place_of(ps, at);
    char found[32] = "the end of the text";
    if (at < ps->end) {
        unsigned char c = (unsigned char)*at;
        snprintf(found, sizeof found, c > 0x20 && c < 0x7F ? "'%c'" : "byte 0x%02x", c);
    }
    return fail(ps->err, E_BAD, "line %zu, column %zu: expected %s, found %s", place.line,
                place.column, expected, found);
}

static int wrong(struct parser *ps, const char *at, const char *what)
{
    struct place place = place_of(ps, at);
    return fail(ps->err, E_BAD, "line %zu, column %zu: %s", place.line, place.column, what);
}

static int too_big(struct parser *ps, const char *what)
{
    struct place place = place_of(ps, ps->p);
    return fail(ps->err, E_TOOBIG, "line %zu, column %zu: %s", place.line, place.column, what);
}

static int no_memory(struct parser *ps)
{
    return too_big(ps, "the document needs more memory than a request may use");
}

/* ---- scalars ---- */

static inline void skip_blanks(struct parser *ps)
{
    while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\r' || *ps->p == '\t'))
        ps->p++;
}

static int word_get(struct parser *ps, str word, struct value v, struct value *out)
{
    if (!str_starts(str_make(ps->p, (size_t)(ps->end - ps->p)), word))
        return bad(ps, ps->p, "a value");
    ps->p += word.len;
    *out = v;
    return 0;
}

static const char *digits_end(const char *p, const char *end)
{
    while (p < end && ascii_digit(*p))
        p++;
    return p;
}

/* Fraction and exponent, when there are any; *p moves behind them. */
static int number_tail(struct parser *ps, const char **p)
{
    const char *q = *p;
    if (q < ps->end && *q == '.') {
        const char *first = ++q;
        q = digits_end(q, ps->end);
        if (q == first)
            return bad(ps, q, "a digit after the decimal point");
    }
    if (q < ps->end && (*q == 'e' || *q == 'E')) {
        q++;
        if (q < ps->end && (*q == '+' || *q == '-'))
            q++;
        const char *first = q;
        q = digits_end(q, ps->end);
        if (q == first)
            return bad(ps, q, "a digit of the exponent");
    }
    *p = q;
    return 0;
}

static int number_get(struct parser *ps, struct value *out)
{
    enum { SAFE_DIGITS = 19 }; /* as many always fit into 64 bits without sign */
    const char *start = ps->p, *p = start;
    bool minus = *p == '-';
    p += minus;
    const char *first = p;
    uint64_t n = 0;
    while (p < ps->end && ascii_digit(*p))
        n = n * 10 + (uint64_t)(*p++ - '0');
    if (p == first)
        return bad(ps, p, "a digit");
    if (*first == '0' && p > first + 1)
        return wrong(ps, first, "a number must not begin with a superfluous 0");
    const char *whole = p;
    TRY(number_tail(ps, &p));
    ps->p = p;
    bool fits = whole - first <= SAFE_DIGITS && n <= (uint64_t)INT64_MAX + minus;
    if (p == whole && fits && !(minus && n == 0))
        *out = value_int(minus ? (int64_t)(0 - n) : (int64_t)n);
    else
        *out = value_num(str_make(start, (size_t)(p - start)));
    return 0;
}

/* ---- strings ---- */

static int hex4(struct parser *ps, const char *p, const char *end, uint32_t *out)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++, p++) {
        char c = p < end ? ascii_lower(*p) : '\0';
        if (!ascii_digit(c) && !(c >= 'a' && c <= 'f'))
            return bad(ps, p, "four hexadecimal digits after \\u");
        n = n << 4 | (uint32_t)(ascii_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *out = n;
    return 0;
}

static size_t utf8_write(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char heads[] = {0, 0xC0, 0xE0, 0xF0};
    to[0] = (char)(heads[more] | c >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3F));
    return more + 1;
}

/* *p stands behind "\u"; a high surrogate takes the low one that must follow. */
static int unicode_get(struct parser *ps, const char **p, const char *end, uint32_t *out)
{
    uint32_t high, low;
    const char *at = *p - 2;
    TRY(hex4(ps, *p, end, &high));
    *p += 4;
    if (high >= 0xDC00 && high <= 0xDFFF)
        return wrong(ps, at, "a low surrogate without a high one before it");
    *out = high;
    if (high < 0xD800 || high > 0xDFFF)
        return 0;
    if (end - *p < 2 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return wrong(ps, at, "a high surrogate without a low one behind it");
    TRY(hex4(ps, *p + 2, end, &low));
    if (low < 0xDC00 || low > 0xDFFF)
        return wrong(ps, at, "a high surrogate without a low one behind it");
    *p += 6;
    *out = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return 0;
}

/* *p stands behind the backslash. */
static int escape_get(struct parser *ps, const char **p, const char *end, uint32_t *out)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *at = *p;
    char c = at < end ? *at : '\0';
    (*p)++;
    if (c == 'u')
        return unicode_get(ps, p, end, out);
    const char *hit = c ? strchr(letters, c) : NULL;
    if (!hit)
        return bad(ps, at, "one of \" \\ / b f n r t u after a backslash");
    *out = (unsigned char)bytes[hit - letters];
    return 0;
}

/* What is escaped never gets longer: raw.len bytes are room enough. */
static int unescape(struct parser *ps, str raw, str *out)
{
    char *to = arena_try(ps->arena, raw.len), *at = to;
    if (!to)
        return no_memory(ps);
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash ? slash : end) - p);
        memcpy(at, p, run);
        at += run;
        p += run;
        if (slash) {
            uint32_t c = 0;
            p++;
            TRY(escape_get(ps, &p, end, &c));
            at += utf8_write(at, c);
        }
    }
    *out = str_make(to, (size_t)(at - to));
    return 0;
}

static int not_utf8(struct parser *ps, str raw)
{
    size_t step;
    while ((step = data__utf8_len(raw)))
        raw = str_from(raw, step);
    return bad(ps, raw.ptr, "well-formed UTF-8");
}

/* ps->p stands on the opening quote. */
static int string_get(struct parser *ps, str *out)
{
    const char *start = ps->p + 1, *q = start;
    unsigned high = 0;
    bool escapes = false;
    for (;;) {
        q += data__plain(q, (size_t)(ps->end - q), &high);
        if (q < ps->end && *q == '"')
            break;
        if (ps->end - q >= 2 && *q == '\\') {
            escapes = true;
            q += 2;
            continue;
        }
        if (q >= ps->end || *q == '\\')
            return bad(ps, ps->end, "'\"' at the end of the string");
        return bad(ps, q, "an escape in place of a control character");
    }
    *out = str_make(start, (size_t)(q - start));
    if (high && !str_utf8(*out))
        return not_utf8(ps, *out);
    if (escapes)
        TRY(unescape(ps, *out, out));
    ps->p = q + 1;
    return 0;
}

/* ---- containers ---- */

static int grow(struct parser *ps)
{
    size_t cap = ps->cap * 2;
    struct entry *more = arena_try(ps->arena, cap * sizeof *more);
    if (!more)
        return no_memory(ps);
    memcpy(more, ps->stack, ps->top * sizeof *more);
    ps->stack = more;
    ps->cap = cap;
    return 0;
}

static inline int push(struct parser *ps, struct entry **out)
{
    if (UNLIKELY(ps->top == ps->cap))
        TRY(grow(ps));
    *out = &ps->stack[ps->top++];
    return 0;
}

/* Makes the place for the next child of the open container; in an object, reads its name. */
static int child_begin(struct parser *ps)
{
    struct entry *e;
    TRY(push(ps, &e));
    skip_blanks(ps);
    if (ps->stack[ps->base - 1].m.value.kind == V_ARRAY)
        return 0;
    if (ps->p >= ps->end || *ps->p != '"')
        return bad(ps, ps->p, "a member name in quotes");
    e->at = (size_t)(ps->p - ps->start);
    TRY(string_get(ps, &e->m.name));
    skip_blanks(ps);
    if (ps->p >= ps->end || *ps->p != ':')
        return bad(ps, ps->p, "':' after a member name");
    ps->p++;
    return 0;
}

static int twice(struct parser *ps, const struct entry *e)
{
    struct place place = place_of(ps, ps->start + e->at);
    return fail(ps->err, E_BAD, "line %zu, column %zu: member '%.*s' is given twice", place.line,
                place.column, (int)(e->m.name.len < 100 ? e->m.name.len : 100), e->m.name.ptr);
}

/* Many members: an open table of 1 + index, twice as large as needed, seeded hash. */
static int unique_many(struct parser *ps, const struct entry *list, size_t count)
{
    size_t cap = 32;
    while (cap < count * 2)
        cap *= 2;
    uint32_t *table = arena_try(ps->arena, cap * sizeof *table);
    if (!table)
        return no_memory(ps);
    memset(table, 0, cap * sizeof *table);
    for (size_t i = 0; i < count; i++) {
        size_t at = str_hash(list[i].m.name) & (cap - 1);
        for (; table[at]; at = (at + 1) & (cap - 1)) {
            if (str_eq(list[table[at] - 1].m.name, list[i].m.name))
                return twice(ps, &list[i]);
        }
        table[at] = (uint32_t)i + 1;
    }
    return 0;
}

static int unique_names(struct parser *ps, const struct entry *list, size_t count)
{
    if (count > FEW_MEMBERS)
        return unique_many(ps, list, count);
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(list[i].m.name, list[j].m.name))
                return twice(ps, &list[i]);
        }
    }
    return 0;
}

static int array_end(struct parser *ps, const struct entry *list, struct value *out)
{
    out->items = arena_try(ps->arena, out->count * sizeof *out->items);
    if (!out->items)
        return no_memory(ps);
    for (uint32_t i = 0; i < out->count; i++)
        out->items[i] = list[i].m.value;
    return 0;
}

static int object_end(struct parser *ps, const struct entry *list, struct value *out)
{
    TRY(unique_names(ps, list, out->count));
    out->fields = arena_try(ps->arena, out->count * sizeof *out->fields);
    if (!out->fields)
        return no_memory(ps);
    for (uint32_t i = 0; i < out->count; i++)
        out->fields[i] = list[i].m;
    return 0;
}

/* The open container is complete: *out is its value, the one outside is open again. */
static int container_end(struct parser *ps, struct value *out)
{
    const struct entry *list = &ps->stack[ps->base], *head = list - 1;
    *out = (struct value){.kind = head->m.value.kind, .count = (uint32_t)(ps->top - ps->base)};
    ps->p++;
    ps->top = ps->base - 1;
    ps->base = head->at;
    ps->depth++;
    if (!out->count)
        return 0;
    return out->kind == V_ARRAY ? array_end(ps, list, out) : object_end(ps, list, out);
}

/* ps->p stands on the bracket. *open stays false when the container is empty, thus complete. */
static int container_begin(struct parser *ps, struct value *out, bool *open)
{
    struct entry *head;
    if (!ps->depth)
        return too_big(ps, "arrays and objects are nested too deeply");
    ps->depth--;
    bool array = *ps->p++ == '[';
    skip_blanks(ps);
    *out = (struct value){.kind = array ? V_ARRAY : V_OBJECT};
    if (ps->p < ps->end && *ps->p == (array ? ']' : '}')) {
        ps->p++;
        ps->depth++;
        return 0;
    }
    TRY(push(ps, &head));
    *head = (struct entry){.m.value = *out, .at = ps->base};
    ps->base = ps->top;
    *open = true;
    return child_begin(ps);
}

static int value_begin(struct parser *ps, struct value *out, bool *open)
{
    skip_blanks(ps);
    if (ps->nodes-- == 0)
        return too_big(ps, "the document has too many values");
    switch (ps->p < ps->end ? *ps->p : '\0') {
    case '{':
    case '[':
        return container_begin(ps, out, open);
    case '"':
        *out = value_text((str){NULL, 0});
        return string_get(ps, &out->text);
    case 't':
        return word_get(ps, LIT("true"), value_bool(true), out);
    case 'f':
        return word_get(ps, LIT("false"), value_bool(false), out);
    case 'n':
        return word_get(ps, LIT("null"), value_null(), out);
    default:
        if (ps->p < ps->end && (*ps->p == '-' || ascii_digit(*ps->p)))
            return number_get(ps, out);
        return bad(ps, ps->p, "a value");
    }
}

/* A child of the open container is complete. *more: another one begins; else the container ended
 * and *v is its value. */
static int child_end(struct parser *ps, struct value *v, bool *more)
{
    bool array = ps->stack[ps->base - 1].m.value.kind == V_ARRAY;
    ps->stack[ps->top - 1].m.value = *v;
    skip_blanks(ps);
    *more = ps->p < ps->end && *ps->p == ',';
    if (*more) {
        ps->p++;
        return child_begin(ps);
    }
    if (ps->p >= ps->end || *ps->p != (array ? ']' : '}'))
        return bad(ps, ps->p, array ? "',' or ']'" : "',' or '}'");
    return container_end(ps, v);
}

static int document_get(struct parser *ps, struct value *out)
{
    for (;;) {
        struct value v;
        bool open = false, more = false;
        TRY(value_begin(ps, &v, &open));
        while (!open && !more) {
            if (!ps->base) {
                *out = v;
                return 0;
            }
            TRY(child_end(ps, &v, &more));
        }
    }
}

int json_parse(struct arena *a, str text, const struct json_limits *limits, struct value *out,
               struct err *err)
{
    struct entry local[LOCAL_ENTRIES];
    if (!text.ptr)
        text = LIT("");
    struct parser ps = {
        .arena = a,
        .start = text.ptr,
        .p = text.ptr,
        .end = text.ptr + text.len,
        .err = err,
        .stack = local,
        .cap = LOCAL_ENTRIES,
        .nodes = limits->nodes < UINT32_MAX ? limits->nodes : UINT32_MAX - 1,
        .depth = limits->depth,
    };
    struct value v;
    TRY(document_get(&ps, &v));
    skip_blanks(&ps);
    if (ps.p != ps.end)
        return bad(&ps, ps.p, "the end of the text");
    *out = v;
    return 0;
}
