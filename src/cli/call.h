/* Private to src/cli: cairn call. SPDX: Apache-2.0 */
#ifndef CAIRN_CLI_CALL_H
#define CAIRN_CLI_CALL_H

#include "cli/cli.h"
#include "cli/talk.h"
#include "cli/term.h"

enum call_exit { CALL_REDIRECT = 3, CALL_CLIENT = 4, CALL_SERVER = 5 };

struct call_view {
    bool pretty;  /* JSON over several lines, problems as sentences; else the body as it came */
    bool headers; /* in front of the body */
    bool colours;
};
/* Prints the answer to stdout; a status from 400 on also to stderr when the body is raw. Answers
 * what to exit with: 0 below 300, else the status's hundreds. */
int call_show(const struct call_view *v, const struct answer *r);

#endif
