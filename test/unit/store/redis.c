/* The Redis script against the same plain models; and the connection as a worker uses it: pipelined
 * asks, a server that stalls, dies and comes back, an unknown script, a wrong password. The
 * redis-server is the test's own, on a unix socket or a port that it finds free. */
#include "model.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_priv.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static char path[128];
static pid_t server;

static redisContext *reached(void)
{
    for (int i = 0; i < 200; i++) {
        redisContext *c = redisConnectUnix(path);
        redisReply *r = c && !c->err ? redisCommand(c, "PING") : NULL;
        bool up = r && r->type == REDIS_REPLY_STATUS;
        if (r)
            freeReplyObject(r);
        if (up)
            return c;
        if (c)
            redisFree(c);
        usleep(50000);
    }
    return NULL;
}

static void server_start(const char *password)
{
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
               "--dir", dir, "--logfile", "redis.log", *password ? "--requirepass" : NULL, password,
               (char *)NULL);
        _exit(127);
    }
    if (*password) {
        usleep(300000);
        return;
    }
    redisContext *c = reached();
    if (!c)
        print_error("redis-server does not start: install it (./dev setup test)\n");
    assert_non_null(c);
    redisFree(c);
}

static void server_stop(void)
{
    int status;
    kill(server, SIGCONT);
    kill(server, SIGKILL);
    waitpid(server, &status, 0);
    unlink(path);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/cairn-redis-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/sock", dir);
    return 0;
}

static int teardown(void **state)
{
    char log[160];
    (void)state;
    snprintf(log, sizeof log, "%s/redis.log", dir);
    unlink(log);
    rmdir(dir);
    return 0;
}

/* ---- the script ---- */

static struct limit_verdict eval(redisContext *c, const char *key, const struct limit_rule *r,
                                 uint64_t now_us, uint32_t cost)
{
    redisReply *a = redisCommand(c, "EVAL %b 1 %s %llu %d %u %u %llu %u", store__script.ptr,
                                 store__script.len, key, (unsigned long long)now_us, r->algorithm,
                                 r->capacity, r->rate, (unsigned long long)r->window_ms, cost);
    assert_non_null(a);
    if (a->type == REDIS_REPLY_ERROR)
        print_error("%s\n", a->str);
    assert_int_equal(a->type, REDIS_REPLY_ARRAY);
    assert_int_equal(a->elements, STORE_SCRIPT_RESULTS);
    struct limit_verdict v = {.allowed = a->element[0]->integer == 1,
                              .left = (uint32_t)a->element[1]->integer,
                              .reset_ms = (uint64_t)a->element[2]->integer,
                              .retry_ms = (uint64_t)a->element[3]->integer};
    freeReplyObject(a);
    return v;
}

/* Keys expire by the server's real clock, so the test's windows last weeks and its steps minutes.
 */
static void test_script(void **state)
{
    enum { SEQUENCES = 60, REQUESTS = 60, MINUTE_MS = 60000 };
    (void)state;
    server_start("");
    redisContext *c = reached();
    for (size_t n = 0; n < SEQUENCES; n++) {
        char key[32];
        struct model m = {.rule = {.algorithm = (enum limit_algorithm)(n % 5)}};
        model_seed = n;
        snprintf(key, sizeof key, "k%zu", n);
        m.rule.rate = (uint32_t)(1u << model_random(4)); /* even steps: the model's are whole */
        m.rule.capacity = (uint32_t)(1 + model_random(15));
        m.rule.window_ms = (uint64_t)MINUTE_MS * 60 * 1024;
        uint64_t now_ms = UINT64_C(1700000000000) / MINUTE_MS * MINUTE_MS;
        for (int i = 0; i < REQUESTS; i++) {
            uint32_t cost = model_random(4) ? 1 : (uint32_t)(1 + model_random(4));
            now_ms += model_random(model_random(5) ? 4000 : 100000) * MINUTE_MS;
            struct limit_verdict v = eval(c, key, &m.rule, now_ms * 1000, cost);
            model_hold(&m, now_ms * 1000000, cost, &v);
        }
    }
    redisFree(c);
    server_stop();
}

static void set_state(redisContext *c, const char *key, const char *text)
{
    redisReply *r = redisCommand(c, "SET %s %s", key, text);
    assert_non_null(r);
    assert_int_equal(r->type, REDIS_REPLY_STATUS);
    freeReplyObject(r);
}

/* States that no request under these rules can have left: of a clock that was set back, or of a
 * larger bucket. Nobody waits for long because of them. */
