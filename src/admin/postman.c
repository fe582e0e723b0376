/* postman.c -- the document as a Postman collection, version 2.1: a folder for each tag, a request
 * for each operation, with the first example as its body. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

#define SCHEMA "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

struct collection {
    struct buf *out;
    const struct value *document;
};

/* A request that is being written. */
struct call {
    const struct value *operation;
    str method, path;
};

static str text_of(const struct value *v, const char *name)
{
    const struct value *m = v ? value_get(v, str_of(name)) : NULL;
    return m && m->kind == V_TEXT ? m->text : LIT("");
}

/* What a "$ref": "#/a/b/c" leads to. */
static const struct value *resolve(const struct value *document, const struct value *v)
{
    str ref = text_of(v, "$ref");
    const struct value *at = document;
    if (!ref.len)
        return v;
    str rest = str_from(ref, 2);
    while (at && rest.ptr)
        at = value_get(at, str_cut(&rest, '/'));
    return at;
}

static const struct value *example_of(const struct value *document, const struct value *schema)
{
    const struct value *s = resolve(document, schema);
    const struct value *list = s ? value_get(s, LIT("examples")) : NULL;
    const struct value *any = s ? value_get(s, LIT("anyOf")) : NULL;
    if (list && list->count)
        return &list->items[0];
    return any && any->count ? example_of(document, &any->items[0]) : NULL;
}

static void put_method(struct buf *b, str s)
{
    put(b, "'method':");
    buf_char(b, '"');
    for (size_t i = 0; i < s.len; i++)
        buf_char(b, s.ptr[i] >= 'a' && s.ptr[i] <= 'z' ? (char)(s.ptr[i] - 32) : s.ptr[i]);
    buf_char(b, '"');
}

/* ---- the address ---- */

/* A segment "{id}" is a variable ":id". */
static void segment(struct buf *b, str part)
{
    char name[128] = ":";
    if (part.len < 3 || part.len > sizeof name || part.ptr[0] != '{') {
        put_text(b, part);
        return;
    }
    memcpy(name + 1, part.ptr + 1, part.len - 2);
    put_text(b, str_make(name, part.len - 1));
}

static void query(struct collection *c, const struct value *parameters)
{
    put(c->out, "'query':[");
    for (size_t i = 0; parameters && i < parameters->count; i++) {
        const struct value *p = resolve(c->document, &parameters->items[i]);
        if (!str_is(text_of(p, "in"), "query"))
            continue;
        put(c->out, "{'value':'','disabled':true");
        put_member(c->out, "key", text_of(p, "name"));
        put_member(c->out, "description", text_of(p, "description"));
        put(c->out, "}");
    }
    put(c->out, "]");
}

static void address(struct collection *c, const struct call *call)
{
    struct buf *b = c->out;
    str rest = str_from(call->path, 1);
    put(b, "'url':{'raw':");
    buf_lit(b, "\"{{baseUrl}}");
    for (size_t i = 0; i < call->path.len; i++) {
        char at = call->path.ptr[i];
        if (at != '}' && at != '"' && at != '\\')
            buf_char(b, at == '{' ? ':' : at);
    }
    buf_lit(b, "\"");
    put(b, "'host':['{{baseUrl}}'],'path':[");
    while (rest.ptr)
        segment(b, str_cut(&rest, '/'));
    put(b, "]");
    query(c, value_get(call->operation, LIT("parameters")));
    put(b, "}");
}

/* ---- a request ---- */

static void body(struct collection *c, const struct value *operation)
{
    const struct value *v = value_get(operation, LIT("requestBody"));
    const struct value *content = v ? value_get(v, LIT("content")) : NULL;
    const struct value *json = content ? value_get(content, LIT("application/json")) : NULL;
    const struct value *schema = json ? value_get(json, LIT("schema")) : NULL;
    const struct value *example = schema ? example_of(c->document, schema) : NULL;
    struct buf text;
    if (!json)
        return;
    buf_init(&text, c->out->limit);
    if (example)
        json_value(&text, example);
    else
        buf_lit(&text, "{}");
    put(c->out, "'header':[{'key':'Content-Type','value':'application/json'}],'body':{'mode':'raw',"
                "'options':{'raw':{'language':'json'}},'raw':");
    put_text(c->out, buf_view(&text));
    put(c->out, "}");
    buf_fini(&text);
}

static void request(struct collection *c, const struct call *call)
{
    const struct value *security = value_get(call->operation, LIT("security"));
    put(c->out, "{");
    put_member(c->out, "name", text_of(call->operation, "summary"));
    put(c->out, "'request':{");
    put_method(c->out, call->method);
    put_member(c->out, "description", text_of(call->operation, "description"));
    address(c, call);
    body(c, call->operation);
    if (security && !security->count)
        put(c->out, "'auth':{'type':'noauth'}");
    put(c->out, "}}");
}

/* ---- folders ---- */

static bool tagged(const struct value *operation, str tag)
{
    const struct value *tags = value_get(operation, LIT("tags"));
    return tags && tags->count && str_eq(tags->items[0].text, tag);
}

static void requests(struct collection *c, const struct value *paths, str tag)
{
    for (size_t i = 0; paths && i < paths->count; i++) {
        const struct value *methods = &paths->fields[i].value;
        for (size_t k = 0; k < methods->count; k++) {
            struct call call = {.operation = &methods->fields[k].value,
                                .method = methods->fields[k].name,
                                .path = paths->fields[i].name};
            if (tagged(call.operation, tag))
                request(c, &call);
        }
    }
}

static void folders(struct collection *c)
{
    const struct value *tags = value_get(c->document, LIT("tags"));
    put(c->out, "'item':[");
    for (size_t i = 0; tags && i < tags->count; i++) {
        put(c->out, "{");
        put_member(c->out, "name", text_of(&tags->items[i], "name"));
        put(c->out, "'item':[");
        requests(c, value_get(c->document, LIT("paths")), text_of(&tags->items[i], "name"));
        put(c->out, "]}");
    }
    put(c->out, "]");
}

void docs__postman(struct buf *b, const struct value *document)
{
    struct collection c = {.out = b, .document = document};
    const struct value *servers = value_get(document, LIT("servers"));
    str url = servers && servers->count ? text_of(&servers->items[0], "url") : LIT("");
    put(b, "{'info':{");
    put_member(b, "name", text_of(value_get(document, LIT("info")), "title"));
    put_member(b, "schema", LIT(SCHEMA));
    put(b, "},'variable':[{'key':'baseUrl','value':");
    put_text(b, str_is(url, "/") ? LIT("http://127.0.0.1:8080") : url);
    put(b, "},{'key':'token','value':''}]");
    if (value_get(value_get(document, LIT("components")), LIT("securitySchemes")))
        put(b,
            "'auth':{'type':'bearer','bearer':[{'key':'token','value':'{{token}}','type':'string'}"
            "]}");
    folders(&c);
    put(b, "}");
    buf_char(b, '\n');
}
