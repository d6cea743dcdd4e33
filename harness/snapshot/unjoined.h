/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that have ended and were never joined: gone for the kernel, kept by the C library. */
#ifndef SL_SNAPSHOT_UNJOINED_H
#define SL_SNAPSHOT_UNJOINED_H

#include "harness/snapshot/code.h"

/*
 * Fill the snapshot's list of unjoined threads, or say in it why that was not
 * possible.  Fails only when memory is short.
 */
SL_CHECKED enum sl_status sl_unjoined_find(struct sl_code *code, struct sl_error *err);

#endif
