/* Private to src/cli: a seed script. SPDX: Apache-2.0 */
#ifndef CAIRN_CLI_SEED_PRIV_H
#define CAIRN_CLI_SEED_PRIV_H

#include "data/data.h"

enum { SEED_PARAMS_MOST = 32 };

struct seed_param {
    str name; /* [a-z][a-z0-9_]* */
    int64_t value;
};

struct seed {
    str text;
    struct seed_param params[SEED_PARAMS_MOST];
    size_t param_count;
    char place; /* '?', or '$' on PostgreSQL */
    size_t at;  /* the rest begins here */
    unsigned line;
};

struct seed_statement {
    struct stmt st;
    unsigned line;  /* where it begins */
    str table;      /* that it inserts into, or empty */
    str makes_temp; /* name of the temporary table that it makes, or empty */
};

/* Reads the comments at the head: `-- param users 50`. Fails with CONFIG. */
int seed_begin(struct seed *s, str text, struct err *err);
struct seed_param *seed_param(struct seed *s, str name); /* NULL: there is none */
/* The next statement: 1, 0 at the end. `:name` becomes ?N or $N, which a value is bound to.
 * Text and binds live in a. Fails with CONFIG (a name that is no parameter, a quote that
 * does not end). */
int seed_next(struct seed *s, struct arena *a, struct seed_statement *out, struct err *err);

#endif
