/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a target: written, spoilt, mapped, and what stands in their place afterwards. */
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "spoil.h"
#include "world.h"

#define SPAN_MAX   (UINT64_C(1) << 28)
#define STUB_SPACE 16

static void choose_name(struct world *world, char *name, size_t size)
{
    static const char *const names[] = {"libbus.so",
                                        "libc.so.6",
                                        "libpthread.so.0",
                                        "ld-linux-x86-64.so.2",
                                        "a\nb.so",
                                        "x (deleted)",
                                        "\x1b[31mred.so",
                                        "\xe2\x80\xae"
                                        "os.so",
                                        "\xff\xfe.so",
                                        "[vdso]",
                                        "[stack]",
                                        "libnats.so.3",
                                        "%s%n.so",
                                        " ",
                                        "-",
                                        "\xc2\x9b"
                                        "2J.so",
                                        "perf-1.map",
                                        "node",
                                        "libjvm.so",
                                        "libstdc++.so.6"};
    const char *name_of = names[choose_below(&world->choice, 20)];

    if (one_in(&world->choice, 12)) {
        size_t length = 1 + choose_below(&world->choice, size - 1);
        for (size_t i = 0; i < length; i++)
            name[i] = (char) ('0' + choose_below(&world->choice, 78));
        name[length] = '\0';
        for (char *at = name; (at = strchr(at, '/'));)
            *at = '_';
        return;
    }
    (void) snprintf(name, size, "%s", name_of);
}

/* Always a new one: an earlier choice may have left a link under this name. */
static int write_file(const char *path, const struct bytes *content)
{
    (void) unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

    if (fd >= 0 && write(fd, content->data, content->size) != (ssize_t) content->size)
        (void) ftruncate(fd, (off_t) content->size);
    return fd;
}

static void add_code(struct world *world, const struct module *module, uint64_t bias, uint64_t low,
                     uint64_t high)
{
    for (size_t i = 0; i < module->n_functions && world->n_code < MAX_CODE; i++) {
        const struct function *function = &module->functions[i];
        uint64_t at = function->start + choose_below(&world->choice, function->size - STUB_SPACE);
        if (at >= low && at + STUB_SPACE <= high)
            threads_plant(world, bias + at);
    }
}

/* As a loader does it: each segment where it says. */
static void map_segments(struct world *world, const struct module *module, struct file *file)
{
    uint64_t low = module->segments[0].p_vaddr & ~(uint64_t) (PAGE - 1), high = low;

    for (size_t i = 0; i < module->n_segments; i++)
        if (module->segments[i].p_vaddr + module->segments[i].p_memsz > high)
            high = module->segments[i].p_vaddr + module->segments[i].p_memsz;
    if (high - low > SPAN_MAX)
        return;
    file->size = (high - low + PAGE - 1) / PAGE * PAGE;
    file->image = mmap(NULL, file->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (file->image == MAP_FAILED)
        return;
    for (size_t i = 0; i < module->n_segments; i++) {
        const Elf64_Phdr *segment = &module->segments[i];
        uint64_t skew = segment->p_vaddr % PAGE;
        if (mmap(file->image + (segment->p_vaddr - skew - low), segment->p_filesz + skew,
                 PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file->fd,
                 (off_t) (segment->p_offset - skew)) == MAP_FAILED)
            return;
    }
    /* Segments may share a page, which then is that of the last one. */
    for (size_t i = 0; i < module->n_segments; i++)
        add_code(world, module, (uint64_t) (uintptr_t) file->image - low,
                 module->segments[i].p_vaddr,
                 module->segments[i].p_vaddr + module->segments[i].p_filesz);
    (void) mprotect(file->image, file->size, PROT_READ | PROT_EXEC);
}

/* The whole file, whatever its segments say. */
static void map_whole(struct world *world, const struct module *module, struct file *file)
{
    file->size = (module->file.size + PAGE - 1) / PAGE * PAGE;
    file->image =
        mmap(NULL, file->size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, file->fd, 0);
    if (file->image == MAP_FAILED)
        return;
    for (size_t i = 0; i < module->n_segments; i++) {
        const Elf64_Phdr *segment = &module->segments[i];
        if (segment->p_offset < module->file.size &&
            segment->p_filesz <= module->file.size - segment->p_offset)
            add_code(world, module,
                     (uint64_t) (uintptr_t) file->image + segment->p_offset - segment->p_vaddr,
                     segment->p_vaddr, segment->p_vaddr + segment->p_filesz);
    }
    (void) mprotect(file->image, file->size, PROT_READ | PROT_EXEC);
}

/* More mappings of the file, holes in the first, other rights for parts of it. */
static void disturb_mapping(struct world *world, const struct file *file)
{
    struct choice *choice = &world->choice;
    uint8_t *page = file->image + PAGE * choose_below(choice, file->size / PAGE);

    switch (choose_below(choice, 12)) {
    case 0:
        for (uint64_t n = choose_size(choice, world->bomb ? 20000 : 500); n; n--)
            (void) mmap(NULL, PAGE, n % 2 ? PROT_READ : PROT_READ | PROT_EXEC, MAP_PRIVATE,
                        file->fd, (off_t) (PAGE * choose_below(choice, 4)));
        world_say(world, 0, "many-mappings");
        break;
    case 1: /* its code may be there */
        (void) munmap(page, PAGE);
        world_say(world, MAY_END, "hole");
        break;
    case 2:
        (void) mprotect(page, PAGE, PROT_NONE);
        world_say(world, MAY_END, "no-rights");
        break;
    case 3: {
        uint8_t copy[PAGE];
        memcpy(copy, page, PAGE);
        if (mmap(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page)
            memcpy(page, copy, PAGE);
        world_say(world, 0, "moved-code");
        break;
    }
    default:
        break;
    }
}

/* Something else under the name of a file that is mapped. */
static void replace(struct world *world, const char *path)
{
    static const char *const targets[] = {
        "/dev/zero", "/proc/self/mem",        ".",
        "loop",      "/proc/1/root/dev/zero", "../../../../../../dev/zero"};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct choice *choice = &world->choice;

    (void) unlink(path);
    switch (choose_below(choice, 6)) {
    case 0:
        (void) symlink(targets[choose_below(choice, 6)], path);
        world_say(world, 0, "link");
        break;
    case 1:
        (void) mkfifo(path, 0666);
        world_say(world, 0, "fifo");
        break;
    case 2:
        (void) mkdir(path, 0755);
        world_say(world, 0, "directory");
        break;
    case 3:
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        (void) bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *) &address, sizeof address);
        world_say(world, 0, "socket");
        break;
    case 4:
        (void) symlink(path, path);
        world_say(world, 0, "loop");
        break;
    default:
        world_say(world, 0, "deleted");
    }
}

