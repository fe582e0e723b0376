/* request.c -- what handlers ask of a request. SPDX: Apache-2.0 */
#include "http/http_priv.h"

enum { QUERY_PARAMS_MOST = 256 };

str request_peer(const struct request *rq)
{
    return net_peer(rq->conn->sock);
}

const uint8_t *request_peer_ip(const struct request *rq)
{
    return net_peer_ip(rq->conn->sock);
}

str request__header(const struct request *rq, str name)
{
    for (size_t i = 0; i < rq->header_count; i++) {
        const struct header *h = &rq->headers[i];
        if (str_eqi(h->name, name))
            return h->value;
    }
    return (str){NULL, 0};
}

str request_param(const struct request *rq, str name)
{
    for (size_t i = 0; i < rq->param_count; i++) {
        if (str_eq(rq->params[i].name, name))
            return rq->params[i].value;
    }
    return (str){NULL, 0};
}

int request_query(struct request *rq, const struct param **list, size_t *count, struct err *err)
{
    str rest = rq->query;
    size_t most = 0;
    *list = NULL;
    *count = 0;
    if (!rest.len)
        return 0;
    for (size_t i = 0; i < rest.len; i++)
        most += rest.ptr[i] == '&';
    if (most >= QUERY_PARAMS_MOST)
        return fail(err, E_BAD, "the query string has more than %d parameters", QUERY_PARAMS_MOST);
    struct param *params = ARENA_ARRAY(&rq->arena, struct param, most + 1);
    while (rest.ptr) {
        str pair = str_cut(&rest, '&');
        if (!pair.len)
            continue;
        str name = str_cut(&pair, '=');
        struct param *p = &params[(*count)++];
        TRY(url_decode(&rq->arena, name, true, &p->name, err));
        p->value = (str){"", 0};
        if (pair.ptr)
            TRY(url_decode(&rq->arena, pair, true, &p->value, err));
    }
    *list = params;
    return 0;
}

int request_aim(struct request *rq, str target, struct err *err)
{
    struct fault fault = {0};
    size_t mark = str_find(target, '?');
    rq->target = target;
    rq->query = mark == STR_NONE ? (str){NULL, 0} : str_from(target, mark + 1);
    if (path_clean(&rq->arena, str_upto(target, mark), &rq->path, &rq->segments, &fault))
        return 0;
    return fail(err, E_BAD, "%s", fault.why);
}

int request_body(struct request *rq, str *out, struct err *err)
{
    if (rq->plain.ptr) {
        *out = rq->plain;
        return 0;
    }
    if (rq->conn->streams) /* whoever reads it so says what it was, in plain */
        return fail(err, E_INTERNAL, "the body was read piece by piece");
    TRY(conn__read_body(rq->conn, err));
    *out = conn__body(rq->conn);
    return 0;
}

int request_read(struct request *rq, str *out, struct err *err)
{
    *out = (str){"", 0};
    if (!rq->plain.ptr && rq->conn->streams)
        return conn__read_piece(rq->conn, out, err);
    if (!rq->read)
        TRY(request_body(rq, out, err));
    rq->read = true;
    return 0;
}

/* Eight hex digits, all at once: the lowest four bits become the first digit. */
static void put_hex(char *out, uint32_t n)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t z = n;
    z = (z | z << 16) & 0x0000ffff0000ffffu;
    z = (z | z << 8) & 0x00ff00ff00ff00ffu;
    z = (z | z << 4) & 0x0f0f0f0f0f0f0f0fu;         /* a byte has its four bits */
    uint64_t letter = ((z + 6 * ones) >> 4) & ones; /* 1 where it is above 9 */
    z += '0' * ones + letter * ('a' - '0' - 10);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    z = __builtin_bswap64(z);
#endif
    memcpy(out, &z, sizeof z);
}

/* SplitMix64 (Steele, Lea, Flood 2014): 64 bits from the kernel at start, then this. */
void request__make_id(struct http_server *s, char *out)
{
    uint64_t z = s->random += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    put_hex(out, (uint32_t)z);
    put_hex(out + 8, (uint32_t)(z >> 32));
}
