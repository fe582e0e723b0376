/* Any Accept and Accept-Encoding; any bytes as a compressed body. */
#include "render/negotiate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct coding_config all = {.order = {CODING_ZSTD, CODING_BR, CODING_GZIP},
                                         .count = 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MOST = 100000 };
    str text = {(const char *)data, size};
    struct format_choice f;
    struct err err = {0};
    struct buf out;
    if (!size)
        return 0;
    if (format_choose(text, &f) && !f.type.len)
        abort();
    struct coding_choice k = coding_choose(&all, text);
    if (k.coding >= CODING__COUNT)
        abort();
    enum coding c = (enum coding)(1 + data[0] % 3);
    buf_init(&out, 1 << 20);
    if (coding_undo(c, str_from(text, 1), &out, MOST, &err) == 0 && out.len > MOST)
        abort();
    buf_fini(&out);
    return 0;
}
