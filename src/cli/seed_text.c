/* seed_text.c -- a seed script into statements with bound parameters. SPDX: Apache-2.0
 * Only as much SQL is understood as is needed to find the semicolons and the `:name`s that are not
 * within quotes and comments: '...', "...", $tag$...$tag$, -- and nested comments. */
#include "cli/seed_priv.h"

static bool name_char(char c, bool first)
{
    return c == '_' || ascii_alpha(c) || (!first && ascii_digit(c));
}

static size_t name_length(str s)
{
    size_t len = 0;
    while (len < s.len && name_char(s.ptr[len], len == 0))
        len++;
    return len;
}

/* ---- the head ---- */

struct seed_param *seed_param(struct seed *s, str name)
{
    for (size_t i = 0; i < s->param_count; i++)
        if (str_eq(s->params[i].name, name))
            return &s->params[i];
    return NULL;
}

static int take_param(struct seed *s, str words, unsigned line, struct err *err)
{
    str name = str_upto(words, name_length(words));
    str value = str_trim(str_from(words, name.len));
    struct seed_param *p = &s->params[s->param_count];
    if (name.len == 0 || name.len > 60 || !str_to_i64(value, &p->value))
        return fail(err, E_CONFIG, "line %u: expected `-- param NAME NUMBER`", line);
    if (seed_param(s, name))
        return fail(err, E_CONFIG, "line %u: parameter '%.*s' is there twice", line, STR_ARG(name));
    if (s->param_count + 1 == SEED_PARAMS_MOST)
        return fail(err, E_CONFIG, "line %u: too many parameters", line);
    p->name = name;
    s->param_count++;
    return 0;
}

int seed_begin(struct seed *s, str text, struct err *err)
{
    *s = (struct seed){.text = text, .line = 1, .place = '?'};
    str rest = text;
    for (unsigned line = 1; rest.ptr; line++) {
        str words = str_cut(&rest, '\n');
        if (str_ends(words, LIT("\r")))
            words.len--;
        words = str_trim(words);
        if (words.len && !str_starts(words, LIT("--")))
            break;
        words = str_trim(str_from(words, 2));
        if (str_starts(words, LIT("param ")))
            TRY(take_param(s, str_trim(str_from(words, 6)), line, err));
    }
    return 0;
}

/* ---- what is skipped as a whole ---- */

/* Length of a quoted text, or STR_NONE without its end. */
static size_t quoted(str s)
{
    size_t end = str_find(str_from(s, 1), s.ptr[0]);
    return end == STR_NONE ? STR_NONE : end + 2; /* a doubled quote reads as two texts in a row */
}

static size_t dollar_quoted(str s)
{
    size_t tag = 1 + name_length(str_from(s, 1));
    if (tag >= s.len || s.ptr[tag] != '$')
        return 1;
    str mark = str_upto(s, tag + 1);
    for (size_t i = mark.len; i < s.len; i++)
        if (str_starts(str_from(s, i), mark))
            return i + mark.len;
    return STR_NONE;
}

static size_t comment(str s)
{
    unsigned depth = 0;
    if (s.ptr[0] == '-') {
        size_t end = str_find(s, '\n');
        return end == STR_NONE ? s.len : end;
    }
    for (size_t i = 0; i + 1 < s.len; i++) {
        bool opens = s.ptr[i] == '/' && s.ptr[i + 1] == '*';
        bool closes = s.ptr[i] == '*' && s.ptr[i + 1] == '/';
        depth = depth + opens - closes;
        i += opens || closes;
        if (depth == 0)
            return i + 1;
    }
    return STR_NONE;
}

/* Length of the piece at the start of s that is copied or left out as a whole; 0: there is none. */
static size_t piece(str s, bool *left_out)
{
    *left_out = str_starts(s, LIT("--")) || str_starts(s, LIT("/*"));
    if (*left_out)
        return comment(s);
    if (s.ptr[0] == '\'' || s.ptr[0] == '"')
        return quoted(s);
    return s.ptr[0] == '$' ? dollar_quoted(s) : 0;
}

/* ---- one statement ---- */

struct making {
    struct seed *s;
    struct seed_statement *out;
    struct buf text;
    size_t places[SEED_PARAMS_MOST]; /* params, in the order of ?1 ?2 ... */
    size_t place_count;
    unsigned words; /* seen so far */
    bool temp, into, table;
};

static size_t place_of(struct making *m, size_t param)
{
    for (size_t i = 0; i < m->place_count; i++)
        if (m->places[i] == param)
            return i;
    m->places[m->place_count] = param;
    return m->place_count++;
}

