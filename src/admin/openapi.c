/* openapi.c -- the OpenAPI 3.1 document of a project, as callers with certain roles may know it:
 * what they may not do is not in it. SPDX: Apache-2.0 Invariants: (1) The same model, routes and
 * roles give the same bytes. (2) Each operation has an id of its own, made of its path, so that it
 * stays when others come and go. */
#include "admin/admin_priv.h"

enum { DOC_MEMORY = 256 << 20 };

/* ---- what the callers may know ---- */

const struct table *doc__table(const struct doc *d, size_t i)
{
    const struct schema *s = d->source->schema;
    return i < s->table_count ? &s->tables[i] : NULL;
}

static size_t place(const struct doc *d, const struct table *t)
{
    return (size_t)(t - d->source->schema->tables);
}

str doc__name(const struct doc *d, const struct table *t)
{
    return d->names[place(d, t)];
}

str doc__below(struct doc *d, const struct table *up, const struct relation *r)
{
    str name = doc__pascal(d->arena, r->name);
    return arena_printf(d->arena, "Create%.*sOf%.*s", STR_ARG(name), STR_ARG(doc__name(d, up)));
}

bool doc__shown(const struct doc *d, const struct table *t)
{
    return d->shown[place(d, t)];
}

bool doc__may(const struct doc *d, const struct table *t, enum action act)
{
    const struct access *x = d->source->access;
    return t->exposed && (!x || access_may(x, t, act, d->roles));
}

bool doc__guarded(const struct doc *d, const struct table *t, enum action act)
{
    const struct access *x = d->source->access;
    return x && !access_may(x, t, act, access_roles(x, NULL));
}

bool doc__includes(const struct doc *d, const struct relation *r)
{
    const struct access *x = d->source->access;
    if (x && r->through && !access_may(x, r->through, ACTION_READ, d->roles))
        return false;
    return doc__may(d, r->target, ACTION_READ);
}

const bool *doc__closed(const struct doc *d, const struct table *t, enum action act)
{
    const struct access *x = d->source->access;
    const bool *rules = x ? access_closed(d->arena, x, t, act, d->roles) : NULL;
    bool *closed = ARENA_ARRAY(d->arena, bool, t->column_count);
    for (size_t i = 0; i < t->column_count; i++)
        closed[i] = (rules && rules[i]) || table_closed(t, i);
    return closed;
}

/* ---- names ---- */

str doc__pascal(struct arena *a, str text)
{
    char *out = arena_new(a, text.len + 1);
    size_t len = 0;
    bool up = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool plain = ascii_alpha(c) || ascii_digit(c);
        if (plain)
            out[len++] = up && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        up = !plain;
    }
    return str_make(out, len);
}

static const char *const tails[] = {"", "Part", "List", "Create", "Replace", "Patch"};

/* Does no other schema have this name, or the same with a tail? Those of doc__below begin with
 * Create. */
static bool name_free(struct doc *d, const struct map *taken, str name)
{
    static const char *const list[] = {
        "Problem",        "FieldFault", "PageInfo",    "Increment",   "JsonPatch",
        "OwnAccount",     "TokenSet",   "SessionList", "LetterAsked", "MfaState",
        "PasskeyOptions", "Passkey",    "PasskeyList", "TotpSecret",  "RecoveryCodes",
        "FilterValue",    "FilterText", "FilterTruth", "FilterJson"};
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        str whole = arena_printf(d->arena, "%.*s%s", STR_ARG(name), tails[i]);
        for (size_t k = 0; k < COUNT_OF(list); k++) {
            if (str_is(whole, list[k]))
                return false;
        }
        if (map_get(taken, whole))
            return false;
    }
    return name.len > 0 && !str_starts(name, LIT("Create"));
}

static void name_tables(struct doc *d)
{
    const struct schema *s = d->source->schema;
    str *names = ARENA_ARRAY(d->arena, str, s->table_count);
    bool *shown = ARENA_ARRAY(d->arena, bool, s->table_count);
    struct map taken;
    map_init(&taken);
    for (size_t i = 0; i < s->table_count; i++) {
        const struct table *t = &s->tables[i];
        str name = doc__pascal(d->arena, resource_noun(d->arena, t));
        if (!name_free(d, &taken, name))
            name = arena_printf(d->arena, "%.*sTable%zu", STR_ARG(name), i + 1);
        for (size_t k = 0; k < COUNT_OF(tails); k++)
            map_set(&taken, arena_printf(d->arena, "%.*s%s", STR_ARG(name), tails[k]), d);
        names[i] = name;
        for (enum action act = 0; act < ACTIONS; act++)
            shown[i] |= doc__may(d, t, act);
    }
    map_fini(&taken);
    d->names = names;
    d->shown = shown;
}

static str id_of(struct doc *d, str wish)
{
    str id = wish;
    for (unsigned n = 2; map_get(&d->operations, id); n++)
        id = arena_printf(d->arena, "%.*s%u", STR_ARG(wish), n);
    map_set(&d->operations, id, d);
    return id;
}

