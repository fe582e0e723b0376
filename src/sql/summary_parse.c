/* summary_parse.c -- `fields=author.city,created_at.month(),total.sum(),count()` with
 * `having[count]=gt.5` and `sort=-total_sum`. SPDX: Apache-2.0
 * What has no parentheses, or cuts a time, is what the rows of a group have in common; the other
 * functions are numbers over them. A relation is crossed towards one row only: towards many, a row
 * would be counted as often as it has others. */
#include "sql/query_priv.h"

enum { ALIAS_MOST = 64, ORDER_MOST = 8 };

static const struct {
    const char *name;
    enum measure measure;
} functions[] = {
    {"count", MEASURE_COUNT}, {"sum", MEASURE_SUM}, {"avg", MEASURE_AVG},
    {"min", MEASURE_MIN},     {"max", MEASURE_MAX}, {"year", MEASURE_YEAR},
    {"month", MEASURE_MONTH}, {"day", MEASURE_DAY}, {"hour", MEASURE_HOUR},
};

static const char *const words[] = {"count", "sum",   "avg", "min",  "max",
                                    "year",  "month", "day", "hour", NULL};

/* The names that columns have in the statement. */
static const char *const places[SUMMARY_ITEMS] = {"c0",  "c1",  "c2",  "c3", "c4",  "c5",
                                                  "c6",  "c7",  "c8",  "c9", "c10", "c11",
                                                  "c12", "c13", "c14", "c15"};

bool summary__asked(str fields)
{
    for (str rest = fields; rest.ptr;) {
        if (str_ends(str_cut(&rest, ','), LIT("()")))
            return true;
    }
    return false;
}

/* ---- one item ---- */

static bool number_like(enum type t)
{
    return t == TYPE_INT2 || t == TYPE_INT4 || t == TYPE_INT8 || t == TYPE_NUMERIC ||
           t == TYPE_FLOAT4 || t == TYPE_FLOAT8;
}

static bool fits(enum measure m, enum type t)
{
    switch (m) {
    case MEASURE_VALUE:
        return t != TYPE_JSON;
    case MEASURE_YEAR:
    case MEASURE_MONTH:
    case MEASURE_DAY:
        return t == TYPE_DATE || t == TYPE_TIMESTAMP;
    case MEASURE_HOUR:
        return t == TYPE_TIMESTAMP;
    case MEASURE_SUM:
    case MEASURE_AVG:
        return number_like(t);
    case MEASURE_MIN:
    case MEASURE_MAX:
        return number_like(t) || t == TYPE_TEXT || t == TYPE_DATE || t == TYPE_TIME ||
               t == TYPE_TIMESTAMP;
    default:
        return true;
    }
}

static int check_type(struct query *q, const struct summary_item *item)
{
    const struct column *c = item->column;
    if (!c || fits(item->measure, c->type))
        return 0;
    if (item->measure == MEASURE_VALUE)
        return query__bad(q, "bad_fields", "'%s' is JSON, by which rows cannot be grouped",
                          query__show(q, c->name));
    return query__bad(q, "bad_fields", "'%s': a column of type %s has none",
                      query__show(q, item->written), type_name(c->type));
}

/* What the statement gives, as a column of its own. */
static void shown(struct summary_item *item, size_t at)
{
    const struct column *c = item->column;
    struct column *out = &item->shown;
    bool decimal = c && c->type != TYPE_FLOAT4 && c->type != TYPE_FLOAT8;
    *out = (struct column){.type = TYPE_INT8, .scale = -1, .min_length = -1, .max_length = -1};
    if (item->measure == MEASURE_VALUE || item->measure >= MEASURE_MIN) {
        out->type = c->type;
        out->precision = c->precision;
        out->scale = c->scale;
        out->decimal_text = c->decimal_text;
        out->recast = c->recast;
    } else if (item->measure <= MEASURE_HOUR) {
        out->type = TYPE_TEXT;
    } else if (item->measure != MEASURE_COUNT) {
        out->type = decimal ? TYPE_NUMERIC : TYPE_FLOAT8;
        out->decimal_text = decimal;
        if (item->measure == MEASURE_SUM && c->type == TYPE_NUMERIC && c->precision)
            out->scale = c->scale;
    }
    out->nullable = item->measure != MEASURE_COUNT &&
                    (item->measure > MEASURE_HOUR || item->path_count || c->nullable);
    out->name = str_of(places[at]);
}

