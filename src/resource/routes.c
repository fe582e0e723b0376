/* routes.c -- every exposed table and relation becomes endpoints; all that a request can use again
 * is made here once. SPDX: Apache-2.0
 * Invariants: (1) After resource_routes everything is const and shared by all workers. (2) The text
 * of resource->one does not depend on the id, so that one prepared statement serves all of them. */
#include "resource/batch_priv.h"
#include "resource/guard.h"

enum { NOUN_MOST = 128 };

struct build {
    struct router *router;
    struct resource_set *set;
    struct arena *arena;
    struct err *err;
};

/* ---- what all endpoints share ---- */

static void describe(struct build *b)
{
    struct resource_set *set = b->set;
    size_t count = set->schema->table_count;
    struct row_shape *shapes = ARENA_ARRAY(b->arena, struct row_shape, count);
    str *nouns = ARENA_ARRAY(b->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        const struct table *t = &set->schema->tables[i];
        char noun[NOUN_MOST];
        size_t shown;
        const struct column **columns = resource__visible(b->arena, t, &shown);
        row_shape_init(&shapes[i], b->arena, columns, shown);
        resource__file_places(&shapes[i], b->arena, set, t, &(struct shape_cells){columns, shown});
        resource__singular(t->name, noun, sizeof noun);
        nouns[i] = arena_str(b->arena, str_of(noun));
    }
    set->shapes = shapes;
    set->nouns = nouns;
    set->warnings = resource__warnings(b->arena, set->schema);
}

/* May the name be a segment of a path and of a route's pattern? */
static bool fits_path(str name)
{
    bool fine = name.len && name.ptr[0] != ':' && name.ptr[0] != '*' && !str_is(name, ".") &&
                !str_is(name, "..");
    for (size_t i = 0; i < name.len; i++)
        fine =
            fine && name.ptr[i] != '/' && (unsigned char)name.ptr[i] >= ' ' && name.ptr[i] != 0x7f;
    return fine;
}

static int name_check(const struct build *b, const char *what, str name)
{
    if (fits_path(name))
        return 0;
    return fail(b->err, E_CONFIG,
                "the %s '%.*s' cannot be part of a path; hide it with expose: "
                "false, or give it another name",
                what, STR_ARG(str_upto(name, 100)));
}

/* ---- endpoints ---- */

/* PREFIX/T, with `tail` behind it. */
static const char *pattern(struct build *b, const struct table *t, const char *tail, str more)
{
    str prefix = b->set->config->prefix;
    return arena_printf(b->arena, "%.*s/%.*s%s%.*s", STR_ARG(prefix), STR_ARG(t->name), tail,
                        STR_ARG(more))
        .ptr;
}

static bool takes_form(enum method m)
{
    return m == METHOD_POST || m == METHOD_PUT || m == METHOD_PATCH;
}

static int add(struct build *b, enum method m, const char *path, endpoint_fn *run,
               const struct resource *r, str what)
{
    struct endpoint e = {.run = run,
                         .data = r,
                         .pattern = path,
                         .method = m,
                         .what = what.ptr,
                         .pieces = takes_form(m) ? resource__form_pieces : NULL,
                         .receive = takes_form(m) ? resource__form_receive : NULL,
                         .accepts = m == METHOD_PATCH  ? PATCH_TYPES
                                    : m == METHOD_POST ? ROW_TYPES
                                                       : NULL,
                         .in_batch = true,
                         .keyed = true,
                         .slashes = true}; /* of a text key */
    return router_add(b->router, &e, b->err);
}

static struct resource *resource_of(struct build *b, const struct table *t)
{
    struct resource *r = ARENA_NEW(b->arena, struct resource);
    r->set = b->set;
    r->table = t;
    return r;
}

static int add_rows(struct build *b, const struct resource *r)
{
    const struct table *t = r->table;
    const char *path = pattern(b, t, "", LIT(""));
    str list = arena_printf(b->arena, "list %.*s", STR_ARG(t->name));
    str more = arena_printf(b->arena, "add to %.*s", STR_ARG(t->name));
    TRY(add(b, METHOD_GET, path, resource__list, r, list));
    return t->view ? 0 : add(b, METHOD_POST, path, resource__create, r, more);
}

static int add_row(struct build *b, const struct resource *r)
{
    static const struct {
        enum method method;
        endpoint_fn *run;
        const char *verb;
    } list[] = {{METHOD_GET, resource__one, "read"},
                {METHOD_PUT, resource__put, "replace"},
                {METHOD_PATCH, resource__patch, "change"},
                {METHOD_DELETE, resource__remove, "remove"}};
    const char *path = pattern(b, r->table, "/:id", LIT(""));
    str noun = resource__noun(b->set, r->table);
    for (size_t i = 0; i < (r->table->view ? 1 : COUNT_OF(list)); i++) {
        str what = arena_printf(b->arena, "%s one %.*s", list[i].verb, STR_ARG(noun));
        TRY(add(b, list[i].method, path, list[i].run, r, what));
    }
    return 0;
}

/* From the target's rows to those of the table between, whose other side is the parent. */
static struct relation near_of(const struct relation *r)
{
    return (struct relation){.name = r->name,
                             .kind = REL_MANY,
                             .from = r->target,
                             .target = r->through,
                             .local = r->remote,
                             .remote = r->far};
}

