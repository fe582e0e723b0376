/* param.c -- the parameters behind a header's value: `; name=value; name="value"` (RFC
 * 9110, 5.6.6). SPDX: Apache-2.0 One reader for all: a semicolon or a quote inside of quotes ends
 * nothing. */
#include "http/http.h"

#include <strings.h>

static str blanks(str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_from(s, 1);
    return s;
}

/* A quoted string with its quotes, 0: it is none. */
static size_t quoted_length(str s)
{
    if (!s.len || s.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return i + 1;
        if (s.ptr[i] == '\\' && i + 1 < s.len && (s.ptr[i + 1] == '"' || s.ptr[i + 1] == '\\'))
            i++;
    }
    return 0;
}

int param_next(str *rest, str *name, str *value)
{
    str s = blanks(*rest);
    *rest = s;
    if (!s.len)
        return 0;
    if (s.ptr[0] != ';')
        return -1;
    s = blanks(str_from(s, 1));
    size_t n = token_length(s);
    *name = str_upto(s, n);
    s = str_from(s, n);
    if (!n || !s.len || s.ptr[0] != '=')
        return -1;
    s = str_from(s, 1);
    size_t len = quoted_length(s);
    len = len ? len : token_length(s);
    if (!len)
        return -1;
    *value = str_upto(s, len);
    *rest = str_from(s, len);
    return 1;
}

str param_plain(str value, char *room)
{
    const char *p = value.ptr;
    size_t out = 0, end = value.len;
    if (!value.len || p[0] != '"')
        return value;
    for (size_t i = 1; i + 1 < end; i++) {
        char c = p[i];
        bool pair = c == '\\' && i + 2 < end && (p[i + 1] == '"' || p[i + 1] == '\\');
        bool escape = c == '%' && i + 3 < end;
        if (pair) {
            c = p[++i];
        } else if (escape && memcmp(p + i, "%22", 3) == 0) {
            c = '"';
            i += 2;
        } else if (escape &&
                   (strncasecmp(p + i, "%0d", 3) == 0 || strncasecmp(p + i, "%0a", 3) == 0)) {
            c = ' ';
            i += 2;
        }
        room[out++] = c;
    }
    return (str){room, out};
}
