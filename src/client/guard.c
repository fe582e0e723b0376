/* guard.c -- where a call may go. SPDX: Apache-2.0
 * Why: a URL that a client chose must not reach what only this machine can reach (CWE-918). A name
 * is resolved again when the connection is made, so what counts is the address that is connected
 * to: it is looked at right before, and nothing can change it between. */
#include "client/client_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>

struct block {
    uint8_t at[16];
    unsigned bits;
};

/* IANA's special-purpose registries (RFC 6890), and an address of Azure's that answers only inside.
 */
static const struct block special_v4[] = {{{0}, 8},
                                          {{10}, 8},
                                          {{100, 64}, 10},
                                          {{127}, 8},
                                          {{169, 254}, 16},
                                          {{172, 16}, 12},
                                          {{192, 0, 0}, 24},
                                          {{192, 0, 2}, 24},
                                          {{192, 88, 99}, 24},
                                          {{192, 168}, 16},
                                          {{198, 18}, 15},
                                          {{198, 51, 100}, 24},
                                          {{203, 0, 113}, 24},
                                          {{224}, 4},
                                          {{240}, 4},
                                          {{168, 63, 129, 16}, 32}};

/* Inside 2000::/3, which is all that is public; the rest is refused as a whole. */
static const struct block special_v6[] = {
    {{0x20, 0x01}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02}, 16}, {{0x3f, 0xff}, 20}};

static bool inside(const struct block *b, const uint8_t *address)
{
    unsigned bytes = b->bits / 8, rest = b->bits % 8;
    if (memcmp(b->at, address, bytes) != 0)
        return false;
    return rest == 0 || (b->at[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

static bool among(const struct block *list, size_t count, const uint8_t *address)
{
    for (size_t i = 0; i < count; i++) {
        if (inside(&list[i], address))
            return true;
    }
    return false;
}

bool client_special(const uint8_t *address, size_t len)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (len == 4)
        return among(special_v4, COUNT_OF(special_v4), address);
    if (memcmp(address, mapped, sizeof mapped) == 0 || memcmp(address, nat64, sizeof nat64) == 0)
        return among(special_v4, COUNT_OF(special_v4), address + 12);
    return (address[0] & 0xe0) != 0x20 || among(special_v6, COUNT_OF(special_v6), address);
}

/* ---- what the settings allow ---- */

static bool address_of(str text, uint8_t out[16], size_t *len)
{
    char room[INET6_ADDRSTRLEN];
    if (text.len > 2 && text.ptr[0] == '[' && str_ends(text, LIT("]")))
        text = str_from(str_upto(text, text.len - 1), 1);
    if (text.len == 0 || text.len >= sizeof room || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(room, text.ptr, text.len);
    room[text.len] = '\0';
    *len = 4;
    if (inet_pton(AF_INET, room, out) == 1)
        return true;
    *len = 16;
    return inet_pton(AF_INET6, room, out) == 1;
}

/* An address or a network: 10.0.0.0/8. */
static bool block_of(str item, struct block *out, size_t *len)
{
    uint64_t bits;
    str rest = item, address = str_cut(&rest, '/');
    memset(out, 0, sizeof *out);
    if (!address_of(address, out->at, len))
        return false;
    out->bits = (unsigned)*len * 8;
    if (!rest.ptr)
        return true;
    if (!str_to_u64(rest, &bits) || bits > out->bits)
        return false;
    out->bits = (unsigned)bits;
    return true;
}

static bool host_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '.' || c == '_';
}

/* HOST or HOST:PORT; *port 0: any. */
static bool host_of(str item, str *host, uint64_t *port)
{
    size_t colon = str_find(item, ':');
    *host = str_upto(item, colon);
    *port = 0;
    if (colon != STR_NONE &&
        (!str_to_u64(str_from(item, colon + 1), port) || *port == 0 || *port > 65535))
        return false;
    for (size_t i = 0; i < host->len; i++) {
        if (!host_char(host->ptr[i]))
            return false;
    }
    return host->len > 0 && host->len < 254;
}

const char *client_allow_fault(str item)
{
    struct block b;
    size_t len;
    str host;
    uint64_t port;
    if (str_is(item, "loopback") || str_is(item, "private") || block_of(item, &b, &len))
        return NULL;
    if (str_find(item, '/') == STR_NONE && host_of(item, &host, &port))
        return NULL;
    return "expected HOST, HOST:PORT, an address, a network as 10.0.0.0/8, `loopback` or `private`";
}

bool guard__named(str allow, str host, unsigned port)
{
    if (str_ends(host, LIT(".")))
        host.len--;
    while (allow.ptr) {
        str item = str_trim(str_cut(&allow, ',')), name;
        uint64_t only;
        if (host_of(item, &name, &only) && str_eqi(name, host) && (!only || only == port))
            return true;
    }
    return false;
}

static bool private_word(const uint8_t *address, size_t len)
{
    static const struct block v4[] = {{{10}, 8}, {{172, 16}, 12}, {{192, 168}, 16}};
    static const struct block v6 = {{0xfc}, 7};
    static const struct block metadata = {{0xfd, 0, 0x0e, 0xc2}, 32};
    return len == 4 ? among(v4, COUNT_OF(v4), address)
                    : inside(&v6, address) && !inside(&metadata, address);
}

static bool loopback_word(const uint8_t *address, size_t len)
{
    static const uint8_t one[16] = {[15] = 1};
    return len == 4 ? address[0] == 127 : memcmp(address, one, sizeof one) == 0;
}

static bool allowed(str allow, const uint8_t *address, size_t len)
{
    while (allow.ptr) {
        str item = str_trim(str_cut(&allow, ','));
        struct block b;
        size_t size;
        if (str_is(item, "private") && private_word(address, len))
            return true;
        if (str_is(item, "loopback") && loopback_word(address, len))
            return true;
        if (block_of(item, &b, &size) && size == len && inside(&b, address))
            return true;
    }
    return false;
}

static bool passes(const struct guard *g, const uint8_t *address, size_t len)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (!client_special(address, len) || allowed(g->allow, address, len))
        return true;
    return len == 16 && memcmp(address, mapped, sizeof mapped) == 0 &&
           allowed(g->allow, address + 12, 4);
}

bool guard__passes(const struct guard *g, const struct sockaddr *to)
{
    if (g->named)
        return true;
    if (to->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, to, sizeof in);
        return passes(g, (const uint8_t *)&in.sin_addr, 4);
    }
    if (to->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, to, sizeof in);
        return passes(g, in.sin6_addr.s6_addr, 16);
    }
    return false;
}

bool guard__refuses_text(const struct guard *g, str host)
{
    uint8_t address[16];
    size_t len;
    return !g->named && address_of(host, address, &len) && !passes(g, address, len);
}
