/* Any If-Match, If-None-Match and dates: what is made is found again, the parsers agree with each
 * other, and nothing is read past its end. */
#include "base/clock.h"
#include "http/http.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void dates(str text)
{
    int64_t t, again;
    char shown[CLOCK_HTTP_LEN];
    if (!http_date(text, &t) || t < -62167219200 || t > 253402300799)
        return;
    clock_http(t, shown);
    BUG_ON(!http_date(str_make(shown, sizeof shown), &again) || again != t);
}

static void lists(str text)
{
    char tag[ETAG_LEN];
    const struct etag_key key = {{1, 2, 3, 4}};
    etag_make(&key, LIT("a/b"), text, tag);
    str made = str_make(tag, ETAG_LEN);
    enum etag_says strong = etag_list(text, made, ETAG_OWN, true),
                   weak = etag_list(text, made, ETAG_OWN, false);
    BUG_ON((strong == ETAG_MALFORMED) != (weak == ETAG_MALFORMED));
    BUG_ON(strong == ETAG_FITS && weak != ETAG_FITS);
    BUG_ON(etag_list(made, made, ETAG_OWN, true) != ETAG_FITS);
}

/* What goes on with If-Match: * where something is, goes on without it. */
static void conditions(str text)
{
    struct err err = {0};
    struct header list[] = {{LIT("If-None-Match"), text},
                            {LIT("If-Modified-Since"), text},
                            {LIT("If-Unmodified-Since"), text},
                            {LIT("If-Match"), LIT("*")}};
    struct request rq = {.method = METHOD_GET, .headers = list, .header_count = COUNT_OF(list)};
    const struct validators v = {true, LIT("\"AAAAAAAAAAA\""), ETAG_OWN, 784111777};
    int code = request_condition(&rq, &v, &err);
    BUG_ON(code != 0 && code != 304);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1); /* so that a byte too far is seen */
    BUG_ON(!copy);
    if (size)
        memcpy(copy, data, size);
    str text = str_make(copy, size);
    dates(text);
    lists(text);
    conditions(text);
    free(copy);
    return 0;
}
