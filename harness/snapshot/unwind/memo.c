/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/memo.h"

#include "base/fail.h"
#include "base/grow.h"

#define MAX_NODES 1000000 /* some 150 MB; thousands of different stacks have a tenth of it */

/* What to read next, or a result. */
struct node {
    const void *result; /* NULL: an inner node */
    bool is_register, is_code;
    int64_t where;
};

/* What a read is compared by. */
struct key {
    bool known;
    uint64_t value; /* minus sp unless of code, 0 when unknown */
};

/* From a node, by a key, to another node.  child 0: free slot (the root is no child). */
struct edge {
    uint32_t parent, child;
    struct key key;
};

struct sl_memo {
    struct node *nodes; /* [0] is the root: its edges are program counters */
    size_t n_nodes, node_capacity;
    struct edge *edges; /* open addressing, power of two, at most half full */
    size_t n_edges, edge_capacity;
};

enum sl_status sl_memo_new(struct sl_memo **ret_memo, struct sl_error *err)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = calloc(1, sizeof *memo);
    if (memo) {
        memo->edge_capacity = 1024;
        memo->edges = calloc(memo->edge_capacity, sizeof *memo->edges);
    }
    if (!memo || !memo->edges || !sl_grow(&memo->nodes, &memo->node_capacity, 1))
        return sl_fail(err, SL_ENOMEM, "out of memory for memory of unwinds");
    memo->nodes[0] = (struct node){0};
    memo->n_nodes = 1;
    *ret_memo = SL_TAKE(memo);
    return SL_OK;
}

void sl_memo_free(struct sl_memo *memo)
{
    if (!memo)
        return;
    free(memo->nodes);
    free(memo->edges);
    free(memo);
}

static struct key
make_key(const struct sl_view *view, const struct node *node, bool known, uint64_t value)
{
    if (!known)
        return (struct key){0};
    return (struct key){.known = true, .value = node->is_code ? value : value - view->sp};
}

/* What every comparison begins with. */
static struct key root_key(const struct sl_view *view)
{
    return (struct key){.known = true, .value = view->registers->value[SL_REG_RIP]};
}

static bool is_aligned(const struct sl_view *view)
{
    return view->sp % sizeof(uint64_t) == 0;
}

/* The slot of this edge, or the free one where it belongs. */
static struct edge *find_slot(struct edge *edges, size_t capacity, uint32_t parent, struct key key)
{
    /* The high bits of a product are of all the bits of both; many edges have the same value. */
    uint64_t hash = (key.value ^ key.known) * UINT64_C(0x9e3779b97f4a7c15);
    hash = ((hash >> 32) + parent + 1) * UINT64_C(0xd6e8feb86659fd93);
    for (size_t i = (size_t) (hash >> 32);; i++) {
        struct edge *edge = &edges[i & (capacity - 1)];
        if (!edge->child || (edge->parent == parent && edge->key.known == key.known &&
                             edge->key.value == key.value))
            return edge;
    }
}

static bool look_up(const struct node *node, struct sl_view *view, struct key *ret_key)
{
    uint64_t value = 0;
    bool known = true;

    if (node->is_register) {
        known = sl_registers_know(view->registers, (unsigned) node->where);
        value = known ? view->registers->value[node->where] : 0;
    } else {
        uint64_t address = view->sp + (uint64_t) node->where;
        if (address < view->sp || address >= view->stack_end ||
            !sl_view_word(view, address, &value))
            return false;
    }
    *ret_key = make_key(view, node, known, value);
    return true;
}

const void *sl_memo_find(const struct sl_memo *memo, struct sl_view *view)
{
    struct key key = root_key(view);

    if (!is_aligned(view))
        return NULL;
    for (uint32_t at = 0;;) {
        const struct edge *edge = find_slot(memo->edges, memo->edge_capacity, at, key);
        if (!edge->child)
            return NULL;
        at = edge->child;
        const struct node *node = &memo->nodes[at];
        if (node->result)
            return node->result;
        if (!look_up(node, view, &key))
            return NULL;
    }
}

static bool make_room(struct sl_memo *memo)
{
    if (memo->n_nodes == MAX_NODES ||
        !sl_grow(&memo->nodes, &memo->node_capacity, memo->n_nodes + 1))
        return false;
    if (memo->n_edges < memo->edge_capacity / 2)
        return true;
    size_t capacity = memo->edge_capacity * 2;
    struct edge *edges = calloc(capacity, sizeof *edges);
    if (!edges)
        return false;
    for (size_t i = 0; i < memo->edge_capacity; i++) {
        const struct edge *edge = &memo->edges[i];
        if (edge->child)
            *find_slot(edges, capacity, edge->parent, edge->key) = *edge;
    }
    free(memo->edges);
    memo->edges = edges;
    memo->edge_capacity = capacity;
    return true;
}

/* The child of `parent` for a key; a new one becomes `node`.  @return 0 when memory is short */
static uint32_t
descend(struct sl_memo *memo, uint32_t parent, struct key key, const struct node *node)
{
    if (!make_room(memo))
        return 0;
    struct edge *edge = find_slot(memo->edges, memo->edge_capacity, parent, key);
    if (edge->child)
        return edge->child;
    *edge = (struct edge){.parent = parent, .child = (uint32_t) memo->n_nodes, .key = key};
    memo->nodes[memo->n_nodes++] = *node;
    memo->n_edges++;
    return edge->child;
}

void sl_memo_add(struct sl_memo *memo, const struct sl_view *view, const struct sl_read *reads,
                 size_t n_reads, const void *result)
{
    struct key key = root_key(view);
    uint32_t at = 0;

    if (!is_aligned(view))
        return;
    for (size_t i = 0; i < n_reads; i++) {
        const struct sl_read *read = &reads[i];
        const struct node node = {
            .is_register = read->is_register, .is_code = read->is_code, .where = read->where};
        at = descend(memo, at, key, &node);
        if (!at)
            return;
        key = make_key(view, &node, read->known, read->value);
    }
    (void) descend(memo, at, key, &(struct node){.result = result});
}
