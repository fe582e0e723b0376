/* scan.c -- what looks like a secret: tokens of known shape, private keys, passwords in URLs, and
 * in files of settings a literal behind a name such as `api_key`. Like the scanners of code hosts
 * it goes by shape, so that what is found is nearly always one; it does not guess at random texts.
 * SPDX: Apache-2.0 */
#include "cli/scan.h"

#include "base/bug.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { LITERAL_LEAST = 8, PATTERN_MOST = 256 };

typedef bool of_class(char c);

static bool word(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '-';
}

static bool upper(char c)
{
    return (c >= 'A' && c <= 'Z') || ascii_digit(c);
}

static bool dotted(char c)
{
    return word(c) || c == '.';
}

/* A token: its prefix, and so many characters of a class at least. */
static const struct shape {
    const char *prefix;
    of_class *rest;
    size_t least;
    const char *kind;
} shapes[] = {
    {"AKIA", upper, 16, "an access key of AWS"},
    {"ASIA", upper, 16, "an access key of AWS"},
    {"ghp_", word, 36, "a token of GitHub"},
    {"gho_", word, 36, "a token of GitHub"},
    {"ghs_", word, 36, "a token of GitHub"},
    {"github_pat_", word, 40, "a token of GitHub"},
    {"glpat-", word, 20, "a token of GitLab"},
    {"sk_live_", word, 16, "a secret key of Stripe"},
    {"rk_live_", word, 16, "a secret key of Stripe"},
    {"whsec_", word, 24, "a webhook secret of Stripe"},
    {"xoxb-", word, 20, "a token of Slack"},
    {"xoxp-", word, 20, "a token of Slack"},
    {"AIza", word, 35, "an API key of Google"},
    {"GOCSPX-", word, 20, "a client secret of Google"},
    {"SG.", dotted, 40, "an API key of SendGrid"},
    {"npm_", word, 36, "a token of npm"},
    {"ck_", word, 32, "an API key of Cairn"},
    {"crt_", word, 60, "a refresh token of Cairn"},
};

static bool hit(struct scan_hit *out, const char *kind, size_t at, size_t len)
{
    *out = (struct scan_hit){kind, at, len};
    return true;
}

static size_t run_of(str s, of_class *in)
{
    size_t n = 0;
    while (n < s.len && in(s.ptr[n]))
        n++;
    return n;
}

static size_t find_text(str line, size_t from, const char *what)
{
    size_t n = strlen(what);
    const char *at = from < line.len ? memmem(line.ptr + from, line.len - from, what, n) : NULL;
    return at ? (size_t)(at - line.ptr) : STR_NONE;
}

static bool find_shape(str line, const struct shape *s, struct scan_hit *out)
{
    for (size_t at = find_text(line, 0, s->prefix); at != STR_NONE;
         at = find_text(line, at + 1, s->prefix)) {
        size_t begin = at + strlen(s->prefix);
        size_t n = run_of(str_from(line, begin), s->rest);
        bool inside = at && word(line.ptr[at - 1]);
        if (!inside && n >= s->least)
            return hit(out, s->kind, at, begin + n - at);
    }
    return false;
}

/* Three parts in base64url, the first and second JSON objects. */
static bool find_jwt(str line, struct scan_hit *out)
{
    for (size_t at = find_text(line, 0, "eyJ"); at != STR_NONE;
         at = find_text(line, at + 1, "eyJ")) {
        str rest = str_upto(str_from(line, at), run_of(str_from(line, at), dotted));
        size_t first = str_find(rest, '.');
        str second = first == STR_NONE ? (str){0} : str_from(rest, first + 1);
        size_t dot = str_find(second, '.');
        if (str_starts(second, LIT("eyJ")) && dot != STR_NONE && second.len - dot > 20)
            return hit(out, "a signed token (JWT)", at, rest.len);
    }
    return false;
}

static bool find_private_key(str line, struct scan_hit *out)
{
    size_t at = find_text(line, 0, "-----BEGIN ");
    size_t end = at == STR_NONE ? STR_NONE : find_text(line, at, "PRIVATE KEY-----");
    return end != STR_NONE && hit(out, "a private key", at, line.len - at);
}

/* ---- literals ---- */

static bool starts_any(str s, const char *const *list)
{
    for (; *list; list++) {
        str p = str_of(*list);
        if (s.len >= p.len && str_eqi(str_upto(s, p.len), p))
            return true;
    }
    return false;
}

static bool all_same(str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] != s.ptr[0])
            return false;
    }
    return true;
}

/* What stands for a secret, or shows where one goes. */
static bool placeholder(str s)
{
    static const char *const words[] = {"$",      "file:", "exec:",  "credential:", "<",
                                        "{{",     "your",  "change", "example",     "placeholder",
                                        "dummy",  "test",  "env:",   "vault:",      "password",
                                        "secret", NULL};
    return s.len < LITERAL_LEAST || starts_any(s, words) || all_same(s);
}

