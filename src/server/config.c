/* config.c -- the project's settings, from all their places to one const struct. SPDX: Apache-2.0
 * Invariants: (1) faults are collected, not returned one by one: a later step runs though an
 * earlier one found some. (2) Everything lives in the arena of the config, the words of a failure
 * too. */
#include "server/config_priv.h"

#include "base/mem.h"
#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- faults ---- */

/* Text of the file ends up in messages: nothing in it may steer a terminal. */
static void tame(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static struct err_item *note(struct config_load *l, struct err_item **list, size_t *count)
{
    if (!*list)
        *list = ARENA_ARRAY(&l->c->arena, struct err_item, CONFIG_FAULTS_MOST);
    return (*count)++ < CONFIG_FAULTS_MOST ? &(*list)[*count - 1] : NULL;
}

static void fill(struct config_load *l, struct err_item *item, str place, str key, const char *text)
{
    str copy = arena_printf(&l->c->arena, "%s", text);
    str name = arena_printf(&l->c->arena, "%.*s", STR_ARG(str_upto(key, 160)));
    tame((char *)(uintptr_t)copy.ptr);
    tame((char *)(uintptr_t)name.ptr);
    *item =
        (struct err_item){.field = name, .pointer = place, .code = LIT("config"), .message = copy};
}

void config__fault(struct config_load *l, str place, str key, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    struct err_item *item = note(l, &l->faults, &l->fault_count);
    if (!item)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fill(l, item, place, key, text);
}

void config__warn(struct config_load *l, str place, str key, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    struct err_item *item = note(l, &l->warnings, &l->warning_count);
    if (!item)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fill(l, item, place, key, text);
}

str config__place(struct config_load *l, const struct config_node *n)
{
    return arena_printf(&l->c->arena, "%.*s:%u:%u", STR_ARG(l->c->file), n->line, n->column);
}

static void put_fault(struct buf *out, const struct err_item *item)
{
    if (item->pointer.len)
        buf_printf(out, "%.*s: ", STR_ARG(item->pointer));
    if (item->field.len)
        buf_printf(out, "%.*s: ", STR_ARG(item->field));
    buf_str(out, item->message);
}

void config_faults(const struct err *err, struct buf *out)
{
    for (size_t i = 0; i < err->item_count; i++) {
        put_fault(out, &err->items[i]);
        buf_char(out, '\n');
    }
    if (err->item_count == 0)
        buf_printf(out, "%s\n", err->text);
    if (err->item_count == CONFIG_FAULTS_MOST)
        buf_lit(out, "(more may follow: the first 20 are shown)\n");
}

/* ---- files ---- */

str config__join(struct arena *a, str dir, str path)
{
    if (str_starts(path, LIT("/")) || dir.len == 0 || str_is(dir, "."))
        return arena_str(a, path);
    return arena_printf(a, "%.*s%s%.*s", STR_ARG(dir), str_ends(dir, LIT("/")) ? "" : "/",
                        STR_ARG(path));
}

static int read_all(int fd, struct arena *a, size_t size, str *out)
{
    char *text = arena_new(a, size + 1);
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    text[len] = 0;
    *out = str_make(text, len);
    return 0;
}

int config__read(struct arena *a, str path, size_t most, str *out, unsigned *mode, struct err *err)
{
    struct stat st;
    int code = 0;
    str zero = arena_str(a, path);
    /* O_NONBLOCK: a FIFO in its place is refused below instead of stopping us here. */
    int fd = open(zero.ptr, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(err, errno == ENOENT ? E_NOTFOUND : E_IO, "cannot read '%s': %s", zero.ptr,
                    strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        code = fail(err, E_IO, "cannot read '%s': not a regular file", zero.ptr);
    else if ((uint64_t)st.st_size > most)
        code = fail(err, E_TOOBIG, "'%s' is larger than %zu bytes", zero.ptr, most);
    else if (read_all(fd, a, (size_t)st.st_size, out) < 0)
        code = fail(err, E_IO, "cannot read '%s': %s", zero.ptr, strerror(errno));
    if (mode)
        *mode = st.st_mode;
    close(fd);
    return code;
}

/* ---- the tree to values ---- */

static bool no_value(const struct config_node *n)
{
    return n->kind == NODE_SCALAR && n->plain &&
           (n->text.len == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

static void take_value(struct config_load *l, const struct config_key *k,
                       const struct config_node *n)
{
    str place = config__place(l, n), key = str_of(k->path), text;
    if (n->kind != NODE_SCALAR)
        config__fault(l, place, key, "expected a value, not a %s",
                      n->kind == NODE_MAP ? "section" : "list");
    else if (no_value(n))
        config__fault(l, place, key, "has no value (the default is `%.*s`)",
                      STR_ARG(config__default(k)));
    else if (k->type == CONFIG_SECRET ? config__secret(l, k, n->text, place, true, &text)
                                      : config__expand(l, place, key, n->text, &text))
        config__set(l, k, text, place);
}

/* A list as one text: its items with commas between them. */
static bool join_list(struct config_load *l, const struct config_node *n, str key, str *out)
{
    struct buf b;
    bool good = true;
    buf_init(&b, CONFIG_TEXT_MOST);
    for (n = n->child; n && good; n = n->next) {
        str item = {"", 0};
        good =
            n->kind == NODE_SCALAR && config__expand(l, config__place(l, n), key, n->text, &item);
        if (good && (str_find(item, ',') != STR_NONE || !item.len)) {
            config__fault(l, config__place(l, n), key, "an item is not empty and has no comma");
            good = false;
        }
        buf_str(&b, b.len ? LIT(", ") : LIT(""));
        buf_str(&b, item);
    }
    *out = arena_str(&l->c->arena, buf_view(&b));
    buf_fini(&b);
    return good;
}

static void take_list(struct config_load *l, const struct config_key *k,
                      const struct config_node *n)
{
    size_t before = l->fault_count;
    str text;
    if (join_list(l, n, str_of(k->path), &text))
        config__set(l, k, text, config__place(l, n));
    else if (l->fault_count == before)
        config__fault(l, config__place(l, n), str_of(k->path), "expected a list of texts");
}

/* Sections that need other values first, or NULL. */
static const struct config_node **later(struct config_load *l, str path)
{
    if (str_is(path, "limits"))
        return &l->limits;
    if (str_is(path, "rate_limit.clients"))
        return &l->clients;
    if (str_is(path, "cache_control"))
        return &l->caches;
    if (str_is(path, "versions"))
        return &l->versions;
    if (str_is(path, "auth.issuers"))
        return &l->issuers;
    if (str_is(path, "oauth.clients"))
        return &l->oauth_clients;
    if (str_is(path, "oauth.scopes"))
        return &l->oauth_scopes;
    if (str_is(path, "auth.providers"))
        return &l->providers;
    return str_is(path, "cors.routes") ? &l->cors_routes : NULL;
}

static void unknown(struct config_load *l, str place, str path)
{
    const char *near = config__nearest(&l->c->arena, str_upto(path, 160));
    config__fault(l, place, path, "unknown key%s%s%s", near ? " (did you mean `" : "",
                  near ? near : "", near ? "`?)" : "");
}

static void take_map(struct config_load *l, const struct config_node *map, str prefix)
{
    for (const struct config_node *n = map->child; n; n = n->next) {
        str path = n->key->text;
        if (prefix.len)
            path = arena_printf(&l->c->arena, "%.*s.%.*s", STR_ARG(prefix),
                                STR_ARG(str_upto(path, 160)));
        const struct config_key *k = config__key(path);
        const struct config_node **wait = later(l, path);
        if (wait && str_find(n->key->text, '.') == STR_NONE)
            *wait = n;
        else if (k && k->type == CONFIG_LIST && n->kind == NODE_LIST)
            take_list(l, k, n);
        else if (k && str_find(n->key->text, '.') == STR_NONE)
            take_value(l, k, n);
        else if (str_is(path, "tables"))
            config__tables(l, n);
        else if (str_is(path, "collections"))
            config__collections(l, n);
        else if (str_is(path, "files"))
            config__files(l, n);
        else if (str_is(path, "roles"))
            config__roles(l, n);
        else if (str_is(path, "access"))
            config__access(l, n);
        else if (k || !config__section(path))
            unknown(l, config__place(l, n->key), path);
        else if (n->kind == NODE_MAP)
            take_map(l, n, path);
        else if (!no_value(n))
            config__fault(l, config__place(l, n), path, "expected a section with keys below it");
    }
}

static void take_file(struct config_load *l)
{
    struct config *c = l->c;
    struct config_node *root;
    struct err err = {0};
    str text = {NULL, 0};
    str path = config__join(&c->arena, c->dir, LIT("cairn.yaml"));
    int code = config__read(&c->arena, path, CONFIG_FILE_MOST, &text, NULL, &err);
    if (code == E_NOTFOUND)
        return;
    c->file = path;
    if (code < 0)
        config__fault(l, LIT(""), LIT(""), "%s", err.text);
    else if (config__yaml(l, text, &root) && root) {
        if (root->kind == NODE_MAP)
            take_map(l, root, LIT(""));
        else if (!no_value(root))
            config__fault(l, config__place(l, root), LIT(""),
                          "expected keys such as `server:`, each with a colon and a blank");
    }
}

/* ---- the other places ---- */

static void take_defaults(struct config_load *l)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        bool ok = config__set(l, &config_keys[i], config__default(&config_keys[i]), LIT("default"));
        BUG_ON(!ok); /* config.def contradicts itself */
    }
}

static void take_override(struct config_load *l, const struct config_override *over)
{
    const struct config_key *k = config__key(over->key);
    str place = arena_printf(&l->c->arena, "--set %.*s", STR_ARG(str_upto(over->key, 160)));
    str text = over->value;
    if (!k) {
        unknown(l, LIT("--set"), over->key);
        return;
    }
    if (over->value.len > CONFIG_TEXT_MOST || memchr(over->value.ptr, 0, over->value.len))
        config__fault(l, place, over->key, "longer than 64 KB, or with a NUL character");
    else if (k->type != CONFIG_SECRET || config__secret(l, k, over->value, place, false, &text))
        config__set(l, k, text, place);
}

static int finish(struct config_load *l, struct err *err)
{
    struct config *c = l->c;
    c->warnings = l->warnings;
    c->warning_count =
        l->warning_count < CONFIG_FAULTS_MOST ? l->warning_count : CONFIG_FAULTS_MOST;
    c->faults = l->faults;
    c->fault_count = l->fault_count < CONFIG_FAULTS_MOST ? l->fault_count : CONFIG_FAULTS_MOST;
    if (l->fault_count == 0)
        return 0;
    struct buf first;
    buf_init(&first, sizeof err->text);
    put_fault(&first, &l->faults[0]);
    fail(err, E_CONFIG, "%.*s", STR_ARG(buf_view(&first)));
    buf_fini(&first);
    err->items = c->faults;
    err->item_count = c->fault_count;
    return E_CONFIG;
}

int config_load(const char *dir, const struct config_override *over, size_t count,
                struct config **out, struct err *err)
{
    struct config *c = mem_zero(1, sizeof *c);
    struct config_load l = {.c = c};
    struct stat st;
    *out = c;
    arena_init(&c->arena, CONFIG_ARENA);
    c->dir = arena_str(&c->arena, str_of(dir));
    take_defaults(&l);
    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
        return fail(err, E_IO, "'%s' is not a directory", dir);
    }
    take_file(&l);
    config__env(&l);
    for (size_t i = 0; i < count; i++)
        take_override(&l, &over[i]);
    c->data_path = config__join(&c->arena, c->dir, c->data_dir);
    c->migrations_path = config__join(&c->arena, c->dir, c->migrations);
    c->queries_path = config__join(&c->arena, c->dir, c->queries_dir);
    c->mail_path = config__join(&c->arena, c->dir, c->mail_templates);
    c->tables.only_named = c->expose == EXPOSE_NONE;
    c->tables.put_creates = (enum put_creates)c->put_creates;
    c->tables.no_aggregates = !c->aggregates;
    c->access_given |= c->auth_role_table.len != 0;
    config__locales(&l);
    config__check(&l);
    return finish(&l, err);
}

void config_free(struct config **c)
{
    if (*c) {
        arena_reset(&(*c)->arena);
        mem_free(*c);
    }
    *c = NULL;
}

/* ---- for others ---- */

void config_redis(const struct config *c, struct redis_config *out)
{
    *out = (struct redis_config){.url = c->redis_url,
                                 .user = c->redis_user,
                                 .password = c->redis_password,
                                 .prefix = c->redis_prefix,
                                 .timeout_ms = (unsigned)c->redis_timeout,
                                 .connect_ms = (unsigned)c->redis_connect,
                                 .queue = (unsigned)c->redis_queue};
}

void config_db(const struct config *c, struct db_config *out)
{
    *out = (struct db_config){.url = c->database_url,
                              .password = c->database_password,
                              .data_dir = c->data_path,
                              .statement_timeout_ms = (unsigned)c->statement_timeout,
                              .tx_timeout_ms = (unsigned)c->tx_timeout,
                              .tx_retries = (unsigned)c->tx_retries,
                              .isolation = config_isolation(c),
                              .write_queue = (unsigned)c->write_queue,
                              .statement_memory = c->statement_memory,
                              .group_most = (unsigned)c->group_most,
                              .scan_threads = (unsigned)c->scan_threads,
                              .scan_queue = (unsigned)c->scan_queue,
                              .statements = (unsigned)c->statements,
                              .cache_kib = (unsigned)(c->db_cache / 1024),
                              .mmap_bytes = c->db_mmap,
                              .workers = (unsigned)c->workers,
                              .pool_size = (unsigned)c->pool_size,
                              .pool_least = (unsigned)c->pool_minimum,
                              .pool_queue = (unsigned)c->pool_queue,
                              .pool_wait_ms = (unsigned)c->pool_wait,
                              .pool_idle_ms = (unsigned)c->pool_idle,
                              .pool_lifetime_ms = (unsigned)c->pool_lifetime,
                              .pool_check_ms = (unsigned)c->pool_check,
                              .pool_leak_ms = (unsigned)c->pool_leak,
                              .prepared = c->prepared};
}

enum db_isolation config_isolation(const struct config *c)
{
    return (enum db_isolation)(DB_READ_COMMITTED + c->isolation); /* the words' order is db.h's */
}

enum dialect config_dialect(const struct config *c)
{
    struct db_config db = {.url = c->database_url};
    return db_engine(&db) == DB_POSTGRES ? DIALECT_POSTGRES : DIALECT_SQLITE;
}

size_t config_frozen(const struct config *now, const struct config *next,
                     const struct config_key *list[CONFIG_KEYS])
{
    size_t count = 0;
    struct buf a, b;
    buf_init(&a, CONFIG_TEXT_MOST);
    buf_init(&b, CONFIG_TEXT_MOST);
    for (const struct config_key *k = config_keys; k < config_keys + CONFIG_KEYS; k++) {
        bool same;
        buf_clear(&a);
        buf_clear(&b);
        if (k->type == CONFIG_SECRET) { /* config__put hides it */
            same = str_eq(*(const str *)(const void *)((const char *)now + k->offset),
                          *(const str *)(const void *)((const char *)next + k->offset));
        } else {
            config__put(&a, k, now);
            config__put(&b, k, next);
            same = str_eq(buf_view(&a), buf_view(&b));
        }
        if (!same && !k->reload)
            list[count++] = k;
    }
    buf_fini(&a);
    buf_fini(&b);
    return count;
}
