/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks of the bus, each against its yardstick in interleaved trials.
 *
 * usage: bus_bench [--servers URL] [--server-pid PID] [--trials N] [--messages N]
 *                  [--in-memory N] [NAME]...
 *
 * Prints the median of the ratios beside its target.  Exit status 0 whatever the
 * ratios are, 2 usage, 3 when something could not be measured.
 */
#include "bus_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"

#define MAX_TRIALS 99u

struct comparison {
    const char *name;
    const char *against; /* what the yardstick is */
    bench_trial ours, yardstick;
    bench_trial before; /* each trial; or NULL */
    double target;
    bool needs_server;
};

static const struct comparison comparisons[] = {
    {"memory-unified", "simple queue", bench_memory_unified, bench_queue_unified, NULL, 4, false},
    {"memory-keyed", "simple queue", bench_memory_keyed, bench_queue_keyed, NULL, 2, false},
#ifdef BENCH_NATS
    {"nats-unified", "bare loop", bench_nats_unified, bench_bare_consume, bench_bare_reset, 0.95,
     true},
    {"nats-keyed", "bare loop", bench_nats_keyed, bench_bare_consume, bench_bare_reset, 0.85, true},
    {"nats-direct", "bare loop", bench_nats_direct, bench_bare_consume, bench_bare_reset, 0, true},
    {"nats-publish", "js_PublishAsync", bench_nats_publish, bench_bare_publish, NULL, 0.95, true},
#endif
};

/* Run a trial in a child of its own. */
static struct bench_sample run(bench_trial trial, const struct bench_options *options)
{
    struct bench_sample sample = {0};
    int ends[2], status = 0;

