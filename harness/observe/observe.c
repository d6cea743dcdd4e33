/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/observe/observe.h"

#include <string.h>

#include <strandline/snapshot.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/grow.h"
#include "base/wait.h"
#include "harness/leak/leak.h"
#include "harness/leak/rules.h"
#include "harness/leak/settle/settle.h"
#include "harness/observe/prove.h"
#include "harness/snapshot/target/tasks.h"

#define DEFAULT_SETTLE_NS (2 * SL_NS_PER_S)
#define LIBRARY_EXIT_NS   SL_NS_PER_S
#define EXIT_LOOK_MAX_NS  (50 * SL_NS_PER_MS)

struct look {
    const char *name;
    struct sl_snapshot *snapshot;
};

struct sl_observation {
    pid_t pid;
    struct sl_observation_opts opts;
    struct sl_leak_rules more;  /* of files; borrowed */
    struct sl_leak_rules rules; /* all, from the end of the work on; in the arena */
    struct sl_arena *arena;     /* names, late threads and the report of the end */
    struct look *looks; /* begin, marks, end, settled, marks: in the order they were taken */
    size_t n_looks, capacity;
    size_t end; /* the look at the end, which the settled one follows; 0: none was taken */
    bool settled;
    struct prove_list proofs;          /* of what stayed then */
    const struct sl_late_thread *late; /* ended by themselves while that was waited for */
    size_t n_late;
    uint64_t settle_ns; /* how long that took */
    bool ended;
    struct sl_leak_report report;
};

/* Process ids are reused. */
static bool is_same_process(const struct sl_snapshot *first, const struct sl_snapshot *now)
{
    const struct sl_thread *before = sl_snapshot_find(first, (uint64_t) first->pid);
    const struct sl_thread *leader = sl_snapshot_find(now, (uint64_t) now->pid);
    return !before || !leader || before->start_time == leader->start_time;
}

static enum sl_status look(struct sl_observation *observation, const char *name, bool symbols,
                           bool find_unjoined, struct sl_error *err)
{
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts,
        .no_symbols = !symbols,
        .find_unjoined = find_unjoined,
        .measure_stacks = strcmp(name, SL_LOOK_SETTLED) == 0, /* what is seen there stayed */
    };
    struct look taken = {.name = sl_arena_strdup(observation->arena, name)};

    if (!taken.name ||
        !sl_grow(&observation->looks, &observation->capacity, observation->n_looks + 1))
        return sl_fail(err, SL_ENOMEM, "out of memory for a look at process %ld",
                       (long) observation->pid);
    enum sl_status status = sl_snapshot_take(observation->pid, &opts, &taken.snapshot, err);
    if (status)
        return status;
    observation->looks[observation->n_looks++] = taken;
    if (taken.snapshot->n_left_out) /* and nobody knows which of them stayed */
        return sl_fail(err, SL_ELIMIT, "%zu threads of process %ld were not looked at: %s",
                       taken.snapshot->n_left_out, (long) observation->pid,
                       taken.snapshot->left_out_reason);
    if (!is_same_process(observation->looks[0].snapshot, taken.snapshot))
        return sl_fail(err, SL_EGONE, "process %ld ended, and another one has its id",
                       (long) observation->pid);
    return SL_OK;
}

enum sl_status sl_observation_begin(pid_t pid, const struct sl_observation_opts *opts,
                                    struct sl_observation **ret_observation, struct sl_error *err)
{
    const struct sl_leak_words *words = opts ? opts->words : NULL;

    if (opts && (opts->size < sizeof opts->size || (words && words->size < sizeof words->size)))
        return sl_fail(err, SL_EINVAL, "the size of the options or of the words is not set");
    SL_AUTO(sl_observation) struct sl_observation *observation = calloc(1, sizeof *observation);
    if (observation)
        observation->arena = sl_arena_new();
    if (!observation || !observation->arena)
        return sl_fail(err, SL_ENOMEM, "out of memory for an observation");
    observation->pid = pid;
    if (opts)
        memcpy(&observation->opts, opts, SL_MIN(opts->size, sizeof *opts));
    if (!observation->opts.settle_ns)
        observation->opts.settle_ns = DEFAULT_SETTLE_NS;
    if (observation->opts.wake_fd <= 0)
        observation->opts.wake_fd = -1;
    enum sl_status status = look(observation, SL_LOOK_BEGIN, false, true, err);
    if (!status)
        *ret_observation = SL_TAKE(observation);
    return status;
}

void sl_observation_use_rules(struct sl_observation *observation, const struct sl_leak_rules *rules)
{
    observation->more = *rules;
}

void sl_observation_free(struct sl_observation *observation)
{
    if (!observation)
        return;
    for (size_t i = 0; i < observation->n_looks; i++)
        sl_snapshot_free(observation->looks[i].snapshot);
    free(observation->looks);
    sl_arena_free(observation->arena);
    free(observation);
}

