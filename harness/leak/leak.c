/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/leak.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/cause.h"
#include "harness/leak/closing.h"
#include "harness/leak/cost.h"
#include "harness/leak/evidence.h"
#include "harness/leak/group.h"
#include "harness/leak/ignore.h"
#include "harness/leak/rules.h"
#include "harness/leak/settle/late.h"
#include "harness/leak/tree/graph.h"
#include "harness/leak/tree/tree.h"

/* Leaks before what is only shown. */
static int compare_findings(const void *a, const void *b)
{
    const struct sl_finding *left = a, *right = b;
    if (left->counted != right->counted)
        return left->counted ? -1 : 1;
    return sl_group_compare(&left->group, &right->group);
}

/* Explain and sort; as many as clusters. */
static enum sl_status make_findings(const struct leak_case *the_case,
                                    const struct sl_finding **ret_findings, struct sl_error *err)
{
    size_t n = the_case->clusters->n_clusters;
    struct sl_finding *findings = sl_arena_array(the_case->arena, n, sizeof *findings);
    enum sl_status status =
        findings ? SL_OK : sl_fail(err, SL_ENOMEM, "out of memory for %zu groups", n);

    for (size_t i = 0; i < n && !status; i++) {
        const struct leak_cluster *cluster = &the_case->clusters->clusters[i];
        const struct sl_leak_rule *ignored = cluster->members[0].ignored;
        findings[i].counted = the_case->input && !cluster->members[0].resident && !ignored;
        findings[i].ignored = ignored ? ignore_say(ignored, the_case->arena) : NULL;
        if (ignored && !findings[i].ignored)
            status = sl_fail(err, SL_ENOMEM, "out of memory for a group");
        if (!status)
            status = group_of_cluster(the_case->snapshot, cluster, the_case->arena,
                                      &findings[i].group, err);
        if (!status)
            status = cause_explain(the_case, cluster, &findings[i], err);
        if (!status && the_case->input)
            status = cost_of_cluster(the_case, cluster, &findings[i].cost, err);
    }
    if (status)
        return status;
    qsort(findings, n, sizeof *findings, compare_findings);
    *ret_findings = findings;
    return SL_OK;
}

/*
 * A library's thread is resident when it ended with the library.  When nobody saw
 * that, for teardown was not reached, it gets the benefit of the doubt: Close is
 * known to have taken effect, and such threads outlive every Close.  One that has
 * only made way for another of the library did not end with it.  Without an
 * effective Close nothing tells them from those that Close would have ended.  The process's own
 * threads are none of Close's business.
 */
static void mark_residents(const struct leak_case *the_case, struct leak_candidate *candidates,
                           size_t n_candidates)
{
    const struct sl_snapshot *torn_down = the_case->input->torn_down;

    candidate_find_replaced(the_case->input, candidates, n_candidates);
    for (size_t i = 0; i < n_candidates; i++) {
        const struct leak_candidate *candidate = &candidates[i];
        bool stays = candidate->replaced || candidate_is_in(torn_down, candidate);
        candidates[i].resident =
            candidate->process || (candidate->library && !stays && !the_case->not_closed.kind);
    }
}

static uint32_t count_unjoined(const struct leak_candidate *candidates, size_t n_candidates)
{
    uint32_t n = 0;
    for (size_t i = 0; i < n_candidates; i++)
        n += candidates[i].unjoined && !candidates[i].resident && !candidates[i].ignored;
    return n;
}

static enum sl_status analyse(struct leak_case *the_case, struct leak_candidate *candidates,
                              struct sl_leak_report *ret_report, struct sl_error *err)
{
    const struct sl_leak_input *input = the_case->input;
    const char *missing = input->settled->unjoined_missing;
    struct sl_leak_report report = {.settle_ns = input->settle_ns};
    struct leak_clusters clusters;

    enum sl_status status = cluster_fingerprint(candidates, the_case->n_candidates, err);
    if (status)
        return status;
    the_case->candidates = candidates;
    closing_judge(the_case);
    mark_residents(the_case, candidates, the_case->n_candidates);
    status = cluster_make(candidates, the_case->n_candidates, &clusters, err);
    if (status)
        return status;
    the_case->clusters = &clusters;
    status = sl_wait_graph_make(the_case->snapshot, &the_case->graph, err);
    if (!status)
        status = ignore_apply(the_case, &clusters, &report.matches, &report.n_matches, err);
    report.unjoined = count_unjoined(clusters.members, the_case->n_candidates);
    if (!status)
        status = make_findings(the_case, &report.findings, err);
    sl_wait_graph_release(&the_case->graph);
    report.n_findings = clusters.n_clusters;
    cluster_release(&clusters);
    if (!status)
        status =
            late_report(input->late, input->n_late, input->closed, the_case->arena, &report, err);
    if (!status)
        status = sl_wait_tree_make(the_case->snapshot, the_case->arena, &report.wait_tree, err);
    report.unjoined_missing = sl_arena_strdup(the_case->arena, missing);
    if (!status && missing && !report.unjoined_missing)
        status = sl_fail(err, SL_ENOMEM, "out of memory for the result");
    if (status)
        return status;
    for (size_t i = 0; i < report.n_findings; i++)
        *(report.findings[i].counted   ? &report.count
          : report.findings[i].ignored ? &report.ignored
                                       : &report.resident) += report.findings[i].group.count;
    *ret_report = report;
    return SL_OK;
}

enum sl_status sl_leak_analyse(const struct sl_leak_input *input, struct sl_arena *arena,
                               struct sl_leak_report *ret_report, struct sl_error *err)
{
    SL_AUTO_FREE struct leak_candidate *candidates = NULL;
    struct sl_leak_input with_rules = *input;
    struct leak_case the_case = {
        .input = &with_rules,
        .snapshot = input->settled,
        .earlier = input->closed,
        .words = evidence_words(input->words),
        .observed_ns = candidate_observed_ns(input->closed, input->settled),
        .counts_differ = candidate_counts_differ(input->closed, input->settled),
        .arena = arena,
    };

    enum sl_status status = sl_leak_rules_join(input->library_modules, input->witnesses,
                                               &input->rules, arena, &with_rules.rules, err);
    if (!status)
        status = candidate_list(&with_rules, arena, &candidates, &the_case.n_alive,
                                &the_case.n_candidates, err);
    return status ? status : analyse(&the_case, candidates, ret_report, err);
}

enum sl_status sl_leak_describe(const struct sl_snapshot *snapshot,
                                const struct sl_snapshot *earlier, struct sl_arena *arena,
                                const struct sl_finding **ret_findings, size_t *ret_n_findings,
                                struct sl_error *err)
{
    const struct sl_leak_words words = {.size = sizeof words, .end = "the first look"};
    struct leak_clusters clusters;
    struct leak_case the_case = {
        .snapshot = snapshot,
        .earlier = earlier,
        .clusters = &clusters,
        .words = evidence_words(&words),
        .observed_ns = candidate_observed_ns(earlier, snapshot),
        .counts_differ = candidate_counts_differ(earlier, snapshot),
        .arena = arena,
    };

    enum sl_status status = cluster_all(snapshot, &clusters, err);
    if (status)
        return status;
    for (size_t i = 0; i < snapshot->n_threads; i++)
        candidate_compare(&clusters.members[i], earlier, snapshot);
    status = sl_wait_graph_make(snapshot, &the_case.graph, err);
    if (!status)
        status = make_findings(&the_case, ret_findings, err);
    sl_wait_graph_release(&the_case.graph);
    if (!status)
        *ret_n_findings = clusters.n_clusters;
    cluster_release(&clusters);
    return status;
}
