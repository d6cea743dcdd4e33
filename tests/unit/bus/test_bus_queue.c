/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <pthread.h>
#include <string.h>

#include "base/macros.h"
#include "base/sync.h"
#include "bus/engine/queue.h"

/* Push deliveries numbered from `first` on.  @return how many were taken */
static size_t push_numbers(struct queue *queue, uint32_t first, size_t n)
{
    struct delivery deliveries[64];
    const struct delivery *pointers[64];
    for (size_t i = 0; i < n; i++) {
        deliveries[i] = (struct delivery){.hash = first + (uint32_t) i};
        pointers[i] = &deliveries[i];
    }
    return queue_push(queue, pointers, n);
}

SL_TEST(bus_queue, deliveries_come_out_in_order_across_growth_and_wrap)
{
    SL_CLEANUP(queue_release) struct queue queue;
    struct delivery out[7];
    enum queue_state state;
    uint32_t pushed = 0, popped = 0;

    queue_init(&queue, 50);
    while (popped < 1000) {
        pushed += (uint32_t) push_numbers(&queue, pushed, 11);
        size_t n = queue_pop(&queue, out, 7, 0, &state);
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(out[i].hash, popped++);
    }
}

SL_TEST(bus_queue, storage_is_not_allocated_before_the_first_push)
{
    SL_CLEANUP(queue_release) struct queue queue;
    queue_init(&queue, 1000);
    cr_assert_null(queue.ring);
    cr_assert_eq(push_numbers(&queue, 0, 1), 1);
    cr_assert_lt(queue.size, 100);
}

SL_TEST(bus_queue, a_full_queue_takes_only_what_there_is_room_for)
{
    SL_CLEANUP(queue_release) struct queue queue;
    queue_init(&queue, 10);
    cr_assert_eq(push_numbers(&queue, 0, 64), 10);
    cr_assert_eq(push_numbers(&queue, 10, 1), 0);
    cr_assert_not(queue_wait_room(&queue, sl_clock_now_ns()));
}

SL_TEST(bus_queue, an_ending_queue_gives_the_rest_and_takes_nothing)
{
    SL_CLEANUP(queue_release) struct queue queue;
    struct delivery out[4];
    enum queue_state state;

    queue_init(&queue, 10);
    cr_assert_eq(push_numbers(&queue, 0, 6), 6);
    queue_set_state(&queue, QUEUE_ENDING);
    cr_assert_eq(push_numbers(&queue, 6, 1), 0);
    cr_assert_eq(queue_pop(&queue, out, 4, SYNC_FOREVER, &state), 4);
    cr_assert_eq(queue_pop(&queue, out, 4, SYNC_FOREVER, &state), 2);
    cr_assert_eq(queue_pop(&queue, out, 4, SYNC_FOREVER, &state), 0);
    cr_assert_eq(state, QUEUE_ENDING);
}

SL_TEST(bus_queue, an_aborted_queue_keeps_its_contents_for_queue_take)
{
    SL_CLEANUP(queue_release) struct queue queue;
    struct delivery out[4];
    enum queue_state state;

    queue_init(&queue, 10);
    cr_assert_eq(push_numbers(&queue, 0, 3), 3);
    queue_set_state(&queue, QUEUE_ABORTED);
    queue_set_state(&queue, QUEUE_ENDING); /* no way back */
    cr_assert_eq(queue_pop(&queue, out, 4, SYNC_FOREVER, &state), 0);
    cr_assert_eq(state, QUEUE_ABORTED);
    cr_assert_eq(queue_take(&queue, out, 4), 3);
}

static void *end_queue(void *queue)
{
    queue_set_state(queue, QUEUE_ENDING);
    (void) queue_wake(queue); /* who comes to wait later sees the end */
    return NULL;
}

SL_TEST(bus_queue, a_waiting_popper_wakes_when_the_queue_ends)
{
    SL_CLEANUP(queue_release) struct queue queue;
    struct delivery out[4];
    enum queue_state state = QUEUE_OPEN;
    pthread_t thread;

    queue_init(&queue, 10);
    cr_assert_eq(pthread_create(&thread, NULL, end_queue, &queue), 0);
    cr_assert_eq(queue_pop(&queue, out, 4, SYNC_FOREVER, &state), 0);
    cr_assert_eq(state, QUEUE_ENDING);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

static void *pop_one(void *queue)
{
    struct delivery out;
    enum queue_state state;
    (void) queue_pop(queue, &out, 1, SYNC_FOREVER, &state);
    return NULL;
}

SL_TEST(bus_queue, a_pusher_that_waits_for_room_gets_it)
{
    SL_CLEANUP(queue_release) struct queue queue;
    pthread_t thread;

    queue_init(&queue, 3);
    cr_assert_eq(push_numbers(&queue, 0, 3), 3);
    cr_assert_eq(pthread_create(&thread, NULL, pop_one, &queue), 0);
    cr_assert(queue_wait_room(&queue, SYNC_FOREVER));
    cr_assert_eq(push_numbers(&queue, 3, 1), 1);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

SL_TEST(bus_queue, a_pop_returns_at_its_time_limit)
{
    SL_CLEANUP(queue_release) struct queue queue;
    struct delivery out;
    enum queue_state state;
    queue_init(&queue, 3);
    uint64_t until_ns = sl_clock_now_ns() + SL_NS_PER_MS;
    cr_assert_eq(queue_pop(&queue, &out, 1, until_ns, &state), 0);
    cr_assert_eq(state, QUEUE_OPEN);
    cr_assert_geq(sl_clock_now_ns(), until_ns);
}
