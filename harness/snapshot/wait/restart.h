/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call behind restart_syscall.
 *
 * A call with a time-out that was interrupted, by a stop for example, goes on as
 * restart_syscall, so that the time-out does not begin anew.  The registers are then still
 * those of the call that goes on, but for its number.
 */
#ifndef SL_SNAPSHOT_WAIT_RESTART_H
#define SL_SNAPSHOT_WAIT_RESTART_H

#include "harness/model/snapshot.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"

/*
 * The call that goes on, if `call` is restart_syscall and the code that made it, or the
 * function of the C library around it, tells which one that is; else `call` itself.
 *
 * @param stack  frames of the thread, or NULL
 */
struct sl_syscall sl_restart_resolve(const struct sl_syscall *call, const struct sl_stack *stack,
                                     struct sl_reader *reader);

#endif
