/* files.c -- the life of what keeps files, and reading one. SPDX: Apache-2.0 */
#include "files/files_priv.h"

#include "base/mem.h"

#include <string.h>
#include <sys/uio.h>

enum { TEXTS_MOST = 65536 };

struct files *files_new(const struct files_config *c)
{
    struct files *f = mem_zero(1, sizeof *f);
    arena_init(&f->arena, TEXTS_MOST);
    f->config = *c;
    f->config.dir = arena_str(&f->arena, c->dir);
    f->store = &file_store_local;
    return f;
}

void files_free(struct files **files)
{
    struct files *f = *files;
    *files = NULL;
    if (!f)
        return;
    arena_reset(&f->arena);
    mem_free(f);
}

/* ---- reading ---- */

struct reading {
    struct file_reader *r;
    uint64_t at;
    char *ptr; /* NULL: opens */
    size_t len;
    int code;
    struct err err;
};

static void read_blocking(void *arg)
{
    struct reading *d = arg;
    const struct file_store *s = d->r->files->store;
    d->code = d->ptr ? s->read(d->r, d->at, d->ptr, d->len, &d->err) : s->open(d->r, &d->err);
}

static int run(struct reading *d, struct err *err)
{
    int code = fiber_blocking(read_blocking, d);
    if (code == E_BUSY)
        return fail(err, E_BUSY, "too many files are being read");
    if (d->code < 0)
        *err = d->err;
    else if (code < 0)
        return fail(err, code, "the request was ended");
    return d->code;
}

static void shut(void *arg)
{
    struct file_reader *r = arg;
    r->files->store->close(r);
}

int file_open(struct files *f, struct arena *a, const struct file_which *which,
              struct file_reader **out, struct err *err)
{
    struct file_reader *r = ARENA_NEW(a, struct file_reader);
    *r = (struct file_reader){.files = f, .size = which->size, .fd = -1};
    if (!f || which->id.len != FILE_ID)
        return fail(err, E_NOTFOUND, "there is no such file");
    memcpy(r->id, which->id.ptr, FILE_ID);
    fiber_defer(shut, r);
    struct reading d = {.r = r};
    TRY(run(&d, err));
    *out = r;
    return 0;
}

/* What the kernel has in memory needs no helper thread. */
static bool read_at_once(struct file_reader *r, uint64_t at, char *ptr, size_t len)
{
#ifdef RWF_NOWAIT
    struct iovec iov = {ptr, len};
    return r->fd >= 0 && preadv2(r->fd, &iov, 1, (off_t)at, RWF_NOWAIT) == (ssize_t)len;
#else
    (void)r, (void)at, (void)ptr, (void)len;
    return false;
#endif
}

int file_read(struct file_reader *r, uint64_t at, size_t len, struct buf *b, struct err *err)
{
    if (at + len > r->size || !buf_room(b, len))
        return fail(err, E_INTERNAL, "a file is read past its end");
    struct reading d = {.r = r, .at = at, .ptr = b->ptr + b->len, .len = len};
    if (!read_at_once(r, at, d.ptr, len))
        TRY(run(&d, err));
    b->len += len;
    return 0;
}
