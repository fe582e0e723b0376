/* serve.c -- cairn serve, on the same interface that a program in C has. SPDX: Apache-2.0 */
#include "cairn.h"
#include "cli/cli.h"

#include "base/mem.h"

int cli_serve(struct cli *c)
{
    int code = cli_expect(c, 0, 0);
    if (code)
        return code;
    struct cairn_app *app = cairn_new(c->dir);
    for (size_t i = 0; i < c->over_count; i++) {
        char *key = mem_text(c->over[i].key.ptr, c->over[i].key.len);
        cairn_set(app, key, c->over[i].value.ptr); /* values end an argument: NUL-terminated */
        mem_free(key);
    }
    return cairn_main(app) ? CLI_FAILED : CLI_OK;
}
