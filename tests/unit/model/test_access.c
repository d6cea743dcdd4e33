/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "harness/model/finding.h"

/* Every member has a value of its own, so that one accessor cannot stand for another. */
static const struct sl_frame frames[] = {
    {.address = 1,
     .function = "take",
     .file = "take.c",
     .module = "/app",
     .line = 2,
     .inlined = true,
     .offset = 3,
     .build_id = "ab12"},
    {.address = 4, .by_frame_pointers = true, .region = 5},
};
static const struct sl_stack stack = {
    .frames = frames, .n_frames = 2, .grade = SL_GRADE_FRAME_POINTERS, .reason = "no table"};
static const struct sl_stack creator = {.frames = frames + 1, .n_frames = 1, .complete = true};
static const struct sl_thread threads[] = {
    {.id = 11,
     .start_time = 12,
     .count = 13,
     .name = "worker",
     .state = 'S',
     .consistent = true,
     .source = SL_SOURCE_BPF,
     .stack = &stack,
     .created_by = &creator,
     .age_ns = 19,
     .cpu_ns = 14,
     .switches = 15,
     .wait = {.kind = SL_WAIT_JOIN,
              .syscall_nr = 202,
              .syscall = "futex",
              .object = 16,
              .owner = 17,
              .timed = true,
              .socket = true,
              .target = "pipe:[1]",
              .held = "stopped",
              .text = "a join",
              .age_ns = 18}},
    {.id = UINT64_C(1) << 40, .reason = "gone"},
};
static const struct sl_unjoined unjoined[] = {{.pthread = 21, .start = &frames[1]}};
static const struct sl_snapshot_module modules[] = {
    {.path = "/app", .build_id = "cd34", .start = 22, .end = 23, .not_looked_at = "too large"}};
static const struct sl_snapshot snapshot = {.modules = modules,
                                            .n_modules = 1,
                                            .pid = 31,
                                            .taken_ns = 32,
                                            .ticks_per_second = 33,
                                            .threads = threads,
                                            .n_threads = 2,
                                            .n_left_out = 30,
                                            .left_out_reason = "too many",
                                            .unjoined = unjoined,
                                            .n_unjoined = 1,
                                            .unjoined_missing = "none asked",
                                            .stats = {.threads = 2,
                                                      .unwound = 34,
                                                      .memoised = 35,
                                                      .retried = 36,
                                                      .stopped = 37,
                                                      .duration_ns = 38}};

static const struct sl_fact facts[] = {{.kind = SL_FACT_WAIT,
                                        .count = 71,
                                        .thread = 72,
                                        .object = 73,
                                        .other = 74,
                                        .value = 75,
                                        .text = "waits"}};
static const uint32_t members[] = {41, 42};
static const struct sl_finding findings[] = {
    {.group = {.fingerprint = "00ff",
               .count = 43,
               .members = members,
               .n_members = 2,
               .function = "take",
               .frames = frames,
               .n_frames = 2,
               .complete = true,
               .grade = SL_GRADE_COMPLETE,
               .reason = "cut",
               .wait = {.kind = SL_WAIT_MUTEX},
               .thread_name = "pool",
               .ids = {44, 45},
               .n_ids = 2},
     .counted = true,
     .cause = SL_CAUSE_PARKED,
     .evidence = "it waits",
     .facts = facts,
     .n_facts = 1},
    {.cause = SL_CAUSE_RESIDENT},
};
static const struct sl_late_thread late[] = {{.tid = 51, .name = "slow", .delay_ns = 52}};
static const struct sl_leak_report report = {.count = 61,
                                             .unjoined = 62,
                                             .unjoined_missing = "no list",
                                             .late = 1,
                                             .resident = 63,
                                             .settle_ns = 64,
                                             .findings = findings,
                                             .n_findings = 2,
                                             .late_threads = late,
                                             .n_late_threads = 1};

