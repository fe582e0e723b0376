/* upload.c -- a file on its way in. SPDX: Apache-2.0
 *   note in cairn_files --> bytes to DIR/incoming --> fsync --> the store has it
 *     --> the row that points to it commits, and the trigger counts that --> it stays
 * At each arrow the process may die: the note is there first, and whatever came of it is taken away
 * by the sweep when no row points to it in time. So nothing that was acknowledged is lost, and
 * nothing that was not stays for ever. Memory: one buffer, however large the file. */
#include "files/files_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 128 * 1024 };

#define STATEMENT(text_, ...)                                                                      \
    {                                                                                              \
        .text = STR_INIT(text_), .binds = (const struct value[]){__VA_ARGS__},                     \
        .bind_count = sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)           \
    }

/* ---- on a helper thread ---- */

struct blocking {
    files_blocking *fn;
    void *arg;
    int code;
    struct err err;
};

static void run(void *arg)
{
    struct blocking *b = arg;
    b->code = b->fn(b->arg, &b->err);
}

int files__blocking(files_blocking *fn, void *arg, struct err *err)
{
    struct blocking b = {.fn = fn, .arg = arg};
    int code = fiber_blocking(run, &b);
    if (code == E_BUSY)
        return fail(err, E_BUSY, "too many files are on their way");
    if (b.code < 0)
        *err = b.err;
    else if (code < 0)
        return fail(err, code, "the request was ended");
    return b.code;
}

static int create(void *arg, struct err *err)
{
    struct upload *u = arg;
    char path[PATH_MOST];
    TRY(files__incoming(u->files, u->id, path, err));
    u->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return u->fd < 0 ? files__error(err, "make", path) : 0;
}

