/* call.c -- cairn call [METHOD] TARGET [ITEM]...: one request to a server, for people and scripts.
 * SPDX: Apache-2.0
 * --as signs in with the project's own keys, as whoever can read them could: it needs no password
 * and leaves no session; the token is good for auth.access_ttl. Not here: how the answer is shown
 * (call_show.c), how it is fetched (talk.c). */
#include "cli/call.h"
#include "cli/people.h"

#include "server/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY = 64 << 20, HEAD_MOST = 1 << 20, BODY_MOST = 64 << 20, WAIT_S = 60 };

struct call {
    struct arena arena;
    struct config *config; /* NULL: --url says all */
    struct place place;
    struct err err;
    const char *method;
    str target;
    const char *body, *as, *ca;
    unsigned seconds;
    struct buf query, head, members, request;
    bool typed, accepts;
};

/* ---- items ---- */

enum item { ITEM_HEADER, ITEM_TEXT, ITEM_JSON, ITEM_QUERY };

/* Cut at the first of  :=  ==  =  :  where the name ends. */
static bool cut_item(const char *arg, enum item *kind, str *name, str *value)
{
    size_t n = strcspn(arg, "=:");
    bool two = arg[n] && arg[n + 1] == '=';
    if (!n || !arg[n])
        return false;
    *kind = arg[n] == ':' ? (two ? ITEM_JSON : ITEM_HEADER) : two ? ITEM_QUERY : ITEM_TEXT;
    *name = str_make(arg, n);
    *value = str_of(arg + n + (two ? 2 : 1));
    return true;
}

/* A line end would begin another header. */
static bool plain(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return false;
    return true;
}

static int add_header(struct call *k, str name, str value)
{
    if (!plain(name) || !plain(value) || str_find(name, ' ') != STR_NONE)
        return fail(&k->err, E_BAD, "'%.*s' is no header", STR_ARG(str_upto(name, 60)));
    k->typed = k->typed || str_eqi(name, LIT("Content-Type"));
    k->accepts = k->accepts || str_eqi(name, LIT("Accept"));
    buf_printf(&k->head, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(str_trim(value)));
    return 0;
}

static int add_json(struct call *k, str name, str value)
{
    struct value v;
    struct err why = {0};
    if (json_parse(&k->arena, value, &json_limits_default, &v, &why) < 0)
        return fail(&k->err, E_BAD, "%.*s:= wants JSON; %s", STR_ARG(str_upto(name, 60)), why.text);
    buf_str(&k->members, value);
    return 0;
}

