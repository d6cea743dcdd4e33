/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "reports/print/leak_lines.h"
#include "reports/print/verdict.h"
#include "result_builder.h"

/* Three trials, of which two leak a reporter that is found in a file. */
static struct sl_run_result *leaking_run_of(uint32_t count, const char *function)
{
    static const struct sl_frame frames[] = {
        {.address = 1, .function = "sem_wait", .module = "/lib/libc.so.6"},
        {.address = 2, .function = "reporter", .file = "src/bus.c", .line = 52},
        {.address = 3, .function = "thread_main", .file = "src/thread.c", .line = 9},
    };
    struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "unified", "memory", NULL, 3);
    for (size_t i = 0; i < 2; i++) {
        struct sl_finding *finding =
            result_add_group(result, result_trial(result, 0, i), count, SL_CAUSE_PARKED, function);
        finding->group.frames = frames;
        finding->group.n_frames = SL_COUNT_OF(frames);
    }
    return result;
}

static struct sl_run_result *leaking_run(uint32_t count)
{
    return leaking_run_of(count, "reporter");
}

static char *print(const struct sl_run_result *result, const struct sl_run_result *baseline)
{
    const struct sl_policy policy = {.baseline = baseline};
    char *text = NULL;
    size_t size = 0;
    struct sl_page page = {.out = open_memstream(&text, &size), .arena = result->arena};
    cr_assert(sl_leak_lines_print(&page, result, &policy));
    (void) fclose(page.out);
    return text;
}

SL_TEST(leak_lines, a_leak_is_named_with_its_cause_its_line_and_its_trials)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = leaking_run(1);
    result_trial(result, 0, 2)->leaks_missing = "not permitted";
    SL_AUTO_FREE char *text = print(result, NULL);
    cr_assert(strstr(text, "leaked: 1 x reporter: parked, src/bus.c:52, in 2 of 2 trials of "
                           "low/unified/memory ("),
              "%s", text);
    cr_assert_eq(strcspn(text, "\n") + 1, strlen(text), "one line: %s", text);
}

SL_TEST(leak_lines, beside_a_baseline_a_leak_is_new_or_known)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = leaking_run(1);
    SL_AUTO(sl_run_result) struct sl_run_result *empty = result_new();
    SL_AUTO_FREE char *new = print(result, empty);
    cr_assert_eq(strncmp(new, "new: 1 x reporter", 17), 0, "%s", new);
    SL_AUTO_FREE char *known = print(result, result);
    cr_assert_eq(strncmp(known, "known: 1 x reporter", 19), 0, "%s", known);
    cr_assert(!strstr(known, "the baseline has"), "%s", known);
}

SL_TEST(leak_lines, a_known_leak_that_grew_says_what_it_was)
{
    SL_AUTO(sl_run_result) struct sl_run_result *baseline = leaking_run(2);
    SL_AUTO(sl_run_result) struct sl_run_result *result = leaking_run(7);
    SL_AUTO_FREE char *text = print(result, baseline);
    cr_assert(strstr(text, "\n       the baseline has 2 of them at most\n"), "%s", text);
}

SL_TEST(leak_lines, a_wide_name_is_short_in_text_and_whole_in_json)
{
    static const char name[] = "app::Pool<std::map<std::string, std::vector<app::Message> >, "
                               "std::allocator<app::Message> >::wait(int)";
    SL_AUTO(sl_run_result) struct sl_run_result *result = leaking_run_of(1, name);
    const struct sl_policy policy = {0};

    SL_AUTO_FREE char *text = print(result, NULL);
    cr_assert_eq(strncmp(text, "leaked: 1 x app::Pool<...>::wait(int): parked", 45), 0, "%s", text);
    const struct sl_judgement judgement = {.result = result, .policy = &policy};
    SL_AUTO_FREE char *json = result_export(sl_verdict_exporters, "json", &judgement, NULL);
    cr_assert(strstr(json, name), "%s", json);
}

SL_TEST(leak_lines, without_a_baseline_whether_a_leak_is_new_is_null)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = leaking_run(1);
    const struct sl_policy alone = {0}, beside = {.baseline = result};
    const struct sl_judgement first = {.result = result, .policy = &alone};
    SL_AUTO_FREE char *json = result_export(sl_verdict_exporters, "json", &first, NULL);
    cr_assert(strstr(json, "\"line\": 52,"), "%s", json);
    cr_assert(strstr(json, "\"new\": null,\n      \"baseline_count\": null\n"), "%s", json);
    const struct sl_judgement second = {.result = result, .policy = &beside};
    SL_AUTO_FREE char *judged = result_export(sl_verdict_exporters, "json", &second, NULL);
    cr_assert(strstr(judged, "\"new\": false,\n      \"baseline_count\": 1\n"), "%s", judged);
}
