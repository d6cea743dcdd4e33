/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/facts.h"

#include <inttypes.h>
#include <string.h>

#include "harness/leak/stack/frame.h"

/* How a wait is told: "5 threads wait on a condition", "1 thread sleeps in clock_nanosleep". */
struct wording {
    const char *one, *many; /* the verb */
    const char *object;     /* what follows it, or NULL: the system call and what it is made on */
    bool tell_timing;       /* whether it wakes by itself is news */
};

static const struct wording wordings[] = {
    [SL_WAIT_NONE] = {"is", "are", "in no blocking call", false},
    [SL_WAIT_CONDITION] = {"waits", "wait", "on a condition", true},
    [SL_WAIT_SEMAPHORE] = {"waits", "wait", "on a semaphore", true},
    [SL_WAIT_MUTEX] = {"waits", "wait", "for a mutex", true},
    [SL_WAIT_RWLOCK] = {"waits", "wait", "for a read-write lock", true},
    [SL_WAIT_BARRIER] = {"waits", "wait", "at a barrier", true},
    [SL_WAIT_JOIN] = {"waits", "wait", "for a thread to end", true},
    [SL_WAIT_FUTEX] = {"waits", "wait", "on a futex", true},
    [SL_WAIT_SLEEP] = {"sleeps", "sleep", NULL, false},
    [SL_WAIT_SOCKET] = {"waits", "wait", NULL, false},
    [SL_WAIT_IO] = {"waits", "wait", NULL, false},
    [SL_WAIT_POLL] = {"waits", "wait", NULL, true},
    [SL_WAIT_SIGNAL] = {"waits", "wait", "for a signal", true},
    [SL_WAIT_CHILD] = {"waits", "wait", "for a child process", false},
    [SL_WAIT_FAULT] = {"waits", "wait", "for a page of memory", false},
    [SL_WAIT_OTHER] = {"waits", "wait", NULL, false},
    [SL_WAIT_CHANNEL] = {"waits", "wait", "on a channel", false},
};
static const struct wording at_lock = {"waits", "wait", "for a lock", true};
static const struct wording runnable = {"is", "are", "runnable", false};
static const struct wording ended = {"has", "have", "ended", false};
static const struct wording unseen = {"could", "could", "not be looked at", false};

