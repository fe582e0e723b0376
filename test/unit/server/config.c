/* Settings: where values come from, and every kind of fault with its exact place.
 * SPDX: Apache-2.0 */
#include "server/config.h"
#include "server/config_priv.h"

#include "base/mem.h"
#include "data/data.h"
#include "db/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/cairn-config-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put_file(const char *name, str text, mode_t mode)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    fclose(f);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

/* Loads text as cairn.yaml; the faults (or "") as lines with the directory left out. */
static char *faults_with(str text, const struct config_override *over, size_t count)
{
    struct config *c;
    struct err err = {0};
    struct buf b;
    buf_init(&b, 1 << 16);
    put_file("cairn.yaml", text, 0600);
    int code = config_load(dir, over, count, &c, &err);
    if (code < 0)
        config_faults(&err, &b);
    assert_int_equal(code, err.code);
    char *out = mem_zero(1, b.len + 1);
    size_t len = 0, skip = strlen(dir) + 1;
    for (size_t i = 0; i < b.len; i++) {
        if (str_starts(str_from(buf_view(&b), i), str_of(dir)))
            i += skip;
        out[len++] = b.ptr[i];
    }
    buf_fini(&b);
    config_free(&c);
    return out;
}

static void expect_text(str text, const char *want)
{
    char *got = faults_with(text, NULL, 0);
    if (strcmp(got, want) != 0)
        print_error("--- text\n%.*s\n--- got\n%s--- want\n%s", STR_ARG(text), got, want);
    assert_string_equal(got, want);
    mem_free(got);
}

#define EXPECT(text, want) expect_text(LIT(text), want)

static struct config *load(const char *text)
{
    struct config *c;
    struct err err = {0};
    put_file("cairn.yaml", str_of(text), 0600);
    int code = config_load(dir, NULL, 0, &c, &err);
    if (code < 0)
        print_error("%s\n", err.text);
    assert_int_equal(code, 0);
    return c;
}

static void assert_str(str got, const char *want)
{
    if (!str_is(got, want))
        print_error("got '%.*s', want '%s'\n", (int)got.len, got.ptr ? got.ptr : "", want);
    assert_true(str_is(got, want));
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *c;
    struct err err = {0};
    unlink(path_of("cairn.yaml"));
    assert_int_equal(config_load(dir, NULL, 0, &c, &err), 0);
    assert_str(c->listen, "127.0.0.1:8080");
    assert_str(c->file, "");
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->max_body, 1048576);
    assert_int_equal(c->shutdown_timeout, 10000);
    assert_int_equal(c->mode, MODE_DEVELOPMENT);
    assert_int_equal(c->expose, EXPOSE_ALL);
    assert_int_equal(c->log_level, 1);
    assert_int_equal(c->log_format, CONFIG_LOG_AUTO);
    assert_true(c->log_requests);
    assert_int_equal(c->tables.table_count, 0);
    assert_str(c->origin[CONFIG_KEY_workers], "default");
    char want[64];
    snprintf(want, sizeof want, "%s/data", dir);
    assert_str(c->data_path, want);
    struct db_config db;
    config_db(c, &db);
    assert_int_equal(db.cache_kib, 2048);
    assert_int_equal(db.statement_timeout_ms, 10000);
    config_free(&c);
    assert_null(c);
    EXPECT("", "");
    EXPECT("# only a comment\n", "");
    EXPECT("server:\n", "");
    EXPECT("\xef\xbb\xbfname: x\n", "");
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        int key, value;
        const char *word;
    } words[] = {{CONFIG_KEY_mode, MODE_DEVELOPMENT, "development"},
                 {CONFIG_KEY_mode, MODE_PRODUCTION, "production"},
                 {CONFIG_KEY_expose, EXPOSE_ALL, "all"},
                 {CONFIG_KEY_expose, EXPOSE_NONE, "none"},
                 {CONFIG_KEY_log_format, CONFIG_LOG_AUTO, "auto"},
                 {CONFIG_KEY_log_format, CONFIG_LOG_JSON, "json"},
                 {CONFIG_KEY_log_format, CONFIG_LOG_PRETTY, "pretty"},
                 {CONFIG_KEY_log_level, 0, "debug"},
                 {CONFIG_KEY_log_level, 3, "error"}};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_str(config__word(&config_keys[words[i].key], words[i].value), words[i].word);
    assert_int_equal(config__word(&config_keys[CONFIG_KEY_mode], 2).len, 0);
}

