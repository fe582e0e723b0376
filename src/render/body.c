/* body.c -- what a body is, by its Content-Type: JSON, a form, XML. SPDX: Apache-2.0
 * All become one value; what has no types of its own (forms, XML) becomes loose texts, and the
 * column or parameter that takes one decides. So every endpoint reads them in one way. */
#include "render/negotiate.h"

enum { TYPE_SHOWN = 100 };
#define PATCH_MERGE "application/merge-patch+json"
#define PATCH_JSON "application/json-patch+json"

/* ---- media types ---- */

static const struct {
    str type;
    unsigned takes;
} types[] = {
    {STR_INIT(PATCH_MERGE), TAKES_PATCHES},
    {STR_INIT(PATCH_JSON), TAKES_PATCHES},
    {STR_INIT("application/json"), TAKES_JSON},
    {STR_INIT("application/x-www-form-urlencoded"), TAKES_FORM},
    {STR_INIT("multipart/form-data"), TAKES_MULTIPART},
    {STR_INIT("application/xml"), TAKES_XML},
    {STR_INIT("text/xml"), TAKES_XML},
};

str body_offers(struct arena *a, unsigned takes)
{
    str out = LIT("");
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].takes & takes)
            out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), out.len ? ", " : "",
                               STR_ARG(types[i].type));
    return out;
}

static str unquoted(str s)
{
    s = str_trim(s);
    return s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"' ? str_make(s.ptr + 1, s.len - 2)
                                                                    : s;
}

/* Bodies are UTF-8; a charset that says so may stand there. Not by param_next: clients send empty
 * parameters and blanks around `=`, which that refuses, and no other parameter matters here. */
static bool params_fine(str rest)
{
    while (rest.ptr) {
        str value = str_cut(&rest, ';');
        str name = str_trim(str_cut(&value, '='));
        if (str_eqi(name, LIT("charset")) && !(value.ptr && str_eqi(unquoted(value), LIT("utf-8"))))
            return false;
    }
    return true;
}

/* application/vnd.x+json, but not a patch. */
static bool own_json(str media)
{
    str suffix = LIT("+json");
    return media.len > 17 && str_eqi(str_upto(media, 12), LIT("application/")) &&
           str_eqi(str_from(media, media.len - suffix.len), suffix) &&
           !str_eqi(media, LIT(PATCH_MERGE)) && !str_eqi(media, LIT(PATCH_JSON));
}

/* Which of those that are taken; 0: none. */
static unsigned kind_of(str type, unsigned takes)
{
    str rest = type, media = str_trim(str_cut(&rest, ';'));
    if (!params_fine(rest))
        return 0;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_eqi(media, types[i].type))
            return types[i].takes & takes & ~(unsigned)TAKES_MULTIPART;
    return (takes & TAKES_KINDS) && own_json(media) ? TAKES_JSON : 0;
}

static int refuse(struct request *rq, unsigned takes, str type, struct err *err)
{
    str offers = body_offers(&rq->arena, takes), shown = str_upto(type, TYPE_SHOWN);
    while (shown.len && !str_utf8(shown))
        shown.len--;
    if (rq->method == METHOD_POST)
        reply_header(rq->reply, LIT("Accept-Post"), offers);
    if (rq->method == METHOD_PATCH)
        reply_header(rq->reply, LIT("Accept-Patch"), offers);
    reply_header(rq->reply, LIT("Accept"), offers);
    if (type.len)
        fail(err, E_MEDIA, "the body's Content-Type is '%.*s'; it can be sent, in UTF-8, as %.*s",
             STR_ARG(shown), STR_ARG(offers));
    else
        fail(err, E_MEDIA, "the body has no Content-Type; it can be sent as %.*s", STR_ARG(offers));
    err->offers = offers;
    return E_MEDIA;
}

/* ---- forms ---- */

int form_read(struct arena *a, str text, struct value *out, struct err *err)
{
    struct fields f;
    struct err wrong = {0};
    str rest = text;
    fields_init(&f, a);
    while (rest.ptr) {
        str value = str_cut(&rest, '&');
        if (!value.len)
            continue;
        str name = str_cut(&value, '=');
        if (url_decode(a, name, true, &name, &wrong) < 0 ||
            (value.ptr && url_decode(a, value, true, &value, &wrong) < 0))
            return fail_field(err, E_BAD, LIT("malformed_form"), LIT(""), "the body is no form; %s",
                              wrong.text);
        TRY(fields_add(&f, name, value.ptr ? value : LIT(""), err));
    }
    *out = fields_value(&f);
    return 0;
}

/* ---- all of them ---- */

static int read_json(struct request *rq, str text, const struct json_limits *limits,
                     struct value *out, struct err *err)
{
    struct err wrong = {0};
    int code = json_parse(&rq->arena, text, limits, out, &wrong);
    if (code == E_BAD)
        return fail_field(err, E_BAD, LIT("malformed_json"), LIT(""),
                          "the body is no well-formed JSON; %s", wrong.text);
    if (code < 0)
        *err = wrong;
    return code;
}

int body_read(struct request *rq, unsigned takes, const struct json_limits *limits,
              struct value *out, struct err *err)
{
    str text, type = request_header(rq, LIT("Content-Type"));
    if (rq->formed) {
        *out = *rq->given;
        return 0;
    }
    if (rq->given)
        takes &= TAKES_JSON | TAKES_KINDS | TAKES_PATCHES;
    unsigned kind = type.ptr ? kind_of(type, takes) : 0;
    if (!kind)
        return refuse(rq, takes, type, err);
    if (rq->given) {
        *out = *rq->given;
        return 0;
    }
    TRY(request_body(rq, &text, err));
    if (!text.len && kind != TAKES_FORM)
        return fail(err, E_BAD, "the body is empty; a JSON object is expected");
    if (kind == TAKES_FORM)
        return form_read(&rq->arena, text, out, err);
    return kind == TAKES_XML ? xml_read(&rq->arena, text, limits, out, err)
                             : read_json(rq, text, limits, out, err);
}
