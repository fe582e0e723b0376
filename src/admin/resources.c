/* resources.c -- the operations on tables. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

static const char *const every[] = {"400", "406", "429", "500", "503", "504"};
static const char *const bodies[] = {"408", "409", "413", "415", "422"};

/* ---- parameters ---- */

/* A list of words out of some, separated by commas. */
static void begin_words(struct doc *d, const char *name, const char *what)
{
    put(d->out, "{");
    put_member(d->out, "name", str_of(name));
    put(d->out, "'in':'query','style':'form','explode':false");
    put_member(d->out, "description", str_of(what));
    put(d->out, "'schema':{'type':'array','items':{'type':'string','enum':[");
}

static void end_words(struct doc *d)
{
    put(d->out, "]}}}");
}

static void fields(struct doc *d, const struct table *t, const bool *closed)
{
    begin_words(d, "fields",
                "Only these columns. Beside the ones listed: RELATION.COLUMN, COLUMN->KEY, and of "
                "lists functions such as count() and COLUMN.sum().");
    for (size_t i = 0; i < t->column_count; i++) {
        if (!closed[i] && !t->columns[i].spread)
            put_text(d->out, t->columns[i].name);
    }
    end_words(d);
}

static void include(struct doc *d, const struct table *t)
{
    bool any = false;
    for (size_t i = 0; i < t->relation_count; i++)
        any |= doc__includes(d, &t->relations[i]);
    if (!any)
        return;
    begin_words(d, "include",
                "Related rows. Also deeper, RELATION.RELATION, and with options: "
                "RELATION(limit:2,sort:-id,fields:id).");
    for (size_t i = 0; i < t->relation_count; i++) {
        if (doc__includes(d, &t->relations[i]))
            put_text(d->out, t->relations[i].name);
    }
    end_words(d);
}

static void sort(struct doc *d, const struct table *t, const bool *closed)
{
    begin_words(d, "sort",
                "In this order; a minus descends. Behind a column `.nullsfirst` or `.nullslast`.");
    for (size_t i = 0; i < t->column_count; i++) {
        if (closed[i] || t->columns[i].type == TYPE_JSON)
            continue;
        put_text(d->out, t->columns[i].name);
        put_text(d->out, arena_printf(d->arena, "-%.*s", STR_ARG(t->columns[i].name)));
    }
    end_words(d);
}

/* A column's name as a parameter: docs/reference/query.md, "Names that are taken". */
static str filter_name(struct doc *d, str name)
{
    static const char *const taken[] = {"sort",   "fields", "include", "limit", "page", "offset",
                                        "cursor", "count",  "or",      "and",   "not"};
    bool plain = true;
    for (size_t i = 0; i < name.len; i++)
        plain &= ascii_alpha(name.ptr[i]) || ascii_digit(name.ptr[i]) || name.ptr[i] == '_';
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        if (str_is(name, taken[i]))
            return arena_printf(d->arena, "filter[%.*s]", STR_ARG(name));
    }
    return plain ? name : arena_printf(d->arena, "\"%.*s\"", STR_ARG(name));
}

static void filters(struct doc *d, const struct table *t, const bool *closed)
{
    struct buf *b = d->out;
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        if (closed[i] || c->spread)
            continue;
        put(b, "{");
        put_member(b, "name", filter_name(d, c->name));
        put(b, "'in':'query','style':'form','explode':true");
        put_member(
            b, "description",
            arena_printf(d->arena, "Tests of %.*s, all of which must hold.", STR_ARG(c->name)));
        put(b, "'schema':{'type':'array','items':");
        put_ref(b, "schemas", str_of(doc__filter(c)), "");
        put(b, "}}");
    }
}

static void list_parameters(struct doc *d, const struct table *t, const bool *closed)
{
    static const char *const shared[] = {"limit", "page", "offset", "cursor", "count", "or", "and"};
    sort(d, t, closed);
    for (size_t i = 0; i < COUNT_OF(shared); i++)
        doc__parameter(d, shared[i]);
    filters(d, t, closed);
}

static void languages(struct doc *d, const struct table *t)
{
    str list = LIT("");
    for (size_t i = 0; i < t->tongue_count; i++)
        list = arena_printf(d->arena, "%.*s%s%.*s", STR_ARG(list), i ? ", " : "",
                            STR_ARG(t->tongues[i].language));
    put(d->out, "{'name':'Accept-Language','in':'header'");
    put_member(d->out, "description",
               arena_printf(d->arena,
                            "Which language names and texts are in (%.*s); as they are stored for "
                            "others. Content-Language says which one it is.",
                            STR_ARG(list)));
    put(d->out, "'schema':{'type':'string'}}");
}

