/* head.c -- request line and headers, strictly. SPDX: Apache-2.0
 * RFC 9112 sections 2, 3, 5, 6; RFC 9110 sections 5, 7.2. Whatever two servers could read in two
 * ways is refused with 400: that is what request smuggling is made of. Pure: bytes in, slices out.
 */
#include "http/http_priv.h"

#include <arpa/inet.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- characters ---- */

/* From the blank on; all others are in none. */
const unsigned char http__class[256] = {
    [0x20] = 0, 15, 2,  1,  15, 15, 15, 15, 14, 14, 15, 15, 10, 15, 15, 10, 15, 15, 15, 15,
    15,         15, 15, 15, 15, 15, 10, 14, 2,  14, 2,  2,  10, 15, 15, 15, 15, 15, 15, 15,
    15,         15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 2,
    2,          2,  3,  15, 3,  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15,         15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 2,  3,  2,  15, 0,
};

size_t token_length(str s)
{
    size_t n = 0;
    while (n < s.len && http__class[(unsigned char)s.ptr[n]] & CLASS_TOKEN)
        n++;
    return n;
}

#ifdef __SSE2__
/* Bits of the control characters but tab among 16 bytes. */
static unsigned controls(const char *p)
{
    const __m128i space = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7f), tab = _mm_set1_epi8('\t');
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* unsigned v >= 0x20: max(v, 0x20) == v */
    __m128i fine = _mm_cmpeq_epi8(_mm_max_epu8(v, space), v);
    fine = _mm_or_si128(fine, _mm_cmpeq_epi8(v, tab));
    fine = _mm_andnot_si128(_mm_cmpeq_epi8(v, del), fine);
    return ~(unsigned)_mm_movemask_epi8(fine) & 0xffff;
}

/* Bits of LF and NUL among 16 bytes. */
static unsigned stops(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i lf = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(lf, _mm_cmpeq_epi8(v, _mm_setzero_si128())));
}

/* The first byte of s from `at` on that `among` has, or s.len. The last bytes are looked at
 * together with some before them. */
#define SCAN(s, at, among)                                                                         \
    do {                                                                                           \
        unsigned bits_;                                                                            \
        for (; (at) + 16 <= (s).len; (at) += 16)                                                   \
            if ((bits_ = among((s).ptr + (at))) != 0)                                              \
                return (at) + (size_t)__builtin_ctz(bits_);                                        \
        if ((s).len >= 16 && (at) < (s).len) {                                                     \
            size_t from_ = (s).len - 16;                                                           \
            bits_ = among((s).ptr + from_) >> ((at)-from_);                                        \
            return bits_ ? (at) + (size_t)__builtin_ctz(bits_) : (s).len;                          \
        }                                                                                          \
    } while (0)
#else
#define SCAN(s, at, among) ((void)0)
#endif

/* The first control character other than a tab, from `at` on, or s.len. */
static size_t control_at(str s, size_t at)
{
    SCAN(s, at, controls);
    for (; at < s.len; at++) {
        unsigned char c = (unsigned char)s.ptr[at];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            break;
    }
    return at;
}

/* The first LF or NUL from `at` on, or s.len. */
static size_t stop_at(str s, size_t at)
{
    SCAN(s, at, stops);
    while (at < s.len && s.ptr[at] != '\n' && s.ptr[at] != '\0')
        at++;
    return at;
}

static bool refuse(struct fault *fault, int status, const char *why)
{
    *fault = (struct fault){status, why};
    return false;
}

/* ---- the end of a head ---- */

/* One line that ends at ptr[end], a LF. 1: it is the empty one, 0: go on, -1: fault. */
static int take_line(struct head_scan *scan, const char *ptr, size_t end, struct fault *fault)
{
    if (end == 0 || ptr[end - 1] != '\r') {
        refuse(fault, 400, "a line ends in LF without CR");
        return -1;
    }
    bool empty = end - 1 == scan->line;
    bool first = empty && end == 1; /* RFC 9112 2.2: one of them before a request is passed over */
    scan->at = scan->line = end + 1;
    if (first)
        scan->skipped = 2;
    return empty && !first;
}

ssize_t head_find(struct head_scan *scan, str in, size_t most, struct fault *fault)
{
    size_t len = in.len < most ? in.len : most;
    while (scan->at < len) {
        size_t end = stop_at(str_upto(in, len), scan->at);
        if (end < len && in.ptr[end] == '\0') {
            refuse(fault, 400, "a NUL byte in the request's head");
            return -1;
        }
        scan->at = end;
        int rc = end < len ? take_line(scan, in.ptr, end, fault) : 0;
        if (rc)
            return rc < 0 ? -1 : (ssize_t)(end + 1);
    }
    if (in.len < most)
        return 0;
    bool line = scan->line == scan->skipped;
    refuse(fault, line ? 414 : 431,
           line ? "the request line is longer than the limit"
                : "the headers are larger than the limit");
    return -1;
}

