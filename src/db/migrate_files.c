/* migrate_files.c -- migration files: names, sections, checksums. SPDX: Apache-2.0
 * dbmate's rules: the version is the leading digits of the name; "-- migrate:up" and
 * "-- migrate:down" stand on lines of their own; before the first there are comments only. Its
 * option transaction:false is taken and not needed: in SQLite everything is undone by a rollback.
 */
#include "db/migrate_priv.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"

struct migration *migrate__add(struct migrate *m)
{
    if (m->count == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 64;
        struct migration *list = ARENA_ARRAY(&m->arena, struct migration, cap);
        if (m->count)
            memcpy(list, m->list, m->count * sizeof *list);
        m->list = list;
        m->cap = cap;
    }
    m->list[m->count] = (struct migration){0};
    return &m->list[m->count++];
}

struct migration *migrate__find(struct migrate *m, str version)
{
    for (size_t i = 0; i < m->count; i++)
        if (str_eq(m->list[i].version, version))
            return &m->list[i];
    return NULL;
}

/* By number: a longer run of digits is a later version, when it has no leading zeros. */
static int by_version(const void *a, const void *b)
{
    str x = ((const struct migration *)a)->version, y = ((const struct migration *)b)->version;
    return str_cmp(x, y);
}

void migrate__sort(struct migrate *m)
{
    if (m->count > 1)
        qsort(m->list, m->count, sizeof *m->list, by_version);
}

/* ---- one file ---- */

static int read_file(struct migrate *m, str path, str *out, struct err *err)
{
    struct stat st;
    FILE *f = fopen(path.ptr, "rb");
    if (!f)
        return fail(err, E_IO, "cannot read '%s': %s", path.ptr, strerror(errno));
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MIGRATE__FILE_MOST) {
        fclose(f);
        return fail(err, E_CONFIG, "'%s' is no file of at most %d MiB", path.ptr,
                    MIGRATE__FILE_MOST >> 20);
    }
    char *text = arena_new(&m->arena, (size_t)st.st_size + 1);
    size_t len = fread(text, 1, (size_t)st.st_size, f);
    bool bad = ferror(f) != 0;
    fclose(f);
    if (bad)
        return fail(err, E_IO, "cannot read '%s'", path.ptr);
    *out = str_make(text, len);
    return 0;
}

static str checksum(struct migrate *m, str text)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char *hex = arena_new(&m->arena, sizeof hash * 2 + 1);
    crypto_hash_sha256(hash, (const unsigned char *)text.ptr, text.len);
    sodium_bin2hex(hex, sizeof hash * 2 + 1, hash, sizeof hash);
    return str_make(hex, sizeof hash * 2);
}

/* Is this line "-- migrate:WORD", with options behind it? */
static bool is_mark(str line, str word)
{
    if (!str_starts(line, LIT("--")))
        return false;
    line = str_trim(str_from(line, 2));
    if (!str_starts(line, LIT("migrate:")) || !str_starts(str_from(line, 8), word))
        return false;
    str rest = str_from(line, 8 + word.len);
    return rest.len == 0 || rest.ptr[0] == ' ' || rest.ptr[0] == '\t' || rest.ptr[0] == '\r';
}

static bool says_nothing(str line)
{
    while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' '))
        line.len--;
    line = str_trim(line);
    return line.len == 0 || str_starts(line, LIT("--"));
}

/* Cuts text into the two sections. */
static int sections(struct migration *x, str text, struct err *err)
{
    str rest = text, *open = NULL;
    if (str_starts(rest, LIT("\xef\xbb\xbf")))
        rest = str_from(rest, 3);
    for (unsigned line_number = 1; rest.ptr; line_number++) {
        const char *at = rest.ptr;
        str line = str_cut(&rest, '\n');
        bool up = is_mark(line, LIT("up")), down = is_mark(line, LIT("down"));
        if ((up && x->up_line) || (down && (x->down_line || !x->up_line)))
            return fail(err, E_CONFIG,
                        "%s:%u: one '-- migrate:up' first, then at most one "
                        "'-- migrate:down'",
                        x->path.ptr, line_number);
        if (!up && !down && !open && !says_nothing(line))
            return fail(err, E_CONFIG,
                        "%s:%u: this is before '-- migrate:up'; put that line "
                        "first",
                        x->path.ptr, line_number);
        if (!up && !down)
            continue;
        if (open)
            open->len = (size_t)(at - open->ptr);
        open = up ? &x->up : &x->down;
        *open = rest.ptr ? rest : LIT("");
        *(up ? &x->up_line : &x->down_line) = line_number + 1;
    }
    if (!x->up_line)
        return fail(err, E_CONFIG, "%s:1: the line '-- migrate:up' is missing", x->path.ptr);
    return 0;
}

