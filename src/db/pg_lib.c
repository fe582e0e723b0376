/* pg_lib.c -- libpq, found when the first PostgreSQL url is seen and not before. SPDX: Apache-2.0
 * Why: it brings OpenSSL, Kerberos and LDAP with it, 5 MB of memory that a project on SQLite would
 * pay for at rest. Its names have a prefix less here than there: pq.clear is PQclear. */
#include "db/pg_priv.h"

#include "lib/lib.h"

#include "sonames.h"

#include <stdlib.h>

struct pg_lib pq;

static const char *const names[] = {
#define X(name) "PQ" #name,
#include "db/pg_lib.def"
#undef X
};
_Static_assert(sizeof pq == sizeof names, "a pointer for each name");

static struct lib lib = {.what = "a postgres url",
                         .file = SONAME_pq,
                         .package = "libpq5, of PostgreSQL 14 or later",
                         .names = names,
                         .count = COUNT_OF(names),
                         .table = &pq};

int pg_lib__load(struct err *err)
{
    /* Of settings that have no word in a connection's text, libpq sends those in the environment.
     */
    if (!atomic_load(&lib.handle)) {
        setenv("PGTZ", "UTC", 1);
        setenv("PGDATESTYLE", "ISO", 1);
    }
    return lib_load(&lib, E_CONFIG, err);
}
