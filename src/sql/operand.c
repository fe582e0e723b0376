/* operand.c -- the right side of a test: `gte.18`, `not.in.(a,"b,c")`, `is.null`.
 * A value is read against its column (column_take), but not against the column's CHECKs and
 * lengths: to ask for a price below 1.999 is no error, it only finds what it finds.
 * SPDX: Apache-2.0 */
#include "sql/query_priv.h"

static const struct {
    const char *name;
    enum op op;
} operators[] = {
    {"eq", OP_EQ},
    {"neq", OP_NEQ},
    {"gt", OP_GT},
    {"gte", OP_GTE},
    {"lt", OP_LT},
    {"lte", OP_LTE},
    {"like", OP_LIKE},
    {"ilike", OP_ILIKE},
    {"in", OP_IN},
    {"is", OP_IS},
    {"isdistinct", OP_ISDISTINCT},
    {"match", OP_MATCH},
    {"fts", OP_FTS},
    {"cs", OP_CS},
    {"cd", OP_CD},
};

static bool find_operator(str word, enum op *out)
{
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        if (str_is(word, operators[i].name)) {
            *out = operators[i].op;
            return true;
        }
    }
    return false;
}

static const char *operator_name(enum op op)
{
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        if (operators[i].op == op)
            return operators[i].name;
    }
    return "?";
}

/* The word before the next dot; empty when there is no dot. */
static str word_at(const struct scan *s)
{
    str rest = scan_rest(s);
    size_t dot = str_find(rest, '.');
    return str_upto(rest, dot == STR_NONE ? 0 : dot);
}

bool query__at_operator(const struct scan *s)
{
    struct scan at = *s;
    enum op op;
    if (str_is(word_at(&at), "not"))
        at.at += 4;
    return find_operator(word_at(&at), &op);
}

int query__quoted(struct query *q, struct scan *s, str *out)
{
    char *text = arena_new(q->arena, s->text.len - s->at + 1);
    size_t len = 0;
    for (s->at++; !scan_end(s); s->at++) {
        char c = scan_peek(s);
        if (c == '"') {
            s->at++;
            *out = (str){text, len};
            return 0;
        }
        if (c == '\\' && s->at + 1 < s->text.len)
            c = s->text.ptr[++s->at];
        text[len++] = c;
    }
    return query__bad(q, "bad_filter", "'%s': a double quote is not closed",
                      query__show(q, s->text));
}

/* ---- values ---- */

static int bad_value(struct query *q, str raw, const char *why)
{
    return query__bad(q, "bad_value", "'%s': %s", query__show(q, raw), why);
}

/* The column without what only a stored value must obey. */
static struct column lenient(const struct column *c)
{
    struct column copy = *c;
    copy.has_min = copy.has_max = false;
    copy.min_length = copy.max_length = -1;
    copy.length = copy.precision = 0;
    copy.scale = -1;
    if (c->type != TYPE_ENUM)
        copy.label_count = 0;
    return copy;
}

/* What cs and cd compare with: JSON as it is written, a bare word as a string. */
static int contained_operand(struct query *q, str raw, bool quoted, struct value *out)
{
    struct err wrong = {0};
    struct value json = value_text(raw);
    char first = raw.len ? raw.ptr[0] : 'x';
    bool nested = !quoted && (first == '{' || first == '[');
    int code = quoted ? 0 : json_parse(q->arena, raw, &json_limits_default, &json, &wrong);
    if (code < 0 && nested)
        return bad_value(q, raw, arena_printf(q->arena, "no JSON: %s", wrong.text).ptr);
    if (code < 0)
        json = value_text(raw);
    size_t room = raw.len * 6 + 16;
    struct buf b = {.ptr = arena_new(q->arena, room), .cap = room, .limit = room};
    json_value(&b, &json);
    *out = value_text(buf_view(&b));
    return 0;
}

static void json_operand(struct query *q, str raw, bool quoted, struct value *out)
{
    struct err ignored = {0};
    struct json_limits flat = {.depth = 1, .nodes = 1};
    *out = value_text(raw);
    if (quoted || json_parse(q->arena, raw, &flat, out, &ignored) < 0 || out->kind == V_ARRAY ||
        out->kind == V_OBJECT)
        *out = value_text(raw);
}

/* One value of the test, as the column stores it. */
static int operand(struct query *q, const struct place *p, enum op op, str raw, bool quoted,
                   struct value *out)
{
    if (!str_utf8(raw) || str_find(raw, '\0') != STR_NONE)
        return bad_value(q, raw, "the text must be UTF-8 without NUL");
    *out = value_text(raw);
    if (op == OP_CS || op == OP_CD)
        return contained_operand(q, raw, quoted, out);
    if (p->path_count && !p->path_text)
        json_operand(q, raw, quoted, out);
    if (p->path_count || (op >= OP_MATCH) || op == OP_LIKE || op == OP_ILIKE)
        return 0;
    struct value in = value_text(raw);
    struct value_fault fault = {0};
    struct column free = lenient(p->column);
    if (column_take(&free, q->arena, &in, true, out, &fault))
        return 0;
    return query__bad(q, "bad_value", "'%s' for '%s': %s", query__show(q, raw),
                      query__show(q, p->column->name), query__show(q, fault.message));
}

