/* time.c -- times and days: intervals, parts of a time, its form as text. SPDX: Apache-2.0
 * A time is text in one form (literal.c), in UTC; SQLite's functions read it and write it again.
 * A month is added as PostgreSQL does: from the 31st to the last day of a shorter month, where
 * SQLite would go on into the next one. */
#include "ddl/ddl_priv.h"

#include <stdlib.h>

#define STAMP "%Y-%m-%dT%H:%M:%f000Z"

/* ---- intervals ---- */

struct shift {
    int64_t months, days;
    double seconds;
};

static node *interval_text(node *n)
{
    node *type = ddl__get(ddl__as(n, "TypeCast"), "typeName");
    if (!str_is(ddl__last_name(type, "names"), "interval"))
        return NULL;
    return ddl__get(ddl__as(ddl__get(ddl__body(n), "arg"), "A_Const"), "sval");
}

/* `interval '1 day' * n`, either way round: the other side, or NULL. */
static node *multiple(node *n, node **interval)
{
    node *e = ddl__as(n, "A_Expr"), *left = ddl__get(e, "lexpr"), *right = ddl__get(e, "rexpr");
    if (!e || !str_is(ddl__last_name(e, "name"), "*"))
        return NULL;
    bool first = interval_text(left) != NULL;
    *interval = first ? left : right;
    if (!first && !interval_text(right))
        return NULL;
    return first ? right : left;
}

bool ddl__is_interval(node *n)
{
    node *interval;
    return str_is(ddl__last_name(ddl__get(ddl__as(n, "TypeCast"), "typeName"), "names"),
                  "interval") ||
           multiple(n, &interval) != NULL;
}

static bool add_unit(struct shift *s, double n, str unit)
{
    static const struct {
        const char *name;
        int64_t months, days;
        double seconds;
    } units[] = {
        {"year", 12, 0, 0},
        {"month", 1, 0, 0},
        {"mon", 1, 0, 0},
        {"week", 0, 7, 0},
        {"day", 0, 1, 0},
        {"hour", 0, 0, 3600},
        {"minute", 0, 0, 60},
        {"min", 0, 0, 60},
        {"second", 0, 0, 1},
        {"sec", 0, 0, 1},
        {"millisecond", 0, 0, 0.001},
    };
    if (unit.len > 1 && str_ends(unit, LIT("s")))
        unit = str_upto(unit, unit.len - 1);
    bool whole = n == (double)(int64_t)n;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!str_is(unit, units[i].name))
            continue;
        s->months += (int64_t)n * units[i].months;
        s->days += (int64_t)n * units[i].days;
        s->seconds += n * units[i].seconds;
        return whole || units[i].seconds > 0;
    }
    return false;
}

/* "1 year 2 days", "90 seconds". */
static bool read_interval(struct ddl__tr *t, str text, struct shift *out)
{
    *out = (struct shift){0};
    text = str_trim(text);
    if (!text.len)
        return false;
    while (text.len) {
        str number = str_cut(&text, ' '), canon;
        text = text.ptr ? str_trim(text) : (str){0};
        str unit = text.ptr ? str_cut(&text, ' ') : (str){0};
        text = text.ptr ? str_trim(text) : (str){0};
        if (!unit.len || number.len > 15 || !decimal_canon(t->a, number, 0, -1, &canon) ||
            !add_unit(out, strtod(arena_str(t->a, canon).ptr, NULL), unit))
            return false;
    }
    return true;
}

/* ", '+3 days'", or with a factor ", ((3) * (n)) || ' days'". */
static void put_step(struct ddl__tr *t, double n, const char *unit, str factor)
{
    if (n == 0)
        return;
    if (factor.len)
        buf_printf(&t->b, ", (%.10g * %s) || ' %s'", n, factor.ptr, unit);
    else
        buf_printf(&t->b, ", '%+.10g %s'", n, unit);
}

