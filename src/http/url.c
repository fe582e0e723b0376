/* url.c -- percent-encoding and paths, strictly. SPDX: Apache-2.0 (RFC 3986) */
#include "http/http_priv.h"

static int hex_digit(char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The decoded text into out (room for in.len bytes). Gives the length, or STR_NONE. */
static size_t decode(str in, bool plus_blank, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '%') {
            if (in.len - i < 3)
                return STR_NONE;
            int high = hex_digit(in.ptr[i + 1]), low = hex_digit(in.ptr[i + 2]);
            if (high < 0 || low < 0)
                return STR_NONE;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_blank) {
            c = ' ';
        }
        out[n++] = c;
    }
    return n;
}

int url_decode(struct arena *a, str in, bool plus_blank, str *out, struct err *err)
{
    *out = in;
    if (str_find(in, '%') != STR_NONE || (plus_blank && str_find(in, '+') != STR_NONE)) {
        char *text = arena_new(a, in.len);
        size_t len = decode(in, plus_blank, text);
        if (len == STR_NONE)
            return fail(err, E_BAD, "a percent sign is not followed by two hex digits");
        *out = (str){text, len};
    }
    if (str_find(*out, '\0') != STR_NONE)
        return fail(err, E_BAD, "a percent-encoded NUL");
    if (!str_utf8(*out))
        return fail(err, E_BAD, "percent-encoded text is not UTF-8");
    return 0;
}

void url_encode(struct buf *b, str in)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        if (ascii_alpha((char)c) || ascii_digit((char)c) || (c && strchr("-._~", c))) {
            buf_char(b, (char)c);
            continue;
        }
        buf_char(b, '%');
        buf_char(b, digits[c >> 4]);
        buf_char(b, digits[c & 15]);
    }
}

static bool refuse(struct fault *fault, const char *why)
{
    *fault = (struct fault){400, why};
    return false;
}

/* pchar and "/" of RFC 3986 3.3. *odd: a segment is empty or begins with a dot. */
static bool raw_fine(str raw, bool *escapes, bool *odd)
{
    unsigned char before = 0;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        if (!(http__class[c] & CLASS_PATH))
            return false;
        *escapes |= c == '%';
        *odd |= before == '/' && (c == '/' || c == '.');
        before = c;
    }
    return true;
}

static bool segments_fine(str path, struct fault *fault)
{
    size_t from = 1;
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/')
            continue;
        str segment = {path.ptr + from, i - from};
        if (str_is(segment, ".") || str_is(segment, ".."))
            return refuse(fault, "the path has a dot segment");
        if (!segment.len && i < path.len)
            return refuse(fault, "the path has an empty segment");
        from = i + 1;
    }
    return true;
}

/* Decodes raw into out, an encoded slash to PATH_SLASH; the length, or STR_NONE on a fault. */
static size_t path_decode(str raw, char *out, bool *slash, struct fault *fault)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        int c = (unsigned char)raw.ptr[i];
        if (c == '%') {
            str rest = str_from(raw, i);
            int high = rest.len < 3 ? -1 : hex_digit(rest.ptr[1]);
            int low = rest.len < 3 ? -1 : hex_digit(rest.ptr[2]);
            if (high < 0 || low < 0) {
                refuse(fault, "a percent sign in the path is not followed by two hex digits");
                return STR_NONE;
            }
            c = high << 4 | low;
            i += 2;
            if (c < 0x20 || c == 0x7f) {
                refuse(fault, "the path has a percent-encoded control character");
                return STR_NONE;
            }
            *slash = *slash || c == '/';
            c = c == '/' ? PATH_SLASH : c;
        }
        out[n++] = (char)c;
    }
    return n;
}

str path_show(struct arena *a, str segments)
{
    str copy = arena_str(a, segments);
    char *text = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < copy.len; i++) {
        if (text[i] == PATH_SLASH)
            text[i] = '/';
    }
    return copy;
}

bool path_clean(struct arena *a, str raw, str *path, str *segments, struct fault *fault)
{
    bool slash = false, escapes = false, odd = false;
    *path = *segments = raw;
    if (str_is(raw, "*"))
        return true;
    if (!raw.len || raw.ptr[0] != '/' || !raw_fine(raw, &escapes, &odd))
        return refuse(fault, "a character in the path must be percent-encoded");
    if (UNLIKELY(escapes)) {
        char *text = arena_try(a, raw.len);
        if (!text)
            return refuse(fault, "the path needs more memory than a request may use");
        size_t len = path_decode(raw, text, &slash, fault);
        if (len == STR_NONE)
            return false;
        *path = *segments = (str){text, len};
        if (!str_utf8(*path))
            return refuse(fault, "the path is not UTF-8");
    }
    if ((escapes || odd) && !segments_fine(*segments, fault))
        return false;
    if (slash)
        *path = path_show(a, *segments);
    return true;
}
