/* shop.c -- the demo shop with handlers in C: groups, middleware, JSON, transactions, a stream.
 *
 *   cc shop.c $(pkg-config --cflags --libs cairn) -o shop && ./shop
 *   curl http://127.0.0.1:8080/bank/transfers -H 'Content-Type: application/json' \
 *        -d '{"from":"A","to":"B","amount":100}'
 *
 * The tables are served at /v1 as by `cairn serve`: what is in C comes on top. */
#include <cairn.h>

#include <inttypes.h>
#include <string.h>

/* ---- middleware ---- */

/* Puts the name of the shop on every answer. */
static int stamp(struct cairn_request *rq, void *data)
{
    cairn_set_header(rq, "X-Shop", cairn_s(data));
    return cairn_next(rq);
}

/* A stand-in for sign-in: answers by itself, or goes on. */
static int want_key(struct cairn_request *rq, void *data)
{
    if (!cairn_str_eq(cairn_header(rq, "X-Api-Key"), data))
        return cairn_fail(rq, 403, "this part of the shop wants an API key");
    return cairn_next(rq);
}

/* ---- the bank transfer of guide 6 and 10 ---- */

struct transfer {
    cairn_str from, to;
    int64_t amount;
    const struct cairn_rows *made;
};

static int add(struct cairn_request *rq, cairn_str id, int64_t amount)
{
    int64_t changed;
    CAIRN_TRY(cairn_execute(rq, "UPDATE accounts SET balance = balance + $1 WHERE id = $2",
                            CAIRN_ARGS(cairn_v_int(amount), cairn_v_text(id)), NULL, &changed));
    return changed ? 0 : cairn_fail(rq, 404, "account '%.*s' not found", (int)id.len, id.ptr);
}

/* The account whose name comes first is always changed first: two transfers between the same
 * accounts then wait for one another, where they would lock each other out. */
static int move_money(struct cairn_request *rq, void *data)
{
    struct transfer *t = data;
    size_t shorter = t->from.len < t->to.len ? t->from.len : t->to.len;
    int way = memcmp(t->from.ptr, t->to.ptr, shorter);
    if (way < 0 || (way == 0 && t->from.len < t->to.len)) {
        CAIRN_TRY(add(rq, t->from, -t->amount));
        CAIRN_TRY(add(rq, t->to, t->amount));
    } else {
        CAIRN_TRY(add(rq, t->to, t->amount));
        CAIRN_TRY(add(rq, t->from, -t->amount));
    }
    return cairn_execute(
        rq,
        "INSERT INTO transactions (from_account, to_account, amount)"
        " VALUES ($1, $2, $3) RETURNING id, from_account, to_account, amount",
        CAIRN_ARGS(cairn_v_text(t->from), cairn_v_text(t->to), cairn_v_int(t->amount)), &t->made,
        NULL);
}

static int transfer(struct cairn_request *rq, void *data)
{
    const struct cairn_json *body;
    struct transfer t = {0};
    (void)data;
    CAIRN_TRY(cairn_body_fields(rq, &body));
    CAIRN_TRY(cairn_want_text(rq, body, "from", &t.from));
    CAIRN_TRY(cairn_want_text(rq, body, "to", &t.to));
    CAIRN_TRY(cairn_want_int(rq, body, "amount", &t.amount));
    if (t.amount <= 0)
        return cairn_fail(rq, 422, "the amount must be more than 0");
    CAIRN_TRY(cairn_transaction(rq, move_money, &t)); /* either all of it, or nothing */
    cairn_set_status(rq, 201);
    cairn_put_row(rq, NULL, t.made, 0);
    return 0;
}

/* Accept-Language chooses; the first is the default. */
static int greeting(struct cairn_request *rq, void *data)
{
    cairn_str language = cairn_language(rq, "en, es, de");
    (void)data;
    if (cairn_str_eq(language, "es"))
        return cairn_text(rq, 200, cairn_s("Hola"));
    return cairn_text(rq, 200, cairn_s(cairn_str_eq(language, "de") ? "Guten Tag" : "Hello"));
}

static int balance(struct cairn_request *rq, void *data)
{
    const struct cairn_rows *rows;
    (void)data;
    CAIRN_TRY(cairn_select_one(rq, "SELECT id, balance FROM accounts WHERE id = $1",
                               CAIRN_ARGS(cairn_v_text(cairn_param(rq, "id"))), &rows));
    cairn_put_row(rq, NULL, rows, 0);
    return 0;
}

/* Two sums of one moment: whatever is transferred between the two statements is in neither. */
static int sums(struct cairn_request *rq, void *data)
{
    const struct cairn_rows *balances, *moved;
    (void)data;
    CAIRN_TRY(
        cairn_select(rq, "SELECT sum(balance) AS sum FROM accounts", CAIRN_NO_ARGS, &balances));
    CAIRN_TRY(
        cairn_select(rq, "SELECT sum(amount) AS sum FROM transactions", CAIRN_NO_ARGS, &moved));
    cairn_put_object(rq, NULL);
    cairn_put_row(rq, "balances", balances, 0);
    cairn_put_row(rq, "moved", moved, 0);
    cairn_put_end(rq);
    return 0;
}

static int books(struct cairn_request *rq, void *data)
{
    static const struct cairn_tx_options snapshot = {CAIRN_REPEATABLE_READ, true};
    return cairn_transaction_with(rq, &snapshot, sums, data);
}

/* A transaction that only reads: the write in it is refused. */
static int forbidden(struct cairn_request *rq, void *data)
{
    static const struct cairn_tx_options reading = {CAIRN_USUAL, true};
    return cairn_transaction_with(rq, &reading, move_money, data);
}

