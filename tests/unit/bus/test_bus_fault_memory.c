/* SPDX-License-Identifier: Apache-2.0 */
/* Faults that are short of memory. */
#include "sl_test.h"

#include <stdlib.h>

#include "bus/engine/internal.h"
#include "bus/engine/pool.h"
#include "bus/fault/open.h"
#include "bus/fault/state.h"
#include "bus_memory_scene.h"
#include "sl_alloc.h"

/* A second fetcher and a second pool of a topic, and away with them. */
static enum sl_status make_and_free(void *user, struct sl_error *ret_err)
{
    struct topic *topic = user, *copy;
    struct fault_state *state = topic->bus->fault_state;

    enum sl_status status = fault_twin_new(topic, false, false, &copy, ret_err);
    if (status)
        return status;
    struct fault_twin *twin = state->twins;
    state->twins = twin->next;
    fault_twin_free(twin);
    status = fault_subscribe(topic, ret_err);
    if (status)
        return status;
    struct fault_pool *idle = state->pools;
    state->pools = idle->next;
    pool_undo(idle->pool);
    free(idle);
    return SL_OK;
}

SL_TEST(bus_fault_memory, what_a_fault_can_not_make_for_want_of_memory_leaves_nothing)
{
    struct probe probe = {.fail_every = 0};
    struct sl_error err = {0};
    struct bus_config config = config_of(BUS_DIRECT, &probe);
    config.fault = "idle-double-pool,workers=2";
    sl_assert_ok(bus_open(&config, &probe.bus, &err), &err);
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, make_and_free, &probe.bus->topics[0]), 4);
    close_cleanly(&probe);
}
