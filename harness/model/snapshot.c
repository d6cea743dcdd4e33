/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/search.h"

static const char *const wait_kind_texts[] = {
#define X(name, text) [SL_WAIT_##name] = (text),
    SL_WAIT_MAP(X)
#undef X
};

static const char *const grade_texts[] = {
#define X(name, text) [SL_GRADE_##name] = (text),
    SL_GRADE_MAP(X)
#undef X
};

static const char *const source_texts[] = {
#define X(name, text) [SL_SOURCE_##name] = (text),
    SL_SOURCE_MAP(X)
#undef X
};

const char *sl_wait_call_text(const struct sl_wait *wait)
{
    if (!wait)
        return NULL;
    if (wait->text)
        return wait->text;
    return wait->syscall_nr == SYS_restart_syscall ? "a call that the kernel restarted"
                                                   : wait->syscall;
}

const char *sl_wait_kind_text(enum sl_wait_kind kind)
{
    return (size_t) kind < SL_COUNT_OF(wait_kind_texts) ? wait_kind_texts[kind] : "unknown";
}

const char *sl_source_text(enum sl_source source)
{
    return (size_t) source < SL_COUNT_OF(source_texts) ? source_texts[source] : "unknown";
}

const char *sl_grade_text(enum sl_grade grade)
{
    return (size_t) grade < SL_COUNT_OF(grade_texts) ? grade_texts[grade] : "unknown";
}

const char *sl_snapshot_command(const struct sl_snapshot *snapshot)
{
    if (snapshot->kind == SL_SNAPSHOT_GOROUTINES)
        return snapshot->command;
    const struct sl_thread *leader = sl_snapshot_find(snapshot, (uint64_t) snapshot->pid);
    return leader ? leader->name : NULL;
}

const char *sl_path_base(const char *path)
{
    if (!path)
        return "";
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *sl_frame_text(const struct sl_frame *frame, char buffer[SL_FRAME_TEXT_MAX])
{
    if (frame->function)
        return frame->function;
    if (!frame->offset || (!frame->module && !frame->region))
        (void) snprintf(buffer, SL_FRAME_TEXT_MAX, "0x%" PRIx64, frame->address);
    else if (frame->module)
        (void) snprintf(buffer, SL_FRAME_TEXT_MAX, "%.255s+0x%" PRIx64, sl_path_base(frame->module),
                        frame->offset);
    else
        (void) snprintf(buffer, SL_FRAME_TEXT_MAX, "anonymous memory %" PRIu32 "+0x%" PRIx64,
                        frame->region, frame->offset);
    return buffer;
}

const struct sl_thread *sl_snapshot_find(const struct sl_snapshot *snapshot, uint64_t id)
{
    size_t n = snapshot ? snapshot->n_threads : 0;
    size_t at = SL_PARTITION_POINT(n, i, snapshot->threads[i].id < id);
    if (id && at < n && snapshot->threads[at].id == id)
        return &snapshot->threads[at];
    return NULL;
}

void sl_snapshot_free(struct sl_snapshot *snapshot)
{
    if (!snapshot)
        return;
    struct sl_arena *arena = snapshot->arena; /* the snapshot itself lives in it */
    sl_arena_free(arena);
}