static void test_values(void **state)
{
    (void)state;
    struct config *c = load("mode: production\n"
                            "server:\n"
                            "  listen: '[::1]:9000, unix:/tmp/x.sock'\n"
                            "  workers: 4\n"
                            "  shutdown_timeout: 2m\n"
                            "http: {max_body: 10M, max_head: 4096, idle_timeout: 250ms}\n"
                            "log:\n"
                            "  requests: false\n"
                            "database:\n"
                            "  mmap: 1G\n");
    assert_int_equal(c->mode, MODE_PRODUCTION);
    assert_str(c->listen, "[::1]:9000, unix:/tmp/x.sock");
    assert_int_equal(c->workers, 4);
    assert_int_equal(c->shutdown_timeout, 120000);
    assert_int_equal(c->max_body, 10485760);
    assert_int_equal(c->max_head, 4096);
    assert_int_equal(c->idle_timeout, 250);
    assert_false(c->log_requests);
    assert_int_equal(c->db_mmap, 1073741824);
    assert_true(str_ends(c->origin[CONFIG_KEY_workers], LIT("/cairn.yaml:4:12")));
    config_free(&c);
}

static void test_types(void **state)
{
    (void)state;
    EXPECT("server:\n  workers: many\n",
           "cairn.yaml:2:12: server.workers: expected a whole number, not 'many'\n");
    EXPECT("server:\n  workers: 4.5\n",
           "cairn.yaml:2:12: server.workers: expected a whole number, not '4.5'\n");
    EXPECT("server:\n  workers: [1]\n",
           "cairn.yaml:2:12: server.workers: expected a value, not a list\n");
    EXPECT("server:\n  workers:\n    a: 1\n",
           "cairn.yaml:3:5: server.workers: expected a value, not a section\n");
    EXPECT("server:\n  workers:\n",
           "cairn.yaml:2:3: server.workers: has no value (the default is `0`)\n");
    EXPECT("server: 5\n", "cairn.yaml:1:9: server: expected a section with keys below it\n");
    EXPECT("http:\n  idle_timeout: 75\n",
           "cairn.yaml:2:17: http.idle_timeout: expected a time such "
           "as `10s`, not '75' (did you mean `75s`?)\n");
    EXPECT("http:\n  max_body: 10MB\n", "cairn.yaml:2:13: http.max_body: expected a size such as "
                                        "`64K`, not '10MB' (did you mean `10M`?)\n");
    EXPECT("http:\n  max_body: 10MiB\n", "cairn.yaml:2:13: http.max_body: expected a size such as "
                                         "`64K`, not '10MiB' (did you mean `10M`?)\n");
    EXPECT("http:\n  max_body: 99999999999T\n",
           "cairn.yaml:2:13: http.max_body: expected a size such as `64K`, not '99999999999T'\n");
    EXPECT("http:\n  max_body: b\n",
           "cairn.yaml:2:13: http.max_body: expected a size such as `64K`, not 'b'\n");
    EXPECT("log:\n  requests: yes\n", "cairn.yaml:2:13: log.requests: expected `true` or `false`, "
                                      "not 'yes' (did you mean `true`?)\n");
    EXPECT("mode: prodution\n",
           "cairn.yaml:1:7: mode: expected one of `development`, `production`, not 'prodution' "
           "(did you mean `production`?)\n");
    EXPECT("- a\n- b\n", "cairn.yaml:1:1: expected keys such as `server:`, each with a colon and "
                         "a blank\n");
    EXPECT("name:x\n", "cairn.yaml:1:1: expected keys such as `server:`, each with a colon and "
                       "a blank\n");
}

