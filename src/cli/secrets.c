/* secrets.c -- cairn secrets check: secrets that stand in the files of the project. It reads what
 * git would take, by the project's .gitignore files, and leaves out the data directory; a find is
 * shown by its kind and place, never itself. SPDX: Apache-2.0 */
#include "cli/cli.h"
#include "cli/scan.h"

#include "base/mem.h"
#include "server/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEPTH_MOST = 32,
    FILES_MOST = 100000,
    FILE_MOST = 1 << 20,
    PATH_ROOM = 4096,
    IGNORE_MOST = 1 << 16
};

struct walk {
    size_t files, finds, left_out;
    dev_t data_device; /* the data directory: of this machine, not of the project */
    ino_t data_inode;
    struct folder *innermost;
};

struct folder {
    struct folder *above;
    char path[PATH_ROOM]; /* "." or below it */
    str ignore;           /* its .gitignore; ptr NULL: none */
};

/* The file whole, in memory that the caller frees; ptr NULL: not there, too long, or not a file. */
static str read_file(const char *path, size_t most)
{
    struct stat st;
    str out = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return out;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= most) {
        char *text = mem_new((size_t)st.st_size + 1);
        ssize_t n = read(fd, text, (size_t)st.st_size);
        out = str_make(text, n > 0 ? (size_t)n : 0);
    }
    close(fd);
    return out;
}

/* ---- one file ---- */

static bool settings_file(const char *name)
{
    static const char *const ends[] = {".yaml", ".yml", ".env",        ".json", ".toml", ".ini",
                                       ".conf", ".cfg", ".properties", ".sh",   ".envrc"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        if (str_ends(str_of(name), str_of(ends[i])))
            return true;
    }
    return strncmp(name, ".env", 4) == 0;
}

static void tell(struct walk *w, const char *path, size_t line, const struct scan_hit *h)
{
    w->finds++;
    printf("%s:%zu:%zu: %s, %zu characters\n", path, line, h->at + 1, h->kind, h->len);
}

static void scan_file(struct walk *w, const char *path, const char *name)
{
    str text = read_file(path, FILE_MOST);
    struct scan_hit h;
    size_t line = 0;
    if (!text.ptr) {
        w->left_out++;
        return;
    }
    w->files++;
    if (strcmp(name, "auth.keys") == 0 || strcmp(name, "cursor.key") == 0) {
        h = (struct scan_hit){"a file of keys: keep it out of the project", 0, text.len};
        tell(w, path, 1, &h);
    } else if (!memchr(text.ptr, 0, text.len < 8192 ? text.len : 8192)) {
        for (str rest = text; rest.ptr;) {
            line++;
            if (scan_line(str_cut(&rest, '\n'), settings_file(name), &h))
                tell(w, path, line, &h);
        }
    }
    mem_free((void *)(uintptr_t)text.ptr);
}

/* ---- folders ---- */

/* The innermost .gitignore that speaks of the path decides. */
static bool ignored(const struct walk *w, const char *path, bool directory)
{
    for (const struct folder *f = w->innermost; f; f = f->above) {
        int verdict =
            f->ignore.ptr ? scan_ignored(f->ignore, path + strlen(f->path) + 1, directory) : -1;
        if (verdict >= 0)
            return verdict;
    }
    return false;
}

static bool never(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
           strcmp(name, "node_modules") == 0;
}

static void walk_folder(struct walk *w, const char *path, int depth);

static void visit(struct walk *w, const char *folder, const char *name, int depth)
{
    char path[PATH_ROOM];
    struct stat st;
    if (never(name))
        return;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path ||
        lstat(path, &st) < 0 || w->files >= FILES_MOST) {
        w->left_out++;
        return;
    }
    bool directory = S_ISDIR(st.st_mode);
    if (ignored(w, path, directory) ||
        (directory && st.st_dev == w->data_device && st.st_ino == w->data_inode))
        return;
    if (directory && depth < DEPTH_MOST)
        walk_folder(w, path, depth + 1);
    else if (S_ISREG(st.st_mode))
        scan_file(w, path, name);
    else if (directory)
        w->left_out++;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk_folder(struct walk *w, const char *path, int depth)
{
    struct folder *f = mem_zero(1, sizeof *f);
    struct dirent **list;
    char ignore[PATH_ROOM + 16];
    int count = scandir(path, &list, NULL, by_name);
    snprintf(f->path, sizeof f->path, "%s", path);
    snprintf(ignore, sizeof ignore, "%s/.gitignore", path);
    f->ignore = read_file(ignore, IGNORE_MOST);
    f->above = w->innermost;
    w->innermost = f;
    if (count < 0)
        w->left_out++;
    for (int i = 0; i < count; i++)
        visit(w, path, list[i]->d_name, depth);
    for (int i = 0; i < count; i++)
        mem_free(list[i]);
    if (count >= 0)
        mem_free(list);
    w->innermost = f->above;
    mem_free((void *)(uintptr_t)f->ignore.ptr);
    mem_free(f);
}

/* ---- the command ---- */

/* Where the data is. Settings that do not load (a variable that is not set here) tell nothing. */
static void leave_out_data(struct cli *c, struct walk *w)
{
    struct config *config = NULL;
    struct err err = {0};
    struct stat st;
    if (config_load(c->dir, c->over, c->over_count, &config, &err) == 0 &&
        stat(arena_str(&config->arena, config->data_path).ptr, &st) == 0) {
        w->data_device = st.st_dev;
        w->data_inode = st.st_ino;
    }
    config_free(&config);
}

static int check(struct cli *c)
{
    struct walk w = {0};
    leave_out_data(c, &w);
    if (chdir(c->dir) < 0)
        return cli_fail("cannot enter '%s': %s", c->dir, strerror(errno));
    walk_folder(&w, ".", 0);
    fprintf(stderr, "%zu files read, %zu left out: %zu secrets\n", w.files, w.left_out, w.finds);
    return w.finds ? CLI_FAILED : CLI_OK;
}

int cli_secrets(struct cli *c)
{
    int code = cli_expect(c, 1, 1);
    if (code != CLI_OK)
        return code;
    if (strcmp(c->args[0], "check") != 0)
        return cli_usage(c, "'%.60s' is no action: check", c->args[0]);
    return check(c);
}
