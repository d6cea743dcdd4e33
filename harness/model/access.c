/* SPDX-License-Identifier: Apache-2.0 */
/* Looks into snapshots, groups and findings, for programs that do not see the structs. */
#include "harness/model/finding.h"

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
/* The function that gives a part that is a struct. */
#define INNER(type, object, name, part)                                                            \
    type sl_##object##_##name(const struct sl_##object *object)                                    \
    {                                                                                              \
        return object ? &object->part : NULL;                                                      \
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
PART(size_t, snapshot, n_left_out, n_left_out, 0)
PART(const char *, snapshot, left_out_reason, left_out_reason, NULL)
PART(size_t, snapshot, n_threads, n_threads, 0)
ITEM(const struct sl_thread *, snapshot, thread, threads, n_threads)
PART(size_t, snapshot, n_unjoined, n_unjoined, 0)
ITEM(const struct sl_unjoined *, snapshot, unjoined, unjoined, n_unjoined)
PART(const char *, snapshot, unjoined_missing, unjoined_missing, NULL)
PART(size_t, snapshot, n_modules, n_modules, 0)
ITEM(const struct sl_snapshot_module *, snapshot, module, modules, n_modules)

PART(const char *, snapshot_module, path, path, NULL)
PART(const char *, snapshot_module, build_id, build_id, NULL)
PART(uint64_t, snapshot_module, start, start, 0)
PART(uint64_t, snapshot_module, end, end, 0)
PART(const char *, snapshot_module, not_looked_at, not_looked_at, NULL)

PART(uint64_t, thread, id, id, 0)
PART(uint64_t, thread, start_time, start_time, 0)
PART(const char *, thread, name, name, NULL)
PART(uint32_t, thread, count, count, 0)
PART(char, thread, state, state, 0)
PART(bool, thread, consistent, consistent, false)
PART(enum sl_source, thread, source, source, SL_SOURCE_NONE)
PART(uint64_t, thread, age_ns, age_ns, 0)
PART(uint64_t, thread, cpu_ns, cpu_ns, 0)
PART(uint64_t, thread, switches, switches, 0)
PART(uint64_t, thread, stack_bytes, stack_bytes.value, 0)
PART(const struct sl_stack *, thread, stack, stack, NULL)
PART(const char *, thread, reason, reason, NULL)
PART(const struct sl_stack *, thread, created_by, created_by, NULL)
INNER(const struct sl_wait *, thread, wait, wait)

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
PART(uint64_t, wait, ended_owner, ended_owner > 0 ? (uint64_t) wait->ended_owner : 0, 0)
PART(bool, wait, timed, timed, false)
PART(bool, wait, socket, socket, false)
PART(const char *, wait, target, target, NULL)
PART(const char *, wait, held, held, NULL)

PART(uint64_t, unjoined, pthread, pthread, 0)
PART(const struct sl_frame *, unjoined, start, start, NULL)

PART(const char *, group, fingerprint, fingerprint, NULL)
PART(uint32_t, group, count, count, 0)
PART(const char *, group, function, function, NULL)
PART(size_t, group, n_frames, n_frames, 0)
ITEM(const struct sl_frame *, group, frame, frames, n_frames)
PART(bool, group, complete, complete, false)
PART(enum sl_grade, group, grade, grade, SL_GRADE_PARTIAL)
PART(const char *, group, reason, reason, NULL)
INNER(const struct sl_wait *, group, wait, wait)
PART(const char *, group, thread_name, thread_name, NULL)
PART(size_t, group, n_ids, n_ids, 0)
PART(size_t, group, n_members, n_members, 0)

uint64_t sl_group_id(const struct sl_group *group, size_t index)
{
    return index < sl_group_n_ids(group) ? group->ids[index] : 0;
}

size_t sl_group_member(const struct sl_group *group, size_t index)
{
    return index < sl_group_n_members(group) ? group->members[index] : SIZE_MAX;
}

PART(size_t, groups, n, n_groups, 0)
ITEM(const struct sl_group *, groups, group, groups, n_groups)

const struct sl_group *sl_groups_of_thread(const struct sl_groups *groups, size_t index)
{
    return groups && index < groups->n_threads ? groups->of_threads[index] : NULL;
}

PART(size_t, diff, n, n_entries, 0)
ITEM(const struct sl_diff_entry *, diff, entry, entries, n_entries)
PART(enum sl_diff_kind, diff_entry, kind, kind, SL_DIFF_APPEARED)
PART(const struct sl_group *, diff_entry, group, group, NULL)
PART(uint32_t, diff_entry, before, before, 0)
PART(uint32_t, diff_entry, after, after, 0)

INNER(const struct sl_group *, finding, group, group)
PART(bool, finding, counted, counted, false)
PART(enum sl_cause, finding, cause, cause, SL_CAUSE_NOT_CLOSED)
PART(const char *, finding, evidence, evidence, NULL)
PART(size_t, finding, n_facts, n_facts, 0)
ITEM(const struct sl_fact *, finding, fact, facts, n_facts)

PART(enum sl_fact_kind, fact, kind, kind, SL_FACT_NONE)
PART(uint32_t, fact, count, count, 0)
PART(uint64_t, fact, thread, thread, 0)
PART(uint64_t, fact, object, object, 0)
PART(uint64_t, fact, other, other, 0)
PART(uint64_t, fact, value, value, 0)
PART(const char *, fact, text, text, NULL)

PART(uint64_t, late_thread, id, tid, 0)
PART(const char *, late_thread, name, name, NULL)
PART(uint64_t, late_thread, delay_ns, delay_ns, 0)

PART(uint32_t, leak_report, count, count, 0)
PART(uint32_t, leak_report, unjoined, unjoined, 0)
PART(const char *, leak_report, unjoined_missing, unjoined_missing, NULL)
PART(uint32_t, leak_report, resident, resident, 0)
PART(uint64_t, leak_report, settle_ns, settle_ns, 0)
PART(size_t, leak_report, n_findings, n_findings, 0)
ITEM(const struct sl_finding *, leak_report, finding, findings, n_findings)
PART(size_t, leak_report, n_late, n_late_threads, 0)
ITEM(const struct sl_late_thread *, leak_report, late, late_threads, n_late_threads)
