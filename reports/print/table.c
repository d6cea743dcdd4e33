/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the table with the numbers. */
#include "reports/print/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "reports/cells.h"
#include "reports/format.h"
#include "reports/metrics.h"
#include "reports/print/grid.h"
#include "reports/print/table_flow.h"
#include "reports/print/table_leaks.h"
#include "reports/print/table_verdict.h"
#include "reports/print/wrap.h"
#include "reports/report.h"

/* Reasons of the numbers that a block lacks, numbered from 1. */
struct notes {
    const char *texts[32];
    size_t n;
};

struct block {
    const struct sl_page *page;
    const struct sl_cell_result *const *cells; /* of one scenario */
    size_t n_cells;
    struct sl_grid grid;
    struct notes notes;
    size_t column; /* being filled */
    bool *spread;  /* by cell: its trials differ, and are shown to; NULL: nowhere */
    bool has_spread;
};

/* " [2]" for a reason; "" when there is no room for another one. */
static const char *
note(struct block *block, const struct sl_cell_result *cell, const struct sl_summary *summary)
{
    const char *text = summary->reason;
    size_t i = 0;

    /* A number that only some trials lack: which ones matters. */
    if (!summary->number.missing)
        text = sl_say(block->page, "%s: %zu of %zu trials lack this, the first trial %zu: %s",
                      cell->key.mode, summary->n_missing, cell->n_trials, summary->first_missing,
                      summary->reason);
    text = sl_say_text(block->page, text, "");
    while (i < block->notes.n && strcmp(block->notes.texts[i], text) != 0)
        i++;
    if (i == SL_COUNT_OF(block->notes.texts))
        return "";
    if (i == block->notes.n)
        block->notes.texts[block->notes.n++] = text;
    return sl_say(block->page, " [%zu]", i + 1);
}

static void put(struct block *block, size_t row, const char *text, enum sl_style style)
{
    sl_grid_set(&block->grid, row, block->column, text, style);
}

/* Of more than one trial the number is the median; below it stand the least and the most. */
static const char *spread(struct block *block, size_t cell, const struct sl_metric *metric,
                          const struct sl_summary *summary)
{
    char text[SL_FORMAT_MAX], least[SL_FORMAT_MAX], most[SL_FORMAT_MAX];

    sl_metric_format(summary->number, metric->unit, text);
    sl_metric_format(SL_REAL(summary->least), metric->unit, least);
    sl_metric_format(SL_REAL(summary->most), metric->unit, most);
    if (!block->spread || metric->worst || summary->number.missing ||
        (strcmp(least, text) == 0 && strcmp(most, text) == 0))
        return "";
    block->spread[cell] = block->has_spread = true;
    return sl_say(block->page, "\n%s\n%s", least, most);
}

static void put_summary(struct block *block, size_t cell, const struct sl_metric *metric,
                        const struct sl_summary *summary)
{
    char text[SL_FORMAT_MAX];
    sl_metric_format(summary->number, metric->unit, text);
    const char *mark = summary->n_missing ? note(block, block->cells[cell], summary) : "";
    const char *below = spread(block, cell, metric, summary);
    bool missing = summary->number.missing;
    bool bad = !missing && summary->number.value > 0 && metric->tier != SL_TIER_COST;
    put(block, cell + 1, sl_say(block->page, "%s%s%s", text, mark, below),
        missing ? SL_STYLE_WARN
        : bad   ? SL_STYLE_BAD
                : SL_STYLE_NONE);
}

static void put_metric(struct block *block, enum sl_metric_id id, const char *heading)
{
    const struct sl_metric *metric = &sl_metrics[id];

    put(block, 0, heading, SL_STYLE_NONE);
    for (size_t i = 0; i < block->n_cells; i++) {
        struct sl_summary summary;
        if (sl_metric_summarise(block->page->arena, block->cells[i], metric, &summary))
            put_summary(block, i, metric, &summary);
    }
    block->column++;
}

/* What the lines are of rows that have more than one. */
static void name_spread(struct block *block)
{
    for (size_t i = 0; i < block->n_cells && block->spread; i++)
        if (block->spread[i])
            sl_grid_set(&block->grid, i + 1, 0,
                        sl_say(block->page, "%s\n  least\n  most",
                               sl_say_text(block->page, block->cells[i]->key.mode, "?")),
                        SL_STYLE_NONE);
}

