/* Any bytes as path, query, API-Version and Accept: a version is found or refused with a word; a
 * path that is rewritten begins with the version's prefix and ends as it was, and what names the
 * version is gone from the query. SPDX: Apache-2.0 */
#include "edge/edge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct edge_version versions[] = {
    {.name = STR_INIT("v1"), .prefix = STR_INIT("/api/v1"), .successor = STR_INIT("/api/v2")},
    {.name = STR_INIT("v2.1"), .prefix = STR_INIT("/api/v2.1"), .successor = STR_INIT("")}};
static const str vendors[] = {STR_INIT("api")}, parameters[] = {STR_INIT("version")};

static struct edge *edge_of_two(void)
{
    struct edge_config c = {.headers = {.version = STR_INIT("v1"), .server = STR_INIT("")}};
    c.headers.version_prefix = LIT("/api/v1");
    c.versions = (struct edge_versions){.list = versions,
                                        .count = 2,
                                        .base = LIT("/api"),
                                        .header = LIT("API-Version"),
                                        .vendors = vendors,
                                        .vendor_count = 1,
                                        .parameters = parameters,
                                        .parameter_count = 1,
                                        .public_url = LIT("")};
    return edge_new(&c);
}

static void check(const struct edge *e, struct request *rq, str path)
{
    struct err err = {0};
    str query = rq->query;
    int code = edge_version_path(e, rq) ? 0 : edge_version_asked(e, rq, true, &err);
    BUG_ON(code < 0 && (!err.word.len || rq->asked != VERSION_UNKNOWN));
    BUG_ON(code < 0 && !str_eq(rq->path, path));
    BUG_ON(rq->version > 2 || rq->query.len > query.len);
    if (rq->before.ptr) {
        BUG_ON(!str_starts(rq->path, versions[rq->version - 1].prefix));
        BUG_ON(!str_ends(rq->path, str_from(path, 4)));
    }
    edge_set_headers(e, rq);
    if (code < 0)
        return;
    edge_version_fault(e, rq, &err);
    for (size_t i = 0; i < rq->reply->vendor.len; i++)
        BUG_ON((unsigned char)rq->reply->vendor.ptr[i] <= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct edge *e;
    str text = {(const char *)data, size};
    struct header headers[2] = {{STR_INIT("Accept"), {NULL, 0}},
                                {STR_INIT("API-Version"), {NULL, 0}}};
    struct reply reply = {.status = 200};
    struct request rq = {.headers = headers, .reply = &reply};
    if (size > 10000)
        return 0;
    if (!e)
        e = edge_of_two();
    str path = str_cut(&text, '\n');
    if (str_find(path, '\0') != STR_NONE) /* http/ lets no such path in */
        return 0;
    rq.path = rq.segments = rq.target = path;
    rq.query = text.ptr ? str_cut(&text, '\n') : LIT("");
    headers[0].value = text.ptr ? str_cut(&text, '\n') : LIT("");
    headers[1].value = text;
    rq.header_count = text.ptr ? 2 : 1;
    arena_init(&rq.arena, 16 << 20);
    check(e, &rq, path);
    arena_reset(&rq.arena);
    return 0;
}
