/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of handling a message: a hook of the engine. */
#ifndef BUS_FAULT_HANDLE_H
#define BUS_FAULT_HANDLE_H

#include "bus/engine/internal.h"

enum sl_status fault_handle(const struct delivery *delivery);

#endif
