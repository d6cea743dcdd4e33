/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/snapshot/module/section.h"

#define MAX_TABLE ((size_t) 64 << 20)

/* The file whose data the address is, also where the kernel has no file for it: what is zero at
 * first lies behind. */
static struct sl_module *find_module(struct proof_namer *namer, uint64_t address)
{
    const struct sl_maps *maps = namer->space->maps;
    const struct sl_mapping *mapping = sl_maps_find(maps, address);

    for (int steps = 0; mapping && steps < 8; mapping--, steps++) {
        if (mapping->inode) {
            struct sl_module *module = sl_modules_find(namer->modules, maps, mapping->start);
            return module && sl_module_segment(module, address) ? module : NULL;
        }
        if (mapping == maps->mappings)
            break;
    }
    return NULL;
}

static void load(struct proof_namer *namer, struct sl_module *module)
{
    if (namer->module == module)
        return;
    name_release(namer);
    namer->module = module;
    SL_AUTO_FD int fd = sl_module_open(namer->modules, module);
    if (fd < 0)
        return;
    if (!sl_section_load(fd, ".symtab", MAX_TABLE, &namer->symbols, &namer->symbols_size) ||
        !sl_section_load(fd, ".strtab", MAX_TABLE, &namer->names, &namer->names_size)) {
        (void) (sl_section_load(fd, ".dynsym", MAX_TABLE, &namer->symbols, &namer->symbols_size) &&
                sl_section_load(fd, ".dynstr", MAX_TABLE, &namer->names, &namer->names_size));
    }
}

/* The variable that has the address; NULL: none is known. */
static const char *find_symbol(struct proof_namer *namer, uint64_t address, uint64_t *ret_offset)
{
    const char *found = NULL;

    for (size_t at = 0; namer->names && at + sizeof(Elf64_Sym) <= namer->symbols_size;
         at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        memcpy(&symbol, namer->symbols + at, sizeof symbol);
        if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF ||
            symbol.st_name >= namer->names_size || address < symbol.st_value ||
            address - symbol.st_value >= symbol.st_size)
            continue;
        found = (const char *) namer->names + symbol.st_name; /* a zero stands behind all */
        *ret_offset = address - symbol.st_value;
    }
    return found;
}

static const char *name_data(struct proof_namer *namer, struct sl_module *module, uint64_t address)
{
    const char *file = sl_path_base(module->path);
    uint64_t offset;

    load(namer, module);
    const char *symbol = find_symbol(namer, address - module->bias, &offset);
    if (!symbol)
        return sl_arena_printf(namer->arena, "data of %s+0x%" PRIx64, file, address - module->bias);
    if (!offset)
        return sl_arena_printf(namer->arena, "%s (data of %s)", symbol, file);
    return sl_arena_printf(namer->arena, "%s+0x%" PRIx64 " (data of %s)", symbol, offset, file);
}

const char *name_thread(struct proof_namer *namer, size_t i)
{
    const struct proof_thread *thread = &namer->threads->threads[i];

    if (thread->tid == namer->threads->context.target->pid)
        return "main";
    return sl_arena_printf(namer->arena, "thread %ld '%s'", (long) thread->tid,
                           thread->sighting.stat.name);
}

const char *name_register(struct proof_namer *namer, size_t thread, unsigned number)
{
    static const char *const names[SL_N_REGISTERS] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
                                                      "rbp", "rsp", "r8",  "r9",  "r10", "r11",
                                                      "r12", "r13", "r14", "r15", "rip"};
    const char *whose = name_thread(namer, thread);

    return whose ? sl_arena_printf(namer->arena, "register %s of %s",
                                   number < SL_N_REGISTERS ? names[number] : "?", whose)
                 : NULL;
}

static const char *name_stack(struct proof_namer *namer, size_t thread)
{
    if (thread == PROOF_NOBODY)
        return "stack of a thread that has ended";
    const char *whose = name_thread(namer, thread);
    return whose ? sl_arena_printf(namer->arena,
                                   strcmp(whose, "main") == 0 ? "%s's stack" : "stack of %s", whose)
                 : NULL;
}

static const char *name_variables(struct proof_namer *namer, size_t thread)
{
    const char *whose = name_thread(namer, thread);
    return whose ? sl_arena_printf(namer->arena, "thread-local variables of %s", whose) : NULL;
}

const char *name_place(struct proof_namer *namer, uint64_t address)
{
    const struct proof_area *area = space_find(namer->space, address);
    size_t i;

    if (!area)
        return sl_arena_printf(namer->arena, "memory at 0x%" PRIx64, address);
    switch (area->kind) {
    case AREA_HEAP:
        i = heap_find(area->heap, address);
        return sl_arena_printf(namer->arena, "heap block of %" PRIu64 " bytes",
                               heap_block_end(area->heap, i) - heap_block_start(area->heap, i) - 8);
    case AREA_BLOCK:
        return sl_arena_printf(namer->arena, "heap block of %" PRIu64 " bytes",
                               area->end - area->start - HEAP_HEADER);
    case AREA_LOCAL:
        return name_variables(namer, area->thread);
    case AREA_STACK:
    case AREA_LIVING:
        return name_stack(namer, area->thread);
    case AREA_PRIVATE:
        if (area->thread == PROOF_NOBODY)
            return "memory of the C library";
        return name_stack(namer, area->thread);
    case AREA_OF_FILE:
    case AREA_ROOT:
        break;
    }
    struct sl_module *module = area->mapping->shared ? NULL : find_module(namer, address);
    if (module)
        return name_data(namer, module, address);
    if (!area->mapping->path)
        return sl_arena_printf(namer->arena, "memory at 0x%" PRIx64, address);
    return sl_arena_printf(namer->arena, "%s+0x%" PRIx64, sl_path_base(area->mapping->path),
                           address - area->mapping->start);
}

void name_release(struct proof_namer *namer)
{
    free(namer->symbols);
    free(namer->names);
    namer->symbols = namer->names = NULL;
    namer->symbols_size = namer->names_size = 0;
    namer->module = NULL;
}
