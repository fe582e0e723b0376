/* columns.c -- a column as a JSON schema, and a value that fits it. SPDX: Apache-2.0
 * An answer's schema holds no bounds: what stands in the database may be older than a rule. */
#include "admin/admin_priv.h"

#include <stdlib.h>

enum { INT4 = 2147483647, INT2 = 32767, TEXT_EXAMPLE_MOST = 60 };

static const struct {
    const char *type, *format, *pattern, *example;
} kinds[TYPE__COUNT] = {
    [TYPE_BOOL] = {"boolean", NULL, NULL, "true"},
    [TYPE_INT2] = {"integer", "int32", NULL, NULL},
    [TYPE_INT4] = {"integer", "int32", NULL, NULL},
    [TYPE_INT8] = {"integer", "int64", NULL, NULL},
    [TYPE_FLOAT4] = {"number", "float", NULL, NULL},
    [TYPE_FLOAT8] = {"number", "double", NULL, NULL},
    [TYPE_NUMERIC] = {"number", NULL, NULL, NULL},
    [TYPE_TEXT] = {"string", NULL, NULL, NULL},
    [TYPE_UUID] = {"string", "uuid", NULL, "'6f9619ff-8b86-4011-b42d-00cf4fc964ff'"},
    [TYPE_DATE] = {"string", "date", NULL, "'2026-01-31'"},
    [TYPE_TIME] = {"string", NULL, "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?$",
                   "'12:30:00'"},
    [TYPE_TIMESTAMP] = {"string", "date-time", NULL, "'2026-01-31T12:30:00Z'"},
    [TYPE_BYTES] = {"string", "byte", NULL, "'Y2Fpcm4='"},
    [TYPE_ENUM] = {"string", NULL, NULL, NULL},
};

/* What a version of the API shows in another type. */
static const struct {
    const char *type, *format;
} recasts[] = {[RECAST_STRING] = {"string", NULL},
               [RECAST_INTEGER] = {"integer", "int32"},
               [RECAST_BOOLEAN] = {"boolean", NULL},
               [RECAST_NUMBER] = {"number", NULL},
               [RECAST_UNIX] = {"integer", "int64"}};

static bool numeric(const struct column *c)
{
    return !c->recast && c->type >= TYPE_INT2 && c->type <= TYPE_NUMERIC;
}

/* ---- bounds ---- */

static void bound(struct buf *b, const char *name, const char *open, bool is_open, str text)
{
    put_key(b, str_of(is_open ? open : name));
    buf_str(b, text);
}

static void number_bounds(struct buf *b, const struct column *c)
{
    int64_t most = c->type == TYPE_INT2 ? INT2 : c->type == TYPE_INT4 ? INT4 : 0;
    if (c->has_min)
        bound(b, "minimum", "exclusiveMinimum", c->min_open, c->min);
    else if (most)
        putf(b, "'minimum':%lld", (long long)-most - 1);
    if (c->has_max)
        bound(b, "maximum", "exclusiveMaximum", c->max_open, c->max);
    else if (most)
        putf(b, "'maximum':%lld", (long long)most);
    else if (c->type == TYPE_NUMERIC && c->precision && c->scale >= 0)
        putf(b, "'exclusiveMaximum':1e%d", c->precision - c->scale);
}

static int longest(const struct column *c)
{
    int most = c->length > 0 ? c->length : -1;
    return c->max_length > 0 && (most < 0 || c->max_length < most) ? c->max_length : most;
}

static void text_bounds(struct buf *b, const struct column *c)
{
    if (c->min_length > 0)
        putf(b, "'minLength':%d", c->min_length);
    if (longest(c) > 0)
        putf(b, "'maxLength':%d", longest(c));
}

static void labels(struct buf *b, const struct column *c, bool nullable)
{
    put(b, "'enum':[");
    for (size_t i = 0; i < c->label_count; i++)
        put_text(b, c->labels[i]);
    if (nullable)
        put(b, "null");
    buf_char(b, ']');
}

/* ---- a column ---- */

static str words(struct doc *d, const struct column *c, enum column_use use)
{
    struct arena *a = d->arena;
    str text = use == USE_PARAMETER ? LIT("") : c->comment;
    if (c->warning.ptr && use != USE_PARAMETER)
        text = arena_printf(a, "%.*s%s%.*s", STR_ARG(text), text.len ? "\n\n" : "",
                            STR_ARG(c->warning));
    if (c->type == TYPE_NUMERIC && c->precision)
        text = arena_printf(a, "%.*s%sA decimal of at most %d digits, %d of them behind the point.",
                            STR_ARG(text), text.len ? "\n\n" : "", c->precision,
                            c->scale < 0 ? 0 : c->scale);
    return text;
}