static int take_place(struct making *m, str name, struct err *err)
{
    const struct seed_param *p = seed_param(m->s, name);
    if (!p)
        return fail(err, E_CONFIG,
                    "line %u: ':%.*s' is no parameter (declare it: `-- param %.*s 10`)", m->s->line,
                    STR_ARG(str_upto(name, 60)), STR_ARG(str_upto(name, 60)));
    buf_printf(&m->text, "%c%zu", m->s->place, place_of(m, (size_t)(p - m->s->params)) + 1);
    return 0;
}

/* Finds INSERT INTO name and CREATE TEMPORARY TABLE name. */
static void see_word(struct making *m, str word)
{
    static const char *const noise[] = {"if", "not", "exists"};
    for (size_t i = 0; i < COUNT_OF(noise); i++)
        if (str_eqi(word, str_of(noise[i])))
            return;
    m->words++;
    if (m->into && m->out->table.len == 0)
        m->out->table = word;
    if (m->temp && m->table && m->out->makes_temp.len == 0)
        m->out->makes_temp = word;
    m->into = m->into || str_eqi(word, LIT("into"));
    m->table = m->table || (m->words <= 3 && str_eqi(word, LIT("table")));
    m->temp = m->temp ||
              (m->words == 2 && (str_eqi(word, LIT("temp")) || str_eqi(word, LIT("temporary"))));
}

/* Takes what begins at s->at; 0, or 1 at the semicolon. */
static int take(struct making *m, struct err *err)
{
    struct seed *s = m->s;
    str rest = str_from(s->text, s->at);
    bool left_out;
    size_t len = piece(rest, &left_out), name = name_length(rest);
    if (len == STR_NONE)
        return fail(err, E_CONFIG, "line %u: a quote or comment without its end", s->line);
    if (rest.ptr[0] == ';') {
        s->at++;
        return 1;
    }
    if (len == 0 && str_starts(rest, LIT("::"))) {
        len = 2;
    } else if (len == 0 && rest.ptr[0] == ':' && name_length(str_from(rest, 1))) {
        len = 1 + name_length(str_from(rest, 1));
        TRY(take_place(m, str_from(str_upto(rest, len), 1), err));
        left_out = true;
    } else if (len == 0 && name) {
        see_word(m, str_upto(rest, name));
        len = name;
    } else if (rest.ptr[0] == '"') {
        see_word(m, str_make(rest.ptr + 1, len - 2));
    }
    len = len ? len : 1;
    for (size_t i = 0; i < len; i++)
        s->line += rest.ptr[i] == '\n';
    if (!left_out)
        buf_str(&m->text, str_upto(rest, len));
    s->at += len;
    return 0;
}

/* Blanks and comments before a statement, so that its line is where its first word is. */
static int skip(struct seed *s, struct err *err)
{
    while (s->at < s->text.len) {
        str rest = str_from(s->text, s->at);
        bool left_out;
        size_t len = piece(rest, &left_out);
        if (!left_out)
            len = strchr(" \t\r\n;", rest.ptr[0]) ? 1 : 0;
        if (len == 0)
            break;
        if (len == STR_NONE)
            return fail(err, E_CONFIG, "line %u: a comment without its end", s->line);
        for (size_t i = 0; i < len; i++)
            s->line += rest.ptr[i] == '\n';
        s->at += len;
    }
    return 0;
}

static int finish(struct making *m, struct arena *a)
{
    struct value *binds = ARENA_ARRAY(a, struct value, m->place_count + 1);
    for (size_t i = 0; i < m->place_count; i++)
        binds[i] = value_int(m->s->params[m->places[i]].value);
    m->out->st = (struct stmt){.text = arena_str(a, str_trim(buf_view(&m->text))),
                               .binds = binds,
                               .bind_count = m->place_count,
                               .writes = true,
                               .once = true};
    return 1;
}

int seed_next(struct seed *s, struct arena *a, struct seed_statement *out, struct err *err)
{
    struct making m = {.s = s, .out = out};
    TRY(skip(s, err));
    *out = (struct seed_statement){.line = s->line};
    if (s->at >= s->text.len)
        return 0;
    buf_init(&m.text, 2 * s->text.len + 4096);
    int code = 0;
    while (code == 0 && s->at < s->text.len)
        code = take(&m, err);
    if (code >= 0)
        code = finish(&m, a);
    buf_fini(&m.text);
    return code;
}
