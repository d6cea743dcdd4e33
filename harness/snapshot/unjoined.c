/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glibc keeps the descriptor and the stack of a thread that ended until somebody
 * joins it.  They stand in two lists of the loader, and libc exports, for debuggers,
 * where in a descriptor the fields are (the _thread_db_ symbols, each the size in bits,
 * the number and the offset of a field).
 *
 * A descriptor in a list whose tid is 0, which the kernel clears at the end, and
 * which was marked as exiting, is a thread that ended and was not joined: a detached
 * one leaves the list by itself, a joined one with the join.
 */
#include "harness/snapshot/unjoined.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/grow.h"
#include "harness/snapshot/symbol/data.h"
#include "harness/snapshot/wait/futex.h"

/* Bits of the field cancelhandling. */
#define EXITING_BIT    UINT32_C(0x10)
#define TERMINATED_BIT UINT32_C(0x20)

/* Versions of which the above is known to hold; later ones keep the end apart from the tid. */
#define FIRST_MINOR 34
#define LAST_MINOR  42

#define MAX_NODES 4000000 /* the list is the target's to write */
#define MAX_WALKS 3       /* of lists that change meanwhile */
#define NODE_SIZE 256     /* what is wanted of a descriptor lies closer together */
#define MAX_AHEAD 64      /* nodes that are read at once */

enum field { FIELD_LIST, FIELD_TID, FIELD_STATE, FIELD_START, FIELD_USED, FIELD_USER, N_FIELDS };

static const char *const field_names[N_FIELDS] = {
    [FIELD_LIST] = "_thread_db_pthread_list",
    [FIELD_TID] = "_thread_db_pthread_tid",
    [FIELD_STATE] = "_thread_db_pthread_cancelhandling",
    [FIELD_START] = "_thread_db_pthread_start_routine",
    [FIELD_USED] = "_thread_db_rtld_global__dl_stack_used",
    [FIELD_USER] = "_thread_db_rtld_global__dl_stack_user",
};

struct layout {
    uint64_t lists[2];          /* addresses of the list heads */
    uint64_t offsets[N_FIELDS]; /* in a descriptor */
};

/* Stacks lie one behind the other mostly, and so do the nodes at their ends. */
struct nodes {
    uint64_t last, stride;
    size_t n, n_used; /* of these, which were read at once */
    struct sl_copy copies[MAX_AHEAD];
    uint8_t bytes[MAX_AHEAD][NODE_SIZE];
};

static bool is_known_version(struct sl_code *code, uint64_t address)
{
    char version[16] = "";
    unsigned minor;
    return sl_reader_read_cached(code->reader, address, version, sizeof version - 1) &&
           sscanf(version, "2.%u", &minor) == 1 && minor >= FIRST_MINOR && minor <= LAST_MINOR;
}

/* Whatever its file is called.  Started by itself, as `ld.so PROGRAM`, it is the program. */
static struct sl_module *find_loader(struct sl_code *code)
{
    uint64_t base = sl_target_auxiliary(code->target, AT_BASE);
    return sl_modules_find(code->modules, code->maps,
                           base ? base : sl_target_auxiliary(code->target, AT_ENTRY));
}

/* @return why the layout is not known, or NULL */
static const char *find_layout(struct sl_code *code, struct layout *ret_layout)
{
    struct sl_data_symbol symbols[N_FIELDS + 1] = {{.name = "__nptl_version"}};
    struct sl_data_symbol loader_symbol = {.name = "_rtld_global"};
    const struct sl_maps *maps = code->maps;
    struct sl_module *libc = sl_modules_find_named(code->modules, maps, "libc.so.6");
    struct sl_module *loader = find_loader(code);

    for (size_t i = 0; i < N_FIELDS; i++)
        symbols[i + 1].name = field_names[i];
    if (!libc)
        return sl_futex_has_library(maps)
                   ? "this version of the C library is not known"
                   : "no C library of GNU was found in the process as a shared library";
    if (!sl_data_symbols_find(code->modules, libc, symbols, SL_COUNT_OF(symbols)))
        return "no description of its threads was found in the C library";
    if (!loader || !sl_data_symbols_find(code->modules, loader, &loader_symbol, 1))
        return "the loader of the C library was not found in the process";
    if (!is_known_version(code, symbols[0].address))
        return "this version of the C library is not known";
    for (size_t i = 0; i < N_FIELDS; i++) {
        uint32_t description[3]; /* bits, number, offset */
        if (!sl_reader_read_cached(code->reader, symbols[i + 1].address, description,
                                   sizeof description))
            return "the C library could not be read";
        ret_layout->offsets[i] = description[2];
    }
    ret_layout->lists[0] = loader_symbol.address + ret_layout->offsets[FIELD_USED];
    ret_layout->lists[1] = loader_symbol.address + ret_layout->offsets[FIELD_USER];
    return NULL;
}

/* Where that is not enough for the fields, nothing is known of a node. */
static size_t count_bytes(const struct layout *layout)
{
    uint64_t tid_at = layout->offsets[FIELD_TID] - layout->offsets[FIELD_LIST];
    uint64_t state_at = layout->offsets[FIELD_STATE] - layout->offsets[FIELD_LIST];

    if (tid_at > NODE_SIZE - sizeof(uint32_t) || state_at > NODE_SIZE - sizeof(uint32_t))
        return 0;
    return SL_MAX(SL_MAX(tid_at, state_at) + sizeof(uint32_t), sizeof(uint64_t));
}

