/* node.c -- reads libpg_query's JSON tree; writes names and texts; words a refusal.
 * SPDX: Apache-2.0
 * Why JSON and not the protobuf structs: those need a second library's headers, and a tree of
 * struct value is read with five small functions. Its one fault is known and answered here:
 * version 15-4.0 leaves out the value of an integer below one (ddl__int_const). */
#include "ddl/ddl_priv.h"

#include <stdarg.h>
#include <stdio.h>

const char *ddl__dup(struct ddl__tr *t, str s)
{
    return arena_str(t->a, s).ptr;
}

str ddl__kind(node *n)
{
    return n && n->kind == V_OBJECT && n->count == 1 ? n->fields[0].name : LIT("");
}

bool ddl__is(node *n, const char *kind)
{
    return str_is(ddl__kind(n), kind);
}

node *ddl__body(node *n)
{
    return n && n->kind == V_OBJECT && n->count == 1 ? &n->fields[0].value : NULL;
}

node *ddl__as(node *n, const char *kind)
{
    return ddl__is(n, kind) ? ddl__body(n) : NULL;
}

node *ddl__get(node *body, const char *name)
{
    return body ? value_get(body, str_of(name)) : NULL;
}

str ddl__text(node *body, const char *name)
{
    node *v = ddl__get(body, name);
    return v && v->kind == V_TEXT ? v->text : LIT("");
}

bool ddl__flag(node *body, const char *name)
{
    node *v = ddl__get(body, name);
    return v && v->kind == V_BOOL && v->truth;
}

int64_t ddl__num(node *body, const char *name, int64_t absent)
{
    node *v = ddl__get(body, name);
    return v && v->kind == V_INT ? v->i : absent;
}

size_t ddl__count(node *body, const char *name)
{
    node *v = ddl__get(body, name);
    return v && v->kind == V_ARRAY ? v->count : 0;
}

node *ddl__item(node *body, const char *name, size_t i)
{
    node *v = ddl__get(body, name);
    return v && v->kind == V_ARRAY && i < v->count ? &v->items[i] : NULL;
}

str ddl__string(node *n)
{
    return ddl__text(ddl__as(n, "String"), "sval");
}

str ddl__last_name(node *body, const char *name)
{
    size_t count = ddl__count(body, name);
    return count ? ddl__string(ddl__item(body, name, count - 1)) : LIT("");
}

int64_t ddl__place(node *n)
{
    return ddl__num(ddl__body(n), "location", -1);
}

int ddl__relation(struct ddl__tr *t, node *range_var, str *name)
{
    str schema = ddl__text(range_var, "schemaname");
    str persistence = ddl__text(range_var, "relpersistence");
    int64_t place = ddl__num(range_var, "location", -1);
    if (schema.len && !str_is(schema, "public"))
        return ddl__refuse(t, place,
                           "schema '%s': SQLite has one schema only; leave it out, or "
                           "make it a part of the table's name",
                           ddl__dup(t, schema));
    if (str_is(persistence, "t"))
        return ddl__refuse(t, place,
                           "a temporary table ends with the migration; use a common "
                           "table expression (WITH ...)");
    *name = ddl__text(range_var, "relname");
    if (!name->len)
        return ddl__refuse(t, place, "a table name is missing");
    return 0;
}

/* The digits that follow a minus sign, a blank or a comment in the source at place. */
static bool read_negative(str source, size_t place, int64_t *out)
{
    if (place >= source.len || source.ptr[place] != '-')
        return false;
    size_t at = ddl__skip_blank(source, place + 1), end = at;
    while (end < source.len && ascii_digit(source.ptr[end]))
        end++;
    int64_t n = 0;
    if (end == at || !str_to_i64(str_make(source.ptr + at, end - at), &n))
        return false;
    *out = -n;
    return true;
}

bool ddl__int_const(struct ddl__tr *t, node *a_const, int64_t *out)
{
    node *v = ddl__get(a_const, "ival");
    if (!v)
        return false;
    int64_t place = ddl__num(a_const, "location", 0);
    *out = ddl__num(v, "ival", 0);
    if (*out == 0 && place >= 0)
        read_negative(t->source->text, (size_t)place, out);
    return true;
}

void ddl__ident(struct ddl__tr *t, str name)
{
    buf_char(&t->b, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_char(&t->b, '"');
        buf_char(&t->b, name.ptr[i]);
    }
    buf_char(&t->b, '"');
}

void ddl__quote(struct ddl__tr *t, str text)
{
    buf_char(&t->b, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buf_char(&t->b, '\'');
        buf_char(&t->b, text.ptr[i]);
    }
    buf_char(&t->b, '\'');
}

str ddl__cut(struct ddl__tr *t, size_t mark)
{
    str s = {"", 0};
    if (t->b.len > mark)
        s = arena_str(t->a, str_make(t->b.ptr + mark, t->b.len - mark));
    t->b.len = mark < t->b.len ? mark : t->b.len;
    return s;
}

static unsigned line_at(struct ddl__tr *t, size_t offset, unsigned *column)
{
    str s = str_upto(t->source->text, offset);
    unsigned line = t->source->first_line;
    *column = 1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\n') {
            line++;
            *column = 1;
        } else if (((unsigned char)s.ptr[i] & 0xc0) != 0x80) {
            (*column)++;
        }
    }
    return line;
}

int ddl__emit_text(struct ddl__tr *t, str text)
{
    unsigned column;
    if (t->out->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        struct ddl_statement *list = ARENA_ARRAY(t->a, struct ddl_statement, cap);
        if (t->out->count)
            memcpy(list, t->out->list, t->out->count * sizeof *list);
        t->out->list = list;
        t->cap = cap;
    }
    t->out->list[t->out->count++] = (struct ddl_statement){
        .text = text,
        .line = line_at(t, (size_t)t->at, &column),
        .destructive = t->destructive,
        .what = t->what,
    };
    t->destructive = false;
    t->what = LIT("");
    return 0;
}

int ddl__emit(struct ddl__tr *t, size_t mark)
{
    if (t->b.full)
        return ddl__refuse(t, -1, "the statement is larger than %d MiB when translated",
                           DDL__OUT_MOST >> 20);
    return ddl__emit_text(t, ddl__cut(t, mark));
}

void ddl__warn(struct ddl__tr *t, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str more = str_of(text);
    t->what = t->destructive ? arena_printf(t->a, "%.*s, %s", STR_ARG(t->what), text)
                             : arena_str(t->a, more);
    t->destructive = true;
}

int ddl__refuse(struct ddl__tr *t, int64_t place, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    unsigned column, line = line_at(t, (size_t)(place < 0 ? t->at : place), &column);
    t->out->at_line = line;
    t->out->at_column = column;
    if (!t->source->file.len)
        return fail(t->err, E_CONFIG, "line %u, column %u: %s", line, column, text);
    return fail(t->err, E_CONFIG, "%.*s:%u:%u: %s", STR_ARG(t->source->file), line, column, text);
}
