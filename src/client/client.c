/* client.c -- the threads that call. A caller parks until its job is done; the job lives on the
 * caller's stack, so a cancel only asks the thread to give up, and waits for it. Threads are begun
 * when there is work and end after a while without, with the connections they kept.
 * SPDX: Apache-2.0 */
#include "client/client_priv.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <time.h>

enum { THREADS_MOST = 64, IDLE_S = 30 };

struct client {
    struct client_config config;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t work, ended;
    struct link queue;
    unsigned queued, idle, running; /* running: they take jobs */
    unsigned alive;                 /* and those that are just ending */
    bool over, has_gone;
    pthread_t gone; /* the last one that ended; it waits for the one before it */
};

static void wake(void *arg)
{
    struct job *j = arg;
    j->done = true;
    fiber_wake(j->fiber);
}

/* The next job, or NULL after a while without: then this thread does not count any more. */
static struct job *next(struct client *c)
{
    struct job *j = NULL;
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_S;
    pthread_mutex_lock(&c->lock);
    c->idle++;
    while (list_empty(&c->queue) && !c->over && rc == 0)
        rc = pthread_cond_timedwait(&c->work, &c->lock, &until);
    c->idle--;
    if (!list_empty(&c->queue)) {
        j = OUTER(c->queue.next, struct job, link);
        list_cut(&j->link);
        c->queued--;
    } else {
        c->running--;
    }
    pthread_mutex_unlock(&c->lock);
    return j;
}

/* What libraries keep for a thread goes when it has returned: until then the process must not end,
 * or both free it. So each is waited for: by the next one that ends, the last by client_free. */
static void leave(struct client *c)
{
    pthread_mutex_lock(&c->lock);
    pthread_t before = c->gone;
    bool has_before = c->has_gone;
    c->gone = pthread_self();
    c->has_gone = true;
    c->alive--;
    pthread_cond_broadcast(&c->ended);
    pthread_mutex_unlock(&c->lock);
    if (has_before)
        pthread_join(before, NULL);
}

static void *work(void *arg)
{
    struct client *c = arg;
    CURL *handles[2] = {NULL, NULL};
    struct job *j;
    while ((j = next(c))) {
        transfer__run(j, handles);
        loop_post(j->loop, wake, j);
    }
    for (size_t i = 0; i < COUNT_OF(handles); i++) {
        if (handles[i])
            curl.easy_cleanup(handles[i]);
    }
    arena_thread_end();
    leave(c);
    return NULL;
}

/* Holds the lock. A queue that no thread would ever look at is worse than a failure. */
static bool enough_threads(struct client *c)
{
    pthread_t thread;
    if (c->idle > c->queued || c->running >= c->config.threads)
        return true;
    if (pthread_create(&thread, NULL, work, c) != 0)
        return c->running > 0;
    c->running++;
    c->alive++;
    return true;
}

struct client *client_new(const struct client_config *config)
{
    struct client *c = mem_zero(1, sizeof *c);
    c->config = *config;
    if (c->config.threads > THREADS_MOST)
        c->config.threads = THREADS_MOST;
    list_init(&c->queue);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->ended, NULL);
    return c;
}

void client_free(struct client **out)
{
    struct client *c = *out;
    *out = NULL;
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    BUG_ON(c->queued);
    c->over = true;
    pthread_cond_broadcast(&c->work);
    while (c->alive)
        pthread_cond_wait(&c->ended, &c->lock);
    pthread_mutex_unlock(&c->lock);
    if (c->has_gone)
        pthread_join(c->gone, NULL);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->ended);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

/* ---- a caller ---- */

/* Nobody has begun it, and nobody will. */
static bool take_back(struct client *c, struct job *j)
{
    pthread_mutex_lock(&c->lock);
    bool queued = !list_empty(&j->link);
    if (queued) {
        list_cut(&j->link);
        c->queued--;
    }
    pthread_mutex_unlock(&c->lock);
    return queued;
}

WAITS static void wait_for(struct client *c, struct job *j)
{
    while (!j->done && !atomic_load(&j->cancelled)) {
        if (fiber_park("call to another server", 0) == E_CANCELLED)
            atomic_store(&j->cancelled, true);
    }
    if (!j->done && take_back(c, j)) {
        j->done = true;
        j->code = fail(&j->err, E_CANCELLED, "the call was given up");
    }
    while (!j->done)
        fiber_park_firm("call to another server, cancelled");
}

WAITS static int run(struct client *c, struct job *j, struct err *err)
{
    enum { HEAD_MOST = 128 * 1024, MS = 1000000 };
    j->config = &c->config;
    j->guard.allow = c->config.allow;
    j->loop = loop_self();
    j->fiber = fiber_self();
    j->until = clock_ns() + j->timeout_ms * MS;
    atomic_init(&j->cancelled, false);
    buf_init(&j->head, HEAD_MOST);
    buf_init(&j->answer, j->answer_most ? (size_t)j->answer_most : 1);
    pthread_mutex_lock(&c->lock);
    bool room = c->queued < c->config.queue && enough_threads(c);
    if (room) {
        list_push(&c->queue, &j->link);
        c->queued++;
        pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    if (!room)
        return fail(err, E_BUSY, "too many calls to other servers are waiting");
    wait_for(c, j);
    if (j->code < 0)
        *err = j->err;
    return j->code;
}

int client_http(struct client *c, struct arena *a, struct client_call *call, struct err *err)
{
    struct job j = {.call = call,
                    .guard.named = call->trusted,
                    .timeout_ms = call->timeout_ms ? call->timeout_ms : c->config.timeout_ms,
                    .answer_most = call->answer_most ? call->answer_most : c->config.answer_most};
    call->status = 0;
    call->head = call->answer = (str){"", 0};
    int code = run(c, &j, err);
    if (code == 0) {
        call->head = arena_str(a, buf_view(&j.head));
        call->answer = arena_str(a, buf_view(&j.answer));
        call->received = j.received;
    }
    buf_fini(&j.head);
    buf_fini(&j.answer);
    return code;
}

int client_mail(struct client *c, struct client_mail *m, struct err *err)
{
    struct job j = {.mail = m,
                    .guard.named = true,
                    .timeout_ms = m->timeout_ms ? m->timeout_ms : c->config.timeout_ms};
    m->status = 0;
    int code = run(c, &j, err);
    buf_fini(&j.head);
    buf_fini(&j.answer);
    return code;
}

str client_header(const struct client_call *call, str name)
{
    str rest = call->head, found = {NULL, 0};
    while (rest.ptr) {
        str value = str_cut(&rest, '\n'), key = str_cut(&value, ':');
        if (value.ptr && str_eqi(key, name)) {
            if (str_ends(value, LIT("\r")))
                value.len--;
            found = str_trim(value);
        }
    }
    return found;
}
