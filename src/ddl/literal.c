/* literal.c -- a constant in the form in which a column of some type stores it. SPDX: Apache-2.0
 * Why: PostgreSQL reads '2026-01-02 10:00' by the column's type; SQLite stores the text as it
 * stands, and then it neither sorts nor compares with what the server writes. */
#include "ddl/ddl_priv.h"

/* Six digits of fraction, as everything in Cairn that writes a time. */
const char ddl__now[] = "(strftime('%Y-%m-%dT%H:%M:%f000Z','now'))";
const char ddl__today[] = "(date('now'))";
const char ddl__clock[] = "(strftime('%H:%M:%f000','now'))";
/* RFC 9562, version 4: 122 random bits, of functions every SQLite has. */
const char ddl__uuid4[] =
    "(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4' || "
    "substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || "
    "substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6))))";

static int no_such(struct ddl__tr *t, str text, const char *what, int64_t place)
{
    return ddl__refuse(t, place, "'%.*s' is no %s", STR_ARG(str_upto(text, 60)), what);
}

static int bool_literal(struct ddl__tr *t, str text, int64_t place)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "on", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "off", "0"};
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (!str_eqi(text, str_of(yes[i])) && !str_eqi(text, str_of(no[i])))
            continue;
        buf_char(&t->b, str_eqi(text, str_of(yes[i])) ? '1' : '0');
        return 0;
    }
    return no_such(t, text, "boolean", place);
}

/* PostgreSQL takes 10:30 for 10:30:00. */
static str with_seconds(struct ddl__tr *t, str text)
{
    size_t colon = str_find(text, ':');
    if (colon == STR_NONE || colon + 3 > text.len)
        return text;
    str head = str_upto(text, colon + 3), tail = str_from(text, colon + 3);
    if (tail.len && tail.ptr[0] == ':')
        return text;
    return arena_printf(t->a, "%.*s:00%.*s", STR_ARG(head), STR_ARG(tail));
}

static int time_literal(struct ddl__tr *t, str text, enum ddl__class class, int64_t place)
{
    char out[TIME_CANON_LEN];
    bool now = str_eqi(text, LIT("now"));
    if (now || (class == CLASS_DATE && str_eqi(text, LIT("today")))) {
        buf_str(&t->b, str_of(class == CLASS_DATE   ? ddl__today
                              : class == CLASS_TIME ? ddl__clock
                                                    : ddl__now));
        return 0;
    }
    str given = text;
    text = with_seconds(t, text);
    if (class == CLASS_DATE && date_canon(text, out))
        ddl__quote(t, str_make(out, 10));
    else if (class == CLASS_TIME && clocktime_canon(text, out))
        ddl__quote(t, str_make(out, 15));
    else if (class == CLASS_TIMESTAMP && time_canon(text, out))
        ddl__quote(t, str_make(out, TIME_CANON_LEN));
    else
        return no_such(t, given,
                       class == CLASS_DATE   ? "date; write 2026-01-31"
                       : class == CLASS_TIME ? "time of day; write 10:30:00"
                                             : "time; write 2026-01-31T10:30:00Z",
                       place);
    return 0;
}

static int json_literal(struct ddl__tr *t, str text, int64_t place)
{
    struct value v;
    struct err why = {0};
    if (json_parse(t->a, text, &json_limits_default, &v, &why) < 0)
        return ddl__refuse(t, place, "this is no JSON: %s", why.text);
    size_t mark = t->b.len;
    json_value(&t->b, &v);
    ddl__quote(t, ddl__cut(t, mark));
    return 0;
}

static int bytes_literal(struct ddl__tr *t, str text, int64_t place)
{
    if (!str_starts(text, LIT("\\x")) || text.len % 2)
        return no_such(t, text, "bytea; write '\\x' and hexadecimal digits", place);
    for (size_t i = 2; i < text.len; i++)
        if (!ascii_digit(text.ptr[i]) &&
            !(ascii_lower(text.ptr[i]) >= 'a' && ascii_lower(text.ptr[i]) <= 'f'))
            return no_such(t, text, "bytea; write '\\x' and hexadecimal digits", place);
    buf_lit(&t->b, "X'");
    buf_str(&t->b, str_from(text, 2));
    buf_char(&t->b, '\'');
    return 0;
}

/* One element of '{a,"b c",NULL}' at s->ptr; takes it off s. False when malformed. */
static bool array_element(struct ddl__tr *t, str *s, enum ddl__class element)
{
    size_t mark = t->b.len, at = 0;
    bool quoted = s->len && s->ptr[0] == '"';
    for (at = quoted; at < s->len; at++) {
        char c = s->ptr[at];
        if (quoted ? c == '"' : c == ',' || c == '}')
            break;
        if (c == '{' && !quoted)
            return false;
        if (c == '\\' && ++at >= s->len)
            return false;
        buf_char(&t->b, s->ptr[at]);
    }
    if (at >= s->len)
        return false;
    str text = ddl__cut(t, mark);
    *s = str_from(*s, at + quoted);
    bool number = element == CLASS_INT || element == CLASS_FLOAT || element == CLASS_NUMERIC;
    str canon;
    if (!quoted && str_eqi(str_trim(text), LIT("NULL")))
        buf_lit(&t->b, "null");
    else if (element == CLASS_BOOL)
        buf_str(&t->b,
                ascii_lower(text.len ? text.ptr[0] : 'f') == 't' ? LIT("true") : LIT("false"));
    else if (!number)
        json_text(&t->b, quoted ? text : str_trim(text));
    else if (decimal_canon(t->a, str_trim(text), 0, -1, &canon))
        buf_str(&t->b, canon);
    else
        return false;
    return true;
}

