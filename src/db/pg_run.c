/* pg_run.c -- reads and writes outside of transaction blocks. SPDX: Apache-2.0
 * A write of several statements is one implicit transaction of the server: nothing but a promised
 * number of changes needs a block of its own. Long answers are pg_cursor.c's. */
#include "db/pg_priv.h"

#include "base/clock.h"
#include "base/mem.h"

enum { TRIES = 6, STEPS_FEW = 8, PAUSE_US = 2000 };

str pg__first_word(str text)
{
    size_t n = 0;
    for (;;) {
        text = str_trim(text);
        if (str_starts(text, LIT("--")))
            text = str_from(text, str_find(text, '\n'));
        else if (text.len && (text.ptr[0] == '\n' || text.ptr[0] == ';'))
            text = str_from(text, 1);
        else
            break;
    }
    while (n < text.len && ascii_alpha(text.ptr[n]))
        n++;
    return str_upto(text, n);
}

/* A session is shared: a block that one statement began, all others would be in. */
static bool ends_block(str text)
{
    static const char *const words[] = {"BEGIN", "START",     "COMMIT",  "END",    "ROLLBACK",
                                        "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"};
    str word = pg__first_word(text);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eqi(word, str_of(words[i])))
            return true;
    }
    return false;
}

int pg__refuse_block(const struct stmt *st, struct err *err)
{
    if (!ends_block(st->text))
        return 0;
    return fail(err, E_DB, "a statement must not begin or end a transaction by itself");
}

/* ---- reading ---- */

/* A read of a row by its key, or of few rows whatever the table holds. */
static bool quick(const struct stmt *st)
{
    return !st->writes && (st->by_key || st->bounded);
}

/* A statement that the server lost was not run: all are sent again. */
WAITS static int ask(struct pg_pool *p, struct pg_step *steps, size_t count, struct err *err)
{
    struct pg_op op = {.again = true};
    struct err here = {0};
    bool shares = true;
    for (size_t i = 0; i < count; i++)
        shares = shares && quick(steps[i].st);
    for (unsigned tries = 0; tries < TRIES && op.again; tries++) {
        here = (struct err){0};
        op__fini(&op);
        for (size_t i = 0; i < count; i++)
            steps[i] = (struct pg_step){.st = steps[i].st};
        op__init(&op, steps, count, &here);
        op.shares = shares && tries == 0;
        pool__run(p, &op);
    }
    if (op.code == 0)
        return 0;
    *err = here;
    op__fini(&op);
    return op.code;
}

int pg__query(struct db *db, const struct stmt *st, const struct row_sink *sink,
              struct db_cursor **cursor, struct err *err)
{
    struct pg *pg = pg_of(db);
    struct pg_pool *p = pool__mine(pg);
    struct pg_step step = {.st = st};
    int code;
    TRY(pg__refuse_block(st, err));
    pg__count(&pg->reads, 1);
    if (cursor && pg_cursor__wanted(p, st))
        return pg_cursor__query(db, st, sink, cursor, err);
    if (!cursor && pg_together__read(p, st, sink, &code, err))
        return code;
    TRY(ask(p, &step, 1, err));
    return pg_cursor__whole(db, st, step.result, sink, cursor, err);
}

/* The first failure, when the results of all have been let go. */
static int take_each(struct db *db, struct pg_step *steps, struct db_read *list, size_t count,
                     struct arena *a, struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < count; i++) {
        struct collect k;
        struct row_sink sink = {.fn = collect__row, .ctx = &k};
        collect__init(&k, a, &list[i].rows, list[i].most);
        if (code == 0)
            code = pg_cursor__whole(db, &list[i].st, steps[i].result, &sink, NULL, err);
        else
            pq.clear(steps[i].result);
    }
    return code;
}

