/* multipart.c -- multipart/form-data (RFC 7578, RFC 2046 5.1), as it arrives. SPDX: Apache-2.0
 * Strict: what two readers could take for two different forms is refused. Nothing may stand before
 * the first delimiter or behind the last one, a head's lines end in CRLF and are not folded, each
 * part has one Content-Disposition: form-data with one name.
 * Invariant: the delimiter begins with CR and has no other one, so bytes that matched it in part,
 * and are data after all, are the delimiter's own first bytes: nothing has to be kept for them. */
#include "files/files.h"

enum { NAME_MOST = 128 };

static int bad(struct err *err, const char *what)
{
    return fail_field(err, E_BAD, LIT("malformed_form"), LIT(""),
                      "the body is no well-formed multipart/form-data; %s", what);
}

/* ---- the type of the body ---- */

bool multipart_is(str type)
{
    str rest = type;
    return str_eqi(str_trim(str_cut(&rest, ';')), LIT("multipart/form-data"));
}

static bool boundary_fine(str b)
{
    bool fine = b.len >= 1 && b.len <= MULTIPART_BOUNDARY_MOST && b.ptr[b.len - 1] != ' ';
    for (size_t i = 0; fine && i < b.len; i++)
        fine = ascii_alpha(b.ptr[i]) || ascii_digit(b.ptr[i]) ||
               (b.ptr[i] && strchr("'()+_,-./:=? ", b.ptr[i]));
    return fine;
}

int multipart_init(struct multipart *m, str type, struct err *err)
{
    size_t semi = str_find(type, ';');
    str rest = semi == STR_NONE ? (str){"", 0} : str_from(type, semi), name, value, found = {0};
    int more;
    while ((more = param_next(&rest, &name, &value)) > 0) {
        if (!str_eqi(name, LIT("boundary")))
            continue;
        if (found.ptr)
            return bad(err, "its Content-Type has two boundaries");
        found = value.ptr[0] == '"' ? str_make(value.ptr + 1, value.len - 2) : value;
    }
    if (more < 0 || !boundary_fine(found))
        return bad(err, "its Content-Type has no boundary of RFC 2046");
    m->state = FORM_START;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, found.ptr, found.len);
    m->delimiter_len = found.len + 4;
    m->matched = 2; /* as if a line had just ended */
    m->head_len = 0;
    m->tail = 0;
    m->part = (struct multipart_part){0};
    m->data = (str){0};
    return 0;
}

/* ---- the head of a part ---- */

static int take_disposition(struct multipart *m, str value, struct err *err)
{
    str rest = value, name, text;
    size_t end = str_find(value, ';');
    int more;
    if (m->part.name.ptr)
        return bad(err, "a part has two Content-Dispositions");
    if (!str_eqi(str_trim(str_upto(value, end)), LIT("form-data")))
        return bad(err, "a part's Content-Disposition is not form-data");
    rest = end == STR_NONE ? (str){"", 0} : str_from(value, end);
    while ((more = param_next(&rest, &name, &text)) > 0) {
        str *slot = str_eqi(name, LIT("name"))       ? &m->part.name
                    : str_eqi(name, LIT("filename")) ? &m->part.filename
                                                     : NULL;
        if (!slot) /* filename* among them: RFC 7578, 4.2 */
            continue;
        if (slot->ptr)
            return bad(err, "a part's Content-Disposition says something twice");
        *slot = param_plain(text, (char *)(uintptr_t)text.ptr); /* in place */
    }
    return more < 0 ? bad(err, "a part's Content-Disposition is malformed") : 0;
}

static bool plain_encoding(str value)
{
    return str_eqi(value, LIT("binary")) || str_eqi(value, LIT("8bit")) ||
           str_eqi(value, LIT("7bit"));
}

static int take_header(struct multipart *m, str line, struct err *err)
{
    struct multipart_part *p = &m->part;
    size_t n = token_length(line);
    if (!n || n == line.len || line.ptr[n] != ':')
        return bad(err, "a line of a part's head is not NAME: VALUE");
    str name = str_upto(line, n), value = str_trim(str_from(line, n + 1));
    str *slot = str_eqi(name, LIT("Content-Type"))     ? &p->type
                : str_eqi(name, LIT("Content-Digest")) ? &p->content_digest
                : str_eqi(name, LIT("Repr-Digest"))    ? &p->repr_digest
                                                       : NULL;
    if (str_eqi(name, LIT("Content-Disposition")))
        return take_disposition(m, value, err);
    if (str_eqi(name, LIT("Content-Transfer-Encoding")) && !plain_encoding(value))
        return bad(err, "a part has a Content-Transfer-Encoding");
    if (slot && slot->ptr)
        return bad(err, "a part's head says something twice");
    if (slot)
        *slot = value;
    return 0;
}

