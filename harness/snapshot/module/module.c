/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/module/module.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/module/file.h"
#include "harness/snapshot/module/loader.h"

#define MAX_PROGRAMS 1024 /* files looked at for the one that knows the loader's list */
#define MAX_UNMAPPED 64   /* loaded objects of no file at all; each may cost a walk over the map */
#define MAX_CHECKED  4096 /* pages of moved code that are compared with the file */
#define MAX_FILES    8192 /* whose program headers are read */

#define BUCKETS 1024

/* What is known of a file that is mapped: also that it is no ELF object. */
struct file {
    struct file *next;         /* in the bucket */
    struct sl_mapping mapping; /* says which one */
    bool is_elf;
    struct sl_image image;
};

/* A page that lies in no file of an object: the one that it is a copy of, or NULL. */
struct checked {
    struct checked *next; /* in the bucket */
    uint64_t page;
    struct sl_module *module;
};

struct sl_modules {
    struct sl_target *target;
    struct sl_reader *reader;
    struct sl_arena *arena;
    struct sl_module *list;
    struct sl_module *known[BUCKETS]; /* the same, by file and bias */
    struct file *files[BUCKETS];
    size_t n_files;
    bool loader_asked;
    struct checked *checked[BUCKETS];
    size_t n_checked;
};

enum sl_status sl_modules_new(struct sl_target *target, struct sl_reader *reader,
                              struct sl_arena *arena, struct sl_modules **ret_modules,
                              struct sl_error *err)
{
    struct sl_modules *modules = calloc(1, sizeof *modules);
    if (!modules)
        return sl_fail(err, SL_ENOMEM, "out of memory for modules");
    *modules = (struct sl_modules){.target = target, .reader = reader, .arena = arena};
    *ret_modules = modules;
    return SL_OK;
}

void sl_modules_free(struct sl_modules *modules)
{
    if (!modules)
        return;
    for (struct sl_module *module = modules->list; module; module = module->next)
        if (module->unwind_table)
            module->free_unwind_table(module->unwind_table);
    free(modules); /* the rest is the arena's */
}

struct sl_target *sl_modules_target(struct sl_modules *modules)
{
    return modules->target;
}

struct sl_reader *sl_modules_reader(struct sl_modules *modules)
{
    return modules->reader;
}

const struct sl_module *sl_modules_list(const struct sl_modules *modules)
{
    return modules->list;
}

const Elf64_Phdr *sl_module_segment(const struct sl_module *module, uint64_t address)
{
    uint64_t virtual_address = address - module->bias;
    for (size_t i = 0; i < module->image.header.e_phnum; i++) {
        const Elf64_Phdr *segment = &module->image.segments[i];
        if (segment->p_type == PT_LOAD && virtual_address >= segment->p_vaddr &&
            virtual_address - segment->p_vaddr < segment->p_memsz)
            return segment;
    }
    return NULL;
}

void sl_module_skip(struct sl_module *module, const char *reason)
{
    if (!module->not_looked_at)
        module->not_looked_at = reason;
}

int sl_module_open(struct sl_modules *modules, struct sl_module *module)
{
    if (module->vdso)
        return -1;
    int fd = sl_file_open(modules->target, modules->reader, &module->image, &module->mapping);
    if (fd < 0 && errno == ETIMEDOUT)
        sl_module_skip(module, "its file is in a file system that need not answer");
    return fd;
}

static bool is_vdso(const struct sl_mapping *mapping)
{
    return mapping->path && strcmp(mapping->path, "[vdso]") == 0;
}

static bool has_file(const struct sl_mapping *mapping)
{
    return mapping && mapping->path && (mapping->inode || is_vdso(mapping));
}

/* @return false when memory is short */
static bool spell_build_id(struct sl_modules *modules, struct sl_module *module)
{
    size_t size = module->image.build_id_size;
    char *text = size ? sl_arena_alloc(modules->arena, 2 * size + 1) : NULL;

    for (size_t i = 0; text && i < size; i++)
        (void) snprintf(text + 2 * i, 3, "%02x", module->image.build_id[i]);
    module->build_id_text = text;
    return text || !size;
}