/* ---- an operation ---- */

static size_t segment(const char *path)
{
    size_t n = 0;
    while (path[n] && path[n] != '/')
        n++;
    return n;
}

/* "/v1/users/:id" to "/v1/users/{id}". */
static str path_of(struct doc *d, const char *pattern)
{
    str out = LIT("");
    for (const char *p = pattern; *p;) {
        size_t n = *p == '/' ? 1 : segment(p);
        bool name = *p == ':' || *p == '*';
        out = name ? arena_printf(d->arena, "%.*s{%.*s}", STR_ARG(out), (int)n - 1, p + 1)
                   : arena_printf(d->arena, "%.*s%.*s", STR_ARG(out), (int)n, p);
        p += n;
    }
    return out;
}

static void path_parameters(struct doc *d, const char *pattern, const struct column *id)
{
    for (const char *p = pattern; *p;) {
        size_t n = *p == '/' ? 1 : segment(p);
        if (*p == ':' || *p == '*') {
            put(d->out, "{");
            put_member(d->out, "name", str_make(p + 1, n - 1));
            put(d->out, "'in':'path','required':true,'schema':");
            if (id)
                doc__column(d, id, USE_PARAMETER);
            else
                put(d->out, "{'type':'string','minLength':1}");
            put(d->out, "}");
        }
        p += n;
    }
}

