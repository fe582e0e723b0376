/* config_env.c -- settings from the environment. SPDX: Apache-2.0
 * PORT and DATABASE_URL are what hosting services set; CAIRN_SERVER_LISTEN and its like say more
 * and win over them. An unknown CAIRN_ name is no fault: Kubernetes makes such names by itself
 * (CAIRN_SERVICE_HOST for a service called cairn), so only a near miss is worth a warning. */
#include "server/config_priv.h"

#include <stdlib.h>
#include <unistd.h>

static void take(struct config_load *l, const struct config_key *k, str name, const char *value)
{
    str text = str_of(value);
    if (text.len > CONFIG_TEXT_MOST)
        config__fault(l, name, str_of(k->path), "longer than 64 KB");
    else if (k->type != CONFIG_SECRET || config__secret(l, k, text, name, false, &text))
        config__set(l, k, text, name);
}

/* PORT replaces the port of the first address that has one; the host stays, so that the variable
 * alone never opens a machine to the network. */
static void take_port(struct config_load *l, const char *value)
{
    const struct config_key *k = &config_keys[CONFIG_KEY_listen];
    str rest = l->c->listen, name = LIT("PORT");
    uint64_t port;
    if (!str_to_u64(str_of(value), &port) || port > 65535) {
        config__fault(l, name, str_of(k->path), "expected a port, 0 to 65535, not '%.60s'", value);
        return;
    }
    while (rest.ptr) {
        const char *start = rest.ptr;
        str item = str_trim(str_cut(&rest, ','));
        size_t colon = str_rfind(item, ':');
        if (str_starts(item, LIT("unix:")) || colon == STR_NONE)
            continue;
        str before = str_upto(l->c->listen, (size_t)(start - l->c->listen.ptr));
        str text = arena_printf(&l->c->arena, "%.*s%.*s:%u%s%.*s", STR_ARG(before),
                                STR_ARG(str_upto(item, colon)), (unsigned)port, rest.ptr ? "," : "",
                                STR_ARG(rest));
        config__set(l, k, text, name);
        return;
    }
    config__warn(l, name, str_of(k->path), "ignored: no address of '%.*s' has a port",
                 STR_ARG(l->c->listen));
}

static void warn_misspelt(struct config_load *l)
{
    const char *names[CONFIG_KEYS];
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        names[i] = config__env_name(&l->c->arena, &config_keys[i]).ptr;
    for (char **e = environ; e && *e; e++) {
        str name = str_of(*e);
        name = str_upto(name, str_find(name, '='));
        if (!str_starts(name, LIT("CAIRN_")) || name.len > 60)
            continue;
        const char *near = NULL;
        for (size_t i = 0; i < CONFIG_KEYS; i++) /* at most two slips: these names are alike */
            if (str_distance(name, str_of(names[i])) <= 2)
                near = names[i];
        if (near && !getenv(near))
            config__warn(l, arena_str(&l->c->arena, name), LIT(""),
                         "no setting has this name (did you mean `%s`?)", near);
    }
}

void config__env(struct config_load *l)
{
    const char *port = getenv("PORT"), *url = getenv("DATABASE_URL");
    if (port && *port)
        take_port(l, port);
    if (url && *url)
        take(l, &config_keys[CONFIG_KEY_database_url], LIT("DATABASE_URL"), url);
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        str name = config__env_name(&l->c->arena, &config_keys[i]);
        const char *value = getenv(name.ptr);
        if (value)
            take(l, &config_keys[i], name, value);
    }
    warn_misspelt(l);
}
