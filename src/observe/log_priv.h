/* Private to src/observe: the two halves of the log. SPDX: Apache-2.0 */
#ifndef CAIRN_LOG_PRIV_H
#define CAIRN_LOG_PRIV_H

#include "observe/log.h"

enum { LOG_LINE_MOST = 16 * 1024, LOG_FLUSH_AT = 32 * 1024, LOG_BUFFER = 64 * 1024 };

/* A thread's lines, and the text of the present second. */
struct log_thread {
    char *ptr;
    size_t len;
    bool pretty, colour; /* of the line in the making */
    int64_t second;      /* of stamp */
    char stamp[24];
};
extern _Thread_local struct log_thread log__thread;

bool log__pretty(bool *colour); /* as the next line is to be written */
void log__drop(void);
void log__tap(str line); /* to all who follow */ /* counts a line that was not written */

#endif
