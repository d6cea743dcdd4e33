/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/observe/prove.h"

#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/proof/proof.h"

#define MAX_TIME_NS (2 * SL_NS_PER_S)

static enum sl_status prove(const struct sl_snapshot *settled, struct sl_group *groups, size_t n,
                            struct sl_arena *arena, struct sl_error *err)
{
    const struct sl_proof_opts opts = {.max_time_ns = MAX_TIME_NS};
    SL_AUTO_FREE struct sl_group **pointers = calloc(n + 1, sizeof *pointers);
    struct sl_error error = {0};

    if (!pointers)
        return sl_fail(err, SL_ENOMEM, "out of memory for proofs");
    for (size_t i = 0; i < n; i++)
        pointers[i] = &groups[i];
    if (sl_prove(settled, &opts, pointers, n, arena, NULL, &error) == SL_OK)
        return SL_OK;
    const char *reason = sl_arena_strdup(arena, error.text);
    for (size_t i = 0; i < n; i++)
        groups[i].proof = (struct sl_proof){.grade = SL_PROOF_NOT_JUDGED, .reason = reason};
    return reason ? SL_OK : sl_fail(err, SL_ENOMEM, "out of memory for proofs");
}

enum sl_status prove_findings(const struct sl_snapshot *settled,
                              const struct sl_leak_report *report, struct sl_arena *arena,
                              struct prove_list *ret_list, struct sl_error *err)
{
    struct sl_group *groups = sl_arena_array(arena, report->n_findings, sizeof *groups);
    struct prove_list list = {.entries =
                                  sl_arena_array(arena, report->n_findings, sizeof *list.entries)};
    size_t n = 0;

    if (!groups || !list.entries)
        return sl_fail(err, SL_ENOMEM, "out of memory for proofs");
    for (size_t i = 0; i < report->n_findings; i++)
        if (report->findings[i].counted && report->findings[i].group.n_members)
            groups[n++] = report->findings[i].group;
    enum sl_status status = n ? prove(settled, groups, n, arena, err) : SL_OK;
    for (size_t i = 0; i < n; i++) {
        struct prove_entry *entry = &list.entries[i];
        memcpy(entry->fingerprint, groups[i].fingerprint, sizeof entry->fingerprint);
        entry->n_members = groups[i].n_members;
        entry->first = groups[i].members[0];
        entry->proof = groups[i].proof;
    }
    list.n_entries = n;
    *ret_list = list;
    return status;
}

static const struct sl_proof *find(const struct prove_list *list, const struct sl_group *group)
{
    for (size_t i = 0; i < list->n_entries; i++) {
        const struct prove_entry *entry = &list->entries[i];
        if (group->n_members == entry->n_members && group->n_members &&
            group->members[0] == entry->first &&
            strcmp(group->fingerprint, entry->fingerprint) == 0)
            return &entry->proof;
    }
    return NULL;
}

/* The process is not observed any more where it is read. */
static bool
copy_proof(const struct sl_proof *proof, struct sl_arena *arena, struct sl_proof *ret_proof)
{
    struct sl_proof_step *path = sl_arena_array(arena, proof->n_path, sizeof *path);
    struct sl_proof copy = *proof;
    bool copied = path != NULL;

    for (size_t i = 0; i < proof->n_path && copied; i++) {
        path[i] = proof->path[i];
        path[i].what = sl_arena_strdup(arena, proof->path[i].what);
        copied = path[i].what;
    }
    copy.path = path;
    copy.reason = sl_arena_strdup(arena, proof->reason);
    if (!copied || (proof->reason && !copy.reason))
        return false;
    *ret_proof = copy;
    return true;
}

enum sl_status prove_apply(const struct prove_list *list, struct sl_arena *arena,
                           struct sl_leak_report *report, struct sl_error *err)
{
    struct sl_finding *findings = sl_arena_array(arena, report->n_findings, sizeof *findings);

    if (!findings)
        return sl_fail(err, SL_ENOMEM, "out of memory for proofs");
    for (size_t i = 0; i < report->n_findings; i++) {
        findings[i] = report->findings[i];
        const struct sl_proof *proof = find(list, &findings[i].group);
        if (proof && !copy_proof(proof, arena, &findings[i].group.proof))
            return sl_fail(err, SL_ENOMEM, "out of memory for proofs");
    }
    report->findings = findings;
    return SL_OK;
}
