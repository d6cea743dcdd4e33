/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a group is still there: one rule for each cause that can be told.  A further one is one
 * function and one line.
 */
#include "harness/leak/cause.h"

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/evidence.h"
#include "harness/leak/facts.h"
#include "harness/leak/pattern.h"

/* Add the facts that prove the cause.  None: the rule does not apply. */
typedef void (*cause_rule)(const struct leak_case *the_case, const struct leak_cluster *cluster,
                           struct leak_facts *facts);

static void find_not_closed(const struct leak_case *the_case, const struct leak_cluster *cluster,
                            struct leak_facts *facts)
{
    /* All groups that Close could have ended, or none. */
    if (cluster->members[0].process || !the_case->not_closed.kind)
        return;
    facts_add(facts, the_case->not_closed);
    if (the_case->not_closed.kind == SL_FACT_WITNESS && the_case->survivors)
        facts_add(facts, (struct sl_fact){SL_FACT_AS_BEFORE, .count = the_case->survivors});
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

static bool all(const struct leak_cluster *cluster, bool (*is)(const struct leak_candidate *))
{
    for (size_t i = 0; i < cluster->n_members; i++)
        if (!is(&cluster->members[i]))
            return false;
    return true;
}

/* Not where it was not allowed to run, nor where it went on meanwhile: that wait is over. */
static bool stays_blocked(const struct leak_candidate *candidate)
{
    const struct sl_wait *wait = &candidate->thread->wait;
    return !wait->timed && !wait->held &&
           !(candidate->activity.known && candidate->activity.switches);
}

/* What was seen, with no conclusion. */
static void
tell(const struct leak_case *the_case, const struct leak_cluster *cluster, struct leak_facts *facts)
{
    facts_add_waits(the_case, cluster, facts);
    facts_add_owners(the_case, cluster, facts);
    facts_add_activity(the_case, cluster, facts);
    facts_add_circumstances(the_case, cluster, facts);
}

static bool is_idle(const struct leak_candidate *candidate)
{
    return candidate->activity.known && !candidate->activity.switches;
}

/* The same of threads that stay blocked. */
static void tell_blocked(const struct leak_case *the_case, const struct leak_cluster *cluster,
                         struct leak_facts *facts)
{
    facts_add_waits(the_case, cluster, facts);
    facts_add_owners(the_case, cluster, facts);
    (all(cluster, is_idle) ? facts_add_idle : facts_add_activity)(the_case, cluster, facts);
    facts_add_circumstances(the_case, cluster, facts);
}

/*
 * Is it one that nothing ends?  What is seen of several threads is seen of one after the other, so
 * that a circle may be one that never was: unless all of it rested between two looks, or it is one
 * thread that waits for itself.
 */
static bool is_deadlock(const struct leak_case *the_case, uint32_t thread)
{
    const struct sl_wait_link *links = the_case->graph.links;
    const struct sl_thread *threads = the_case->snapshot->threads;
    uint32_t n = links[thread].circle;
    bool proven = n && !links[thread].ends;

    for (uint32_t i = 0; n > 1 && i < n && proven; i++, thread = links[thread].next)
        proven = candidate_rested(the_case->earlier, the_case->snapshot, &threads[thread]);
    return proven && !threads[thread].wait.held;
}

/* Some are of such a circle, and all others wait for one. */
static void find_deadlock(const struct leak_case *the_case, const struct leak_cluster *cluster,
                          struct leak_facts *facts)
{
    const struct sl_wait_link *links = the_case->graph.links, *first = NULL;
    uint32_t n_within = 0, proven = SL_WAIT_NOBODY;

    for (size_t i = 0; i < cluster->n_members; i++) {
        const struct leak_candidate *member = &cluster->members[i];
        if (member->unjoined || !stays_blocked(member))
            return;
        const struct sl_wait_link *link = &links[member->thread - the_case->snapshot->threads];
        if (link->root != proven && !is_deadlock(the_case, link->root))
            return;
        proven = link->root;
        first = first || !link->circle ? first : link;
        n_within += link->circle > 0;
    }
    if (!first)
        return;
    facts_add_waits(the_case, cluster, facts);
    facts_add_circle(the_case, (uint32_t) (first - links), n_within, facts);
    facts_add_circumstances(the_case, cluster, facts);
}

static bool waits_for_lock(const struct leak_candidate *candidate)
{
    const struct sl_wait *wait = &candidate->thread->wait;
    return (wait->kind == SL_WAIT_MUTEX || wait->kind == SL_WAIT_RWLOCK || wait->lock) &&
           stays_blocked(candidate);
}

static void find_lock_blocked(const struct leak_case *the_case, const struct leak_cluster *cluster,
                              struct leak_facts *facts)
{
    if (all(cluster, waits_for_lock))
        tell_blocked(the_case, cluster, facts);
}

static bool joins(const struct leak_candidate *candidate)
{
    return candidate->thread->wait.kind == SL_WAIT_JOIN && stays_blocked(candidate);
}

static void find_joining(const struct leak_case *the_case, const struct leak_cluster *cluster,
                         struct leak_facts *facts)
{
    if (all(cluster, joins))
        tell_blocked(the_case, cluster, facts);
}

/*
 * Threads that run, and how much.  The share of a CPU is that of all of the group on average; a
 * thread that was runnable in both looks would have used more, had others not run.
 */
#define BUSY_PERCENT 10
#define BUSY_MIN_NS  SL_NS_PER_MS

static bool is_runnable(const struct sl_thread *thread)
{
    return thread->state == 'R' && thread->wait.kind == SL_WAIT_NONE && !thread->wait.held;
}

static bool has_run(const struct leak_candidate *candidate)
{
    return candidate->before && !candidate->thread->wait.held &&
           (candidate->activity.switches || candidate->activity.least_cpu_ns >= BUSY_MIN_NS);
}

static bool runs_always(const struct leak_candidate *candidate)
{
    return has_run(candidate) && candidate->activity.least_cpu_ns >= BUSY_MIN_NS &&
           is_runnable(candidate->thread) && is_runnable(candidate->before);
}

static bool is_known(const struct leak_candidate *candidate)
{
    return candidate->activity.known;
}

static void find_spinning(const struct leak_case *the_case, const struct leak_cluster *cluster,
                          struct leak_facts *facts)
{
    uint64_t all_ns = the_case->observed_ns * cluster->n_members, least_ns = 0;

