/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files from arbitrary bytes: every rule has a place, a reason and a pattern that some thread
 * does not fit, or the file is refused with a position and a text of one line.
 */
#include <stdint.h>
#include <string.h>

#include "require.h"
#include "rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct sl_rules *rules)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct sl_leak_rule *rule = &rules->rules[i];
        const struct sl_pattern *pattern = &rule->pattern;
        require(rule->line > 0 && strcmp(rule->file, "fuzz.json") == 0, "a rule has a place");
        require(rule->reason && *rule->reason, "a rule has a reason");
        require(rule->index == i, "rules are counted");
        require(pattern->module || pattern->top_function || pattern->any_function ||
                    pattern->creator || pattern->thread_name || pattern->wait || pattern->cause,
                "a rule has a pattern");
        require(rule->kind == SL_LEAK_RULE_IGNORE || (!pattern->cause && rule->max.missing),
                "causes and numbers are of what is ignored");
        require(!rule->expired || rule->expires, "what expired has a day");
    }
}

static void check_refused(const struct sl_error *err)
{
    require(err->status == SL_EPARSE, "bad input is malformed input");
    require(strncmp(err->text, "fuzz.json:", 10) == 0, "the text names the input");
    require(!strpbrk(err->text, "\n\r\x1b"), "the text is one line");
    require(strlen(err->text) < sizeof err->text - 1, "the text is whole");
    require(err->line > 0 && err->column > 0, "there is a position");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SL_CLEANUP(sl_rules_release) struct sl_rules rules = {0};
    struct sl_error err = {0};

    if (size > SL_RULES_SIZE_MAX)
        return -1;
    require(sl_rules_init(&rules, &err) == SL_OK, "there is memory");
    if (sl_rules_parse(&rules, "fuzz.json", (const char *) data, size, &err) == SL_OK)
        check_accepted(&rules);
    else
        check_refused(&err);
    return 0;
}
