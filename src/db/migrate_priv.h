/* Private to src/db. migrate_priv.h -- between migrate.c, migrate_state.c and migrate_files.c.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_DB_MIGRATE_PRIV_H
#define CAIRN_DB_MIGRATE_PRIV_H

#include "db/migrate.h"
#include "ddl/ddl.h"

enum {
    MIGRATE__FILE_MOST = 16 << 20,
    MIGRATE__FILES_MOST = 10000,
    MIGRATE__ARENA_MOST = 1 << 30,
    MIGRATE__ROWS_MOST = 100000,
};

struct migrate {
    struct arena arena; /* all of this struct's data */
    struct db_admin *db;
    str dir;
    struct migration *list; /* by version */
    size_t count, cap;
    bool locked;
    bool postgres; /* runs the files as they are */
};

/* ---- migrate_files.c ---- */

int migrate__read_dir(struct migrate *m, struct err *err);
struct migration *migrate__add(struct migrate *m);
struct migration *migrate__find(struct migrate *m, str version);
void migrate__sort(struct migrate *m);

/* ---- migrate_state.c: what the database knows ---- */

int migrate__read_state(struct migrate *m, struct err *err);
/* Makes the tables that migrations need; brings a table of dbmate's up to ours. */
int migrate__prepare(struct migrate *m, struct err *err);
int migrate__catalog(struct migrate *m, struct arena *a, struct ddl_catalog *out, struct err *err);
int migrate__record(struct migrate *m, const struct migration *x, struct err *err);
int migrate__forget(struct migrate *m, const struct migration *x, struct err *err);
int migrate__run_text(struct migrate *m, str text, struct err *err);
/* Drops the triggers that keep counters: they would hold on to the columns they name. Whoever
 * migrates makes them again afterwards (server/counters.c), which counts anew. */
int migrate__free_counters(struct migrate *m, struct arena *a, struct err *err);
/* CONFIG, naming the tables, when a row refers to nothing. */
int migrate__check_keys(struct migrate *m, struct arena *a, struct err *err);

#endif
