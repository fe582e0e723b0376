/* Any body of a batch: read, and its references followed as if every operation had answered. */
#include "resource/batch_priv.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_lie_inside(const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct operation *op = &b->all[i];
        BUG_ON(op->end <= i || op->end > b->count || op->depth > BATCH_DEEP);
        BUG_ON(!op->group && (op->end != i + 1 || !op->path.len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct resource_config config = {.batch_operations = 20, .isolation_allowed = 2};
    static const struct resource_set set = {.config = &config};
    static const struct batch_place place = {.set = &set};
    struct request rq = {0};
    struct batch b = {.rq = &rq, .place = &place};
    struct value json;
    struct err err = {0};
    arena_init(&rq.arena, 64 << 20);
    str text = arena_str(&rq.arena, str_make((const char *)data, size));
    if (size < 4096 && json_parse(&rq.arena, text, &json_limits_default, &json, &err) == 0 &&
        batch__read(&b, &json, &err) == 0) {
        must_lie_inside(&b);
        for (size_t i = 0; i < b.count; i++) {
            const struct value *body;
            str path;
            err = (struct err){0};
            BUG_ON(batch__path(&b, i, &path, &err) < 0 && err.code != E_INVALID);
            err = (struct err){0};
            BUG_ON(batch__body(&b, i, &body, &err) < 0 && err.code != E_INVALID);
            b.all[i].state = OPERATION_DONE;
            b.all[i].answer = text; /* as good as any */
        }
    }
    arena_reset(&rq.arena);
    return 0;
}
