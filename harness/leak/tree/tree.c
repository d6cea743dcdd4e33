/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/tree/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "harness/leak/stack/fingerprint.h"
#include "harness/leak/stack/frame.h"
#include "harness/leak/tree/graph.h"
#include "harness/leak/tree/place.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))
#define NONE          UINT32_MAX

/* A thread that waits for one of the process or is waited for, on its way into a line. */
struct member {
    uint32_t thread; /* index in the snapshot */
    uint32_t depth;
    uint32_t parent; /* line; not known before those of less depth are made */
    uint64_t fingerprint;
    const struct sl_wait *wait;
};

/* A line, and its place among the others: all by their index in `lines`. */
struct line {
    struct sl_wait_node node; /* waits_for is left open */
    uint32_t thread;          /* the first; NONE: it is gone */
    uint32_t parent;          /* NONE: a root */
    uint32_t root;            /* of a circle, that of its lowest thread */
    uint32_t next;            /* in the circle, else NONE */
    uint32_t first_child, next_sibling;
    uint32_t at; /* index among the nodes of its root */
};

struct builder {
    const struct sl_snapshot *snapshot;
    struct sl_arena *arena;
    struct sl_wait_graph graph;
    struct member *members; /* by depth */
    size_t n_members;
    struct line *lines; /* whom one waits for stands before it, but in circles */
    uint32_t n_lines;
    uint32_t *line_of; /* by the index of the thread */
    uint32_t *order;   /* of lines: room for sorting */
};

static bool is_held_by_the_gone(const struct sl_wait *wait)
{
    return !wait->owner && wait->ended_owner;
}

static int compare_depths(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int order = COMPARE(a->depth, b->depth);
    return order ? order : COMPARE(a->thread, b->thread);
}

static int compare_the_gone(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    return COMPARE(a->wait->ended_owner, b->wait->ended_owner);
}

/* 0: they are told in one line. */
static int compare_lines(const struct member *a, const struct member *b)
{
    int order = COMPARE(a->parent, b->parent);
    if (!order)
        order = COMPARE(a->fingerprint, b->fingerprint);
    if (!order)
        order = COMPARE(a->wait->kind, b->wait->kind);
    return order ? order : COMPARE(a->wait->timed, b->wait->timed);
}

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int order = compare_lines(a, b);
    if (!order)
        order = COMPARE(a->wait->object, b->wait->object);
    return order ? order : COMPARE(a->thread, b->thread);
}

/* Threads that share a stack are mostly neighbours. */
static uint64_t fingerprint_again(const struct builder *builder, const struct member *before,
                                  const struct sl_thread *thread)
{
    const struct sl_thread *other = before ? &builder->snapshot->threads[before->thread] : NULL;
    return other && thread->stack && other->stack == thread->stack ? before->fingerprint
                                                                   : fingerprint_of_thread(thread);
}

static void list_members(struct builder *builder)
{
    for (size_t i = 0; i < builder->graph.n_links; i++) {
        const struct sl_wait_link *link = &builder->graph.links[i];
        const struct sl_thread *thread = &builder->snapshot->threads[i];
        const struct sl_wait *last = &builder->snapshot->threads[link->root].wait;
        if (link->next == SL_WAIT_NOBODY && !link->behind && !is_held_by_the_gone(&thread->wait))
            continue;
        struct member *member = &builder->members[builder->n_members++];
        *member = (struct member){
            .thread = (uint32_t) i,
            .depth = link->depth + is_held_by_the_gone(last),
            .parent = NONE,
            .wait = &thread->wait,
        };
        member->fingerprint =
            fingerprint_again(builder, builder->n_members > 1 ? member - 1 : NULL, thread);
    }
    qsort(builder->members, builder->n_members, sizeof *builder->members, compare_depths);
}

static uint32_t add_line(struct builder *builder, const struct member *member)
{
    struct line *line = &builder->lines[builder->n_lines];

    *line = (struct line){.node.depth = member->depth,
                          .node.wait = *member->wait,
                          .thread = member->thread,
                          .parent = member->parent,
                          .root = builder->n_lines,
                          .next = NONE,
                          .first_child = NONE,
                          .next_sibling = NONE};
    if (member->parent != NONE)
        line->root = builder->lines[member->parent].root;
    (void) snprintf(line->node.fingerprint, sizeof line->node.fingerprint, "%016" PRIx64,
                    member->fingerprint);
    return builder->n_lines++;
}

static void add_thread(struct builder *builder, uint32_t at, const struct member *member)
{
    const struct sl_thread *thread = &builder->snapshot->threads[member->thread];
    struct sl_wait_node *node = &builder->lines[at].node;

    node->count += thread->count;
    if (thread->id && node->n_ids < SL_GROUP_SAMPLE)
        node->ids[node->n_ids++] = thread->id;
    builder->line_of[member->thread] = at;
}