/* Reads ahead, more and more while each node was where it was thought to be. */
static const uint8_t *
read_bytes(struct sl_reader *reader, struct nodes *nodes, uint64_t node, size_t size)
{
    const uint64_t stride = node - nodes->last;
    struct sl_copy *copies = nodes->copies;

    nodes->last = node;
    if (nodes->n_used < nodes->n && copies[nodes->n_used].address == node &&
        copies[nodes->n_used].copied == size)
        return nodes->bytes[nodes->n_used++];
    bool right = nodes->n_used == nodes->n && stride == nodes->stride;
    nodes->n = right ? SL_MIN(2 * nodes->n, (size_t) MAX_AHEAD) : 1;
    nodes->stride = stride;
    for (size_t i = 0; i < nodes->n; i++)
        copies[i] =
            (struct sl_copy){.address = node + i * stride, .data = nodes->bytes[i], .size = size};
    sl_reader_copy_present(reader, copies, nodes->n);
    nodes->n_used = 1;
    return copies[0].copied == size || sl_reader_read_all(reader, node, nodes->bytes[0], size)
               ? nodes->bytes[0]
               : NULL;
}

/* The fields that say whether a thread ended, and the next node. */
static bool read_node(struct sl_code *code, const struct layout *layout, struct nodes *nodes,
                      uint64_t node, uint64_t *ret_next, bool *ret_ended)
{
    size_t size = count_bytes(layout);
    const uint8_t *bytes = size ? read_bytes(code->reader, nodes, node, size) : NULL;
    uint32_t tid, state;

    if (!bytes)
        return false;
    memcpy(ret_next, bytes, sizeof *ret_next);
    memcpy(&tid, bytes + layout->offsets[FIELD_TID] - layout->offsets[FIELD_LIST], sizeof tid);
    memcpy(&state, bytes + layout->offsets[FIELD_STATE] - layout->offsets[FIELD_LIST],
           sizeof state);
    *ret_ended = !tid && (state & EXITING_BIT) && !(state & TERMINATED_BIT);
    return true;
}

/*
 * Walk one list.  *ret_whole: it was followed back to its head.  A node that was moved
 * meanwhile leads into the list of free stacks, which closes without the head: a mark is
 * left at the 1st, 2nd, 4th, 8th node and so on, and who comes by it again goes in circles.
 */
static enum sl_status walk(struct sl_code *code, const struct layout *layout, uint64_t head,
                           struct sl_unjoined_list *list, bool *ret_whole, struct sl_error *err)
{
    struct nodes nodes = {0};
    uint64_t node, next, start, mark = 0;
    bool ended;

    *ret_whole = false;
    if (!sl_reader_read_all(code->reader, head, &node, sizeof node))
        return SL_OK;
    for (size_t i = 1; node != head && node != mark && i < MAX_NODES; i++, node = next) {
        if (sl_budget_is_over(code->target->budget))
            return SL_OK;
        if ((i & (i - 1)) == 0)
            mark = node;
        uint64_t descriptor = node - layout->offsets[FIELD_LIST];
        if (!read_node(code, layout, &nodes, node, &next, &ended))
            return SL_OK;
        if (!ended)
            continue;
        if (!sl_reader_read_all(code->reader, descriptor + layout->offsets[FIELD_START], &start,
                                sizeof start))
            return SL_OK;
        if (!start) /* the main thread, which was not started and need not be joined */
            continue;
        if (!sl_budget_take(code->target->budget, SL_BUDGET_FRAMES, 1))
            return SL_OK;
        if (!sl_grow(&list->nodes, &list->capacity, list->n + 1))
            return sl_fail(err, SL_ENOMEM, "out of memory for unjoined threads");
        list->nodes[list->n++] = (struct sl_unjoined_node){descriptor, start};
    }
    *ret_whole = node == head;
    return SL_OK;
}

/* Both lists.  A process that makes and ends threads changes them under the walk. */
static enum sl_status walk_all(struct sl_code *code, const struct layout *layout,
                               struct sl_unjoined_list *list, struct sl_error *err)
{
    enum sl_status status = SL_OK;
    bool whole = false;

    for (int attempt = 0; attempt < MAX_WALKS && !whole && !status; attempt++) {
        list->n = 0;
        whole = true;
        for (size_t i = 0; i < SL_COUNT_OF(layout->lists) && whole && !status; i++)
            status = walk(code, layout, layout->lists[i], list, &whole, err);
    }
    if (!status && !whole)
        list->missing = "the list of threads could not be followed to its end";
    return status;
}

enum sl_status
sl_unjoined_walk(struct sl_code *code, struct sl_unjoined_list *list, struct sl_error *err)
{
    struct layout layout;

    list->walked = true;
    list->missing = find_layout(code, &layout);
    return list->missing ? SL_OK : walk_all(code, &layout, list, err);
}

enum sl_status sl_unjoined_name(struct sl_code *code, const struct sl_unjoined_list *list,
                                struct sl_unjoined **ret_threads, struct sl_error *err)
{
    struct sl_snapshot *snapshot = code->snapshot;
    const struct sl_frame *frames;
    size_t n_frames;

    *ret_threads = NULL;
    snapshot->unjoined_missing = list->missing;
    if (list->missing)
        return SL_OK;
    struct sl_unjoined *threads = sl_arena_array(snapshot->arena, list->n, sizeof *threads);
    for (size_t i = 0; threads && i < list->n; i++) {
        const struct sl_pc pc = {.address = list->nodes[i].start, .exact = true};
        if (!sl_symbolizer_look_up(code->symbolizer, code->maps, &pc, &frames, &n_frames))
            threads = NULL;
        else /* the last one is the function itself */
            threads[i] = (struct sl_unjoined){.pthread = list->nodes[i].descriptor,
                                              .start = &frames[n_frames - 1]};
    }
    if (!threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for unjoined threads");
    *ret_threads = threads;
    snapshot->unjoined = threads;
    snapshot->n_unjoined = list->n;
    return SL_OK;
}
