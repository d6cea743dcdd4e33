/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results for tests: a run in which everything was measured and went well, to be
 * spoiled by the test in one place.
 *
 * A test that runs out of memory is aborted; nothing here returns NULL.
 */
#ifndef SL_TEST_RESULT_BUILDER_H
#define SL_TEST_RESULT_BUILDER_H

#include "harness/model/result.h"
#include "reports/exporter.h"

/* A run without cells, whose control found what it planted. */
struct sl_run_result *result_new(void);

/*
 * Add a cell whose trials went well.  Cells added before may move: take pointers
 * after the last call.
 *
 * @param fault  NULL: none
 */
struct sl_cell_result *result_add_cell(struct sl_run_result *result, const char *scenario,
                                       const char *mode, const char *transport, const char *fault,
                                       size_t n_trials);

/* A trial, to be written to; both indices count from 0. */
struct sl_trial_result *result_trial(struct sl_run_result *result, size_t cell, size_t trial);

/*
 * Add a group of threads to a trial; counts as leaked unless the cause is resident.  Groups of
 * one function have one fingerprint.
 */
struct sl_finding *result_add_group(struct sl_run_result *result, struct sl_trial_result *trial,
                                    uint32_t count, enum sl_cause cause, const char *function);

/* One result with something in every field: missing numbers, strange bytes, late threads, a hang.
 */
struct sl_run_result *result_new_full(void);

/* A document as one string, to be freed.  Of page all but the stream; NULL: no terminal. */
char *result_export(const struct sl_exporter *table, const char *name, const void *document,
                    const struct sl_page *page);

/* The report as one string, to be freed. */
char *result_to_json(const struct sl_run_result *result);

/* Exit status of scripts/validate-report: 0 valid, 77 it cannot run here. */
int result_validate(const char *path);

/*
 * The text is the sample, a file below tests/data.  With STRANDLINE_UPDATE_SAMPLES=1 it is written
 * anew, to be read before it is committed.
 */
void result_assert_sample(const char *text, const char *name);

/* Path of a file below tests/data; static, overwritten by the next call. */
const char *result_data_path(const char *name);

/* Contents of a file with a NUL behind them, to be freed. */
char *result_read_file(const char *path);

#endif
