/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which module an address has.  Memory is this process's own, read as another's would be;
 * the memory maps are made up around it.
 */
#include "sl_test.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/module/file.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/dynamic.h"

#define PAGE   0x1000
#define N_PAGE 4 /* of the object */

/* An object of a page of headers, two of code that are loaded far behind it, one of data. */
#define CODE_ADDRESS 0x9000
#define DATA_ADDRESS 0xd000

struct object {
    char path[64];
    struct stat stat;
    int fd;
    unsigned char *pages; /* the whole file, mapped */
};

struct scene {
    struct sl_target target;
    struct sl_reader *reader;
    struct sl_arena *arena;
    struct sl_modules *modules;
    struct sl_maps *maps;
    char *text;
    size_t size;
    FILE *stream;
};

/* `headers`: offset of the program headers. */
static struct object make_object(uint64_t headers)
{
    struct object object = {.path = "/tmp/test_module_XXXXXX"};
    const Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_phoff = headers,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 3};
    const Elf64_Phdr segments[] = {
        {.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = PAGE, .p_memsz = PAGE},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_X,
         .p_offset = PAGE,
         .p_vaddr = CODE_ADDRESS,
         .p_filesz = 2 * PAGE,
         .p_memsz = 2 * PAGE},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_W,
         .p_offset = 3 * PAGE,
         .p_vaddr = DATA_ADDRESS,
         .p_filesz = PAGE,
         .p_memsz = PAGE},
    };
    unsigned char content[N_PAGE * PAGE];

    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (unsigned char) (i % 251 + i / PAGE);
    memcpy(content, &header, sizeof header);
    memcpy(content + headers, segments, sizeof segments);
    object.fd = mkstemp(object.path);
    cr_assert(object.fd >= 0 && write(object.fd, content, sizeof content) == sizeof content);
    cr_assert(fstat(object.fd, &object.stat) == 0);
    object.pages = mmap(NULL, sizeof content, PROT_READ, MAP_PRIVATE, object.fd, 0);
    cr_assert(object.pages != MAP_FAILED);
    return object;
}

static void drop_object(struct object *object)
{
    (void) munmap(object->pages, N_PAGE * PAGE);
    (void) close(object->fd);
    (void) unlink(object->path);
}

static struct scene *scene_new(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct sl_error err = {0};

    cr_assert(scene);
    scene->arena = sl_arena_new();
    sl_assert_ok(sl_target_open(getpid(), &scene->target, &err), &err);
    sl_assert_ok(sl_reader_new(&scene->target, &scene->reader, &err), &err);
    sl_assert_ok(sl_modules_new(&scene->target, scene->reader, scene->arena, &scene->modules, &err),
                 &err);
    scene->stream = open_memstream(&scene->text, &scene->size);
    cr_assert(scene->arena && scene->stream);
    return scene;
}

static void scene_free(struct scene *scene)
{
    sl_modules_free(scene->modules);
    sl_reader_free(scene->reader);
    sl_maps_free(scene->maps);
    sl_arena_free(scene->arena);
    sl_target_release(&scene->target);
    free(scene);
}
SL_DEFINE_AUTO(scene, scene_free);

/* One more line of the map; in the order of addresses. */
static void map(struct scene *scene, const void *at, size_t n_pages, const char *rights,
                const struct object *object, size_t page)
{
    uintptr_t start = (uintptr_t) at, end = start + n_pages * PAGE;
    if (!object) {
        (void) fprintf(scene->stream, "%" PRIxPTR "-%" PRIxPTR " %s 00000000 00:00 0 \n", start,
                       end, rights);
        return;
    }
    (void) fprintf(scene->stream, "%" PRIxPTR "-%" PRIxPTR " %s %08zx %x:%x %ju    %s\n", start,
                   end, rights, page * PAGE, major(object->stat.st_dev), minor(object->stat.st_dev),
                   (uintmax_t) object->stat.st_ino, object->path);
}

