/* init.c -- cairn init: a project that starts at once. SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "base/clock.h"
#include "data/data.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { PATH_MOST = 3000 };

static const char config_text[] =
    "# The settings of this project. Everything has a default: `cairn config example` shows all,\n"
    "# `cairn check` finds mistakes.\n"
    "name: %s\n"
    "\n"
    "server:\n"
    "  listen: 127.0.0.1:8080\n";

static const char migration_text[] =
    "-- migrate:up\n"
    "-- PostgreSQL's DDL; on SQLite it is translated. Every table becomes a resource: /v1/notes.\n"
    "\n"
    "CREATE TABLE notes (\n"
    "    id BIGSERIAL PRIMARY KEY,\n"
    "    title VARCHAR(200) NOT NULL CHECK (length(title) > 0),\n"
    "    body TEXT,\n"
    "    done BOOLEAN NOT NULL DEFAULT FALSE,\n"
    "    created_at TIMESTAMPTZ NOT NULL DEFAULT now()\n"
    ");\n"
    "\n"
    "-- migrate:down\n"
    "\n"
    "DROP TABLE notes;\n";

static const char readme_text[] =
    "# %s\n"
    "\n"
    "    cairn serve\n"
    "\n"
    "    curl -X POST http://127.0.0.1:8080/v1/notes \\\n"
    "        -H 'Content-Type: application/json' -d '{\"title\":\"first\"}'\n"
    "    curl http://127.0.0.1:8080/v1/notes\n"
    "\n"
    "- `cairn.yaml`: settings (`cairn config example` shows all of them)\n"
    "- `migrations/`: the tables; `cairn migrate new NAME` begins the next step\n"
    "- `data/`: the database, made at the first start; not for version control\n"
    "- `cairn routes` lists what is served\n";

static const char ignore_text[] = "/data/\n";

static int put(const char *dir, const char *name, str text, struct err *err)
{
    char path[PATH_MOST + 200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wxe");
    if (!f)
        return fail(err, E_IO, "cannot make '%s': %s", path, strerror(errno));
    bool ok = fwrite(text.ptr, 1, text.len, f) == text.len;
    ok = fclose(f) == 0 && ok;
    return ok ? 0 : fail(err, E_IO, "cannot write '%s'", path);
}

static int put_with(const char *dir, const char *name, const char *text, str title, struct err *err)
{
    struct buf b;
    const char *place = strstr(text, "%s");
    buf_init(&b, 1 << 16);
    buf_add(&b, text, (size_t)(place - text));
    buf_str(&b, title);
    buf_str(&b, str_of(place + 2));
    int code = put(dir, name, buf_view(&b), err);
    buf_fini(&b);
    return code;
}

/* migrations/20260102030405_first.sql */
static int put_migration(const char *dir, struct err *err)
{
    char path[PATH_MOST + 20], name[64] = "migrations/", now[CLOCK_RFC3339_MAX];
    size_t len = strlen(name);
    snprintf(path, sizeof path, "%s/migrations", dir);
    if (mkdir(path, 0777) < 0)
        return fail(err, E_IO, "cannot make '%s': %s", path, strerror(errno));
    clock_rfc3339(clock_wall_us(), now);
    for (size_t i = 0; i < 19; i++) /* up to the seconds */
        if (ascii_digit(now[i]))
            name[len++] = now[i];
    snprintf(name + len, sizeof name - len, "_first.sql");
    return put(dir, name, str_of(migration_text), err);
}

static bool is_empty(const char *dir)
{
    size_t count = 0;
    DIR *d = opendir(dir);
    if (!d)
        return false;
    while (readdir(d))
        count++;
    closedir(d);
    return count == 2;
}

static int make(const char *dir, str name, struct err *err)
{
    struct buf quoted;
    if (mkdir(dir, 0777) < 0 && !(errno == EEXIST && is_empty(dir)))
        return fail(err, E_IO, "cannot make '%s': %s", dir,
                    errno == EEXIST ? "it is there already, and not empty" : strerror(errno));
    buf_init(&quoted, 4096);
    json_text(&quoted, name); /* a YAML text too */
    int code = put_with(dir, "cairn.yaml", config_text, buf_view(&quoted), err);
    buf_fini(&quoted);
    TRY(code);
    TRY(put_migration(dir, err));
    TRY(put_with(dir, "README.md", readme_text, name, err));
    return put(dir, ".gitignore", str_of(ignore_text), err);
}

/* Letters, digits, `.`, `_`, `-`: goes into a file name, YAML and Markdown as it is. */
static bool good_name(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_alpha(name.ptr[i]) && !ascii_digit(name.ptr[i]) &&
            !(i > 0 && strchr("._-", name.ptr[i])))
            return false;
    return name.len > 0 && name.len <= 100;
}

int cli_init(struct cli *c)
{
    char dir[PATH_MOST];
    struct err err = {0};
    int code = cli_expect(c, 1, 1);
    if (code)
        return code;
    str path = str_of(c->args[0]);
    while (path.len > 1 && str_ends(path, LIT("/")))
        path.len--;
    size_t slash = str_rfind(path, '/');
    str name = slash == STR_NONE ? path : str_from(path, slash + 1);
    if (!good_name(name))
        return cli_usage(c, "'%.100s': a name has letters, digits, `.`, `_` and `-`", c->args[0]);
    bool here = strcmp(c->dir, ".") == 0 || str_starts(path, LIT("/"));
    int len =
        snprintf(dir, sizeof dir, "%s%s%.*s", here ? "" : c->dir, here ? "" : "/", STR_ARG(path));
    if (len < 0 || (size_t)len >= sizeof dir)
        return cli_usage(c, "the path is too long");
    if (make(dir, name, &err) < 0)
        return cli_error(&err);
    printf("made %s; next:\n\n    cairn -C %s serve\n    curl http://127.0.0.1:8080/v1/notes\n",
           dir, dir);
    return CLI_OK;
}
