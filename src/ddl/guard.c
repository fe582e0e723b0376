/* guard.c -- keeps the parser's recursion inside the stack. SPDX: Apache-2.0
 * Why: libpg_query writes its tree by recursion without a bound, and `1+1+1+...` of some 100,000
 * terms is a tree of that depth. How deep a tree can get is bounded by the tokens that are not yet
 * separated: those since the last comma of each open parenthesis, summed over the open ones. */
#include "ddl/ddl_priv.h"

enum { OPEN_MOST = 2000 };

static size_t skip_line(str s, size_t at)
{
    while (at < s.len && s.ptr[at] != '\n')
        at++;
    return at;
}

static size_t skip_block(str s, size_t at)
{
    size_t depth = 0;
    while (at + 1 < s.len) {
        if (s.ptr[at] == '/' && s.ptr[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (s.ptr[at] == '*' && s.ptr[at + 1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return s.len;
}

size_t ddl__skip_blank(str s, size_t at)
{
    while (at < s.len) {
        char c = s.ptr[at], next = at + 1 < s.len ? s.ptr[at + 1] : 0;
        if (c == ' ' || (c >= '\t' && c <= '\r'))
            at++;
        else if (c == '-' && next == '-')
            at = skip_line(s, at);
        else if (c == '/' && next == '*')
            at = skip_block(s, at);
        else
            break;
    }
    return at < s.len ? at : s.len;
}

static size_t skip_quoted(str s, size_t at, bool escapes)
{
    char quote = s.ptr[at++];
    while (at < s.len && s.ptr[at] != quote)
        at += escapes && s.ptr[at] == '\\' ? 2 : 1;
    return at < s.len ? at + 1 : s.len;
}

static bool word_char(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* $tag$ ... $tag$; a lone $ is one character. */
static size_t skip_dollar(str s, size_t at)
{
    size_t end = at + 1;
    while (end < s.len && word_char(s.ptr[end]))
        end++;
    if (end >= s.len || s.ptr[end] != '$')
        return at + 1;
    str tag = str_make(s.ptr + at, end + 1 - at);
    for (size_t i = end + 1; i + tag.len <= s.len; i++)
        if (s.ptr[i] == '$' && str_starts(str_from(s, i), tag))
            return i + tag.len;
    return s.len;
}

size_t ddl__skip_token(str s, size_t at)
{
    char c = s.ptr[at];
    bool escapes = (c == 'e' || c == 'E') && at + 1 < s.len && s.ptr[at + 1] == '\'';
    if (escapes)
        return skip_quoted(s, at + 1, true);
    if (c == '\'' || c == '"')
        return skip_quoted(s, at, false);
    if (c == '$')
        return skip_dollar(s, at);
    if (!word_char(c))
        return at + 1;
    while (at < s.len && word_char(s.ptr[at]))
        at++;
    return at;
}

/* One token seen; level is the open parentheses, counts[] the tokens of each. */
static bool count_token(char c, unsigned counts[], size_t *level, unsigned *sum)
{
    if ((c == '(' || c == '[') && ++*level < OPEN_MOST) {
        counts[*level] = 0;
    } else if ((c == ')' || c == ']') && *level > 0) {
        *sum -= counts[(*level)--];
    } else if (c == ',' || c == ';') {
        *sum -= counts[*level < OPEN_MOST ? *level : 0];
        counts[*level < OPEN_MOST ? *level : 0] = 0;
    }
    if (*level >= OPEN_MOST)
        return false;
    counts[*level]++;
    return ++*sum < DDL__TOKENS_MOST;
}

bool ddl__guard(str s)
{
    unsigned counts[OPEN_MOST] = {0}, sum = 0;
    size_t level = 0;
    for (size_t at = ddl__skip_blank(s, 0); at < s.len; at = ddl__skip_blank(s, at)) {
        if (!count_token(s.ptr[at], counts, &level, &sum))
            return false;
        at = ddl__skip_token(s, at);
    }
    return true;
}
