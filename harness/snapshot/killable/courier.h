/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of another process, fetched by a task that can be given up (killable.h) and lives as long
 * as nothing was: to ask it costs two switches on one CPU.
 *
 * A courier is of one thread at a time, and ends with the thread that fetched first.
 */
#ifndef SL_SNAPSHOT_KILLABLE_COURIER_H
#define SL_SNAPSHOT_KILLABLE_COURIER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/macros.h"

#define SL_COURIER_VECTORS 1024 /* of one process_vm_readv; more is EINVAL */
#define SL_COURIER_BYTES   ((size_t) 256 * 1024)

/* What is wanted, and what was had: one part behind the other. */
struct sl_luggage {
    struct iovec wanted[SL_COURIER_VECTORS];
    unsigned char data[SL_COURIER_BYTES];
};

struct sl_courier;

struct sl_courier *sl_courier_new(void); /* NULL: out of memory */
void sl_courier_free(struct sl_courier *courier);
SL_DEFINE_AUTO(sl_courier, sl_courier_free);

/* To be filled by the caller, and read after a fetch.  The courier's, which may be another one. */
struct sl_luggage *sl_courier_luggage(struct sl_courier *courier);

/*
 * As process_vm_readv, of the first n that are wanted, `size` bytes together.
 *
 * @param courier  after -ETIMEDOUT *courier is NULL, and all that was wanted is forgotten
 * @return bytes, or -errno: -ETIMEDOUT when it was given up, -ENOSYS when no such task can be made,
 *         -ECHILD when somebody ended it: the next fetch is by another one
 */
ssize_t
sl_courier_fetch(struct sl_courier **courier, uint64_t limit_ns, pid_t pid, size_t n, size_t size);

#endif
