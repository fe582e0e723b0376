/* constraint.c -- what the engine's words about a broken constraint mean. Pure. SPDX: Apache-2.0
 * SQLite tells the table and columns only in its message; the words are stable (they are tested by
 * SQLite itself): "UNIQUE constraint failed: users.email", "... failed: t.a, t.b", "... failed:
 * index 'name'", "NOT NULL constraint failed: t.c", "CHECK constraint failed: name-or-expression",
 * "cannot store TEXT value in INTEGER column t.c". */
#include "db/sqlite_priv.h"

static bool word_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_' || (c & 0x80);
}

/* Past a text, a quoted name or a comment that begins at `at`; at itself when none does. */
static size_t skip(str text, size_t at)
{
    char c = text.ptr[at];
    str rest = str_from(text, at + 1);
    size_t n = STR_NONE;
    if (c == '\'' || c == '"' || c == '`')
        n = str_find(rest, c); /* a doubled quote begins another one at once */
    else if (c == '-' && str_starts(rest, LIT("-")))
        n = str_find(rest, '\n');
    else
        return at;
    return n == STR_NONE ? text.len : at + 2 + n;
}

enum verb constraint__verb(str text)
{
    static const struct {
        str word;
        enum verb verb;
    } words[] = {{STR_INIT("insert"), VERB_INSERT},
                 {STR_INIT("replace"), VERB_INSERT},
                 {STR_INIT("update"), VERB_UPDATE},
                 {STR_INIT("delete"), VERB_DELETE}};
    int depth = 0; /* the verb stands outside of the parentheses of WITH */
    for (size_t at = 0; at < text.len;) {
        size_t past = skip(text, at), n = 0;
        if (past > at) {
            at = past;
            continue;
        }
        depth += (text.ptr[at] == '(') - (text.ptr[at] == ')');
        while (at + n < text.len && word_char(text.ptr[at + n]))
            n++;
        for (size_t i = 0; n && !depth && i < COUNT_OF(words); i++) {
            if (str_eqi((str){text.ptr + at, n}, words[i].word))
                return words[i].verb;
        }
        at += n ? n : 1;
    }
    return VERB_OTHER;
}

static str after(str message, const char *mark)
{
    str m = str_of(mark);
    for (size_t i = 0; i + m.len <= message.len; i++) {
        if (str_starts(str_from(message, i), m))
            return str_from(message, i + m.len);
    }
    return (str){"", 0};
}

/* "t.c" -> "c" */
static str column_of(str dotted)
{
    size_t dot = str_rfind(dotted, '.');
    return dot == STR_NONE ? dotted : str_from(dotted, dot + 1);
}

/* "t.a, t.b" -> "a,b"; "index 'name'" -> "name" */
static str columns_of(str list, char *room, size_t size)
{
    size_t used = 0;
    if (str_starts(list, LIT("index '")))
        return str_upto(str_from(list, 7), list.len - 8);
    while (list.ptr) {
        str name = column_of(str_trim(str_cut(&list, ',')));
        if (used + name.len + 1 > size)
            break;
        if (used)
            room[used++] = ',';
        memcpy(room + used, name.ptr, name.len);
        used += name.len;
    }
    return (str){room, used};
}

/* The constraint's name; of an unnamed one the column its expression begins with, if it does. */
static str check_of(str text)
{
    size_t n = 0;
    bool quoted = text.len && text.ptr[0] == '"';
    if (quoted) {
        text = str_from(text, 1);
        n = str_find(text, '"');
        return n == STR_NONE ? (str){"", 0} : str_upto(text, n);
    }
    while (n < text.len && word_char(text.ptr[n]))
        n++;
    str rest = str_trim(str_from(text, n));
    if (rest.len && (rest.ptr[0] == '(' || rest.ptr[0] == '.'))
        return (str){"", 0};
    if (n && (ascii_digit(text.ptr[0]) || str_eqi(str_upto(text, n), LIT("not"))))
        return (str){"", 0};
    return str_upto(text, n);
}

static int fail_foreign(enum verb verb, struct err *err)
{
    if (verb == VERB_DELETE)
        return fail(err, E_CHILDREN, "other rows still point to this one");
    return fail(err, E_PARENT, "it points to a row that does not exist");
}

int constraint__fail(enum constraint kind, enum verb verb, str message, struct err *err)
{
    char room[64];
    str what = after(message, "constraint failed: ");
    switch (kind) {
    case CONSTRAINT_UNIQUE:
        what = columns_of(what, room, sizeof room);
        return fail_field(err, E_UNIQUE, LIT("unique"), what,
                          "a row with this '%.*s' exists already", STR_ARG(what));
    case CONSTRAINT_NOT_NULL:
        what = column_of(what);
        return fail_field(err, E_CHECK, LIT("required"), what, "'%.*s' must not be null",
                          STR_ARG(what));
    case CONSTRAINT_FOREIGN:
        return fail_foreign(verb, err);
    case CONSTRAINT_TYPE:
        what = column_of(after(message, " column "));
        return fail_field(err, E_CHECK, LIT("check"), what, "a value has the wrong type");
    case CONSTRAINT_TRIGGER: /* RAISE(ABORT, '...') of the project's own trigger */
        return fail_field(err, E_CHECK, LIT("check"), LIT(""), "%.*s", STR_ARG(message));
    case CONSTRAINT_CHECK:
        break;
    }
    what = check_of(what);
    return fail_field(err, E_CHECK, LIT("check"), what, "the check '%.*s' does not hold",
                      STR_ARG(what));
}