/* Behind a function's dot; text loses the function. */
static int take_function(struct query *q, str *text, struct summary_item *item)
{
    if (!str_ends(*text, LIT("()")))
        return 0;
    str left = str_upto(*text, text->len - 2);
    size_t dot = str_rfind(left, '.');
    str name = dot == STR_NONE ? left : str_from(left, dot + 1);
    *text = dot == STR_NONE ? LIT("") : str_upto(left, dot);
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (!str_is(name, functions[i].name))
            continue;
        item->measure = functions[i].measure;
        if (text->len || item->measure == MEASURE_COUNT)
            return 0;
        return query__bad(q, "bad_fields", "'%s()' needs a column: COLUMN.%s()", functions[i].name,
                          functions[i].name);
    }
    return query__bad(q, "bad_fields", "there is no function '%s()'%s", query__show(q, name),
                      query__hint(q, name, NULL, words));
}

static int allowed(struct query *q, const struct table *t)
{
    if (!t->no_aggregates)
        return 0;
    return fail_field(q->err, E_DENIED, LIT("no_aggregates"), q->field,
                      "rows of '%s' are not summed up here", query__show(q, t->name));
}

static int unknown(struct query *q, const struct table *t, str name)
{
    if (table_relation(t, name))
        return query__bad(q, "bad_fields", "'%s' is a relation: name its column (%s.id)",
                          query__show(q, name), query__show(q, name));
    if (str_is(name, "*"))
        return query__bad(q, "bad_fields", "groups have no '*': name the columns");
    return query__bad(q, "bad_fields", "'%s' has no column '%s'%s", query__show(q, t->name),
                      query__show(q, name), query__hint(q, name, t, NULL));
}

static int step(struct query *q, const struct table *t, str name, const struct relation **out)
{
    const struct relation *r = table_relation(t, name);
    if (!r)
        return unknown(q, t, name);
    if (r->kind != REL_ONE)
        return query__bad(q, "bad_fields",
                          "'%s' leads to many rows: list those instead, grouped by what they "
                          "belong to",
                          query__show(q, name));
    if (++q->includes > q->limits->include_count)
        return query__bad(q, "bad_fields", "a request crosses %u relations at most",
                          q->limits->include_count);
    *out = r;
    return allowed(q, r->target);
}

/* A place inside JSON is a number to what takes numbers, and its text to the others. */
static int inside(struct query *q, const struct table *t, str text, struct summary_item *item)
{
    struct place p = {0};
    TRY(query__inside(q, t, text, &p));
    bool ranked = item->measure == MEASURE_MIN || item->measure == MEASURE_MAX;
    bool adds = item->measure == MEASURE_SUM || item->measure == MEASURE_AVG;
    bool number = adds || (ranked && !p.path_text);
    str name = p.path[p.path_count - 1];
    item->column = query__virtual(q, &p, number ? FORM_SORT_NUMBER : FORM_TEXT, name);
    return 0;
}

static int take_column(struct query *q, const struct table *t, str text, struct summary_item *item)
{
    size_t dot, most = q->limits->include_depth;
    item->path = arena_new(q->arena, (most + 1) * sizeof *item->path);
    item->column = query__column(t, text);
    while (!item->column && !query__leads_inside(t, text) &&
           (dot = str_find(text, '.')) != STR_NONE) {
        if (item->path_count == most)
            return query__bad(q, "bad_fields", "a path crosses %zu relations at most", most);
        TRY(step(q, t, str_upto(text, dot), &item->path[item->path_count]));
        t = item->path[item->path_count++]->target;
        text = str_from(text, dot + 1);
        item->column = query__column(t, text);
    }
    if (!item->column && !str_is(text, "*") && query__leads_inside(t, text))
        return inside(q, t, text, item);
    return item->column ? 0 : unknown(q, t, text);
}

