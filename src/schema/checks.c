/* checks.c -- what a CHECK says about single columns. SPDX: Apache-2.0
 * Read are comparisons with a constant, BETWEEN, IN over texts, the same on length(column), all
 * joined by AND, and behind `column IS NULL OR`. A bound is only taken where it must hold: what is
 * not understood is left to the database, which answers for it when a row is written. */
#include "schema/schema_priv.h"

enum { DEPTH_MOST = 32 };

struct tokens {
    const struct schema__token *list;
    size_t count;
};

struct reading {
    struct arena *arena;
    const struct schema__work *work;
    const struct column *only; /* behind `only IS NULL OR`: no word about others counts */
    unsigned depth;
};

static bool at_is(struct tokens t, size_t i, const char *word)
{
    return i < t.count && schema__token_is(&t.list[i], word);
}

static struct tokens part(struct tokens t, size_t from, size_t to)
{
    return (struct tokens){t.list + from, to - from};
}

/* ---- operands ---- */

enum operand_kind { OPERAND_OTHER, OPERAND_COLUMN, OPERAND_LENGTH, OPERAND_NUMBER };

struct operand {
    enum operand_kind kind;
    struct column *column;
    str number; /* canonical */
};

static struct column *column_of(const struct reading *r, const struct schema__token *t)
{
    if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED)
        return NULL;
    return schema__column_any_case(r->work, schema__token_value(r->arena, t));
}

static bool length_word(const struct schema__token *t)
{
    return schema__token_is(t, "length") || schema__token_is(t, "char_length") ||
           schema__token_is(t, "character_length");
}

/* A number, also one in quotes: so stand the constants of decimals that are kept as text. */
static struct operand number_read(const struct reading *r, struct tokens t)
{
    struct operand out = {.kind = OPERAND_OTHER, .column = NULL};
    bool minus = at_is(t, 0, "-");
    size_t at = minus || at_is(t, 0, "+") ? 1 : 0;
    if (t.count != at + 1 || (at == 1 && t.list[1].kind != TOKEN_NUMBER))
        return out;
    if (t.list[at].kind != TOKEN_NUMBER && t.list[at].kind != TOKEN_STRING)
        return out;
    str text = schema__token_value(r->arena, &t.list[at]);
    if (minus)
        text = arena_printf(r->arena, "-%.*s", STR_ARG(text));
    if (decimal_canon(r->arena, text, 0, -1, &out.number))
        out.kind = OPERAND_NUMBER;
    return out;
}

static struct operand operand_read(const struct reading *r, struct tokens t)
{
    struct operand out = {.kind = OPERAND_OTHER, .column = NULL};
    if (t.count == 1)
        out.column = column_of(r, &t.list[0]);
    if (t.count == 4 && length_word(&t.list[0]) && at_is(t, 1, "(") && at_is(t, 3, ")"))
        out.column = column_of(r, &t.list[2]);
    if (!out.column)
        return number_read(r, t);
    if (r->only && r->only != out.column)
        return (struct operand){.kind = OPERAND_OTHER};
    out.kind = t.count == 1 ? OPERAND_COLUMN : OPERAND_LENGTH;
    return out;
}

/* ---- bounds ---- */

static bool bounded(const struct column *c)
{
    return c->type >= TYPE_INT2 && c->type <= TYPE_NUMERIC;
}

static void min_set(struct column *c, str number, bool open)
{
    int way = c->has_min ? decimal_cmp(number, c->min) : 1;
    if (way > 0 || (way == 0 && open)) {
        c->has_min = true;
        c->min = number;
        c->min_open = open;
    }
}

static void max_set(struct column *c, str number, bool open)
{
    int way = c->has_max ? decimal_cmp(number, c->max) : -1;
    if (way < 0 || (way == 0 && open)) {
        c->has_max = true;
        c->max = number;
        c->max_open = open;
    }
}

/* Lengths are counted, so an open bound is the closed one beside it. */
static void length_set(struct column *c, str number, bool lower, bool open)
{
    int64_t n;
    if ((c->type != TYPE_TEXT && c->type != TYPE_BYTES) || !str_to_i64(number, &n))
        return;
    n += open ? (lower ? 1 : -1) : 0;
    if (n < 0 || n > INT32_MAX)
        return;
    if (lower && n > c->min_length)
        c->min_length = (int)n;
    if (!lower && (c->max_length < 0 || n < c->max_length))
        c->max_length = (int)n;
}

