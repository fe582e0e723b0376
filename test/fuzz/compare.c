/* Any two texts as documents of an API: those that are JSON are compared, also when a schema holds
 * itself; a document and itself have no differences. SPDX: Apache-2.0 */
#include "admin/compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct json_limits limits = {.depth = 40, .nodes = 3000};
    str text = {(const char *)data, size}, first;
    struct arena a;
    struct value was, now;
    struct api_changes changes;
    struct err err = {0};
    if (size > 20000)
        return 0;
    arena_init(&a, 256 << 20);
    first = str_cut(&text, '\n');
    if (json_parse(&a, first, &limits, &was, &err) == 0) {
        if (text.ptr && json_parse(&a, text, &limits, &now, &err) == 0)
            api_compare(&a, &was, &now, &changes, &err);
        if (api_compare(&a, &was, &was, &changes, &err) == 0)
            for (size_t i = 0; i < changes.count; i++)
                BUG_ON(changes.list[i].level == API_BREAKING &&
                       !str_is(changes.list[i].code, "choice_changed"));
    }
    arena_reset(&a);
    return 0;
}
