/* process.c -- what the operating system says of this process, as the process_* metrics that every
 * Prometheus client library has. SPDX: Apache-2.0 */
#include "observe/metrics_priv.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* False where there is no /proc. */
static bool resident(uint64_t *bytes)
{
    unsigned long long size, pages;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return false;
    // NOLINTNEXTLINE(cert-err34-c): the kernel wrote these
    bool ok = fscanf(f, "%llu %llu", &size, &pages) == 2;
    fclose(f);
    *bytes = ok ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
    return ok;
}

static bool open_files(uint64_t *count)
{
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return false;
    *count = 0;
    for (struct dirent *e; (e = readdir(d));)
        *count += e->d_name[0] != '.';
    closedir(d);
    --*count; /* the directory's own */
    return true;
}

static uint64_t cpu_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

void metrics__process(struct buf *out)
{
    struct rlimit files;
    uint64_t n, cpu = cpu_us(), start = (uint64_t)metrics__all.started_us;
    if (resident(&n))
        metrics_put(out, "process_resident_memory_bytes", false, n, "Resident memory in bytes.");
    metrics__head(out, "process_cpu_seconds_total", "counter", "User and system CPU time.");
    buf_printf(out, "process_cpu_seconds_total %llu.%06u\n", (unsigned long long)(cpu / 1000000),
               (unsigned)(cpu % 1000000));
    if (open_files(&n))
        metrics_put(out, "process_open_fds", false, n, "Open file descriptors.");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        metrics_put(out, "process_max_fds", false, (uint64_t)files.rlim_cur,
                    "Most file descriptors that may be open.");
    metrics__head(out, "process_start_time_seconds", "gauge", "Start time, seconds since 1970.");
    buf_printf(out, "process_start_time_seconds %llu.%03u\n", (unsigned long long)(start / 1000000),
               (unsigned)(start % 1000000 / 1000));
}
