/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that ended and were never joined.  For the kernel they are gone, but the C library keeps
 * the stack of each until somebody joins it, so that a Close that leaves them leaks as surely as
 * one that leaves living threads.  They are candidates like those, with a stack of one frame.
 */
#include "harness/leak/unjoined.h"

#include <stdlib.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/stack/library.h"

/* All that is known of a thread that has ended, as the analysis wants it. */
struct remains {
    struct sl_thread thread;
    struct sl_stack stack;
};

bool unjoined_has(const struct sl_snapshot *snapshot, const struct sl_unjoined *unjoined)
{
    for (size_t i = 0; snapshot && !snapshot->unjoined_missing && i < snapshot->n_unjoined; i++)
        if (snapshot->unjoined[i].pthread == unjoined->pthread)
            return true;
    return false;
}

static struct leak_candidate make_candidate(const struct sl_leak_input *input,
                                            const struct sl_unjoined *unjoined,
                                            struct remains *remains)
{
    const struct sl_stack whole = {.frames = unjoined->start, .n_frames = 1, .complete = true};

    remains->stack = whole;
    remains->stack.complete = false;
    remains->stack.reason = "the thread has ended; this is the function that it was started with";
    /* The kernel has given its id to others. */
    remains->thread =
        (struct sl_thread){.count = 1, .stack = &remains->stack, .wait = {.syscall_nr = -1}};
    return (struct leak_candidate){
        .thread = &remains->thread,
        .unjoined = unjoined,
        .library = sl_leak_find_library(&whole, input->library_modules),
    };
}

enum sl_status unjoined_add(const struct sl_leak_input *input, struct sl_arena *arena,
                            struct leak_candidate **candidates, size_t *n_candidates,
                            struct sl_error *err)
{
    const struct sl_snapshot *settled = input->settled;
    size_t n = settled->unjoined_missing ? 0 : settled->n_unjoined;
    struct remains *remains = sl_arena_array(arena, n, sizeof *remains);
    struct leak_candidate *grown =
        realloc(*candidates, (*n_candidates + n + 1) * sizeof **candidates);

    if (grown)
        *candidates = grown;
    if (!remains || !grown)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads that were not joined", n);
    for (size_t i = 0; i < n; i++)
        if (!unjoined_has(input->start, &settled->unjoined[i]))
            (*candidates)[(*n_candidates)++] =
                make_candidate(input, &settled->unjoined[i], &remains[i]);
    return SL_OK;
}
