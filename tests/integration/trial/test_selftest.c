/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline selftest`: each fault and each planted state, and nothing where nothing is wrong. */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strandline/bus_fault.h>

#include "base/macros.h"
#include "harness/plant/plant.h"
#include "result_builder.h"
#include "strandline.h"

#define SELFTEST(name) SL_TEST(selftest, name, .init = strandline_enter, .fini = strandline_leave)

static const json_t *find(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_text_at(json_array_get(list, i), "name"), name) == 0)
            return json_array_get(list, i);
    return NULL;
}

/* A row that needs what this machine does not have says so, and no other is anything but a hit. */
static void assert_row(const json_t *row)
{
    const char *outcome = json_text_at(row, "outcome");

    if (strcmp(outcome, "not played") == 0) {
        cr_assert(strcmp(json_text_at(row, "transport"), "nats") == 0 ||
                      strcmp(json_text_at(row, "expected.proof"), "none") != 0,
                  "%s: %s", json_text_at(row, "name"), json_text_at(row, "reason"));
        return;
    }
    cr_assert_str_eq(outcome, "hit", "%s: %s", json_text_at(row, "name"),
                     json_string_value(json_at(row, "reason")));
    cr_assert(json_is_object(json_at(row, "seen")));
}

/* By its schema, where that can be asked. */
static void assert_valid(const char *text)
{
    char path[] = "/tmp/strandline-selftest-XXXXXX";
    int fd = mkstemp(path);

    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text));
    (void) close(fd);
    int status = result_validate(path);
    (void) unlink(path);
    cr_assert(status == 0 || status == 77, "%d", status);
}

SELFTEST(everything_that_is_planted_is_found_and_nothing_else)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("AddressSanitizer starts each thread with a function of its own");
#endif
    struct command_result result = strandline_run("selftest", "--json", NULL);
    json_auto_t *table = json_loads(result.output, 0, NULL);
    const json_t *rows = json_at(table, "rows"), *left_out = json_at(table, "left_out");

    cr_assert(table, "%s%s", result.output, result.errors);
    assert_valid(result.output);
    for (size_t i = 0; i < json_array_size(rows); i++)
        assert_row(json_array_get(rows, i));
    cr_assert_eq(json_number_at(table, "missed"), 0);
    cr_assert_eq(json_number_at(table, "false_alarms"), 0);
    cr_assert_eq(result.status, json_number_at(table, "not_played") ? 3 : 0);
    for (const struct sl_plant *plant = sl_plants(); plant->name; plant++)
        cr_assert(find(rows, plant->name), "no row for '%s'", plant->name);
    for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
        cr_assert_neq(!find(rows, fault->name), !find(left_out, fault->name), "%s", fault->name);
}

SELFTEST(a_wrong_use_plays_nothing)
{
    struct command_result result = strandline_run("selftest", "now", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(strstr(result.errors, "unexpected 'now'"), "%s", result.errors);
}
