/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports from arbitrary bytes: refused with a text of one line, or read.  What was
 * read can be judged, printed and written, and what is written reads back as the
 * same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/print/compare.h"
#include "reports/print/table.h"
#include "reports/print/verdict.h"
#include "reports/report.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(const struct sl_run_result *result, size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);
    require(out && sl_report_print(result, out, NULL) == SL_OK, "what was read can be written");
    (void) fclose(out);
    return text;
}

static void check_writing(const struct sl_run_result *result)
{
    struct sl_run_result *again = NULL;
    size_t first_size = 0, second_size = 0;
    char *first = written(result, &first_size);
    require(sl_report_parse("again", first, first_size, &again, NULL) == SL_OK,
            "what was written can be read");
    char *second = written(again, &second_size);
    require(first_size == second_size && memcmp(first, second, first_size) == 0,
            "writing and reading change nothing");
    free(first);
    free(second);
    sl_run_result_free(again);
}

static void export_all(const struct sl_exporter *table, const void *document, FILE *out)
{
    const struct sl_page page = {.out = out, .width = 80};
    for (const struct sl_exporter *exporter = table; exporter->name; exporter++)
        require(sl_export(table, exporter->name, document, &page, NULL) == SL_OK,
                "it can be printed");
}

static void check_uses(struct sl_run_result *result)
{
    const struct sl_policy policy = {0};
    struct sl_judgement judgement = {0};
    struct sl_comparison comparison = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    require(out != NULL, "there is memory");
    require(sl_verdict_evaluate(result, &policy, result->arena, &judgement, NULL) == SL_OK,
            "what was read can be judged");
    require((judgement.exit == 0) == (judgement.n_breaches == 0), "a failure has a reason");
    export_all(sl_report_exporters, result, out);
    export_all(sl_verdict_exporters, &judgement, out);
    require(sl_compare(result, result, result->arena, &comparison, NULL) == SL_OK,
            "what was read can be compared");
    require(comparison.same_environment && !comparison.n_only_base && !comparison.n_only_head,
            "a report is like itself");
    for (size_t i = 0; i < comparison.n_groups; i++)
        require(comparison.groups[i].change == SL_CHANGE_SAME, "no group of it is new or gone");
    export_all(sl_compare_exporters, &comparison, out);
    (void) fclose(out);
    require(!memchr(text, '\x1b', size), "nothing printed commands the terminal");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_run_result *result = NULL;
    struct sl_error err = {0};

    if (sl_report_parse("fuzz.json", (const char *) data, size, &result, &err) == SL_OK) {
        check_writing(result);
        check_uses(result);
    } else {
        require(err.status == SL_EPARSE, "bad input is malformed input");
        require(strncmp(err.text, "fuzz.json:", 10) == 0, "the text names the input");
        require(!strpbrk(err.text, "\n\r\x1b"), "the text is one line");
    }
    sl_run_result_free(result);
    return 0;
}
