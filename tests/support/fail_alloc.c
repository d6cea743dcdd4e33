/* SPDX-License-Identifier: Apache-2.0 */
#include "fail_alloc.h"

#include <stdlib.h>

/* Names that the linker's --wrap gives: __wrap_x stands for x, __real_x for the original. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool armed, failed;
static size_t left;

void sl_fail_alloc_after(size_t n)
{
    armed = true;
    failed = false;
    left = n;
}

bool sl_fail_alloc_end(void)
{
    armed = false;
    return failed;
}

static bool fails(void)
{
    if (!armed || failed || left-- > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}