static void put_escaped(struct buf *b, str s, const char *free)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (ascii_alpha((char)c) || ascii_digit((char)c) || (c && strchr(free, c)))
            buf_char(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

static int add_item(struct call *k, const char *arg)
{
    enum item kind;
    str name, value;
    if (!cut_item(arg, &kind, &name, &value))
        return fail(&k->err, E_BAD,
                    "'%.60s' is none of NAME=TEXT, NAME:=JSON, NAME==QUERY, Header:VALUE", arg);
    if (kind == ITEM_HEADER)
        return add_header(k, name, value);
    if (kind == ITEM_QUERY) {
        buf_char(&k->query, '&');
        put_escaped(&k->query, name, "-._~()");
        buf_char(&k->query, '=');
        put_escaped(&k->query, value, "-._~(),:*");
        return 0;
    }
    if (k->body)
        return fail(&k->err, E_BAD, "--body and '%.*s=' are two bodies", STR_ARG(name));
    buf_char(&k->members, k->members.len ? ',' : '{');
    json_text(&k->members, name);
    buf_char(&k->members, ':');
    if (kind == ITEM_JSON)
        return add_json(k, name, value);
    json_text(&k->members, value);
    return 0;
}

/* ---- the body ---- */

static int read_all(struct call *k, int fd, const char *what)
{
    enum { PIECE = 65536 };
    for (;;) {
        ssize_t n =
            buf_room(&k->members, PIECE) ? read(fd, k->members.ptr + k->members.len, PIECE) : -1;
        if (n < 0)
            return fail(&k->err, E_BAD, "the body from %s cannot be read, or is too large", what);
        if (n == 0)
            return 0;
        k->members.len += (size_t)n;
    }
}

/* TEXT, @FILE, or - for standard input. */
static int take_body(struct call *k)
{
    if (!k->body) {
        if (k->members.len)
            buf_char(&k->members, '}');
        return 0;
    }
    if (strcmp(k->body, "-") == 0)
        return read_all(k, STDIN_FILENO, "standard input");
    if (k->body[0] != '@') {
        buf_str(&k->members, str_of(k->body));
        return 0;
    }
    int fd = open(k->body + 1, O_RDONLY | O_CLOEXEC);
    int code = read_all(k, fd, k->body + 1);
    if (fd >= 0)
        close(fd);
    return code;
}

/* ---- the request ---- */

static bool is_method(const char *word)
{
    size_t n = 0;
    while (word[n] >= 'A' && word[n] <= 'Z')
        n++;
    return n && !word[n];
}

/* "/v1/users", "users" below rest.prefix, or a URL. */
static int take_target(struct call *k, const char *word, const char *url)
{
    str text = str_of(word);
    if (str_starts(text, LIT("http://")) || str_starts(text, LIT("https://"))) {
        TRY(place_of_url(&k->arena, text, &k->place, &k->err));
        k->place.ca = k->ca;
        size_t slash = str_find(str_from(text, 8), '/'); /* base is not cut off again */
        k->place.base = LIT("");
        k->target = slash == STR_NONE ? LIT("/") : str_from(text, 8 + slash);
        return 0;
    }
    TRY(url ? place_of_url(&k->arena, str_of(url), &k->place, &k->err)
            : place_of_listen(&k->arena, k->config->listen, &k->place, &k->err));
    k->place.ca = k->ca;
    if (text.len && text.ptr[0] != '/')
        text = arena_printf(&k->arena, "%.*s/%.*s",
                            STR_ARG(k->config ? k->config->prefix : LIT("/v1")), STR_ARG(text));
    k->target = text;
    return 0;
}

/* Blanks and letters beyond ASCII may be typed as they are. */
static void put_target(struct call *k)
{
    str target = k->target;
    buf_str(&k->request, k->place.base);
    put_escaped(&k->request, target, "-._~!$&'()*+,;=:@/?%[]");
    if (k->query.len) {
        buf_char(&k->request, str_find(target, '?') == STR_NONE ? '?' : '&');
        buf_str(&k->request, str_from(buf_view(&k->query), 1));
    }
}

static int put_request(struct call *k)
{
    struct place *p = &k->place;
    bool six = str_find(p->host, ':') != STR_NONE, bodied = k->members.len || k->body;
    buf_printf(&k->request, "%s ", k->method ? k->method : bodied ? "POST" : "GET");
    put_target(k);
    buf_lit(&k->request, " HTTP/1.0\r\n");
    if (p->host.len)
        buf_printf(&k->request, "Host: %s%.*s%s:%.*s\r\n", six ? "[" : "", STR_ARG(p->host),
                   six ? "]" : "", STR_ARG(p->port));
    else
        buf_lit(&k->request, "Host: localhost\r\n");
    buf_lit(&k->request, "User-Agent: cairn/" CAIRN_VERSION "\r\n");
    if (!k->accepts)
        buf_lit(&k->request, "Accept: application/json, */*;q=0.5\r\n");
    buf_str(&k->request, buf_view(&k->head));
    if (bodied && !k->typed)
        buf_lit(&k->request, "Content-Type: application/json\r\n");
    if (bodied)
        buf_printf(&k->request, "Content-Length: %zu\r\n", k->members.len);
    buf_lit(&k->request, "\r\n");
    buf_str(&k->request, buf_view(&k->members));
    return k->request.full ? fail(&k->err, E_TOOBIG, "the request is too large") : 0;
}

/* ---- signing in ---- */

static int token_for(struct call *k, struct people *p, str *out)
{
    struct identity *identity = NULL;
    struct principal who;
    char sid[SID_TEXT + 1];
    TRY(people_find(p, k->as, &who));
    TRY(signin_open(p->config, NULL, &identity, &p->err)); /* it only signs */
    uuid_v4(sid);
    struct ticket t = {.sid = str_make(sid, SID_TEXT),
                       .subject = who.subject,
                       .claims = &who.claims,
                       .roles = who.roles,
                       .role_count = who.role_count,
                       .now = (int64_t)time(NULL)};
    int code = identity_token(&k->arena, identity, &t, out, &p->err);
    identity_close(&identity);
    return code;
}

static int sign_in(struct cli *c, struct call *k)
{
    struct people p;
    str token = {0};
    int code = people_open(c, &p);
    if (code == CLI_OK && token_for(k, &p, &token) < 0)
        code = cli_error(&p.err);
    if (code == CLI_OK)
        buf_printf(&k->head, "Authorization: Bearer %.*s\r\n", STR_ARG(token));
    people_close(&p);
    return code;
}

/* ---- the command ---- */

static int prepare(struct cli *c, struct call *k, const char *url)
{
    int at = 0;
    k->method = is_method(c->args[0]) ? c->args[at++] : NULL;
    if (at == c->arg_count)
        return fail(&k->err, E_BAD, "'%.60s' what? A path, or the name of a table", c->args[0]);
    TRY(take_target(k, c->args[at++], url));
    for (; at < c->arg_count; at++)
        TRY(add_item(k, c->args[at]));
    TRY(take_body(k));
    return put_request(k);
}

static int call(struct cli *c, struct call *k, const char *url, const struct call_view *view)
{
    struct buf all;
    struct answer r = {0};
    int code = k->as ? sign_in(c, k) : CLI_OK;
    if (code != CLI_OK)
        return code;
    if (prepare(c, k, url) < 0)
        return cli_usage(c, "%s", k->err.text);
    buf_init(&all, TALK_ANSWER_MOST);
    if (talk(&k->place, buf_view(&k->request), k->seconds, &all, &r, &k->err) < 0)
        code = cli_error(&k->err);
    else
        code = call_show(view, &r);
    buf_fini(&all);
    return code;
}

static bool options(struct cli *c, struct call *k, const char **url, struct call_view *view)
{
    const char *seconds = NULL;
    uint64_t n = WAIT_S;
    if (!cli_option(c, "--url", url) || !cli_option(c, "--as", &k->as) ||
        !cli_option(c, "--body", &k->body) || !cli_option(c, "--ca", &k->ca) ||
        !cli_option(c, "--timeout", &seconds))
        return false;
    bool tty = isatty(STDOUT_FILENO) == 1, raw = cli_flag(c, "--raw");
    view->pretty = (cli_flag(c, "--pretty") || tty) && !raw;
    view->headers = cli_flag(c, "-i") || (tty && !raw);
    view->colours = view->pretty && (cli_flag(c, "--color") || term_takes_colours(STDOUT_FILENO));
    if (seconds && (!str_to_u64(str_of(seconds), &n) || !n || n > 86400)) {
        cli_usage(c, "--timeout wants seconds");
        return false;
    }
    k->seconds = (unsigned)n;
    return true;
}

int cli_call(struct cli *c)
{
    const char *url = NULL;
    struct call_view view = {0};
    struct call k = {0};
    if (!options(c, &k, &url, &view))
        return CLI_USAGE;
    int code = cli_expect(c, 1, 1000);
    if (code != CLI_OK)
        return code;
    arena_init(&k.arena, MEMORY);
    buf_init(&k.query, HEAD_MOST);
    buf_init(&k.head, HEAD_MOST);
    buf_init(&k.members, BODY_MOST);
    buf_init(&k.request, BODY_MOST + 4 * HEAD_MOST);
    if (!url) /* with it, no project is needed */
        k.config = cli_config_load(c);
    code = !url && !k.config ? CLI_FAILED : call(c, &k, url, &view);
    buf_fini(&k.query);
    buf_fini(&k.head);
    buf_fini(&k.members);
    buf_fini(&k.request);
    config_free(&k.config);
    arena_reset(&k.arena);
    return code;
}
