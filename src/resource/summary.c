/* summary.c -- the shape of a group's row: what is of related rows stands inside objects, as in a
 * list: {"author":{"city":"Oslo"},"count":3}. SPDX: Apache-2.0
 * Members of one object stand together (sql/summary_parse.c), so that an object is written with the
 * leads of its first member and of what follows its last one. */
#include "resource/resource_priv.h"

/* How many objects both stand in. */
static size_t shared(const struct summary_item *x, const struct summary_item *y)
{
    size_t n = 0;
    while (n < x->nested && n < y->nested && x->path[n] == y->path[n])
        n++;
    return n;
}

static void name_put(struct buf *b, str name)
{
    json_text(b, name);
    buf_char(b, ':');
}

static void close_put(struct buf *b, size_t count)
{
    while (count-- > 0)
        buf_char(b, '}');
}

static str lead_of(struct arena *a, const struct summary_item *last,
                   const struct summary_item *item)
{
    struct buf b;
    size_t same = last ? shared(last, item) : 0, room = item->name.len * 6 + 64;
    for (size_t i = same; i < item->nested; i++)
        room += item->path[i]->name.len * 6 + 8; /* a byte becomes six at most */
    room += last ? last->nested : 0;
    b = (struct buf){.ptr = arena_new(a, room), .cap = room, .limit = room};
    close_put(&b, last ? last->nested - same : 0);
    buf_char(&b, last ? ',' : '{');
    for (size_t i = same; i < item->nested; i++) {
        name_put(&b, item->path[i]->name);
        buf_char(&b, '{');
    }
    name_put(&b, item->name);
    return buf_view(&b);
}

const struct row_shape *resource__summary_shape(struct arena *a, const struct summary *sum)
{
    struct row_shape *shape = ARENA_NEW(a, struct row_shape);
    const struct column **columns = ARENA_ARRAY(a, const struct column *, sum->item_count);
    str *leads = ARENA_ARRAY(a, str, sum->item_count);
    const struct summary_item *last = NULL;
    for (size_t i = 0; i < sum->item_count; i++) {
        columns[i] = &sum->items[i].shown;
        leads[i] = lead_of(a, last, &sum->items[i]);
        last = &sum->items[i];
    }
    size_t room = last->nested + 1;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    close_put(&b, room);
    *shape = (struct row_shape){
        .columns = columns, .leads = leads, .count = sum->item_count, .close = buf_view(&b)};
    return shape;
}
