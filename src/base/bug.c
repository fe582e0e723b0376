/* bug.c -- the end of the process when one of our own rules is broken. SPDX: Apache-2.0
 * Also the end when the machine is out of memory: an allocation never answers NULL. */
#include "base/bug.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void bug_stop(const char *file, int line, const char *what)
{
    void *frames[64];
    fprintf(stderr, "{\"level\":\"fatal\",\"msg\":\"bug\",\"at\":\"%s:%d\",\"what\":\"%s\"}\n",
            file, line, what);
    backtrace_symbols_fd(frames, backtrace(frames, COUNT_OF(frames)), STDERR_FILENO);
    abort();
}
