/* log.h -- one line per event to stderr, JSON or for people. SPDX: Apache-2.0
 * Each thread builds its lines in a buffer of its own; log_flush hands them to the kernel with one
 * write, at the end of a loop turn. Never waits for a reader: when stderr is a pipe or socket that
 * nobody empties, whole lines are dropped and counted, and a line "log.dropped" tells of it later.
 * The process must ignore SIGPIPE: a reader that went away is no reason to end.
 * All texts are untrusted: control characters, line separators and bad UTF-8 are escaped. */
#ifndef CAIRN_LOG_H
#define CAIRN_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_JSON, LOG_FORMAT_PRETTY };

/* Once, before other threads log. fd: 2, or another for tests; AUTO is PRETTY on a terminal. Lines
 * written before it are JSON at level info to stderr. */
void log_setup(int fd, enum log_level level, enum log_format format);
/* Any thread, any time: in force for the next line. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* A line in the making. No wait and no other line of this thread between begin and end. */
struct log {
    char *start; /* NULL: not logged */
    enum log_level level;
    bool cut; /* a field did not fit */
};

bool log_on(enum log_level level);
/* msg: a literal, the event's stable name or a short sentence. */
void log_begin(struct log *l, enum log_level level, const char *msg);
/* key: a literal of [a-z0-9_.]. Texts over 4096 bytes are cut. */
void log_str(struct log *l, const char *key, str value);
void log_int(struct log *l, const char *key, int64_t value);
void log_bool(struct log *l, const char *key, bool value);
void log_err(struct log *l, const struct err *err); /* fields code and error */
/* Ends the line; level warn and above, and a full buffer, are written at once. */
void log_end(struct log *l);

/* A line that is msg alone, or msg and one text, or msg and an error. */
void log_event(enum log_level level, const char *msg);
void log_event_str(enum log_level level, const char *msg, const char *key, str value);
void log_event_err(enum log_level level, const char *msg, const struct err *err);

/* The line of an answered request, at level info. */
struct log_request {
    str id, method, path, route; /* path without the query: it may hold secrets */
    int status;
    uint64_t duration_us, bytes;
};
void log_request(const struct log_request *r);

/* Beside the log: programs that follow the requests, each over a SOCK_SEQPACKET socket, a line of
 * JSON as a message. Who reads slowly loses lines and gets {"lost":N}. Any thread. */
enum { LOG_TAPS_MOST = 4 };
bool log_tapped(void);                     /* somebody does */
bool log_tap_add(int fd);                  /* takes fd when there is room for one more */
void log_tap_close(void);                  /* ends all */
void log_tap(const struct log_request *r); /* hands on, whatever the level and format */

/* Writes what this thread has. At the end of each loop turn, and about once a second. */
void log_flush(void);
/* The same, then gives the thread's buffer back: before a thread ends. */
void log_thread_end(void);
/* Before the process ends: log_thread_end that waits up to ms for a slow reader. */
void log_close(unsigned ms);

uint64_t log_dropped(void); /* lines, since the start, of all threads */

#endif
