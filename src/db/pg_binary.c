/* pg_binary.c -- cells in the server's binary form, made into what their text would have been made
 * into. SPDX: Apache-2.0
 * Numbers come in network order, times in microseconds and dates in days since 2000-01-01. What has
 * no canonical form (a year past 9999 or before 1, an infinity) is written as the server writes it
 * with DateStyle ISO, in UTC. Types with more than one reading are left out: numeric keeps its
 * scale in text, float4 its short form. */
#include "db/pg_priv.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

#define DAYS_2000 INT64_C(10957)
#define DAY_US (INT64_C(86400) * 1000000)

/* Of 1, 2, 4 or 8 bytes, as all types here have them. */
static uint64_t number(str s)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    if (s.len == 4) {
        memcpy(&narrow, s.ptr, 4);
        return be32toh(narrow);
    }
    if (s.len == 8) {
        memcpy(&wide, s.ptr, 8);
        return be64toh(wide);
    }
    for (size_t i = 0; i < s.len; i++)
        wide = wide << 8 | (unsigned char)s.ptr[i];
    return wide;
}

static int64_t signed_number(str s)
{
    uint64_t n = number(s);
    if (s.len == 2)
        return (int16_t)n;
    return s.len == 4 ? (int32_t)n : (int64_t)n;
}

static struct value double_cell(str s)
{
    uint64_t bits = number(s);
    double f;
    memcpy(&f, &bits, sizeof f);
    return value_float(f);
}

/* As the server writes days of any year; gives the length, and whether they are before Christ. */
static size_t any_day(int64_t days, char *room, bool *bc)
{
    int64_t year;
    unsigned month, day;
    clock_civil(days, &year, &month, &day);
    *bc = year < 1;
    return (size_t)snprintf(room, PG_CELL_ROOM, "%04" PRId64 "-%02u-%02u", *bc ? 1 - year : year,
                            month, day);
}

static struct value endless(bool past)
{
    return value_text(past ? LIT("-infinity") : LIT("infinity"));
}

static struct value date_cell(str s, char *room)
{
    int64_t days = signed_number(s);
    bool bc;
    if (days == INT32_MAX || days == INT32_MIN)
        return endless(days < 0);
    if (date_of_days(days + DAYS_2000, room))
        return value_text(str_make(room, 10));
    size_t len = any_day(days + DAYS_2000, room, &bc);
    len += (size_t)snprintf(room + len, PG_CELL_ROOM - len, "%s", bc ? " BC" : "");
    return value_text(str_make(room, len));
}

static struct value far_time(int64_t us, bool zone, char *room)
{
    int64_t days = us / DAY_US - (us % DAY_US < 0), rest = us - days * DAY_US;
    int second = (int)(rest / 1000000), micros = (int)(rest % 1000000);
    bool bc;
    size_t len = any_day(days + DAYS_2000, room, &bc);
    len += (size_t)snprintf(room + len, PG_CELL_ROOM - len, " %02d:%02d:%02d", second / 3600,
                            second / 60 % 60, second % 60);
    if (micros) {
        len += (size_t)snprintf(room + len, PG_CELL_ROOM - len, ".%06d", micros);
        while (room[len - 1] == '0')
            len--;
    }
    len += (size_t)snprintf(room + len, PG_CELL_ROOM - len, "%s%s", zone ? "+00" : "",
                            bc ? " BC" : "");
    return value_text(str_make(room, len));
}

static struct value time_cell(str s, bool zone, char *room)
{
    int64_t us = signed_number(s), shifted;
    if (us == INT64_MAX || us == INT64_MIN)
        return endless(us < 0);
    if (!__builtin_add_overflow(us, DAYS_2000 * DAY_US, &shifted) && time_of_micros(shifted, room))
        return value_text(str_make(room, TIME_CANON_LEN));
    return far_time(us, zone, room);
}

static struct value uuid_cell(str s, char *room)
{
    size_t to = 0;
    for (size_t i = 0; i < s.len && i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            room[to++] = '-';
        room[to++] = "0123456789abcdef"[(unsigned char)s.ptr[i] >> 4];
        room[to++] = "0123456789abcdef"[(unsigned char)s.ptr[i] & 15];
    }
    return value_text(str_make(room, to));
}

struct value pg_binary__cell(unsigned oid, str bytes, char *room)
{
    switch (oid) {
    case OID_BOOL:
        return value_bool(number(bytes) != 0);
    case OID_OID:
        return value_int((int64_t)number(bytes));
    case OID_FLOAT8:
        return double_cell(bytes);
    case OID_DATE:
        return date_cell(bytes, room);
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        return time_cell(bytes, oid == OID_TIMESTAMPTZ, room);
    case OID_UUID:
        return uuid_cell(bytes, room);
    default:
        return value_int(signed_number(bytes));
    }
}

static bool known(unsigned oid)
{
    static const unsigned types[] = {OID_INT4,      OID_INT8,        OID_TEXT,   OID_VARCHAR,
                                     OID_TIMESTAMP, OID_TIMESTAMPTZ, OID_BOOL,   OID_INT2,
                                     OID_FLOAT8,    OID_JSON,        OID_JSONB,  OID_UUID,
                                     OID_DATE,      OID_BYTEA,       OID_BPCHAR, OID_OID};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (types[i] == oid)
            return true;
    }
    return false;
}

bool pg_binary__fits(const PGresult *r)
{
    int cols = pq.nfields(r);
    for (int i = 0; i < cols; i++) {
        if (!known(pq.ftype(r, i)))
            return false;
    }
    return cols > 0;
}
