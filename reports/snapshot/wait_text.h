/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread waits for, in a few words. */
#ifndef SL_REPORTS_SNAPSHOT_WAIT_TEXT_H
#define SL_REPORTS_SNAPSHOT_WAIT_TEXT_H

#include "harness/model/snapshot.h"

/*
 * "condition", "mutex held by 812 'holder'", "join of 813 'worker'", "recvfrom on TCP
 * 127.0.0.1:4222", "epoll_wait, with a time-out".  A thread that does not wait: "runnable", or why
 * else nothing is known.
 *
 * @param snapshot  where the names of other threads are found
 * @return printable; NULL when memory is short
 */
const char *sl_wait_say(struct sl_arena *arena, const struct sl_snapshot *snapshot,
                        const struct sl_thread *thread);

/* Order that puts together what sl_wait_say tells in the same words. */
int sl_wait_compare(const struct sl_thread *a, const struct sl_thread *b);

#endif