void sl_observation_repeat(struct sl_observation *observation)
{
    while (observation->n_looks > 1)
        sl_snapshot_free(observation->looks[--observation->n_looks].snapshot);
    observation->end = 0;
    observation->settled = false;
    observation->proofs = (struct prove_list){0};
    observation->late = NULL;
    observation->n_late = 0;
}

/* No longer than until somebody wakes us. */
static enum sl_status pause_for(int wake_fd, uint64_t duration_ns, struct sl_error *err)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN}; /* poll ignores a negative fd */
    struct timespec duration = sl_clock_to_timespec(duration_ns);
    return ppoll(&wake, 1, &duration, NULL) > 0 ? sl_wake_look(wake.revents, err) : SL_OK;
}

static bool is_library_thread(const struct sl_observation *observation,
                              const struct sl_snapshot *known, const struct sl_task *task)
{
    const struct sl_thread *thread = sl_snapshot_find(known, (uint64_t) task->tid);
    return thread && thread->start_time == task->start_time &&
           sl_leak_rules_resident(&observation->rules, thread);
}

static enum sl_status start_settle(const struct sl_observation *observation, uint64_t over_ns,
                                   struct sl_settle **ret_settle, struct sl_error *err)
{
    const struct sl_snapshot *start = observation->looks[0].snapshot;
    SL_AUTO_FREE struct sl_settle_thread *baseline = calloc(start->n_threads + 1, sizeof *baseline);

    if (!baseline)
        return sl_fail(err, SL_ENOMEM, "out of memory for the baseline threads");
    for (size_t i = 0; i < start->n_threads; i++) {
        baseline[i].tid = (pid_t) start->threads[i].id;
        baseline[i].start_time = start->threads[i].start_time;
        memcpy(baseline[i].name, start->threads[i].name, sizeof baseline[i].name);
    }
    return sl_settle_new(baseline, start->n_threads, over_ns, observation->opts.settle_ns,
                         ret_settle, err);
}

/* One look at the threads. */
static enum sl_status feed_settle(const struct sl_observation *observation,
                                  struct sl_settle *settle, struct sl_settle_step *ret_step,
                                  struct sl_error *err)
{
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
    enum sl_status status = sl_tasks_list(observation->pid, &tasks, err);

    if (status)
        return status;
    const struct sl_snapshot *known = observation->looks[observation->end].snapshot;
    uint64_t now = sl_clock_now_ns();
    SL_AUTO_FREE struct sl_settle_thread *threads = calloc(tasks->n_tasks + 1, sizeof *threads);
    if (!threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", tasks->n_tasks);
    for (size_t i = 0; i < tasks->n_tasks; i++) {
        const struct sl_task *task = &tasks->tasks[i];
        threads[i].tid = task->tid;
        threads[i].start_time = task->start_time;
        threads[i].library = is_library_thread(observation, known, task);
        memcpy(threads[i].name, task->name, sizeof threads[i].name);
    }
    return sl_settle_feed(settle, now, threads, tasks->n_tasks, ret_step, err);
}

/* Wait until nothing is left that may still end by itself; those that ended meanwhile are late. */
static enum sl_status
await_settled(struct sl_observation *observation, uint64_t over_ns, struct sl_error *err)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = NULL;
    const struct sl_late_thread *late;

    enum sl_status status = start_settle(observation, over_ns, &settle, err);
    for (struct sl_settle_step step = {0}; !status && !step.done;) {
        status = feed_settle(observation, settle, &step, err);
        if (!status && !step.done)
            status = pause_for(observation->opts.wake_fd, step.wait_ns, err);
    }
    if (status)
        return status;
    sl_settle_late(settle, &late, &observation->n_late);
    struct sl_late_thread *copy =
        sl_arena_array(observation->arena, observation->n_late, sizeof *copy);
    if (!copy)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu late threads", observation->n_late);
    if (observation->n_late)
        memcpy(copy, late, observation->n_late * sizeof *copy);
    observation->late = copy;
    return SL_OK;
}

/* Was it there neither at the beginning nor when all had settled? */
static bool is_new(const struct sl_observation *observation, const struct sl_task *task)
{
    const struct sl_snapshot *known[] = {observation->looks[0].snapshot,
                                         observation->looks[observation->end + 1].snapshot};

    for (size_t i = 0; i < SL_COUNT_OF(known); i++) {
        const struct sl_thread *thread = sl_snapshot_find(known[i], (uint64_t) task->tid);
        if (thread && thread->start_time == task->start_time)
            return false;
    }
    return true;
}

/*
 * Wait a little until the threads of libraries that are known have ended, and those that their
 * shutdown made: a joined thread can be listed for a moment longer.  Not an error when they stay.
 */
