/* pg_value.c -- values to parameters, cells to values. SPDX: Apache-2.0
 * Parameters in text, but bytes: the server infers what type a place has, so a text fits all of
 * them; a binary number would have to know its width. Answers in text the first time a statement is
 * asked on a session, then binary when all of its columns are of types that pg_binary.c reads:
 * libpq asks for all columns in one format. That takes the server a tenth less CPU for a page of
 * rows with times, and us a tenth less.
 * Cells take the form that the SQLite engine stores: canonical times, decimals of at most 15
 * digits as numbers, JSON without blanks, so that answers are the same byte for byte. Invariant: a
 * row's cells are rewritten in place, once, and point into the result. */
#include "db/pg_priv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_MOST = 40, EXACT_DIGITS = 15, CANON_ROOM = PG_CELL_ROOM };

/* ---- parameters ---- */

static size_t number_put(struct buf *b, const struct value *v)
{
    size_t from = b->len;
    if (v->kind == V_INT)
        buf_i64(b, v->i);
    else if (isfinite(v->f))
        json_f64(b, v->f);
    else
        buf_printf(b, "%s", isnan(v->f) ? "NaN" : v->f > 0 ? "Infinity" : "-Infinity");
    buf_char(b, '\0');
    return from;
}

static bool text_put(struct buf *b, str s)
{
    if (s.len && memchr(s.ptr, '\0', s.len))
        return false;
    buf_str(b, s);
    buf_char(b, '\0');
    return true;
}

/* One parameter's text; *at: where it begins, or SIZE_MAX for null. */
static bool param_put(struct buf *b, const struct value *v, size_t *at)
{
    *at = b->len;
    switch (v->kind) {
    case V_NULL:
        *at = SIZE_MAX;
        return true;
    case V_BOOL:
        return text_put(b, v->truth ? LIT("t") : LIT("f"));
    case V_INT:
    case V_FLOAT:
        number_put(b, v);
        return true;
    case V_NUM:
    case V_TEXT:
        return text_put(b, v->text);
    case V_BYTES:
        buf_str(b, v->text);
        return true;
    default:
        return false;
    }
}

/* Front: three arrays; behind: the texts. The arrays' room is reserved first, pointers are set
 * once nothing moves any more. */
bool pg_value__params(struct buf *scratch, const struct stmt *st, struct pg_params *out)
{
    size_t n = st->bind_count, head = n * (sizeof(char *) + 2 * sizeof(int));
    buf_clear(scratch);
    if (!buf_room(scratch, head + 64))
        return false;
    scratch->len = head;
    for (size_t i = 0; i < n; i++) {
        size_t at;
        if (!param_put(scratch, &st->binds[i], &at) || scratch->full)
            return false;
        memcpy(scratch->ptr + i * sizeof at, &at, sizeof at);
    }
    out->count = (int)n;
    out->values = (const char **)(void *)scratch->ptr;
    out->lengths = (int *)(void *)(scratch->ptr + n * sizeof(char *));
    out->formats = out->lengths + n;
    for (size_t i = 0; i < n; i++) {
        size_t at;
        memcpy(&at, scratch->ptr + i * sizeof at, sizeof at);
        bool bytes = st->binds[i].kind == V_BYTES;
        out->values[i] = at == SIZE_MAX ? NULL : scratch->ptr + at;
        out->lengths[i] = bytes ? (int)st->binds[i].text.len : 0;
        out->formats[i] = bytes;
    }
    return true;
}

/* ---- cells ---- */

static unsigned hex(char c)
{
    return ascii_digit(c) ? (unsigned)(c - '0') : (unsigned)(ascii_lower(c) - 'a') + 10;
}

static struct value bytes_cell(char *text, size_t len)
{
    if (len < 2 || text[0] != '\\' || text[1] != 'x')
        return value_bytes(str_make(text, len));
    size_t n = (len - 2) / 2;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(hex(text[2 + 2 * i]) << 4 | hex(text[3 + 2 * i]));
    return value_bytes(str_make(text, n));
}

/* The server writes blanks behind colons and commas. */
static struct value jsonb_cell(char *text, size_t len)
{
    size_t to = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (!quoted && text[i] == ' ')
            continue;
        if (text[i] == '"')
            quoted = !quoted;
        text[to++] = text[i];
        if (quoted && text[i] == '\\' && i + 1 < len)
            text[to++] = text[++i];
    }
    return value_text(str_make(text, to));
}

static struct value int_cell(str s)
{
    int64_t i;
    return str_to_i64(s, &i) ? value_int(i) : value_text(s);
}

static size_t digits_of(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ascii_digit(s.ptr[i]) && (n || s.ptr[i] != '0');
    return n;
}

static struct value numeric_cell(str s)
{
    bool plain = s.len && s.len < NUMBER_MOST && (ascii_digit(s.ptr[s.len - 1]));
    if (!plain)
        return value_text(s);
    str whole = s;
    size_t dot = str_find(s, '.');
    if (dot != STR_NONE) { /* 10.00 is ten */
        size_t end = s.len;
        while (end > dot + 1 && s.ptr[end - 1] == '0')
            end--;
        whole = str_upto(s, end == dot + 1 ? dot : s.len);
        s = str_upto(s, end);
    }
    if (digits_of(s) > EXACT_DIGITS)
        return value_text(s);
    int64_t i;
    if (str_to_i64(whole, &i))
        return value_int(i);
    return value_float(strtod(s.ptr, NULL));
}