/* ---- the request line ---- */

const char *method_name(enum method m)
{
    static const char *const names[METHOD__COUNT] = {"GET",   "HEAD",   "POST",    "PUT",
                                                     "PATCH", "DELETE", "OPTIONS", "OTHER"};
    return m < METHOD__COUNT ? names[m] : "OTHER";
}

static enum method method_of(str s)
{
    if (LIKELY(str_is(s, "GET")))
        return METHOD_GET;
    for (int m = 0; m < METHOD_OTHER; m++) {
        if (str_is(s, method_name((enum method)m)))
            return (enum method)m;
    }
    return METHOD_OTHER;
}

/* Digits of a port number, or nothing: "x:" is the default port (RFC 3986 3.2.3). */
static bool port_fine(str port)
{
    uint64_t n;
    return !port.len || (port.len <= 5 && str_to_u64(port, &n) && n <= 65535);
}

/* What stands in [ ]: an IPv6 address without a zone. IPvFuture has no user. */
static bool ipv6_fine(str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (s.len >= sizeof text)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return inet_pton(AF_INET6, text, &addr) == 1;
}

/* reg-name or IPv4, but no comma: that is what two Host lines look like when somebody on the way
 * has made one of them. */
static bool name_fine(str s)
{
    size_t escape = 0, plain = 0; /* escape: hex digits that must follow */
    while (plain < s.len && s.ptr[plain] != '%' &&
           http__class[(unsigned char)s.ptr[plain]] & CLASS_HOST)
        plain++;
    if (LIKELY(plain == s.len))
        return plain > 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], low = ascii_lower(c);
        if (escape && !ascii_digit(c) && !(low >= 'a' && low <= 'f'))
            return false;
        if (!(http__class[(unsigned char)c] & CLASS_HOST))
            return false;
        escape = escape ? escape - 1 : c == '%' ? 2 : 0;
    }
    return s.len > 0 && !escape;
}

/* Takes HOST or HOST:PORT apart. */
static void host_split(str host, str *name, str *port)
{
    size_t from = host.len && host.ptr[0] == '[' ? str_find(host, ']') : 0;
    size_t colon = from == STR_NONE ? STR_NONE : str_find(str_from(host, from), ':');
    *name = colon == STR_NONE ? host : str_upto(host, from + colon);
    *port = colon == STR_NONE ? (str){"", 0} : str_from(host, from + colon + 1);
}

/* RFC 3986 3.2.2 and 3.2.3 without userinfo: reg-name, IPv4 or [IPv6], and a port. */
static bool host_fine(str host)
{
    enum { NAME_MOST = 255 };
    str name, port;
    host_split(host, &name, &port);
    if (!name.len || name.len > NAME_MOST || !port_fine(port))
        return false;
    if (name.ptr[0] != '[')
        return name_fine(name);
    return name.ptr[name.len - 1] == ']' && ipv6_fine(str_from(str_upto(name, name.len - 1), 1));
}

/* The same place: case plays no part, and 80 is the port when none is named. */
static bool host_same(str a, str b)
{
    str name_a, name_b, port_a, port_b;
    uint64_t n_a = 80, n_b = 80;
    host_split(a, &name_a, &port_a);
    host_split(b, &name_b, &port_b);
    if (port_a.len)
        str_to_u64(port_a, &n_a);
    if (port_b.len)
        str_to_u64(port_b, &n_b);
    return n_a == n_b && str_eqi(name_a, name_b);
}

static bool absolute_form(struct head *h, str *rest, struct fault *fault)
{
    if (str_eqi(str_upto(h->target, 8), LIT("https://")))
        return refuse(fault, 421, "this is no secured connection"); /* RFC 9110 7.4 */
    if (!str_eqi(str_upto(h->target, 7), LIT("http://")))
        return refuse(fault, 400, "the request target is neither a path nor an http URL");
    str s = str_from(h->target, 7);
    size_t end = 0;
    while (end < s.len && s.ptr[end] != '/' && s.ptr[end] != '?')
        end++;
    h->host = str_upto(s, end);
    if (!host_fine(h->host))
        return refuse(fault, 400, "the host of the request target is malformed");
    *rest = str_from(s, end);
    if (!rest->len && h->method == METHOD_OPTIONS)
        *rest = LIT("*"); /* RFC 9112 3.2.4 */
    return true;
}

