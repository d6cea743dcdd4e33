/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of files: what they ignore, what they are witnesses of, and what is told of that. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "leak_scene.h"
#include "rules/rules.h"

static struct sl_error err;

#define RULES(name, text)                                                                          \
    SL_CLEANUP(sl_rules_release) struct sl_rules name;                                             \
    use_rules(&scene, &(name), (text))

static void use_rules(struct scene *scene, struct sl_rules *rules, const char *text)
{
    sl_assert_ok(sl_rules_init(rules, &err), &err);
    sl_assert_ok(sl_rules_parse(rules, "r.json", text, strlen(text), &err), &err);
    scene->input.rules = (struct sl_leak_rules){rules->rules, rules->n};
}

#define IGNORE(rule) "{\"schema\": \"strandline.rules/1\", \"ignore\": [" rule "]}"

SL_TEST(leak_rule_files, what_a_rule_fits_is_shown_with_its_reason_and_does_not_count)
{
    SCENE(scene);
    scene_park_workers(&scene, 5);
    RULES(rules, IGNORE("{\"any_function\": \"pool_w*\", \"reason\": \"why\", \"owner\": \"me\","
                        " \"expires\": \"2999-01-01\"}"));
    scene_analyse(&scene);
    cr_assert_eq(scene.report.n_findings, 1);
    cr_assert_not(scene.report.findings[0].counted);
    cr_assert_eq(scene.report.findings[0].cause, SL_CAUSE_PARKED, "it is what it is");
    cr_assert_str_eq(scene.report.findings[0].ignored,
                     "r.json:1: why (owner me, until 2999-01-01)");
    cr_assert_eq(scene.report.count, 0);
    cr_assert_eq(scene.report.resident, 0);
    cr_assert_eq(scene.report.ignored, 5);
    cr_assert_eq(scene.report.n_matches, 1);
    cr_assert_eq(scene.report.matches[0].count, 5);
}

SL_TEST(leak_rule_files, beyond_the_max_of_a_rule_threads_count)
{
    SCENE(scene);
    scene_park_workers(&scene, 5);
    RULES(rules, IGNORE("{\"any_function\": \"pool_w*\", \"reason\": \"why\", \"max\": 2}"));
    scene_analyse(&scene);
    cr_assert_eq(scene.report.n_findings, 2);
    cr_assert(scene.report.findings[0].counted && !scene.report.findings[0].ignored);
    cr_assert_eq(scene.report.findings[0].group.count, 3);
    cr_assert_eq(scene.report.findings[1].group.count, 2);
    cr_assert_str_eq(scene.report.findings[0].group.fingerprint,
                     scene.report.findings[1].group.fingerprint);
    cr_assert_eq(scene.report.count, 3);
    cr_assert_eq(scene.report.ignored, 2);
    cr_assert_eq(scene.report.matches[0].count, 5, "so many were there");
}

SL_TEST(leak_rule_files, all_that_a_pattern_names_has_to_fit)
{
    static const struct {
        const char *rule;
        bool fits;
    } cases[] = {
        {IGNORE("{\"module\": \"app\", \"reason\": \"r\"}"), true},
        {IGNORE("{\"module\": \"ap\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"module\": \"libnats*\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"any_function\": \"pool_worker\", \"reason\": \"r\"}"), true},
        {IGNORE("{\"any_function\": \"pool\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"top_function\": \"start_thread\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"wait\": \"cond*\", \"reason\": \"r\"}"), true},
        {IGNORE("{\"wait\": \"socket\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"thread_name\": \"named\", \"reason\": \"r\"}"), true},
        {IGNORE("{\"thread_name\": \"name\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"creator\": \"main\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"cause\": \"parked\", \"reason\": \"r\"}"), true},
        {IGNORE("{\"cause\": \"io\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"cause\": \"parked\", \"any_function\": \"pool_worker\", \"reason\": \"r\"}"),
         true},
        {IGNORE("{\"cause\": \"parked\", \"any_function\": \"x\", \"reason\": \"r\"}"), false},
        {IGNORE("{\"any_function\": \"pool_worker\", \"reason\": \"r\","
                " \"expires\": \"2020-01-01\"}"),
         false},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SCENE(scene);
        scene_begin_closed(&scene);
        (void) sl_build_thread(scene.builder, 101, 2, scene.worker);
        scene_begin_settled(&scene);
        struct sl_thread *thread = sl_build_thread(scene.builder, 101, 2, scene.worker);
        memcpy(thread->name, "named", sizeof "named");
        RULES(rules, cases[i].rule);
        scene_analyse(&scene);
        cr_expect_eq(scene.report.ignored, cases[i].fits, "case %zu", i);
        cr_expect_eq(scene.report.count, !cases[i].fits, "case %zu", i);
    }
}

