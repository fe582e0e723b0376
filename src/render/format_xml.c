/* format_xml.c -- JSON as XML, through libxml2's writer. SPDX: Apache-2.0
 * A list is <list>, one row <row>, a problem <problem> as RFC 9457 has it. A member is an element
 * of its name, or <member name="..."> where that is no name of XML; null has nil="true"; each value
 * of an array is an <item> (<i> in a problem). A character that XML 1.0 cannot hold becomes U+FFFD.
 */
#include "render/negotiate.h"

#include <libxml/xmlwriter.h>

struct xml {
    xmlTextWriterPtr w;
    struct buf text; /* of the present value, ending in NUL */
    const char *item;
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
    return fine && !(name.len >= 3 && str_eqi(str_upto(name, 3), LIT("xml")));
}

static void open(struct xml *x, str name)
{
    if (named(name)) {
        ok(x, xmlTextWriterStartElement(x->w, clean(x, name)));
        return;
    }
    ok(x, xmlTextWriterStartElement(x->w, (const xmlChar *)"member"));
    ok(x, xmlTextWriterWriteAttribute(x->w, (const xmlChar *)"name", clean(x, name)));
}

static void scalar(struct xml *x, const struct value *v)
{
    if (v->kind == V_NULL) {
        ok(x, xmlTextWriterWriteAttribute(x->w, (const xmlChar *)"nil", (const xmlChar *)"true"));
        return;
    }
    if (v->kind == V_TEXT) {
        ok(x, xmlTextWriterWriteString(x->w, clean(x, v->text)));
        return;
    }
    buf_clear(&x->text);
    json_value(&x->text, v);
    buf_char(&x->text, '\0');
    x->fine = x->fine && !x->text.full;
    if (x->fine)
        ok(x, xmlTextWriterWriteString(x->w, (const xmlChar *)x->text.ptr));
}

static void content(struct xml *x, const struct value *v)
{
    bool array = v->kind == V_ARRAY;
    if (!array && v->kind != V_OBJECT) {
        scalar(x, v);
        return;
    }
    for (uint32_t i = 0; i < v->count && x->fine; i++) {
        open(x, array ? str_of(x->item) : v->fields[i].name);
        content(x, array ? &v->items[i] : &v->fields[i].value);
        ok(x, xmlTextWriterEndElement(x->w));
    }
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
    ok(x, xmlTextWriterStartDocument(x->w, "1.0", "UTF-8", NULL));
    ok(x, xmlTextWriterStartElement(x->w, (const xmlChar *)root_of(v, problem)));
    if (problem)
        ok(x, xmlTextWriterWriteAttribute(x->w, (const xmlChar *)"xmlns",
                                          (const xmlChar *)"urn:ietf:rfc:7807"));
    content(x, v);
    ok(x, xmlTextWriterEndDocument(x->w));
}

bool format_xml(struct buf *b, const struct value *v, bool problem)
{
    xmlBufferPtr out = xmlBufferCreate();
    struct xml x = {.item = problem ? "i" : "item", .fine = true};
    x.w = out ? xmlNewTextWriterMemory(out, 0) : NULL;
    x.fine = x.w != NULL;
    buf_init(&x.text, b->limit + 1);
    if (x.w) {
        document(&x, v, problem);
        xmlFreeTextWriter(x.w);
    }
    if (x.fine)
        buf_add(b, xmlBufferContent(out), (size_t)xmlBufferLength(out));
    if (out)
        xmlBufferFree(out);
    buf_fini(&x.text);
    return x.fine;
}
