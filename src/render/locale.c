/* locale.c -- sentences of problems in other languages. SPDX: Apache-2.0
 * A pattern fits when its texts stand in the sentence in order, the first at the beginning, the
 * last at the end, each as early as it can. Invariants: (1) A sentence is translated as a whole or
 * not at all: half of it in another language helps nobody. (2) Bounded: PARTS_MOST holes in a
 * pattern, DEPTH_MOST levels of {*x}. */
#include "render/locale.h"

#include "render/negotiate.h"

enum { PARTS_MOST = 8, DEPTH_MOST = 4, CLAUSES_MOST = 12 };

/* ---- built in ---- */

static const struct locale_title es_titles[] = {
#define T(status, es, de) {status, STR_INIT(es)},
#define X(en, es, de)
#include "render/locale.def"
#undef T
#undef X
};
static const struct locale_title de_titles[] = {
#define T(status, es, de) {status, STR_INIT(de)},
#define X(en, es, de)
#include "render/locale.def"
#undef T
#undef X
};
static const struct locale_text es_texts[] = {
#define T(status, es, de)
#define X(en, es, de) {STR_INIT(en), STR_INIT(es)},
#include "render/locale.def"
#undef T
#undef X
};
static const struct locale_text de_texts[] = {
#define T(status, es, de)
#define X(en, es, de) {STR_INIT(en), STR_INIT(de)},
#include "render/locale.def"
#undef T
#undef X
};

static const struct locale built_in[] = {
    {STR_INIT("es"), es_titles, COUNT_OF(es_titles), es_texts, COUNT_OF(es_texts), NULL},
    {STR_INIT("de"), de_titles, COUNT_OF(de_titles), de_texts, COUNT_OF(de_texts), NULL},
};
const struct locales locales_built_in = {built_in, COUNT_OF(built_in)};

/* ---- which ---- */

/* The offer that range names, or a shorter form of it: de-Latn-CH, de-Latn, de. */
static size_t look_up(str range, const str *offers, size_t count)
{
    while (range.len) {
        for (size_t i = 0; i < count; i++)
            if (str_eqi(range, offers[i]))
                return i;
        size_t dash = str_rfind(range, '-');
        range = str_upto(range, dash == STR_NONE ? 0 : dash);
        if (range.len >= 2 && range.ptr[range.len - 2] == '-') /* a single letter goes, too */
            range.len -= 2;
    }
    return STR_NONE;
}

size_t language_choose(str header, const str *offers, size_t count)
{
    struct weighted w;
    size_t best = STR_NONE;
    unsigned top = 0;
    bool bad = false;
    while (weighted_next(&header, &w, &bad)) {
        size_t at = str_is(w.name, "*") ? 0 : look_up(w.name, offers, count);
        if (at != STR_NONE && w.q > top) {
            best = at;
            top = w.q;
        }
    }
    return bad ? STR_NONE : best;
}

const struct locale *locale_of(const struct request *rq)
{
    enum { MOST = 64 };
    str offers[MOST], header = request_header(rq, LIT("Accept-Language"));
    const struct locales *l = rq->locales;
    if (!l || !header.len)
        return NULL;
    size_t count = 0;
    offers[count++] = LIT("en");
    for (size_t i = 0; i < l->count && count < MOST; i++)
        offers[count++] = l->list[i].name;
    size_t at = language_choose(header, offers, count);
    if (at == STR_NONE)
        at = 0;
    for (size_t i = 0; at == 0 && i < l->count; i++) /* a project may have its own English */
        if (str_is(l->list[i].name, "en"))
            return &l->list[i];
    return at ? &l->list[at - 1] : NULL;
}

str locale_title(const struct locale *l, int status)
{
    for (; l; l = l->base)
        for (size_t i = 0; i < l->title_count; i++)
            if (l->titles[i].status == status)
                return l->titles[i].title;
    return (str){NULL, 0};
}

/* ---- patterns ---- */

struct hole {
    str name, text; /* "{*x}": its name is "x" */
    bool deep;
};
struct match {
    struct hole holes[PARTS_MOST];
    size_t count;
};

