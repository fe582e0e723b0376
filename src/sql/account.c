/* account.c -- the triggers that take along what is an account's when its row goes. SPDX:
 * Apache-2.0 Why triggers: a row is deleted by a request, a batch, a query, a cascade or another
 * program, and a database may give its id again (SQLite does). Whatever is left would open the next
 * account of that id: a provider's sign-in, a passkey, a key. A row that gets another id leaves it
 * as one that is deleted does. The tables keep ids as text, without a foreign key: the table of
 * accounts is the settings' to name. On PostgreSQL the function runs as who deletes, who so needs
 * what Cairn's own role has. Not here: sessions in Redis, which no trigger reaches. */
#include "sql/sql_priv.h"

struct leaving {
    struct sql sql; /* text only */
    struct arena *arena;
    const struct table *table;
    const struct column *id;
    struct counter_plan *plan;
    str base;
};

/* What ends stays for a while: so other processes learn of it, and a token of it stays void. */
static const struct {
    const char *table, *key, *which;
    bool ends;
} owned[] = {{"cairn_identities", "account", "1 = 1", false},
             {"cairn_passkeys", "account", "1 = 1", false},
             {"cairn_totp", "account", "1 = 1", false},
             {"cairn_recovery", "account", "1 = 1", false},
             {"cairn_oauth_codes", "account", "1 = 1", false},
             {"cairn_oauth_consents", "account", "1 = 1", false},
             {"cairn_sessions", "account", "revoked_at IS NULL", true},
             {"cairn_keys", "account", "revoked_at IS NULL", true},
             {"cairn_oauth_grants", "account", "revoked_at IS NULL", true},
             {"cairn_proofs", "subject", "kind = 'change'", false}};

static void put(struct leaving *k, const char *text)
{
    text__str(&k->sql.text, str_of(text));
}

static void ident(struct leaving *k, str name)
{
    sql__ident(&k->sql, name);
}

static str taken(struct leaving *k)
{
    str text = text__done(&k->sql.text);
    text__init(&k->sql.text, k->arena, 512);
    return text;
}

static void keep(struct leaving *k)
{
    BUG_ON(k->plan->make_count == COUNT_OF(k->plan->make));
    k->plan->make[k->plan->make_count++] = taken(k);
}

static bool lite(const struct leaving *k)
{
    return k->sql.dialect == DIALECT_SQLITE;
}

/* The id as text, of `row`: "OLD." or "x." */
static void id_of(struct leaving *k, const char *row)
{
    put(k, lite(k) ? "CAST(" : "");
    put(k, row);
    ident(k, k->id->name);
    put(k, lite(k) ? " AS TEXT)" : "::text");
}

/* One of owned, up to its condition. */
static void end_of(struct leaving *k, size_t i)
{
    put(k, owned[i].ends ? " UPDATE " : " DELETE FROM ");
    put(k, owned[i].table);
    if (owned[i].ends)
        put(k, lite(k) ? " SET revoked_at = CAST(strftime('%s','now') AS INTEGER)"
                       : " SET revoked_at = extract(epoch FROM clock_timestamp())::bigint");
    put(k, " WHERE ");
    put(k, owned[i].which);
}

/* All of one account's. */
static void end_all(struct leaving *k)
{
    for (size_t i = 0; i < COUNT_OF(owned); i++) {
        end_of(k, i);
        put(k, " AND ");
        put(k, owned[i].key);
        put(k, " = ");
        id_of(k, "OLD.");
        put(k, ";");
    }
}

/* What is left of accounts that went while nothing watched: a migration, a server of before. */
static void end_left(struct leaving *k, size_t i)
{
    end_of(k, i);
    put(k, " AND ");
    if (lite(k)) {
        put(k, owned[i].key);
        put(k, " NOT IN (SELECT ");
        id_of(k, "x.");
    } else {
        put(k, "NOT EXISTS (SELECT 1");
    }
    put(k, " FROM ");
    ident(k, k->table->name);
    put(k, " AS x");
    if (!lite(k)) {
        put(k, " WHERE ");
        id_of(k, "x.");
        put(k, " = ");
        put(k, owned[i].key);
    }
    put(k, ")");
}

/* ---- SQLite ---- */

