/* SPDX-License-Identifier: Apache-2.0 */
/* Looks into a snapshot, for programs that do not see its structs. */
#include "harness/model/snapshot.h"

const char *sl_version(void)
{
    return SL_VERSION;
}

/* The function that gives a part of an object; NULL has `none`. */
#define PART(type, object, name, part, none)                                                       \
    type sl_##object##_##name(const struct sl_##object *object)                                    \
    {                                                                                              \
        return object ? object->part : (none);                                                     \
    }
/* The function that gives one of an array. */
#define ITEM(type, object, name, array, count)                                                     \
    type sl_##object##_##name(const struct sl_##object *object, size_t index)                      \
    {                                                                                              \
        return object && index < object->count ? &object->array[index] : NULL;                     \
    }

PART(pid_t, snapshot, pid, pid, 0)
PART(uint64_t, snapshot, taken_ns, taken_ns, 0)
PART(uint64_t, snapshot, duration_ns, stats.duration_ns, 0)
PART(uint64_t, snapshot, ticks_per_second, ticks_per_second, 0)
PART(size_t, snapshot, n_unwound, stats.unwound, 0)
PART(size_t, snapshot, n_memoised, stats.memoised, 0)
PART(size_t, snapshot, n_retried, stats.retried, 0)
PART(size_t, snapshot, n_stopped, stats.stopped, 0)
PART(size_t, snapshot, n_threads, n_threads, 0)
ITEM(const struct sl_thread *, snapshot, thread, threads, n_threads)
PART(size_t, snapshot, n_unjoined, n_unjoined, 0)
ITEM(const struct sl_unjoined *, snapshot, unjoined, unjoined, n_unjoined)
PART(const char *, snapshot, unjoined_missing, unjoined_missing, NULL)

PART(uint64_t, thread, id, id, 0)
PART(uint64_t, thread, start_time, start_time, 0)
PART(const char *, thread, name, name, NULL)
PART(uint32_t, thread, count, count, 0)
PART(char, thread, state, state, 0)
PART(bool, thread, consistent, consistent, false)
PART(enum sl_source, thread, source, source, SL_SOURCE_NONE)
PART(uint64_t, thread, cpu_ns, cpu_ns, 0)
PART(uint64_t, thread, switches, switches, 0)
PART(const struct sl_stack *, thread, stack, stack, NULL)
PART(const char *, thread, reason, reason, NULL)
PART(const struct sl_stack *, thread, created_by, created_by, NULL)

const struct sl_wait *sl_thread_wait(const struct sl_thread *thread)
{
    return thread ? &thread->wait : NULL;
}

PART(enum sl_grade, stack, grade, grade, SL_GRADE_PARTIAL)
PART(bool, stack, complete, complete, false)
PART(const char *, stack, reason, reason, NULL)
PART(size_t, stack, n_frames, n_frames, 0)
ITEM(const struct sl_frame *, stack, frame, frames, n_frames)

PART(uint64_t, frame, address, address, 0)
PART(const char *, frame, function, function, NULL)
PART(const char *, frame, file, file, NULL)
PART(uint32_t, frame, line, line, 0)
PART(const char *, frame, module, module, NULL)
PART(const char *, frame, build_id, build_id, NULL)
PART(uint64_t, frame, offset, offset, 0)
PART(uint32_t, frame, region, region, 0)
PART(bool, frame, inlined, inlined, false)
PART(bool, frame, by_frame_pointers, by_frame_pointers, false)

PART(enum sl_wait_kind, wait, kind, kind, SL_WAIT_NONE)
PART(int32_t, wait, syscall_nr, syscall_nr, -1)
PART(const char *, wait, syscall, syscall, NULL)
PART(uint64_t, wait, age_ns, age_ns, 0)
PART(uint64_t, wait, object, object, 0)
PART(uint64_t, wait, owner, owner > 0 ? (uint64_t) wait->owner : 0, 0)
PART(bool, wait, timed, timed, false)
PART(bool, wait, socket, socket, false)
PART(const char *, wait, target, target, NULL)
PART(const char *, wait, held, held, NULL)

PART(uint64_t, unjoined, pthread, pthread, 0)
PART(const struct sl_frame *, unjoined, start, start, NULL)
