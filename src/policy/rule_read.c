/* rule_read.c -- the text of a rule to its tree, by recursive descent.
 *     rule    = all *("or" all)        all = one *("and" one)
 *     one     = "not" one / "(" rule ")" / "some" "(" relation *("." relation) ["," rule] ")" /
 * test test    = term [op term / ["not"] "in" list / "is" ["not"] "null" / "like" text] term    =
 * text / number / "true" / "false" / "null" / "now()" / "me" "." name / place A constant is read
 * against its column here, once, so that a wrong one stops the start. SPDX: Apache-2.0 */
#include "policy/policy_priv.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    size_t at;
    str text; /* without quotes and escapes */
};

struct reader {
    struct arena *arena;
    str text;
    size_t at;
    struct token next;
    unsigned nodes, depth;
    struct err *err;
};

#define bad(r, where, ...) ((r)->at = (where), fail((r)->err, E_CONFIG, __VA_ARGS__))

/* ---- tokens ---- */

static bool word_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_';
}

static int read_text(struct reader *r, size_t at)
{
    char quote = r->text.ptr[at], *out = arena_new(r->arena, r->text.len - at);
    size_t len = 0;
    for (size_t i = at + 1; i < r->text.len; i++) {
        char c = r->text.ptr[i];
        if (c == quote) {
            r->next = (struct token){TOKEN_TEXT, at, {out, len}};
            r->at = i + 1;
            return 0;
        }
        if (c == '\\' && i + 1 < r->text.len)
            c = r->text.ptr[++i];
        out[len++] = c;
    }
    return bad(r, at, "a quote is not closed");
}

static size_t sign_length(str s)
{
    static const char *const two[] = {"==", "!=", "<>", "<=", ">=", "&&", "||"};
    for (size_t i = 0; i < COUNT_OF(two); i++) {
        if (str_starts(s, str_of(two[i])))
            return 2;
    }
    return strchr("=<>!(),.", s.ptr[0]) ? 1 : 0;
}

static void take(struct reader *r, enum token_kind kind, size_t from, size_t to)
{
    r->next = (struct token){kind, from, {r->text.ptr + from, to - from}};
    r->at = to;
}

static int advance(struct reader *r)
{
    size_t at = r->at;
    while (at < r->text.len && strchr(" \t\r\n", r->text.ptr[at]) && r->text.ptr[at])
        at++;
    size_t end = at;
    char c = at < r->text.len ? r->text.ptr[at] : '\0';
    if (at == r->text.len) {
        take(r, TOKEN_END, at, at);
    } else if (c == '"' || c == '\'') {
        return read_text(r, at);
    } else if (ascii_digit(c) || (c == '-' && end + 1 < r->text.len)) {
        for (end++;
             end < r->text.len && (ascii_digit(r->text.ptr[end]) || r->text.ptr[end] == '.');)
            end++;
        take(r, TOKEN_NUMBER, at, end);
    } else if (word_char(c)) {
        while (end < r->text.len && word_char(r->text.ptr[end]))
            end++;
        take(r, TOKEN_WORD, at, end);
    } else if (c && sign_length(str_from(r->text, at))) {
        take(r, TOKEN_SIGN, at, at + sign_length(str_from(r->text, at)));
    } else {
        return bad(r, at, "nothing in a rule begins like this");
    }
    return 0;
}

static bool sees(const struct reader *r, enum token_kind kind, const char *text)
{
    return r->next.kind == kind && str_is(r->next.text, text);
}

static bool sees_either(const struct reader *r, const char *word, const char *sign)
{
    return sees(r, TOKEN_WORD, word) || sees(r, TOKEN_SIGN, sign);
}

static int expect(struct reader *r, const char *sign)
{
    if (!sees(r, TOKEN_SIGN, sign))
        return bad(r, r->next.at, "'%s' expected", sign);
    return advance(r);
}

/* ---- terms ---- */

