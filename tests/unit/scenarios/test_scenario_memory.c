/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader when memory is short.
 *
 * SL_ALLOC_REST, because the JSON library passes over one failed allocation: when
 * the buffer of a text longer than 15 bytes cannot grow, it drops a character and
 * goes on.  Only memory that is back a moment later lets such a text through.
 */
#include "sl_test.h"

#include <string.h>

#include <jansson.h>

#include "scenarios/scenario.h"
#include "sl_alloc.h"

#define SHIPPED SL_TEST_SOURCE_ROOT "/scenarios"

static enum sl_status attempt_load(void *name, struct sl_error *err)
{
    struct sl_scenario *scenario = NULL;
    enum sl_status status = sl_scenario_load(name, SHIPPED, &scenario, err);
    sl_scenario_free(scenario);
    return status;
}

static enum sl_status attempt_list(void *user, struct sl_error *err)
{
    struct sl_scenario_list *list = NULL;
    enum sl_status status = sl_scenario_list(user, &list, err);
    sl_scenario_list_free(list);
    return status;
}

/* The JSON library allocates in its own shared object; this leads it to the replaced functions. */
static void share_allocator(void)
{
    json_set_alloc_funcs(malloc, free);
}

SL_TEST(scenario_memory, each_failed_allocation_of_a_load_is_reported_and_leaks_nothing)
{
    share_allocator();
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_REST, attempt_load, (char[]){"low"}), 50);
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_REST, attempt_load, (char[]){"incident"}), 50);
}

SL_TEST(scenario_memory, each_failed_allocation_of_a_list_is_reported_and_leaks_nothing)
{
    share_allocator();
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_REST, attempt_list, (char[]){SHIPPED}), 250);
}

static enum sl_status attempt_refusal(void *text, struct sl_error *err)
{
    struct sl_scenario *scenario = NULL;
    enum sl_status status = sl_scenario_parse("wrong.json", text, strlen(text), &scenario, err);
    cr_assert_null(scenario);
    if (status != SL_EPARSE)
        return status;
    /* Refused as it should be; what the helper counts is that no allocation failed. */
    cr_assert_eq(err->status, SL_EPARSE);
    return SL_OK;
}

SL_TEST(scenario_memory, a_wrong_scenario_is_refused_without_leaks_when_memory_is_short)
{
    share_allocator();
    cr_assert_gt(
        sl_alloc_fail_each(SL_ALLOC_REST, attempt_refusal, (char[]){"{\"load\": {\"event\": 1}}"}),
        5);
    cr_assert_gt(
        sl_alloc_fail_each(SL_ALLOC_REST, attempt_refusal, (char[]){"{\"load\": {\"events\": }}"}),
        5);
}
