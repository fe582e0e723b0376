/* audit.c -- cairn audit: security events from the command line, the newest first.
 * SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "account/account.h"
#include "server/server.h"

#include <stdio.h>
#include <time.h>

enum { MEMORY = 64 << 20, LIMIT_USUAL = 50, LIMIT_MOST = 10000 };
enum { A_AT, A_EVENT, A_ACCOUNT, A_LOGIN, A_ADDRESS, A_REQUEST, A_DETAIL, A_AGENT, A_COUNT };

/* What is asked for, and where the answer goes. */
struct inquiry {
    str event, account, login;
    uint64_t since_ms, limit;
    bool json;
    struct arena arena;
    struct rows rows;
};

static const char *const members[A_COUNT] = {"at",      "event",      "account", "login",
                                             "address", "request_id", "detail",  "agent"};

static void put_time(struct buf *b, int64_t ms)
{
    char text[32];
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(b, "%s.%03dZ", text, (int)(ms % 1000));
}

static void put_json(struct buf *b, const struct value *row)
{
    buf_lit(b, "{\"at\":\"");
    put_time(b, row[A_AT].i);
    buf_char(b, '"');
    for (size_t i = 1; i < A_COUNT; i++) {
        buf_printf(b, ",\"%s\":", members[i]);
        json_value(b, &row[i]);
    }
    buf_lit(b, "}\n");
}

/* What a client sent stands in it: no byte of it may steer a terminal. */
static void put_plain(struct buf *b, str s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_char(b, (unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f ? '?' : s.ptr[i]);
}

static void put_line(struct buf *b, const struct value *row)
{
    put_time(b, row[A_AT].i);
    buf_printf(b, "  %-16.*s", STR_ARG(row[A_EVENT].text));
    for (size_t i = A_ACCOUNT; i <= A_DETAIL; i++) {
        if (!row[i].text.len)
            continue;
        buf_printf(b, "  %s=", members[i]);
        put_plain(b, row[i].text);
    }
    buf_char(b, '\n');
}

static int print(const struct inquiry *q)
{
    struct buf b;
    buf_init(&b, MEMORY);
    for (size_t i = 0; i < q->rows.count; i++) {
        const struct value *row = &q->rows.cells[i * A_COUNT];
        if (q->json)
            put_json(&b, row);
        else
            put_line(&b, row);
    }
    return cli_print(&b);
}

static int read_rows(const struct config *c, struct inquiry *q, struct err *err)
{
    struct db_config db;
    struct db_admin *a;
    int64_t from = q->since_ms ? ((int64_t)time(NULL) * 1000) - (int64_t)q->since_ms : 0;
    const struct value binds[] = {value_int(from), value_text(q->event), value_text(q->account),
                                  value_text(q->login), value_int((int64_t)q->limit)};
    struct stmt st = {.text = LIT("SELECT at, event, account, login, address, request_id, detail,"
                                  " agent FROM cairn_audit WHERE at >= $1 AND ($2 = '' OR event ="
                                  " $2) AND ($3 = '' OR account = $3) AND ($4 = '' OR login = $4)"
                                  " ORDER BY at DESC, id DESC LIMIT $5"),
                      .binds = binds,
                      .bind_count = COUNT_OF(binds)};
    config_db(c, &db);
    if (!c->auth_table.len)
        return fail(err, E_CONFIG, "nobody signs in here: set auth.table");
    if (!db_exists(&db))
        return fail(err, E_NOTFOUND, "there is no database yet: cairn migrate up");
    TRY(db_admin_open(&db, &a, err));
    int code = db_admin_script(a, str_of(account_tables(config_dialect(c))), NULL, err);
    if (code == 0)
        code = db_admin_run(a, &st, &q->arena, &q->rows, err);
    db_admin_close(&a);
    return code;
}

static int known_event(const struct cli *c, str name)
{
    const char *one;
    struct buf b;
    for (size_t i = 0; (one = audit_name(i)); i++) {
        if (str_is(name, one))
            return CLI_OK;
    }
    buf_init(&b, 4096);
    for (size_t i = 0; (one = audit_name(i)); i++)
        buf_printf(&b, "%s%s", i ? ", " : "", one);
    int code = cli_usage(c, "'%.*s' is no event: %.*s", STR_ARG(str_upto(name, 60)),
                         STR_ARG(buf_view(&b)));
    buf_fini(&b);
    return code;
}

static int options(struct cli *c, struct inquiry *q)
{
    const char *event = "", *account = "", *login = "", *since = NULL, *limit = NULL;
    if (!cli_option(c, "--event", &event) || !cli_option(c, "--account", &account) ||
        !cli_option(c, "--login", &login) || !cli_option(c, "--since", &since) ||
        !cli_option(c, "--limit", &limit))
        return CLI_USAGE;
    q->json = cli_flag(c, "--json");
    q->event = str_of(event);
    q->account = str_of(account);
    q->login = str_of(login);
    if (since && !config_time(str_of(since), &q->since_ms))
        return cli_usage(c, "'%.60s' is no time: 90s, 15m, 24h, 7d", since);
    if (limit && (!str_to_u64(str_of(limit), &q->limit) || !q->limit || q->limit > LIMIT_MOST))
        return cli_usage(c, "--limit: 1 to %d", LIMIT_MOST);
    return q->event.len ? known_event(c, q->event) : CLI_OK;
}

int cli_audit(struct cli *c)
{
    struct inquiry q = {.limit = LIMIT_USUAL};
    struct err err = {0};
    int code = options(c, &q);
    if (code == CLI_OK)
        code = cli_expect(c, 0, 0);
    struct config *config = code == CLI_OK ? cli_config_load(c) : NULL;
    if (!config)
        return code == CLI_OK ? CLI_FAILED : code;
    arena_init(&q.arena, MEMORY);
    code = read_rows(config, &q, &err) < 0 ? cli_error(&err) : print(&q);
    arena_reset(&q.arena);
    config_free(&config);
    return code;
}
