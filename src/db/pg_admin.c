/* pg_admin.c -- one blocking connection for migrations and looking. SPDX: Apache-2.0
 * Copies and checks of a whole server are the business of its own tools. */
#include "db/pg_priv.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { SCRATCH_MOST = 1 << 30, LOCK_STEP_US = 50000 };

/* The advisory lock over all processes that migrate one database; any number that is ours. */
#define LOCK_NUMBER "7163399281604520"

struct pg_admin {
    struct db_admin base;
    PGconn *raw;
    PGconn *locker; /* behind a pooler: has the lock, in a transaction */
    struct pg_target target;
    struct buf scratch;
    bool locked, pooled;
    int64_t changes;
};

static struct pg_admin *admin_of(struct db_admin *a)
{
    BUG_ON(a->driver != &db_postgres);
    return OUTER(a, struct pg_admin, base);
}

static void no_notice(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r;
}

static int fail_connect(const PGconn *raw, struct err *err)
{
    str why = target__why(raw);
    return fail(err, E_DB, "cannot connect to the database: %.*s", STR_ARG(why));
}

static int connect_to(const struct pg_target *t, PGconn **out, struct err *err)
{
    PGconn *raw =
        pq.connectdbParams((const char *const *)t->keywords, (const char *const *)t->values, 1);
    if (pq.status(raw) != CONNECTION_OK) {
        int code = fail_connect(raw, err);
        pq.finish(raw);
        return code;
    }
    pq.setNoticeReceiver(raw, no_notice, NULL);
    *out = raw;
    return 0;
}

int pg__admin_open(const struct db_config *c, struct db_admin **out, struct err *err)
{
    struct pg_admin *a = mem_zero(1, sizeof *a);
    a->base.driver = &db_postgres;
    a->pooled = !c->prepared;
    buf_init(&a->scratch, SCRATCH_MOST);
    int code = target__init(&a->target, c, true, err);
    if (code == 0)
        code = connect_to(&a->target, &a->raw, err);
    if (code < 0)
        pg__admin_close(&a->base);
    else
        *out = &a->base;
    return code;
}

void pg__admin_close(struct db_admin *base)
{
    struct pg_admin *a = admin_of(base);
    pg__admin_unlock(base);
    if (a->raw)
        pq.finish(a->raw);
    target__fini(&a->target);
    buf_fini(&a->scratch);
    mem_free(a);
}

static int take(struct pg_admin *a, PGresult *r, str text, struct err *err)
{
    ExecStatusType status = pq.resultStatus(r);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)
        return 0;
    if (pq.status(a->raw) == CONNECTION_BAD)
        return fail(err, E_DB, "the connection to the database broke");
    return pg_error__result(r, text, NULL, err);
}

static int run(struct pg_admin *a, const struct stmt *st, struct arena *arena, struct rows *out,
               struct err *err)
{
    struct pg_params ps;
    struct collect k;
    struct row_sink sink = {.fn = collect__row, .ctx = &k, .names = out, .names_in = arena};
    int at = 0;
    if (!pg_value__params(&a->scratch, st, &ps))
        return fail(err, E_INVALID, "a text cannot hold a NUL here, or is too long");
    char *text = mem_text(st->text.ptr, st->text.len);
    PGresult *r = pq.execParams(a->raw, text, ps.count, NULL, ps.values, ps.lengths, ps.formats, 0);
    mem_free(text);
    int code = take(a, r, st->text, err);
    a->changes = code == 0 ? pg_value__changes(r) : 0;
    if (out)
        collect__init(&k, arena, out, SIZE_MAX);
    if (code == 0 && out && pq.nfields(r))
        code = pg_value__names(r, &sink, err);
    if (code == 0 && out)
        code = pg_value__rows(&a->scratch, r, &at, &sink, err);
    pq.clear(r);
    return code;
}

int pg__admin_run(struct db_admin *base, const struct stmt *st, struct arena *arena,
                  struct rows *out, struct err *err)
{
    return run(admin_of(base), st, arena, out, err);
}

int64_t pg__admin_changes(struct db_admin *base)
{
    return admin_of(base)->changes;
}

/* The server splits the text itself, and runs what stands in it as one transaction unless it says
 * otherwise. It tells a place for some failures only. */
int pg__admin_script(struct db_admin *base, str text, size_t *at, struct err *err)
{
    struct pg_admin *a = admin_of(base);
    char *copy = mem_text(text.ptr, text.len);
    PGresult *r = pq.exec(a->raw, copy);
    mem_free(copy);
    int code = take(a, r, text, err);
    int64_t place = 0;
    const char *told = code < 0 ? pq.resultErrorField(r, PG_DIAG_STATEMENT_POSITION) : NULL;
    if (at)
        *at = told && str_to_i64(str_of(told), &place) && place > 0 ? (size_t)place - 1 : 0;
    pq.clear(r);
    return code;
}

/* A pooler hands out its connections by transaction: a lock of the session would stay with whatever
 * connection the statement happened to meet. There a transaction of a second connection has it. */
static int lock_apart(struct pg_admin *a, struct err *err)
{
    if (!a->locker)
        TRY(connect_to(&a->target, &a->locker, err));
    PGresult *r = pq.exec(a->locker, "BEGIN; SELECT pg_try_advisory_xact_lock(" LOCK_NUMBER ")");
    int code = take(a, r, LIT(""), err);
    a->locked = code == 0 && pq.getvalue(r, 0, 0)[0] == 't';
    pq.clear(r);
    if (!a->locked)
        pq.clear(pq.exec(a->locker, "ROLLBACK"));
    return code;
}

static int lock_session(struct pg_admin *a, struct err *err)
{
    static const struct stmt st = PG_FIXED("SELECT pg_try_advisory_lock(" LOCK_NUMBER ")");
    struct arena arena;
    struct rows rows;
    arena_init(&arena, 1 << 20);
    int code = run(a, &st, &arena, &rows, err);
    a->locked = code == 0 && rows.count && rows_at(&rows, 0, 0)->truth;
    arena_reset(&arena);
    return code;
}

int pg__admin_lock(struct db_admin *base, unsigned ms, struct err *err)
{
    struct pg_admin *a = admin_of(base);
    uint64_t until = clock_ns() + (uint64_t)ms * 1000000u;
    do {
        int code = a->pooled ? lock_apart(a, err) : lock_session(a, err);
        if (code < 0 || a->locked)
            return code;
        usleep(LOCK_STEP_US);
    } while (clock_ns() < until);
    return fail(err, E_BUSY, "another process migrates this database");
}

void pg__admin_unlock(struct db_admin *base)
{
    static const struct stmt st = PG_FIXED("SELECT pg_advisory_unlock(" LOCK_NUMBER ")");
    struct pg_admin *a = admin_of(base);
    struct err ignored = {0};
    if (a->locked && !a->pooled)
        run(a, &st, NULL, NULL, &ignored);
    if (a->locker)
        pq.finish(a->locker);
    a->locker = NULL;
    a->locked = false;
}

int pg__admin_check(struct db_admin *base, struct err *err)
{
    (void)base;
    return fail(err, E_CONFIG, "PostgreSQL checks itself: use pg_amcheck");
}

int pg__admin_backup(struct db_admin *base, const char *to, struct err *err)
{
    (void)base;
    return fail(err, E_CONFIG, "a PostgreSQL database is copied by its own tool: pg_dump -Fc -f %s",
                to);
}

int pg__admin_restore(const struct db_config *c, const char *from, struct err *err)
{
    (void)c;
    return fail(err, E_CONFIG, "a PostgreSQL database is restored by its own tool: pg_restore %s",
                from);
}
