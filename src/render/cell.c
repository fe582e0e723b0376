/* cell.c -- one cell to JSON by its column's type, and rows of cells. SPDX: Apache-2.0
 * Invariant: what comes out is one JSON value, whatever the engine holds. A cell whose kind does
 * not fit its column (SQLite keeps what it was given) is shown as what it is.
 * May run on a helper thread, below the engine's callback: no arena, no waits. */
#include "render/render_priv.h"

/* What the cell is by its own kind. */
static void kind_put(struct buf *b, const struct value *v)
{
    if (v->kind == V_BYTES && str_utf8(v->text))
        json_text(b, v->text);
    else
        json_value(b, v);
}

static void bool_put(struct buf *b, const struct value *v)
{
    if (v->kind == V_INT && (v->i == 0 || v->i == 1))
        buf_str(b, v->i ? LIT("true") : LIT("false"));
    else
        kind_put(b, v);
}

static void quoted_put(struct buf *b, str s)
{
    buf_char(b, '"');
    buf_str(b, s);
    buf_char(b, '"');
}

/* Rows that came in past the API may hold other forms of a time than the canonical one. */
static void stamp_put(struct buf *b, const struct value *v)
{
    char canon[TIME_CANON_LEN];
    str s = v->text;
    bool ready = s.len == TIME_CANON_LEN && s.ptr[10] == 'T' && s.ptr[TIME_CANON_LEN - 1] == 'Z';
    if (v->kind == V_TEXT && (ready || time_canon(s, canon))) {
        buf_char(b, '"');
        time_show(b, ready ? s : str_make(canon, sizeof canon));
        buf_char(b, '"');
    } else {
        kind_put(b, v);
    }
}

static void clock_put(struct buf *b, const struct value *v)
{
    char canon[15];
    if (v->kind == V_TEXT && clocktime_canon(v->text, canon)) {
        buf_char(b, '"');
        time_show(b, str_make(canon, sizeof canon));
        buf_char(b, '"');
    } else {
        kind_put(b, v);
    }
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool looks_number(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_digit(s.ptr[i]) && !memchr("+-.eE", s.ptr[i], 5))
            return false;
    return ascii_digit(s.ptr[s.len - 1]) && (ascii_digit(s.ptr[0]) || s.ptr[0] == '-');
}

/* Cheap: the ends fit each other and it is UTF-8. What came in through the API was parsed. */
static bool looks_json(str s)
{
    while (s.len && blank(s.ptr[0]))
        s = str_from(s, 1);
    while (s.len && blank(s.ptr[s.len - 1]))
        s.len--;
    if (!s.len || !str_utf8(s))
        return false;
    char first = s.ptr[0], last = s.ptr[s.len - 1];
    switch (first) {
    case '{':
        return s.len > 1 && last == '}';
    case '[':
        return s.len > 1 && last == ']';
    case '"':
        return s.len > 1 && last == '"';
    case 't':
        return str_is(s, "true");
    case 'f':
        return str_is(s, "false");
    case 'n':
        return str_is(s, "null");
    default:
        return looks_number(s);
    }
}

static void json_put(struct buf *b, const struct value *v)
{
    if ((v->kind == V_TEXT || v->kind == V_BYTES) && looks_json(v->text))
        buf_str(b, v->text);
    else
        kind_put(b, v);
}

static void bytes_put(struct buf *b, const struct value *v)
{
    if (v->kind != V_BYTES && v->kind != V_TEXT) {
        kind_put(b, v);
        return;
    }
    buf_char(b, '"');
    base64_put(b, v->text);
    buf_char(b, '"');
}

/* A uuid is 36 plain characters; anything else is escaped as any text. */
static void uuid_put(struct buf *b, const struct value *v)
{
    bool plain = v->kind == V_TEXT && v->text.len == 36;
    for (size_t i = 0; plain && i < 36; i++)
        plain = ascii_digit(v->text.ptr[i]) || ascii_alpha(v->text.ptr[i]) || v->text.ptr[i] == '-';
    if (plain)
        quoted_put(b, v->text);
    else
        kind_put(b, v);
}

