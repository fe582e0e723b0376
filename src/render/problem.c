/* problem.c -- a failure to application/problem+json (RFC 9457). SPDX: Apache-2.0
 * Invariants: (1) A server error tells its title and the request's id, nothing of the cause. (2)
 * The code words are stable: clients branch on them; docs/reference/problems.md lists them. The
 * type is a relative reference, /problems/<code>: no host but the one that answered. */
#include "render/locale.h"
#include "render/render.h"

static const struct {
    int code;
    str word;
} words[] = {
#define X(name, word) {E_##name, STR_INIT(word)},
#include "render/problem.def"
#undef X
};

static const struct {
    int status;
    str title;
} titles[] = {
    {400, STR_INIT("Bad Request")},
    {401, STR_INIT("Unauthorized")},
    {403, STR_INIT("Forbidden")},
    {404, STR_INIT("Not Found")},
    {405, STR_INIT("Method Not Allowed")},
    {406, STR_INIT("Not Acceptable")},
    {408, STR_INIT("Request Timeout")},
    {409, STR_INIT("Conflict")},
    {410, STR_INIT("Gone")},
    {411, STR_INIT("Length Required")},
    {412, STR_INIT("Precondition Failed")},
    {413, STR_INIT("Content Too Large")},
    {414, STR_INIT("URI Too Long")},
    {415, STR_INIT("Unsupported Media Type")},
    {417, STR_INIT("Expectation Failed")},
    {421, STR_INIT("Misdirected Request")},
    {422, STR_INIT("Unprocessable Content")},
    {428, STR_INIT("Precondition Required")},
    {429, STR_INIT("Too Many Requests")},
    {431, STR_INIT("Request Header Fields Too Large")},
    {499, STR_INIT("Client Closed Request")},
    {501, STR_INIT("Not Implemented")},
    {502, STR_INIT("Bad Gateway")},
    {503, STR_INIT("Service Unavailable")},
    {504, STR_INIT("Gateway Timeout")},
    {505, STR_INIT("HTTP Version Not Supported")},
};

static str title_of(int status)
{
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return status < 500 ? LIT("Bad Request") : LIT("Internal Server Error");
}

/* The place's own word, else that of its code; without either, the title: "uri_too_long". */
static str word_of(struct arena *a, int status, const struct err *err)
{
    if (err->word.len)
        return err->word;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i].code == err->code && err_status(err->code) == status)
            return words[i].word;
    if (status >= 500 && status != 501 && status != 503 && status != 504)
        return LIT("internal");
    str title = title_of(status);
    char *word = arena_new(a, title.len);
    for (size_t i = 0; i < title.len; i++)
        word[i] = title.ptr[i] == ' ' ? '_' : ascii_lower(title.ptr[i]);
    return str_make(word, title.len);
}

/* A server error whose cause is nobody's business. */
static bool secret(int status)
{
    return status >= 500 && status != 501 && status != 503 && status != 504 && status != 505;
}

/* text with a capital, cut to whole characters (err->text may end in the middle of one), and
 * without a stop at its end. */
static str sentence(struct arena *a, str text)
{
    for (int cut = 0; cut < 3 && text.len && !str_utf8(text); cut++)
        text.len--;
    while (text.len && text.ptr[text.len - 1] == '.')
        text.len--;
    str copy = arena_str(a, text);
    char *first = (char *)(uintptr_t)copy.ptr;
    if (copy.len && first[0] >= 'a' && first[0] <= 'z')
        first[0] = (char)(first[0] - 'a' + 'A');
    return copy;
}

/* The part of s before "; ". */
static str first_clause(str s)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.ptr[i] == ';' && s.ptr[i + 1] == ' ')
            return str_upto(s, i);
    return s;
}

static void member(struct buf *b, str lead, str value)
{
    if (!value.len)
        return;
    buf_str(b, lead);
    json_text(b, value);
}

/* text in the language of the answer, where it has it. */
static str told(const struct locale *l, struct arena *a, str text)
{
    str other = l ? locale_sentence(l, a, text) : (str){NULL, 0};
    return other.len ? other : text;
}

