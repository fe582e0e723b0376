/* term.c -- texts and JSON for people at a terminal. SPDX: Apache-2.0
 * What comes from a server is foreign: an escape sequence in a row could rename the window, or hide
 * what follows. */
#include "cli/term.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const codes[] = {
    [TERM_PLAIN] = "",         [TERM_DIM] = "\x1b[2m",     [TERM_RED] = "\x1b[31m",
    [TERM_GREEN] = "\x1b[32m", [TERM_YELLOW] = "\x1b[33m", [TERM_BLUE] = "\x1b[34m",
    [TERM_CYAN] = "\x1b[36m",
};

bool term_takes_colours(int fd)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR"); /* no-color.org */
    return isatty(fd) == 1 && term && strcmp(term, "dumb") != 0 && !(no && *no);
}

/* The code point of the UTF-8 sequence at p, and its length; 0 when it is none. */
static size_t point(const unsigned char *p, size_t n, unsigned *code)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len == 0 || len > n || !str_utf8(str_make((const char *)p, len)))
        return 0;
    *code = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        *code = *code << 6 | (p[i] & 0x3fu);
    return len;
}

static bool unseemly(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void term_safe(struct term *t, str text, bool lines)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    for (size_t i = 0; i < text.len;) {
        unsigned code = 0xfffd;
        size_t n = point(p + i, text.len - i, &code);
        bool passes = n && (!unseemly(code) || (lines && (code == '\n' || code == '\t')));
        if (passes)
            buf_add(t->out, text.ptr + i, n);
        else
            buf_printf(t->out, "\\u%04x", code);
        i += n ? n : 1;
    }
}

static void colour(struct term *t, enum term_colour c)
{
    if (t->colours && c != TERM_PLAIN)
        buf_str(t->out, str_of(codes[c]));
}

static void colour_end(struct term *t, enum term_colour c)
{
    if (t->colours && c != TERM_PLAIN)
        buf_lit(t->out, "\x1b[0m");
}

void term_put(struct term *t, enum term_colour c, str text)
{
    colour(t, c);
    term_safe(t, text, false);
    colour_end(t, c);
}

enum term_colour term_status(int status)
{
    return status >= 500 ? TERM_RED : status >= 400 ? TERM_YELLOW : TERM_GREEN;
}

/* As JSON has it, so that it can be copied, and then made safe. */
static void scalar(struct term *t, enum term_colour c, const struct value *v)
{
    struct buf text;
    buf_init(&text, t->out->limit);
    json_value(&text, v);
    term_put(t, c, buf_view(&text));
    buf_fini(&text);
}

static void line(struct term *t, unsigned depth)
{
    buf_char(t->out, '\n');
    for (unsigned i = 0; i < depth; i++)
        buf_lit(t->out, "  ");
}

static void tree(struct term *t, const struct value *v, unsigned depth)
{
    bool array = v->kind == V_ARRAY;
    if (!array && v->kind != V_OBJECT) {
        scalar(t, v->kind == V_TEXT ? TERM_GREEN : v->kind == V_NULL ? TERM_DIM : TERM_CYAN, v);
        return;
    }
    buf_char(t->out, array ? '[' : '{');
    for (uint32_t i = 0; i < v->count; i++) {
        line(t, depth + 1);
        if (!array) {
            struct value name = value_text(v->fields[i].name);
            scalar(t, TERM_BLUE, &name);
            buf_lit(t->out, ": ");
        }
        tree(t, array ? &v->items[i] : &v->fields[i].value, depth + 1);
        if (i + 1 < v->count)
            buf_char(t->out, ',');
    }
    if (v->count)
        line(t, depth);
    buf_char(t->out, array ? ']' : '}');
}

void term_json(struct term *t, const struct value *v)
{
    tree(t, v, 0);
    buf_char(t->out, '\n');
}