static void disturb_file(struct world *world, const struct file *file)
{
    struct choice *choice = &world->choice;

    switch (choose_below(choice, 12)) {
    case 0:
    case 1:
        replace(world, file->path);
        break;
    case 2:
        (void) ftruncate(file->fd, (off_t) choose_below(choice, file->size + 1));
        world_say(world, MAY_END, "cut");
        break;
    case 3:
        (void) ftruncate(file->fd, (off_t) 1 << choose_below(choice, 42));
        world_say(world, MAY_END, "sparse");
        break;
    default:
        break;
    }
}

/* The file that a link leads to, right or not. */
static void write_other(struct world *world, const struct module *module, const char *name)
{
    char path[4096];

    (void) snprintf(path, sizeof path, "%s/%s%s", world->folder,
                    one_in(&world->choice, 3) ? ".debug/" : "", name);
    int fd = write_file(path, &module->file);
    if (fd >= 0)
        (void) close(fd);
    if (one_in(&world->choice, 8))
        replace(world, path);
}

/* The place of debug files by build-id, if the folder becomes the root of the target. */
static void write_by_id(struct world *world, const struct module *module)
{
    char path[4096];
    size_t length = strlen(world->folder);
    static const char *const steps[] = {"/usr", "/lib", "/debug", "/.build-id"};

    if (module->build_id_size < 2)
        return;
    (void) snprintf(path, sizeof path, "%s", world->folder);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        length += (size_t) snprintf(path + length, sizeof path - length, "%s", steps[i]);
        (void) mkdir(path, 0755);
    }
    length += (size_t) snprintf(path + length, sizeof path - length, "/%02x", module->build_id[0]);
    (void) mkdir(path, 0755);
    path[length++] = '/';
    for (size_t i = 1; i < module->build_id_size; i++)
        length +=
            (size_t) snprintf(path + length, sizeof path - length, "%02x", module->build_id[i]);
    (void) snprintf(path + length, sizeof path - length, ".debug");
    int fd = write_file(path, &module->file);
    if (fd >= 0)
        (void) close(fd);
    if (one_in(&world->choice, 6))
        replace(world, path);
}

/* A debug file with the build-id and the code of the file that is written next. */
static void make_debug_file(struct world *world, struct wish *wish, struct choice choice)
{
    struct module debug = {0};
    struct wish other = *wish;

    other.only_debug = true;
    module_write(&debug, &other, &choice);
    for (uint64_t n = choose_below(&world->choice, 4); n; n--)
        spoil(&debug.file, &world->choice);
    wish->debug_link = "code.debug";
    wish->debug_sum =
        one_in(&world->choice, 8) ? 0 : lzma_crc32(debug.file.data, debug.file.size, 0);
    write_other(world, &debug, wish->debug_link);
    if (world->is_root)
        write_by_id(world, &debug);
    module_release(&debug);
    world_say(world, 0, "debug-file");
}

