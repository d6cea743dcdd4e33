/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a target: stacks that never were, and the lists that debuggers read, forged. */
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "world.h"

uint64_t world_code(struct world *world)
{
    if (!world->n_code)
        return (uintptr_t) world_code;
    return world->code[choose_below(&world->choice, world->n_code)].address;
}

uint64_t world_address(struct world *world)
{
    struct choice *choice = &world->choice;

    switch (choose_below(choice, 8)) {
    case 0:
        return choose_evil(choice, 0x7fffffffe000);
    case 1:
        return world_code(world) + choose_below(choice, 64);
    case 2:
        return (uintptr_t) world->folder;
    default: {
        size_t at = choose_below(choice, world->n_regions);
        return (uintptr_t) world->regions[at].data + choose_below(choice, world->regions[at].size);
    }
    }
}

/* A word as it stands on stacks. */
static uint64_t choose_word(struct world *world, uint64_t at)
{
    struct choice *choice = &world->choice;

    switch (choose_below(choice, 10)) {
    case 0:
    case 1:
    case 2:
        return world_code(world) + 7;
    case 3:
    case 4:
        return at + 8 * choose_below(choice, 16); /* a frame further out, or itself */
    case 5:
        return choose_below(choice, 100);
    case 6:
        return world_address(world) & ~UINT64_C(7);
    case 7:
        return at;
    case 8:
        return choose_evil(choice, at);
    default:
        return 0;
    }
}

static void fill(struct world *world, uint8_t *data, size_t size)
{
    uint64_t words[512], period = 1 + choose_below(&world->choice, 512);

    for (size_t i = 0; i < period; i++)
        words[i] = choose_word(world, (uintptr_t) data + 8 * i);
    for (size_t i = 0; i < size / 8; i++)
        memcpy(data + 8 * i, &words[i % period], 8);
}

void memory_make(struct world *world)
{
    static const int growing[] = {0, 0, 0, MAP_GROWSDOWN, MAP_NORESERVE};
    struct choice *choice = &world->choice;

    for (uint64_t n = 1 + choose_below(choice, MAX_REGIONS); n; n--) {
        size_t size = PAGE * choose_size(choice, world->bomb ? 2048 : 64);
        uint8_t *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | growing[choose_below(choice, 5)], -1, 0);
        if (data == MAP_FAILED)
            continue;
        world->regions[world->n_regions].data = data;
        world->regions[world->n_regions++].size = size;
        fill(world, data, size);
    }
    for (size_t i = 1; i < world->n_regions; i++)
        if (one_in(choice, 20))
            (void) mprotect(world->regions[i].data, PAGE, PROT_NONE);
}

static uint32_t field(const char *name, uint32_t otherwise)
{
    const uint32_t *description = dlsym(RTLD_DEFAULT, name); /* bits, number, offset */
    return description ? description[2] : otherwise;
}

/* Threads that ended and were never joined: many, or going round in a circle. */
static void forge_threads(struct world *world)
{
    struct choice *choice = &world->choice;
    char *global = dlsym(RTLD_DEFAULT, "_rtld_global");
    const uint32_t list = field("_thread_db_pthread_list", 704);
    const uint32_t used = field("_thread_db_rtld_global__dl_stack_user", 0);
    size_t stride = 16 * choose_size(choice, 160);
    size_t n = choose_size(choice, world->bomb ? 1000000 : 1000), last = n - 1;
    uint8_t *data = mmap(NULL, n * stride + 4 * PAGE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (!global || !used || data == MAP_FAILED)
        return;
    for (size_t i = 0; i < n; i++) {
        uint8_t *descriptor = data + i * stride, *next = descriptor + stride + list;
        const uint64_t start = world_code(world);
        const uint32_t ended = 0x10;
        if (i == last)
            next = one_in(choice, 2) ? (uint8_t *) global + used
                                     : data + choose_below(choice, n) * stride + list;
        memcpy(descriptor + field("_thread_db_pthread_start_routine", 1592), &start, sizeof start);
        memcpy(descriptor + field("_thread_db_pthread_cancelhandling", 776), &ended, sizeof ended);
        memcpy(descriptor + list, &next, sizeof next);
    }
    uint8_t *first = data + list;
    memcpy(global + used, &first, sizeof first);
    world_say(world, 0, "forged-threads");
}

/* What the loader says it has loaded. */
static void forge_loaded(struct world *world)
{
    struct choice *choice = &world->choice;
    size_t n = choose_size(choice, world->bomb ? 200000 : 100);
    struct link_map *maps =
        mmap(NULL, n * sizeof *maps, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (maps == MAP_FAILED)
        return;
    for (size_t i = 0; i < n; i++)
        maps[i] = (struct link_map){
            .l_addr = (uintptr_t) world_address(world) & ~(uint64_t) (PAGE - 1),
            .l_name = one_in(choice, 2) ? world->files[0].path : (char *) world_address(world),
            .l_ld = (void *) (uintptr_t) world_address(world),
            .l_next = i + 1 < n           ? &maps[i + 1]
                      : one_in(choice, 2) ? NULL
                                          : maps};
    _r_debug.r_map = one_in(choice, 8) ? (struct link_map *) world_address(world) : maps;
    _r_debug.r_version = (int) choose_below(choice, 4);
    world_say(world, 0, "forged-loader");
}

/* The auxiliary vector as the process may set it: a vDSO, a loader, an entry of its own. */
static void forge_auxiliary(struct world *world)
{
    static const uint64_t types[] = {AT_SYSINFO_EHDR, AT_BASE, AT_ENTRY, AT_PHDR, AT_PHNUM};
    struct choice *choice = &world->choice;
    Elf64_auxv_t entries[20] = {{.a_type = AT_PHENT, .a_un = {sizeof(Elf64_Phdr)}}};
    size_t n = 1;

    for (size_t i = 0; i < 5; i++) {
        if (one_in(choice, 3))
            continue;
        entries[n].a_type = types[i];
        entries[n++].a_un.a_val =
            world->n_files && one_in(choice, 2)
                ? (uintptr_t) world->files[choose_below(choice, world->n_files)].image
                : world_address(world);
    }
    if (prctl(PR_SET_MM, PR_SET_MM_AUXV, entries, sizeof entries, 0) == 0)
        world_say(world, 0, "forged-auxv");
}

void memory_forge(struct world *world)
{
    if (one_in(&world->choice, 5))
        forge_threads(world);
    if (one_in(&world->choice, 5))
        forge_loaded(world);
    if (one_in(&world->choice, 12))
        forge_auxiliary(world);
}