int pg__rows_each(struct db *db, struct db_read *list, size_t count, struct arena *a,
                  struct err *err)
{
    struct pg *pg = pg_of(db);
    struct pg_step steps[STEPS_FEW];
    for (size_t from = 0; from < count; from += STEPS_FEW) {
        size_t some = count - from < STEPS_FEW ? count - from : STEPS_FEW;
        for (size_t i = 0; i < some; i++) {
            TRY(pg__refuse_block(&list[from + i].st, err));
            steps[i] = (struct pg_step){.st = &list[from + i].st};
        }
        pg__count(&pg->reads, some);
        TRY(ask(pool__mine(pg), steps, some, err));
        TRY(take_each(db, steps, list + from, some, a, err));
    }
    return 0;
}

/* ---- writing ---- */

/* Two that clashed must not meet again: the pause grows, with chance in it. */
WAITS static bool pause_after(const struct pg_op *op, unsigned tries)
{
    uint64_t pause = (uint64_t)PAUSE_US * 1000 << tries;
    return op->again || fiber_sleep(pause / 2 + clock_ns() % pause) == 0;
}

int pg__taken(struct pg_pool *p, struct pg_step *step, struct db_write *w, struct err *err)
{
    struct collect k;
    struct row_sink sink = {.fn = collect__row, .ctx = &k};
    int at = 0;
    w->changes = pg_value__changes(step->result);
    if (w->arena)
        collect__init(&k, w->arena, &w->rows, SIZE_MAX);
    if ((w->names || !w->st.writes) && w->arena) {
        sink.names = &w->rows;
        sink.names_in = w->arena;
        TRY(pg_value__names(step->result, &sink, err));
    }
    pg__count(&p->pg->rows, (uint64_t)pq.ntuples(step->result));
    return w->arena ? pg_value__rows(&p->scratch, step->result, &at, &sink, err) : 0;
}

static int take_all(struct pg_pool *p, struct pg_step *steps, struct db_write *list, size_t count,
                    struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++)
        code = pg__taken(p, &steps[i], &list[i], err);
    return code;
}

/* All statements in one go. */
WAITS static int write_at_once(struct pg_pool *p, struct pg_step *steps, struct db_write *list,
                               size_t count, size_t *failed, struct err *err)
{
    struct pg_op op = {.again = true};
    for (unsigned tries = 0; tries < TRIES && (op.again || op.clash); tries++) {
        struct err here = {0};
        if (tries && !pause_after(&op, tries))
            break;
        for (size_t i = 0; i < count; i++)
            steps[i] = (struct pg_step){.st = &list[i].st};
        op__init(&op, steps, count, &here);
        op.writes = true;
        if (pool__run(p, &op) < 0)
            *err = here;
        if (op.again || op.clash)
            op__fini(&op);
    }
    *failed = op.failed;
    int code = op.code < 0 ? op.code : take_all(p, steps, list, count, err);
    op__fini(&op);
    return code;
}

/* One after the other, because what one did decides. */
WAITS static int write_in_block(struct db *db, struct db_write *list, size_t count, size_t *failed,
                                struct err *err)
{
    static const struct db_tx_options usual = {.isolation = DB_READ_COMMITTED};
    struct db_tx *tx = NULL;
    TRY(pg__tx_begin(db, &usual, &tx, err));
    for (size_t i = 0; i < count; i++) {
        int code = pg__tx_run(tx, &list[i], err);
        if (code == 0)
            continue;
        *failed = i;
        pg__tx_rollback(tx);
        return code;
    }
    return pg__tx_commit(tx, err);
}

int pg__write(struct db *db, struct db_write *list, size_t count, size_t *failed, struct err *err)
{
    struct pg *pg = pg_of(db);
    struct pg_step few[STEPS_FEW], *steps = few;
    size_t fault = 0;
    bool promises = false;
    int code;
    for (size_t i = 0; i < count; i++) {
        TRY(pg__refuse_block(&list[i].st, err));
        promises |= list[i].expect >= 0;
    }
    if (count > STEPS_FEW)
        steps = mem_zero(count, sizeof *steps);
    if (promises)
        code = write_in_block(db, list, count, &fault, err);
    else
        code = write_at_once(pool__mine(pg), steps, list, count, &fault, err);
    if (steps != few)
        mem_free(steps);
    if (failed)
        *failed = fault;
    pg__count(&pg->writes, 1);
    pg__count(code < 0 ? &pg->failures : &pg->commits, 1);
    return code;
}