static bool is_running(const struct sl_thread *thread)
{
    return thread->state == 'R' && thread->wait.kind == SL_WAIT_NONE;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const struct wording *wording_of(const struct sl_thread *thread)
{
    if (is_running(thread))
        return &runnable;
    if (thread->state == 'Z' || thread->state == 'X')
        return &ended;
    if (thread->wait.kind == SL_WAIT_FUTEX && thread->wait.lock)
        return &at_lock;
    return thread->wait.kind == SL_WAIT_NONE && !thread->stack ? &unseen
                                                               : &wordings[thread->wait.kind];
}

/* Are two threads told in one clause? */
static bool told_alike(const struct sl_thread *a, const struct sl_thread *b)
{
    return a->wait.kind == b->wait.kind && a->wait.timed == b->wait.timed &&
           wording_of(a) == wording_of(b) && same_text(a->wait.syscall, b->wait.syscall) &&
           same_text(a->wait.target, b->wait.target) && same_text(a->wait.held, b->wait.held);
}

/* "waits in recv on TCP 127.0.0.1:4222 without a time-out", after the number of threads. */
static const char *say_wait(struct sl_arena *arena, const struct sl_thread *thread, uint32_t n)
{
    const struct sl_wait *wait = &thread->wait;
    const struct wording *wording = wording_of(thread);
    const char *verb = n == 1 ? wording->one : wording->many;
    const char *timing = !wording->tell_timing ? ""
                         : wait->timed         ? " with a time-out"
                                               : " without a time-out";
    const char *call = sl_wait_call_text(wait), *held = wait->held ? wait->held : "";
    const char *before = wait->held ? " (" : "", *after = wait->held ? ")" : "";

    if (wait->held && wait->kind == SL_WAIT_NONE)
        return sl_arena_printf(arena, "%s %s", verb, held);
    if (wording->object)
        return sl_arena_printf(arena, "%s %s%s%s%s%s", verb, wording->object, timing, before, held,
                               after);
    return sl_arena_printf(arena, "%s%s%s%s%s%s%s%s%s", verb, call ? " in " : "", call ? call : "",
                           wait->target ? " on " : "", wait->target ? wait->target : "", timing,
                           before, held, after);
}

void facts_add(struct leak_facts *facts, struct sl_fact fact)
{
    if (facts->n < FACTS_MAX)
        facts->list[facts->n++] = fact;
}

#define CLAUSES_MAX 3 /* more kinds of waits in one group than this are summed up */

void facts_add_waits(const struct leak_case *the_case, const struct leak_cluster *cluster,
                     struct leak_facts *facts)
{
    const struct sl_thread *kinds[CLAUSES_MAX];
    uint32_t counts[CLAUSES_MAX] = {0}, others = 0;
    size_t n_kinds = 0;

    for (size_t i = 0; i < cluster->n_members; i++) {
        const struct sl_thread *thread = cluster->members[i].thread;
        size_t kind = 0;
        while (kind < n_kinds && !told_alike(kinds[kind], thread))
            kind++;
        if (kind == CLAUSES_MAX) {
            others += thread->count;
            continue;
        }
        if (kind == n_kinds)
            kinds[n_kinds++] = thread;
        counts[kind] += thread->count;
    }
    for (size_t i = 0; i < n_kinds; i++)
        facts_add(facts, (struct sl_fact){.kind = i ? SL_FACT_WAIT_TOO : SL_FACT_WAIT,
                                          .count = counts[i],
                                          .thread = kinds[i]->id,
                                          .object = kinds[i]->wait.object,
                                          .other = (uint64_t) kinds[i]->wait.owner,
                                          .value = kinds[i]->wait.kind,
                                          .text = say_wait(the_case->arena, kinds[i], counts[i])});
    if (others)
        facts_add(facts, (struct sl_fact){.kind = SL_FACT_WAIT_ELSEWHERE, .count = others});
}

/* " 'u-w3', which stands in slow_handler"; NULL: no memory */
static const char *say_who(const struct leak_case *the_case, uint64_t id)
{
    const struct sl_thread *owner = sl_snapshot_find(the_case->snapshot, id);
    const char *function =
        owner && owner->stack ? sl_leak_headline(the_case->arena, owner->stack) : "";

    if (!owner || !function)
        return owner ? NULL : "";
    return sl_arena_printf(the_case->arena, " '%s'%s%s%s", owner->name,
                           *function ? ", which stands in " : "", function, *function ? "," : "");
}

/* "thread 71 'a', which stands in flush, may have it"; NULL: no memory */
static const char *say_candidates(const struct leak_case *the_case, const struct sl_lock *lock)
{
    if (!lock->n_candidates)
        return "no thread was found that may have it";
    const char *who = say_who(the_case, lock->candidates[0]);
    if (!who)
        return NULL;
    if (lock->n_candidates == 1)
        return sl_arena_printf(the_case->arena, "thread %" PRIu64 "%s may have it",
                               lock->candidates[0], who);
    return sl_arena_printf(the_case->arena,
                           "one of %zu threads may have it, like thread %" PRIu64 "%s",
                           lock->n_candidates, lock->candidates[0], who);
}

/* Whom it waits for, as far as that is known. */
static struct sl_fact fact_of_owner(const struct leak_case *the_case, const struct sl_wait *wait)
{
    struct sl_fact fact = {.object = wait->object};

    if (wait->owner) {
        fact.kind = wait->kind == SL_WAIT_JOIN ? SL_FACT_JOINED : SL_FACT_HOLDER;
        fact.other = (uint64_t) wait->owner;
        fact.text = say_who(the_case, fact.other);
    } else if (wait->ended_owner) {
        fact.kind = SL_FACT_ENDED_HOLDER;
        fact.other = (uint64_t) wait->ended_owner;
    } else {
        fact.kind = SL_FACT_CANDIDATES;
        fact.object = wait->lock->object;
        fact.other = wait->lock->n_candidates ? wait->lock->candidates[0] : 0;
        fact.value = wait->lock->n_candidates;
        fact.text = say_candidates(the_case, wait->lock);
    }
    return fact;
}

static bool have_one_owner(const struct sl_wait *a, const struct sl_wait *b)
{
    return a->owner == b->owner && a->ended_owner == b->ended_owner && a->object == b->object &&
           a->lock == b->lock;
}

void facts_add_owners(const struct leak_case *the_case, const struct leak_cluster *cluster,
                      struct leak_facts *facts)
{
    const struct sl_wait *waits[CLAUSES_MAX];
    uint32_t counts[CLAUSES_MAX] = {0}, others = 0;
    size_t n = 0;

    for (size_t i = 0; i < cluster->n_members; i++) {
        const struct sl_wait *wait = &cluster->members[i].thread->wait;
        size_t at = 0;
        if (!wait->owner && !wait->ended_owner && !wait->lock)
            continue;
        while (at < n && !have_one_owner(waits[at], wait))
            at++;
        if (at == CLAUSES_MAX) {
            others++;
            continue;
        }
        if (at == n)
            waits[n++] = wait;
        counts[at]++;
    }
    for (size_t i = 0; i < n; i++) {
        struct sl_fact fact = fact_of_owner(the_case, waits[i]);
        fact.count = counts[i];
        facts_add(facts, fact);
    }
    if (others)
        facts_add(facts, (struct sl_fact){SL_FACT_OTHERS_HOLD, .count = others});
}

#define CIRCLE_MAX 8 /* waits that are told one by one */

/* " 'u-w3', which stands in flush, waits for a lock that thread 71 holds" */
static const char *say_link(const struct leak_case *the_case, const struct sl_thread *waiter,
                            const struct sl_thread *next)
{
    const char *who = say_who(the_case, waiter->id);
    bool joins = waiter->wait.kind == SL_WAIT_JOIN;

    if (!who)
        return NULL;
    if (waiter == next)
        return sl_arena_printf(the_case->arena, "%s waits for %s", who,
                               joins ? "itself to end" : "a lock that it holds itself");
    return sl_arena_printf(the_case->arena, "%s waits for %sthread %" PRIu64 " %s", who,
                           joins ? "" : "a lock that ", next->id, joins ? "to end" : "holds");
}

void facts_add_circle(const struct leak_case *the_case, uint32_t thread, uint32_t n_within,
                      struct leak_facts *facts)
{
    const struct sl_wait_link *links = the_case->graph.links;
    const struct sl_thread *threads = the_case->snapshot->threads;
    uint32_t n = links[thread].circle;

    facts_add(facts, (struct sl_fact){SL_FACT_CIRCLE, .count = n_within, .value = n});
    for (uint32_t i = 0; i < SL_MIN(n, (uint32_t) CIRCLE_MAX); i++) {
        const struct sl_thread *waiter = &threads[thread], *next = &threads[links[thread].next];
        facts_add(facts, (struct sl_fact){.kind = i ? SL_FACT_CIRCLE_WAIT_TOO : SL_FACT_CIRCLE_WAIT,
                                          .count = 1,
                                          .thread = waiter->id,
                                          .object = waiter->wait.object,
                                          .other = next->id,
                                          .value = waiter->wait.kind,
                                          .text = say_link(the_case, waiter, next)});
        thread = links[thread].next;
    }
    if (n > CIRCLE_MAX)
        facts_add(facts, (struct sl_fact){SL_FACT_CIRCLE_GOES_ON, .count = n - CIRCLE_MAX});
}

/* What a look made its threads do is none of their own doing, but it is no rest either. */
static bool was_any_stopped(const struct leak_cluster *cluster)
{
    for (size_t i = 0; i < cluster->n_members; i++)
        if (cluster->members[i].activity.known && cluster->members[i].before->cost.stopped)
            return true;
    return false;
}

static void add_span(const struct leak_case *the_case, const struct leak_cluster *cluster,
                     struct leak_facts *facts)
{
    if (was_any_stopped(cluster))
        facts_add(facts, (struct sl_fact){.kind = SL_FACT_LOOKED_AT, .count = cluster->count});
    facts_add(facts, (struct sl_fact){.kind = SL_FACT_SPAN,
                                      .count = cluster->count,
                                      .value = the_case->observed_ns});
}

void facts_add_idle(const struct leak_case *the_case, const struct leak_cluster *cluster,
                    struct leak_facts *facts)
{
    facts_add(facts, (struct sl_fact){.kind = SL_FACT_IDLE, .count = cluster->count});
    add_span(the_case, cluster, facts);
}

void facts_add_activity(const struct leak_case *the_case, const struct leak_cluster *cluster,
                        struct leak_facts *facts)
{
    const char *why = the_case->counts_differ ? "the two looks counted different things"
                                              : "they were stopped to be looked at";
    uint64_t switches = 0, cpu_ns = 0;
    uint32_t known = 0, born = 0, unknown = 0;

    if (!the_case->observed_ns)
        return;
    for (size_t i = 0; i < cluster->n_members; i++) {
        const struct leak_candidate *member = &cluster->members[i];
        *(!member->before          ? &born
          : member->activity.known ? &known
                                   : &unknown) += member->thread->count;
        switches += member->activity.switches;
        cpu_ns += member->activity.cpu_ns;
    }
    if (known)
        facts_add(facts, (struct sl_fact){SL_FACT_SWITCHES, .count = known, .value = switches});
    if (known && cpu_ns)
        facts_add(facts, (struct sl_fact){SL_FACT_CPU, .count = known, .value = cpu_ns});
    if (known)
        add_span(the_case, cluster, facts);
    if (unknown)
        facts_add(facts, (struct sl_fact){SL_FACT_NOT_MEASURED, .count = unknown, .text = why});
    if (born)
        facts_add(facts, (struct sl_fact){SL_FACT_BORN, .count = born});
}

void facts_add_least_cpu(const struct leak_case *the_case, const struct leak_cluster *cluster,
                         uint64_t least_ns, struct leak_facts *facts)
{
    facts_add(facts,
              (struct sl_fact){SL_FACT_LEAST_CPU, .count = cluster->count, .value = least_ns});
    facts_add(facts, (struct sl_fact){SL_FACT_SPAN, .count = cluster->count,
                                      .value = the_case->observed_ns});
}

void facts_add_circumstances(const struct leak_case *the_case, const struct leak_cluster *cluster,
                             struct leak_facts *facts)
{
    const struct leak_candidate *first = &cluster->members[0];
    const char *reason = first->thread->reason;

    if (!first->thread->stack)
        facts_add(facts, (struct sl_fact){SL_FACT_NO_STACK, .count = cluster->count,
                                          .text = reason ? reason : "reason not known"});
    uint32_t replaced = 0;
    for (size_t i = 0; i < cluster->n_members; i++)
        replaced += cluster->members[i].replaced;
    if (first->library &&
        cluster->count > replaced) /* not resident: they were seen to outlive it */
        facts_add(facts,
                  (struct sl_fact){SL_FACT_OUTLIVED_LIBRARY, .count = cluster->count - replaced,
                                   .text = first->library});
    if (first->library && replaced)
        facts_add(facts,
                  (struct sl_fact){SL_FACT_REPLACED, .count = replaced, .text = first->library});
    if (the_case->survivors)
        facts_add(facts, (struct sl_fact){SL_FACT_NONE_ENDED, .count = the_case->survivors});
}