static void item_put(struct buf *b, const struct err_item *item)
{
    buf_lit(b, "{\"field\":");
    json_text(b, item->field);
    member(b, LIT(",\"pointer\":"), item->pointer);
    member(b, LIT(",\"code\":"), item->code);
    member(b, LIT(",\"message\":"), item->message);
    buf_char(b, '}');
}

static void items_put(struct request *rq, const struct locale *l, const struct err *err,
                      struct err_item one)
{
    struct buf *b = &rq->reply->body;
    const struct err_item *items = err->item_count ? err->items : &one;
    size_t count = err->item_count ? err->item_count : err->field[0] != '\0';
    for (size_t i = 0; i < count; i++) {
        struct err_item item = items[i];
        if (items != &one)
            item.message = told(l, &rq->arena, item.message);
        buf_str(b, i ? LIT(",") : LIT(",\"errors\":["));
        item_put(b, &item);
    }
    if (count)
        buf_char(b, ']');
}

/* Which operation of a batch: its number among the outermost, and its place in the body. */
static void operation_put(struct buf *b, str pointer)
{
    str number = str_from(pointer, sizeof "/operations/" - 1);
    if (!pointer.len)
        return;
    buf_lit(b, ",\"operation\":");
    buf_str(b, str_upto(number, str_find(number, '/')));
    member(b, LIT(",\"pointer\":"), pointer);
}

/* "a, b" as an array of texts. */
static void offers_put(struct buf *b, str list)
{
    for (str lead = LIT(",\"offers\":["); list.ptr && list.len; lead = LIT(",")) {
        buf_str(b, lead);
        json_text(b, str_trim(str_cut(&list, ',')));
        if (!list.ptr)
            buf_char(b, ']');
    }
}

static void body_put(struct request *rq, const struct locale *l, int status, const struct err *err)
{
    struct buf *b = &rq->reply->body;
    str code = word_of(&rq->arena, status, err), title = locale_title(l, status);
    if (!title.len)
        title = title_of(status);
    str text = title;
    if (!secret(status) && err->text[0])
        text = sentence(&rq->arena, told(l, &rq->arena, str_of(err->text)));
    bool asks = text.len && text.ptr[text.len - 1] == '?';
    str detail = arena_printf(&rq->arena, "%.*s%s", STR_ARG(text), asks ? "" : ".");
    buf_lit(b, "{\"type\":");
    json_text(b, arena_printf(&rq->arena, "/problems/%.*s", STR_ARG(code)));
    member(b, LIT(",\"title\":"), title);
    buf_lit(b, ",\"status\":");
    buf_i64(b, status);
    if (!secret(status))
        member(b, LIT(",\"detail\":"), detail);
    str target = str_upto(rq->target, str_find(rq->target, '?'));
    if (target.len && target.ptr[0] == '/')
        member(b, LIT(",\"instance\":"), target);
    member(b, LIT(",\"code\":"), code);
    member(b, LIT(",\"error\":"), first_clause(text));
    member(b, LIT(",\"request_id\":"), rq->id);
    operation_put(b, err->operation);
    offers_put(b, err->offers);
    if (!secret(status))
        items_put(rq, l, err,
                  (struct err_item){.field = str_of(err->field), .code = code, .message = detail});
    if (err->more.len) {
        buf_char(b, ',');
        buf_str(b, err->more);
    }
    buf_char(b, '}');
}

void render_problem(struct request *rq, int status, const struct err *err)
{
    struct reply *r = rq->reply;
    if (r->started)
        return;
    if (!status)
        status = err_status(err->code);
    if (status < 400)
        status = 500;
    buf_clear(&r->body);
    r->fixed = (str){0};
    r->status = status;
    r->type = LIT("application/problem+json");
    if (!rq->tx) /* an operation of a batch has no head of its own */
        reply_header(r, LIT("Cache-Control"), LIT("no-store"));
    if (status == 503)
        reply_header(r, LIT("Retry-After"), LIT("1"));
    const struct locale *l = locale_of(rq);
    if (rq->locales && !rq->tx) {
        reply_vary(r, LIT("Accept-Language"));
        reply_header(r, LIT("Content-Language"), l ? l->name : LIT("en"));
    }
    body_put(rq, l, status, err);
}