static void end_map(struct scene *scene)
{
    struct sl_error err = {0};
    (void) fclose(scene->stream);
    sl_assert_ok(sl_maps_parse(scene->text, &scene->maps, &err), &err);
}

static struct sl_module *find(struct scene *scene, const void *address)
{
    return sl_modules_find(scene->modules, scene->maps, (uintptr_t) address);
}

SL_TEST(module, code_behind_a_foreign_mapping_is_that_of_its_file)
{
    SL_CLEANUP(drop_object) struct object object = make_object(sizeof(Elf64_Ehdr));
    SL_AUTO(scene) struct scene *scene = scene_new();
    unsigned char *code = object.pages + 2 * PAGE; /* of which the first page was left out */

    map(scene, object.pages, 1, "r--p", &object, 0);
    map(scene, object.pages + PAGE, 1, "r--p", NULL, 0);
    map(scene, code, 1, "r-xp", &object, 2);
    end_map(scene);
    struct sl_module *module = find(scene, code + 5);
    cr_assert(module);
    cr_assert_eq(module->bias, (uintptr_t) code - (CODE_ADDRESS + PAGE));
    cr_assert_str_eq(module->path, object.path);
    cr_assert_null(find(scene, object.pages + PAGE + 5), "what lies in between is not its");
}

SL_TEST(module, a_file_mapped_twice_has_a_module_for_each_place)
{
    SL_CLEANUP(drop_object) struct object object = make_object(sizeof(Elf64_Ehdr));
    SL_AUTO(scene) struct scene *scene = scene_new();
    unsigned char *second = object.pages + N_PAGE * PAGE; /* nothing is read there */

    map(scene, object.pages, 1, "r--p", &object, 0);
    map(scene, object.pages + PAGE, 2, "r-xp", &object, 1);
    map(scene, second, 1, "r-xp", &object, 1);
    map(scene, second + PAGE, 1, "r--p", &object, 0);
    end_map(scene);
    struct sl_module *one = find(scene, object.pages + PAGE), *two = find(scene, second);
    cr_assert(one && two);
    cr_assert_eq(one->bias, (uintptr_t) object.pages + PAGE - CODE_ADDRESS);
    cr_assert_eq(two->bias, (uintptr_t) second - CODE_ADDRESS);
    cr_assert_eq(find(scene, object.pages + 3 * PAGE - 1), one);
}

SL_TEST(module, program_headers_may_lie_anywhere_in_the_file)
{
    SL_CLEANUP(drop_object) struct object object = make_object(3 * PAGE + 64);
    SL_AUTO(scene) struct scene *scene = scene_new();

    map(scene, object.pages, 1, "r--p", &object, 0);
    map(scene, object.pages + PAGE, 2, "r-xp", &object, 1);
    map(scene, object.pages + 3 * PAGE, 1, "rw-p", &object, 3);
    end_map(scene);
    struct sl_module *module = find(scene, object.pages + PAGE);
    cr_assert(module);
    cr_assert_eq(module->bias, (uintptr_t) object.pages + PAGE - CODE_ADDRESS);
}

SL_TEST(module, headers_that_are_not_mapped_are_those_of_the_file)
{
    SL_CLEANUP(drop_object) struct object object = make_object(sizeof(Elf64_Ehdr));
    SL_AUTO(scene) struct scene *scene = scene_new();

    map(scene, object.pages + PAGE, 2, "r-xp", &object, 1);
    end_map(scene);
    struct sl_module *module = find(scene, object.pages + PAGE);
    cr_assert(module);
    cr_assert_eq(module->bias, (uintptr_t) object.pages + PAGE - CODE_ADDRESS);
}