/* The relations' names with dots behind them. */
static str prefix_of(struct query *q, const struct summary_item *item)
{
    str out = LIT("");
    for (size_t i = 0; i < item->path_count; i++)
        out = arena_printf(q->arena, "%.*s%.*s.", STR_ARG(out), STR_ARG(item->path[i]->name));
    return out;
}

static const char *function_of(enum measure m)
{
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (functions[i].measure == m)
            return functions[i].name;
    }
    return "";
}

/* `alias:` in front; its words stand for themselves in any answer. */
static int take_alias(struct query *q, const struct table *t, str *text, str *alias)
{
    size_t colon = str_find(*text, ':'), quote = str_find(*text, '"');
    if (colon == STR_NONE || quote < colon || query__column(t, *text))
        return 0;
    *alias = str_upto(*text, colon);
    *text = str_from(*text, colon + 1);
    bool fine = alias->len > 0 && alias->len <= ALIAS_MOST;
    for (size_t i = 0; i < alias->len; i++)
        fine = fine &&
               (ascii_alpha(alias->ptr[i]) || ascii_digit(alias->ptr[i]) || alias->ptr[i] == '_');
    if (fine)
        return 0;
    return query__bad(q, "bad_fields", "'%s': a name has 1 to %d letters, digits and _",
                      query__show(q, *alias), ALIAS_MOST);
}

/* An alias stands beside the other members, whatever relations its column is behind. */
static void name_it(struct query *q, str alias, struct summary_item *item)
{
    str column = item->column ? item->column->name : LIT("");
    const char *function = function_of(item->measure);
    if (alias.len) {
        item->name = item->full = alias;
        return;
    }
    item->name = !function[0]   ? column
                 : item->column ? arena_printf(q->arena, "%.*s_%s", STR_ARG(column), function)
                                : str_of(function);
    str prefix = prefix_of(q, item);
    item->nested = item->path_count;
    item->full = arena_printf(q->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(item->name));
}

static const struct summary_item *find(const struct summary *sum, str name)
{
    for (size_t i = 0; i < sum->item_count; i++) {
        if (str_eq(sum->items[i].full, name) || str_eq(sum->items[i].written, name))
            return &sum->items[i];
    }
    return NULL;
}

/* Two members of one name, or a member of the name of an object beside it. */
static bool clash(const struct summary *sum, const struct summary_item *item)
{
    for (size_t i = 0; i < sum->item_count; i++) {
        const struct summary_item *other = &sum->items[i];
        bool longer = other->full.len > item->full.len;
        str full = longer ? other->full : item->full, front = longer ? item->full : other->full;
        if (str_eq(full, front) || (str_starts(full, front) && full.ptr[front.len] == '.'))
            return true;
    }
    return false;
}

static int take_item(struct query *q, const struct table *t, struct summary *sum, str text)
{
    struct summary_item item = {.measure = MEASURE_VALUE};
    str alias = LIT("");
    TRY(take_alias(q, t, &text, &alias));
    item.written = text;
    if (!query__column(t, text))
        TRY(take_function(q, &text, &item));
    if (text.len || item.measure != MEASURE_COUNT)
        TRY(take_column(q, t, text, &item));
    TRY(check_type(q, &item));
    name_it(q, alias, &item);
    if (clash(sum, &item))
        return query__bad(q, "bad_fields", "two results are called '%s'; name one: other:%s",
                          query__show(q, item.full), query__show(q, item.written));
    if (sum->item_count == SUMMARY_ITEMS)
        return query__bad(q, "bad_fields", "a request has %d columns and functions at most",
                          SUMMARY_ITEMS);
    shown(&item, sum->item_count);
    sum->items[sum->item_count++] = item;
    return 0;
}

int summary__fields(struct query *q, const struct table *t, struct summary *sum, str text)
{
    if (!sum->items)
        sum->items = ARENA_ARRAY(q->arena, struct summary_item, SUMMARY_ITEMS);
    TRY(allowed(q, t));
    if (!text.len)
        return query__bad(q, "bad_fields", "fields names no column");
    for (str rest = text; rest.ptr;)
        TRY(take_item(q, t, sum, str_cut(&rest, ',')));
    return 0;
}

