/* config_formats.c -- what is compressed and how: to struct coding_config. SPDX: Apache-2.0 */
#include "server/config_edge.h"

static void fault_at(struct config_load *l, int key, str item, const char *why)
{
    config__fault(l, l->c->origin[key], str_of(config_keys[key].path), "'%.*s': %s",
                  STR_ARG(str_upto(item, 60)), why);
}

static void take_order(struct config_load *l, struct coding_config *out)
{
    str *items;
    size_t count = config__items(l, l->c->compress, &items);
    for (size_t i = 0; i < count; i++) {
        enum coding c = coding_of(items[i]);
        bool twice = false;
        for (size_t k = 0; k < out->count; k++)
            twice = twice || out->order[k] == c;
        if (c == CODING_NONE || c == CODING__COUNT)
            fault_at(l, CONFIG_KEY_compress, items[i], "expected zstd, br or gzip");
        else if (twice)
            fault_at(l, CONFIG_KEY_compress, items[i], "named twice");
        else
            out->order[out->count++] = c;
    }
}

static void take_types(struct config_load *l, struct coding_config *out)
{
    str *items;
    out->type_count = config__items(l, l->c->compress_types, &items);
    out->types = items;
    for (size_t i = 0; i < out->type_count; i++) {
        size_t star = str_find(items[i], '*');
        if (str_find(items[i], '/') == STR_NONE ||
            (star != STR_NONE && str_find(str_from(items[i], star + 1), '*') != STR_NONE))
            fault_at(l, CONFIG_KEY_compress_types, items[i],
                     "expected a media type with one star at most, such as text/*");
    }
}

void config__codings(struct config_load *l)
{
    struct config *c = l->c;
    struct coding_config *out = &c->codings;
    *out = (struct coding_config){.least = (size_t)c->compress_min,
                                  .max_body = (size_t)c->max_body,
                                  .ratio = (size_t)c->decode_ratio};
    out->level[CODING_GZIP] = (int)c->gzip_level;
    out->level[CODING_BR] = (int)c->brotli_level;
    out->level[CODING_ZSTD] = (int)c->zstd_level;
    take_order(l, out);
    take_types(l, out);
}
