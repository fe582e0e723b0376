/* assets.c -- the pages, as bytes of the program: a binary is all that has to be copied.
 * SPDX: Apache-2.0
 * Swagger UI is an npm package, which `./dev setup` fetches; a build without it has empty files in
 * its place, and the page lists the operations by itself. */
#include "admin/admin_priv.h"

#ifndef CAIRN_SWAGGER_UI
#define CAIRN_SWAGGER_UI "web/none"
#endif

#define BYTES(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            "cairn__web_" #name ":\n"                                                              \
            ".incbin \"" file "\"\n"                                                               \
            "cairn__web_" #name "_end:\n"                                                          \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const char name[] __asm__("cairn__web_" #name) __attribute__((visibility("hidden")));   \
    extern const char name##_end[] __asm__("cairn__web_" #name "_end")                             \
        __attribute__((visibility("hidden")))

BYTES(page, "web/docs.html");
BYTES(script, "web/docs.js");
BYTES(style, "web/docs.css");
BYTES(ui, CAIRN_SWAGGER_UI "/swagger-ui-bundle.js");
BYTES(ui_style, CAIRN_SWAGGER_UI "/swagger-ui.css");
BYTES(ui_licence, CAIRN_SWAGGER_UI "/swagger-ui-bundle.js.LICENSE.txt");

static const struct {
    const char *path, *type, *begin, *end;
} list[DOCS__ASSETS] = {
    {"/docs", "text/html; charset=utf-8", page, page_end},
    {"/docs/docs.js", "text/javascript; charset=utf-8", script, script_end},
    {"/docs/docs.css", "text/css; charset=utf-8", style, style_end},
    {"/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", ui, ui_end},
    {"/docs/swagger-ui.css", "text/css; charset=utf-8", ui_style, ui_style_end},
    {"/docs/LICENSE.txt", "text/plain; charset=utf-8", ui_licence, ui_licence_end},
};

void docs__asset(size_t i, struct asset *out)
{
    *out = (struct asset){.path = list[i].path,
                          .type = str_of(list[i].type),
                          .bytes = str_make(list[i].begin, (size_t)(list[i].end - list[i].begin))};
}