static int add_relation(struct build *b, const struct table *up, const struct relation *rel)
{
    struct resource *r = resource_of(b, rel->target);
    str noun = resource__noun(b->set, up);
    r->relation = rel;
    r->up = up;
    if (rel->kind == REL_THROUGH)
        r->near = near_of(rel);
    TRY(name_check(b, "relation", rel->name));
    const char *path = pattern(b, up, "/:id/", rel->name);
    str what = arena_printf(b->arena, "%s %.*s of one %.*s", rel->kind == REL_ONE ? "read" : "list",
                            STR_ARG(rel->name), STR_ARG(noun));
    if (rel->kind == REL_ONE)
        return add(b, METHOD_GET, path, resource__related_one, r, what);
    TRY(add(b, METHOD_GET, path, resource__list, r, what));
    if (rel->kind != REL_MANY || rel->target->view)
        return 0;
    what = arena_printf(b->arena, "add to %.*s of one %.*s", STR_ARG(rel->name), STR_ARG(noun));
    return add(b, METHOD_POST, path, resource__create, r, what);
}

/* PREFIX/T/:id/COLUMN of a column of files. */
static int add_file(struct build *b, const struct table *t, const struct column *c)
{
    static const struct {
        enum method method;
        endpoint_fn *run;
        const char *verb;
    } list[] = {{METHOD_GET, resource__file_get, "download"},
                {METHOD_PUT, resource__file_put, "upload"},
                {METHOD_DELETE, resource__file_remove, "remove"}};
    struct resource *r = resource_of(b, t);
    str noun = resource__noun(b->set, t);
    r->file = c;
    TRY(name_check(b, "column", c->name));
    const char *path = pattern(b, t, "/:id/", c->name);
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        bool takes = list[i].method == METHOD_PUT;
        struct endpoint e = {.run = list[i].run,
                             .data = r,
                             .pattern = path,
                             .method = list[i].method,
                             .pieces = takes ? resource__file_pieces : NULL,
                             .receive = takes ? resource__file_receive : NULL,
                             .slashes = true};
        e.what = arena_printf(b->arena, "%s %.*s of one %.*s", list[i].verb, STR_ARG(c->name),
                              STR_ARG(noun))
                     .ptr;
        TRY(router_add(b->router, &e, b->err));
    }
    return 0;
}

/* PREFIX/T/:id/COLUMN of a column of bytes, where no relation has that name and it can stand in a
 * path. */
static int add_bytes(struct build *b, const struct table *t, const struct column *c)
{
    bool free = fits_path(c->name);
    for (size_t i = 0; i < t->relation_count; i++)
        free &= !str_eq(t->relations[i].name, c->name);
    if (!free)
        return 0;
    struct resource *r = resource_of(b, t);
    r->file = c;
    str noun = resource__noun(b->set, t);
    struct endpoint e = {.run = resource__bytes_get,
                         .data = r,
                         .pattern = pattern(b, t, "/:id/", c->name),
                         .method = METHOD_GET,
                         .slashes = true};
    e.what =
        arena_printf(b->arena, "download %.*s of one %.*s", STR_ARG(c->name), STR_ARG(noun)).ptr;
    return router_add(b->router, &e, b->err);
}

static int add_table(struct build *b, const struct table *t)
{
    struct resource *r = resource_of(b, t);
    TRY(name_check(b, "table", t->name));
    TRY(add_rows(b, r));
    if (!t->primary.count)
        return 0;
    TRY(resource__prepare(b->arena, b->set->config->dialect, t, &r->one, &r->one_ready, b->err));
    TRY(add_row(b, r));
    for (size_t i = 0; i < t->relation_count; i++) {
        if (t->relations[i].target->exposed)
            TRY(add_relation(b, t, &t->relations[i]));
    }
    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].file)
            TRY(add_file(b, t, &t->columns[i]));
        else if (t->columns[i].type == TYPE_BYTES && !t->columns[i].spread)
            TRY(add_bytes(b, t, &t->columns[i]));
    }
    return 0;
}

/* POST PREFIX/batch, over the routes of all tables. */
static int add_batch(struct build *b)
{
    const struct table *t = schema_table(b->set->schema, LIT("batch"));
    struct batch_place *place = ARENA_NEW(b->arena, struct batch_place);
    if (!b->set->config->batch_operations)
        return 0;
    if (t && t->exposed)
        return fail(b->err, E_CONFIG,
                    "the table 'batch' wants the path of batches; hide it with expose: false, or "
                    "turn batches off with rest.batch_operations: 0");
    *place = (struct batch_place){.set = b->set, .router = b->router};
    str prefix = b->set->config->prefix;
    const char *path = arena_printf(b->arena, "%.*s/batch", STR_ARG(prefix)).ptr;
    struct endpoint e = {.run = resource__batch,
                         .data = place,
                         .pattern = path,
                         .method = METHOD_POST,
                         .what = "run several operations in one transaction",
                         .keyed = true};
    return router_add(b->router, &e, b->err);
}

int resource_routes(struct router *r, const struct schema *s, struct db *db,
                    const struct resource_config *c, struct arena *a, struct err *err)
{
    struct build b = {.router = r, .arena = a, .err = err};
    b.set = ARENA_NEW(a, struct resource_set);
    *b.set = (struct resource_set){.schema = s, .db = db, .config = c};
    describe(&b);
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].exposed)
            TRY(add_table(&b, &s->tables[i]));
    }
    return add_batch(&b);
}
