/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/selftest/selftest.h"

#include <inttypes.h>
#include <string.h>

#include "base/macros.h"

/* A reason, whatever happens: without one a row would count as hit. */
#define SAY(arena, ...) said(sl_arena_printf(arena, __VA_ARGS__))

static const char *said(const char *text)
{
    return text ? text : "memory is short for the reason";
}

const char *selftest_outcome_text(enum selftest_outcome outcome)
{
    static const char *const texts[SELFTEST_N_OUTCOMES] = {
        [SELFTEST_NOT_PLAYED] = "not played",
        [SELFTEST_HIT] = "hit",
        [SELFTEST_MISS] = "miss",
        [SELFTEST_FALSE_ALARM] = "false alarm",
    };
    return texts[outcome];
}

const char *selftest_hang_text(enum bus_fault_hang hang)
{
    static const char *const texts[] = {
        [BUS_FAULT_RETURNS] = "none",
        [BUS_FAULT_TIMES_OUT] = "close-times-out",
        [BUS_FAULT_CLOSE_HANGS] = "close-hangs",
        [BUS_FAULT_OPEN_HANGS] = "open-hangs",
    };
    return texts[hang];
}

static enum bus_fault_hang hang_of(const struct sl_trial_result *trial)
{
    if (trial->close.timed_out)
        return trial->leaks_missing ? BUS_FAULT_CLOSE_HANGS : BUS_FAULT_TIMES_OUT;
    return trial->status == SL_TRIAL_TIMEOUT && trial->phase && strcmp(trial->phase, "start") == 0
               ? BUS_FAULT_OPEN_HANGS
               : BUS_FAULT_RETURNS;
}

static bool is_on_stack(const struct sl_group *group, const char *function)
{
    for (size_t i = 0; i < group->n_frames; i++) {
        const char *name = group->frames[i].function;
        if (name && strncmp(name, function, strlen(function)) == 0)
            return true;
    }
    return false;
}

/*
 * The threads that are meant: of the function, if one is known, and of the cause.  Where they have
 * another cause, that is what is seen.
 */
static void find_threads(const struct selftest_facts *expected, const struct sl_finding *findings,
                         size_t n_findings, bool counted, struct selftest_facts *seen)
{
    for (size_t i = 0; i < n_findings; i++) {
        const struct sl_finding *finding = &findings[i];
        const char *cause = sl_cause_text(finding->cause);
        if (finding->counted != counted ||
            (expected->function && !is_on_stack(&finding->group, expected->function)))
            continue;
        bool is_right = !expected->cause || strcmp(cause, expected->cause) == 0;
        seen->function = expected->function ? expected->function : finding->group.function;
        if (is_right) {
            seen->threads += finding->group.count;
            const struct sl_proof *proof = &finding->group.proof;
            seen->proof = proof->grade;
            seen->reached_by = proof->n_path ? proof->path[0].what : proof->reason;
        }
        if (is_right || !seen->cause)
            seen->cause = cause;
    }
}

static struct selftest_facts
facts_of(const struct selftest_facts *expected, const struct sl_trial_result *trial)
{
    const struct sl_delivery *delivery = &trial->delivery;
    const struct sl_value answers = trial->latency.publish.count;
    struct selftest_facts seen = {
        .hang = hang_of(trial),
        .lost = !delivery->lost.missing && delivery->lost.value > 0,
        .disorder = !delivery->order_violations.missing && delivery->order_violations.value > 0,
        .crash = trial->status == SL_TRIAL_CRASHED,
        .unanswered = !answers.missing && answers.value < delivery->published.value,
    };

    if (seen.hang >= BUS_FAULT_CLOSE_HANGS) {
        find_threads(expected, trial->hang_findings, trial->n_hang_findings, false, &seen);
    } else if (!trial->leaks_missing) {
        seen.leaked = trial->leaks.count;
        seen.late = trial->leaks.late;
        find_threads(expected, trial->leaks.findings, trial->leaks.n_findings, true, &seen);
    }
    return seen;
}

