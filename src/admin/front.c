/* front.c -- GET / and GET PREFIX: where to go from there. A browser is led to the page, everybody
 * else gets the tables that they may read, with their addresses. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

static void put_tables(struct buf *b, const struct docs_source *s, uint64_t roles)
{
    put(b, "'resources':{");
    for (size_t i = 0; i < s->schema->table_count; i++) {
        const struct table *t = &s->schema->tables[i];
        if (!t->exposed || (s->access && !access_may(s->access, t, ACTION_READ, roles)))
            continue;
        put_key(b, t->name);
        buf_char(b, '"');
        buf_str(b, s->prefix);
        buf_char(b, '/');
        url_encode(b, t->name);
        buf_char(b, '"');
    }
    put(b, "}");
}

static bool is_browser(const struct request *rq)
{
    for (str rest = request_header(rq, LIT("Accept")); rest.ptr && rest.len;) {
        if (str_starts(str_trim(str_cut(&rest, ',')), LIT("text/html")))
            return true;
    }
    return false;
}

int docs__front(struct request *rq, const void *data, struct err *err)
{
    const struct docs *d = data;
    const struct docs_source *s = &d->source;
    struct buf *b = &rq->reply->body;
    bool known = d->who == DOCS_FOR_ANYONE || rq->principal;
    (void)err;
    reply_vary(rq->reply, LIT("Accept"));
    reply_vary(rq->reply, LIT("Authorization"));
    if (is_browser(rq)) {
        rq->reply->status = 303;
        reply_header(rq->reply, LIT("Location"), LIT("/docs"));
        return 0;
    }
    rq->reply->type = LIT("application/json");
    put(b, "{");
    put_member(b, "name", s->title);
    put(b, "'docs':'/docs','openapi':'/openapi.json'");
    if (known && !d->version_count)
        put_tables(b, s, s->access ? access_roles(s->access, rq->principal) : DOCS_ALL_ROLES);
    put(b, "}");
    return 0;
}
