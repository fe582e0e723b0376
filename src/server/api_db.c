/* api_db.c -- cairn.h: the database from a handler. SPDX: Apache-2.0
 * The statement's text is the handler's own. Places are written $1 as in PostgreSQL, whatever the
 * engine: SQLite would number $1 by where it stands first, so it gets ?1. */
#include "render/render.h"
#include "server/api_priv.h"

/* struct cairn_rows is never defined: a pointer to one is a pointer to struct rows. */
static const struct rows *in(const struct cairn_rows *rows)
{
    return (const struct rows *)(const void *)rows;
}

static const struct cairn_rows *out_of(const struct rows *rows)
{
    return (const struct cairn_rows *)(const void *)rows;
}

/* ---- the statement ---- */

/* Bytes of the quoted text or comment at s, 0 when there is none. */
static size_t quoted(str s)
{
    if (s.ptr[0] == '\'' || s.ptr[0] == '"') {
        size_t end = str_find(str_from(s, 1), s.ptr[0]);
        return end == STR_NONE ? s.len : end + 2; /* a doubled quote is two texts side by side */
    }
    if (str_starts(s, LIT("--"))) {
        size_t end = str_find(s, '\n');
        return end == STR_NONE ? s.len : end + 1;
    }
    return 0;
}

static str places(const struct world *w, struct arena *a, const char *sql)
{
    str s = str_of(sql);
    if (w->rest.dialect != DIALECT_SQLITE || str_find(s, '$') == STR_NONE)
        return s;
    str copy = arena_str(a, s);
    char *text = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < s.len;) {
        size_t skip = quoted(str_from(s, i));
        if (!skip && s.ptr[i] == '$' && i + 1 < s.len && ascii_digit(s.ptr[i + 1]))
            text[i] = '?';
        i += skip ? skip : 1;
    }
    return copy;
}

struct value api_value(struct cairn_value v)
{
    switch (v.kind) {
    case CAIRN_BOOL:
        return value_bool(v.u.truth);
    case CAIRN_INT:
        return value_int(v.u.i);
    case CAIRN_DOUBLE:
        return value_float(v.u.d);
    case CAIRN_NUMBER:
        return value_num(api_in(v.u.text));
    case CAIRN_TEXT:
        return v.u.text.ptr ? value_text(api_in(v.u.text)) : value_null();
    case CAIRN_BYTES:
        return value_bytes(api_in(v.u.text));
    default:
        return value_null();
    }
}

static struct stmt statement(struct cairn_request *c, const char *sql,
                             const struct cairn_value *args, size_t count)
{
    struct arena *a = &c->rq->arena;
    struct value *binds = ARENA_ARRAY(a, struct value, count);
    for (size_t i = 0; i < count; i++)
        binds[i] = api_value(args[i]);
    c->rq->statements++;
    return (struct stmt){.text = places(c->rq->world, a, sql), .binds = binds, .bind_count = count};
}

static struct db *database(const struct cairn_request *c)
{
    const struct world *w = c->rq->world;
    return w->db;
}

/* ---- running it ---- */

int api_run_in_tx(struct cairn_request *c, struct db_write *w)
{
    int code = db_tx_run(c->rq->tx, w, c->err);
    c->doomed = c->doomed || code < 0;
    return code;
}

int cairn_select(struct cairn_request *c, const char *sql, const struct cairn_value *args,
                 size_t count, const struct cairn_rows **out)
{
    const struct world *w = c->rq->world;
    struct rows *rows = ARENA_NEW(&c->rq->arena, struct rows);
    struct stmt st = statement(c, sql, args, count);
    size_t most = (size_t)w->rest.limits.max_limit * API_ROWS_PER_LIMIT;
    if (c->rq->tx) {
        struct db_write one = {.st = st, .arena = &c->rq->arena, .expect = -1};
        TRY(api_run_in_tx(c, &one));
        *rows = one.rows;
    } else {
        TRY(db_rows(w->db, &st, &c->rq->arena, most, rows, c->err));
    }
    *out = out_of(rows);
    return 0;
}

