/* sqlite_sums.c -- exact sums and means for SQLite: cairn_sum(x, scale), cairn_avg(x, scale,
 * digits). SPDX: Apache-2.0
 * SQLite's own sum() of money is a sum of doubles, and of large whole numbers a failure. These
 * take each value as the decimal it stands for, rounded to scale digits (-1: as it is), and answer
 * with a canonical text. What is no number does not count, as nulls do not.
 * Runs on helper threads too, below the engine: no arena, no waits. */
#include "db/sqlite_priv.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>

struct summing {
    struct decimal_sum sum;
    uint64_t count;
    int digits; /* of the mean */
};

enum { FAST_SCALE = 9 };

/* A double that is a decimal of `scale` digits but for the error of the product. */
static bool scaled(struct decimal_sum *s, double f, int scale)
{
    static const double tens[FAST_SCALE + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    if (scale < 0 || scale > FAST_SCALE)
        return false;
    double product = f * tens[scale], whole = nearbyint(product);
    if (!(fabs(whole) < 1e15) || fabs(product - whole) > 0.25)
        return false;
    decimal_sum_scaled(s, (int64_t)whole, scale);
    return true;
}

/* As it is shown elsewhere: by its 15 leading digits (render/number.c). */
static bool add_double(struct decimal_sum *s, double f, int scale)
{
    char text[40];
    if (!isfinite(f))
        return false;
    if (scaled(s, f, scale))
        return true;
    int len = snprintf(text, sizeof text, "%.14e", f);
    return decimal_sum_add(s, str_make(text, (size_t)len), scale);
}

static bool add(struct decimal_sum *s, sqlite3_value *v, int scale)
{
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        decimal_sum_scaled(s, sqlite3_value_int64(v), 0);
        return true;
    case SQLITE_FLOAT:
        return add_double(s, sqlite3_value_double(v), scale);
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_value_text(v);
        return decimal_sum_add(s, str_make(text, (size_t)sqlite3_value_bytes(v)), scale);
    }
    default:
        return false;
    }
}

static void on_row(sqlite3_context *c, int n, sqlite3_value **list)
{
    if (sqlite3_value_type(list[0]) == SQLITE_NULL)
        return;
    struct summing *s = sqlite3_aggregate_context(c, sizeof *s);
    if (!s)
        return;
    s->digits = n > 2 ? sqlite3_value_int(list[2]) : 0;
    s->count += add(&s->sum, list[0], sqlite3_value_int(list[1]));
    if (s->sum.full)
        sqlite3_result_error_toobig(c);
}

static struct summing *some(sqlite3_context *c)
{
    struct summing *s = sqlite3_aggregate_context(c, 0);
    return s && s->count && !s->sum.full ? s : NULL; /* NULL: the answer is null */
}

static void on_sum(sqlite3_context *c)
{
    char text[SUM_TEXT];
    struct summing *s = some(c);
    if (s)
        sqlite3_result_text(c, text, (int)decimal_sum_text(&s->sum, text), SQLITE_TRANSIENT);
}

static void on_avg(sqlite3_context *c)
{
    char text[SUM_TEXT];
    struct summing *s = some(c);
    if (s)
        sqlite3_result_text(c, text, (int)decimal_sum_mean(&s->sum, s->count, s->digits, text),
                            SQLITE_TRANSIENT);
}

void sqlite__sums(sqlite3 *h)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    sqlite3_create_function(h, "cairn_sum", 2, flags, NULL, NULL, on_row, on_sum);
    sqlite3_create_function(h, "cairn_avg", 3, flags, NULL, NULL, on_row, on_avg);
}
