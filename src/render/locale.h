/* locale.h -- what problems say in other languages than English. SPDX: Apache-2.0
 * English sentences are what the code writes; a language is a list of patterns over them. So no
 * place that fails knows of languages, and a sentence nobody translated stays English. */
#ifndef CAIRN_LOCALE_H
#define CAIRN_LOCALE_H

#include "http/http.h"

/* A pattern and what it becomes: "'{field}' is required". {x} is any text, {*x} one that has a
 * pattern itself. */
struct locale_text {
    str from, to;
};
struct locale_title {
    int status;
    str title;
};
struct locale {
    str name; /* "es", "de-CH" */
    const struct locale_title *titles;
    size_t title_count;
    const struct locale_text *texts;
    size_t text_count;
    const struct locale *base; /* asked where this one has nothing: the built-in one; or NULL */
};
struct locales {
    const struct locale *list;
    size_t count;
};

/* Spanish and German. */
extern const struct locales locales_built_in;

/* Which of count languages Accept-Language wants most (RFC 9110, 12.5.4; the lookup of RFC 4647,
 * 3.4: de-CH finds de). Of equals the first that is asked for; `*` is the first on offer. STR_NONE:
 * none, or the header cannot be read. */
size_t language_choose(str header, const str *offers, size_t count);
/* By rq's Accept-Language; NULL: English. English is on offer always. */
const struct locale *locale_of(const struct request *rq);
/* len 0: it has none. */
str locale_title(const struct locale *l, int status);
/* All of its parts ("; " between) translated, in a; len 0 when one of them has no pattern. */
str locale_sentence(const struct locale *l, struct arena *a, str sentence);
/* Does every {name} of `to` stand in `from`? For files of a project. */
bool locale_fits(str from, str to);

#endif