/* The day after n months, at most the last of that month, and the time of day of before. */
static void put_months(struct ddl__tr *t, str base, int64_t n, str factor)
{
    buf_printf(&t->b, "min(date(%s", base.ptr);
    put_step(t, (double)n, "month", factor);
    buf_printf(&t->b, "), date(%s, 'start of month'", base.ptr);
    put_step(t, (double)n, "month", factor);
    buf_printf(&t->b, ", '+1 month', '-1 day')) || strftime('T%%H:%%M:%%f', %s)", base.ptr);
}

static int refuse_interval(struct ddl__tr *t, node *n)
{
    return ddl__refuse(t, ddl__place(n),
                       "an interval has to be '<number> <unit>', with units of "
                       "second, minute, hour, day, week, month, year, after + or -");
}

int ddl__time_shift(struct ddl__tr *t, node *n)
{
    node *e = ddl__body(n), *interval = ddl__get(e, "rexpr"), *factor_node, *found;
    str op = ddl__last_name(e, "name"), factor = LIT("");
    struct shift s;
    size_t mark = t->b.len;
    factor_node = multiple(interval, &found);
    if (factor_node) {
        TRY(ddl__operand(t, factor_node));
        factor = ddl__cut(t, mark);
        interval = found;
    }
    node *v = interval_text(interval);
    if (!v || op.len != 1 || (op.ptr[0] != '+' && op.ptr[0] != '-') ||
        !read_interval(t, ddl__text(v, "sval"), &s))
        return refuse_interval(t, n);
    int sign = op.ptr[0] == '-' ? -1 : 1;
    TRY(ddl__expr(t, ddl__get(e, "lexpr")));
    if (s.months) {
        str base = ddl__cut(t, mark);
        put_months(t, base, sign * s.months, factor);
    }
    str moved = ddl__cut(t, mark);
    bool clock = t->query && ddl__infer(t, ddl__get(e, "lexpr")).class == CLASS_TIME;
    buf_printf(&t->b, "strftime('%s', %s", clock ? "%H:%M:%f000" : STAMP, moved.ptr);
    put_step(t, (double)(sign * s.days), "day", factor);
    put_step(t, sign * s.seconds, "second", factor);
    buf_char(&t->b, ')');
    return 0;
}

int ddl__day_math(struct ddl__tr *t, node *n, bool *done)
{
    node *e = ddl__body(n), *left = ddl__get(e, "lexpr"), *right = ddl__get(e, "rexpr");
    bool minus = str_is(ddl__last_name(e, "name"), "-");
    enum ddl__class a = ddl__infer(t, left).class, b = ddl__infer(t, right).class;
    *done = left && (a == CLASS_DATE || (b == CLASS_DATE && !minus));
    if (*done && a == CLASS_DATE && b == CLASS_DATE) {
        buf_lit(&t->b, "CAST(julianday(");
        TRY(ddl__expr(t, left));
        buf_lit(&t->b, ") - julianday(");
        TRY(ddl__expr(t, right));
        buf_lit(&t->b, ") AS INTEGER)");
    } else if (*done) {
        buf_lit(&t->b, "date(");
        TRY(ddl__expr(t, a == CLASS_DATE ? left : right));
        buf_str(&t->b, minus ? LIT(", (-(") : LIT(", (("));
        TRY(ddl__expr(t, a == CLASS_DATE ? right : left));
        buf_lit(&t->b, ")) || ' days')");
    } else if (a == CLASS_TIMESTAMP && b == CLASS_TIMESTAMP) {
        return ddl__refuse(t, ddl__place(n),
                           "the difference of two times is an interval, which SQLite has not; "
                           "write extract(epoch from (a - b)) for seconds");
    }
    return 0;
}

/* ---- parts of a time ---- */

static str first_text(node *body)
{
    node *v = ddl__get(ddl__as(ddl__item(body, "args", 0), "A_Const"), "sval");
    return ddl__text(v, "sval");
}

