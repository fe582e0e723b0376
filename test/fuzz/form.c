/* Any bytes as a form, and as XML. What XML is read writes as XML that reads as the same. */
#include "../unit/resource/thing.h"
#include "render/negotiate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLACED_MOST = 1 << 22 };

/* Into the columns of a table, too: nothing of it may stop the process. */
static void take(struct arena *a, const struct value *v)
{
    static struct table things;
    struct body body;
    struct err err = {0};
    if (!things.columns)
        things = thing_new();
    for (int kind = BODY_CREATE; kind <= BODY_PATCH; kind++)
        resource__take(a, &things, v, (enum body_kind)kind, NULL, &body, &err);
}

static void write_again(struct arena *a, const struct value *v)
{
    struct buf first, second;
    struct value back;
    struct err err = {0};
    buf_init(&first, REPLACED_MOST);
    buf_init(&second, REPLACED_MOST);
    if (format_xml(&first, v, false, true, &err) == 0 && !first.full) {
        if (xml_read(a, buf_view(&first), &json_limits_default, &back, &err) < 0) {
            if (err.code != E_TOOBIG)
                abort();
        } else if (format_xml(&second, &back, false, true, &err) < 0 ||
                   !str_eq(buf_view(&first), buf_view(&second)))
            abort();
    }
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct value v;
    struct err err = {0};
    str text = {(const char *)data, size};
    arena_init(&a, 1 << 28);
    if (form_read(&a, text, &v, &err) == 0) {
        if (v.kind != V_OBJECT)
            abort();
        take(&a, &v);
    }
    err = (struct err){0};
    if (xml_read(&a, text, &json_limits_default, &v, &err) == 0) {
        take(&a, &v);
        write_again(&a, &v);
    } else if (!err.code || !err.text[0])
        abort();
    arena_reset(&a);
    return 0;
}