int cairn_select_one(struct cairn_request *c, const char *sql, const struct cairn_value *args,
                     size_t count, const struct cairn_rows **out)
{
    TRY(cairn_select(c, sql, args, count, out));
    return in(*out)->count ? 0 : fail(c->err, E_NOTFOUND, "there is no such row");
}

int cairn_execute(struct cairn_request *c, const char *sql, const struct cairn_value *args,
                  size_t count, const struct cairn_rows **returned, int64_t *changes)
{
    struct db_write one = {.arena = &c->rq->arena, .expect = -1, .names = true};
    struct rows *rows = ARENA_NEW(&c->rq->arena, struct rows);
    one.st = statement(c, sql, args, count);
    one.st.writes = true;
    if (c->rq->tx)
        TRY(api_run_in_tx(c, &one));
    else
        TRY(db_write(database(c), &one, 1, NULL, c->err));
    *rows = one.rows;
    if (returned)
        *returned = out_of(rows);
    if (changes)
        *changes = one.changes;
    return 0;
}

/* ---- transactions ---- */

static enum db_isolation isolation_in(enum cairn_isolation level)
{
    switch (level) {
    case CAIRN_READ_COMMITTED:
        return DB_READ_COMMITTED;
    case CAIRN_REPEATABLE_READ:
        return DB_REPEATABLE_READ;
    case CAIRN_SERIALIZABLE:
        return DB_SERIALIZABLE;
    default:
        return DB_USUAL;
    }
}

/* A transaction of a handler. */
struct piece {
    struct cairn_request *c;
    cairn_handler *body;
    void *data;
    size_t said; /* bytes of the answer before it */
};

static int silent_failure(struct cairn_request *c)
{
    return fail(c->err, E_INTERNAL, "a statement failed and the transaction's body did not say so");
}

static int run_piece(void *ctx, struct db_tx *tx, struct err *err)
{
    const struct piece *p = ctx;
    struct cairn_request *c = p->c;
    (void)err; /* it is c->err */
    c->rq->tx = tx;
    c->doomed = false;
    int code = p->body(c, p->data);
    c->rq->tx = NULL;
    return code >= 0 && c->doomed ? silent_failure(c) : code;
}

/* Not once anything of the answer was made. */
static bool may_try_again(void *ctx)
{
    const struct piece *p = ctx;
    const struct reply *r = p->c->rq->reply;
    return !r->started && r->body.len == p->said;
}

WAITS static int outermost(struct cairn_request *c, const struct cairn_tx_options *o,
                           cairn_handler *body, void *data)
{
    struct piece piece = {.c = c, .body = body, .data = data, .said = c->rq->reply->body.len};
    struct db_block block = {.body = run_piece, .again = may_try_again, .ctx = &piece};
    struct db_tx_options options = {.isolation = DB_USUAL};
    if (o)
        options = (struct db_tx_options){isolation_in(o->isolation), o->read_only};
    return db_transact(database(c), &options, &block, c->err);
}

/* What is asked for inside must be true of the whole already. */
static int suits(struct cairn_request *c, const struct cairn_tx_options *o)
{
    if (db_tx_suits(c->rq->tx, o ? isolation_in(o->isolation) : DB_USUAL))
        return 0;
    return fail(c->err, E_INTERNAL,
                "a transaction inside another cannot be isolated better than that one");
}

int cairn_transaction_with(struct cairn_request *c, const struct cairn_tx_options *options,
                           cairn_handler *body, void *data)
{
    struct db_tx *tx = c->rq->tx;
    if (!tx)
        return outermost(c, options, body, data);
    struct err ignored = {0};
    bool doomed = c->doomed;
    TRY(suits(c, options));
    TRY(db_tx_savepoint(tx, c->err));
    bool reads = db_tx_only_reads(tx, false);
    db_tx_only_reads(tx, reads || (options && options->read_only));
    int code = body(c, data);
    db_tx_only_reads(tx, reads);
    bool keep = code >= 0 && c->doomed == doomed;
    if (!keep && code >= 0)
        code = silent_failure(c);
    int released = db_tx_release(tx, keep, keep ? c->err : &ignored);
    c->doomed = released < 0 || (keep ? c->doomed : doomed);
    return released < 0 ? released : code;
}

