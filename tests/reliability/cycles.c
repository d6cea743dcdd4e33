/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bus opened, used and closed over and over in one process: threads, descriptors and memory
 * have to stay as they are.
 *
 * Memory is what is allocated, exactly; what the process has resident is shown beside it, but
 * judged with a wide margin only, since it also shows how the allocator keeps its pages.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <strandline/bus_fault.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bus_process.h"
#include "harness/server/server.h"
#include "scenario.h"
#include "trend.h"
#include "until.h"

#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void);
#define RESIDENT_IS_JUDGED false /* what was freed is kept there for a while */
#else
#define RESIDENT_IS_JUDGED true
#endif

#define CLOSE_NS    (10 * SL_NS_PER_S)
#define PATIENCE_NS (30 * SL_NS_PER_S)
#define N_MESSAGES  10u
#define MOST        1000u
#define WARM_UP     10u /* one part in so many of the cycles */

/* Growth per cycle that is none: less than any allocation, thread or descriptor in ten cycles. */
#define COUNT_FLOOR 0.01
#define BYTES_FLOOR 1.0
/* Growth over all cycles that is none: allocators find their size within a few hundred cycles. */
#define RESIDENT_MARGIN (1024.0 * 1024.0)

static const char *const topics[] = {"one", "two"};

struct cycle {
    struct bus *bus;
    atomic_uint handled;
};

enum { THREADS, DESCRIPTORS, ALLOCATED, RESIDENT, N_SERIES };

struct series {
    double samples[N_SERIES][MOST];
    size_t n;
};

static enum sl_status count_message(void *user, const struct sl_message *message)
{
    struct cycle *cycle = user;
    (void) message;
    atomic_fetch_add(&cycle->handled, 1);
    return SL_OK;
}

static unsigned count_entries(const char *path)
{
    unsigned n = 0;
    DIR *entries = opendir(path);

    for (const struct dirent *entry; entries && (entry = readdir(entries));)
        n += entry->d_name[0] != '.';
    if (entries)
        (void) closedir(entries);
    return n;
}

static double allocated_bytes(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return (double) __sanitizer_get_current_allocated_bytes();
#else
    struct mallinfo2 info = mallinfo2();
    return (double) (info.uordblks + info.hblkhd);
#endif
}

static double resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file) {
        if (fscanf(file, "%lu %lu", &all, &resident) != 2)
            resident = 0;
        (void) fclose(file);
    }
    return (double) resident * (double) sysconf(_SC_PAGESIZE);
}

static bool publish_some(struct cycle *cycle, struct outcome *outcome)
{
    struct sl_error err = {0};

    for (unsigned i = 0; i < N_MESSAGES; i++) {
        const struct sl_message message = {.topic = topics[i % SL_COUNT_OF(topics)],
                                           .key = "key",
                                           .payload = "payload",
                                           .payload_size = 7};
        if (bus_publish(cycle->bus, &message, i, &err)) {
            outcome_fail(outcome, "publish: %s", err.text);
            return false;
        }
    }
    return true;
}

static void play_cycle(const char *servers, const char *fault, struct outcome *outcome)
{
    struct cycle cycle = {.handled = 0};
    struct sl_error err = {0};
    const struct bus_config config = {
        .size = sizeof config,
        .mode = BUS_KEYED,
        .transport = "nats",
        .servers = servers,
        .prefix = "cycles_",
        .fault = fault,
        .topics = topics,
        .n_topics = SL_COUNT_OF(topics),
        .workers = 4,
    };

    if (bus_open(&config, &cycle.bus, &err)) {
        outcome_fail(outcome, "open: %s", err.text);
        return;
    }
    for (size_t i = 0; i < SL_COUNT_OF(topics); i++)
        if (bus_subscribe(cycle.bus, topics[i], count_message, &cycle, &err))
            outcome_fail(outcome, "subscribe: %s", err.text);
    if (publish_some(&cycle, outcome))
        (void) sl_test_until(atomic_load(&cycle.handled) >= N_MESSAGES, PATIENCE_NS);
    if (atomic_load(&cycle.handled) != N_MESSAGES)
        outcome_fail(outcome, "%u of %u messages were handled", atomic_load(&cycle.handled),
                     N_MESSAGES);
    if (bus_close(cycle.bus, CLOSE_NS, NULL, &err))
        outcome_fail(outcome, "close: %s", err.text);
    bus_free(cycle.bus);
}

