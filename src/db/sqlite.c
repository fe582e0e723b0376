/* sqlite.c -- connections, statements and cells of SQLite. SPDX: Apache-2.0
 * Why a wrapper: sqlite3.h is seen here, in sqlite_memory.c and in sqlite_tools.c (what is run
 * seldom: plans, checkpoints, scripts, backups) and nowhere else; the rest of the folder speaks of
 * values.
 * Invariants: (1) A connection is used by one thread at a time, so it is opened without a mutex.
 * (2) Only the writer checkpoints: every automatic checkpoint is off, and no connection but the
 * writer's and the command line's does one at its close. SQLite 3.7.0-3.51.2 may damage the log
 * when two connections write or checkpoint at once. (3) Values are bound without a copy; a run is
 * over before their owner goes on. */
#include "db/sqlite_priv.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    OPS_PER_LOOK = 1000, /* engine steps between two looks at the clock */
    SCRATCH_MOST = 16 << 20,
    JOURNAL_MOST = 64 << 20,
    PATTERN_MOST = 4096,
    CACHE_KIB = 2048, /* where the settings say nothing */
};

/* ---- limits ---- */

/* Not 0: the engine stops the statement with SQLITE_INTERRUPT. */
static int on_progress(void *arg)
{
    struct conn *c = arg;
    struct limits *l = &c->limits;
    if (l->stop && atomic_load_explicit(l->stop, memory_order_relaxed)) {
        l->why = E_CANCELLED;
        return 1;
    }
    if (c->memory_most && sqlite__memory_live() - c->memory_base > c->memory_most) {
        l->why = E_TOOBIG;
        return 1;
    }
    if (!l->timeout_ns)
        return 0;
    uint64_t now = clock_ns();
    if (!l->start_ns)
        l->start_ns = now;
    uint64_t spent = now - l->start_ns;
    if (spent > l->timeout_ns) {
        l->why = E_TIMEOUT;
        return 1;
    }
    if (!l->budget_ns || spent <= l->budget_ns)
        return 0;
    /* Where rows flow it shifts at the next one, unless that lets us wait as long again. */
    l->slow = true;
    if (!l->movable || (l->rows && spent <= 2 * l->budget_ns))
        return 0;
    l->why = RUN_MOVE;
    return 1;
}

/* ---- failures ---- */

static int fail_constraint(const struct prepared *p, int rc, const char *message, struct err *err)
{
    enum constraint kind = CONSTRAINT_CHECK;
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        kind = CONSTRAINT_UNIQUE;
        break;
    case SQLITE_CONSTRAINT_NOTNULL:
        kind = CONSTRAINT_NOT_NULL;
        break;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        kind = CONSTRAINT_FOREIGN;
        break;
    case SQLITE_CONSTRAINT_DATATYPE:
        kind = CONSTRAINT_TYPE;
        break;
    case SQLITE_CONSTRAINT_TRIGGER:
        kind = CONSTRAINT_TRIGGER;
        break;
    default:
        break;
    }
    return constraint__fail(kind, p ? p->verb : VERB_OTHER, str_of(message), err);
}

static int fail_interrupted(struct conn *c, struct err *err)
{
    int why = c->limits.why;
    if (why == RUN_MOVE)
        return RUN_MOVE;
    if (why == E_CANCELLED)
        return fail(err, E_CANCELLED, "the client has gone");
    if (why == E_TOOBIG)
        return fail_field(
            err, E_TOOBIG, LIT("too_big"), LIT(""),
            "sorting and grouping the rows takes more than %lld MiB; narrow the filter",
            (long long)(c->memory_most >> 20));
    conn__count(c, TALLY_TIMEOUTS);
    return fail(err, E_TIMEOUT, "the statement ran longer than its time limit of %u ms",
                (unsigned)(c->limits.timeout_ns / 1000000));
}

/* Other failures: the engine's words may quote the statement, so only those pass that name a
 * missing thing. The command line, whose user wrote the statement, gets all. */
static int fail_other(struct conn *c, int rc, const char *message, struct err *err)
{
    if (c->use == CONN_ADMIN || strncmp(message, "no such ", 8) == 0)
        return fail(err, E_DB, "the database refused the statement: %s", message);
    return fail(err, E_DB, "the database refused the statement (SQLite code %d)", rc);
}