/* scheme://user:password@host */
static bool find_url(str line, struct scan_hit *out)
{
    for (size_t at = find_text(line, 0, "://"); at != STR_NONE;
         at = find_text(line, at + 3, "://")) {
        str rest = str_from(line, at + 3);
        size_t end = 0;
        while (end < rest.len && !strchr("/?#\"'`<> \t,", rest.ptr[end]))
            end++;
        str authority = str_upto(rest, end);
        size_t host = str_rfind(authority, '@'), colon = str_find(authority, ':');
        if (host == STR_NONE || colon == STR_NONE || colon > host)
            continue;
        str password = str_upto(str_from(authority, colon + 1), host - colon - 1);
        if (!placeholder(password))
            return hit(out, "a password in a URL", at + 3 + colon + 1, password.len);
    }
    return false;
}

static bool secret_name(str name)
{
    static const char *const parts[] = {"password", "passwd",     "secret",       "api_key",
                                        "apikey",   "access_key", "private_key",  "auth_token",
                                        "api-key",  "token",      "client-secret"};
    char lower[80];
    if (name.len == 0 || name.len >= sizeof lower)
        return false;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.ptr[i]);
    lower[name.len] = '\0';
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        size_t n = strlen(parts[i]);
        if (name.len >= n && memcmp(lower + name.len - n, parts[i], n) == 0)
            return true;
    }
    return false;
}

/* The literal behind `name:` or `name=`, without quotes and a comment behind it. */
static str literal(str s)
{
    s = str_strip(s);
    char q = s.len ? s.ptr[0] : '\0';
    if (q == '"' || q == '\'') {
        s = str_from(s, 1);
        return str_upto(s, str_find(s, q));
    }
    size_t end = 0;
    while (end < s.len && !strchr(" \t,}]", s.ptr[end]))
        end++;
    return str_upto(s, end);
}

/* Words and numbers are no secrets: what has letters and digits is, or letters of both cases. */
static bool looks_random(str s)
{
    bool digit = false, small = false, large = false;
    for (size_t i = 0; i < s.len; i++) {
        digit |= ascii_digit(s.ptr[i]);
        small |= s.ptr[i] >= 'a' && s.ptr[i] <= 'z';
        large |= s.ptr[i] >= 'A' && s.ptr[i] <= 'Z';
    }
    return (digit && (small || large)) || (small && large);
}

static bool find_literal(str line, struct scan_hit *out)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != ':' && line.ptr[i] != '=')
            continue;
        str name = str_trim(str_upto(line, i));
        while (name.len && (name.ptr[name.len - 1] == '"' || name.ptr[name.len - 1] == '\''))
            name.len--;
        size_t begin = name.len;
        while (begin && word(name.ptr[begin - 1]))
            begin--;
        str value = literal(str_from(line, i + 1));
        if (secret_name(str_from(name, begin)) && !placeholder(value) && looks_random(value))
            return hit(out, "a literal secret", (size_t)(value.ptr - line.ptr), value.len);
    }
    return false;
}

bool scan_line(str line, bool settings, struct scan_hit *out)
{
    if (find_text(line, 0, "cairn:allow-secret") != STR_NONE)
        return false;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (find_shape(line, &shapes[i], out))
            return true;
    }
    return find_private_key(line, out) || find_jwt(line, out) || find_url(line, out) ||
           (settings && find_literal(line, out));
}

/* ---- .gitignore ---- */

static bool matches(str pattern, const char *path, bool directory)
{
    char p[PATTERN_MOST];
    const char *base = strrchr(path, '/');
    if (str_ends(pattern, LIT("/"))) {
        if (!directory)
            return false;
        pattern.len--;
    }
    if (str_starts(pattern, LIT("**/")))
        pattern = str_from(pattern, 3);
    bool anchored = str_find(pattern, '/') != STR_NONE;
    if (str_starts(pattern, LIT("/")))
        pattern = str_from(pattern, 1);
    if (!pattern.len || pattern.len >= sizeof p)
        return false;
    snprintf(p, sizeof p, "%.*s", STR_ARG(pattern));
    return fnmatch(p, anchored ? path : base ? base + 1 : path, anchored ? FNM_PATHNAME : 0) == 0;
}

int scan_ignored(str text, const char *path, bool directory)
{
    int verdict = -1;
    for (str rest = text; rest.ptr;) {
        str line = str_strip(str_cut(&rest, '\n'));
        bool back = str_starts(line, LIT("!"));
        if (back)
            line = str_from(line, 1);
        if (line.len && line.ptr[0] != '#' && matches(line, path, directory))
            verdict = !back;
    }
    return verdict;
}
