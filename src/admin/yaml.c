/* yaml.c -- JSON as YAML 1.2 for people: blocks, and strings in double quotes wherever a plain one
 * could be taken for something else. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

enum { STEP = 2, PLAIN_MOST = 200 };

static void node(struct buf *b, const struct value *v, unsigned depth);

/* Letters, digits and a few signs inside, a letter first, and no word of YAML's own. */
static bool plain(str s)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};
    if (!s.len || s.len > PLAIN_MOST || !ascii_alpha(s.ptr[0]))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!ascii_alpha(c) && !ascii_digit(c) && c != '_' && c != '-' && c != '/' && c != '.')
            return false;
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eqi(s, str_of(words[i])))
            return false;
    }
    return true;
}

static void text(struct buf *b, str s)
{
    if (plain(s))
        buf_str(b, s);
    else
        json_text(b, s); /* every JSON string is one of YAML's */
}

static void indent(struct buf *b, unsigned depth)
{
    buf_char(b, '\n');
    for (unsigned i = 0; i < depth * STEP; i++)
        buf_char(b, ' ');
}

static bool block(const struct value *v)
{
    return (v->kind == V_ARRAY || v->kind == V_OBJECT) && v->count > 0;
}

static void members(struct buf *b, const struct value *v, unsigned depth, bool here)
{
    for (size_t i = 0; i < v->count; i++) {
        if (i || !here)
            indent(b, depth);
        text(b, v->fields[i].name);
        buf_char(b, ':');
        if (!block(&v->fields[i].value))
            buf_char(b, ' ');
        node(b, &v->fields[i].value, depth + 1);
    }
}

static void items(struct buf *b, const struct value *v, unsigned depth)
{
    for (size_t i = 0; i < v->count; i++) {
        indent(b, depth);
        buf_lit(b, "- ");
        if (v->items[i].kind == V_OBJECT && v->items[i].count)
            members(b, &v->items[i], depth + 1, true);
        else
            node(b, &v->items[i], depth + 1);
    }
}

static void node(struct buf *b, const struct value *v, unsigned depth)
{
    if (v->kind == V_OBJECT && v->count)
        members(b, v, depth, false);
    else if (v->kind == V_ARRAY && v->count)
        items(b, v, depth);
    else if (v->kind == V_TEXT)
        text(b, v->text);
    else
        json_value(b, v);
}

void docs__yaml(struct buf *b, const struct value *document)
{
    members(b, document, 0, true);
    buf_char(b, '\n');
}
