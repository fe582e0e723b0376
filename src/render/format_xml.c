/* format_xml.c -- JSON as XML and back: the only file that sees libxml2. SPDX: Apache-2.0
 * A list is <list>, one row <row>, a problem <problem> as RFC 9457 has it. A member is an element
 * of its name, or <member name="..."> where that is no name of XML; null has nil="true"; each value
 * of an array is an <item> (<i> in a problem). A character that XML 1.0 cannot hold becomes U+FFFD.
 * What a row's member holds inside of it has a type that no column tells, so it is told there:
 * type="number", "boolean"; "array" and "object" where nothing else shows it.
 * Reading: no DTD (hence no entities), nothing is fetched, depth and values have their limits.
 * Invariant: below libxml2 memory comes from arena_try and the heap only: a request that ends in a
 * callback would leave the parser behind. */
#include "render/negotiate.h"

#include "base/mem.h"
#include "lib/xml2.h"

/* ---- writing ---- */

struct xml {
    xmlTextWriterPtr w;
    struct buf text; /* of the present value, ending in NUL */
    const char *item;
    unsigned plain; /* levels that are still to come whose values have no type told */
    bool fine;
};

static void ok(struct xml *x, int code)
{
    x->fine = x->fine && code >= 0;
}

static bool held(unsigned char c)
{
    return c >= ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* U+FFFE and U+FFFF are no characters either. */
static const xmlChar *clean(struct xml *x, str s)
{
    buf_clear(&x->text);
    for (size_t i = 0; i < s.len; i++) {
        bool none = i + 2 < s.len && memcmp(s.ptr + i, "\xEF\xBF", 2) == 0 &&
                    (unsigned char)s.ptr[i + 2] >= 0xBE;
        if (none)
            i += 2;
        if (none || !held((unsigned char)s.ptr[i]))
            buf_lit(&x->text, "\xEF\xBF\xBD");
        else
            buf_char(&x->text, s.ptr[i]);
    }
    buf_char(&x->text, '\0');
    x->fine = x->fine && !x->text.full;
    return x->fine ? (const xmlChar *)x->text.ptr : (const xmlChar *)"";
}

static bool named(str name)
{
    bool fine = name.len && (ascii_alpha(name.ptr[0]) || name.ptr[0] == '_');
    for (size_t i = 0; fine && i < name.len; i++) {
        char c = name.ptr[i];
        fine = ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '-' || c == '.';
    }
    return fine && !(name.len >= 3 && str_eqi(str_upto(name, 3), LIT("xml"))) &&
           !str_is(name, "member");
}

static void open(struct xml *x, str name)
{
    if (named(name)) {
        ok(x, xml2.xmlTextWriterStartElement(x->w, clean(x, name)));
        return;
    }
    ok(x, xml2.xmlTextWriterStartElement(x->w, (const xmlChar *)"member"));
    ok(x, xml2.xmlTextWriterWriteAttribute(x->w, (const xmlChar *)"name", clean(x, name)));
}

static void attribute(struct xml *x, const char *name, const char *value)
{
    ok(x, xml2.xmlTextWriterWriteAttribute(x->w, (const xmlChar *)name, (const xmlChar *)value));
}

static void scalar(struct xml *x, const struct value *v)
{
    if (v->kind == V_NULL) {
        attribute(x, "nil", "true");
        return;
    }
    if (!x->plain && v->kind != V_TEXT)
        attribute(x, "type", v->kind == V_BOOL ? "boolean" : "number");
    if (v->kind == V_TEXT) {
        ok(x, xml2.xmlTextWriterWriteString(x->w, clean(x, v->text)));
        return;
    }
    buf_clear(&x->text);
    json_value(&x->text, v);
    buf_char(&x->text, '\0');
    x->fine = x->fine && !x->text.full;
    if (x->fine)
        ok(x, xml2.xmlTextWriterWriteString(x->w, (const xmlChar *)x->text.ptr));
}

/* Would be read as the other kind, or as an empty text. */
static bool unclear(const struct value *v)
{
    return !v->count || (v->kind == V_OBJECT && str_is(v->fields[0].name, "item"));
}

static void content(struct xml *x, const struct value *v)
{
    bool array = v->kind == V_ARRAY;
    unsigned plain = x->plain;
    if (!array && v->kind != V_OBJECT) {
        scalar(x, v);
        return;
    }
    if (str_is(str_of(x->item), "item") && unclear(v))
        attribute(x, "type", array ? "array" : "object");
    x->plain -= plain > 0;
    for (uint32_t i = 0; i < v->count && x->fine; i++) {
        open(x, array ? str_of(x->item) : v->fields[i].name);
        content(x, array ? &v->items[i] : &v->fields[i].value);
        ok(x, xml2.xmlTextWriterEndElement(x->w));
    }
    x->plain = plain;
}

static const char *root_of(const struct value *v, bool problem)
{
    const struct value *data = value_get(v, LIT("data"));
    if (problem)
        return "problem";
    return v->kind == V_ARRAY || (v->kind == V_OBJECT && data && data->kind == V_ARRAY) ? "list"
                                                                                        : "row";
}

static void document(struct xml *x, const struct value *v, bool problem)
{
    ok(x, xml2.xmlTextWriterStartDocument(x->w, "1.0", "UTF-8", NULL));
    ok(x, xml2.xmlTextWriterStartElement(x->w, (const xmlChar *)root_of(v, problem)));
    if (problem)
        attribute(x, "xmlns", "urn:ietf:rfc:7807");
    content(x, v);
    ok(x, xml2.xmlTextWriterEndDocument(x->w));
}

/* A row's members are told by their columns: at the second level of <row>, the third of an array of
 * rows, the fourth of a page. Documents have no columns. */
static unsigned plain_levels(const struct value *v, bool problem, bool documents)
{
    unsigned rows = v->kind == V_ARRAY ? 3 : strcmp(root_of(v, false), "list") == 0 ? 4 : 2;
    return problem ? UINT_MAX : rows - documents;
}

int format_xml(struct buf *b, const struct value *v, bool problem, bool documents, struct err *err)
{
    TRY(lib_load(&lib_xml2, E_BUSY, err));
    xmlBufferPtr out = xml2.xmlBufferCreate();
    struct xml x = {
        .item = problem ? "i" : "item", .plain = plain_levels(v, problem, documents), .fine = true};
    x.w = out ? xml2.xmlNewTextWriterMemory(out, 0) : NULL;
    x.fine = x.w != NULL;
    buf_init(&x.text, b->limit + 1);
    if (x.w) {
        document(&x, v, problem);
        xml2.xmlFreeTextWriter(x.w);
    }
    if (x.fine)
        buf_add(b, xml2.xmlBufferContent(out), (size_t)xml2.xmlBufferLength(out));
    if (out)
        xml2.xmlBufferFree(out);
    buf_fini(&x.text);
    return x.fine ? 0 : format_too_big(err);
}

/* ---- reading ---- */

enum { XML_DEPTH = 64, XML_NAME_SHOWN = 60 };
enum told { TOLD_NOTHING, TOLD_TEXT, TOLD_NUMBER, TOLD_BOOLEAN, TOLD_ARRAY, TOLD_OBJECT };
static const char *const told_names[] = {"", "string", "number", "boolean", "array", "object"};

/* An element that is open. */
struct frame {
    str name;
    size_t first; /* its first child in kids */
    enum told told;
    bool nil;
};

struct reader {
    struct arena *arena;
    struct err *err;
    int code; /* of what went wrong */
    xmlParserCtxtPtr ctxt;
    size_t values; /* that may still come */
    unsigned depth, deepest;
    struct frame frames[XML_DEPTH];
    struct member *kids; /* complete children of what is open; in the heap */
    size_t top, cap;
    struct buf text; /* since the last tag */
    struct value out;
};

static void stop(struct reader *r, int code)
{
    if (!r->code)
        r->code = code;
    xml2.xmlStopParser(r->ctxt);
}

static void refuse(struct reader *r, str name, const char *what)
{
    str shown = str_upto(name, XML_NAME_SHOWN);
    while (shown.len && !str_utf8(shown))
        shown.len--;
    if (r->code)
        return;
    stop(r,
         fail_field(r->err, E_BAD, LIT("malformed_xml"), shown,
                    "the body is XML, but line %d%s%.*s%s %s", xml2.xmlSAX2GetLineNumber(r->ctxt),
                    shown.len ? ", '" : "", STR_ARG(shown), shown.len ? "'," : "", what));
}

static void too_much(struct reader *r, const char *what)
{
    if (!r->code)
        stop(r, fail(r->err, E_TOOBIG, "the body is XML with %s", what));
}

/* A copy, NUL-terminated; ptr NULL: no memory. */
static str copied(struct reader *r, str s)
{
    char *to = arena_try(r->arena, s.len + 1);
    if (!to) {
        too_much(r, "more than fits into a request's memory");
        return (str){0};
    }
    memcpy(to, s.ptr ? s.ptr : "", s.len);
    to[s.len] = '\0';
    return str_make(to, s.len);
}

static void on_error(void *ctx, xmlErrorPtr e)
{
    struct reader *r = ctx;
    str why = e->message ? str_strip(str_of(e->message)) : LIT("it cannot be read");
    if (e->level < XML_ERR_ERROR || r->code)
        return;
    stop(r, fail_field(r->err, E_BAD, LIT("malformed_xml"), LIT(""),
                       "the body is no well-formed XML; line %d: %.*s", e->line,
                       STR_ARG(str_upto(why, 160))));
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    (void)name, (void)id, (void)system;
    refuse(ctx, LIT(""), "holds a DOCTYPE, which is not read");
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
    struct reader *r = ctx;
    buf_add(&r->text, text, (size_t)len);
    if (r->text.full)
        too_much(r, "a text that is too long");
}

static bool blank(struct reader *r)
{
    return !str_strip(buf_view(&r->text)).len;
}

static void take_attribute(struct reader *r, struct frame *f, const xmlChar *const *a)
{
    str name = str_of((const char *)a[0]),
        value = str_make((const char *)a[3], (size_t)(a[4] - a[3]));
    bool prefixed = a[1] != NULL;
    if (str_is(name, "nil")) {
        f->nil = str_is(value, "true") || str_is(value, "1");
    } else if (str_is(name, "name") && str_is(f->name, "member") && !prefixed) {
        f->name = copied(r, value);
    } else if (str_is(name, "type") && !prefixed) {
        for (size_t i = 1; i < COUNT_OF(told_names); i++)
            f->told = str_is(value, told_names[i]) ? (enum told)i : f->told;
        if (f->told == TOLD_NOTHING)
            refuse(r, f->name, "has a type that is none of string, number, boolean, array, object");
    } else if (!prefixed) {
        refuse(r, f->name, "has an attribute, which is not read; write it as an element");
    }
}

static void on_start(void *ctx, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
                     int space_count, const xmlChar **spaces, int count, int defaulted,
                     const xmlChar **attributes)
{
    struct reader *r = ctx;
    (void)prefix, (void)uri, (void)space_count, (void)spaces, (void)defaulted;
    if (r->code)
        return;
    if (r->depth == r->deepest) {
        too_much(r, "elements that are nested too deeply");
        return;
    }
    if (r->values-- == 0) {
        too_much(r, "too many elements");
        return;
    }
    if (!blank(r))
        refuse(r, r->frames[r->depth - 1].name, "has text between its elements");
    buf_clear(&r->text);
    struct frame *f = &r->frames[r->depth++];
    *f = (struct frame){.name = copied(r, str_of((const char *)local)), .first = r->top};
    for (int i = 0; i < count && !r->code; i++)
        take_attribute(r, f, attributes + (ptrdiff_t)5 * i);
}

/* ---- an element that is complete ---- */

static bool all_items(const struct member *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!str_is(list[i].name, "item"))
            return false;
    return true;
}

