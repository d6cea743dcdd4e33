/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/thread/stacks.h"

#include <sys/mman.h>
#include <unistd.h>

bool stacks_init(struct stacks *stacks, size_t n, size_t stack_size)
{
    size_t guard = (size_t) sysconf(_SC_PAGESIZE);
    size_t step = guard + stack_size, size = 0;

    if (__builtin_mul_overflow(n, step, &size))
        return false;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    *stacks = (struct stacks){.memory = memory, .size = size, .step = step, .guard = guard};
    return true;
}

void stacks_release(struct stacks *stacks)
{
    if (stacks->memory)
        (void) munmap(stacks->memory, stacks->size);
    stacks->memory = NULL;
}

void *stacks_get(const struct stacks *stacks, size_t index)
{
    if (!stacks->memory)
        return NULL;
    char *guard = stacks->memory + index * stacks->step;
    if (mprotect(guard, stacks->guard, PROT_NONE))
        return NULL;
    return guard + stacks->guard;
}
