/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/publisher.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/load/driver_load.h"
#include "harness/load/payload.h"

/* What the publishers of one load share. */
struct gate {
    struct sl_publishing *publishing;
    const struct sl_driver *driver;
    void *bus;
    atomic_bool stop; /* one failed */

    pthread_mutex_t mutex; /* start_ns; no other lock is taken under it */
    pthread_cond_t started;
    uint64_t start_ns; /* of the load; 0: not yet */
};

struct publisher {
    struct gate *gate;
    uint32_t number;
    pthread_t thread;
    void *payload; /* room for one */
    enum sl_status status;
    struct sl_error err;
    bool timed_out;
    uint64_t first_intended_ns, first_call_ns, last_return_ns; /* 0: nothing was tried */
};

static void sleep_until(uint64_t time_ns)
{
    struct timespec time = sl_clock_to_timespec(time_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

/* When event `index` is due, counted from the start of the load. */
static uint64_t due_ns(uint32_t index, uint64_t rate)
{
    return index / rate * SL_NS_PER_S + index % rate * SL_NS_PER_S / rate;
}

/* Wait until an event is due.  @return its intended time, or 0 when the load ends before */
static uint64_t wait_for_turn(struct publisher *publisher, uint32_t index)
{
    const struct gate *gate = publisher->gate;
    const struct sl_publishing *publishing = gate->publishing;
    uint64_t now_ns = sl_clock_now_ns(), intended_ns = now_ns;

    if (publishing->rate)
        intended_ns = gate->start_ns + due_ns(index, publishing->rate);
    if (intended_ns > now_ns) {
        sleep_until(SL_MIN(intended_ns, publishing->deadline_ns));
        now_ns = sl_clock_now_ns();
    }
    if (now_ns >= publishing->deadline_ns) {
        publisher->timed_out = true;
        return 0;
    }
    return atomic_load(&gate->stop) ? 0 : intended_ns;
}

static enum sl_status
publish_event(struct publisher *publisher, uint32_t index, uint64_t intended_ns)
{
    const struct gate *gate = publisher->gate;
    const struct sl_publishing *publishing = gate->publishing;
    const struct sl_planned_event *event = &publishing->plan->events[index];
    const struct sl_payload payload = {
        .trial = publishing->trial,
        .intended_ns = intended_ns + (uint64_t) publishing->clock_offset_ns,
        .index = index,
        .topic = sl_load_plan_topic_of(publishing->plan, event->key),
        .key = event->key,
        .sequence = event->sequence,
    };
    const struct sl_message message = {
        .topic = publishing->plan->topics[payload.topic],
        .key = publishing->plan->keys[payload.key],
        .payload = publisher->payload,
        .payload_size = publishing->payload_size,
    };

    sl_payload_write(&payload, publisher->payload, publishing->payload_size);
    publishing->intended_ns[index] = intended_ns;
    sl_checker_try(publishing->checker, index);
    enum sl_status status = gate->driver->publish(gate->bus, &message, index, &publisher->err);
    if (!status)
        return SL_OK;
    (void) sl_checker_answer(publishing->checker, index, SL_PUBLISH_REJECTED);
    if (status != SL_EFULL)
        return sl_driver_failed("publish", status, &publisher->err);
    publisher->err = (struct sl_error){0};
    return SL_OK;
}

static void publish_events(struct publisher *publisher)
{
    const struct sl_load_plan *plan = publisher->gate->publishing->plan;
    uint32_t end = plan->publisher_start[publisher->number + 1];
    uint64_t intended_ns;

    for (uint32_t i = plan->publisher_start[publisher->number]; i < end; i++) {
        uint32_t index = plan->by_publisher[i];
        intended_ns = wait_for_turn(publisher, index);
        if (!intended_ns)
            break;
        if (!publisher->first_call_ns) {
            publisher->first_intended_ns = intended_ns;
            publisher->first_call_ns = sl_clock_now_ns();
        }
        publisher->status = publish_event(publisher, index, intended_ns);
        if (publisher->status) {
            atomic_store(&publisher->gate->stop, true);
            break;
        }
    }
    if (publisher->first_call_ns)
        publisher->last_return_ns = sl_clock_now_ns();
}

/* The kernel may delay wake-ups by the thread's slack; that would count as latency of the bus. */
static void publish_on_time(struct publisher *publisher)
{
    int slack = prctl(PR_GET_TIMERSLACK);

    (void) prctl(PR_SET_TIMERSLACK, 1);
    publish_events(publisher);
    (void) prctl(PR_SET_TIMERSLACK, slack);
}

/* Starts when all publishers exist: one that started late would find its events overdue. */
static void *publisher_main(void *argument)
{
    struct publisher *publisher = argument;
    struct gate *gate = publisher->gate;

    pthread_mutex_lock(&gate->mutex);
    while (!gate->start_ns)
        pthread_cond_wait(&gate->started, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    publish_on_time(publisher);
    return NULL;
}

static enum sl_status
run_publishers(struct gate *gate, struct publisher *publishers, uint32_t n, struct sl_error *err)
{
    enum sl_status status = SL_OK;
    uint32_t n_made = 0;
    char name[16];

    for (; n_made < n && !status; n_made++) {
        struct publisher *publisher = &publishers[n_made];
        errno = pthread_create(&publisher->thread, NULL, publisher_main, publisher);
        if (errno) {
            (void) sl_fail_errno(err, "cannot create publisher thread %u of %u", n_made + 1, n);
            atomic_store(&gate->stop, true);
            status = SL_ELIMIT;
            break;
        }
        (void) snprintf(name, sizeof name, "publisher-%u", publisher->number);
        (void) pthread_setname_np(publisher->thread, name);
    }
    pthread_mutex_lock(&gate->mutex);
    gate->start_ns = sl_clock_now_ns();
    pthread_cond_broadcast(&gate->started);
    pthread_mutex_unlock(&gate->mutex);
    for (uint32_t i = 0; i < n_made; i++)
        (void) pthread_join(publishers[i].thread, NULL);
    return status;
}

/* What the publishers found, as one.  @return the first failure among them */
static enum sl_status merge_results(struct sl_publishing *publishing,
                                    const struct publisher *publishers, uint32_t n,
                                    struct sl_error *err)
{
    uint64_t first_call_ns = UINT64_MAX, last_return_ns = 0, first_intended_ns = UINT64_MAX;
    enum sl_status status = SL_OK;

    for (uint32_t i = 0; i < n; i++) {
        publishing->timed_out |= publishers[i].timed_out;
        if (publishers[i].status && !status) {
            status = publishers[i].status;
            *err = publishers[i].err;
        }
        if (!publishers[i].first_call_ns)
            continue;
        first_call_ns = SL_MIN(first_call_ns, publishers[i].first_call_ns);
        first_intended_ns = SL_MIN(first_intended_ns, publishers[i].first_intended_ns);
        last_return_ns = SL_MAX(last_return_ns, publishers[i].last_return_ns);
    }
    if (last_return_ns) {
        publishing->first_intended_ns = first_intended_ns;
        publishing->first_call_ns = first_call_ns;
        publishing->last_return_ns = last_return_ns;
    }
    return status;
}

enum sl_status sl_publish_all(struct sl_publishing *publishing, const struct sl_driver *driver,
                              void *bus, struct sl_error *err)
{
    uint32_t n = publishing->n;
    SL_AUTO_FREE struct publisher *publishers = calloc(n, sizeof *publishers);
    SL_AUTO_FREE char *payloads = calloc(n, publishing->payload_size);
    struct gate gate = {
        .publishing = publishing,
        .driver = driver,
        .bus = bus,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .started = PTHREAD_COND_INITIALIZER,
    };

    if (!publishers || !payloads)
        return sl_fail(err, SL_ENOMEM, "out of memory for %u publishers", n);
    for (uint32_t i = 0; i < n; i++) {
        publishers[i].gate = &gate;
        publishers[i].number = publishing->first + i;
        publishers[i].payload = payloads + i * publishing->payload_size;
    }
    enum sl_status status = SL_OK;
    if (n > 1) {
        status = run_publishers(&gate, publishers, n, err);
    } else {
        gate.start_ns = sl_clock_now_ns();
        publish_on_time(&publishers[0]);
    }
    return status ? status : merge_results(publishing, publishers, n, err);
}
