/* embed.h -- a file of the tree as bytes of the program: a binary is all that has to be copied.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_EMBED_H
#define CAIRN_EMBED_H

/* `name` .. `name_end` are the bytes of `file` (its path from the root of the tree, or absolute),
 * with a NUL behind them. `room` keeps the linker's names of two source files apart. */
#define EMBED(room, name, file)                                                                    \
    __asm__(".section .rodata\n"                                                                   \
            "cairn__" #room "_" #name ":\n"                                                        \
            ".incbin \"" file "\"\n"                                                               \
            "cairn__" #room "_" #name "_end:\n"                                                    \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const char name[] __asm__("cairn__" #room "_" #name)                                    \
        __attribute__((visibility("hidden")));                                                     \
    extern const char name##_end[] __asm__("cairn__" #room "_" #name "_end")                       \
        __attribute__((visibility("hidden")))

#endif
