/* lib.h -- libraries that are loaded when they are first needed, and not before. SPDX: Apache-2.0
 * Each has a list of the functions that are used (NAME.def), a header with a struct of pointers to
 * them (NAME.h), and a row in libs.c; `zlib.deflate(...)` calls one. lib_load comes first: before
 * it, the pointers are NULL. To use one more function, add it to the list. */
#ifndef CAIRN_LIB_H
#define CAIRN_LIB_H

#include "base/err.h"

#include <stdatomic.h>

struct lib {
    const char *what;         /* in front of "cannot be had" */
    const char *file;         /* as the loader looks for it */
    const char *package;      /* Debian's */
    const char *const *names; /* of functions, in the order of the table */
    size_t count;
    void *table; /* a struct of as many pointers */
    void *_Atomic handle;
    atomic_bool told; /* that it is missing */
};

/* Any thread. The first time it reads files and blocks for some ms; then it costs one load of a
 * flag. A library is never unloaded: threads may hold data of its. Fails with code; what is missing
 * stands in err for E_CONFIG, and in the log, once, for others: a client needs not know. */
int lib_load(struct lib *lib, int code, struct err *err);

/* What was only read of it goes out of the process's memory, to come back when it is touched: for
 * what works at start and rarely again. Nothing when it is not loaded. */
void lib_rest(struct lib *lib);

#endif
