/* clock.h -- time. SPDX: Apache-2.0 */
#ifndef CAIRN_BASE_CLOCK_H
#define CAIRN_BASE_CLOCK_H

#include "base/str.h"

uint64_t clock_ns(void);     /* monotonic, nanoseconds */
int64_t clock_wall_s(void);  /* since 1970-01-01T00:00:00Z, seconds; coarse and cheap */
int64_t clock_wall_us(void); /* since 1970-01-01T00:00:00Z, microseconds */

enum { CLOCK_RFC3339_MAX = 33, CLOCK_HTTP_LEN = 29 };
/* "2026-01-02T03:04:05.678901Z" with exactly six digits of fraction; writes at most
 * CLOCK_RFC3339_MAX bytes with the NUL; gives the length. Years 0000-9999. */
size_t clock_rfc3339(int64_t wall_us, char *out);
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7); CLOCK_HTTP_LEN bytes, no NUL. */
void clock_http(int64_t wall_s, char *out);

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t clock_days(int64_t year, unsigned month, unsigned day);
void clock_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
