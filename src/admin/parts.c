/* parts.c -- what the documents of all projects have in common: problems, parameters, headers.
 * SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

/* Operators are as in docs/reference/query.md; values are read by the column's type. */
#define FILTER_TESTS "(not[.])?(eq|neq|gt|gte|lt|lte|isdistinct)[.]"
#define FILTER_OTHERS "|(not[.])?in[.][(]|(not[.])?is[.](null|not_null)$"

static const char *const schemas[] = {
    "'Problem':{'type':'object','description':'A failure (RFC 9457). `code` is the word to branch "
    "on; `errors` are the faulty places.','required':['type','title','status','detail','code',"
    "'error','request_id'],'properties':{'type':{'type':'string','format':'uri-reference'},"
    "'title':{'type':'string'},'status':{'type':'integer','minimum':400,'maximum':599},"
    "'detail':{'type':'string'},'instance':{'type':'string'},'code':{'type':'string'},"
    "'error':{'type':'string'},'request_id':{'type':'string'},"
    "'errors':{'type':'array','items':{'$ref':'#/components/schemas/FieldFault'}}}}",
    "'FieldFault':{'type':'object','required':['field','code','message'],'properties':{"
    "'field':{'type':'string'},'pointer':{'type':'string'},'code':{'type':'string'},"
    "'message':{'type':'string'}}}",
    "'PageInfo':{'type':'object','description':'Where a list is: with `page` or `offset` by "
    "number, "
    "with `cursor` by cursor.','properties':{'page':{'type':'integer'},'offset':{'type':'integer'},"
    "'limit':{'type':'integer'},'total':{'type':'integer'},'total_pages':{'type':'integer'},"
    "'has_more':{'type':'boolean'},'next_cursor':{'type':['string','null']},"
    "'prev_cursor':{'type':['string','null']}}}",
    "'File':{'type':'object','description':'What is known of a file; `url` is where it is.',"
    "'required':['name','type','size','sha256'],'properties':{'name':{'type':'string'},'type':{"
    "'type':'string'},'size':{'type':'integer','format':'int64','minimum':0},'sha256':{'type':"
    "'string','pattern':'^[0-9a-f]{64}$'},'url':{'type':'string','format':'uri-reference'}}}",
    "'Increment':{'type':'object','description':'The database adds to what the column holds.',"
    "'required':['$inc'],'properties':{'$inc':{'type':'number'}},'additionalProperties':false}",
    "'JsonPatch':{'type':'array','description':'RFC 6902.','items':{'type':'object','required':["
    "'op','path'],'properties':{'op':{'type':'string','enum':['add','remove','replace','move',"
    "'copy','test']},'path':{'type':'string'},'from':{'type':'string'},'value':{}}},"
    "'examples':[[{'op':'test','path':'/id','value':1}]]}",
    "'FilterValue':{'type':'string','description':'OPERATOR.VALUE, perhaps with `not.` in front: "
    "eq, "
    "neq, "
    "gt, gte, lt, lte, isdistinct, in.(V,W), is.null, is.not_null.','pattern':'^" FILTER_TESTS
        FILTER_OTHERS "'}",
    "'FilterText':{'type':'string','description':'OPERATOR.VALUE, perhaps with `not.` in front: "
    "eq, "
    "neq, gt, gte, lt, lte, isdistinct, like, ilike, match, in.(V,W), is.null, is.not_null.',"
    "'pattern':'^(not[.])?(eq|neq|gt|gte|lt|lte|isdistinct|like|ilike|match)[.]" FILTER_OTHERS "'}",
    "'FilterTruth':{'type':'string','description':'is.true, is.false, eq.true, is.null, ...',"
    "'pattern':'^(not[.])?(eq|neq|isdistinct)[.](true|false)$|^(not[.])?is[.](true|false|null|"
    "not_null)$|^(not[.])?in[.][(]'}",
    "'FilterJson':{'type':'string','description':'cs.JSON (contains), cd.JSON (is contained in), "
    "is.null, is.not_null. A place inside is a parameter of its own: COLUMN->KEY=eq.VALUE.',"
    "'pattern':'^(not[.])?(cs|cd)[.]|^(not[.])?is[.](null|not_null)$'}",
};

