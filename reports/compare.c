/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "reports/cells.h"
#include "reports/metrics.h"

/* A comparison being made: the arrays of the result, with room for everything. */
struct maker {
    struct sl_arena *arena;
    struct sl_group_change *groups;
    size_t n_groups;
    struct sl_metric_change *metrics;
    size_t n_metrics;
    const struct sl_cell_result **only_base, **only_head;
    size_t n_only_base, n_only_head;
    const char **environment;
    size_t n_environment;
};

#define MAX_ENVIRONMENT 8 /* as many as compare_environments looks at */

static size_t count_groups(const struct sl_run_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++)
            n += result->cells[i].trials[j].leaks.n_groups;
    return n;
}

static bool
maker_init(struct maker *maker, const struct sl_run_result *base, const struct sl_run_result *head)
{
    size_t n_groups = count_groups(base) + count_groups(head);

    maker->groups = sl_arena_array(maker->arena, n_groups, sizeof *maker->groups);
    maker->metrics =
        sl_arena_array(maker->arena, head->n_cells, (size_t) SL_N_METRICS * sizeof *maker->metrics);
    maker->only_base = sl_arena_array(maker->arena, base->n_cells, sizeof *maker->only_base);
    maker->only_head = sl_arena_array(maker->arena, head->n_cells, sizeof *maker->only_head);
    maker->environment = sl_arena_array(maker->arena, MAX_ENVIRONMENT, sizeof(const char *));
    return maker->groups && maker->metrics && maker->only_base && maker->only_head &&
           maker->environment;
}

/* "Not there" is a fact only when somebody looked: in some trial the leaks are known. */
static bool could_look(const struct sl_cell_result *cell)
{
    for (size_t i = 0; i < cell->n_trials; i++)
        if (!cell->trials[i].leaks_missing)
            return true;
    return false;
}

static const struct sl_cell_group *
find_group(const struct sl_cell_group *groups, size_t n_groups, const char *fingerprint)
{
    for (size_t i = 0; i < n_groups; i++)
        if (groups[i].group->counted && strcmp(groups[i].group->fingerprint, fingerprint) == 0)
            return &groups[i];
    return NULL;
}

static void add_group(struct maker *maker, enum sl_change change, const struct sl_cell_result *cell,
                      const struct sl_cell_group *base, const struct sl_cell_group *head)
{
    maker->groups[maker->n_groups++] = (struct sl_group_change){
        .change = change,
        .cell = cell,
        .group = head ? head->group : base->group,
        .base_count = base ? base->count : 0,
        .head_count = head ? head->count : 0,
    };
}

/* base is NULL for a cell that only head has: all its groups are new. */
static bool compare_groups(struct maker *maker, const struct sl_cell_result *base,
                           const struct sl_cell_result *head)
{
    struct sl_cell_group *base_groups = NULL, *head_groups;
    size_t n_base = 0, n_head;

    if (base && !sl_cell_groups(maker->arena, base, &base_groups, &n_base))
        return false;
    if (!sl_cell_groups(maker->arena, head, &head_groups, &n_head))
        return false;
    enum sl_change only_head = !base || could_look(base) ? SL_CHANGE_NEW : SL_CHANGE_UNKNOWN;
    enum sl_change only_base = could_look(head) ? SL_CHANGE_GONE : SL_CHANGE_UNKNOWN;
    for (size_t i = 0; i < n_head; i++) {
        const char *fingerprint = head_groups[i].group->fingerprint;
        const struct sl_cell_group *old = find_group(base_groups, n_base, fingerprint);
        if (head_groups[i].group->counted)
            add_group(maker, old ? SL_CHANGE_SAME : only_head, head, old, &head_groups[i]);
    }
    for (size_t i = 0; i < n_base; i++) {
        const char *fingerprint = base_groups[i].group->fingerprint;
        if (base_groups[i].group->counted && !find_group(head_groups, n_head, fingerprint))
            add_group(maker, only_base, head, &base_groups[i], NULL);
    }
    return true;
}

