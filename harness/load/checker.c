/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/checker.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/sync.h"

/* Nothing more is waited for. */
#define SETTLED (SL_MESSAGE_REJECTED | SL_MESSAGE_UNKNOWN | SL_MESSAGE_HANDLED)

/* State of a key: highest sequence that was entered, and how many calls have not ended. */
#define KEY_STATE(highest, inside) ((uint64_t) (highest) << 32 | (inside))
#define KEY_HIGHEST(state)         ((uint32_t) ((state) >> 32))
#define KEY_INSIDE(state)          ((uint32_t) (state))

struct sl_checker {
    const struct sl_load_plan *plan;
    _Atomic unsigned char *messages;        /* by index */
    _Atomic uint64_t *keys;                 /* KEY_STATE by key */
    _Atomic uint64_t repeated, redelivered; /* calls that ended: not the first to, marked so */
    _Atomic uint64_t first_handled_ns, last_handled_ns;
    /* Tried and not settled; plus one until all are tried, so that 0 is reached once. */
    _Atomic uint64_t open;
    atomic_bool closed; /* no outcome may come any more */

    pthread_mutex_t mutex; /* what is below; no other lock is taken under it */
    pthread_cond_t all_settled;
    uint64_t order_violations, breaches;
    char first_violation[160], first_breach[256];
};

struct sl_checker *sl_checker_new(const struct sl_load_plan *plan)
{
    SL_AUTO_FREE struct sl_checker *checker = calloc(1, sizeof *checker);
    if (!checker)
        return NULL;
    SL_AUTO_FREE void *messages = calloc(plan->n_events, sizeof *checker->messages);
    SL_AUTO_FREE void *keys = calloc(plan->n_keys, sizeof *checker->keys);
    if (!messages || !keys)
        return NULL;

    checker->plan = plan;
    checker->messages = SL_TAKE(messages);
    checker->keys = SL_TAKE(keys);
    atomic_init(&checker->first_handled_ns, UINT64_MAX);
    atomic_init(&checker->open, 1);
    sync_mutex_init(&checker->mutex);
    sync_cond_init(&checker->all_settled);
    return SL_TAKE(checker);
}

void sl_checker_free(struct sl_checker *checker)
{
    if (!checker)
        return;
    sync_cond_release(&checker->all_settled);
    sync_mutex_release(&checker->mutex);
    free((void *) checker->messages);
    free((void *) checker->keys);
    free(checker);
}

static void close_one(struct sl_checker *checker)
{
    if (atomic_fetch_sub(&checker->open, 1) > 1)
        return;
    pthread_mutex_lock(&checker->mutex);
    pthread_cond_broadcast(&checker->all_settled);
    pthread_mutex_unlock(&checker->mutex);
}

/* Set a bit.  The one that settles the message first closes it.  @return the bits before */
static unsigned mark(struct sl_checker *checker, uint32_t index, unsigned bit)
{
    unsigned before = atomic_fetch_or(&checker->messages[index], (unsigned char) bit);
    if ((bit & SETTLED) && !(before & SETTLED))
        close_one(checker);
    return before;
}

void sl_checker_breach(struct sl_checker *checker, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&checker->mutex);
    if (checker->breaches++ == 0)
        (void) vsnprintf(checker->first_breach, sizeof checker->first_breach, format, args);
    pthread_mutex_unlock(&checker->mutex);
    va_end(args);
}

void sl_checker_try(struct sl_checker *checker, uint32_t index)
{
    atomic_fetch_add(&checker->open, 1);
    (void) mark(checker, index, SL_MESSAGE_TRIED);
}

bool sl_checker_answer(struct sl_checker *checker, uint64_t token, enum sl_publish_outcome outcome)
{
    static const unsigned char bits[] = {[SL_PUBLISH_ACCEPTED] = SL_MESSAGE_ACCEPTED,
                                         [SL_PUBLISH_REJECTED] = SL_MESSAGE_REJECTED,
                                         [SL_PUBLISH_UNKNOWN] = SL_MESSAGE_UNKNOWN};
    unsigned known = token < checker->plan->n_events ? atomic_load(&checker->messages[token]) &
                                                           (SL_MESSAGE_TRIED | SL_MESSAGE_ANSWERED)
                                                     : 0;

    if ((size_t) outcome >= SL_COUNT_OF(bits)) {
        sl_checker_breach(checker, "publish outcome %u does not exist", (unsigned) outcome);
        return false;
    }
    if (!(known & SL_MESSAGE_TRIED)) {
        sl_checker_breach(checker, "publish outcome for token %llu, which was not published",
                          (unsigned long long) token);
        return false;
    }
    if (atomic_load(&checker->closed)) {
        sl_checker_breach(checker, "publish outcome for token %llu after Close had returned",
                          (unsigned long long) token);
        return false;
    }
    unsigned before =
        known & SL_MESSAGE_ANSWERED ? known : mark(checker, (uint32_t) token, bits[outcome]);
    if (before & SL_MESSAGE_ANSWERED) {
        sl_checker_breach(checker, "second publish outcome for token %llu",
                          (unsigned long long) token);
        return false;
    }
    if (outcome == SL_PUBLISH_REJECTED && (before & SL_MESSAGE_HANDLED))
        sl_checker_breach(checker, "message %llu was rejected after it had been handled",
                          (unsigned long long) token);
    return true;
}

bool sl_checker_demand_answers(struct sl_checker *checker)
{
    bool missing = false;

    for (uint32_t i = 0; i < checker->plan->n_events; i++) {
        unsigned state = sl_checker_state(checker, i);
        if (!(state & SL_MESSAGE_TRIED) || (state & SL_MESSAGE_ANSWERED))
            continue;
        sl_checker_breach(checker, "token %u was published and never got an outcome", i);
        missing = true;
    }
    return missing;
}

