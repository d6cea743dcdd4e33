/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All registers of a thread, by stopping it for a moment.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT send no signal.  Still, a system call that the
 * kernel does not restart by itself returns EINTR after the stop, so a thread that
 * blocks in such a call is left alone unless the caller insists.
 *
 * Waiting has a deadline: a thread in an uninterruptible sleep stops only when it
 * wakes.  A thread that was seized and did not stop in time stays seized until the
 * calling thread ends, which makes the kernel let go of it; sl_snapshot_take runs
 * every pass that may stop threads on a thread of its own for that reason.
 */
#include "harness/snapshot/source.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness/snapshot/syscall.h"

#define POLL_NS (100 * SL_NS_PER_US)
#define SPIN_NS (200 * SL_NS_PER_US) /* a thread on a CPU stops within microseconds */

static enum sl_look look_of_errno(void)
{
    return errno == ESRCH                      ? SL_LOOK_GONE
           : errno == EPERM || errno == EACCES ? SL_LOOK_REFUSED
                                               : SL_LOOK_FAILED;
}

/* Would the stop be noticed by the program? */
static bool is_safe(struct sl_source_context *context, pid_t tid, struct sl_sighting *sighting)
{
    struct sl_sighting seen;

    enum sl_look look = sl_source_proc.look(context, tid, &seen);
    if (look == SL_LOOK_RUNNING)
        return true;
    if (look != SL_LOOK_OK)
        return false; /* what it does is not known */
    sighting->blocked = true;
    sighting->call = seen.call;
    if (seen.call.nr == -1)
        return true;
    struct sl_syscall_kind kind = sl_syscall_classify(&seen.call);
    bool is_socket =
        kind.descriptor >= 0 &&
        sl_descriptors_get(context->descriptors, (int) seen.call.args[kind.descriptor]).is_socket;
    return sl_syscall_restarts(&seen.call, is_socket);
}

/* Until the thread has stopped, ended, or the budget is used up. */
static enum sl_look await_stop(struct sl_source_context *context, pid_t tid)
{
    uint64_t start = sl_clock_now_ns();

    context->pending_signal = 0;
    for (;;) {
        int status;
        pid_t changed = waitpid(tid, &status, __WALL | WNOHANG);
        if (changed < 0 && errno != EINTR)
            return SL_LOOK_GONE;
        if (changed == tid) {
            if (!WIFSTOPPED(status))
                return SL_LOOK_GONE;
            /* A plain signal stop: the signal is on its way and must arrive all the same. */
            if (status >> 16 == 0)
                context->pending_signal = WSTOPSIG(status);
            return SL_LOOK_OK;
        }
        uint64_t waited = sl_clock_now_ns() - start;
        if (waited > context->stop_budget_ns)
            return SL_LOOK_UNSTOPPED;
        if (waited < SPIN_NS)
            (void) sched_yield();
        else
            sl_clock_sleep_ns(POLL_NS);
    }
}

static void leave(struct sl_source_context *context, pid_t tid)
{
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

static enum sl_look
look(struct sl_source_context *context, pid_t tid, struct sl_sighting *ret_sighting)
{
    struct sl_sighting sighting = {0};
    struct sl_stat stat;

    if (sl_target_stat(context->target, tid, &stat))
        return SL_LOOK_GONE;
    if (stat.state == 'D')
        return SL_LOOK_UNSTOPPED;
    if (!is_safe(context, tid, &sighting) && !context->allow_stop)
        return SL_LOOK_UNSAFE;
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
        return look_of_errno();
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
        return look_of_errno();
    enum sl_look stopped = await_stop(context, tid);
    if (stopped != SL_LOOK_OK)
        return stopped;
    if (!read_registers(tid, &sighting.registers)) {
        leave(context, tid);
        return SL_LOOK_FAILED;
    }
    *ret_sighting = sighting;
    return SL_LOOK_OK;
}

const struct sl_register_source sl_source_ptrace = {
    .id = SL_SOURCE_PTRACE,
    .stops = true,
    .look = look,
    .leave = leave,
};