static struct value time_cell(str s, unsigned oid, char *room)
{
    if (oid == OID_TIME)
        return value_text(clocktime_canon(s, room) ? str_make(room, 15) : s);
    return value_text(time_canon(s, room) ? str_make(room, TIME_CANON_LEN) : s);
}

/* The blanks that fill it up are not part of the value. */
static struct value bpchar_cell(str s)
{
    while (s.len && s.ptr[s.len - 1] == ' ')
        s.len--;
    return value_text(s);
}

/* A column of an answer. */
struct column_form {
    unsigned oid;
    bool binary;
};

static struct value text_cell(unsigned oid, char *text, str s, char *room)
{
    switch (oid) {
    case OID_TEXT:
    case OID_VARCHAR:
        return value_text(s);
    case OID_BOOL:
        return value_bool(text[0] == 't');
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
        return int_cell(s);
    case OID_FLOAT4:
    case OID_FLOAT8:
        return value_float(strtod(text, NULL));
    case OID_NUMERIC:
        return numeric_cell(s);
    case OID_BYTEA:
        return bytes_cell(text, s.len);
    case OID_TIME:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        return time_cell(s, oid, room);
    case OID_JSONB:
        return jsonb_cell(text, s.len);
    case OID_BPCHAR:
        return bpchar_cell(s);
    default:
        return value_text(s);
    }
}

static struct value binary_cell(unsigned oid, char *bytes, str s, char *room)
{
    switch (oid) {
    case OID_TEXT:
    case OID_VARCHAR:
    case OID_JSON:
        return value_text(s);
    case OID_BYTEA:
        return value_bytes(s);
    case OID_BPCHAR:
        return bpchar_cell(s);
    case OID_JSONB: /* a byte for the version, then as text */
        return s.len ? jsonb_cell(bytes + 1, s.len - 1) : value_text(s);
    default:
        return pg_binary__cell(oid, s, room);
    }
}

static struct value cell_of(PGresult *r, int row, int col, struct column_form form, char *room)
{
    size_t len = (size_t)pq.getlength(r, row, col);
    if (!len && pq.getisnull(r, row, col))
        return value_null();
    char *text = pq.getvalue(r, row, col);
    str s = str_make(text, len);
    return form.binary ? binary_cell(form.oid, text, s, room) : text_cell(form.oid, text, s, room);
}

bool pg_value__begin(struct buf *scratch, PGresult *r, struct pg_cells *out, struct err *err)
{
    size_t cols = (size_t)pq.nfields(r);
    size_t each = sizeof(struct value) + sizeof(struct column_form) + CANON_ROOM;
    buf_clear(scratch);
    if (!buf_room(scratch, cols * each + 16)) {
        fail(err, E_TOOBIG, "the answer has too many columns");
        return false;
    }
    *out = (struct pg_cells){.list = (struct value *)(void *)scratch->ptr, .count = cols};
    out->forms = (struct column_form *)(void *)(out->list + cols);
    out->room = (char *)(out->forms + cols);
    for (size_t i = 0; i < cols; i++)
        out->forms[i] =
            (struct column_form){pq.ftype(r, (int)i), pq.fformat(r, (int)i) == PG_BINARY};
    return true;
}

void pg_value__row(PGresult *r, int row, struct pg_cells *to)
{
    for (size_t i = 0; i < to->count; i++)
        to->list[i] = cell_of(r, row, (int)i, to->forms[i], to->room + i * CANON_ROOM);
}

int pg_value__rows(struct buf *scratch, PGresult *r, int *at, const struct row_sink *sink,
                   struct err *err)
{
    struct pg_cells cells;
    if (!pg_value__begin(scratch, r, &cells, err))
        return err->code;
    int count = pq.ntuples(r);
    while (*at < count) {
        pg_value__row(r, *at, &cells);
        ++*at;
        int code = sink->fn(sink->ctx, cells.list, cells.count);
        if (code < 0 && err->code == 0)
            fail(err, code, "the rows do not fit");
        if (code != 0)
            return code;
    }
    return 0;
}

int pg_value__names(const PGresult *r, const struct row_sink *sink, struct err *err)
{
    if (!sink->names)
        return 0;
    size_t cols = (size_t)pq.nfields(r);
    str *names = arena_try(sink->names_in, (cols ? cols : 1) * sizeof *names);
    for (size_t i = 0; names && i < cols; i++) {
        names[i] = collect__text(sink->names_in, str_of(pq.fname(r, (int)i)));
        if (!names[i].ptr)
            names = NULL;
    }
    if (!names)
        return fail(err, E_TOOBIG, "the answer does not fit");
    sink->names->names = names;
    sink->names->cols = cols;
    return 0;
}

int64_t pg_value__changes(PGresult *r)
{
    int64_t n = 0;
    bool selects = str_starts(str_of(pq.cmdStatus(r)), LIT("SELECT"));
    return !selects && str_to_i64(str_of(pq.cmdTuples(r)), &n) ? n : 0;
}