/* What is there and was not found; NULL: nothing. */
static const char *find_miss(const struct selftest_facts *expected,
                             const struct selftest_facts *seen, struct sl_arena *arena)
{
    const char *function = expected->function ? expected->function : "any function";

    if (expected->crash)
        return seen->crash ? NULL : "it did not crash";
    if (expected->hang && seen->hang != expected->hang)
        return SAY(arena, "hang: %s, not %s", selftest_hang_text(seen->hang),
                   selftest_hang_text(expected->hang));
    if (expected->lost && !seen->lost)
        return "no lost message was seen";
    if (expected->disorder && !seen->disorder)
        return "no order violation was seen";
    if (expected->unanswered && !seen->unanswered)
        return "all publishes seem to have an outcome";
    if (expected->late > seen->late)
        return SAY(arena, "%" PRIu32 " of %" PRIu32 " late threads were seen", seen->late,
                   expected->late);
    if (expected->threads && !seen->cause)
        return SAY(arena, "no thread of %s was found", function);
    if (expected->threads && !seen->threads)
        return SAY(arena, "cause %s, not %s", seen->cause, expected->cause);
    if (expected->proof == SL_PROOF_DEAD && seen->proof == SL_PROOF_ALIVE)
        return SAY(arena, "it was called alive: reached by %s",
                   seen->reached_by ? seen->reached_by : "nobody knows what");
    if (seen->threads < expected->threads)
        return SAY(arena, "%" PRIu32 " of %" PRIu32 " threads were found", seen->threads,
                   expected->threads);
    return NULL;
}

/* Where a proof was to be made and none was. */
static bool lacks_proof(const struct selftest_facts *expected, const struct selftest_facts *seen)
{
    return expected->proof && (seen->proof == SL_PROOF_NONE || seen->proof == SL_PROOF_NOT_JUDGED);
}

/* What is not there and was found; NULL: nothing. */
static const char *find_alarm(const struct selftest_facts *expected,
                              const struct selftest_facts *seen, struct sl_arena *arena)
{
    if (expected->crash)
        return NULL; /* nothing is known of what it did before */
    if (seen->hang && !expected->hang)
        return SAY(arena, "hang: %s", selftest_hang_text(seen->hang));
    if (seen->lost && !expected->lost && expected->hang < BUS_FAULT_CLOSE_HANGS)
        return "lost messages were reported";
    if (seen->unanswered && !expected->unanswered && !expected->hang)
        return "publishes without an outcome were reported";
    if (expected->proof == SL_PROOF_ALIVE && seen->proof != SL_PROOF_ALIVE)
        return "it was called dead";
    if (seen->disorder && !expected->disorder)
        return "order violations were reported";
    if (!expected->many_threads && seen->leaked > expected->leaked)
        return SAY(arena, "%" PRIu32 " leaked threads, %" PRIu32 " are there", seen->leaked,
                   expected->leaked);
    return NULL;
}

void selftest_judge(struct selftest_row *row, const struct sl_trial_result *trial,
                    struct sl_arena *arena)
{
    const struct selftest_facts *expected = &row->expected;
    bool unmeasured =
        trial->status == SL_TRIAL_FAILED || (trial->status == SL_TRIAL_CRASHED && !expected->crash);

    row->outcome = SELFTEST_NOT_PLAYED;
    row->reason = trial->reason ? trial->reason : "no reason is recorded";
    if (unmeasured)
        return;
    row->found = facts_of(expected, trial);
    row->seen = &row->found;
    if (lacks_proof(expected, row->seen)) {
        row->reason = "nothing was proved of its threads";
        return;
    }
    row->outcome = SELFTEST_MISS;
    row->reason = find_miss(expected, row->seen, arena);
    if (row->reason)
        return;
    row->outcome = SELFTEST_FALSE_ALARM;
    row->reason = find_alarm(expected, row->seen, arena);
    if (!row->reason)
        row->outcome = SELFTEST_HIT;
}