static void leaf(struct reader *r, const struct frame *f, struct value *out)
{
    str text = copied(r, buf_view(&r->text));
    struct err ignored = {0};
    if (r->code)
        return;
    *out = f->told == TOLD_TEXT ? value_text(text) : value_loose(text);
    if (f->told != TOLD_NUMBER && f->told != TOLD_BOOLEAN)
        return;
    bool fine = json_parse(r->arena, str_strip(text), &json_limits_default, out, &ignored) == 0;
    bool number = out->kind == V_INT || out->kind == V_FLOAT || out->kind == V_NUM;
    if (!fine || (f->told == TOLD_NUMBER ? !number : out->kind != V_BOOL))
        refuse(r, f->name, "does not hold what its type says");
}

static void array(struct reader *r, const struct member *list, size_t count, struct value *out)
{
    struct value *items = arena_try(r->arena, (count + 1) * sizeof *items);
    *out = (struct value){.kind = V_ARRAY, .count = (uint32_t)count, .items = items};
    if (!items)
        too_much(r, "more than fits into a request's memory");
    for (size_t i = 0; i < count && items; i++)
        items[i] = list[i].value;
}

static void object(struct reader *r, const struct member *list, size_t count, struct value *out)
{
    struct member *own = arena_try(r->arena, (count + 1) * sizeof *own);
    if (own && count)
        memcpy(own, list, count * sizeof *own);
    if (!own || !fields_try_gather(r->arena, own, count, out))
        too_much(r, "more than fits into a request's memory");
}