/* Bytes of a file through any of its mappings. */
struct mapped {
    struct sl_reader *reader;
    const struct sl_maps *maps;
    const struct sl_mapping *mapping; /* one of them; the others are often beside it */
};

static bool read_mapped(void *context, uint64_t offset, void *data, size_t size)
{
    const struct mapped *mapped = context;
    const struct sl_mapping *mapping =
        sl_maps_find_bytes(mapped->maps, mapped->mapping, offset, size);

    return mapping && sl_reader_read_cached(
                          mapped->reader, mapping->start + (offset - mapping->offset), data, size);
}

/* Bytes of an object that lies in memory as in its file, as far as its first segment goes. */
struct in_memory {
    struct sl_reader *reader;
    uint64_t address;
};

static bool read_memory(void *context, uint64_t offset, void *data, size_t size)
{
    const struct in_memory *memory = context;
    return sl_reader_read_cached(memory->reader, memory->address + offset, data, size);
}

/* @return NULL when it is no ELF object, or memory is short */
static const struct sl_image *
image_of(struct sl_modules *modules, const struct sl_maps *maps, const struct sl_mapping *mapping)
{
    struct file **bucket = &modules->files[mapping->inode % BUCKETS];
    for (const struct file *known = *bucket; known; known = known->next)
        if (sl_mapping_same_file(&known->mapping, mapping))
            return known->is_elf ? &known->image : NULL;
    if (modules->n_files == MAX_FILES || sl_budget_is_over(modules->target->budget))
        return NULL;
    struct file *file = sl_arena_alloc(modules->arena, sizeof *file);
    if (!file)
        return NULL;
    struct mapped mapped = {.reader = modules->reader, .maps = maps, .mapping = mapping};
    const struct sl_image_bytes bytes = {.read = read_mapped, .context = &mapped};
    file->mapping = *mapping;
    file->mapping.path = sl_arena_strdup(modules->arena, mapping->path);
    file->is_elf =
        sl_image_load(&bytes, modules->arena, &file->image) ||
        sl_file_load_image(modules->target, modules->reader, mapping, modules->arena, &file->image);
    file->next = *bucket;
    *bucket = file;
    modules->n_files++;
    return file->is_elf ? &file->image : NULL;
}

static struct sl_module **
known_bucket(struct sl_modules *modules, const struct sl_mapping *mapping, uint64_t bias)
{
    return &modules->known[(mapping->inode + bias / SL_PAGE) % BUCKETS];
}

static struct sl_module *
find_known(struct sl_modules *modules, const struct sl_mapping *mapping, uint64_t bias)
{
    struct sl_module *module = *known_bucket(modules, mapping, bias);
    while (module && (module->bias != bias || !sl_mapping_same_file(&module->mapping, mapping)))
        module = module->next_known;
    return module;
}

static struct sl_module *add(struct sl_modules *modules, const struct sl_image *image,
                             const struct sl_mapping *mapping, uint64_t bias)
{
    struct sl_module *module = sl_arena_alloc(modules->arena, sizeof *module);
    char *path = sl_arena_strdup(modules->arena, mapping->path);
    if (!module || !path)
        return NULL;
    *module = (struct sl_module){.next = modules->list,
                                 .path = path,
                                 .bias = bias,
                                 .mapping = *mapping,
                                 .vdso = is_vdso(mapping),
                                 .image = *image};
    module->mapping.path = path;
    if (!spell_build_id(modules, module))
        return NULL;
    struct sl_module **bucket = known_bucket(modules, mapping, bias);
    module->next_known = *bucket;
    *bucket = module;
    modules->list = module;
    return module;
}