void render__plain(struct buf *b, const struct column *c, const struct value *v)
{
    if (UNLIKELY(c->file) && render__file(b, c, v, NULL, NULL))
        return;
    switch (c->type) {
    case TYPE_BOOL:
        bool_put(b, v);
        break;
    case TYPE_NUMERIC:
        if (v->kind == V_INT || v->kind == V_FLOAT || v->kind == V_NUM || v->kind == V_TEXT)
            render__numeric(b, c, v);
        else
            kind_put(b, v);
        break;
    case TYPE_UUID:
        uuid_put(b, v);
        break;
    case TYPE_TIME:
        clock_put(b, v);
        break;
    case TYPE_TIMESTAMP:
        stamp_put(b, v);
        break;
    case TYPE_JSON:
        json_put(b, v);
        break;
    case TYPE_BYTES:
        bytes_put(b, v);
        break;
    default: /* whole numbers, floats, text, dates, enums: their kind says it */
        kind_put(b, v);
        break;
    }
}

void render_cell(struct buf *b, const struct column *c, const struct value *v)
{
    if (v->kind == V_NULL)
        buf_lit(b, "null");
    else if (UNLIKELY(c->recast != RECAST_NONE))
        render__recast(b, c, v);
    else
        render__plain(b, c, v);
}

/* What stands between the braces of a collection's document, behind a comma. */
static void spread_put(struct buf *b, const struct value *v)
{
    str s = v->kind == V_TEXT ? v->text : (str){0};
    while (s.len && blank(s.ptr[s.len - 1]))
        s.len--;
    while (s.len && blank(s.ptr[0]))
        s = str_from(s, 1);
    if (s.len < 2 || s.ptr[0] != '{' || !looks_json(s))
        return; /* not of our making, and no object: there is no member to show */
    s = str_make(s.ptr + 1, s.len - 2);
    while (s.len && blank(s.ptr[0]))
        s = str_from(s, 1);
    if (!s.len)
        return;
    buf_char(b, ',');
    buf_str(b, s);
}

void render_row(struct buf *b, const struct column *const *columns, size_t count,
                const struct value *cells)
{
    buf_char(b, '{');
    for (size_t i = 0; i < count; i++) {
        if (columns[i]->spread && i) {
            spread_put(b, &cells[i]);
            continue;
        }
        if (i)
            buf_char(b, ',');
        json_text(b, columns[i]->name);
        buf_char(b, ':');
        render_cell(b, columns[i], &cells[i]);
    }
    buf_char(b, '}');
}

/* ---- shapes ---- */

enum { LEAD_ROOM = 16 };
enum way {
    WAY_KIND,  /* by its own kind: whole numbers, texts */
    WAY_STAMP, /* a time, most often a canonical one */
    WAY_OTHER
};

static unsigned char way_of(const struct column *c)
{
    if (c->spread || c->file || c->recast != RECAST_NONE)
        return WAY_OTHER;
    switch (c->type) {
    case TYPE_TIMESTAMP:
        return WAY_STAMP;
    case TYPE_BOOL:
    case TYPE_NUMERIC:
    case TYPE_UUID:
    case TYPE_TIME:
    case TYPE_JSON:
    case TYPE_BYTES:
        return WAY_OTHER;
    default: /* as render__plain */
        return WAY_KIND;
    }
}

static const unsigned char *ways_make(struct arena *a, const struct column *const *columns,
                                      size_t count)
{
    unsigned char *ways = arena_new(a, count);
    for (size_t i = 0; i < count; i++)
        ways[i] = way_of(columns[i]);
    return ways;
}

/* `{"name":` or `,"name":`. */
static str lead_make(struct arena *a, str name, bool first)
{
    size_t room = name.len * 6 + 8 + LEAD_ROOM; /* a byte becomes six at most: b never grows */
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    buf_char(&b, first ? '{' : ',');
    json_text(&b, name);
    buf_char(&b, ':');
    return buf_view(&b);
}

