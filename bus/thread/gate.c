/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/thread/gate.h"

#include "base/sync.h"

#define GATE_CLOSED 0x80000000u

void gate_init(struct gate *gate)
{
    atomic_init(&gate->word, 0);
    sync_mutex_init(&gate->mutex);
    sync_cond_init(&gate->left);
}

void gate_release(struct gate *gate)
{
    sync_cond_release(&gate->left);
    sync_mutex_release(&gate->mutex);
}

bool gate_enter(struct gate *gate)
{
    unsigned word = atomic_fetch_add(&gate->word, 1);
    if (!(word & GATE_CLOSED))
        return true;
    gate_leave(gate);
    return false;
}

/*
 * While the gate is open nobody waits, so the count is all there is to change and
 * the gate is not touched afterwards.  Once it is closed the last step happens under
 * the mutex: whoever waits may free the gate as soon as it sees 0.
 */
void gate_leave(struct gate *gate)
{
    unsigned word = atomic_load(&gate->word);
    while (!(word & GATE_CLOSED)) {
        if (atomic_compare_exchange_weak(&gate->word, &word, word - 1))
            return;
    }
    sync_lock(&gate->mutex);
    if (atomic_fetch_sub(&gate->word, 1) == (GATE_CLOSED | 1))
        sync_broadcast(&gate->left);
    sync_unlock(&gate->mutex);
}

void gate_close(struct gate *gate)
{
    (void) atomic_fetch_or(&gate->word, GATE_CLOSED);
}

bool gate_wait_empty(struct gate *gate, uint64_t deadline_ns)
{
    bool empty, in_time = true;
    sync_lock(&gate->mutex);
    /* One look a turn: who comes to a closed gate is counted for a moment and never inside. */
    while (!(empty = atomic_load(&gate->word) == GATE_CLOSED) && in_time)
        in_time = sync_wait_until(&gate->left, &gate->mutex, deadline_ns);
    sync_unlock(&gate->mutex);
    return empty;
}
