/* params.c -- the parameters of a request: checked one by one, every fault told. SPDX: Apache-2.0
 * GET and DELETE take them from the query string, the others from a body: JSON, a form,
 * XML. */
#include "query/query_priv.h"
#include "render/locale.h"
#include "render/negotiate.h"

enum { SHOWN_MOST = 60, NAMES_MOST = QUERY__PARAMS_MOST, FAULTS_MOST = 100 };

struct faults {
    struct arena *a;
    bool body; /* of a body: 422 and pointers; else 400 */
    struct err_item *items;
    size_t count;
};

static void fault(struct faults *f, str name, str code, str message)
{
    if (f->count == FAULTS_MOST)
        return;
    if (!f->items)
        f->items = ARENA_ARRAY(f->a, struct err_item, FAULTS_MOST);
    f->items[f->count++] = (struct err_item){
        .field = name,
        .pointer = f->body ? arena_printf(f->a, "/%.*s", STR_ARG(name)) : LIT(""),
        .code = code,
        .message = message,
    };
}

static int complain(const struct faults *f, struct err *err)
{
    if (!f->count)
        return 0;
    const struct err_item *first = &f->items[0];
    bool unknown = str_is(first->code, "unknown_parameter");
    str word = f->body ? LIT("") : unknown ? first->code : LIT("bad_value");
    int code = f->body ? E_INVALID : E_BAD;
    if (f->count == 1)
        fail_field(err, code, word, first->field, "%.*s", STR_ARG(first->message));
    else
        fail_field(err, code, word, LIT(""), "%zu parameters are not valid; the first: %.*s",
                   f->count, STR_ARG(first->message));
    err->items = f->items;
    err->item_count = f->count;
    return code;
}

/* ---- one parameter ---- */

static size_t param_of(const struct query *q, str name)
{
    for (size_t i = 0; i < q->param_count; i++)
        if (str_eq(q->params[i].name, name))
            return i;
    return STR_NONE;
}

static void unknown(struct faults *f, const struct query *q, str name)
{
    const char *names[NAMES_MOST], *near;
    for (size_t i = 0; i < q->param_count; i++)
        names[i] = arena_str(f->a, q->params[i].name).ptr;
    near = str_nearest(name, names, q->param_count);
    str shown = str_upto(name, SHOWN_MOST);
    while (shown.len < name.len && shown.len && !str_utf8(shown))
        shown.len--;
    fault(f, shown, f->body ? LIT("unknown_field") : LIT("unknown_parameter"),
          near ? arena_printf(f->a, "'%.*s' is no parameter of this query; did you mean '%s'?",
                              STR_ARG(shown), near)
               : arena_printf(f->a, "'%.*s' is no parameter of this query%s", STR_ARG(shown),
                              q->param_count ? "" : "; it takes none"));
}

static void take(struct faults *f, const struct query__param *p, const struct value *in,
                 bool from_text, struct value *out)
{
    struct value_fault wrong;
    if (query__take(p, f->a, in, from_text, out, &wrong))
        return;
    fault(f, p->name, wrong.code,
          arena_printf(f->a, "'%.*s' %.*s", STR_ARG(p->name), STR_ARG(wrong.message)));
}

/* Those that were not given. */
static void fill(struct faults *f, const struct query *q, const bool *given, struct value *values)
{
    for (size_t i = 0; i < q->param_count; i++) {
        const struct query__param *p = &q->params[i];
        if (given[i])
            continue;
        values[i] = p->preset_told ? p->preset : value_null();
        if (!p->preset_told && !p->column.nullable)
            fault(f, p->name, LIT("required"),
                  arena_printf(f->a, "'%.*s' is required", STR_ARG(p->name)));
    }
}

static void statement(const struct query *q, struct arena *a, struct value *values,
                      struct stmt *out)
{
    for (size_t i = 0; i < q->param_count; i++)
        values[i] = query__bind(q->set->config.dialect, a, &values[i]);
    uint32_t most = q->most;
    if (q->most_param) {
        const struct value *limit = &values[q->most_param - 1];
        most =
            limit->kind == V_INT && limit->i > 0 && limit->i < UINT32_MAX ? (uint32_t)limit->i : 0;
    }
    *out = (struct stmt){.text = q->text,
                         .binds = values,
                         .bind_count = q->param_count,
                         .writes = q->writes,
                         .most = most};
}

/* ---- the query string ---- */

/* A list that is given several times: each is an item. */
static struct value gathered(struct arena *a, const struct param *list, size_t count, str name)
{
    struct value out = {.kind = V_ARRAY};
    out.items = ARENA_ARRAY(a, struct value, count);
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i].name, name))
            out.items[out.count++] = value_text(list[i].value);
    return out.count == 1 ? out.items[0] : out;
}

