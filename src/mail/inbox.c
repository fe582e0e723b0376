/* inbox.c -- letters that were kept instead of sent, as pages under /dev/mail: in development only.
 * SPDX: Apache-2.0
 * There are live tokens in them. A page is shown to a browser on this machine and to nobody else:
 * the connection comes from a loopback address, no proxy has passed it on, and the host that was
 * asked for is this machine by name, so that no other page can have the name resolved to us. */
#include "mail/mail_priv.h"

enum { SHOWN_MOST = 100 };

struct inbox {
    struct db *db;
};

static bool here(str host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    size_t colon = str_rfind(host, ':');
    if (colon != STR_NONE && !str_ends(host, LIT("]")))
        host = str_upto(host, colon);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eqi(host, str_of(names[i])))
            return true;
    }
    return false;
}

static int only_here(const struct request *rq, struct err *err)
{
    str peer = request_peer(rq);
    bool passed_on =
        request_header(rq, LIT("Forwarded")).ptr || request_header(rq, LIT("X-Forwarded-For")).ptr;
    if (!passed_on && here(rq->host) &&
        (str_starts(peer, LIT("127.")) || str_is(peer, "::1") || str_is(peer, "unix")))
        return 0;
    return fail(err, E_NOTFOUND, "no such page");
}

static void begin(struct request *rq, const char *title)
{
    struct buf *b = &rq->reply->body;
    rq->reply->type = LIT("text/html; charset=utf-8");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_printf(b,
               "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"
               "<link rel=\"stylesheet\" href=\"/dev/mail/inbox.css\"></head>\n<body>\n"
               "<h1>%s</h1>\n",
               title, title);
}

static void put_time(struct buf *b, int64_t ms)
{
    char text[CLOCK_RFC3339_MAX];
    size_t len = clock_rfc3339(ms * 1000, text);
    buf_add(b, text, len < 19 ? len : 19);
}

WAITS static int letters(struct request *rq, const struct inbox *x, struct rows *out,
                         struct err *err)
{
    const struct stmt st = {.text = LIT("SELECT id, kind, recipient, subject, created_at, state"
                                        " FROM cairn_mail WHERE state <> 'void'"
                                        " ORDER BY created_at DESC, id DESC LIMIT 100"),
                            .most = SHOWN_MOST};
    rq->statements++;
    return db_rows(x->db, &st, &rq->arena, SHOWN_MOST, out, err);
}

WAITS static int list_page(struct request *rq, const void *data, struct err *err)
{
    struct buf *b = &rq->reply->body;
    struct rows rows = {0};
    TRY(only_here(rq, err));
    TRY(letters(rq, data, &rows, err));
    begin(rq, "Letters");
    buf_lit(b, "<p class=\"note\">Kept here, sent to nobody: mode is development.</p>\n<table>"
               "<tr><th>when (UTC)</th><th>to</th><th>subject</th><th>kind</th></tr>\n");
    for (size_t i = 0; i < rows.count; i++) {
        const struct value *v = rows_at(&rows, i, 0);
        buf_lit(b, "<tr><td>");
        put_time(b, v[4].i);
        buf_lit(b, "</td><td>");
        html__put(b, v[2].text);
        buf_printf(b, "</td><td><a href=\"/dev/mail/%.*s\">", STR_ARG(v[0].text));
        html__put(b, v[3].text);
        buf_printf(b, "</a></td><td>%.*s</td></tr>\n", STR_ARG(v[1].text));
    }
    buf_lit(b, "</table>\n</body></html>\n");
    return 0;
}