/* As on file systems that give stat another device than the memory map. */
SL_TEST(module, the_file_is_known_by_what_it_holds_where_numbers_differ)
{
    SL_CLEANUP(drop_object) struct object object = make_object(sizeof(Elf64_Ehdr));
    SL_AUTO(scene) struct scene *scene = scene_new();

    object.stat.st_dev = makedev(251, 7);
    object.stat.st_ino++;
    map(scene, object.pages + PAGE, 2, "r-xp", &object, 1);
    end_map(scene);
    struct sl_module *module = find(scene, object.pages + PAGE);
    cr_assert(module);
    int fd = sl_module_open(scene->modules, module);
    cr_assert(fd >= 0);
    (void) close(fd);

    /* The same headers, and other code. */
    cr_assert(unlink(object.path) == 0);
    SL_CLEANUP(drop_object) struct object other = make_object(sizeof(Elf64_Ehdr));
    unsigned char changed[PAGE] = {0};
    cr_assert(pwrite(other.fd, changed, sizeof changed, PAGE) == sizeof changed);
    cr_assert(rename(other.path, object.path) == 0);
    cr_assert(sl_module_open(scene->modules, module) < 0);
}

SL_TEST(module, only_regular_files_are_opened)
{
    SL_CLEANUP(drop_object) struct object object = make_object(sizeof(Elf64_Ehdr));
    SL_AUTO(scene) struct scene *scene = scene_new();

    map(scene, object.pages, 1, "r--p", &object, 0);
    map(scene, object.pages + PAGE, 2, "r-xp", &object, 1);
    end_map(scene);
    struct sl_module *module = find(scene, object.pages + PAGE);
    int before = sl_module_open(scene->modules, module);
    cr_assert(before >= 0);
    (void) close(before);
    /* It would wait for a writer. */
    cr_assert(unlink(object.path) == 0 && mkfifo(object.path, 0600) == 0);
    int fd = sl_module_open(scene->modules, module);
    cr_assert(fd < 0);
}

SL_TEST(module, a_file_that_is_no_object_has_no_module)
{
    SL_CLEANUP(drop_object) struct object object = make_object(sizeof(Elf64_Ehdr));
    SL_AUTO(scene) struct scene *scene = scene_new();

    cr_assert(pwrite(object.fd, "#!", 2, 0) == 2);
    map(scene, object.pages, 1, "r--p", &object, 0);
    map(scene, object.pages + PAGE, 2, "r-xp", &object, 1);
    end_map(scene);
    cr_assert_null(find(scene, object.pages + PAGE));
}

/* What is in no file, of that which is. */
enum moved { NOTHING, CODE, EVERYTHING };

/* The memory map of this process, as if some of it had been moved out of files. */
static void map_self(struct scene *scene, enum moved moved)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[4600];

    cr_assert(maps);
    while (fgets(line, sizeof line, maps)) {
        size_t rights = strcspn(line, " ") + 1;
        bool code = line[rights + 2] == 'x' && !strstr(line, "[v");
        if ((moved == CODE && code) || (moved == EVERYTHING && strchr(line, '/')))
            (void) fprintf(scene->stream, "%.*s 00000000 00:00 0 \n", (int) (rights + 4), line);
        else
            (void) fputs(line, scene->stream);
    }
    (void) fclose(maps);
    end_map(scene);
}

/* Each page of code against the loader.  @return how many */
static size_t compare_with_loader(struct scene *scene)
{
    size_t n = 0;

    for (size_t i = 0; i < scene->maps->n_mappings; i++) {
        const struct sl_mapping *mapping = &scene->maps->mappings[i];
        bool loaded = mapping->executable && mapping->readable;
        for (uintptr_t at = mapping->start; loaded && at < mapping->end; at += PAGE, n++) {
            struct link_map *entry = NULL;
            Dl_info info;
            bool known = dladdr1((void *) at, &info, (void **) &entry, RTLD_DL_LINKMAP);
            const struct sl_module *module = find(scene, (void *) at);
            cr_assert_eq(module != NULL, known, "%" PRIxPTR, at);
            cr_assert(!module || module->bias == entry->l_addr, "%" PRIxPTR " is in %s", at,
                      entry->l_name);
        }
    }
    return n;
}

