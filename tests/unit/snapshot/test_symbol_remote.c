/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a module, this program, whose files are read in a sandbox: what becomes of them when the
 * reader crashes, hangs, has no memory, or lies.
 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "harness/snapshot/sandbox/message.h"
#include "harness/snapshot/symbol/module_names.h"
#include "harness/snapshot/symbol/serve.h"
#include "harness/snapshot/symbol/wire.h"

/* What a reader does with a question for an address. */
enum fault {
    FAULT_NONE,
    FAULT_CRASH,
    FAULT_HANG,
    FAULT_NO_MEMORY,
    FAULT_NONSENSE,
    FAULT_SHORT, /* fewer frames than it said */
    FAULT_END,
    FAULT_WANT, /* asks for a file, and names whether it was given */
};

/* Shared with the reader: what it is to do, and how often it was asked. */
static struct {
    enum fault with_lines, symbols_only;
    char wanted[64];
    unsigned n_with_lines, n_symbols_only;
} * play;

struct scene {
    struct sl_target target;
    struct sl_budget budget;
    struct sl_arena *arena;
    struct sl_reader *reader;
    struct sl_maps *maps;
    struct sl_modules *modules;
    struct sl_module *module;
    struct sl_remote *remote;
    struct sl_module_names *names;
};

static void send_text(int socket, struct sl_wire_head head, const char *text)
{
    const struct iovec parts[] = {{.iov_base = &head, .iov_len = sizeof head},
                                  {.iov_base = (void *) text, .iov_len = strlen(text)}};
    head.sizes[0] = (uint32_t) strlen(text);
    (void) sl_message_send(socket, parts, 2, NULL, 0);
}

static void send_name(int socket, const char *name)
{
    send_text(socket, (struct sl_wire_head){.kind = SL_WIRE_NAMES, .n = 1}, name);
    send_text(socket, (struct sl_wire_head){.kind = SL_WIRE_FRAME, .n = 7}, "");
}

static void answer(int socket, enum fault fault)
{
    int fds[SL_MESSAGE_FDS];
    char buffer[256];

    switch (fault) {
    case FAULT_CRASH:
        __builtin_trap();
    case FAULT_HANG:
        for (volatile bool more = true; more;)
            continue;
        break;
    case FAULT_NO_MEMORY:
        send_text(socket, (struct sl_wire_head){.kind = SL_WIRE_NO_MEMORY}, "");
        break;
    case FAULT_NONSENSE:
        send_text(socket, (struct sl_wire_head){.kind = 77}, "what?");
        break;
    case FAULT_SHORT:
        send_text(socket, (struct sl_wire_head){.kind = SL_WIRE_NAMES, .n = 2}, "short");
        send_text(socket, (struct sl_wire_head){.kind = SL_WIRE_FRAME}, "one");
        _exit(0);
    case FAULT_END:
        _exit(0);
    case FAULT_WANT:
        send_text(socket, (struct sl_wire_head){.kind = SL_WIRE_WANT}, play->wanted);
        (void) sl_message_receive(socket, buffer, sizeof buffer, fds);
        send_name(socket, fds[0] < 0 ? "refused" : "given");
        break;
    case FAULT_NONE:
        send_name(socket, "found");
        break;
    }
}

static void serve(int socket, void *context)
{
    static struct sl_wire_message message;
    int fds[SL_MESSAGE_FDS];
    bool lines = true;

    (void) context;
    while (sl_message_receive(socket, &message, sizeof message, fds) > 0) {
        if (message.head.kind == SL_WIRE_OPEN)
            lines = !(message.head.flags & SL_WIRE_SYMBOLS_ONLY);
        if (message.head.kind != SL_WIRE_LOOK_UP)
            continue;
        ++*(lines ? &play->n_with_lines : &play->n_symbols_only);
        answer(socket, lines ? play->with_lines : play->symbols_only);
    }
}

static void scene_free(struct scene *scene)
{
    sl_module_names_free(scene->names);
    sl_remote_free(scene->remote);
    sl_modules_free(scene->modules);
    sl_reader_free(scene->reader);
    sl_maps_free(scene->maps);
    sl_arena_free(scene->arena);
    sl_target_release(&scene->target);
    free(scene);
    (void) munmap(play, sizeof *play);
}
SL_DEFINE_AUTO(scene, scene_free);

