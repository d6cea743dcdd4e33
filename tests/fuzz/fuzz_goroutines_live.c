/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that plays Go, damaged: the input says which words of what it plays with are other
 * ones. A look at it is refused with a text of one line, or shows goroutines that keep the promises
 * of a snapshot, in bounded time and memory.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "go_scene.h"
#include "harness/goroutine/live/layout.h"
#include "harness/goroutine/live/live.h"
#include "require.h"

#define MAX_SECONDS 10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two bytes say where, one how: another number, an address in the scene, or one near the old. */
static void damage(const uint8_t *patch, uint8_t *bytes, size_t size)
{
    uint16_t where;
    uint64_t value, old;

    memcpy(&where, patch, sizeof where);
    memcpy(&value, patch + 3, sizeof value);
    const size_t at = where % (size - sizeof value);
    memcpy(&old, bytes + at, sizeof old);
    if (patch[2] % 3 == 1)
        value = (uintptr_t) bytes + value % size;
    else if (patch[2] % 3 == 2)
        value = old + (uint64_t) (int8_t) patch[3];
    memcpy(bytes + at, &value, patch[2] % 2 ? sizeof value : 1 + patch[2] % sizeof value);
}

static void check(const struct sl_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_thread *thread = &snapshot->threads[i];
        require(thread->stack || thread->reason, "there is a stack, or the reason");
        require(thread->goroutine && thread->wait.text && thread->count == 1, "it is one of Go's");
        require(i == 0 || thread[-1].id < thread->id, "ids ascend and are not given twice");
        if (!thread->stack)
            continue;
        require(thread->stack->complete == !thread->stack->reason, "what is partial says why");
        for (size_t f = 0; f < thread->stack->n_frames; f++)
            require(!thread->stack->frames[f].line || thread->stack->frames[f].file,
                    "a line is of a file");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .max_time_ns = SL_NS_PER_S, .max_memory = 64 << 20, .max_frames = 64};
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};
    size_t n_bytes;

    if (!size)
        return 0;
    uint8_t *bytes = go_scene_bytes(&n_bytes);
    go_scene_play(live_layouts[data[0] % live_n_layouts].minor);
    for (size_t at = 1; at + 11 <= size; at += 11)
        damage(data + at, bytes, n_bytes);
    const uint64_t began = sl_clock_now_ns();
    if (sl_goroutines_take(getpid(), &opts, &snapshot, &err))
        require(*err.text && !strchr(err.text, '\n'), "it is refused with a text of one line");
    else
        check(snapshot);
    require(sl_clock_now_ns() - began < MAX_SECONDS * SL_NS_PER_S, "it takes bounded time");
    sl_snapshot_free(snapshot);
    go_scene_end();
    return 0;
}