/* extract(epoch from (a - b)) */
static int seconds_between(struct ddl__tr *t, node *difference)
{
    node *e = ddl__body(difference);
    buf_lit(&t->b, "round((julianday(");
    TRY(ddl__expr(t, ddl__get(e, "lexpr")));
    buf_lit(&t->b, ") - julianday(");
    TRY(ddl__expr(t, ddl__get(e, "rexpr")));
    buf_lit(&t->b, ")) * 86400, 3)");
    return 0;
}

static bool is_difference(struct ddl__tr *t, node *n)
{
    node *e = ddl__as(n, "A_Expr");
    return e && str_is(ddl__last_name(e, "name"), "-") && ddl__get(e, "lexpr") &&
           ddl__infer(t, ddl__get(e, "lexpr")).class == CLASS_TIMESTAMP &&
           ddl__infer(t, ddl__get(e, "rexpr")).class == CLASS_TIMESTAMP;
}

static int extract(struct ddl__tr *t, node *n, node *body)
{
    static const char *const parts[][2] = {
        {"year", "CAST(strftime('%Y', \1) AS INTEGER)"},
        {"month", "CAST(strftime('%m', \1) AS INTEGER)"},
        {"day", "CAST(strftime('%d', \1) AS INTEGER)"},
        {"hour", "CAST(strftime('%H', \1) AS INTEGER)"},
        {"minute", "CAST(strftime('%M', \1) AS INTEGER)"},
        {"second", "CAST(strftime('%f', \1) AS REAL)"},
        {"dow", "CAST(strftime('%w', \1) AS INTEGER)"},
        {"doy", "CAST(strftime('%j', \1) AS INTEGER)"},
        {"epoch", "CAST(strftime('%s', \1) AS INTEGER)"},
        {"isodow", "(1 + (strftime('%w', \1) + 6) % 7)"},
        {"quarter", "((strftime('%m', \1) + 2) / 3)"},
        {"week", "(1 + (strftime('%j', date(\1, '-3 days', 'weekday 4')) - 1) / 7)"},
    };
    str part = first_text(body);
    node *of = ddl__item(body, "args", 1);
    if (str_is(part, "epoch") && is_difference(t, of))
        return seconds_between(t, of);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!str_is(part, parts[i][0]))
            continue;
        for (const char *p = parts[i][1]; *p; p++) {
            if (*p != 1)
                buf_char(&t->b, *p);
            else
                TRY(ddl__expr(t, of));
        }
        return 0;
    }
    return ddl__refuse(t, ddl__place(n),
                       "extract: one of year, quarter, month, week, day, hour, minute, second, "
                       "dow, isodow, doy, epoch");
}

/* now() AT TIME ZONE 'UTC': every time is UTC here. */
static int timezone_call(struct ddl__tr *t, node *n, node *body)
{
    if (!str_eqi(first_text(body), LIT("utc")) || ddl__count(body, "args") != 2)
        return ddl__refuse(t, ddl__place(n),
                           "a time zone other than 'UTC'; every time is stored "
                           "in UTC");
    return ddl__expr(t, ddl__item(body, "args", 1));
}

static int date_trunc(struct ddl__tr *t, node *n, node *body)
{
    static const char *const units[][2] = {
        {"second", "strftime('%Y-%m-%dT%H:%M:%S.000000Z', \1)"},
        {"minute", "strftime('%Y-%m-%dT%H:%M:00.000000Z', \1)"},
        {"hour", "strftime('%Y-%m-%dT%H:00:00.000000Z', \1)"},
        {"day", "strftime('%Y-%m-%dT00:00:00.000000Z', \1)"},
        {"week", "strftime('%Y-%m-%dT00:00:00.000000Z', \1, '-6 days', 'weekday 1')"},
        {"month", "strftime('%Y-%m-01T00:00:00.000000Z', \1)"},
        {"quarter", "(strftime('%Y-', \1) || substr('01040710', (strftime('%m', \1) + 2) / 3 * 2 - "
                    "1, 2) || '-01T00:00:00.000000Z')"},
        {"year", "strftime('%Y-01-01T00:00:00.000000Z', \1)"},
    };
    str unit = first_text(body);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!str_is(unit, units[i][0]) || ddl__count(body, "args") != 2)
            continue;
        for (const char *p = units[i][1]; *p; p++) {
            if (*p != 1)
                buf_char(&t->b, *p);
            else
                TRY(ddl__expr(t, ddl__item(body, "args", 1)));
        }
        return 0;
    }
    return ddl__refuse(t, ddl__place(n),
                       "date_trunc: one of second, minute, hour, day, week, month, quarter, year, "
                       "as a constant");
}

