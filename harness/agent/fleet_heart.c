/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/fleet_heart.h"

#include <string.h>

#include "base/sync.h"

#define BEAT_NS       (500 * SL_NS_PER_MS)
#define CLOCK_SAMPLES 50u
#define CLOCK_WAIT_NS (200 * SL_NS_PER_MS) /* for one answer */

static void ping(struct sl_fleet *fleet, const struct member *member)
{
    struct sl_packer body = {0};

    sl_pack_number(&body, sl_clock_now_ns());
    fleet_send(fleet, member, SL_WIRE_KIND_PING, &body);
    sl_packer_release(&body);
}

bool fleet_heart_intercept(void *user, const void *data, size_t size)
{
    uint64_t now_ns = sl_clock_now_ns();
    struct sl_fleet *fleet = user;
    struct sl_unpacker unpacker = {.at = data, .left = size};
    struct sl_wire_header header;

    if (!sl_wire_unpack_header(&unpacker, &header) || header.protocol != SL_WIRE_PROTOCOL ||
        header.kind != SL_WIRE_KIND_PONG)
        return false;
    uint64_t asked_ns = sl_unpack_number(&unpacker, 0, now_ns);
    uint64_t read_ns = sl_unpack_number(&unpacker, 0, INT64_MAX);
    if (header.run != fleet->run || !sl_unpack_ends(&unpacker))
        return true;
    pthread_mutex_lock(&fleet->mutex);
    for (size_t i = 0; i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        if (member->state == MEMBER_FREE || member->id != header.agent)
            continue;
        member->heard_ns = now_ns;
        sl_clock_estimate_add(&member->clock, asked_ns, now_ns, read_ns);
    }
    pthread_cond_broadcast(&fleet->heard);
    pthread_mutex_unlock(&fleet->mutex);
    return true;
}

/* Sending is a network call, so the mutex is not held over it. */
void *fleet_heart_main(void *argument)
{
    struct sl_fleet *fleet = argument;
    uint64_t next_ns = sl_clock_now_ns();

    pthread_mutex_lock(&fleet->mutex);
    while (!fleet->ending) {
        if (sync_wait_until(&fleet->heard, &fleet->mutex, next_ns))
            continue;
        for (size_t i = 0; i < fleet->n_members; i++) {
            const struct member copy = {.state = fleet->members[i].state,
                                        .id = fleet->members[i].id};
            if (copy.state == MEMBER_FREE)
                continue;
            pthread_mutex_unlock(&fleet->mutex);
            ping(fleet, &copy);
            pthread_mutex_lock(&fleet->mutex);
        }
        next_ns = sl_clock_now_ns() + BEAT_NS;
    }
    pthread_mutex_unlock(&fleet->mutex);
    return NULL;
}

/* Ask once, and wait for an answer, to this question or an earlier one. */
static void ask_clock(struct sl_fleet *fleet, struct member *member)
{
    uint64_t until_ns = sl_clock_now_ns() + CLOCK_WAIT_NS;
    bool in_time = true;

    pthread_mutex_lock(&fleet->mutex);
    uint64_t n_before = member->clock.n_samples;
    pthread_mutex_unlock(&fleet->mutex);
    ping(fleet, member);
    pthread_mutex_lock(&fleet->mutex);
    while (member->clock.n_samples == n_before && in_time)
        in_time = sync_wait_until(&fleet->heard, &fleet->mutex, until_ns);
    pthread_mutex_unlock(&fleet->mutex);
}

bool fleet_heart_has_our_clock(const struct member *member)
{
    char own[sizeof member->offer.clock];

    sl_clock_name(own, sizeof own);
    return strcmp(own, member->offer.clock) == 0;
}

void fleet_heart_measure_clock(struct sl_fleet *fleet, struct member *member)
{
    pthread_mutex_lock(&fleet->mutex);
    member->clock = (struct sl_clock_estimate){0};
    pthread_mutex_unlock(&fleet->mutex);
    if (fleet_heart_has_our_clock(member))
        return;
    for (unsigned i = 0; i < CLOCK_SAMPLES; i++)
        ask_clock(fleet, member);
}
