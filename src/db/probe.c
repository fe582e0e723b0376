/* probe.c -- an engine that runs over one blocking connection and notes every statement with its
 * plan. SPDX: Apache-2.0
 * Why: what a request asks is known for certain only by running it through the same code, and
 * that must leave no trace. Why not the engine's own parts: they hold locks that a running server
 * has, and share connections whose transactions are not ours to take back.
 * Invariants: (1) One transaction from begin to end, never committed; what a handler calls its
 * transaction is a savepoint in it. (2) A failure undoes what it would undo on the engine, no
 * more, so that the request goes on as it would. (3) The plan is asked for before the statement
 * runs, in the state that it will see. */
#include "base/clock.h"
#include "base/mem.h"
#include "db/db_priv.h"

enum { READ_MEMORY = 256 << 20 };

struct probe {
    struct db base;
    struct db_admin *admin;
    struct arena *arena;
    bool run, postgres;
    struct db_probed *list;
    size_t count;
    struct db_probed untold; /* where statements past the list's end are noted */
};

static const struct db_driver db_probe;

static struct probe *probe_of(struct db *db)
{
    BUG_ON(db->driver != &db_probe);
    return OUTER(db, struct probe, base);
}

/* ---- one statement ---- */

static int say(struct probe *p, const char *text, struct err *err)
{
    struct stmt st = {.text = str_of(text), .once = true};
    return db_admin_run(p->admin, &st, NULL, NULL, err);
}

/* A savepoint of ours: keep false undoes what was done since. */
static void mark_end(struct probe *p, bool keep)
{
    struct err ignored = {0};
    if (!keep)
        say(p, "ROLLBACK TO cairn_probe", &ignored);
    say(p, "RELEASE cairn_probe", &ignored);
}

static struct stmt copy(struct arena *a, const struct stmt *st)
{
    struct stmt out = *st;
    struct value *binds = ARENA_ARRAY(a, struct value, st->bind_count);
    for (size_t i = 0; i < st->bind_count; i++)
        binds[i] = value_copy(a, &st->binds[i]);
    out.text = arena_str(a, st->text);
    out.binds = binds;
    return out;
}

static void plan(struct probe *p, struct db_probed *out)
{
    static const char *const words[2][2] = {
        {"EXPLAIN QUERY PLAN ", "EXPLAIN QUERY PLAN "},
        {"EXPLAIN (COSTS) ", "EXPLAIN (ANALYZE, BUFFERS, COSTS) "}};
    struct err ignored = {0};
    struct stmt ask = out->st;
    str text = ask.text;
    ask.once = true;
    ask.text = arena_printf(p->arena, "%s%.*s", words[p->postgres][p->run], STR_ARG(text));
    if (say(p, "SAVEPOINT cairn_probe", &ignored) < 0)
        return;
    if (db_admin_run(p->admin, &ask, p->arena, &out->plan, &ignored) < 0)
        out->plan = (struct rows){0};
    mark_end(p, false);
}

/* Past the list's end a statement runs without a trace. */
static struct db_probed *note(struct probe *p, const struct stmt *st)
{
    if (p->count == DB_PROBED_MOST)
        return &p->untold;
    struct db_probed *out = &p->list[p->count++];
    *out = (struct db_probed){.st = copy(p->arena, st)};
    plan(p, out);
    return out;
}

static int run(struct probe *p, struct db_probed *noted, const struct stmt *st, struct arena *a,
               struct rows *rows, struct err *err)
{
    uint64_t start = clock_ns();
    int code = db_admin_run(p->admin, st, a, rows, err);
    noted->ns = clock_ns() - start;
    noted->ran = true;
    noted->failed = code < 0;
    noted->rows = code < 0 || !rows ? 0 : (int64_t)rows->count;
    return code;
}

static int not_run(struct err *err)
{
    return fail(err, E_CANCELLED, "writes are only planned here");
}

/* ---- reading: all rows at once, handed out as they are taken ---- */

struct probe_cursor {
    struct db_cursor base;
    struct arena arena;
    struct rows rows;
    size_t at;
};

static int hand_out(struct probe_cursor *c, const struct row_sink *sink)
{
    while (c->at < c->rows.count) {
        const struct value *cells = c->rows.cols ? rows_at(&c->rows, c->at, 0) : NULL;
        int code = sink->fn(sink->ctx, cells, c->rows.cols);
        c->at++;
        if (code)
            return code;
    }
    return 0;
}

