/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that begin another program while somebody traces them. */
#include "sl_test.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/snapshot/source/ptrace.h"
#include "sl_subject.h"
#include "until.h"

struct tracer {
    pid_t tid; /* to trace */
    sem_t seized, end;
    bool ok;
};

static void *trace(void *argument)
{
    struct tracer *tracer = argument;

    tracer->ok = ptrace(PTRACE_SEIZE, tracer->tid, NULL, NULL) == 0;
    (void) sem_post(&tracer->seized);
    (void) sem_wait(&tracer->end);
    return NULL;
}

/* A thread of the process that is not its first. */
static pid_t other_thread(pid_t pid)
{
    char path[64];
    pid_t tid = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/task", (long) pid);
    DIR *tasks = opendir(path);
    for (const struct dirent *entry; tasks && (entry = readdir(tasks));)
        if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != pid)
            tid = atoi(entry->d_name);
    if (tasks)
        (void) closedir(tasks);
    return tid;
}

static bool is_dead(pid_t pid, pid_t tid)
{
    char path[64], text[256] = "";

    (void) snprintf(path, sizeof path, "/proc/%ld/task/%ld/stat", (long) pid, (long) tid);
    FILE *file = fopen(path, "r");
    bool read = file && fgets(text, sizeof text, file);
    const char *state = strrchr(text, ')');
    if (file)
        (void) fclose(file);
    return read && state && state[1] && state[2] == 'Z';
}

SL_TEST(snapshot_exec, a_program_that_begins_another_one_does_not_wait_for_who_traces_it,
        .timeout = 60)
{
    struct sl_test_subject subject = sl_subject("replaces", "1000");
    struct tracer tracer = {.tid = other_thread(subject.pid)};
    pthread_t thread;
    char byte;

    cr_assert(!sem_init(&tracer.seized, 0, 0) && !sem_init(&tracer.end, 0, 0));
    cr_assert_eq(pthread_create(&thread, NULL, trace, &tracer), 0);
    (void) sem_wait(&tracer.seized);
    cr_assert(tracer.ok, "thread %ld can not be traced", (long) tracer.tid);
    cr_assert(sl_test_until(is_dead(subject.pid, tracer.tid), 30 * SL_NS_PER_S));
    sl_ptrace_reap(&tracer.tid, 1, subject.pid);
    cr_assert_eq(read(subject.output, &byte, 1), 1, "the other program begins");
    (void) sem_post(&tracer.end);
    (void) pthread_join(thread, NULL);
    cr_assert(kill(subject.pid, SIGKILL) == 0);
    cr_assert_eq(sl_subject_end(&subject), -SIGKILL);
}
