/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/sync.h"
#include "bus/engine/publish.h"
#include "bus/fault/state.h"
#include "bus/fault/thread.h"

/* The answer does not reach this thread: nobody signals this condition. */
__attribute__((noinline)) static void fault_wait_answer(void *argument)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;

    (void) argument;
    sync_lock(&mutex);
    for (;;)
        (void) sync_wait_until(&answered, &mutex, SYNC_FOREVER);
}

/* A message on its way to another thread. */
struct apart {
    struct bus *bus;
    size_t topic;
    struct ticket ticket;
    struct sl_message message;
    const char *id;
    char bytes[]; /* key, id, payload */
};

static void publish_apart_main(void *argument)
{
    struct apart *apart = argument;
    struct bus *bus = apart->bus;
    const struct transport_ops *ops = bus->transport->ops;

    sl_clock_sleep_ns(bus->fault_state->rules[FAULT_KEY_SPLIT].delay_ns);
    if (ops->publish(bus->transport, apart->topic, &apart->message, apart->id, apart->ticket, NULL))
        publish_settle(bus, apart->ticket, SL_PUBLISH_REJECTED);
    free(apart);
    gate_leave(&bus->callers);
}

static struct apart *new_apart(const struct topic *topic, const struct sl_message *message,
                               const char *id, struct ticket ticket)
{
    size_t key_size = message->key ? strlen(message->key) + 1 : 0;
    size_t id_size = id ? strlen(id) + 1 : 0;
    struct apart *apart = calloc(1, sizeof *apart + key_size + id_size + message->payload_size);
    if (!apart)
        return NULL;
    *apart = (struct apart){
        .bus = topic->bus, .topic = topic->index, .ticket = ticket, .message = *message};
    apart->message.topic = topic->name;
    if (key_size)
        apart->message.key = memcpy(apart->bytes, message->key, key_size);
    if (id_size)
        apart->id = memcpy(apart->bytes + key_size, id, id_size);
    if (message->payload_size)
        apart->message.payload =
            memcpy(apart->bytes + key_size + id_size, message->payload, message->payload_size);
    return apart;
}

/* The thread is one more caller inside bus_publish, so that Close waits for it. */
static enum sl_status publish_apart(const struct topic *topic, const struct sl_message *message,
                                    const char *id, struct ticket ticket, struct sl_error *err)
{
    struct bus *bus = topic->bus;
    if (!gate_enter(&bus->callers))
        return sl_fail(err, SL_ECLOSED, "cannot publish to '%s': the bus is closed", topic->name);
    struct apart *apart = new_apart(topic, message, id, ticket);
    enum sl_status status =
        apart ? fault_thread_start(bus, "publish-apart", publish_apart_main, apart, err)
              : sl_fail(err, SL_ENOMEM, "out of memory for a message");
    if (status) {
        free(apart);
        gate_leave(&bus->callers);
    }
    return status;
}

enum sl_status fault_publish(const struct topic *topic, const struct sl_message *message,
                             const char *id, struct ticket ticket, struct sl_error *err)
{
    struct bus *bus = topic->bus;
    struct fault_state *state = bus->fault_state;

    if (fault_is_set(bus->faults, FAULT_THREAD_PER_PUBLISH) &&
        fault_strikes(state, FAULT_THREAD_PER_PUBLISH, topic->name)) {
        enum sl_status status =
            fault_thread_start(bus, "publish-wait", fault_wait_answer, NULL, err);
        if (status)
            return status;
    }
    if (fault_is_set(bus->faults, FAULT_KEY_SPLIT) &&
        fault_strikes(state, FAULT_KEY_SPLIT, topic->name))
        return publish_apart(topic, message, id, ticket, err);
    return bus->transport->ops->publish(bus->transport, topic->index, message, id, ticket, err);
}

bool fault_loses_outcome(struct bus *bus)
{
    struct fault_state *state = bus->fault_state;
    bool lost = fault_is_set(bus->faults, FAULT_RESULTS_DROPPED) &&
                fault_strikes(state, FAULT_RESULTS_DROPPED, "");

    if (fault_is_set(bus->faults, FAULT_CLOSE_WAITS_FOR_ACKS) &&
        fault_strikes(state, FAULT_CLOSE_WAITS_FOR_ACKS, "")) {
        sync_lock(&state->mutex);
        state->n_unanswered++;
        sync_unlock(&state->mutex);
        lost = true;
    }
    return lost;
}

__attribute__((noinline)) void fault_wait_acks(struct bus *bus)
{
    struct fault_state *state = bus->fault_state;
    sync_lock(&state->mutex);
    while (state->n_unanswered > 0)
        (void) sync_wait_until(&state->answered, &state->mutex, SYNC_FOREVER);
    sync_unlock(&state->mutex);
}
