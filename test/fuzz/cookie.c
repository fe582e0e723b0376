/* Any Cookie header: names and values come from within it, and hold nothing that could end them; a
 * request's cookie is the last of that name. */
#include "http/http.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str all = str_make((const char *)data, size), rest = all, name, value, got;
    struct header h = {LIT("Cookie"), all};
    struct request rq = {.headers = &h, .header_count = 1};
    size_t count = 0;
    while (cookie_next(&rest, &name, &value)) {
        BUG_ON(!name.len || name.ptr < all.ptr || value.ptr + value.len > all.ptr + all.len);
        for (size_t i = 0; i < value.len; i++)
            BUG_ON(value.ptr[i] <= ' ' || value.ptr[i] >= 0x7f || value.ptr[i] == ';');
        if (++count > 300)
            break;
        if (count > 4 && count != 200) /* each looks through all of them */
            continue;
        size_t found = request_cookie(&rq, name, &got);
        BUG_ON(count <= 200 && (found < 1 || !got.ptr));
    }
    return 0;
}
