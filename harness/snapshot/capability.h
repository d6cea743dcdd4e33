/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine lets this process see of others: what the kernel says, and
 * what happened when it was tried on a child.
 */
#ifndef SL_SNAPSHOT_CAPABILITY_H
#define SL_SNAPSHOT_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include <strandline/error.h>
#include <strandline/snapshot.h>

#define SL_NO_YAMA (-1)

/* What the kernel says of the calling process. */
struct sl_permissions {
    int ptrace_scope;      /* 0 to 3, or SL_NO_YAMA */
    bool status_known;     /* the next three are */
    uint64_t capabilities; /* effective; bit n: CAP_ number n */
    int seccomp;           /* 0 off, 1 strict, 2 filter */
    bool no_new_privileges;
    bool dumpable;
    bool btf; /* the kernel's type information can be read */
};

void sl_permissions_read(struct sl_permissions *ret_permissions);
bool sl_permissions_have(const struct sl_permissions *permissions, int capability);

/* Parsers, apart from the reading so that they can be tested.  @return false when malformed */
bool sl_permissions_parse_status(const char *text, struct sl_permissions *permissions);
bool sl_permissions_parse_scope(const char *text, int *ret_scope);

/* One snapshot that was tried. */
struct sl_snapshot_trial {
    struct sl_error err; /* status SL_OK: a snapshot was taken */
    bool complete;       /* its stacks ended at a known entry */
    bool libc_lines;     /* a frame of the C library has a source file: it has debug symbols */
    uint64_t duration_ns;
};

struct sl_capability {
    struct sl_error read_memory;         /* process_vm_readv */
    struct sl_snapshot_trial sources[4]; /* by enum sl_snapshot_source; AUTO is what is used */
    struct sl_snapshot_trial own;        /* the calling process */
};

/**
 * Try everything on a child that is forked for it and ended again.  The calling
 * process has no other thread.
 *
 * @return SL_ESYS, SL_ENOMEM: there is no child
 */
SL_CHECKED enum sl_status
sl_capability_probe(struct sl_capability *ret_capability, struct sl_error *err);

#endif