static void bound_set(const struct operand *what, str number, bool lower, bool open)
{
    if (what->kind == OPERAND_LENGTH)
        length_set(what->column, number, lower, open);
    else if (bounded(what->column) && lower)
        min_set(what->column, number, open);
    else if (bounded(what->column))
        max_set(what->column, number, open);
}

static bool about_column(const struct operand *o)
{
    return o->kind == OPERAND_COLUMN || o->kind == OPERAND_LENGTH;
}

/* ---- terms ---- */

/* a < b, with the column on either side. */
static void comparison_read(const struct reading *r, struct tokens t, size_t at)
{
    static const struct {
        const char *op;
        bool lower, upper, open;
    } ops[] = {
        {">=", true, false, false}, {">", true, false, true}, {"<=", false, true, false},
        {"<", false, true, true},   {"=", true, true, false}, {"==", true, true, false},
    };
    struct operand left = operand_read(r, part(t, 0, at));
    struct operand right = operand_read(r, part(t, at + 1, t.count));
    bool turned = left.kind == OPERAND_NUMBER;
    const struct operand *what = turned ? &right : &left, *number = turned ? &left : &right;
    if (!about_column(what) || number->kind != OPERAND_NUMBER)
        return;
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        if (!at_is(t, at, ops[i].op))
            continue;
        if (turned ? ops[i].upper : ops[i].lower)
            bound_set(what, number->number, true, ops[i].open);
        if (turned ? ops[i].lower : ops[i].upper)
            bound_set(what, number->number, false, ops[i].open);
    }
}

/* x BETWEEN 1 AND 5, and nothing more: `x BETWEEN 1 AND 5 = 0` is another matter. */
static void between_read(const struct reading *r, struct tokens t, size_t at)
{
    size_t middle = at + 1;
    while (middle < t.count && !at_is(t, middle, "AND"))
        middle++;
    if (middle >= t.count)
        return;
    struct operand what = operand_read(r, part(t, 0, at));
    struct operand low = operand_read(r, part(t, at + 1, middle));
    struct operand high = operand_read(r, part(t, middle + 1, t.count));
    if (!about_column(&what) || low.kind != OPERAND_NUMBER || high.kind != OPERAND_NUMBER)
        return;
    bound_set(&what, low.number, true, false);
    bound_set(&what, high.number, false, false);
}

/* Where 'A' equals 'a' the list says less than the labels would. */
static bool takes_labels(const struct reading *r, const struct column *c)
{
    str collation = r->work->collations[c->index];
    bool exact = !collation.len || str_eqi(collation, LIT("BINARY"));
    return (c->type == TYPE_TEXT || c->type == TYPE_ENUM) && exact && !c->label_count;
}

/* x IN ('a', 'b'). */
static void in_read(const struct reading *r, struct tokens t, size_t at)
{
    struct operand what = operand_read(r, part(t, 0, at));
    size_t from = at + 2, count = (t.count - from) / 2;
    if (what.kind != OPERAND_COLUMN || !at_is(t, at + 1, "(") || !at_is(t, t.count - 1, ")") ||
        !takes_labels(r, what.column) || count * 2 != t.count - from)
        return;
    str *labels = ARENA_ARRAY(r->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        const struct schema__token *label = &t.list[from + i * 2];
        bool parted = i + 1 == count || schema__token_is(label + 1, ",");
        if (label->kind != TOKEN_STRING || !parted)
            return;
        labels[i] = schema__token_value(r->arena, label);
    }
    what.column->labels = labels;
    what.column->label_count = count;
}

static void term_read(const struct reading *r, struct tokens t)
{
    for (size_t i = 1; i < t.count; i++) {
        if (at_is(t, i, "BETWEEN")) {
            between_read(r, t, i);
            return;
        }
        if (at_is(t, i, "IN") && i + 2 < t.count) {
            in_read(r, t, i);
            return;
        }
        if (t.list[i].kind == TOKEN_OP && strchr("<>=", t.list[i].text.ptr[0])) {
            comparison_read(r, t, i);
            return;
        }
    }
}

/* ---- AND, OR and parentheses ---- */

