/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/handler.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/load/payload.h"

/* A function that people look for on a stack. */
#define ON_STACK __attribute__((noinline))

/* Use the CPU until some time of the clock has passed; being preempted counts. */
static ON_STACK void spinning_handler(uint64_t until_ns)
{
    while (sl_clock_now_ns() < until_ns)
        ;
}

static ON_STACK void sleeping_handler(uint64_t until_ns)
{
    struct timespec until = sl_clock_to_timespec(until_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

static ON_STACK void hanging_handler(void)
{
    for (;;)
        (void) pause();
}

static enum sl_status identify(const struct sl_handler *handler, const struct sl_message *message,
                               struct sl_payload *ret_payload, struct sl_error *err)
{
    const struct sl_load_plan *plan = handler->plan;
    struct sl_payload payload;

    enum sl_status status =
        sl_payload_read(handler->trial, message->payload, message->payload_size, &payload, err);
    if (status)
        return status;
    if (payload.index >= plan->n_events || payload.key != plan->events[payload.index].key ||
        payload.sequence != plan->events[payload.index].sequence)
        return sl_fail(err, SL_EPROTO, "foreign message: it is of another plan");
    const char *topic = plan->topics[payload.topic], *key = plan->keys[payload.key];
    if (!message->topic || strcmp(message->topic, topic) != 0)
        return sl_fail(err, SL_EPROTO, "message for topic '%s' was delivered as one for '%s'",
                       topic, message->topic ? message->topic : "");
    if (!message->key || strcmp(message->key, key) != 0)
        return sl_fail(err, SL_EPROTO, "message with key '%s' was delivered with '%s'", key,
                       message->key ? message->key : "");
    *ret_payload = payload;
    return SL_OK;
}

/* A clock of another machine can be off by more than a message took; then it took no time. */
static void record_latency(struct sl_handler *handler, uint64_t intended_ns, uint64_t entered_ns)
{
    uint64_t now_ns = entered_ns + (uint64_t) handler->clock_offset_ns;
    sl_histogram_record(handler->end_to_end, now_ns > intended_ns ? now_ns - intended_ns : 0);
}

enum sl_status sl_handler_handle(void *user, const struct sl_message *message)
{
    uint64_t entered_ns = sl_clock_now_ns();
    struct sl_handler *handler = user;
    struct sl_payload payload = {0};
    struct sl_error err = {0};

    if (identify(handler, message, &payload, &err)) {
        sl_checker_breach(handler->checker, "%s", err.text);
        return SL_OK;
    }
    if (sl_checker_enter(handler->checker, payload.index))
        record_latency(handler, payload.intended_ns, entered_ns);
    switch (handler->kind) {
    case SL_HANDLER_SPIN:
        if (handler->cost_ns)
            spinning_handler(entered_ns + handler->cost_ns);
        break;
    case SL_HANDLER_SLEEP:
        if (handler->cost_ns)
            sleeping_handler(entered_ns + handler->cost_ns);
        break;
    case SL_HANDLER_HANG:
        if (!atomic_exchange(&handler->hangs, true))
            hanging_handler();
        break;
    }
    if (handler->slow_key_ns && payload.key == 0)
        sleeping_handler(sl_clock_now_ns() + handler->slow_key_ns);
    sl_checker_leave(handler->checker, payload.index, message->deliveries > 1, sl_clock_now_ns());
    return SL_OK;
}
