/* log.c -- lines of the log: built in a buffer of the thread, escaped, bounded. SPDX: Apache-2.0
 * Why hand-made: a line per request must cost well under a microsecond, so there is no printf, no
 * allocation and no lock here; the kernel is met in log_out.c, once per loop turn.
 * Invariants: (1) the buffer holds whole lines, but for the one between begin and end. (2) A line
 * is at most LINE_MOST bytes, so that many more fit when log_begin finds room for one. (3) Every
 * byte that is not ours goes through escape(). */
#include "observe/log_priv.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdatomic.h>

enum { TEXT_MOST = 4096, TAIL = 32 }; /* TAIL: room kept for ,"cut":true}\n */

static _Atomic int least = LOG_INFO;
_Thread_local struct log_thread log__thread;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&least, (int)level, memory_order_relaxed);
}

bool log_on(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

/* ---- bytes into the line ---- */

static struct log_thread *self(void)
{
    return &log__thread;
}

static size_t room(const struct log_thread *t, const struct log *l)
{
    size_t line = (size_t)(t->ptr + t->len - l->start);
    return LOG_LINE_MOST - TAIL - line;
}

static void add(struct log_thread *t, const char *ptr, size_t len)
{
    memcpy(t->ptr + t->len, ptr, len);
    t->len += len;
}

#define ADD(t, literal) add((t), "" literal, sizeof(literal) - 1)

static void add_u64(struct log_thread *t, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    add(t, digits + at, sizeof digits - at);
}

/* The bytes of the UTF-8 sequence at p (of n), 0 when it is malformed. */
static size_t sequence(const unsigned char *p, size_t n)
{
    size_t len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (len == 0 || len > n || !str_utf8(str_make((const char *)p, len)))
        return 0;
    return len;
}

/* C1 controls steer terminals; U+2028 and U+2029 end lines for some readers; U+202A-202E and
 * U+2066-2069 turn the direction of what follows. */
static bool unseemly(const unsigned char *p, size_t len, unsigned *code)
{
    if (len == 2)
        *code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    else
        *code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    return len < 4 && ((*code >= 0x80 && *code <= 0x9f) || (*code >= 0x2028 && *code <= 0x202e) ||
                       (*code >= 0x2066 && *code <= 0x2069));
}

static void add_escape(struct log_thread *t, unsigned code)
{
    static const char hex[] = "0123456789abcdef";
    char out[6] = {
        '\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};
    add(t, out, sizeof out);
}

/* One character that cannot be copied as it is; gives the bytes taken. */
static size_t escape_one(struct log_thread *t, const unsigned char *p, size_t n)
{
    unsigned code;
    if (*p == '"' || *p == '\\') {
        char out[2] = {'\\', (char)*p};
        add(t, out, 2);
        return 1;
    }
    if (*p < 0x80) {
        if (*p == '\n')
            ADD(t, "\\n");
        else
            add_escape(t, *p);
        return 1;
    }
    size_t len = sequence(p, n);
    if (len == 0) {
        add_escape(t, 0xfffd);
        return 1;
    }
    if (unseemly(p, len, &code))
        add_escape(t, code);
    else
        add(t, (const char *)p, len);
    return len;
}

static bool harmless(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* s, escaped; false when it was cut to fit into `most` bytes. */
static bool escape(struct log_thread *t, str s, size_t most)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0, end = t->len + most;
    while (i < s.len) {
        size_t run = i;
        while (run < s.len && harmless(p[run]))
            run++;
        size_t n = run - i, left = end - t->len;
        add(t, s.ptr + i, n < left ? n : left);
        if (n > left || (run < s.len && end - t->len < 6))
            return false;
        i = run;
        if (i < s.len)
            i += escape_one(t, p + i, s.len - i);
    }
    return true;
}

/* ---- the start of a line ---- */

static void stamp_second(struct log_thread *t, int64_t second)
{
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339(second * 1000000, text);
    memcpy(t->stamp, text, 20); /* 2026-01-02T03:04:05. */
    t->second = second;
}

/* "2026-01-02T03:04:05.678Z": the text of the second is kept, only the digits behind are made. */
static void add_stamp(struct log_thread *t, bool pretty)
{
    int64_t us = clock_wall_us(), second = us / 1000000;
    unsigned ms = (unsigned)(us % 1000000) / 1000;
    if (UNLIKELY(second != t->second))
        stamp_second(t, second);
    char *at = t->stamp + 20;
    at[0] = (char)('0' + ms / 100);
    at[1] = (char)('0' + ms / 10 % 10);
    at[2] = (char)('0' + ms % 10);
    at[3] = 'Z';
    if (pretty)
        add(t, t->stamp + 11, 12);
    else
        add(t, t->stamp, 24);
}

static const str level_words[] = {STR_INIT("debug"), STR_INIT("info"), STR_INIT("warn"),
                                  STR_INIT("error")};
static const str level_pretty[] = {STR_INIT(" debug "), STR_INIT(" info  "), STR_INIT(" warn  "),
                                   STR_INIT(" error ")};
static const str level_colour[] = {STR_INIT("\x1b[2m"), STR_INIT("\x1b[32m"), STR_INIT("\x1b[33m"),
                                   STR_INIT("\x1b[31m")};

static void colour(struct log_thread *t, str code)
{
    if (t->colour)
        add(t, code.ptr, code.len);
}

static bool make_room(struct log_thread *t)
{
    if (UNLIKELY(!t->ptr))
        t->ptr = mem_new(LOG_BUFFER);
    if (UNLIKELY(LOG_BUFFER - t->len < LOG_LINE_MOST)) {
        log_flush();
        if (LOG_BUFFER - t->len < LOG_LINE_MOST) {
            log__drop();
            return false;
        }
    }
    return true;
}

static bool start(struct log_thread *t, struct log *l, enum log_level level)
{
    *l = (struct log){.level = level};
    if (!log_on(level) || !make_room(t))
        return false;
    t->pretty = log__pretty(&t->colour);
    l->start = t->ptr + t->len;
    return true;
}

static void begin(struct log_thread *t, enum log_level level, str msg)
{
    if (t->pretty) {
        colour(t, LIT("\x1b[2m"));
        add_stamp(t, true);
        colour(t, LIT("\x1b[0m"));
        colour(t, level_colour[level]);
        add(t, level_pretty[level].ptr, level_pretty[level].len);
        colour(t, LIT("\x1b[0m"));
        escape(t, msg, TEXT_MOST);
    } else {
        ADD(t, "{\"ts\":\"");
        add_stamp(t, false);
        ADD(t, "\",\"level\":\"");
        add(t, level_words[level].ptr, level_words[level].len);
        ADD(t, "\",\"msg\":\"");
        escape(t, msg, TEXT_MOST);
        ADD(t, "\"");
    }
}

void log_begin(struct log *l, enum log_level level, const char *msg)
{
    struct log_thread *t = self();
    if (start(t, l, level))
        begin(t, level, str_of(msg));
}

/* ---- fields ---- */

/* `,"key":` or ` key=`; false when `need` more bytes would not fit behind it. */
static bool add_key(struct log_thread *t, struct log *l, str key, size_t need)
{
    if (!l->start || room(t, l) < key.len + need + 16) {
        l->cut = l->start != NULL;
        return false;
    }
    if (t->pretty) {
        colour(t, LIT("\x1b[2m"));
        ADD(t, " ");
        add(t, key.ptr, key.len);
        ADD(t, "=");
        colour(t, LIT("\x1b[0m"));
    } else {
        ADD(t, ",\"");
        add(t, key.ptr, key.len);
        ADD(t, "\":");
    }
    return true;
}

/* A text that may stand without quotes in a pretty line. */
static bool is_word(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == ' ' || s.ptr[i] == '=' || !harmless((unsigned char)s.ptr[i]))
            return false;
    return s.len > 0;
}

static void add_text(struct log_thread *t, struct log *l, str key, str value)
{
    if (!add_key(t, l, key, 16))
        return;
    bool bare = t->pretty && is_word(value);
    size_t most = room(t, l) - 2;
    if (!bare)
        ADD(t, "\"");
    if (!escape(t, value, most < TEXT_MOST ? most : TEXT_MOST))
        l->cut = true;
    if (!bare)
        ADD(t, "\"");
}

void log_str(struct log *l, const char *key, str value)
{
    add_text(self(), l, str_of(key), value);
}

void log_int(struct log *l, const char *key, int64_t value)
{
    struct log_thread *t = self();
    if (!add_key(t, l, str_of(key), 21))
        return;
    if (value < 0)
        ADD(t, "-");
    add_u64(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void log_bool(struct log *l, const char *key, bool value)
{
    struct log_thread *t = self();
    if (add_key(t, l, str_of(key), 5))
        add(t, value ? "true" : "false", value ? 4 : 5);
}

void log_err(struct log *l, const struct err *err)
{
    if (err->code < 0)
        log_str(l, "code", str_of(err_name(err->code)));
    log_str(l, "error", str_of(err->text));
}

void log_end(struct log *l)
{
    struct log_thread *t = self();
    if (!l->start)
        return;
    if (t->pretty && l->cut)
        ADD(t, " cut=true");
    else if (l->cut)
        ADD(t, ",\"cut\":true");
    if (!t->pretty)
        ADD(t, "}");
    ADD(t, "\n");
    CHECK(t->len <= LOG_BUFFER);
    l->start = NULL;
    if (l->level >= LOG_WARN || t->len >= LOG_FLUSH_AT)
        log_flush();
}

/* ---- shorthands ---- */

void log_event(enum log_level level, const char *msg)
{
    struct log l;
    log_begin(&l, level, msg);
    log_end(&l);
}

void log_event_str(enum log_level level, const char *msg, const char *key, str value)
{
    struct log l;
    log_begin(&l, level, msg);
    log_str(&l, key, value);
    log_end(&l);
}

void log_event_err(enum log_level level, const char *msg, const struct err *err)
{
    struct log l;
    log_begin(&l, level, msg);
    log_err(&l, err);
    log_end(&l);
}

/* ---- requests ---- */

/* 12:34:56.789 GET /v1/users 200 1.234ms 345B id=... */
static void pretty_request(struct log_thread *t, struct log *l, const struct log_request *r)
{
    colour(t, LIT("\x1b[2m"));
    add_stamp(t, true);
    colour(t, LIT("\x1b[0m"));
    ADD(t, " ");
    l->cut |= !escape(t, str_upto(r->method, 64), 512);
    ADD(t, " ");
    l->cut |= !escape(t, r->path, TEXT_MOST);
    ADD(t, " ");
    colour(t, level_colour[r->status >= 500 ? LOG_ERROR : r->status >= 400 ? LOG_WARN : LOG_INFO]);
    add_u64(t, (uint64_t)(r->status < 0 ? 0 : r->status));
    colour(t, LIT("\x1b[0m"));
    ADD(t, " ");
    add_u64(t, r->duration_us / 1000);
    ADD(t, ".");
    char digits[3] = {(char)('0' + r->duration_us / 100 % 10),
                      (char)('0' + r->duration_us / 10 % 10), (char)('0' + r->duration_us % 10)};
    add(t, digits, 3);
    ADD(t, "ms ");
    add_u64(t, r->bytes);
    ADD(t, "B");
    add_text(t, l, LIT("id"), r->id);
}

static void json_request(struct log_thread *t, struct log *l, const struct log_request *r)
{
    begin(t, LOG_INFO, LIT("request"));
    add_text(t, l, LIT("request_id"), r->id);
    add_text(t, l, LIT("method"), r->method);
    add_text(t, l, LIT("path"), r->path);
    ADD(t, ",\"status\":");
    add_u64(t, (uint64_t)(r->status < 0 ? 0 : r->status));
    ADD(t, ",\"duration_us\":");
    add_u64(t, r->duration_us);
    ADD(t, ",\"bytes\":");
    add_u64(t, r->bytes);
    if (r->route.len)
        add_text(t, l, LIT("route"), r->route);
}

void log_request(const struct log_request *r)
{
    struct log_thread *t = self();
    struct log l;
    if (!start(t, &l, LOG_INFO))
        return;
    if (t->pretty)
        pretty_request(t, &l, r);
    else
        json_request(t, &l, r);
    log_end(&l);
}

/* Made behind the lines that wait for the log, and taken off again. */
void log_tap(const struct log_request *r)
{
    struct log_thread *t = self();
    struct log l = {.level = LOG_INFO};
    if (!make_room(t))
        return;
    size_t before = t->len;
    l.start = t->ptr + before;
    t->pretty = t->colour = false;
    json_request(t, &l, r);
    if (l.cut)
        ADD(t, ",\"cut\":true");
    ADD(t, "}\n");
    log__tap(str_make(l.start, t->len - before));
    t->len = before;
}
