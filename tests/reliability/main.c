/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reliability suite: what the bus does when things around it die.
 *
 * usage: reliability [--full] [SCENARIO...]     all of them when none is named
 *
 * Prints TAP, and a line "# SCENARIO: figures" for each.  --full plays the counts of the
 * documentation, otherwise each takes some seconds.  Exit status 1 when one failed, 2 usage.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "scenario.h"

static const struct scenario *const lists[] = {flow_scenarios, closing_scenarios, cycle_scenarios};
#define N_LISTS (sizeof lists / sizeof *lists)

void outcome_fail(struct outcome *outcome, const char *format, ...)
{
    va_list args;

    if (outcome->failed)
        return;
    outcome->failed = true;
    va_start(args, format);
    (void) vsnprintf(outcome->text, sizeof outcome->text, format, args);
    va_end(args);
}

static bool is_wanted(const struct scenario *scenario, char **names)
{
    bool wanted = !*names;

    for (; *names && !wanted; names++)
        wanted = strcmp(*names, scenario->name) == 0;
    return wanted;
}

/* @return whether it did not fail */
static bool play(const struct scenario *scenario, unsigned number, bool full)
{
    struct outcome outcome = {.failed = false};
    uint64_t begin_ns = sl_clock_now_ns();

    scenario->play(full ? scenario->full : scenario->quick, &outcome);
    double seconds = (double) (sl_clock_now_ns() - begin_ns) / (double) SL_NS_PER_S;
    bool ok = outcome.skipped || !outcome.failed;
    (void) printf("# %s: %s seconds=%.1f\n", scenario->name, outcome.figures, seconds);
    (void) printf("%s %u - %s: %s%s\n", ok ? "ok" : "not ok", number, scenario->name,
                  scenario->text, outcome.skipped ? " # SKIP no nats-server, or no faults" : "");
    if (outcome.failed)
        (void) printf("# %s: %s\n", scenario->name, outcome.text);
    (void) fflush(stdout);
    return ok;
}

/*
 * What a thread keeps of freed memory for itself counts as allocated and changes from cycle to
 * cycle: without that, what is allocated is exact.  The C library reads this when it starts.
 */
static void start_without_caches(char **argv)
{
    if (getenv("GLIBC_TUNABLES") || setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1))
        return;
    (void) execv("/proc/self/exe", argv); /* if that fails, memory is judged less exactly */
}

int main(int argc, char **argv)
{
    start_without_caches(argv);
    char **names = argv + (argc > 0);
    bool full = *names && strcmp(*names, "--full") == 0;
    unsigned n_played = 0, n_failed = 0;

    names += full;
    for (size_t i = 0; i < N_LISTS; i++)
        for (const struct scenario *scenario = lists[i]; scenario->name; scenario++)
            if (is_wanted(scenario, names))
                n_failed += !play(scenario, ++n_played, full);
    if (!n_played) {
        (void) fprintf(stderr, "reliability: no such scenario\n");
        return 2;
    }
    (void) printf("1..%u\n", n_played);
    return n_failed > 0;
}
