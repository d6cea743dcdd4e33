/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All registers of a thread, by stopping it for a moment.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT send no signal.  Still, a system call that the
 * kernel does not restart by itself returns EINTR after the stop, so a thread that
 * blocks in such a call is left alone unless the caller insists.
 *
 * A thread in an uninterruptible sleep stops only when it wakes, and one that shares its CPU
 * with hundreds when it is its turn.  A thread that was seized and did not stop in time stays
 * seized until the calling thread ends, which makes the kernel let go of it, whether it has
 * stopped by then or not; settle.c stops threads on a thread of its own for that reason.
 */
#include "harness/snapshot/source/source.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/fail.h"
#include "harness/snapshot/source/ptrace.h"
#include "harness/snapshot/target/syscall.h"

/* A thread that somebody traces is refused like one that may not be traced. */
static enum sl_look look_of_errno(struct sl_source_context *context, pid_t tid)
{
    if (errno == ESRCH)
        return SL_LOOK_GONE;
    if (errno != EPERM && errno != EACCES)
        return SL_LOOK_FAILED;
    return sl_target_tracer(context->target, tid) ? SL_LOOK_TRACED : SL_LOOK_REFUSED;
}

/* Would the program notice a stop?  Not when what the thread does is restarted by itself. */
static bool
is_safe(struct sl_source_context *context, enum sl_look look, const struct sl_sighting *sighting)
{
    if (look == SL_LOOK_RUNNING)
        return true;
    if (look != SL_LOOK_OK)
        return false; /* what it does is not known */
    const struct sl_syscall *call = &sighting->call;
    if (call->nr == -1)
        return true;
    int descriptor = sl_syscall_classify(call).descriptor;
    bool is_socket =
        descriptor >= 0 &&
        sl_descriptors_get(context->descriptors, (int) call->args[descriptor]).is_socket;
    return sl_syscall_restarts(call, is_socket);
}

/* Has the thread stopped or ended?  Its signal, if one stopped it, goes into the context. */
static bool has_stopped(struct sl_source_context *context, pid_t tid, enum sl_look *ret_look)
{
    int status;
    pid_t changed = waitpid(tid, &status, __WALL | WNOHANG);

    if (changed == 0 || (changed < 0 && errno == EINTR))
        return false;
    *ret_look = changed == tid && WIFSTOPPED(status) ? SL_LOOK_OK : SL_LOOK_GONE;
    /* A plain signal stop: the signal is on its way and must arrive all the same. */
    context->pending_signal = *ret_look == SL_LOOK_OK && status >> 16 == 0 ? WSTOPSIG(status) : 0;
    return true;
}

static void leave(struct sl_source_context *context, pid_t tid, const struct sl_sighting *sighting)
{
    (void) sighting;
    (void) ptrace(PTRACE_DETACH, tid, NULL, (void *) (uintptr_t) context->pending_signal);
}

static bool read_registers(pid_t tid, struct sl_registers *ret_registers)
{
    struct user_regs_struct user;
    struct iovec vector = {&user, sizeof user};

    if (ptrace(PTRACE_GETREGSET, tid, (void *) NT_PRSTATUS, &vector) ||
        vector.iov_len != sizeof user)
        return false; /* shorter: a 32-bit process */
    const uint64_t values[SL_N_REGISTERS] = {
        user.rax, user.rdx, user.rcx, user.rbx, user.rsi, user.rdi, user.rbp, user.rsp, user.r8,
        user.r9,  user.r10, user.r11, user.r12, user.r13, user.r14, user.r15, user.rip,
    };
    for (unsigned i = 0; i < SL_N_REGISTERS; i++)
        sl_registers_set(ret_registers, i, values[i]);
    return true;
}

/* Ask a thread to stop, unless that breaks what it does. */
static enum sl_look
begin(struct sl_source_context *context, pid_t tid, struct sl_sighting *ret_sighting)
{
    struct sl_sighting sighting;

    enum sl_look before = sl_source_proc.look(context, tid, &sighting);
    if (before == SL_LOOK_OK)
        sl_source_proc.leave(context, tid, &sighting);
    if (before == SL_LOOK_GONE)
        return before;
    sighting.counter_fd = 0;
    *ret_sighting = sighting;
    if (before == SL_LOOK_ENDED || before == SL_LOOK_KERNEL)
        return before;
    if (sighting.stat.state == 'D')
        return SL_LOOK_UNSTOPPED;
    if (!context->allow_stop && !is_safe(context, before, &sighting))
        return SL_LOOK_UNSAFE;
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) || ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
        return look_of_errno(context, tid);
    return SL_LOOK_OK;
}

static enum sl_look
finish(struct sl_source_context *context, pid_t tid, struct sl_sighting *sighting)
{
    enum sl_look look;

    if (!has_stopped(context, tid, &look))
        return SL_LOOK_UNSTOPPED;
    if (look == SL_LOOK_OK && !read_registers(tid, &sighting->registers)) {
        leave(context, tid, sighting);
        look = SL_LOOK_FAILED;
    }
    return look;
}

/* It was stopped all the time. */
static bool
held_still(struct sl_source_context *context, pid_t tid, const struct sl_sighting *sighting)
{
    (void) context, (void) tid, (void) sighting;
    return true;
}

void sl_ptrace_reap(const pid_t *tids, size_t n_tids, pid_t leader)
{
    siginfo_t info;

    for (size_t i = 0; i < n_tids; i++)
        if (tids[i] != leader)
            (void) waitid(P_PID, (id_t) tids[i], &info, WEXITED | WNOHANG | __WALL);
}

static enum sl_status open_source(struct sl_source_context *context, struct sl_error *err)
{
    if (context->target->self)
        return sl_fail(err, SL_EPERM, "a process can not stop its own threads");
    return SL_OK;
}

const struct sl_register_source sl_source_ptrace = {
    .id = SL_SOURCE_PTRACE,
    .stops = true,
    .open = open_source,
    .begin = begin,
    .finish = finish,
    .leave = leave,
    .held_still = held_still,
};