int cairn_transaction(struct cairn_request *c, cairn_handler *body, void *data)
{
    return cairn_transaction_with(c, NULL, body, data);
}

/* ---- rows ---- */

size_t cairn_row_count(const struct cairn_rows *rows)
{
    return in(rows)->count;
}

size_t cairn_column_count(const struct cairn_rows *rows)
{
    return in(rows)->cols;
}

cairn_str cairn_column(const struct cairn_rows *rows, size_t column)
{
    const struct rows *r = in(rows);
    return r->names && column < r->cols ? api_str(r->names[column]) : (cairn_str){NULL, 0};
}

struct cairn_value cairn_cell_at(const struct cairn_rows *rows, size_t row, size_t column)
{
    const struct rows *r = in(rows);
    if (row >= r->count || column >= r->cols)
        return cairn_v_null();
    const struct value *v = rows_at(r, row, column);
    switch (v->kind) {
    case V_BOOL:
        return cairn_v_bool(v->truth);
    case V_INT:
        return cairn_v_int(v->i);
    case V_FLOAT:
        return cairn_v_double(v->f);
    case V_NUM:
    case V_TEXT:
        return cairn_v_text(api_str(v->text));
    case V_BYTES:
        return cairn_v_bytes(api_str(v->text));
    case V_ARRAY:
    case V_OBJECT:
        return (struct cairn_value){v->kind == V_ARRAY ? CAIRN_ARRAY : CAIRN_OBJECT, {0}};
    default:
        return cairn_v_null();
    }
}

struct cairn_value cairn_cell(const struct cairn_rows *rows, size_t row, const char *column)
{
    const struct rows *r = in(rows);
    for (size_t i = 0; r->names && i < r->cols; i++) {
        if (str_is(r->names[i], column))
            return cairn_cell_at(rows, row, i);
    }
    return cairn_v_null();
}

int64_t cairn_cell_int(const struct cairn_rows *rows, size_t row, const char *column)
{
    struct cairn_value v = cairn_cell(rows, row, column);
    return v.kind == CAIRN_INT ? v.u.i : 0;
}

cairn_str cairn_cell_text(const struct cairn_rows *rows, size_t row, const char *column)
{
    struct cairn_value v = cairn_cell(rows, row, column);
    return v.kind == CAIRN_TEXT || v.kind == CAIRN_BYTES ? v.u.text : (cairn_str){NULL, 0};
}

const struct cairn_json *cairn_cell_json(const struct cairn_rows *rows, size_t row,
                                         const char *column)
{
    const struct rows *r = in(rows);
    for (size_t i = 0; r->names && row < r->count && i < r->cols; i++) {
        if (str_is(r->names[i], column))
            return (const struct cairn_json *)(const void *)rows_at(r, row, i);
    }
    return NULL;
}

/* ---- rows as JSON ---- */

void cairn_put_row(struct cairn_request *c, const char *key, const struct cairn_rows *rows,
                   size_t row)
{
    const struct rows *r = in(rows);
    cairn_put_object(c, key);
    for (size_t i = 0; i < r->cols; i++) {
        const struct value *v = rows_at(r, row, i);
        cairn_put_json(c, r->names[i].ptr, (const struct cairn_json *)(const void *)v);
    }
    cairn_put_end(c);
}

void cairn_put_rows(struct cairn_request *c, const char *key, const struct cairn_rows *rows)
{
    cairn_put_array(c, key);
    for (size_t i = 0; i < in(rows)->count; i++)
        cairn_put_row(c, NULL, rows, i);
    cairn_put_end(c);
}
