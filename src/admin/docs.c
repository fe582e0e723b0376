/* docs.c -- the documents and pages, served. SPDX: Apache-2.0
 * A document is made when somebody with those roles asks for the first time, on a helper thread,
 * and is const from then on, as long as the model and the routes are. There are as many
 * combinations of roles as callers bring, so only so many documents are kept; what comes later is
 * made each time. */
#include "admin/admin_priv.h"

#include "base/mem.h"

#include <stdatomic.h>

enum { MADE_MOST = 64, DOCUMENT_MOST = 256 << 20 };

struct docs_made {
    struct docs_made *next;
    uint64_t roles;
    enum docs_form form;
    struct buf text;
};

/* What a route of a document is for. */
struct place {
    struct docs *docs;
    enum docs_form form;
};

/* ---- making one ---- */

static void made_free(struct docs_made *m)
{
    buf_fini(&m->text);
    mem_free(m);
}

struct making {
    const struct docs_source *source;
    struct docs_made *made;
    struct err err;
    int code;
};

static void make(void *arg)
{
    struct making *k = arg;
    struct docs_made *m = k->made;
    k->code = docs_write(k->source, m->roles, m->form, &m->text, &k->err);
}

WAITS static int make_apart(struct docs *d, uint64_t roles, enum docs_form form,
                            struct docs_made **out, struct err *err)
{
    struct docs_made *m = mem_zero(1, sizeof *m);
    struct making k = {.source = &d->source, .made = m};
    m->roles = roles;
    m->form = form;
    buf_init(&m->text, DOCUMENT_MOST);
    int code = fiber_blocking(make, &k);
    if (code < 0)
        fail(err, E_BUSY, "the helper threads are busy; try again");
    else if (k.code < 0)
        *err = k.err;
    code = code < 0 ? E_BUSY : k.code;
    if (code < 0)
        made_free(m);
    else
        *out = m;
    return code;
}

/* ---- keeping them ---- */

static struct docs_made *find(struct docs_made *m, uint64_t roles, enum docs_form form)
{
    while (m && (m->roles != roles || m->form != form))
        m = m->next;
    return m;
}

static void drop(void *arg)
{
    made_free(arg);
}

/* Two workers may make the same one: both are right, and the later one is not found. */
WAITS static int document(struct docs *d, uint64_t roles, enum docs_form form,
                          const struct docs_made **out, struct err *err)
{
    struct docs_made *first = atomic_load_explicit(&d->first, memory_order_acquire), *m;
    *out = find(first, roles, form);
    if (*out)
        return 0;
    TRY(make_apart(d, roles, form, &m, err));
    *out = m;
    if (atomic_fetch_add(&d->count, 1) >= MADE_MOST) {
        atomic_fetch_sub(&d->count, 1);
        fiber_defer(drop, m);
        return 0;
    }
    m->next = first;
    while (!atomic_compare_exchange_weak(&d->first, &m->next, m))
        ;
    return 0;
}

void docs_fini(struct docs *d)
{
    struct docs_made *m = atomic_load(&d->first);
    while (m) {
        struct docs_made *next = m->next;
        made_free(m);
        m = next;
    }
    atomic_store(&d->first, NULL);
}

/* ---- answering ---- */

int docs__endpoint(struct request *rq, const void *data, struct err *err)
{
    static const str types[DOCS_FORMS] = {
        STR_INIT("application/json"), STR_INIT("application/yaml"), STR_INIT("application/json")};
    const struct place *p = data;
    struct docs *d = p->docs;
    if (d->version_count && rq->asked == VERSION_UNKNOWN)
        return fail_field(err, E_BAD, LIT("unknown_version"), LIT("version"),
                          "Invalid API version; there are documents of each version, at "
                          "PREFIX/openapi.json");
    if (d->version_count && rq->asked)
        d = d->versions[rq->asked - 1];
    const struct access *x = d->source.access;
    const struct docs_made *m;
    if (d->who == DOCS_FOR_SIGNED_IN && !rq->principal)
        return fail_field(err, E_SIGNIN, LIT("sign_in_required"), LIT(""),
                          "the documents are for those who signed in");
    uint64_t roles = x ? access_roles(x, rq->principal) : DOCS_ALL_ROLES;
    TRY(document(d, roles, p->form, &m, err));
    reply_vary(rq->reply, LIT("Authorization"));
    rq->reply->type = types[p->form];
    rq->reply->fixed = buf_view(&m->text);
    return 0;
}