static void trigger_lite(struct leaving *k, const char *kind, bool moves)
{
    str name = arena_printf(k->arena, "%.*s_%s", STR_ARG(k->base), kind);
    put(k, "CREATE TRIGGER ");
    ident(k, name);
    put(k, moves ? " AFTER UPDATE OF " : " AFTER DELETE");
    if (moves)
        ident(k, k->id->name);
    put(k, " ON ");
    ident(k, k->table->name);
    if (moves) {
        put(k, " WHEN OLD.");
        ident(k, k->id->name);
        put(k, " IS NOT NEW.");
        ident(k, k->id->name);
    }
    put(k, " BEGIN");
    end_all(k);
    put(k, " END");
    str text = taken(k);
    k->plan->make[k->plan->make_count++] = text;
    k->plan->parts[k->plan->part_count++] = (struct counter_part){name, k->table, text};
}

/* ---- PostgreSQL ---- */

static void function_postgres(struct leaving *k)
{
    put(k, "CREATE OR REPLACE FUNCTION ");
    ident(k, k->base);
    put(k, "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $cairn$ BEGIN"
           " IF TG_OP = 'TRUNCATE' THEN");
    for (size_t i = 0; i < COUNT_OF(owned); i++) {
        end_of(k, i);
        put(k, ";");
    }
    put(k, " RETURN NULL; END IF; IF TG_OP = 'UPDATE' THEN IF OLD.");
    ident(k, k->id->name);
    put(k, " = NEW.");
    ident(k, k->id->name);
    put(k, " THEN RETURN NULL; END IF; END IF;");
    end_all(k);
    put(k, " RETURN NULL; END $cairn$");
    keep(k);
}

static void trigger_postgres(struct leaving *k, const char *kind, const char *event,
                             const char *rows)
{
    str name = arena_printf(k->arena, "%.*s_%s", STR_ARG(k->base), kind);
    put(k, "CREATE TRIGGER ");
    ident(k, name);
    put(k, event);
    if (str_is(str_of(kind), "delete"))
        ident(k, k->id->name);
    put(k, " ON ");
    ident(k, k->table->name);
    put(k, rows);
    put(k, " EXECUTE FUNCTION ");
    ident(k, k->base);
    put(k, "()");
    keep(k);
    k->plan->parts[k->plan->part_count++] = (struct counter_part){name, k->table, (str){0}};
}

static void stamp_all(struct leaving *k)
{
    str stamp = sql__trigger_stamp(k->arena, k->plan);
    for (size_t i = 0; i < k->plan->part_count; i++) {
        k->plan->parts[i].stamp = stamp;
        put(k, "COMMENT ON TRIGGER ");
        ident(k, k->plan->parts[i].name);
        put(k, " ON ");
        ident(k, k->table->name);
        put(k, " IS ");
        sql__quoted(&k->sql, stamp);
        keep(k);
    }
}

static void make_postgres(struct leaving *k)
{
    put(k, "LOCK TABLE ");
    ident(k, k->table->name);
    put(k, " IN SHARE ROW EXCLUSIVE MODE");
    k->plan->lock = taken(k);
    k->plan->function = k->base;
    function_postgres(k);
    trigger_postgres(k, "delete", " AFTER DELETE OR UPDATE OF ", " FOR EACH ROW");
    trigger_postgres(k, "truncate", " AFTER TRUNCATE", " FOR EACH STATEMENT");
    stamp_all(k);
    put(k, "DO $cairn$ BEGIN");
    for (size_t i = 0; i < COUNT_OF(owned); i++) {
        end_left(k, i);
        put(k, ";");
    }
    put(k, " END $cairn$");
    keep(k);
}

size_t sql_account_tables(str *out)
{
    for (size_t i = 0; out && i < COUNT_OF(owned); i++)
        out[i] = str_of(owned[i].table);
    return COUNT_OF(owned);
}

int sql_account(enum dialect d, struct arena *a, const struct table *t, struct counter_plan *out,
                struct err *err)
{
    struct leaving k = {.arena = a, .table = t, .id = t->primary.columns[0], .plan = out};
    *out = (struct counter_plan){.recount = LIT("SELECT 0"), .wrong = LIT("SELECT 0")};
    sql__begin(&k.sql, d, a, err);
    k.base = sql__trigger_name(a, COUNTER_PREFIX "account_", t, k.id);
    if (d == DIALECT_SQLITE) {
        trigger_lite(&k, "delete", false);
        trigger_lite(&k, "update", true);
        for (size_t i = 0; i < COUNT_OF(owned); i++) {
            end_left(&k, i);
            keep(&k);
        }
        return 0;
    }
    if (str_find(t->name, '$') != STR_NONE || str_find(k.id->name, '$') != STR_NONE)
        return fail(err, E_CONFIG,
                    "auth.table: the table of accounts and its primary key cannot have a '$' in "
                    "their name");
    make_postgres(&k);
    return 0;
}