/* The same for programs. */
WAITS static int list_json(struct request *rq, const void *data, struct err *err)
{
    static const char *const names[] = {"id", "kind", "to", "subject", "plain", "html"};
    const struct inbox *x = data;
    struct buf *b = &rq->reply->body;
    struct rows rows = {0};
    TRY(only_here(rq, err));
    const struct stmt st = {.text = LIT("SELECT id, kind, recipient, subject, plain, html"
                                        " FROM cairn_mail WHERE state <> 'void'"
                                        " ORDER BY created_at DESC, id DESC LIMIT 100"),
                            .most = SHOWN_MOST};
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, SHOWN_MOST, &rows, err));
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_lit(b, "{\"data\":[");
    for (size_t i = 0; i < rows.count; i++) {
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            buf_printf(b, "%s\"%s\":", k ? "," : i ? ",{" : "{", names[k]);
            json_text(b, rows_at(&rows, i, k)->text);
        }
        buf_char(b, '}');
    }
    buf_lit(b, "]}");
    return 0;
}

WAITS static int one(struct request *rq, const struct inbox *x, struct rows *out, struct err *err)
{
    const struct value id = value_text(request_param(rq, LIT("id")));
    const struct stmt st = {.text = LIT("SELECT id, recipient, subject, created_at, plain, html"
                                        " FROM cairn_mail WHERE id = $1 AND state <> 'void'"),
                            .binds = &id,
                            .bind_count = 1,
                            .most = 1};
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, out, err));
    return out->count ? 0 : fail(err, E_NOTFOUND, "letter not found");
}

WAITS static int one_page(struct request *rq, const void *data, struct err *err)
{
    struct buf *b = &rq->reply->body;
    struct rows rows = {0};
    TRY(only_here(rq, err));
    TRY(one(rq, data, &rows, err));
    const struct value *v = rows.cells;
    begin(rq, "Letter");
    buf_lit(b, "<p><a href=\"/dev/mail\">All letters</a></p>\n<table><tr><th>to</th><td>");
    html__put(b, v[1].text);
    buf_lit(b, "</td></tr><tr><th>subject</th><td>");
    html__put(b, v[2].text);
    buf_lit(b, "</td></tr><tr><th>when (UTC)</th><td>");
    put_time(b, v[3].i);
    buf_lit(b, "</td></tr></table>\n");
    if (v[5].text.len)
        buf_printf(b, "<p><a href=\"/dev/mail/%.*s/html\">As HTML</a></p>\n", STR_ARG(v[0].text));
    buf_lit(b, "<pre>");
    html__put(b, v[4].text);
    buf_lit(b, "</pre>\n</body></html>\n");
    return 0;
}

/* A letter's own styles stand in its elements; nothing in it may run. */
WAITS static int one_html(struct request *rq, const void *data, struct err *err)
{
    struct rows rows = {0};
    TRY(only_here(rq, err));
    TRY(one(rq, data, &rows, err));
    rq->reply->type = LIT("text/html; charset=utf-8");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    reply_header(rq->reply, LIT("Content-Security-Policy"),
                 LIT("default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; "
                     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
    buf_str(&rq->reply->body, rows.cells[5].text);
    return 0;
}

static int style(struct request *rq, const void *data, struct err *err)
{
    (void)data;
    TRY(only_here(rq, err));
    rq->reply->type = LIT("text/css; charset=utf-8");
    mail__default(LIT("inbox.css"), &rq->reply->fixed);
    return 0;
}

int mail_inbox_routes(struct router *r, struct arena *a, struct db *db, struct err *err)
{
    struct inbox *x = ARENA_NEW(a, struct inbox);
    const struct endpoint list[] = {
        {.run = list_page, .data = x, .pattern = "/dev/mail", .what = "letters, kept"},
        {.run = list_json, .data = x, .pattern = "/dev/mail.json", .what = "the same as JSON"},
        {.run = style, .data = x, .pattern = "/dev/mail/inbox.css", .what = "part of the page"},
        {.run = one_page, .data = x, .pattern = "/dev/mail/:id", .what = "a letter"},
        {.run = one_html, .data = x, .pattern = "/dev/mail/:id/html", .what = "its HTML"}};
    x->db = db;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        struct endpoint e = list[i];
        e.page = true;
        TRY(router_add(r, &e, err));
    }
    return 0;
}
