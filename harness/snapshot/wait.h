/* SPDX-License-Identifier: Apache-2.0 */
/* What a blocked thread waits for. */
#ifndef SL_SNAPSHOT_WAIT_H
#define SL_SNAPSHOT_WAIT_H

#include "base/arena.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/descriptor.h"
#include "harness/snapshot/reader.h"
#include "harness/snapshot/target.h"

/* All borrowed. */
struct sl_wait_context {
    struct sl_reader *reader;
    struct sl_descriptors *descriptors;
    struct sl_arena *arena;
    const pid_t *tids; /* of the process, ascending */
    size_t n_tids;
};

/*
 * @param call   as seen while the thread was blocked
 * @param stack  its frames, or NULL
 */
struct sl_wait sl_wait_describe(const struct sl_wait_context *context,
                                const struct sl_syscall *call, const struct sl_stack *stack);

#endif