SL_TEST(access, a_snapshot_gives_all_its_parts)
{
    cr_assert_eq(sl_snapshot_pid(&snapshot), 31);
    cr_assert_eq(sl_snapshot_taken_ns(&snapshot), 32);
    cr_assert_eq(sl_snapshot_ticks_per_second(&snapshot), 33);
    cr_assert_eq(sl_snapshot_n_unwound(&snapshot), 34);
    cr_assert_eq(sl_snapshot_n_memoised(&snapshot), 35);
    cr_assert_eq(sl_snapshot_n_retried(&snapshot), 36);
    cr_assert_eq(sl_snapshot_n_stopped(&snapshot), 37);
    cr_assert_eq(sl_snapshot_duration_ns(&snapshot), 38);
    cr_assert_eq(sl_snapshot_n_left_out(&snapshot), 30);
    cr_assert_str_eq(sl_snapshot_left_out_reason(&snapshot), "too many");
    cr_assert_eq(sl_snapshot_n_threads(&snapshot), 2);
    cr_assert_eq(sl_snapshot_thread(&snapshot, 1), &threads[1]);
    cr_assert_eq(sl_snapshot_find(&snapshot, UINT64_C(1) << 40), &threads[1]);
    cr_assert_null(sl_snapshot_find(&snapshot, 12));
    cr_assert_str_eq(sl_snapshot_unjoined_missing(&snapshot), "none asked");
    cr_assert_eq(sl_snapshot_n_unjoined(&snapshot), 1);
    cr_assert_eq(sl_snapshot_unjoined(&snapshot, 0), unjoined);
    cr_assert_eq(sl_snapshot_n_modules(&snapshot), 1);
    cr_assert_eq(sl_snapshot_module(&snapshot, 0), modules);
    cr_assert_str_eq(sl_snapshot_module_path(modules), "/app");
    cr_assert_str_eq(sl_snapshot_module_build_id(modules), "cd34");
    cr_assert_eq(sl_snapshot_module_start(modules), 22);
    cr_assert_eq(sl_snapshot_module_end(modules), 23);
    cr_assert_str_eq(sl_snapshot_module_not_looked_at(modules), "too large");
    cr_assert_eq(sl_unjoined_pthread(unjoined), 21);
    cr_assert_eq(sl_unjoined_start(unjoined), &frames[1]);
}

SL_TEST(access, a_thread_gives_all_its_parts)
{
    cr_assert_eq(sl_thread_id(threads), 11);
    cr_assert_eq(sl_thread_start_time(threads), 12);
    cr_assert_eq(sl_thread_count(threads), 13);
    cr_assert_eq(sl_thread_age_ns(threads), 19);
    cr_assert_eq(sl_thread_cpu_ns(threads), 14);
    cr_assert_eq(sl_thread_switches(threads), 15);
    cr_assert_str_eq(sl_thread_name(threads), "worker");
    cr_assert_eq(sl_thread_state(threads), 'S');
    cr_assert(sl_thread_consistent(threads));
    cr_assert_not(sl_thread_consistent(&threads[1]));
    cr_assert_eq(sl_thread_source(threads), SL_SOURCE_BPF);
    cr_assert_eq(sl_thread_stack(threads), &stack);
    cr_assert_eq(sl_thread_created_by(threads), &creator);
    cr_assert_str_eq(sl_thread_reason(&threads[1]), "gone");
    cr_assert_eq(sl_thread_wait(threads), &threads[0].wait);
}