SL_TEST(leak_rule_files, a_name_takes_its_threads_out_of_a_group_and_no_others)
{
    SCENE(scene);
    scene_begin_settled(&scene);
    for (pid_t tid = 101; tid < 105; tid++)
        (void) snprintf(sl_build_thread(scene.builder, tid, 2, scene.worker)->name, 16, "w-%d",
                        tid % 2);
    RULES(rules, IGNORE("{\"thread_name\": \"w-0\", \"reason\": \"even\"}"));
    scene_analyse(&scene);
    cr_assert_eq(scene.report.count, 2);
    cr_assert_eq(scene.report.ignored, 2);
    cr_assert_str_eq(scene.report.findings[0].group.thread_name, "w-1");
    cr_assert_str_eq(scene.report.findings[1].group.thread_name, "w-0");
}

SL_TEST(leak_rule_files, wildcards_of_a_function_name_are_meant_when_escaped)
{
    SCENE(scene);
    const struct sl_stack *loop = sl_build_stack(
        scene.builder, "app:github.com/nats-io/nats.go.(*Conn).readLoop|app:runtime.goexit");
    SL_CLEANUP(sl_rules_release) struct sl_rules rules;
    sl_assert_ok(sl_rules_init(&rules, &err), &err);
    sl_assert_ok(sl_rules_load(&rules, SL_TEST_SOURCE_ROOT "/rules/nats.go.json", &err), &err);
    scene.input.rules = (struct sl_leak_rules){rules.rules, rules.n};
    scene_begin_settled(&scene);
    (void) sl_build_thread(scene.builder, 101, 2, loop);
    scene_assert_cause(&scene, 1, SL_CAUSE_NOT_CLOSED,
                       "what has to end by then was left: read loop of a nats.go connection "
                       "(thread 101) is still alive");
}

SL_TEST(leak_rule_files, threads_of_librdkafka_are_witnesses_by_name_and_module)
{
    static const struct {
        const char *stack, *name;
        bool witness;
    } cases[] = {
        {"libc.so.6:poll|librdkafka.so.1:rd_kafka_thread_main|libc.so.6:start_thread", "rdk:main",
         true},
        {"libc.so.6:poll|librdkafka-1f2e.so.1:|libc.so.6:start_thread", "rdk:broker3", true},
        {"libc.so.6:poll|librdkafka.so.1:|libc.so.6:start_thread", "other", false},
        {"libc.so.6:poll|app:work|libc.so.6:start_thread", "rdk:main", false},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SCENE(scene);
        SL_CLEANUP(sl_rules_release) struct sl_rules rules;
        sl_assert_ok(sl_rules_init(&rules, &err), &err);
        sl_assert_ok(sl_rules_load(&rules, SL_TEST_SOURCE_ROOT "/rules/librdkafka.json", &err),
                     &err);
        scene.input.rules = (struct sl_leak_rules){rules.rules, rules.n};
        scene_begin_settled(&scene);
        (void) snprintf(
            sl_build_thread(scene.builder, 101, 2, sl_build_stack(scene.builder, cases[i].stack))
                ->name,
            16, "%s", cases[i].name);
        scene_analyse(&scene);
        cr_expect_eq(scene.report.findings[0].cause == SL_CAUSE_NOT_CLOSED, cases[i].witness,
                     "case %zu", i);
        cr_expect_eq(scene.report.n_matches, cases[i].witness, "case %zu", i);
    }
}

SL_TEST(leak_rule_files, residents_of_a_file_are_not_counted_and_are_told)
{
    SCENE(scene);
    scene.input.library_modules = NULL;
    scene.input.witnesses = NULL;
    RULES(rules, "{\"schema\": \"strandline.rules/1\", \"resident\": ["
                 "{\"module\": \"libnats.so*\", \"reason\": \"timers\"}]}");
    scene_begin_settled(&scene);
    sl_build_threads(scene.builder, 101, 3, 2, scene.timer);
    scene_begin_torn_down(&scene);
    scene_assert_cause(&scene, 3, SL_CAUSE_RESIDENT,
                       "3 threads of libnats.so.3.4.1, gone after its shutdown");
    cr_assert_eq(scene.report.n_matches, 1);
    cr_assert_eq(scene.report.matches[0].count, 3);
}
