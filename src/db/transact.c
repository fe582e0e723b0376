/* transact.c -- a transaction as a block that is run again when it clashed. SPDX: Apache-2.0
 * Why here: REST, handlers in C and what is still to come all need the same bound and the same
 * pauses. Two that clashed must not meet again, so the pause grows and has chance in it.
 * Invariants: (1) Only a failure that the engine undid completely is tried again: never one whose
 * outcome is unknown. (2) The clash of the last try is what the caller hears. */
#include "db/db_priv.h"

#include "base/clock.h"

enum { PAUSE_US = 2000, DOUBLINGS_MOST = 7 };

bool db_clashed(const struct err *err)
{
    return str_is(err->word, "serialization");
}

WAITS static int once(struct db *db, const struct db_tx_options *options,
                      const struct db_block *block, struct err *err)
{
    struct db_tx *tx = NULL;
    TRY(db_tx_begin(db, options, &tx, err));
    int code = block->body(block->ctx, tx, err);
    if (code >= 0)
        return db_tx_commit(&tx, err);
    db_tx_rollback(&tx);
    return code;
}

WAITS static int pause_before(unsigned tries)
{
    uint64_t pause = (uint64_t)PAUSE_US * 1000 << (tries < DOUBLINGS_MOST ? tries : DOUBLINGS_MOST);
    return fiber_sleep(pause / 2 + clock_ns() % pause);
}

int db_transact(struct db *db, const struct db_tx_options *options, const struct db_block *block,
                struct err *err)
{
    int code = once(db, options, block, err);
    for (unsigned i = 1; i <= db->tx_retries && code < 0 && db_clashed(err); i++) {
        if ((block->again && !block->again(block->ctx)) || pause_before(i) < 0)
            break;
        *err = (struct err){0};
        code = once(db, options, block, err);
    }
    return code;
}
