/* config_files.c -- the section files: to schema_wishes. SPDX: Apache-2.0
 *   files:
 *     products.photo: { types: [image/png, image/jpeg], max: 5MB }
 *     invoices.scan: {}
 * Whether these tables and columns are there is for schema_build to say. */
#include "server/config_edge.h"

#include "files/files.h"

#define MAX_USUAL ((uint64_t)10 << 20)
#define MAX_MOST ((uint64_t)1 << 40)

enum { NAME_MOST = 128 };

struct wish {
    struct config_load *l;
    struct schema_file_wish *w;
    str name; /* "products.photo" */
};

static str path_of(const struct wish *k, const char *part)
{
    return arena_printf(&k->l->c->arena, "files.%.*s%s%s", STR_ARG(str_upto(k->name, NAME_MOST)),
                        part ? "." : "", part ? part : "");
}

static void fault(const struct wish *k, const struct config_node *n, const char *part,
                  const char *what)
{
    config__fault(k->l, config__place(k->l, n), path_of(k, part), "%s", what);
}

static bool empty(const struct config_node *n)
{
    return n->kind == NODE_SCALAR && n->plain &&
           (n->text.len == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

static void take_types(const struct wish *k, const struct config_node *n)
{
    str *list;
    size_t count;
    if (!config__texts(k->l, n, path_of(k, "types"), &list, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        if (!media_pattern(list[i])) {
            fault(k, n, "types", "expected media types, such as `image/png` or `image/*`");
            return;
        }
    }
    k->w->types = list;
    k->w->type_count = count;
}

/* "5M", also as people write it, "5MB". */
static void take_max(const struct wish *k, const struct config_node *n)
{
    str text;
    uint64_t size = 0;
    if (!config__text(k->l, n, path_of(k, "max"), &text))
        return;
    if (text.len > 2 && (text.ptr[text.len - 1] | 0x20) == 'b' &&
        ascii_alpha(text.ptr[text.len - 2]))
        text.len--;
    if (!config__size(text, &size) || size < 1 || size > MAX_MOST)
        fault(k, n, "max", "expected a size from 1 to 1T, such as `5MB`");
    else
        k->w->max = size;
}

static void take_part(const struct wish *k, const struct config_node *n)
{
    static const char *const parts[] = {"types", "max"};
    str part = n->key->text;
    if (str_is(part, "types")) {
        take_types(k, n);
    } else if (str_is(part, "max")) {
        take_max(k, n);
    } else {
        const char *near = str_nearest(part, parts, COUNT_OF(parts));
        config__fault(k->l, config__place(k->l, n->key),
                      path_of(k, arena_str(&k->l->c->arena, str_upto(part, 60)).ptr),
                      "unknown key%s%s%s", near ? " (did you mean `" : "", near ? near : "",
                      near ? "`?)" : "");
    }
}

static void take_file(const struct wish *k, const struct config_node *n)
{
    size_t dot = str_rfind(k->name, '.');
    k->w->place = config__place(k->l, n->key);
    k->w->max = MAX_USUAL;
    if (dot == STR_NONE || dot == 0 || dot + 1 == k->name.len || k->name.len > NAME_MOST) {
        fault(k, n->key, NULL, "expected `TABLE.COLUMN`");
        return;
    }
    k->w->table = arena_str(&k->l->c->arena, str_upto(k->name, dot));
    k->w->column = str_from(k->name, dot + 1);
    if (n->kind != NODE_MAP && !empty(n))
        fault(k, n, NULL, "expected `{}`, `types:` or `max:`");
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next)
        take_part(k, n);
}

void config__files(struct config_load *l, const struct config_node *n)
{
    size_t count = 0;
    if (empty(n))
        return;
    if (n->kind != NODE_MAP) {
        config__fault(l, config__place(l, n), LIT("files"), "expected `TABLE.COLUMN:` lines");
        return;
    }
    for (const struct config_node *at = n->child; at; at = at->next)
        count++;
    struct schema_file_wish *list = ARENA_ARRAY(&l->c->arena, struct schema_file_wish, count);
    l->c->tables.files = list;
    for (n = n->child; n; n = n->next) {
        struct wish k = {l, &list[l->c->tables.file_count++], n->key->text};
        take_file(&k, n);
    }
}

str config_files_dir(const struct config *c, struct arena *a)
{
    return config__join(a, c->data_path, c->uploads_dir);
}

/* ---- the store ---- */

static bool good_text(str s, const char *more)
{
    bool fine = true;
    for (size_t i = 0; i < s.len; i++)
        fine = fine && (ascii_alpha(s.ptr[i]) || ascii_digit(s.ptr[i]) ||
                        (s.ptr[i] && strchr(more, s.ptr[i])));
    return fine;
}

static void s3_fault(struct config_load *l, int key, const char *what)
{
    config__fault(l, l->c->origin[key], str_of(config_keys[key].path), "%s", what);
}

void config__s3(struct config_load *l)
{
    const struct config *c = l->c;
    bool http = str_starts(c->s3_endpoint, LIT("http://"));
    str host = str_from(c->s3_endpoint, http ? 7 : 8);
    if (c->uploads_store != UPLOADS_S3)
        return;
    if (c->s3_endpoint.len && ((!http && !str_starts(c->s3_endpoint, LIT("https://"))) ||
                               !host.len || !good_text(host, ".-:[]")))
        s3_fault(l, CONFIG_KEY_s3_endpoint, "expected https://HOST or http://HOST:PORT");
    if (!c->s3_bucket.len || !good_text(c->s3_bucket, ".-"))
        s3_fault(l, CONFIG_KEY_s3_bucket, "expected the name of a bucket: uploads.store is s3");
    if (!good_text(c->s3_prefix, "._-/") || str_starts(c->s3_prefix, LIT("/")))
        s3_fault(l, CONFIG_KEY_s3_prefix, "expected letters, digits and ._-/, such as `shop/`");
    if (!c->s3_region.len || !good_text(c->s3_region, "-"))
        s3_fault(l, CONFIG_KEY_s3_region, "expected a region, such as `eu-central-1`");
    if (!c->s3_key.len || !good_text(c->s3_key, "._-/+="))
        s3_fault(l, CONFIG_KEY_s3_key, "expected the id of a key: uploads.store is s3");
    if (!c->s3_secret.len)
        s3_fault(l, CONFIG_KEY_s3_secret, "expected a key: uploads.store is s3");
}

void config_s3(const struct config *c, struct arena *a, struct files_s3 *out)
{
    str url = c->s3_endpoint, bucket = c->s3_bucket, prefix = c->s3_prefix;
    *out = (struct files_s3){.base = LIT("")};
    if (c->uploads_store != UPLOADS_S3)
        return;
    if (!url.len)
        url = arena_printf(a, "https://s3.%.*s.amazonaws.com", STR_ARG(c->s3_region));
    str host = str_from(url, str_starts(url, LIT("http://")) ? 7 : 8);
    str scheme = str_upto(url, url.len - host.len);
    *out = (struct files_s3){.region = c->s3_region,
                             .key = c->s3_key,
                             .secret = c->s3_secret,
                             .token = c->s3_token,
                             .timeout_ms = c->s3_timeout};
    out->base = c->s3_path_style ? arena_printf(a, "%.*s/%.*s/%.*s", STR_ARG(url), STR_ARG(bucket),
                                                STR_ARG(prefix))
                                 : arena_printf(a, "%.*s%.*s.%.*s/%.*s", STR_ARG(scheme),
                                                STR_ARG(bucket), STR_ARG(host), STR_ARG(prefix));
}