static int names(const struct rows *from, const struct row_sink *sink, struct err *err)
{
    if (!sink->names || !from->names)
        return 0;
    str *list = arena_try(sink->names_in, (from->cols + 1) * sizeof *list);
    for (size_t i = 0; list && i < from->cols; i++)
        list[i] = collect__text(sink->names_in, from->names[i]);
    sink->names->cols = from->cols;
    sink->names->names = list;
    return list ? 0 : fail(err, E_TOOBIG, "the names of the columns do not fit");
}

static void cursor_free(struct probe_cursor *c)
{
    arena_reset(&c->arena);
    mem_free(c);
}

static int read_all(struct probe *p, const struct stmt *st, struct probe_cursor *c, struct err *err)
{
    struct db_probed *noted = note(p, st);
    if (st->writes && !p->run)
        return not_run(err);
    TRY(say(p, "SAVEPOINT cairn_probe", err));
    int code = run(p, noted, st, &c->arena, &c->rows, err);
    mark_end(p, code == 0);
    return code;
}

static int probe_query(struct db *db, const struct stmt *st, const struct row_sink *sink,
                       struct db_cursor **cursor, struct err *err)
{
    struct probe_cursor *c = mem_zero(1, sizeof *c);
    c->base.db = db;
    arena_init(&c->arena, READ_MEMORY);
    int code = read_all(probe_of(db), st, c, err);
    if (code == 0)
        code = names(&c->rows, sink, err);
    if (code == 0)
        code = hand_out(c, sink);
    if (code == DB_PAUSE && cursor) {
        *cursor = &c->base;
        return code;
    }
    cursor_free(c);
    return code;
}

static int probe_next(struct db_cursor *c, const struct row_sink *sink, struct err *err)
{
    (void)err;
    return hand_out(OUTER(c, struct probe_cursor, base), sink);
}

static void probe_cursor_end(struct db_cursor *c)
{
    cursor_free(OUTER(c, struct probe_cursor, base));
}

/* ---- writing ---- */

/* The row that an INSERT made, by a statement of its own. */
static int read_back(struct probe *p, struct db_write *w, struct err *err)
{
    struct stmt st = {.text = w->st.then, .bounded = true};
    struct db_probed *noted = note(p, &st);
    TRY(run(p, noted, &st, w->arena, &w->rows, err));
    return w->rows.count ? 0 : fail(err, E_CONFLICT, "a trigger of the table kept the row out");
}

static int write_one(struct probe *p, struct db_probed *noted, struct db_write *w, struct err *err)
{
    struct rows none = {0};
    w->rows = none;
    TRY(run(p, noted, &w->st, w->arena, w->arena ? &w->rows : NULL, err));
    w->changes = w->st.writes ? db_admin_changes(p->admin) : 0;
    noted->rows = w->st.writes ? w->changes : noted->rows;
    if (w->st.then.len && w->arena)
        TRY(read_back(p, w, err));
    if (w->expect >= 0 && w->changes != w->expect)
        return fail(err, E_NOTFOUND, "a row that has to change is not there");
    return 0;
}

static int write_all(struct probe *p, struct db_write *list, struct db_probed **noted, size_t count,
                     size_t *at, struct err *err)
{
    int code = 0;
    TRY(say(p, "SAVEPOINT cairn_probe", err));
    for (*at = 0; *at < count && code == 0; *at += code == 0)
        code = write_one(p, noted[*at], &list[*at], err);
    mark_end(p, code == 0);
    return code;
}

static int probe_write(struct db *db, struct db_write *list, size_t count, size_t *failed,
                       struct err *err)
{
    struct probe *p = probe_of(db);
    struct db_probed **noted = ARENA_ARRAY(p->arena, struct db_probed *, count);
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        noted[i] = note(p, &list[i].st);
    int code = p->run ? write_all(p, list, noted, count, &at, err) : not_run(err);
    if (code < 0 && failed)
        *failed = at;
    return code;
}

/* ---- a handler's transaction: savepoints of one name nest ---- */