/* Roots and threads in circles have a line each. */
static void make_first_lines(struct builder *builder, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_thread(builder, add_line(builder, &builder->members[i]), &builder->members[i]);
    for (size_t i = 0; i < n; i++) {
        const struct sl_wait_link *link = &builder->graph.links[builder->members[i].thread];
        struct line *line = &builder->lines[builder->line_of[builder->members[i].thread]];
        line->node.n_objects = link->circle && line->node.wait.object;
        if (link->circle) {
            line->next = builder->line_of[link->next];
            line->root = builder->line_of[link->root];
        }
    }
}

/* One line for each thread that is gone and holds what others wait for. */
static void make_lines_of_the_gone(struct builder *builder, struct member *members, size_t n)
{
    static const struct sl_wait none = {.syscall_nr = -1};
    const struct member root = {.thread = NONE, .parent = NONE, .wait = &none};
    pid_t last = 0;

    qsort(members, n, sizeof *members, compare_the_gone);
    for (size_t i = 0; i < n; i++) {
        if (!is_held_by_the_gone(members[i].wait))
            continue;
        if (members[i].wait->ended_owner != last) {
            struct sl_wait_node *node = &builder->lines[add_line(builder, &root)].node;
            last = members[i].wait->ended_owner;
            node->ids[node->n_ids++] = (uint64_t) last;
            node->fingerprint[0] = '\0';
        }
        members[i].parent = builder->n_lines - 1;
    }
}

/* Of members of one depth, whose parents have their lines. */
static void make_lines(struct builder *builder, struct member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t next = builder->graph.links[members[i].thread].next;
        if (next != SL_WAIT_NOBODY)
            members[i].parent = builder->line_of[next];
    }
    qsort(members, n, sizeof *members, compare_members);
    for (size_t i = 0; i < n; i++) {
        bool begins = i == 0 || compare_lines(&members[i - 1], &members[i]) != 0;
        uint32_t at = begins ? add_line(builder, &members[i]) : builder->n_lines - 1;
        struct sl_wait_node *node = &builder->lines[at].node;
        node->n_objects += begins || members[i - 1].wait->object != members[i].wait->object;
        add_thread(builder, at, &members[i]);
    }
}

static void make_all_lines(struct builder *builder)
{
    struct member *members = builder->members;

    for (size_t i = 0, n; i < builder->n_members; i += n) {
        for (n = 1; i + n < builder->n_members && members[i + n].depth == members[i].depth;)
            n++;
        if (members[i].depth == 0)
            make_first_lines(builder, n);
        if (members[i].depth == 1)
            make_lines_of_the_gone(builder, members + i, n);
        if (members[i].depth > 0)
            make_lines(builder, members + i, n);
    }
    for (uint32_t i = builder->n_lines; i-- > 0;) {
        const struct line *line = &builder->lines[i];
        if (line->parent != NONE)
            builder->lines[line->parent].node.behind += line->node.count + line->node.behind;
    }
}

/* Children of one parent together, those with most threads last. */
static int compare_siblings(const void *left, const void *right, void *argument)
{
    const struct line *lines = argument;
    uint32_t i = *(const uint32_t *) left, k = *(const uint32_t *) right;
    const struct sl_wait_node *a = &lines[i].node, *b = &lines[k].node;
    int order = COMPARE(a->count + a->behind, b->count + b->behind);
    return order ? order : COMPARE(k, i);
}

static void link_children(struct builder *builder)
{
    for (uint32_t i = 0; i < builder->n_lines; i++)
        builder->order[i] = i;
    qsort_r(builder->order, builder->n_lines, sizeof *builder->order, compare_siblings,
            builder->lines);
    for (uint32_t i = 0; i < builder->n_lines; i++) { /* each goes before the ones before it */
        struct line *line = &builder->lines[builder->order[i]];
        if (line->parent == NONE)
            continue;
        line->next_sibling = builder->lines[line->parent].first_child;
        builder->lines[line->parent].first_child = builder->order[i];
    }
}

/* The line after this one where whom a line waits for stands before it; NONE after the last. */
static uint32_t step(const struct line *lines, uint32_t top, uint32_t at)
{
    if (lines[at].first_child != NONE)
        return lines[at].first_child;
    while (at != top && lines[at].next_sibling == NONE)
        at = lines[at].parent;
    return at == top ? NONE : lines[at].next_sibling;
}

static bool
copy_texts(const struct builder *builder, const struct line *line, struct sl_wait_node *node)
{
    const char *const from[] = {node->wait.syscall, node->wait.target, node->wait.held,
                                node->wait.text};
    const char **const to[] = {&node->wait.syscall, &node->wait.target, &node->wait.held,
                               &node->wait.text};
    node->wait.lock = NULL; /* these are the snapshot's */
    node->wait.far_end = NULL;
    for (size_t i = 0; i < SL_COUNT_OF(from); i++) {
        *to[i] = sl_arena_strdup(builder->arena, from[i]);
        if (from[i] && !*to[i])
            return false;
    }
    if (line->thread == NONE)
        return true;
    const struct sl_thread *thread = &builder->snapshot->threads[line->thread];
    node->name = sl_arena_strdup(builder->arena, thread->name);
    node->function = sl_leak_headline(builder->arena, thread->stack);
    return node->name && node->function;
}