/* Is there a reference to it by now? */
static bool used(const struct doc *d, const char *section, str name)
{
    str text = arena_printf(d->arena, "#/components/%s/%.*s\"", section, STR_ARG(name));
    return memmem(d->out->ptr, d->out->len, text.ptr, text.len) != NULL;
}

/* The name in front of a member: "'limit':{...". */
static str name_of(const char *member)
{
    return str_make(member + 1, strcspn(member + 1, "'"));
}

/* The first two are referred to by what comes behind them. */
void doc__shared(struct doc *d)
{
    for (size_t i = 0; i < COUNT_OF(schemas); i++) {
        if (i < 2 || used(d, "schemas", name_of(schemas[i])))
            put(d->out, schemas[i]);
    }
}

/* ---- parameters ---- */

static void limit(struct doc *d)
{
    const struct docs_source *s = d->source;
    putf(d->out,
         "'limit':{'name':'limit','in':'query','description':'Rows of a page.','schema':{'type':"
         "'integer','minimum':1,'maximum':%lld,'default':%lld}}",
         (long long)s->max_limit, (long long)s->default_limit);
    putf(d->out,
         "'offset':{'name':'offset','in':'query','description':'Rows to skip; not together with "
         "`page` or `cursor`.','schema':{'type':'integer','minimum':0,'maximum':%lld}}",
         (long long)s->max_offset);
}

static const char *const parameters[] = {
    "'page':{'name':'page','in':'query','description':'The page, from 1; not together with "
    "`offset` or `cursor`.','schema':{'type':'integer','minimum':1}}",
    "'cursor':{'name':'cursor','in':'query','allowEmptyValue':true,'description':'Empty to begin; "
    "then `next_cursor` or `prev_cursor` of an answer.','schema':{'type':'string'}}",
    "'count':{'name':'count','in':'query','description':'How `total` is found.','schema':{'type':"
    "'string','enum':['exact','estimated','none']}}",
    "'or':{'name':'or','in':'query','description':'One of several tests: "
    "(COLUMN.OPERATOR.VALUE,...)','schema':{'type':'string','pattern':'^[(].*[)]$'}}",
    "'and':{'name':'and','in':'query','description':'All of several tests: "
    "(COLUMN.OPERATOR.VALUE,...)','schema':{'type':'string','pattern':'^[(].*[)]$'}}",
    "'idempotency_key':{'name':'Idempotency-Key','in':'header','description':'A request that is "
    "sent again with the same key is not done twice.','schema':{'type':'string','minLength':1,"
    "'maxLength':255,'pattern':'^[A-Za-z0-9._-]+$'}}",
    "'if_match':{'name':'If-Match','in':'header','description':'Only if the row is still as it was "
    "when its ETag was this.','schema':{'type':'string'}}",
    "'if_none_match':{'name':'If-None-Match','in':'header','description':'Only if it is no longer "
    "what had this ETag.','schema':{'type':'string'}}",
};

static void shared_parameters(struct doc *d)
{
    put(d->out, "'parameters':{");
    if (used(d, "parameters", LIT("limit")))
        limit(d);
    for (size_t i = 0; i < COUNT_OF(parameters); i++) {
        if (used(d, "parameters", name_of(parameters[i])))
            put(d->out, parameters[i]);
    }
    put(d->out, "}");
}

/* ---- answers ---- */

