/* Private to src/cli: advice about a project's database, for check and explain. SPDX: Apache-2.0 */
#ifndef CAIRN_CLI_ADVICE_H
#define CAIRN_CLI_ADVICE_H

#include "advise/advise.h"
#include "cli/cli.h"

struct advice_report {
    struct arena arena;
    struct schema *schema;
    struct facts facts;
    struct advice *list;
    size_t count;
};

/* Asks the project's database. Gives *out also when it fails: advice_report_end. Blocks. */
int advice_report(const struct config *config, bool all, str ignore, struct advice_report *out,
                  struct err *err);
void advice_report_end(struct advice_report *r);
/* `before` and each line of text. */
void advice_put_lines(struct buf *b, const char *before, str text);
/* cairn check --database */
int advice_command(struct cli *c);

#endif