/* The root holds what it is called for: rows if it is a <list>, else one. */
static bool is_array(const struct reader *r, const struct frame *f, const struct member *list,
                     size_t count)
{
    if (f->told != TOLD_NOTHING)
        return f->told == TOLD_ARRAY;
    return all_items(list, count) && (r->depth || str_is(f->name, "list"));
}

static void element(struct reader *r, const struct frame *f, struct value *out)
{
    size_t count = r->top - f->first;
    const struct member *list = count ? r->kids + f->first : NULL;
    bool holds = count || f->told == TOLD_ARRAY || f->told == TOLD_OBJECT || !r->depth;
    *out = value_null();
    if (count && !blank(r))
        refuse(r, f->name, "has text between its elements");
    else if (f->nil && (count || r->text.len))
        refuse(r, f->name, "is nil and holds something");
    else if (f->nil)
        return;
    else if (!count && (!holds || !blank(r)))
        leaf(r, f, out);
    else if (is_array(r, f, list, count))
        array(r, list, count, out);
    else
        object(r, list, count, out);
}

static void keep(struct reader *r, str name, const struct value *v)
{
    if (r->top == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        if (cap * sizeof *r->kids > r->arena->limit) {
            too_much(r, "more than fits into a request's memory");
            return;
        }
        r->kids = mem_grow(r->kids, cap * sizeof *r->kids);
        r->cap = cap;
    }
    r->kids[r->top++] = (struct member){name, *v};
}

