/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/pool.h"

#include "bus/engine/internal.h"

static void unified_worker_main(void *argument)
{
    worker_loop(argument);
    atomic_signal_fence(memory_order_seq_cst); /* no tail call: this name belongs on the stack */
}

enum sl_status pool_new_unified(struct bus *bus, uint32_t n_workers, uint32_t queue_capacity,
                                struct pool **ret_pool, struct sl_error *err)
{
    struct pool *pool = NULL;
    enum sl_status status = pool_new(bus, n_workers, queue_capacity, &pool, err);
    if (status)
        return status;
    for (uint32_t i = 0; i < n_workers && !status; i++)
        status = ledger_start(&bus->ledger, &pool->workers[i].thread, unified_worker_main,
                              &pool->workers[i], err, "u-w%u", i);
    if (status) {
        pool_undo(pool);
        return status;
    }
    *ret_pool = pool;
    return SL_OK;
}
