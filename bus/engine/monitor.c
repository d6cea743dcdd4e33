/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/monitor.h"

#include "base/clock.h"
#include "base/macros.h"
#include "base/sync.h"

/* @return false when the bus stops its monitor */
static bool monitor_sleep(struct bus *bus, uint64_t until_ns)
{
    bool in_time = true;
    sync_lock(&bus->mutex);
    while (!bus->monitor_stopping && in_time)
        in_time = sync_wait_until(&bus->monitor_stop, &bus->mutex, until_ns);
    bool go_on = !bus->monitor_stopping;
    sync_unlock(&bus->mutex);
    return go_on;
}

static void monitor_main(void *argument)
{
    struct bus *bus = argument;
    uint64_t period_ns = SL_MAX(bus->config.ack_wait_ns / 3, SL_NS_PER_MS);

    if (fault_is_set(bus->faults, FAULT_MONITOR_NOT_STOPPED)) /* to be seen soon after Close */
        period_ns = SL_MIN(period_ns, SL_NS_PER_S / 2);
    while (monitor_sleep(bus, sl_clock_now_ns() + period_ns)) {
        if (!gate_enter(&bus->users))
            continue;
        bus->transport->ops->extend(bus->transport);
        gate_leave(&bus->users);
    }
}

enum sl_status monitor_start(struct bus *bus, struct sl_error *err)
{
    return ledger_start(&bus->ledger, &bus->monitor, monitor_main, bus, err, "monitor");
}

void monitor_stop(struct bus *bus)
{
    sync_lock(&bus->mutex);
    bus->monitor_stopping = true;
    sync_broadcast(&bus->monitor_stop);
    sync_unlock(&bus->mutex);
}