SL_TEST(module, every_page_of_code_is_in_the_module_that_the_loader_has_there)
{
    SL_AUTO(scene) struct scene *scene = scene_new();

    map_self(scene, NOTHING);
    cr_assert_gt(compare_with_loader(scene), 100);
}

SL_TEST(module, code_that_was_moved_out_of_files_is_in_the_module_that_the_loader_has_there)
{
    SL_AUTO(scene) struct scene *scene = scene_new();

    map_self(scene, CODE);
    cr_assert_gt(compare_with_loader(scene), 100);
}

SL_TEST(module, where_nothing_is_in_files_the_headers_of_the_program_lead_to_the_loader)
{
    SL_AUTO(scene) struct scene *scene = scene_new();

    map_self(scene, EVERYTHING);
    cr_assert_gt(compare_with_loader(scene), 100);
}

SL_TEST(module, other_code_in_the_place_of_a_modules_is_not_the_modules)
{
    SL_AUTO(scene) struct scene *scene = scene_new();

    map_self(scene, CODE);
    struct sl_module *module = find(scene, (void *) (uintptr_t) strtoul);
    cr_assert(module);
    SL_AUTO_FD int fd = sl_module_open(scene->modules, module);
    const uint64_t page = (uintptr_t) strtoul / PAGE * PAGE, bias = module->bias;
    cr_assert(sl_file_has_code(fd, scene->reader, &module->image, bias, page));
    /* The same file, as if loaded a few pages further on. */
    cr_assert(!sl_file_has_code(fd, scene->reader, &module->image, bias + 3 * PAGE, page));
}

SL_TEST(module, exported_functions_are_known_from_memory)
{
    SL_AUTO(scene) struct scene *scene = scene_new();
    struct sl_symbol_table table = {0};
    struct sl_dynamic dynamic = {0};
    uintptr_t address = (uintptr_t) dlsym(RTLD_DEFAULT, "gnu_get_libc_version");

    map_self(scene, NOTHING);
    const struct sl_module *libc = find(scene, (void *) address);
    cr_assert(libc);
    cr_assert(sl_dynamic_read(&dynamic, scene->modules, libc));
    sl_dynamic_add(&dynamic, &table);
    sl_symbol_table_sort(&table);
    const struct sl_symbol *symbol = sl_symbol_table_find(&table, address + 1 - libc->bias);
    cr_assert(symbol && strcmp(symbol->name, "gnu_get_libc_version") == 0);
    cr_assert_gt(table.n_symbols, 1000);
    sl_symbol_table_release(&table);
    sl_dynamic_release(&dynamic);
}

SL_TEST(module, no_more_symbols_are_read_from_memory_than_a_module_may_have)
{
    enum { MOST = 1024 * 1024 };
    static const struct {
        uint32_t n_buckets, first, n_bloom, shift;
        uint64_t bloom[1];
        uint32_t bucket;
    } hash = {.n_buckets = 1, .n_bloom = 1, .bucket = 0xb0000000};
    SL_AUTO(scene) struct scene *scene = scene_new();
    SL_AUTO_FREE Elf64_Sym *symbols = calloc(MOST, sizeof *symbols);
    const Elf64_Dyn entries[] = {{DT_SYMTAB, {(uintptr_t) symbols}},
                                 {DT_STRTAB, {(uintptr_t) "\0name"}},
                                 {DT_STRSZ, {6}},
                                 {DT_GNU_HASH, {(uintptr_t) &hash}},
                                 {DT_NULL, {0}}};
    Elf64_Phdr segment = {
        .p_type = PT_DYNAMIC, .p_vaddr = (uintptr_t) entries, .p_memsz = sizeof entries};
    const struct sl_module module = {.image = {.header.e_phnum = 1, .segments = &segment}};
    struct sl_dynamic dynamic = {0};

    end_map(scene);
    cr_assert(symbols && sl_dynamic_read(&dynamic, scene->modules, &module));
    cr_assert_eq(dynamic.n_symbols, MOST);
    sl_dynamic_release(&dynamic);
}
