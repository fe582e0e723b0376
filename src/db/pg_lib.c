/* pg_lib.c -- libpq, found when the first PostgreSQL url is seen and not before. SPDX: Apache-2.0
 * Why: it brings OpenSSL, Kerberos and LDAP with it, 5 MB of memory that a project on SQLite would
 * pay for at rest. It is never unloaded: connections and its own threads' data may outlive us. */
#include "db/pg_priv.h"

#include <dlfcn.h>
#include <stdlib.h>

#ifdef __APPLE__
#define LIBRARY "libpq.5.dylib"
#else
#define LIBRARY "libpq.so.5"
#endif

struct pg_lib pq;

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define X(name) {"PQ" #name, offsetof(struct pg_lib, name)},
#include "db/pg_lib.def"
#undef X
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static str missing; /* the first function that is not there */
static bool loaded;

/* Of settings that have no word in a connection's text, libpq sends those in the environment. */
static void load(void)
{
    setenv("PGTZ", "UTC", 1);
    setenv("PGDATESTYLE", "ISO", 1);
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    loaded = library != NULL;
    for (size_t i = 0; loaded && i < COUNT_OF(functions) && !missing.ptr; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found)
            missing = str_of(functions[i].name);
        memcpy((char *)&pq + functions[i].offset, &found, sizeof found);
    }
}

int pg_lib__load(struct err *err)
{
    pthread_once(&once, load);
    if (!loaded)
        return fail(err, E_CONFIG,
                    "a postgres url needs the library " LIBRARY ", which cannot be loaded; "
                    "install it (Debian and Ubuntu: apt-get install libpq5)");
    if (missing.ptr)
        return fail(err, E_CONFIG,
                    "the library " LIBRARY " here has no %.*s: it is older than PostgreSQL 14",
                    STR_ARG(missing));
    return 0;
}
