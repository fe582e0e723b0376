/* Private to src/files. SPDX: Apache-2.0 */
#ifndef CAIRN_FILES_PRIV_H
#define CAIRN_FILES_PRIV_H

#include "files/files.h"

#include <pthread.h>

enum { FILE_ID = 32, PATH_MOST = 1200 };

/* What keeps files. Called in a fiber; everything but close waits. */
struct file_store {
    const char *name;
    /* Takes what was written to DIR/incoming (u->fd, with what is in u->buf behind it); afterwards
     * it is kept, also over a crash. Fails with IO, BUSY. */
    WAITS int (*put)(struct upload *u, struct err *err);
    WAITS int (*open)(struct file_reader *r, struct err *err);
    /* len bytes from `at` on, all of them, to ptr. Fails with IO, BUSY, NOTFOUND. */
    WAITS int (*read)(struct file_reader *r, uint64_t at, char *ptr, size_t len, struct err *err);
    void (*close)(struct file_reader *r);
    /* 0 also when it is not there. */
    WAITS int (*remove)(struct files *f, const char *id, struct err *err);
};
extern const struct file_store file_store_local, file_store_s3;

struct files {
    const struct file_store *store;
    struct files_config config;
    struct arena arena; /* its texts, but for those of the key */
    pthread_mutex_t lock;
    struct arena keys;  /* lock; of config.s3.key, secret and token, which may change */
    atomic_uint active; /* uploads */
};

struct file_reader {
    struct files *files;
    char id[FILE_ID + 1];
    uint64_t size;
    uint64_t until; /* what is behind it will not be read now */
    int fd;         /* of the local store */
    /* Of S3: a block that was fetched, and how large the next one is. */
    struct buf block;
    uint64_t block_at;
    size_t next;
};

/* Runs fn on a helper thread. Gives its code; fails with BUSY, CANCELLED. */
typedef int files_blocking(void *arg, struct err *err);
WAITS int files__blocking(files_blocking *fn, void *arg, struct err *err);

/* local.c */
/* Where one is while it is taken in; makes the directory. Blocks. Fails with IO. */
int files__incoming(const struct files *f, const char *id, char path[PATH_MOST], struct err *err);
/* A files_blocking of an upload: what came in goes away. */
int files__forget_incoming(void *upload, struct err *err);
int files__error(struct err *err, const char *what, const char *path); /* of errno */
files_blocking files__write_out; /* arg: struct upload: what is in its buffer, to its fd */

#endif
