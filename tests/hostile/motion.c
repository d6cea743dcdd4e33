/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on in a target while it is looked at. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "world.h"

/* Nothing here may use what the C library keeps for each thread: they all share one's. */
static void pause_ns(long ns)
{
    struct timespec time = {.tv_nsec = ns};
    (void) syscall(SYS_nanosleep, &time, NULL);
}

static void cut_file(struct world *world, const struct file *file)
{
    (void) ftruncate(file->fd, (off_t) choose_below(&world->choice, 2 * file->size));
}

static void swap_mapping(struct world *world, const struct file *file)
{
    size_t n_pages = file->size / PAGE;
    uint8_t *page = file->image + PAGE * choose_below(&world->choice, n_pages);

    (void) mmap(page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file->fd,
                (off_t) (PAGE * choose_below(&world->choice, n_pages)));
}

static void move_memory(struct world *world, const struct file *file)
{
    (void) file;
    (void) mremap(world->regions[world->n_regions - 1].data, PAGE, PAGE,
                  MREMAP_MAYMOVE | MREMAP_FIXED,
                  world->regions[world->n_regions - 1].data + ((size_t) 1 << 30));
}

static void write_memory(struct world *world, const struct file *file)
{
    uint64_t word = world_address(world);

    (void) file;
    memcpy(world->regions[0].data + 8 * choose_below(&world->choice, PAGE / 8), &word, sizeof word);
}

static void swap_name(struct world *world, const struct file *file)
{
    (void) world;
    (void) unlink(file->path);
    (void) symlink("/proc/self/exe", file->path);
}

static void end_thread(struct world *world)
{
    (void) world;
    (void) syscall(SYS_exit, 0);
}

static void start_thread(struct world *world, const struct file *file)
{
    (void) file;
    (void) thread_start(end_thread, world);
}

static const struct {
    const char *name;
    void (*move)(struct world *world, const struct file *file);
    uint32_t flags;
} motions[] = {
    {"cuts", cut_file, MAY_END},
    {"swaps-mappings", swap_mapping, MAY_END},
    {"moves-memory", move_memory, MAY_END},
    {"writes-memory", write_memory, 0},
    {"swaps-names", swap_name, 0},
    {"threads-come-and-go", start_thread, 0},
};
#define N_MOTIONS (sizeof motions / sizeof *motions)

static void move_on(struct world *world)
{
    struct world own = *world; /* choices of its own */
    size_t at = choose_below(&own.choice, N_MOTIONS);

    for (int i = 0; i < 5000; i++) {
        motions[at].move(&own, &own.files[choose_below(&own.choice, own.n_files)]);
        pause_ns((long) choose_below(&own.choice, 200000));
    }
    for (;;)
        (void) syscall(SYS_pause);
}

static void begin_another(struct world *world)
{
    pause_ns((long) choose_below(&world->choice, 8000000));
    (void) execl("/proc/self/exe", "hostile_target", "--again", "20", (char *) NULL);
    (void) syscall(SYS_exit_group, 1);
}

static void end_all(struct world *world)
{
    pause_ns((long) choose_below(&world->choice, 8000000));
    (void) syscall(SYS_exit_group, 0);
}

/* A page that is being asked for, for ever. */
static void make_silent(struct world *world)
{
    struct uffdio_api api = {.api = UFFD_API};
    int fd = (int) syscall(SYS_userfaultfd, O_CLOEXEC);
    size_t size = 16 * PAGE;
    uint8_t *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register range = {.range = {(uintptr_t) data, size},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};

    if (fd < 0 || data == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) ||
        ioctl(fd, UFFDIO_REGISTER, &range))
        return;
    world->regions[world->n_regions - 1].data = data;
    world->regions[world->n_regions - 1].size = size;
    world_say(world, IS_SILENT, "memory-that-never-answers");
}

void motion_prepare(struct world *world)
{
    if (one_in(&world->choice, 400))
        make_silent(world);
}

void motion_start(struct world *world)
{
    struct choice *choice = &world->choice;

    if (world->n_files && one_in(choice, 4)) {
        struct choice same = *choice;
        size_t at = choose_below(&same, N_MOTIONS);
        world_say(world, motions[at].flags, motions[at].name);
        (void) thread_start(move_on, world);
    } else if (one_in(choice, 60)) {
        world_say(world, MAY_EXEC | MAY_END, "begins-another-program");
        (void) thread_start(begin_another, world);
    } else if (one_in(choice, 60)) {
        world_say(world, MAY_END, "ends");
        (void) thread_start(end_all, world);
    }
}
