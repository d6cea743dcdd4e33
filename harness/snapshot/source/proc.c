/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of blocked threads from /proc/PID/task/TID/syscall.
 *
 * The kernel writes the line only while the thread is off its CPU, and reading it
 * neither wakes nor stops the thread.  It has the stack pointer and the PC and, in a
 * system call, the registers that hold its arguments: the kernel gives them back
 * unchanged, so they are the thread's own.  It has none that functions preserve.
 */
#include "harness/snapshot/source/source.h"

#include <errno.h>

#include "base/fail.h"

static enum sl_look look_of_error(ssize_t error)
{
    if (error == -ESRCH || error == 0)
        return SL_LOOK_GONE;
    return error == -EACCES || error == -EPERM ? SL_LOOK_REFUSED : SL_LOOK_FAILED;
}

static void set_registers(const struct sl_syscall *call, struct sl_registers *registers)
{
    static const enum sl_register arguments[] = {SL_REG_RDI, SL_REG_RSI, SL_REG_RDX,
                                                 SL_REG_R10, SL_REG_R8,  SL_REG_R9};

    sl_registers_set(registers, SL_REG_RSP, call->sp);
    sl_registers_set(registers, SL_REG_RIP, call->pc);
    for (size_t i = 0; call->nr >= 0 && i < SL_COUNT_OF(arguments); i++)
        sl_registers_set(registers, arguments[i], call->args[i]);
}

static enum sl_look
read_syscall(struct sl_source_context *context, pid_t tid, struct sl_syscall *ret_call)
{
    char text[256];

    ssize_t got = sl_target_read(context->target, tid, "syscall", text, sizeof text);
    if (got <= 0)
        return look_of_error(got);
    switch (sl_syscall_parse(text, ret_call)) {
    case SL_SYSCALL_BLOCKED:
        return ret_call->sp || ret_call->pc ? SL_LOOK_OK : SL_LOOK_KERNEL;
    case SL_SYSCALL_RUNNING:
        return SL_LOOK_RUNNING;
    case SL_SYSCALL_MALFORMED:
        break;
    }
    return SL_LOOK_FAILED;
}

static enum sl_status open_source(struct sl_source_context *context, struct sl_error *err)
{
    struct sl_syscall call;
    pid_t tid = context->target->tid;

    if (read_syscall(context, tid, &call) == SL_LOOK_REFUSED)
        return sl_fail(err, SL_EPERM, "not allowed to read '/proc/%ld/task/%ld/syscall'",
                       (long) context->target->pid, (long) tid);
    sl_target_choose_counter(context->target);
    /* Half of them: the process that this library is part of may need some meanwhile. */
    context->spare_fds = sl_target_spare_fds() / 2;
    return SL_OK;
}

/* The counter, before anything else of the thread but its state is read. */
static int count_first(struct sl_source_context *context, pid_t tid, struct sl_sighting *sighting)
{
    int fd = sl_target_open_counter(context->target, tid);
    if (fd < 0)
        return fd;
    int error = sl_target_read_counter(context->target, fd, &sighting->count);
    if (fd > 0 && !error && context->spare_fds > 0) {
        context->spare_fds--;
        sighting->counter_fd = fd;
    } else {
        (void) close(fd);
    }
    return error;
}

static void leave(struct sl_source_context *context, pid_t tid, const struct sl_sighting *sighting)
{
    (void) tid;
    if (!sighting->counter_fd)
        return;
    (void) close(sighting->counter_fd);
    context->spare_fds++;
}

static enum sl_look
look(struct sl_source_context *context, pid_t tid, struct sl_sighting *ret_sighting)
{
    struct sl_sighting sighting = {0};

    int error = sl_target_stat(context->target, tid, &sighting.stat);
    if (error) {
        sighting.error = -error;
        *ret_sighting = sighting;
        return look_of_error(error);
    }
    if (sl_stat_has_ended(&sighting.stat)) {
        *ret_sighting = sighting;
        return tid == context->target->pid ? SL_LOOK_ENDED : SL_LOOK_GONE;
    }
    error = count_first(context, tid, &sighting);
    if (error) {
        *ret_sighting = sighting;
        return look_of_error(error);
    }
    enum sl_look look = read_syscall(context, tid, &sighting.call);
    if (look == SL_LOOK_OK) {
        sighting.blocked = true;
        set_registers(&sighting.call, &sighting.registers);
    } else {
        leave(context, tid, &sighting);
        sighting.counter_fd = 0;
    }
    *ret_sighting = sighting;
    return look;
}

static bool
held_still(struct sl_source_context *context, pid_t tid, const struct sl_sighting *sighting)
{
    struct sl_run_count after;
    struct sl_syscall call;

    /*
     * Switches count when a thread leaves its CPU: one that runs just now has to be
     * found out otherwise.  The other counter counts when it arrives.
     */
    if (context->target->counter == SL_COUNTER_STATUS &&
        read_syscall(context, tid, &call) != SL_LOOK_OK)
        return false;
    int error = sighting->counter_fd
                    ? sl_target_read_counter(context->target, sighting->counter_fd, &after)
                    : sl_target_run_count(context->target, tid, &after);
    return !error && after.switches == sighting->count.switches;
}

const struct sl_register_source sl_source_proc = {
    .id = SL_SOURCE_PROC,
    .open = open_source,
    .look = look,
    .leave = leave,
    .held_still = held_still,
};