static int try_forbidden(struct cairn_request *rq, void *data)
{
    struct transfer t = {.from = cairn_s("A"), .to = cairn_s("B"), .amount = 1};
    (void)data;
    return forbidden(rq, &t);
}

/* ---- reading ---- */

static int who(struct cairn_request *rq, void *data)
{
    (void)data;
    cairn_str id = cairn_user(rq), email = {0};
    if (!id.ptr)
        return cairn_fail(rq, 401, "nobody signed in");
    cairn_json_text(cairn_json_get(cairn_claims(rq), "email"), &email);
    cairn_put_object(rq, NULL);
    cairn_put_text(rq, "id", id);
    cairn_put_text(rq, "email", email);
    cairn_put_bool(rq, "editor", cairn_has_role(rq, "editor"));
    cairn_put_bool(rq, "admin", cairn_has_role(rq, "admin"));
    cairn_put_end(rq);
    return 0;
}

static int best_customers(struct cairn_request *rq, void *data)
{
    const struct cairn_rows *rows;
    int64_t least = 1;
    (void)data;
    if (cairn_query(rq, "orders").ptr)
        CAIRN_TRY(cairn_param_int(rq, "orders", &least));
    CAIRN_TRY(cairn_select(rq,
                           "SELECT u.id, u.name, count(*) AS orders FROM users u"
                           " JOIN orders o ON o.user_id = u.id GROUP BY u.id, u.name"
                           " HAVING count(*) >= $1 ORDER BY 3 DESC, 1 LIMIT 10",
                           CAIRN_ARGS(cairn_v_int(least)), &rows));
    cairn_put_object(rq, NULL);
    cairn_put_int(rq, "count", (int64_t)cairn_row_count(rows));
    cairn_put_rows(rq, "customers", rows);
    cairn_put_end(rq);
    return 0;
}

/* A named query of the shop, queries/reports.sql. */
static int city(struct cairn_request *rq, void *data)
{
    const struct cairn_rows *rows;
    (void)data;
    CAIRN_TRY(cairn_call(
        rq, "users_by_city",
        CAIRN_NAMED({"city", cairn_v_text(cairn_param(rq, "city"))}, {"limit", cairn_v_int(3)}),
        &rows, NULL));
    cairn_put_rows(rq, NULL, rows);
    return 0;
}

/* Two of them, in one transaction: either both are done, or neither. */
static int befriend(struct cairn_request *rq, void *data)
{
    const struct cairn_value *pair = data;
    int64_t there, back;
    CAIRN_TRY(cairn_call(rq, "follow",
                         CAIRN_NAMED({"follower_id", pair[0]}, {"followed_id", pair[1]}), NULL,
                         &there));
    CAIRN_TRY(cairn_call(rq, "follow",
                         CAIRN_NAMED({"follower_id", pair[1]}, {"followed_id", pair[0]}), NULL,
                         &back));
    cairn_put_object(rq, NULL);
    cairn_put_int(rq, "changes", there + back);
    cairn_put_end(rq);
    return 0;
}

static int friends(struct cairn_request *rq, void *data)
{
    int64_t a, b;
    (void)data;
    CAIRN_TRY(cairn_param_int(rq, "a", &a));
    CAIRN_TRY(cairn_param_int(rq, "b", &b));
    struct cairn_value pair[] = {cairn_v_int(a), cairn_v_int(b)};
    return cairn_transaction(rq, befriend, pair);
}

/* Names as lines, page by page: the answer begins before the last row was read. */
static int export_names(struct cairn_request *rq, void *data)
{
    const struct cairn_rows *rows;
    int64_t after = 0;
    (void)data;
    CAIRN_TRY(cairn_stream(rq, 200, "text/plain; charset=utf-8"));
    for (;;) {
        CAIRN_TRY(cairn_select(rq, "SELECT id, name FROM users WHERE id > $1 ORDER BY id LIMIT 50",
                               CAIRN_ARGS(cairn_v_int(after)), &rows));
        size_t count = cairn_row_count(rows);
        for (size_t i = 0; i < count; i++) {
            cairn_str line = cairn_format(rq, "%" PRId64 " %.*s\n", cairn_cell_int(rows, i, "id"),
                                          (int)cairn_cell_text(rows, i, "name").len,
                                          cairn_cell_text(rows, i, "name").ptr);
            CAIRN_TRY(cairn_write(rq, line.ptr, line.len));
            after = cairn_cell_int(rows, i, "id");
        }
        if (count < 50)
            return 0;
    }
}

int main(int argc, char **argv)
{
    static char name[] = "shop-c", key[] = "open-sesame";
    struct cairn_app *app = cairn_new(argc > 1 ? argv[1] : ".");
    cairn_use(app, stamp, name);
    cairn_get(app, "/greeting", greeting, NULL);
    cairn_get(app, "/customers/best", best_customers, NULL);
    cairn_get(app, "/who", who, NULL);
    cairn_get(app, "/customers/city/:city", city, NULL);
    cairn_post(app, "/customers/:a/friends/:b", friends, NULL);

    struct cairn_group *bank = cairn_group(app, NULL, "/bank");
    cairn_group_route(bank, "POST", "/transfers", transfer, NULL);
    cairn_group_route(bank, "GET", "/accounts/:id", balance, NULL);
    cairn_group_route(bank, "GET", "/books", books, NULL);
    cairn_group_route(bank, "POST", "/books", books, NULL); /* with an Idempotency-Key: kept */
    cairn_group_route(bank, "POST", "/frozen", try_forbidden, NULL);

    struct cairn_group *office = cairn_group(app, NULL, "/office");
    cairn_group_use(office, want_key, key);
    cairn_group_route(office, "GET", "/names", export_names, NULL);
    cairn_group_route(office, "POST", "/names", export_names, NULL);
    return cairn_main(app);
}