/* A Close that did not end in time in any trial is worth more than the time of the others. */
static void put_close(struct block *block)
{
    put(block, 0, "Close", SL_STYLE_NONE);
    for (size_t i = 0; i < block->n_cells; i++) {
        const struct sl_cell_result *cell = block->cells[i];
        const struct sl_metric *metric = &sl_metrics[SL_METRIC_CLOSE_DURATION];
        struct sl_summary summary;
        bool timed_out = false;
        for (size_t j = 0; j < cell->n_trials; j++)
            timed_out |= cell->trials[j].close.timed_out;
        if (timed_out)
            put(block, i + 1, "timed out", SL_STYLE_BAD);
        else if (sl_metric_summarise(block->page->arena, cell, metric, &summary))
            put_summary(block, i, metric, &summary);
    }
    block->column++;
}

/* What stands in a column that is no metric; "-" for nothing. */
typedef const char *text_of(const struct sl_page *page, const struct sl_cell_result *cell);

static const char *label_of(const struct sl_page *page, const struct sl_cell_result *cell)
{
    return sl_say_text(page, cell->claim.label, "-");
}

static const char *mode_of(const struct sl_page *page, const struct sl_cell_result *cell)
{
    return sl_say_text(page, cell->key.mode, "-");
}

static const char *transport_of(const struct sl_page *page, const struct sl_cell_result *cell)
{
    return sl_say_text(page, cell->key.transport, "-");
}

/* The comma-separated faults one below the other: their names are long. */
static const char *faults_of(const struct sl_page *page, const struct sl_cell_result *cell)
{
    char *text = sl_format_printable(page->arena, cell->key.fault ? cell->key.fault : "-");
    for (char *comma = text; comma && (comma = strchr(comma, ','));)
        *comma = '\n';
    return text ? text : "";
}

static const char *workers_of(const struct sl_page *page, const struct sl_cell_result *cell)
{
    struct sl_value workers = cell->config.workers;
    return workers.missing ? "-" : sl_say(page, "%" PRIu64, workers.value);
}

static const char *claimed_of(const struct sl_page *page, const struct sl_cell_result *cell)
{
    const struct sl_claim *claim = &cell->claim;
    return !claim->label || claim->leaked.missing ? "-"
                                                  : sl_say(page, "%" PRIu64, claim->leaked.value);
}

static void put_texts(struct block *block, const char *heading, text_of *text, bool left)
{
    block->grid.left[block->column] = left;
    put(block, 0, heading, SL_STYLE_NONE);
    for (size_t i = 0; i < block->n_cells; i++)
        put(block, i + 1, text(block->page, block->cells[i]), SL_STYLE_NONE);
    block->column++;
}

static bool differs(const struct block *block, text_of *text)
{
    for (size_t i = 1; i < block->n_cells; i++)
        if (strcmp(text(block->page, block->cells[0]), text(block->page, block->cells[i])) != 0)
            return true;
    return false;
}

/* Handler calls beyond the first of a message are allowed, so the column is there for a reason
 * only. */
static bool has_duplicates(const struct block *block)
{
    struct sl_summary summary;
    bool found = false;

    for (size_t i = 0; i < block->n_cells; i++)
        found |= sl_metric_summarise(block->page->arena, block->cells[i],
                                     &sl_metrics[SL_METRIC_DUPLICATES], &summary) &&
                 !summary.number.missing && summary.number.value > 0;
    return found;
}

/* One row per mode. */
static bool fill_modes(struct block *block)
{
    bool transports = differs(block, transport_of);
    bool faults = differs(block, faults_of);
    bool duplicates = has_duplicates(block);

    if (!sl_grid_init(&block->grid, block->page->arena, block->n_cells + 1,
                      10 + transports + faults + duplicates))
        return false;
    block->spread = sl_arena_array(block->page->arena, block->n_cells, sizeof *block->spread);
    put_texts(block, "", mode_of, true);
    if (transports)
        put_texts(block, "transport", transport_of, true);
    if (faults)
        put_texts(block, "faults", faults_of, true);
    put_metric(block, SL_METRIC_LEAKED, "leaked");
    put_metric(block, SL_METRIC_THREADS_PEAK, "peak\nthreads");
    put_metric(block, SL_METRIC_RSS_PEAK, "peak\nmemory");
    put_metric(block, SL_METRIC_RATE_DELIVERED, "delivered\nper second");
    put_metric(block, SL_METRIC_END_TO_END_P50, "end to end\np50");
    put_metric(block, SL_METRIC_END_TO_END_P99, "end to end\np99");
    put_metric(block, SL_METRIC_ORDER_VIOLATIONS, "out of\norder");
    put_metric(block, SL_METRIC_LOST, "lost");
    if (duplicates)
        put_metric(block, SL_METRIC_DUPLICATES, "delivered\nagain");
    put_close(block);
    name_spread(block);
    return true;
}

