/* text.c -- JSON put down piece by piece, in C that can be read. SPDX: Apache-2.0
 * A comma is due wherever something stands that is no opening, so nobody has to remember. */
#include "admin/admin_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum { FORMAT_MOST = 2000 };

static void comma(struct buf *b)
{
    char last = b->len ? b->ptr[b->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':' && last != ',')
        buf_char(b, ',');
}

static void quoted(struct buf *b, const char *fragment)
{
    for (const char *c = fragment; *c; c++)
        buf_char(b, *c == '\'' ? '"' : *c);
}

void put(struct buf *b, const char *fragment)
{
    if (*fragment != '}' && *fragment != ']')
        comma(b);
    quoted(b, fragment);
}

void putf(struct buf *b, const char *fmt, ...)
{
    char text[FORMAT_MOST];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    BUG_ON(len < 0 || (size_t)len >= sizeof text);
    put(b, text);
}

void put_key(struct buf *b, str name)
{
    comma(b);
    json_text(b, name);
    buf_char(b, ':');
}

void put_text(struct buf *b, str text)
{
    comma(b);
    json_text(b, text);
}

void put_member(struct buf *b, const char *name, str text)
{
    if (!text.len)
        return;
    put_key(b, str_of(name));
    put_text(b, text);
}

void put_ref(struct buf *b, const char *section, str name, const char *tail)
{
    comma(b);
    buf_printf(b, "{\"$ref\":\"#/components/%s/%.*s%s\"}", section, STR_ARG(name), tail);
}