/* Columns and relations of t, for a suggestion. */
static const char *nearest(struct reader *r, const struct table *t, str name)
{
    size_t count = t->column_count + t->relation_count;
    const char **names = arena_new(r->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < t->column_count; i++)
        names[i] = arena_str(r->arena, t->columns[i].name).ptr;
    for (size_t i = 0; i < t->relation_count; i++)
        names[t->column_count + i] = arena_str(r->arena, t->relations[i].name).ptr;
    return str_nearest(name, names, count);
}

static int unknown(struct reader *r, const struct table *t, str name, size_t at)
{
    const char *near = nearest(r, t, name);
    return bad(r, at, "'%.*s' has no column or relation '%.*s'%s%s%s; texts stand in quotes",
               STR_ARG(t->name), STR_ARG(name), near ? "; did you mean '" : "", near ? near : "",
               near ? "'" : "");
}

/* The words behind a JSON column. */
static int read_path(struct reader *r, struct term *out)
{
    while (sees(r, TOKEN_SIGN, ".")) {
        TRY(advance(r));
        if (r->next.kind != TOKEN_WORD && r->next.kind != TOKEN_TEXT)
            return bad(r, r->next.at, "a key inside '%.*s' expected", STR_ARG(out->column->name));
        if (memchr(r->next.text.ptr, '"', r->next.text.len))
            return bad(r, r->next.at, "a key in a rule may not hold a double quote");
        if (out->path_count == RULE_PATH)
            return bad(r, r->next.at, "a path has %d steps at most", RULE_PATH);
        out->path[out->path_count++] = r->next.text;
        TRY(advance(r));
    }
    return 0;
}

static int read_place(struct reader *r, const struct table *t, struct term *out)
{
    out->kind = TERM_COLUMN;
    for (;;) {
        if (r->next.kind != TOKEN_WORD)
            return bad(r, r->next.at, "a column of '%.*s' expected", STR_ARG(t->name));
        str name = r->next.text;
        size_t at = r->next.at;
        const struct relation *rel = table_relation(t, name);
        out->column = table_column(t, name);
        if (!out->column && !rel)
            return unknown(r, t, name, at);
        TRY(advance(r));
        if (out->column)
            return out->column->type == TYPE_JSON ? read_path(r, out) : 0;
        if (rel->kind != REL_ONE)
            return bad(r, at, "'%.*s' holds many rows: write some(%.*s, ...)", STR_ARG(name),
                       STR_ARG(name));
        if (out->relation_count == RULE_PATH)
            return bad(r, at, "a place crosses %d relations at most", RULE_PATH);
        out->relations[out->relation_count++] = rel;
        t = rel->target;
        TRY(expect(r, "."));
    }
}

static int read_me(struct reader *r, struct term *out)
{
    TRY(advance(r));
    TRY(expect(r, "."));
    if (r->next.kind != TOKEN_WORD)
        return bad(r, r->next.at, "a name behind 'me.' expected, as in me.id");
    out->kind = TERM_ME;
    out->name = arena_str(r->arena, r->next.text);
    return advance(r);
}

static int read_number(struct reader *r, struct term *out)
{
    int64_t whole;
    str canonical;
    if (str_to_i64(r->next.text, &whole))
        out->value = value_int(whole);
    else if (decimal_canon(r->arena, r->next.text, 0, -1, &canonical))
        out->value = value_num(canonical);
    else
        return bad(r, r->next.at, "this is no number");
    return advance(r);
}

static int read_now(struct reader *r, struct term *out)
{
    out->kind = TERM_NOW;
    TRY(advance(r));
    TRY(expect(r, "("));
    return expect(r, ")");
}

static int read_term(struct reader *r, const struct table *t, struct term *out)
{
    *out = (struct term){.kind = TERM_VALUE, .at = r->next.at};
    if (r->next.kind == TOKEN_NUMBER)
        return read_number(r, out);
    if (r->next.kind == TOKEN_TEXT)
        out->value = value_text(r->next.text);
    else if (sees(r, TOKEN_WORD, "true") || sees(r, TOKEN_WORD, "false"))
        out->value = value_bool(r->next.text.len == 4);
    else if (sees(r, TOKEN_WORD, "me"))
        return read_me(r, out);
    else if (sees(r, TOKEN_WORD, "now"))
        return read_now(r, out);
    else if (!sees(r, TOKEN_WORD, "null"))
        return read_place(r, t, out);
    return advance(r);
}

