/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/target.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/macros.h"
#include "harness/snapshot/target/digits.h"

#define MAX_TID_DIGITS 10

/* The kernel's PF_KTHREAD and PF_EXITING. */
#define FLAG_KERNEL  0x200000
#define FLAG_EXITING 0x4

/* @return 0 when the thread lives; -ESRCH when it has ended; else why that is not known */
static int ask_alive(const struct sl_target *target, pid_t tid, struct sl_stat *ret_stat)
{
    int error = sl_target_stat(target, tid, ret_stat);
    if (error)
        return error;
    return ret_stat->state == 'Z' || ret_stat->state == 'X' ? -ESRCH : 0;
}

#define MAX_NAPS 8

/*
 * schedstat counts nothing on kernels without its accounting.  Sleeping takes this thread off its
 * CPU, unless the sleep was over before that: a counter that stands still over several is not kept.
 */
void sl_target_choose_counter(struct sl_target *target)
{
    const struct timespec nap = {.tv_nsec = 1000};
    struct sl_target self = {.task_fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                             .counter = SL_COUNTER_SCHEDSTAT};
    struct sl_run_count before, after;
    bool moves = false;

    bool counts = self.task_fd >= 0 && sl_target_run_count(&self, gettid(), &before) == 0;
    for (int i = 0; counts && !moves && i < MAX_NAPS; i++) {
        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
        counts = sl_target_run_count(&self, gettid(), &after) == 0;
        moves = counts && after.switches > before.switches;
    }
    sl_target_release(&self);
    target->counter = moves ? SL_COUNTER_SCHEDSTAT : SL_COUNTER_STATUS;
}

/* Ids mean other processes in the /proc of another pid namespace; their memory would be read. */
static enum sl_status check_proc(struct sl_error *err)
{
    char self[32];
    struct statfs file_system;

    ssize_t length = readlink("/proc/self", self, sizeof self - 1);
    if (length < 0 && errno != ENOENT)
        return sl_fail_errno(err, "cannot read '/proc/self'");
    if (length < 0 && (statfs("/proc", &file_system) || file_system.f_type != PROC_SUPER_MAGIC))
        return sl_fail(err, SL_ENOTSUP, "'/proc' is not mounted");
    self[length > 0 ? length : 0] = '\0';
    if (strtol(self, NULL, 10) != getpid())
        return sl_fail(err, SL_ENOTSUP,
                       "'/proc' shows another pid namespace than that of this process");
    return SL_OK;
}

/* Why /proc has no such process. */
static enum sl_status refuse_missing(pid_t pid, struct sl_error *err)
{
    if (kill(pid, 0) == 0 || errno == EPERM)
        return sl_fail(err, SL_EPERM, "'/proc' hides process %ld from this user", (long) pid);
    return sl_fail(err, SL_EGONE, "no process %ld", (long) pid);
}

/* A thread that lives stands for the process. */
static enum sl_status find_alive(struct sl_target *target, struct sl_error *err)
{
    struct sl_stat stat = {0};

    int error = ask_alive(target, target->pid, &stat);
    if (stat.kernel)
        return sl_fail(err, SL_ENOTSUP, "process %ld is a thread of the kernel",
                       (long) target->pid);
    if (!error)
        return SL_OK;
    if (error == -ESRCH && sl_target_revive(target))
        return SL_OK;
    /* Who can not list threads can not tell either whether one lives. */
    SL_AUTO_FREE pid_t *tids = NULL;
    size_t n_tids;
    enum sl_status status = error == -ESRCH ? sl_target_list(target, &tids, &n_tids, err) : SL_OK;
    if (status)
        return status;
    if (error == -ESRCH)
        return sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
    errno = -error;
    return sl_fail_errno(err, "cannot read '/proc/%ld/stat'", (long) target->pid);
}

static enum sl_status find_owner(struct sl_target *target, struct sl_error *err)
{
    char text[4096];

    ssize_t got = sl_target_read(target, 0, "status", text, sizeof text);
    if (got == -ESRCH)
        return sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
    errno = got < 0 ? (int) -got : EIO;
    if (got < 0 || !sl_owner_parse(text, &target->owner))
        return sl_fail_errno(err, "cannot read '/proc/%ld/status'", (long) target->pid);
    return SL_OK;
}

