/* pages.c -- what a person sees who lets an app in: signing in, the second factor, the question
 * itself, and a page for requests that are so wrong that nobody can be sent back. SPDX: Apache-2.0
 * No script, no style, nothing from elsewhere. Whatever came from outside is escaped, names of the
 * settings too.
 * Invariants: (1) No page can be framed, whatever headers.* say. (2) A form goes to us, and from
 * there to the app's own address and nowhere else: form-action, which browsers hold a redirect
 * behind a form to, too. */
#include "oauth/oauth_priv.h"

static void escaped(struct buf *b, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' || c == '`')
            buf_printf(b, "&#%d;", c);
        else
            buf_char(b, c);
    }
}

/* Where a redirect URI leads, as a policy says it. It was held to the settings, whose form leaves
 * nothing that could end a policy. */
static str target(str redirect)
{
    size_t scheme = str_find(redirect, ':');
    bool web = str_starts(redirect, LIT("http://")) || str_starts(redirect, LIT("https://"));
    size_t at = scheme + 3;
    if (!web)
        return str_upto(redirect, scheme + 1);
    if (at < redirect.len && redirect.ptr[at] == '[') /* policies know no IPv6 */
        return str_upto(redirect, scheme + 1);
    while (at < redirect.len && redirect.ptr[at] != '/' && redirect.ptr[at] != '?')
        at++;
    return str_upto(redirect, at);
}

static void begin(struct request *rq, const char *title, str redirect)
{
    struct reply *r = rq->reply;
    str where = redirect.len ? target(redirect) : (str){"", 0};
    buf_clear(&r->body);
    r->type = LIT("text/html; charset=utf-8");
    oauth__no_store(r);
    reply_header(r, LIT("X-Frame-Options"), LIT("DENY"));
    reply_header(r, LIT("X-Content-Type-Options"), LIT("nosniff"));
    reply_header(r, LIT("Referrer-Policy"), LIT("no-referrer"));
    reply_header(r, LIT("Content-Security-Policy"),
                 arena_printf(&rq->arena,
                              "default-src 'none'; base-uri 'none'; form-action 'self'%s%.*s; "
                              "frame-ancestors 'none'",
                              where.len ? " " : "", STR_ARG(where)));
    buf_printf(&r->body,
               "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width\"><title>%s</title></head>\n"
               "<body>\n<main>\n<h1>%s</h1>\n",
               title, title);
}

static void end(struct request *rq)
{
    buf_lit(&rq->reply->body, "</main>\n</body></html>\n");
}

static void say(struct buf *b, str wrong)
{
    if (!wrong.len)
        return;
    buf_lit(b, "<p role=\"alert\">");
    escaped(b, wrong);
    buf_lit(b, "</p>\n");
}

static void hidden(struct buf *b, const char *name, str value)
{
    buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    escaped(b, value);
    buf_lit(b, "\">\n");
}

static void form(struct buf *b, const char *path, const struct ask *ask)
{
    buf_printf(b, "<form method=\"post\" action=\"/oauth/%s\">\n", path);
    hidden(b, "asked", ask->query);
}

void page__fault(struct request *rq, const char *title, str text)
{
    begin(rq, title, LIT(""));
    buf_lit(&rq->reply->body, "<p>");
    escaped(&rq->reply->body, text);
    buf_lit(&rq->reply->body, "</p>\n");
    end(rq);
}

void page__signin(struct request *rq, const struct oauth *o, const struct ask *ask, str login,
                  str wrong)
{
    struct buf *b = &rq->reply->body;
    begin(rq, "Sign in", ask->redirect);
    say(b, wrong);
    buf_lit(b, "<p>to go on to <strong>");
    escaped(b, ask->client->name);
    buf_lit(b, "</strong></p>\n");
    form(b, "signin", ask);
    buf_lit(b, "<p><label>");
    escaped(b, account_login(o->accounts)->name);
    buf_lit(b, " <input name=\"login\" autocomplete=\"username\" required value=\"");
    escaped(b, login);
    buf_lit(b, "\"></label></p>\n"
               "<p><label>password <input type=\"password\" name=\"password\" "
               "autocomplete=\"current-password\" required></label></p>\n"
               "<p><button>Sign in</button></p>\n</form>\n");
    end(rq);
}

void page__code(struct request *rq, const struct ask *ask, str mfa_token, str wrong)
{
    struct buf *b = &rq->reply->body;
    begin(rq, "Second factor", ask->redirect);
    say(b, wrong);
    form(b, "signin", ask);
    hidden(b, "mfa_token", mfa_token);
    buf_lit(b, "<p><label>The code of your authenticator app, or a recovery code <input "
               "name=\"otp\" autocomplete=\"one-time-code\" required></label></p>\n"
               "<p><button>Sign in</button></p>\n</form>\n");
    end(rq);
}

static void list_scopes(struct buf *b, const struct oauth *o, str scope)
{
    str one;
    buf_lit(b, "<ul>\n");
    while (scope_next(&scope, &one)) {
        const struct client_scope *s = scope_find(o->clients, one);
        buf_lit(b, "<li>");
        escaped(b, s && s->text.len ? s->text : one);
        buf_lit(b, "</li>\n");
    }
    buf_lit(b, "</ul>\n");
}

void page__consent(struct request *rq, const struct oauth *o, const struct ask *ask,
                   const struct account_person *who)
{
    struct buf *b = &rq->reply->body;
    char token[CSRF_TEXT];
    bool verified;
    account_form_token(o->accounts, who->sid, token);
    begin(rq, "Let this app in?", ask->redirect);
    buf_lit(b, "<p><strong>");
    escaped(b, ask->client->name);
    buf_lit(b, "</strong> wants to use your account ");
    escaped(b, account_email(o->accounts, who, &verified));
    buf_lit(b, " to</p>\n");
    list_scopes(b, o, ask->scope);
    buf_lit(b, "<p>You will go on to ");
    escaped(b, target(ask->redirect));
    buf_lit(b, "</p>\n");
    form(b, "consent", ask);
    hidden(b, "form_token", str_make(token, sizeof token));
    buf_lit(b, "<p><button name=\"answer\" value=\"allow\">Allow</button>\n"
               "<button name=\"answer\" value=\"deny\">Cancel</button>\n"
               "<button name=\"answer\" value=\"other\">Use another account</button></p>\n"
               "</form>\n");
    end(rq);
}
