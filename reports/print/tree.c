/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/tree.h"

#include <inttypes.h>

#include "base/macros.h"
#include "reports/print/say.h"

#define INDENT         2
#define MAX_ROOTS      ((size_t) 16)
#define MAX_CANDIDATES ((size_t) 8)
#define MAX_LINES      24 /* of one root beside the circle; the JSON form has all */

static uint64_t id_of(const struct sl_wait_node *node)
{
    return node->n_ids ? node->ids[0] : 0;
}

static const char *say_thread(const struct sl_page *page, const struct sl_wait_node *node)
{
    return sl_say(page, "thread %" PRIu64 " '%s'", id_of(node), sl_say_text(page, node->name, ""));
}

/* "thread 71 'a' in take", "511 threads like 82 'worker' in take" */
static const char *say_count(const struct sl_page *page, uint32_t count, uint64_t id,
                             const char *name, const char *function)
{
    const struct sl_group group = {.function = function};
    const char *like = count == 1 ? "thread" : sl_say(page, "%" PRIu32 " threads like", count);

    return sl_say(page, "%s %" PRIu64 " '%s' in %s", like, id, sl_say_text(page, name, ""),
                  sl_say_function(page, &group));
}

static const char *say_threads(const struct sl_page *page, const struct sl_wait_node *node)
{
    return say_count(page, node->count, id_of(node), node->name, node->function);
}

/* "mutex 0x55d0", "3 mutexes" */
static const char *say_objects(const struct sl_page *page, const struct sl_wait_node *node)
{
    const char *kind = sl_wait_kind_text(node->wait.kind);

    if (node->n_objects <= 1)
        return sl_say(page, "%s 0x%" PRIx64, kind, node->wait.object);
    return sl_say(page, "%" PRIu32 " %s%s", node->n_objects, kind,
                  node->wait.kind == SL_WAIT_MUTEX ? "es" : "s");
}

/* "waits for mutex 0x55d0 held by thread 72 'b'", "wait for it to end" */
static const char *
say_wait(const struct sl_page *page, const struct sl_wait_node *node, const char *whom)
{
    const char *verb = node->count == 1 ? "waits" : "wait";
    const char *timed = node->wait.timed ? ", with a time-out" : "";
    const char *held =
        node->wait.held ? sl_say(page, ", %s", sl_say_text(page, node->wait.held, "")) : "";

    return node->wait.kind == SL_WAIT_JOIN
               ? sl_say(page, "%s for %s to end%s%s", verb, whom, timed, held)
               : sl_say(page, "%s for %s held by %s%s%s", verb, say_objects(page, node), whom,
                        timed, held);
}

/* What the root does instead. */
static const char *say_root_wait(const struct sl_page *page, const struct sl_wait *wait)
{
    const char *call = sl_wait_call_text(wait);
    const char *what = sl_wait_kind_text(wait->kind);

    if (wait->kind == SL_WAIT_NONE)
        what = wait->held ? wait->held : "in no blocking call";
    else if (wait->kind == SL_WAIT_MUTEX && wait->object)
        what = sl_say(page, "mutex 0x%" PRIx64, wait->object);
    else if (wait->kind >= SL_WAIT_SLEEP && call)
        what = call;
    return sl_say(page, "%s%s%s%s", sl_say_text(page, what, "?"), wait->target ? " on " : "",
                  wait->target ? sl_say_text(page, wait->target, "?") : "",
                  wait->timed && wait->kind != SL_WAIT_SLEEP ? ", with a time-out" : "");
}

static void print_head(const struct sl_page *page, size_t indent, const struct sl_wait_root *root)
{
    const struct sl_wait_node *first = root->nodes;

    if (root->circle && root->ends)
        sl_style_print(page, SL_STYLE_WARN,
                       "%*s%" PRIu32 " thread%s in a circle, which a time-out ends\n", (int) indent,
                       "", root->circle, root->circle == 1 ? "" : "s");
    else if (root->circle == 1)
        sl_style_print(page, SL_STYLE_BAD, "%*sdeadlock: a thread waits for itself\n", (int) indent,
                       "");
    else if (root->circle)
        sl_style_print(page, SL_STYLE_BAD, "%*sdeadlock: %" PRIu32 " threads wait for each other\n",
                       (int) indent, "", root->circle);
    else if (!first->count)
        sl_style_print(page, SL_STYLE_BAD,
                       "%*sthread %" PRIu64 " is not of the process any more, and never let go\n",
                       (int) indent, "", id_of(first));
    else
        (void) fprintf(page->out, "%*s%s [%s]: %" PRIu32 " wait%s for it\n", (int) indent, "",
                       say_threads(page, first), say_root_wait(page, &first->wait), first->behind,
                       first->behind == 1 ? "s" : "");
}

