/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/macros.h"
#include "harness/snapshot/digits.h"

#define MAX_TID_DIGITS 10

static bool is_alive(const struct sl_target *target, pid_t tid)
{
    struct sl_stat stat;
    return sl_target_stat(target, tid, &stat) == 0 && stat.state != 'Z' && stat.state != 'X';
}

/*
 * schedstat counts nothing on kernels without its accounting.  Sleeping takes this
 * thread off its CPU at least once, so a counter that then stands still is not kept.
 */
void sl_target_choose_counter(struct sl_target *target)
{
    const struct timespec nap = {.tv_nsec = 1000};
    struct sl_target self = {.task_fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                             .counter = SL_COUNTER_SCHEDSTAT};
    struct sl_run_count before, after;
    bool moves = false;

    if (self.task_fd >= 0 && sl_target_run_count(&self, gettid(), &before) == 0) {
        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
        moves =
            sl_target_run_count(&self, gettid(), &after) == 0 && after.switches > before.switches;
    }
    sl_target_release(&self);
    target->counter = moves ? SL_COUNTER_SCHEDSTAT : SL_COUNTER_STATUS;
}

enum sl_status sl_target_open(pid_t pid, struct sl_target *ret_target, struct sl_error *err)
{
    char path[64];
    (void) snprintf(path, sizeof path, "/proc/%ld/task", (long) pid);
    int task_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (task_fd < 0) {
        if (errno == ENOENT)
            return sl_fail(err, SL_EGONE, "no process %ld", (long) pid);
        return sl_fail_errno(err, "cannot open '%s'", path);
    }
    struct sl_target target = {.pid = pid,
                               .tid = pid,
                               .task_fd = task_fd,
                               .self = pid == getpid(),
                               .counter = SL_COUNTER_STATUS};
    if (!is_alive(&target, pid) && !sl_target_revive(&target)) {
        sl_target_release(&target);
        return sl_fail(err, SL_EGONE, "process %ld has ended", (long) pid);
    }
    *ret_target = target;
    return SL_OK;
}

void sl_target_release(struct sl_target *target)
{
    if (target->task_fd >= 0)
        (void) close(target->task_fd);
    target->task_fd = -1;
}

bool sl_target_revive(struct sl_target *target)
{
    SL_AUTO_FREE pid_t *tids = NULL;
    size_t n_tids = 0;

    if (sl_target_list(target, &tids, &n_tids, NULL))
        return false;
    for (size_t i = 0; i < n_tids; i++) {
        if (is_alive(target, tids[i])) {
            target->tid = tids[i];
            return true;
        }
    }
    return false;
}

static int compare_tids(const void *left, const void *right)
{
    pid_t a = *(const pid_t *) left, b = *(const pid_t *) right;
    return (a > b) - (a < b);
}

enum sl_status sl_target_list(const struct sl_target *target, pid_t **ret_tids, size_t *ret_n_tids,
                              struct sl_error *err)
{
    SL_AUTO_FREE pid_t *tids = NULL;
    size_t n = 0, capacity = 0;
    enum sl_status status = SL_OK;

