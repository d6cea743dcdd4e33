/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that no ledger knows. */
#ifndef BUS_FAULT_THREAD_H
#define BUS_FAULT_THREAD_H

#include "bus/engine/internal.h"

/* Start a detached thread; the name is cut after 15 bytes. */
SL_CHECKED enum sl_status fault_thread_start(struct bus *bus, const char *name,
                                             void (*run)(void *argument), void *argument,
                                             struct sl_error *err);

#endif
