/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a group is still there: one rule for each cause that can be told.  A further one is one
 * function and one line.
 */
#include "harness/leak/cause.h"

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/evidence.h"
#include "harness/leak/facts.h"

/* Add the facts that prove the cause.  None: the rule does not apply. */
typedef void (*cause_rule)(const struct leak_case *the_case, const struct leak_cluster *cluster,
                           struct leak_facts *facts);

static void find_not_closed(const struct leak_case *the_case, const struct leak_cluster *cluster,
                            struct leak_facts *facts)
{
    /* All groups that Close could have ended, or none. */
    if (!cluster->members[0].process && the_case->not_closed.kind)
        facts_add(facts, the_case->not_closed);
}

static void find_resident(const struct leak_case *the_case, const struct leak_cluster *cluster,
                          struct leak_facts *facts)
{
    const struct leak_candidate *first = &cluster->members[0];
    bool seen = the_case->input && the_case->input->torn_down;

    if (first->resident)
        facts_add(facts,
                  (struct sl_fact){.kind = first->process ? SL_FACT_OF_PROCESS
                                           : seen         ? SL_FACT_ENDED_WITH_LIBRARY
                                                          : SL_FACT_KEPT_BY_LIBRARY,
                                   .count = cluster->count,
                                   .text = first->process ? first->process : first->library});
}

static void find_unjoined(const struct leak_case *the_case, const struct leak_cluster *cluster,
                          struct leak_facts *facts)
{
    (void) the_case;
    if (cluster->members[0].unjoined)
        facts_add(facts, (struct sl_fact){SL_FACT_UNJOINED, .count = cluster->count});
}

/*
 * Blocked until another thread acts: nothing of its own, no time-out, no descriptor.  That a
 * thread did not run proves nothing where it was not allowed to.
 */
static bool is_parked(const struct leak_candidate *candidate)
{
    const struct sl_wait *wait = &candidate->thread->wait;
    switch (wait->kind) {
    case SL_WAIT_CONDITION:
    case SL_WAIT_SEMAPHORE:
    case SL_WAIT_MUTEX:
    case SL_WAIT_RWLOCK:
    case SL_WAIT_BARRIER:
    case SL_WAIT_FUTEX:
        return !wait->timed && !wait->held && candidate->activity.known &&
               !candidate->before->wait.held && !candidate->activity.switches;
    default:
        return false;
    }
}

static void find_parked(const struct leak_case *the_case, const struct leak_cluster *cluster,
                        struct leak_facts *facts)
{
    for (size_t i = 0; i < cluster->n_members; i++)
        if (!is_parked(&cluster->members[i]))
            return;
    facts_add_waits(the_case, cluster, facts);
    facts_add_idle(the_case, cluster, facts);
    facts_add_circumstances(the_case, cluster, facts);
}

/* Always applies: what was seen, with no conclusion. */
static void describe(const struct leak_case *the_case, const struct leak_cluster *cluster,
                     struct leak_facts *facts)
{
    facts_add_waits(the_case, cluster, facts);
    facts_add_activity(the_case, cluster, facts);
    facts_add_circumstances(the_case, cluster, facts);
}

static const cause_rule rules[] = {
    [SL_CAUSE_NOT_CLOSED] = find_not_closed, [SL_CAUSE_RESIDENT] = find_resident,
    [SL_CAUSE_UNJOINED] = find_unjoined,     [SL_CAUSE_PARKED] = find_parked,
    [SL_CAUSE_UNKNOWN] = describe,
};

enum sl_status cause_explain(const struct leak_case *the_case, const struct leak_cluster *cluster,
                             struct sl_finding *finding, struct sl_error *err)
{
    struct leak_facts facts = {.n = 0};
    unsigned cause = 0;

    for (; cause < SL_COUNT_OF(rules); cause++) {
        if (rules[cause])
            rules[cause](the_case, cluster, &facts);
        if (facts.n)
            break;
    }
    struct sl_fact *list = sl_arena_array(the_case->arena, facts.n, sizeof *list);
    const char *evidence =
        evidence_say(facts.list, facts.n, cluster->count, &the_case->words, the_case->arena);
    bool copied = list && evidence;
    for (size_t i = 0; i < facts.n && copied; i++) { /* the snapshots may be freed */
        list[i] = facts.list[i];
        list[i].text = sl_arena_strdup(the_case->arena, facts.list[i].text);
        copied = list[i].text || !facts.list[i].text;
    }
    if (!copied)
        return sl_fail(err, SL_ENOMEM, "out of memory for the evidence of a group");
    finding->cause = (enum sl_cause) cause;
    finding->facts = list;
    finding->n_facts = facts.n;
    finding->evidence = evidence;
    return SL_OK;
}
