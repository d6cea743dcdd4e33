/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/children.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fail.h"
#include "base/grow.h"
#include "harness/process/processes.h"

void children_release(struct children *children)
{
    free(children->pids);
    *children = (struct children){0};
}

static bool add_child(struct children *children, pid_t pid)
{
    if (!sl_grow(&children->pids, &children->capacity, children->n + 1))
        return false;
    children->pids[children->n++] = pid;
    return true;
}

/* Of one thread: "12 34 ".  @return false when memory is short */
static bool read_children(FILE *file, struct children *children)
{
    long pid;
    bool ok = true;

    while (ok && fscanf(file, "%ld", &pid) == 1)
        ok = add_child(children, (pid_t) pid);
    return ok;
}

/* Where the kernel keeps no lists of children. */
static enum sl_status scan_for_children(struct children *children, struct sl_error *err)
{
    SL_AUTO(processes) struct processes *all = NULL;
    enum sl_status status = processes_list(&all, err);

    for (size_t i = 0; !status && i < all->n; i++)
        if (all->entries[i].ppid == getpid() && !add_child(children, all->entries[i].pid))
            status = sl_fail(err, SL_ENOMEM, "out of memory for a list of processes");
    return status;
}

enum sl_status children_list(struct children *ret_children, struct sl_error *err)
{
    DIR *tasks = opendir("/proc/self/task");
    bool ok = true, listed = false;

    ret_children->n = 0;
    /* Every thread has its own: the kernel's way of saying which one made them. */
    for (const struct dirent *at; tasks && ok && (at = readdir(tasks));) {
        char path[64];
        (void) snprintf(path, sizeof path, "/proc/self/task/%.16s/children", at->d_name);
        FILE *file = at->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (!file)
            continue;
        listed = true;
        ok = read_children(file, ret_children);
        (void) fclose(file);
    }
    if (tasks)
        (void) closedir(tasks);
    if (!ok)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of processes");
    return listed ? SL_OK : scan_for_children(ret_children, err);
}

/*
 * With its group, which the kernel kills in one step that no fork can outrun; a group of our own
 * session may hold processes of the user's.
 */
static void kill_child(pid_t pid)
{
    pid_t group = getpgid(pid);

    if (group > 1 && getsid(pid) != getsid(0))
        (void) kill(-group, SIGKILL);
    (void) kill(pid, SIGKILL);
}

/* What has ended is told of, if it was killed, before its number can be anybody else's. */
static void reap_child(pid_t pid, struct sl_ended *ended)
{
    siginfo_t info = {0};
    struct processes_entry entry = {0};

    if (waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || !info.si_pid)
        return;
    if (info.si_code == CLD_KILLED && info.si_status == SIGKILL && ended->n++ < SL_ENDED_NAMED) {
        (void) processes_read(pid, &entry);
        ended->named[ended->n - 1].pid = pid;
        memcpy(ended->named[ended->n - 1].name, entry.name, sizeof entry.name);
    }
    (void) waitpid(pid, NULL, WNOHANG | __WALL);
}

static bool is_spared(const struct children *spared, pid_t pid)
{
    for (size_t i = 0; i < spared->n; i++)
        if (spared->pids[i] == pid)
            return true;
    return false;
}

size_t children_end_round(const struct children *spared, struct sl_ended *ended)
{
    SL_CLEANUP(children_release) struct children now = {0};
    size_t n = 0;

    if (children_list(&now, NULL))
        return 1;
    for (size_t i = 0; i < now.n; i++)
        if (!is_spared(spared, now.pids[i])) {
            kill_child(now.pids[i]);
            n++;
        }
    for (size_t i = 0; i < now.n; i++)
        if (!is_spared(spared, now.pids[i]))
            reap_child(now.pids[i], ended);
    return n;
}