    /* A descriptor of its own: the position of task_fd is not ours to move twice. */
    int fd = openat(target->task_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        if (errno == ENOENT || errno == ESRCH)
            status = sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
        else
            status =
                sl_fail_errno(err, "cannot list the threads of process %ld", (long) target->pid);
        if (fd >= 0)
            (void) close(fd);
        return status;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        long tid = strtol(entry->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        if (!sl_grow(&tids, &capacity, n + 1)) {
            status = sl_fail(err, SL_ENOMEM, "list of threads");
            break;
        }
        tids[n++] = (pid_t) tid;
    }
    (void) closedir(directory);
    if (status)
        return status;
    if (!n)
        return sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
    qsort(tids, n, sizeof *tids, compare_tids);
    *ret_tids = SL_TAKE(tids);
    *ret_n_tids = n;
    return SL_OK;
}

static int open_file(const struct sl_target *target, pid_t tid, const char *file)
{
    char path[64], *start = path + MAX_TID_DIGITS;
    size_t length = strlen(file) + 1;

    if (length > sizeof path - MAX_TID_DIGITS - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    /* By hand: three times for each thread. */
    start[0] = '/';
    memcpy(start + 1, file, length);
    unsigned digits = (unsigned) (tid ? tid : target->tid);
    do
        *--start = (char) ('0' + digits % 10);
    while (digits /= 10);
    return openat(target->task_fd, start, O_RDONLY | O_CLOEXEC);
}

ssize_t sl_target_read(const struct sl_target *target, pid_t tid, const char *file, char *buffer,
                       size_t size)
{
    int fd = open_file(target, tid, file);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t got = read(fd, buffer, size - 1);
    int error = errno;
    (void) close(fd);
    if (got < 0)
        return -error;
    buffer[got] = '\0';
    return got;
}

static enum sl_status read_to_end(int fd, char **ret_text, size_t *ret_size)
{
    SL_AUTO_FREE char *text = NULL;
    size_t size = 0, capacity = 0;

    for (;;) {
        if (!sl_grow(&text, &capacity, size + 32768)) {
            errno = ENOMEM;
            return SL_ENOMEM;
        }
        ssize_t got = read(fd, text + size, capacity - size - 1);
        if (got < 0)
            return SL_ESYS;
        if (!got)
            break;
        size += (size_t) got;
    }
    text[size] = '\0';
    *ret_text = SL_TAKE(text);
    *ret_size = size;
    return SL_OK;
}

enum sl_status sl_target_read_all(struct sl_target *target, const char *file, char **ret_text,
                                  size_t *ret_size, struct sl_error *err)
{
    /* The thread may have ended since it was chosen; its successor is asked once. */
    for (int attempt = 0;; attempt++) {
        SL_AUTO_FD int fd = open_file(target, 0, file);
        enum sl_status status = fd < 0 ? SL_ESYS : read_to_end(fd, ret_text, ret_size);
        if (!status)
            return SL_OK;
        int error = errno;
        if ((error == ENOENT || error == ESRCH) && attempt == 0 && sl_target_revive(target))
            continue;
        if (error == ENOENT || error == ESRCH)
            return sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
        errno = error;
        return sl_fail_errno(err, "cannot read '/proc/%ld/%s'", (long) target->pid, file);
    }
}

bool sl_stat_parse(const char *text, struct sl_stat *ret_stat)
{
    struct sl_stat stat = {0};
    const char *open = strchr(text, '('), *close = strrchr(text, ')'); /* comm may hold both */

    if (!open || !close || close < open || close[1] != ' ' || !close[2])
        return false;
    size_t length = SL_MIN((size_t) (close - open - 1), sizeof stat.name - 1);
    memcpy(stat.name, open + 1, length);
    stat.state = close[2];

    /* Fields are counted as in proc(5): state is the 3rd, utime 14, stime 15, starttime 22. */
    const char *at = close + 3;
    for (int field = 4; field <= 22; field++) {
        uint64_t value;
        if (*at++ != ' ')
            return false;
        if (field != 14 && field != 15 && field != 22) {
            at += strcspn(at, " ");
            continue;
        }
        if (!sl_digits_decimal(&at, &value))
            return false;
        if (field == 22)
            stat.start_time = value;
        else
            stat.cpu_ticks += value;
    }
    *ret_stat = stat;
    return true;
}

bool sl_schedstat_parse(const char *text, struct sl_run_count *ret_count)
{
    uint64_t values[3];
    for (size_t i = 0; i < SL_COUNT_OF(values); i++)
        if ((i && *text++ != ' ') || !sl_digits_decimal(&text, &values[i]))
            return false;
    *ret_count = (struct sl_run_count){.cpu_ns = values[0], .switches = values[2]};
    return true;
}

static bool find_field(const char *text, const char *name, uint64_t *ret_value)
{
    const char *at = strstr(text, name);
    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, "\t ");
    return sl_digits_decimal(&at, ret_value);
}

bool sl_status_parse(const char *text, struct sl_run_count *ret_count)
{
    uint64_t voluntary, involuntary;
    if (!find_field(text, "\nvoluntary_ctxt_switches:", &voluntary) ||
        !find_field(text, "\nnonvoluntary_ctxt_switches:", &involuntary))
        return false;
    *ret_count = (struct sl_run_count){.switches = voluntary + involuntary};
    return true;
}

enum sl_syscall_state sl_syscall_parse(const char *text, struct sl_syscall *ret_syscall)
{
    struct sl_syscall call = {0};
    uint64_t number, values[8];
    size_t n = 0;