static bool take_target(struct head *h, struct fault *fault)
{
    str rest = h->target;
    if (!str_is(rest, "*") && rest.ptr[0] != '/' && !absolute_form(h, &rest, fault))
        return false;
    if (str_is(rest, "*") && h->method != METHOD_OPTIONS)
        return refuse(fault, 400, "the target * is for OPTIONS only");
    size_t mark = str_find(rest, '?');
    h->path = str_upto(rest, mark);
    if (!h->path.len)
        h->path = LIT("/");
    h->query = mark == STR_NONE ? (str){NULL, 0} : str_from(rest, mark + 1);
    return true;
}

/* The line that text begins with, without its CRLF. The target begins at `from`; *space: where it
 * ends. False: there is a character in it that may not be, or none at all. Most lines end where the
 * version does, which is looked at first. */
static bool line_find(str text, size_t from, str *line, size_t *space)
{
    enum { VERSION = sizeof "HTTP/1.1" - 1 };
    size_t at = from;
    while (at < text.len && http__class[(unsigned char)text.ptr[at]] & CLASS_TARGET)
        at++;
    size_t end = at + 1 + VERSION;
    *space = at;
    *line = str_upto(text, end);
    if (LIKELY(end + 2 <= text.len && text.ptr[at] == ' ' && text.ptr[end] == '\r' &&
               text.ptr[end + 1] == '\n'))
        return true;
    size_t lf = str_find(text, '\n');
    BUG_ON(lf == STR_NONE || lf == 0);
    *line = str_upto(text, lf - 1);
    size_t blank = str_find(str_from(*line, from), ' ');
    *space = blank == STR_NONE ? from : from + blank;
    return false;
}

