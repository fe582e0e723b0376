/* files.c -- files in the document: their columns, forms that bring them, and the operations on one
 * file by itself. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

bool doc__has_files(const struct table *t)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].file)
            return true;
    }
    return false;
}

/* "image/png, image/jpeg", or anything. */
static str types_of(struct doc *d, const struct column *c)
{
    str list = LIT("");
    for (size_t i = 0; i < c->file->type_count; i++)
        list = arena_printf(d->arena, "%.*s%s%.*s", STR_ARG(list), i ? ", " : "",
                            STR_ARG(c->file->types[i]));
    return list.len ? list : LIT("*/*");
}

static str words(struct doc *d, const struct column *c)
{
    if (!c->file)
        return arena_printf(d->arena, "%.*s%sThe bytes of one row.", STR_ARG(c->comment),
                            c->comment.len ? "\n\n" : "");
    return arena_printf(d->arena, "%.*s%sA file of at most %llu bytes: %.*s.", STR_ARG(c->comment),
                        c->comment.len ? "\n\n" : "", (unsigned long long)c->file->max,
                        STR_ARG(types_of(d, c)));
}

void doc__file_column(struct doc *d, const struct column *c, enum column_use use)
{
    struct buf *b = d->out;
    if (use == USE_FORM) {
        put(b, "{'type':'string','format':'binary'");
    } else if (use == USE_READ || use == USE_REPLACE) {
        put(b, c->nullable ? "{'anyOf':[" : "{'allOf':[");
        put_ref(b, "schemas", LIT("File"), "");
        put(b, c->nullable ? "{'type':'null'}]" : "]");
    } else {
        put(b, c->nullable ? "{'type':'null'" : "{'not':{}");
    }
    put_member(b, "description", words(d, c));
    buf_char(b, '}');
}

/* The media types of the parts that are files. */
static void encoding(struct doc *d, const struct table *t)
{
    put(d->out, "'encoding':{");
    for (size_t i = 0; i < t->column_count; i++) {
        if (!t->columns[i].file)
            continue;
        put_key(d->out, t->columns[i].name);
        put(d->out, "{");
        put_member(d->out, "contentType", types_of(d, &t->columns[i]));
        put(d->out, "}");
    }
    put(d->out, "}");
}

void doc__form(struct doc *d, const struct table *t, str schema)
{
    static const char *const others[] = {"application/x-www-form-urlencoded", "application/xml"};
    bool files = doc__has_files(t);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        put_key(d->out, str_of(others[i]));
        put(d->out, "{'schema':");
        put_ref(d->out, "schemas", schema, "");
        put(d->out, "}");
    }
    put(d->out, "'multipart/form-data':{'schema':");
    put_ref(d->out, "schemas", schema, files ? "Form" : "");
    if (files)
        encoding(d, t);
    put(d->out, "}");
}

/* ---- operations ---- */

static void contents(struct doc *d, const struct column *c)
{
    struct buf *b = d->out;
    put(b, "'content':{");
    size_t count = c->file ? c->file->type_count : 0;
    for (size_t i = 0; i < count || i == 0; i++) {
        put_key(b, count ? c->file->types[i] : LIT("*/*"));
        put(b, "{'schema':{'type':'string','format':'binary'}}");
    }
    put(b, "}");
}

static void download(struct doc *d, const struct column *c)
{
    struct buf *b = d->out;
    put(b,
        "{'name':'Range','in':'header','description':'Parts of it: bytes=0-99.','schema':{'type':"
        "'string'}}");
    doc__parameter(d, "if_none_match");
    put(b, "],'responses':{'200':{'description':'Its bytes.','headers':{'ETag':{'description':'Of "
           "these bytes.','schema':{'type':'string'}}");
    if (c->file)
        put(b, "'Repr-Digest':{'description':'RFC 9530.','schema':{'type':'string'}}");
    put(b, "}");
    contents(d, c);
    put(b, "},'206':{'description':'The parts that Range names.'");
    contents(d, c);
    put(b, "}");
    doc__answer(d, 304, "It is what If-None-Match knows already.", LIT(""));
    doc__problems(d, (const char *const[]){"412", "414", "416"}, 3);
}

static void upload(struct doc *d, const struct column *c)
{
    struct buf *b = d->out;
    doc__parameter(d, "if_match");
    put(b, "],'requestBody':{'required':true");
    contents(d, c);
    put(b, "},'responses':{");
    doc__answer(d, 200, "It took the place of another.", LIT("File"));
    doc__answer(d, 201, "It is there.", LIT("File"));
    doc__problems(d, (const char *const[]){"408", "409", "412", "413", "415", "422", "428"}, 7);
}

static void taken_away(struct doc *d)
{
    doc__parameter(d, "if_match");
    put(d->out, "],'responses':{");
    doc__answer(d, 204, "It is gone.", LIT(""));
    doc__problems(d, (const char *const[]){"409", "412", "413", "422", "428"}, 5);
}

void doc__file(struct doc *d, const struct endpoint *e, const struct resource_about *r)
{
    static const char *const every[] = {"400", "404", "406", "429", "500", "503", "504"};
    const char *verb = e->method == METHOD_GET ? "get" : e->method == METHOD_PUT ? "put" : "delete";
    enum action act = e->method == METHOD_GET ? ACTION_READ : ACTION_UPDATE;
    str name = doc__pascal(d->arena, r->file->name);
    struct operation o = {.endpoint = e,
                          .id = arena_printf(d->arena, "%s%.*sOf%.*s", verb, STR_ARG(name),
                                             STR_ARG(doc__name(d, r->table))),
                          .tag = r->table->name,
                          .summary = str_of(e->what),
                          .description = words(d, r->file),
                          .sign_in = doc__guarded(d, r->table, act)};
    if (r->table->primary.count == 1)
        o.id_column = r->table->primary.columns[0];
    doc__operation(d, &o);
    if (e->method == METHOD_GET)
        download(d, r->file);
    else if (e->method == METHOD_PUT)
        upload(d, r->file);
    else
        taken_away(d);
    doc__problems(d, every, COUNT_OF(every));
    if (d->source->accounts)
        doc__problems(d, (const char *const[]){"401"}, 1);
    if (d->source->access)
        doc__problems(d, (const char *const[]){"403"}, 1);
    put(d->out, "}}");
}