static void test_ranges(void **state)
{
    (void)state;
    EXPECT("server:\n  workers: 257\n",
           "cairn.yaml:2:12: server.workers: must be between 0 and 256, not 257\n");
    EXPECT("server:\n  workers: -1\n",
           "cairn.yaml:2:12: server.workers: must be between 0 and 256, not -1\n");
    EXPECT("server:\n  fiber_stack: 16K\n",
           "cairn.yaml:2:16: server.fiber_stack: must be between 32K and 8M, not 16K\n");
    EXPECT("http:\n  idle_timeout: 2d\n",
           "cairn.yaml:2:17: http.idle_timeout: must be between 100ms and 24h, not 48h\n");
    EXPECT("rest:\n  max_limit: 5\n",
           "default: rest.default_limit: 10 is more than rest.max_limit, 5\n");
}

static void test_unknown(void **state)
{
    (void)state;
    EXPECT("server:\n  worker: 4\n",
           "cairn.yaml:2:3: server.worker: unknown key (did you mean `server.workers`?)\n");
    EXPECT("sever:\n  workers: 4\n",
           "cairn.yaml:1:1: sever: unknown key (did you mean `server`?)\n");
    EXPECT("listen: 1:2\n",
           "cairn.yaml:1:1: listen: unknown key (did you mean `server.listen`?)\n");
    EXPECT("quux: 1\n", "cairn.yaml:1:1: quux: unknown key\n");
    EXPECT("server.listen: '1:2'\n",
           "cairn.yaml:1:1: server.listen: unknown key (did you mean `server.listen`?)\n");
    EXPECT("\"a\\e[31mb\": 1\n", "cairn.yaml:1:1: a?[31mb: unknown key\n");
}

static void test_duplicates(void **state)
{
    (void)state;
    EXPECT("name: a\nname: b\n", "cairn.yaml:2:1: name: this key stands already in line 1\n");
    EXPECT("server:\n  workers: 1\n\n  workers: 2\n",
           "cairn.yaml:4:3: workers: this key stands already in line 2\n");
    EXPECT("server: {}\nhttp: {}\nserver: {}\n",
           "cairn.yaml:3:1: server: this key stands already in line 1\n");
}

static void test_syntax(void **state)
{
    (void)state;
    EXPECT("server:\n\tworkers: 1\n", "cairn.yaml:2:1: a tab indents this line: use blanks\n");
    EXPECT("server:\n  \tworkers: 1\n", "cairn.yaml:2:3: a tab indents this line: use blanks\n");
    EXPECT("server:\n\t# fine\n  workers: 1\t# fine\n\t\n", "");
    EXPECT("server: [1, 2\n", "cairn.yaml:2:1: flow sequence without a closing bracket\n");
    EXPECT("name: \"x\n", "cairn.yaml:1:8: double-quoted scalar without closing quote\n");
    EXPECT("name: a: b\n", "cairn.yaml:1:8: a second colon: put the value in quotes\n");
    EXPECT("server:\n  workers: 1\n listen: x\n",
           "cairn.yaml:3:2: this line is indented like none above it\n");
    EXPECT("name: a\nserver\nmode: b\n", "cairn.yaml:2:1: a colon is missing behind this key\n");
    EXPECT("name: &x a\n", "cairn.yaml:1:10: anchors (`&name`) are not supported\n");
    EXPECT("name: *x\n", "cairn.yaml:1:7: aliases (`*name`) are not supported\n");
    EXPECT("name: !!str x\n", "cairn.yaml:1:13: tags (`!name`) are not supported\n");
    EXPECT("name: a\n---\nname: b\n", "cairn.yaml:2:1: a second document: only one is read\n");
    EXPECT("? [a]\n: b\n", "cairn.yaml:1:3: a key must be a word\n");
    EXPECT("name: a\0b\n", "cairn.yaml:1:8: a control character\n");
    EXPECT("name: \x1b[31m\n", "cairn.yaml:1:7: a control character\n");
    EXPECT("name: a\rmode: b\n", "cairn.yaml:1:8: a carriage return without a line feed\n");
    EXPECT("name: a\r\nmode: production\r\n", "");
    EXPECT("name: \xc3\xa4\nmode: \xff\n", "cairn.yaml:2:1: this line is not UTF-8\n");
    EXPECT("name: \"a\\0b\"\n", "cairn.yaml:1:7: a NUL character in a text\n");
    EXPECT("server: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n",
           "cairn.yaml:1:25: nested too deeply\n");
}