/* How the depth changes at a token; CASE has its END. */
static int step(const struct schema__token *t)
{
    if (schema__token_is(t, "(") || schema__token_is(t, "CASE"))
        return 1;
    return schema__token_is(t, ")") || schema__token_is(t, "END") ? -1 : 0;
}

/* Position of the next word AND or OR outside of parentheses, or the end. The AND of a BETWEEN is
 * none. */
static size_t word_find(struct tokens t, size_t from, const char *word)
{
    int depth = 0;
    bool between = false;
    for (size_t i = from; i < t.count; i++) {
        depth += step(&t.list[i]);
        if (depth != 0)
            continue;
        if (between && at_is(t, i, "AND")) {
            between = false;
            continue;
        }
        between |= at_is(t, i, "BETWEEN");
        if (at_is(t, i, word))
            return i;
    }
    return t.count;
}

static struct tokens unwrapped(struct tokens t)
{
    while (t.count >= 2 && at_is(t, 0, "(")) {
        int depth = 0;
        size_t i = 0;
        do {
            depth += step(&t.list[i++]);
        } while (i < t.count && depth > 0);
        if (i != t.count || depth != 0)
            break;
        t = part(t, 1, t.count - 1);
    }
    return t;
}

static void expression_read(struct reading r, struct tokens t);

/* `c IS NULL OR ...`: a null passes every CHECK anyhow, so the rest is as if it stood alone. */
static void or_read(struct reading r, struct tokens t, size_t at)
{
    struct tokens first = unwrapped(part(t, 0, at)), rest = part(t, at + 1, t.count);
    if (first.count != 3 || !at_is(first, 1, "IS") || !at_is(first, 2, "NULL"))
        return;
    struct column *c = column_of(&r, &first.list[0]);
    if (!c || (r.only && r.only != c))
        return;
    r.only = c;
    expression_read(r, rest);
}

static void expression_read(struct reading r, struct tokens t)
{
    t = unwrapped(t);
    if (++r.depth > DEPTH_MOST || !t.count)
        return;
    size_t at = word_find(t, 0, "OR");
    if (at < t.count) {
        or_read(r, t, at);
        return;
    }
    at = word_find(t, 0, "AND");
    if (at == t.count) {
        term_read(&r, t);
        return;
    }
    for (size_t from = 0; from <= t.count; from = at + 1) {
        at = word_find(t, from, "AND");
        expression_read(r, part(t, from, at));
    }
}

/* ---- the check ---- */

static struct tokens cut_all(struct arena *a, str text)
{
    size_t count = 0;
    for (str rest = text; schema__token_next(&rest).kind != TOKEN_END;)
        count++;
    struct schema__token *list = ARENA_ARRAY(a, struct schema__token, count);
    for (size_t i = 0; i < count; i++)
        list[i] = schema__token_next(&text);
    return (struct tokens){list, count};
}

static void columns_find(const struct reading *r, struct tokens t, struct check *out)
{
    struct key found = schema__key_new(r->arena, r->work->table->column_count);
    found.count = 0;
    for (size_t i = 0; i < t.count; i++) {
        const struct column *c = column_of(r, &t.list[i]);
        if (c && !at_is(t, i + 1, "(") && !at_is(t, i + 1, ".") && !schema__key_has(&found, c))
            found.columns[found.count++] = c;
    }
    out->columns = found.columns;
    out->count = found.count;
}

void schema__check_read(struct arena *a, const struct schema__work *w,
                        const struct schema__clause *clause, struct check *out)
{
    struct reading r = {.arena = a, .work = w};
    struct tokens t = cut_all(a, clause->text);
    out->name = arena_str(a, clause->name);
    out->expression = arena_str(a, clause->text);
    columns_find(&r, t, out);
    expression_read(r, t);
}

void schema__checks(struct schema__build *b, struct schema__work *w)
{
    struct schema__clause *list;
    size_t count = schema__clauses(b->arena, w->sql, &list), checks = 0;
    for (size_t i = 0; i < count; i++)
        checks += list[i].kind == CLAUSE_CHECK;
    struct check *out = ARENA_ARRAY(b->arena, struct check, checks);
    for (size_t i = 0; i < count; i++) {
        if (list[i].kind == CLAUSE_CHECK)
            schema__check_read(b->arena, w, &list[i], &out[w->table->check_count++]);
    }
    w->table->checks = out;
}