/* By the file that is mapped there. */
static struct sl_module *
find_mapped(struct sl_modules *modules, const struct sl_maps *maps, uint64_t address)
{
    const struct sl_mapping *mapping = sl_maps_find(maps, address);
    const struct sl_image *image = has_file(mapping) ? image_of(modules, maps, mapping) : NULL;
    uint64_t offset = image ? mapping->offset + (address - mapping->start) : 0;
    const Elf64_Phdr *segment =
        image ? sl_image_segment_at(image, offset, mapping->executable) : NULL;

    if (!segment)
        return NULL;
    uint64_t bias = address - (segment->p_vaddr + (offset - segment->p_offset));
    if (bias % SL_PAGE) /* loaders map pages */
        return NULL;
    struct sl_module *known = find_known(modules, mapping, bias);
    return known ? known : add(modules, image, mapping, bias);
}

/* A mapping that still is of the object's file, although not where one looked. */
static const struct sl_mapping *
find_own_mapping(const struct sl_maps *maps, const struct sl_image *image, uint64_t bias)
{
    for (size_t i = 0; i < maps->n_mappings; i++) {
        const struct sl_mapping *mapping = &maps->mappings[i];
        const Elf64_Phdr *segment =
            mapping->inode ? sl_image_segment_of(image, mapping->start - bias) : NULL;
        if (segment &&
            mapping->start - bias - segment->p_vaddr + segment->p_offset == mapping->offset)
            return mapping;
    }
    return NULL;
}

/* What the loader calls an object; it has no name for the program, which the kernel knows. */
static bool read_name(struct sl_modules *modules, uint64_t address, char *path, size_t size)
{
    size_t got = address ? sl_reader_read(modules->reader, address, path, size) : 0;
    char link[32];

    if (got && memchr(path, '\0', got) && path[0])
        return path[0] == '/';
    (void) snprintf(link, sizeof link, "%ld/exe", (long) modules->target->tid);
    ssize_t length = readlinkat(modules->target->task_fd, link, path, size - 1);
    path[SL_MAX(length, 0)] = '\0';
    return length > 0;
}

/* An object whose header is at `address`, in memory that is no file's. */
static struct sl_module *find_in_memory(struct sl_modules *modules, const struct sl_maps *maps,
                                        uint64_t address, uint64_t name)
{
    struct in_memory memory = {.reader = modules->reader, .address = address};
    const struct sl_image_bytes bytes = {.read = read_memory, .context = &memory};
    struct sl_image image;
    char path[4096];

    if (!sl_image_load(&bytes, modules->arena, &image))
        return NULL;
    const Elf64_Phdr *first = sl_image_segment_at(&image, 0, true);
    if (!first)
        return NULL;
    uint64_t bias = address - (first->p_vaddr - first->p_offset);
    const struct sl_mapping *mapping = find_own_mapping(maps, &image, bias);
    if (mapping) {
        struct sl_module *known = find_known(modules, mapping, bias);
        return known ? known : add(modules, &image, mapping, bias);
    }
    if (!read_name(modules, name, path, sizeof path))
        return NULL;
    return add(modules, &image, &(struct sl_mapping){.path = path}, bias);
}

static uint64_t find_list(struct sl_modules *modules, const struct sl_module *module)
{
    const Elf64_Phdr *dynamic = sl_image_segment(&module->image, PT_DYNAMIC);
    return dynamic
               ? sl_loader_find(modules->reader, module->bias + dynamic->p_vaddr, dynamic->p_memsz)
               : 0;
}

/* The program itself: the kernel says where its program headers are. */
static struct sl_module *find_program(struct sl_modules *modules, const struct sl_maps *maps)
{
    uint64_t headers = sl_target_auxiliary(modules->target, AT_PHDR);
    struct sl_module *module = headers ? find_mapped(modules, maps, headers) : NULL;
    if (!module && headers) /* which follow its header, wherever a linker had the choice */
        module = find_in_memory(modules, maps, headers - sizeof(Elf64_Ehdr), 0);
    if (module)
        module->loaded = true;
    return module;
}

/*
 * Address of the loader's list.  Where a loader was started as a program, to start another,
 * the kernel knows the headers of the loader, and the list is in those of the other.
 */
