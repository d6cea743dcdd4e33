/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints.  Each frame from the entry inward adds module, NUL, function,
 * NUL; a frame without a function adds UNNAMED in its place, and which function of
 * that build it is; the end says whether the stack was complete.
 *
 * Two kinds of frames add nothing, since they differ between builds of one
 * program: what the runtime does below the function it was called by
 * (pthread_cond_wait's insides have names only where libc's debug symbols are
 * installed), and what is left of a function below which its outlined part runs.
 * How the runtime started the thread lies outside the entry.
 */
#include "harness/leak/stack/fingerprint.h"

#include <ctype.h>
#include <string.h>

#include "base/hash.h"
#include "harness/leak/stack/names.h"
#include "harness/leak/stack/runtime.h"

#define UNNAMED    "\x01"
#define COMPLETE   "\x02"
#define INCOMPLETE "\x03"
#define NO_STACK   "\x04"

/* With its NUL, so that "a", "bc" and "ab", "c" differ. */
static uint64_t add_text(uint64_t hash, const char *text, size_t size)
{
    return sl_fnv64(sl_fnv64(hash, text, size), "", 1);
}

/*
 * A function without a name: of which build, and where in it.  Its start, as a name stands for
 * all of a function, or else the very place.  A module without a build-id is known by its path.
 */
static uint64_t add_place(uint64_t hash, const struct sl_frame *frame)
{
    uint64_t offset = frame->start ? frame->start : frame->offset;
    uint8_t bytes[sizeof offset + sizeof frame->region];
    const char *build = frame->build_id ? frame->build_id : frame->module;

    hash = add_text(hash, UNNAMED, strlen(UNNAMED));
    if (!offset) /* of a foreign dump, that does not tell */
        return hash;
    for (size_t i = 0; i < sizeof offset; i++) /* the same on every machine */
        bytes[i] = (uint8_t) (offset >> 8 * i);
    for (size_t i = 0; i < sizeof frame->region; i++)
        bytes[sizeof offset + i] = (uint8_t) (frame->region >> 8 * i);
    return sl_fnv64(add_text(hash, build ? build : "", build ? strlen(build) : 0), bytes,
                    sizeof bytes);
}

static uint64_t add_frame(uint64_t hash, const struct sl_frame *frame, bool runtime)
{
    struct stack_name module = names_module(frame->module);
    struct stack_name function = names_function(frame->function);

    hash = add_text(hash, module.text, module.size);
    if (!function.size)
        return add_place(hash, frame);
    if (runtime)
        function = names_bare(function);
    return add_text(hash, function.text, function.size);
}

/* Is the frame the outlined part of the function one further out? */
static bool is_part_of(const struct sl_frame *frame, const struct sl_frame *outer)
{
    return names_is_part(frame) &&
           names_equal(names_function(frame->function), names_function(outer->function)) &&
           names_equal(names_module(frame->module), names_module(outer->module));
}

/*
 * Digits as '#', a run of them as one: "worker-17" and "worker-4" are one kind of
 * thread, and a reason may name a thread id.
 */
static uint64_t add_pattern(uint64_t hash, const char *text)
{
    for (; text && *text; text++) {
        if (!isdigit((unsigned char) *text))
            hash = sl_fnv64(hash, text, 1);
        else if (!isdigit((unsigned char) text[1]))
            hash = sl_fnv64(hash, "#", 1);
    }
    return add_text(hash, "", 0);
}

uint64_t fingerprint_of(const struct sl_stack *stack)
{
    uint64_t hash = SL_FNV64_BASIS;
    bool in_runtime = false;

    if (!stack || !stack->n_frames)
        return add_pattern(sl_fnv64(hash, NO_STACK, 1), stack ? stack->reason : NULL);

    size_t entry = runtime_entry(stack);
    bool is_static = runtime_is_static(stack);
    for (size_t i = entry + 1; i-- > 0;) {
        const struct sl_frame *frame = &stack->frames[i];
        bool runtime = runtime_has(frame, is_static);
        bool inside = runtime && in_runtime;
        in_runtime = runtime;
        if (inside || (i < entry && is_part_of(frame, frame + 1)))
            continue;
        hash = add_frame(hash, frame, runtime);
    }
    return sl_fnv64(hash, stack->complete ? COMPLETE : INCOMPLETE, 1);
}

uint64_t fingerprint_of_thread(const struct sl_thread *thread)
{
    if (thread->stack && thread->stack->n_frames)
        return fingerprint_of(thread->stack);
    const char *reason = thread->stack ? thread->stack->reason : thread->reason;
    uint64_t hash = sl_fnv64(SL_FNV64_BASIS, NO_STACK, 1);
    return add_pattern(add_pattern(hash, reason), thread->name);
}
