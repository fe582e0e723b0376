/* date.c -- dates of HTTP: the form that is sent, and the two old ones that must be understood
 * (RFC 9110, 5.6.7). SPDX: Apache-2.0
 *   Sun, 06 Nov 1994 08:49:37 GMT | Sunday, 06-Nov-94 08:49:37 GMT | Sun Nov  6 08:49:37 1994
 * The name of the day is not looked at: it follows from the date. */
#include "http/http.h"

#include "base/clock.h"

struct date {
    int64_t year;
    unsigned month, day, hour, minute, second;
};

/* A number of exactly that many digits; a blank stands for the first where one may. */
static bool number(str *s, size_t digits, bool blank, unsigned *out)
{
    *out = 0;
    if (s->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        char c = blank && i == 0 && s->ptr[0] == ' ' ? '0' : s->ptr[i];
        if (!ascii_digit(c))
            return false;
        *out = *out * 10 + (unsigned)(c - '0');
    }
    *s = str_from(*s, digits);
    return true;
}

static bool text(str *s, const char *want)
{
    str w = str_of(want);
    if (!str_starts(*s, w))
        return false;
    *s = str_from(*s, w.len);
    return true;
}

static bool month(str *s, unsigned *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (*out = 1; *out <= 12 && s->len >= 3; ++*out) {
        if (memcmp(s->ptr, names + (size_t)3 * (*out - 1), 3) == 0) {
            *s = str_from(*s, 3);
            return true;
        }
    }
    return false;
}

static bool clocktime(str *s, struct date *d)
{
    return number(s, 2, false, &d->hour) && text(s, ":") && number(s, 2, false, &d->minute) &&
           text(s, ":") && number(s, 2, false, &d->second);
}

static bool usual(str s, struct date *d)
{
    unsigned year;
    bool fine = number(&s, 2, false, &d->day) && text(&s, " ") && month(&s, &d->month) &&
                text(&s, " ") && number(&s, 4, false, &year) && text(&s, " ") && clocktime(&s, d) &&
                str_is(s, " GMT");
    d->year = fine ? year : 0;
    return fine;
}

/* Two digits of a year that would be more than fifty years ahead are of the century before. */
static int64_t whole_year(unsigned two)
{
    int64_t now;
    unsigned m, d;
    clock_civil(clock_wall_s() / 86400, &now, &m, &d);
    int64_t year = now - now % 100 + two;
    return year > now + 50 ? year - 100 : year;
}

static bool rfc850(str s, struct date *d)
{
    unsigned year;
    bool fine = number(&s, 2, false, &d->day) && text(&s, "-") && month(&s, &d->month) &&
                text(&s, "-") && number(&s, 2, false, &year) && text(&s, " ") && clocktime(&s, d) &&
                str_is(s, " GMT");
    d->year = fine ? whole_year(year) : 0;
    return fine;
}

static bool asctime_form(str s, struct date *d)
{
    unsigned year;
    bool fine = month(&s, &d->month) && text(&s, " ") && number(&s, 2, true, &d->day) &&
                text(&s, " ") && clocktime(&s, d) && text(&s, " ") && number(&s, 4, false, &year) &&
                !s.len;
    d->year = fine ? year : 0;
    return fine;
}

/* What stands behind the name of a day: ", " (after 3 letters or more) or " " (after 3). */
static bool parts(str s, struct date *d)
{
    size_t name = 0;
    while (name < s.len && ascii_alpha(s.ptr[name]))
        name++;
    str rest = str_from(s, name);
    if (name < 3 || name > 9)
        return false;
    if (text(&rest, ", "))
        return name == 3 ? usual(rest, d) : rfc850(rest, d);
    return name == 3 && text(&rest, " ") && asctime_form(rest, d);
}

bool http_date(str s, int64_t *out)
{
    struct date d;
    int64_t year;
    unsigned m, day;
    if (!parts(s, &d) || d.month > 12 || !d.day || d.hour > 23 || d.minute > 59 || d.second > 60)
        return false;
    int64_t days = clock_days(d.year, d.month, d.day);
    clock_civil(days, &year, &m, &day);
    if (m != d.month || day != d.day) /* 31 Feb */
        return false;
    *out = days * 86400 + d.hour * 3600 + d.minute * 60 + d.second;
    return true;
}