/* One transaction has one isolation level: what is wished for is not what a plan depends on. */
static int probe_tx_begin(struct db *db, const struct db_tx_options *o, struct db_tx **out,
                          struct err *err)
{
    struct probe *p = probe_of(db);
    (void)o;
    struct db_tx *tx = ARENA_NEW(p->arena, struct db_tx);
    tx->db = db;
    *out = tx;
    return say(p, "SAVEPOINT cairn_tx", err);
}

static int probe_tx_run(struct db_tx *tx, struct db_write *w, struct err *err)
{
    struct probe *p = probe_of(tx->db);
    struct db_probed *noted = note(p, &w->st);
    if (w->st.writes && !p->run)
        return not_run(err);
    TRY(say(p, "SAVEPOINT cairn_probe", err));
    int code = write_one(p, noted, w, err);
    mark_end(p, code == 0);
    return code;
}

static int probe_tx_savepoint(struct db_tx *tx, struct err *err)
{
    return say(probe_of(tx->db), "SAVEPOINT cairn_tx", err);
}

static int probe_tx_release(struct db_tx *tx, bool keep, struct err *err)
{
    struct probe *p = probe_of(tx->db);
    if (!keep)
        TRY(say(p, "ROLLBACK TO cairn_tx", err));
    return say(p, "RELEASE cairn_tx", err);
}

static int probe_tx_commit(struct db_tx *tx, struct err *err)
{
    return say(probe_of(tx->db), "RELEASE cairn_tx", err);
}

static void probe_tx_rollback(struct db_tx *tx)
{
    struct err ignored = {0};
    probe_tx_release(tx, false, &ignored);
}

/* ---- life ---- */

static void probe_close(struct db *db)
{
    struct probe *p = probe_of(db);
    struct err ignored = {0};
    if (p->admin) {
        say(p, "ROLLBACK", &ignored);
        db_admin_unlock(p->admin);
    }
    db_admin_close(&p->admin);
    mem_free(p);
}

static int begin(struct probe *p, const struct db_config *c, struct err *err)
{
    enum { LOCK_MS = 5000 };
    TRY(db_admin_open(c, &p->admin, err));
    if (!p->run)
        TRY(db_admin_only_reads(p->admin, c->statement_timeout_ms, err));
    else if (!p->postgres) /* a long transaction beside a server's checkpoints */
        TRY(db_admin_lock(p->admin, LOCK_MS, err));
    p->admin->timeout_ms = c->statement_timeout_ms;
    return say(p, "BEGIN", err);
}

int db_probe_open(const struct db_config *c, bool run_writes, struct arena *a, struct db **out,
                  struct err *err)
{
    struct probe *p = mem_zero(1, sizeof *p);
    *p = (struct probe){.base = {.driver = &db_probe},
                        .arena = a,
                        .run = run_writes,
                        .postgres = db_engine(c) == DB_POSTGRES};
    p->list = ARENA_ARRAY(a, struct db_probed, DB_PROBED_MOST);
    int code = begin(p, c, err);
    if (code < 0) {
        probe_close(&p->base);
        return code;
    }
    *out = &p->base;
    return 0;
}

const struct db_probed *db_probe_list(const struct db *db, size_t *count)
{
    const struct probe *p = OUTER(db, const struct probe, base);
    BUG_ON(db->driver != &db_probe);
    *count = p->count;
    return p->list;
}

static int probe_worker_begin(struct db *db, struct err *err)
{
    (void)db;
    (void)err;
    return 0;
}

static void probe_worker_end(struct db *db)
{
    (void)db;
}

static void probe_stats(struct db *db, struct db_stats *out)
{
    *out = (struct db_stats){.statements = probe_of(db)->count};
}

static bool probe_healthy(struct db *db)
{
    (void)db;
    return true;
}

static const struct db_driver db_probe = {
    .name = "probe",
    .close = probe_close,
    .worker_begin = probe_worker_begin,
    .worker_end = probe_worker_end,
    .query = probe_query,
    .next = probe_next,
    .cursor_end = probe_cursor_end,
    .write = probe_write,
    .tx_begin = probe_tx_begin,
    .tx_run = probe_tx_run,
    .tx_savepoint = probe_tx_savepoint,
    .tx_release = probe_tx_release,
    .tx_commit = probe_tx_commit,
    .tx_rollback = probe_tx_rollback,
    .stats = probe_stats,
    .healthy = probe_healthy,
};
