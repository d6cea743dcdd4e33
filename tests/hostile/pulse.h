/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the looker, the keeper of targets, and a target.  The looker writes orders into
 * KEEPER_FD, and the keeper answers each; a page in PULSE_FD is shared by all three.
 */
#ifndef HOSTILE_PULSE_H
#define HOSTILE_PULSE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* Who targets are where root plays: nobody's id, and not that of the sandbox. */
#define TARGET_USER 65533

#define PULSE_FD  3
#define KEEPER_FD 4

/* What a target may do by itself while it is looked at. */
#define MAY_END   1U /* end, or be ended by a page that is gone */
#define MAY_EXEC  2U
#define IS_SILENT 4U /* has memory that never answers */

struct pulse {
    _Atomic uint32_t ready; /* 1: it is built */
    _Atomic uint32_t ping;  /* asked by the looker... */
    _Atomic uint32_t pong;  /* ...and answered by the target */
    _Atomic uint32_t flags;
    char kinds[1024]; /* in words, for a person */
};

enum order_kind { ORDER_BEGIN, ORDER_END };

struct order {
    enum order_kind kind;
    uint64_t seed, number;
};

struct answer {
    pid_t pid;
    int status; /* at its end: as of waitpid() */
};

#endif
