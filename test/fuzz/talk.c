/* What a server answers to cairn call: taken apart, and nothing in it steers the terminal. */
#include "cli/talk.h"
#include "cli/term.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct buf out;
    struct answer r = {0};
    struct err err = {0};
    struct value v;
    arena_init(&a, 16 << 20);
    buf_init(&out, 16 << 20);
    struct term t = {.out = &out};
    if (answer_read(str_make((const char *)data, size), &r, &err) == 0) {
        str type = answer_header(&r, LIT("Content-Type"));
        term_put(&t, TERM_RED, r.line);
        term_put(&t, TERM_RED, type);
        term_safe(&t, r.body, true);
        if (json_parse(&a, r.body, &json_limits_default, &v, &err) == 0)
            term_json(&t, &v);
        for (size_t i = 0; i < out.len; i++)
            if ((unsigned char)out.ptr[i] < ' ' && out.ptr[i] != '\n' && out.ptr[i] != '\t')
                abort();
        if (!str_utf8(buf_view(&out)))
            abort();
    }
    buf_fini(&out);
    arena_reset(&a);
    return 0;
}