/* One row per variant, what an analysis claimed beside what was measured. */
static bool fill_variants(struct block *block)
{
    if (!sl_grid_init(&block->grid, block->page->arena, block->n_cells + 1, 8))
        return false;
    put_texts(block, "", label_of, true);
    put_texts(block, "mode", mode_of, true);
    put_texts(block, "workers", workers_of, false);
    put_texts(block, "faults", faults_of, true);
    put_texts(block, "claimed\nleaks", claimed_of, false);
    put_metric(block, SL_METRIC_LEAKED, "leaked");
    put_metric(block, SL_METRIC_THREADS_PEAK, "peak\nthreads");
    put_close(block);
    return true;
}

/* "low: 500 events of 256 B to 5 topics, 100 keys (uniform), saturating, over nats" */
static void print_title(const struct block *block)
{
    const struct sl_page *page = block->page;
    const struct sl_cell_key *key = &block->cells[0]->key;
    const struct sl_cell_config *config = &block->cells[0]->config;
    size_t least = block->cells[0]->n_trials, most = least;
    const char *rate = "saturating", *transport = "", *trials = "";
    const char *spread = block->has_spread ? " (median, least, most)" : "";

    if (!config->rate.missing)
        rate = sl_say(page, "%" PRIu64 "/s", config->rate.value);
    if (!differs(block, transport_of))
        transport = sl_say(page, ", %s", sl_say_text(page, key->transport, "?"));
    for (size_t i = 1; i < block->n_cells; i++) { /* an interrupted run has some of them */
        least = SL_MIN(least, block->cells[i]->n_trials);
        most = SL_MAX(most, block->cells[i]->n_trials);
    }
    if (least < most)
        trials = sl_say(page, ", %zu to %zu trials%s", least, most, spread);
    else if (most > 1)
        trials = sl_say(page, ", %zu trials%s", most, spread);
    (void) fputc('\n', page->out);
    sl_wrap_printf(page, SL_STYLE_NONE, 2,
                   "%s: %" PRIu64 " events of %" PRIu64 " B, %" PRIu64 " topics, %" PRIu64
                   " keys (%s), %s%s%s",
                   sl_say_text(page, key->scenario, "?"), config->events, config->payload,
                   config->topics, config->aggregates, sl_say_text(page, config->keys, "?"), rate,
                   transport, trials);
    (void) fputc('\n', page->out);
}

static void print_notes(const struct block *block)
{
    for (size_t i = 0; i < block->notes.n; i++)
        sl_wrap_printf(block->page, SL_STYLE_DIM, 4, "  [%zu] %s", i + 1, block->notes.texts[i]);
}

/* "shared by agents load-1 on east (load), ..." */
static void print_agents(const struct block *block)
{
    const struct sl_page *page = block->page;
    const struct sl_trial_result *trial = block->cells[0]->trials;
    size_t n_trials = block->cells[0]->n_trials;

    for (size_t i = 0; n_trials && i < trial->n_agents; i++)
        (void) fprintf(page->out, "%s %s on %s (%s)",
                       i              ? ","
                       : n_trials > 1 ? "  first trial shared by agents"
                                      : "  shared by agents",
                       sl_say_text(page, trial->agents[i].name, "?"),
                       sl_say_text(page, trial->agents[i].host, "?"),
                       sl_say_text(page, trial->agents[i].role, "?"));
    if (n_trials && trial->n_agents)
        (void) fputc('\n', page->out);
}

static void print_flow(const struct block *block)
{
    for (size_t i = 0; i < block->n_cells; i++)
        sl_table_print_flow(block->page, block->cells[i]);
}

static bool
print_block(const struct sl_page *page, const struct sl_cell_result *const *cells, size_t n_cells)
{
    struct block block = {.page = page, .cells = cells, .n_cells = n_cells};
    bool claims = false;

    for (size_t i = 0; i < n_cells; i++)
        claims |= cells[i]->claim.label != NULL;
    if (claims ? !fill_variants(&block) : !fill_modes(&block))
        return false;
    print_title(&block);
    sl_grid_print(&block.grid, page);
    print_agents(&block);
    print_flow(&block);
    print_notes(&block);
    return true;
}

/* The cells of a scenario. */
struct scenario {
    const struct sl_cell_result **cells;
    size_t n;
};

