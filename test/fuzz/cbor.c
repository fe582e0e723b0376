/* Any bytes as CBOR: items lie within them, and what is skipped is what is read item by item. */
#include "data/data.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str all = str_make((const char *)data, size), rest = all, skipped = all;
    struct cbor c;
    bool whole = cbor_skip(&skipped);
    size_t left = 1, seen = 0;
    while (left && cbor_next(&rest, &c)) {
        BUG_ON(rest.ptr + rest.len != all.ptr + all.len);
        if (c.kind == CBOR_BYTES || c.kind == CBOR_TEXT)
            BUG_ON(c.bytes.ptr < all.ptr || c.bytes.ptr + c.bytes.len > rest.ptr);
        left += (c.kind == CBOR_ARRAY ? c.count : c.kind == CBOR_MAP ? 2 * c.count : 0);
        left--;
        if (++seen > 300)
            break;
    }
    BUG_ON(whole && (left || rest.ptr != skipped.ptr));
    return 0;
}
