/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence: what was seen, as sentences for people.  Every number is a count of
 * threads or of context switches, and nothing is claimed that was not compared.
 */
#include "harness/leak/evidence.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"

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
};
static const struct wording runnable = {"is", "are", "runnable", false};
static const struct wording ended = {"has", "have", "ended", false};
static const struct wording unseen = {"could", "could", "not be looked at", false};

static const char *or_neutral(const char *word, const char *neutral)
{
    return word ? word : neutral;
}

struct sl_leak_words sl_leak_complete_words(const struct sl_leak_words *given)
{
    struct sl_leak_words words = {0};

    if (given)
        memcpy(&words, given, SL_MIN(given->size, sizeof words));
    words.end = or_neutral(words.end, "the end mark");
    words.not_reached = or_neutral(words.not_reached, "the end mark was never reached");
    words.left = or_neutral(words.left, "what has to end by then was left");
    words.not_ours = or_neutral(words.not_ours, "of the process");
    words.no_teardown = or_neutral(words.no_teardown, "nobody looked after its shutdown");
    return words;
}

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

const char *sl_leak_say_threads(const struct sl_leak_case *the_case, uint32_t n)
{
    return sl_arena_printf(the_case->arena, "%" PRIu32 " %s", n, n == 1 ? "thread" : "threads");
}

#define CLAUSES_MAX 3 /* more kinds of waits in one group than this are summed up */

const char *
sl_leak_say_waits(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster)
{
    struct sl_arena *arena = the_case->arena;
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

    const char *text = "";
    for (size_t i = 0; i < n_kinds && text; i++) {
        const char *who = i ? sl_arena_printf(arena, ", %" PRIu32, counts[i])
                            : sl_leak_say_threads(the_case, counts[i]);
        const char *wait = say_wait(arena, kinds[i], counts[i]);
        text = who && wait ? sl_arena_printf(arena, "%s%s %s", text, who, wait) : NULL;
    }
    if (text && others)
        text = sl_arena_printf(arena, "%s, %" PRIu32 " %s elsewhere", text, others,
                               others == 1 ? "is" : "are");
    return text;
}

const char *sl_leak_say_duration(const struct sl_leak_case *the_case, uint64_t duration_ns)
{
    char text[32];
    if (duration_ns >= SL_NS_PER_MS)
        duration_ns = (duration_ns + SL_NS_PER_MS / 2) / SL_NS_PER_MS * SL_NS_PER_MS;
    sl_format_duration(duration_ns, text, sizeof text);
    return sl_arena_strdup(the_case->arena, text);
}

/* "; 2 of 5 started after the end mark" */
static const char *say_born(const struct sl_leak_case *the_case, uint32_t n_born, uint32_t n)
{
    const char *end = the_case->words.end;

    if (!n_born)
        return "";
    if (n_born < n)
        return sl_arena_printf(the_case->arena, "; %" PRIu32 " of %" PRIu32 " started after %s",
                               n_born, n, end);
    return sl_arena_printf(the_case->arena, "; %s started after %s", n == 1 ? "it" : "they", end);
}

/* "; how much 2 of 5 ran is not known, for they were stopped to be looked at" */
static const char *say_unknown(const struct sl_leak_case *the_case, uint32_t n_unknown, uint32_t n)
{
    const char *why = the_case->counts_differ ? "the two looks counted different things"
                                              : "they were stopped to be looked at";
    if (!n_unknown)
        return "";
    if (n_unknown == n)
        return sl_arena_printf(the_case->arena, "; how much %s ran is not known, for %s",
                               n == 1 ? "it" : "they", why);
    return sl_arena_printf(the_case->arena,
                           "; how much %" PRIu32 " of %" PRIu32 " ran is not known, for %s",
                           n_unknown, n, why);
}

const char *
sl_leak_say_activity(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster)
{
    struct sl_arena *arena = the_case->arena;
    uint64_t switches = 0, cpu_ns = 0;
    uint32_t n_born = 0, n_unknown = 0;
    bool was_stopped = false;

    if (!the_case->observed_ns)
        return "";
    for (size_t i = 0; i < cluster->n_members; i++) {
        struct sl_leak_activity activity = sl_leak_activity(the_case, &cluster->members[i]);
        uint32_t count = cluster->members[i].thread->count;
        const struct sl_thread *before = cluster->members[i].before;
        n_born += before ? 0 : count;
        n_unknown += before && !activity.known ? count : 0;
        was_stopped = was_stopped || (activity.known && before->cost.stopped);
        switches += activity.switches;
        cpu_ns += activity.cpu_ns;
    }
    const char *born = say_born(the_case, n_born, cluster->count);
    const char *unknown = say_unknown(the_case, n_unknown, cluster->count);
    if (!born || !unknown)
        return NULL;
    if (n_born + n_unknown == cluster->count)
        return sl_arena_printf(arena, "%s%s", unknown, born);
    const char *span = sl_leak_say_duration(the_case, the_case->observed_ns);
    const char *cpu = sl_leak_say_duration(the_case, cpu_ns);
    if (!span || !cpu)
        return NULL;
    return sl_arena_printf(
        arena, "; %" PRIu64 " context %s%s%s%s%s in the %s between %s and the last look%s%s",
        switches, switches == 1 ? "switch" : "switches", cpu_ns ? " and " : "", cpu_ns ? cpu : "",
        cpu_ns ? " of CPU time" : "", was_stopped ? ", being looked at aside," : "", span,
        the_case->words.end, unknown, born);
}

const char *sl_leak_say_circumstances(const struct sl_leak_case *the_case,
                                      const struct sl_leak_cluster *cluster)
{
    struct sl_arena *arena = the_case->arena;
    const struct sl_leak_candidate *first = &cluster->members[0];
    const struct sl_thread *thread = first->thread;
    const char *text = "";

    if (!thread->stack)
        text = sl_arena_printf(arena, "; no stack: %s",
                               thread->reason ? thread->reason : "reason not known");
    if (text && first->library) /* not resident: it was seen to outlive it */
        text = sl_arena_printf(arena, "%s; of %s, whose shutdown did not end %s", text,
                               first->library, cluster->count == 1 ? "it" : "them");
    if (text && the_case->survivors == 1)
        text = sl_arena_printf(arena, "%s; no thread has ended since peak", text);
    else if (text && the_case->survivors)
        text = sl_arena_printf(arena, "%s; none of the %" PRIu32 " threads at peak has ended", text,
                               the_case->survivors);
    return text;
}
