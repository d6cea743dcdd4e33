/* SPDX-License-Identifier: Apache-2.0 */
/* Code whose frames are hard to find: every one of these blocks in matrix_block(). */
#include "matrix.h"

#include <alloca.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static volatile unsigned size = 3000; /* not known when this is compiled */
static volatile char sink;
static volatile int ended; /* never set; without it the compiler sees that nothing returns */

static NOINLINE void block(void)
{
    while (!ended)
        matrix_block();
}

/* The frame has no fixed size: only rbp tells where it begins. */
static NOINLINE void with_alloca(void)
{
    char *memory = alloca(size);
    memory[size / 2] = 1;
    block();
    sink = memory[size / 2];
}

static NOINLINE void with_array(void)
{
    unsigned n = size;
    char memory[n];
    memory[n - 1] = 1;
    block();
    sink = memory[n - 1];
}

/* The stack is realigned: the CFA is found through an expression. */
static NOINLINE void with_alignment(void)
{
    unsigned n = size;
    char memory[n];
    char aligned[128] __attribute__((aligned(128)));
    memory[n - 1] = aligned[size % 128] = 1;
    block();
    sink = (char) (memory[n - 1] + aligned[5]);
}

static NOINLINE void with_large_frame(void)
{
    char memory[200 * 1024];
    memory[size] = 1;
    block();
    sink = memory[size];
}

/* No return address of this one is on the stack. */
static NOINLINE void with_tail_call(void)
{
    sink = 1;
    block();
}

static __attribute__((noreturn)) NOINLINE void never_returns(void)
{
    for (;;)
        matrix_block();
}

/* The return address is behind the last instruction: that of the next function. */
static NOINLINE void with_noreturn_call(void)
{
    sink = 2;
    never_returns();
}

struct large {
    long words[20];
};

static NOINLINE long
take_many(struct large a, long b, long c, long d, long e, long f, long g, long h, struct large i)
{
    block();
    return a.words[3] + b + c + d + e + f + g + h + i.words[7];
}

/* Arguments are pushed while the frame is live. */
static NOINLINE void with_arguments(void)
{
    struct large large;
    memset(&large, sink, sizeof large);
    sink = (char) take_many(large, 1, 2, 3, 4, 5, 6, 7, large);
}

static int compare(const void *a, const void *b)
{
    block();
    return *(const char *) a - *(const char *) b;
}

/* Our code below that of libraries. */
static NOINLINE void with_callback(void)
{
    char text[] = "unsorted";
    qsort(text, sizeof text, 1, compare);
    sink = text[0];
}

static void blocked_once(void)
{
    block();
}

static NOINLINE void with_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, blocked_once);
    sink = 3;
}

/* A stack that is not the thread's. */
static NOINLINE void with_context(void)
{
    static ucontext_t own, other;
    static char stack[64 * 1024];
    (void) getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = sizeof stack;
    other.uc_link = &own;
    makecontext(&other, block, 0);
    (void) swapcontext(&own, &other);
    sink = 4;
}

/* Code that belongs to no file, as just-in-time compilers make it: there is no table. */
static NOINLINE void with_code_in_memory(void)
{
    static const uint8_t code[] = {
        0x55,             /* push %rbp */
        0x48, 0x89, 0xe5, /* mov %rsp, %rbp */
        0xff, 0xd7,       /* call *%rdi */
        0x5d,             /* pop %rbp */
        0xc3,             /* ret */
    };
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    memcpy(memory, code, sizeof code);
    if (mprotect(memory, 4096, PROT_READ | PROT_EXEC))
        abort();
    void (*call)(void (*)(void));
    memcpy(&call, &memory, sizeof call);
    call(block);
    sink = 5;
}

/* As compilers never do, but people do: registers saved by hand, no table, not even a frame. */
__asm__(".text\n"
        ".globl call_without_table\n"
        ".type call_without_table, @function\n"
        "call_without_table:\n"
        "    push %rbx\n"
        "    mov %rdi, %rbx\n"
        "    call *%rbx\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size call_without_table, . - call_without_table\n");
void call_without_table(void (*function)(void));

static NOINLINE void without_table(void)
{
    call_without_table(block);
    sink = 6;
}

const struct shape code_shapes[] = {
    {"alloca", with_alloca, 1, 0},
    {"array", with_array, 2, 0},
    {"alignment", with_alignment, 3, 0},
    {"large", with_large_frame, 1, 0},
    {"tail", with_tail_call, 1, 0},
    {"noreturn", with_noreturn_call, 1, 0},
    {"arguments", with_arguments, 1, 0},
    {"callback", with_callback, 1, 0},
    {"once", with_once, 1, 0},
    {"context", with_context, 1, 0},
    {"anonymous", with_code_in_memory, 1, 0},
    {"no table", without_table, 1, 0},
    {0},
};
