/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots written down in a test.
 *
 * Fails the running test when memory is short, so that tests need no checks.
 */
#ifndef SL_SNAPSHOT_BUILDER_H
#define SL_SNAPSHOT_BUILDER_H

#include "harness/model/snapshot.h"

struct sl_snapshot_builder;

struct sl_snapshot_builder *sl_snapshot_builder_new(void);
/* Frees the snapshots and stacks too. */
void sl_snapshot_builder_free(struct sl_snapshot_builder *builder);
SL_DEFINE_AUTO(sl_snapshot_builder, sl_snapshot_builder_free);

/*
 * A complete stack, innermost frame first: "libc.so.6:futex_wait|app:take|app:worker".
 * What stands before the first colon is the file name of the module, "" for none; what
 * follows is the function, "" for none.  "app@12f0:" is the code at that offset of app, "@12f0:"
 * at that of the first mapping without a file.  A leading '+' marks an inlined frame.  Every
 * call gives other addresses, lines and files.
 */
struct sl_stack *sl_build_stack(struct sl_snapshot_builder *builder, const char *frames);

/* The same, cut off for a reason. */
struct sl_stack *
sl_build_partial(struct sl_snapshot_builder *builder, const char *frames, const char *reason);

/*
 * Begin a snapshot taken at taken_ns.  The one returned is filled by the calls
 * below and is complete when the next one begins or the test looks at it.
 */
struct sl_snapshot *sl_build_snapshot(struct sl_snapshot_builder *builder, uint64_t taken_ns);

/*
 * Add a thread to the snapshot begun last, tids in ascending order: it waits
 * untimed on a condition, and is seen 12 s after the boot, unless the test changes the record that
 * is returned (valid until the next call).
 */
struct sl_thread *sl_build_thread(struct sl_snapshot_builder *builder, pid_t tid,
                                  uint64_t start_time, const struct sl_stack *stack);

/* n threads with tids from `first` on, all alike. */
void sl_build_threads(struct sl_snapshot_builder *builder, pid_t first, size_t n,
                      uint64_t start_time, const struct sl_stack *stack);

#endif
