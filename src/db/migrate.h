/* migrate.h -- the project's migrations: what is there, what was applied, up and down.
 * SPDX: Apache-2.0
 * dbmate's convention: files VERSION_name.sql with the sections "-- migrate:up" and
 * "-- migrate:down", and table schema_migrations, here with name, checksum and applied_at.
 * All calls block; for start-up and the command line, no fibers. */
#ifndef CAIRN_DB_MIGRATE_H
#define CAIRN_DB_MIGRATE_H

#include "db/db.h"

/* A missing directory holds no migrations. */
struct migrate;

enum migration_state {
    MIGRATION_PENDING,
    MIGRATION_APPLIED,
    MIGRATION_EDITED,  /* applied, and the file has another content now */
    MIGRATION_MISSING, /* applied, and there is no file */
};

struct migration {
    str version;                 /* "20260101120000" */
    str name;                    /* "20260101120000_users" */
    str path;                    /* of the file, for messages; empty when missing */
    str checksum;                /* SHA-256 of the file in hexadecimal digits */
    str applied_at;              /* RFC 3339; empty when pending or unknown */
    str up, down;                /* the sections' text */
    unsigned up_line, down_line; /* where they begin; down_line 0: there is none */
    enum migration_state state;
    bool out_of_order; /* pending, and older than one that was applied */
};

enum migrate_event {
    MIGRATE_APPLIED,  /* text: how long it took */
    MIGRATE_REVERTED, /* the same */
    MIGRATE_DESTROYS, /* text: what a step destroys */
    MIGRATE_SQL,      /* dry run: one statement as the engine would get it */
};
typedef void migrate_say(void *ctx, enum migrate_event event, const struct migration *m, str text);

struct migrate_wish {
    str to;           /* up: the last version to apply; empty: all */
    unsigned steps;   /* down: how many; 0 is 1 */
    bool destructive; /* steps that destroy data may run */
    bool dry_run;     /* only say what would run */
    migrate_say *say; /* may be NULL */
    void *ctx;
};

/* Opens the database, reads directory dir. Gives: migrate_close. Fails with CONFIG (a file's name
 * or sections), IO, DB. With lock, no other process migrates until migrate_close; waits up to
 * lock_ms for that (then BUSY); 0: no lock, for looking only. */
int migrate_open(const struct db_config *c, str dir, unsigned lock_ms, struct migrate **out,
                 struct err *err);
void migrate_close(struct migrate **m);

/* All of them by version, applied ones without a file among them. */
const struct migration *migrate_list(const struct migrate *m, size_t *count);
size_t migrate_pending(const struct migrate *m);

/* Applies what is pending, each file in a transaction of its own, and stops at the first failure,
 * which names FILE:LINE. Nothing runs when any pending file cannot be translated, when an applied
 * file was edited, or when a step destroys data and wish does not allow it (CONFLICT; each is said
 * first). *done: how many were applied. */
int migrate_up(struct migrate *m, const struct migrate_wish *wish, size_t *done, struct err *err);
/* Takes back the newest applied ones. */
int migrate_down(struct migrate *m, const struct migrate_wish *wish, size_t *done, struct err *err);
/* 0, or CONFIG with one item for each edited, missing or out-of-order migration. */
int migrate_verify(struct migrate *m, struct err *err);
/* Writes an empty migration for now with that name into dir; makes dir. path lives in a. */
int migrate_new(struct arena *a, str dir, str name, str *path, struct err *err);

#endif
