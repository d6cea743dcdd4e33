/* SPDX-License-Identifier: Apache-2.0 */
/* What a process may still ask of the kernel that reads files of strangers. */
#ifndef SL_SNAPSHOT_SANDBOX_FILTER_H
#define SL_SNAPSHOT_SANDBOX_FILTER_H

#include <stdbool.h>

/*
 * From now on the calling thread reads descriptors that it has or is sent, takes and gives back
 * memory that is no code, and ends; any other call ends it.  @return false when the kernel refuses
 */
bool sl_sandbox_filter(void);

#endif
