/* mailer.c -- letters: their settings, their table, and the fibers of worker 0 that send them.
 * SPDX: Apache-2.0
 * A letter that is committed here is sent at once (a kick); what other processes left behind, and
 * what is to be tried again, is looked for every two seconds. */
#include "server/mailer.h"
#include "db/db.h"
#include "observe/log.h"
#include "server/server_priv.h"

enum { TICK_MS = 2000, SENDERS_MOST = 4, SWEEP_EVERY = 30, LOCK_MS = 60000 };

static bool sends(const struct config *c)
{
    return c->mail_send == MAIL_SEND_ALWAYS ||
           (c->mail_send == MAIL_SEND_AUTO && c->mode == MODE_PRODUCTION);
}

int mailer_tables(const struct config *c, struct db_admin *a, struct err *err)
{
    struct db_config db;
    if (!c->mail_from.len)
        return 0;
    config_db(c, &db);
    TRY(db_admin_lock(a, LOCK_MS, err));
    int code = db_admin_script(a, str_of(mail_tables(db_engine(&db))), NULL, err);
    db_admin_unlock(a);
    return code;
}

unsigned mailer_threads(const struct config *c)
{
    unsigned threads = (unsigned)c->client_threads;
    return c->mail_from.len && threads == 1 ? 2 : threads;
}

/* ---- fibers ---- */

static void send_letters(void *arg)
{
    struct mailer *m = arg;
    struct world *world = world_get(m->worker->seat->world);
    struct err err = {0};
    struct mail_sender s = {
        .mail = world->mail, .client = world->client, .db = world->db, .stop = &m->stop};
    if (sends(world->config) && mail_send_due(&s, &err) < 0 && err.code != E_BUSY &&
        err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "letters cannot be sent", "error", str_of(err.text));
    world_put(&world);
    m->sending--;
    worker_rests(m->worker);
}

/* A mail server that hangs holds a thread of the client's for each: some stay for other calls. */
static unsigned senders_most(const struct mailer *m)
{
    unsigned threads = mailer_threads(m->worker->serve->boot);
    return threads - 1 < SENDERS_MOST ? threads - 1 : SENDERS_MOST;
}

static void send_soon(void *arg)
{
    struct mailer *m = arg;
    if (!atomic_load(&m->stop) && m->sending < senders_most(m) &&
        fiber_soon(m->worker->loop, send_letters, m))
        m->sending++;
}

static void sweep(void *arg)
{
    struct mailer *m = arg;
    struct world *world = world_get(m->worker->seat->world);
    struct err err = {0};
    if (mail_sweep(world->mail, world->db, &err) < 0 && err.code != E_BUSY &&
        err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "old letters cannot be deleted", "error", str_of(err.text));
    world_put(&world);
    m->sweeping = false;
    worker_rests(m->worker);
}

static void tick(void *arg)
{
    struct mailer *m = arg;
    if (m->sending == 0)
        send_soon(m);
    if (m->ticks++ % SWEEP_EVERY == 0 && !m->sweeping && !atomic_load(&m->stop))
        m->sweeping = fiber_soon(m->worker->loop, sweep, m);
}

/* Any thread, also while worker 0 is not there yet: then its first look finds the letter. */
static void kick(void *arg)
{
    struct mailer *m = arg;
    struct loop *loop = atomic_load(&m->loop);
    if (loop)
        loop_post(loop, send_soon, m);
}

void mailer_begin(struct worker *w)
{
    struct mailer *m = &w->serve->app->mailer;
    m->worker = w;
    loop_every(w->loop, TICK_MS, tick, m);
    atomic_store(&m->loop, w->loop);
}

void mailer_stop(struct cairn_app *app)
{
    atomic_store(&app->mailer.stop, true);
}

bool mailer_busy(const struct cairn_app *app)
{
    return app->mailer.sending || app->mailer.sweeping;
}

/* ---- a world's ---- */

static struct mail_config settings(const struct config *c)
{
    str domain = str_from(c->mail_from, str_rfind(c->mail_from, '@') + 1);
    if (str_ends(domain, LIT(">")))
        domain.len--;
    return (struct mail_config){.project = c->name,
                                .from = c->mail_from,
                                .reply_to = c->mail_reply_to,
                                .url = c->mail_url,
                                .user = c->mail_user,
                                .password = c->mail_password,
                                .starttls = (enum client_starttls)c->mail_starttls,
                                .ca_file = c->mail_ca_file,
                                .helo = c->mail_helo.len ? c->mail_helo : domain,
                                .send = sends(c),
                                .timeout_ms = c->mail_timeout,
                                .retry_ms = c->mail_retry,
                                .give_up_ms = c->mail_give_up,
                                .keep_ms = c->mail_keep,
                                .dir = c->mail_path};
}

int mailer_world(struct world *w, struct cairn_app *app, struct err *err)
{
    const struct config *c = w->config;
    if (!c->mail_from.len)
        return 0;
    w->mail_config = settings(c);
    w->mail_config.kick = app ? kick : NULL;
    w->mail_config.kick_arg = app ? &app->mailer : NULL;
    TRY(mail_new(&w->arena, &w->mail_config, &w->mail, err));
    if (sends(c) || c->mode != MODE_DEVELOPMENT)
        return 0;
    return mail_inbox_routes(w->router, &w->arena, w->db, err);
}

int mailer_check(const struct config *c, struct err *err)
{
    enum { MEMORY = 16 << 20 };
    struct mail_config m = settings(c);
    struct mail *mail;
    struct arena a;
    if (!c->mail_from.len)
        return 0;
    arena_init(&a, MEMORY);
    int code = mail_new(&a, &m, &mail, err);
    arena_reset(&a);
    return code;
}
