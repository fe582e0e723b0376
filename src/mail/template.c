/* template.c -- text with {{variables}}. SPDX: Apache-2.0
 * Nothing else: no conditions, no code. What a variable is is known at the start, so a misspelt one
 * stops the start, and no letter goes out with a hole. Values are escaped by where they are put. */
#include "mail/mail_priv.h"

static const char *const names[VARS] = {"project",  "email",     "link",   "code",
                                        "minutes",  "new_email", "when",   "address",
                                        "provider", "subject",   "content"};

/* "mail/verify.txt:3:7" of the byte at. */
static int fault(str text, const char *at, str place, unsigned line, struct err *err,
                 const char *words, str shown, const char *near)
{
    unsigned column = 1;
    for (const char *p = text.ptr; p < at; p++) {
        line += *p == '\n';
        column = *p == '\n' ? 1 : column + 1;
    }
    return fail(err, E_CONFIG, "%.*s:%u:%u: %s '%.*s'%s%s%s", STR_ARG(place), line, column, words,
                STR_ARG(str_upto(shown, 40)), near ? " (did you mean `" : "", near ? near : "",
                near ? "`?)" : "");
}

static int find(str name, unsigned allowed, const char **near)
{
    const char *known[VARS];
    size_t count = 0;
    for (int i = 0; i < VARS; i++) {
        if (!(allowed >> i & 1))
            continue;
        if (str_is(name, names[i]))
            return i;
        known[count++] = names[i];
    }
    *near = str_nearest(name, known, count);
    return -1;
}

static size_t find_mark(str s, const char *mark)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.ptr[i] == mark[0] && s.ptr[i + 1] == mark[1])
            return i;
    }
    return STR_NONE;
}

int template__parse(struct arena *a, str text, unsigned allowed, str place, unsigned line,
                    struct mail_template *out, struct err *err)
{
    size_t most = 1, begin, end;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == '{';
    struct mail_part *parts = ARENA_ARRAY(a, struct mail_part, most);
    size_t count = 0;
    str rest = text;
    while ((begin = find_mark(rest, "{{")) != STR_NONE) {
        str inside = str_from(rest, begin + 2);
        const char *near = NULL;
        end = find_mark(inside, "}}");
        if (end == STR_NONE)
            return fault(text, rest.ptr + begin, place, line, err, "nothing closes", LIT("{{"),
                         NULL);
        str name = str_trim(str_upto(inside, end));
        int var = find(name, allowed, &near);
        if (var < 0)
            return fault(text, rest.ptr + begin, place, line, err, "this mail has no variable",
                         name, near);
        parts[count++] = (struct mail_part){str_upto(rest, begin), var};
        rest = str_from(inside, end + 2);
    }
    parts[count++] = (struct mail_part){rest, -1};
    *out = (struct mail_template){parts, count};
    return 0;
}

void html__put(struct buf *b, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            buf_lit(b, "&amp;");
            break;
        case '<':
            buf_lit(b, "&lt;");
            break;
        case '>':
            buf_lit(b, "&gt;");
            break;
        case '"':
            buf_lit(b, "&quot;");
            break;
        case '\'':
            buf_lit(b, "&#39;");
            break;
        default:
            buf_char(b, text.ptr[i]);
        }
    }
}

/* A value is never more than a line: nobody writes paragraphs into a letter of ours. */
static void line_put(struct buf *b, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_char(b, c < ' ' || c == 0x7f ? ' ' : (char)c);
    }
}

void template__put(struct buf *b, const struct mail_template *t, const str values[VARS],
                   enum mail_escape how)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct mail_part *p = &t->parts[i];
        if (how == ESCAPE_LINE)
            line_put(b, p->text);
        else
            buf_str(b, p->text);
        if (p->var == VAR_CONTENT)
            buf_str(b, values[p->var]);
        else if (p->var >= 0 && how == ESCAPE_HTML)
            html__put(b, values[p->var]);
        else if (p->var >= 0)
            line_put(b, values[p->var]);
    }
}