static bool same_object(const struct summary_item *x, const struct summary_item *y, size_t depth)
{
    return x->nested > depth && y->nested > depth && x->path[depth] == y->path[depth];
}

/* Brings members of one object together, behind the first of them. */
static void gather(struct summary_item *items, size_t count, size_t depth)
{
    for (size_t i = 0, end; i < count; i = end) {
        end = i + 1;
        for (size_t j = end; j < count; j++) {
            struct summary_item item = items[j];
            if (!same_object(&items[i], &item, depth))
                continue;
            memmove(&items[end + 1], &items[end], (j - end) * sizeof item);
            items[end++] = item;
        }
        if (items[i].nested > depth)
            gather(items + i, end - i, depth + 1);
    }
}

void summary__gather(struct summary *sum)
{
    gather(sum->items, sum->item_count, 0);
}

/* ---- having, sort ---- */

static int no_item(struct query *q, const struct summary *sum, const char *code, str name)
{
    const char *names[SUMMARY_ITEMS];
    for (size_t i = 0; i < sum->item_count; i++)
        names[i] = arena_str(q->arena, sum->items[i].full).ptr;
    const char *near = str_nearest(name, names, sum->item_count);
    return fail_field(q->err, E_BAD, str_of(code), q->field,
                      "'%s' is not among the fields of this request%s%s%s", query__show(q, name),
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int summary__having(struct query *q, struct summary *sum, str name, str value)
{
    str inner = (str){name.ptr + 7, name.len - 8};
    struct scan s = {value, 0};
    const struct summary_item *item = find(sum, inner);
    if (!item)
        return no_item(q, sum, "bad_filter", inner);
    if (++q->nodes > q->limits->filter_nodes)
        return query__bad(q, "bad_filter", "a filter has %u conditions at most",
                          q->limits->filter_nodes);
    struct column named = item->shown; /* for complaints */
    struct place p = {.kind = PLACE_COLUMN, .column = &named};
    struct cond *c;
    named.name = item->full;
    TRY(query__test(q, &p, &s, false, &c));
    if (!scan_end(&s))
        return query__bad(q, "bad_filter", "'%s': nothing expected at '%s'", query__show(q, value),
                          query__show(q, scan_rest(&s)));
    struct cond *test = c;
    while (test->kind == COND_NOT)
        test = test->parts[0];
    test->column = &item->shown;
    sum->having = cond_and(q->arena, sum->having, c);
    return 0;
}

static bool ordered(const struct select *s, const struct column *c)
{
    for (size_t i = 0; i < s->order_count; i++) {
        if (s->order[i].column == c)
            return true;
    }
    return false;
}

static int order_by(struct query *q, const struct summary *sum, str text, struct select *s)
{
    struct order o;
    TRY(query__direction(q, &text, &o));
    const struct summary_item *item = find(sum, text);
    if (!item)
        return no_item(q, sum, "bad_sort", text);
    o.column = &item->shown;
    if (ordered(s, o.column))
        return query__bad(q, "bad_sort", "'%s' is named twice", query__show(q, text));
    if (s->order_count == ORDER_MOST)
        return query__bad(q, "bad_sort", "groups are sorted by %d columns at most", ORDER_MOST);
    s->order[s->order_count++] = o;
    return 0;
}

int summary__sort(struct query *q, const struct summary *sum, str text, struct select *s)
{
    s->order = ARENA_ARRAY(q->arena, struct order, ORDER_MOST + SUMMARY_ITEMS);
    for (str rest = text; text.len && rest.ptr;)
        TRY(order_by(q, sum, str_cut(&rest, ','), s));
    for (size_t i = 0; i < sum->item_count; i++) {
        const struct summary_item *item = &sum->items[i];
        if (item->measure <= MEASURE_HOUR && !ordered(s, &item->shown))
            s->order[s->order_count++] = (struct order){.column = &item->shown};
    }
    return 0;
}

void summary__finish(struct query *q, struct summary *sum, struct select *s)
{
    s->summary = sum;
    s->columns = ARENA_ARRAY(q->arena, const struct column *, sum->item_count);
    s->column_count = s->shown = sum->item_count;
    for (size_t i = 0; i < sum->item_count; i++)
        s->columns[i] = &sum->items[i].shown;
}
