/* config_check.c -- what no single value shows: forms of texts, and values against each other.
 * SPDX: Apache-2.0 */
#include "client/client.h"
#include "mail/mail.h"
#include "server/config_edge.h"

static str place_of(struct config_load *l, int key)
{
    return l->c->origin[key];
}

#define FAULT(l, key, ...)                                                                         \
    config__fault((l), place_of((l), (key)), str_of(config_keys[key].path), __VA_ARGS__)

static void check_address(struct config_load *l, str item)
{
    uint64_t port;
    str shown = str_upto(item, 100);
    if (str_starts(item, LIT("unix:"))) {
        size_t len = item.len - 5;
        if (len == 0 || len > 107) /* sun_path */
            FAULT(l, CONFIG_KEY_listen, "'%.*s': a socket's path has 1 to 107 bytes",
                  STR_ARG(shown));
        return;
    }
    size_t colon = str_rfind(item, ':');
    if (str_to_u64(item, &port)) {
        FAULT(l, CONFIG_KEY_listen, "'%.*s' has no host (did you mean `127.0.0.1:%.*s`?)",
              STR_ARG(shown), STR_ARG(shown));
        return;
    }
    str host = str_upto(item, colon);
    bool brackets = str_starts(host, LIT("[")) && str_ends(host, LIT("]")) && host.len > 2;
    if (colon == STR_NONE || host.len == 0 || (str_find(host, ':') != STR_NONE && !brackets))
        FAULT(l, CONFIG_KEY_listen, "expected HOST:PORT, [IPV6]:PORT or unix:PATH, not '%.*s'",
              STR_ARG(shown));
    else if (!str_to_u64(str_from(item, colon + 1), &port) || port > 65535)
        FAULT(l, CONFIG_KEY_listen, "'%.*s': a port is a number from 0 to 65535", STR_ARG(shown));
}

static void check_listen(struct config_load *l)
{
    unsigned count = 0;
    for (str rest = l->c->listen; rest.ptr && count < 16; count++)
        check_address(l, str_trim(str_cut(&rest, ',')));
    if (count == 16)
        FAULT(l, CONFIG_KEY_listen, "more than 15 addresses");
}

static void check_urls(struct config_load *l)
{
    str url = l->c->public_url, db = l->c->database_url;
    if (url.len && !str_starts(url, LIT("http://")) && !str_starts(url, LIT("https://")))
        FAULT(l, CONFIG_KEY_public_url, "expected http://HOST or https://HOST");
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] <= ' ' || strchr("\"<>?#\\", url.ptr[i])) {
            FAULT(l, CONFIG_KEY_public_url, "a blank, control character or one of \"<>?#\\");
            break;
        }
    }
    /* The URL itself is not shown: it may hold a password. */
    size_t colon = str_find(db, ':');
    bool known = str_starts(db, LIT("sqlite:")) || str_starts(db, LIT("postgres:")) ||
                 str_starts(db, LIT("postgresql:"));
    if (db.len == 0)
        FAULT(l, CONFIG_KEY_database_url, "expected sqlite:FILE or postgres://USER@HOST/NAME");
    else if (colon != STR_NONE && !known)
        FAULT(l, CONFIG_KEY_database_url,
              "expected sqlite:FILE or postgres://USER@HOST/NAME, not a '%.*s:' URL",
              STR_ARG(str_upto(str_upto(db, colon), 20)));
}

static void check_prefix(struct config_load *l)
{
    str prefix = l->c->prefix;
    bool good = prefix.len == 0 || (prefix.ptr[0] == '/' && !str_ends(prefix, LIT("/")));
    for (size_t i = 0; good && i < prefix.len; i++) {
        char c = prefix.ptr[i];
        good = ascii_alpha(c) || ascii_digit(c) || strchr("/._~-", c);
        if (c == '/' && i + 1 < prefix.len && prefix.ptr[i + 1] == '/')
            good = false;
    }
    if (!good || prefix.len > 200)
        FAULT(l, CONFIG_KEY_prefix,
              "expected a path such as `/v1` (letters, digits, `.`, `_`, `~`, `-`), not '%.*s'",
              STR_ARG(str_upto(prefix, 60)));
}

