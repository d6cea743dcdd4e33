/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping a process: the signal is on its way when kill() returns, and the process may still
 * answer somebody. */
#ifndef SL_TEST_STOP_H
#define SL_TEST_STOP_H

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "until.h"

static inline bool sl_test_is_stopped(pid_t pid)
{
    char path[300], text[256];
    bool stopped = true;

    (void) snprintf(path, sizeof path, "/proc/%ld/task", (long) pid);
    DIR *tasks = opendir(path);
    for (const struct dirent *entry; tasks && stopped && (entry = readdir(tasks));) {
        (void) snprintf(path, sizeof path, "/proc/%ld/task/%.20s/stat", (long) pid, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        const char *state = file && fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
        stopped = !state || strncmp(state, ") T", 3) == 0;
        if (file)
            (void) fclose(file);
    }
    if (tasks)
        (void) closedir(tasks);
    return tasks && stopped;
}

/* @return whether no thread of it runs any more */
static inline bool sl_test_stop(pid_t pid)
{
    return kill(pid, SIGSTOP) == 0 && sl_test_until(sl_test_is_stopped(pid), 20 * SL_NS_PER_S);
}

#endif
