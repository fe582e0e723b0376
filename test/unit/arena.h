/* arena.h -- an arena for each test, or for all of a program. SPDX: Apache-2.0 */
#ifndef CAIRN_TEST_ARENA_H
#define CAIRN_TEST_ARENA_H

#include "base/arena.h"

static struct arena arena;

static int arena_setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    return 0;
}

static int arena_teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

#endif