static void on_end(void *ctx, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    struct reader *r = ctx;
    struct value v;
    (void)local, (void)prefix, (void)uri;
    if (r->code)
        return;
    const struct frame *f = &r->frames[--r->depth];
    element(r, f, &v);
    buf_clear(&r->text);
    r->top = f->first;
    if (r->depth)
        keep(r, f->name, &v);
    else
        r->out = v;
}

/* Bytes are UTF-8; a declaration may say so. */
static bool other_encoding(str text)
{
    str head = str_upto(text, 200);
    if (!str_starts(head, LIT("<?xml")))
        return false;
    head = str_upto(head, str_find(head, '>'));
    for (size_t i = 0; i < head.len; i++) {
        str rest = str_from(head, i);
        if (str_starts(rest, LIT("encoding"))) {
            str value = str_from(rest, str_find(rest, '=') + 1);
            value = str_upto(str_from(str_trim(value), 1), 5);
            return !str_eqi(value, LIT("utf-8"));
        }
    }
    return false;
}

/* A page of rows, as a list answers: the rows. */
static struct value rows_of(struct value v, str root)
{
    const struct value *data = value_get(&v, LIT("data"));
    return v.kind == V_OBJECT && str_is(root, "list") && data && data->kind == V_ARRAY ? *data : v;
}

static void read_document(struct reader *r, str text)
{
    static const xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .internalSubset = on_doctype,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_text,
        .serror = on_error,
    };
    r->ctxt = xml2.xmlNewParserCtxt();
    if (!r->ctxt) {
        r->code = fail(r->err, E_INTERNAL, "libxml2 has no memory");
        return;
    }
    *r->ctxt->sax = handler;
    r->ctxt->userData = r;
    xmlDocPtr none =
        xml2.xmlCtxtReadMemory(r->ctxt, text.ptr, (int)text.len, NULL, "UTF-8", XML_PARSE_NONET);
    if (none)
        xml2.xmlFreeDoc(none);
    if (!r->code && (r->depth || !r->ctxt->wellFormed || !r->frames[0].name.ptr))
        r->code = fail_field(r->err, E_BAD, LIT("malformed_xml"), LIT(""),
                             "the body is no well-formed XML");
    xml2.xmlFreeParserCtxt(r->ctxt);
}

int xml_read(struct arena *a, str text, const struct json_limits *limits, struct value *out,
             struct err *err)
{
    struct reader r = {.arena = a, .err = err, .values = limits->nodes};
    if (text.len > INT_MAX / 2)
        return fail(err, E_TOOBIG, "the body is too large for XML");
    if (other_encoding(text))
        return fail(err, E_MEDIA, "the body must be XML in UTF-8");
    if (!str_utf8(text))
        return fail_field(err, E_BAD, LIT("malformed_xml"), LIT(""), "the body is no UTF-8");
    TRY(lib_load(&lib_xml2, E_BUSY, err));
    r.deepest = limits->depth < XML_DEPTH ? limits->depth : XML_DEPTH;
    buf_init(&r.text, text.len + 1);
    read_document(&r, text);
    if (!r.code)
        *out = rows_of(r.out, r.frames[0].name);
    mem_free(r.kids);
    buf_fini(&r.text);
    return r.code;
}