    for (size_t i = 0; i < cluster->n_members; i++)
        least_ns += cluster->members[i].activity.least_cpu_ns;
    if (!all(cluster, runs_always) &&
        (!all(cluster, has_run) || least_ns < all_ns / 100 * BUSY_PERCENT))
        return;
    facts_add_waits(the_case, cluster, facts);
    if (all(cluster, is_known))
        facts_add_activity(the_case, cluster, facts);
    else
        facts_add_least_cpu(the_case, cluster, least_ns, facts);
    facts_add_circumstances(the_case, cluster, facts);
}

static bool any_switched(const struct leak_cluster *cluster)
{
    for (size_t i = 0; i < cluster->n_members; i++)
        if (cluster->members[i].activity.switches)
            return true;
    return false;
}

static bool has_alarm(const struct sl_wait *wait)
{
    return wait->timed || wait->kind == SL_WAIT_SLEEP;
}

/* In either look: one that has just woken is not asleep. */
static bool wakes_by_itself(const struct leak_candidate *candidate)
{
    return candidate->activity.known && !candidate->thread->wait.held &&
           (has_alarm(&candidate->thread->wait) || has_alarm(&candidate->before->wait));
}

static void find_retrying(const struct leak_case *the_case, const struct leak_cluster *cluster,
                          struct leak_facts *facts)
{
    if (all(cluster, wakes_by_itself) && any_switched(cluster))
        tell(the_case, cluster, facts);
}

static bool waits_for_io(const struct leak_candidate *candidate)
{
    const struct sl_wait *wait = &candidate->thread->wait;
    return !wait->held &&
           (wait->kind == SL_WAIT_SOCKET || wait->kind == SL_WAIT_IO || wait->kind == SL_WAIT_POLL);
}

static void find_io(const struct leak_case *the_case, const struct leak_cluster *cluster,
                    struct leak_facts *facts)
{
    if (all(cluster, waits_for_io))
        tell(the_case, cluster, facts);
}

/* Blocked until another thread acts: nothing of its own, no time-out, no descriptor. */
static bool is_parked(const struct leak_candidate *candidate)
{
    switch (candidate->thread->wait.kind) {
    case SL_WAIT_CONDITION:
    case SL_WAIT_SEMAPHORE:
    case SL_WAIT_MUTEX:
    case SL_WAIT_RWLOCK:
    case SL_WAIT_BARRIER:
    case SL_WAIT_FUTEX:
        return is_idle(candidate) && stays_blocked(candidate) && !candidate->before->wait.held;
    default:
        return false;
    }
}

bool cause_is_in_queue(const struct sl_leak_rule *rule, const struct leak_candidate *candidate)
{
    return rule->kind == SL_LEAK_RULE_QUEUE && !rule->expired && is_parked(candidate) &&
           pattern_fits(&rule->pattern, candidate->thread, candidate->before);
}

/* The queue that all of them wait for room in, or NULL. */
static const struct sl_leak_rule *
queue_of(const struct leak_case *the_case, const struct leak_cluster *cluster)
{
    const struct sl_leak_rules *rules = &the_case->input->rules;

    for (size_t i = 0; i < rules->n; i++) {
        size_t n = 0;
        while (n < cluster->n_members && cause_is_in_queue(&rules->rules[i], &cluster->members[n]))
            n++;
        if (n == cluster->n_members)
            return &rules->rules[i];
    }
    return NULL;
}

static void find_queue_blocked(const struct leak_case *the_case, const struct leak_cluster *cluster,
                               struct leak_facts *facts)
{
    const struct sl_leak_rule *queue = the_case->input ? queue_of(the_case, cluster) : NULL;

    if (!queue)
        return;
    facts_add_waits(the_case, cluster, facts);
    facts_add(facts,
              (struct sl_fact){SL_FACT_QUEUE, .count = cluster->count, .text = queue->reason});
    facts_add_idle(the_case, cluster, facts);
    facts_add_circumstances(the_case, cluster, facts);
}

static void find_parked(const struct leak_case *the_case, const struct leak_cluster *cluster,
                        struct leak_facts *facts)
{
    if (all(cluster, is_parked))
        tell_blocked(the_case, cluster, facts);
}

static const cause_rule rules[] = {
    [SL_CAUSE_NOT_CLOSED] = find_not_closed,
    [SL_CAUSE_RESIDENT] = find_resident,
    [SL_CAUSE_UNJOINED] = find_unjoined,
    [SL_CAUSE_DEADLOCK] = find_deadlock,
    [SL_CAUSE_LOCK_BLOCKED] = find_lock_blocked,
    [SL_CAUSE_JOINING] = find_joining,
    [SL_CAUSE_QUEUE_BLOCKED] = find_queue_blocked,
    [SL_CAUSE_SPINNING] = find_spinning,
    [SL_CAUSE_RETRYING] = find_retrying,
    [SL_CAUSE_IO] = find_io,
    [SL_CAUSE_PARKED] = find_parked,
    [SL_CAUSE_UNKNOWN] = tell, /* always applies */
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
