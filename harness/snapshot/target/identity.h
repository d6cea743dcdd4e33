/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a file is, and where the target's files are. */
#ifndef SL_SNAPSHOT_TARGET_IDENTITY_H
#define SL_SNAPSHOT_TARGET_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/snapshot/target/target.h"

/* What two looks at the same contents have in common, also of the files that lie around them. */
struct sl_file_identity {
    uint64_t device, inode, size, changed_ns; /* of the file */
    uint64_t root_device, root_inode;         /* of what the target has as / */
    uint64_t mounts;                          /* its mount namespace */
};

/* @return false when it can not be told */
bool sl_file_identity_of(const struct sl_target *target, int fd,
                         struct sl_file_identity *ret_identity);

/* Has the target the root directory and the mounts of this process? */
bool sl_target_is_in_own_world(const struct sl_target *target);

#endif
