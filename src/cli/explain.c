/* explain.c -- cairn explain 'GET /v1/...': the statements of a request and the engine's plans.
 * SPDX: Apache-2.0
 * The request takes the whole way of a client's (server/explain.c), so what is shown is what runs.
 * Under each plan stands what it means: by which index a table is read, or that all of it is; then,
 * where one helps, the index that advise/ would make. */
#include "cli/advice.h"

#include "server/server.h"

#include <stdio.h>

enum { TEXT_MOST = 256 << 20, VALUE_SHOWN = 200, HEADERS_MOST = 32 };

struct explain {
    const struct explained *run;
    struct advice_report advice;
    struct buf out;
    bool analyze;
};

/* ---- the request ---- */

/* "GET /v1/users?city=eq.Oslo", or the target alone. */
static bool split(str text, str *method, str *target)
{
    *target = str_trim(text);
    *method = LIT("GET");
    if (target->len && target->ptr[0] != '/')
        *method = str_cut(target, ' ');
    *target = target->ptr ? str_trim(*target) : LIT("");
    return target->len > 0 && target->ptr[0] == '/' && str_find(*target, ' ') == STR_NONE;
}

/* Takes every -H 'Name: value' out of the arguments. */
static bool take_headers(struct cli *c, struct buf *out, bool *typed)
{
    for (int i = 0; i < HEADERS_MOST; i++) {
        int before = c->arg_count, at = 0;
        while (at < before && strcmp(c->args[at], "-H") != 0)
            at++;
        if (at == before)
            return true;
        if (at + 1 == before || strchr(c->args[at + 1], '\n') || strchr(c->args[at + 1], '\r') ||
            !strchr(c->args[at + 1], ':')) {
            cli_usage(c, "-H wants 'Name: value'");
            return false;
        }
        *typed = *typed || str_eqi(str_upto(str_of(c->args[at + 1]), 13), LIT("Content-Type:"));
        buf_printf(out, "%s\r\n", c->args[at + 1]);
        for (int k = at; k + 2 <= before; k++)
            c->args[k] = c->args[k + 2];
        c->arg_count -= 2;
    }
    cli_usage(c, "-H comes too often");
    return false;
}

static void put_request(struct buf *b, str line, str headers, bool typed, const char *body)
{
    str method, target;
    split(line, &method, &target);
    buf_printf(b, "%.*s %.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%.*s",
               STR_ARG(method), STR_ARG(target), STR_ARG(headers));
    if (body && !typed)
        buf_lit(b, "Content-Type: application/json\r\n");
    if (body)
        buf_printf(b, "Content-Length: %zu\r\n", strlen(body));
    buf_lit(b, "\r\n");
    if (body)
        buf_str(b, str_of(body));
}

/* ---- a statement ---- */

static void put_value(struct buf *b, const struct value *v)
{
    str text = v->kind == V_TEXT || v->kind == V_NUM ? v->text : LIT("");
    if (v->kind == V_TEXT && text.len > VALUE_SHOWN) {
        json_text(b, str_upto(text, VALUE_SHOWN));
        buf_printf(b, "… (%zu bytes)", text.len);
    } else {
        json_value(b, v);
    }
}

static void put_statement(struct explain *e, size_t number, const struct db_probed *p)
{
    struct buf *b = &e->out;
    buf_printf(b, "\n%zu. %.*s\n", number, STR_ARG(p->st.text));
    for (size_t i = 0; i < p->st.bind_count; i++) {
        buf_printf(b, "   %c%zu = ", e->advice.facts.dialect == DIALECT_POSTGRES ? '$' : '?',
                   i + 1);
        put_value(b, &p->st.binds[i]);
        buf_char(b, '\n');
    }
    buf_lit(b, "   plan:\n");
    for (size_t i = 0; i < p->plan.count; i++) {
        const struct value *line = rows_at(&p->plan, i, p->plan.cols - 1);
        if (line->kind == V_TEXT)
            buf_printf(b, "     %.*s\n", STR_ARG(line->text));
    }
    if (!p->plan.count)
        buf_lit(b, "     the engine tells none\n");
    if (!p->ran)
        buf_lit(b, "   not run: a write is only planned; --analyze runs it and takes it back\n");
    else if (p->failed)
        buf_lit(b, "   refused by the database\n");
    else if (e->analyze)
        buf_printf(b, "   took %.3f ms, %lld row%s\n", (double)p->ns / 1e6, (long long)p->rows,
                   p->rows == 1 ? "" : "s");
}

/* ---- what the plan means ---- */

/* A sorted read needs all rows; else a LIMIT ends it as soon as there are enough. */
static const char *until(const struct explain *e, const struct db_probed *p)
{
    struct access x;
    for (size_t i = 0; i < p->plan.count; i++) {
        const struct value *line = rows_at(&p->plan, i, p->plan.cols - 1);
        if (line->kind == V_TEXT && access_read(e->advice.facts.dialect, line->text, &x) &&
            x.kind == ACCESS_SORT)
            return "";
    }
    for (size_t i = 0; i < p->st.text.len; i++) {
        if (str_starts(str_from(p->st.text, i), LIT(" LIMIT ")))
            return ", until there are enough for the limit";
    }
    return "";
}

static void put_suggestion(struct explain *e, const struct db_probed *p, const struct table *t)
{
    const struct advice *a = access_advice(e->advice.list, e->advice.count, t, p->st.text);
    if (!a)
        return;
    buf_printf(&e->out, "   -> an index would help (%s):\n", advice_code(a->kind));
    advice_put_lines(&e->out, "        ", a->sql);
}

