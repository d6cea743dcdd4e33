/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the target: single reads, batched copies of many stacks, and cached
 * pages for what does not change while a snapshot is taken (code, ELF headers,
 * unwind tables).
 *
 * Every read is a system call that fails on bad addresses; nothing of the target
 * is dereferenced, not even when the target is the calling process.  What is not in memory may be
 * filled by a program that never does so: it is waited for by somebody else (errand.h), not long,
 * and not often.
 */
#ifndef SL_SNAPSHOT_TARGET_READER_H
#define SL_SNAPSHOT_TARGET_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "harness/snapshot/target/copy.h"
#include "harness/snapshot/target/target.h"

struct sl_reader;

/* @param target  borrowed, must outlive the memory */
SL_CHECKED enum sl_status
sl_reader_new(struct sl_target *target, struct sl_reader **ret_reader, struct sl_error *err);
void sl_reader_free(struct sl_reader *reader);
SL_DEFINE_AUTO(sl_reader, sl_reader_free);

/*
 * Read now.  @return bytes had from address on: 0 when nothing could be read, and fewer than were
 * wanted also where what comes next may have to be waited for
 */
size_t sl_reader_read(struct sl_reader *reader, uint64_t address, void *data, size_t size);

bool sl_reader_read_all(struct sl_reader *reader, uint64_t address, void *data, size_t size);

/* Did the last read that failed find memory that does not answer? */
/* The table that says of each page whether it is in memory, for the caller to close; -1 when this
   kernel has none. */
int sl_reader_open_page_table(const struct sl_reader *reader);

bool sl_reader_met_silence(const struct sl_reader *reader);

/* Read all of it through the page cache. */
bool sl_reader_read_cached(struct sl_reader *reader, uint64_t address, void *data, size_t size);

/* Many copies with few system calls. */
void sl_reader_copy(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies);

/* The same, but nobody is waited for: of guesses where something may lie. */
void sl_reader_copy_present(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies);

/*
 * Stay with the way of reading that worked so far.  @return false when that is a file:
 * then the reader is of use only where its descriptor is
 */
bool sl_reader_settle(struct sl_reader *reader);
void sl_reader_unsettle(struct sl_reader *reader); /* it is used where it was made again */

/* May the target's memory be read at all?  Tries one byte at a mapped address. */
bool sl_reader_is_permitted(struct sl_reader *reader, uint64_t address);

#endif
