/* compare.h -- what changed between two documents of an API, and whom it breaks. SPDX: Apache-2.0
 */
#ifndef CAIRN_ADMIN_COMPARE_H
#define CAIRN_ADMIN_COMPARE_H

#include "base/arena.h"
#include "data/data.h"

/* BREAKING: a client that did nothing wrong stops working. WARNING: one that was not prepared for
 * more than it knew does. */
enum api_level { API_BREAKING, API_WARNING, API_SAFE, API_LEVELS };
const char *api_level_name(enum api_level l);

struct api_change {
    enum api_level level;
    str code;  /* a stable word: field_removed, field_renamed, type_changed, ... */
    str place; /* "GET /users 200 data[].name" */
    str text;  /* a sentence */
};

struct api_changes {
    struct api_change *list; /* the breaking ones first, in the order of the first document */
    size_t count;
    bool cut; /* there were more: API_CHANGES_MOST */
};
enum { API_CHANGES_MOST = 5000 };

/* Compares OpenAPI 3.x documents, parsed; paths without what stands for the version ("/v1"). All
 * lives in a. Fails with BAD: one of them is no such document. */
int api_compare(struct arena *a, const struct value *was, const struct value *now,
                struct api_changes *out, struct err *err);

#endif
