/* config.h -- the project's settings: config.def, cairn.yaml, the environment, --set.
 * SPDX: Apache-2.0
 * Later wins: default, DIR/cairn.yaml, PORT and DATABASE_URL, CAIRN_SERVER_LISTEN and its like (one
 * for each key), overrides of the command line. Every fault is found at once, each with
 * its place: "cairn.yaml:3:5: server.worker: unknown key (did you mean `server.workers`?)". */
#ifndef CAIRN_SERVER_CONFIG_H
#define CAIRN_SERVER_CONFIG_H

#include "auth/clients.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "db/db.h"
#include "edge/edge.h"
#include "files/files.h"
#include "policy/access.h"
#include "render/locale.h"
#include "render/negotiate.h"
#include "schema/schema.h"

enum config_type {
    CONFIG_INT,
    CONFIG_SIZE,
    CONFIG_MS,
    CONFIG_BOOL,
    CONFIG_TEXT,
    CONFIG_SECRET, /* as TEXT; never in the file itself: file:PATH or ${VAR}; never shown */
    CONFIG_ENUM,
    CONFIG_LIST /* texts; kept with commas between them */
};

/* One line of config.def. */
struct config_key {
    const char *field, *path; /* "listen", "server.listen" */
    enum config_type type;
    const char *preset; /* ENUM: "a|b=a" */
    int64_t min, max;
    bool reload; /* takes effect at SIGHUP */
    const char *help;
    size_t offset; /* in struct config */
};

enum {
#define X(field, path, type, preset, min, max, reload, help) CONFIG_KEY_##field,
#include "server/config.def"
#undef X
    CONFIG_KEYS
};
extern const struct config_key config_keys[CONFIG_KEYS];

/* The words of ENUM keys, in the order of config.def. */
enum { MODE_DEVELOPMENT, MODE_PRODUCTION };
enum { EXPOSE_ALL, EXPOSE_NONE };
enum { UPLOADS_LOCAL, UPLOADS_S3 };
enum { DOCS_AUTO, DOCS_ANYONE, DOCS_SIGNED_IN, DOCS_NOBODY };
enum { MAIL_SEND_AUTO, MAIL_SEND_ALWAYS, MAIL_SEND_NEVER };
enum { CONFIG_LOG_AUTO, CONFIG_LOG_JSON, CONFIG_LOG_PRETTY };

/* A key and its value as text, from the command line. Borrowed during config_load. */
struct config_override {
    str key, value;
};

#define CONFIG_C_INT int64_t
#define CONFIG_C_SIZE uint64_t
#define CONFIG_C_MS uint64_t
#define CONFIG_C_BOOL bool
#define CONFIG_C_TEXT str
#define CONFIG_C_SECRET str
#define CONFIG_C_ENUM int
#define CONFIG_C_LIST str

/* One version of the API; seconds since 1970, 0: never. */
struct api_version {
    str name, place; /* "v1"; FILE:LINE:COLUMN */
    int64_t deprecated_s, sunset_s;
    str documentation, policy; /* URLs: how to go on, and what sunset means; empty: none */
    const struct schema_version_table *tables;
    size_t table_count;
};

/* Const once loaded. TEXT and SECRET values are NUL-terminated behind their length. */
struct config {
#define X(field, path, type, preset, min, max, reload, help) CONFIG_C_##type field;
#include "server/config.def"
#undef X
    unsigned isolation_levels;          /* isolation_allowed as bits, 1 << enum db_isolation */
    struct coding_config codings;       /* of answers and bodies */
    struct locales locales;             /* languages of problems */
    struct edge_config edge;            /* of headers, cors, limits, ... */
    struct schema_wishes tables;        /* of the section tables: */
    struct access_wishes access;        /* of the sections roles: and access: */
    const struct api_version *versions; /* of the section versions:, the oldest first */
    size_t version_count;               /* 0: there is one, at rest.prefix */
    const str *prefixes;                /* of the versions, or that one */
    size_t prefix_count;
    const struct issuer_config *issuers; /* of auth.issuers */
    size_t issuer_count;
    const struct provider_config *providers; /* of auth.providers */
    size_t provider_count;
    struct clients clients; /* of the section oauth:; its issuer is not said yet */
    bool access_given;      /* one of them is there: nothing is allowed that they do not allow */
    str dir;                /* the project directory, as given */
    str file;               /* DIR/cairn.yaml; empty when there is none */
    str data_path;          /* data_dir and migrations, relative to dir when they are relative */
    str migrations_path;
    str queries_path;        /* queries_dir, the same way */
    str mail_path;           /* mail_templates, the same way */
    str origin[CONFIG_KEYS]; /* where each value is from: "default", "cairn.yaml:3:5", "PORT" */
    const struct err_item *warnings; /* field: key; pointer: place; message */
    size_t warning_count;
    const struct err_item *faults; /* the same, when loading failed */
    size_t fault_count;
    struct arena arena; /* everything above */
};

enum { CONFIG_FAULTS_MOST = 20 };

/* Reads the settings of project dir. dir must be there, its cairn.yaml need not. Gives *out also
 * when it fails with CONFIG or IO: err->items live in it, so it is freed after they
 * are told (it is of no other use). Any thread; blocks on files. */
int config_load(const char *dir, const struct config_override *over, size_t count,
                struct config **out, struct err *err);
void config_free(struct config **c); /* *c may be NULL */

/* All faults (or the one in err), a line each: what `cairn check` and a failed start print. */
void config_faults(const struct err *err, struct buf *out);

/* The redis_config of these settings; borrows c. */
void config_redis(const struct config *c, struct redis_config *out);

/* The db_config of these settings; borrows c. */
void config_db(const struct config *c, struct db_config *out);

/* Of a transaction that asks for none. */
enum db_isolation config_isolation(const struct config *c);

/* Where files are kept, NUL-terminated; in a. */
str config_files_dir(const struct config *c, struct arena *a);

/* The store of files, when it is none of directories; texts live in a. */
void config_s3(const struct config *c, struct arena *a, struct files_s3 *out);

/* What its database speaks. */
enum dialect config_dialect(const struct config *c);

/* Keys whose values differ between two and that a reload cannot change: for the log at SIGHUP. */
size_t config_frozen(const struct config *now, const struct config *next,
                     const struct config_key *list[CONFIG_KEYS]);

/* ---- texts made from config.def ---- */

bool config_time(str text, uint64_t *ms); /* "10s", "7d": as settings are written */
void config_example(struct buf *out);     /* cairn.example.yaml */
void config_docs(struct buf *out);        /* docs/reference/config.md */
void config_schema(struct buf *out);      /* JSON Schema, draft 2020-12 */
void config_show(const struct config *c, struct buf *out); /* values in force, with their origin */

#endif
