/* curl_lib.c -- libcurl, found when the first call goes out and not before. SPDX: Apache-2.0
 * Why: it brings OpenLDAP, Kerberos and more with it, memory that a project which calls nobody
 * would pay for at rest. It is never unloaded. */
#include "client/client_priv.h"

#include <dlfcn.h>
#include <pthread.h>

#ifdef __APPLE__
#define LIBRARY "libcurl.4.dylib"
#else
#define LIBRARY "libcurl.so.4"
#endif

struct curl_lib curl;

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define X(name) {"curl_" #name, offsetof(struct curl_lib, name)},
#include "client/curl_lib.def"
#undef X
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool loaded, whole;

static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    loaded = whole = library != NULL;
    for (size_t i = 0; loaded && i < COUNT_OF(functions); i++) {
        void *found = dlsym(library, functions[i].name);
        whole = whole && found;
        memcpy((char *)&curl + functions[i].offset, &found, sizeof found);
    }
    whole = whole && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

int client__library(struct err *err)
{
    pthread_once(&once, load);
    if (!loaded)
        return fail(err, E_CONFIG,
                    "calls to other servers need the library " LIBRARY ", which cannot be loaded; "
                    "install it (Debian and Ubuntu: apt-get install libcurl4)");
    if (!whole)
        return fail(err, E_CONFIG, "the library " LIBRARY " here is older than 7.85");
    return 0;
}
