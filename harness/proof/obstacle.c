/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/obstacle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/grow.h"
#include "harness/snapshot/target/digits.h"

#define MAX_TEXT ((size_t) 16 << 20)
#define BIT(n)   (UINT64_C(1) << ((n) -1))
#define QUEUES   0x19800202 /* MQUEUE_MAGIC of ipc/mqueue.c in the kernel */

/* Of the C library itself: they end threads and change users, and touch nothing of the program. */
#define OWN_SIGNALS (BIT(32) | BIT(33))

/* Their values are never pointers, for nobody but the kernel sends them. */
#define PLAIN_SIGNALS (BIT(SIGCHLD) | BIT(SIGWINCH) | BIT(SIGCONT) | BIT(SIGURG))

static const char out_of_memory[] = "memory was short";

static bool keep(struct proof_kernel *kernel, uint64_t word)
{
    if (!sl_grow(&kernel->words, &kernel->capacity, kernel->n_words + 1))
        return false;
    kernel->words[kernel->n_words++] = word;
    return true;
}

/* The hexadecimal number behind each `mark` that stands in a line which begins with `start`. */
static bool
parse_marked(const char *text, const char *start, const char *mark, struct proof_kernel *kernel)
{
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
        end = strchrnul(line, '\n');
        const char *at = strstr(line, mark);
        uint64_t value;
        if (strncmp(line, start, strlen(start)) != 0 || !at || at >= end)
            continue;
        at += strlen(mark);
        at += strspn(at, " ");
        if (sl_digits_hex(&at, &value) && !keep(kernel, value))
            return false;
    }
    return true;
}

/* "tfd:        5 events:       19 data:     7ffc0f00ab10  pos:0 ino:61 sdev:15" */
bool obstacle_parse_epoll(const char *text, struct proof_kernel *kernel)
{
    return parse_marked(text, "tfd:", "data:", kernel);
}

/* "signal: 60/00007fff86e452a8" */
bool obstacle_parse_timers(const char *text, struct proof_kernel *kernel)
{
    return parse_marked(text, "signal:", "/", kernel);
}

/* The whole file, of a thread that lives; NULL: can not be read. */
static char *read_text(const struct sl_target *target, const char *file)
{
    char path[NAME_MAX + 64], *text;
    size_t size;

    (void) snprintf(path, sizeof path, "%ld/%s", (long) target->tid, file);
    SL_AUTO_FD int fd = openat(target->task_fd, path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && sl_file_read_all(fd, MAX_TEXT, &text, &size) ? text : NULL;
}

static bool is_on_queues(const struct sl_target *target, const char *name)
{
    struct statfs of;
    char path[NAME_MAX + 64];

    (void) snprintf(path, sizeof path, "/proc/%ld/fd/%s", (long) target->tid, name);
    return statfs(path, &of) == 0 && of.f_type == QUEUES;
}

static bool is_zero(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);
    return at && at[strlen(mark)] == '0';
}

/* "QSIZE:0          NOTIFY:2     SIGNO:0     NOTIFY_PID:812" */
bool obstacle_parse_queue(const char *text)
{
    return !is_zero(text, "QSIZE:") || !is_zero(text, "NOTIFY_PID:");
}

/* With messages, or the process is to be told of the next, with a pointer that is not to be seen.
 */
static bool is_used_queue(const struct sl_target *target, const char *link, const char *name)
{
    char file[NAME_MAX + 16];

    /* Its files lie in no folder; others are not touched. */
    if (link[0] != '/' || strchr(link + 1, '/') || !is_on_queues(target, name))
        return false;
    (void) snprintf(file, sizeof file, "fd/%s", name);
    SL_AUTO_FREE char *text = read_text(target, file);
    return !text || obstacle_parse_queue(text);
}

static const char *look_at_descriptor(const struct sl_target *target, int folder, const char *name,
                                      struct proof_kernel *kernel)
{
    char link[NAME_MAX + 16], file[NAME_MAX + 16];
    ssize_t got = readlinkat(folder, name, link, sizeof link - 1);