static void check_isolation(struct config_load *l)
{
    static const char *const words[] = {"read_committed", "repeatable_read", "serializable"};
    unsigned *levels = &l->c->isolation_levels;
    for (str rest = l->c->isolation_allowed; rest.ptr;) {
        str word = str_trim(str_cut(&rest, ','));
        size_t at = 0;
        while (at < COUNT_OF(words) && !str_is(word, words[at]))
            at++;
        if (at < COUNT_OF(words)) {
            *levels |= 2u << at;
            continue;
        }
        const char *near = str_nearest(word, words, COUNT_OF(words));
        FAULT(l, CONFIG_KEY_isolation_allowed,
              "expected read_committed, repeatable_read or serializable, not '%.*s'%s%s%s",
              STR_ARG(str_upto(word, 60)), near ? " (did you mean `" : "", near ? near : "",
              near ? "`?)" : "");
        return;
    }
    if (!(*levels >> config_isolation(l->c) & 1))
        FAULT(l, CONFIG_KEY_isolation, "'%s' is not among database.isolation_allowed",
              words[l->c->isolation]);
}

static void check_client(struct config_load *l)
{
    str *items, proxy = l->c->client_proxy;
    size_t count = config__items(l, l->c->client_allow, &items);
    for (size_t i = 0; i < count; i++) {
        const char *why = client_allow_fault(items[i]);
        if (why)
            FAULT(l, CONFIG_KEY_client_allow, "'%.*s': %s", STR_ARG(str_upto(items[i], 60)), why);
    }
    if (proxy.len && !str_starts(proxy, LIT("http://")) && !str_starts(proxy, LIT("https://")))
        FAULT(l, CONFIG_KEY_client_proxy, "expected http://HOST:PORT");
}

/* A token of RFC 9110; the prefix is ours to add. */
static void check_cookie(struct config_load *l)
{
    str name = l->c->auth_cookie_name;
    bool good = name.len >= 1 && name.len <= 64;
    for (size_t i = 0; good && i < name.len; i++)
        good = ascii_alpha(name.ptr[i]) || ascii_digit(name.ptr[i]) || name.ptr[i] == '_' ||
               name.ptr[i] == '-';
    if (!good || str_starts(name, LIT("__")))
        FAULT(l, CONFIG_KEY_auth_cookie_name,
              "expected 1 to 64 letters, digits, `-` and `_`, without `__` in front");
    if (l->c->auth_session_store == 1 && !l->c->redis_url.len)
        FAULT(l, CONFIG_KEY_auth_session_store, "redis needs redis.url");
}

static bool mail_sent(const struct config *c)
{
    return c->mail_send == MAIL_SEND_ALWAYS ||
           (c->mail_send == MAIL_SEND_AUTO && c->mode == MODE_PRODUCTION);
}

/* No user and no password: those have keys of their own, which are not shown. */
static bool smtp_url(str url)
{
    size_t begin = str_starts(url, LIT("smtp://"))    ? 7
                   : str_starts(url, LIT("smtps://")) ? 8
                                                      : url.len;
    for (size_t i = begin; i < url.len; i++) {
        if (!ascii_alpha(url.ptr[i]) && !ascii_digit(url.ptr[i]) && !strchr(".-_:[]", url.ptr[i]))
            return false;
    }
    return begin < url.len;
}

static void check_mail(struct config_load *l)
{
    const struct config *c = l->c;
    const char *why = c->mail_from.len ? mail_from_fault(c->mail_from) : NULL;
    if (why)
        FAULT(l, CONFIG_KEY_mail_from, "%s", why);
    if (c->mail_url.len && !smtp_url(c->mail_url))
        FAULT(
            l, CONFIG_KEY_mail_url,
            "expected smtp://HOST:PORT or smtps://HOST:PORT, and who signs in under mail.user and "
            "mail.password");
    if (c->mail_from.len && !c->mail_url.len && mail_sent(c))
        FAULT(l, CONFIG_KEY_mail_url, "letters are to be sent, so a mail server is needed");
    if (c->mail_reply_to.len && !mail_address(c->mail_reply_to))
        FAULT(l, CONFIG_KEY_mail_reply_to, "expected an address");
}

