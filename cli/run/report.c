/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/report.h"

#include "reports/print/breach.h"
#include "reports/print/table.h"

/* Where the report is, and what can be done with it; the last lines of a run. */
static void print_next(const struct run_request *request, const struct sl_report_place *place)
{
    /* Beside the table; what is printed as JSON stays JSON. */
    FILE *out = request->json ? stderr : stdout;
    const char *path = request->output;

    (void) fprintf(out, "report: %s", path);
    if (place->kept)
        (void) fprintf(out, " (the one before is %s)", place->kept);
    (void) fprintf(out, "\n  strandline show %s\n  strandline gate %s\n", path, path);
    if (place->kept)
        (void) fprintf(out, "  strandline compare %s %s\n", place->kept, path);
}

static int
print_result(const struct run_request *request, const struct sl_run_result *result, int status)
{
    struct sl_page page = output_page(request->color, stdout);
    const char *form = request->json ? "json" : "text";
    struct sl_error err = {0};

    if (sl_export(sl_report_exporters, form, result, &page, &err))
        return command_error(request->command, &err, SL_EXIT_UNMEASURED);
    return status;
}

int run_report(const struct run_request *request, const struct sl_report_place *place,
               struct sl_run_result *result)
{
    struct sl_judgement judgement;
    struct sl_error err = {0};

    if (sl_verdict_evaluate(result, &request->policy.rules, result->arena, &judgement, &err) ||
        sl_breaches_say(&judgement, result->arena, &result->verdict, &err)) {
        (void) command_error(request->command, &err, 0);
        run_report_none(place);
        return SL_EXIT_UNMEASURED;
    }
    int status = result->verdict.exit;
    if (request->no_verdict && status != SL_EXIT_UNMEASURED)
        status = SL_EXIT_OK;
    bool failed = request->output && sl_report_write(result, place->target, &err);
    if (failed) {
        (void) command_error(request->command, &err, 0);
        run_report_none(place);
        status = SL_EXIT_UNMEASURED;
    }
    status = print_result(request, result, status);
    if (failed && !request->json)
        (void) printf("no report: %s\n", err.text); /* an "ok" is not the last word then */
    else if (!failed && request->output)
        print_next(request, place);
    return status;
}

void run_report_none(const struct sl_report_place *place)
{
    if (place->kept)
        (void) fprintf(stderr, "strandline run: no report was written; the one before is %s\n",
                       place->kept);
}
