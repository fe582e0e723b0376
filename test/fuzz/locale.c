/* Any Accept-Language, any pattern over any sentence. Line by line: header, pattern, translation,
 * sentence. */
#include "render/locale.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const str offers[] = {STR_INIT("en"), STR_INIT("de"), STR_INIT("pt-BR")};
    str rest = {(const char *)data, size}, parts[4] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};
    struct arena a;
    if (size > 4096)
        return 0;
    for (size_t i = 0; i < 4 && rest.ptr; i++)
        parts[i] = str_cut(&rest, '\n');
    size_t at = language_choose(parts[0], offers, COUNT_OF(offers));
    if (at != STR_NONE && at >= COUNT_OF(offers))
        abort();
    struct locale_text texts[2] = {{parts[1], parts[2]}, {LIT("a {*b} c"), LIT("{b}")}};
    struct locale l = {.texts = texts, .text_count = 2, .base = &locales_built_in.list[0]};
    arena_init(&a, 1 << 28);
    locale_fits(parts[1], parts[2]);
    locale_sentence(&l, &a, parts[3]);
    arena_reset(&a);
    return 0;
}
