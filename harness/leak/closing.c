/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did Close take effect?  No, when
 *
 *   - it was never called; or
 *   - a witness is alive: a thread that every effective Close ends.
 *
 * That Close ended nothing at all is no third proof.  A bus may have but one kind
 * of thread; and of a bus whose pool and whose fetchers both outlive Close nothing
 * ends either, though Close ran and each kind stays for a reason of its own, which
 * this cause, being the strongest, would hide.  It is told as a fact beside the
 * cause; a driver that wants the verdict names a witness.
 */
#include "harness/leak/closing.h"

#include <string.h>

#include "harness/leak/stack/names.h"
#include "harness/leak/stack/runtime.h"

static bool has_function(const struct sl_stack *stack, const char *function)
{
    struct stack_name wanted = names_function(function);
    for (size_t i = 0; stack && i < stack->n_frames; i++)
        if (stack->frames[i].function &&
            names_equal(names_function(stack->frames[i].function), wanted))
            return true;
    return false;
}

/* In one of the looks after Close: a read loop that has just got something is not waiting. */
static bool waits_on_socket(const struct leak_candidate *candidate)
{
    return candidate->thread->wait.socket || (candidate->before && candidate->before->wait.socket);
}

static bool
is_witness(const struct sl_leak_witness *witness, const struct leak_candidate *candidate)
{
    const char *const modules[] = {witness->module, NULL};
    const struct sl_stack *stack = candidate->thread->stack;

    if (candidate->before && (!stack || !stack->complete))
        stack = candidate->before->stack; /* could not be unwound this time */
    return (!witness->module || sl_leak_find_library(stack, modules)) &&
           (!witness->function || has_function(stack, witness->function)) &&
           (!witness->socket || waits_on_socket(candidate));
}

/* The first witness of the table that has a thread tells. */
static struct sl_fact find_witness(const struct leak_case *the_case)
{
    const struct sl_leak_witness *witness = the_case->input->witnesses;
    struct sl_fact fact = {0};

    for (; witness && witness->text && !fact.count; witness++) {
        for (size_t i = 0; i < the_case->n_alive; i++) {
            const struct leak_candidate *candidate = &the_case->candidates[i];
            if (!is_witness(witness, candidate))
                continue;
            if (!fact.count)
                fact = (struct sl_fact){SL_FACT_WITNESS, .thread = candidate->thread->id,
                                        .text = witness->text};
            fact.count += candidate->thread->count;
        }
    }
    return fact;
}

/* Threads at peak beyond `start`, when all of them are still there; else 0. */
static uint32_t count_survivors(const struct sl_leak_input *input)
{
    uint32_t n = 0;
    for (size_t i = 0; input->loaded && i < input->loaded->n_threads; i++) {
        const struct sl_thread *thread = &input->loaded->threads[i];
        if (candidate_find_same(input->start, thread))
            continue;
        if (!candidate_find_same(input->settled, thread))
            return 0;
        n += thread->count;
    }
    return n;
}

void closing_judge(struct leak_case *the_case)
{
    if (!the_case->input->close_reached) {
        the_case->not_closed = (struct sl_fact){SL_FACT_NOT_REACHED};
        return;
    }
    the_case->survivors = count_survivors(the_case->input);
    the_case->not_closed = find_witness(the_case);
}
