/* SPDX-License-Identifier: Apache-2.0 */
/* The faults of the engine, as its hooks. */
#ifndef BUS_FAULT_HOOKS_H
#define BUS_FAULT_HOOKS_H

#include "bus/engine/hooks.h"

extern const struct fault_hooks fault_hooks;

#endif
