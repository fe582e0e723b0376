/* pg_target.c -- from the settings to what libpq connects with. SPDX: Apache-2.0
 * The URL is libpq's own affair (hosts, TLS, service files, .pgpass); what the engine relies on is
 * added behind it: UTC, ISO dates, bytes as hex, time limits. It goes into the startup packet, not
 * into statements, so that a pooler between passes it on. Without prepared statements the other
 * side is taken to be such a pooler: of settings it gets TimeZone and DateStyle, which poolers
 * know, and those as parameters of their own (pg_lib.c), because many a pooler refuses `options`.
 */
#include "db/pg_priv.h"

#include <stdlib.h>

#include "base/mem.h"

enum { OPTIONS_MOST = 4096, GRACE_MS = 5000 };

static void put(struct pg_target *t, const char *keyword, str value)
{
    BUG_ON(t->count + 1 >= PG_KEYWORDS);
    t->keywords[t->count] = mem_text(keyword, strlen(keyword));
    t->values[t->count++] = mem_text(value.ptr ? value.ptr : "", value.len);
}

/* "postgres:service=x" and "postgres:host=..." carry libpq's own words. */
static str connection_text(str url)
{
    str rest = str_from(url, str_find(url, ':') + 1);
    return str_starts(rest, LIT("//")) ? url : rest;
}

static const char *given(const PQconninfoOption *list, const char *keyword)
{
    for (; list && list->keyword; list++) {
        if (strcmp(list->keyword, keyword) == 0)
            return list->val;
    }
    return NULL;
}

/* The project's own options come first: what the engine relies on wins. */
static void options(struct pg_target *t, const struct db_config *c, bool admin, const char *own)
{
    struct buf b;
    if (!c->prepared)
        return;
    buf_init(&b, OPTIONS_MOST);
    if (own)
        buf_printf(&b, "%s ", own);
    buf_lit(&b, "-c TimeZone=UTC -c DateStyle=ISO -c bytea_output=hex -c extra_float_digits=1 "
                "-c IntervalStyle=iso_8601");
    if (!admin) { /* cursors are read to their end: so they are planned */
        unsigned still =
            c->tx_timeout_ms > c->statement_timeout_ms ? c->tx_timeout_ms : c->statement_timeout_ms;
        buf_printf(&b,
                   " -c statement_timeout=%u -c idle_in_transaction_session_timeout=%u "
                   "-c cursor_tuple_fraction=1",
                   c->statement_timeout_ms, still + GRACE_MS);
    }
    put(t, "options", buf_view(&b));
    buf_fini(&b);
}

int target__init(struct pg_target *t, const struct db_config *c, bool admin, struct err *err)
{
    *t = (struct pg_target){.count = 0};
    TRY(pg_lib__load(err));
    str text = connection_text(c->url);
    char *url = mem_text(text.ptr, text.len), *why = NULL;
    PQconninfoOption *list = pq.conninfoParse(url, &why);
    mem_free(url);
    pq.freemem(why); /* may repeat the password */
    if (!list)
        return fail(err, E_CONFIG,
                    "the database url is not understood; write postgres://USER@HOST:PORT/NAME");
    put(t, "fallback_application_name", LIT("cairn"));
    put(t, "keepalives_idle", LIT("30"));
    put(t, "tcp_user_timeout", LIT("15000"));
    put(t, "connect_timeout", LIT("5"));
    put(t, "dbname", text); /* expanded: its words win over those before it */
    put(t, "client_encoding", LIT("UTF8"));
    if (c->database.len)
        put(t, "dbname", c->database);
    if (c->password.len)
        put(t, "password", c->password);
    options(t, c, admin, given(list, "options"));
    pq.conninfoFree(list);
    return 0;
}

/* A URL whose parts were taken for others may have its password in libpq's words. */
str target__why(const PGconn *raw)
{
    str why = str_of(raw ? pq.errorMessage(raw) : "");
    if (str_starts(why, LIT("invalid ")) || str_starts(why, LIT("missing ")))
        return LIT("a part of the database url has no valid form");
    return str_trim(str_upto(why, str_find(why, '\n')));
}

void target__copy(struct pg_target *to, const struct pg_target *from)
{
    *to = (struct pg_target){.count = 0};
    for (unsigned i = 0; i < from->count; i++)
        put(to, from->keywords[i], str_of(from->values[i]));
}

/* libpq passes over an empty value, and takes what stands before it. */
void target__password(struct pg_target *t, str password)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (strcmp(t->keywords[i], "password") != 0)
            continue;
        mem_free(t->values[i]);
        t->values[i] = mem_text(password.ptr ? password.ptr : "", password.len);
        return;
    }
    put(t, "password", password);
}

void target__fini(struct pg_target *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        mem_free(t->keywords[i]);
        mem_free(t->values[i]);
    }
    t->count = 0;
}