/* The head is whole, with the empty line behind it. */
static int take_head(struct multipart *m, struct err *err)
{
    str rest = {m->head, m->head_len - 2};
    m->part = (struct multipart_part){0};
    for (unsigned lines = 0; rest.len; lines++) {
        str line = str_cut(&rest, '\n'); /* each ends in CRLF: take_head_byte saw to it */
        if (lines == MULTIPART_LINES_MOST)
            return bad(err, "a part's head has too many lines");
        TRY(take_header(m, str_upto(line, line.len - 1), err));
    }
    str name = m->part.name;
    if (!name.ptr)
        return bad(err, "a part has no name");
    if (!name.len || name.len > NAME_MOST || !str_utf8(name) || memchr(name.ptr, 0, name.len))
        return bad(err, "a part's name is empty, too long or no UTF-8");
    return 0;
}

/* 1: the head is whole. */
static int take_head_byte(struct multipart *m, char c, struct err *err)
{
    size_t at = m->head_len;
    char last = at ? m->head[at - 1] : '\n';
    if (at == MULTIPART_HEAD_MOST)
        return fail_field(err, E_TOOBIG, LIT("too_big"), LIT(""),
                          "the head of a part is larger than %d bytes", MULTIPART_HEAD_MOST);
    if (c == '\0' || (c == '\n') != (last == '\r'))
        return bad(err, "a line of a part's head does not end in CRLF");
    if ((c == ' ' || c == '\t') && last == '\n')
        return bad(err, "a line of a part's head is folded");
    m->head[m->head_len++] = c;
    return c == '\n' && (at == 1 || m->head[at - 2] == '\n');
}

static int read_head(struct multipart *m, str *in, enum multipart_event *event, struct err *err)
{
    int whole = 0;
    while (in->len && !whole) {
        whole = take_head_byte(m, in->ptr[0], err);
        TRY(whole);
        *in = str_from(*in, 1);
    }
    if (!whole)
        return 0;
    TRY(take_head(m, err));
    m->state = FORM_DATA;
    m->matched = 0;
    *event = MULTIPART_PART;
    return 0;
}

/* ---- the bytes of a part ---- */

/* The longest head of s that cannot be the beginning of a delimiter. */
static size_t plain_length(str s)
{
    const char *cr = memchr(s.ptr, '\r', s.len);
    return cr ? (size_t)(cr - s.ptr) : s.len;
}

/* One step: some data in m->data, or more of the delimiter matched, or the whole of it: true. */
static bool match(struct multipart *m, str *in)
{
    m->data = (str){0};
    if (m->matched == 0) {
        size_t n = plain_length(*in);
        m->data = str_upto(*in, n);
        *in = str_from(*in, n);
        if (n)
            return false;
    }
    while (in->len && m->matched < m->delimiter_len && in->ptr[0] == m->delimiter[m->matched]) {
        m->matched++;
        *in = str_from(*in, 1);
    }
    if (m->matched == m->delimiter_len)
        return true;
    if (in->len) { /* it was data after all */
        m->data = (str){m->delimiter, m->matched};
        m->matched = 0;
    }
    return false;
}

static int read_data(struct multipart *m, str *in, enum multipart_event *event, struct err *err)
{
    while (in->len) {
        bool whole = match(m, in);
        if (m->state == FORM_START && (m->data.len || (!whole && in->len)))
            return bad(err, "it does not begin with its boundary");
        if (whole) {
            *event = m->state == FORM_DATA ? MULTIPART_LAST : MULTIPART_MORE;
            m->state = FORM_DELIMITER;
            m->tail = 0;
            return 0;
        }
        if (m->data.len) {
            *event = MULTIPART_DATA;
            return 0;
        }
    }
    return 0;
}

/* ---- behind a delimiter ---- */

static int read_delimiter(struct multipart *m, str *in, struct err *err)
{
    for (; in->len && m->state == FORM_DELIMITER; *in = str_from(*in, 1)) {
        char c = in->ptr[0];
        if (!m->tail && (c == '\r' || c == '-'))
            m->tail = c;
        else if (m->tail == '\r' && c == '\n')
            m->state = FORM_HEAD;
        else if (m->tail == '-' && c == '-')
            m->state = FORM_EPILOGUE;
        else
            return bad(err, "behind a boundary there is neither a line's end nor `--`");
    }
    m->head_len = m->state == FORM_DELIMITER ? m->head_len : 0;
    m->matched = m->state == FORM_DELIMITER ? m->matched : 0;
    return 0;
}

/* At most one CRLF. */
static int read_epilogue(struct multipart *m, str *in, struct err *err)
{
    for (; in->len; *in = str_from(*in, 1)) {
        if (m->matched == 2 || in->ptr[0] != m->delimiter[m->matched++])
            return bad(err, "something follows its last boundary");
    }
    return 0;
}

int multipart_next(struct multipart *m, str *in, enum multipart_event *event, struct err *err)
{
    *event = MULTIPART_MORE;
    while (in->len && *event == MULTIPART_MORE) {
        switch (m->state) {
        case FORM_START:
        case FORM_DATA:
            TRY(read_data(m, in, event, err));
            break;
        case FORM_DELIMITER:
            TRY(read_delimiter(m, in, err));
            break;
        case FORM_HEAD:
            TRY(read_head(m, in, event, err));
            break;
        default:
            TRY(read_epilogue(m, in, err));
        }
    }
    return 0;
}

int multipart_done(const struct multipart *m, struct err *err)
{
    return m->state == FORM_EPILOGUE && m->matched != 1 ? 0 : bad(err, "its end is missing");
}
