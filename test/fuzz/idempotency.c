/* Any value of Idempotency-Key: what is taken has 1 to 255 printable characters, and is taken again
 * when it is written as a string. */
#include "edge/idempotency.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str quoted(struct arena *a, str key)
{
    char *text = arena_new(a, 2 * key.len + 2);
    size_t len = 0;
    text[len++] = '"';
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '"' || key.ptr[i] == '\\')
            text[len++] = '\\';
        text[len++] = key.ptr[i];
    }
    text[len++] = '"';
    return str_make(text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    str key, again;
    arena_init(&a, 1 << 20);
    if (!idempotency_key_parse(&a, str_make((const char *)data, size), &key)) {
        BUG_ON(key.len < 1 || key.len > 255);
        for (size_t i = 0; i < key.len; i++)
            BUG_ON(key.ptr[i] < 0x20 || key.ptr[i] > 0x7e);
        BUG_ON(idempotency_key_parse(&a, quoted(&a, key), &again) || !str_eq(key, again));
    }
    arena_reset(&a);
    return 0;
}
