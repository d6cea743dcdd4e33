/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/observe/observe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/wake.h"
#include "harness/leak/leak.h"
#include "harness/snapshot/target/tasks.h"

/* A line "KEY:   NUMBER kB" of /proc/PID/status, in bytes. */
static struct sl_value read_status_kib(pid_t pid, const char *key, const char *missing)
{
    char path[64], line[256];
    uint64_t kib;
    size_t length = strlen(key);

    (void) snprintf(path, sizeof path, "/proc/%ld/status", (long) pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return SL_MISSING_VALUE(missing);
    struct sl_value value = SL_MISSING_VALUE(missing);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) == 0 && line[length] == ':' &&
            sscanf(line + length + 1, "%" SCNu64, &kib) == 1) {
            value = SL_VALUE(kib * 1024);
            break;
        }
    }
    (void) fclose(file);
    return value;
}

struct sl_value sl_observe_rss_peak(pid_t pid)
{
    return read_status_kib(pid, "VmHWM", "the kernel did not give the peak memory");
}

struct sl_value sl_observe_rss(pid_t pid)
{
    return read_status_kib(pid, "VmRSS", "the kernel did not give the memory in use");
}

struct sl_value sl_observe_fds(pid_t pid)
{
    char path[64];
    uint64_t n_fds = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/fd", (long) pid);
    DIR *directory = opendir(path);
    if (!directory)
        return SL_MISSING_VALUE("the descriptors of the subject could not be listed");
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            n_fds++;
    (void) closedir(directory);
    return SL_VALUE(n_fds);
}

enum sl_status sl_observe_pause(int wake_fd, uint64_t duration_ns, struct sl_error *err)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN}; /* poll ignores a negative fd */
    struct timespec duration = sl_clock_to_timespec(duration_ns);
    return ppoll(&wake, 1, &duration, NULL) > 0 ? sl_wake_look(wake.revents, err) : SL_OK;
}

static bool is_library_thread(const struct sl_snapshot *snapshot, const struct sl_task *task,
                              const char *const *modules)
{
    const struct sl_thread *thread = sl_snapshot_find(snapshot, task->tid);
    return thread && thread->start_time == task->start_time && thread->stack &&
           sl_leak_is_library(thread->stack, modules);
}

static enum sl_status start_settle(const struct sl_snapshot *start, uint64_t closed_ns,
                                   uint64_t window_ns, struct sl_settle **ret_settle,
                                   struct sl_error *err)
{
    SL_AUTO_FREE struct sl_settle_thread *baseline = calloc(start->n_threads + 1, sizeof *baseline);
    if (!baseline)
        return sl_fail(err, SL_ENOMEM, "out of memory for the baseline threads");
    for (size_t i = 0; i < start->n_threads; i++) {
        baseline[i].tid = (pid_t) start->threads[i].id;
        baseline[i].start_time = start->threads[i].start_time;
        memcpy(baseline[i].name, start->threads[i].name, sizeof baseline[i].name);
    }
    return sl_settle_new(baseline, start->n_threads, closed_ns, window_ns, ret_settle, err);
}

/* One look at the subject's threads. */
static enum sl_status feed_settle(struct sl_settle *settle, pid_t pid,
                                  const struct sl_snapshot *closed, const char *const *modules,
                                  struct sl_settle_step *ret_step, struct sl_error *err)
{
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
    enum sl_status s = sl_tasks_list(pid, &tasks, err);
    if (s)
        return s;
    uint64_t now = sl_clock_now_ns();
    SL_AUTO_FREE struct sl_settle_thread *threads = calloc(tasks->n_tasks + 1, sizeof *threads);
    if (!threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", tasks->n_tasks);
    for (size_t i = 0; i < tasks->n_tasks; i++) {
        const struct sl_task *task = &tasks->tasks[i];
        threads[i].tid = task->tid;
        threads[i].start_time = task->start_time;
        threads[i].library = is_library_thread(closed, task, modules);
        memcpy(threads[i].name, task->name, sizeof threads[i].name);
    }
    return sl_settle_feed(settle, now, threads, tasks->n_tasks, ret_step, err);
}

enum sl_status sl_observe_settle(pid_t pid, const struct sl_snapshot *start,
                                 const struct sl_snapshot *closed, const char *const *modules,
                                 uint64_t closed_ns, uint64_t window_ns, int wake_fd,
                                 struct sl_arena *arena, const struct sl_late_thread **ret_late,
                                 size_t *ret_n_late, struct sl_error *err)
{
    SL_AUTO(sl_settle) struct sl_settle *settle = NULL;
    enum sl_status s = start_settle(start, closed_ns, window_ns, &settle, err);

    for (struct sl_settle_step step = {0}; !s && !step.done;) {
        s = feed_settle(settle, pid, closed, modules, &step, err);
        if (!s && !step.done)
            s = sl_observe_pause(wake_fd, step.wait_ns, err);
    }
    if (s)
        return s;

    const struct sl_late_thread *late;
    size_t n_late;
    sl_settle_late(settle, &late, &n_late);
    struct sl_late_thread *copy = sl_arena_array(arena, n_late, sizeof *copy);
    if (!copy)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu late threads", n_late);
    if (n_late)
        memcpy(copy, late, n_late * sizeof *copy);
    *ret_late = copy;
    *ret_n_late = n_late;
    return SL_OK;
}

void sl_observe_library_exit(pid_t pid, const struct sl_snapshot *settled,
                             const char *const *modules, uint64_t window_ns)
{
    uint64_t deadline = sl_clock_now_ns() + window_ns;

    for (uint64_t wait_ns = SL_NS_PER_MS; sl_clock_now_ns() < deadline; wait_ns *= 2) {
        SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
        bool stays = false;
        if (sl_tasks_list(pid, &tasks, NULL))
            return;
        for (size_t i = 0; i < tasks->n_tasks && !stays; i++)
            stays = is_library_thread(settled, &tasks->tasks[i], modules);
        if (!stays)
            return;
        sl_clock_sleep_ns(SL_MIN(wait_ns, 50 * SL_NS_PER_MS));
    }
}