void sl_checker_closed(struct sl_checker *checker)
{
    atomic_store(&checker->closed, true);
}

static void add_violation(struct sl_checker *checker, const struct sl_planned_event *event,
                          bool late, uint32_t highest)
{
    const struct sl_load_plan *plan = checker->plan;
    const char *topic = plan->topics[sl_load_plan_topic_of(plan, event->key)];
    const char *key = plan->keys[event->key];

    pthread_mutex_lock(&checker->mutex);
    if (checker->order_violations++ == 0) {
        int n = snprintf(checker->first_violation, sizeof checker->first_violation,
                         "topic %s key %s: %u ", topic, key, event->sequence);
        char *rest = checker->first_violation + n;
        size_t room = sizeof checker->first_violation - (size_t) n;
        if (late)
            (void) snprintf(rest, room, "after %u", highest);
        else
            (void) snprintf(rest, room, "while another one is handled");
    }
    pthread_mutex_unlock(&checker->mutex);
}

bool sl_checker_enter(struct sl_checker *checker, uint32_t index)
{
    const struct sl_planned_event *event = &checker->plan->events[index];
    _Atomic uint64_t *key = &checker->keys[event->key];

    unsigned before = mark(checker, index, SL_MESSAGE_ENTERED);
    bool first = !(before & SL_MESSAGE_ENTERED);
    if (!(before & SL_MESSAGE_TRIED))
        sl_checker_breach(checker, "message %u was delivered before it was published", index);
    uint64_t state = atomic_load(key);
    while (!atomic_compare_exchange_weak(
        key, &state, KEY_STATE(SL_MAX(KEY_HIGHEST(state), event->sequence), KEY_INSIDE(state) + 1)))
        ;
    bool late = first && KEY_HIGHEST(state) > event->sequence;
    if (late || KEY_INSIDE(state) > 0)
        add_violation(checker, event, late, KEY_HIGHEST(state));
    return first;
}

void sl_checker_leave(struct sl_checker *checker, uint32_t index, bool redelivered, uint64_t now_ns)
{
    /* Before the bus may begin the next one of the key, which is when the handler returns. */
    atomic_fetch_sub(&checker->keys[checker->plan->events[index].key], KEY_STATE(0, 1));
    if (redelivered)
        atomic_fetch_add(&checker->redelivered, 1);
    if (atomic_load(&checker->messages[index]) & SL_MESSAGE_HANDLED) {
        atomic_fetch_add(&checker->repeated, 1);
        return;
    }

    /* Times before the mark: who sees the last message settled also sees its time. */
    uint64_t known = atomic_load(&checker->first_handled_ns);
    while (now_ns < known &&
           !atomic_compare_exchange_weak(&checker->first_handled_ns, &known, now_ns))
        ;
    known = atomic_load(&checker->last_handled_ns);
    while (now_ns > known &&
           !atomic_compare_exchange_weak(&checker->last_handled_ns, &known, now_ns))
        ;
    unsigned before = mark(checker, index, SL_MESSAGE_HANDLED);
    if (before & SL_MESSAGE_HANDLED)
        atomic_fetch_add(&checker->repeated, 1);
    else if (before & SL_MESSAGE_REJECTED)
        sl_checker_breach(checker, "message %u was handled after it had been rejected", index);
}

void sl_checker_all_tried(struct sl_checker *checker)
{
    close_one(checker);
}

bool sl_checker_wait(struct sl_checker *checker, uint64_t deadline_ns)
{
    bool in_time = true;

    pthread_mutex_lock(&checker->mutex);
    while (atomic_load(&checker->open) > 0 && in_time)
        in_time = sync_wait_until(&checker->all_settled, &checker->mutex, deadline_ns);
    pthread_mutex_unlock(&checker->mutex);
    return atomic_load(&checker->open) == 0;
}

uint64_t sl_checker_open(const struct sl_checker *checker)
{
    return atomic_load(&checker->open);
}

uint64_t sl_checker_stir(const struct sl_checker *checker)
{
    return atomic_load(&checker->repeated) - atomic_load(&checker->open); /* modulo 2^64 */
}

bool sl_checker_is_busy(const struct sl_checker *checker)
{
    for (uint32_t i = 0; i < checker->plan->n_keys; i++)
        if (KEY_INSIDE(atomic_load(&checker->keys[i])))
            return true;
    return false;
}

const void *sl_checker_states(const struct sl_checker *checker)
{
    return (const void *) checker->messages;
}

void sl_checker_count(struct sl_checker *checker, struct sl_load_counts *ret_counts)
{
    struct sl_load_counts counts = {0};

    for (uint32_t i = 0; i < checker->plan->n_events; i++)
        sl_checker_classify(sl_checker_state(checker, i), &counts);
    /* Not a counter of its own, which could be ahead of the messages while calls end. */
    counts.handler_calls = counts.handled + atomic_load(&checker->repeated);
    counts.redelivered = atomic_load(&checker->redelivered);
    counts.last_handled_ns = atomic_load(&checker->last_handled_ns);
    counts.first_handled_ns = counts.last_handled_ns ? atomic_load(&checker->first_handled_ns) : 0;
    pthread_mutex_lock(&checker->mutex);
    counts.order_violations = checker->order_violations;
    counts.breaches = checker->breaches;
    memcpy(counts.first_violation, checker->first_violation, sizeof counts.first_violation);
    memcpy(counts.first_breach, checker->first_breach, sizeof counts.first_breach);
    pthread_mutex_unlock(&checker->mutex);
    *ret_counts = counts;
}

unsigned sl_checker_state(const struct sl_checker *checker, uint32_t index)
{
    return atomic_load(&checker->messages[index]);
}
