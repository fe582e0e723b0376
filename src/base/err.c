/* err.c -- failures. SPDX: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    int status;
    const char *name, *title;
} kinds[] = {
    {200, "OK", "OK"},
#define X(name, status, title) {status, #name, title},
#include "base/err.def"
#undef X
};

int fail(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    BUG_ON(code >= 0);
    *err = (struct err){.code = code};
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return code;
}

int fail_field(struct err *err, int code, str word, str field, const char *fmt, ...)
{
    va_list ap;
    BUG_ON(code >= 0);
    *err = (struct err){.code = code, .word = word};
    snprintf(err->field, sizeof err->field, "%.*s", STR_ARG(field));
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return code;
}

static size_t kind_of(int code)
{
    BUG_ON(code > 0 || -code >= (int)COUNT_OF(kinds));
    return (size_t)-code;
}

int err_status(int code)
{
    return kinds[kind_of(code)].status;
}

const char *err_title(int code)
{
    return kinds[kind_of(code)].title;
}

const char *err_name(int code)
{
    return kinds[kind_of(code)].name;
}