/* A function that this program exports, so that its memory tells the name. */
SL_API void symbol_remote_exported(void);
void symbol_remote_exported(void)
{
}

static struct scene *scene_new(void (*reader)(int, void *))
{
    const uint64_t limits[SL_N_BUDGET_PARTS] = {[SL_BUDGET_TIME] = 20 * SL_NS_PER_S};
    struct scene *scene = calloc(1, sizeof *scene);
    struct sl_error err;
    char *text;
    size_t size;

    play = mmap(NULL, sizeof *play, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(scene && play != MAP_FAILED);
    scene->arena = sl_arena_new();
    sl_budget_begin(&scene->budget, limits);
    sl_assert_ok(sl_target_open(getpid(), &scene->target, &err), &err);
    scene->target.budget = &scene->budget;
    sl_assert_ok(sl_target_read_all(&scene->target, "maps", &text, &size, &err), &err);
    sl_assert_ok(sl_maps_parse(text, &scene->maps, &err), &err);
    sl_assert_ok(sl_reader_new(&scene->target, &scene->reader, &err), &err);
    sl_assert_ok(sl_modules_new(&scene->target, scene->reader, scene->arena, &scene->modules, &err),
                 &err);
    scene->module =
        sl_modules_find(scene->modules, scene->maps, (uintptr_t) symbol_remote_exported);
    cr_assert(scene->module);
    scene->remote = sl_remote_new(scene->modules, reader);
    scene->names = sl_module_names_new(scene->modules, scene->module);
    cr_assert(scene->remote && scene->names);
    return scene;
}

/* The symbol at the exported function. */
static const char *look_up(struct scene *scene)
{
    uint64_t address = (uintptr_t) symbol_remote_exported - scene->module->bias;
    struct sl_code_names names;

    cr_assert_eq(
        sl_module_names_look_up(scene->names, scene->remote, address, scene->arena, &names), SL_OK);
    return names.symbol ? names.symbol : "";
}

static void assert_reason(const struct scene *scene, const char *reason)
{
    cr_assert(scene->module->not_looked_at);
    cr_assert_str_eq(scene->module->not_looked_at, reason);
}

SL_TEST(symbol_remote, names_and_lines_are_read_in_a_sandbox)
{
    SL_AUTO(scene) struct scene *scene = scene_new(sl_serve_names);
    uint64_t address = (uintptr_t) symbol_remote_exported - scene->module->bias;
    struct sl_code_names names;

    cr_assert_eq(
        sl_module_names_look_up(scene->names, scene->remote, address, scene->arena, &names), SL_OK);
    cr_assert_str_eq(names.symbol, "symbol_remote_exported");
    cr_assert_eq(names.symbol_start, address);
    cr_assert_eq(names.source.n, 1);
    cr_assert(strstr(names.source.frames[0].place.file, "test_symbol_remote.c"));
    cr_assert_null(scene->module->not_looked_at);
}

SL_TEST(symbol_remote, a_name_is_spelt_out_there_too)
{
    SL_AUTO(scene) struct scene *scene = scene_new(sl_serve_names);
    const char *name;

    cr_assert_eq(sl_remote_spell(scene->remote, "_ZN3app4Pool4waitEv", scene->arena, &name), SL_OK);
    cr_assert_str_eq(name, "app::Pool::wait()");
    cr_assert_eq(sl_remote_spell(scene->remote, "_Znope", scene->arena, &name), SL_OK);
    cr_assert_str_eq(name, "_Znope");
}

SL_TEST(symbol_remote, a_fault_of_debug_information_leaves_symbols, .timeout = 60)
{
    static const struct {
        enum fault fault;
        const char *reason;
    } faults[] = {
        {FAULT_CRASH, "its debug information ended the process that read it"},
        {FAULT_HANG, "its debug information takes too long to read"},
        {FAULT_NO_MEMORY, "its debug information takes too much memory to read"},
        {FAULT_NONSENSE, "its debug information led to an answer without sense"},
        {FAULT_SHORT, "its debug information was not read to its end"},
        {FAULT_END, "its debug information was not read to its end"},
    };

    for (size_t i = 0; i < SL_COUNT_OF(faults); i++) {
        SL_AUTO(scene) struct scene *scene = scene_new(serve);
        scene->budget.end_ns = sl_clock_now_ns() + 2 * SL_NS_PER_S;
        play->with_lines = faults[i].fault;
        cr_assert_str_eq(look_up(scene), "found", "%zu", i);
        assert_reason(scene, faults[i].reason);
        scene->budget.end_ns = sl_clock_now_ns() + 20 * SL_NS_PER_S;
        cr_assert_str_eq(look_up(scene), "found", "%zu", i);
        cr_assert(play->n_with_lines == 1 && play->n_symbols_only == 2,
                  "what failed is not tried again");
    }
}

SL_TEST(symbol_remote, a_fault_of_symbols_leaves_what_memory_tells)
{
    SL_AUTO(scene) struct scene *scene = scene_new(serve);

    play->with_lines = FAULT_CRASH;
    play->symbols_only = FAULT_CRASH;
    cr_assert_str_eq(look_up(scene), "symbol_remote_exported");
    cr_assert_str_eq(look_up(scene), "symbol_remote_exported");
    cr_assert(play->n_with_lines == 1 && play->n_symbols_only == 1);
    assert_reason(scene, "its debug information ended the process that read it");
}

SL_TEST(symbol_remote, one_module_does_not_take_all_the_time, .timeout = 60)
{
    SL_AUTO(scene) struct scene *scene = scene_new(serve);

    play->with_lines = play->symbols_only = FAULT_HANG;
    scene->budget.end_ns = sl_clock_now_ns() + 2 * SL_NS_PER_S;
    cr_assert_str_eq(look_up(scene), "symbol_remote_exported");
    cr_assert(!sl_budget_is_over(&scene->budget));
}

SL_TEST(symbol_remote, the_memory_of_a_sandbox_is_the_looks)
{
    SL_AUTO(scene) struct scene *scene = scene_new(serve);
    uint64_t before = sl_budget_left(&scene->budget, SL_BUDGET_MEMORY);

    cr_assert_str_eq(look_up(scene), "found");
    cr_assert_leq(sl_budget_left(&scene->budget, SL_BUDGET_MEMORY), before / 4);
    sl_remote_free(SL_TAKE(scene->remote));
    cr_assert_geq(sl_budget_left(&scene->budget, SL_BUDGET_MEMORY), before - 64 * 1024);
}

/* Who has a reader in hand must not get to files through the observer's rights. */
SL_TEST(symbol_remote, a_reader_is_given_objects_only)
{
    static const struct {
        const char *path, *answer;
    } files[] = {{"/lib64/ld-linux-x86-64.so.2", "given"},
                 {"/proc/self/exe", "refused"},
                 {"/proc/self/status", "refused"},
                 {"/dev/null", "refused"},
                 {"", "refused"},
                 {"/nowhere", "refused"},
                 {"/", "refused"}};

    for (size_t i = 0; i < SL_COUNT_OF(files); i++) {
        SL_AUTO(scene) struct scene *scene = scene_new(serve);
        play->with_lines = FAULT_WANT;
        (void) snprintf(play->wanted, sizeof play->wanted, "%s", files[i].path);
        cr_assert_str_eq(look_up(scene), files[i].answer, "%s", files[i].path);
    }
}

SL_TEST(symbol_remote, where_there_is_no_room_for_a_sandbox_memory_tells_and_the_reason_is_said)
{
    SL_AUTO(scene) struct scene *scene = scene_new(serve);

    cr_assert(sl_budget_take(&scene->budget, SL_BUDGET_MEMORY,
                             sl_budget_left(&scene->budget, SL_BUDGET_MEMORY) - 2 * 1024 * 1024));
    cr_assert_str_eq(look_up(scene), "symbol_remote_exported");
    assert_reason(scene, sl_budget_text(SL_BUDGET_MEMORY));
    cr_assert_eq(play->n_with_lines, 0);
}
