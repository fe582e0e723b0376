/* file.c -- the object that a column of files holds. SPDX: Apache-2.0
 * Read without memory: an answer shows thousands of them, below the engine's callback. It is of our
 * own making, or PostgreSQL's jsonb wrote it anew; anything else is no file. */
#include "data/data.h"

enum { ID_LEN = 32, SHA_LEN = 64 };

static str blanks(str s)
{
    while (s.len && strchr(" \t\r\n", s.ptr[0]) && s.ptr[0])
        s = str_from(s, 1);
    return s;
}

/* A string with its quotes, or a whole number; 0: neither. */
static size_t scalar_length(str s)
{
    size_t i = 1;
    if (!s.len)
        return 0;
    if (s.ptr[0] == '"') {
        for (; i < s.len && s.ptr[i] != '"'; i++)
            i += s.ptr[i] == '\\';
        return i < s.len ? i + 1 : 0;
    }
    for (i = 0; i < s.len && ascii_digit(s.ptr[i]); i++)
        ;
    return i <= 19 ? i : 0;
}

static str *slot_of(struct file_value *v, str key)
{
    const struct {
        const char *key;
        str *slot;
    } list[] = {{"\"id\"", &v->id},     {"\"name\"", &v->name},     {"\"type\"", &v->type},
                {"\"size\"", &v->size}, {"\"sha256\"", &v->sha256}, {"\"at\"", &v->at}};
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        if (str_is(key, list[i].key))
            return list[i].slot;
    }
    return NULL;
}

/* `"key": value` off the front. */
static bool take_member(struct file_value *v, str *rest)
{
    str s = blanks(*rest), key = str_upto(s, scalar_length(s));
    str *slot = slot_of(v, key);
    s = blanks(str_from(s, key.len));
    if (!slot || slot->ptr || !s.len || s.ptr[0] != ':')
        return false;
    s = blanks(str_from(s, 1));
    size_t n = scalar_length(s);
    *slot = str_upto(s, n);
    *rest = blanks(str_from(s, n));
    return n > 0;
}

static bool hex(str quoted, size_t len)
{
    bool fine = quoted.len == len + 2 && quoted.ptr[0] == '"';
    for (size_t i = 1; fine && i <= len; i++)
        fine = ascii_digit(quoted.ptr[i]) || (quoted.ptr[i] >= 'a' && quoted.ptr[i] <= 'f');
    return fine;
}

static bool text(str s)
{
    return s.len >= 2 && s.ptr[0] == '"';
}

bool file_value_get(str json, struct file_value *out)
{
    str rest = blanks(json);
    struct file_value v = {0};
    if (!rest.len || rest.ptr[0] != '{')
        return false;
    do {
        rest = str_from(rest, 1);
        if (!take_member(&v, &rest))
            return false;
    } while (rest.len && rest.ptr[0] == ',');
    bool fine = rest.len && rest.ptr[0] == '}' && !blanks(str_from(rest, 1)).len;
    fine = fine && hex(v.id, ID_LEN) && hex(v.sha256, SHA_LEN) && text(v.name) && text(v.type) &&
           v.size.len && !text(v.size) && str_utf8(json);
    *out = v;
    return fine;
}