enum sl_status sl_target_open(pid_t pid, struct sl_target *ret_target, struct sl_error *err)
{
    char path[64];

    enum sl_status status = check_proc(err);
    if (status)
        return status;
    (void) snprintf(path, sizeof path, "/proc/%ld/task", (long) pid);
    int task_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (task_fd < 0)
        return errno == ENOENT || errno == ESRCH ? refuse_missing(pid, err)
                                                 : sl_fail_errno(err, "cannot open '%s'", path);
    struct sl_target target = {.pid = pid,
                               .tid = pid,
                               .task_fd = task_fd,
                               .self = pid == getpid(),
                               .counter = SL_COUNTER_STATUS};
    status = find_alive(&target, err);
    if (!status)
        status = find_owner(&target, err);
    if (status) {
        sl_target_release(&target);
        return status;
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
        struct sl_stat stat;
        if (!ask_alive(target, tids[i], &stat)) {
            target->tid = tids[i];
            return true;
        }
    }
    return false;
}

size_t sl_target_count(const struct sl_target *target)
{
    struct stat directory;

    /* Each has a folder there. */
    if (fstat(target->task_fd, &directory) || directory.st_nlink < 2)
        return 0;
    return directory.st_nlink - 2;
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
        if (n % 1024 == 1023 && sl_budget_is_over(target->budget)) {
            status = sl_fail(err, SL_ETIMEDOUT, "process %ld has more threads than can be listed",
                             (long) target->pid);
            break;
        }
        if (!sl_grow(&tids, &capacity, n + 1)) {
            status = sl_fail(err, SL_ENOMEM, "out of memory for list of threads");
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

enum sl_status sl_target_read_all(struct sl_target *target, const char *file, char **ret_text,
                                  size_t *ret_size, struct sl_error *err)
{
    const uint64_t most =
        SL_MIN(sl_budget_left(target->budget, SL_BUDGET_MEMORY) / 4, (uint64_t) SIZE_MAX / 4);

    /* The thread may have ended since it was chosen; its successor is asked once. */
    for (int attempt = 0;; attempt++) {
        SL_AUTO_FD int fd = open_file(target, 0, file);
        char *text;
        if (fd >= 0 && sl_file_read_all(fd, most + 1, &text, ret_size)) {
            /* Of one that ended just now the files of its memory are there, and empty. */
            if (!*ret_size && attempt == 0 && sl_target_revive(target)) {
                free(text);
                continue;
            }
            if (*ret_size <= most) {
                *ret_text = text;
                return SL_OK;
            }
            free(text);
            return sl_fail(err, SL_ELIMIT, "'/proc/%ld/%s' is larger than a look may read",
                           (long) target->pid, file);
        }
        int error = errno;
        if ((error == ENOENT || error == ESRCH) && attempt == 0 && sl_target_revive(target))
            continue;
        if (error == ENOENT || error == ESRCH)
            return sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
        errno = error;
        return sl_fail_errno(err, "cannot read '/proc/%ld/%s'", (long) target->pid, file);
    }
}

uint64_t sl_target_auxiliary(struct sl_target *target, uint64_t type)
{
    SL_AUTO_FREE char *content = NULL;
    size_t size;
    Elf64_auxv_t entry;

    if (sl_target_read_all(target, "auxv", &content, &size, NULL))
        return 0;
    for (size_t at = 0; at + sizeof entry <= size; at += sizeof entry) {
        memcpy(&entry, content + at, sizeof entry);
        if (entry.a_type == type)
            return entry.a_un.a_val;
    }
    return 0;
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

    /* As in proc(5): state is field 3, flags 9, utime 14, stime 15, starttime 22. */
    const char *at = close + 3;
    for (int field = 4; field <= 22; field++) {
        uint64_t value;
        if (*at++ != ' ')
            return false;
        if (field != 9 && field != 14 && field != 15 && field != 22) {
            at += strcspn(at, " ");
            continue;
        }
        if (!sl_digits_decimal(&at, &value))
            return false;
        if (field == 9) {
            stat.kernel = value & FLAG_KERNEL;
            stat.exiting = value & FLAG_EXITING;
        } else if (field == 22) {
            stat.start_time = value;
        } else {
            stat.cpu_ticks += value;
        }
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
