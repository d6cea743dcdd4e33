/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files with the rights of the target's owner.
 *
 * Who is privileged could be led to files that the owner of the target may not read, and would
 * show what is in them.  So those who are become the owner for as long as they open: the calling
 * thread alone, and only as far as files go.
 */
#ifndef SL_SNAPSHOT_TARGET_OWNER_H
#define SL_SNAPSHOT_TARGET_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#define SL_MAX_GROUPS 256

struct sl_owner {
    uid_t user; /* the ids by which the kernel judges its access to files; of root: nothing else */
    gid_t group, groups[SL_MAX_GROUPS];
    int n_groups;
};

/* From the text of /proc/PID/status.  @return false when that does not tell */
bool sl_owner_parse(const char *status, struct sl_owner *ret_owner);

/*
 * Until leave.  `own` receives what this thread is else.  @return false when it can not be done:
 * then nothing may be opened, and nothing is to be left
 */
bool sl_owner_become(const struct sl_owner *owner, struct sl_owner *ret_own);
void sl_owner_leave(const struct sl_owner *owner, const struct sl_owner *own);

#endif
