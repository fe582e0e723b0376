/* password.c -- the threads that hash. A caller parks until its job is done; the job lives on the
 * caller's stack, so the park is firm. SPDX: Apache-2.0 */
#include "auth/password.h"

#include "base/list.h"
#include "base/mem.h"
#include "lib/xcrypt.h"
#include "observe/metrics.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { THREADS_MOST = 16, NICE = 10 };

struct job {
    struct link link;
    str password, hash; /* hash.ptr NULL: make one */
    char made[PASSWORD_HASH_MOST + 1];
    bool good;
    struct err err; /* why it could not be done */
    struct loop *loop;
    struct fiber *fiber;
    bool done;
};

struct passwords {
    struct password_config config;
    pthread_mutex_t lock; /* over queue, queued, over */
    pthread_cond_t changed;
    struct link queue;
    unsigned queued;
    bool over;
    pthread_t threads[THREADS_MOST];
    unsigned running;
    char dummy[PASSWORD_HASH_MOST + 1];
};

_Static_assert(PASSWORD_HASH_MOST >= crypto_pwhash_STRBYTES, "no room for libsodium's text");

/* ---- the work ---- */

static bool make(const struct password_config *c, str password, char out[PASSWORD_HASH_MOST + 1])
{
    return crypto_pwhash_str_alg(out, password.ptr, password.len, c->passes,
                                 (size_t)c->memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static bool bcrypt_form(str hash)
{
    return str_starts(hash, LIT("$2a$")) || str_starts(hash, LIT("$2b$")) ||
           str_starts(hash, LIT("$2y$"));
}

/* crypt(3) reads up to a NUL: a password that holds one is none of its. */
static bool check_bcrypt(str password, const char *hash, struct err *err)
{
    char text[PASSWORD_BYTES_MOST + 1];
    if (lib_load(&lib_xcrypt, E_BUSY, err) < 0 || str_find(password, '\0') != STR_NONE)
        return false;
    memcpy(text, password.ptr, password.len);
    text[password.len] = '\0';
    struct crypt_data *data = mem_zero(1, sizeof *data);
    const char *again = xcrypt.crypt_r(text, hash, data);
    size_t len = strlen(hash);
    bool same = again && strlen(again) == len && sodium_memcmp(again, hash, len) == 0;
    sodium_memzero(text, sizeof text);
    sodium_memzero(data, sizeof *data);
    mem_free(data);
    return same;
}

static bool check(str password, str hash, struct err *err)
{
    char text[PASSWORD_HASH_MOST + 1];
    if (hash.len > PASSWORD_HASH_MOST)
        return false;
    memcpy(text, hash.ptr, hash.len);
    text[hash.len] = '\0';
    if (bcrypt_form(hash))
        return check_bcrypt(password, text, err);
    return str_starts(hash, LIT("$argon2")) &&
           crypto_pwhash_str_verify(text, password.ptr, password.len) == 0;
}

/* ---- the threads ---- */

static void wake(void *arg)
{
    struct job *j = arg;
    j->done = true;
    fiber_wake(j->fiber);
}

static struct job *next(struct passwords *p)
{
    struct job *j = NULL;
    pthread_mutex_lock(&p->lock);
    while (list_empty(&p->queue) && !p->over)
        pthread_cond_wait(&p->changed, &p->lock);
    if (!list_empty(&p->queue)) {
        j = OUTER(p->queue.next, struct job, link);
        list_cut(&j->link);
        p->queued--;
    }
    pthread_mutex_unlock(&p->lock);
    return j;
}

static void *work(void *arg)
{
    struct passwords *p = arg;
    struct job *j;
    setpriority(PRIO_PROCESS, 0, NICE); /* on Linux: of this thread */
    while ((j = next(p))) {
        j->good = j->hash.ptr ? check(j->password, j->hash, &j->err)
                              : make(&p->config, j->password, j->made);
        loop_post(j->loop, wake, j);
    }
    return NULL;
}

int passwords_new(const struct password_config *c, struct passwords **out, struct err *err)
{
    struct passwords *p = mem_zero(1, sizeof *p);
    p->config = *c;
    list_init(&p->queue);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    unsigned threads = c->threads < THREADS_MOST ? c->threads : THREADS_MOST;
    if (sodium_init() < 0 || !make(c, LIT("nobody's"), p->dummy)) {
        passwords_free(&p);
        return fail(err, E_CONFIG, "argon2id cannot be had with %u KiB and %u passes",
                    c->memory_kib, c->passes);
    }
    while (p->running < (threads ? threads : 1)) {
        if (pthread_create(&p->threads[p->running], NULL, work, p) != 0) {
            passwords_free(&p);
            return fail(err, E_INTERNAL, "no thread for password hashes");
        }
        p->running++;
    }
    *out = p;
    return 0;
}

void passwords_free(struct passwords **out)
{
    struct passwords *p = *out;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->over = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    while (p->running)
        pthread_join(p->threads[--p->running], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    mem_free(p);
    *out = NULL;
}

WAITS static int run(struct passwords *p, struct job *j, struct err *err)
{
    j->loop = loop_self();
    j->fiber = fiber_self();
    pthread_mutex_lock(&p->lock);
    bool room = p->queued < p->config.queue;
    if (room) {
        list_push(&p->queue, &j->link);
        p->queued++;
        pthread_cond_signal(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    if (!room)
        return fail(err, E_BUSY, "too many passwords are being checked");
    metrics_add(METRICS_PASSWORDS, 1);
    while (!j->done)
        fiber_park_firm("password hash");
    return 0;
}

int passwords_hash(struct passwords *p, str password, char out[PASSWORD_HASH_MOST + 1],
                   struct err *err)
{
    struct job j = {.password = password};
    if (password.len > PASSWORD_BYTES_MOST)
        return fail(err, E_TOOBIG, "a password has %d bytes at most", PASSWORD_BYTES_MOST);
    TRY(run(p, &j, err));
    if (!j.good)
        return fail(err, E_BUSY, "no memory for a password hash");
    memcpy(out, j.made, sizeof j.made);
    return 0;
}

int password_hash_now(const struct password_config *c, str password,
                      char out[PASSWORD_HASH_MOST + 1], struct err *err)
{
    if (password.len > PASSWORD_BYTES_MOST)
        return fail(err, E_TOOBIG, "a password has %d bytes at most", PASSWORD_BYTES_MOST);
    if (sodium_init() < 0 || !make(c, password, out))
        return fail(err, E_CONFIG, "argon2id cannot be had with %u KiB and %u passes",
                    c->memory_kib, c->passes);
    return 0;
}

int passwords_check(struct passwords *p, str password, str hash, struct password_verdict *out,
                    struct err *err)
{
    /* What no password fits ("!") takes as long as a wrong one. */
    bool form = hash.ptr && (bcrypt_form(hash) || str_starts(hash, LIT("$argon2")));
    bool real = form && password.len <= PASSWORD_BYTES_MOST;
    struct job j = {.password = str_upto(password, PASSWORD_BYTES_MOST),
                    .hash = real ? hash : str_of(p->dummy)};
    TRY(run(p, &j, err));
    if (j.err.code < 0) {
        *err = j.err;
        return err->code;
    }
    out->good = real && j.good;
    out->stale = out->good && (bcrypt_form(hash) || crypto_pwhash_str_needs_rehash(
                                                        hash.ptr, p->config.passes,
                                                        (size_t)p->config.memory_kib * 1024) != 0);
    return 0;
}
