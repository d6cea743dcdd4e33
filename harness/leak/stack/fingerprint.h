/* SPDX-License-Identifier: Apache-2.0 */
/* One number for threads that are where others are, in this build and the next. */
#ifndef SL_LEAK_STACK_FINGERPRINT_H
#define SL_LEAK_STACK_FINGERPRINT_H

#include "harness/model/snapshot.h"

/* 64 bits over function and module names from the entry inward; survives rebuilds. */
uint64_t fingerprint_of(const struct sl_stack *stack);

/* The same; threads without a stack are told apart by reason and name. */
uint64_t fingerprint_of_thread(const struct sl_thread *thread);

#endif
