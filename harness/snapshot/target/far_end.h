/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which descriptors of the target are the other end of a pipe or connection that one of its own
 * belongs to: pipes and FIFOs, sockets of this machine (AF_UNIX, and TCP of IPv4 or of IPv6).
 */
#ifndef SL_SNAPSHOT_TARGET_FAR_END_H
#define SL_SNAPSHOT_TARGET_FAR_END_H

#include "base/arena.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/target/target.h"

struct sl_far_ends;

/* Lists them all, so only where one is asked for.  @return NULL when memory is short, or they are
 * too many, or may not be seen */
struct sl_far_ends *sl_far_ends_new(struct sl_target *target);
void sl_far_ends_free(struct sl_far_ends *ends); /* NULL is allowed */

/*
 * @param writes  the thread waits to write, so that the other end is one that reads; of a socket
 *                both ends do both
 * @param arena   owns what is returned
 * @return NULL: there is none in this process, or it is not known
 */
const struct sl_far_end *
sl_far_ends_find(struct sl_far_ends *ends, int fd, bool writes, struct sl_arena *arena);

#endif