#define POLICY                                                                                     \
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "              \
    "frame-ancestors 'none'; object-src 'none'"

int docs__page(struct request *rq, const void *data, struct err *err)
{
    const struct asset *a = data;
    (void)err;
    rq->reply->type = a->type;
    rq->reply->fixed = a->bytes;
    if (str_starts(a->type, LIT("text/html")))
        reply_header(rq->reply, LIT("Content-Security-Policy"), LIT(POLICY));
    return 0;
}

/* A route of the project's own goes before. */
static int add(struct router *r, const struct endpoint *e, struct err *err)
{
    struct err taken = {0};
    int code = router_add(r, e, &taken);
    if (code < 0 && code != E_CONFLICT) {
        *err = taken;
        return code;
    }
    return 0;
}

/* PREFIX/openapi.json and its like. */
static int add_version(struct router *r, struct docs *d, struct arena *a, const char *const *paths,
                       const char *const *what, struct err *err)
{
    struct place *places = ARENA_ARRAY(a, struct place, DOCS_FORMS);
    for (size_t i = 0; i < DOCS_FORMS; i++) {
        places[i] = (struct place){d, (enum docs_form)i};
        struct endpoint e = {.run = docs__endpoint, .data = &places[i], .what = what[i]};
        e.pattern = arena_printf(a, "%.*s%s", STR_ARG(d->source.prefix), paths[i]).ptr;
        TRY(add(r, &e, err));
    }
    return 0;
}

/* / and PREFIX, of each version. */
static int add_fronts(struct router *r, struct docs *d, struct err *err)
{
    struct endpoint e = {.run = docs__front, .data = d, .pattern = "/", .what = "where to go"};
    TRY(add(r, &e, err));
    for (size_t i = 0; i < d->version_count; i++) {
        e.data = d->versions[i];
        e.pattern = d->versions[i]->source.prefix.ptr;
        TRY(add(r, &e, err));
    }
    e.pattern = d->source.prefix.ptr;
    return d->version_count || !d->source.prefix.len ? 0 : add(r, &e, err);
}

int docs_routes(struct router *r, struct docs *d, struct arena *a, struct err *err)
{
    static const char *const paths[DOCS_FORMS] = {"/openapi.json", "/openapi.yaml",
                                                  "/postman.json"};
    static const char *const what[DOCS_FORMS] = {"the API as OpenAPI 3.1", "the same as YAML",
                                                 "the API as a Postman collection"};
    struct place *places = ARENA_ARRAY(a, struct place, DOCS_FORMS);
    struct asset *assets = ARENA_ARRAY(a, struct asset, DOCS__ASSETS);
    if (d->who == DOCS_FOR_NOBODY)
        return 0;
    for (size_t i = 0; i < DOCS_FORMS; i++) {
        places[i] = (struct place){d, (enum docs_form)i};
        struct endpoint e = {
            .run = docs__endpoint, .data = &places[i], .pattern = paths[i], .what = what[i]};
        TRY(add(r, &e, err));
    }
    TRY(add_fronts(r, d, err));
    for (size_t i = 0; i < d->version_count; i++)
        TRY(add_version(r, d->versions[i], a, paths, what, err));
    for (size_t i = 0; i < DOCS__ASSETS; i++) {
        docs__asset(i, &assets[i]);
        struct endpoint e = {.run = docs__page,
                             .data = &assets[i],
                             .pattern = assets[i].path,
                             .what = i ? "part of the page" : "the API, to browse and try"};
        TRY(add(r, &e, err));
    }
    return 0;
}
