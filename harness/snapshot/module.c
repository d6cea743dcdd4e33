/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/module.h"

#include <string.h>

#include "base/fail.h"
#include "harness/snapshot/unwind_table.h"

#define MAX_SEGMENTS 256
#define MAX_NOTES    ((uint64_t) 64 * 1024)

struct sl_modules {
    struct sl_target *target;
    struct sl_reader *reader;
    struct sl_arena *arena;
    struct sl_module *list;
};

enum sl_status sl_modules_new(struct sl_target *target, struct sl_reader *reader,
                              struct sl_arena *arena, struct sl_modules **ret_modules,
                              struct sl_error *err)
{
    struct sl_modules *modules = calloc(1, sizeof *modules);
    if (!modules)
        return sl_fail(err, SL_ENOMEM, "modules");
    *modules = (struct sl_modules){.target = target, .reader = reader, .arena = arena};
    *ret_modules = modules;
    return SL_OK;
}

void sl_modules_free(struct sl_modules *modules)
{
    if (!modules)
        return;
    for (struct sl_module *module = modules->list; module; module = module->next)
        sl_unwind_table_free(module->table);
    free(modules);
}

struct sl_target *sl_modules_target(struct sl_modules *modules)
{
    return modules->target;
}

struct sl_reader *sl_modules_reader(struct sl_modules *modules)
{
    return modules->reader;
}

const Elf64_Phdr *sl_module_segment(const struct sl_module *module, uint64_t address)
{
    uint64_t virtual_address = address - module->bias;
    for (size_t i = 0; i < module->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &module->segments[i];
        if (segment->p_type == PT_LOAD && virtual_address >= segment->p_vaddr &&
            virtual_address - segment->p_vaddr < segment->p_memsz)
            return segment;
    }
    return NULL;
}

static bool read_header(struct sl_modules *modules, uint64_t base, Elf64_Ehdr *ret_header)
{
    return sl_reader_read_cached(modules->reader, base, ret_header, sizeof *ret_header) &&
           memcmp(ret_header->e_ident, ELFMAG, SELFMAG) == 0 &&
           ret_header->e_ident[EI_CLASS] == ELFCLASS64 &&
           ret_header->e_ident[EI_DATA] == ELFDATA2LSB && ret_header->e_machine == EM_X86_64 &&
           ret_header->e_phentsize == sizeof(Elf64_Phdr) && ret_header->e_phnum > 0 &&
           ret_header->e_phnum <= MAX_SEGMENTS;
}

static void find_build_id(struct sl_modules *modules, struct sl_module *module)
{
    for (size_t i = 0; i < module->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &module->segments[i];
        if (segment->p_type != PT_NOTE || segment->p_memsz > MAX_NOTES)
            continue;
        uint64_t at = module->bias + segment->p_vaddr, end = at + segment->p_memsz;
        Elf64_Nhdr note;
        while (end - at >= sizeof note &&
               sl_reader_read_cached(modules->reader, at, &note, sizeof note)) {
            uint64_t name = at + sizeof note;
            uint64_t content = name + ((uint64_t) note.n_namesz + 3) / 4 * 4;
            uint64_t next = content + ((uint64_t) note.n_descsz + 3) / 4 * 4;
            char owner[4];
            if (next > end || next <= at)
                break;
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof owner &&
                note.n_descsz <= SL_MAX_BUILD_ID &&
                sl_reader_read_cached(modules->reader, name, owner, sizeof owner) &&
                memcmp(owner, "GNU", sizeof owner) == 0 &&
                sl_reader_read_cached(modules->reader, content, module->build_id, note.n_descsz))
                module->build_id_size = note.n_descsz;
            at = next;
        }
    }
}

static bool same_file(const struct sl_mapping *a, const struct sl_mapping *b)
{
    return a->inode == b->inode && a->major == b->major && a->minor == b->minor && a->path &&
           b->path && strcmp(a->path, b->path) == 0;
}

/* The first loadable segment is mapped where its file pages begin. */
static bool find_bias(struct sl_module *module)
{
    for (size_t i = 0; i < module->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &module->segments[i];
        if (segment->p_type != PT_LOAD)
            continue;
        module->bias = module->base - (segment->p_vaddr - segment->p_offset);
        return segment->p_offset < 4096; /* the ELF header lies in it */
    }
    return false;
}

/*
 * Is `mapping` what the program headers say lies at its place?  Then the bias is
 * right: the same file offset is reached through the map and through the headers.
 */
static bool
explains(const struct sl_module *module, const struct sl_mapping *mapping, uint64_t address)
{
    const Elf64_Phdr *segment = sl_module_segment(module, address);
    return segment && segment->p_offset + (address - module->bias - segment->p_vaddr) ==
                          mapping->offset + (address - mapping->start);
}

static bool is_vdso(const struct sl_mapping *mapping)
{
    return mapping->path && strcmp(mapping->path, "[vdso]") == 0;
}

static struct sl_module *load(struct sl_modules *modules, const struct sl_mapping *first,
                              const struct sl_mapping *mapping, uint64_t address)
{
    struct sl_module found = {.base = first->start,
                              .map_end = first->end,
                              .inode = first->inode,
                              .major = first->major,
                              .minor = first->minor,
                              .deleted = first->deleted,
                              .vdso = is_vdso(first)};
    if (!read_header(modules, found.base, &found.header))
        return NULL;
    size_t size = found.header.e_phnum * sizeof *found.segments;
    found.segments = sl_arena_alloc(modules->arena, size);
    if (!found.segments ||
        !sl_reader_read_cached(modules->reader, found.base + found.header.e_phoff, found.segments,
                               size) ||
        !find_bias(&found) || !explains(&found, mapping, address))
        return NULL;
    struct sl_module *module = sl_arena_alloc(modules->arena, sizeof *module);
    found.path = sl_arena_strdup(modules->arena, first->path);
    if (!module || !found.path)
        return NULL;
    *module = found;
    find_build_id(modules, module);
    module->next = modules->list;
    modules->list = module;
    return module;
}

struct sl_module *
sl_modules_find(struct sl_modules *modules, const struct sl_maps *maps, uint64_t address)
{
    const struct sl_mapping *mapping = sl_maps_find(maps, address);
    if (!mapping || (!mapping->inode && !is_vdso(mapping)))
        return NULL;
    for (struct sl_module *module = modules->list; module; module = module->next)
        if (module->inode == mapping->inode && strcmp(module->path, mapping->path) == 0 &&
            explains(module, mapping, address))
            return module;
    /* From the nearest start of the file downwards: a library can be mapped more than once. */
    for (const struct sl_mapping *first = mapping; first >= maps->mappings; first--) {
        if (!same_file(first, mapping))
            break;
        if (first->offset)
            continue;
        struct sl_module *module = load(modules, first, mapping, address);
        if (module)
            return module;
    }
    return NULL;
}
