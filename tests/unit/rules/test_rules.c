/* SPDX-License-Identifier: Apache-2.0 */
/* The loader, the rules that come with the project, and the cases in tests/data/rules. */
#include "sl_test.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "rules/rules.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define CASES SL_TEST_SOURCE_ROOT "/tests/data/rules"
#define RULES(name)                                                                                \
    SL_CLEANUP(sl_rules_release) struct sl_rules name;                                             \
    sl_assert_ok(sl_rules_init(&(name), &err), &err)

static enum sl_status parse(struct sl_rules *rules, const char *text)
{
    err = (struct sl_error){0};
    return sl_rules_parse(rules, "input.json", text, strlen(text), &err);
}

static void read_text(const char *directory, const char *name, char *ret_text, size_t size)
{
    char path[1100];
    (void) snprintf(path, sizeof path, "%s/%s", directory, name);
    cr_assert(sl_file_read(path, ret_text, size), "%s", path);
}

static size_t each_case(const char *pattern, void (*check)(const char *directory))
{
    glob_t found = {0};
    cr_assert_eq(glob(pattern, GLOB_ONLYDIR, NULL, &found), 0);
    size_t n = found.gl_pathc;
    for (size_t i = 0; i < n; i++)
        check(found.gl_pathv[i]);
    globfree(&found);
    return n;
}

static void check_valid(const char *directory)
{
    char text[4096];
    RULES(rules);
    read_text(directory, "input.json", text, sizeof text);
    cr_expect_eq(parse(&rules, text), SL_OK, "%s: %s", directory, err.text);
}

SL_TEST(rules, every_valid_case_is_read)
{
    cr_assert_geq(each_case(CASES "/valid/*", check_valid), 5);
}

/* `error` is the beginning of the text behind the name of the file. */
static void check_invalid(const char *directory)
{
    char text[4096], error[512], expected[600];
    RULES(rules);
    read_text(directory, "input.json", text, sizeof text);
    read_text(directory, "error", error, sizeof error);
    error[strcspn(error, "\n")] = '\0';
    (void) snprintf(expected, sizeof expected, "input.json:%s", error);
    cr_expect_eq(parse(&rules, text), SL_EPARSE, "%s", directory);
    cr_expect_eq(strncmp(err.text, expected, strlen(expected)), 0, "%s:\n   got '%s'\n  not '%s'",
                 directory, err.text, expected);
    cr_expect(err.line > 0 && err.column > 0, "%s: a position", directory);
    cr_expect_eq(rules.n, 0, "%s: none was added", directory);
}

SL_TEST(rules, every_invalid_case_is_refused_with_its_position_and_text)
{
    cr_assert_geq(each_case(CASES "/invalid/*", check_invalid), 26);
}

SL_TEST(rules, a_rule_knows_its_place_and_what_it_says)
{
    RULES(rules);
    sl_assert_ok(parse(&rules, "{\"schema\": \"strandline.rules/1\", \"ignore\": [\n"
                               " {\"top_function\": \"queue_*\", \"max\": 4, \"reason\": \"why\","
                               " \"owner\": \"me\"}],\n"
                               " \"witnesses\": [{\"module\": \"libx*\", \"reason\": \"loop\"}]}"),
                 &err);
    cr_assert_eq(rules.n, 2);
    cr_assert_eq(rules.rules[0].kind, SL_LEAK_RULE_IGNORE);
    cr_assert_str_eq(rules.rules[0].pattern.top_function, "queue_*");
    cr_assert_null(rules.rules[0].pattern.module);
    cr_assert_eq(rules.rules[0].max.value, 4);
    cr_assert_str_eq(rules.rules[0].file, "input.json");
    cr_assert_eq(rules.rules[0].line, 2);
    cr_assert_str_eq(rules.rules[0].owner, "me");
    cr_assert_eq(rules.rules[1].kind, SL_LEAK_RULE_WITNESS);
    cr_assert_eq(rules.rules[1].line, 3);
    cr_assert_not_null(rules.rules[1].max.missing, "any number");
    cr_assert_eq(rules.rules[1].index, 1);
}

SL_TEST(rules, a_rule_applies_on_its_last_day_and_not_the_day_after)
{
    static const struct {
        const char *today;
        bool expired;
    } days[] = {{"2027-02-28", false}, {"2027-03-01", false}, {"2027-03-02", true}};

    for (size_t i = 0; i < SL_COUNT_OF(days); i++) {
        RULES(rules);
        memcpy(rules.today, days[i].today, sizeof rules.today);
        sl_assert_ok(parse(&rules, "{\"schema\": \"strandline.rules/1\", \"ignore\": ["
                                   "{\"cause\": \"io\", \"reason\": \"r\","
                                   " \"expires\": \"2027-03-01\"}]}"),
                     &err);
        cr_expect_eq(rules.rules[0].expired, days[i].expired, "%s", days[i].today);
    }
}

SL_TEST(rules, those_that_come_along_ignore_nothing)
{
    RULES(rules);
    sl_assert_ok(sl_rules_load_shipped(&rules, &err), &err);
    cr_assert_geq(rules.n, 8);
    for (size_t i = 0; i < rules.n; i++) {
        cr_expect_neq(rules.rules[i].kind, SL_LEAK_RULE_IGNORE, "%s", rules.rules[i].file);
        cr_expect(rules.rules[i].shipped);
    }
}

SL_TEST(rules, a_file_that_is_too_large_or_not_there_is_refused)
{
    RULES(rules);
    SL_AUTO_FREE char *text = calloc(1, SL_RULES_SIZE_MAX + 2);
    memset(text, ' ', SL_RULES_SIZE_MAX + 1);
    sl_assert_fails(parse(&rules, text), SL_EPARSE, &err, "input.json: larger than 256KiB");
    sl_assert_fails(sl_rules_load(&rules, "/nonexistent/rules.json", &err), SL_ENOENT, &err,
                    "/nonexistent/rules.json");
}
