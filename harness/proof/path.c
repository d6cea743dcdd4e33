/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/path.h"

/* What was found to point to the object that has the address; 0: it is a root. */
static uint64_t find_parent(const struct proof_space *space, uint64_t address)
{
    const struct proof_area *area = space_find_object(space, address);

    if (!area)
        return 0;
    return area->kind == AREA_HEAP ? area->heap->at[heap_find(area->heap, address)] : area->at;
}

static uint64_t read_holder(const struct marker *marker, uint64_t at)
{
    uint64_t word = 0;

    if (MARK_KIND(at) == MARK_REGISTER)
        return marker->threads->threads[MARK_THREAD(at)].sighting.registers.value[at & 0xff];
    if (MARK_KIND(at) == MARK_KERNEL)
        return marker->kernel[at & UINT32_MAX];
    if (at & MARK_NO_MEMORY)
        return 0;
    return sl_reader_read_all(marker->reader, at, &word, sizeof word) ? word : 0;
}

void path_trace(const struct marker *marker, const struct proof_thread *thread,
                struct proof_path *ret_path)
{
    struct proof_path *path = ret_path;

    path->n_steps = 0;
    path->cut = false;
    path->steps[path->n_steps++].at = thread->word;
    path->steps[0].holds = 0;
    for (uint64_t at = find_parent(marker->space, thread->word); at;) {
        if (MARK_KIND(at) == MARK_OWN)
            break; /* the stack of a thread that lives */
        if (path->n_steps == PATH_MAX_STEPS) {
            path->cut = true;
            break;
        }
        path->steps[path->n_steps].at = at;
        path->steps[path->n_steps++].holds = read_holder(marker, at);
        at = at & MARK_NO_MEMORY ? 0 : find_parent(marker->space, at);
    }
}

static const char *name_step(struct proof_namer *namer, uint64_t at)
{
    if (MARK_KIND(at) == MARK_REGISTER)
        return name_register(namer, MARK_THREAD(at), at & 0xff);
    if (MARK_KIND(at) == MARK_KERNEL)
        return "a timer or epoll descriptor";
    if (MARK_KIND(at) == MARK_FREED)
        return "a freed block that the C library keeps";
    return name_place(namer, at);
}

bool path_tell(struct proof_namer *namer, const struct proof_path *path, const char *what,
               struct sl_proof *proof)
{
    struct sl_proof_step *steps = sl_arena_array(namer->arena, path->n_steps, sizeof *steps);

    for (size_t i = 0; steps && i < path->n_steps; i++) {
        const uint64_t at = path->steps[path->n_steps - 1 - i].at;
        steps[i] = (struct sl_proof_step){.at = at & MARK_NO_MEMORY ? 0 : at,
                                          .holds = path->steps[path->n_steps - 1 - i].holds};
        bool last = i + 1 == path->n_steps;
        const char *place = name_step(namer, at);
        steps[i].what =
            place && last ? sl_arena_printf(namer->arena, "%s in %s", what, place) : place;
        if (!steps[i].what)
            return false;
    }
    proof->path = steps;
    proof->n_path = path->n_steps;
    return steps;
}
