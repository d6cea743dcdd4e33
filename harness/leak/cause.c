/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a group is still there: a table of rules in order of priority; the first that
 * finds evidence names the cause.  A further cause is one function and one line.
 */
#include "harness/leak/cause.h"

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/evidence.h"

/*
 * @param ret_evidence  set to NULL by the caller; set when the rule applies
 * @return SL_OK also when it does not apply; SL_ENOMEM
 */
typedef enum sl_status (*cause_rule)(const struct sl_leak_case *the_case,
                                     const struct sl_leak_cluster *cluster,
                                     const char **ret_evidence);

/* A sentence that could not be built is a failure; a rule that does not apply is none. */
static enum sl_status give(const char *evidence, const char **ret_evidence)
{
    if (!evidence)
        return SL_ENOMEM;
    *ret_evidence = evidence;
    return SL_OK;
}

static enum sl_status find_not_closed(const struct sl_leak_case *the_case,
                                      const struct sl_leak_cluster *cluster,
                                      const char **ret_evidence)
{
    if (!cluster->members[0].process) /* all groups that Close could have ended, or none */
        *ret_evidence = the_case->not_closed;
    return SL_OK;
}

static enum sl_status find_resident(const struct sl_leak_case *the_case,
                                    const struct sl_leak_cluster *cluster,
                                    const char **ret_evidence)
{
    const struct sl_leak_candidate *first = &cluster->members[0];
    if (!first->resident)
        return SL_OK;
    const char *threads = sl_leak_say_threads(the_case, cluster->count);
    if (!threads)
        return SL_ENOMEM;
    const struct sl_leak_words *words = &the_case->words;
    if (first->process)
        return give(sl_arena_printf(the_case->arena, "%s %s: %s%s%s%s", threads, words->not_ours,
                                    first->process, words->strict ? " (" : "",
                                    words->strict ? words->strict : "",
                                    words->strict ? " counts it)" : ""),
                    ret_evidence);
    bool seen = the_case->input->torn_down;
    return give(sl_arena_printf(the_case->arena, "%s of %s, %s%s", threads, first->library,
                                seen ? "gone after its shutdown" : "not seen to end: ",
                                seen ? "" : words->no_teardown),
                ret_evidence);
}

static enum sl_status find_unjoined(const struct sl_leak_case *the_case,
                                    const struct sl_leak_cluster *cluster,
                                    const char **ret_evidence)
{
    bool one = cluster->count == 1;

    if (!cluster->members[0].unjoined)
        return SL_OK;
    const char *threads = sl_leak_say_threads(the_case, cluster->count);
    if (!threads)
        return SL_ENOMEM;
    return give(sl_arena_printf(the_case->arena,
                                "%s ended and %s never joined: the C library keeps %s", threads,
                                one ? "was" : "were", one ? "its stack" : "their stacks"),
                ret_evidence);
}

/*
 * Blocked until another thread acts: nothing of its own, no time-out, no descriptor.  That a
 * thread did not run proves nothing where it was not allowed to.
 */
static bool
is_parked(const struct sl_leak_case *the_case, const struct sl_leak_candidate *candidate)
{
    const struct sl_wait *wait = &candidate->thread->wait;
    switch (wait->kind) {
    case SL_WAIT_CONDITION:
    case SL_WAIT_SEMAPHORE:
    case SL_WAIT_MUTEX:
    case SL_WAIT_RWLOCK:
    case SL_WAIT_BARRIER:
    case SL_WAIT_FUTEX: {
        struct sl_leak_activity activity = sl_leak_activity(the_case, candidate);
        return !wait->timed && !wait->held && activity.known && !candidate->before->wait.held &&
               !activity.switches;
    }
    default:
        return false;
    }
}

/* What a look made its threads do is none of their own doing, but it is no rest either. */
static bool was_any_stopped(const struct sl_leak_cluster *cluster)
{
    for (size_t i = 0; i < cluster->n_members; i++)
        if (cluster->members[i].before->cost.stopped)
            return true;
    return false;
}

static enum sl_status find_parked(const struct sl_leak_case *the_case,
                                  const struct sl_leak_cluster *cluster, const char **ret_evidence)
{
    for (size_t i = 0; i < cluster->n_members; i++)
        if (!is_parked(the_case, &cluster->members[i]))
            return SL_OK;
    const char *waits = sl_leak_say_waits(the_case, cluster);
    const char *span = sl_leak_say_duration(the_case, the_case->observed_ns);
    const char *circumstances = sl_leak_say_circumstances(the_case, cluster);
    if (!waits || !span || !circumstances)
        return SL_ENOMEM;
    return give(sl_arena_printf(the_case->arena,
                                "%s; %s%s in the %s between %s and the last look%s", waits,
                                cluster->count == 1 ? "it did not run" : "none of them ran",
                                was_any_stopped(cluster) ? ", being looked at aside," : "", span,
                                the_case->words.end, circumstances),
                ret_evidence);
}

/* Always applies: what was seen, with no conclusion. */
static enum sl_status describe(const struct sl_leak_case *the_case,
                               const struct sl_leak_cluster *cluster, const char **ret_evidence)
{
    const char *waits = sl_leak_say_waits(the_case, cluster);
    const char *activity = sl_leak_say_activity(the_case, cluster);
    const char *circumstances = sl_leak_say_circumstances(the_case, cluster);
    if (!waits || !activity || !circumstances)
        return SL_ENOMEM;
    return give(sl_arena_printf(the_case->arena, "%s%s%s", waits, activity, circumstances),
                ret_evidence);
}

/*
 * Resident stands before every reason for staying: its threads may stay, whatever
 * they wait for.
 */
static const struct {
    enum sl_cause cause;
    cause_rule find;
} rules[] = {
    {SL_CAUSE_NOT_CLOSED, find_not_closed}, {SL_CAUSE_RESIDENT, find_resident},
    {SL_CAUSE_UNJOINED, find_unjoined},     {SL_CAUSE_PARKED, find_parked},
    {SL_CAUSE_UNKNOWN, describe},
};

enum sl_status sl_leak_explain(const struct sl_leak_case *the_case,
                               const struct sl_leak_cluster *cluster, enum sl_cause *ret_cause,
                               const char **ret_evidence, struct sl_error *err)
{
    const char *evidence = NULL;
    enum sl_status status = SL_OK;
    size_t rule = 0;

    for (; rule < SL_COUNT_OF(rules) && !status && !evidence; rule++)
        status = rules[rule].find(the_case, cluster, &evidence);
    if (status)
        return sl_fail(err, status, "out of memory for the evidence of a group");
    *ret_cause = rules[rule - 1].cause;
    *ret_evidence = evidence;
    return SL_OK;
}
