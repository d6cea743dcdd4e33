/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/tree.h"

#include <inttypes.h>

#include "base/macros.h"
#include "reports/print/say.h"

#define INDENT    2
#define MAX_ROOTS 16
#define MAX_LINES 24 /* of one root beside the circle; the JSON form has all */

static uint64_t id_of(const struct sl_wait_node *node)
{
    return node->n_ids ? node->ids[0] : 0;
}

static const char *say_thread(const struct sl_page *page, const struct sl_wait_node *node)
{
    return sl_say(page, "thread %" PRIu64 " '%s'", id_of(node), sl_say_text(page, node->name, ""));
}

/* "thread 71 'a' in take", "511 threads like 82 'worker' in take" */
static const char *say_threads(const struct sl_page *page, const struct sl_wait_node *node)
{
    const struct sl_group group = {.function = node->function};
    const char *function = sl_say_function(page, &group);

    if (node->count == 1)
        return sl_say(page, "%s in %s", say_thread(page, node), function);
    return sl_say(page, "%" PRIu32 " threads like %" PRIu64 " '%s' in %s", node->count, id_of(node),
                  sl_say_text(page, node->name, ""), function);
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

void tree_print(const struct sl_page *page, size_t indent, const struct sl_wait_tree *tree)
{
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
}