void row_shape_init(struct row_shape *s, struct arena *a, const struct column *const *columns,
                    size_t count)
{
    str *leads = ARENA_ARRAY(a, str, count);
    for (size_t i = 0; i < count; i++)
        leads[i] = lead_make(a, columns[i]->name, i == 0);
    *s = (struct row_shape){.columns = columns,
                            .leads = leads,
                            .ways = ways_make(a, columns, count),
                            .count = count,
                            .close = LIT("}")};
}

void row_shape_named(struct row_shape *s, struct arena *a, const struct column *const *columns,
                     const str *names, size_t count)
{
    str *leads = ARENA_ARRAY(a, str, count);
    for (size_t i = 0; i < count; i++)
        leads[i] = lead_make(a, names[i], i == 0);
    *s = (struct row_shape){.columns = columns,
                            .leads = leads,
                            .ways = ways_make(a, columns, count),
                            .count = count,
                            .close = LIT("}")};
}

static void member_put(struct buf *b, const struct row_shape *s, size_t i, const struct value *v,
                       const struct value *cells)
{
    if (UNLIKELY(s->key && s->columns[i]->file) && render__file(b, s->columns[i], v, s->key, cells))
        return;
    render_cell(b, s->columns[i], v);
}

/* In another language: cells stand elsewhere, or others stand for them. */
static void chosen_put(struct buf *b, const struct row_shape *s, const struct value *cells)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct value *v = &cells[s->from[i].instead];
        v = v->kind == V_NULL ? &cells[s->from[i].at] : v;
        buf_str(b, s->leads[i]);
        member_put(b, s, i, v, cells);
    }
}

/* A short one is copied with what lies behind it: a length that is known costs nothing. */
static void lead_put(struct buf *b, str lead)
{
    if (LIKELY(lead.len <= LEAD_ROOM && b->cap - b->len >= LEAD_ROOM)) {
        memcpy(b->ptr + b->len, lead.ptr, LEAD_ROOM);
        b->len += lead.len;
    } else {
        buf_str(b, lead);
    }
}

/* A canonical time of a whole second, which is what time_show makes of it; false: it is another. */
static bool second_put(struct buf *b, const struct value *v)
{
    enum { SECOND = sizeof "2026-01-01T00:00:00" - 1, WHOLE = SECOND + 3 };
    const char *at = v->text.ptr;
    if (v->kind != V_TEXT || v->text.len != TIME_CANON_LEN || at[10] != 'T' ||
        memcmp(at + SECOND, ".000000Z", 8) != 0 || !buf_room(b, WHOLE))
        return false;
    char *to = b->ptr + b->len;
    to[0] = '"';
    memcpy(to + 1, at, SECOND);
    memcpy(to + 1 + SECOND, "Z\"", 2);
    b->len += WHOLE;
    return true;
}

static void usual_put(struct buf *b, const struct column *c, enum way way, const struct value *v)
{
    if (way == WAY_STAMP) {
        if (!second_put(b, v))
            render_cell(b, c, v);
    } else if (v->kind == V_INT) {
        buf_i64(b, v->i);
    } else if (v->kind == V_TEXT) {
        json_text(b, v->text);
    } else {
        render_cell(b, c, v);
    }
}

bool render_shape_open(struct buf *b, const struct row_shape *s, const struct value *cells)
{
    if (UNLIKELY(s->from))
        chosen_put(b, s, cells);
    for (size_t i = 0; i < s->count && !s->from; i++) {
        if (LIKELY(s->ways && s->ways[i] != WAY_OTHER)) {
            lead_put(b, s->leads[i]);
            usual_put(b, s->columns[i], (enum way)s->ways[i], &cells[i]);
            continue;
        }
        if (UNLIKELY(s->columns[i]->spread && i)) {
            spread_put(b, &cells[i]);
            continue;
        }
        buf_str(b, s->leads[i]);
        member_put(b, s, i, &cells[i], cells);
    }
    if (!s->count)
        buf_char(b, '{');
    return s->count > 0;
}

void render_shape(struct buf *b, const struct row_shape *s, const struct value *cells)
{
    render_shape_open(b, s, cells);
    buf_str(b, s->close);
}
