/* Private to src/store. SPDX: Apache-2.0 */
#ifndef CAIRN_STORE_PRIV_H
#define CAIRN_STORE_PRIV_H

#include "store/store.h"

/* The rate limits in Lua, for EVAL (redis_script.c). KEYS: one for each limit. ARGV[1]: the time in
 * microseconds, for tests; 0: the server's own. Then five for each limit: algorithm as in enum
 * limit_algorithm, capacity, rate, window in milliseconds, cost. Answers four numbers for each
 * limit up to the first that is refused: allowed, left, reset_ms, retry_ms. */
extern const str store__script;

enum { STORE_SCRIPT_ARGS = 5, STORE_SCRIPT_RESULTS = 4 };

#endif
