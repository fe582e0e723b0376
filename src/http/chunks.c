/* chunks.c -- a chunked body, decoded in place as it arrives. SPDX: Apache-2.0
 * RFC 9112 section 7.1. Sizes are plain hex digits with nothing around them; extensions must be
 * well-formed and are passed over; trailers must be header lines that frame nothing. */
#include "http/http_priv.h"

enum { LINE_MOST = 256, OVERHEAD_MOST = 8192 };

static int refuse(struct fault *fault, int status, const char *why)
{
    *fault = (struct fault){status, why};
    return -1;
}

static int hex_digit(char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of a quoted string with both its quotes, 0: it is none. Escapes are refused. */
static size_t quoted_length(str s)
{
    if (!s.len || s.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"')
            return i + 1;
        if (c < 0x20 || c == 0x7f || c == '\\')
            return 0;
    }
    return 0;
}

/* *( ";" token [ "=" ( token / quoted-string ) ] ), no blanks. */
static bool extensions_fine(str s)
{
    while (s.len) {
        if (s.ptr[0] != ';')
            return false;
        size_t n = token_length(str_from(s, 1));
        if (!n)
            return false;
        s = str_from(s, 1 + n);
        if (!s.len || s.ptr[0] != '=')
            continue;
        s = str_from(s, 1);
        n = token_length(s);
        n = n ? n : quoted_length(s);
        if (!n)
            return false;
        s = str_from(s, n);
    }
    return true;
}

static int take_size(struct chunks *c, str line, struct fault *fault)
{
    uint64_t size = 0;
    size_t i = 0;
    for (; i < line.len && hex_digit(line.ptr[i]) >= 0; i++) {
        if (i == 15)
            return refuse(fault, 400, "a chunk size is too long");
        size = size * 16 + (uint64_t)hex_digit(line.ptr[i]);
    }
    if (i == 0)
        return refuse(fault, 400, "a chunk size is not a hex number");
    if (!extensions_fine(str_from(line, i)))
        return refuse(fault, 400, "a chunk extension is malformed");
    c->overhead += line.len - i;
    c->left = size;
    c->state = size ? CHUNK_DATA : CHUNK_TRAILER;
    return 0;
}

static int take_trailer(struct chunks *c, str line, struct fault *fault)
{
    static const char *const forbidden[] = {
        "Content-Length", "Transfer-Encoding", "Host",   "Connection",    "Content-Encoding",
        "Content-Type",   "Trailer",           "Expect", "Authorization", "TE"};
    struct header h;
    if (!line.len) {
        c->state = CHUNK_DONE;
        return 0;
    }
    if (!header_line(line, &h))
        return refuse(fault, 400, "a trailer line is not NAME: VALUE");
    for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
        if (str_eqi(h.name, str_of(forbidden[i])))
            return refuse(fault, 400, "a trailer names a field that frames or routes the message");
    }
    c->overhead += line.len + 2;
    return 0;
}

/* One line of size or trailer. 1: taken, 0: not whole yet, -1: fault. */
static int take_line(struct chunks *c, const char *ptr, size_t len, struct fault *fault)
{
    size_t most = c->state == CHUNK_SIZE ? LINE_MOST : OVERHEAD_MOST;
    str rest = {ptr + c->raw, len - c->raw};
    size_t lf = str_find(str_upto(rest, most), '\n');
    if (lf == STR_NONE) {
        if (rest.len >= most)
            return refuse(fault, c->state == CHUNK_SIZE ? 400 : 431, "a chunk line is too long");
        return 0;
    }
    if (lf == 0 || rest.ptr[lf - 1] != '\r')
        return refuse(fault, 400, "a chunk line ends in LF without CR");
    str line = str_upto(rest, lf - 1);
    int rc = c->state == CHUNK_SIZE ? take_size(c, line, fault) : take_trailer(c, line, fault);
    if (rc < 0)
        return rc;
    if (c->overhead > OVERHEAD_MOST)
        return refuse(fault, 431, "chunk extensions and trailers are larger than the limit");
    c->raw += lf + 1;
    return 1;
}

static int take_data(struct chunks *c, char *ptr, size_t len, size_t max_body, struct fault *fault)
{
    if (c->decoded > max_body || c->left > max_body - c->decoded)
        return refuse(fault, 413, "the body is larger than the limit");
    size_t have = len - c->raw;
    size_t n = have < c->left ? have : (size_t)c->left;
    if (c->decoded != c->raw)
        memmove(ptr + c->decoded, ptr + c->raw, n);
    c->decoded += n;
    c->raw += n;
    c->left -= n;
    if (c->left == 0)
        c->state = CHUNK_END;
    return n ? 1 : 0;
}

static int take_end(struct chunks *c, const char *ptr, size_t len, struct fault *fault)
{
    if (len - c->raw >= 1 && ptr[c->raw] != '\r')
        return refuse(fault, 400, "a chunk does not end where its size says");
    if (len - c->raw < 2)
        return 0;
    if (ptr[c->raw + 1] != '\n')
        return refuse(fault, 400, "a chunk does not end where its size says");
    c->raw += 2;
    c->state = CHUNK_SIZE;
    return 1;
}

int chunks_feed(struct chunks *c, char *ptr, size_t *len, size_t max_body, struct fault *fault)
{
    int rc = 1;
    while (rc > 0 && c->state != CHUNK_DONE) {
        if (c->state == CHUNK_DATA)
            rc = take_data(c, ptr, *len, max_body, fault);
        else if (c->state == CHUNK_END)
            rc = take_end(c, ptr, *len, fault);
        else
            rc = take_line(c, ptr, *len, fault);
    }
    if (rc < 0)
        return -1;
    if (c->state == CHUNK_DONE)
        return 1;
    memmove(ptr + c->decoded, ptr + c->raw, *len - c->raw);
    *len -= c->raw - c->decoded;
    c->raw = c->decoded;
    return 0;
}
