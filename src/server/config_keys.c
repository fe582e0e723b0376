/* config_keys.c -- config.def as a table, and looking things up in it. SPDX: Apache-2.0 */
#include "server/config_priv.h"

const struct config_key config_keys[CONFIG_KEYS] = {
#define X(field, path, type, preset, min, max, reload, help)                                       \
    {#field, path, CONFIG_##type, preset, min, max, reload, help, offsetof(struct config, field)},
#include "server/config.def"
#undef X
};

const struct config_key *config__key(str path)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        if (str_is(path, config_keys[i].path))
            return &config_keys[i];
    return NULL;
}

bool config__section(str path)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        str have = str_of(config_keys[i].path);
        if (have.len > path.len && have.ptr[path.len] == '.' && str_starts(have, path))
            return true;
    }
    return false;
}

/* The part of a path behind its last dot. */
static str last_part(str path)
{
    size_t dot = str_rfind(path, '.');
    return dot == STR_NONE ? path : str_from(path, dot + 1);
}

/* The right name in the wrong section: `listen` at the top is `server.listen`. */
static const char *misplaced(str path)
{
    const char *found = NULL;
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (!str_eq(last_part(str_of(config_keys[i].path)), last_part(path)))
            continue;
        if (found)
            return NULL; /* two of that name: a guess would mislead */
        found = config_keys[i].path;
    }
    return found;
}

const char *config__nearest(struct arena *a, str path)
{
    const char *names[2 * CONFIG_KEYS + 4];
    size_t count = 0;
    names[count++] = "tables";
    names[count++] = "limits";
    names[count++] = "collections";
    names[count++] = "files";
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        str full = str_of(config_keys[i].path);
        size_t dot = str_find(full, '.');
        names[count++] = full.ptr;
        if (dot != STR_NONE)
            names[count++] = arena_str(a, str_upto(full, dot)).ptr;
    }
    const char *found = misplaced(path);
    return found ? found : str_nearest(path, names, count);
}

str config__env_name(struct arena *a, const struct config_key *k)
{
    size_t len = strlen(k->path);
    char *out = arena_new(a, len + 7);
    memcpy(out, "CAIRN_", 6);
    for (size_t i = 0; i <= len; i++) {
        char c = k->path[i];
        out[6 + i] = c == '.' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    return str_make(out, len + 6);
}

static size_t value_size(enum config_type type)
{
    switch (type) {
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_ENUM:
        return sizeof(int);
    case CONFIG_TEXT:
    case CONFIG_LIST:
    case CONFIG_SECRET:
        return sizeof(str);
    default:
        return sizeof(int64_t);
    }
}

void config__freeze(struct config *next, const struct config *boot)
{
    for (const struct config_key *k = config_keys; k < config_keys + CONFIG_KEYS; k++) {
        if (!k->reload)
            memcpy((char *)next + k->offset, (const char *)boot + k->offset, value_size(k->type));
    }
    next->data_path = boot->data_path;
    next->migrations_path = boot->migrations_path;
    next->queries_path = boot->queries_path;
    next->issuers = boot->issuers;
    next->issuer_count = boot->issuer_count;
    next->providers = boot->providers;
    next->provider_count = boot->provider_count;
}