SL_TEST(access, a_wait_gives_all_its_parts)
{
    const struct sl_wait *wait = &threads[0].wait, *none = &threads[1].wait;

    cr_assert_eq(sl_wait_kind(wait), SL_WAIT_JOIN);
    cr_assert_eq(sl_wait_syscall_nr(wait), 202);
    cr_assert_str_eq(sl_wait_syscall(wait), "futex");
    cr_assert_str_eq(sl_wait_call_text(wait), "a join");
    cr_assert_eq(sl_wait_object(wait), 16);
    cr_assert_eq(sl_wait_owner(wait), 17);
    cr_assert_eq(sl_wait_ended_owner(wait), 0);
    cr_assert_eq(sl_wait_age_ns(wait), 18);
    cr_assert(sl_wait_timed(wait) && !sl_wait_timed(none));
    cr_assert(sl_wait_socket(wait) && !sl_wait_socket(none));
    cr_assert_str_eq(sl_wait_target(wait), "pipe:[1]");
    cr_assert_str_eq(sl_wait_held(wait), "stopped");
}

SL_TEST(access, a_stack_and_its_frames_give_all_their_parts)
{
    const struct sl_frame *inner = sl_stack_frame(&stack, 0), *outer = sl_stack_frame(&stack, 1);

    cr_assert_eq(sl_stack_n_frames(&stack), 2);
    cr_assert_eq(sl_stack_grade(&stack), SL_GRADE_FRAME_POINTERS);
    cr_assert(sl_stack_complete(&creator) && !sl_stack_complete(&stack));
    cr_assert_str_eq(sl_stack_reason(&stack), "no table");
    cr_assert_eq(sl_frame_address(inner), 1);
    cr_assert_str_eq(sl_frame_function(inner), "take");
    cr_assert_str_eq(sl_frame_file(inner), "take.c");
    cr_assert_str_eq(sl_frame_module(inner), "/app");
    cr_assert_str_eq(sl_frame_build_id(inner), "ab12");
    cr_assert_eq(sl_frame_line(inner), 2);
    cr_assert_eq(sl_frame_offset(inner), 3);
    cr_assert_eq(sl_frame_region(outer), 5);
    cr_assert(sl_frame_inlined(inner) && !sl_frame_inlined(outer));
    cr_assert(sl_frame_by_frame_pointers(outer) && !sl_frame_by_frame_pointers(inner));
}

SL_TEST(access, a_report_and_its_findings_give_all_their_parts)
{
    cr_assert_eq(sl_leak_report_count(&report), 61);
    cr_assert_eq(sl_leak_report_unjoined(&report), 62);
    cr_assert_str_eq(sl_leak_report_unjoined_missing(&report), "no list");
    cr_assert_eq(sl_leak_report_resident(&report), 63);
    cr_assert_eq(sl_leak_report_settle_ns(&report), 64);
    cr_assert_eq(sl_leak_report_n_findings(&report), 2);
    cr_assert_eq(sl_leak_report_finding(&report, 1), &findings[1]);
    cr_assert_eq(sl_leak_report_n_late(&report), 1);
    cr_assert_eq(sl_leak_report_late(&report, 0), late);
    cr_assert_eq(sl_late_thread_id(late), 51);
    cr_assert_str_eq(sl_late_thread_name(late), "slow");
    cr_assert_eq(sl_late_thread_delay_ns(late), 52);
    cr_assert_eq(sl_finding_group(findings), &findings[0].group);
    cr_assert(sl_finding_counted(findings) && !sl_finding_counted(&findings[1]));
    cr_assert_eq(sl_finding_cause(findings), SL_CAUSE_PARKED);
    cr_assert_str_eq(sl_finding_evidence(findings), "it waits");
}

SL_TEST(access, a_fact_gives_all_its_parts)
{
    cr_assert_eq(sl_finding_n_facts(findings), 1);
    cr_assert_eq(sl_finding_fact(findings, 0), facts);
    cr_assert_null(sl_finding_fact(findings, 1));
    cr_assert_null(sl_finding_fact(NULL, 0));
    cr_assert_eq(sl_fact_kind(facts), SL_FACT_WAIT);
    cr_assert_eq(sl_fact_count(facts), 71);
    cr_assert_eq(sl_fact_thread(facts), 72);
    cr_assert_eq(sl_fact_object(facts), 73);
    cr_assert_eq(sl_fact_other(facts), 74);
    cr_assert_eq(sl_fact_value(facts), 75);
    cr_assert_str_eq(sl_fact_text(facts), "waits");
}