static void test_strange_states(void **state)
{
    static const struct limit_rule sliding = {LIMIT_SLIDING, 5, 5, 60000};
    static const struct limit_rule fixed = {LIMIT_FIXED, 5, 5, 60000};
    static const struct limit_rule bucket = {LIMIT_BUCKET, 5, 5, 60000};
    const uint64_t now = UINT64_C(1700000000000000);
    (void)state;
    server_start("");
    redisContext *c = reached();
    set_state(c, "s", "9999999999:0:5");
    struct limit_verdict v = eval(c, "s", &sliding, now, 1);
    assert_true(v.allowed);
    assert_int_equal(v.left, 4);
    set_state(c, "f", "1800000000000000:5");
    v = eval(c, "f", &fixed, now, 1);
    assert_true(v.allowed);
    assert_int_equal(v.left, 4);
    set_state(c, "b", "1800000000000000.000");
    v = eval(c, "b", &bucket, now, 1);
    assert_false(v.allowed);
    assert_int_equal(v.retry_ms, 12000); /* of an empty bucket: one token's */
    redisFree(c);
    server_stop();
}

/* ---- the connection ---- */

static const struct limit_rule rule = {LIMIT_GCRA, 5, 5, 3600000};
static struct limit_table *table;
static struct redis_config cfg;
static int finished;

static int take(const char *key, struct limit_verdict *v)
{
    struct err err = {0};
    struct store *s = store_shared();
    struct store_take t = {.table = table, .name = LIT("api"), .key = str_of(key), .cost = 1};
    return s->ops->take(s, &t, 1, 0, v, &err);
}

static void run_loop(fiber_fn *fn, unsigned fibers)
{
    struct loop *l = loop_new(128 << 10, 64);
    finished = 0;
    store_thread_begin(&cfg);
    for (unsigned i = 0; i < fibers; i++)
        assert_true(fiber_soon(l, fn, l));
    loop_run(l);
    store_thread_end();
    loop_free(&l);
}

static void done(void *loop, int of)
{
    if (++finished == of)
        loop_stop(loop);
}

static int allowed, refused;

static void ask_many(void *loop)
{
    for (int i = 0; i < 5; i++) {
        struct limit_verdict v;
        assert_int_equal(take("many", &v), 1);
        *(v.allowed ? &allowed : &refused) += 1;
    }
    done(loop, 20);
}

/* Twenty fibers on one connection: five requests in all get through. */
static void test_pipelined(void **state)
{
    struct redis_stats before, after;
    (void)state;
    server_start("");
    redis_stats(&before);
    allowed = refused = 0;
    run_loop(ask_many, 20);
    redis_stats(&after);
    assert_int_equal(allowed, 5);
    assert_int_equal(refused, 95);
    assert_int_equal(after.connects - before.connects, 1);
    assert_int_equal(after.commands - before.commands, 100);
    assert_int_equal(after.up, 0);
    server_stop();
}

static void flush_scripts(void)
{
    redisContext *c = reached();
    redisReply *r = redisCommand(c, "SCRIPT FLUSH");
    assert_non_null(r);
    freeReplyObject(r);
    redisFree(c);
}

static void ask_after_flush(void *loop)
{
    struct limit_verdict v;
    assert_int_equal(take("flush", &v), 1);
    assert_int_equal(take("flush", &v), 1);
    flush_scripts();
    assert_int_equal(take("flush", &v), 1); /* NOSCRIPT, then with the script */
    assert_true(v.allowed);
    assert_int_equal(v.left, 2);
    assert_int_equal(take("flush", &v), 1);
    assert_int_equal(v.left, 1);
    done(loop, 1);
}

static void test_flushed(void **state)
{
    (void)state;
    server_start("");
    run_loop(ask_after_flush, 1);
    server_stop();
}

static int answered, failed_asks;

static void ask_mixed(void *loop)
{
    struct limit_verdict v;
    for (int i = 0; i < 5; i++) {
        bool strange = (finished + i) % 2;
        int code = take(strange ? "strange" : "many", &v);
        assert_int_equal(code, strange ? E_BUSY : 1);
        *(strange ? &failed_asks : &answered) += 1;
    }
    done(loop, 20);
}

/* A key of another type fails who asks for it, and nobody else on the connection. */
static void test_wrong_type(void **state)
{
    struct redis_stats before, after;
    (void)state;
    server_start("");
    redisContext *c = reached();
    redisReply *r = redisCommand(c, "ZADD test:limit:api:strange 1 x");
    assert_non_null(r);
    freeReplyObject(r);
    redisFree(c);
    redis_stats(&before);
    answered = failed_asks = 0;
    run_loop(ask_mixed, 20);
    redis_stats(&after);
    assert_true(answered > 20 && failed_asks > 20);
    assert_int_equal(after.connects - before.connects, 1);
    assert_int_equal(after.lost - before.lost, 1); /* at the end */
    assert_int_equal(after.failures - before.failures, failed_asks);
    server_stop();
}