int files__write_out(void *arg, struct err *err)
{
    const struct upload *u = arg;
    for (size_t done = 0; done < u->buf.len;) {
        ssize_t n = write(u->fd, u->buf.ptr + done, u->buf.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return files__error(err, "write", u->id);
        done += (size_t)n;
    }
    return 0;
}

int files__forget_incoming(void *arg, struct err *err)
{
    const struct upload *u = arg;
    char path[PATH_MOST];
    TRY(files__incoming(u->files, u->id, path, err));
    return unlink(path) < 0 && errno != ENOENT ? files__error(err, "remove", path) : 0;
}

/* Wherever it is. */
WAITS static int remove_all(struct upload *u, struct err *err)
{
    TRY(files__blocking(files__forget_incoming, u, err));
    return u->files->store->remove(u->files, u->id, err);
}

/* ---- its life ---- */

static void let_go(void *arg)
{
    struct upload *u = arg;
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
    buf_fini(&u->buf);
    digester_free(&u->digester);
    atomic_fetch_sub(&u->files->active, 1);
}

static void name_it(char id[FILE_ID + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[FILE_ID / 2];
    BUG_ON(getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        id[2 * i] = digits[bytes[i] >> 4];
        id[2 * i + 1] = digits[bytes[i] & 15];
    }
    id[FILE_ID] = '\0';
}

/* Whatever becomes of it from now on, the sweep knows of it. */
WAITS static int note(struct upload *u, struct request *rq, struct err *err)
{
    struct db_write w = {.st =
                             STATEMENT("INSERT INTO cairn_files (id, refs, at) VALUES ($1, 0, $2)",
                                       value_text(str_make(u->id, FILE_ID)),
                                       value_int((int64_t)time(NULL) + u->files->config.pending_s)),
                         .arena = &rq->arena,
                         .expect = -1};
    w.st.writes = true;
    rq->statements++;
    return db_write(u->files->config.db, &w, 1, NULL, err);
}

int upload_begin(struct files *f, struct request *rq, unsigned kinds, struct upload **out,
                 struct err *err)
{
    struct upload *u = ARENA_NEW(&rq->arena, struct upload);
    if (!f)
        return fail(err, E_BUSY, "files are not kept here");
    u->files = f;
    u->arena = &rq->arena;
    u->fd = -1;
    TRY(digester_new(kinds | DIGEST_SHA256, &u->digester, err));
    if (atomic_fetch_add(&f->active, 1) >= f->config.at_once) {
        atomic_fetch_sub(&f->active, 1);
        digester_free(&u->digester);
        return fail(err, E_BUSY, "uploads.at_once files are on their way already");
    }
    buf_init(&u->buf, BUFFER);
    fiber_defer(let_go, u);
    name_it(u->id);
    TRY(note(u, rq, err));
    u->next = rq->uploads;
    rq->uploads = u;
    TRY(files__blocking(create, u, err));
    *out = u;
    return 0;
}

int upload_write(struct upload *u, str bytes, struct err *err)
{
    digester_add(u->digester, bytes);
    u->size += bytes.len;
    for (str s = bytes; u->start_len < SNIFF_MOST && s.len;) {
        size_t n = SNIFF_MOST - u->start_len < s.len ? SNIFF_MOST - u->start_len : s.len;
        memcpy(u->start + u->start_len, s.ptr, n);
        u->start_len += n;
        s = str_from(s, n);
    }
    while (bytes.len) {
        str some = str_upto(bytes, BUFFER - u->buf.len);
        buf_str(&u->buf, some);
        bytes = str_from(bytes, some.len);
        if (u->buf.len < BUFFER)
            continue;
        TRY(files__blocking(files__write_out, u, err));
        buf_clear(&u->buf);
    }
    return 0;
}

void upload_digest(struct upload *u, struct digests *got)
{
    static const char digits[] = "0123456789abcdef";
    digester_done(u->digester, got);
    for (size_t i = 0; i < sizeof got->sha256; i++) {
        u->sha256[2 * i] = digits[got->sha256[i] >> 4];
        u->sha256[2 * i + 1] = digits[got->sha256[i] & 15];
    }
}

int upload_end(struct upload *u, struct err *err)
{
    TRY(u->files->store->put(u, err));
    buf_fini(&u->buf);
    return 0;
}

/* ---- as the value of a column ---- */

static const char mark[] = "file";

struct value upload_value(struct arena *a, struct upload *u)
{
    struct value v = {.kind = V_OBJECT, .count = 1};
    v.fields = ARENA_NEW(a, struct member);
    v.fields[0].name = (str){mark, sizeof mark - 1};
    v.fields[0].value = value_text(str_make((const char *)(const void *)u, 0));
    return v;
}

struct upload *upload_given(const struct value *v)
{
    bool ours = v->kind == V_OBJECT && v->count == 1 && v->fields[0].name.ptr == mark;
    return ours ? (struct upload *)(uintptr_t)v->fields[0].value.text.ptr : NULL;
}

str upload_text(struct arena *a, const struct upload *u)
{
    size_t room = (u->name.len + u->type.len) * 6 + 256;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    buf_printf(&b, "{\"id\":\"%s\",\"name\":", u->id);
    json_text(&b, u->name);
    buf_lit(&b, ",\"type\":");
    json_text(&b, u->type);
    buf_printf(&b, ",\"size\":%llu,\"sha256\":\"%s\",\"at\":%lld}", (unsigned long long)u->size,
               u->sha256, (long long)time(NULL));
    return buf_view(&b);
}

/* ---- the sweep ---- */

enum { SWEEP_ROWS = 100, SWEEP_TURNS = 20 };

WAITS static int sweep_one(struct files *f, struct arena *a, str id, struct err *err)
{
    struct upload u = {.files = f, .arena = a, .fd = -1};
    struct db_write w = {
        .st = STATEMENT("DELETE FROM cairn_files WHERE id = $1 AND refs <= 0", value_text(id)),
        .arena = a,
        .expect = -1};
    if (id.len != FILE_ID)
        return 0;
    memcpy(u.id, id.ptr, FILE_ID);
    w.st.writes = true;
    TRY(remove_all(&u, err));
    return db_write(f->config.db, &w, 1, NULL, err);
}

/* ---- what came to nothing ---- */

/* First it is as what no row has, and due: where the rest fails the sweep does it later. */
WAITS static int forget(struct upload *u, struct err *err)
{
    str id = str_make(u->id, FILE_ID);
    struct db_write w = {
        .st = STATEMENT("UPDATE cairn_files SET at = 0 WHERE id = $1 AND refs = 0 AND at > $2",
                        value_text(id), value_int((int64_t)time(NULL))),
        .arena = u->arena,
        .expect = -1};
    w.st.writes = true;
    TRY(db_write(u->files->config.db, &w, 1, NULL, err));
    return w.changes ? sweep_one(u->files, u->arena, id, err) : 0;
}

void uploads_settle(struct request *rq, bool failed)
{
    for (struct upload *u = rq->uploads; u; u = u->next) {
        struct err ignored = {0};
        if (failed || !u->used)
            forget(u, &ignored);
    }
    rq->uploads = NULL;
}

/* What could not be removed goes to the end, so that it stops nothing behind it. */
WAITS static void postpone(struct files *f, struct arena *a, str id)
{
    struct err ignored = {0};
    struct db_write w = {.st =
                             STATEMENT("UPDATE cairn_files SET at = $1 WHERE id = $2 AND refs <= 0",
                                       value_int((int64_t)time(NULL)), value_text(id)),
                         .arena = a,
                         .expect = -1};
    w.st.writes = true;
    db_write(f->config.db, &w, 1, NULL, &ignored);
}

/* Goes on behind a file that cannot be removed; fails as the first of them. */
int files_sweep(struct files *f, struct arena *a, struct err *err)
{
    struct rows rows = {.count = SWEEP_ROWS};
    struct err first = {0};
    for (int turn = 0; turn < SWEEP_TURNS && rows.count == SWEEP_ROWS; turn++) {
        struct stmt st = STATEMENT("SELECT id FROM cairn_files WHERE refs <= 0 AND at <= $1"
                                   " ORDER BY at LIMIT 100",
                                   value_int((int64_t)time(NULL) - f->config.kept_s));
        TRY(db_rows(f->config.db, &st, a, SWEEP_ROWS, &rows, err));
        for (size_t i = 0; i < rows.count && !atomic_load(f->config.draining); i++) {
            struct err one = {0};
            str id = rows_at(&rows, i, 0)->text;
            if (sweep_one(f, a, id, &one) == 0)
                continue;
            postpone(f, a, id);
            if (!first.code)
                first = one;
        }
    }
    if (first.code)
        *err = first;
    return first.code;
}
