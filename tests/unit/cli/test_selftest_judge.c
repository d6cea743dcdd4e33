/* SPDX-License-Identifier: Apache-2.0 */
/* What a self-test makes of a trial: each way in which it can be no hit. */
#include "sl_test.h"

#include <string.h>

#include "cli/selftest/selftest.h"
#include "result_builder.h"

struct scene {
    struct sl_run_result *result;
    struct sl_trial_result *trial;
    struct selftest_row row;
};

/* Two threads are planted and found, and all else went well. */
static struct scene scene_new(void)
{
    struct scene scene = {.result = result_new()};

    (void) result_add_cell(scene.result, "quiet", "unified", "memory", "planted", 1);
    scene.trial = result_trial(scene.result, 0, 0);
    (void) result_add_group(scene.result, scene.trial, 2, SL_CAUSE_RETRYING, "fetch_main");
    scene.row.expected = (struct selftest_facts){
        .function = "fetch_main", .cause = "retrying", .threads = 2, .leaked = 2};
    return scene;
}

static void scene_release(struct scene *scene)
{
    sl_run_result_free(scene->result);
}

static struct sl_finding *finding_of(const struct scene *scene)
{
    return (struct sl_finding *) &scene->trial->leaks.findings[0];
}

/* The reason lacks nothing of the text; NULL: there is none. */
#define JUDGED(outcome_, text, ...)                                                                \
    do {                                                                                           \
        SL_CLEANUP(scene_release) struct scene scene = scene_new();                                \
        struct selftest_facts *expected = &scene.row.expected;                                     \
        (void) expected;                                                                           \
        __VA_ARGS__;                                                                               \
        selftest_judge(&scene.row, scene.trial, scene.result->arena);                              \
        cr_assert_eq(scene.row.outcome, outcome_, "%d: %s", (int) scene.row.outcome,               \
                     scene.row.reason ? scene.row.reason : "no reason");                           \
        const char *wanted = text;                                                                 \
        cr_assert_eq(!scene.row.reason, !wanted);                                                  \
        cr_assert(!wanted || strstr(scene.row.reason, wanted), "%s", scene.row.reason);            \
    } while (0)

SL_TEST(selftest_judge, what_is_there_and_called_by_its_name_is_a_hit)
{
    JUDGED(SELFTEST_HIT, NULL, (void) 0);
    JUDGED(SELFTEST_HIT, NULL, expected->many_threads = true, expected->threads = 1);
    JUDGED(SELFTEST_HIT, NULL, expected->function = NULL);
    JUDGED(SELFTEST_HIT, NULL, scene.trial->delivery.lost = SL_VALUE(3), expected->lost = true);
}

SL_TEST(selftest_judge, what_is_there_and_not_found_is_a_miss)
{
    JUDGED(SELFTEST_MISS, "cause retrying, not parked", expected->cause = "parked");
    JUDGED(SELFTEST_MISS, "no thread of other_main", expected->function = "other_main");
    JUDGED(SELFTEST_MISS, "2 of 3 threads", expected->threads = expected->leaked = 3);
    JUDGED(SELFTEST_MISS, "no thread of fetch_main", scene.trial->leaks.n_findings = 0);
    JUDGED(SELFTEST_MISS, "no thread of fetch_main", finding_of(&scene)->counted = false);
    JUDGED(SELFTEST_MISS, "no lost message", expected->lost = true);
    JUDGED(SELFTEST_MISS, "all publishes seem", expected->unanswered = true);
    JUDGED(SELFTEST_MISS, "no order violation", expected->disorder = true);
    JUDGED(SELFTEST_MISS, "0 of 1 late threads", expected->late = 1);
    JUDGED(SELFTEST_MISS, "hang: none, not close-hangs", expected->hang = BUS_FAULT_CLOSE_HANGS);
    JUDGED(SELFTEST_MISS, "it did not crash", expected->crash = true);
    JUDGED(SELFTEST_MISS, "called alive", expected->proof = SL_PROOF_DEAD,
           finding_of(&scene)->group.proof.grade = SL_PROOF_ALIVE);
}

SL_TEST(selftest_judge, what_is_not_there_and_found_is_a_false_alarm)
{
    JUDGED(SELFTEST_FALSE_ALARM, "2 leaked threads, 0 are there",
           *expected = (struct selftest_facts){0});
    JUDGED(SELFTEST_FALSE_ALARM, "lost messages", scene.trial->delivery.lost = SL_VALUE(1));
    JUDGED(SELFTEST_FALSE_ALARM, "publishes without an outcome",
           scene.trial->latency.publish.count = SL_VALUE(499));
    JUDGED(SELFTEST_FALSE_ALARM, "order violations",
           scene.trial->delivery.order_violations = SL_VALUE(1));
    JUDGED(SELFTEST_FALSE_ALARM, "hang: close-times-out", scene.trial->close.timed_out = true);
    JUDGED(SELFTEST_FALSE_ALARM, "called dead", expected->proof = SL_PROOF_ALIVE,
           finding_of(&scene)->group.proof.grade = SL_PROOF_DEAD);
}

SL_TEST(selftest_judge, what_could_not_be_measured_was_not_played)
{
    JUDGED(SELFTEST_NOT_PLAYED, "no server", scene.trial->status = SL_TRIAL_FAILED,
           scene.trial->reason = "no server");
    JUDGED(SELFTEST_NOT_PLAYED, "it ended", scene.trial->status = SL_TRIAL_CRASHED,
           scene.trial->reason = "it ended");
    JUDGED(SELFTEST_NOT_PLAYED, "nothing was proved", expected->proof = SL_PROOF_DEAD);
    JUDGED(SELFTEST_HIT, NULL, scene.trial->status = SL_TRIAL_CRASHED, expected->crash = true);
}