/* Reads a value up to one of `stops` (empty: to the end); quoted or bare. */
static int raw_value(struct query *q, struct scan *s, const char *stops, str *out, bool *quoted)
{
    *quoted = scan_peek(s) == '"';
    if (*quoted) {
        TRY(query__quoted(q, s, out));
        if (!scan_end(s) && !strchr(stops, scan_peek(s)))
            return query__bad(q, "bad_filter", "'%s': nothing may follow a closing quote",
                              query__show(q, s->text));
        return 0;
    }
    size_t from = s->at;
    while (!scan_end(s) && (!scan_peek(s) || !strchr(stops, scan_peek(s))))
        s->at++;
    *out = (str){s->text.ptr + from, s->at - from};
    return 0;
}

/* A number, true or false asked of a document may stand there as text as well: a URL does not tell
 * 5 from "5". */
static bool twofold(const struct place *p, const struct value *v)
{
    return p->loose && !p->path_text && v->kind != V_TEXT && v->kind != V_NULL;
}

static size_t count_commas(const struct scan *s)
{
    size_t count = 1;
    for (size_t i = s->at; i < s->text.len; i++)
        count += s->text.ptr[i] == ',';
    return count;
}

static int list_operand(struct query *q, const struct place *p, struct scan *s, struct cond *c)
{
    if (!scan_take(s, '('))
        return query__bad(q, "bad_filter", "'in' needs a list in parentheses: in.(1,2,3)");
    size_t room = count_commas(s), most = q->limits->in_values, count = 0;
    c->values = arena_new(q->arena, 2 * (room < most ? room : most) * sizeof *c->values + 1);
    if (scan_take(s, ')'))
        return 0;
    do {
        str raw;
        bool quoted;
        TRY(raw_value(q, s, ",)", &raw, &quoted));
        if (count++ == most)
            return query__bad(q, "bad_filter", "'in' takes %zu values at most", most);
        TRY(operand(q, p, OP_IN, raw, quoted, &c->values[c->value_count]));
        if (twofold(p, &c->values[c->value_count++]))
            c->values[c->value_count++] = value_text(raw);
    } while (scan_take(s, ','));
    if (!scan_take(s, ')'))
        return query__bad(q, "bad_filter", "the list of 'in' is not closed");
    return 0;
}

/* is.null, is.not_null, is.true, is.false; *negated turns for not_null. */
static int is_operand(struct query *q, const struct place *p, str raw, struct value *out,
                      bool *negated)
{
    bool truth = str_is(raw, "true");
    if (str_is(raw, "null") || str_is(raw, "not_null")) {
        *out = value_null();
        *negated ^= raw.len == 8;
        return 0;
    }
    if (!truth && !str_is(raw, "false"))
        return bad_value(q, raw, "'is' takes null, not_null, true or false");
    if (p->kind == PLACE_ROW || p->path_count || p->column->type != TYPE_BOOL)
        return bad_value(q, raw, "is.true and is.false need a boolean column");
    *out = value_bool(truth);
    return 0;
}

/* ---- which operator on which type ---- */

static const char *mismatch(const struct place *p, enum op op)
{
    enum type type = p->column->type;
    if ((op == OP_CS || op == OP_CD) && type != TYPE_JSON)
        return "needs a JSON column";
    if (op == OP_IS || op >= OP_FTS)
        return NULL;
    bool pattern = op == OP_LIKE || op == OP_ILIKE || op == OP_MATCH;
    if (p->path_count)
        return pattern && !p->path_text ? "needs text: write ->> before the last key" : NULL;
    if (type == TYPE_JSON && !p->path_count)
        return "needs a place inside the JSON value, as in meta->>color";
    if (pattern && type != TYPE_TEXT && type != TYPE_ENUM)
        return "needs a text column";
    if (type == TYPE_BOOL && op >= OP_GT && op <= OP_LTE)
        return "cannot order booleans";
    return NULL;
}

static int check_fits(struct query *q, const struct place *p, enum op op)
{
    if (p->kind == PLACE_ROW) {
        if (op == OP_IS)
            return 0;
        return query__bad(q, "bad_filter",
                          "'%s' is a relation: name one of its columns, or ask is.null",
                          query__show(q, p->relations[p->relation_count - 1]->name));
    }
    const char *why = mismatch(p, op);
    if (!why)
        return 0;
    return query__bad(q, "bad_filter", "'%s' on '%s' %s", operator_name(op),
                      query__show(q, p->column->name), why);
}

/* ---- the whole right side ---- */

