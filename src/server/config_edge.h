/* Private to src/server: the settings of edge/, read out of cairn.yaml. SPDX: Apache-2.0 */
#ifndef CAIRN_CONFIG_EDGE_H
#define CAIRN_CONFIG_EDGE_H

#include "server/config_priv.h"

enum { EDGE_ITEMS_MOST = 256 };

/* The member of a map, or NULL. */
const struct config_node *config__member(const struct config_node *map, const char *name);
/* A fault for every member of map whose name is not listed; path: of the map, for the message.
 * False when map is no map. */
bool config__members(struct config_load *l, const struct config_node *map, str path,
                     const char *const *names, size_t count);
/* A scalar with its variables filled in; false and a fault when n is none. */
bool config__text(struct config_load *l, const struct config_node *n, str path, str *out);
/* One text or a list of them; at most EDGE_ITEMS_MOST. False and a fault. */
bool config__texts(struct config_load *l, const struct config_node *n, str path, str **out,
                   size_t *count);
bool config__whole(struct config_load *l, const struct config_node *n, str path, uint64_t most,
                   uint64_t *out);
bool config__flag(struct config_load *l, const struct config_node *n, str path, bool *out);
/* Items of a value of type LIST, trimmed, empty ones left out. */
size_t config__items(struct config_load *l, str list, str **out);
/* "GET, POST" to bits; a fault at place. */
bool config__methods(struct config_load *l, const str *list, size_t count, str place, str path,
                     unsigned *out);

/* "/v1/users/..." as edge_path takes it. */
bool config__path_good(str path);
/* Bytes that may stand in a header's value. */
bool config__value_good(str value);

void config__versions(struct config_load *l); /* config_versions.c: l->versions */
/* "v1" of "/v1" and "/api/v1"; else nothing. */
str config__version_of(str prefix);
void config__caches(struct config_load *l);    /* config_cache.c: l->caches, must_match */
void config__codings(struct config_load *l);   /* config_formats.c: c->codings */
void config__limits(struct config_load *l);    /* config_limits.c: l->limits, l->clients */
void config__issuers(struct config_load *l);   /* config_issuers.c: l->issuers */
void config__oauth(struct config_load *l);     /* config_oauth.c: l->oauth_clients, oauth_scopes */
void config__edge(struct config_load *l);      /* all of c->edge */
void config__providers(struct config_load *l); /* config_providers.c: l->providers */

#endif
