/* curl_lib.c -- libcurl, found when the first call goes out and not before. SPDX: Apache-2.0
 * Why: it brings OpenLDAP, Kerberos and more with it, memory that a project which calls nobody
 * would pay for at rest. Its names have a prefix less here: curl.easy_init is curl_easy_init. */
#include "client/client_priv.h"

#include "lib/lib.h"

#include "sonames.h"

#include <pthread.h>

struct curl_lib curl;

static const char *const names[] = {
#define X(name) "curl_" #name,
#include "client/curl_lib.def"
#undef X
};
_Static_assert(sizeof curl == sizeof names, "a pointer for each name");

static struct lib lib = {.what = "a call to another server",
                         .file = SONAME_curl,
                         .package = "libcurl4, 7.85 or later",
                         .names = names,
                         .count = COUNT_OF(names),
                         .table = &curl};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

static void begin(void)
{
    ready = curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

int client__library(struct err *err)
{
    TRY(lib_load(&lib, E_CONFIG, err));
    pthread_once(&once, begin);
    return ready ? 0 : fail(err, E_CONFIG, "libcurl cannot be used here");
}