static size_t item_end(str s)
{
    size_t at = 0;
    while (at < s.len && s.ptr[at] != ',' && s.ptr[at] != ')')
        at++;
    return at;
}

/* What stands before the dot at s: the left side of an item of a group. */
static str item_left(const struct scan *s)
{
    size_t end = s->at ? s->at - 1 : 0, from = end;
    while (from > 0 && s->text.ptr[from - 1] != '(' && s->text.ptr[from - 1] != ',')
        from--;
    return (str){s->text.ptr + from, end - from};
}

static int no_operator(struct query *q, const struct scan *s, bool item)
{
    str word = word_at(s);
    const char *names[COUNT_OF(operators)];
    for (size_t i = 0; i < COUNT_OF(operators); i++)
        names[i] = operators[i].name;
    const char *near = word.len ? str_nearest(word, names, COUNT_OF(names)) : NULL;
    str rest = scan_rest(s);
    const char *left = query__show(q, item ? item_left(s) : q->field);
    const char *right = query__show(q, item ? str_upto(rest, item_end(rest)) : rest);
    if (near)
        return query__bad(q, "bad_filter",
                          "unknown operator '%s'; did you mean '%s', or %s%seq.%s?",
                          query__show(q, word), near, left, item ? "." : "=", right);
    return query__bad(q, "bad_filter", "an operator is missing: write %s%seq.%s", left,
                      item ? "." : "=", right);
}

static int read_operator(struct query *q, struct scan *s, bool item, enum op *op, bool *negated)
{
    struct scan start = *s;
    *negated = str_is(word_at(s), "not");
    if (*negated)
        s->at += 4;
    str word = word_at(s);
    if (!find_operator(word, op))
        return no_operator(q, &start, item);
    s->at += word.len + 1;
    return 0;
}

/* An object or array up to its end, whatever commas and parentheses it holds. */
static bool nested_value(struct scan *s, str *out)
{
    size_t depth = 0;
    bool quoted = false;
    if (scan_peek(s) != '{' && scan_peek(s) != '[')
        return false;
    for (size_t i = s->at; i < s->text.len; i++) {
        char c = s->text.ptr[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0) {
            *out = (str){s->text.ptr + s->at, i + 1 - s->at};
            s->at = i + 1;
            return true;
        }
    }
    return false;
}

static int read_operand(struct query *q, const struct place *p, struct scan *s, bool item,
                        struct cond *c, bool *negated)
{
    str raw;
    bool quoted;
    if (c->op == OP_IN)
        return list_operand(q, p, s, c);
    if (item && (c->op == OP_CS || c->op == OP_CD) && nested_value(s, &raw))
        quoted = false;
    else
        TRY(raw_value(q, s, item ? ",)" : "", &raw, &quoted));
    c->values = arena_new(q->arena, 2 * sizeof *c->values);
    c->value_count = 1;
    if (c->op == OP_IS)
        return is_operand(q, p, raw, &c->values[0], negated);
    TRY(operand(q, p, c->op, raw, quoted, &c->values[0]));
    if ((c->op == OP_EQ || c->op == OP_NEQ) && twofold(p, &c->values[0])) {
        c->values[c->value_count++] = value_text(raw);
        *negated ^= c->op == OP_NEQ;
        c->op = OP_IN;
    }
    return 0;
}

static struct cond *wrap(struct query *q, enum cond_kind kind, struct cond *part)
{
    struct cond *c = ARENA_NEW(q->arena, struct cond);
    c->kind = kind;
    c->parts = arena_new(q->arena, sizeof(struct cond *));
    c->parts[0] = part;
    c->part_count = part ? 1 : 0;
    return c;
}

int query__test(struct query *q, const struct place *p, struct scan *s, bool item,
                struct cond **out)
{
    struct cond *c = ARENA_NEW(q->arena, struct cond);
    struct place as_text = *p;
    bool negated;
    c->kind = COND_TEST;
    c->column = p->column;
    TRY(read_operator(q, s, item, &c->op, &negated));
    as_text.path_text = true; /* a pattern, and also a JSON null is null */
    if (p->loose && (c->op == OP_LIKE || c->op == OP_ILIKE || c->op == OP_MATCH || c->op == OP_IS))
        p = &as_text;
    TRY(check_fits(q, p, c->op));
    c->path = arena_new(q->arena, sizeof p->path[0] * p->path_count + 1);
    memcpy((void *)c->path, p->path, sizeof p->path[0] * p->path_count);
    c->path_count = p->path_count;
    c->path_text = p->path_text;
    TRY(read_operand(q, p, s, item, c, &negated));
    if (p->kind == PLACE_ROW) { /* is.null: there is none; the caller wraps the rest in EXISTS */
        *c = (struct cond){.kind = COND_EXISTS, .relation = p->relations[p->relation_count - 1]};
        negated = !negated;
    }
    *out = negated ? wrap(q, COND_NOT, c) : c;
    return 0;
}
