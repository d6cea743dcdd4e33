/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/verdict.h"

#include <errno.h>

#include <jansson.h>

#include "base/fail.h"
#include "reports/format.h"
#include "reports/print/breach.h"
#include "reports/print/leak_lines.h"
#include "reports/print/table_verdict.h"

/* NULL when memory is short. */
static json_t *json_lines(const struct sl_verdict *verdict, struct sl_arena *arena)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < verdict->n_failed; i++) {
        const char *line = sl_format_printable(arena, verdict->failed[i]);
        if (!line || json_array_append_new(lines, json_string(line)) != 0) {
            json_decref(lines);
            return NULL;
        }
    }
    return lines;
}

static json_t *json_limit(const struct sl_limit *limit)
{
    return limit->set ? json_integer((json_int_t) limit->most) : json_null();
}

static enum sl_status
write_text(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_judgement *judgement = document;
    struct sl_verdict verdict;
    enum sl_status status = sl_breaches_say(judgement, page->arena, &verdict, err);

    if (status)
        return status;
    sl_table_print_verdict(page, judgement->result, &verdict);
    return sl_leak_lines_print(page, judgement->result, judgement->policy)
               ? SL_OK
               : sl_fail(err, SL_ENOMEM, "out of memory for the leaks of a verdict");
}

static enum sl_status
write_json(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_judgement *judgement = document;
    const struct sl_policy *policy = judgement->policy;
    struct sl_arena *arena = page->arena;
    struct sl_verdict verdict;
    json_t *json = NULL;

    if (sl_breaches_say(judgement, arena, &verdict, err) == SL_OK)
        json = json_pack("{ss s{sI so so ss?} s{si so} so}", "schema", "strandline.gate/1",
                         "policy", "max_leaks", (json_int_t) policy->max_leaks, "max_descriptors",
                         json_limit(&policy->descriptors), "max_processes",
                         json_limit(&policy->processes), "baseline",
                         sl_format_printable(arena, policy->baseline_name), "verdict", "exit",
                         verdict.exit, "failed", json_lines(&verdict, arena), "leaks",
                         sl_leak_lines_json(judgement->result, policy, arena));
    if (!json)
        return sl_fail(err, SL_ENOMEM, "out of memory for a verdict");
    errno = 0;
    int dumped = json_dumpf(json, page->out, JSON_INDENT(2));
    json_decref(json);
    if (dumped < 0 || fputc('\n', page->out) == EOF || fflush(page->out) != 0)
        return sl_fail_errno(err, "cannot write the verdict");
    return SL_OK;
}

const struct sl_exporter sl_verdict_exporters[] = {
    {"text", 0, write_text},
    {"json", 0, write_json},
    {0},
};