static bool compare_metrics(struct maker *maker, const struct sl_cell_result *base,
                            const struct sl_cell_result *head)
{
    for (unsigned i = 0; i < SL_N_METRICS; i++) {
        struct sl_summary before, after;
        if (!sl_metric_summarise(maker->arena, base, (enum sl_metric) i, &before) ||
            !sl_metric_summarise(maker->arena, head, (enum sl_metric) i, &after))
            return false;
        maker->metrics[maker->n_metrics++] = (struct sl_metric_change){
            .cell = head,
            .metric = sl_metrics[i].path,
            .unit = sl_unit_text(sl_metrics[i].unit),
            .base = before.number,
            .head = after.number,
            .lower_is_better = sl_metrics[i].lower_is_better,
        };
    }
    return true;
}

/* Cells pair up by key and label; of several alike the first ones, the second ones, ... */
static bool compare_cells(struct maker *maker, const struct sl_run_result *base,
                          const struct sl_run_result *head)
{
    bool *paired = sl_arena_array(maker->arena, base->n_cells, sizeof *paired);
    if (!paired)
        return false;
    for (size_t i = 0; i < head->n_cells; i++) {
        const struct sl_cell_result *cell = &head->cells[i];
        size_t j = 0;
        while (j < base->n_cells && (paired[j] || !sl_cell_same(cell, &base->cells[j])))
            j++;
        bool found = j < base->n_cells;
        if (found)
            paired[j] = true;
        else
            maker->only_head[maker->n_only_head++] = cell;
        if (!compare_groups(maker, found ? &base->cells[j] : NULL, cell) ||
            (found && !compare_metrics(maker, &base->cells[j], cell)))
            return false;
    }
    for (size_t j = 0; j < base->n_cells; j++)
        if (!paired[j])
            maker->only_base[maker->n_only_base++] = &base->cells[j];
    return true;
}

static bool compare_texts(struct maker *maker, const char *what, const char *base, const char *head)
{
    const char *a = base ? base : "not known", *b = head ? head : "not known";
    if (strcmp(a, b) == 0)
        return true;
    const char *text = sl_arena_printf(maker->arena, "%s: %s, then %s", what, a, b);
    maker->environment[maker->n_environment++] = text;
    return text != NULL;
}

/* Version and, of a cluster, the number of its nodes.  @return NULL when memory is short */
static const char *
describe_servers(const struct maker *maker, const struct sl_environment *environment)
{
    const char *version = environment->nats_server ? environment->nats_server : "not known";
    const struct sl_value *n = &environment->nats_servers;

    if (n->missing || n->value == 1)
        return version;
    return sl_arena_printf(maker->arena, "%s x %" PRIu64, version, n->value);
}

