/* file.c -- a file in a row: what is known of it, and where it is. SPDX: Apache-2.0
 * Its address is that of its row with the column behind it, so that the rules of the row hold for
 * it, too. Like cell.c it may run below the engine's callback: no arena, no waits. */
#include "render/render_priv.h"

enum { KEY_ROOM = 1024 };

/* As it stands in a path: the JSON without its quotes. */
static void key_put(struct buf *b, const struct column *c, const struct value *v)
{
    char room[KEY_ROOM];
    struct buf json = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    if (v->kind == V_TEXT && c->type != TYPE_TIMESTAMP && c->type != TYPE_TIME) {
        url_encode(b, v->text);
        return;
    }
    render_cell(&json, c, v);
    str text = buf_view(&json);
    if (text.len >= 2 && text.ptr[0] == '"')
        text = str_make(text.ptr + 1, text.len - 2);
    url_encode(b, text);
}

static void url_put(struct buf *b, const struct column *c, const struct shape_key *k,
                    const struct value *cells)
{
    buf_lit(b, ",\"url\":\"");
    buf_str(b, k->base);
    for (size_t i = 0; i < k->count; i++) {
        buf_char(b, i ? ',' : '/');
        key_put(b, k->columns[i], &cells[k->at[i]]);
    }
    buf_char(b, '/');
    url_encode(b, c->name);
    buf_char(b, '"');
}

bool render__file(struct buf *b, const struct column *c, const struct value *v,
                  const struct shape_key *key, const struct value *cells)
{
    struct file_value f;
    if (v->kind != V_TEXT || !file_value_get(v->text, &f))
        return false;
    buf_lit(b, "{\"name\":");
    buf_str(b, f.name);
    buf_lit(b, ",\"type\":");
    buf_str(b, f.type);
    buf_lit(b, ",\"size\":");
    buf_str(b, f.size);
    buf_lit(b, ",\"sha256\":");
    buf_str(b, f.sha256);
    if (key)
        url_put(b, c, key, cells);
    buf_char(b, '}');
    return true;
}

void row_shape_key(struct row_shape *s, struct arena *a, str base, const struct key *key,
                   const struct shape_cells *cells)
{
    struct shape_key *k = ARENA_NEW(a, struct shape_key);
    size_t *at = ARENA_ARRAY(a, size_t, key->count);
    *k = (struct shape_key){.base = base, .columns = key->columns, .count = key->count, .at = at};
    for (size_t i = 0; i < key->count; i++) {
        while (at[i] < cells->count && cells->columns[at[i]] != key->columns[i])
            at[i]++;
        if (at[i] == cells->count)
            return; /* not among the cells: no address can be told */
    }
    s->key = k;
}
