/* address.c -- where a request is from. SPDX: Apache-2.0
 * Anybody can write X-Forwarded-For; what a proxy of ours adds stands at its right end. So the list
 * is walked from the right, beginning with who is connected, as long as each one is trusted: the
 * first who is not is the client. What stands left of it is hearsay.
 * A header with both forms came through a proxy that knows only one of them, so the other is the
 * client's own invention; with `auto` they must agree, else it counts as from the proxy. */
#include "edge/edge_priv.h"

#include <arpa/inet.h>

/* ---- texts ---- */

/* Four numbers to 255, no leading zeros: the usual form, without the library's detours. */
static bool parse_v4(str text, uint8_t *out)
{
    unsigned n = 0, digits = 0, dots = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : '.';
        if (c == '.') {
            if (digits == 0 || dots == 4)
                return false;
            out[dots++] = (uint8_t)n;
            n = digits = 0;
            continue;
        }
        if (!ascii_digit(c) || (digits && n == 0))
            return false;
        n = n * 10 + (unsigned)(c - '0');
        digits++;
        if (n > 255)
            return false;
    }
    return dots == 4;
}

bool address_parse(str text, struct address *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char room[INET6_ADDRSTRLEN];
    memcpy(out->bytes, mapped, sizeof mapped);
    if (parse_v4(text, out->bytes + 12))
        return true;
    if (text.len == 0 || text.len >= sizeof room || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(room, text.ptr, text.len);
    room[text.len] = '\0';
    return inet_pton(AF_INET6, room, out->bytes) == 1;
}

/* An address as proxies write it: with a port or not, IPv6 in brackets or not. */
static bool node_parse(str text, struct address *out)
{
    text = str_trim(text);
    if (str_starts(text, LIT("["))) {
        size_t end = str_find(text, ']');
        return end != STR_NONE && address_parse(str_from(str_upto(text, end), 1), out);
    }
    size_t colon = str_find(text, ':');
    if (colon != STR_NONE && str_rfind(text, ':') == colon)
        text = str_upto(text, colon);
    return address_parse(text, out);
}

static const char *add(struct network *list, size_t *count, const char *address, unsigned bits)
{
    struct network *n = &list[(*count)++];
    n->bits = bits;
    BUG_ON(!address_parse(str_of(address), &n->at));
    return NULL;
}

const char *network_parse(str text, struct network *list, size_t *count, bool *unix_socket)
{
    enum { V4 = 96 };
    uint64_t bits;
    if (str_is(text, "unix")) {
        *unix_socket = true;
        return NULL;
    }
    if (str_is(text, "loopback")) {
        add(list, count, "127.0.0.0", V4 + 8);
        return add(list, count, "::1", 128);
    }
    if (str_is(text, "private")) {
        add(list, count, "10.0.0.0", V4 + 8);
        add(list, count, "172.16.0.0", V4 + 12);
        add(list, count, "192.168.0.0", V4 + 16);
        return add(list, count, "fc00::", 7);
    }
    str rest = text, address = str_cut(&rest, '/');
    struct network *n = &list[*count];
    if (!address_parse(address, &n->at))
        return "expected an address, a network as 10.0.0.0/8, or `loopback`, `private`, `unix`";
    unsigned base = str_find(address, ':') == STR_NONE ? V4 : 0;
    n->bits = 128;
    if (rest.ptr && (!str_to_u64(rest, &bits) || bits > 128 - base))
        return "the number behind the slash is too large";
    if (rest.ptr)
        n->bits = base + (unsigned)bits;
    if (n->bits == base)
        return "trusting everybody lets each client choose its own address";
    ++*count;
    return NULL;
}

static bool inside(const struct network *n, const struct address *a)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->at.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || (n->at.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

static bool trusted(const struct edge_proxies *p, const struct address *a)
{
    for (size_t i = 0; i < p->count; i++)
        if (inside(&p->list[i], a))
            return true;
    return false;
}

/* ---- lists in headers, from the right ---- */

struct walk {
    const struct request *rq;
    str name;
    size_t line; /* headers from here on are done */
    str rest;    /* of the present line; ptr NULL: the next one */
};

/* The last comma of s that is not in quotes. */
static size_t last_comma(str s)
{
    bool quoted = false;
    for (size_t i = s.len; i-- > 0;) {
        if (s.ptr[i] == '"' && (i == 0 || s.ptr[i - 1] != '\\'))
            quoted = !quoted;
        else if (s.ptr[i] == ',' && !quoted)
            return i;
    }
    return STR_NONE;
}

static bool next_element(struct walk *w, str *out)
{
    while (!w->rest.ptr) {
        if (w->line == 0)
            return false;
        const struct header *h = &w->rq->headers[--w->line];
        if (str_eqi(h->name, w->name))
            w->rest = h->value;
    }
    size_t comma = last_comma(w->rest);
    *out = str_trim(comma == STR_NONE ? w->rest : str_from(w->rest, comma + 1));
    w->rest = comma == STR_NONE ? (str){NULL, 0} : str_upto(w->rest, comma);
    return true;
}

/* A parameter of a Forwarded element (RFC 7239 4), without its quotes; ptr NULL: it has none. Not
 * by param_next: no semicolon leads here, and proxies write ports and IPv6 without the quotes that
 * it wants. */
static str forwarded(str element, const char *name)
{
    while (element.ptr) {
        str value = str_trim(str_cut(&element, ';')), key = str_cut(&value, '=');
        if (!value.ptr || !str_eqi(str_trim(key), str_of(name)))
            continue;
        value = str_trim(value);
        if (value.len > 1 && value.ptr[0] == '"' && str_ends(value, LIT("\"")))
            value = str_from(str_upto(value, value.len - 1), 1);
        return value;
    }
    return (str){NULL, 0};
}

/* The client according to one header, seen from peer, who is trusted (and has no address when it is
 * on a unix socket). */
static struct address walk_back(const struct edge_proxies *p, const struct request *rq,
                                enum edge_proxy_header header, struct address peer)
{
    enum { HOPS_MOST = 64 };
    bool rfc = header == PROXY_FORWARDED;
    struct walk w = {.rq = rq,
                     .name = rfc ? LIT("Forwarded") : LIT("X-Forwarded-For"),
                     .line = rq->header_count};
    struct address at = peer, next;
    str element;
    for (int hops = 0; hops < HOPS_MOST && (hops == 0 || trusted(p, &at)); hops++) {
        if (!next_element(&w, &element) ||
            !node_parse(rfc ? forwarded(element, "for") : element, &next))
            break; /* unknown, or hidden: the proxy that says so stands for it */
        at = next;
    }
    return at;
}

bool address__client(const struct edge_proxies *p, const struct request *rq, str peer,
                     struct address *out)
{
    bool known = address_parse(peer, out);
    if (!known)
        *out = (struct address){{0}};
    if (known ? !trusted(p, out) : !(p->unix_socket && str_is(peer, "unix")))
        return known;
    bool x = request_header(rq, LIT("X-Forwarded-For")).ptr && p->header != PROXY_FORWARDED;
    bool f = request_header(rq, LIT("Forwarded")).ptr && p->header != PROXY_X_FORWARDED_FOR;
    if (!x && !f)
        return known;
    struct address by_x = walk_back(p, rq, PROXY_X_FORWARDED_FOR, *out);
    struct address by_f = walk_back(p, rq, PROXY_FORWARDED, *out);
    if (x && f && memcmp(&by_x, &by_f, sizeof by_x) != 0)
        return known;
    *out = x ? by_x : by_f;
    return true;
}

/* Where no proxy is trusted, nothing has to be read: this runs for most requests. */
bool edge_client(const struct edge *e, const struct request *rq, struct address *out)
{
    const uint8_t *ip = request_peer_ip(rq);
    if (ip && !e->config.proxies.count) {
        memcpy(out->bytes, ip, sizeof out->bytes);
        return true;
    }
    return address__client(&e->config.proxies, rq, request_peer(rq), out);
}

str edge_client_text(const struct edge *e, struct request *rq, bool network)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    char text[INET6_ADDRSTRLEN];
    struct address at;
    if (!edge_client(e, rq, &at))
        return LIT("unix");
    bool four = memcmp(at.bytes, mapped, sizeof mapped) == 0;
    for (unsigned bit = e->config.ipv6_bits; network && !four && bit < 128; bit++)
        at.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    const void *from = four ? at.bytes + sizeof mapped : at.bytes;
    if (!inet_ntop(four ? AF_INET : AF_INET6, from, text, sizeof text))
        return LIT("unix");
    return arena_str(&rq->arena, str_of(text));
}

bool address__secure(const struct edge_proxies *p, const struct request *rq, str peer)
{
    struct address at;
    str element;
    bool known = address_parse(peer, &at);
    if (known ? !trusted(p, &at) : !(p->unix_socket && str_is(peer, "unix")))
        return false;
    struct walk w = {.rq = rq, .name = LIT("X-Forwarded-Proto"), .line = rq->header_count};
    if (p->header != PROXY_FORWARDED && next_element(&w, &element))
        return str_eqi(element, LIT("https"));
    w = (struct walk){.rq = rq, .name = LIT("Forwarded"), .line = rq->header_count};
    return p->header != PROXY_X_FORWARDED_FOR && next_element(&w, &element) &&
           str_eqi(forwarded(element, "proto"), LIT("https"));
}

bool edge_secure(const struct edge *e, const struct request *rq)
{
    return address__secure(&e->config.proxies, rq, request_peer(rq));
}