static bool array_elements(struct ddl__tr *t, str s, enum ddl__class element)
{
    s = str_trim(s);
    if (s.len < 2 || s.ptr[0] != '{' || s.ptr[s.len - 1] != '}')
        return false;
    s = str_from(s, 1);
    buf_char(&t->b, '[');
    if (s.len > 1) {
        for (;;) {
            s = str_trim(s);
            if (!array_element(t, &s, element))
                return false;
            s = str_trim(s);
            if (s.len < 1 || s.ptr[0] != ',')
                break;
            buf_char(&t->b, ',');
            s = str_from(s, 1);
        }
    }
    buf_char(&t->b, ']');
    return s.len == 1 && s.ptr[0] == '}';
}

static int array_literal(struct ddl__tr *t, str text, enum ddl__class element, int64_t place)
{
    size_t mark = t->b.len;
    bool good = array_elements(t, text, element);
    str json = ddl__cut(t, mark);
    if (!good)
        return no_such(t, text, "array of one dimension; write '{a,b}'", place);
    ddl__quote(t, json);
    return 0;
}

static int enum_literal(struct ddl__tr *t, str text, const struct ddl__type *type, int64_t place)
{
    const struct ddl_object *e = type->labels;
    bool known = !e;
    for (size_t i = 0; e && i < e->label_count; i++)
        known |= str_eq(e->labels[i], text);
    if (!known)
        return ddl__refuse(t, place, "'%.*s' is no label of enum '%.*s'",
                           STR_ARG(str_upto(text, 60)), STR_ARG(str_upto(e->name, 60)));
    ddl__quote(t, text);
    return 0;
}

static int number_literal(struct ddl__tr *t, str text, const struct ddl__type *type, int64_t place)
{
    str canon;
    bool decimal = type->class == CLASS_DECIMAL;
    int64_t i;
    if (type->class == CLASS_INT && !str_to_i64(str_trim(text), &i))
        return no_such(t, text, "whole number", place);
    if (!decimal_canon(t->a, str_trim(text), decimal ? type->precision : 0,
                       decimal ? type->scale : -1, &canon))
        return no_such(t, text, "number that fits its type", place);
    if (decimal)
        ddl__quote(t, canon);
    else
        buf_str(&t->b, canon);
    return 0;
}

int ddl__literal(struct ddl__tr *t, str text, const struct ddl__type *type, int64_t place)
{
    char uuid[36];
    switch (type->class) {
    case CLASS_BOOL:
        return bool_literal(t, str_trim(text), place);
    case CLASS_DATE:
    case CLASS_TIME:
    case CLASS_TIMESTAMP:
        return time_literal(t, str_trim(text), type->class, place);
    case CLASS_JSON:
        return json_literal(t, text, place);
    case CLASS_BYTES:
        return bytes_literal(t, text, place);
    case CLASS_ARRAY:
        return array_literal(t, text, type->element, place);
    case CLASS_ENUM:
        return enum_literal(t, text, type, place);
    case CLASS_INT:
    case CLASS_FLOAT:
    case CLASS_NUMERIC:
    case CLASS_DECIMAL:
        return number_literal(t, text, type, place);
    case CLASS_UUID:
        if (!uuid_canon(text, uuid))
            return no_such(t, text, "uuid", place);
        ddl__quote(t, str_make(uuid, 36));
        return 0;
    case CLASS_TEXT:
    case CLASS_OTHER:
        break;
    }
    ddl__quote(t, text);
    return 0;
}

/* A number written bare for a column that holds decimals as text, or a boolean. */
static int bare_number(struct ddl__tr *t, node *n, const struct ddl__type *type)
{
    size_t mark = t->b.len;
    TRY(ddl__expr(t, n));
    return ddl__literal(t, ddl__cut(t, mark), type, ddl__place(n));
}

int ddl__value_for(struct ddl__tr *t, node *n, const struct ddl__type *type)
{
    node *constant = ddl__as(n, "A_Const");
    node *s = ddl__get(constant, "sval");
    if (s)
        return ddl__literal(t, ddl__text(s, "sval"), type, ddl__place(n));
    if (type->class == CLASS_DECIMAL && (ddl__get(constant, "ival") || ddl__get(constant, "fval")))
        return bare_number(t, n, type);
    return ddl__expr(t, n);
}
