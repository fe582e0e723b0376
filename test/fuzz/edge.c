/* Origins and forwarded addresses as a client may send them: an origin that matches a star is one
 * host below the domain; a client's address comes from the right end, whatever stands before it. */
#include "edge/edge_priv.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void origin(str text)
{
    static const char *const settings[] = {"https://*.example.com", "http://localhost:*"};
    struct cors_origin o;
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        BUG_ON(cors_origin_parse(str_of(settings[i]), &o));
        if (!cors_origin_match(&o, text))
            continue;
        str middle = str_upto(str_from(text, o.before.len), text.len - o.before.len - o.after.len);
        for (size_t k = 0; k < middle.len; k++)
            BUG_ON(strchr("/:@?#%\\ \"*,", middle.ptr[k]));
    }
    if (!cors_origin_parse(text, &o) && !o.star)
        BUG_ON(!cors_origin_match(&o, text));
}

static struct address client(const struct edge_proxies *p, const char *name, str value)
{
    struct header h = {str_of(name), value};
    struct request rq = {.headers = &h, .header_count = 1};
    struct address out;
    BUG_ON(!address__client(p, &rq, LIT("127.0.0.1"), &out));
    address__secure(p, &rq, LIT("127.0.0.1"));
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_make((const char *)data, size);
    struct network list[8], more[8];
    struct edge_proxies p = {.list = list};
    struct address want, got;
    char room[4200];
    if (size > 4000)
        return 0;
    BUG_ON(network_parse(LIT("loopback"), list, &p.count, &p.unix_socket));
    origin(text);
    edge_path(text, LIT("/v1/users/5"));
    edge_path(LIT("/v1/*/x/*"), text);
    client(&p, "X-Forwarded-For", text);
    client(&p, "Forwarded", text);
    size_t count = 0;
    bool unix_socket;
    network_parse(text, more, &count, &unix_socket);
    BUG_ON(count > 4);
    memcpy(room, data, size);
    memcpy(room + size, ", 9.8.7.6", 9);
    BUG_ON(!address_parse(LIT("9.8.7.6"), &want));
    got = client(&p, "X-Forwarded-For", str_make(room, size + 9));
    BUG_ON(memcmp(&got, &want, sizeof got) != 0);
    memcpy(room + size, ",for=9.8.7.6", 12);
    got = client(&p, "Forwarded", str_make(room, size + 12));
    BUG_ON(memcmp(&got, &want, sizeof got) != 0);
    return 0;
}