static void test_bombs(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 30000; i++)
        buf_lit(&b, "- a\n");
    expect_text(buf_view(&b), "cairn.yaml:20000:3: too many keys and values\n");
    buf_clear(&b);
    while (b.len <= CONFIG_FILE_MOST)
        buf_lit(&b, "# filling\n");
    char *got = faults_with(buf_view(&b), NULL, 0);
    assert_non_null(strstr(got, "is larger than 262144 bytes"));
    mem_free(got);
    buf_clear(&b);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, i < 50000 ? '[' : ']');
    got = faults_with(buf_view(&b), NULL, 0);
    assert_int_equal(strncmp(got, "cairn.yaml:1:", 13), 0);
    mem_free(got);
    buf_fini(&b);
}

static void test_many(void **state)
{
    (void)state;
    EXPECT("sever: 1\nserver:\n  workers: x\nlog: {level: loud}\n",
           "cairn.yaml:1:1: sever: unknown key (did you mean `server`?)\n"
           "cairn.yaml:3:12: server.workers: expected a whole number, not 'x'\n"
           "cairn.yaml:4:14: log.level: expected one of `debug`, `info`, `warn`, `error`, not "
           "'loud'\n");
    struct buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < 30; i++)
        buf_printf(&b, "zzzzzzzz%d: 1\n", i);
    char *got = faults_with(buf_view(&b), NULL, 0);
    size_t lines = 0;
    for (const char *p = got; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, CONFIG_FAULTS_MOST + 1);
    assert_non_null(strstr(got, "(more may follow: the first 20 are shown)\n"));
    mem_free(got);
    buf_fini(&b);
}

static void test_variables(void **state)
{
    (void)state;
    setenv("T_NAME", "shop", 1);
    setenv("T_EMPTY", "", 1);
    unsetenv("T_NONE");
    struct config *c = load("name: a-${T_NAME}-$$-${T_NONE:-x}${T_EMPTY:-y}${T_EMPTY}\n"
                            "server: {workers: \"${T_NONE:-3}\"}\n");
    assert_str(c->name, "a-shop-$-xy");
    assert_int_equal(c->workers, 3);
    config_free(&c);
    EXPECT("name: ${T_NONE}\n", "cairn.yaml:1:7: name: the environment variable 'T_NONE' is not "
                                "set, and there is no default (`${T_NONE:-default}`)\n");
    EXPECT("name: a$b\n", "cairn.yaml:1:7: name: a lone `$`: write `${NAME}` for a variable, `$$` "
                          "for a dollar sign\n");
    EXPECT("name: ${T_NAME\n",
           "cairn.yaml:1:7: name: `${` without `}`; write `$$` for a dollar sign\n");
    EXPECT("name: ${}\n", "cairn.yaml:1:7: name: expected `${NAME}` or `${NAME:-default}`\n");
    EXPECT("name: ${1A}\n", "cairn.yaml:1:7: name: expected `${NAME}` or `${NAME:-default}`\n");
    EXPECT("name: ${A?b}\n", "cairn.yaml:1:7: name: expected `${NAME}` or `${NAME:-default}`\n");
    setenv("T_NAME", "nine", 1);
    EXPECT("server:\n  workers: ${T_NAME}\n",
           "cairn.yaml:2:12: server.workers: expected a whole number, not 'nine'\n");
    char *big = mem_new(60001);
    memset(big, 'x', 60000);
    big[60000] = 0;
    setenv("T_NAME", big, 1);
    EXPECT("database: {url: \"sqlite:${T_NAME}${T_NAME}\"}\n",
           "cairn.yaml:1:17: database.url: longer than 64 KB after substitution\n");
    unsetenv("T_NAME");
    mem_free(big);
}

