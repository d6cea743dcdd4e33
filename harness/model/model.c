/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/search.h"
#include "harness/model/leak.h"
#include "harness/model/result.h"
#include "harness/model/snapshot.h"

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

static const char *const cause_texts[] = {
#define X(name, text) [SL_CAUSE_##name] = (text),
    SL_CAUSE_MAP(X)
#undef X
};

static const char *const trial_status_texts[] = {
#define X(name, text) [SL_TRIAL_##name] = (text),
    SL_TRIAL_STATUS_MAP(X)
#undef X
};

static const char *const source_texts[] = {
#define X(name, text) [SL_SOURCE_##name] = (text),
    SL_SOURCE_MAP(X)
#undef X
};

/* Index of text in texts, or n. */
static size_t find_text(const char *const *texts, size_t n, const char *text)
{
    size_t i = 0;
    while (i < n && strcmp(texts[i], text) != 0)
        i++;
    return i;
}

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
    return wait_kind_texts[kind];
}

const char *sl_source_text(enum sl_source source)
{
    return source_texts[source];
}

const char *sl_grade_text(enum sl_grade grade)
{
    return grade_texts[grade];
}

const char *sl_cause_text(enum sl_cause cause)
{
    return cause_texts[cause];
}

bool sl_cause_parse(const char *text, enum sl_cause *ret_cause)
{
    size_t i = find_text(cause_texts, SL_COUNT_OF(cause_texts), text);
    if (i == SL_COUNT_OF(cause_texts))
        return false;
    *ret_cause = (enum sl_cause) i;
    return true;
}

const char *sl_trial_status_text(enum sl_trial_status status)
{
    return trial_status_texts[status];
}

bool sl_trial_status_parse(const char *text, enum sl_trial_status *ret_status)
{
    size_t i = find_text(trial_status_texts, SL_COUNT_OF(trial_status_texts), text);
    if (i == SL_COUNT_OF(trial_status_texts))
        return false;
    *ret_status = (enum sl_trial_status) i;
    return true;
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
    size_t n = sl_snapshot_n_threads(snapshot);
    size_t at = SL_PARTITION_POINT(n, i, snapshot->threads[i].id < id);
    if (id && at < n && snapshot->threads[at].id == id)
        return &snapshot->threads[at];
    return NULL;
}

void sl_run_result_free(struct sl_run_result *result)
{
    if (!result)
        return;
    struct sl_arena *arena = result->arena; /* the result itself lives in it */
    sl_arena_free(arena);
}
