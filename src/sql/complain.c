/* complain.c -- what a message may repeat of a client's text, and which name was meant.
 * SPDX: Apache-2.0 */
#include "sql/query_priv.h"

enum { SHOWN_MOST = 60, NAMES_MOST = 512 };

const char *query__show(struct query *q, str s)
{
    char text[SHOWN_MOST + 4];
    size_t len = s.len < SHOWN_MOST ? s.len : SHOWN_MOST;
    bool cut = len < s.len;
    while (cut && len > 0 && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
        len--;
    bool fine = str_utf8(str_upto(s, len));
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        text[i] = c < 0x20 || c == 0x7f || (c >= 0x80 && !fine) ? '?' : (char)c;
    }
    if (cut) {
        memcpy(text + len, "...", 3);
        len += 3;
    }
    return arena_str(q->arena, (str){text, len}).ptr;
}

const char *query__hint(struct query *q, str s, const struct table *t, const char *const *words)
{
    const char **names = arena_new(q->arena, NAMES_MOST * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; words && words[i] && count < NAMES_MOST; i++)
        names[count++] = words[i];
    for (size_t i = 0; t && i < t->column_count && count < NAMES_MOST; i++) {
        if (!table_closed(t, i))
            names[count++] = arena_str(q->arena, t->columns[i].name).ptr;
    }
    for (size_t i = 0; t && i < t->relation_count && count < NAMES_MOST; i++)
        names[count++] = arena_str(q->arena, t->relations[i].name).ptr;
    const char *near = str_nearest(s, names, count);
    return near ? arena_printf(q->arena, "; did you mean '%s'?", near).ptr : "";
}