/* Threads of the client library are detached: some end soon after the close. */
static void take_sample(struct series *series, unsigned n_threads)
{
    (void) sl_test_until(count_entries("/proc/self/task") <= n_threads, SL_NS_PER_S / 10);
    series->samples[THREADS][series->n] = count_entries("/proc/self/task");
    series->samples[DESCRIPTORS][series->n] = count_entries("/proc/self/fd");
    series->samples[ALLOCATED][series->n] = allocated_bytes();
    series->samples[RESIDENT][series->n] = resident_bytes();
    series->n++;
}

static void judge(const struct series *series, struct outcome *outcome)
{
    const struct {
        const char *name;
        double floor;
        bool judged;
    } kinds[N_SERIES] = {
        [THREADS] = {"threads", COUNT_FLOOR, true},
        [DESCRIPTORS] = {"descriptors", COUNT_FLOOR, true},
        [ALLOCATED] = {"allocated", BYTES_FLOOR, true},
        [RESIDENT] = {"resident", RESIDENT_MARGIN / (double) series->n, RESIDENT_IS_JUDGED},
    };
    size_t skipped = series->n / WARM_UP, used = 0;
    struct trend trend;

    used += (size_t) snprintf(outcome->figures, sizeof outcome->figures, "times=%zu", series->n);
    for (size_t i = 0; i < N_SERIES; i++) {
        const double *samples = series->samples[i] + skipped;
        if (!trend_find(samples, series->n - skipped, kinds[i].floor, &trend)) {
            outcome_fail(outcome, "out of memory");
            return;
        }
        used += (size_t) snprintf(outcome->figures + used, sizeof outcome->figures - used,
                                  " %s=%.0f%+.3f/cycle", kinds[i].name, samples[0], trend.slope);
        if (trend.grows && kinds[i].judged)
            outcome_fail(outcome, "%s grow by %.3f in a cycle, with a noise of %.1f", kinds[i].name,
                         trend.slope, trend.noise);
    }
}

static void play(unsigned count, const char *fault, struct outcome *outcome)
{
    static struct series series;
    struct sl_error err = {0};
    SL_AUTO(sl_server) struct sl_server *server = NULL;

    enum sl_status status = sl_server_start(NULL, &server, &err);
    if (status) {
        outcome->skipped = status == SL_ENOENT;
        outcome_fail(outcome, "%s", err.text);
        return;
    }
    series.n = 0;
    play_cycle(sl_server_url(server), NULL, outcome); /* what the library allocates once */
    sl_clock_sleep_ns(SL_NS_PER_S / 10);
    unsigned n_threads = count_entries("/proc/self/task");
    while (series.n < SL_MIN(count, MOST) && !outcome->failed) {
        play_cycle(sl_server_url(server), fault, outcome);
        take_sample(&series, n_threads);
    }
    if (!outcome->failed)
        judge(&series, outcome);
    if (bus_teardown(&err))
        outcome_fail(outcome, "teardown: %s", err.text);
}

static void play_cycles(unsigned count, struct outcome *outcome)
{
    play(count, NULL, outcome);
}

/* A bus that leaves its workers behind: a test that could not see that would see nothing. */
static void play_control(unsigned count, struct outcome *outcome)
{
    outcome->skipped = !bus_faults()->name;
    if (outcome->skipped)
        return;
    play(count, "pool-not-stopped", outcome);
    if (outcome->skipped)
        return;
    bool found = outcome->failed && strncmp(outcome->text, "threads grow", 12) == 0;
    outcome->failed = false;
    if (!found)
        outcome_fail(outcome, "workers that stay were not found: %s", outcome->text);
}

const struct scenario cycle_scenarios[] = {
    {"cycles", "open, publish, close again and again in one process", play_cycles, MOST, MOST},
    {"cycles-control", "the same with workers that stay, which has to be found", play_control, 20,
     20},
    {.name = NULL},
};