static void put_whole(struct explain *e, const struct db_probed *p, const struct access *x,
                      const struct table *t)
{
    const struct facts *f = &e->advice.facts;
    const struct fact_table *facts = &f->tables[t - f->schema->tables];
    const char *end = until(e, p);
    if (x->kind == ACCESS_ALONG)
        buf_printf(&e->out, "   -> walks %.*s along index %.*s", STR_ARG(t->name),
                   STR_ARG(x->index));
    else
        buf_printf(&e->out, "   -> scans %.*s", STR_ARG(t->name));
    buf_printf(&e->out, " (%s%lld row%s)%s\n", facts->more ? "at least " : "",
               (long long)facts->rows, facts->rows == 1 ? "" : "s", end);
    put_suggestion(e, p, t);
}

static void put_access(struct explain *e, const struct db_probed *p, const struct access *x)
{
    const struct table *t =
        x->table.len ? access_table(e->advice.facts.schema, p->st.text, x->table) : NULL;
    if (x->kind == ACCESS_SORT)
        buf_lit(&e->out, "   -> sorts the rows: no index gives this order\n");
    else if (x->kind == ACCESS_KEY && t)
        buf_printf(&e->out, "   -> %.*s by its key\n", STR_ARG(t->name));
    else if (x->kind == ACCESS_INDEX && t)
        buf_printf(&e->out, "   -> %.*s by index %.*s\n", STR_ARG(t->name), STR_ARG(x->index));
    else if (x->kind == ACCESS_INDEX && !x->table.len)
        buf_printf(&e->out, "   -> index %.*s\n", STR_ARG(x->index));
    else if (x->kind <= ACCESS_ALONG && t)
        put_whole(e, p, x, t);
}

/* SQLite names the tables of foreign keys here that a write has to look into. */
static void put_meaning(struct explain *e, const struct db_probed *p)
{
    struct access x, last = {.kind = ACCESS_SCAN, .table = LIT("")};
    for (size_t i = 0; i < p->plan.count; i++) {
        const struct value *line = rows_at(&p->plan, i, p->plan.cols - 1);
        if (line->kind != V_TEXT || !access_read(e->advice.facts.dialect, line->text, &x))
            continue;
        if (!str_eq(x.index, last.index) || !x.index.len)
            put_access(e, p, &x);
        last = x;
    }
}

/* The answer's head is of no interest here; the body of a refusal says why. */
static void put_answer(struct explain *e)
{
    const struct explained *r = e->run;
    bool planned = false;
    size_t at = 0;
    for (size_t i = 0; i < r->count; i++)
        planned = planned || !r->list[i].ran;
    while (at + 4 < r->answer.len && !str_starts(str_from(r->answer, at), LIT("\r\n\r\n")))
        at++;
    str body = str_from(r->answer, at + 4);
    if (planned)
        buf_lit(&e->out, "\nanswer: none, because the write did not run\n");
    else
        buf_printf(&e->out, "\nanswer: %d, %zu bytes\n", r->status, body.len);
    if (!planned && r->status >= 400)
        buf_printf(&e->out, "%.*s\n", STR_ARG(body));
}

static int show(struct explain *e, str line)
{
    const struct explained *r = e->run;
    buf_init(&e->out, TEXT_MOST);
    buf_printf(&e->out, "%.*s\n%zu statement%s%s\n", STR_ARG(line), r->count,
               r->count == 1 ? "" : "s",
               e->analyze && r->count ? ", in a transaction taken back" : "");
    for (size_t i = 0; i < r->count; i++) {
        put_statement(e, i + 1, &r->list[i]);
        put_meaning(e, &r->list[i]);
    }
    put_answer(e);
    return cli_print(&e->out);
}

/* ---- the command ---- */

static int run(struct config *config, struct explain *e, const struct explain_wish *wish, str line)
{
    struct explained done;
    struct err err = {0};
    int code = advice_report(config, true, LIT(""), &e->advice, &err);
    if (code < 0) {
        code = cli_error(&err);
        config_free(&config);
    } else {
        code = explain_request(config, wish, &done, &err);
        e->run = &done;
        code = code < 0 ? cli_error(&err) : show(e, line);
        explain_end(&done);
    }
    advice_report_end(&e->advice);
    return code;
}

/* Whether the arguments make a request, in `bytes`; else CLI_USAGE was told. */
static bool take_request(struct cli *c, struct buf *bytes)
{
    const char *body = NULL;
    struct buf headers;
    str method, target;
    bool typed = false;
    buf_init(&headers, 1 << 16);
    bool fine = take_headers(c, &headers, &typed) && cli_option(c, "--body", &body) &&
                cli_expect(c, 1, 1) == CLI_OK;
    if (fine && !split(str_of(c->args[0]), &method, &target)) {
        cli_usage(c, "'%.60s' is no request: write 'GET /v1/users?limit=5'", c->args[0]);
        fine = false;
    }
    if (fine)
        put_request(bytes, str_of(c->args[0]), buf_view(&headers), typed, body);
    buf_fini(&headers);
    return fine;
}

int cli_explain(struct cli *c)
{
    struct explain e = {.analyze = cli_flag(c, "--analyze")};
    struct buf bytes;
    int code = CLI_USAGE;
    buf_init(&bytes, 256 << 20);
    if (take_request(c, &bytes)) {
        struct explain_wish wish = {.request = buf_view(&bytes), .run = e.analyze};
        struct config *config = cli_config_load(c);
        code = config ? run(config, &e, &wish, str_of(c->args[0])) : CLI_FAILED;
    }
    buf_fini(&bytes);
    return code;
}