static void typed(struct buf *b, const struct column *c, bool nullable)
{
    const char *type = c->recast ? recasts[c->recast].type : kinds[c->type].type;
    const char *format = c->recast ? recasts[c->recast].format : kinds[c->type].format;
    if (c->recast == RECAST_NUMBER) /* what is no number is shown as null */
        nullable = true;
    if (!type)
        return;
    if (nullable)
        putf(b, "'type':['%s','null']", type);
    else
        putf(b, "'type':'%s'", type);
    if (format)
        putf(b, "'format':'%s'", format);
}

void doc__column(struct doc *d, const struct column *c, enum column_use use)
{
    struct buf *b = d->out;
    if (c->file && use != USE_PARAMETER) {
        doc__file_column(d, c, use);
        return;
    }
    bool nullable = c->nullable && use != USE_PARAMETER;
    bool adds = use == USE_PATCH && numeric(c) && !c->decimal_text;
    put(b, adds ? "{'anyOf':[{" : "{");
    typed(b, c, nullable);
    if (c->label_count && !c->recast)
        labels(b, c, nullable);
    if (c->recast == RECAST_INTEGER)
        put(b, nullable ? "'enum':[0,1,null]" : "'enum':[0,1]");
    if (use != USE_READ && !c->recast) {
        if (kinds[c->type].pattern)
            put_member(b, "pattern", str_of(kinds[c->type].pattern));
        if (numeric(c))
            number_bounds(b, c);
        else if (c->type == TYPE_TEXT && !c->label_count)
            text_bounds(b, c);
    }
    if (c->type == TYPE_BYTES)
        put(b, "'contentEncoding':'base64'");
    if (adds)
        buf_str(b, LIT("},{\"$ref\":\"#/components/schemas/Increment\"}]"));
    put_member(b, "description", words(d, c, use));
    if (use == USE_READ && c->generated)
        put(b, "'readOnly':true");
    if (c->warning.ptr && use != USE_PARAMETER)
        put(b, "'deprecated':true");
    buf_char(b, '}');
}

const char *doc__filter(const struct column *c)
{
    if (c->type == TYPE_JSON)
        return "FilterJson";
    if (c->type == TYPE_BOOL && !c->recast)
        return "FilterTruth";
    return c->type == TYPE_TEXT ? "FilterText" : "FilterValue";
}

/* ---- examples ---- */

static double number(str text, double otherwise)
{
    char copy[64];
    if (!text.len || text.len >= sizeof copy)
        return otherwise;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return strtod(copy, NULL);
}

static bool fits(const struct column *c, double n)
{
    double min = c->has_min ? number(c->min, -1e18) : -1e18;
    double max = c->has_max ? number(c->max, 1e18) : 1e18;
    return (c->min_open ? n > min : n >= min) && (c->max_open ? n < max : n <= max);
}

static double number_example(const struct column *c)
{
    double min = number(c->min, 0), max = number(c->max, 0);
    const double tries[] = {1, min, min + 1, max, max - 1, (min + max) / 2, 0};
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        if (fits(c, tries[i]))
            return tries[i];
    }
    return 1;
}

/* A word that the column's name suggests, as long as it has to be. */
static str text_example(struct doc *d, const struct column *c)
{
    static const char *const words[][2] = {
        {"email", "ada@example.com"}, {"url", "https://example.com/"},
        {"phone", "+1 555 0100"},     {"city", "Oslo"},
        {"country", "Norway"},        {"name", "Ada Lovelace"}};
    str text = LIT("text");
    for (size_t i = COUNT_OF(words); i-- > 0;) {
        if (str_ends(c->name, str_of(words[i][0])))
            text = str_of(words[i][1]);
    }
    int most = longest(c);
    while (c->min_length > 0 && text.len < (size_t)c->min_length && text.len < TEXT_EXAMPLE_MOST)
        text = arena_printf(d->arena, "%.*sx", STR_ARG(text));
    return most > 0 ? str_upto(text, (size_t)most) : text;
}

void doc__example(struct doc *d, const struct column *c)
{
    static const char *const recast[] = {[RECAST_STRING] = "'1'",
                                         [RECAST_INTEGER] = "1",
                                         [RECAST_BOOLEAN] = "true",
                                         [RECAST_NUMBER] = "1",
                                         [RECAST_UNIX] = "1769862600"};
    struct buf *b = d->out;
    if (c->file)
        put(b, c->nullable ? "null" : "{}");
    else if (c->recast == RECAST_STRING && c->type == TYPE_BOOL)
        put(b, "'true'");
    else if (c->recast == RECAST_STRING && c->has_min)
        putf(b, "'%.15g'", number_example(c));
    else if (c->recast)
        put(b, recast[c->recast]);
    else if (c->label_count)
        put_text(b, c->labels[0]);
    else if (kinds[c->type].example)
        put(b, kinds[c->type].example);
    else if (c->type == TYPE_TEXT)
        put_text(b, text_example(d, c));
    else if (numeric(c))
        putf(b, "%.15g", number_example(c));
    else
        put(b, "{}");
}
