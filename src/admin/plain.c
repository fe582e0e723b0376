/* plain.c -- the operations of what is neither a table nor a query: health, handlers in C.
 * SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

#define STATUS_BODY                                                                                \
    "'content':{'application/json':{'schema':{'type':'object','required':['status'],'properties':" \
    "{'status':{'type':'string'}}}}}}"

static const struct {
    const char *pattern, *id, *description, *answers;
} operating[] = {
    {"/livez", "isAlive", "Asks nobody else: a supervisor restarts what does not answer.",
     "'200':{'description':'The process answers.'," STATUS_BODY},
    {"/readyz", "isReady", "Whether the database answers, and the server is not about to stop.",
     "'200':{'description':'Requests may come.'," STATUS_BODY
     ",'503':{'description':'Send them elsewhere.'," STATUS_BODY},
    {"/metrics", "getMetrics", "Counters and times of this process.",
     "'200':{'description':'Text as Prometheus reads it.','content':{'text/plain':{'schema':{"
     "'type':'string'}}}}"},
};

static bool operates(struct doc *d, const struct endpoint *e)
{
    for (size_t i = 0; i < COUNT_OF(operating); i++) {
        if (!e->quiet || strcmp(operating[i].pattern, e->pattern) != 0)
            continue;
        struct operation o = {.endpoint = e,
                              .id = str_of(operating[i].id),
                              .tag = LIT("operating"),
                              .summary = str_of(e->what),
                              .description = str_of(operating[i].description),
                              .open = true};
        doc__operation(d, &o);
        put(d->out, "],'responses':{");
        put(d->out, operating[i].answers);
        doc__problems(d, (const char *const[]){"400", "401"}, d->source->accounts ? 2 : 1);
        put(d->out, "}}");
        return true;
    }
    return false;
}

void doc__plain(struct doc *d, const struct endpoint *e)
{
    static const char *const codes[] = {"400", "429", "500", "503", "504"};
    struct operation o = {.endpoint = e,
                          .tag = LIT("handlers"),
                          .summary = str_of(e->what ? e->what : ""),
                          .description = LIT("Written by the project.")};
    if (operates(d, e))
        return;
    str path = doc__pascal(d->arena, str_of(e->pattern));
    o.id = arena_printf(d->arena, "%s%.*s", doc__method(d->arena, e->method), STR_ARG(path));
    doc__operation(d, &o);
    put(d->out, "],'responses':{'default':{'description':'What the handler answers.'}");
    doc__problems(d, codes, COUNT_OF(codes));
    put(d->out, "}}");
}
