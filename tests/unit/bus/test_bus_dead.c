/* SPDX-License-Identifier: Apache-2.0 */
/* Messages whose handler fails too often, over the in-memory transport. */
#include "bus_memory_scene.h"

#include "bus/thread/waiter.h"
#include "until.h"

/* The linker gives it its name: it is called for waiter_new. */
static atomic_uint n_short; /* calls that find no memory */

struct waiter *__real_waiter_new(size_t n);
struct waiter *__wrap_waiter_new(size_t n);
struct waiter *__wrap_waiter_new(size_t n)
{
    if (atomic_load(&n_short) == 0)
        return __real_waiter_new(n);
    atomic_fetch_sub(&n_short, 1);
    return NULL;
}

/* Counts the dead letters of the poisoned key; user of their handler. */
struct morgue {
    atomic_uint n, wrong;
    unsigned key;
};

static enum sl_status take_letter(void *user, const struct sl_message *message)
{
    struct morgue *morgue = user;
    struct probe_payload payload;
    memcpy(&payload, message->payload, sizeof payload);
    if (payload.key != morgue->key || strncmp(message->topic, "dead.", 5) != 0 ||
        payload.number != atomic_load(&morgue->n) + 1)
        atomic_fetch_add(&morgue->wrong, 1);
    atomic_fetch_add(&morgue->n, 1);
    return SL_OK;
}

#define POISON   3u
#define N_ROUNDS 5u /* messages of each key */

SL_TEST(bus_dead, a_message_that_always_fails_becomes_a_dead_letter_and_its_key_goes_on)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct probe probe = {.poison_key = POISON + 1};
        struct morgue morgue = {.key = POISON};
        struct sl_error err = {0};
        struct bus_config config = config_of(modes[i], &probe);
        config.max_deliver = 3;
        config.dead_letter = true;
        open_probe(&probe, &config, probe_handle);
        sl_assert_ok(bus_subscribe(probe.bus, "dead.orders", take_letter, &morgue, &err), &err);
        publish_round(&probe, N_ROUNDS * PROBE_KEYS);
        cr_assert(probe_reaches(&probe.handled, N_ROUNDS * (PROBE_KEYS - 1)));
        cr_assert(probe_reaches(&morgue.n, N_ROUNDS));
        close_cleanly(&probe);
        cr_assert_eq(atomic_load(&probe.failures), 3 * N_ROUNDS, "each was tried three times");
        cr_assert_eq(atomic_load(&probe.violations), 0);
        cr_assert_eq(atomic_load(&morgue.n), N_ROUNDS);
        cr_assert_eq(atomic_load(&morgue.wrong), 0, "in the order of the key, in every mode");
    }
}

SL_TEST(bus_dead, without_dead_letters_it_is_dropped_and_counted)
{
    struct probe probe = {.poison_key = POISON + 1};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    config.max_deliver = 2;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, PROBE_KEYS);
    cr_assert(sl_test_until(metrics_of(probe.bus).given_up >= 1, 20 * SL_NS_PER_S));
    cr_assert(probe_reaches(&probe.handled, PROBE_KEYS - 1));
    struct sl_driver_close_report report = close_probe(&probe, 20 * SL_NS_PER_S, SL_OK);
    cr_assert_eq(report.messages_abandoned, 0);
    struct bus_metrics metrics = metrics_of(probe.bus);
    cr_assert_eq(metrics.given_up, 1);
    cr_assert_eq(metrics.acked, PROBE_KEYS - 1);
    cr_assert_eq(metrics.held, 0);
    cr_assert_eq(atomic_load(&probe.failures), 2);
    bus_free(probe.bus);
}

static void keep_line(void *user, const char *line)
{
    (void) snprintf(user, 320, "%s", line);
}

SL_TEST(bus_dead, giving_up_is_logged_with_topic_key_and_tries)
{
    static char line[320];
    struct probe probe = {.poison_key = POISON + 1};
    struct bus_config config = config_of(BUS_KEYED, &probe);
    config.max_deliver = 1;
    config.dead_letter = true;
    config.log = keep_line;
    config.log_user = line;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, PROBE_KEYS);
    cr_assert(sl_test_until(metrics_of(probe.bus).given_up >= 1, 20 * SL_NS_PER_S));
    close_cleanly(&probe);
    cr_assert_str_eq(line,
                     "gave a message of topic 'orders', key 'key-3' up after 1 tries: it is a "
                     "dead letter now");
}

SL_TEST(bus_dead, topics_of_dead_letters_can_not_be_configured_beside_them)
{
    static const char *const taken[] = {"orders", "dead.orders"};
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    config.dead_letter = true;
    sl_assert_fails(bus_open(&config, &probe.bus, &err), SL_EINVAL, &err, "limit of tries");
    err = (struct sl_error){0};
    config.max_deliver = 1;
    config.topics = taken;
    config.n_topics = 2;
    sl_assert_fails(bus_open(&config, &probe.bus, &err), SL_EINVAL, &err, "dead.orders");
}

SL_TEST(bus_dead, a_letter_for_which_there_is_no_memory_is_not_lost)
{
    struct probe probe = {.poison_key = POISON + 1};
    struct morgue morgue = {.key = POISON};
    struct sl_error err = {0};
    struct bus_config config = config_of(BUS_KEYED, &probe);
    config.max_deliver = 1;
    config.dead_letter = true;
    open_probe(&probe, &config, probe_handle);
    sl_assert_ok(bus_subscribe(probe.bus, "dead.orders", take_letter, &morgue, &err), &err);
    atomic_store(&n_short, 1);
    publish_round(&probe, PROBE_KEYS);
    cr_assert(probe_reaches(&morgue.n, 1));
    cr_assert(probe_reaches(&probe.handled, PROBE_KEYS - 1));
    close_cleanly(&probe);
    cr_assert_eq(atomic_load(&n_short), 0);
    cr_assert_eq(atomic_load(&probe.failures), 2, "it was tried again");
    cr_assert_eq(atomic_load(&morgue.n), 1);
    cr_assert_eq(atomic_load(&morgue.wrong), 0);
}