int conn__fail(struct conn *c, const struct prepared *p, int rc, struct err *err)
{
    const char *message = sqlite3_errmsg(c->handle);
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return fail_constraint(p, rc, message, err);
    case SQLITE_INTERRUPT:
        return fail_interrupted(c, err);
    case SQLITE_MISMATCH:
        return constraint__fail(CONSTRAINT_TYPE, VERB_OTHER, (str){0}, err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail(err, E_BUSY, "another process holds the database; try again");
    case SQLITE_TOOBIG:
        return fail(err, E_TOOBIG, "a value is larger than the database can hold");
    case SQLITE_FULL:
        return fail(err, E_IO, "the disk of the database is full");
    case SQLITE_IOERR:
        c->broken = true;
        return fail(err, E_IO, "the disk of the database failed (SQLite code %d)", rc);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return fail(err, E_IO, "the database file cannot be used: %s", message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fail(err, E_DB, "the database file is damaged or no database: %s", message);
    default:
        return fail_other(c, rc, message, err);
    }
}

/* ---- opening ---- */

/* Order of decimals that are kept as text (wider than a float holds). */
static int by_decimal(void *arg, int alen, const void *a, int blen, const void *b)
{
    (void)arg;
    return decimal_cmp((str){a, (size_t)alen}, (str){b, (size_t)blen});
}

static int exec(struct conn *c, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(c->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : conn__fail(c, NULL, rc, err);
}

static void guard(struct conn *c)
{
    sqlite3 *h = c->handle;
    sqlite3_extended_result_codes(h, 1);
    sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* Trusted, as by default: json_type() in a CHECK counts as unsafe in 3.40. The schema is made
     * by the project's migrations, and no function of ours has side effects. */
    sqlite3_db_config(h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (c->use == CONN_READ)
        sqlite3_db_config(h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_limit(h, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(h, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MOST);
    sqlite3_create_collation(h, "decimal", SQLITE_UTF8, NULL, by_decimal);
    sqlite__sums(h);
    sqlite__json(h);
    sqlite__each(h);
    sqlite3_progress_handler(h, OPS_PER_LOOK, on_progress, c);
}

static int on_commit(void *arg, sqlite3 *h, const char *name, int pages)
{
    (void)h;
    (void)name;
    struct conn *c = arg;
    c->wal_pages = pages;
    c->logged++;
    return SQLITE_OK;
}

/* SQLite answers with the mode it is in, and no failure, where the file system cannot share
 * memory. */
static int use_wal(struct conn *c, struct err *err)
{
    sqlite3_stmt *s = NULL;
    bool wal = false;
    int rc = sqlite3_prepare_v2(c->handle, "PRAGMA journal_mode=WAL", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        wal = str_is(str_of((const char *)sqlite3_column_text(s, 0)), "wal");
    int code = rc == SQLITE_ROW ? 0 : conn__fail(c, NULL, rc, err);
    sqlite3_finalize(s);
    if (code == 0 && !wal)
        return fail(err, E_IO, "the file system of the database cannot hold a write-ahead log");
    return code;
}

static int configure(struct conn *c, const struct db_config *cfg, struct err *err)
{
    char text[512];
    int busy = c->use == CONN_READ ? BUSY_READ_MS : BUSY_WRITE_MS;
    sqlite3_busy_timeout(c->handle, busy);
    if (c->use != CONN_READ)
        TRY(use_wal(c, err));
    snprintf(text, sizeof text,
             "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
             "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=%d; PRAGMA cache_size=-%u;"
             "PRAGMA mmap_size=%llu; PRAGMA query_only=%d",
             JOURNAL_MOST, cfg->cache_kib ? cfg->cache_kib : CACHE_KIB,
             (unsigned long long)cfg->mmap_bytes, c->use == CONN_READ);
    TRY(exec(c, text, err));
    if (c->use == CONN_WRITE)
        sqlite3_wal_hook(c->handle, on_commit, c); /* after the pragma, which sets a hook too */
    return 0;
}

/* Counting every allocation under one lock is what SQLite does by default; and to take memory for
 * 20 pages at once, for each table that a statement builds on the side. An embedder that runs
 * SQLite already keeps what it has chosen. */
static void setup(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite__memory();
}

/* Beside the pages of the cache, which fills up while a statement runs. */
static int64_t memory_most(const struct db_config *cfg)
{
    uint64_t cache = (uint64_t)(cfg->cache_kib ? cfg->cache_kib : CACHE_KIB) * 1024;
    return cfg->statement_memory ? (int64_t)(cfg->statement_memory + cache) : 0;
}

int conn__open(const char *path, enum conn_use use, const struct db_config *cfg, struct conn **out,
               struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, setup);
    struct conn *c = mem_zero(1, sizeof *c);
    c->use = use;
    list_init(&c->all);
    list_init(&c->idle);
    buf_init(&c->scratch, SCRATCH_MOST);
    if (use == CONN_READ)
        c->memory_most = memory_most(cfg);
    stmts__init(&c->stmts, cfg->statements ? cfg->statements : 64);
    int rc = sqlite3_open_v2(path, &c->handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                             NULL);
    int code = 0;
    if (rc != SQLITE_OK) {
        code = fail(err, E_IO, "cannot open database '%s': %s", path, sqlite3_errstr(rc));
    } else {
        guard(c);
        code = configure(c, cfg, err);
    }
    if (code < 0) {
        conn__close(&c);
        return code;
    }
    *out = c;
    return 0;
}

void conn__close(struct conn **cp)
{
    struct conn *c = *cp;
    *cp = NULL;
    if (!c)
        return;
    stmts__fini(&c->stmts);
    for (int i = 0; i < FIX_COUNT; i++)
        sqlite3_finalize(c->fixed[i]);
    int rc = sqlite3_close(c->handle);
    BUG_ON(rc != SQLITE_OK); /* a statement was not finalized */
    buf_fini(&c->scratch);
    mem_free(c->cells);
    mem_free(c);
}

/* ---- statements ---- */

static bool blank(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r' || *at == ';'))
        at++;
    return at == end;
}

int conn__prepare(struct conn *c, str text, bool keep, struct prepared *p, struct err *err)
{
    const char *tail = NULL;
    if (text.len > INT32_MAX / 2)
        return fail(err, E_TOOBIG, "a statement of %zu bytes is too long", text.len);
    conn__count(c, TALLY_PREPARED);
    int rc = sqlite3_prepare_v3(c->handle, text.ptr, (int)text.len,
                                keep ? SQLITE_PREPARE_PERSISTENT : 0, &p->handle, &tail);
    if (rc != SQLITE_OK)
        return conn__fail(c, NULL, rc, err);
    if (!p->handle || !blank(tail, text.ptr + text.len)) {
        conn__finalize(p);
        return fail(err, E_DB, "not exactly one statement");
    }
    p->places = sqlite3_bind_parameter_count(p->handle);
    p->columns = sqlite3_column_count(p->handle);
    if (c->use != CONN_ADMIN && !p->columns && sqlite3_stmt_readonly(p->handle)) {
        conn__finalize(p); /* COMMIT would tear the group of the writer apart */
        return fail(err, E_DB, "a statement that neither reads rows nor writes");
    }
    p->verb = sqlite3_stmt_readonly(p->handle) ? VERB_READ : constraint__verb(text);
    return 0;
}

void conn__finalize(struct prepared *p)
{
    sqlite3_finalize(p->handle);
    p->handle = NULL;
}

void conn__reset(struct prepared *p)
{
    sqlite3_reset(p->handle);
}

/* An array travels as JSON text, for json_each. */
static int bind_json(struct conn *c, sqlite3_stmt *s, int at, const struct value *v)
{
    buf_clear(&c->scratch);
    json_value(&c->scratch, v);
    if (c->scratch.full)
        return SQLITE_TOOBIG;
    return sqlite3_bind_text64(s, at, c->scratch.ptr, c->scratch.len, SQLITE_TRANSIENT,
                               SQLITE_UTF8);
}

static int bind_one(struct conn *c, sqlite3_stmt *s, int at, const struct value *v)
{
    const char *ptr = "";
    switch (v->kind) {
    case V_NULL:
        return sqlite3_bind_null(s, at);
    case V_BOOL:
        return sqlite3_bind_int64(s, at, v->truth);
    case V_INT:
        return sqlite3_bind_int64(s, at, v->i);
    case V_FLOAT:
        return sqlite3_bind_double(s, at, v->f);
    case V_NUM:
    case V_TEXT:
        ptr = v->text.len ? v->text.ptr : ptr; /* a NULL pointer would bind NULL */
        return sqlite3_bind_text64(s, at, ptr, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
    case V_BYTES:
        ptr = v->text.len ? v->text.ptr : ptr;
        return sqlite3_bind_blob64(s, at, ptr, v->text.len, SQLITE_STATIC);
    case V_ARRAY:
    case V_OBJECT:
        return bind_json(c, s, at, v);
    }
    return SQLITE_MISUSE;
}

int conn__bind(struct conn *c, struct prepared *p, const struct stmt *st, struct err *err)
{
    if (st->bind_count != (size_t)p->places)
        return fail(err, E_DB, "a statement with %d places got %zu values", p->places,
                    st->bind_count);
    for (size_t i = 0; i < st->bind_count; i++) {
        int at = (int)i + 1;
        int rc = i + 1 == st->keys ? sqlite__bind_keys(p->handle, at, &st->binds[i])
                                   : bind_one(c, p->handle, at, &st->binds[i]);
        if (rc != SQLITE_OK)
            return conn__fail(c, p, rc, err);
    }
    return 0;
}

/* ---- rows ---- */

static void cell(struct value *out, sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    out->count = 0;
    switch (type) {
    case SQLITE_INTEGER:
        out->kind = V_INT;
        out->i = sqlite3_value_int64(v);
        break;
    case SQLITE_FLOAT:
        *out = value_float(sqlite3_value_double(v));
        break;
    case SQLITE_TEXT:
        out->kind = V_TEXT;
        out->text.ptr = (const char *)sqlite3_value_text(v);
        out->text.len = (size_t)sqlite3_value_bytes(v);
        break;
    case SQLITE_BLOB: {
        const char *bytes = sqlite3_value_blob(v);
        size_t len = (size_t)sqlite3_value_bytes(v);
        *out = value_bytes((str){len ? bytes : "", len});
        break;
    }
    default:
        *out = value_null();
        break;
    }
}

static int hand_out(struct conn *c, struct prepared *p, const struct row_sink *sink,
                    struct err *err)
{
    size_t n = (size_t)p->columns;
    if (n > c->cell_room) {
        c->cells = mem_grow(c->cells, n * sizeof *c->cells);
        c->cell_room = n;
    }
    for (size_t i = 0; i < n; i++)
        cell(&c->cells[i], sqlite3_column_value(p->handle, (int)i));
    conn__count(c, TALLY_ROWS);
    c->limits.rows = true;
    c->limits.movable = c->limits.movable && sink->again;
    int code = sink->fn(sink->ctx, c->cells, n);
    if (code == E_TOOBIG)
        fail(err, code, "the rows are more than a request may hold");
    else if (code < 0 && err->code != code)
        fail(err, code, "reading was stopped: %s", err_title(code));
    return code;
}

/* The engine's last word: 0, RUN_MOVE or negative. */
static int ended(struct conn *c, struct prepared *p, int rc, struct err *err)
{
    int code = rc == SQLITE_DONE ? 0 : conn__fail(c, p, rc, err);
    sqlite3_reset(p->handle);
    return code;
}

int conn__run(struct conn *c, struct prepared *p, const struct row_sink *sink, struct err *err)
{
    c->memory_base = sqlite__memory_live();
    for (;;) {
        int rc = sqlite3_step(p->handle);
        if (rc != SQLITE_ROW)
            return ended(c, p, rc, err);
        int code = sink && sink->fn ? hand_out(c, p, sink, err) : 0;
        if (code == DB_PAUSE)
            return DB_PAUSE;
        if (code < 0) {
            sqlite3_reset(p->handle);
            return code;
        }
        if (UNLIKELY(c->limits.slow))
            return RUN_SHIFT;
    }
}

int conn__names(const struct prepared *p, const struct row_sink *sink, struct err *err)
{
    size_t n = (size_t)p->columns;
    str *names = arena_try(sink->names_in, n * sizeof *names);
    for (size_t i = 0; names && i < n; i++) {
        names[i] = collect__text(sink->names_in, str_of(sqlite3_column_name(p->handle, (int)i)));
        if (!names[i].ptr)
            names = NULL;
    }
    if (!names)
        return fail(err, E_TOOBIG, "the rows need more memory than a request may use");
    sink->names->names = names;
    sink->names->cols = n;
    return 0;
}

int conn__fixed(struct conn *c, enum fixed f, struct err *err)
{
    static const char *const texts[FIX_COUNT] = {
        [FIX_BEGIN] = "BEGIN",        [FIX_BEGIN_NOW] = "BEGIN IMMEDIATE", [FIX_COMMIT] = "COMMIT",
        [FIX_ROLLBACK] = "ROLLBACK",  [FIX_SAVE] = "SAVEPOINT s",          [FIX_KEEP] = "RELEASE s",
        [FIX_UNDO] = "ROLLBACK TO s",
    };
    int rc = SQLITE_OK;
    c->limits = (struct limits){0}; /* the end of a transaction is never interrupted */
    if (!c->fixed[f]) {
        conn__count(c, TALLY_PREPARED);
        rc = sqlite3_prepare_v3(c->handle, texts[f], -1, SQLITE_PREPARE_PERSISTENT, &c->fixed[f],
                                NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(c->fixed[f]);
        if (rc == SQLITE_DONE) {
            sqlite3_reset(c->fixed[f]);
            return 0;
        }
    }
    int code = conn__fail(c, NULL, rc, err);
    sqlite3_reset(c->fixed[f]);
    return code;
}

/* ---- the state of the transaction ---- */

bool conn__in_tx(const struct conn *c)
{
    return !sqlite3_get_autocommit(c->handle);
}

bool conn__deferred(const struct conn *c)
{
    int open = 0, most = 0;
    sqlite3_db_status(c->handle, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &most, 0);
    return open != 0;
}

int64_t conn__changes(const struct conn *c)
{
    return sqlite3_changes64(c->handle);
}

int64_t conn__total_changes(const struct conn *c)
{
    return sqlite3_total_changes64(c->handle);
}
