/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/tree/graph.h"

#include "base/fail.h"

/* Whom each waits for, and how many wait for each. */
static void
link_owners(const struct sl_snapshot *snapshot, struct sl_wait_graph *graph, uint32_t *n_waiters)
{
    for (size_t i = 0; i < graph->n_links; i++) {
        const struct sl_thread *owner =
            sl_snapshot_find(snapshot, (uint64_t) SL_MAX(snapshot->threads[i].wait.owner, 0));
        graph->links[i] = (struct sl_wait_link){.next = SL_WAIT_NOBODY, .root = (uint32_t) i};
        if (!owner)
            continue;
        graph->links[i].next = (uint32_t) (owner - snapshot->threads);
        n_waiters[graph->links[i].next]++;
    }
}

/*
 * Take away, again and again, threads that nobody waits for.  What is left goes in circles.
 *
 * @param order  in which they went: who waits comes before whom it waits for
 * @return how many went
 */
static size_t peel(const struct sl_snapshot *snapshot, struct sl_wait_link *links,
                   uint32_t *n_waiters, uint32_t *order)
{
    size_t n = 0;

    for (size_t i = 0; i < snapshot->n_threads; i++)
        if (!n_waiters[i])
            order[n++] = (uint32_t) i;
    for (size_t k = 0; k < n; k++) {
        uint32_t at = order[k], next = links[at].next;
        if (next == SL_WAIT_NOBODY)
            continue;
        links[next].behind += links[at].behind + snapshot->threads[at].count;
        if (--n_waiters[next] == 0)
            order[n++] = next;
    }
    return n;
}

/* Once around the circle that a thread is in, which is its lowest. */
static void
mark_circle(const struct sl_snapshot *snapshot, struct sl_wait_link *links, uint32_t lowest)
{
    uint32_t length = 0, at = lowest;
    bool ends = false;

    do {
        ends |= snapshot->threads[at].wait.timed;
        length++;
        at = links[at].next;
    } while (at != lowest);
    do {
        links[at].root = lowest;
        links[at].circle = length;
        links[at].ends = ends;
        at = links[at].next;
    } while (at != lowest);
}

enum sl_status sl_wait_graph_make(const struct sl_snapshot *snapshot,
                                  struct sl_wait_graph *ret_graph, struct sl_error *err)
{
    const size_t n = snapshot->n_threads;
    struct sl_wait_graph graph = {.links = calloc(n + 1, sizeof *graph.links), .n_links = n};
    SL_AUTO_FREE uint32_t *n_waiters = calloc(n + 1, sizeof *n_waiters);
    SL_AUTO_FREE uint32_t *order = calloc(n + 1, sizeof *order);

    if (!graph.links || !n_waiters || !order) {
        free(graph.links);
        return sl_fail(err, SL_ENOMEM, "out of memory for the waits of %zu threads", n);
    }
    link_owners(snapshot, &graph, n_waiters);
    size_t n_peeled = peel(snapshot, graph.links, n_waiters, order);
    for (size_t i = 0; i < n; i++)
        if (n_waiters[i] && !graph.links[i].circle)
            mark_circle(snapshot, graph.links, (uint32_t) i);
    for (size_t k = n_peeled; k-- > 0;) {
        struct sl_wait_link *link = &graph.links[order[k]];
        if (link->next == SL_WAIT_NOBODY)
            continue;
        link->root = graph.links[link->next].root;
        link->depth = graph.links[link->next].depth + 1;
    }
    *ret_graph = graph;
    return SL_OK;
}

void sl_wait_graph_release(struct sl_wait_graph *graph)
{
    free(graph->links);
    *graph = (struct sl_wait_graph){0};
}