/* Cuts the text before the next {name} off *rest, and the hole itself. False: there is none. */
static bool cut_hole(str *rest, str *before, struct hole *h)
{
    size_t open = str_find(*rest, '{');
    *before = str_upto(*rest, open);
    if (open == STR_NONE) {
        *rest = (str){"", 0};
        return false;
    }
    str inner = str_from(*rest, open + 1);
    size_t close = str_find(inner, '}');
    *rest = str_from(inner, close == STR_NONE ? inner.len : close + 1);
    inner = str_upto(inner, close);
    h->deep = inner.len && inner.ptr[0] == '*';
    h->name = str_from(inner, h->deep);
    h->text = (str){"", 0};
    return true;
}

static size_t find(str s, str word)
{
    for (size_t i = 0; i + word.len <= s.len; i++)
        if (memcmp(s.ptr + i, word.ptr, word.len) == 0)
            return i;
    return STR_NONE;
}

static bool fits(str pattern, str s, struct match *m)
{
    str before;
    struct hole h;
    m->count = 0;
    bool more = cut_hole(&pattern, &before, &h);
    if (!str_starts(s, before))
        return false;
    s = str_from(s, before.len);
    while (more) {
        struct hole now = h;
        if (m->count == PARTS_MOST)
            return false;
        more = cut_hole(&pattern, &before, &h);
        bool last = !more;
        if (last && (s.len < before.len || !str_ends(s, before)))
            return false;
        size_t at = last ? s.len - before.len : find(s, before);
        if (at == STR_NONE || !at)
            return false;
        now.text = str_upto(s, at);
        m->holes[m->count++] = now;
        s = str_from(s, at + before.len);
    }
    return !s.len;
}

static str fill(struct arena *a, str to, const struct match *m)
{
    str before, out = LIT("");
    struct hole h;
    for (bool more = true; more;) {
        more = cut_hole(&to, &before, &h);
        str text = (str){"", 0};
        for (size_t i = 0; more && i < m->count; i++)
            if (str_eq(m->holes[i].name, h.name))
                text = m->holes[i].text;
        out = arena_printf(a, "%.*s%.*s%.*s", STR_ARG(out), STR_ARG(before), STR_ARG(text));
    }
    return out;
}

static str clause(const struct locale *whole, struct arena *a, str s, unsigned depth);

static bool deeper(const struct locale *whole, struct arena *a, struct match *m, unsigned depth)
{
    for (size_t i = 0; i < m->count; i++) {
        struct hole *h = &m->holes[i];
        if (!h->deep)
            continue;
        h->text = clause(whole, a, h->text, depth + 1); /* DEPTH_MOST deep */
        if (!h->text.len)
            return false;
    }
    return true;
}

static str clause(const struct locale *whole, struct arena *a, str s, unsigned depth)
{
    struct match m;
    for (const struct locale *l = depth < DEPTH_MOST ? whole : NULL; l; l = l->base)
        for (size_t i = 0; i < l->text_count; i++)
            if (fits(l->texts[i].from, s, &m) && deeper(whole, a, &m, depth))
                return fill(a, l->texts[i].to, &m);
    return (str){NULL, 0};
}

str locale_sentence(const struct locale *l, struct arena *a, str sentence)
{
    str out = LIT(""), rest = sentence;
    for (size_t i = 0; rest.len; i++) {
        size_t end = find(rest, LIT("; "));
        str part = clause(l, a, str_upto(rest, end), 0);
        if (!part.len || i == CLAUSES_MOST) /* perhaps a pattern holds all of it */
            return clause(l, a, sentence, 0);
        out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), i ? "; " : "", STR_ARG(part));
        rest = end == STR_NONE ? (str){"", 0} : str_from(rest, end + 2);
    }
    return out;
}

bool locale_fits(str from, str to)
{
    str before, rest;
    struct hole want, have;
    while (cut_hole(&to, &before, &want)) {
        bool found = false;
        rest = from;
        while (!found && cut_hole(&rest, &before, &have))
            found = str_eq(have.name, want.name);
        if (!found)
            return false;
    }
    return true;
}
