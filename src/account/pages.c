/* pages.c -- where a letter's link leads when the project has no page of its own: a form. SPDX:
 * Apache-2.0
 * Scanners of mail follow links: a GET only shows the form, and what the link is good for happens
 * when somebody sends it. No script, nothing from elsewhere. */
#include "account/account_priv.h"

static const struct {
    const char *flow, *title, *text, *button, *done;
    enum proof_kind kind;
} pages[] = {
    {"verify", "Confirm your e-mail address", "", "Confirm", "Your address is confirmed.",
     PROOF_VERIFY},
    {"reset", "Choose a new password", "", "Set the password",
     "The new password is set. Sign in with it; all devices are signed out.", PROOF_RESET},
    {"email", "Confirm your new e-mail address", "", "Confirm", "Your new address is confirmed.",
     PROOF_CHANGE},
    {"magic", "Sign in", "Enter the code of the letter where you began to sign in.", "Sign in",
     "You are signed in.", PROOF_MAGIC},
};

static int page_of(const struct request *rq, size_t *out, struct err *err)
{
    str flow = request_param(rq, LIT("flow"));
    for (*out = 0; *out < COUNT_OF(pages); ++*out) {
        if (str_is(flow, pages[*out].flow))
            return 0;
    }
    return fail(err, E_NOTFOUND, "no such page");
}

static void escaped(struct buf *b, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            buf_printf(b, "&#%d;", c);
        else
            buf_char(b, c);
    }
}

static void begin(struct request *rq, const char *title)
{
    struct buf *b = &rq->reply->body;
    rq->reply->type = LIT("text/html; charset=utf-8");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_printf(b,
               "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width\"><title>%s</title></head>\n"
               "<body>\n<main>\n<h1>%s</h1>\n",
               title, title);
}

static void end(struct request *rq)
{
    buf_lit(&rq->reply->body, "</main>\n</body></html>\n");
}

/* A page can sign in by a cookie and by nothing else. */
static bool sent(const struct accounts *x, size_t page)
{
    return pages[page].kind != PROOF_MAGIC || x->config->cookies;
}

/* wrong: what was wrong with the last try, or empty. */
static void form(struct request *rq, const struct accounts *x, size_t page, str token, str wrong)
{
    struct buf *b = &rq->reply->body;
    begin(rq, pages[page].title);
    if (wrong.len) {
        buf_lit(b, "<p role=\"alert\">");
        escaped(b, wrong);
        buf_lit(b, "</p>\n");
    }
    if (!sent(x, page)) {
        buf_printf(b, "<p>%s</p>\n", pages[page].text);
        end(rq);
        return;
    }
    const char *want = pages[page].kind == PROOF_MAGIC ? "?session=cookie" : "";
    buf_printf(b,
               "<form method=\"post\" action=\"%.*s/auth/pages/%s%s\">\n"
               "<input type=\"hidden\" name=\"token\" value=\"",
               STR_ARG(x->config->prefix), pages[page].flow, want);
    escaped(b, token);
    buf_lit(b, "\">\n");
    if (pages[page].kind == PROOF_RESET)
        buf_printf(b,
                   "<p><label>New password <input type=\"password\" name=\"password\" "
                   "autocomplete=\"new-password\" minlength=\"%lld\" required></label></p>\n",
                   (long long)x->config->password_least);
    buf_printf(b, "<p><button>%s</button></p>\n</form>\n", pages[page].button);
    end(rq);
}

int page__show(struct request *rq, const void *data, struct err *err)
{
    const struct param *list;
    size_t count, page;
    str token = LIT("");
    TRY(page_of(rq, &page, err));
    TRY(request_query(rq, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (str_is(list[i].name, "token"))
            token = list[i].value;
    }
    form(rq, data, page, token, LIT(""));
    return 0;
}

/* A form of a foreign page has no token, unless its maker had the letter. */
int page__do(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value fields;
    struct err why = {0};
    size_t page;
    TRY(page_of(rq, &page, err));
    TRY(account__body(rq, &fields, err));
    if (!sent(x, page))
        return fail(err, E_METHOD, "nothing can be sent here");
    int code = flow__confirm(rq, x, pages[page].kind, &fields, &why);
    if (code == 0) {
        buf_clear(&rq->reply->body);
        begin(rq, pages[page].title);
        buf_printf(&rq->reply->body, "<p>%s</p>\n", pages[page].done);
        end(rq);
        return 0;
    }
    if (err_status(code) >= 500) {
        *err = why;
        return code;
    }
    const struct value *token = value_get(&fields, LIT("token"));
    rq->reply->status = err_status(code);
    buf_clear(&rq->reply->body);
    form(rq, x, page, token && token->kind == V_TEXT ? token->text : LIT(""), str_of(why.text));
    return 0;
}
