/* name.c -- file names, which come from strangers and go to strangers. SPDX: Apache-2.0
 * A name is never part of a path here. It is cleaned all the same: whoever saves the download under
 * it should get neither another directory nor a hidden, reserved or misleading name. */
#include "files/files.h"

/* The control characters of C1, and those that turn text round or are not seen. */
static size_t unwanted(str s)
{
    static const char *const seen[] = {
        "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
        "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae",
        "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9", "\xef\xbb\xbf"};
    unsigned char c = (unsigned char)s.ptr[0];
    if (c < 0x20 || c == 0x7f)
        return 1;
    if (c == 0xc2 && s.len > 1 && (unsigned char)s.ptr[1] < 0xa0)
        return 2;
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        if (str_starts(s, str_of(seen[i])))
            return 3;
    }
    return 0;
}

/* CON, nul.txt, com1: devices, on some systems. */
static bool reserved(str name)
{
    static const char *const names[] = {"con", "prn", "aux", "nul"};
    str stem = str_upto(name, str_find(name, '.'));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eqi(stem, str_of(names[i])))
            return true;
    }
    return stem.len == 4 && ascii_digit(stem.ptr[3]) &&
           (str_eqi(str_upto(stem, 3), LIT("com")) || str_eqi(str_upto(stem, 3), LIT("lpt")));
}

/* At most `most` bytes, whole characters; the extension stays. */
static size_t shorten(char *name, size_t len, size_t most)
{
    size_t dot = str_rfind((str){name, len}, '.');
    size_t tail = dot != STR_NONE && len - dot <= 16 ? len - dot : 0;
    if (len <= most)
        return len;
    size_t keep = most - tail;
    while (keep && ((unsigned char)name[keep] & 0xc0) == 0x80)
        keep--;
    memmove(name + keep, name + len - tail, tail);
    return keep + tail;
}

str file_name_clean(struct arena *a, str sent)
{
    size_t len = 0;
    sent = str_utf8(sent) ? sent : (str){"", 0};
    size_t slash = str_rfind(sent, '/');
    sent = slash == STR_NONE ? sent : str_from(sent, slash + 1);
    size_t back = str_rfind(sent, '\\');
    sent = back == STR_NONE ? sent : str_from(sent, back + 1);
    char *name = arena_new(a, sent.len + 8);
    for (size_t skip; sent.len; sent = str_from(sent, skip ? skip : 1)) {
        skip = unwanted(sent);
        bool leads = len == 0 && (sent.ptr[0] == '.' || sent.ptr[0] == ' ');
        if (!skip && !leads)
            name[len++] = strchr("<>:\"|?*", sent.ptr[0]) ? '_' : sent.ptr[0];
    }
    while (len && (name[len - 1] == '.' || name[len - 1] == ' '))
        len--;
    if (reserved((str){name, len})) {
        memmove(name + 1, name, len++);
        name[0] = '_';
    }
    len = shorten(name, len, FILE_NAME_MOST);
    return len ? (str){name, len} : LIT("file");
}

/* attr-char of RFC 8187. */
static bool attr_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || (c && strchr("!#$&+-.^_`|~", c));
}

str file_disposition(struct arena *a, bool shown, str name)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t room = name.len * 4 + 64;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    bool plain = true;
    buf_str(&b, shown ? LIT("inline; filename=\"") : LIT("attachment; filename=\""));
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool fits = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%';
        plain = plain && fits;
        buf_char(&b, fits ? (char)c : '_');
    }
    buf_char(&b, '"');
    if (plain)
        return buf_view(&b);
    buf_lit(&b, "; filename*=UTF-8''");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (attr_char((char)c)) {
            buf_char(&b, (char)c);
        } else {
            buf_char(&b, '%');
            buf_char(&b, digits[c >> 4]);
            buf_char(&b, digits[c & 15]);
        }
    }
    return buf_view(&b);
}
