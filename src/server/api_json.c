/* api_json.c -- cairn.h: JSON that came in. SPDX: Apache-2.0
 * struct cairn_json is never defined: a pointer to one is a pointer to struct value. */
#include "server/api_priv.h"

#include <stdlib.h>

static const struct value *in(const struct cairn_json *v)
{
    return (const struct value *)(const void *)v;
}

static const struct cairn_json *out_of(const struct value *v)
{
    return (const struct cairn_json *)(const void *)v;
}

enum cairn_kind cairn_json_kind(const struct cairn_json *json)
{
    static const enum cairn_kind kinds[] = {
        [V_NULL] = CAIRN_NULL,    [V_BOOL] = CAIRN_BOOL,   [V_INT] = CAIRN_INT,
        [V_FLOAT] = CAIRN_DOUBLE, [V_NUM] = CAIRN_NUMBER,  [V_TEXT] = CAIRN_TEXT,
        [V_BYTES] = CAIRN_BYTES,  [V_ARRAY] = CAIRN_ARRAY, [V_OBJECT] = CAIRN_OBJECT};
    return json ? kinds[in(json)->kind] : CAIRN_NULL;
}

size_t cairn_json_count(const struct cairn_json *json)
{
    const struct value *v = in(json);
    return v && (v->kind == V_ARRAY || v->kind == V_OBJECT) ? v->count : 0;
}

const struct cairn_json *cairn_json_at(const struct cairn_json *json, size_t i)
{
    const struct value *v = in(json);
    if (i >= cairn_json_count(json))
        return NULL;
    return out_of(v->kind == V_ARRAY ? &v->items[i] : &v->fields[i].value);
}

const struct cairn_json *cairn_json_get(const struct cairn_json *json, const char *name)
{
    const struct value *v = in(json);
    return v && v->kind == V_OBJECT ? out_of(value_get(v, str_of(name))) : NULL;
}

cairn_str cairn_json_name(const struct cairn_json *json, size_t i)
{
    const struct value *v = in(json);
    if (!v || v->kind != V_OBJECT || i >= v->count)
        return (cairn_str){NULL, 0};
    return api_str(v->fields[i].name);
}

bool cairn_json_text(const struct cairn_json *json, cairn_str *out)
{
    const struct value *v = in(json);
    bool fits = v && v->kind == V_TEXT;
    if (fits)
        *out = api_str(v->text);
    return fits;
}

bool cairn_json_int(const struct cairn_json *json, int64_t *out)
{
    const struct value *v = in(json);
    if (v && value_is_loose(v))
        return str_to_i64(str_strip(v->text), out);
    bool fits = v && v->kind == V_INT;
    if (fits)
        *out = v->i;
    return fits;
}

/* Digits, a sign, a point, an exponent: no "inf", no hexadecimal. */
static bool loose_double(str s, double *out)
{
    char text[64], *end;
    if (!s.len || s.len >= sizeof text)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!s.ptr[i] || !strchr("0123456789+-.eE", s.ptr[i]))
            return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *out = strtod(text, &end);
    return *end == '\0';
}

bool cairn_json_double(const struct cairn_json *json, double *out)
{
    const struct value *v = in(json);
    char text[64];
    if (v && value_is_loose(v))
        return loose_double(str_strip(v->text), out);
    if (v && v->kind == V_INT)
        *out = (double)v->i;
    else if (v && v->kind == V_FLOAT)
        *out = v->f;
    else if (v && v->kind == V_NUM && v->text.len < sizeof text) {
        memcpy(text, v->text.ptr, v->text.len);
        text[v->text.len] = '\0';
        *out = strtod(text, NULL);
    } else
        return false;
    return true;
}

bool cairn_json_bool(const struct cairn_json *json, bool *out)
{
    const struct value *v = in(json);
    if (v && value_is_loose(v)) {
        *out = str_is(v->text, "true") || str_is(v->text, "on") || str_is(v->text, "1");
        return *out || str_is(v->text, "false") || str_is(v->text, "off") || str_is(v->text, "0");
    }
    bool fits = v && v->kind == V_BOOL;
    if (fits)
        *out = v->truth;
    return fits;
}

static int unwanted(struct cairn_request *c, const struct cairn_json *member, const char *name,
                    const char *kind)
{
    bool there = cairn_json_kind(member) != CAIRN_NULL;
    str word = there ? LIT("type") : LIT("required");
    return fail_field(c->err, E_INVALID, word, str_of(name),
                      there ? "'%s' must be %s" : "'%s' is required", name, kind);
}

int cairn_want_text(struct cairn_request *c, const struct cairn_json *v, const char *name,
                    cairn_str *out)
{
    const struct cairn_json *member = cairn_json_get(v, name);
    return cairn_json_text(member, out) ? 0 : unwanted(c, member, name, "a text");
}

int cairn_want_int(struct cairn_request *c, const struct cairn_json *v, const char *name,
                   int64_t *out)
{
    const struct cairn_json *member = cairn_json_get(v, name);
    return cairn_json_int(member, out) ? 0 : unwanted(c, member, name, "a whole number");
}
