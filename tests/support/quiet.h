/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting until a subject has come to rest. */
#ifndef SL_TEST_QUIET_H
#define SL_TEST_QUIET_H

#include <sys/types.h>

/*
 * Until every thread of a process sleeps, and none ran between two looks.  Fails the
 * test when that does not come about within 30 s.
 */
void quiet_await(pid_t pid);

#endif
