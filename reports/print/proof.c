/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/proof.h"

#include <inttypes.h>

#include "reports/print/say.h"
#include "reports/print/wrap.h"

#define MAX_SHOWN 8 /* steps of a path: the first ones, and the last */

static void print_path(const struct sl_page *page, const struct sl_proof *proof)
{
    for (size_t i = 0; i < proof->n_path; i++) {
        if (i == MAX_SHOWN - 1 && proof->n_path > MAX_SHOWN) {
            (void) fprintf(page->out, " -> ...");
            i = proof->n_path - 1;
        }
        (void) fprintf(page->out, "%s%s", i ? " -> " : "",
                       sl_say_text(page, proof->path[i].what, "?"));
    }
}

void sl_proof_print(const struct sl_page *page, const struct sl_group *group, int indent)
{
    const struct sl_proof *proof = &group->proof;

    if (proof->grade == SL_PROOF_NONE)
        return;
    (void) fprintf(page->out, "%*sproof: %s", indent, "", sl_proof_grade_text(proof->grade));
    if (proof->n_path || proof->reason)
        (void) fprintf(page->out, ": ");
    if (proof->n_path)
        print_path(page, proof);
    else if (proof->reason)
        (void) fprintf(page->out, "%s", sl_say_text(page, proof->reason, "?"));
    if (proof->n_dead && proof->n_dead < group->count)
        (void) fprintf(page->out, "; %" PRIu32 " of %" PRIu32 " are dead", proof->n_dead,
                       group->count);
    (void) fprintf(page->out, "\n");
}

void sl_proof_print_assumptions(const struct sl_page *page)
{
    sl_style_print(page, SL_STYLE_DIM, "\na proof assumes that\n");
    for (size_t i = 0; i < sl_proof_n_assumptions; i++)
        sl_style_print(page, SL_STYLE_DIM, "    %s\n", sl_proof_assumptions[i]);
}
