/* Private to src/cli: texts and JSON for people at a terminal. SPDX: Apache-2.0 */
#ifndef CAIRN_CLI_TERM_H
#define CAIRN_CLI_TERM_H

#include "data/data.h"

enum term_colour { TERM_PLAIN, TERM_DIM, TERM_RED, TERM_GREEN, TERM_YELLOW, TERM_BLUE, TERM_CYAN };

/* Where a result goes. */
struct term {
    struct buf *out;
    bool colours;
};

/* Whether fd is a terminal that takes colours (TERM, NO_COLOR). */
bool term_takes_colours(int fd);
/* Foreign text: what would steer the terminal, or turn the direction of what follows, is shown as
 * \u001b. Line ends and tabs pass where `lines` says so. */
void term_safe(struct term *t, str text, bool lines);
void term_put(struct term *t, enum term_colour c, str text); /* the same, in a colour */
enum term_colour term_status(int status);                    /* of an HTTP status */
/* JSON over several lines, members in their order. */
void term_json(struct term *t, const struct value *v);

#endif