static void test_secrets(void **state)
{
    (void)state;
    static const char literal[] =
        "rest.cursor_secret: a secret must not stand in this file: write `file:PATH`, "
        "`credential:NAME`, `exec:COMMAND` or `${VARIABLE}`\n";
    char want[256];
    snprintf(want, sizeof want, "cairn.yaml:2:18: %s", literal);
    expect_text(LIT("rest:\n  cursor_secret: hunter2\n"), want);
    unsetenv("T_NONE");
    expect_text(LIT("rest:\n  cursor_secret: ${T_NONE:-hunter2}\n"), want);
    setenv("T_SECRET", "s3cret", 1);
    expect_text(LIT("rest:\n  cursor_secret: x${T_SECRET}\n"), want);
    struct config *c = load("rest: {cursor_secret: \"${T_SECRET}\"}\n");
    assert_str(c->cursor_secret, "s3cret");
    struct buf shown;
    buf_init(&shown, 1 << 16);
    config_show(c, &shown);
    assert_null(memmem(shown.ptr, shown.len, "s3cret", 6));
    assert_non_null(memmem(shown.ptr, shown.len, "rest.cursor_secret: (hidden)", 28));
    buf_fini(&shown);
    config_free(&c);

    put_file("key", LIT("from a file\n"), 0600);
    c = load("rest: {cursor_secret: \"file:key\"}\n");
    assert_str(c->cursor_secret, "from a file");
    assert_int_equal(c->warning_count, 0);
    config_free(&c);
    chmod(path_of("key"), 0644);
    c = load("rest:\n  cursor_secret: file:key\n");
    assert_int_equal(c->warning_count, 1);
    assert_str(c->warnings[0].field, "rest.cursor_secret");
    assert_true(str_ends(c->warnings[0].pointer, LIT("cairn.yaml:2:18")));
    assert_non_null(strstr(c->warnings[0].message.ptr, "everybody on this machine can read"));
    config_free(&c);
    EXPECT("rest:\n  cursor_secret: file:missing\n",
           "cairn.yaml:2:18: rest.cursor_secret: cannot read 'missing': No such file or "
           "directory\n");
    put_file("key", LIT("\n"), 0600);
    EXPECT("rest:\n  cursor_secret: file:key\n",
           "cairn.yaml:2:18: rest.cursor_secret: the file 'key' is empty\n");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    EXPECT("rest:\n  cursor_secret: file:fifo\n",
           "cairn.yaml:2:18: rest.cursor_secret: cannot read 'fifo': not a regular file\n");
    unlink(path_of("fifo"));
}

