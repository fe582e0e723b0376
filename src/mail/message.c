/* message.c -- a letter as bytes: RFC 5322, MIME (RFC 2045, 2047). SPDX: Apache-2.0
 * Everything that is not ours is encoded or was checked before, so no value can begin a header: the
 * subject by encoded words, the bodies as quoted-printable, addresses by mail_address. */
#include "mail/mail_priv.h"

#include "base/clock.h"

enum { LINE_MOST = 74, WORD_BYTES = 42 };

/* ---- addresses ---- */

static bool atom_char(unsigned char c)
{
    return c > ' ' && c != 0x7f && !strchr("\"(),:;<>@[\\]", c);
}

bool mail_address(str text)
{
    enum { MOST = 254, LOCAL_MOST = 64 };
    size_t at = str_rfind(text, '@');
    if (text.len > MOST || at == STR_NONE || at == 0 || at > LOCAL_MOST || at + 1 == text.len ||
        !str_utf8(text))
        return false;
    str domain = str_from(text, at + 1);
    for (size_t i = 0; i < text.len; i++) {
        if (i != at && !atom_char((unsigned char)text.ptr[i]))
            return false;
    }
    char last = '.';
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.ptr[i];
        bool good = ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '.' || (c & 0x80);
        if (!good || (c == '.' && last == '.'))
            return false;
        last = c;
    }
    return last != '.' && last != '-' && domain.ptr[0] != '-';
}

bool message__split(str from, str *name, str *address)
{
    size_t open = str_find(from, '<');
    *name = (str){"", 0};
    *address = str_trim(from);
    if (open != STR_NONE) {
        if (!str_ends(*address, LIT(">")))
            return false;
        *name = str_trim(str_upto(from, open));
        *address = str_trim(str_from(from, open + 1));
        *address = str_upto(*address, address->len - 1);
    }
    for (size_t i = 0; i < name->len; i++) {
        unsigned char c = (unsigned char)name->ptr[i];
        if (c < ' ' || c == 0x7f)
            return false;
    }
    return mail_address(*address) && str_utf8(*name);
}

const char *mail_from_fault(str text)
{
    str name, address;
    return message__split(text, &name, &address)
               ? NULL
               : "expected an address, as `Shop <shop@example.com>` or `shop@example.com`";
}

/* ---- headers ---- */

static bool printable(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < ' ' || s.ptr[i] > '~')
            return false;
    }
    return s.len < LINE_MOST - 10 && !str_starts(s, LIT("=?"));
}

/* Encoded words of at most 75 characters, cut between characters. */
static void words(struct buf *b, str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t len = s.len - at < WORD_BYTES ? s.len - at : WORD_BYTES;
        while (at + len < s.len && len > 1 && ((unsigned char)s.ptr[at + len] & 0xC0) == 0x80)
            len--;
        if (at)
            buf_lit(b, "\r\n ");
        buf_lit(b, "=?UTF-8?B?");
        base64_put(b, str_make(s.ptr + at, len));
        buf_lit(b, "?=");
        at += len;
    }
}

static void phrase(struct buf *b, str name)
{
    if (!printable(name)) {
        words(b, name);
        return;
    }
    buf_char(b, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"' || name.ptr[i] == '\\')
            buf_char(b, '\\');
        buf_char(b, name.ptr[i]);
    }
    buf_char(b, '"');
}

static void date(struct buf *b, int64_t seconds)
{
    char text[CLOCK_HTTP_LEN];
    clock_http(seconds, text);
    buf_add(b, text, sizeof text - 3); /* without GMT */
    buf_lit(b, "+0000");
}

static void headers(struct buf *b, const struct mail *m, const struct mail_row *r)
{
    buf_lit(b, "From: ");
    if (m->from_name.len) {
        phrase(b, m->from_name);
        buf_char(b, ' ');
    }
    buf_printf(b, "<%.*s>\r\nTo: <%.*s>\r\n", STR_ARG(m->from_address), STR_ARG(r->to));
    if (m->config->reply_to.len)
        buf_printf(b, "Reply-To: <%.*s>\r\n", STR_ARG(m->config->reply_to));
    buf_lit(b, "Subject: ");
    if (printable(r->subject))
        buf_str(b, r->subject);
    else
        words(b, r->subject);
    buf_lit(b, "\r\nDate: ");
    date(b, r->created_at);
    str domain = str_from(m->from_address, str_rfind(m->from_address, '@'));
    /* The same at every try: a second copy can be told to be one. */
    buf_printf(b, "\r\nMessage-ID: <%.*s%.*s>\r\n", STR_ARG(r->id), STR_ARG(domain));
    buf_lit(b, "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n"
               "MIME-Version: 1.0\r\n");
}

/* ---- bodies: quoted-printable (RFC 2045, 6.7) ---- */

static void quoted(struct buf *b, str text)
{
    size_t column = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool line_end = i + 1 == text.len || text.ptr[i + 1] == '\n' || text.ptr[i + 1] == '\r';
        if (c == '\r')
            continue;
        if (c == '\n') {
            buf_lit(b, "\r\n");
            column = 0;
            continue;
        }
        bool plain = (c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !line_end);
        if (column + (plain ? 1 : 3) > LINE_MOST) {
            buf_lit(b, "=\r\n");
            column = 0;
        }
        if (plain)
            buf_char(b, (char)c);
        else
            buf_printf(b, "=%02X", c);
        column += plain ? 1 : 3;
    }
    buf_lit(b, "\r\n");
}

static void body(struct buf *b, const char *type, str text)
{
    buf_printf(b,
               "Content-Type: text/%s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
               type);
    quoted(b, text);
}

/* "=_" cannot stand in quoted-printable, so no body holds the boundary. */
void message__put(struct buf *b, const struct mail *m, const struct mail_row *r)
{
    headers(b, m, r);
    if (!r->html.len) {
        body(b, "plain", r->plain);
        return;
    }
    buf_printf(b,
               "Content-Type: multipart/alternative;\r\n boundary=\"=_%.*s\"\r\n\r\n--=_%.*s\r\n",
               STR_ARG(r->id), STR_ARG(r->id));
    body(b, "plain", r->plain);
    buf_printf(b, "--=_%.*s\r\n", STR_ARG(r->id));
    body(b, "html", r->html);
    buf_printf(b, "--=_%.*s--\r\n", STR_ARG(r->id));
}
