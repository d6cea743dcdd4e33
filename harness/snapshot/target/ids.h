/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids that a process wrote down itself.
 *
 * A mutex names its holder, and a join the thread waited for, by the id that the thread
 * has in its own pid namespace, which in a container is another one than out here.
 */
#ifndef SL_SNAPSHOT_TARGET_IDS_H
#define SL_SNAPSHOT_TARGET_IDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/snapshot/target/target.h"

struct sl_id_pair {
    pid_t own; /* in the thread's own namespace */
    pid_t tid; /* as /proc here names it */
};

/* Begin with target, tids and n_tids, which are borrowed; the rest is found when it is needed. */
struct sl_ids {
    const struct sl_target *target;
    const pid_t *tids; /* of the process, ascending */
    size_t n_tids;
    bool asked;
    bool nested;              /* the process lives in a namespace below that of this /proc */
    struct sl_id_pair *pairs; /* ascending `own`; when nested */
    size_t n_pairs;
};

/* The thread of the process that calls itself so; 0 when there is none, or it is not known. */
pid_t sl_ids_find(struct sl_ids *ids, pid_t own);
void sl_ids_release(struct sl_ids *ids);

/*
 * Last id of the line NSpid of /proc/PID/task/TID/status: the one in the innermost namespace.
 *
 * @param ret_nested  more than one id stands there
 * @return 0 when the file has no such line, as on kernels without pid namespaces
 */
pid_t sl_ids_parse(const char *status_file, bool *ret_nested);

#endif