/* ---- tests ---- */

/* The column's type alone: what a stored value must obey says nothing about one to compare with. */
static bool fits(struct reader *r, const struct column *c, struct value *v,
                 struct value_fault *fault)
{
    struct column bare = {.name = c->name,
                          .type = c->type,
                          .scale = -1,
                          .min_length = -1,
                          .max_length = -1,
                          .nullable = true};
    if (c->type == TYPE_ENUM) {
        bare.labels = c->labels;
        bare.label_count = c->label_count;
    }
    struct value in = *v;
    return column_take(&bare, r->arena, &in, in.kind == V_TEXT, v, fault);
}

static int check_right(struct reader *r, const struct term *left, struct term *right)
{
    struct value_fault fault = {0};
    if (right->kind == TERM_COLUMN)
        return bad(r, right->at,
                   "one side of a comparison is a column, the other a value, me.NAME or now()");
    if (right->kind != TERM_VALUE || left->kind != TERM_COLUMN || left->path_count)
        return 0;
    if (left->column->type == TYPE_JSON)
        return bad(r, left->at, "'%.*s' is JSON: name a place inside it",
                   STR_ARG(left->column->name));
    if (right->value.kind == V_NULL || fits(r, left->column, &right->value, &fault))
        return 0;
    return bad(r, right->at, "'%.*s' %.*s", STR_ARG(left->column->name), STR_ARG(fault.message));
}

/* A column stands on the left: the test is turned when it stands on the right. */
static void turn(struct rule *x)
{
    static const enum op turned[] = {[OP_EQ] = OP_EQ,   [OP_NEQ] = OP_NEQ, [OP_GT] = OP_LT,
                                     [OP_GTE] = OP_LTE, [OP_LT] = OP_GT,   [OP_LTE] = OP_GTE};
    if (x->left.kind == TERM_COLUMN || x->right_count != 1 || x->right[0].kind != TERM_COLUMN ||
        x->op > OP_LTE)
        return;
    struct term left = x->left;
    x->left = x->right[0];
    x->right[0] = left;
    x->op = turned[x->op];
}

static void only_part(struct reader *r, struct rule *x, struct rule *part)
{
    x->parts = arena_new(r->arena, sizeof *x->parts);
    x->parts[0] = part;
    x->part_count = 1;
}

static struct rule *node(struct reader *r, enum rule_kind kind, struct rule *part)
{
    struct rule *x = ARENA_NEW(r->arena, struct rule);
    x->kind = kind;
    if (part)
        only_part(r, x, part);
    return x;
}

/* "in" ( list ) or "in" me.roles; a column in the list's place: "x" in me.roles. */
static int read_in(struct reader *r, const struct table *t, struct rule *x)
{
    x->op = OP_IN;
    TRY(advance(r));
    x->right = ARENA_ARRAY(r->arena, struct term, 1);
    if (!sees(r, TOKEN_SIGN, "(")) {
        x->right_count = 1;
        return read_term(r, t, &x->right[0]);
    }
    x->right = ARENA_ARRAY(r->arena, struct term, RULE_LIST);
    do {
        TRY(advance(r));
        if (x->right_count == RULE_LIST)
            return bad(r, r->next.at, "a list has %d values at most", RULE_LIST);
        TRY(read_term(r, t, &x->right[x->right_count]));
        x->right_count++;
    } while (sees(r, TOKEN_SIGN, ","));
    return expect(r, ")");
}

static bool find_sign(const struct reader *r, enum op *out)
{
    static const struct {
        const char *sign;
        enum op op;
    } signs[] = {{"==", OP_EQ}, {"=", OP_EQ},   {"!=", OP_NEQ}, {"<>", OP_NEQ},
                 {"<", OP_LT},  {"<=", OP_LTE}, {">", OP_GT},   {">=", OP_GTE}};
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        if (sees(r, TOKEN_SIGN, signs[i].sign)) {
            *out = signs[i].op;
            return true;
        }
    }
    return false;
}

