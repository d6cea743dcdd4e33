/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <criterion/criterion.h>

/* The linker's --wrap gives these their names: __wrap_X is called for X, __real_X is X. */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *memory);
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);

/* Of the thread that runs an attempt; other threads are never made to fail. */
static __thread struct {
    bool armed;
    enum sl_alloc_failure failure;
    size_t left; /* allocations until the one that fails */
    bool failed;
    long live; /* allocations less frees */
} state;

static bool fails_now(void)
{
    if (!state.armed)
        return false;
    if (state.failed ? state.failure == SL_ALLOC_ONE : --state.left > 0)
        return false;
    state.failed = true;
    errno = ENOMEM;
    return true;
}

static void *counted(void *memory)
{
    if (state.armed && memory)
        state.live++;
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (fails_now())
        return NULL;
    void *grown = __real_realloc(old, size);
    return old ? grown : counted(grown);
}

void __wrap_free(void *memory)
{
    if (state.armed && memory)
        state.live--;
    __real_free(memory);
}

size_t sl_alloc_fail_each(enum sl_alloc_failure failure, sl_alloc_attempt attempt, void *user)
{
    for (size_t n = 1;; n++) {
        struct sl_error err = {0};

        state.failure = failure;
        state.left = n;
        state.failed = false;
        state.live = 0;
        state.armed = true;
        enum sl_status status = attempt(user, &err);
        state.armed = false;

        cr_assert_eq(state.live, 0, "allocation %zu failing: %ld were not freed", n, state.live);
        if (!state.failed) {
            cr_assert_eq(status, SL_OK, "%s: %s", sl_status_text(status), err.text);
            return n - 1;
        }
        cr_assert_eq(status, SL_ENOMEM, "allocation %zu failing gave '%s' (%s)", n,
                     sl_status_text(status), err.text);
        cr_assert_eq(err.status, SL_ENOMEM, "allocation %zu failing was not described", n);
    }
}
