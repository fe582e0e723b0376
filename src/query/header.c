/* header.c -- what a line of a query's header says. SPDX: Apache-2.0 */
#include "query/query_priv.h"

enum { NAME_MOST = 100, CACHE_MOST_S = 366 * 86400, WORD_MOST = 40 };

const char *const query__keys[KEY__COUNT] = {
    [KEY_NAME] = "name",     [KEY_DESCRIPTION] = "description", [KEY_PARAM] = "param",
    [KEY_ROLES] = "roles",   [KEY_METHOD] = "method",           [KEY_CACHE] = "cache",
    [KEY_RESULT] = "result", [KEY_LANGUAGES] = "languages",     [KEY_RULES] = "rules",
};

enum query__key query__key_of(str word)
{
    enum query__key key = KEY_NAME;
    while (key < KEY__COUNT && !str_is(word, query__keys[key]))
        key++;
    return key;
}

/* A line being read: rest is what is left of it. */
struct line {
    struct query *q;
    str rest;
    struct query__at at; /* of rest */
    struct err *err;
};

#define REFUSE(l, ...) query__refuse((l)->q->file, (l)->at, (l)->err, __VA_ARGS__)

static bool name_fits(str s, bool dash)
{
    bool fits = s.len && s.len <= NAME_MOST && (ascii_alpha(s.ptr[0]) || s.ptr[0] == '_');
    for (size_t i = 0; fits && i < s.len; i++)
        fits = ascii_alpha(s.ptr[i]) || ascii_digit(s.ptr[i]) || s.ptr[i] == '_' ||
               (dash && s.ptr[i] == '-');
    return fits;
}

/* ---- the simple ones ---- */

static int take_name(struct line *l)
{
    struct query *q = l->q;
    if (!name_fits(l->rest, true))
        return REFUSE(l,
                      "the name of a query is letters, digits, _ and -, a letter first; found "
                      "'%.*s'",
                      STR_ARG(str_upto(l->rest, WORD_MOST)));
    for (size_t i = 0; i + 1 < q->set->count; i++) {
        const struct query *other = &q->set->list[i];
        if (str_eq(other->name, l->rest))
            return REFUSE(l, "there is a query '%.*s' already, at %s:%u", STR_ARG(l->rest),
                          other->file, other->at.line);
    }
    q->name = arena_str(&q->set->arena, l->rest);
    return 0;
}

static int take_roles(struct line *l)
{
    struct query *q = l->q;
    if (q->roles_told)
        return REFUSE(l, "roles stand here for the second time; write them in one line");
    q->roles_told = true;
    for (str rest = l->rest; rest.ptr;) {
        str role = str_trim(str_cut(&rest, ','));
        if (!name_fits(role, true) || q->role_count == QUERY__ROLES_MOST)
            return REFUSE(l, "roles are names, separated by commas: admin, editor; 'public' is "
                             "anybody");
        q->roles[q->role_count++] = role;
        q->open = q->open || str_is(role, "public");
    }
    return 0;
}

static int take_method(struct line *l)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    struct query *q = l->q;
    if (q->method_told)
        return REFUSE(l, "the method stands here for the second time");
    q->method_told = true;
    q->method_at = l->at;
    for (enum method m = METHOD_GET; m < METHOD_OTHER; m++)
        for (size_t i = 0; i < COUNT_OF(names); i++)
            if (str_eqi(l->rest, str_of(names[i])) && strcmp(method_name(m), names[i]) == 0) {
                q->method = m;
                return 0;
            }
    return REFUSE(l, "a method is one of GET, POST, PUT, PATCH, DELETE; found '%.*s'",
                  STR_ARG(str_upto(l->rest, WORD_MOST)));
}

static int take_result(struct line *l)
{
    static const char *const names[] = {"many", "one", "exec"};
    struct query *q = l->q;
    if (q->result_told)
        return REFUSE(l, "the result stands here for the second time");
    q->result_told = true;
    q->result_at = l->at;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_is(l->rest, names[i])) {
            q->result = (enum query__result)i;
            return 0;
        }
    return REFUSE(l,
                  "a result is many (rows), one (a row, or 404) or exec (how many rows changed); "
                  "found '%.*s'",
                  STR_ARG(str_upto(l->rest, WORD_MOST)));
}

static int take_cache(struct line *l)
{
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    struct query *q = l->q;
    size_t digits = 0;
    uint64_t n = 0;
    if (q->cache_told)
        return REFUSE(l, "the cache time stands here for the second time");
    q->cache_told = true;
    q->cache_at = l->at;
    while (digits < l->rest.len && ascii_digit(l->rest.ptr[digits]))
        digits++;
    bool fine = str_to_u64(str_upto(l->rest, digits), &n) && n <= CACHE_MOST_S;
    for (size_t i = 0; fine && i < COUNT_OF(units); i++)
        if (str_is(str_from(l->rest, digits), units[i].unit))
            q->cache_s = n * units[i].seconds;
    if (!q->cache_s || q->cache_s > CACHE_MOST_S)
        return REFUSE(l,
                      "a cache time is a number and s, m, h or d, at most 366d: 60s; found "
                      "'%.*s'",
                      STR_ARG(str_upto(l->rest, WORD_MOST)));
    return 0;
}