/* Lines in their order: of a circle first those in it, then what leads to each. */
static size_t arrange(struct builder *builder, uint32_t first, uint32_t *ret_order)
{
    struct line *lines = builder->lines;
    size_t n = 0, n_circle;
    uint32_t at = first;

    do {
        lines[at].at = (uint32_t) n;
        ret_order[n++] = at;
        at = lines[at].next;
    } while (at != NONE && at != first);
    n_circle = n;
    for (size_t i = 0; i < n_circle; i++) {
        uint32_t top = ret_order[i];
        for (at = step(lines, top, top); at != NONE; at = step(lines, top, at)) {
            lines[at].at = (uint32_t) n;
            ret_order[n++] = at;
        }
    }
    return n;
}

static bool fill_root(struct builder *builder, uint32_t first, struct sl_wait_root *root)
{
    const struct line *lines = builder->lines;
    const size_t n = arrange(builder, first, builder->order);
    struct sl_wait_node *nodes = sl_arena_array(builder->arena, n, sizeof *nodes);

    if (!nodes)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct line *line = &lines[builder->order[i]];
        uint32_t whom = line->parent != NONE ? line->parent : line->next;
        nodes[i] = line->node;
        nodes[i].waits_for = whom == NONE ? -1 : (int32_t) lines[whom].at;
        root->count += nodes[i].count;
        if (!copy_texts(builder, line, &nodes[i]))
            return false;
    }
    if (lines[first].thread != NONE) {
        root->circle = builder->graph.links[lines[first].thread].circle;
        root->ends = builder->graph.links[lines[first].thread].ends;
    }
    root->nodes = nodes;
    root->n_nodes = n;
    return true;
}

static int compare_roots(const void *left, const void *right)
{
    const struct sl_wait_root *a = left, *b = right;
    int order = COMPARE(b->circle && !b->ends, a->circle && !a->ends);
    if (!order)
        order = COMPARE(b->circle > 0, a->circle > 0);
    if (!order)
        order = COMPARE(b->count, a->count);
    return order ? order : COMPARE(a->nodes[0].ids[0], b->nodes[0].ids[0]);
}

static uint32_t count_waiting(const struct sl_wait_root *root)
{
    uint32_t n = 0;

    for (size_t i = 0; i < root->n_nodes; i++)
        n += root->nodes[i].waits_for < 0 ? 0 : root->nodes[i].count;
    return n;
}

static bool make_roots(struct builder *builder, struct sl_wait_tree *tree)
{
    size_t n = 0;

    for (uint32_t i = 0; i < builder->n_lines; i++)
        n += builder->lines[i].root == i;
    struct sl_wait_root *roots = sl_arena_array(builder->arena, n, sizeof *roots);
    if (!roots)
        return false;
    link_children(builder);
    for (uint32_t i = 0; i < builder->n_lines; i++)
        if (builder->lines[i].root == i && !fill_root(builder, i, &roots[tree->n_roots++]))
            return false;
    qsort(roots, n, sizeof *roots, compare_roots);
    for (size_t i = 0; i < n; i++) {
        tree->deadlocks += roots[i].circle && !roots[i].ends;
        tree->waiting += count_waiting(&roots[i]);
    }
    tree->roots = roots;
    return true;
}

/* The gone have as many lines as threads that wait for them, at most. */
static bool make_room(struct builder *builder)
{
    const size_t n = builder->graph.n_links + 1;

    builder->members = calloc(n, sizeof *builder->members);
    builder->line_of = calloc(n, sizeof *builder->line_of);
    if (!builder->members || !builder->line_of)
        return false;
    list_members(builder);
    builder->lines = calloc(2 * builder->n_members + 1, sizeof *builder->lines);
    builder->order = calloc(2 * builder->n_members + 1, sizeof *builder->order);
    return builder->lines && builder->order;
}

enum sl_status sl_wait_tree_make(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                                 struct sl_wait_tree *ret_tree, struct sl_error *err)
{
    struct builder builder = {.snapshot = snapshot, .arena = arena};
    struct sl_wait_tree tree = {0};
    enum sl_status status = sl_wait_graph_make(snapshot, &builder.graph, err);

    if (status)
        return status;
    bool made = make_room(&builder);
    if (made)
        make_all_lines(&builder);
    made = made && make_roots(&builder, &tree) &&
           place_list(snapshot, arena, &tree.places, &tree.n_places);
    free(builder.members);
    free(builder.lines);
    free(builder.line_of);
    free(builder.order);
    sl_wait_graph_release(&builder.graph);
    if (!made)
        return sl_fail(err, SL_ENOMEM, "out of memory for the waits of %zu threads",
                       snapshot->n_threads);
    *ret_tree = tree;
    return SL_OK;
}
