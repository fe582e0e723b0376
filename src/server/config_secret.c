/* config_secret.c -- secrets live outside cairn.yaml: in a file, in a credential that systemd hands
 * over, in what a command prints (a vault's client, a decryptor), or in the environment.
 * They are read when the settings are: a reload (SIGHUP) takes new ones, but for those of
 * auth.providers.
 * Invariants: (1) a literal secret in the file is refused. (2) A secret never reaches a message;
 * what a command says on stderr does, by going where our own stderr goes.
 * Not here: what the secrets are for. SPDX: Apache-2.0 */
#include "server/config_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MOST = 64, COMMAND_MS = 10000 };

/* The secret that is looked for, and who wants it. */
struct wanted {
    struct config_load *l;
    str key, place;
    str *out;
};

static bool refuse(const struct wanted *w, const char *source, str name, const char *what)
{
    config__fault(w->l, w->place, w->key, "the %s '%.*s' %s", source, STR_ARG(name), what);
    return false;
}

/* One newline at the end is of whoever wrote it, not of the secret. */
static bool take(const struct wanted *w, const char *source, str name, str text)
{
    if (str_ends(text, LIT("\n")))
        text.len -= str_ends(text, LIT("\r\n")) ? 2 : 1;
    if (!text.len)
        return refuse(w, source, name, "is empty");
    if (memchr(text.ptr, 0, text.len))
        return refuse(w, source, name, "holds a NUL character");
    *w->out = text;
    return true;
}

/* ---- files ---- */

static bool from_file(const struct wanted *w, const char *source, str path, str full)
{
    struct err err = {0};
    unsigned mode = 0;
    str text;
    if (config__read(&w->l->c->arena, full, CONFIG_TEXT_MOST, &text, &mode, &err) < 0) {
        config__fault(w->l, w->place, w->key, "%s", err.text);
        return false;
    }
    if (!take(w, source, path, text))
        return false;
    if (mode & 04)
        config__warn(w->l, w->place, w->key,
                     "everybody on this machine can read '%.*s': `chmod o-r` it", STR_ARG(full));
    return true;
}

/* systemd.exec(5), LoadCredential=: files in a directory that only this service sees. */
static bool from_systemd(const struct wanted *w, str name)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!name.len || str_find(name, '/') != STR_NONE || str_is(name, "..") || str_is(name, "."))
        return refuse(w, "credential", name, "has no good name: expected `credential:NAME`");
    if (!directory || !*directory)
        return refuse(w, "credential", name,
                      "cannot be read: systemd gave none (LoadCredential= in the unit)");
    return from_file(w, "credential", name, config__join(&w->l->c->arena, str_of(directory), name));
}

/* ---- commands ---- */

/* Words between blanks; no shell stands between, so nothing in them is special. */
static bool words_of(const struct wanted *w, str line, char *argv[WORDS_MOST + 1])
{
    size_t count = 0;
    for (str rest = line; rest.ptr;) {
        str word = str_cut(&rest, ' ');
        if (!word.len)
            continue;
        if (count == WORDS_MOST)
            return refuse(w, "command", line, "has more than 64 words");
        argv[count++] = (char *)(uintptr_t)arena_str(&w->l->c->arena, word).ptr;
    }
    argv[count] = NULL;
    return count || refuse(w, "command", line, "is empty");
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What comes out of fd, until its end; NULL, or why not. */
static const char *drain(int fd, char *text, size_t room, size_t *len)
{
    int64_t end = now_ms() + COMMAND_MS;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = end - now_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready == 0)
            return "did not end within 10 seconds";
        ssize_t n = ready < 0 ? -1 : read(fd, text + *len, room - *len);
        if (n < 0 && errno != EINTR)
            return strerror(errno);
        if (n == 0)
            return NULL;
        *len += n > 0 ? (size_t)n : 0;
        if (*len == room)
            return "prints more than 64 KB";
    }
}

/* Its directory is ours, its input empty, its messages are ours. The own session of the child lets
 * one signal end what it started, too. */
static const char *start(char *const argv[], int out, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    int code = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return code == ENOENT ? "is no program that is here" : code ? strerror(code) : NULL;
}

static const char *run(char *const argv[], char *text, size_t room, size_t *len)
{
    int ends[2], status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return strerror(errno);
    const char *why = start(argv, ends[1], &pid);
    close(ends[1]);
    if (!why) {
        why = drain(ends[0], text, room, len);
        if (why)
            kill(-pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        if (!why && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
            why = "failed; what it said stands above";
    }
    close(ends[0]);
    return why;
}

static bool from_command(const struct wanted *w, str line)
{
    char *argv[WORDS_MOST + 1], *text = arena_new(&w->l->c->arena, CONFIG_TEXT_MOST + 1);
    size_t len = 0;
    if (!words_of(w, line, argv))
        return false;
    const char *why = run(argv, text, CONFIG_TEXT_MOST + 1, &len);
    return why ? refuse(w, "command", line, why) : take(w, "output of", line, str_make(text, len));
}

/* ---- which of them ---- */

bool config__secret(struct config_load *l, const struct config_key *k, str raw, str place,
                    bool in_file, str *out)
{
    struct wanted w = {.l = l, .key = str_of(k->path), .place = place, .out = out};
    str text = raw;
    if (in_file && !config__expand(l, place, w.key, raw, &text))
        return false;
    *out = text;
    if (text.len == 0)
        return true;
    if (str_starts(text, LIT("file:"))) {
        str path = str_from(text, 5);
        return from_file(&w, "file", path, config__join(&l->c->arena, l->c->dir, path));
    }
    if (str_starts(text, LIT("credential:")))
        return from_systemd(&w, str_from(text, 11));
    if (str_starts(text, LIT("exec:")))
        return from_command(&w, str_trim(str_from(text, 5)));
    if (!in_file || config__from_environment(&l->c->arena, raw))
        return true;
    config__fault(l, place, w.key,
                  "a secret must not stand in this file: write `file:PATH`, `credential:NAME`, "
                  "`exec:COMMAND` or `${VARIABLE}`");
    return false;
}
