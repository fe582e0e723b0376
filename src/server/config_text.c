/* config_text.c -- ${VAR} in values; addresses. SPDX: Apache-2.0 */
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

bool config__from_environment(struct arena *a, str raw)
{
    if (!str_starts(raw, LIT("${")) || str_find(raw, '}') != raw.len - 1)
        return false;
    str inner = str_from(raw, 2);
    const char *value = getenv(arena_str(a, str_upto(inner, name_length(inner))).ptr);
    return value && *value;
}

/* ---- addresses ---- */

/* 127.x.x.x and nothing that only begins so. */
static bool loopback_number(str host)
{
    int parts = 0;
    for (; host.ptr; parts++) {
        str one = str_cut(&host, '.');
        uint64_t n;
        if (!one.len || one.len > 3 || !str_to_u64(one, &n) || n > 255 || (!parts && n != 127))
            return false;
    }
    return parts == 4;
}

/* Letters of a name or a number; between brackets those of an IPv6 address. */
static bool host_good(str host)
{
    bool six = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (six)
        host = str_make(host.ptr + 1, host.len - 2);
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool name = ascii_alpha(c) || c == '-' || c == '_';
        if (!ascii_digit(c) && c != '.' && !(six ? ascii_alpha(c) || c == ':' : name))
            return false;
    }
    return host.len && (six || host.ptr[0] != '.');
}

bool config__web(str url, bool *plain, str *rest)
{
    *plain = str_starts(url, LIT("http://"));
    if (!*plain && !str_starts(url, LIT("https://")))
        return false;
    str host = str_from(url, *plain ? 7 : 8);
    size_t end = 0, colon;
    while (end < host.len && !strchr("/?#", host.ptr[end]))
        end++;
    *rest = str_from(host, end);
    host.len = end;
    size_t six = str_find(host, ']');
    colon = str_find(str_from(host, six == STR_NONE ? 0 : six), ':');
    if (colon != STR_NONE) {
        uint64_t port;
        colon += six == STR_NONE ? 0 : six;
        str digits = str_from(host, colon + 1);
        if (digits.len > 5 || !str_to_u64(digits, &port) || !port || port > 65535)
            return false;
        host.len = colon;
    }
    bool near = str_eqi(host, LIT("localhost")) || str_is(host, "[::1]") || loopback_number(host);
    return host_good(host) && (!*plain || near);
}
