/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/live/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* Names of the fields as in the sources of the runtime: runtime2.go, symtab.go. */
static const struct layout_func func_117 = {
    .wide = true,
    .name = 8,
    .pcsp = 20,
    .pcfile = 24,
    .pcln = 28,
    .npcdata = 32,
    .cu = 36,
    .id = 40,
    .flag = 41,
    .nfuncdata = 43,
    .size = 44,
    .inlined_id = 2,
    .inlined_name = 12,
    .inlined_pc = 16,
    .inlined_size = 20,
};
static const struct layout_func func_118 = {
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
static const struct layout_func func_120 = {
    .name = 4,
    .pcsp = 16,
    .pcfile = 20,
    .pcln = 24,
    .npcdata = 28,
    .cu = 32,
    .id = 40,
    .flag = 41,
    .nfuncdata = 43,
    .size = 44,
    .inlined_id = 0,
    .inlined_name = 4,
    .inlined_pc = 8,
    .inlined_size = 16,
};

static const struct layout_g g_117 = {
    .m = 48,
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
    .size = 320,
};
static const struct layout_g g_122 = {
    .m = 48,
    .sp = 56,
    .pc = 64,
    .syscallsp = 112,
    .syscallpc = 120,
    .status = 144,
    .goid = 152,
    .waitsince = 168,
    .waitreason = 176,
    .tracking_seq = 191,
    .lockedm = 208,
    .parent = 272,
    .gopc = 280,
    .startpc = 296,
    .size = 304,
};
/* syscallbp is new. */
static const struct layout_g g_123 = {
    .m = 48,
    .sp = 56,
    .pc = 64,
    .syscallsp = 112,
    .syscallpc = 120,
    .status = 152,
    .goid = 160,
    .waitsince = 176,
    .waitreason = 184,
    .tracking_seq = 199,
    .lockedm = 216,
    .parent = 280,
    .gopc = 288,
    .startpc = 304,
    .size = 312,
};
/* gobuf.ret is gone. */
static const struct layout_g g_125 = {
    .m = 48,
    .sp = 56,
    .pc = 64,
    .syscallsp = 104,
    .syscallpc = 112,
    .status = 144,
    .goid = 152,
    .waitsince = 168,
    .waitreason = 176,
    .tracking_seq = 191,
    .lockedm = 208,
    .parent = 272,
    .gopc = 280,
    .startpc = 296,
    .size = 304,
};

/* clang-format off */
/* waitReasonStrings, without the mark " (durable)", which says how and not for what. */
#define FIRST_REASONS \
    "", "GC assist marking", "IO wait", "chan receive (nil chan)", "chan send (nil chan)", \
    "dumping heap", "garbage collection", "garbage collection scan", "panicwait", "select", \
    "select (no cases)", "GC assist wait", "GC sweep wait", "GC scavenge wait", "chan receive", \
    "chan send", "finalizer wait", "force gc (idle)"
#define LOCK_REASONS "sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock"
#define LATER_REASONS \
    "trace reader (blocked)", "wait for GC cycle", "GC worker (idle)", "GC worker (active)", \
    "preempted", "debug call", "GC mark termination", "stopping the world"
#define TRACE_REASONS \
    "flushing proc caches", "trace goroutine status", "trace proc status", "page trace flush", \
    "coroutine"

static const char *const reasons_117[] = {
    FIRST_REASONS, "semacquire", "sleep", "sync.Cond.Wait", "timer goroutine (idle)",
    "trace reader (blocked)", "wait for GC cycle", "GC worker (idle)", "preempted", "debug call"};
static const char *const reasons_120[] = {
    FIRST_REASONS, "semacquire", "sleep", "sync.Cond.Wait", LOCK_REASONS, LATER_REASONS};
static const char *const reasons_123[] = {
    FIRST_REASONS, "semacquire", "sleep", "sync.Cond.Wait", LOCK_REASONS, LATER_REASONS,
    TRACE_REASONS, "GC weak to strong wait"};
static const char *const reasons_124[] = {
    FIRST_REASONS, "semacquire", "sleep", "sync.Cond.Wait", LOCK_REASONS, "sync.WaitGroup.Wait",
    LATER_REASONS, TRACE_REASONS, "GC weak to strong wait", "synctest.Run", "synctest.Wait",
    "chan receive (synctest)", "chan send (synctest)", "select (synctest)"};
static const char *const reasons_125[] = {
    FIRST_REASONS, "GOMAXPROCS updater (idle)", "semacquire", "sleep", "sync.Cond.Wait",
    LOCK_REASONS, "sync.WaitGroup.Wait", LATER_REASONS, TRACE_REASONS, "GC weak to strong wait",
    "synctest.Run", "synctest.Wait", "chan receive", "chan send", "select", "sync.WaitGroup.Wait",
    "cleanup wait"};

#define REASONS(list) .reasons = (list), .n_reasons = SL_COUNT_OF(list)

const struct live_layout live_layouts[] = {
    {17, &g_117, &func_117, .procid = 72, .gofunc = 0, .magic = 0xfffffffa, REASONS(reasons_117)},
    {18, &g_117, &func_118, .procid = 72, .gofunc = 304, .magic = 0xfffffff0, REASONS(reasons_117)},
    {19, &g_117, &func_118, .procid = 72, .gofunc = 304, .magic = 0xfffffff0, REASONS(reasons_117)},
    {20, &g_117, &func_120, .procid = 72, .gofunc = 320, .magic = 0xfffffff1, REASONS(reasons_120)},
    {22, &g_122, &func_120, .procid = 72, .gofunc = 320, .magic = 0xfffffff1, REASONS(reasons_123)},
    {23, &g_123, &func_120, .procid = 72, .gofunc = 320, .magic = 0xfffffff1, REASONS(reasons_123)},
    {24, &g_123, &func_120, .procid = 72, .gofunc = 320, .magic = 0xfffffff1, REASONS(reasons_124)},
    {25, &g_125, &func_120, .procid = 64, .gofunc = 320, .magic = 0xfffffff1, REASONS(reasons_125)},
};
/* clang-format on */
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

void layout_list(char *text, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < live_n_layouts && at < size; i++)
        at += (size_t) snprintf(text + at, size - at, "%sgo1.%d", i ? ", " : "",
                                live_layouts[i].minor);
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
