/* SPDX-License-Identifier: Apache-2.0 */
/* Threads blocked inside signal handlers. */
#include "matrix.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void handle(int signal, siginfo_t *info, void *context)
{
    (void) signal, (void) info, (void) context;
    matrix_entered();
    for (;;)
        matrix_block();
}

static NOINLINE void use_alternate_stack(void)
{
    stack_t stack = {.ss_size = (size_t) 64 * 1024};
    stack.ss_sp = malloc(stack.ss_size);
    if (!stack.ss_sp || sigaltstack(&stack, NULL))
        abort();
}

/* The handler was called from a system call that had done its work. */
static NOINLINE void raised(void)
{
    for (;;)
        (void) raise(SIGUSR1);
}

static NOINLINE void raised_on_alternate_stack(void)
{
    use_alternate_stack();
    for (;;)
        (void) raise(SIGUSR2);
}

/* ... from a call that it interrupted ... */
static NOINLINE void interrupted_call(void)
{
    for (;;)
        (void) pause();
}

static NOINLINE void interrupted_call_on_alternate_stack(void)
{
    use_alternate_stack();
    for (;;)
        (void) pause();
}

/* ... from between any two instructions. */
static NOINLINE void interrupted_anywhere(void)
{
    for (volatile unsigned long i = 0;; i++)
        continue;
}

static NOINLINE void interrupted_anywhere_on_alternate_stack(void)
{
    use_alternate_stack();
    for (volatile unsigned long i = 0;; i++)
        continue;
}

/*
 * The first instruction of a function fails.  Looking it up as if it were a return
 * address, one byte earlier, finds the function before it, whose frame is larger.
 */
__asm__(".text\n"
        ".type before_fault, @function\n"
        "before_fault:\n"
        "    .cfi_startproc\n"
        "    sub $72, %rsp\n"
        "    .cfi_def_cfa_offset 80\n"
        "    hlt\n"
        "    .cfi_endproc\n"
        ".size before_fault, . - before_fault\n"
        ".globl fault_at_entry\n"
        ".type fault_at_entry, @function\n"
        "fault_at_entry:\n"
        "    .cfi_startproc\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size fault_at_entry, . - fault_at_entry\n");
void fault_at_entry(void);

static NOINLINE void faulted(void)
{
    for (;;)
        fault_at_entry();
}

void matrix_open_signals(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    struct sigaction elsewhere = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (sigaction(SIGUSR1, &action, NULL) || sigaction(SIGUSR2, &elsewhere, NULL) ||
        sigaction(SIGILL, &action, NULL)) {
        perror("sigaction");
        exit(1);
    }
}

const struct shape signal_shapes[] = {
    {"sig raised", raised, 1, 0},
    {"alt raised", raised_on_alternate_stack, 1, 0},
    {"sig call", interrupted_call, 1, SIGUSR1},
    {"alt call", interrupted_call_on_alternate_stack, 1, SIGUSR2},
    {"sig anywhere", interrupted_anywhere, 2, SIGUSR1},
    {"alt anywhere", interrupted_anywhere_on_alternate_stack, 2, SIGUSR2},
    {"sig fault", faulted, 1, 0},
    {0},
};