static int read_is(struct reader *r, struct rule *x, bool *negated)
{
    x->op = OP_IS;
    TRY(advance(r));
    if (sees(r, TOKEN_WORD, "not")) {
        *negated = true;
        TRY(advance(r));
    }
    if (!sees(r, TOKEN_WORD, "null"))
        return bad(r, r->next.at, "'null' expected behind 'is'");
    return advance(r);
}

/* x == null means x is null, for a column as for the caller. */
static void null_test(struct rule *x, bool *negated)
{
    if (x->right_count != 1 || x->right[0].kind != TERM_VALUE || x->right[0].value.kind != V_NULL ||
        x->op > OP_NEQ)
        return;
    *negated ^= x->op == OP_NEQ;
    x->op = OP_IS;
    x->right_count = 0;
}

static int read_like(struct reader *r, struct rule *x)
{
    x->op = OP_LIKE;
    TRY(advance(r));
    x->right = ARENA_ARRAY(r->arena, struct term, 1);
    x->right_count = 1;
    if (r->next.kind != TOKEN_TEXT)
        return bad(r, r->next.at, "'like' takes a text, as in \"*@example.com\"");
    if (!sql_pattern_fits(r->next.text))
        return bad(r, r->next.at, "a pattern has %d wildcards at most", SQL_WILDCARDS_MOST);
    x->right[0] =
        (struct term){.kind = TERM_VALUE, .at = r->next.at, .value = value_text(r->next.text)};
    bool text =
        x->left.kind == TERM_COLUMN && (x->left.path_count || x->left.column->type == TYPE_TEXT);
    if (!text)
        return bad(r, x->left.at, "'like' needs a text column");
    return advance(r);
}

/* A column or claim alone is true or false. */
static int bare_test(struct reader *r, struct rule *x)
{
    if (x->left.kind == TERM_COLUMN && !x->left.path_count && x->left.column->type != TYPE_BOOL)
        return bad(r, x->left.at, "'%.*s' is no boolean: compare it",
                   STR_ARG(x->left.column->name));
    if (x->left.kind == TERM_NOW || (x->left.kind == TERM_VALUE && x->left.value.kind != V_BOOL))
        return bad(r, x->left.at, "a comparison expected");
    x->op = OP_EQ;
    x->right = ARENA_ARRAY(r->arena, struct term, 1);
    x->right[0] = (struct term){.kind = TERM_VALUE, .at = x->left.at, .value = value_bool(true)};
    x->right_count = 1;
    return 0;
}

static int check_test(struct reader *r, struct rule *x)
{
    turn(x);
    if (x->op == OP_LIKE)
        return 0;
    for (size_t i = 0; i < x->right_count; i++)
        TRY(check_right(r, &x->left, &x->right[i]));
    return 0;
}

static int read_test(struct reader *r, const struct table *t, struct rule **out)
{
    struct rule *x = node(r, RULE_TEST, NULL);
    bool negated = false;
    TRY(read_term(r, t, &x->left));
    if (find_sign(r, &x->op)) {
        TRY(advance(r));
        x->right = ARENA_ARRAY(r->arena, struct term, 1);
        TRY(read_term(r, t, &x->right[0]));
        x->right_count = 1;
        null_test(x, &negated);
    } else if (sees(r, TOKEN_WORD, "is")) {
        TRY(read_is(r, x, &negated));
    } else if (sees(r, TOKEN_WORD, "like")) {
        TRY(read_like(r, x));
    } else if (sees(r, TOKEN_WORD, "not") || sees(r, TOKEN_WORD, "in")) {
        negated = sees(r, TOKEN_WORD, "not");
        if (negated)
            TRY(advance(r));
        if (!sees(r, TOKEN_WORD, "in"))
            return bad(r, r->next.at, "'in' expected behind 'not'");
        TRY(read_in(r, t, x));
    } else {
        TRY(bare_test(r, x));
    }
    TRY(check_test(r, x));
    *out = negated ? node(r, RULE_NOT, x) : x;
    return 0;
}

/* ---- and, or, not ---- */

static int read_any(struct reader *r, const struct table *t, struct rule **out);

