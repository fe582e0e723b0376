/* time.c -- dates and times as text. SPDX: Apache-2.0
 * One canonical form, in UTC and of a fixed width, so that the order of the texts is the order of
 * the times; both engines and every index then agree. */
#include "data/data.h"

#include "base/clock.h"

struct moment {
    unsigned year, month, day, hour, minute, second, micros;
};

/* n digits at the head of *s, cut off. */
static bool digits_get(str *s, size_t n, unsigned *out)
{
    unsigned value = 0;
    if (s->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!ascii_digit(s->ptr[i]))
            return false;
        value = value * 10 + (unsigned)(s->ptr[i] - '0');
    }
    *s = str_from(*s, n);
    *out = value;
    return true;
}

static bool char_get(str *s, char c)
{
    if (!s->len || s->ptr[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static void digits_put(char *to, size_t n, unsigned value)
{
    while (n--) {
        to[n] = (char)('0' + value % 10);
        value /= 10;
    }
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool date_get(str *s, struct moment *m)
{
    return digits_get(s, 4, &m->year) && char_get(s, '-') && digits_get(s, 2, &m->month) &&
           char_get(s, '-') && digits_get(s, 2, &m->day) && m->month >= 1 && m->month <= 12 &&
           m->day >= 1 && m->day <= month_days(m->year, m->month);
}

/* Six digits count, the rest is cut. */
static bool fraction_get(str *s, struct moment *m)
{
    unsigned digit, weight = 100000, seen = 0;
    while (digits_get(s, 1, &digit)) {
        m->micros += digit * weight;
        weight /= 10;
        seen++;
    }
    return seen > 0;
}

static bool clock_get(str *s, struct moment *m)
{
    if (!digits_get(s, 2, &m->hour) || !char_get(s, ':') || !digits_get(s, 2, &m->minute) ||
        !char_get(s, ':') || !digits_get(s, 2, &m->second))
        return false;
    if (m->hour > 23 || m->minute > 59 || m->second > 60)
        return false;
    return !char_get(s, '.') || fraction_get(s, m);
}

/* Minutes east of UTC: Z, +01:00, and as SQL writes them +0100 and +01. All of s. */
static bool offset_get(str s, int *minutes)
{
    unsigned hours = 0, rest = 0;
    *minutes = 0;
    if (!s.len || (s.len == 1 && (s.ptr[0] == 'Z' || s.ptr[0] == 'z')))
        return true;
    bool west = s.ptr[0] == '-';
    if (!char_get(&s, west ? '-' : '+') || !digits_get(&s, 2, &hours))
        return false;
    bool colon = char_get(&s, ':');
    if ((s.len || colon) && !digits_get(&s, 2, &rest))
        return false;
    *minutes = (int)(hours * 60 + rest) * (west ? -1 : 1);
    return !s.len && hours <= 23 && rest <= 59;
}

/* A second 60 is real only at the end of a UTC half-year (RFC 3339 5.7); it counts as the first
 * of the next day, as databases have no place for it. */
static bool leap_second_ok(const struct moment *m)
{
    return m->hour == 23 && m->minute == 59 &&
           ((m->month == 6 && m->day == 30) || (m->month == 12 && m->day == 31));
}

/* Seconds since 1970 back to fields; false when the year has no four digits. */
static bool moment_from(int64_t t, struct moment *m)
{
    int64_t days = t / 86400 - (t % 86400 < 0), year;
    unsigned rest = (unsigned)(t - days * 86400);
    clock_civil(days, &year, &m->month, &m->day);
    if (year < 0 || year > 9999)
        return false;
    m->year = (unsigned)year;
    m->hour = rest / 3600;
    m->minute = rest / 60 % 60;
    m->second = rest % 60;
    return true;
}

static bool moment_utc(struct moment *m, int offset)
{
    bool leap = m->second == 60;
    int64_t t = clock_days(m->year, m->month, m->day) * 86400 + m->hour * 3600 + m->minute * 60 +
                m->second - (int64_t)offset * 60;
    if (!leap)
        return offset == 0 || moment_from(t, m);
    return moment_from(t - 1, m) && leap_second_ok(m) && moment_from(t, m);
}

static void date_put(const struct moment *m, char *to)
{
    digits_put(to, 4, m->year);
    to[4] = '-';
    digits_put(to + 5, 2, m->month);
    to[7] = '-';
    digits_put(to + 8, 2, m->day);
}

static void clock_put(const struct moment *m, char *to)
{
    digits_put(to, 2, m->hour);
    to[2] = ':';
    digits_put(to + 3, 2, m->minute);
    to[5] = ':';
    digits_put(to + 6, 2, m->second);
    to[8] = '.';
    digits_put(to + 9, 6, m->micros);
}

bool date_canon(str text, char out[10])
{
    struct moment m = {0};
    if (!date_get(&text, &m) || text.len)
        return false;
    date_put(&m, out);
    return true;
}

bool clocktime_canon(str text, char out[15])
{
    struct moment m = {0};
    if (!clock_get(&text, &m) || text.len || m.second > 59)
        return false;
    clock_put(&m, out);
    return true;
}

bool time_canon(str text, char out[TIME_CANON_LEN])
{
    struct moment m = {0};
    int offset = 0;
    if (!date_get(&text, &m))
        return false;
    if (text.len) {
        if (!char_get(&text, 'T') && !char_get(&text, 't') && !char_get(&text, ' '))
            return false;
        if (!clock_get(&text, &m) || !offset_get(text, &offset) || !moment_utc(&m, offset))
            return false;
    }
    date_put(&m, out);
    out[10] = 'T';
    clock_put(&m, out + 11);
    out[26] = 'Z';
    return true;
}

bool time_of_micros(int64_t micros, char out[TIME_CANON_LEN])
{
    struct moment m = {0};
    int64_t rest = micros % 1000000, seconds = micros / 1000000 - (rest < 0);
    if (!moment_from(seconds, &m) || !m.year)
        return false;
    m.micros = (unsigned)(rest < 0 ? rest + 1000000 : rest);
    date_put(&m, out);
    out[10] = 'T';
    clock_put(&m, out + 11);
    out[26] = 'Z';
    return true;
}

bool date_of_days(int64_t days, char out[10])
{
    struct moment m = {0};
    int64_t year;
    clock_civil(days, &year, &m.month, &m.day);
    if (year < 1 || year > 9999)
        return false;
    m.year = (unsigned)year;
    date_put(&m, out);
    return true;
}

static bool looks_canonical(str s)
{
    return s.len == TIME_CANON_LEN && s.ptr[10] == 'T' && s.ptr[19] == '.' && s.ptr[26] == 'Z';
}

/* What is not canonical, as SQLite's own CURRENT_TIMESTAMP, is made so; what is no time at all
 * is shown as it is, and a clock time only loses its zeros. */
void time_show(struct buf *b, str canonical)
{
    char form[TIME_CANON_LEN];
    str s = canonical;
    if (!looks_canonical(s) && s.len > 10 && time_canon(s, form))
        s = str_make(form, sizeof form);
    bool zone = s.len && s.ptr[s.len - 1] == 'Z';
    size_t end = s.len - zone;
    if (str_find(s, '.') < end) {
        while (end && s.ptr[end - 1] == '0')
            end--;
        if (s.ptr[end - 1] == '.')
            end--;
    }
    buf_add(b, s.ptr, end);
    if (zone)
        buf_char(b, 'Z');
}
