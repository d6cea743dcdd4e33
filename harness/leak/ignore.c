/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/ignore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/grow.h"
#include "harness/leak/cause.h"
#include "harness/leak/closing.h"
#include "harness/leak/pattern.h"
#include "harness/leak/stack/frame.h"

struct ignore {
    const struct leak_case *the_case;
    struct leak_clusters *clusters;
    const char **causes; /* of the clusters, as far as somebody asked; malloc, as are: */
    struct sl_rule_match *matches;
    size_t n_matches, capacity;
    bool any; /* is there a thread that is ignored? */
};

static enum sl_status
add_match(struct ignore *ignore, struct sl_rule_match match, struct sl_error *err)
{
    if (!match.count)
        return SL_OK;
    if (!sl_grow(&ignore->matches, &ignore->capacity, ignore->n_matches + 1))
        return sl_fail(err, SL_ENOMEM, "out of memory for what the rules fit");
    ignore->matches[ignore->n_matches++] = match;
    return SL_OK;
}

/* Does the rule apply to a group for this cause?  Only then is it explained here. */
static enum sl_status fits_cause(struct ignore *ignore, const struct sl_leak_rule *rule,
                                 size_t index, bool *ret_fits, struct sl_error *err)
{
    struct sl_finding finding;
    enum sl_status status = SL_OK;

    if (rule->pattern.cause && !ignore->causes[index]) {
        status = cause_explain(ignore->the_case, &ignore->clusters->clusters[index], &finding, err);
        ignore->causes[index] = status ? NULL : sl_cause_text(finding.cause);
    }
    if (!status)
        *ret_fits = pattern_fits_cause(&rule->pattern, ignore->causes[index]);
    return status;
}

/*
 * Threads with one stack are asked for it once.
 *
 * @param left  of the rule's max
 */
static enum sl_status apply_to_cluster(struct ignore *ignore, const struct sl_leak_rule *rule,
                                       size_t index, uint64_t *left, struct sl_error *err)
{
    const struct leak_cluster *cluster = &ignore->clusters->clusters[index];
    struct leak_candidate *members =
        &ignore->clusters->members[cluster->members - ignore->clusters->members];
    struct sl_rule_match match = {.rule = rule};
    const struct sl_stack *seen = NULL;
    bool stack_fits = false, cause_fits = true, asked = false;
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < cluster->n_members && cause_fits && !status; i++) {
        struct leak_candidate *member = &members[i];
        if (member->ignored || member->resident ||
            !pattern_fits_thread(&rule->pattern, member->thread, member->before))
            continue;
        if (!i || !asked || member->thread->stack != seen)
            stack_fits = pattern_fits_stack(&rule->pattern, candidate_stack(member));
        seen = member->thread->stack;
        asked = seen && seen->complete; /* else its earlier stack told, which is its own */
        if (!stack_fits)
            continue;
        if (!match.count)
            status = fits_cause(ignore, rule, index, &cause_fits, err);
        if (status || !cause_fits)
            break;
        match.count += member->thread->count;
        if (*left < member->thread->count)
            continue;
        *left -= member->thread->count;
        member->ignored = rule;
        ignore->any = true;
    }
    if (!status && match.count) {
        match.function =
            sl_leak_headline(ignore->the_case->arena, cluster->members[0].thread->stack);
        status = match.function ? add_match(ignore, match, err)
                                : sl_fail(err, SL_ENOMEM, "out of memory for a group");
    }
    return status;
}

static enum sl_status
apply_rule(struct ignore *ignore, const struct sl_leak_rule *rule, struct sl_error *err)
{
    uint64_t left = rule->max.missing ? UINT64_MAX : rule->max.value;
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < ignore->clusters->n_clusters && !status; i++)
        status = apply_to_cluster(ignore, rule, i, &left, err);
    return status;
}

/* Threads that a resident, a witness or a queue fits, whatever came of it. */
static uint32_t count_fits(const struct leak_case *the_case, const struct sl_leak_rule *rule)
{
    uint32_t n = 0;

    for (size_t i = 0; i < the_case->n_candidates; i++) {
        const struct leak_candidate *candidate = &the_case->candidates[i];
        bool fits = rule->kind == SL_LEAK_RULE_RESIDENT ? candidate->library_rule == rule
                    : rule->kind == SL_LEAK_RULE_QUEUE
                        ? i < the_case->n_alive && cause_is_in_queue(rule, candidate)
                        : i < the_case->n_alive && closing_is_witness(rule, candidate);
        n += fits ? candidate->thread->count : 0;
    }
    return n;
}

static enum sl_status apply_rules(struct ignore *ignore, struct sl_error *err)
{
    const struct sl_leak_rules *rules = &ignore->the_case->input->rules;
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < rules->n && !status; i++) {
        const struct sl_leak_rule *rule = &rules->rules[i];
        if (rule->expired || !rule->file)
            continue;
        if (rule->kind == SL_LEAK_RULE_IGNORE)
            status = apply_rule(ignore, rule, err);
        else
            status = add_match(
                ignore,
                (struct sl_rule_match){.rule = rule, .count = count_fits(ignore->the_case, rule)},
                err);
    }
    return status;
}

static enum sl_status copy_matches(const struct ignore *ignore,
                                   const struct sl_rule_match **ret_matches, size_t *ret_n_matches,
                                   struct sl_error *err)
{
    struct sl_rule_match *matches =
        sl_arena_array(ignore->the_case->arena, ignore->n_matches, sizeof *matches);

    if (!matches)
        return sl_fail(err, SL_ENOMEM, "out of memory for what the rules fit");
    if (ignore->n_matches)
        memcpy(matches, ignore->matches, ignore->n_matches * sizeof *matches);
    *ret_matches = matches;
    *ret_n_matches = ignore->n_matches;
    return SL_OK;
}

enum sl_status ignore_apply(const struct leak_case *the_case, struct leak_clusters *clusters,
                            const struct sl_rule_match **ret_matches, size_t *ret_n_matches,
                            struct sl_error *err)
{
    SL_AUTO_FREE const char **causes = calloc(clusters->n_clusters + 1, sizeof *causes);
    struct ignore ignore = {.the_case = the_case, .clusters = clusters, .causes = causes};
    struct leak_clusters parted;

    enum sl_status status =
        causes ? apply_rules(&ignore, err)
               : sl_fail(err, SL_ENOMEM, "out of memory for %zu groups", clusters->n_clusters);
    if (!status)
        status = copy_matches(&ignore, ret_matches, ret_n_matches, err);
    free(ignore.matches);
    if (status || !ignore.any)
        return status;
    status = cluster_make(clusters->members, the_case->n_candidates, &parted, err);
    if (status)
        return status;
    cluster_release(clusters);
    *clusters = parted;
    return SL_OK;
}

const char *ignore_say(const struct sl_leak_rule *rule, struct sl_arena *arena)
{
    const char *owner = rule->owner, *expires = rule->expires;
    const char *open = owner || expires ? " (" : "", *close = *open ? ")" : "";

    return sl_arena_printf(arena, "%s:%" PRIu32 ": %s%s%s%s%s%s%s%s", rule->file, rule->line,
                           rule->reason, open, owner ? "owner " : "", owner ? owner : "",
                           owner && expires ? ", " : "", expires ? "until " : "",
                           expires ? expires : "", close);
}