/* some(members, user_id == me.id); some(org.members, rule) is some(org, some(members, rule)). */
static int read_some(struct reader *r, const struct table *t, struct rule **out)
{
    struct rule *last = NULL;
    unsigned steps = 0;
    TRY(advance(r));
    TRY(expect(r, "("));
    do {
        if (steps++)
            TRY(advance(r));
        const struct relation *rel =
            r->next.kind == TOKEN_WORD ? table_relation(t, r->next.text) : NULL;
        if (!rel)
            return bad(r, r->next.at, "a relation of '%.*s' expected", STR_ARG(t->name));
        if (steps > 1 && ++r->depth > RULE_DEPTH)
            return bad(r, r->next.at, "a rule is nested %d deep at most", RULE_DEPTH);
        struct rule *x = node(r, RULE_SOME, NULL);
        x->relation = rel;
        if (last)
            only_part(r, last, x);
        else
            *out = x;
        last = x;
        t = rel->target;
        TRY(advance(r));
    } while (sees(r, TOKEN_SIGN, "."));
    if (sees(r, TOKEN_SIGN, ",")) {
        struct rule *inner;
        TRY(advance(r));
        TRY(read_any(r, t, &inner));
        only_part(r, last, inner);
    }
    r->depth -= steps - 1;
    return expect(r, ")");
}

static int read_one(struct reader *r, const struct table *t, struct rule **out)
{
    struct rule *inner;
    if (++r->nodes > RULE_NODES)
        return bad(r, r->next.at, "a rule has %d tests at most", RULE_NODES);
    if (++r->depth > RULE_DEPTH)
        return bad(r, r->next.at, "a rule is nested %d deep at most", RULE_DEPTH);
    if (sees_either(r, "not", "!")) {
        TRY(advance(r));
        TRY(read_one(r, t, &inner));
        *out = node(r, RULE_NOT, inner);
    } else if (sees(r, TOKEN_SIGN, "(")) {
        TRY(advance(r));
        TRY(read_any(r, t, out));
        TRY(expect(r, ")"));
    } else if (sees(r, TOKEN_WORD, "some")) {
        TRY(read_some(r, t, out));
    } else {
        TRY(read_test(r, t, out));
    }
    r->depth--;
    return 0;
}

/* `one` joined by a word or sign; a single part stands for itself. */
static int read_row(struct reader *r, const struct table *t, enum rule_kind kind, struct rule **out)
{
    struct rule *all = NULL, *one;
    const char *word = kind == RULE_AND ? "and" : "or", *sign = kind == RULE_AND ? "&&" : "||";
    for (;;) {
        if (kind == RULE_OR)
            TRY(read_row(r, t, RULE_AND, &one));
        else
            TRY(read_one(r, t, &one));
        bool more = sees_either(r, word, sign);
        if (!all && !more) {
            *out = one;
            return 0;
        }
        if (!all) {
            all = node(r, kind, NULL);
            all->parts = arena_new(r->arena, RULE_NODES * sizeof *all->parts);
        }
        if (all->part_count == RULE_NODES)
            return bad(r, r->next.at, "a rule has %d tests at most", RULE_NODES);
        all->parts[all->part_count++] = one;
        if (!more)
            break;
        TRY(advance(r));
    }
    *out = all;
    return 0;
}

static int read_any(struct reader *r, const struct table *t, struct rule **out)
{
    return read_row(r, t, RULE_OR, out);
}

int rule_read(struct arena *a, const struct table *t, str text, struct rule **out, size_t *at,
              struct err *err)
{
    struct reader r = {.arena = a, .text = arena_str(a, text), .err = err};
    bool plain = str_utf8(text) && !memchr(r.text.ptr, '\0', r.text.len);
    int code = plain ? advance(&r) : bad(&r, 0, "a rule is UTF-8 text without NUL");
    if (code == 0)
        code = read_any(&r, t, out);
    if (code == 0 && r.next.kind != TOKEN_END)
        code = bad(&r, r.next.at, "'and', 'or' or the end of the rule expected");
    if (at)
        *at = r.at;
    return code;
}
