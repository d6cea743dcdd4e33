/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/live/layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static const struct layout_func func_119 = {
    .name = 4,
    .pcsp = 16,
    .pcfile = 20,
    .pcln = 24,
    .npcdata = 28,
    .cu = 32,
    .id = 36,
    .flag = 37,
    .nfuncdata = 39,
    .size = 40,
    .inlined_id = 2,
    .inlined_name = 12,
    .inlined_pc = 16,
    .inlined_size = 20,
};

static const char *const reasons_119[] = {"",
                                          "GC assist marking",
                                          "IO wait",
                                          "chan receive (nil chan)",
                                          "chan send (nil chan)",
                                          "dumping heap",
                                          "garbage collection",
                                          "garbage collection scan",
                                          "panicwait",
                                          "select",
                                          "select (no cases)",
                                          "GC assist wait",
                                          "GC sweep wait",
                                          "GC scavenge wait",
                                          "chan receive",
                                          "chan send",
                                          "finalizer wait",
                                          "force gc (idle)",
                                          "semacquire",
                                          "sleep",
                                          "sync.Cond.Wait",
                                          "timer goroutine (idle)",
                                          "trace reader (blocked)",
                                          "wait for GC cycle",
                                          "GC worker (idle)",
                                          "preempted",
                                          "debug call"};

const struct live_layout live_layouts[] = {
    {.minor = 19,
     .g = {.m = 48,
           .sp = 56,
           .pc = 64,
           .syscallsp = 112,
           .syscallpc = 120,
           .status = 144,
           .goid = 152,
           .waitsince = 168,
           .waitreason = 176,
           .tracking_seq = 189,
           .lockedm = 232,
           .gopc = 296,
           .startpc = 312,
           .size = 320},
     .procid = 72,
     .gofunc = 304,
     .magic = 0xfffffff0,
     .func = &func_119,
     .wrapper = 21,
     .reasons = reasons_119,
     .n_reasons = SL_COUNT_OF(reasons_119)},
};
const size_t live_n_layouts = SL_COUNT_OF(live_layouts);

const struct live_layout *layout_find(const char *version)
{
    static const char go1[] = "go1.";
    char *end;

    if (strncmp(version, go1, sizeof go1 - 1) != 0)
        return NULL;
    unsigned long minor = strtoul(version + sizeof go1 - 1, &end, 10);
    /* What comes before a release differs from it. */
    if (end == version + sizeof go1 - 1 || (*end && *end != '.' && *end != ' ' && *end != '-'))
        return NULL;
    for (size_t i = 0; i < live_n_layouts; i++)
        if (live_layouts[i].minor == minor)
            return &live_layouts[i];
    return NULL;
}

const char *layout_state(const struct live_layout *layout, uint32_t status, uint8_t reason)
{
    static const char *const states[] = {
        [LAYOUT_IDLE] = "idle",           [LAYOUT_RUNNABLE] = "runnable",
        [LAYOUT_RUNNING] = "running",     [LAYOUT_SYSCALL] = "syscall",
        [LAYOUT_WAITING] = "waiting",     [LAYOUT_COPYSTACK] = "copystack",
        [LAYOUT_PREEMPTED] = "preempted", [LAYOUT_LEAKED] = "leaked"};

    status &= ~LAYOUT_SCAN;
    if (status >= SL_COUNT_OF(states))
        return NULL;
    if (status != LAYOUT_WAITING || !reason)
        return states[status];
    return reason < layout->n_reasons ? layout->reasons[reason] : "unknown wait reason";
}
