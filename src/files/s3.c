/* s3.c -- files as objects of an S3-compatible store, one each, named by their id. SPDX: Apache-2.0
 * A file is taken in to DIR/incoming as for the local store, and sent when it is whole: then its
 * length and SHA-256 are known, the store checks that against what comes, and a slow client holds
 * no connection to the store. Requests are signed by libcurl (AWS Signature, version 4).
 * Reads fetch blocks that grow: a short range costs a short request, a long file few of them, and
 * neither more memory than BLOCK_MOST.
 * What the store refuses or does not answer is BUSY: nothing was changed, come again. Why, is in
 * the log. */
#include "files/files_priv.h"

#include "observe/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK_LEAST = 256 * 1024,
    BLOCK_MOST = 1 << 20,
    ANSWER_MOST = 65536,
    ARENA_MOST = 4 << 20 /* holds two answers */
};

struct asking {
    struct files *files;
    struct arena *arena;
    const char *id;
    str headers[4];
    struct client_call call;
};

static void say(const struct asking *q, const char *what, const struct err *why)
{
    struct log l;
    log_begin(&l, LOG_WARN, "the store of files does not do what it is asked");
    log_str(&l, "request", str_of(what));
    if (why) {
        log_str(&l, "error", str_of(why->text));
    } else {
        log_int(&l, "status", q->call.status);
        log_str(&l, "answer", str_upto(q->call.answer, 300));
    }
    log_end(&l);
}

static int away(struct err *err)
{
    return fail(err, E_BUSY, "the store of files is away");
}

static void add_header(struct asking *q, str line)
{
    q->headers[q->call.header_count++] = line;
}

/* Under the lock nothing may end the fiber, hence arena_try. Empty when there is no room: then the
 * store refuses. */
static str copied(struct arena *a, str s)
{
    char *text = arena_try(a, s.len + 1);
    if (!text)
        return LIT("");
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return str_make(text, s.len);
}

/* The key as it is now; a reload may change it while the request is under way. */
static str sign(struct asking *q)
{
    struct files *f = q->files;
    pthread_mutex_lock(&f->lock);
    q->call.user = copied(q->arena, f->config.s3.key);
    q->call.password = copied(q->arena, f->config.s3.secret);
    str token = copied(q->arena, f->config.s3.token);
    pthread_mutex_unlock(&f->lock);
    return token;
}

/* Any answer is success. Fails with BUSY, CANCELLED. */
WAITS static int ask(struct asking *q, const char *method, struct err *err)
{
    const struct files_s3 *s = &q->files->config.s3;
    struct client_call *c = &q->call;
    struct err why = {0};
    c->method = method;
    c->url = arena_printf(q->arena, "%.*s%s", STR_ARG(s->base), q->id);
    if (!c->from_file) /* S3 wants it signed of no body, too */
        add_header(q, LIT("X-Amz-Content-Sha256: "
                          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    str token = sign(q);
    if (token.len)
        add_header(q, arena_printf(q->arena, "X-Amz-Security-Token: %.*s", STR_ARG(token)));
    c->headers = q->headers;
    c->trusted = true;
    c->timeout_ms = s->timeout_ms;
    c->answer_most = c->sink ? BLOCK_MOST + ANSWER_MOST : ANSWER_MOST;
    c->sigv4 = arena_printf(q->arena, "aws:amz:%.*s:s3", STR_ARG(s->region));
    int code = client_http(q->files->config.client, q->arena, c, &why);
    if (code == E_CANCELLED) {
        *err = why;
        return code;
    }
    if (code < 0) {
        say(q, method, &why);
        return away(err);
    }
    return 0;
}

static bool good(const struct asking *q)
{
    return q->call.status >= 200 && q->call.status < 300;
}

/* ---- in ---- */

WAITS static int put(struct upload *u, struct err *err)
{
    struct asking q = {.files = u->files, .arena = u->arena, .id = u->id};
    TRY(files__blocking(files__write_out, u, err));
    q.call.from_file = true;
    q.call.fd = u->fd;
    q.call.length = u->size;
    add_header(&q, LIT("Content-Type: application/octet-stream"));
    add_header(&q, arena_printf(u->arena, "X-Amz-Content-Sha256: %s", u->sha256));
    TRY(ask(&q, "PUT", err));
    if (!good(&q)) {
        say(&q, "PUT", NULL);
        return away(err);
    }
    return files__blocking(files__forget_incoming, u, err);
}

/* ---- out ---- */

static int open_one(struct file_reader *r, struct err *err)
{
    (void)err;
    buf_init(&r->block, BLOCK_MOST);
    r->next = BLOCK_LEAST;
    return 0;
}

static bool take(void *arg, const void *bytes, size_t len)
{
    struct file_reader *r = arg;
    buf_add(&r->block, bytes, len);
    return !r->block.full;
}

WAITS static int fetch_with(struct file_reader *r, struct arena *a, uint64_t at, size_t len,
                            struct err *err)
{
    struct asking q = {.files = r->files, .arena = a, .id = r->id};
    buf_clear(&r->block);
    r->block_at = at;
    q.call.sink = take;
    q.call.sink_arg = r;
    add_header(&q, arena_printf(a, "Range: bytes=%llu-%llu", (unsigned long long)at,
                                (unsigned long long)(at + len - 1)));
    TRY(ask(&q, "GET", err));
    if (q.call.status == 404)
        return fail(err, E_NOTFOUND, "the file is gone");
    if (!good(&q)) {
        say(&q, "GET", NULL);
        return away(err);
    }
    bool fits = r->block.len == len && (q.call.status == 206 || (at == 0 && len == r->size));
    return fits ? 0 : fail(err, E_IO, "the store of files sent other bytes than were asked for");
}

/* In an arena of its own: a file may have thousands of blocks. */
WAITS static int fetch(struct file_reader *r, uint64_t at, size_t len, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_MOST);
    int code = fetch_with(r, &a, at, len, err);
    arena_reset(&a);
    return code;
}

static bool held(const struct file_reader *r, uint64_t at)
{
    return r->block.len && at >= r->block_at && at < r->block_at + r->block.len;
}

WAITS static int read_some(struct file_reader *r, uint64_t at, char *ptr, size_t len,
                           struct err *err)
{
    while (len) {
        if (!held(r, at)) {
            uint64_t left = r->until > at ? r->until - at : len;
            size_t most = r->next > len ? r->next : len;
            TRY(fetch(r, at, left < most ? (size_t)left : most, err));
            r->next = BLOCK_MOST;
        }
        size_t skip = (size_t)(at - r->block_at), n = r->block.len - skip;
        n = n < len ? n : len;
        memcpy(ptr, r->block.ptr + skip, n);
        ptr += n;
        at += n;
        len -= n;
    }
    return 0;
}

static void close_one(struct file_reader *r)
{
    buf_fini(&r->block);
}

/* ---- away with it ---- */

WAITS static int remove_with(struct files *f, struct arena *a, const char *id, struct err *err)
{
    struct asking q = {.files = f, .arena = a, .id = id};
    TRY(ask(&q, "DELETE", err));
    if (good(&q) || q.call.status == 404)
        return 0;
    say(&q, "DELETE", NULL);
    return away(err);
}

WAITS static int remove_one(struct files *f, const char *id, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_MOST);
    int code = remove_with(f, &a, id, err);
    arena_reset(&a);
    return code;
}

const struct file_store file_store_s3 = {.name = "s3",
                                         .put = put,
                                         .open = open_one,
                                         .read = read_some,
                                         .close = close_one,
                                         .remove = remove_one};