static void print_line(const struct sl_page *page, size_t indent, const struct sl_wait_root *root,
                       const struct sl_wait_node *node)
{
    const struct sl_wait_node *whom = &root->nodes[node->waits_for];
    bool in_circle = (uint32_t) node->waits_for < root->circle;

    (void) fprintf(page->out, "%*s%s %s\n",
                   (int) (indent + INDENT * (node->depth + (root->circle > 0))), "",
                   say_threads(page, node),
                   say_wait(page, node,
                            whom == node       ? "itself"
                            : in_circle        ? say_thread(page, whom)
                            : whom->count <= 1 ? "it"
                                               : "these"));
}

static void print_root(const struct sl_page *page, size_t indent, const struct sl_wait_root *root)
{
    const size_t n_first = SL_MAX(root->circle, 1);
    const size_t n = SL_MIN(root->n_nodes, n_first + MAX_LINES);
    uint32_t others = 0;

    print_head(page, indent, root);
    for (size_t i = root->circle ? 0 : 1; i < n; i++)
        print_line(page, indent, root, &root->nodes[i]);
    for (size_t i = n; i < root->n_nodes; i++)
        others += root->nodes[i].count;
    if (others)
        (void) fprintf(page->out, "%*sand %" PRIu32 " more thread%s behind these\n",
                       (int) (indent + INDENT), "", others, others == 1 ? "" : "s");
}

static void
print_candidates(const struct sl_page *page, int indent, const struct sl_wait_place *place)
{
    const size_t n = SL_MIN(place->n_candidates, MAX_CANDIDATES);
    const char *missing = place->searched ? "" : "; not all stacks and registers could be seen";

    if (!n) {
        (void) fprintf(page->out, "%*sno other thread was found that has its address%s\n", indent,
                       "", missing);
        return;
    }
    (void) fprintf(page->out,
                   "%*scandidate%s, for its address is on the stack or in a register%s:\n", indent,
                   "", place->n_candidates == 1 ? "" : "s", missing);
    for (size_t i = 0; i < n; i++) {
        const struct sl_wait_candidate *candidate = &place->candidates[i];
        (void) fprintf(page->out, "%*s%s\n", indent + INDENT, "",
                       say_count(page, 1, candidate->id, candidate->name, candidate->function));
    }
    if (place->n_candidates > n)
        (void) fprintf(page->out, "%*sand %zu more\n", indent + INDENT, "",
                       place->n_candidates - n);
}

/* "descriptor 6", "descriptors 6, 7" */
static const char *say_descriptors(const struct sl_page *page, const struct sl_wait_place *place)
{
    const size_t n = SL_MIN(place->n_descriptors, MAX_CANDIDATES);
    const char *text = place->n_descriptors == 1 ? "descriptor" : "descriptors";

    for (size_t i = 0; i < n; i++)
        text = sl_say(page, "%s%s %" PRIu64, text, i ? "," : "", place->descriptors[i]);
    return place->n_descriptors > n
               ? sl_say(page, "%s and %zu more", text, place->n_descriptors - n)
               : text;
}

static void print_place(const struct sl_page *page, int indent, const struct sl_wait_place *place)
{
    const char *threads = say_count(page, place->count, place->n_ids ? place->ids[0] : 0,
                                    place->name, place->function);
    const char *verb = place->count == 1 ? "waits" : "wait";

    if (!place->object) {
        (void) fprintf(page->out,
                       "%*s%s %s in %s on %s; its other end is %s of the process itself\n", indent,
                       "", threads, verb, sl_say_text(page, place->call, "?"),
                       sl_say_text(page, place->what, "?"), say_descriptors(page, place));
        return;
    }
    (void) fprintf(page->out, "%*s%s %s for %s 0x%" PRIx64 ", which keeps no owner\n", indent, "",
                   threads, verb, sl_say_text(page, place->what, "?"), place->object);
    print_candidates(page, indent + INDENT, place);
}

void tree_print(const struct sl_page *page, size_t indent, const struct sl_wait_tree *tree)
{
    const size_t n_places = SL_MIN(tree->n_places, MAX_ROOTS);
    uint32_t others = 0;

    for (size_t i = 0; i < tree->n_roots; i++) {
        if (i < MAX_ROOTS || tree->roots[i].circle)
            print_root(page, indent, &tree->roots[i]);
        else
            others += tree->roots[i].count;
    }
    if (others)
        (void) fprintf(page->out, "%*sand %" PRIu32 " more threads in smaller trees\n",
                       (int) indent, "", others);
    for (size_t i = 0; i < n_places; i++)
        print_place(page, (int) indent, &tree->places[i]);
    if (tree->n_places > n_places)
        (void) fprintf(page->out, "%*sand %zu more such places\n", (int) indent, "",
                       tree->n_places - n_places);
}