/* All cells are in one array. */
static int compare_cells(const void *left, const void *right)
{
    const struct sl_cell_result *a = *(const struct sl_cell_result *const *) left;
    const struct sl_cell_result *b = *(const struct sl_cell_result *const *) right;
    int order = strcmp(a->key.scenario, b->key.scenario);

    return order ? order : (a > b) - (a < b);
}

static int compare_first_cells(const void *left, const void *right)
{
    const struct scenario *a = left, *b = right;
    return (a->cells[0] > b->cells[0]) - (a->cells[0] < b->cells[0]);
}

/* The cells of a scenario together, scenarios in the order of their first cell. */
static bool print_blocks(const struct sl_page *page, const struct sl_run_result *result)
{
    const struct sl_cell_result **cells =
        sl_arena_array(page->arena, result->n_cells, sizeof *cells);
    struct scenario *scenarios = sl_arena_array(page->arena, result->n_cells, sizeof *scenarios);
    size_t n = 0;

    if (!cells || !scenarios)
        return false;
    for (size_t i = 0; i < result->n_cells; i++)
        cells[i] = &result->cells[i];
    qsort(cells, result->n_cells, sizeof *cells, compare_cells);
    for (size_t i = 0; i < result->n_cells; i++) {
        if (!i || strcmp(cells[i]->key.scenario, cells[i - 1]->key.scenario) != 0)
            scenarios[n++].cells = &cells[i];
        scenarios[n - 1].n++;
    }
    qsort(scenarios, n, sizeof *scenarios, compare_first_cells);
    for (size_t i = 0; i < n; i++)
        if (!print_block(page, scenarios[i].cells, scenarios[i].n))
            return false;
    return true;
}

/* ", nats-server 2.9.10 x 3", or nothing. */
static const char *server_text(const struct sl_page *page, const struct sl_environment *environment)
{
    const struct sl_value *n = &environment->nats_servers;
    const char *nodes = !n->missing && n->value > 1 ? sl_say(page, " x %" PRIu64, n->value) : "";
    const char *version = sl_say_text(page, environment->nats_server, "");

    return sl_say(page, "%s%s%s", environment->nats_server ? ", nats-server " : "", version, nodes);
}

/* "the second try, commit 0123456789ab: ", or nothing. */
static const char *subject_text(const struct sl_page *page, const struct sl_run_result *result)
{
    const char *label = result->run.label, *commit = result->run.commit;

    if (commit) /* a cut may go through a character */
        commit = sl_say(page, "%.12s", commit);
    return sl_say(page, "%s%s%s%s%s", sl_say_text(page, label, ""), label && commit ? ", " : "",
                  commit ? "commit " : "", sl_say_text(page, commit, ""),
                  label || commit ? ": " : "");
}

static void print_environment(const struct sl_page *page, const struct sl_run_result *result)
{
    const struct sl_environment *environment = &result->environment;
    const char *cores = "", *memory = "";
    char bytes[SL_FORMAT_MAX];

    if (environment->cores)
        cores = sl_say(page, ", %" PRIu64 " cores", environment->cores);
    if (environment->memory) {
        sl_format_bytes(environment->memory, bytes);
        memory = sl_say(page, ", %s", bytes);
    }
    sl_wrap_printf(page, SL_STYLE_NONE, 2, "%s%s on %s%s%s%s%s%s", subject_text(page, result),
                   sl_say_text(page, result->driver, "unknown driver"),
                   sl_say_text(page, environment->cpu, "unknown CPU"), cores, memory,
                   environment->kernel ? ", " : "", sl_say_text(page, environment->kernel, ""),
                   server_text(page, environment));
    if (result->driver_undeclared)
        sl_wrap_printf(page, SL_STYLE_DIM, 2,
                       "as asked for, since the driver does not declare what it has: %s",
                       sl_say_text(page, result->driver_undeclared, ""));
}

static enum sl_status
write_text(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_run_result *result = document;

    print_environment(page, result);
    sl_table_print_busy(page, &result->environment);
    if (!print_blocks(page, result))
        return sl_fail(err, SL_ENOMEM, "out of memory for a table");
    sl_table_print_leaks(page, result);
    sl_table_print_verdict(page, result, &result->verdict);
    return SL_OK;
}

static enum sl_status
write_json(const void *document, const struct sl_page *page, struct sl_error *err)
{
    return sl_report_print(document, page->out, err);
}

const struct sl_exporter sl_report_exporters[] = {
    {"text", 0, write_text},
    {"json", 0, write_json},
    {0},
};
