/* mail.c -- templates of the project or our own, and a letter made of them. SPDX: Apache-2.0
 * A file mail/NAME.txt begins with `Subject: ...` and an empty line. When the project writes the
 * text and no HTML, the letter goes out as text alone: two forms never say different things. */
#include "mail/mail_priv.h"

#include "base/mem.h"
#include "observe/log.h"

#include <errno.h>
#include <stdio.h>

enum { FILE_MOST = 256 * 1024, LETTER_MOST = 512 * 1024, PATH_ROOM = 4200 };

static const struct {
    const char *name;
    unsigned variables;
} kinds[MAIL_KINDS] = {
#define V(id) 1u << VAR_##id
#define X(id, name, variables) {name, variables},
#include "mail/kinds.def"
#undef X
#undef V
};

/* ---- files ---- */

struct source {
    str place, text; /* text.ptr NULL: there is no such file */
};

static int read_file(struct arena *a, str dir, str name, struct source *out, struct err *err)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name));
    *out = (struct source){.place = arena_str(a, str_of(path))};
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : fail(err, E_CONFIG, "%s: %s", path, strerror(errno));
    char *bytes = mem_new(FILE_MOST + 1);
    size_t len = fread(bytes, 1, FILE_MOST + 1, f);
    bool bad = ferror(f) != 0;
    fclose(f);
    str text = str_make(bytes, len);
    int code = bad               ? fail(err, E_CONFIG, "%s: cannot be read", path)
               : len > FILE_MOST ? fail(err, E_CONFIG, "%s: more than %d bytes", path, FILE_MOST)
               : !str_utf8(text) ? fail(err, E_CONFIG, "%s: not UTF-8", path)
                                 : 0;
    if (code == 0)
        out->text = arena_str(a, text);
    mem_free(bytes);
    return code;
}

static int source_of(struct arena *a, str dir, str name, bool ours_too, struct source *out,
                     struct err *err)
{
    TRY(read_file(a, dir, name, out, err));
    if (!out->text.ptr && ours_too && mail__default(name, &out->text))
        out->place = name;
    return 0;
}

static str without_cr(str line)
{
    return str_ends(line, LIT("\r")) ? str_upto(line, line.len - 1) : line;
}

/* "Subject: ...", an empty line, the text. */
static int split_plain(struct arena *a, const struct source *s, unsigned allowed,
                       struct mail_kind_of *k, struct err *err)
{
    static const str begin = STR_INIT("Subject:");
    str rest = s->text, first = str_cut(&rest, '\n');
    if (!str_starts(first, begin) || !rest.ptr || !str_trim(str_from(first, begin.len)).len)
        return fail(err, E_CONFIG, "%.*s:1:1: expected `Subject: ...` and an empty line",
                    STR_ARG(s->place));
    str empty = without_cr(str_cut(&rest, '\n'));
    if (str_trim(empty).len || !rest.ptr)
        return fail(err, E_CONFIG, "%.*s:2:1: expected an empty line", STR_ARG(s->place));
    str subject = str_trim(without_cr(str_from(first, begin.len)));
    TRY(template__parse(a, subject, allowed, s->place, 1, &k->subject, err));
    return template__parse(a, rest, allowed, s->place, 3, &k->plain, err);
}

static int kind_new(struct arena *a, const struct mail_config *c, int kind, struct mail_kind_of *k,
                    struct err *err)
{
    struct source plain, html;
    str name = str_of(kinds[kind].name);
    unsigned allowed = kinds[kind].variables;
    str plain_name = arena_printf(a, "%.*s.txt", STR_ARG(name));
    str html_name = arena_printf(a, "%.*s.html", STR_ARG(name));
    TRY(source_of(a, c->dir, plain_name, true, &plain, err));
    bool ours = str_eq(plain.place, plain_name);
    TRY(source_of(a, c->dir, html_name, ours, &html, err));
    TRY(split_plain(a, &plain, allowed, k, err));
    if (!html.text.ptr)
        return 0;
    return template__parse(a, html.text, allowed, html.place, 1, &k->html, err);
}

int mail_new(struct arena *a, const struct mail_config *c, struct mail **out, struct err *err)
{
    enum { LAYOUT = 1u << VAR_PROJECT | 1u << VAR_SUBJECT | 1u << VAR_CONTENT };
    struct mail *m = ARENA_NEW(a, struct mail);
    struct source layout;
    m->config = c;
    if (!message__split(c->from, &m->from_name, &m->from_address))
        return fail(err, E_CONFIG, "mail.from: %s", mail_from_fault(c->from));
    for (int i = 0; i < MAIL_KINDS; i++)
        TRY(kind_new(a, c, i, &m->kinds[i], err));
    TRY(source_of(a, c->dir, LIT("layout.html"), true, &layout, err));
    TRY(template__parse(a, layout.text, LAYOUT, layout.place, 1, &m->layout, err));
    *out = m;
    return 0;
}

/* ---- a letter ---- */

static void values_of(const struct mail *m, const struct mail_letter *l, struct arena *a,
                      str values[VARS])
{
    const str all[VARS] = {
        [VAR_PROJECT] = m->config->project,
        [VAR_EMAIL] = l->to,
        [VAR_LINK] = l->link,
        [VAR_CODE] = l->code,
        [VAR_MINUTES] = arena_printf(a, "%lld", (long long)l->minutes),
        [VAR_NEW_EMAIL] = l->new_email,
        [VAR_WHEN] = l->when,
        [VAR_ADDRESS] = l->address,
        [VAR_PROVIDER] = l->provider,
    };
    memcpy(values, all, sizeof all);
}

static str keep(struct arena *a, struct buf *b)
{
    str s = arena_str(a, buf_view(b));
    buf_clear(b);
    return s;
}

static int fill(const struct mail *m, struct arena *a, const struct mail_letter *l,
                struct mail_row *out, struct err *err)
{
    const struct mail_kind_of *k = &m->kinds[l->kind];
    struct buf b;
    str values[VARS];
    bool full;
    values_of(m, l, a, values);
    buf_init(&b, LETTER_MOST);
    template__put(&b, &k->subject, values, ESCAPE_LINE);
    full = b.full;
    values[VAR_SUBJECT] = out->subject = keep(a, &b);
    template__put(&b, &k->plain, values, ESCAPE_PLAIN);
    full = full || b.full;
    out->plain = keep(a, &b);
    if (k->html.count) {
        template__put(&b, &k->html, values, ESCAPE_HTML);
        values[VAR_CONTENT] = keep(a, &b);
        template__put(&b, &m->layout, values, ESCAPE_HTML);
        full = full || b.full;
        out->html = keep(a, &b);
    }
    buf_fini(&b);
    return full ? fail(err, E_TOOBIG, "a letter of more than %d bytes", LETTER_MOST) : 0;
}

int mail_add(const struct mail *m, struct arena *a, const struct mail_letter *l,
             struct db_write *out, struct err *err)
{
    char *id = arena_new(a, MAIL_ID);
    struct mail_row row = {.kind = str_of(kinds[l->kind].name), .to = l->to, .html = LIT("")};
    if (!mail_address(l->to))
        return fail(err, E_INTERNAL, "a letter to what is no address");
    uuid_v7(id);
    row.id = str_make(id, MAIL_ID);
    row.expires_at = l->expires_at;
    TRY(fill(m, a, l, &row, err));
    outbox__add(a, &row, l->nowhere ? "void" : m->config->send ? "queued" : "kept", out);
    return 0;
}

void mail_kick(const struct mail *m)
{
    if (m->config->kick)
        m->config->kick(m->config->kick_arg);
}
