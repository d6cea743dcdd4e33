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

#include "base/fail.h"
#include "harness/leak/pattern.h"

bool closing_is_witness(const struct sl_leak_rule *rule, const struct leak_candidate *candidate)
{
    return rule->kind == SL_LEAK_RULE_WITNESS && !rule->expired &&
           pattern_fits(&rule->pattern, candidate->thread, candidate->before);
}

/* The first witness of the list that has a thread tells. */
static struct sl_fact find_witness(const struct leak_case *the_case)
{
    const struct sl_leak_rules *rules = &the_case->input->rules;
    struct sl_fact fact = {0};

    for (size_t i = 0; i < rules->n && !fact.count; i++) {
        for (size_t j = 0; j < the_case->n_alive; j++) {
            const struct leak_candidate *candidate = &the_case->candidates[j];
            if (!closing_is_witness(&rules->rules[i], candidate))
                continue;
            if (!fact.count)
                fact = (struct sl_fact){SL_FACT_WITNESS, .thread = candidate->thread->id,
                                        .text = rules->rules[i].reason};
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

static struct sl_living_witness
find_living(const struct sl_leak_rule *rule, const struct sl_snapshot *snapshot)
{
    struct sl_living_witness found = {.reason = rule->reason};

    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct leak_candidate candidate = {.thread = &snapshot->threads[i]};
        if (!closing_is_witness(rule, &candidate))
            continue;
        const struct sl_frame *frame = pattern_frame(&rule->pattern, candidate.thread->stack);
        if (!found.function && frame)
            found.function = frame->function;
        found.count += candidate.thread->count;
    }
    return found;
}

enum sl_status sl_leak_witnesses(const struct sl_snapshot *snapshot,
                                 const struct sl_leak_rules *rules, struct sl_arena *arena,
                                 const struct sl_living_witness **ret_witnesses,
                                 size_t *ret_n_witnesses, struct sl_error *err)
{
    struct sl_living_witness *witnesses = sl_arena_array(arena, rules->n, sizeof *witnesses);
    size_t n = 0;

    if (!witnesses)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu rules", rules->n);
    for (size_t i = 0; i < rules->n; i++) {
        witnesses[n] = find_living(&rules->rules[i], snapshot);
        n += witnesses[n].count > 0;
    }
    *ret_witnesses = witnesses;
    *ret_n_witnesses = n;
    return SL_OK;
}
