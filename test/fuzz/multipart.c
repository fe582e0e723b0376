/* Any bytes as a form, cut anywhere: the same events and bytes come out however it is cut. The
 * first line is the Content-Type, the byte before it says where to cut. Names and types of its
 * parts go on to whoever reads those. */
#include "files/files.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int told(str type, str body, size_t piece, struct buf *out)
{
    struct multipart m;
    struct err err = {0};
    enum multipart_event event;
    int code = multipart_init(&m, type, &err);
    for (size_t at = 0; code == 0 && at < body.len; at += piece) {
        str in = str_upto(str_from(body, at), piece);
        while (code == 0 && in.len) {
            code = multipart_next(&m, &in, &event, &err);
            if (code == 0 && event == MULTIPART_PART)
                buf_printf(out, "(%.*s|%.*s)", STR_ARG(m.part.name), STR_ARG(m.part.filename));
            if (code == 0 && event == MULTIPART_DATA)
                buf_str(out, m.data);
            if (code == 0 && event == MULTIPART_LAST)
                buf_char(out, ';');
        }
    }
    return code == 0 ? multipart_done(&m, &err) : code;
}

static void others(str text)
{
    struct arena a;
    struct digests d;
    struct file_value f;
    struct err err = {0};
    str type;
    arena_init(&a, 1 << 24);
    str name = file_name_clean(&a, text), found = sniff_type(text);
    if (!name.len || name.len > FILE_NAME_MOST || memchr(name.ptr, '/', name.len) ||
        memchr(name.ptr, '\\', name.len) || !str_utf8(name) || name.ptr[0] == '.')
        abort();
    file_disposition(&a, true, name);
    if (media_clean(&a, text, &type))
        sniff_agrees(type, found);
    digests_parse(text, &d, &err);
    file_value_get(text, &f);
    arena_reset(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    str rest = {(const char *)data + 1, size - 1}, type = str_cut(&rest, '\n');
    struct buf whole, cut;
    if (!rest.ptr)
        rest = LIT("");
    buf_init(&whole, 1 << 24);
    buf_init(&cut, 1 << 24);
    int x = told(type, rest, rest.len + 1, &whole), y = told(type, rest, 1 + data[0] % 64, &cut);
    if ((x < 0) != (y < 0) || (x == 0 && !str_eq(buf_view(&whole), buf_view(&cut))))
        abort();
    buf_fini(&whole);
    buf_fini(&cut);
    others(rest);
    return 0;
}