static bool below(str path, str prefix)
{
    return str_starts(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

const char *doc__method(struct arena *a, enum method m)
{
    str out = arena_str(a, str_of(method_name(m)));
    for (size_t i = 0; i < out.len; i++)
        ((char *)(uintptr_t)out.ptr)[i] = ascii_lower(out.ptr[i]);
    return out.ptr;
}

static void security(struct doc *d, const struct operation *o)
{
    const struct account_config *c = account_settings_of(d->source->accounts);
    struct buf *b = d->out;
    put(b, "'security':[");
    if (!o->open && !o->sign_in)
        put(b, "{}");
    if (!o->open)
        put(b, "{'bearer':[]}");
    if (!o->open && c->keys && !str_is(o->tag, "auth")) /* a key does not manage its account */
        put(b, "{'apiKey':[]}");
    if (!o->open && c->cookies)
        put(b, "{'cookie':[]}");
    if (!o->open && c->basic)
        put(b, "{'basic':[]}");
    put(b, "]");
}

void doc__operation(struct doc *d, const struct operation *o)
{
    struct buf *b = d->out;
    put_key(b, str_of(doc__method(d->arena, o->endpoint->method)));
    put(b, "{");
    put_member(b, "operationId", id_of(d, o->id));
    put_member(b, "summary", o->summary);
    put_member(b, "description", o->description);
    put(b, "'tags':[");
    put_text(b, o->tag);
    put(b, "]");
    if (d->source->deprecated && below(str_of(o->endpoint->pattern), d->source->prefix))
        put(b, "'deprecated':true");
    if (d->source->accounts)
        security(d, o);
    put(b, "'parameters':[");
    path_parameters(d, o->endpoint->pattern, o->id_column);
}

void doc__parameter(struct doc *d, const char *shared)
{
    put_ref(d->out, "parameters", str_of(shared), "");
}

void doc__answer(struct doc *d, int status, const char *what, str schema)
{
    struct buf *b = d->out;
    putf(b, "'%d':{", status);
    put_member(b, "description", str_of(what));
    if (schema.len) {
        put(b, "'content':{'application/json':{'schema':");
        put_ref(b, "schemas", schema, "");
        put(b, "}}");
    }
    put(b, "}");
}

/* ---- the paths ---- */

static void operation(struct doc *d, const struct endpoint *e)
{
    if (!doc__resource(d, e) && !doc__query(d, e) && !doc__account(d, e) && !doc__app(d, e))
        doc__plain(d, e);
}

static bool other_version(const struct doc *d, const struct endpoint *e)
{
    const struct docs_source *s = d->source;
    for (size_t i = 0; i < s->prefix_count; i++) {
        if (!str_eq(s->prefixes[i], s->prefix) && below(str_of(e->pattern), s->prefixes[i]))
            return true;
    }
    return false;
}

bool doc__visible(const struct doc *d, const struct endpoint *e)
{
    static const enum action acts[] = {
        [RESOURCE_LIST] = ACTION_READ,     [RESOURCE_CREATE] = ACTION_CREATE,
        [RESOURCE_READ] = ACTION_READ,     [RESOURCE_REPLACE] = ACTION_UPDATE,
        [RESOURCE_CHANGE] = ACTION_UPDATE, [RESOURCE_REMOVE] = ACTION_DELETE,
        [RESOURCE_RELATED] = ACTION_READ,
    };
    struct resource_about r;
    struct query_about q;
    if (e->run == docs__endpoint || e->run == docs__page || e->run == docs__front || e->page ||
        other_version(d, e))
        return false;
    if (resource_about(e, &r) && r.file) {
        enum action act = e->method == METHOD_GET ? ACTION_READ : ACTION_UPDATE;
        return doc__may(d, r.table, act) && !doc__closed(d, r.table, act)[r.file->index];
    }
    if (resource_about(e, &r) && r.table)
        return doc__may(d, r.table, acts[r.does]) && (!r.up || doc__may(d, r.up, ACTION_READ));
    if (query_about(e, d->arena, &q))
        return !d->source->access || query_may(e, d->source->access, d->roles);
    return true;
}

/* All methods of a path stand together, at the first one. */
static void paths(struct doc *d)
{
    const struct router *r = d->source->router;
    const struct endpoint *e, *other;
    struct map done;
    map_init(&done);
    put(d->out, "'paths':{");
    for (size_t i = 0; (e = router_at(r, i)); i++) {
        if (map_get(&done, str_of(e->pattern)) || !doc__visible(d, e))
            continue;
        map_set(&done, str_of(e->pattern), d);
        put_key(d->out, path_of(d, e->pattern));
        put(d->out, "{");
        for (size_t k = i; (other = router_at(r, k)); k++) {
            if (strcmp(other->pattern, e->pattern) == 0 && doc__visible(d, other))
                operation(d, other);
        }
        put(d->out, "}");
    }
    put(d->out, "}");
    map_fini(&done);
}

/* ---- the whole ---- */

static void info(struct doc *d)
{
    const struct docs_source *s = d->source;
    struct buf *b = d->out;
    put_member(b, "title", s->title.len ? s->title : LIT("API"));
    put_member(b, "version", s->version.len ? s->version : LIT("1"));
    put_member(b, "description",
               s->description.len ? s->description
                                  : LIT("Filters, sorting, pages and related rows work alike on "
                                        "every list. Every failure is a `Problem`."));
    if (s->contact.len) {
        put(b, "'contact':{");
        put_member(b, str_find(s->contact, '@') != STR_NONE ? "email" : "url", s->contact);
        put(b, "}");
    }
    if (s->licence.len) {
        put(b, "'license':{");
        put_member(b, "name", s->licence);
        put_member(b, "identifier", s->licence);
        put(b, "}");
    }
}

static void head(struct doc *d)
{
    const struct docs_source *s = d->source;
    struct buf *b = d->out;
    put(b, "{'openapi':'3.1.0','info':{");
    info(d);
    put(b, "}");
    put(b, "'servers':[{");
    put_member(b, "url", s->public_url.len ? s->public_url : LIT("/"));
    put(b, "}]");
    if (!s->accounts)
        put(b, "'security':[]");
}

/* Of the operations that are there. */
static void tags(struct doc *d)
{
    static const char *const others[][2] = {{"batch", "Several operations in one transaction."},
                                            {"queries", "Questions that have a name."},
                                            {"auth", "Signing in and out."},
                                            {"operating", "For who operates the server."},
                                            {"handlers", "Written by the project."}};
    const struct table *t;
    put(d->out, "'tags':[");
    for (size_t i = 0; (t = doc__table(d, i)); i++) {
        if (!doc__shown(d, t))
            continue;
        put(d->out, "{");
        put_member(d->out, "name", t->name);
        put_member(d->out, "description",
                   t->comment.len ? t->comment
                                  : arena_printf(d->arena, "Rows of %.*s.", STR_ARG(t->name)));
        put(d->out, "}");
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        t = schema_table(d->source->schema, str_of(others[i][0]));
        if (!t || !doc__shown(d, t))
            putf(d->out, "{'name':'%s','description':'%s'}", others[i][0], others[i][1]);
    }
    put(d->out, "]");
}

static void write(struct doc *d)
{
    name_tables(d);
    head(d);
    tags(d);
    paths(d);
    put(d->out, "'components':{'schemas':{");
    doc__account_schemas(d);
    doc__schemas(d);
    doc__shared(d);
    put(d->out, "}");
    doc__components(d);
    put(d->out, "}}");
    buf_char(d->out, '\n');
}

static int convert(struct arena *a, enum docs_form form, struct buf *out, struct err *err)
{
    static const struct json_limits limits = {.depth = 64, .nodes = 20000000};
    struct value v;
    if (form == DOCS_JSON)
        return 0;
    str text = arena_str(a, buf_view(out));
    TRY(json_parse(a, text, &limits, &v, err));
    buf_clear(out);
    if (form == DOCS_YAML)
        docs__yaml(out, &v);
    else
        docs__postman(out, &v);
    return 0;
}

int docs_write(const struct docs_source *s, uint64_t roles, enum docs_form form, struct buf *out,
               struct err *err)
{
    struct arena a;
    struct doc d = {.source = s, .roles = roles, .out = out, .arena = &a};
    arena_init(&a, DOC_MEMORY);
    map_init(&d.operations);
    write(&d);
    int code = out->full ? 0 : convert(&a, form, out, err);
    map_fini(&d.operations);
    arena_reset(&a);
    if (out->full)
        return fail(err, E_TOOBIG, "the document of the API is larger than %zu bytes", out->limit);
    return code;
}
