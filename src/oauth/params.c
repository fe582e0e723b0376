/* params.c -- parameters of OAuth requests. One that comes twice is refused: two readers would see
 * two values (RFC 6749, 3.1). SPDX: Apache-2.0 */
#include "oauth/params.h"

#include "data/data.h"
#include "http/http.h"

static const str names[PARAMS] = {
#define X(id, name) [PARAM_##id] = STR_INIT(name),
#include "oauth/params.def"
#undef X
};

static int refuse(struct err *err, const char *what, str name)
{
    return fail_field(err, E_BAD, LIT("invalid_request"), LIT(""), "%s%.*s", what, STR_ARG(name));
}

static bool plain(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 127)
            return false;
    }
    return true;
}

static size_t known(str name)
{
    for (size_t i = 0; i < PARAMS; i++) {
        if (str_eq(names[i], name))
            return i;
    }
    return PARAMS;
}

int params_read(struct arena *a, str text, struct params *out, struct err *err)
{
    unsigned pieces = 0;
    struct err wrong = {0};
    *out = (struct params){0};
    if (text.len > PARAMS_TEXT_MOST)
        return refuse(err, "the request is too long", LIT(""));
    for (str rest = text; rest.ptr;) {
        str value = str_cut(&rest, '&'), name = str_cut(&value, '=');
        if (++pieces > PARAM_PIECES_MOST)
            return refuse(err, "there are too many parameters", LIT(""));
        if (url_decode(a, name, true, &name, &wrong) < 0)
            return refuse(err, "a parameter is not encoded right", LIT(""));
        size_t at = known(name);
        if (at == PARAMS)
            continue;
        if (out->of[at].ptr)
            return refuse(err, "there twice: ", names[at]);
        out->of[at] = LIT("");
        if (value.ptr && url_decode(a, value, true, &out->of[at], &wrong) < 0)
            return refuse(err, "not encoded right: ", names[at]);
        if (at != PARAM_PASSWORD && !plain(out->of[at]))
            return refuse(err, "control characters in ", names[at]);
    }
    return 0;
}

int params_basic(struct arena *a, str coded, str *name, str *secret, struct err *err)
{
    str pair;
    struct err wrong = {0};
    if (coded.len > PARAMS_TEXT_MOST || !base64_get(a, coded, &pair) || !str_utf8(pair) ||
        !plain(pair) || str_find(pair, ':') == STR_NONE)
        return refuse(err, "Authorization: Basic holds ID:SECRET in base64", LIT(""));
    *name = str_cut(&pair, ':');
    if (url_decode(a, *name, true, name, &wrong) < 0 ||
        url_decode(a, pair, true, secret, &wrong) < 0 || !plain(*name) || !plain(*secret))
        return refuse(err, "ID and SECRET of Basic are encoded as in a form", LIT(""));
    return 0;
}