static void await_library_exit(const struct sl_observation *observation)
{
    const struct sl_snapshot *known = observation->looks[observation->end + 1].snapshot;
    uint64_t deadline = sl_clock_now_ns() + LIBRARY_EXIT_NS;

    for (uint64_t wait_ns = SL_NS_PER_MS; sl_clock_now_ns() < deadline; wait_ns *= 2) {
        SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
        bool stays = false;
        if (sl_tasks_list(observation->pid, &tasks, NULL))
            return;
        for (size_t i = 0; i < tasks->n_tasks && !stays; i++)
            stays = is_library_thread(observation, known, &tasks->tasks[i]) ||
                    is_new(observation, &tasks->tasks[i]);
        if (!stays)
            return;
        sl_clock_sleep_ns(SL_MIN(wait_ns, EXIT_LOOK_MAX_NS));
    }
}

enum sl_status
sl_observation_mark(struct sl_observation *observation, const char *name, struct sl_error *err)
{
    if (!name)
        return sl_fail(err, SL_EINVAL, "a mark has no name");
    if (observation->ended)
        return sl_fail(err, SL_EINVAL, "no mark '%s' in an observation that has ended", name);
    if (observation->end && !observation->settled)
        return sl_fail(err, SL_EINVAL, "no mark '%s' in an observation that could not settle",
                       name);
    if (!observation->settled)
        return look(observation, name, true, false, err);
    await_library_exit(observation);
    return look(observation, name, true, true, err);
}

/* The mark with the most threads while the work went on, or NULL. */
static const struct sl_snapshot *find_peak(const struct sl_observation *observation)
{
    const struct sl_snapshot *peak = NULL;

    for (size_t i = 1; i < observation->end; i++)
        if (!peak || observation->looks[i].snapshot->n_threads >= peak->n_threads)
            peak = observation->looks[i].snapshot;
    return peak;
}

enum sl_status sl_observation_report(const struct sl_observation *observation,
                                     struct sl_arena *arena, struct sl_leak_report *ret_report,
                                     struct sl_error *err)
{
    const struct look *looks = observation->looks;
    size_t end = observation->end, last = observation->n_looks - 1;

    if (!observation->settled)
        return sl_fail(err, SL_EINVAL, "the observation has not settled");
    const struct sl_leak_input input = {
        .words = observation->opts.words,
        .start = looks[0].snapshot,
        .loaded = find_peak(observation),
        .closed = looks[end].snapshot,
        .settled = looks[end + 1].snapshot,
        .torn_down = last > end + 1 ? looks[last].snapshot : NULL,
        .rules = observation->rules,
        .close_reached = true,
        .strict = observation->opts.strict,
        .late = observation->late,
        .n_late = observation->n_late,
        .settle_ns = observation->settle_ns,
    };
    enum sl_status status = sl_leak_analyse(&input, arena, ret_report, err);
    return status || !observation->proofs.n_entries
               ? status
               : prove_apply(&observation->proofs, arena, ret_report, err);
}

/* Now, while the process is as it was seen. */
static enum sl_status prove_settled(struct sl_observation *observation, struct sl_error *err)
{
    struct sl_leak_report report;

    enum sl_status status = sl_observation_report(observation, observation->arena, &report, err);
    return status ? status
                  : prove_findings(observation->looks[observation->end + 1].snapshot, &report,
                                   observation->arena, &observation->proofs, err);
}

enum sl_status
sl_observation_settle(struct sl_observation *observation, uint64_t over_ns, struct sl_error *err)
{
    if (observation->end)
        return sl_fail(err, SL_EINVAL, "the work of an observation is over once");
    over_ns = over_ns ? over_ns : sl_clock_now_ns();
    enum sl_status status = look(observation, SL_LOOK_END, true, true, err);
    if (!status)
        status =
            sl_leak_rules_join(observation->opts.library_modules, observation->opts.witnesses,
                               &observation->more, observation->arena, &observation->rules, err);
    if (status)
        return status;
    observation->end = observation->n_looks - 1;
    status = await_settled(observation, over_ns, err);
    observation->settle_ns = sl_clock_now_ns() - over_ns;
    if (!status)
        status = look(observation, SL_LOOK_SETTLED, true, true, err);
    observation->settled = !status;
    return status || !observation->opts.prove ? status : prove_settled(observation, err);
}

enum sl_status sl_observation_end(struct sl_observation *observation,
                                  const struct sl_leak_report **ret_report, struct sl_error *err)
{
    if (observation->ended)
        return sl_fail(err, SL_EINVAL, "the observation has ended before");
    enum sl_status status =
        observation->settled ? SL_OK : sl_observation_settle(observation, 0, err);
    if (!status)
        status = sl_observation_report(observation, observation->arena, &observation->report, err);
    if (status)
        return status;
    observation->ended = true;
    *ret_report = &observation->report;
    return SL_OK;
}

const struct sl_snapshot *
sl_observation_snapshot(const struct sl_observation *observation, const char *name)
{
    for (size_t i = observation && name ? observation->n_looks : 0; i-- > 0;)
        if (strcmp(observation->looks[i].name, name) == 0)
            return observation->looks[i].snapshot;
    return NULL;
}
