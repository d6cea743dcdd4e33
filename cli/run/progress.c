/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "reports/format.h"

#define LINE_EVERY_NS (10 * SL_NS_PER_S) /* where nobody looks on */

/* "[1/4] low keyed nats pool-not-stopped: load, 12 s, handled 480 of 499 accepted" */
static void print(const struct sl_run_progress *now)
{
    const struct sl_run_cell *cell = now->cell;

    (void) fprintf(stderr, "[%zu/%zu] %s %s %s%s%s", now->trial, now->n_trials,
                   cell->scenario->name, sl_mode_text(cell->mode), cell->transport,
                   cell->fault ? " " : "", cell->fault ? cell->fault : "");
    if (now->at.doing)
        (void) fprintf(stderr, ": %s, %" PRIu64 " s", now->at.doing,
                       now->at.elapsed_ns / SL_NS_PER_S);
    if (now->at.counted)
        (void) fprintf(stderr, ", handled %" PRIu64 " of %" PRIu64 " accepted", now->at.handled,
                       now->at.accepted);
}

void progress_show(void *user, const struct sl_run_progress *now)
{
    struct progress *progress = user;

    if (progress->trial != now->trial) {
        progress->trial = now->trial;
        progress->said_ns = 0;
    }
    if (progress->terminal) {
        (void) fputs("\r\033[K", stderr);
        print(now);
    } else if (now->at.elapsed_ns - progress->said_ns >= LINE_EVERY_NS) {
        progress->said_ns = now->at.elapsed_ns;
        print(now);
        (void) fputc('\n', stderr);
    }
}

void progress_output(void *user, const char *driver, const char *line)
{
    progress_end(user);
    (void) sl_print_printable(driver, stderr);
    (void) fputs(": ", stderr);
    (void) sl_print_printable(line, stderr);
    (void) fputc('\n', stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->terminal)
        (void) fputs("\r\033[K", stderr);
}
