/* SPDX-License-Identifier: Apache-2.0 */
/* A broker in the memory of the process. */
#ifndef BUS_TRANSPORT_MEMORY_H
#define BUS_TRANSPORT_MEMORY_H

#include "bus/engine/transport.h"

extern const struct transport_ops transport_memory;

#endif