    if (strncmp(text, "running", 7) == 0)
        return SL_SYSCALL_RUNNING;
    bool outside = *text == '-';
    text += outside;
    if (!sl_digits_decimal(&text, &number))
        return SL_SYSCALL_MALFORMED;
    call.nr = outside ? -1 : (int32_t) number;
    for (; n < SL_COUNT_OF(values) && *text == ' '; n++) {
        if (strncmp(text, " 0x", 3) != 0)
            return SL_SYSCALL_MALFORMED;
        text += 3;
        if (!sl_digits_hex(&text, &values[n]))
            return SL_SYSCALL_MALFORMED;
    }
    /* In a call: six arguments, SP, PC.  Outside: SP, PC. */
    if (n != (call.nr == -1 ? 2 : 8))
        return SL_SYSCALL_MALFORMED;
    call.sp = values[n - 2];
    call.pc = values[n - 1];
    if (n == 8)
        memcpy(call.args, values, sizeof call.args);
    *ret_syscall = call;
    return SL_SYSCALL_BLOCKED;
}

int sl_target_stat(const struct sl_target *target, pid_t tid, struct sl_stat *ret_stat)
{
    char text[1024];
    ssize_t got = sl_target_read(target, tid, "stat", text, sizeof text);
    if (got <= 0)
        return got ? (int) got : -ESRCH;
    return sl_stat_parse(text, ret_stat) ? 0 : -EIO;
}

int sl_target_open_counter(const struct sl_target *target, pid_t tid)
{
    bool schedstat = target->counter == SL_COUNTER_SCHEDSTAT;
    int fd = open_file(target, tid, schedstat ? "schedstat" : "status");
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    return fd;
}

int sl_target_read_counter(const struct sl_target *target, int fd, struct sl_run_count *ret_count)
{
    char text[4096];
    bool schedstat = target->counter == SL_COUNTER_SCHEDSTAT;
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    if (got <= 0)
        return got ? -errno : -ESRCH;
    text[got] = '\0';
    return (schedstat ? sl_schedstat_parse : sl_status_parse)(text, ret_count) ? 0 : -EIO;
}

int sl_target_run_count(const struct sl_target *target, pid_t tid, struct sl_run_count *ret_count)
{
    SL_AUTO_FD int fd = sl_target_open_counter(target, tid);
    return fd < 0 ? fd : sl_target_read_counter(target, fd, ret_count);
}

pid_t sl_target_tracer(const struct sl_target *target, pid_t tid)
{
    char text[4096];
    uint64_t tracer;

    if (sl_target_read(target, tid, "status", text, sizeof text) <= 0 ||
        !find_field(text, "\nTracerPid:", &tracer))
        return 0;
    return (pid_t) tracer;
}

int sl_target_spare_fds(void)
{
    struct rlimit limit;
    int n_open = 0;
    DIR *directory = opendir("/proc/self/fd");

    if (!directory || getrlimit(RLIMIT_NOFILE, &limit))
        n_open = INT_MAX;
    while (directory && readdir(directory))
        n_open++;
    if (directory)
        (void) closedir(directory);
    if (n_open == INT_MAX || limit.rlim_cur <= (rlim_t) n_open)
        return 0;
    return (int) SL_MIN(limit.rlim_cur - (rlim_t) n_open, (rlim_t) INT_MAX);
}
