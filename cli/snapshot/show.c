/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot/show.h"

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/closing.h"
#include "harness/leak/group.h"
#include "harness/leak/tree/tree.h"
#include "harness/proof/proof.h"
#include "harness/snapshot/target/target.h"
#include "reports/snapshot/snapshot.h"
#include "rules/rules.h"

/* The memory map, of a thread that lives: the leader's is empty once it has ended. */
static enum sl_status read_maps(pid_t pid, char **ret_maps, struct sl_error *err)
{
    struct sl_target target;
    size_t size;

    enum sl_status status = sl_target_open(pid, &target, err);
    if (status)
        return status;
    status = sl_target_read_all(&target, "maps", ret_maps, &size, err);
    sl_target_release(&target);
    return status;
}

/* The groups are the snapshot's own; proofs go to a copy of them, and to groups of one thread each
 * where each is shown by itself. */
static enum sl_status prove(const struct snapshot_request *request,
                            struct sl_snapshot_listing *listing, struct sl_arena *arena,
                            struct sl_error *err)
{
    const struct sl_proof_opts opts = {.max_time_ns = request->opts.max_time_ns,
                                       .max_memory = request->opts.max_memory};
    const size_t n_each = request->all ? listing->snapshot->n_threads : 0;
    const size_t n = listing->n_groups + n_each;
    struct sl_group *groups = sl_arena_array(arena, n, sizeof *groups);
    struct sl_group **pointers = sl_arena_array(arena, n, sizeof *pointers);
    uint32_t *members = sl_arena_array(arena, n_each, sizeof *members);

    if (!groups || !pointers || !members)
        return sl_fail(err, SL_ENOMEM, "out of memory for groups");
    struct sl_group *each = groups + listing->n_groups;
    for (size_t g = 0; g < listing->n_groups; g++)
        groups[g] = listing->groups[g];
    for (uint32_t i = 0; i < n_each; i++) {
        members[i] = i;
        each[i] = (struct sl_group){.count = 1, .members = &members[i], .n_members = 1};
    }
    for (size_t g = 0; g < n; g++)
        pointers[g] = &groups[g];
    listing->groups = groups;
    listing->each = n_each ? each : NULL;
    listing->proved = true;
    return sl_prove(listing->snapshot, &opts, pointers, n, arena, NULL, err);
}

/* By the rules that come with the program. */
static enum sl_status add_witnesses(struct sl_rules *rules, struct sl_snapshot_listing *listing,
                                    struct sl_arena *arena, struct sl_error *err)
{
    enum sl_status status = sl_rules_init(rules, err);

    if (!status)
        status = sl_rules_load_shipped(rules, err);
    const struct sl_leak_rules loaded = {rules->rules, rules->n};
    return status ? status
                  : sl_leak_witnesses(listing->snapshot, &loaded, arena, &listing->witnesses,
                                      &listing->n_witnesses, err);
}

static enum sl_status add_groups(const struct snapshot_request *request,
                                 struct sl_snapshot_listing *listing, struct sl_arena *arena,
                                 struct sl_error *err)
{
    if (!arena)
        return sl_fail(err, SL_ENOMEM, "out of memory for groups");
    enum sl_status status =
        sl_leak_group_all(listing->snapshot, arena, &listing->groups, &listing->n_groups, err);
    if (!status && !listing->snapshot->dump) /* which tells of nobody whom he waits for */
        status = sl_wait_tree_make(listing->snapshot, arena, &listing->waits, err);
    return status || !request->prove ? status : prove(request, listing, arena, err);
}

enum sl_status snapshot_show(const struct snapshot_request *request,
                             const struct sl_snapshot *snapshot, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    SL_CLEANUP(sl_rules_release) struct sl_rules rules = {0};
    SL_AUTO_FREE char *maps = NULL;
    struct sl_snapshot_listing listing = {.snapshot = snapshot, .all = request->all};
    struct sl_page page = output_page(request->color, stdout);
    unsigned needs = snapshot_request_needs(request);
    enum sl_status status = SL_OK;

    if (needs & SL_SNAPSHOT_NEEDS_MAPS)
        status = read_maps(snapshot->pid, &maps, err);
    listing.maps = maps;
    if (!status && needs & SL_SNAPSHOT_NEEDS_GROUPS)
        status = add_groups(request, &listing, arena, err);
    if (!status && snapshot->kind == SL_SNAPSHOT_GOROUTINES)
        status = add_witnesses(&rules, &listing, arena, err);
    return status ? status : sl_export(sl_snapshot_exporters, request->form, &listing, &page, err);
}
