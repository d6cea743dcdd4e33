/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules from arbitrary bytes: an input is a file that is mapped, whole and executable, into
 * a process with one thread somewhere in it.  Whatever its headers, unwind tables, symbols and
 * debug information say, the thread has a stack with an end that has a reason, and every
 * address of it has frames.
 *
 * The process is this one: memory is read as another's would be, with a system call.  Names are
 * read as in a look, in a sandbox where nothing shows, and here once more.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/snapshot/symbol/object.h"
#include "harness/snapshot/symbol/symbol.h"
#include "harness/snapshot/unwind/unwind.h"
#include "require.h"

#define MAX_SIZE   ((size_t) 256 * 1024)
#define MAX_FRAMES 32
#define N_WORDS    512 /* of the stack */
#define N_PCS      32  /* of each executable segment */
#define MAX_PCS    128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libdw 0.188 forgets memory where debug information is malformed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdw.so\nleak:libelf.so\n";
}

/* Made once; an input is written into the file, which shows in the mapping. */
static struct {
    struct sl_target target;
    struct stat stat;
    int fd;
    uint8_t *image;
    uint64_t stack[N_WORDS];
} world = {.fd = -1};

/* Of one input. */
struct scene {
    struct sl_arena *arena;
    struct sl_maps *maps;
    struct sl_reader *reader;
    struct sl_modules *modules;
    struct sl_unwinder *unwinder;
    struct sl_symbolizer *symbolizer;
    struct sl_memo *memo;
    uint64_t pcs[MAX_PCS];
    size_t n_pcs;
};

static void open_world(void)
{
    if (world.fd >= 0)
        return;
    world.fd = memfd_create("fuzz_elf", MFD_CLOEXEC);
    require(world.fd >= 0 && fstat(world.fd, &world.stat) == 0, "there is a file");
    world.image = mmap(NULL, MAX_SIZE, PROT_READ, MAP_SHARED, world.fd, 0);
    require(world.image != MAP_FAILED, "it can be mapped");
    require(sl_target_open(getpid(), &world.target, NULL) == SL_OK, "there is a process");
}

/* The memory map of a process that has the file and a stack. */
static struct sl_maps *make_maps(size_t size)
{
    uintptr_t image = (uintptr_t) world.image, stack = (uintptr_t) world.stack;
    struct sl_maps *maps = NULL;
    char file[256], words[128], *text = NULL;

    (void) snprintf(file, sizeof file,
                    "%" PRIxPTR "-%" PRIxPTR " r-xp 00000000 %x:%x %ju /proc/self/fd/%d\n", image,
                    image + (size + 4095) / 4096 * 4096, major(world.stat.st_dev),
                    minor(world.stat.st_dev), (uintmax_t) world.stat.st_ino, world.fd);
    (void) snprintf(words, sizeof words, "%" PRIxPTR "-%" PRIxPTR " rw-p 00000000 00:00 0 \n",
                    stack, stack + sizeof world.stack);
    require(asprintf(&text, "%s%s", image < stack ? file : words, image < stack ? words : file) > 0,
            "there is memory");
    require(sl_maps_parse(text, &maps, NULL) == SL_OK, "the map is one");
    return maps;
}

static struct scene open_scene(const uint8_t *data, size_t size)
{
    struct scene scene = {.arena = sl_arena_new(), .maps = make_maps(size)};

    require(ftruncate(world.fd, 0) == 0 && ftruncate(world.fd, (off_t) size) == 0 &&
                pwrite(world.fd, data, size, 0) == (ssize_t) size,
            "the file takes the input");
    require(scene.arena && sl_reader_new(&world.target, &scene.reader, NULL) == SL_OK &&
                sl_modules_new(&world.target, scene.reader, scene.arena, &scene.modules, NULL) ==
                    SL_OK &&
                sl_unwinder_new(scene.modules, MAX_FRAMES, &scene.unwinder, NULL) == SL_OK &&
                sl_symbolizer_new(scene.modules, scene.arena, true, &scene.symbolizer, NULL) ==
                    SL_OK &&
                sl_memo_new(&scene.memo, NULL) == SL_OK,
            "there is memory");
    return scene;
}

static void close_scene(struct scene *scene)
{
    sl_memo_free(scene->memo);
    sl_symbolizer_free(scene->symbolizer);
    sl_unwinder_free(scene->unwinder);
    sl_modules_free(scene->modules);
    sl_reader_free(scene->reader);
    sl_maps_free(scene->maps);
    sl_arena_free(scene->arena);
}

