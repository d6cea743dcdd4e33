/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/wait.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/search.h"
#include "harness/proof/mark.h"
#include "harness/snapshot/target/ids.h"
#include "harness/snapshot/wait/futex.h"

#define MUTEX_HEAD 12   /* bytes of one that are looked at */
#define MAX_BATCH  1024 /* words that are read at once */
#define CONTENDED  2    /* what the lock holds while somebody waits for it */

/* What a thread waits for, as a mutex begins; of other things it is the word alone. */
struct head {
    int32_t lock;
    uint32_t count;
    int32_t owner;
    size_t size; /* bytes that were read */
};

struct handle {
    uint64_t descriptor;
    size_t thread;
};

struct classifier {
    struct proof_threads *threads;
    const struct sl_maps *maps;
    struct sl_reader *reader;
    struct sl_ids ids;
    struct head *heads;     /* of each thread */
    struct handle *handles; /* ascending descriptor */
    size_t n_handles;
};

/*
 * Functions leave vector registers to those that they call.  So in a call of the kernel that the
 * C library made, which uses none of them, they hold nothing of the program.
 */
static bool is_blind(const struct proof_thread *thread, const struct sl_maps *maps)
{
    const struct sl_mapping *code = sl_maps_find(maps, thread->sighting.call.pc);
    return thread->sighting.call.nr < 0 || !code || !sl_futex_is_library(code->path);
}

/*
 * Does it wait, without a time-out, for a word that nobody outside of the process has?  One that
 * was stopped meanwhile, or is frozen, looks at the word again, and gets on if it has changed.
 */
static bool waits_for_word(const struct proof_thread *thread, const struct head *head,
                           const struct sl_maps *maps)
{
    const struct sl_syscall *call = &thread->sighting.call;
    const unsigned command = (unsigned) call->args[1] & (unsigned) FUTEX_CMD_MASK;
    const struct sl_mapping *mapping = sl_maps_find(maps, call->args[0]);

    if (call->nr != SYS_futex || thread->blind || call->args[3] ||
        thread->sighting.stat.state != 'S')
        return false;
    if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET)
        return false;
    return mapping && !mapping->shared && mapping->readable && head->size >= sizeof head->lock &&
           (uint32_t) head->lock == (uint32_t) call->args[2];
}

static int compare_handles(const void *left, const void *right)
{
    const struct handle *a = left, *b = right;
    return (a->descriptor > b->descriptor) - (a->descriptor < b->descriptor);
}

static void sort_handles(struct classifier *classifier)
{
    const struct proof_threads *threads = classifier->threads;

    for (size_t i = 0; i < threads->n_threads; i++)
        if (threads->threads[i].descriptor)
            classifier->handles[classifier->n_handles++] =
                (struct handle){threads->threads[i].descriptor, i};
    qsort(classifier->handles, classifier->n_handles, sizeof *classifier->handles, compare_handles);
}

/* The thread whose end the kernel tells at this word; PROOF_NOBODY: none. */
static size_t find_joined(const struct classifier *classifier, uint64_t word)
{
    const uint64_t descriptor = word - PTHREAD_TID;
    const struct handle *handles = classifier->handles;
    size_t at = SL_PARTITION_POINT(classifier->n_handles, i, handles[i].descriptor < descriptor);

    return at < classifier->n_handles && handles[at].descriptor == descriptor ? handles[at].thread
                                                                              : PROOF_NOBODY;
}

/*
 * Has the thread with this id ended inside of this process?  One that was copied from another
 * process with its locks names a thread of that one: such ids are older, or somebody has them.
 */
static bool has_ended(const struct classifier *classifier, pid_t own)
{
    char path[32];

    (void) snprintf(path, sizeof path, "/proc/%ld", (long) own);
    return !classifier->ids.nested && own > classifier->threads->context.target->pid &&
           access(path, F_OK) != 0;
}