static int from_string(struct request *rq, const struct query *q, struct faults *f, bool *given,
                       struct value *values, struct err *err)
{
    const struct param *list;
    size_t count = 0;
    if (rq->query.len)
        TRY(request_query(rq, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        size_t at = param_of(q, list[i].name);
        if (at == STR_NONE) {
            unknown(f, q, list[i].name);
            continue;
        }
        const struct query__param *p = &q->params[at];
        struct value in = value_text(list[i].value);
        if (given[at] && p->list)
            continue;
        if (given[at])
            fault(f, p->name, LIT("bad_value"),
                  arena_printf(f->a, "'%.*s' is given twice", STR_ARG(p->name)));
        given[at] = true;
        if (p->list)
            in = gathered(f->a, list, count, p->name);
        take(f, p, &in, true, &values[at]);
    }
    return 0;
}

/* ---- a body, or a handler ---- */

/* texts: a list may be a text, as in a query string. */
static void from_members(const struct query *q, struct faults *f, const struct member *list,
                         size_t count, bool *given, struct value *values, bool texts)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = param_of(q, list[i].name);
        if (at == STR_NONE) {
            unknown(f, q, list[i].name);
            continue;
        }
        if (column_blank(&q->params[at].column, &list[i].value))
            continue;
        given[at] = true;
        bool text = texts && q->params[at].list && list[i].value.kind == V_TEXT;
        take(f, &q->params[at], &list[i].value, text, &values[at]);
    }
}

/* A query without parameters needs no body. */
WAITS static int read_body(struct request *rq, const struct query *q, struct value *out,
                           struct err *err)
{
    str text;
    *out = (struct value){.kind = V_OBJECT};
    if (!rq->given && !q->param_count) {
        TRY(request_body(rq, &text, err));
        if (!text.len)
            return 0;
    }
    return body_read(rq, TAKES_FIELDS, &json_limits_default, out, err);
}

WAITS static int from_body(struct request *rq, const struct query *q, struct faults *f, bool *given,
                           struct value *values, struct err *err)
{
    struct value json;
    const struct param *list;
    size_t count = 0;
    if (rq->query.len)
        TRY(request_query(rq, &list, &count, err));
    if (count)
        return fail_field(err, E_BAD, LIT("unknown_parameter"), list[0].name,
                          "this query takes its parameters from the body, as a JSON object");
    TRY(read_body(rq, q, &json, err));
    if (json.kind != V_OBJECT)
        return fail(err, E_INVALID, "the body must be a JSON object; found: %s",
                    value_kind_name(json.kind));
    from_members(q, f, json.fields, json.count, given, values, false);
    return 0;
}

/* ---- the language ---- */

/* That of Accept-Language, unless a parameter says it. */
static void speak(struct request *rq, const struct query *q, bool *given, struct value *values)
{
    str header = request_header(rq, LIT("Accept-Language"));
    if (!q->language_param)
        return;
    size_t param = q->language_param - 1, at = STR_NONE;
    if (!given[param] && header.len)
        at = language_choose(header, q->languages, q->language_count);
    if (at != STR_NONE) {
        given[param] = true;
        values[param] = value_text(q->languages[at]);
    }
    str chosen = given[param] ? values[param].text : q->languages[0];
    reply_vary(rq->reply, LIT("Accept-Language"));
    reply_header(rq->reply, LIT("Content-Language"), chosen);
    if (!str_eq(chosen, q->languages[0]))
        rq->reply->language = chosen;
}

/* ---- all of it ---- */

int query__read(struct request *rq, const struct query *q, struct stmt *out, struct err *err)
{
    bool body = q->method != METHOD_GET && q->method != METHOD_DELETE;
    struct faults f = {.a = &rq->arena, .body = body};
    bool *given = ARENA_ARRAY(&rq->arena, bool, q->param_count);
    struct value *values = ARENA_ARRAY(&rq->arena, struct value, q->param_count);
    if (body)
        TRY(from_body(rq, q, &f, given, values, err));
    else
        TRY(from_string(rq, q, &f, given, values, err));
    if (!f.count)
        speak(rq, q, given, values);
    fill(&f, q, given, values);
    TRY(complain(&f, err));
    statement(q, &rq->arena, values, out);
    return query__rule(rq, q, out, err);
}

int query_statement(const struct query *q, struct request *rq, const struct member *list,
                    size_t count, struct stmt *out, struct err *err)
{
    struct arena *a = &rq->arena;
    struct faults f = {.a = a, .body = true};
    bool *given = ARENA_ARRAY(a, bool, q->param_count);
    struct value *values = ARENA_ARRAY(a, struct value, q->param_count);
    from_members(q, &f, list, count, given, values, true);
    fill(&f, q, given, values);
    TRY(complain(&f, err));
    statement(q, a, values, out);
    return query__rule(rq, q, out, err);
}
