/* clock.c -- time. Civil dates after Howard Hinnant, "chrono-compatible low-level date
 * algorithms". SPDX: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return (int64_t)ts.tv_sec;
}

int64_t clock_days(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned yoe = (unsigned)(year - era * 400);
    unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

void clock_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

size_t clock_rfc3339(int64_t wall_us, char *out)
{
    int64_t s = floor_div(wall_us, 1000000), days = floor_div(s, 86400), year;
    unsigned month, day;
    clock_civil(days, &year, &month, &day);
    int64_t t = s - days * 86400;
    int len = snprintf(out, CLOCK_RFC3339_MAX, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", (int)year,
                       month, day, (int)(t / 3600), (int)(t / 60 % 60), (int)(t % 60),
                       (int)(wall_us - s * 1000000));
    return (size_t)len;
}

void clock_http(int64_t wall_s, char *out)
{
    static const char names[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t days = floor_div(wall_s, 86400), year;
    unsigned month, day;
    char text[64];
    clock_civil(days, &year, &month, &day);
    int64_t t = wall_s - days * 86400;
    snprintf(text, sizeof text, "%.3s, %02u %.3s %04d %02d:%02d:%02d GMT",
             names + 3 * (((days % 7) + 7) % 7), day, months + (size_t)3 * (month - 1), (int)year,
             (int)(t / 3600), (int)(t / 60 % 60), (int)(t % 60));
    memcpy(out, text, CLOCK_HTTP_LEN);
}