static int order_texts(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

/* A trial with as many agents as any; NULL when there were none. */
static const struct sl_trial_result *find_shared_trial(const struct sl_run_result *result)
{
    const struct sl_trial_result *found = NULL;
    for (size_t i = 0; i < result->n_cells; i++) {
        const struct sl_cell_result *cell = &result->cells[i];
        for (size_t j = 0; j < cell->n_trials; j++) {
            if (cell->trials[j].n_agents > (found ? found->n_agents : 0))
                found = &cell->trials[j];
        }
    }
    return found;
}

/* "consume on east, load on west", whatever they are called.  @return NULL when memory is short */
static const char *describe_agents(const struct maker *maker, const struct sl_run_result *result)
{
    const struct sl_trial_result *trial = find_shared_trial(result);
    size_t n = trial ? trial->n_agents : 0;
    const char **texts = sl_arena_array(maker->arena, n, sizeof *texts);
    const char *all = n ? "" : "none";

    for (size_t i = 0; texts && i < n; i++) {
        const struct sl_agent_result *agent = &trial->agents[i];
        texts[i] = sl_arena_printf(maker->arena, "%s on %s", agent->role ? agent->role : "?",
                                   agent->host ? agent->host : "?");
        if (!texts[i])
            return NULL;
    }
    if (!texts)
        return NULL;
    qsort(texts, n, sizeof *texts, order_texts);
    for (size_t i = 0; i < n && all; i++)
        all = sl_arena_printf(maker->arena, "%s%s%s", all, i ? ", " : "", texts[i]);
    return all;
}

static bool compare_environments(struct maker *maker, const struct sl_run_result *base,
                                 const struct sl_run_result *head)
{
    const struct sl_environment *a = &base->environment, *b = &head->environment;
    const char *cores_a = sl_arena_printf(maker->arena, "%" PRIu64, a->cores);
    const char *cores_b = sl_arena_printf(maker->arena, "%" PRIu64, b->cores);
    const char *servers_a = describe_servers(maker, a), *servers_b = describe_servers(maker, b);
    const char *agents_a = describe_agents(maker, base), *agents_b = describe_agents(maker, head);

    return cores_a && cores_b && servers_a && servers_b && agents_a && agents_b &&
           compare_texts(maker, "CPU", a->cpu, b->cpu) &&
           compare_texts(maker, "cores", cores_a, cores_b) &&
           compare_texts(maker, "kernel", a->kernel, b->kernel) &&
           compare_texts(maker, "nats-server", servers_a, servers_b) &&
           compare_texts(maker, "libnats", a->libnats, b->libnats) &&
           compare_texts(maker, "driver", base->driver, head->driver) &&
           compare_texts(maker, "agents", agents_a, agents_b) &&
           compare_texts(maker, "build type", base->tool.build_type, head->tool.build_type);
}

static int order_of(enum sl_change change)
{
    static const int orders[] = {
        [SL_CHANGE_NEW] = 0,
        [SL_CHANGE_GONE] = 1,
        [SL_CHANGE_UNKNOWN] = 2,
        [SL_CHANGE_SAME] = 3,
    };
    return orders[change];
}

/* By change; what is equal in that stays in the order of the cells, which are in one array. */
static int compare_changes(const void *left, const void *right)
{
    const struct sl_group_change *a = left, *b = right;
    uint32_t most_a = SL_MAX(a->base_count, a->head_count);
    uint32_t most_b = SL_MAX(b->base_count, b->head_count);

    if (a->change != b->change)
        return order_of(a->change) - order_of(b->change);
    if (a->cell != b->cell)
        return a->cell < b->cell ? -1 : 1;
    if (most_a != most_b)
        return most_a > most_b ? -1 : 1;
    return strcmp(a->group->fingerprint, b->group->fingerprint);
}

enum sl_status sl_compare(const struct sl_run_result *base, const struct sl_run_result *head,
                          struct sl_arena *arena, struct sl_comparison *ret_comparison,
                          struct sl_error *err)
{
    struct maker maker = {.arena = arena};

    if (!maker_init(&maker, base, head) || !compare_cells(&maker, base, head) ||
        !compare_environments(&maker, base, head))
        return sl_fail(err, SL_ENOMEM, "no memory to compare the reports");
    qsort(maker.groups, maker.n_groups, sizeof *maker.groups, compare_changes);
    *ret_comparison = (struct sl_comparison){
        .groups = maker.groups,
        .n_groups = maker.n_groups,
        .metrics = maker.metrics,
        .n_metrics = maker.n_metrics,
        .only_base = maker.only_base,
        .n_only_base = maker.n_only_base,
        .only_head = maker.only_head,
        .n_only_head = maker.n_only_head,
        .same_environment = maker.n_environment == 0,
        .environment = maker.environment,
        .n_environment = maker.n_environment,
    };
    return SL_OK;
}

const char *sl_change_text(enum sl_change change)
{
    static const char *const texts[] = {
        [SL_CHANGE_NEW] = "new",
        [SL_CHANGE_GONE] = "gone",
        [SL_CHANGE_SAME] = "same",
        [SL_CHANGE_UNKNOWN] = "unknown",
    };
    return texts[change];
}
