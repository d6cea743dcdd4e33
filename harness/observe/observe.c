/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/observe/observe.h"

#include <string.h>

#include <strandline/snapshot.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/grow.h"
#include "harness/leak/leak.h"
#include "harness/observe/settling.h"

#define DEFAULT_SETTLE_NS (2 * SL_NS_PER_S)
#define LIBRARY_EXIT_NS   SL_NS_PER_S

struct look {
    const char *name;
    struct sl_snapshot *snapshot;
};

struct sl_observation {
    pid_t pid;
    struct sl_observation_opts opts;
    struct sl_arena *arena; /* names, late threads and the report of the end */
    struct look *looks;     /* begin, marks, end, settled, marks: in the order they were taken */
    size_t n_looks, capacity;
    size_t end; /* the look at the end, which the settled one follows; 0: none was taken */
    bool settled;
    struct sl_late_threads late;
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
        .size = sizeof opts, .no_symbols = !symbols, .find_unjoined = find_unjoined};
    struct look taken = {.name = sl_arena_strdup(observation->arena, name)};

    if (!taken.name ||
        !sl_grow(&observation->looks, &observation->capacity, observation->n_looks + 1))
        return sl_fail(err, SL_ENOMEM, "out of memory for a look at process %ld",
                       (long) observation->pid);
    enum sl_status status = sl_snapshot_take(observation->pid, &opts, &taken.snapshot, err);
    if (status)
        return status;
    observation->looks[observation->n_looks++] = taken;
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

/* What waiting for threads goes by. */
static struct observe_settling
settling_of(const struct sl_observation *observation, const struct sl_snapshot *known)
{
    return (struct observe_settling){
        .pid = observation->pid,
        .known = known,
        .library_modules = observation->opts.library_modules,
        .wake_fd = observation->opts.wake_fd,
    };
}

enum sl_status
sl_observation_mark(struct sl_observation *observation, const char *name, struct sl_error *err)
{
    if (observation->ended)
        return sl_fail(err, SL_EINVAL, "no mark '%s' in an observation that has ended", name);
    if (!observation->settled)
        return look(observation, name, true, false, err);
    struct observe_settling settling =
        settling_of(observation, observation->looks[observation->end + 1].snapshot);
    observe_library_exit(&settling, LIBRARY_EXIT_NS);
    return look(observation, name, false, true, err);
}

enum sl_status
sl_observation_settle(struct sl_observation *observation, uint64_t over_ns, struct sl_error *err)
{
    if (observation->end)
        return sl_fail(err, SL_EINVAL, "the work of an observation is over once");
    over_ns = over_ns ? over_ns : sl_clock_now_ns();
    enum sl_status status = look(observation, SL_LOOK_END, true, true, err);
    if (status)
        return status;
    observation->end = observation->n_looks - 1;
    struct observe_settling settling =
        settling_of(observation, observation->looks[observation->end].snapshot);
    settling.start = observation->looks[0].snapshot;
    settling.over_ns = over_ns;
    settling.window_ns = observation->opts.settle_ns;
    status = observe_settle(&settling, observation->arena, &observation->late, err);
    observation->settle_ns = sl_clock_now_ns() - over_ns;
    if (!status)
        status = look(observation, SL_LOOK_SETTLED, true, true, err);
    observation->settled = !status;
    return status;
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
        .library_modules = observation->opts.library_modules,
        .witnesses = observation->opts.witnesses,
        .close_reached = true,
        .strict = observation->opts.strict,
        .late = observation->late.threads,
        .n_late = observation->late.n,
        .settle_ns = observation->settle_ns,
    };
    return sl_leak_analyse(&input, arena, ret_report, err);
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
    for (size_t i = observation ? observation->n_looks : 0; i-- > 0;)
        if (strcmp(observation->looks[i].name, name) == 0)
            return observation->looks[i].snapshot;
    return NULL;
}
