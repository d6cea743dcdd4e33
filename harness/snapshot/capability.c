/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/capability.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/macros.h"
#include "harness/model/snapshot.h"

/* The number behind a name at the start of a line. */
static bool find_number(const char *text, const char *name, int base, uint64_t *ret_number)
{
    const char *at = strstr(text, name);
    char *end;

    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, " \t");
    errno = 0;
    unsigned long long number = strtoull(at, &end, base);
    if (end == at || *at == '-' || errno)
        return false;
    *ret_number = number;
    return true;
}

bool sl_permissions_parse_status(const char *text, struct sl_permissions *permissions)
{
    uint64_t capabilities, seccomp, no_new_privileges;

    if (!find_number(text, "\nCapEff:", 16, &capabilities) ||
        !find_number(text, "\nSeccomp:", 10, &seccomp) ||
        !find_number(text, "\nNoNewPrivs:", 10, &no_new_privileges) || seccomp > 2)
        return false;
    permissions->capabilities = capabilities;
    permissions->seccomp = (int) seccomp;
    permissions->no_new_privileges = no_new_privileges != 0;
    return true;
}

bool sl_permissions_parse_scope(const char *text, int *ret_scope)
{
    if (*text < '0' || *text > '3' || strcspn(text + 1, "\n") != 0)
        return false;
    *ret_scope = *text - '0';
    return true;
}

void sl_permissions_read(struct sl_permissions *ret_permissions)
{
    struct sl_permissions permissions = {.ptrace_scope = SL_NO_YAMA};
    char text[4096];

    if (sl_file_read("/proc/sys/kernel/yama/ptrace_scope", text, sizeof text))
        (void) sl_permissions_parse_scope(text, &permissions.ptrace_scope);
    permissions.status_known = sl_file_read("/proc/self/status", text, sizeof text) &&
                               sl_permissions_parse_status(text, &permissions);
    permissions.dumpable = prctl(PR_GET_DUMPABLE) == 1;
    permissions.btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
    *ret_permissions = permissions;
}

bool sl_permissions_have(const struct sl_permissions *permissions, int capability)
{
    return permissions->capabilities >> capability & 1;
}

static bool is_libc(const struct sl_frame *frame)
{
    return strncmp(sl_path_base(frame->module), "libc.so", strlen("libc.so")) == 0;
}

static void judge(const struct sl_snapshot *snapshot, struct sl_snapshot_trial *trial)
{
    trial->duration_ns = snapshot->stats.duration_ns;
    trial->complete = snapshot->n_threads > 0;
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_stack *stack = snapshot->threads[i].stack;
        trial->complete = trial->complete && stack && stack->complete;
        for (size_t f = 0; stack && f < stack->n_frames; f++)
            trial->libc_lines |= stack->frames[f].file && is_libc(&stack->frames[f]);
    }
}

static struct sl_snapshot_trial try_snapshot(pid_t pid, enum sl_snapshot_source source)
{
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .source = source, .allow_stop = source == SL_SNAPSHOT_PTRACE};
    struct sl_snapshot_trial trial = {0};
    struct sl_snapshot *snapshot = NULL;

    enum sl_status status = sl_snapshot_take(pid, &opts, &snapshot, &trial.err);
    trial.err.status = status;
    if (!status)
        judge(snapshot, &trial);
    sl_snapshot_free(snapshot);
    return trial;
}

/* A word of the child, which has its memory where ours is. */
static struct sl_error try_read(pid_t pid)
{
    static const int word = 4711;
    int copy = 0;
    struct sl_error err = {0};
    const struct iovec local = {&copy, sizeof copy};
    const struct iovec remote = {(void *) (uintptr_t) &word, sizeof word};

    ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (got < 0)
        (void) sl_fail_errno(&err, "cannot read the memory of a child");
    else if (got != sizeof copy || copy != word)
        (void) sl_fail(&err, SL_ESYS, "the memory of a child reads wrong");
    return err;
}

/* The child does nothing until it is killed, and does not outlive its parent. */
static pid_t fork_child(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child)
        return child;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent)
        (void) pause();
    _exit(0);
}

enum sl_status sl_capability_probe(struct sl_capability *ret_capability, struct sl_error *err)
{
    pid_t child = fork_child();

    if (child < 0)
        return sl_fail_errno(err, "cannot fork");
    struct sl_capability capability = {.read_memory = try_read(child)};
    for (size_t i = 0; i < SL_COUNT_OF(capability.sources); i++)
        capability.sources[i] = try_snapshot(child, (enum sl_snapshot_source) i);
    capability.own = try_snapshot(getpid(), SL_SNAPSHOT_AUTO);
    (void) kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    *ret_capability = capability;
    return SL_OK;
}
