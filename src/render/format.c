/* format.c -- JSON as NDJSON, CSV (RFC 4180) and MessagePack. SPDX: Apache-2.0
 * The rows of a list stand in its member `data`; anything else is one row. What stands round the
 * rows of a list (`page`) is left out of the forms that hold only rows: the Link header has the
 * next page. Numbers keep their digits: MessagePack gets a float only where it is the same number,
 * else the digits as a text.
 * A cell of CSV is the value and nothing else. A spreadsheet may take one that begins with = for a
 * formula; docs/formats.md says so. */
#include "render/negotiate.h"

#include <stdlib.h>

/* ---- rows ---- */

struct rows_view {
    const struct value *items;
    size_t count;
};

static struct rows_view rows_of(const struct value *v)
{
    const struct value *data = value_get(v, LIT("data"));
    if (v->kind == V_OBJECT && data && data->kind == V_ARRAY)
        v = data;
    if (v->kind == V_ARRAY)
        return (struct rows_view){v->items, v->count};
    return (struct rows_view){v, 1};
}

void format_ndjson(struct buf *b, const struct value *v)
{
    struct rows_view r = rows_of(v);
    for (size_t i = 0; i < r.count; i++) {
        json_value(b, &r.items[i]);
        buf_char(b, '\n');
    }
}

/* ---- CSV ---- */

enum { COLUMNS_MOST = 1000 };

struct csv_columns {
    str *names;
    size_t count;
};

static size_t column_at(const struct csv_columns *c, str name)
{
    size_t i = 0;
    while (i < c->count && !str_eq(c->names[i], name))
        i++;
    return i;
}

/* Rows of one list have their members in one order: the guess is nearly always right. */
static void note_columns(struct csv_columns *c, const struct value *row)
{
    for (uint32_t i = 0; row->kind == V_OBJECT && i < row->count; i++) {
        str name = row->fields[i].name;
        bool there = i < c->count && str_eq(c->names[i], name);
        if (!there && column_at(c, name) == c->count && c->count < COLUMNS_MOST)
            c->names[c->count++] = name;
    }
}

static void csv_text(struct buf *b, str s)
{
    bool plain = s.len > 0 && s.ptr[0] != ' ' && s.ptr[s.len - 1] != ' ';
    for (size_t i = 0; plain && i < s.len; i++)
        plain = s.ptr[i] != '"' && s.ptr[i] != ',' && s.ptr[i] != '\r' && s.ptr[i] != '\n';
    if (plain) {
        buf_str(b, s);
        return;
    }
    buf_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            buf_char(b, '"');
        buf_char(b, s.ptr[i]);
    }
    buf_char(b, '"');
}

/* Nothing is null; the empty text is "". */
static void csv_cell(struct buf *b, const struct value *v)
{
    struct buf json;
    if (!v || v->kind == V_NULL)
        return;
    if (v->kind == V_TEXT) {
        csv_text(b, v->text);
        return;
    }
    if (v->kind != V_ARRAY && v->kind != V_OBJECT) {
        json_value(b, v);
        return;
    }
    buf_init(&json, b->limit);
    json_value(&json, v);
    b->full = b->full || json.full;
    csv_text(b, buf_view(&json));
    buf_fini(&json);
}

static const struct value *cell_of(const struct value *row, size_t at, str name)
{
    if (row->kind == V_OBJECT && at < row->count && str_eq(row->fields[at].name, name))
        return &row->fields[at].value;
    return value_get(row, name);
}

void format_csv(struct buf *b, struct arena *a, const struct value *v)
{
    struct rows_view r = rows_of(v);
    struct csv_columns c = {ARENA_ARRAY(a, str, COLUMNS_MOST), 0};
    for (size_t i = 0; i < r.count; i++)
        note_columns(&c, &r.items[i]);
    for (size_t i = 0; i < c.count; i++) {
        if (i)
            buf_char(b, ',');
        csv_text(b, c.names[i]);
    }
    if (c.count)
        buf_lit(b, "\r\n");
    for (size_t i = 0; i < r.count && c.count; i++) {
        for (size_t k = 0; k < c.count; k++) {
            if (k)
                buf_char(b, ',');
            csv_cell(b, cell_of(&r.items[i], k, c.names[k]));
        }
        buf_lit(b, "\r\n");
    }
}

