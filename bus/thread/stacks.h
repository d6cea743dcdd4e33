/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks: memory for the stacks of many threads in one mapping.
 *
 * Stacks that the C library makes are given back to the kernel one by one as their
 * threads are joined.  For thousands of threads that is most of the time of a close;
 * these go all at once.
 */
#ifndef BUS_THREAD_STACKS_H
#define BUS_THREAD_STACKS_H

#include <stdbool.h>
#include <stddef.h>

struct stacks {
    char *memory; /* NULL: none */
    size_t size;  /* of all */
    size_t step;  /* from one stack to the next: its guard page and itself */
    size_t guard;
};

/* Of stacks that are all zeros.  @return false when there is no address space for so many */
bool stacks_init(struct stacks *stacks, size_t n, size_t stack_size);

/* When every thread on them was joined. */
void stacks_release(struct stacks *stacks);

/*
 * The lowest byte of a stack, its guard page in place below it.  Call it once for
 * each stack.  NULL when there are no stacks, or no guard page can be had.
 */
void *stacks_get(const struct stacks *stacks, size_t index);

#endif
