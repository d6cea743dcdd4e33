/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/choice.h"

#include "base/fail.h"

/* So many are read one by one in less time than it takes to load the program for all at once. */
#define FEW_THREADS 64

/* In the order in which they are preferred. */
static const struct {
    enum sl_snapshot_source id;
    const struct sl_register_source *source;
} sources[] = {
#ifdef SL_HAVE_BPF
    {SL_SNAPSHOT_BPF, &sl_source_bpf},
#endif
    {SL_SNAPSHOT_PROC, &sl_source_proc},
    {SL_SNAPSHOT_PTRACE, &sl_source_ptrace},
};

static size_t at_place(const struct sl_choice *choice, size_t place)
{
    return choice->files_first && place < 2 ? 1 - place : place;
}

/*
 * May this one be used?  ptrace is chosen by itself only when every thread may be stopped: where
 * the `syscall` files can not be read it is not known which calls a stop would break.
 */
static bool is_candidate(const struct sl_choice *choice, size_t place)
{
    const struct sl_snapshot_opts *opts = choice->opts;
    size_t i = at_place(choice, place);

    return opts->source == sources[i].id ||
           (opts->source == SL_SNAPSHOT_AUTO && (!sources[i].source->stops || opts->allow_stop));
}

/* The files show no registers of a thread that runs, or waits for a CPU. */
static bool are_few_and_wait(const struct sl_target *target)
{
    SL_AUTO_FREE pid_t *tids = NULL;
    size_t n_tids;
    struct sl_stat stat;

    if (sl_target_count(target) > FEW_THREADS || sl_target_list(target, &tids, &n_tids, NULL))
        return false;
    for (size_t i = 0; i < n_tids; i++)
        if (sl_target_stat(target, tids[i], &stat) || stat.state == 'R')
            return false;
    return true;
}

static void set_order(struct sl_choice *choice, const struct sl_target *target)
{
    const struct sl_register_source *first = sources[0].source;

    if (choice->begun)
        return;
    choice->begun = true;
    choice->files_first = choice->opts->source == SL_SNAPSHOT_AUTO && first->is_loaded &&
                          !first->is_loaded() && are_few_and_wait(target);
}

enum sl_status sl_choice_open(struct sl_choice *choice, bool may_stop,
                              struct sl_source_context *context,
                              const struct sl_register_source **ret_source, struct sl_error *err)
{
    enum sl_snapshot_source wanted = choice->opts->source;
    const long pid = context->target->pid;
    enum sl_status status = SL_ENOTSUP;

    set_order(choice, context->target);
    choice->used = 0;
    for (size_t place = choice->first; place < SL_COUNT_OF(sources); place++) {
        size_t i = at_place(choice, place);
        const struct sl_register_source *source = sources[i].source;
        if (!is_candidate(choice, place))
            continue;
        if (source->stops && !may_stop)
            status = sl_fail(err, SL_EPERM, "threads of process %ld may not be stopped", pid);
        else
            status = source->open(context, wanted == sources[i].id ? err : NULL);
        if (!status) {
            *ret_source = source;
            choice->used = place + 1;
            return SL_OK;
        }
    }
    if (wanted == SL_SNAPSHOT_BPF)
        return sl_fail(err, status, "the bpf source is not built in");
    return sl_fail(err, status, "not allowed to read the registers of process %ld", pid);
}

bool sl_choice_is_tentative(const struct sl_choice *choice)
{
    return choice->files_first && choice->used == 1;
}

void sl_choice_insist(struct sl_choice *choice)
{
    choice->files_first = false;
    choice->first = choice->used = 0;
}

bool sl_choice_fall_back(struct sl_choice *choice, enum sl_status status)
{
    size_t next = choice->used;

    while (next < SL_COUNT_OF(sources) && !is_candidate(choice, next))
        next++;
    if (!choice->used || !status || status == SL_EGONE || status == SL_ELIMIT ||
        status == SL_ETIMEDOUT || next >= SL_COUNT_OF(sources))
        return false;
    const struct sl_register_source *used = sources[at_place(choice, choice->used - 1)].source;
    if (used->forget)
        used->forget();
    choice->first = next;
    choice->used = 0;
    return true;
}