static const struct {
    const char *code, *name, *what, *word, *headers;
} problems[] = {
    {"400", "BadRequest", "The request cannot be understood.", "bad_request", NULL},
    {"401", "Unauthorized", "Only for those who signed in, or the token is not good.",
     "sign_in_required",
     "'WWW-Authenticate':{'description':'How to sign in.','schema':{'type':'string'}}"},
    {"403", "Forbidden", "Understood, but not allowed.", "forbidden", NULL},
    {"404", "NotFound", "There is no such row.", "not_found", NULL},
    {"406", "NotAcceptable", "None of the media types that Accept wants is on offer.",
     "not_acceptable", NULL},
    {"408", "RequestTimeout", "The body did not arrive in time.", "request_timeout", NULL},
    {"409", "Conflict", "It goes against what is there: `code` says how.", "unique", NULL},
    {"412", "PreconditionFailed", "The row is not as If-Match or its like want it.",
     "precondition_failed", NULL},
    {"413", "TooBig", "The body or the answer is too large.", "too_big", NULL},
    {"414", "UriTooLong", "The target is longer than http.max_target.", "uri_too_long", NULL},
    {"415", "MediaType", "The body is of a type that is not read here.", "media_type",
     "'Accept':{'description':'What is read.','schema':{'type':'string'}}"},
    {"416", "RangeNotSatisfiable", "The range lies behind the end.", "range_not_satisfiable",
     "'Content-Range':{'description':'bytes */SIZE','schema':{'type':'string'}}"},
    {"422", "Invalid", "The values do not fit: `errors` lists every faulty field.", "invalid",
     NULL},
    {"428", "PreconditionRequired", "Say with If-Match which version you mean.",
     "precondition_required", NULL},
    {"429", "TooManyRequests", "A rate limit is used up.", "rate_limited",
     "'Retry-After':{'description':'Seconds.','schema':{'type':'integer'}}"},
    {"500", "Internal", "The server is at fault; its log has the cause.", "internal", NULL},
    {"503", "Busy", "Nothing was done; come again.", "busy",
     "'Retry-After':{'description':'Seconds.','schema':{'type':'integer'}}"},
    {"504", "Timeout", "It took too long.", "timeout", NULL},
};

static size_t problem_of(const char *code)
{
    size_t i = 0;
    while (i < COUNT_OF(problems) && strcmp(problems[i].code, code) != 0)
        i++;
    BUG_ON(i == COUNT_OF(problems));
    return i;
}

void doc__problems(struct doc *d, const char *const *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = problem_of(codes[i]);
        put_key(d->out, str_of(codes[i]));
        put_ref(d->out, "responses", str_of(problems[at].name), "");
    }
}

static void problem(struct doc *d, size_t i)
{
    struct buf *b = d->out;
    put_key(b, str_make(problems[i].name, strlen(problems[i].name)));
    put(b, "{");
    put_member(b, "description", str_of(problems[i].what));
    if (problems[i].headers)
        putf(b, "'headers':{%s}", problems[i].headers);
    put(b,
        "'content':{'application/problem+json':{'schema':{'$ref':'#/components/schemas/Problem'},"
        "'example':{");
    putf(b, "'type':'/problems/%s'", problems[i].word);
    put_member(b, "title", str_make(problems[i].name, strlen(problems[i].name)));
    putf(b, "'status':%s", problems[i].code);
    put_member(b, "detail", str_of(problems[i].what));
    put_member(b, "code", str_of(problems[i].word));
    put_member(b, "error", str_of(problems[i].what));
    put(b, "'request_id':'0198a3c2-7d5e-7000-8000-000000000000'}}}}");
}

/* How a client says who it is; which of them an operation takes is said there. */
static void security(struct doc *d)
{
    struct buf *b = d->out;
    if (!d->source->accounts)
        return;
    const struct account_config *c = account_settings_of(d->source->accounts);
    put(b, "'securitySchemes':{'bearer':{'type':'http','scheme':'bearer','bearerFormat':'JWT',"
           "'description':'The access_token of POST .../auth/login, or an API key.'}");
    if (c->keys)
        put(b, "'apiKey':{'type':'apiKey','in':'header','name':'X-API-Key','description':'A key of "
               "POST .../auth/keys.'}");
    if (c->cookies)
        putf(b,
             "'cookie':{'type':'apiKey','in':'cookie','name':'__Host-%.*s','description':'Of POST "
             ".../auth/login?session=cookie. Changes need the header X-CSRF-Token, too.'}",
             STR_ARG(c->cookie_name));
    if (c->basic)
        put(b, "'basic':{'type':'http','scheme':'basic','description':'Name and password of an "
               "account.'}");
    put(b, "}");
}

void doc__components(struct doc *d)
{
    struct buf *b = d->out;
    shared_parameters(d);
    put(b, "'responses':{");
    for (size_t i = 0; i < COUNT_OF(problems); i++) {
        if (used(d, "responses", str_make(problems[i].name, strlen(problems[i].name))))
            problem(d, i);
    }
    buf_char(b, '}');
    security(d);
}
