/* files.c -- the life of what keeps files, and reading one. SPDX: Apache-2.0 */
#include "files/files_priv.h"

#include "base/mem.h"

#include <string.h>

enum { TEXTS_MOST = 65536 };

struct files *files_new(const struct files_config *c)
{
    struct files *f = mem_zero(1, sizeof *f);
    arena_init(&f->arena, TEXTS_MOST);
    f->config = *c;
    f->config.dir = arena_str(&f->arena, c->dir);
    f->config.s3.base = arena_str(&f->arena, c->s3.base);
    f->config.s3.region = arena_str(&f->arena, c->s3.region);
    pthread_mutex_init(&f->lock, NULL);
    arena_init(&f->keys, TEXTS_MOST);
    files_sign_with(f, &c->s3);
    f->store = c->s3.base.len ? &file_store_s3 : &file_store_local;
    return f;
}

void files_sign_with(struct files *f, const struct files_s3 *s3)
{
    struct files_s3 *own = &f->config.s3;
    pthread_mutex_lock(&f->lock);
    arena_reset(&f->keys);
    own->key = arena_str(&f->keys, s3->key);
    own->secret = arena_str(&f->keys, s3->secret);
    own->token = arena_str(&f->keys, s3->token);
    pthread_mutex_unlock(&f->lock);
}

void files_free(struct files **files)
{
    struct files *f = *files;
    *files = NULL;
    if (!f)
        return;
    arena_reset(&f->arena);
    arena_reset(&f->keys);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

/* ---- reading ---- */

static void shut(void *arg)
{
    struct file_reader *r = arg;
    r->files->store->close(r);
}

int file_open(struct files *f, struct arena *a, const struct file_which *which,
              struct file_reader **out, struct err *err)
{
    struct file_reader *r = ARENA_NEW(a, struct file_reader);
    *r = (struct file_reader){.files = f, .size = which->size, .until = which->size, .fd = -1};
    if (!f || which->id.len != FILE_ID)
        return fail(err, E_NOTFOUND, "there is no such file");
    memcpy(r->id, which->id.ptr, FILE_ID);
    fiber_defer(shut, r);
    TRY(f->store->open(r, err));
    *out = r;
    return 0;
}

int file_read(struct file_reader *r, uint64_t at, size_t len, struct buf *b, struct err *err)
{
    if (at + len > r->size || !buf_room(b, len))
        return fail(err, E_INTERNAL, "a file is read past its end");
    TRY(r->files->store->read(r, at, b->ptr + b->len, len, err));
    b->len += len;
    return 0;
}

void file_until(struct file_reader *r, uint64_t end)
{
    r->until = end;
}
