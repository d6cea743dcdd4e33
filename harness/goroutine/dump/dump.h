/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goroutines that somebody wrote into a file: the text forms of runtime/pprof and of a traceback,
 * profile.proto, threadz; packed by gzip or not.  The form is found by the content.
 *
 * Lenient: what cannot be read is skipped and counted (struct sl_dump).
 */
#ifndef SL_GOROUTINE_DUMP_H
#define SL_GOROUTINE_DUMP_H

#include <stdint.h>

#include <strandline/error.h>

#include "harness/model/snapshot.h"

struct sl_dump_opts {
    uint64_t max_memory; /* that it may take; 0: 1.5 GiB */
    uint64_t max_bytes;  /* that are read, unpacked; 0: 4 GiB */
};

/**
 * Read a dump.
 *
 * @param path  of a file, or "-": standard input
 * @param opts  or NULL for the defaults
 * @param ret_snapshot  set on SL_OK only, of kind SL_SNAPSHOT_GOROUTINES; the caller owns it
 *
 * @return SL_OK      goroutines, maybe none where the dump says so
 *         SL_EPARSE  nothing of a dump is in it
 *         SL_ENOENT, SL_EPERM, SL_ESYS  it cannot be read
 *         SL_ELIMIT  it is larger than the options allow
 */
SL_CHECKED enum sl_status sl_dump_read(const char *path, const struct sl_dump_opts *opts,
                                       struct sl_snapshot **ret_snapshot, struct sl_error *err);

/* The same of bytes in memory; name is what errors call it. */
SL_CHECKED enum sl_status sl_dump_parse(const char *name, const char *data, size_t size,
                                        const struct sl_dump_opts *opts,
                                        struct sl_snapshot **ret_snapshot, struct sl_error *err);

#endif
