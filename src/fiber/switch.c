/* switch.c -- two stacks change places. SPDX: Apache-2.0
 * Why by hand: swapcontext makes a system call for the signal mask at each switch, and a request
 * switches twice. Only callee-saved registers are kept, as the ABIs allow for a function call;
 * nobody here changes the floating-point control words, so they are not saved. */
#include "fiber/switch.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

__asm__(".text\n"
        ".p2align 4\n"
        ".local cairn__swap\n"
        ".type cairn__swap,@function\n"
        "cairn__swap:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq (%rsi), %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size cairn__swap,.-cairn__swap\n");
void cairn__swap(struct context *from, struct context *to);

enum { SAVED = 6 };

void context_make(struct context *c, void *base, size_t size, void (*entry)(void))
{
    uintptr_t top = ((uintptr_t)base + size) & ~(uintptr_t)15;
    uintptr_t *sp = (uintptr_t *)top;
    *--sp = 0; /* where entry would return to: nowhere; keeps the stack aligned for a call */
    *--sp = (uintptr_t)entry;
    for (int i = 0; i < SAVED; i++)
        *--sp = 0;
    c->sp = sp;
}

void context_switch(struct context *from, struct context *to)
{
    cairn__swap(from, to);
}

#elif defined(__aarch64__)

__asm__(".text\n"
        ".p2align 4\n"
        ".local cairn__swap\n"
        ".type cairn__swap,%function\n"
        "cairn__swap:\n"
        "  sub sp, sp, #160\n"
        "  stp x19, x20, [sp, #0]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
        "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
        "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
        "  mov x9, sp\n  str x9, [x0]\n  ldr x9, [x1]\n  mov sp, x9\n"
        "  ldp x19, x20, [sp, #0]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
        "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
        "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
        "  add sp, sp, #160\n"
        "  ret\n"
        ".size cairn__swap,.-cairn__swap\n");
void cairn__swap(struct context *from, struct context *to);

void context_make(struct context *c, void *base, size_t size, void (*entry)(void))
{
    uintptr_t top = ((uintptr_t)base + size) & ~(uintptr_t)15;
    uintptr_t *sp = (uintptr_t *)(top - 160);
    memset(sp, 0, 160);
    sp[11] = (uintptr_t)entry; /* x30 */
    c->sp = sp;
}

void context_switch(struct context *from, struct context *to)
{
    cairn__swap(from, to);
}

#else

void context_make(struct context *c, void *base, size_t size, void (*entry)(void))
{
    getcontext(&c->uc);
    c->uc.uc_stack.ss_sp = base;
    c->uc.uc_stack.ss_size = size;
    c->uc.uc_link = NULL;
    makecontext(&c->uc, entry, 0);
}

void context_switch(struct context *from, struct context *to)
{
    swapcontext(&from->uc, &to->uc);
}

#endif
