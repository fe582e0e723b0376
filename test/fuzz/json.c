/* json.c -- any text to the JSON parser; what it takes must survive a way out and in again.
 * The first byte chooses the limits, so that their answers are reached too. SPDX: Apache-2.0 */
#include "data/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure has its code, a place, and leaves nothing half done. */
static void check_failure(int rc, const struct err *err)
{
    BUG_ON(rc != E_BAD && rc != E_TOOBIG);
    BUG_ON(err->code != rc || strncmp(err->text, "line ", 5) != 0);
}

static void check_round_trip(const struct value *v)
{
    struct arena a;
    struct buf once, again;
    struct value back;
    struct err err = {0};
    arena_init(&a, (size_t)1 << 30);
    buf_init(&once, (size_t)1 << 28);
    buf_init(&again, (size_t)1 << 28);
    json_value(&once, v);
    BUG_ON(once.full || !str_utf8(buf_view(&once)));
    BUG_ON(json_parse(&a, buf_view(&once), &json_limits_default, &back, &err) != 0);
    BUG_ON(!value_eq(v, &back));
    struct value copy = value_copy(&a, &back);
    json_value(&again, &copy);
    BUG_ON(!str_eq(buf_view(&once), buf_view(&again)));
    buf_fini(&once);
    buf_fini(&again);
    arena_reset(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct json_limits small[] = {{1, 1}, {2, 8}, {4, 100}, {64, 1000000}};
    static const size_t budgets[] = {8192, 65536, (size_t)1 << 30, (size_t)1 << 30};
    if (size < 1)
        return 0;
    struct arena a;
    struct value v;
    struct err err = {0};
    arena_init(&a, budgets[data[0] >> 2 & 3]);
    str text = str_make((const char *)data + 1, size - 1);
    int rc = json_parse(&a, text, &small[data[0] & 3], &v, &err);
    if (rc < 0) {
        check_failure(rc, &err);
    } else {
        BUG_ON(err.code || !str_utf8(text));
        check_round_trip(&v);
    }
    arena_reset(&a);
    return 0;
}
