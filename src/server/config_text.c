/* config_text.c -- ${VAR} in values, and secrets that live outside the file. SPDX: Apache-2.0 */
#include "server/config_priv.h"

#include <stdlib.h>

static bool name_char(char c, bool first)
{
    return c == '_' || ascii_alpha(c) || (!first && ascii_digit(c));
}

/* The length of a variable's name at the start of s; 0: none. */
static size_t name_length(str s)
{
    size_t len = 0;
    while (len < s.len && name_char(s.ptr[len], len == 0))
        len++;
    return len;
}

struct expansion {
    struct config_load *l;
    str place, key;
    struct buf out;
};

static bool refuse(struct expansion *e, const char *what)
{
    config__fault(e->l, e->place, e->key, "%s", what);
    return false;
}

/* Takes `${NAME}` or `${NAME:-default}` from the front of *rest. */
static bool expand_one(struct expansion *e, str *rest)
{
    str inner = str_from(*rest, 2);
    size_t end = str_find(inner, '}');
    if (end == STR_NONE)
        return refuse(e, "`${` without `}`; write `$$` for a dollar sign");
    inner.len = end;
    *rest = str_from(*rest, end + 3);
    str name = str_upto(inner, name_length(inner)), tail = str_from(inner, name.len);
    bool preset = str_starts(tail, LIT(":-"));
    if (name.len == 0 || name.len > 128 || (tail.len && !preset))
        return refuse(e, "expected `${NAME}` or `${NAME:-default}`");
    const char *value = getenv(arena_str(&e->l->c->arena, name).ptr);
    if (value && (*value || !preset)) {
        buf_str(&e->out, str_of(value));
    } else if (preset) {
        buf_str(&e->out, str_from(tail, 2));
    } else {
        config__fault(e->l, e->place, e->key,
                      "the environment variable '%.*s' is not set, and there is no default "
                      "(`${%.*s:-default}`)",
                      STR_ARG(name), STR_ARG(name));
        return false;
    }
    return true;
}

static bool expand_all(struct expansion *e, str rest)
{
    while (rest.len) {
        size_t dollar = str_find(rest, '$');
        buf_str(&e->out, str_upto(rest, dollar));
        if (dollar == STR_NONE)
            break;
        rest = str_from(rest, dollar);
        if (str_starts(rest, LIT("$$"))) {
            buf_char(&e->out, '$');
            rest = str_from(rest, 2);
        } else if (str_starts(rest, LIT("${"))) {
            if (!expand_one(e, &rest))
                return false;
        } else {
            return refuse(e, "a lone `$`: write `${NAME}` for a variable, `$$` for a dollar sign");
        }
    }
    return !e->out.full || refuse(e, "longer than 64 KB after substitution");
}

bool config__expand(struct config_load *l, str place, str key, str text, str *out)
{
    struct expansion e = {.l = l, .place = place, .key = key};
    if (str_find(text, '$') == STR_NONE) {
        *out = text;
        return true;
    }
    buf_init(&e.out, CONFIG_TEXT_MOST);
    bool ok = expand_all(&e, text);
    if (ok)
        *out = arena_str(&l->c->arena, buf_view(&e.out));
    buf_fini(&e.out);
    return ok;
}

/* ---- secrets ---- */

static bool read_secret(struct config_load *l, const struct config_key *k, str path, str place,
                        str *out)
{
    struct arena *a = &l->c->arena;
    struct err err = {0};
    unsigned mode = 0;
    str full = config__join(a, l->c->dir, path), key = str_of(k->path);
    if (config__read(a, full, CONFIG_TEXT_MOST, out, &mode, &err) < 0) {
        config__fault(l, place, key, "%s", err.text);
        return false;
    }
    if (str_ends(*out, LIT("\n")))
        out->len -= str_ends(*out, LIT("\r\n")) ? 2 : 1;
    if (out->len == 0 || memchr(out->ptr, 0, out->len)) {
        config__fault(l, place, key, "the file '%.*s' %s", STR_ARG(full),
                      out->len ? "holds a NUL character" : "is empty");
        return false;
    }
    if (mode & 04)
        config__warn(l, place, key, "everybody on this machine can read '%.*s': `chmod o-r` it",
                     STR_ARG(full));
    return true;
}

/* Whether raw is one ${NAME} or ${NAME:-default} and nothing else, and NAME gives its value. */
static bool from_environment(struct arena *a, str raw)
{
    if (!str_starts(raw, LIT("${")) || str_find(raw, '}') != raw.len - 1)
        return false;
    str inner = str_from(raw, 2);
    const char *value = getenv(arena_str(a, str_upto(inner, name_length(inner))).ptr);
    return value && *value;
}

bool config__secret(struct config_load *l, const struct config_key *k, str raw, str place,
                    bool in_file, str *out)
{
    str text = raw;
    if (in_file && !config__expand(l, place, str_of(k->path), raw, &text))
        return false;
    *out = text;
    if (text.len == 0)
        return true;
    if (str_starts(text, LIT("file:")))
        return read_secret(l, k, str_from(text, 5), place, out);
    if (!in_file || from_environment(&l->c->arena, raw))
        return true;
    config__fault(l, place, str_of(k->path),
                  "a secret must not stand in this file: write `file:PATH` or `${VARIABLE}`");
    return false;
}
