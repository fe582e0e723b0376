/* Any document and patch (two JSON values in an array): nothing breaks, the document stays as it
 * was, and what comes out is JSON. */
#include "data/data.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *a, const struct value *doc, const struct value *patch)
{
    struct err err = {0};
    struct value out, again, before = value_copy(a, doc);
    struct buf b;
    if (json_patch(a, doc, patch, &out, &err) < 0) {
        BUG_ON(err.code != E_BAD && err.code != E_INVALID && err.code != E_CONFLICT &&
               err.code != E_TOOBIG);
        out = json_merge(a, doc, patch);
    }
    BUG_ON(!value_eq(doc, &before));
    buf_init(&b, 1 << 22);
    json_value(&b, &out);
    const struct json_limits deep = {.depth = 300, .nodes = 2000000};
    if (!b.full) {
        BUG_ON(json_parse(a, buf_view(&b), &deep, &again, &err) != 0);
        BUG_ON(!json_same(&out, &again));
    }
    buf_fini(&b);
    BUG_ON(!json_contains(doc, doc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct value pair;
    struct err err = {0};
    const struct json_limits small = {.depth = 32, .nodes = 500};
    arena_init(&a, 256 << 20);
    if (size < 4096 &&
        json_parse(&a, str_make((const char *)data, size), &small, &pair, &err) == 0 &&
        pair.kind == V_ARRAY && pair.count == 2)
        check(&a, &pair.items[0], &pair.items[1]);
    arena_reset(&a);
    return 0;
}
