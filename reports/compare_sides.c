/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/compare_sides.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/cells.h"

#define ROOM 16 /* of a list at first */

/* text is NULL when memory was short for it. */
static void add_text(struct sl_texts *list, const char *text)
{
    /* Full at each power of two from ROOM on. */
    bool full = list->n == 0 || (list->n >= ROOM && (list->n & (list->n - 1)) == 0);
    const char **texts = list->texts;

    if (full)
        texts = sl_arena_array(list->arena, SL_MAX(2 * list->n, (size_t) ROOM), sizeof *texts);
    if (!text || !texts) {
        list->incomplete = true;
        return;
    }
    if (full && list->n)
        memcpy(texts, list->texts, list->n * sizeof *texts);
    list->texts = texts;
    list->texts[list->n++] = text;
}

/* "WHAT: BASE, then HEAD" when the two differ; NULL when memory was short for them. */
static void
compare_made(struct sl_texts *list, const char *what, const char *base, const char *head)
{
    if (!base || !head || strcmp(base, head) != 0)
        add_text(list, base && head
                           ? sl_arena_printf(list->arena, "%s: %s, then %s", what, base, head)
                           : NULL);
}

/* The same of texts that may be missing. */
static void
compare_texts(struct sl_texts *list, const char *what, const char *base, const char *head)
{
    compare_made(list, what, base ? base : "not known", head ? head : "not known");
}