/* ---- a time as text ---- */

/* The longest word of to_char at s that strftime has too; its length, or 0. */
static size_t pattern_word(str s, const char **out)
{
    static const char *const words[][2] = {
        {"YYYY", "%Y"}, {"HH24", "%H"}, {"DDD", "%j"},  {"MM", "%m"}, {"DD", "%d"},
        {"MI", "%M"},   {"SS", "%S"},   {"yyyy", "%Y"}, {"mm", "%m"}, {"dd", "%d"},
        {"hh24", "%H"}, {"mi", "%M"},   {"ss", "%S"},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!str_starts(s, str_of(words[i][0])))
            continue;
        *out = words[i][1];
        return strlen(words[i][0]);
    }
    return 0;
}

static int to_char(struct ddl__tr *t, node *n, node *body)
{
    node *v = ddl__get(ddl__as(ddl__item(body, "args", 1), "A_Const"), "sval");
    str rest = ddl__text(v, "sval");
    size_t mark = t->b.len;
    bool quoted = false, fine = v != NULL;
    const char *word = "";
    while (rest.len && fine) {
        size_t len = quoted ? 0 : pattern_word(rest, &word);
        char c = rest.ptr[0];
        if (c == '"')
            quoted = !quoted;
        else if (len)
            buf_str(&t->b, str_of(word));
        else if (quoted || !ascii_alpha(c))
            buf_str(&t->b, c == '%' ? LIT("%%") : str_make(&rest.ptr[0], 1));
        else
            fine = false;
        rest = str_from(rest, len ? len : 1);
    }
    str form = ddl__cut(t, mark);
    enum ddl__class class = ddl__infer(t, ddl__item(body, "args", 0)).class;
    if (!fine || class == CLASS_INT || class == CLASS_NUMERIC || class == CLASS_FLOAT)
        return ddl__refuse(t, ddl__place(n),
                           "to_char: a time, and a constant out of YYYY, MM, DD, DDD, HH24, MI, "
                           "SS, punctuation and \"text\"");
    buf_lit(&t->b, "strftime(");
    ddl__quote(t, form);
    buf_lit(&t->b, ", ");
    TRY(ddl__expr(t, ddl__item(body, "args", 0)));
    buf_char(&t->b, ')');
    return 0;
}

static int to_timestamp(struct ddl__tr *t, node *body)
{
    buf_lit(&t->b, "strftime('" STAMP "', ");
    TRY(ddl__expr(t, ddl__item(body, "args", 0)));
    buf_lit(&t->b, ", 'unixepoch')");
    return 0;
}

int ddl__time_call(struct ddl__tr *t, node *n, str name, bool *done)
{
    node *body = ddl__body(n);
    size_t args = ddl__count(body, "args");
    *done = true;
    if ((str_is(name, "extract") || str_is(name, "date_part")) && args == 2)
        return extract(t, n, body);
    if (str_is(name, "timezone"))
        return timezone_call(t, n, body);
    if (str_is(name, "date_trunc"))
        return date_trunc(t, n, body);
    if (str_is(name, "to_char") && args == 2)
        return to_char(t, n, body);
    if (str_is(name, "to_timestamp") && args == 1)
        return to_timestamp(t, body);
    *done = false;
    return 0;
}