/* ---- param: NAME TYPE [= DEFAULT] [min N] [max N] [optional] ---- */

/* Moves l->rest over its first n bytes and the blanks behind them. */
static void skip(struct line *l, size_t n)
{
    while (n < l->rest.len && (l->rest.ptr[n] == ' ' || l->rest.ptr[n] == '\t'))
        n++;
    l->at.column += (unsigned)(n < l->rest.len ? n : l->rest.len);
    l->rest = str_from(l->rest, n);
}

static size_t word_len(str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] != ' ' && s.ptr[n] != '\t' && (s.ptr[n] != '=' || n == 0))
        n += 1 + (s.ptr[n] == '=' ? s.len : 0); /* a '=' is a word of its own */
    return s.len && s.ptr[0] == '=' ? 1 : n < s.len ? n : s.len;
}

static bool ends_type(str word)
{
    return str_is(word, "=") || str_is(word, "min") || str_is(word, "max") ||
           str_is(word, "optional");
}

/* The words of the type, with one blank between and none round parentheses and commas. */
static str type_words(struct line *l)
{
    struct arena *a = &l->q->set->arena;
    char *out = arena_new(a, l->rest.len + 1);
    size_t len = 0;
    while (l->rest.len) {
        str word = str_upto(l->rest, word_len(l->rest));
        if (ends_type(word))
            break;
        bool glue = !len || strchr("(,", out[len - 1]) || strchr("(,)", word.ptr[0]);
        if (!glue)
            out[len++] = ' ';
        for (size_t i = 0; i < word.len; i++)
            out[len++] = ascii_lower(word.ptr[i]);
        skip(l, word.len);
    }
    out[len] = '\0';
    return str_make(out, len);
}

static int take_type(struct line *l, struct query__param *p)
{
    const char *near = NULL;
    struct line at = *l;
    p->type = type_words(l);
    if (!p->type.len)
        return REFUSE(&at, "parameter '%.*s' has no type: -- param: %.*s text", STR_ARG(p->name),
                      STR_ARG(p->name));
    if (query__type(p->type, &p->column, &p->list, &near)) {
        p->column.name = p->name;
        return 0;
    }
    return REFUSE(&at, "'%.*s' is no type of a parameter%s%s%s",
                  STR_ARG(str_upto(p->type, WORD_MOST)), near ? "; did you mean '" : "",
                  near ? near : "", near ? "'?" : "");
}

/* A word, or a text in quotes in which '' is one quote. */
static int take_text(struct line *l, str *out)
{
    struct arena *a = &l->q->set->arena;
    size_t at = 1, len = 0;
    if (!l->rest.len)
        return REFUSE(l, "a value is missing here");
    if (l->rest.ptr[0] != '\'') {
        *out = str_upto(l->rest, word_len(l->rest));
        skip(l, out->len);
        return 0;
    }
    char *text = arena_new(a, l->rest.len);
    for (; at < l->rest.len; at++) {
        bool quote = l->rest.ptr[at] == '\'';
        if (quote && (at + 1 == l->rest.len || l->rest.ptr[at + 1] != '\''))
            break;
        at += quote;
        text[len++] = l->rest.ptr[at];
    }
    if (at >= l->rest.len)
        return REFUSE(l, "the text has no closing quote");
    *out = str_make(text, len);
    skip(l, at + 1);
    return 0;
}

static int take_preset(struct line *l, struct query__param *p)
{
    struct value_fault fault;
    struct line at = *l;
    bool bare = !l->rest.len || l->rest.ptr[0] != '\'';
    str text;
    if (p->preset_told)
        return REFUSE(l, "the default stands here for the second time");
    TRY(take_text(l, &text));
    p->preset_told = true;
    if (bare && str_eqi(text, LIT("null"))) {
        p->column.nullable = true;
        p->preset = value_null();
        return 0;
    }
    struct value in = value_text(text);
    if (query__take(p, &l->q->set->arena, &in, true, &p->preset, &fault))
        return 0;
    return REFUSE(&at, "the default of '%.*s' %.*s", STR_ARG(p->name), STR_ARG(fault.message));
}

