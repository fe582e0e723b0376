/* scrape.c -- metrics of the process and of its database on one page. SPDX: Apache-2.0
 * Here, because observe/ knows no database. */
#include "server/scrape.h"

#include "db/db.h"
#include "observe/metrics.h"

static const struct {
    const char *name;
    bool counter;
    size_t offset;
    const char *help;
} fields[] = {
#define AT(field) offsetof(struct db_stats, field)
    {"cairn_db_statements_total", true, AT(statements), "Statements executed, of any kind."},
    {"cairn_db_prepared_total", true, AT(prepared), "Statements compiled by the engine."},
    {"cairn_db_reads_inline_total", true, AT(reads_inline), "Reads on the worker's own thread."},
    {"cairn_db_reads_helper_total", true, AT(reads_helper), "Reads on a helper thread."},
    {"cairn_db_rows_total", true, AT(rows), "Rows read."},
    {"cairn_db_writes_total", true, AT(writes), "Writes done."},
    {"cairn_db_write_failures_total", true, AT(write_failures), "Writes that failed."},
    {"cairn_db_commits_total", true, AT(commits), "Commits; many writes share one."},
    {"cairn_db_syncs_total", true, AT(syncs), "Times the disk was waited for."},
    {"cairn_db_timeouts_total", true, AT(timeouts), "Statements over their time limit."},
    {"cairn_db_write_queue", false, AT(write_queue), "Writes waiting now."},
    {"cairn_db_write_queue_max", false, AT(write_queue_max), "Most writes that waited at once."},
    {"cairn_db_group_max", false, AT(group_max), "Most writes that shared a commit."},
    {"cairn_db_clashes_total", true, AT(clashes), "Deadlocks and serialization failures."},
    {"cairn_db_pool_open", false, AT(pool_open), "Connections to the database (PostgreSQL)."},
    {"cairn_db_pool_taken", false, AT(pool_taken), "Of them, held by a transaction."},
    {"cairn_db_pool_size", false, AT(pool_size), "Connections there may be."},
    {"cairn_db_pool_streams", false, AT(pool_streams), "Connections that read a long list now."},
    {"cairn_db_pool_waiting", false, AT(pool_waiting), "Requests waiting for a connection now."},
    {"cairn_db_pool_waits_total", true, AT(pool_waits), "Requests that waited for a connection."},
    {"cairn_db_pool_wait_microseconds_total", true, AT(pool_wait_us), "Time of all these waits."},
    {"cairn_db_pool_refused_total", true, AT(pool_refused), "Requests that got none in time."},
    {"cairn_db_pool_wait_timeouts_total", true, AT(pool_late), "Of them, those that had waited."},
    {"cairn_db_pool_connects_total", true, AT(pool_connects), "Connections made."},
    {"cairn_db_pool_closed_idle_total", true, AT(pool_unused),
     "Connections closed for being idle."},
    {"cairn_db_pool_closed_old_total", true, AT(pool_old), "Connections closed for their age."},
    {"cairn_db_pool_checks_total", true, AT(pool_checks), "Idle connections asked before use."},
    {"cairn_db_pool_checks_failed_total", true, AT(pool_sick), "Of them, without an answer."},
    {"cairn_db_pool_leaks_total", true, AT(pool_leaks), "Connections held for too long."},
    {"cairn_db_pool_lost_total", true, AT(pool_lost), "Connections that broke or were given up."},
#undef AT
};

static void put_db(struct buf *out, void *ctx)
{
    struct db_stats stats;
    struct db *db = ctx;
    db_stats(db, &stats);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        uint64_t n;
        memcpy(&n, (const char *)&stats + fields[i].offset, sizeof n);
        metrics_put(out, fields[i].name, fields[i].counter, n, fields[i].help);
    }
    metrics_put(out, "cairn_db_healthy", false, db_healthy(db),
                "1, or 0 between a failed write and its recovery.");
}

void scrape_render(struct db *db, struct buf *out)
{
    metrics_render(out, db ? put_db : NULL, db);
}
