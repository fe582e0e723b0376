/* Private to src/fiber. switch.h -- two stacks change places. SPDX: Apache-2.0 */
#ifndef CAIRN_FIBER_SWITCH_H
#define CAIRN_FIBER_SWITCH_H

#include <stddef.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

/* A place to go on from: a stack with the callee-saved registers on top of it. */
struct context {
#if defined(__x86_64__) || defined(__aarch64__)
    void *sp;
#else
    ucontext_t uc;
#endif
};

/* Prepares c to run entry() on the stack [base, base+size); entry must never return. */
void context_make(struct context *c, void *base, size_t size, void (*entry)(void));
/* Saves where we are in *from and goes on at *to. */
void context_switch(struct context *from, struct context *to);

#endif