static uint64_t find_any_list(struct sl_modules *modules, const struct sl_maps *maps)
{
    const struct sl_module *program = find_program(modules, maps);
    uint64_t list = program ? find_list(modules, program) : 0;

    for (size_t i = 0, n = 0; !list && i < maps->n_mappings && n < MAX_PROGRAMS; i++) {
        const struct sl_mapping *mapping = &maps->mappings[i];
        if (!mapping->inode || mapping->offset)
            continue;
        n++;
        const struct sl_module *module = find_mapped(modules, maps, mapping->start);
        list = module ? find_list(modules, module) : 0;
    }
    return list;
}

static bool has_dynamic(const struct sl_module *module, uint64_t address)
{
    const Elf64_Phdr *dynamic = sl_image_segment(&module->image, PT_DYNAMIC);
    return dynamic && module->bias + dynamic->p_vaddr == address;
}

/* Make modules of all that is loaded, or find them, and mark them. */
static void ask_loader(struct sl_modules *modules, const struct sl_maps *maps)
{
    struct sl_loaded *loaded = calloc(SL_MAX_LOADED, sizeof *loaded);
    uint64_t list = find_any_list(modules, maps);
    size_t n = loaded ? sl_loader_list(modules->reader, list, loaded, SL_MAX_LOADED) : 0;

    for (size_t i = 0, n_unmapped = 0; i < n; i++) {
        struct sl_module *module = find_mapped(modules, maps, loaded[i].dynamic);
        if ((!module || module->bias != loaded[i].bias) && n_unmapped++ < MAX_UNMAPPED)
            module = find_in_memory(modules, maps, loaded[i].bias, loaded[i].name);
        if (module && module->bias == loaded[i].bias && has_dynamic(module, loaded[i].dynamic))
            module->loaded = true;
    }
    free(loaded);
}

/* What lies at the place of a module's code may be a copy of it, or something else. */
static bool is_copy(struct sl_modules *modules, struct sl_module *module, uint64_t page)
{
    if (!sl_image_segment_of(&module->image, page - module->bias))
        return false;
    SL_AUTO_FD int fd = sl_module_open(modules, module);
    return sl_file_has_code(fd, modules->reader, &module->image, module->bias, page);
}

/* By the loader's list: no file is mapped there, or one that is no object. */
static struct sl_module *
find_loaded(struct sl_modules *modules, const struct sl_maps *maps, uint64_t address)
{
    uint64_t page = address / SL_PAGE * SL_PAGE;
    struct checked **bucket = &modules->checked[page / SL_PAGE % BUCKETS], *checked = *bucket;

    while (checked && checked->page != page)
        checked = checked->next;
    if (checked)
        return checked->module;
    if (modules->n_checked == MAX_CHECKED || sl_budget_is_over(modules->target->budget) ||
        !(checked = sl_arena_alloc(modules->arena, sizeof *checked)))
        return NULL;
    if (!modules->loader_asked)
        ask_loader(modules, maps);
    modules->loader_asked = true;
    struct sl_module *module = modules->list;
    while (module && !(module->loaded && is_copy(modules, module, page)))
        module = sl_budget_is_over(modules->target->budget) ? NULL : module->next;
    *checked = (struct checked){.next = *bucket, .page = page, .module = module};
    *bucket = checked;
    modules->n_checked++;
    return module;
}

struct sl_module *
sl_modules_find(struct sl_modules *modules, const struct sl_maps *maps, uint64_t address)
{
    struct sl_module *module = find_mapped(modules, maps, address);
    if (!module && sl_maps_find(maps, address))
        module = find_loaded(modules, maps, address);
    return module;
}

struct sl_module *
sl_modules_find_named(struct sl_modules *modules, const struct sl_maps *maps, const char *prefix)
{
    const struct sl_mapping *found = NULL;

    for (size_t i = 0; i < maps->n_mappings; i++) {
        const struct sl_mapping *mapping = &maps->mappings[i];
        if (!mapping->inode || strncmp(sl_path_base(mapping->path), prefix, strlen(prefix)) != 0)
            continue;
        if (mapping->executable) /* where its code is the file's: surely loaded */
            return sl_modules_find(modules, maps, mapping->start);
        if (!found)
            found = mapping;
    }
    return found ? sl_modules_find(modules, maps, found->start) : NULL;
}