/* Addresses all over the code. */
static void choose_pcs(struct scene *scene, const struct sl_module *module)
{
    scene->pcs[scene->n_pcs++] = module->bias + module->image.header.e_entry;
    for (size_t i = 0; i < module->image.header.e_phnum && scene->n_pcs + N_PCS <= MAX_PCS; i++) {
        const Elf64_Phdr *segment = &module->image.segments[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        for (size_t k = 0; k < N_PCS; k++)
            scene->pcs[scene->n_pcs++] =
                module->bias + segment->p_vaddr + segment->p_memsz / N_PCS * k + k;
    }
}

/* Return addresses, and between them pointers into the stack and small numbers. */
static void fill_stack(const struct scene *scene)
{
    for (size_t i = 0; i < N_WORDS; i += 4) {
        world.stack[i] = i;
        world.stack[i + 1] = scene->pcs[i / 2 % scene->n_pcs];
        world.stack[i + 2] = (uintptr_t) &world.stack[(i + 4 + i % 28) % N_WORDS];
        world.stack[i + 3] = scene->pcs[(i / 2 + 1) % scene->n_pcs];
    }
}

static struct sl_view
view_of(struct scene *scene, const struct sl_registers *registers, uint8_t *window)
{
    return (struct sl_view){.registers = registers,
                            .sp = registers->value[SL_REG_RSP],
                            .stack_end = (uintptr_t) (world.stack + N_WORDS),
                            .copy = (const uint8_t *) world.stack,
                            .copied = sizeof world.stack / 2,
                            .reader = scene->reader,
                            .window = window};
}

static void check_frames(struct scene *scene, const struct sl_unwind *unwind)
{
    for (size_t i = 0; i < unwind->n_pcs; i++) {
        const struct sl_frame *frames;
        size_t n_frames = 0;
        require(sl_symbolizer_look_up(scene->symbolizer, scene->maps, &unwind->pcs[i], &frames,
                                      &n_frames),
                "there is memory for frames");
        require(n_frames >= 1 && !frames[n_frames - 1].inlined,
                "an address has a frame of its own");
        for (size_t k = 0; k < n_frames; k++)
            require(frames[k].address == unwind->pcs[i].address, "frames have their address");
    }
}

static void check_unwind(struct scene *scene, uint64_t pc)
{
    uint8_t window[SL_WINDOW_SIZE];
    struct sl_registers registers = {0};
    struct sl_unwind unwind;
    int result;

    sl_registers_set(&registers, SL_REG_RIP, pc);
    sl_registers_set(&registers, SL_REG_RSP, (uintptr_t) world.stack);
    if (pc % 2) /* as ptrace shows them; else as /proc does */
        for (unsigned i = 0; i < SL_REG_RSP; i++)
            sl_registers_set(&registers, i, (uintptr_t) &world.stack[i * 4]);
    struct sl_view view = view_of(scene, &registers, window);
    sl_unwinder_run(scene->unwinder, scene->maps, &view, &unwind);
    require(unwind.n_pcs >= 1 && unwind.n_pcs <= MAX_FRAMES, "a stack has frames, up to the limit");
    require(unwind.pcs[0].address == pc && unwind.pcs[0].exact, "the first one is where it is");
    require((unwind.end == SL_UNWIND_COMPLETE) == !sl_unwind_end_text(unwind.end),
            "what is not complete has a reason");
    check_frames(scene, &unwind);
    if (!unwind.memorable || sl_memo_find(scene->memo, &view))
        return;
    sl_memo_add(scene->memo, &view, unwind.reads, unwind.n_reads, &result);
    require(sl_memo_find(scene->memo, &view) == &result, "what is memorable is found again");
}

/* The file asks for others; it gets itself. */
static int open_again(void *context, const char *path)
{
    (void) context;
    return *path == '/' ? dup(world.fd) : -1;
}

static void check_object(struct scene *scene, const struct sl_module *module)
{
    struct sl_range code = {0};
    struct sl_debugged debugged = {.path = "/fuzz",
                                   .code = &code,
                                   .n_code = 1,
                                   .open = open_again,
                                   .max_bytes = (uint64_t) 64 * 1024 * 1024};
    struct sl_symbol_files files = {.file = dup(world.fd), .debug = -1, .alternate = dup(world.fd)};
    struct sl_code_names names;

    code.end = UINT64_MAX;
    struct sl_object *object = sl_object_new(&files, true, &debugged);
    require(object && files.file < 0 && files.alternate < 0, "an object takes its files");
    for (size_t i = 0; i < scene->n_pcs; i++) {
        require(sl_object_look_up(object, scene->pcs[i] - module->bias, scene->arena, &names) ==
                    SL_OK,
                "there is memory for names");
        require(names.source.n >= 1 && names.source.n <= SL_MAX_INLINED + 1,
                "an address has frames, up to the limit");
        require(!names.symbol || strlen(names.symbol) < SL_MAX_NAME, "a name has a bound");
    }
    sl_object_free(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > MAX_SIZE)
        return -1;
    open_world();
    struct scene scene = open_scene(data, size);
    struct sl_module *module = sl_modules_find(scene.modules, scene.maps, (uintptr_t) world.image);
    if (module) {
        /* What a build-id names is known for ever, and is looked for outside of the input. */
        module->image.build_id_size = 0;
        choose_pcs(&scene, module);
        fill_stack(&scene);
        for (size_t i = 0; i < scene.n_pcs; i++)
            check_unwind(&scene, scene.pcs[i]);
        check_object(&scene, module);
    }
    close_scene(&scene);
    return 0;
}
