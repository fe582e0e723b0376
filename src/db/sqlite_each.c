/* sqlite_each.c -- the values of a list as rows, for SQLite: SELECT value FROM cairn_each(?1), the
 * place bound to a V_ARRAY (keys of struct stmt). SPDX: Apache-2.0
 * As json_each over the same list, but nothing is written as JSON and read again: a page with
 * includes asks with twenty keys for every relation, and bytes and doubles stay what they are.
 * The list goes in by a pointer (sqlite3_bind_pointer), which no text of SQL can forge. No table of
 * ours may have this name: it would hide the function. */
#include "db/sqlite_priv.h"

#include <sqlite3.h>

static const char POINTER_KIND[] = "cairn_each";

enum { COLUMN_VALUE, COLUMN_LIST };

struct reader {
    sqlite3_vtab_cursor base;
    const struct value *list;
    uint32_t at;
};

static int connect(sqlite3 *h, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                   char **error)
{
    (void)aux;
    (void)argc;
    (void)argv;
    (void)error;
    *out = sqlite3_malloc64(sizeof **out);
    if (!*out)
        return SQLITE_NOMEM;
    **out = (sqlite3_vtab){0};
    return sqlite3_declare_vtab(h, "CREATE TABLE x (value, list HIDDEN)");
}

static int disconnect(sqlite3_vtab *t)
{
    sqlite3_free(t);
    return SQLITE_OK;
}

/* With the list it is cheap; without it, it is no table at all. */
static int best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
    (void)t;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        if (c->iColumn != COLUMN_LIST || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!c->usable)
            return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        info->idxNum = 1;
    }
    info->estimatedCost = 1;
    info->estimatedRows = 25;
    return SQLITE_OK;
}

static int begin(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
    (void)t;
    struct reader *r = sqlite3_malloc64(sizeof *r);
    if (!r)
        return SQLITE_NOMEM;
    *r = (struct reader){.list = NULL};
    *out = &r->base;
    return SQLITE_OK;
}

static int end(sqlite3_vtab_cursor *c)
{
    sqlite3_free(c);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *c, int index, const char *name, int count,
                  sqlite3_value **args)
{
    struct reader *r = (struct reader *)c;
    (void)index;
    (void)name;
    r->list = count ? sqlite3_value_pointer(args[0], POINTER_KIND) : NULL;
    r->at = 0;
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *c)
{
    ((struct reader *)c)->at++;
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *c)
{
    const struct reader *r = (const struct reader *)c;
    return !r->list || r->at >= r->list->count;
}

static int column(sqlite3_vtab_cursor *c, sqlite3_context *ctx, int which)
{
    const struct reader *r = (const struct reader *)c;
    const struct value *v = &r->list->items[r->at];
    const char *ptr = v->kind >= V_NUM && v->text.len ? v->text.ptr : "";
    if (which != COLUMN_VALUE)
        return SQLITE_OK;
    if (v->kind == V_INT)
        sqlite3_result_int64(ctx, v->i);
    else if (v->kind == V_FLOAT)
        sqlite3_result_double(ctx, v->f);
    else if (v->kind == V_TEXT || v->kind == V_NUM)
        sqlite3_result_text64(ctx, ptr, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
    else if (v->kind == V_BYTES)
        sqlite3_result_blob64(ctx, ptr, v->text.len, SQLITE_STATIC);
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *out)
{
    *out = ((const struct reader *)c)->at;
    return SQLITE_OK;
}

void sqlite__each(struct sqlite3 *handle)
{
    static const sqlite3_module module = {.xConnect = connect,
                                          .xBestIndex = best_index,
                                          .xDisconnect = disconnect,
                                          .xDestroy = disconnect,
                                          .xOpen = begin,
                                          .xClose = end,
                                          .xFilter = filter,
                                          .xNext = next,
                                          .xEof = at_end,
                                          .xColumn = column,
                                          .xRowid = rowid};
    sqlite3_create_module(handle, "cairn_each", &module, NULL);
}

int sqlite__bind_keys(struct sqlite3_stmt *s, int at, const struct value *list)
{
    return sqlite3_bind_pointer(s, at, (void *)(uintptr_t)list, POINTER_KIND, NULL);
}
