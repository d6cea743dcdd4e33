/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What addresses turned out to be, for later processes: to unpack the debug information of the C
 * library takes longer than a look at thousands of threads.
 *
 * A file for each module, in the user's own directory (folder.h).  It says which build made it,
 * and of which files with which build-id, sizes and times; only who asks for exactly that gets
 * anything.  It says how long it is and what its bytes add up to; where that is not so, it is as
 * if it were not there.
 */
#ifndef SL_SNAPSHOT_CACHE_STORE_H
#define SL_SNAPSHOT_CACHE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "harness/snapshot/cache/known.h"
#include "harness/snapshot/module/image.h"
#include "harness/snapshot/target/identity.h"

#define SL_STORE_FILES 3 /* the module's, its debug information, what that shares with others */

/* Compared byte by byte: made by sl_store_key_init, and nothing else. */
struct sl_store_key {
    uint8_t made_by[SL_MAX_BUILD_ID]; /* the build-id of this program or library */
    uint8_t build_id[SL_MAX_BUILD_ID];
    uint64_t made_by_size, build_id_size;
    struct sl_file_identity files[SL_STORE_FILES]; /* zeros: there is none */
    uint64_t segments; /* a digest of the headers in memory: they say where code is */
};

/*
 * @param fds  -1: there is no such file
 * @return false when nothing can be kept of such a module: it has no digest as its build-id, or
 *         its files can not be told from others
 */
bool sl_store_key_init(struct sl_store_key *key, const struct sl_target *target,
                       const struct sl_image *image, const int fds[SL_STORE_FILES]);

uint64_t sl_store_key_digest(const struct sl_store_key *key);

struct sl_store;

/* @return NULL when no directory may be used, or memory is short */
struct sl_store *sl_store_open(void);
void sl_store_close(struct sl_store *store); /* NULL is allowed */
SL_DEFINE_AUTO(sl_store, sl_store_close);

/* Gets what is kept, code by code; the frames are the caller's of it, and last for the call. */
typedef void
sl_store_taker(void *context, uint64_t address, const struct sl_frame *frames, size_t n_frames);

void sl_store_read(const struct sl_store *store, const struct sl_store_key *key,
                   sl_store_taker *take, void *context);

/* Keep these, in the place of what was kept, if there is room. */
void sl_store_write(struct sl_store *store, const struct sl_store_key *key,
                    const struct sl_known_code *codes, size_t n_codes);

/* What is in a file: read it from memory.  @return false, and nothing is taken, unless all of it is
 * as it was written */
bool sl_store_parse(const void *data, size_t size, const struct sl_store_key *key,
                    sl_store_taker *take, void *context);

/* Set the checksum of a file in memory, of at least its head's size.  For tests of the rest. */
void sl_store_seal(void *data, size_t size);

#endif
