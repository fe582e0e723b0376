/* Any text as an API key: one that is taken is taken for its check digits alone. */
#include "auth/api_key.h"

#include "base/bug.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char bent[128];
    if (!api_key_good(str_make((const char *)data, size)))
        return 0;
    BUG_ON(size >= API_KEY_ROOM);
    memcpy(bent, data, size);
    bent[size - 1] = bent[size - 1] == '0' ? '1' : '0';
    BUG_ON(api_key_good(str_make(bent, size)));
    return 0;
}
