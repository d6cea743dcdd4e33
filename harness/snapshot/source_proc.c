/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of blocked threads from /proc/PID/task/TID/syscall.
 *
 * The kernel writes the line only while the thread is off its CPU, and reading it
 * neither wakes nor stops the thread.  It has the stack pointer and the PC and, in a
 * system call, the registers that hold its arguments: the kernel gives them back
 * unchanged, so they are the thread's own.  It has none that functions preserve.
 */
#include "harness/snapshot/source.h"

#include <errno.h>

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
look(struct sl_source_context *context, pid_t tid, struct sl_sighting *ret_sighting)
{
    struct sl_sighting sighting = {.blocked = true};
    char text[256];

    ssize_t got = sl_target_read(context->target, tid, "syscall", text, sizeof text);
    if (got <= 0)
        return look_of_error(got);
    switch (sl_syscall_parse(text, &sighting.call)) {
    case SL_SYSCALL_RUNNING:
        return SL_LOOK_RUNNING;
    case SL_SYSCALL_MALFORMED:
        return SL_LOOK_FAILED;
    case SL_SYSCALL_BLOCKED:
        break;
    }
    if (!sighting.call.sp && !sighting.call.pc)
        return SL_LOOK_KERNEL;
    set_registers(&sighting.call, &sighting.registers);
    *ret_sighting = sighting;
    return SL_LOOK_OK;
}

static void leave(struct sl_source_context *context, pid_t tid)
{
    (void) context, (void) tid; /* nothing was changed */
}

const struct sl_register_source sl_source_proc = {
    .id = SL_SOURCE_PROC,
    .look = look,
    .leave = leave,
};
