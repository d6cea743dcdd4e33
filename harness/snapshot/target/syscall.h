/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of x86-64: names, what blocking in one means, and which may be interrupted. */
#ifndef SL_SNAPSHOT_TARGET_SYSCALL_H
#define SL_SNAPSHOT_TARGET_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/target/target.h"

/* What a thread that blocks in a system call waits for. */
struct sl_syscall_kind {
    enum sl_wait_kind kind; /* SL_WAIT_IO becomes SL_WAIT_SOCKET when the descriptor is one */
    int descriptor;         /* argument that is a descriptor, or -1 */
    bool timed;             /* the call, with these arguments, ends by itself */
};

/* NULL for a number without a name. */
const char *sl_syscall_name(int32_t nr);

struct sl_syscall_kind sl_syscall_classify(const struct sl_syscall *call);

/*
 * May a thread be stopped in this call?  True only for calls that the kernel
 * restarts by itself after a stop; every other may return EINTR to a program that
 * never expected it, sockets with SO_RCVTIMEO and SO_SNDTIMEO included.
 */
bool sl_syscall_restarts(const struct sl_syscall *call, bool descriptor_is_socket);

#endif