static int take_bound(struct line *l, struct query__param *p, bool least)
{
    enum type t = p->column.type;
    bool number = t == TYPE_INT2 || t == TYPE_INT4 || t == TYPE_INT8 || t == TYPE_FLOAT4 ||
                  t == TYPE_FLOAT8 || t == TYPE_NUMERIC;
    struct line at = *l;
    str text = {NULL, 0}, canon;
    TRY(take_text(l, &text));
    if (!number || p->list)
        return REFUSE(&at, "min and max are of numbers");
    if (!decimal_canon(&l->q->set->arena, text, 0, -1, &canon))
        return REFUSE(&at, "'%.*s' is no number", STR_ARG(str_upto(text, WORD_MOST)));
    *(least ? &p->column.has_min : &p->column.has_max) = true;
    *(least ? &p->column.min : &p->column.max) = canon;
    return 0;
}

static int take_options(struct line *l, struct query__param *p)
{
    struct line preset = {0};
    while (l->rest.len) {
        str word = str_upto(l->rest, word_len(l->rest));
        struct line at = *l;
        skip(l, word.len);
        if (str_is(word, "=")) { /* read when the bounds are known */
            str ignored;
            preset = *l;
            TRY(take_text(l, &ignored));
        } else if (str_is(word, "min") || str_is(word, "max")) {
            TRY(take_bound(l, p, str_is(word, "min")));
        } else if (str_is(word, "optional")) {
            p->column.nullable = true;
        } else {
            return REFUSE(&at,
                          "'%.*s' cannot stand here: -- param: NAME TYPE [= DEFAULT] [min N] "
                          "[max N] [optional]",
                          STR_ARG(str_upto(word, WORD_MOST)));
        }
    }
    return preset.q ? take_preset(&preset, p) : 0;
}

static int take_param(struct line *l)
{
    struct query *q = l->q;
    str name = str_upto(l->rest, word_len(l->rest));
    if (!name_fits(name, false))
        return REFUSE(l,
                      "the name of a parameter is letters, digits and _, a letter first; found "
                      "'%.*s'",
                      STR_ARG(str_upto(name, WORD_MOST)));
    for (size_t i = 0; i < q->param_count; i++)
        if (str_eq(q->params[i].name, name))
            return REFUSE(l, "there is a parameter '%.*s' already", STR_ARG(name));
    if (q->param_count == QUERY__PARAMS_MOST)
        return REFUSE(l, "more than %d parameters", QUERY__PARAMS_MOST);
    struct query__param *p = &q->params[q->param_count++];
    *p = (struct query__param){.name = name, .at = l->at};
    skip(l, name.len);
    TRY(take_type(l, p));
    return take_options(l, p);
}

/* ---- languages: en, es: the parameter `language` is one of them ---- */

static bool language_fits(str s)
{
    bool fits = s.len >= 2 && s.len <= 35;
    for (size_t i = 0; fits && i < s.len; i++)
        fits = ascii_alpha(s.ptr[i]) || (i > 1 && (ascii_digit(s.ptr[i]) || s.ptr[i] == '-'));
    return fits;
}

static int take_languages(struct line *l)
{
    struct query *q = l->q;
    struct line name = *l;
    if (q->language_count)
        return REFUSE(l, "languages stand here for the second time; write them in one line");
    for (str rest = l->rest; rest.ptr;) {
        str one = str_trim(str_cut(&rest, ','));
        if (!language_fits(one) || q->language_count == QUERY__LANGUAGES_MOST)
            return REFUSE(l, "languages are such as en, es, pt-BR; the first is the default");
        q->languages[q->language_count++] = one;
    }
    name.rest = LIT("language text");
    TRY(take_param(&name));
    struct query__param *p = &q->params[q->param_count - 1];
    p->column.labels = q->languages;
    p->column.label_count = q->language_count;
    p->preset_told = true;
    p->preset = value_text(q->languages[0]);
    q->language_param = q->param_count;
    return 0;
}

static int take_rules(struct line *l)
{
    if (!str_is(l->rest, "read"))
        return REFUSE(l,
                      "rules is 'read': tables hold what the rules let the caller read; found "
                      "'%.*s'",
                      STR_ARG(str_upto(l->rest, WORD_MOST)));
    l->q->ruled = true;
    return 0;
}

/* ---- all ---- */

static int take_description(struct line *l)
{
    l->q->description = l->rest;
    return 0;
}

int query__header(struct query *q, enum query__key key, str value, struct query__at at,
                  struct err *err)
{
    static int (*const takers[KEY__COUNT])(struct line * l) = {
        [KEY_NAME] = take_name,     [KEY_DESCRIPTION] = take_description, [KEY_PARAM] = take_param,
        [KEY_ROLES] = take_roles,   [KEY_METHOD] = take_method,           [KEY_CACHE] = take_cache,
        [KEY_RESULT] = take_result, [KEY_LANGUAGES] = take_languages,     [KEY_RULES] = take_rules,
    };
    struct line l = {.q = q, .rest = value, .at = at, .err = err};
    return takers[key](&l);
}
