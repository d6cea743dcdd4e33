/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot/process.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/macros.h"
#include "cli/options/command.h"
#include "harness/goroutine/live/live.h"

#define DEFAULT_TIME_NS (30 * SL_NS_PER_S) /* as snapshot.h has it */
#define GRACE_S         5                  /* until a look that takes longer is given up */

/* The process that an id belongs to: that of a thread names its process. */
static pid_t process_of(const struct sl_command *command, pid_t id)
{
    char path[64], text[4096];

    (void) snprintf(path, sizeof path, "/proc/%ld/status", (long) id);
    if (!sl_file_read(path, text, sizeof text))
        return id;
    const char *group = strstr(text, "\nTgid:");
    pid_t process = group ? (pid_t) strtol(group + strlen("\nTgid:"), NULL, 10) : id;
    if (process != id)
        (void) fprintf(stderr, "strandline %s: %ld is a thread of process %ld\n", command->name,
                       (long) id, (long) process);
    return process;
}

static void give_up(int signal)
{
    static const char text[] = "strandline: the process could not be looked at in time\n";

    (void) signal;
    (void) !write(STDERR_FILENO, text, sizeof text - 1);
    _exit(SL_EXIT_UNMEASURED);
}

/*
 * A look ends by itself.  But a process that wins a race may have us wait where nobody returns:
 * memory that it takes away from under a read, and answers for itself.
 */
static void watch_time(const struct sl_snapshot_opts *opts)
{
    const uint64_t limit_ns = opts->max_time_ns ? opts->max_time_ns : DEFAULT_TIME_NS;

    (void) signal(SIGALRM, give_up);
    (void) alarm((unsigned) SL_MIN(limit_ns / SL_NS_PER_S + GRACE_S, (uint64_t) INT_MAX));
}

static enum sl_status take(const struct snapshot_request *request,
                           struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    const pid_t process = process_of(request->command, request->pid);
    struct sl_error why = {0};

    if (!request->native) {
        enum sl_status status = sl_goroutines_take(process, &request->opts, ret_snapshot, &why);
        if (!status)
            return SL_OK;
        /* Of a process that is gone, or not to be read, the next look says so. */
        if (status != SL_ENOENT && status != SL_EGONE && status != SL_EPERM)
            (void) fprintf(stderr, "strandline %s: threads only: %s\n", request->command->name,
                           why.text);
    }
    return sl_snapshot_take(process, &request->opts, ret_snapshot, err);
}

enum sl_status snapshot_process_take(const struct snapshot_request *request,
                                     struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    watch_time(&request->opts);
    enum sl_status status = take(request, ret_snapshot, err);
    (void) alarm(0);
    return status;
}
