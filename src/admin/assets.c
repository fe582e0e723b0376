/* assets.c -- the pages, as bytes of the program: a binary is all that has to be copied.
 * SPDX: Apache-2.0
 * Swagger UI is an npm package, which `./dev setup` fetches; a build without it has empty files in
 * its place, and the page lists the operations by itself. */
#include "admin/admin_priv.h"

#include "base/embed.h"

#ifndef CAIRN_SWAGGER_UI
#define CAIRN_SWAGGER_UI "web/none"
#endif

EMBED(web, page, "web/docs.html");
EMBED(web, script, "web/docs.js");
EMBED(web, style, "web/docs.css");
EMBED(web, ui, CAIRN_SWAGGER_UI "/swagger-ui-bundle.js");
EMBED(web, ui_style, CAIRN_SWAGGER_UI "/swagger-ui.css");
EMBED(web, ui_licence, CAIRN_SWAGGER_UI "/swagger-ui-bundle.js.LICENSE.txt");

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
