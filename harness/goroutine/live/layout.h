/* SPDX-License-Identifier: Apache-2.0 */
/* Where the releases of Go keep what is looked for in a running program; of amd64. */
#ifndef SL_GOROUTINE_LIVE_LAYOUT_H
#define SL_GOROUTINE_LIVE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What status words of struct g say, without the bit of the collector. */
enum layout_status {
    LAYOUT_IDLE,
    LAYOUT_RUNNABLE,
    LAYOUT_RUNNING,
    LAYOUT_SYSCALL,
    LAYOUT_WAITING,
    LAYOUT_DEAD = 6,
    LAYOUT_COPYSTACK = 8,
    LAYOUT_PREEMPTED = 9,
    LAYOUT_LEAKED = 10,
    LAYOUT_DEAD_EXTRA = 11
};
#define LAYOUT_SCAN 0x1000u

/* Offsets in struct g, which begins with the bounds of its stack. */
struct layout_g {
    uint16_t m, sp, pc, syscallsp, syscallpc, status, goid, waitsince, waitreason;
    uint16_t tracking_seq; /* counts how often it left a thread */
    uint16_t lockedm, gopc, startpc;
    uint16_t parent; /* 0: not kept */
    uint16_t size;   /* all of these lie in so many bytes */
};

/* Offsets in the record of a function, and in one of the calls that were inlined into it. */
struct layout_func {
    bool wide; /* entries are addresses, and funcdata too: before go1.18 */
    uint8_t name, pcsp, pcfile, pcln, npcdata, cu, id, flag, nfuncdata, size;
    uint8_t inlined_id, inlined_name, inlined_pc, inlined_size;
};

struct live_layout {
    uint8_t minor; /* of go1.MINOR */
    const struct layout_g *g;
    const struct layout_func *func;
    uint16_t procid;            /* in struct m */
    uint16_t gofunc;            /* in moduledata */
    uint32_t magic;             /* of the table of functions */
    const char *const *reasons; /* of waiting, in words */
    size_t n_reasons;
};

/* At most, of those. */
#define LAYOUT_G_SIZE 448

/* Of "go1.19.8"; NULL when that release is not known. */
const struct live_layout *layout_find(const char *version);

/* The layouts themselves, for who checks them. */
extern const struct live_layout live_layouts[];
extern const size_t live_n_layouts;

/* The releases that are known: "go1.17, go1.18, ...". */
void layout_list(char *text, size_t size);

/* What tracebacks call a state; NULL for none that there is. */
const char *layout_state(const struct live_layout *layout, uint32_t status, uint8_t reason);

#endif