/* A mutex by the frames of who waits for it, whose words agree. */
static bool
find_owner(struct classifier *classifier, struct proof_thread *thread, const struct head *head)
{
    const struct sl_wait *wait = thread->seen ? &thread->seen->wait : NULL;

    if (!wait || wait->kind != SL_WAIT_MUTEX || !wait->object || wait->object != thread->word ||
        head->size < MUTEX_HEAD || head->lock != CONTENDED || head->owner <= 0)
        return false;
    pid_t tid = sl_ids_find(&classifier->ids, head->owner);
    if (!tid) {
        if (!has_ended(classifier, head->owner))
            return false;
        thread->owner = PROOF_NOBODY;
        return true;
    }
    thread->owner = proof_threads_find(classifier->threads, tid);
    return wait->owner == tid && thread->owner != PROOF_NOBODY;
}

static void classify(struct classifier *classifier, size_t i)
{
    struct proof_thread *thread = &classifier->threads->threads[i];
    const struct head *head = &classifier->heads[i];

    thread->blind = is_blind(thread, classifier->maps);
    thread->awake = !waits_for_word(thread, head, classifier->maps);
    if (thread->awake)
        return;
    thread->word = thread->sighting.call.args[0];
    thread->wait = WAIT_WAKE;
    thread->owner = find_joined(classifier, thread->word);
    if (thread->owner != PROOF_NOBODY || find_owner(classifier, thread, head))
        thread->wait = WAIT_OWNER;
}

static void read_heads(struct classifier *classifier)
{
    const struct proof_threads *threads = classifier->threads;
    struct sl_copy copies[MAX_BATCH];

    for (size_t at = 0; at < threads->n_threads; at += MAX_BATCH) {
        const size_t n = SL_MIN(threads->n_threads - at, (size_t) MAX_BATCH);
        for (size_t i = 0; i < n; i++) {
            const struct sl_syscall *call = &threads->threads[at + i].sighting.call;
            copies[i] = (struct sl_copy){.address = call->args[0],
                                         .data = &classifier->heads[at + i],
                                         .size = call->nr == SYS_futex ? MUTEX_HEAD : 0};
        }
        sl_reader_copy(classifier->reader, copies, n);
        for (size_t i = 0; i < n; i++)
            classifier->heads[at + i].size = copies[i].copied;
    }
}

bool wait_classify(struct proof_threads *threads, const struct sl_maps *maps,
                   struct sl_reader *reader)
{
    const size_t n = threads->n_threads;
    SL_AUTO_FREE pid_t *tids = calloc(n + 1, sizeof *tids);
    SL_AUTO_FREE struct head *heads = calloc(n + 1, sizeof *heads);
    SL_AUTO_FREE struct handle *handles = calloc(n + 1, sizeof *handles);
    struct classifier classifier = {
        .threads = threads, .maps = maps, .reader = reader, .heads = heads, .handles = handles};

    if (!tids || !heads || !handles)
        return false;
    for (size_t i = 0; i < n; i++)
        tids[i] = threads->threads[i].tid;
    classifier.ids = (struct sl_ids){.target = threads->context.target, .tids = tids, .n_tids = n};
    sort_handles(&classifier);
    read_heads(&classifier);
    for (size_t i = 0; i < n; i++)
        classify(&classifier, i);
    sl_ids_release(&classifier.ids);
    return true;
}

void wait_settle(struct proof_threads *threads, const struct proof_space *space)
{
    for (size_t i = 0; i < threads->n_threads; i++) {
        struct proof_thread *thread = &threads->threads[i];
        bool freed;
        if (thread->awake || thread->wait != WAIT_WAKE)
            continue;
        const struct proof_area *area = space_find(space, thread->word);
        uint64_t object = mark_object(space, thread->word, &freed);
        if (freed)
            thread->never = "it waits in memory that was freed";
        else if (!area)
            thread->never = "it waits in memory that nobody uses";
        else if (area->kind == AREA_PRIVATE)
            thread->never = "it waits for the C library itself";
        thread->awake = freed || !object;
    }
}
