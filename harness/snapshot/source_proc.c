/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stack pointer and PC of blocked threads from /proc/PID/task/TID/syscall.
 *
 * The kernel writes the line only while the thread is off its CPU, and reading it
 * neither wakes nor stops the thread.  It holds no other register.
 */
#include "harness/snapshot/source.h"

#include <errno.h>

static enum sl_look look_of_error(ssize_t error)
{
    if (error == -ESRCH || error == 0)
        return SL_LOOK_GONE;
    return error == -EACCES || error == -EPERM ? SL_LOOK_REFUSED : SL_LOOK_FAILED;
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
    sl_registers_set(&sighting.registers, SL_REG_RSP, sighting.call.sp);
    sl_registers_set(&sighting.registers, SL_REG_RIP, sighting.call.pc);
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
