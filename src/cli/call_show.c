/* call_show.c -- the answer of cairn call: for people, or as it came. SPDX: Apache-2.0 */
#include "cli/call.h"

#include <stdio.h>

enum { MEMORY = 512 << 20, OUT_MOST = 1 << 30 };

static bool is_json(str type)
{
    str media = str_upto(type, str_find(type, ';'));
    return str_is(str_trim(media), "application/json") || str_ends(str_trim(media), LIT("+json"));
}

static void show_headers(struct term *t, const struct answer *r)
{
    term_put(t, term_status(r->status), r->line);
    buf_char(t->out, '\n');
    for (str rest = r->headers; rest.len && rest.ptr;) {
        str line = str_cut(&rest, '\n');
        term_put(t, TERM_DIM, str_upto(line, str_find(line, '\r')));
        buf_char(t->out, '\n');
    }
    buf_char(t->out, '\n');
}

static str member(const struct value *v, const char *name)
{
    const struct value *m = value_get(v, str_of(name));
    return m && m->kind == V_TEXT ? m->text : (str){NULL, 0};
}

/* The message names the field. */
static void show_fault(struct term *t, const struct value *e)
{
    buf_lit(t->out, "  ");
    term_safe(t, member(e, "message"), false);
    buf_lit(t->out, " ");
    term_put(t, TERM_DIM, LIT("("));
    term_put(t, TERM_DIM, member(e, "code"));
    term_put(t, TERM_DIM, LIT(")"));
    buf_char(t->out, '\n');
}

/* RFC 9457: what happened, the faulty places, then the word to look up and the id to tell. */
static void show_problem(struct term *t, const struct answer *r, const struct value *v)
{
    const struct value *errors = value_get(v, LIT("errors"));
    str detail = member(v, "detail"), title = member(v, "title");
    char status[8];
    snprintf(status, sizeof status, "%d ", r->status);
    term_put(t, term_status(r->status), str_of(status));
    term_put(t, term_status(r->status), title);
    buf_str(t->out, detail.len ? LIT(": ") : LIT(""));
    term_safe(t, detail, true);
    buf_char(t->out, '\n');
    for (uint32_t i = 0; errors && errors->kind == V_ARRAY && i < errors->count; i++)
        show_fault(t, &errors->items[i]);
    term_put(t, TERM_DIM, LIT("  code "));
    term_put(t, TERM_DIM, member(v, "code"));
    term_put(t, TERM_DIM, LIT(", request "));
    term_put(t, TERM_DIM, member(v, "request_id"));
    buf_char(t->out, '\n');
}

static void show_body(struct term *t, struct arena *a, const struct answer *r)
{
    static const struct json_limits limits = {.depth = 500, .nodes = 8000000};
    struct value v;
    struct err err = {0};
    str type = answer_header(r, LIT("Content-Type"));
    if (!r->body.len)
        return;
    if (!is_json(type) || json_parse(a, r->body, &limits, &v, &err) < 0) {
        if (memchr(r->body.ptr, 0, r->body.len))
            buf_printf(t->out, "%zu bytes of %.*s: --raw writes them\n", r->body.len,
                       STR_ARG(type.ptr ? type : LIT("something")));
        else
            term_safe(t, r->body, true);
        return;
    }
    if (str_starts(type, LIT("application/problem+json")) && v.kind == V_OBJECT)
        show_problem(t, r, &v);
    else
        term_json(t, &v);
}

/* For logs of scripts, whose stdout goes elsewhere. */
static void tell(struct arena *a, const struct answer *r)
{
    struct value v = {0};
    struct buf text;
    struct term t = {.out = &text};
    struct err err = {0};
    buf_init(&text, OUT_MOST);
    term_safe(&t, str_from(r->line, 9), false);
    if (r->body.len && is_json(answer_header(r, LIT("Content-Type"))) &&
        json_parse(a, r->body, &json_limits_default, &v, &err) == 0 && v.kind == V_OBJECT &&
        member(&v, "detail").len) {
        buf_lit(&text, ": ");
        term_safe(&t, member(&v, "detail"), false);
    }
    cli_fail("%.*s", STR_ARG(buf_view(&text)));
    buf_fini(&text);
}

int call_show(const struct call_view *v, const struct answer *r)
{
    struct buf out;
    struct arena a;
    struct term t = {&out, v->colours};
    buf_init(&out, OUT_MOST);
    arena_init(&a, MEMORY);
    if (v->headers && v->pretty)
        show_headers(&t, r);
    else if (v->headers)
        buf_printf(&out, "%.*s\r\n%.*s%s\r\n", STR_ARG(r->line), STR_ARG(r->headers),
                   r->headers.len ? "\r\n" : "");
    if (v->pretty)
        show_body(&t, &a, r);
    else
        buf_str(&out, r->body);
    int code = cli_print(&out);
    if (r->status >= 400 && !v->pretty)
        tell(&a, r);
    arena_reset(&a);
    if (code != CLI_OK)
        return code;
    return r->status < 300 || r->status == 304 ? CLI_OK : r->status / 100;
}