static void test_secrets_of_systemd(void **state)
{
    (void)state;
    char want[400];
    unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT("rest: {cursor_secret: \"credential:c\"}\n",
           "cairn.yaml:1:23: rest.cursor_secret: the credential 'c' cannot be read: systemd gave "
           "none (LoadCredential= in the unit)\n");
    setenv("CREDENTIALS_DIRECTORY", path_of(""), 1);
    put_file("c", LIT("from systemd\n"), 0400);
    struct config *c = load("rest: {cursor_secret: \"credential:c\"}\n");
    assert_str(c->cursor_secret, "from systemd");
    config_free(&c);
    snprintf(want, sizeof want,
             "cairn.yaml:1:23: rest.cursor_secret: the credential '../c' has no good name: "
             "expected `credential:NAME`\n");
    expect_text(LIT("rest: {cursor_secret: \"credential:../c\"}\n"), want);
    unlink(path_of("c"));
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void test_secrets_of_commands(void **state)
{
    (void)state;
    struct config *c = load("rest: {cursor_secret: \"exec:printf  %s\\n a|b;$$HOME\"}\n");
    assert_str(c->cursor_secret, "a|b;$HOME");
    config_free(&c);
    EXPECT("rest:\n  cursor_secret: exec:/no/such/program x\n",
           "cairn.yaml:2:18: rest.cursor_secret: the command '/no/such/program x' is no program "
           "that is here\n");
    EXPECT("rest:\n  cursor_secret: exec:false\n",
           "cairn.yaml:2:18: rest.cursor_secret: the command 'false' failed; what it said stands "
           "above\n");
    EXPECT("rest:\n  cursor_secret: exec:true\n",
           "cairn.yaml:2:18: rest.cursor_secret: the output of 'true' is empty\n");
    EXPECT("rest:\n  cursor_secret: \"exec: \"\n",
           "cairn.yaml:2:18: rest.cursor_secret: the command '' is empty\n");
    EXPECT("rest:\n  cursor_secret: exec:yes\n",
           "cairn.yaml:2:18: rest.cursor_secret: the command 'yes' prints more than 64 KB\n");
}

static void test_environment(void **state)
{
    (void)state;
    setenv("PORT", "9999", 1);
    setenv("DATABASE_URL", "sqlite:other.db", 1);
    setenv("CAIRN_SERVER_WORKERS", "7", 1);
    setenv("CAIRN_SERVER_WORKER", "8", 1);
    setenv("CAIRN_SERVICE_HOST", "10.0.0.1", 1);
    struct config *c = load("server:\n  listen: unix:/x, [::]:80, a:1\n  workers: 2\n");
    assert_str(c->listen, "unix:/x,[::]:9999, a:1");
    assert_str(c->origin[CONFIG_KEY_listen], "PORT");
    assert_str(c->database_url, "sqlite:other.db");
    assert_int_equal(c->workers, 7);
    assert_str(c->origin[CONFIG_KEY_workers], "CAIRN_SERVER_WORKERS");
    config_free(&c);
    unsetenv("CAIRN_SERVER_WORKERS");
    c = load("");
    assert_str(c->listen, "127.0.0.1:9999");
    assert_int_equal(c->warning_count, 1);
    assert_str(c->warnings[0].pointer, "CAIRN_SERVER_WORKER");
    config_free(&c);
    unsetenv("CAIRN_SERVER_WORKER");
    setenv("CAIRN_SERVER_LISTEN", "0.0.0.0:1", 1);
    c = load("");
    assert_str(c->listen, "0.0.0.0:1");
    config_free(&c);
    setenv("CAIRN_SERVER_LISTEN", "80", 1);
    setenv("PORT", "http", 1);
    EXPECT("", "PORT: server.listen: expected a port, 0 to 65535, not 'http'\n"
               "CAIRN_SERVER_LISTEN: server.listen: '80' has no host (did you mean "
               "`127.0.0.1:80`?)\n");
    unsetenv("CAIRN_SERVER_LISTEN");
    unsetenv("PORT");
    unsetenv("DATABASE_URL");
    unsetenv("CAIRN_SERVICE_HOST");
}

static void test_overrides(void **state)
{
    (void)state;
    const struct config_override good[] = {{LIT("server.workers"), LIT("3")},
                                           {LIT("server.workers"), LIT("5")}};
    const struct config_override bad[] = {{LIT("server.worker"), LIT("3")},
                                          {LIT("http.max_body"), LIT("x")}};
    struct config *c;
    struct err err = {0};
    setenv("CAIRN_SERVER_WORKERS", "7", 1);
    assert_int_equal(config_load(dir, good, 2, &c, &err), 0);
    assert_int_equal(c->workers, 5);
    config_free(&c);
    unsetenv("CAIRN_SERVER_WORKERS");
    char *got = faults_with(LIT(""), bad, 2);
    assert_string_equal(got, "--set: server.worker: unknown key (did you mean `server.workers`?)\n"
                             "--set http.max_body: http.max_body: expected a size such as `64K`, "
                             "not 'x'\n");
    mem_free(got);
}

static void test_texts(void **state)
{
    (void)state;
    EXPECT("server: {listen: \":80\"}\n", "cairn.yaml:1:18: server.listen: expected HOST:PORT, "
                                          "[IPV6]:PORT or unix:PATH, not ':80'\n");
    EXPECT("server: {listen: \"::1:80\"}\n", "cairn.yaml:1:18: server.listen: expected HOST:PORT, "
                                             "[IPV6]:PORT or unix:PATH, not '::1:80'\n");
    EXPECT("server: {listen: \"a:70000\"}\n",
           "cairn.yaml:1:18: server.listen: 'a:70000': a port is a number from 0 to 65535\n");
    EXPECT("server: {public_url: \"example.org\"}\n",
           "cairn.yaml:1:22: server.public_url: expected http://HOST or https://HOST\n");
    EXPECT("database: {url: \"mysql://root:pw@h/x\"}\n",
           "cairn.yaml:1:17: database.url: expected sqlite:FILE or postgres://USER@HOST/NAME, not "
           "a 'mysql:' URL\n");
    EXPECT("rest: {prefix: v1}\n", "cairn.yaml:1:16: rest.prefix: expected a path such as `/v1` "
                                   "(letters, digits, `.`, `_`, `~`, `-`), not 'v1'\n");
    EXPECT("rest: {prefix: \"\"}\n", "");
}

static void test_tables(void **state)
{
    (void)state;
    struct config *c = load("tables:\n"
                            "  posts:\n"
                            "    expose: true\n"
                            "    relations: { author: user_id }\n"
                            "    reverse: { articles: user_id, edited: editor_id }\n"
                            "  secrets: { expose: false }\n"
                            "  plain:\n");
    const struct schema_wishes *w = &c->tables;
    assert_int_equal(w->table_count, 3);
    assert_str(w->tables[0].table, "posts");
    assert_int_equal(w->tables[0].expose, 1);
    assert_int_equal(w->tables[1].expose, 0);
    assert_int_equal(w->tables[2].expose, -1);
    assert_int_equal(w->relation_count, 2);
    assert_str(w->relations[0].table, "posts");
    assert_str(w->relations[0].column, "user_id");
    assert_str(w->relations[0].name, "author");
    assert_str(w->relations[0].reverse, "articles");
    assert_int_equal(w->relations[1].name.len, 0);
    assert_str(w->relations[1].reverse, "edited");
    config_free(&c);
    EXPECT("tables:\n  posts:\n    expsoe: true\n",
           "cairn.yaml:3:5: tables.posts.expsoe: unknown key (did you mean `expose`?)\n");
    EXPECT("tables:\n  posts:\n    expose: maybe\n",
           "cairn.yaml:3:13: tables.posts.expose: expected `true` or `false`, not 'maybe'\n");
    EXPECT("tables: [posts]\n", "cairn.yaml:1:9: tables: expected names of tables\n");
    EXPECT("tables: {posts: 1}\n", "cairn.yaml:1:17: tables.posts: expected `expose:`, "
                                   "`relations:`, `reverse:`, `counters:`, `aggregates:`, "
                                   "`put_creates:`, `modified:` or `languages:`\n");
    EXPECT("tables: {posts: {relations: [a]}}\n",
           "cairn.yaml:1:29: tables.posts.relations: expected `relation name: foreign key "
           "column`\n");
    EXPECT("tables: {posts: {reverse: {a: }}}\n",
           "cairn.yaml:1:28: tables.posts.reverse: expected `relation name: foreign key "
           "column`\n");
}

static void test_directory(void **state)
{
    (void)state;
    struct config *c;
    struct err err = {0};
    assert_int_equal(config_load("/nonexistent/x", NULL, 0, &c, &err), E_IO);
    assert_string_equal(err.text, "'/nonexistent/x' is not a directory");
    config_free(&c);
    unlink(path_of("cairn.yaml"));
    assert_int_equal(mkdir(path_of("cairn.yaml"), 0700), 0);
    assert_int_equal(config_load(dir, NULL, 0, &c, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "not a regular file"));
    config_free(&c);
    rmdir(path_of("cairn.yaml"));
}

static void test_frozen(void **state)
{
    (void)state;
    const struct config_key *list[CONFIG_KEYS];
    struct config *a = load("server: {workers: 1}\nlog: {level: info}\n");
    struct config *b = load("server: {workers: 2}\nlog: {level: warn}\n");
    assert_int_equal(config_frozen(a, b, list), 1);
    assert_string_equal(list[0]->path, "server.workers");
    assert_int_equal(config_frozen(a, a, list), 0);
    config_free(&a);
    config_free(&b);
}

static char *whole_file(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    char *text = mem_zero(1, 1 << 17);
    assert_true(fread(text, 1, (1 << 17) - 1, f) > 0);
    fclose(f);
    return text;
}

/* The committed texts are what config.def makes; the example means the defaults. */
static void test_printed(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        void (*make)(struct buf *);
    } texts[] = {{"cairn.example.yaml", config_example}, {"docs/reference/config.md", config_docs}};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf b;
        buf_init(&b, 1 << 17);
        texts[i].make(&b);
        buf_char(&b, 0);
        char *have = whole_file(texts[i].path);
        assert_non_null(have); /* tests run in the top directory */
        assert_string_equal(have, b.ptr);
        mem_free(have);
        buf_fini(&b);
    }
    struct buf b;
    buf_init(&b, 1 << 17);
    config_example(&b);
    buf_char(&b, 0);
    struct config *c = load(b.ptr), *none = load("");
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        struct buf x, y;
        buf_init(&x, 4096);
        buf_init(&y, 4096);
        config__put(&x, &config_keys[i], c);
        config__put(&y, &config_keys[i], none);
        assert_true(str_eq(buf_view(&x), buf_view(&y)));
        assert_false(str_is(c->origin[i], "default"));
        buf_fini(&x);
        buf_fini(&y);
    }
    config_free(&c);
    config_free(&none);
    buf_fini(&b);
}

static void test_schema(void **state)
{
    (void)state;
    struct buf b;
    struct arena a;
    struct value v;
    struct err err = {0};
    buf_init(&b, 1 << 17);
    arena_init(&a, 1 << 20);
    config_schema(&b);
    int code = json_parse(&a, buf_view(&b), &json_limits_default, &v, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, 0);
    const struct value *server = value_get(value_get(&v, LIT("properties")), LIT("server"));
    const struct value *workers = value_get(value_get(server, LIT("properties")), LIT("workers"));
    assert_int_equal(value_get(workers, LIT("default"))->i, 0);
    assert_non_null(value_get(value_get(&v, LIT("properties")), LIT("tables")));
    arena_reset(&a);
    buf_fini(&b);
}

static int begin(void **state)
{
    (void)state;
    unsetenv("PORT");
    unsetenv("DATABASE_URL");
    return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    unlink(path_of("cairn.yaml"));
    unlink(path_of("key"));
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_secrets_of_systemd),
        cmocka_unit_test(test_secrets_of_commands),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_printed),
        cmocka_unit_test(test_schema),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
