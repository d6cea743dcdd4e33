/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the bus have in common, over any transport. */
#ifndef BUS_SCENE_H
#define BUS_SCENE_H

#include "sl_test.h"

#include <dirent.h>

#include <strandline/bus_metrics.h>

#include "bus_probe.h"
#include "until.h"

static const char *const topics[] = {"orders", "payments.made", "stock"};
#define N_TOPICS (sizeof topics / sizeof *topics)

static inline unsigned count_entries(const char *path)
{
    unsigned n = 0;
    DIR *directory = opendir(path);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        n += entry->d_name[0] != '.';
    (void) closedir(directory);
    return n;
}

/* Threads of this process. */
static inline unsigned count_threads(void)
{
    return count_entries("/proc/self/task");
}

/*
 * A thread that ended, joined or not, can be listed for a moment longer, so a number that
 * has to fall is waited for.
 */
static inline bool threads_fall_to(unsigned expected)
{
    return sl_test_until(count_threads() <= expected, 20 * SL_NS_PER_S) &&
           count_threads() == expected;
}

static inline void
open_probe(struct probe *probe, const struct bus_config *config, sl_message_handler handler)
{
    struct sl_error err = {0};
    sl_assert_ok(bus_open(config, &probe->bus, &err), &err);
    for (size_t i = 0; i < config->n_topics; i++)
        sl_assert_ok(bus_subscribe(probe->bus, config->topics[i], handler, probe, &err), &err);
}

/* Publish n messages round the keys; a key has one topic. */
static inline void publish_round(struct probe *probe, unsigned n)
{
    struct sl_error err = {0};
    for (unsigned i = 0; i < n; i++) {
        unsigned key = i % PROBE_KEYS;
        sl_assert_ok(probe_publish(probe, topics[key % N_TOPICS], key, &err), &err);
    }
}

static inline struct sl_driver_close_report
close_probe(struct probe *probe, uint64_t deadline_ns, enum sl_status expected)
{
    struct sl_error err = {0};
    struct sl_driver_close_report report = {.size = sizeof report};
    enum sl_status status = bus_close(probe->bus, deadline_ns, &report, &err);
    cr_assert_eq(status, expected, "close: %s: %s", sl_status_text(status), err.text);
    return report;
}

static inline struct bus_metrics metrics_of(const struct bus *bus)
{
    struct bus_metrics metrics = {.size = sizeof metrics};
    bus_metrics_take(bus, &metrics);
    return metrics;
}

#endif
