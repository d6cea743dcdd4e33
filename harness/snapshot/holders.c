/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/holders.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/search.h"
#include "harness/snapshot/wait/futex.h"

#define MAX_COPIES 512 /* asked for at once */

/* What was read of a primitive. */
union primitive {
    struct sl_mutex_head mutex;
    struct sl_rwlock_head rwlock;
    int32_t tid; /* of who is joined; the kernel clears it when that ends */
};

/* A thread that waits for what another one has. */
struct claim {
    struct sl_attempt *attempt;
    union primitive seen;
    pid_t holder; /* as the program names it; 0: not known */
    bool shared;  /* it may be a thread of another process */
};

enum fate { FATE_UNKNOWN, FATE_LIVES, FATE_ENDED };

/* What is known about the thread that was asked for last: many wait for one. */
struct memory {
    pid_t holder, tid;
    enum fate fate;
};

static bool may_wait_for_a_thread(const struct sl_attempt *attempt)
{
    const struct sl_wait *wait = &attempt->thread->wait;

    if (attempt->look == SL_LOOK_GONE || !attempt->thread->consistent)
        return false;
    return wait->kind == SL_WAIT_RWLOCK || wait->owner || wait->ended_owner;
}

static struct sl_copy copy_of(struct claim *claim)
{
    const struct sl_wait *wait = &claim->attempt->thread->wait;
    const size_t size = wait->kind == SL_WAIT_RWLOCK  ? sizeof claim->seen.rwlock
                        : wait->kind == SL_WAIT_MUTEX ? sizeof claim->seen.mutex
                                                      : sizeof claim->seen.tid;

    return (struct sl_copy){.address = wait->object, .data = &claim->seen, .size = size};
}

static void read_holder(struct claim *claim)
{
    switch (claim->attempt->thread->wait.kind) {
    case SL_WAIT_RWLOCK:
        claim->holder = sl_futex_rwlock_writer(&claim->seen.rwlock, &claim->shared);
        break;
    case SL_WAIT_MUTEX:
        claim->holder = sl_futex_mutex_owner(&claim->seen.mutex, &claim->shared);
        break;
    default: /* the thread is asked later: as long as it waits the word has this value */
        claim->holder = claim->seen.tid == (int32_t) claim->attempt->sighting.call.args[2]
                            ? claim->seen.tid
                            : 0;
    }
}

static void read_words(struct sl_reader *reader, struct claim *claims, size_t n_claims)
{
    struct sl_copy copies[MAX_COPIES];

    for (size_t i = 0, n; i < n_claims; i += n) {
        n = SL_MIN(n_claims - i, (size_t) MAX_COPIES);
        for (size_t k = 0; k < n; k++)
            copies[k] = copy_of(&claims[i + k]);
        sl_reader_copy(reader, copies, n);
        for (size_t k = 0; k < n; k++)
            if (copies[k].copied == copies[k].size)
                read_holder(&claims[i + k]);
    }
}

static const struct sl_attempt *find_attempt(const struct sl_pass *pass, pid_t tid)
{
    const struct sl_attempt *attempts = pass->attempts;
    size_t at = SL_PARTITION_POINT(pass->n_attempts, i, attempts[i].thread->id < (uint64_t) tid);

    return at < pass->n_attempts && attempts[at].thread->id == (uint64_t) tid ? &attempts[at]
                                                                              : NULL;
}

/* Does the thread live?  One with its id that began since is another one. */
static enum fate find_fate(const struct sl_pass *pass, pid_t tid)
{
    const struct sl_attempt *attempt = find_attempt(pass, tid);
    struct sl_stat stat;
    int error = sl_target_stat(&pass->target, tid, &stat);

    if (error)
        return error == -ESRCH ? FATE_ENDED : FATE_UNKNOWN;
    if (attempt && attempt->sighting.stat.start_time != stat.start_time)
        return FATE_UNKNOWN;
    return stat.state == 'Z' || stat.state == 'X' ? FATE_ENDED : FATE_LIVES;
}

/* Where ids are others in there, who is not found among those that live is not known. */
static void
remember(const struct sl_pass *pass, struct sl_ids *ids, pid_t holder, struct memory *memory)
{
    if (holder == memory->holder)
        return;
    pid_t tid = sl_ids_find(ids, holder);
    if (!tid && ids->asked && !ids->nested)
        tid = holder;
    *memory = (struct memory){
        .holder = holder, .tid = tid, .fate = tid ? find_fate(pass, tid) : FATE_UNKNOWN};
}

bool sl_holders_has_waited(struct sl_pass *pass, const struct sl_attempt *attempt)
{
    const struct sl_stop_cost *cost = &attempt->thread->cost;
    struct sl_sighting sighting = attempt->sighting;

    sighting.counter_fd = 0; /* it was closed */
    sighting.count.switches += cost->switches;
    return (!cost->stopped || cost->known) &&
           sl_source_proc.held_still(&pass->source_context, (pid_t) attempt->thread->id, &sighting);
}