SL_TEST(access, a_group_gives_all_its_parts)
{
    const struct sl_group *group = &findings[0].group, *other = &findings[1].group;

    cr_assert_str_eq(sl_group_fingerprint(group), "00ff");
    cr_assert_eq(sl_group_count(group), 43);
    cr_assert_str_eq(sl_group_function(group), "take");
    cr_assert_eq(sl_group_n_frames(group), 2);
    cr_assert_eq(sl_group_frame(group, 1), &frames[1]);
    cr_assert(sl_group_complete(group) && !sl_group_complete(other));
    cr_assert_eq(sl_group_grade(group), SL_GRADE_COMPLETE);
    cr_assert_str_eq(sl_group_reason(group), "cut");
    cr_assert_eq(sl_group_wait(group), &group->wait);
    cr_assert_str_eq(sl_group_thread_name(group), "pool");
    cr_assert_eq(sl_group_n_ids(group), 2);
    cr_assert_eq(sl_group_id(group, 1), 45);
    cr_assert_eq(sl_group_n_members(group), 2);
    cr_assert_eq(sl_group_member(group, 1), 42);
}

SL_TEST(access, an_enum_value_that_is_none_has_a_text_too)
{
    cr_assert_str_eq(sl_cause_text(SL_CAUSE_PARKED), "parked");
    cr_assert_str_eq(sl_cause_text((enum sl_cause) 99), "unknown");
    cr_assert_str_eq(sl_wait_kind_text((enum sl_wait_kind) 99), "unknown");
    cr_assert_str_eq(sl_source_text((enum sl_source) 99), "unknown");
    cr_assert_str_eq(sl_grade_text((enum sl_grade) 99), "unknown");
}

SL_TEST(access, an_index_out_of_range_gives_nothing)
{
    cr_assert_null(sl_snapshot_thread(&snapshot, 2));
    cr_assert_null(sl_snapshot_thread(&snapshot, SIZE_MAX));
    cr_assert_null(sl_snapshot_unjoined(&snapshot, 1));
    cr_assert_null(sl_snapshot_module(&snapshot, 1));
    cr_assert_null(sl_stack_frame(&stack, 2));
    cr_assert_null(sl_group_frame(&findings[0].group, 2));
    cr_assert_eq(sl_group_id(&findings[0].group, 2), 0);
    cr_assert_eq(sl_group_member(&findings[0].group, 2), SIZE_MAX);
    cr_assert_null(sl_leak_report_finding(&report, 2));
    cr_assert_null(sl_leak_report_late(&report, 1));
}

SL_TEST(access, looks_may_be_chained_where_there_is_nothing)
{
    const struct sl_thread *thread = sl_snapshot_thread(NULL, 0);

    cr_assert_null(thread);
    cr_assert_null(sl_snapshot_find(NULL, 1));
    cr_assert_eq(sl_snapshot_n_threads(NULL), 0);
    cr_assert_null(sl_frame_function(sl_stack_frame(sl_thread_stack(thread), 0)));
    cr_assert_null(sl_thread_name(thread));
    cr_assert_eq(sl_wait_kind(sl_thread_wait(thread)), SL_WAIT_NONE);
    cr_assert_eq(sl_wait_syscall_nr(sl_thread_wait(thread)), -1);
    cr_assert_null(sl_wait_call_text(sl_thread_wait(thread)));
    cr_assert_null(sl_unjoined_start(NULL));
    cr_assert_null(sl_group_function(sl_finding_group(sl_leak_report_finding(NULL, 0))));
    cr_assert_eq(sl_leak_report_count(NULL), 0);
    cr_assert_eq(sl_group_n_ids(NULL), 0);
}
