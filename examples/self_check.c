/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Example of a program that looks at itself: does my shutdown leave no thread behind?
 *
 *     self_check [leak]
 *
 * As the last step of a test this fails the build as soon as somebody forgets to stop a thread.
 * With `leak` it plays that: one worker is told nothing, and is found, with its stack and why it is
 * still there.  Exit status: 0 no thread is left, 1 some are, 2 it could not look.
 */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <strandline/leak.h>
#include <strandline/observe.h>

#define N_WORKERS 4

/* What is checked: workers that wait for work, and a shutdown that ends them. */
static struct worker {
    pthread_t thread;
    sem_t stop;
} workers[N_WORKERS];

static void *worker_main(void *argument)
{
    struct worker *worker = argument;

    while (sem_wait(&worker->stop)) /* interrupted */
        continue;
    return NULL;
}

static bool service_start(void)
{
    for (size_t i = 0; i < N_WORKERS; i++) {
        (void) sem_init(&workers[i].stop, 0, 0);
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]))
            return false;
    }
    return true;
}

static void service_stop(size_t n_forgotten)
{
    for (size_t i = n_forgotten; i < N_WORKERS; i++) {
        (void) sem_post(&workers[i].stop);
        (void) pthread_join(workers[i].thread, NULL);
    }
}

static void print_findings(const struct sl_leak_report *report)
{
    for (size_t i = 0; i < sl_leak_report_n_findings(report); i++) {
        const struct sl_finding *finding = sl_leak_report_finding(report, i);
        const struct sl_group *group = sl_finding_group(finding);
        if (!sl_finding_counted(finding))
            continue;
        (void) printf("%" PRIu32 " x %s: %s\n    %s\n", sl_group_count(group),
                      sl_group_function(group), sl_cause_text(sl_finding_cause(finding)),
                      sl_finding_evidence(finding));
    }
}

int main(int argc, char **argv)
{
    const size_t n_forgotten = argc > 1 && strcmp(argv[1], "leak") == 0;
    struct sl_observation *observation = NULL;
    const struct sl_leak_report *report = NULL;
    struct sl_error err = {0};

    enum sl_status status = sl_observation_begin(getpid(), NULL, &observation, &err);
    if (!status) {
        if (service_start())
            service_stop(n_forgotten);
        status = sl_observation_end(observation, &report, &err);
    }
    const uint32_t left = sl_leak_report_count(report);
    if (status)
        (void) fprintf(stderr, "self_check: %s\n", err.text);
    else
        (void) printf("threads left: %" PRIu32 "\n", left);
    print_findings(report);
    sl_observation_free(observation);
    return status ? 2 : left ? 1 : 0;
}
