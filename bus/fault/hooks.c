/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/hooks.h"

#include "bus/fault/fetch.h"
#include "bus/fault/handle.h"
#include "bus/fault/publish.h"

const struct fault_hooks fault_hooks = {
    .publish = fault_publish,
    .loses_outcome = fault_loses_outcome,
    .fetch = fault_fetch,
    .wait_room = fault_wait_room,
    .complete = fault_complete,
    .handle = fault_handle,
};
