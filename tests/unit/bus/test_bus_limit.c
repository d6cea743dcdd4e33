/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bus at the thread limit.  Linked with --wrap=pthread_create, because limits of
 * the system do not bind everybody who may run the tests.
 */
#include "sl_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "bus_scene.h"

/* Creations that still succeed; less than 0: no limit. */
static atomic_int n_allowed = -1;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    if (atomic_load(&n_allowed) == 0)
        return EAGAIN;
    if (atomic_load(&n_allowed) > 0)
        atomic_fetch_sub(&n_allowed, 1);
    return __real_pthread_create(thread, attributes, run, argument);
}

static enum sl_status count(void *user, const struct sl_message *message)
{
    (void) message;
    atomic_fetch_add((atomic_uint *) user, 1);
    return SL_OK;
}

static struct bus_config config_of(enum bus_mode mode)
{
    return (struct bus_config){.size = sizeof(struct bus_config),
                               .mode = mode,
                               .transport = "memory",
                               .topics = topics,
                               .n_topics = 2,
                               .workers = 10};
}

SL_TEST(bus_limit, an_open_at_the_limit_says_so_and_leaves_no_thread)
{
    /* Unified needs 1 + 10 + 1 threads to open. */
    for (int limit = 0; limit < 12; limit++) {
        struct bus_config config = config_of(BUS_UNIFIED);
        struct bus *bus = NULL;
        struct sl_error err = {0};
        char expected[64];
        unsigned before = count_threads();
        atomic_store(&n_allowed, limit);
        (void) snprintf(expected, sizeof expected, "%d of 14 threads were created", limit);
        sl_assert_fails(bus_open(&config, &bus, &err), SL_ELIMIT, &err, expected);
        cr_assert_null(bus);
        cr_assert(threads_fall_to(before));
        atomic_store(&n_allowed, -1);
    }
}

SL_TEST(bus_limit, direct_mode_needs_no_workers)
{
    struct bus_config config = config_of(BUS_DIRECT);
    struct bus *bus = NULL;
    struct sl_error err = {0};

    atomic_store(&n_allowed, 0);
    sl_assert_fails(bus_open(&config, &bus, &err), SL_ELIMIT, &err, "0 of 4 threads were created");
}

SL_TEST(bus_limit, a_subscribe_at_the_limit_leaves_nothing_and_works_later)
{
    /* A keyed topic needs 10 + 1 threads. */
    for (int limit = 0; limit < 11; limit++) {
        struct bus_config config = config_of(BUS_KEYED);
        struct bus *bus = NULL;
        struct sl_error err = {0};
        atomic_uint n_handled = 0;
        unsigned before = count_threads();
        sl_assert_ok(bus_open(&config, &bus, &err), &err);
        sl_assert_ok(bus_subscribe(bus, topics[0], count, &n_handled, &err), &err);
        unsigned subscribed = count_threads();
        atomic_store(&n_allowed, limit);
        sl_assert_fails(bus_subscribe(bus, topics[1], count, &n_handled, &err), SL_ELIMIT, &err,
                        "of 24 threads were created");
        cr_assert(strstr(err.text, "ulimit -u"));
        cr_assert(threads_fall_to(subscribed));
        atomic_store(&n_allowed, -1);
        sl_assert_ok(bus_subscribe(bus, topics[1], count, &n_handled, &err), &err);
        struct sl_message message = {.topic = topics[1], .payload = "x", .payload_size = 1};
        sl_assert_ok(bus_publish(bus, &message, 0, &err), &err);
        cr_assert(sl_test_until(atomic_load(&n_handled) == 1, 20 * SL_NS_PER_S));
        sl_assert_ok(bus_close(bus, 20 * SL_NS_PER_S, NULL, &err), &err);
        bus_free(bus);
        cr_assert(threads_fall_to(before));
    }
}