static void make_alternate(struct world *world, struct wish *wish)
{
    struct module shared = {.build_id_size = 20};

    memset(shared.build_id, ALTERNATE_ID, sizeof shared.build_id);
    module_write(&shared, &(struct wish){.only_debug = true, .bomb = wish->bomb}, &world->choice);
    for (uint64_t n = choose_below(&world->choice, 4); n; n--)
        spoil(&shared.file, &world->choice);
    wish->alternate_link = "shared.dwz";
    write_other(world, &shared, wish->alternate_link);
    module_release(&shared);
    world_say(world, 0, "alternate");
}

static void make_module(struct world *world, struct module *module, const char *name)
{
    struct choice *choice = &world->choice;
    struct wish wish = {.bomb = world->bomb,
                        .is_library = strncmp(name, "lib", 3) == 0 || strncmp(name, "ld-", 3) == 0};

    if (world->seeds->n && one_in(choice, 4)) {
        const struct bytes *seed = &world->seeds->files[choose_below(choice, world->seeds->n)];
        if (module_adopt(module, seed->data, seed->size))
            return;
        module_release(module);
        *module = (struct module){0};
    }
    if (one_in(choice, 6))
        make_alternate(world, &wish);
    struct choice same = *choice;
    if (one_in(&same, 4))
        make_debug_file(world, &wish, same);
    module_write(module, &wish, &same);
    choice->state ^= same.state;
}

static void make_file(struct world *world)
{
    struct choice *choice = &world->choice;
    struct file *file = &world->files[world->n_files];
    struct module module = {0};
    char name[200];

    choose_name(world, name, sizeof name);
    make_module(world, &module, name);
    for (uint64_t n = one_in(choice, 3) ? 0 : choose_size(choice, 5); n; n--)
        spoil(&module.file, choice);
    (void) snprintf(file->path, sizeof file->path, "%s/%s", world->folder, name);
    bool in_memory = one_in(choice, 12);
    file->fd = in_memory ? memfd_create(name, 0) : write_file(file->path, &module.file);
    if (in_memory && file->fd >= 0 &&
        write(file->fd, module.file.data, module.file.size) != (ssize_t) module.file.size)
        world_say(world, 0, "short");
    if (file->fd >= 0) {
        bool aligned = (module.segments[0].p_vaddr - module.segments[0].p_offset) % PAGE == 0;
        (aligned && !one_in(choice, 8) ? map_segments : map_whole)(world, &module, file);
        if (file->image && file->image != MAP_FAILED) {
            world->n_files++;
            disturb_mapping(world, file);
            disturb_file(world, file);
        }
    }
    module_release(&module);
}

void files_make(struct world *world)
{
    char path[4096];

    (void) snprintf(path, sizeof path, "%s/.debug", world->folder);
    (void) mkdir(path, 0755);
    for (uint64_t n = choose_size(&world->choice, MAX_PATHS); n; n--)
        make_file(world);
}

static void put_jit_lines(struct world *world, struct bytes *text)
{
    struct choice *choice = &world->choice;
    char line[128];

    for (uint64_t n = choose_size(choice, world->bomb ? 300000 : 200); n; n--) {
        uint64_t start = one_in(choice, 8) ? choose_evil(choice, 0) : world_address(world) - 64;
        uint64_t size = one_in(choice, 8) ? choose_evil(choice, 64) : choose_below(choice, 4096);
        int length = snprintf(line, sizeof line, one_in(choice, 20) ? "%lX %lx%s" : "%lx %lx %s",
                              (unsigned long) start, (unsigned long) size, "");
        bytes_put(text, line, (size_t) length);
        symbols_name(choice, world->bomb && one_in(choice, 1000), text);
        text->size -= !one_in(choice, 100); /* mostly without its zero */
        bytes_u8(text, one_in(choice, 60) ? '\r' : '\n');
    }
}

/* In the place where the names of generated code are told. */
void files_make_jit(struct world *world)
{
    struct choice *choice = &world->choice;
    struct bytes text = {0};
    char path[64];

    if (!one_in(choice, 5))
        return;
    (void) snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long) getpid());
    (void) unlink(path);
    if (one_in(choice, 5)) {
        replace(world, path);
        return;
    }
    put_jit_lines(world, &text);
    int fd = write_file(path, &text);
    if (fd >= 0 && one_in(choice, 20))
        (void) ftruncate(fd, (off_t) 1 << choose_below(choice, 40));
    bytes_release(&text);
    world_say(world, 0, "jit");
}