/* "{token}" somewhere in it. */
static bool holds_token(str url)
{
    for (size_t i = 0; i < url.len; i++) {
        if (str_starts(str_from(url, i), LIT("{token}")))
            return true;
    }
    return false;
}

static void check_links(struct config_load *l)
{
    const struct config *c = l->c;
    bool http =
        str_starts(c->auth_link, LIT("https://")) || str_starts(c->auth_link, LIT("http://"));
    if (c->auth_link.len && (!http || !holds_token(c->auth_link)))
        FAULT(
            l, CONFIG_KEY_auth_link,
            "expected an address with {token} in it: https://app.example.com/{flow}?token={token}");
    if (c->mail_from.len && c->auth_table.len && c->mode == MODE_PRODUCTION && !c->auth_link.len &&
        !c->public_url.len)
        FAULT(l, CONFIG_KEY_public_url,
              "links in letters need it (or auth.link_url): they cannot be relative");
}

/* Where signing in elsewhere may lead back to: whole addresses, or all below one that ends in /.
 * A ticket that goes to a page over http is anybody's. */
static void check_return(struct config_load *l)
{
    str *list;
    size_t count = config__items(l, l->c->auth_return, &list);
    for (size_t i = 0; i < count; i++) {
        str rest;
        bool plain;
        if (!config__web(list[i], &plain, &rest) || !str_starts(rest, LIT("/")) ||
            (plain && l->c->mode != MODE_DEVELOPMENT) || str_find(rest, '#') != STR_NONE ||
            str_find(rest, '\\') != STR_NONE)
            FAULT(
                l, CONFIG_KEY_auth_return,
                "'%.*s' is no https:// address with a path: https://app.example.com/signed-in, or "
                "https://app.example.com/ for all below it (http:// on the loopback, in "
                "development)",
                STR_ARG(str_upto(list[i], 100)));
    }
}

/* Roles that stand in tables come and go. */
bool config__role_known(const struct config *c, str role, const char **near)
{
    const char *names[ROLES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < c->access.role_count && i < ROLES_MOST; i++) {
        if (str_eq(c->access.roles[i].name, role))
            return true;
        names[count++] = c->access.roles[i].name.ptr;
    }
    *near = str_nearest(role, names, count);
    return c->auth_role_table.len != 0;
}

static void check_default_role(struct config_load *l)
{
    const char *near;
    str role = l->c->auth_default_role;
    if (role.len && l->c->access.role_count && !config__role_known(l->c, role, &near))
        FAULT(l, CONFIG_KEY_auth_default_role, "there is no role '%.*s'%s%s%s",
              STR_ARG(str_upto(role, 60)), near ? " (did you mean `" : "", near ? near : "",
              near ? "`?)" : "");
}

void config__check(struct config_load *l)
{
    const struct config *c = l->c;
    check_listen(l);
    check_urls(l);
    check_prefix(l);
    config__edge(l);
    config__versions(l);
    check_isolation(l);
    check_client(l);
    check_cookie(l);
    check_mail(l);
    check_links(l);
    check_return(l);
    check_default_role(l);
    config__issuers(l);
    config__oauth(l);
    config__providers(l);
    config__s3(l);
    if (c->data_dir.len == 0)
        FAULT(l, CONFIG_KEY_data_dir, "expected a directory");
    if (c->migrations.len == 0)
        FAULT(l, CONFIG_KEY_migrations, "expected a directory");
    if (c->name.len == 0 || c->name.len > 100)
        FAULT(l, CONFIG_KEY_name, "expected 1 to 100 bytes");
    if (c->default_limit > c->max_limit)
        FAULT(l, CONFIG_KEY_default_limit, "%lld is more than rest.max_limit, %lld",
              (long long)c->default_limit, (long long)c->max_limit);
}
