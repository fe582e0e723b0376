/* lib.c -- loads a library and finds its functions. SPDX: Apache-2.0
 * Why: linked, they would all be mapped, relocated and in part read at each start; that was half of
 * the memory of a server at rest, most of it for what few projects use. */
#include "lib/lib.h"

#include "base/buf.h"
#include "observe/log.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The first function that is not there, or NULL. */
static const char *fill(struct lib *lib, void *handle)
{
    for (size_t i = 0; i < lib->count; i++) {
        void *found = dlsym(handle, lib->names[i]);
        if (!found)
            return lib->names[i];
        memcpy((char *)lib->table + i * sizeof found, &found, sizeof found);
    }
    return NULL;
}

static int missing(struct lib *lib, int code, struct err *err, const char *why)
{
    struct err full = {0};
    fail(&full, code,
         "%s needs the library %s, %s; Debian and Ubuntu: apt-get "
         "install %s",
         lib->what, lib->file, why, lib->package);
    if (code == E_CONFIG)
        return fail(err, code, "%s", full.text);
    if (!atomic_exchange(&lib->told, true))
        log_event_str(LOG_ERROR, "a library is missing", "error", str_of(full.text));
    return fail(err, code, "%s cannot be had at present", lib->what);
}

static int load(struct lib *lib, int code, struct err *err)
{
    if (atomic_load(&lib->handle)) /* by another thread, just now */
        return 0;
    void *handle = dlopen(lib->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return missing(lib, code, err, "which cannot be loaded");
    const char *name = fill(lib, handle);
    if (name) {
        char why[160];
        snprintf(why, sizeof why, "and the one here has no %s", name);
        dlclose(handle);
        return missing(lib, code, err, why);
    }
    atomic_store(&lib->handle, handle);
    return 0;
}

int lib_load(struct lib *lib, int code, struct err *err)
{
    if (LIKELY(atomic_load_explicit(&lib->handle, memory_order_acquire) != NULL))
        return 0;
    pthread_mutex_lock(&lock);
    code = load(lib, code, err);
    pthread_mutex_unlock(&lock);
    return code;
}

/* Segments that nobody writes to: their pages are the file's, and come back from it. */
static int drop(struct dl_phdr_info *info, size_t size, void *arg)
{
    const struct link_map *map = arg;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size;
    if (info->dlpi_addr != map->l_addr)
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);
        uintptr_t to = (info->dlpi_addr + p->p_vaddr + p->p_memsz + page - 1) & ~(page - 1);
        if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
            madvise((void *)from, to - from, MADV_DONTNEED);
    }
    return 1;
}

void lib_rest(struct lib *lib)
{
    struct link_map *map = NULL;
    void *handle = atomic_load(&lib->handle);
    if (handle && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0)
        dl_iterate_phdr(drop, map);
}
