/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/proof.h"

#include <inttypes.h>

#include "reports/print/say.h"
#include "reports/print/wrap.h"

#define MAX_SHOWN 8 /* steps of a path: the first ones, and the last */

static const char *say_path(const struct sl_page *page, const struct sl_proof *proof)
{
    const char *text = "";

    for (size_t i = 0; i < proof->n_path && text; i++) {
        bool cut = i == MAX_SHOWN - 1 && proof->n_path > MAX_SHOWN;
        if (cut)
            i = proof->n_path - 1;
        text = sl_arena_printf(page->arena, "%s%s%s%s", text, *text ? " -> " : "",
                               cut ? "... -> " : "", sl_say_text(page, proof->path[i].what, "?"));
    }
    return text;
}

const char *sl_proof_say(const struct sl_page *page, const struct sl_group *group)
{
    const struct sl_proof *proof = &group->proof;
    const char *because =
        proof->n_path ? say_path(page, proof) : sl_say_text(page, proof->reason, "");

    if (proof->grade == SL_PROOF_NONE || !because)
        return NULL;
    const char *text = sl_arena_printf(page->arena, "%s%s%s", sl_proof_grade_text(proof->grade),
                                       *because ? ": " : "", because);
    if (text && proof->n_dead && proof->n_dead < group->count)
        text = sl_arena_printf(page->arena, "%s; %" PRIu32 " of %" PRIu32 " are dead", text,
                               proof->n_dead, group->count);
    return text;
}

void sl_proof_print_assumptions(const struct sl_page *page)
{
    (void) fputc('\n', page->out);
    sl_style_print(page, SL_STYLE_DIM, "a proof assumes that\n");
    for (size_t i = 0; i < sl_proof_n_assumptions; i++)
        sl_wrap_printf(page, SL_STYLE_DIM, 4, "  - %s", sl_proof_assumptions[i]);
}