static void ask_away(void *loop)
{
    struct limit_verdict v;
    uint64_t begin;
    assert_int_equal(take("away", &v), 1);
    kill(server, SIGSTOP); /* it is there, but says nothing */
    begin = clock_ns();
    assert_int_equal(take("away", &v), E_BUSY);
    assert_true(clock_ns() - begin >= UINT64_C(90000000));
    begin = clock_ns();
    for (int i = 0; i < 1000; i++) /* and then nobody waits for it */
        assert_int_equal(take("away", &v), E_BUSY);
    assert_true(clock_ns() - begin < UINT64_C(90000000));
    server_stop();
    server_start("");
    int code = E_BUSY;
    for (int i = 0; i < 100 && code != 1; i++) {
        assert_int_equal(fiber_sleep(50000000), 0);
        code = take("away", &v);
    }
    assert_int_equal(code, 1);
    assert_int_equal(v.left, 4); /* a new server, which knows nothing */
    done(loop, 1);
}

static void test_away(void **state)
{
    (void)state;
    server_start("");
    run_loop(ask_away, 1);
    server_stop();
}

static void ask_refused(void *loop)
{
    struct limit_verdict v;
    assert_int_equal(take("login", &v), E_BUSY);
    done(loop, 1);
}

static void ask_let_in(void *loop)
{
    struct limit_verdict v;
    assert_int_equal(take("login", &v), 1);
    done(loop, 1);
}

static void test_password(void **state)
{
    (void)state;
    server_start("right");
    cfg.password = LIT("wrong");
    run_loop(ask_refused, 1);
    cfg.password = (str){"", 0};
    run_loop(ask_refused, 1);
    cfg.password = LIT("right");
    run_loop(ask_let_in, 1);
    cfg.user = LIT("default");
    run_loop(ask_let_in, 1);
    cfg.user = cfg.password = (str){"", 0};
    server_stop();
}

/* Something that accepts and hangs up, and something that is no Redis. */
static void test_strangers(void **state)
{
    char url[64];
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    str kept = cfg.url;
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    snprintf(url, sizeof url, "redis://localhost:%u", (unsigned)ntohs(in.sin_port));
    cfg.url = str_of(url);
    run_loop(ask_refused, 1); /* bound, but nobody listens */
    assert_int_equal(listen(fd, 8), 0);
    run_loop(ask_refused, 1); /* listens, but says nothing */
    cfg.url = LIT("redis://no-such-host.invalid");
    run_loop(ask_refused, 1);
    cfg.url = kept;
    close(fd);
}

static void is_target(const char *url, const char *host, const char *unix_path, unsigned port,
                      unsigned db)
{
    struct redis_target t;
    struct err err = {0};
    assert_int_equal(redis_target(str_of(url), &t, &err), 0);
    assert_true(str_is(t.host, host));
    assert_true(str_is(t.path, unix_path));
    assert_int_equal(t.port, port);
    assert_int_equal(t.db, db);
}

static void test_targets(void **state)
{
    static const char *const bad[] = {"",
                                      "localhost",
                                      "redis://",
                                      "redis://:6379",
                                      "redis://a:0",
                                      "redis://a:99999",
                                      "redis://a/x",
                                      "redis://user:word@host",
                                      "rediss://a",
                                      "unix:"};
    (void)state;
    is_target("redis://localhost", "localhost", "", 6379, 0);
    is_target("redis://10.0.0.1:7000/3", "10.0.0.1", "", 7000, 3);
    is_target("redis://[::1]:7000", "::1", "", 7000, 0);
    is_target("redis://[::1]", "::1", "", 6379, 0);
    is_target("unix:/run/redis.sock", "", "/run/redis.sock", 6379, 0);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct redis_target t;
        struct err err = {0};
        assert_int_equal(redis_target(str_of(bad[i]), &t, &err), E_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),    cmocka_unit_test(test_script),
        cmocka_unit_test(test_pipelined),  cmocka_unit_test(test_flushed),
        cmocka_unit_test(test_away),       cmocka_unit_test(test_password),
        cmocka_unit_test(test_strangers),  cmocka_unit_test(test_strange_states),
        cmocka_unit_test(test_wrong_type),
    };
    char url[160];
    if (setup(NULL) < 0)
        return 1;
    snprintf(url, sizeof url, "unix:%s", path);
    table = limit_table_new(&rule, 64, 0);
    cfg = (struct redis_config){.url = str_of(url),
                                .user = {"", 0},
                                .password = {"", 0},
                                .prefix = LIT("test:"),
                                .timeout_ms = 100,
                                .connect_ms = 1000,
                                .queue = 100};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    limit_table_free(&table);
    teardown(NULL);
    return failed;
}
