/* rows.c -- rows into an arena, also from a thread that may not end the request: past the budget
 * the answer is TOOBIG, never a jump. SPDX: Apache-2.0 */
#include "db/db_priv.h"

void collect__init(struct collect *k, struct arena *a, struct rows *rows, size_t max)
{
    *rows = (struct rows){0};
    *k = (struct collect){.arena = a, .rows = rows, .max = max};
}

void collect__again(void *ctx)
{
    struct collect *k = ctx;
    k->rows->count = 0;
}

str collect__text(struct arena *a, str s)
{
    char *copy = arena_try(a, s.len + 1);
    if (!copy)
        return (str){0};
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return (str){copy, s.len};
}

enum { FIRST_ROWS = 32 };

static bool grow(struct collect *k, size_t cols)
{
    size_t first = k->max < FIRST_ROWS ? k->max : FIRST_ROWS;
    size_t room = k->room ? k->room * 2 : first;
    size_t bytes;
    if (__builtin_mul_overflow(room * sizeof(struct value), cols ? cols : 1, &bytes))
        return false;
    struct value *cells = arena_try(k->arena, bytes);
    if (!cells)
        return false;
    if (k->rows->count)
        memcpy(cells, k->rows->cells, k->rows->count * cols * sizeof *cells);
    k->rows->cells = cells;
    k->room = room;
    return true;
}

int collect__row(void *ctx, const struct value *cells, size_t count)
{
    struct collect *k = ctx;
    struct rows *r = k->rows;
    size_t bytes = 0; /* of all texts of the row, which get one piece of memory */
    if (r->count >= k->max || (r->count >= k->room && !grow(k, count)))
        return E_TOOBIG;
    for (size_t i = 0; i < count; i++)
        bytes += value_has_text(&cells[i]) ? cells[i].text.len + 1 : 0;
    char *text = bytes ? arena_try(k->arena, bytes) : NULL;
    if (bytes && !text)
        return E_TOOBIG;
    struct value *to = &r->cells[r->count * count];
    for (size_t i = 0; i < count; i++) {
        to[i] = cells[i];
        if (!value_has_text(&cells[i]))
            continue;
        size_t len = cells[i].text.len;
        if (len)
            memcpy(text, cells[i].text.ptr, len);
        text[len] = '\0';
        to[i].text.ptr = text;
        text += len + 1;
    }
    r->cols = count;
    r->count++;
    return 0;
}
