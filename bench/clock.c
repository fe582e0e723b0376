/* clock.c -- makes time pass slower for the process it is preloaded into. SPDX: Apache-2.0
 * Why: under valgrind a program runs some fifty times slower, and a server that moves statements
 * away once they have taken two milliseconds would do other work than it does by itself.
 * usage: LD_PRELOAD=clock.so COMMAND */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLOWER = 64 };

int clock_gettime(clockid_t id, struct timespec *out)
{
    long long ns;
    long rc = syscall(SYS_clock_gettime, id, out);

    if (rc != 0 || (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE))
        return (int)rc;
    ns = (out->tv_sec * 1000000000LL + out->tv_nsec) / SLOWER;
    out->tv_sec = ns / 1000000000LL;
    out->tv_nsec = ns % 1000000000LL;
    return 0;
}
