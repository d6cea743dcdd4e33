/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/rules_used.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

#define SHOWN_FUNCTIONS 3

/* What one rule fitted. */
struct fitted {
    uint32_t most;          /* threads in one trial */
    const char **functions; /* of all groups; room for all matches */
    size_t n_functions;
};

static uint32_t add_report(struct fitted *fitted, const struct sl_leak_rule *rule,
                           const struct sl_leak_report *leaks)
{
    uint32_t n = 0;

    for (size_t i = 0; i < leaks->n_matches; i++) {
        const struct sl_rule_match *match = &leaks->matches[i];
        if (match->rule->index != rule->index)
            continue;
        n += match->count;
        if (match->function)
            fitted->functions[fitted->n_functions++] = match->function;
    }
    return n;
}

static int compare_texts(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

/* Each function once. */
static void fold_functions(struct fitted *fitted)
{
    size_t n = 0;

    qsort(fitted->functions, fitted->n_functions, sizeof *fitted->functions, compare_texts);
    for (size_t i = 0; i < fitted->n_functions; i++)
        if (!n || strcmp(fitted->functions[n - 1], fitted->functions[i]) != 0)
            fitted->functions[n++] = fitted->functions[i];
    fitted->n_functions = n;
}

static const char *say_groups(const struct fitted *fitted, struct sl_arena *arena)
{
    const char *text = sl_arena_printf(
        arena, "it fits %zu groups that have no function in common:", fitted->n_functions);

    for (size_t i = 0; i < fitted->n_functions && i < SHOWN_FUNCTIONS && text; i++)
        text = sl_arena_printf(arena, "%s%s %s", text, i ? "," : "", fitted->functions[i]);
    return text && fitted->n_functions > SHOWN_FUNCTIONS ? sl_arena_printf(arena, "%s...", text)
                                                         : text;
}

/* @return false when memory is short */
static bool
judge(struct sl_rule_use *use, struct fitted *fitted, bool fits_control, struct sl_arena *arena)
{
    const struct sl_leak_rule *rule = &use->rule;
    bool good = true;

    fold_functions(fitted);
    use->threads = fitted->most;
    use->groups = (uint32_t) fitted->n_functions;
    use->state = rule->expired  ? SL_RULE_STATE_EXPIRED
                 : fitted->most ? SL_RULE_STATE_USED
                                : SL_RULE_STATE_UNUSED;
    if (fits_control) {
        use->state = SL_RULE_STATE_TOO_BROAD;
        use->detail = "it fits the leak that is planted to prove that leaks are found";
    } else if (use->groups > 1) {
        use->state = SL_RULE_STATE_TOO_BROAD;
        use->detail = say_groups(fitted, arena);
        good = use->detail;
    } else if (!rule->max.missing && fitted->most > rule->max.value) {
        use->detail = sl_arena_printf(arena,
                                      "a trial had %" PRIu32 " such threads, of which %" PRIu64
                                      " are ignored and the rest counts",
                                      fitted->most, rule->max.value);
        good = use->detail;
    }
    return good;
}

static size_t count_matches(const struct sl_run_result *result)
{
    size_t n = 0;

    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++)
            n += result->cells[i].trials[j].leaks.n_matches;
    return n;
}

/* The rule may be freed before the result is. */
static bool
copy_rule(const struct sl_leak_rule *rule, struct sl_arena *arena, struct sl_leak_rule *ret_rule)
{
    const char *const *from[] = {&rule->reason, &rule->owner, &rule->file, &rule->expires};

    *ret_rule = *rule;
    ret_rule->pattern = (struct sl_pattern){0};
    const char **to[] = {&ret_rule->reason, &ret_rule->owner, &ret_rule->file, &ret_rule->expires};
    for (size_t i = 0; i < SL_COUNT_OF(to); i++) {
        *to[i] = sl_arena_strdup(arena, *from[i]);
        if (*from[i] && !*to[i])
            return false;
    }
    return true;
}

enum sl_status sl_leak_rules_used(const struct sl_leak_rules *rules,
                                  const struct sl_leak_report *control,
                                  struct sl_run_result *result, struct sl_error *err)
{
    struct sl_rule_use *uses = sl_arena_array(result->arena, rules->n, sizeof *uses);
    SL_AUTO_FREE const char **functions =
        calloc(count_matches(result) + control->n_matches + 1, sizeof *functions);
    bool good = uses && functions;
    size_t n = 0;

    for (size_t i = 0; i < rules->n && good; i++) {
        const struct sl_leak_rule *rule = &rules->rules[i];
        struct fitted fitted = {.functions = functions};
        bool fits_control = add_report(&fitted, rule, control);
        fitted.n_functions = 0; /* the planted leak is no group of the bus */
        for (size_t j = 0; j < result->n_cells; j++)
            for (size_t k = 0; k < result->cells[j].n_trials; k++) {
                uint32_t here = add_report(&fitted, rule, &result->cells[j].trials[k].leaks);
                fitted.most = SL_MAX(fitted.most, here);
            }
        if (rule->shipped && !fitted.most && !fits_control)
            continue;
        good = copy_rule(rule, result->arena, &uses[n].rule) &&
               judge(&uses[n], &fitted, fits_control, result->arena);
        n++;
    }
    if (!good)
        return sl_fail(err, SL_ENOMEM, "out of memory for the rules of a run");
    result->rules = uses;
    result->n_rules = n;
    return SL_OK;
}
