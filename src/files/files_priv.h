/* Private to src/files. SPDX: Apache-2.0 */
#ifndef CAIRN_FILES_PRIV_H
#define CAIRN_FILES_PRIV_H

#include "files/files.h"

#include <stdatomic.h>

enum { FILE_ID = 32, PATH_MOST = 1200 };

/* What keeps files. All of it blocks, and runs on a helper thread. */
struct file_store {
    const char *name;
    /* Takes the file at path, whose bytes are on the disk; afterwards it is kept, also over a
     * crash. Fails with IO, BUSY. */
    int (*put)(struct files *f, const struct upload *u, const char *path, struct err *err);
    int (*open)(struct file_reader *r, struct err *err);
    /* len bytes from `at` on, all of them. Fails with IO, BUSY, NOTFOUND. */
    int (*read)(struct file_reader *r, uint64_t at, char *ptr, size_t len, struct err *err);
    void (*close)(struct file_reader *r);
    int (*remove)(struct files *f, const char *id,
                  struct err *err); /* 0 also when it is not there */
};
extern const struct file_store file_store_local;

struct files {
    const struct file_store *store;
    struct files_config config;
    struct arena arena; /* its texts */
    atomic_uint active; /* uploads */
};

struct file_reader {
    struct files *files;
    char id[FILE_ID + 1];
    uint64_t size;
    int fd; /* of the local store */
};

/* local.c */
/* Where one is while it is taken in; makes the directory. Fails with IO. */
int files__incoming(const struct files *f, const char *id, char path[PATH_MOST], struct err *err);
int files__sync_dir(const char *path, struct err *err);

#endif
