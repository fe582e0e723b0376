/* load.c -- the queries of a project: files, checks by the database, routes. SPDX: Apache-2.0
 * Invariant: a set is const once its routes are added, and shared by all workers. */
#include "query/query_priv.h"
#include "render/negotiate.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SET_MEMORY = 256 << 20, PATH_ROOM = 4096 };

/* ---- files ---- */

static int read_file(struct query_set *set, const char *path, str *out, struct err *err)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f)
        return fail(err, E_IO, "cannot read '%s': %s", path, strerror(errno));
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > QUERY__FILE_MOST) {
        fclose(f);
        return fail(err, E_CONFIG, "'%s' is no file of at most %d MiB", path,
                    QUERY__FILE_MOST >> 20);
    }
    char *text = arena_new(&set->arena, (size_t)st.st_size + 1);
    size_t len = fread(text, 1, (size_t)st.st_size, f);
    bool bad = ferror(f) != 0;
    fclose(f);
    *out = str_make(text, len);
    return bad ? fail(err, E_IO, "cannot read '%s'", path) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the .sql files of dir, sorted. */
static int list_files(struct query_set *set, DIR *dir, const char ***out, size_t *count,
                      struct err *err)
{
    const char **names = ARENA_ARRAY(&set->arena, const char *, QUERY__FILES_MOST);
    *count = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        str name = str_of(e->d_name);
        if (name.ptr[0] == '.' || !str_ends(name, LIT(".sql")))
            continue;
        if (*count == QUERY__FILES_MOST)
            return fail(err, E_CONFIG, "more than %d files in '%.*s'", QUERY__FILES_MOST,
                        STR_ARG(set->config.dir));
        names[(*count)++] = arena_str(&set->arena, name).ptr;
    }
    if (*count > 1)
        qsort(names, *count, sizeof *names, by_name);
    *out = names;
    return 0;
}

static int scan_files(struct query_set *set, struct err *err)
{
    const char **names = NULL;
    size_t count = 0;
    DIR *dir = opendir(set->config.dir.ptr);
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return fail(err, E_IO, "cannot read '%s': %s", set->config.dir.ptr, strerror(errno));
    int code = list_files(set, dir, &names, &count, err);
    closedir(dir);
    for (size_t i = 0; code == 0 && i < count; i++) {
        str text, path = arena_printf(&set->arena, "%s/%s", set->config.dir.ptr, names[i]);
        code = read_file(set, path.ptr, &text, err);
        if (code == 0)
            code = query__scan(set, path.ptr, text, err);
    }
    return code;
}

/* ---- a set ---- */

static str cache_header(struct query *q)
{
    if (!q->cache_s)
        return LIT("");
    return arena_printf(&q->set->arena, "%s, max-age=%llu",
                        !q->ruled && (q->open || !q->roles_told) ? "public" : "private",
                        (unsigned long long)q->cache_s);
}

static int complete(struct query_set *set, const struct schema *s, struct err *err)
{
    const struct ddl_relation *relations = query__relations(s, &set->arena);
    for (size_t i = 0; i < set->count; i++) {
        struct query *q = &set->list[i];
        q->what = q->description.len ? arena_printf(&set->arena, "query: %.*s",
                                                    STR_ARG(str_upto(q->description, 100)))
                                           .ptr
                                     : "query";
        q->cache = cache_header(q);
        map_set(&set->by_name, q->name, q);
        TRY(query__translate(q, s, relations, err));
    }
    return 0;
}

int query_load(const struct query_config *c, const struct schema *s, struct query_set **out,
               struct err *err)
{
    struct query_set *set = mem_zero(1, sizeof *set);
    set->config = *c;
    arena_init(&set->arena, SET_MEMORY);
    map_init(&set->by_name);
    set->config.dir = arena_str(&set->arena, c->dir);
    int code = scan_files(set, err);
    if (code == 0)
        code = complete(set, s, err);
    if (code < 0) {
        query_free(&set);
        return code;
    }
    *out = set;
    return 0;
}

void query_free(struct query_set **set)
{
    struct query_set *s = *set;
    *set = NULL;
    if (!s)
        return;
    map_fini(&s->by_name);
    arena_reset(&s->arena);
    mem_free(s);
}

size_t query_count(const struct query_set *set)
{
    return set->count;
}

size_t query_unguarded(const struct query_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += !set->list[i].roles_told && !set->list[i].ruled;
    return count;
}

int query_find(const struct query_set *set, str name, const struct query **out, struct err *err)
{
    *out = map_get(&set->by_name, name);
    if (*out)
        return 0;
    const char **names = mem_zero(set->count + 1, sizeof *names);
    for (size_t i = 0; i < set->count; i++)
        names[i] = set->list[i].name.ptr;
    const char *near = str_nearest(name, names, set->count);
    mem_free(names);
    return fail(err, E_INTERNAL, "there is no query '%.*s'%s%s%s", STR_ARG(str_upto(name, 60)),
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

bool query_writes(const struct query *q)
{
    return q->writes;
}

/* ---- the database's word ---- */

/* A read as a table of no rows, which tells its columns; a write is only planned. */
static int verify(struct query *q, query_ask *ask, void *ctx, struct err *err)
{
    struct query__at at = {q->sql_line, 1};
    struct arena scratch;
    struct rows rows = {0};
    struct err why = {0};
    struct stmt st = {.once = true, .bounded = true, .bind_count = q->param_count};
    arena_init(&scratch, 16 << 20);
    struct value *binds = ARENA_ARRAY(&scratch, struct value, q->param_count);
    for (size_t i = 0; i < q->param_count; i++)
        binds[i] = value_null();
    st.binds = binds;
    st.text = q->text;
    int code = query__ruled_verify(&scratch, q, &st, &why);
    st.text = q->writes
                  ? arena_printf(&scratch, "EXPLAIN %.*s", STR_ARG(st.text))
                  : arena_printf(&scratch, "SELECT * FROM (%.*s) AS q LIMIT 0", STR_ARG(st.text));
    if (code == 0)
        code = ask(ctx, &st, &scratch, &rows, &why);
    if (code < 0)
        query__refuse(q->file, at, err, "query '%.*s': %s", STR_ARG(str_upto(q->name, 60)),
                      why.text);
    else if (!q->writes)
        code = query__name_columns(q, rows.names, rows.cols, err);
    arena_reset(&scratch);
    return code < 0 ? E_CONFIG : 0;
}

int query_verify(struct query_set *set, query_ask *ask, void *ctx, struct err *err)
{
    for (size_t i = 0; i < set->count; i++)
        TRY(verify(&set->list[i], ask, ctx, err));
    return 0;
}

/* ---- routes ---- */

int query_routes(struct router *r, struct query_set *set, struct db *db, const str *prefixes,
                 size_t count, struct err *err)
{
    set->db = db;
    for (size_t i = 0; i < set->count * count; i++) {
        struct query *q = &set->list[i % set->count];
        str prefix = prefixes[i / set->count];
        struct endpoint e = {
            .run = query__run,
            .data = q,
            .pattern =
                arena_printf(&set->arena, "%.*s/q/%.*s", STR_ARG(prefix), STR_ARG(q->name)).ptr,
            .method = q->method,
            .what = q->what,
            .accepts = q->method == METHOD_POST ? FIELD_TYPES : NULL,
            .in_batch = true,
            .keyed = true};
        TRY(router_add(r, &e, err));
    }
    return 0;
}