    link[got > 0 ? got : 0] = '\0';
    if (strcmp(link, "anon_inode:[io_uring]") == 0)
        return "it uses io_uring, and what the kernel holds of it is not known";
    if (strcmp(link, "anon_inode:[userfaultfd]") == 0)
        return "it answers for memory itself (userfaultfd)";
    if (is_used_queue(target, link, name))
        return "messages wait in a message queue, or the kernel is to tell of the next";
    if (strcmp(link, "anon_inode:[eventpoll]") != 0)
        return NULL;
    (void) snprintf(file, sizeof file, "fdinfo/%s", name);
    SL_AUTO_FREE char *text = read_text(target, file);
    if (!text)
        return "what its epoll descriptors hold could not be read";
    return obstacle_parse_epoll(text, kernel) ? NULL : out_of_memory;
}

static const char *look_at_descriptors(const struct sl_target *target, struct proof_kernel *kernel)
{
    const char *reason = NULL;
    char path[32];

    (void) snprintf(path, sizeof path, "%ld/fd", (long) target->tid);
    int fd = openat(target->task_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            (void) close(fd);
        return "its descriptors could not be read";
    }
    for (struct dirent *entry; !reason && (entry = readdir(folder));) {
        if (sl_budget_is_over(target->budget))
            reason = "the time of the look was over";
        else if (entry->d_name[0] != '.')
            reason = look_at_descriptor(target, dirfd(folder), entry->d_name, kernel);
    }
    (void) closedir(folder);
    return reason;
}

/* What the kernel fills or empties while nobody runs. */
static const char *look_at_maps(const struct sl_maps *maps)
{
    for (size_t i = 0; i < maps->n_mappings; i++) {
        const char *path = maps->mappings[i].path;
        if (path && strcmp(path, "anon_inode:[io_uring]") == 0)
            return "it uses io_uring, and what the kernel holds of it is not known";
        if (path && strcmp(path, "/[aio]") == 0)
            return "it uses asynchronous I/O of the kernel";
    }
    return NULL;
}

static const char *look_at_timers(const struct sl_target *target, struct proof_kernel *kernel)
{
    char path[32];

    /* A file of the process alone. */
    (void) snprintf(path, sizeof path, "/proc/%ld/timers", (long) target->pid);
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    SL_AUTO_FREE char *text = NULL;
    size_t size;
    if (fd < 0 || !sl_file_read_all(fd, MAX_TEXT, &text, &size))
        return "its timers could not be read";
    return obstacle_parse_timers(text, kernel) ? NULL : out_of_memory;
}

static const char *look_at_signals(struct proof_threads *threads)
{
    char text[8192];
    uint64_t handled;

    if (sl_target_read(threads->context.target, 0, "status", text, sizeof text) <= 0)
        return "its signals could not be read";
    const char *at = strstr(text, "\nSigCgt:\t");
    if (at)
        at += strlen("\nSigCgt:\t");
    if (!at || !sl_digits_hex(&at, &handled))
        return "its signals could not be read";
    threads->signals_handled = handled & ~OWN_SIGNALS;
    for (size_t i = 0; i < threads->n_threads; i++)
        if (threads->threads[i].sighting.signals_pending & ~PLAIN_SIGNALS)
            return "signals wait to be delivered";
    return NULL;
}

const char *obstacle_find(struct proof_threads *threads, const struct sl_maps *maps,
                          struct proof_kernel *kernel)
{
    const struct sl_target *target = threads->context.target;
    const char *reason = look_at_maps(maps);

    if (!reason && threads->n_memory_users > threads->n_threads)
        reason = "another process has the same memory";
    if (!reason)
        reason = look_at_signals(threads);
    if (!reason)
        reason = look_at_descriptors(target, kernel);
    return reason ? reason : look_at_timers(target, kernel);
}

void obstacle_release(struct proof_kernel *kernel)
{
    free(kernel->words);
    *kernel = (struct proof_kernel){0};
}