/* Gives the length of the line, 0: it is refused. */
static size_t request_line(str text, const struct http_limits *limits, struct head *h,
                           struct fault *fault)
{
    str line;
    size_t n = token_length(text), space;
    if (n == 0 || n >= text.len || text.ptr[n] != ' ')
        return refuse(fault, 400, "the request line has no valid method");
    h->method_text = str_upto(text, n);
    h->method = method_of(h->method_text);
    bool fine = line_find(text, n + 1, &line, &space);
    if (space == n + 1)
        return refuse(fault, 400, "the request line is not METHOD TARGET HTTP/1.1");
    h->target = str_from(str_upto(line, space), n + 1);
    str version = str_from(line, space + 1);
    if (version.len != 8 || !str_starts(version, LIT("HTTP/")) || !ascii_digit(version.ptr[5]) ||
        version.ptr[6] != '.' || !ascii_digit(version.ptr[7]))
        return refuse(fault, 400, "the request line does not end in an HTTP version");
    /* RFC 9110 2.5 would have 1.2 to 1.9 read as 1.1. Nobody sends them but to see who differs. */
    if (version.ptr[5] != '1' || version.ptr[7] > '1')
        return refuse(fault, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    h->minor = (unsigned)(version.ptr[7] - '0');
    if (h->target.len > limits->max_target)
        return refuse(fault, 414, "the request target is longer than the limit");
    if (h->method == METHOD_OTHER)
        return refuse(fault, 501, "the method is not implemented");
    if (!fine)
        return refuse(fault, 400, "a character in the request target must be percent-encoded");
    return take_target(h, fault) ? line.len + 2 : 0;
}

/* ---- header lines ---- */

bool header_line(str line, struct header *out)
{
    size_t n = token_length(line);
    if (n == 0 || n >= line.len || line.ptr[n] != ':')
        return false;
    out->name = str_upto(line, n);
    out->value = str_trim(str_from(line, n + 1));
    return control_at(out->value, 0) == out->value.len;
}

/* The header line that text begins with: its length with CRLF, or 0. */
static size_t take_header(str text, struct header *out)
{
    size_t n = token_length(text);
    if (n == 0 || n >= text.len || text.ptr[n] != ':')
        return 0;
    size_t end = control_at(text, n + 1);
    if (end + 2 > text.len || text.ptr[end] != '\r' || text.ptr[end + 1] != '\n')
        return 0;
    out->name = str_upto(text, n);
    out->value = str_trim(str_from(str_upto(text, end), n + 1));
    return end + 2;
}

/* Nothing but one blank at most stands round the value. Blanks and tabs are allowed there (RFC 9110
 * 5.5), but only attackers write them in a Transfer-Encoding. The line must end in CRLF. */
static bool is_plain(const struct header *x)
{
    const char *colon = x->name.ptr + x->name.len;
    ptrdiff_t gap = x->value.ptr - colon - 1;
    return (gap == 0 || (gap == 1 && colon[1] == ' ')) && x->value.ptr[x->value.len] == '\r';
}

/* What framing and connection need to know, gathered while the lines go by. */
struct framing {
    unsigned hosts, lengths, codings;
    str host, length, coding;
    bool plain; /* the coding is_plain */
    bool close, keep;
};

static bool connection_options(str value, struct framing *f)
{
    while (value.ptr) {
        str option = str_trim(str_cut(&value, ','));
        if (str_eqi(option, LIT("close")))
            f->close = true;
        else if (str_eqi(option, LIT("keep-alive")))
            f->keep = true;
        else if (option.len && token_length(option) != option.len)
            return false;
    }
    return true;
}

static bool known_header(const struct header *x, struct framing *f, struct head *h,
                         struct fault *fault)
{
    switch (x->name.len) {
    case 4:
        if (str_eqi(x->name, LIT("Host"))) {
            f->hosts++;
            f->host = x->value;
        }
        return true;
    case 6:
        if (str_eqi(x->name, LIT("Expect"))) {
            h->expect = str_eqi(x->value, LIT("100-continue"));
            if (!h->expect && h->minor)
                return refuse(fault, 417, "the only expectation met is 100-continue");
        }
        return true;
    case 10:
        if (str_eqi(x->name, LIT("Connection")) && !connection_options(x->value, f))
            return refuse(fault, 400, "the Connection header is malformed");
        return true;
    case 14:
        if (str_eqi(x->name, LIT("Content-Length"))) {
            f->lengths++;
            f->length = x->value;
        }
        return true;
    case 17:
        if (str_eqi(x->name, LIT("Transfer-Encoding"))) {
            f->codings++;
            f->coding = x->value;
            f->plain = is_plain(x);
        }
        return true;
    default:
        return true;
    }
}

/* RFC 9112 6.3, with every doubtful case refused. */
static bool take_framing(const struct framing *f, struct head *h, struct fault *fault)
{
    if (f->codings && f->lengths)
        return refuse(fault, 400, "both Content-Length and Transfer-Encoding");
    if (f->codings > 1)
        return refuse(fault, 400, "Transfer-Encoding more than once");
    if (f->codings && h->minor == 0)
        return refuse(fault, 400, "Transfer-Encoding in HTTP/1.0");
    if (f->codings && (!f->plain || !str_eqi(f->coding, LIT("chunked"))))
        return refuse(fault, 400, "the only Transfer-Encoding understood is chunked");
    h->chunked = f->codings == 1;
    h->length = -1;
    if (f->lengths > 1)
        return refuse(fault, 400, "Content-Length more than once");
    if (f->lengths) {
        uint64_t n;
        if (f->length.len > 19 || !str_to_u64(f->length, &n) || n > INT64_MAX)
            return refuse(fault, 400, "Content-Length is not a number");
        h->length = (int64_t)n;
    }
    return true;
}

static bool take_host(const struct framing *f, struct head *h, struct fault *fault)
{
    if (f->hosts > 1)
        return refuse(fault, 400, "Host more than once");
    if (!f->hosts && h->minor == 1)
        return refuse(fault, 400, "HTTP/1.1 needs a Host header");
    if (f->hosts && !host_fine(f->host))
        return refuse(fault, 400, "the Host header is malformed");
    if (h->host.ptr && f->hosts && !host_same(h->host, f->host))
        return refuse(fault, 400, "Host and request target name different hosts");
    if (!h->host.ptr)
        h->host = f->host;
    return true;
}

bool head_parse(str text, const struct http_limits *limits, struct header *headers, struct head *h,
                struct fault *fault)
{
    struct framing f = {0};
    *h = (struct head){.headers = headers};
    size_t len = request_line(text, limits, h, fault);
    if (!len)
        return false;
    for (text = str_from(text, len); text.len > 2; text = str_from(text, len)) {
        if (h->header_count == limits->max_headers)
            return refuse(fault, 431, "more header lines than the limit");
        struct header *x = &headers[h->header_count++];
        len = take_header(text, x);
        if (!len)
            return refuse(fault, 400, "a header line is not NAME: VALUE");
        h->names |= header_bit(x->name);
        if (!known_header(x, &f, h, fault))
            return false;
    }
    h->close = f.close || (h->minor == 0 && !f.keep);
    if (h->minor == 0)
        h->expect = false; /* RFC 9110 10.1.1 */
    return take_host(&f, h, fault) && take_framing(&f, h, fault);
}