/* ---- the directory ---- */

static int check_name(str name, str *version, struct err *err)
{
    size_t digits = 0;
    while (digits < name.len && ascii_digit(name.ptr[digits]))
        digits++;
    bool good = digits >= 1 && digits <= 64 && digits < name.len && name.ptr[digits] == '_' &&
                name.len < 200;
    *version = str_upto(name, digits);
    if (good)
        return 0;
    return fail(err, E_CONFIG,
                "migration '%.*s' has no name of the form "
                "20260131120000_what_it_does.sql; rename it (`cairn migrate new` makes one)",
                STR_ARG(str_upto(name, 100)));
}

static int take_file(struct migrate *m, const char *file, struct err *err)
{
    str name = str_of(file), version = {0}, text = {0};
    if (!str_ends(name, LIT(".sql")) || file[0] == '.')
        return 0;
    TRY(check_name(name, &version, err));
    struct migration *twin = migrate__find(m, version);
    if (twin)
        return fail(err, E_CONFIG, "migrations '%.*s' and '%s' have the same version; rename one",
                    STR_ARG(twin->name), file);
    if (m->count >= MIGRATE__FILES_MOST)
        return fail(err, E_CONFIG, "more than %d migrations", MIGRATE__FILES_MOST);
    struct migration *x = migrate__add(m);
    x->name = arena_str(&m->arena, str_upto(name, name.len - 4));
    x->version = str_upto(x->name, version.len);
    x->path = arena_printf(&m->arena, "%.*s/%s", STR_ARG(m->dir), file);
    TRY(read_file(m, x->path, &text, err));
    x->checksum = checksum(m, text);
    return sections(x, text, err);
}

int migrate__read_dir(struct migrate *m, struct err *err)
{
    int code = 0;
    DIR *d = opendir(m->dir.ptr);
    if (!d && errno == ENOENT)
        return 0;
    if (!d)
        return fail(err, E_IO, "cannot read directory '%s': %s", m->dir.ptr, strerror(errno));
    for (struct dirent *e = readdir(d); e && code == 0; e = readdir(d))
        code = take_file(m, e->d_name, err);
    closedir(d);
    migrate__sort(m);
    return code;
}

/* ---- a new file ---- */

/* "Add colors!" -> add_colors */
static str tidy(struct arena *a, str name)
{
    char *out = arena_new(a, name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < 100; i++) {
        char c = ascii_lower(name.ptr[i]);
        if (ascii_digit(c) || ascii_alpha(c))
            out[len++] = c;
        else if (len && out[len - 1] != '_')
            out[len++] = '_';
    }
    while (len && out[len - 1] == '_')
        len--;
    return str_make(out, len);
}

/* A file of dir has this version. */
static bool taken(const char *dir, str version)
{
    bool found = false;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = str_starts(str_of(e->d_name), version);
    if (d)
        closedir(d);
    return found;
}

static str stamp(struct arena *a, int64_t wall_us)
{
    char now[CLOCK_RFC3339_MAX], *out = arena_new(a, 16);
    size_t len = clock_rfc3339(wall_us, now), used = 0;
    for (size_t i = 0; i < len && used < 14; i++)
        if (ascii_digit(now[i]))
            out[used++] = now[i];
    return str_make(out, used);
}

/* Now, or the next second that no migration has: two made by one script stay in their order. */
static str next_version(struct arena *a, const char *dir)
{
    int64_t at = clock_wall_us();
    str version = stamp(a, at);
    while (taken(dir, version))
        version = stamp(a, at += 1000000);
    return version;
}

int migrate_new(struct arena *a, str dir, str name, str *path, struct err *err)
{
    static const char text[] = "-- migrate:up\n\n\n-- migrate:down\n\n";
    str clean = tidy(a, name), directory = arena_str(a, dir);
    if (!clean.len)
        return fail(err, E_BAD,
                    "'%.*s' is no name for a migration; say what it does, like "
                    "add_colors",
                    STR_ARG(str_upto(name, 60)));
    if (mkdir(directory.ptr, 0777) != 0 && errno != EEXIST)
        return fail(err, E_IO, "cannot make directory '%s': %s", directory.ptr, strerror(errno));
    str version = next_version(a, directory.ptr);
    *path = arena_printf(a, "%s/%.*s_%.*s.sql", directory.ptr, STR_ARG(version), STR_ARG(clean));
    FILE *f = fopen(path->ptr, "wxe");
    if (!f)
        return fail(err, E_IO, "cannot make '%s': %s", path->ptr, strerror(errno));
    size_t written = fwrite(text, 1, sizeof text - 1, f);
    if (fclose(f) != 0 || written != sizeof text - 1)
        return fail(err, E_IO, "cannot write '%s'", path->ptr);
    return 0;
}