static void parameters(struct doc *d, const struct endpoint *e, const struct resource_about *r)
{
    const bool *closed = doc__closed(d, r->table, ACTION_READ);
    if (e->keyed && (e->method == METHOD_POST || e->method == METHOD_PATCH))
        doc__parameter(d, "idempotency_key");
    if (e->method == METHOD_GET && r->table->tongue_count)
        languages(d, r->table);
    if (e->method == METHOD_GET) {
        fields(d, r->table, closed);
        include(d, r->table);
        doc__parameter(d, "if_none_match");
    }
    if (e->method == METHOD_PUT || e->method == METHOD_PATCH || e->method == METHOD_DELETE)
        doc__parameter(d, "if_match");
    if (r->does == RESOURCE_LIST)
        list_parameters(d, r->table, closed);
    put(d->out, "]");
}

/* ---- bodies ---- */

static str tailed(struct doc *d, str name, const char *tail)
{
    return arena_printf(d->arena, "%.*s%s", STR_ARG(name), tail);
}

static void body(struct doc *d, const struct resource_about *r)
{
    struct buf *b = d->out;
    str name = doc__name(d, r->table);
    if (r->does != RESOURCE_CREATE && r->does != RESOURCE_REPLACE && r->does != RESOURCE_CHANGE)
        return;
    put(b,
        "'requestBody':{'description':'JSON, or the same fields as a form or as XML, whose texts "
        "become what the columns are; the root element of XML may have any name.','required':true,"
        "'content':{'application/json':{'schema':");
    if (r->does == RESOURCE_CREATE) {
        str one = r->up ? doc__below(d, r->up, r->relation) : tailed(d, name, "Create");
        put(b, "{'anyOf':[");
        put_ref(b, "schemas", one, "");
        put(b, "{'type':'array','minItems':1");
        putf(b, "'maxItems':%lld", (long long)d->source->max_bulk);
        put(b, "'items':");
        put_ref(b, "schemas", one, "");
        put(b, "}]}}");
        doc__form(d, r->table, one);
    } else {
        const char *tail = r->does == RESOURCE_CHANGE ? "Patch" : "Replace";
        put_ref(b, "schemas", name, tail);
        put(b, "}");
        doc__form(d, r->table, tailed(d, name, tail));
    }
    if (r->does == RESOURCE_CHANGE) {
        put(b, "'application/merge-patch+json':{'schema':");
        put_ref(b, "schemas", name, "Patch");
        put(b, "},'application/json-patch+json':{'schema':{'$ref':'#/components/schemas/JsonPatch'}"
               "}");
    }
    put(b, "}}");
}

/* ---- answers ---- */

static void made(struct doc *d, str name, bool one)
{
    struct buf *b = d->out;
    put(b, "'201':{'description':'As it is stored.','headers':{'Location':{'description':'Where it "
           "is, when it is one.','schema':{'type':'string','format':'uri-reference'}}},'content':{"
           "'application/json':{'schema':");
    if (one) {
        put_ref(b, "schemas", name, "");
    } else {
        put(b, "{'anyOf':[");
        put_ref(b, "schemas", name, "");
        put(b,
            "{'type':'object','required':['data'],'properties':{'data':{'type':'array','items':");
        put_ref(b, "schemas", name, "");
        put(b, "}}}]}");
    }
    put(b, "}}}");
}

static void answers(struct doc *d, const struct resource_about *r)
{
    str name = doc__name(d, r->table);
    if (r->does == RESOURCE_LIST || r->does == RESOURCE_READ || r->does == RESOURCE_RELATED)
        doc__answer(d, 304, "It is what If-None-Match knows already.", LIT(""));
    switch (r->does) {
    case RESOURCE_LIST:
        doc__answer(d, 200, "A page of them.", tailed(d, name, "List"));
        break;
    case RESOURCE_READ:
    case RESOURCE_RELATED:
        doc__answer(d, 200, "The row.", tailed(d, name, "Part"));
        break;
    case RESOURCE_CREATE:
        made(d, name, false);
        break;
    case RESOURCE_REMOVE:
        doc__answer(d, 204, "It is gone.", LIT(""));
        break;
    default:
        doc__answer(d, 200, "The row as it is then.", name);
        if (r->does == RESOURCE_REPLACE && (r->table->document || r->table->put_creates))
            made(d, name, true);
    }
}

static void problems(struct doc *d, const struct resource_about *r)
{
    bool writes =
        r->does == RESOURCE_CREATE || r->does == RESOURCE_REPLACE || r->does == RESOURCE_CHANGE;
    bool sums = r->does == RESOURCE_LIST;
    doc__problems(d, every, COUNT_OF(every));
    if (d->source->accounts)
        doc__problems(d, (const char *const[]){"401"}, 1);
    if (d->source->access || sums)
        doc__problems(d, (const char *const[]){"403"}, 1);
    if (r->up || (r->does != RESOURCE_LIST && r->does != RESOURCE_CREATE))
        doc__problems(d, (const char *const[]){"404"}, 1);
    if (writes)
        doc__problems(d, bodies, COUNT_OF(bodies));
    else if (r->does == RESOURCE_REMOVE)
        doc__problems(d, (const char *const[]){"409"}, 1);
    else
        doc__problems(d, (const char *const[]){"412", "413", "414"}, 3);
    if (r->does == RESOURCE_REPLACE || r->does == RESOURCE_CHANGE || r->does == RESOURCE_REMOVE)
        doc__problems(d, (const char *const[]){"412", "428"}, 2);
}