/* Version and, of a cluster, the number of its nodes.  @return NULL when memory is short */
static const char *
describe_servers(struct sl_arena *arena, const struct sl_environment *environment)
{
    const char *version = environment->nats_server ? environment->nats_server : "not known";
    const struct sl_value *n = &environment->nats_servers;

    if (n->missing || n->value == 1)
        return version;
    return sl_arena_printf(arena, "%s x %" PRIu64, version, n->value);
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
static const char *describe_agents(struct sl_arena *arena, const struct sl_run_result *result)
{
    const struct sl_trial_result *trial = find_shared_trial(result);
    size_t n = trial ? trial->n_agents : 0;
    const char **texts = sl_arena_array(arena, n, sizeof *texts);
    const char *all = n ? "" : "none";

    for (size_t i = 0; texts && i < n; i++) {
        const struct sl_agent_result *agent = &trial->agents[i];
        texts[i] = sl_arena_printf(arena, "%s on %s", agent->role ? agent->role : "?",
                                   agent->host ? agent->host : "?");
        if (!texts[i])
            return NULL;
    }
    if (!texts)
        return NULL;
    qsort(texts, n, sizeof *texts, order_texts);
    for (size_t i = 0; i < n && all; i++)
        all = sl_arena_printf(arena, "%s%s%s", all, i ? ", " : "", texts[i]);
    return all;
}

/* "0.1.0, commit 0123, with local changes" */
static const char *describe_tool(struct sl_arena *arena, const struct sl_run_result *result)
{
    return sl_arena_printf(arena, "%s, commit %s%s",
                           result->tool.version ? result->tool.version : "not known",
                           result->tool.commit ? result->tool.commit : "not known",
                           result->tool.dirty == SL_MAYBE_YES ? ", with local changes" : "");
}

void sl_sides_compare_environment(const struct sl_run_result *base,
                                  const struct sl_run_result *head, struct sl_texts *list)
{
    const struct sl_environment *a = &base->environment, *b = &head->environment;
    struct sl_arena *arena = list->arena;

    compare_texts(list, "machine", a->host, b->host);
    compare_texts(list, "CPU", a->cpu, b->cpu);
    compare_made(list, "cores", sl_arena_printf(arena, "%" PRIu64, a->cores),
                 sl_arena_printf(arena, "%" PRIu64, b->cores));
    compare_texts(list, "kernel", a->kernel, b->kernel);
    compare_made(list, "nats-server", describe_servers(arena, a), describe_servers(arena, b));
    compare_texts(list, "libnats", a->libnats, b->libnats);
    compare_texts(list, "driver", base->driver, head->driver);
    compare_made(list, "agents", describe_agents(arena, base), describe_agents(arena, head));
    compare_made(list, "strandline", describe_tool(arena, base), describe_tool(arena, head));
    compare_texts(list, "build type", base->tool.build_type, head->tool.build_type);
}

/* "500", or why there is no number. */
static const char *value_text(struct sl_arena *arena, struct sl_value value)
{
    return value.missing ? value.missing : sl_arena_printf(arena, "%" PRIu64, value.value);
}

/* How often each trial opens and closes the bus. */
static uint64_t cycles_of(const struct sl_cell_result *cell)
{
    uint32_t planned = cell->n_trials ? cell->trials[0].cycles.planned : 0;
    return SL_MAX(planned, 1u);
}

/* clang-format off */
#define NUMBER(member) {#member, SL_VALUE(a->member), SL_VALUE(b->member)}
#define VALUE(member)  {#member, a->member, b->member}
/* clang-format on */

void sl_sides_compare_settings(const struct sl_cell_result *base, const struct sl_cell_result *head,
                               struct sl_texts *list)
{
    const struct sl_cell_config *a = &base->config, *b = &head->config;
    const struct {
        const char *name;
        struct sl_value base, head;
    } numbers[] = {
        NUMBER(events),
        NUMBER(topics),
        NUMBER(aggregates),
        NUMBER(payload),
        NUMBER(publishers),
        VALUE(rate),
        NUMBER(handler_cost_ns),
        VALUE(replicas),
        VALUE(workers),
        VALUE(queue),
        VALUE(enqueue_wait_ns),
        VALUE(stack_size),
        NUMBER(settle_ns),
        NUMBER(timeout_ns),
        NUMBER(close_deadline_ns),
        {"cycles", SL_VALUE(cycles_of(base)), SL_VALUE(cycles_of(head))},
    };
    const char *cell = sl_cell_name(list->arena, head);
    struct sl_texts found = {.arena = list->arena};

    compare_texts(&found, "handler", a->handler_kind, b->handler_kind);
    compare_texts(&found, "keys", a->keys, b->keys);
    compare_texts(&found, "storage", a->storage, b->storage);
    for (size_t i = 0; i < SL_COUNT_OF(numbers); i++)
        compare_made(&found, numbers[i].name, value_text(list->arena, numbers[i].base),
                     value_text(list->arena, numbers[i].head));
    for (size_t i = 0; i < found.n; i++)
        add_text(list, cell ? sl_arena_printf(list->arena, "%s: %s", cell, found.texts[i]) : NULL);
    list->incomplete |= found.incomplete;
}

/* "driver simple 1 (build 0123456789ab)" */
static const char *describe_driver(struct sl_arena *arena, const struct sl_run_result *result)
{
    const struct sl_driver_file *file = &result->driver_file;
    const char *id = file->build_id ? file->build_id : file->sha256;

    return sl_arena_printf(arena, "%s%s%s%.12s%s", result->driver ? result->driver : "no driver",
                           file->path ? " (" : "",
                           !file->path      ? ""
                           : file->build_id ? "build "
                           : file->sha256   ? "SHA-256 "
                                            : "build not known",
                           id ? id : "", file->path ? ")" : "");
}

const char *
sl_sides_describe(const struct sl_run_result *result, const char *name, struct sl_arena *arena)
{
    const char *label = result->run.label, *commit = result->run.commit;
    const char *driver = describe_driver(arena, result);

    return driver ? sl_arena_printf(
                        arena, "%s%s%s%s%s%.12s%s%s, %s, on %s", name ? name : "", name ? ": " : "",
                        label ? label : "", label ? ", " : "", commit ? "commit " : "",
                        commit ? commit : "", commit ? ", " : "", driver,
                        result->run.started_at ? result->run.started_at : "date not known",
                        result->environment.host ? result->environment.host : "a machine not known")
                  : NULL;
}

void sl_sides_doubt(const char *side, const struct sl_run_result *result, struct sl_texts *list)
{
    const struct sl_control *control = &result->control;
    size_t n_trials = sl_cells_count_trials(result), n_bad = 0;

    for (size_t i = 0; i < result->n_cells; i++)
        for (size_t j = 0; j < result->cells[i].n_trials; j++)
            n_bad += result->cells[i].trials[j].status != SL_TRIAL_OK;
    if (!n_trials)
        add_text(list, sl_arena_printf(list->arena, "%s: no trial was played", side));
    if (n_bad)
        add_text(list, sl_arena_printf(list->arena, "%s: %zu of %zu trials did not end well", side,
                                       n_bad, n_trials));
    if (result->run.interrupted)
        add_text(list, sl_arena_printf(list->arena, "%s: the run was interrupted", side));
    if (!control->ran)
        add_text(list, sl_arena_printf(list->arena, "%s: the control could not be measured", side));
    else if (control->found != control->planted || !control->planted)
        add_text(list, sl_arena_printf(list->arena,
                                       "%s: the control planted %" PRIu32 " and found %" PRIu32
                                       ": no count of this run can be trusted",
                                       side, control->planted, control->found));
}
