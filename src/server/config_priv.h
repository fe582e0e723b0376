/* Private to src/server: the files of config. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_CONFIG_PRIV_H
#define CAIRN_SERVER_CONFIG_PRIV_H

#include "server/config.h"

enum {
    CONFIG_FILE_MOST = 256 * 1024, /* bytes of cairn.yaml */
    CONFIG_DEPTH_MOST = 16,        /* nesting of its sections and lists */
    CONFIG_NODES_MOST = 20000,     /* scalars, sections and lists in it */
    CONFIG_TEXT_MOST = 64 * 1024,  /* bytes of one value after substitution, or of a secret */
    CONFIG_ARENA = 64 << 20
};

/* One load, from defaults to checks. Texts live in c->arena. */
struct config_load {
    struct config *c;
    struct err_item *faults, *warnings;
    size_t fault_count, warning_count; /* may pass CONFIG_FAULTS_MOST: those are not kept */
    /* Sections that are read when all single values are known; NULL: not there. */
    const struct config_node *limits, *clients, *cors_routes, *caches, *versions, *issuers;
    const struct config_node *oauth_clients, *oauth_scopes;
    const struct config_node *providers;
};

/* A node of cairn.yaml. */
enum config_node_kind { NODE_SCALAR, NODE_MAP, NODE_LIST };
struct config_node {
    enum config_node_kind kind;
    bool plain;              /* a scalar without quotes */
    unsigned line, column;   /* from 1; characters */
    str text;                /* NODE_SCALAR */
    struct config_node *key; /* in a map */
    struct config_node *child, *next;
};

/* ---- config.c ---- */
void config__fault(struct config_load *l, str place, str key, const char *fmt, ...)
    ATTR_PRINTF(4, 5);
void config__warn(struct config_load *l, str place, str key, const char *fmt, ...)
    ATTR_PRINTF(4, 5);
/* "FILE:LINE:COLUMN" of a node. */
str config__place(struct config_load *l, const struct config_node *n);
/* A whole regular file, at most `most` bytes, into the arena. Fails with NOTFOUND, IO, TOOBIG. */
int config__read(struct arena *a, str path, size_t most, str *out, unsigned *mode, struct err *err);
/* path, put behind dir unless it is absolute. */
str config__join(struct arena *a, str dir, str path);

/* ---- config_yaml.c ---- */
/* *root NULL for an empty file. False when faults were found. */
bool config__yaml(struct config_load *l, str text, struct config_node **root);

/* ---- config_keys.c ---- */
const struct config_key *config__key(str path); /* NULL: there is none */
bool config__section(str path);                 /* some key begins with `path.` */
/* What a misspelt path may have meant, or NULL. */
const char *config__nearest(struct arena *a, str path);
/* The values that no reload changes, as they were at the start: they point into boot. */
/* The section of a path, empty for a key at the top; what is behind it. */
str config__section_of(const struct config_key *k);
str config__name_of(const struct config_key *k);
/* Whether k is the first key of its section; keys of a section stand together in config.def. */
bool config__opens_section(const struct config_key *k);
void config__freeze(struct config *next, const struct config *boot);
str config__env_name(struct arena *a, const struct config_key *k); /* CAIRN_SERVER_LISTEN */

/* ---- config_value.c ---- */
/* Stores text as the value of k; false and a fault when it is none. Borrows text. */
bool config__set(struct config_load *l, const struct config_key *k, str text, str place);
void config__put(struct buf *b, const struct config_key *k, const struct config *c); /* as text */
bool config__size(str text, uint64_t *out);                                          /* "64K" */
void config__put_size(struct buf *b, uint64_t bytes);                                /* 64K */
void config__put_ms(struct buf *b, uint64_t ms);                                     /* 10s */
str config__default(const struct config_key *k);
/* The index-th word of an ENUM key; len 0 past the last. */
str config__word(const struct config_key *k, int index);

/* ---- config_check.c ---- */
/* Whether `roles:` has it, or roles are in tables; else *near is one like it, or NULL. */
bool config__role_known(const struct config *c, str role, const char **near);

/* ---- config_text.c ---- */
/* Replaces ${VAR}, ${VAR:-default} and $$. False and a fault when it cannot. */
bool config__expand(struct config_load *l, str place, str key, str text, str *out);
/* Whether raw is one ${NAME} or ${NAME:-default} and nothing else, and NAME gives its value. */
bool config__from_environment(struct arena *a, str raw);

/* Whether url is https://HOST, or http:// of the loopback (*plain), perhaps with a port; rest: what
 * follows, from / ? or # on. What comes over plain http could be from anybody. */
bool config__web(str url, bool *plain, str *rest);

/* ---- config_secret.c ---- */
/* The value of a secret: file:PATH and credential:NAME are read, exec:COMMAND is run and waited
 * for. in_file: a literal is a fault. Blocks. */
bool config__secret(struct config_load *l, const struct config_key *k, str raw, str place,
                    bool in_file, str *out);

/* ---- config_tables.c, config_env.c, config_check.c ---- */
void config__tables(struct config_load *l, const struct config_node *n);
void config__collections(struct config_load *l, const struct config_node *n);
void config__files(struct config_load *l, const struct config_node *n);
void config__s3(struct config_load *l); /* checks */
void config__roles(struct config_load *l, const struct config_node *n);
void config__access(struct config_load *l, const struct config_node *n);
void config__locales(struct config_load *l); /* the files in locales/ */
void config__env(struct config_load *l);
void config__check(struct config_load *l); /* what no single value shows */

#endif