/* ---- MessagePack ---- */

static void big_endian(struct buf *b, uint64_t n, unsigned bytes)
{
    while (bytes--)
        buf_char(b, (char)(n >> (bytes * 8)));
}

static void tagged(struct buf *b, unsigned tag, uint64_t n, unsigned bytes)
{
    buf_char(b, (char)tag);
    big_endian(b, n, bytes);
}

static void pack_int(struct buf *b, int64_t i)
{
    if (i >= -32 && i <= 127)
        buf_char(b, (char)i);
    else if (i >= 0)
        tagged(b,
               i <= UINT8_MAX    ? 0xcc
               : i <= UINT16_MAX ? 0xcd
               : i <= UINT32_MAX ? 0xce
                                 : 0xcf,
               (uint64_t)i,
               i <= UINT8_MAX    ? 1
               : i <= UINT16_MAX ? 2
               : i <= UINT32_MAX ? 4
                                 : 8);
    else
        tagged(b,
               i >= INT8_MIN    ? 0xd0
               : i >= INT16_MIN ? 0xd1
               : i >= INT32_MIN ? 0xd2
                                : 0xd3,
               (uint64_t)i,
               i >= INT8_MIN    ? 1
               : i >= INT16_MIN ? 2
               : i >= INT32_MIN ? 4
                                : 8);
}

static void pack_float(struct buf *b, double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    tagged(b, 0xcb, bits, 8);
}

/* tags: of a length in 5 (or 4) bits, 8, 16 and 32; 0: there is no such form. */
static void pack_length(struct buf *b, size_t n, const unsigned tags[4], size_t small)
{
    if (n < small)
        buf_char(b, (char)(tags[0] | n));
    else if (n <= UINT8_MAX && tags[1])
        tagged(b, tags[1], n, 1);
    else
        tagged(b, n <= UINT16_MAX ? tags[2] : tags[3], n, n <= UINT16_MAX ? 2 : 4);
}

static void pack_text(struct buf *b, str s)
{
    static const unsigned tags[4] = {0xa0, 0xd9, 0xda, 0xdb};
    pack_length(b, s.len, tags, 32);
    buf_str(b, s);
}

static void pack_num(struct buf *b, str digits)
{
    enum { LONGEST = 40 };
    char text[LONGEST];
    struct buf back = {.ptr = text, .cap = sizeof text, .limit = sizeof text};
    uint64_t whole;
    if (str_to_u64(digits, &whole)) {
        tagged(b, 0xcf, whole, 8);
        return;
    }
    if (digits.len < LONGEST) {
        char number[LONGEST];
        memcpy(number, digits.ptr, digits.len);
        number[digits.len] = '\0';
        double f = strtod(number, NULL);
        json_f64(&back, f);
        if (!back.full && decimal_cmp(buf_view(&back), digits) == 0) {
            pack_float(b, f);
            return;
        }
    }
    pack_text(b, digits);
}

void format_msgpack(struct buf *b, const struct value *v)
{
    static const unsigned arrays[4] = {0x90, 0, 0xdc, 0xdd}, maps[4] = {0x80, 0, 0xde, 0xdf};
    switch (v->kind) {
    case V_NULL:
        buf_char(b, (char)0xc0);
        break;
    case V_BOOL:
        buf_char(b, (char)(v->truth ? 0xc3 : 0xc2));
        break;
    case V_INT:
        pack_int(b, v->i);
        break;
    case V_FLOAT:
        pack_float(b, v->f);
        break;
    case V_NUM:
        pack_num(b, v->text);
        break;
    case V_TEXT:
    case V_BYTES:
        pack_text(b, v->text);
        break;
    case V_ARRAY:
        pack_length(b, v->count, arrays, 16);
        for (uint32_t i = 0; i < v->count; i++)
            format_msgpack(b, &v->items[i]);
        break;
    case V_OBJECT:
        pack_length(b, v->count, maps, 16);
        for (uint32_t i = 0; i < v->count; i++) {
            pack_text(b, v->fields[i].name);
            format_msgpack(b, &v->fields[i].value);
        }
        break;
    }
}