/*
 * Of a lock that its owner never gave back: read once more, for the owner may have done so before
 * it ended.
 */
static bool is_still_held(struct sl_reader *reader, const struct claim *claim)
{
    struct claim again = {.attempt = claim->attempt};
    const struct sl_copy copy = copy_of(&again);

    if (!sl_reader_read_all(reader, copy.address, copy.data, copy.size))
        return false;
    read_holder(&again);
    return again.holder == claim->holder;
}

static void settle(struct sl_pass *pass, const struct sl_wait_context *context,
                   const struct claim *claim, struct memory *memory)
{
    struct sl_wait *wait = &claim->attempt->thread->wait;

    wait->owner = wait->ended_owner = 0;
    if (!claim->holder)
        return;
    remember(pass, context->ids, claim->holder, memory);
    bool ended = memory->fate == FATE_ENDED && wait->kind != SL_WAIT_JOIN && !claim->shared &&
                 is_still_held(context->reader, claim);
    if ((!ended && memory->fate != FATE_LIVES) || !sl_holders_has_waited(pass, claim->attempt))
        return;
    *(ended ? &wait->ended_owner : &wait->owner) = ended ? claim->holder : memory->tid;
}

static bool was_refused(const struct sl_attempt *attempt)
{
    const struct sl_wait *wait = &attempt->thread->wait;

    return attempt->look == SL_LOOK_OK && attempt->thread->consistent &&
           wait->kind == SL_WAIT_MUTEX && !wait->owner && !wait->timed &&
           sl_futex_may_be_refused(&attempt->sighting.call);
}

/* Does a chain of such waits lead from a thread to another one?  The kernel looks at no others. */
static bool inherits_from(const struct sl_pass *pass, uint64_t from, uint64_t to)
{
    for (size_t i = 0; from != to; i++) {
        const struct sl_attempt *attempt = find_attempt(pass, (pid_t) from);
        if (i == pass->n_attempts || !attempt || !attempt->thread->wait.owner ||
            !sl_futex_is_inheriting(&attempt->sighting.call))
            return false;
        from = (uint64_t) attempt->thread->wait.owner;
    }
    return true;
}

/*
 * Which mutex that was: the only one that completes a circle, of those in the frames of the library
 * or the registers that functions preserve, where a source has them.
 */
static void find_refused(struct sl_pass *pass, const struct sl_wait_context *context,
                         struct sl_attempt *attempt, struct memory *memory)
{
    struct sl_thread *thread = attempt->thread;
    uint64_t words[SL_REFUSED_SIZE / sizeof(uint64_t) + SL_N_REGISTERS], object = 0;
    struct sl_mutex_head mutex;
    pid_t owner = 0;
    bool shared;

    thread->wait.object = 0; /* that word is none */
    memcpy(words, attempt->sighting.registers.value, sizeof attempt->sighting.registers.value);
    if (!sl_reader_read_all(context->reader, attempt->sighting.call.sp, words + SL_N_REGISTERS,
                            SL_REFUSED_SIZE))
        return;
    for (size_t i = 0; i < 2 * SL_COUNT_OF(words); i++) { /* of it, or of its kind */
        uint64_t at = words[i / 2] - (i % 2 ? offsetof(struct sl_mutex_head, kind) : 0);
        if (!words[i / 2] || at % sizeof(uint64_t) || at == object ||
            !sl_reader_read_all(context->reader, at, &mutex, sizeof mutex) ||
            !sl_futex_inherits(&mutex))
            continue;
        remember(pass, context->ids, sl_futex_mutex_owner(&mutex, &shared), memory);
        if (memory->fate != FATE_LIVES || !inherits_from(pass, (uint64_t) memory->tid, thread->id))
            continue;
        if (object)
            return;
        object = at;
        owner = memory->tid;
    }
    if (!object || !sl_holders_has_waited(pass, attempt))
        return;
    thread->wait.object = object;
    thread->wait.owner = owner;
}

void sl_holders_settle(struct sl_pass *pass, const struct sl_wait_context *context)
{
    struct memory memory = {0};
    size_t n = 0;

    for (size_t i = 0; i < pass->n_attempts; i++)
        n += may_wait_for_a_thread(&pass->attempts[i]);
    SL_AUTO_FREE struct claim *claims = calloc(n + 1, sizeof *claims);
    n = 0;
    for (size_t i = 0; i < pass->n_attempts; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        if (claims && may_wait_for_a_thread(attempt))
            claims[n++].attempt = attempt;
        else
            attempt->thread->wait.owner = attempt->thread->wait.ended_owner = 0;
    }
    read_words(context->reader, claims, n);
    for (size_t i = 0; i < n; i++)
        settle(pass, context, &claims[i], &memory);
    for (size_t i = 0; i < pass->n_attempts; i++)
        if (was_refused(&pass->attempts[i]))
            find_refused(pass, context, &pass->attempts[i], &memory);
}
