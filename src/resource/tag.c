/* tag.c -- what is told of a row's state: its ETag, and when it was changed. SPDX: Apache-2.0
 * The tag of a row is that of what a GET of it shows this caller, without parameters. The answer of
 * a change shows the same, so that its tag is good for the next change.
 * A time is told when the settings name a column for it (tables.T.modified) that the caller sees.
 */
#include "resource/resource_priv.h"

#include "base/clock.h"

str resource__etag(struct request *rq, const struct resource *r, str body)
{
    char *tag = arena_new(&rq->arena, ETAG_LEN);
    etag_make(r->set->config->etag_key, LIT("application/json"), body, tag);
    return str_make(tag, ETAG_LEN);
}

/* Of digits that time_canon has looked at. */
static unsigned number(const char *p, size_t digits)
{
    unsigned n = 0;
    for (size_t i = 0; i < digits; i++)
        n = n * 10 + (unsigned)(p[i] - '0');
    return n;
}

int64_t resource__time(const struct column *c, const struct value *cell)
{
    char room[64], canon[TIME_CANON_LEN];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    struct column stored = *c;
    stored.recast = RECAST_NONE;
    render_cell(&b, &stored, cell);
    if (b.full || b.len < 2 || b.ptr[0] != '"' ||
        !time_canon(str_make(b.ptr + 1, b.len - 2), canon))
        return 0;
    int64_t days = clock_days(number(canon, 4), number(canon + 5, 2), number(canon + 8, 2));
    return days * 86400 + number(canon + 11, 2) * 3600 + number(canon + 14, 2) * 60 +
           number(canon + 17, 2);
}

int64_t resource__changed(const struct table *t, const struct value *cells)
{
    const struct column *c = t->modified;
    return c && !table_closed(t, c->index) ? resource__time(c, &cells[c->index]) : 0;
}

void resource__tag(struct request *rq, const struct resource *r, const struct value *cells)
{
    struct reply *reply = rq->reply;
    int64_t changed = resource__changed(r->table, cells);
    if (!reply->body.len)
        return;
    if (r->set->config->etag)
        reply_header(reply, LIT("ETag"), resource__etag(rq, r, buf_view(&reply->body)));
    if (!changed)
        return;
    char *date = arena_new(&rq->arena, CLOCK_HTTP_LEN);
    clock_http(changed, date);
    reply_header(reply, LIT("Last-Modified"), str_make(date, CLOCK_HTTP_LEN));
}
