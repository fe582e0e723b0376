/* admin.h -- documents of the API, made from the model and the routes, and the pages that show
 * them. SPDX: Apache-2.0 */
#ifndef CAIRN_ADMIN_H
#define CAIRN_ADMIN_H

#include "account/account.h"
#include "policy/access.h"
#include "query/query.h"
#include "resource/resource.h"

/* What a document is made from; borrowed, const. */
struct docs_source {
    str title, version;                /* of the API */
    str description, contact, licence; /* may be empty; contact: an address or a URL */
    str prefix, public_url;
    const struct schema *schema;
    const struct router *router;
    const struct access *access;     /* NULL: everything is open */
    const struct accounts *accounts; /* NULL: nobody signs in */
    int64_t default_limit, max_limit, max_offset, max_bulk;
    bool deprecated;     /* this version of the API */
    const str *prefixes; /* of all versions: only what is below `prefix`, or below none of them */
    size_t prefix_count;
};

enum docs_form { DOCS_JSON, DOCS_YAML, DOCS_POSTMAN, DOCS_FORMS };
#define DOCS_ALL_ROLES UINT64_MAX

/* The document for callers with those roles: the same bytes whenever it is made of the same. Needs
 * the stack of a thread. Fails with TOOBIG. */
int docs_write(const struct docs_source *s, uint64_t roles, enum docs_form form, struct buf *out,
               struct err *err);

/* ---- served ---- */

enum docs_for { DOCS_FOR_NOBODY, DOCS_FOR_SIGNED_IN, DOCS_FOR_ANYONE };

/* Those that were made, one for each combination of roles; zeroed it is empty. */
struct docs_made;
struct docs {
    struct docs_source source;
    enum docs_for who;
    struct docs *const *versions; /* of the API, by their place; NULL: there is one */
    size_t version_count;
    _Atomic(struct docs_made *) first;
    _Atomic unsigned count;
};

/* Adds GET /openapi.json, /openapi.yaml, /postman.json, /docs and what that page loads, / and
 * PREFIX; nothing when they are for nobody, and none whose path is taken. With versions the request
 * chooses one (rq->asked), and PREFIX/openapi.json and its like are there, too. Borrows d; what the
 * endpoints need lives in a. */
int docs_routes(struct router *r, struct docs *d, struct arena *a, struct err *err);
void docs_fini(struct docs *d); /* when no request is left */

#endif