/* ---- an operation ---- */

/* listUsers, createUser, getUser, ...; below a row listPostsOfUser, createPostsOfUser,
 * getAuthorOfPost. */
static const struct {
    const char *verb, *description;
} does[] = {
    [RESOURCE_LIST] = {"list", "Filtered, sorted and in pages, with related rows on wish."},
    [RESOURCE_CREATE] = {"create", "One row of an object; of an array all of them, or none."},
    [RESOURCE_READ] = {"get", "With related rows on wish."},
    [RESOURCE_REPLACE] = {"replace", "What the body leaves out gets its default, else null."},
    [RESOURCE_CHANGE] = {"update", "Changes what the body names; a JSON Patch changes any place."},
    [RESOURCE_REMOVE] = {"delete", "Not while other rows point to it, unless they go with it."},
    [RESOURCE_RELATED] = {"get", "The one row that this one points to."},
};

static str id_of(struct doc *d, const struct resource_about *r)
{
    struct arena *a = d->arena;
    const char *verb = does[r->does].verb;
    if (r->up) {
        str name = doc__pascal(a, r->relation->name);
        return arena_printf(a, "%s%.*sOf%.*s", verb, STR_ARG(name), STR_ARG(doc__name(d, r->up)));
    }
    str name = r->does == RESOURCE_LIST ? doc__pascal(a, r->table->name) : doc__name(d, r->table);
    return arena_printf(a, "%s%.*s", verb, STR_ARG(name));
}

static void batch(struct doc *d, const struct endpoint *e)
{
    static const char *const more[] = {"401", "403", "404"};
    struct operation o = {.endpoint = e,
                          .id = LIT("runBatch"),
                          .tag = LIT("batch"),
                          .summary = str_of(e->what),
                          .description =
                              LIT("All of them or none. A later one may refer to what an "
                                  "earlier one answered: {\"$ref\": \"NAME.id\"}.")};
    doc__operation(d, &o);
    if (e->keyed)
        doc__parameter(d, "idempotency_key");
    put(d->out,
        "],'requestBody':{'required':true,'content':{'application/json':{'schema':{'type':'object',"
        "'required':['operations'],'additionalProperties':false,'properties':{'operations':{'type':"
        "'array','minItems':1,'items':{'type':'object','properties':{'method':{'type':'string',"
        "'enum':['GET','POST','PUT','PATCH','DELETE']},'path':{'type':'string'},'body':{},"
        "'headers':{'type':'object','additionalProperties':{'type':'string'}},'name':{'type':"
        "'string','pattern':'^[A-Za-z_-][A-Za-z0-9_-]*$'},'on_error':{'type':'string','enum':["
        "'rollback','continue']},'operations':{'type':'array','items':{'type':'object'}}}}},"
        "'isolation':{'type':'string','enum':['read_committed','repeatable_read','serializable']},"
        "'read_only':{'type':'boolean'}}}}}},'responses':{'200':{'description':'All of it is "
        "committed.','content':{'application/json':{'schema':{'type':'object','required':["
        "'results'],'properties':{'isolation':{'type':'string'},'results':{'type':'array','items':"
        "{'type':'object'}}}}}}}");
    doc__problems(d, every, COUNT_OF(every));
    doc__problems(d, bodies, COUNT_OF(bodies));
    doc__problems(d, more + !d->source->accounts, COUNT_OF(more) - !d->source->accounts);
    put(d->out, "}}");
}

bool doc__resource(struct doc *d, const struct endpoint *e)
{
    struct resource_about r;
    if (!resource_about(e, &r))
        return false;
    if (r.does == RESOURCE_BATCH) {
        batch(d, e);
        return true;
    }
    if (r.does == RESOURCE_FILE) {
        doc__file(d, e, &r);
        return true;
    }
    const struct table *addressed = r.up ? r.up : r.table;
    enum action act = e->method == METHOD_GET     ? ACTION_READ
                      : e->method == METHOD_POST  ? ACTION_CREATE
                      : r.does == RESOURCE_REMOVE ? ACTION_DELETE
                                                  : ACTION_UPDATE;
    struct operation o = {.endpoint = e,
                          .id = id_of(d, &r),
                          .tag = addressed->name,
                          .summary = str_of(e->what),
                          .description = str_of(does[r.does].description),
                          .sign_in = doc__guarded(d, r.table, act) ||
                                     (r.up && doc__guarded(d, r.up, ACTION_READ))};
    if (addressed->primary.count == 1)
        o.id_column = addressed->primary.columns[0];
    doc__operation(d, &o);
    parameters(d, e, &r);
    body(d, &r);
    put(d->out, "'responses':{");
    answers(d, &r);
    problems(d, &r);
    put(d->out, "}}");
    return true;
}
