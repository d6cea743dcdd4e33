/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the table: rules, the control, and the verdict with the numbers that it rests on. */
#include "reports/print/table_verdict.h"

#include <inttypes.h>
#include <string.h>

#include "reports/cells.h"
#include "reports/print/wrap.h"

static void print_control(const struct sl_page *page, const struct sl_control *control)
{
    bool good = control->ran && control->planted > 0 && control->planted == control->found;
    enum sl_style style = good ? SL_STYLE_NONE : SL_STYLE_BAD;

    if (control->ran)
        sl_style_print(page, style, "control: planted %" PRIu32 ", found %" PRIu32,
                       control->planted, control->found);
    else
        sl_style_print(page, style, "control: could not be measured");
    if (control->reason)
        (void) fprintf(page->out, " (%s)", sl_say_text(page, control->reason, ""));
    (void) fputc('\n', page->out);
}

/* ", N WHAT", or that it is not known: a verdict read from a file may be older than its numbers. */
static const char *total_text(const struct sl_page *page, struct sl_value total, const char *what)
{
    return total.missing ? sl_say(page, ", %s not known", what)
                         : sl_say(page, ", %" PRIu64 " %s", total.value, what);
}

/* A verdict is about what was accepted. */
static const char *
accepted_text(const struct sl_page *page, struct sl_value accepted, struct sl_value tried)
{
    if (accepted.missing || tried.missing)
        return ", accepted messages not known";
    return sl_say(page, ", accepted %" PRIu64 " of %" PRIu64 " messages", accepted.value,
                  tried.value);
}

static void add_value(struct sl_value *total, struct sl_value value)
{
    total->value += value.value;
    if (value.missing)
        total->missing = value.missing;
}

/* The numbers that "ok" rests on. */
static void print_ok(const struct sl_page *page, const struct sl_run_result *result)
{
    struct sl_value accepted = {0}, tried = {0}, leaked = {0}, lost = {0}, violations = {0};

    for (size_t i = 0; i < result->n_cells; i++) {
        for (size_t j = 0; j < result->cells[i].n_trials; j++) {
            const struct sl_trial_result *trial = &result->cells[i].trials[j];
            add_value(&accepted, trial->delivery.published);
            add_value(&tried, sl_delivery_tried(&trial->delivery));
            add_value(&leaked, (struct sl_value){trial->leaks.count, trial->leaks_missing});
            add_value(&lost, trial->delivery.lost);
            add_value(&violations, trial->delivery.order_violations);
        }
    }
    sl_style_print(page, SL_STYLE_GOOD, "ok");
    const char *text = sl_say(
        page, ": %zu trials in %zu cells%s%s%s%s", sl_cells_count_trials(result), result->n_cells,
        accepted_text(page, accepted, tried), total_text(page, leaked, "leaked threads"),
        total_text(page, lost, "lost messages"), total_text(page, violations, "order violations"));
    sl_wrap_after(page, SL_STYLE_NONE, 2, 4, text);
}

static void print_verdict(const struct sl_page *page, const struct sl_run_result *result,
                          const struct sl_verdict *verdict)
{
    static const char *const words[] = {"ok", "failed", "not judged", "could not measure",
                                        "inconclusive"};
    const char *word = verdict->exit >= 0 && verdict->exit < (int) SL_COUNT_OF(words)
                           ? words[verdict->exit]
                           : "not judged";
    enum sl_style style = verdict->exit == 1 ? SL_STYLE_BAD : SL_STYLE_WARN;

    if (verdict->exit == 0 && verdict->n_failed == 0) {
        print_ok(page, result);
        return;
    }
    sl_style_print(page, style, "%s", word);
    (void) fputs(verdict->n_failed ? ": " : "\n", page->out);
    for (size_t i = 0; i < verdict->n_failed; i++) {
        size_t column = strlen(word) + 2;
        (void) fprintf(page->out, "%*s", i ? (int) column : 0, "");
        sl_wrap_after(page, SL_STYLE_NONE, column, column + 2,
                      sl_say_text(page, verdict->failed[i], "?"));
    }
}

/* ": used, at most 5 threads in one trial"; ": expired after 2026-01-31". */
static const char *say_state(const struct sl_page *page, const struct sl_rule_use *use)
{
    if (use->detail)
        return sl_say(page, "%s: %s", sl_rule_state_text(use->state),
                      sl_say_text(page, use->detail, ""));
    switch (use->state) {
    case SL_RULE_STATE_USED:
        return sl_say(page, "used, %" PRIu32 " thread%s in one trial at most", use->threads,
                      use->threads == 1 ? "" : "s");
    case SL_RULE_STATE_UNUSED:
        return "unused: no thread that stayed looks like that";
    case SL_RULE_STATE_EXPIRED:
        return sl_say(page, "expired after %s, and does not apply any more",
                      sl_say_text(page, use->rule.expires, "a day that is not recorded"));
    default:
        return "too broad";
    }
}

void sl_table_print_rules(const struct sl_page *page, const struct sl_run_result *result)
{
    for (size_t i = 0; i < result->n_rules; i++) {
        const struct sl_rule_use *use = &result->rules[i];
        /* That no witness is alive is as it should be. */
        if (use->state == SL_RULE_STATE_UNUSED && use->rule.kind != SL_LEAK_RULE_IGNORE)
            continue;
        enum sl_style style = use->state == SL_RULE_STATE_TOO_BROAD ? SL_STYLE_BAD
                              : use->state == SL_RULE_STATE_USED    ? SL_STYLE_NONE
                                                                    : SL_STYLE_WARN;
        const char *owner =
            use->rule.owner ? sl_say(page, " (owner %s)", sl_say_text(page, use->rule.owner, ""))
                            : "";
        sl_wrap_printf(page, style, 2, "rule %s:%" PRIu32 ", %s \"%s\"%s: %s",
                       sl_say_text(page, use->rule.file, ""), use->rule.line,
                       sl_leak_rule_kind_text(use->rule.kind),
                       sl_say_text(page, use->rule.reason, ""), owner, say_state(page, use));
    }
}

void sl_table_print_verdict(const struct sl_page *page, const struct sl_run_result *result,
                            const struct sl_verdict *verdict)
{
    print_control(page, &result->control);
    print_verdict(page, result, verdict);
}