    if (pipe(ends))
        bench_fail("no pipe");
    pid_t child = fork();
    if (child < 0)
        bench_fail("no process");
    if (child == 0) {
        trial(options, &sample);
        _exit(write(ends[1], &sample, sizeof sample) == sizeof sample ? 0 : 3);
    }
    (void) close(ends[1]);
    bool complete = read(ends[0], &sample, sizeof sample) == sizeof sample;
    (void) close(ends[0]);
    if (waitpid(child, &status, 0) != child || status != 0 || !complete)
        bench_fail("a trial failed");
    return sample;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Values of one kind over all trials. */
static double median_of(const struct bench_sample *samples, unsigned n, size_t offset)
{
    double values[MAX_TRIALS];
    for (unsigned i = 0; i < n; i++)
        values[i] = *(const double *) ((const char *) &samples[i] + offset);
    return median(values, n);
}

#define MEDIAN(samples, n, field) median_of((samples), (n), offsetof(struct bench_sample, field))

static void show(const struct comparison *comparison, const struct bench_sample *ours,
                 const struct bench_sample *yardsticks, unsigned n)
{
    double ratios[MAX_TRIALS];
    for (unsigned i = 0; i < n; i++)
        ratios[i] = ours[i].per_second / yardsticks[i].per_second;
    double middle = median(ratios, n);
    char target[16] = "-";
    if (comparison->target > 0)
        (void) snprintf(target, sizeof target, "%.2f", comparison->target);
    (void) printf("%-15s %5.2f x  target %-4s  %.2f..%.2f  %9.0f/s  %9.0f/s %-15s",
                  comparison->name, middle, target, ratios[0], ratios[n - 1],
                  MEDIAN(ours, n, per_second), MEDIAN(yardsticks, n, per_second),
                  comparison->against);
    if (ours[0].cpu_us_per_message > 0)
        (void) printf(
            "  switches %.3f (%.3f)  cpu %.2f us (%.2f)", MEDIAN(ours, n, switches_per_message),
            MEDIAN(yardsticks, n, switches_per_message), MEDIAN(ours, n, cpu_us_per_message),
            MEDIAN(yardsticks, n, cpu_us_per_message));
    if (ours[0].server_us_per_message > 0)
        (void) printf(
            "  server %.2f us (%.2f)  all cpu %.2f x", MEDIAN(ours, n, server_us_per_message),
            MEDIAN(yardsticks, n, server_us_per_message),
            (MEDIAN(yardsticks, n, cpu_us_per_message) +
             MEDIAN(yardsticks, n, server_us_per_message)) /
                (MEDIAN(ours, n, cpu_us_per_message) + MEDIAN(ours, n, server_us_per_message)));
    if (ours[0].threads)
        (void) printf("  threads %u+%u", ours[0].bus_threads,
                      ours[0].threads - ours[0].bus_threads);
    (void) printf("\n");
    (void) fflush(stdout);
}

/* A B B A, so that a drift of the machine falls on both. */
static void compare(const struct comparison *comparison, const struct bench_options *options)
{
    struct bench_sample ours[MAX_TRIALS], yardsticks[MAX_TRIALS];
    for (unsigned i = 0; i < 2 * options->n_trials; i++) {
        bool is_ours = i % 4 == 0 || i % 4 == 3;
        if (comparison->before)
            (void) run(comparison->before, options);
        *(is_ours ? &ours[i / 2] : &yardsticks[i / 2]) =
            run(is_ours ? comparison->ours : comparison->yardstick, options);
    }
    show(comparison, ours, yardsticks, options->n_trials);
}

static void measure_close(const struct bench_options *options)
{
    struct bench_sample samples[MAX_TRIALS];
    int64_t most_left = INT64_MIN;
    for (unsigned i = 0; i < options->n_trials; i++) {
        samples[i] = run(bench_close_idle, options);
        most_left = SL_MAX(most_left, samples[i].bytes_left);
    }
    double middle = MEDIAN(samples, options->n_trials, milliseconds);
    double fastest = samples[0].milliseconds, slowest = fastest;
    for (unsigned i = 1; i < options->n_trials; i++) {
        fastest = SL_MIN(fastest, samples[i].milliseconds);
        slowest = SL_MAX(slowest, samples[i].milliseconds);
    }
    (void) printf("%-15s %5.1f ms target 100   %.1f..%.1f  cpu %.1f ms  threads %u+%u  "
                  "bytes left %lld\n",
                  "close-idle", middle, fastest, slowest,
                  MEDIAN(samples, options->n_trials, cpu_milliseconds), samples[0].bus_threads,
                  samples[0].threads - samples[0].bus_threads, (long long) most_left);
}

static bool is_wanted(const char *name, char **names)
{
    bool wanted = !*names;
    for (; *names && !wanted; names++)
        wanted = strncmp(*names, name, strlen(*names)) == 0;
    return wanted;
}

static int usage(void)
{
    (void) fputs("usage: bus_bench [--servers URL] [--server-pid PID] [--trials N] [--messages N] "
                 "[--in-memory N] [NAME]...\n",
                 stderr);
    return 2;
}

static void run_all(const struct bench_options *options, char **names)
{
    bool filled = false;
    for (size_t i = 0; i < SL_COUNT_OF(comparisons); i++) {
        const struct comparison *comparison = &comparisons[i];
        if (!is_wanted(comparison->name, names) || (comparison->needs_server && !options->servers))
            continue;
        if (comparison->before && !filled)
            (void) run(bench_nats_fill, options);
        filled = filled || comparison->before;
        compare(comparison, options);
    }
    if (options->servers)
        (void) run(bench_nats_purge, options);
    if (is_wanted("close-idle", names))
        measure_close(options);
}

int main(int argc, char **argv)
{
    struct bench_options options = {.n_messages = 300000, .n_in_memory = 1000000, .n_trials = 9};
    char **argument = argv + 1;

    for (; argument < argv + argc && strncmp(*argument, "--", 2) == 0; argument += 2) {
        const char *value = argument[1];
        unsigned long number = value ? strtoul(value, NULL, 10) : 0;
        if (value && strcmp(*argument, "--servers") == 0)
            options.servers = value;
        else if (strcmp(*argument, "--server-pid") == 0 && number > 0)
            options.server_pid = (long) number;
        else if (strcmp(*argument, "--trials") == 0 && number > 0 && number <= MAX_TRIALS)
            options.n_trials = (unsigned) number;
        else if (strcmp(*argument, "--messages") == 0 && number >= 1000)
            options.n_messages = (uint32_t) number;
        else if (strcmp(*argument, "--in-memory") == 0 && number >= 1000)
            options.n_in_memory = (uint32_t) number;
        else
            return usage();
    }
    run_all(&options, argument);
    return 0;
}
