/* SPDX-License-Identifier: Apache-2.0 */
#include "go_scene.h"

#include <stdio.h>
#include <string.h>

#include "harness/goroutine/live/layout.h"

#define FUNCTION_SIZE 64
#define RECORD_SIZE   96
#define NO_REASON     14 /* chan receive, in every release that is known */

enum { FOR_EACH, SWITCH, GOEXIT, MAIN, WAIT, SYSTEM, N_FUNCTIONS };

static const char *const names[N_FUNCTIONS] = {"runtime.forEachG", "runtime.systemstack_switch",
                                               "runtime.goexit",   "main.main",
                                               "main.wait",        "runtime.bgsweep"};

/* As the runtime has them; aligned as what the linker writes about the build is. */
static struct scene {
    uint8_t info[96];
    uint64_t module[64];
    uint8_t header[64];
    char names[256];
    uint32_t units[4];
    char files[64];
    uint8_t values[128];
    uint8_t records[N_FUNCTIONS][RECORD_SIZE];
    uint8_t index[(N_FUNCTIONS + 1) * 16];
    uint8_t tree[64];
    uint8_t code[N_FUNCTIONS][FUNCTION_SIZE];
    uint64_t list[3]; /* a slice */
    uint64_t goroutines[GO_SCENE_GOROUTINES];
    uint8_t g[GO_SCENE_GOROUTINES][LAYOUT_G_SIZE];
    uint8_t m[128];
    uint64_t stacks[GO_SCENE_GOROUTINES][16];
} scene __attribute__((aligned(16))) = {.info = {1}}; /* so that it is among what is initialised */

static uint64_t address_of(const void *data)
{
    return (uintptr_t) data;
}

static void put(void *to, uint64_t value, size_t size)
{
    memcpy(to, &value, size);
}

static void slice(size_t word, const void *data, uint64_t n)
{
    scene.module[word] = address_of(data);
    scene.module[word + 1] = scene.module[word + 2] = n;
}

static void play_info(uint8_t minor)
{
    static const char magic[] = "\xff Go buildinf:\x08\x02";
    int size = snprintf((char *) scene.info + 33, 32, "go1.%d", minor);

    memcpy(scene.info, magic, sizeof magic - 1);
    scene.info[32] = (uint8_t) size;
}

/* Values at offset 1: one, 7, for a whole function; at 8: 0; at 16: 8, the size of a frame; at 24:
 * the first inlined call in the second half, and none before. */
static void play_values(void)
{
    static const uint8_t seven[] = {16, FUNCTION_SIZE, 0}, zero[] = {2, FUNCTION_SIZE, 0},
                         eight[] = {18, FUNCTION_SIZE, 0},
                         inlined[] = {0, FUNCTION_SIZE / 2, 2, FUNCTION_SIZE / 2, 0};

    memcpy(scene.values + 1, seven, sizeof seven);
    memcpy(scene.values + 8, zero, sizeof zero);
    memcpy(scene.values + 16, eight, sizeof eight);
    memcpy(scene.values + 24, inlined, sizeof inlined);
}

static void play_function(const struct live_layout *layout, size_t i, uint64_t name)
{
    const struct layout_func *func = layout->func;
    uint8_t *record = scene.records[i];
    uint8_t *behind = record + func->size;

    put(record + func->name, name, 4);
    put(record + func->pcsp, i == GOEXIT ? 8 : 16, 4);
    put(record + func->pcfile, 8, 4);
    put(record + func->pcln, 1, 4);
    record[func->id] = i == SWITCH ? 20 : 0;
    record[func->flag] = i == GOEXIT;
    put(record + func->npcdata, i == MAIN ? 3 : 0, 4);
    record[func->nfuncdata] = i == MAIN ? 4 : 0;
    if (i == MAIN) {
        put(behind + 8, 24, 4);
        behind += 12;
        if (func->wide)
            put((uint8_t *) ((address_of(behind) + 7) / 8 * 8) + 24, address_of(scene.tree), 8);
        else
            put(behind + 12, 0, 4);
    }
}

static void play_functions(const struct live_layout *layout)
{
    const struct layout_func *func = layout->func;
    size_t at = 1;

    for (size_t i = 0; i <= N_FUNCTIONS; i++) {
        const uint64_t entry = i * FUNCTION_SIZE, record = i % N_FUNCTIONS * RECORD_SIZE;
        if (func->wide) {
            put(scene.index + i * 16, address_of(scene.code) + entry, 8);
            put(scene.index + i * 16 + 8, record, 8);
        } else {
            put(scene.index + i * 8, entry, 4);
            put(scene.index + i * 8 + 4, record, 4);
        }
        if (i == N_FUNCTIONS)
            break;
        play_function(layout, i, at);
        (void) strcpy(scene.names + at, names[i]);
        at += strlen(names[i]) + 1;
    }
    (void) strcpy(scene.names + at, "main.run[go.shape.int]");
    put(scene.tree + func->inlined_name, at, 4);
    put(scene.tree + func->inlined_pc, 4, 4);
    (void) strcpy(scene.files, "/src/main.go");
}

/* Two loads relative to the instruction: of the list's length, then of its start. */
static void play_code(void)
{
    uint8_t *code = scene.code[FOR_EACH] + 4;

    for (int i = 1; i >= 0; i--, code += 7) {
        static const uint8_t load[] = {0x48, 0x8b, 0x0d};
        memcpy(code, load, sizeof load);
        put(code + 3, address_of(&scene.list[i]) - address_of(code + 7), 4);
    }
}

static void play_module(const struct live_layout *layout)
{
    const size_t index = layout->func->wide ? 16 : 8;

    scene.module[0] = address_of(scene.header);
    put(scene.header, layout->magic, 4);
    slice(1, scene.names, sizeof scene.names);
    slice(4, scene.units, sizeof scene.units / 4);
    slice(7, scene.files, sizeof scene.files);
    slice(10, scene.values, sizeof scene.values);
    slice(13, scene.records, sizeof scene.records);
    slice(16, scene.index, (N_FUNCTIONS + 1) * index / index);
    scene.module[22] = address_of(scene.code);
    scene.module[23] = address_of(scene.code) + sizeof scene.code;
    if (layout->gofunc)
        scene.module[layout->gofunc / 8] = address_of(scene.tree);
}

static uint64_t code_of(size_t function, uint64_t offset)
{
    return address_of(scene.code[function]) + offset;
}

static void play_goroutine(const struct live_layout *layout, size_t i, uint32_t status,
                           size_t start, const uint64_t stack[4])
{
    const struct layout_g *at = layout->g;
    uint8_t *g = scene.g[i];

    memcpy(scene.stacks[i] + 4, stack, 4 * sizeof *stack);
    scene.goroutines[i] = address_of(g);
    put(g, address_of(scene.stacks[i]), 8);
    put(g + 8, address_of(scene.stacks[i] + 16), 8);
    put(g + at->sp, address_of(scene.stacks[i] + 4), 8);
    put(g + at->pc, code_of(start == SYSTEM ? SYSTEM : WAIT, 10), 8);
    put(g + at->status, status, 4);
    put(g + at->goid, i + 1, 8);
    g[at->waitreason] = NO_REASON;
    put(g + at->gopc, code_of(MAIN, 20), 8);
    put(g + at->startpc, code_of(start, 0), 8);
    if (at->parent)
        put(g + at->parent, 1, 8);
    if (status == LAYOUT_RUNNING)
        put(g + at->m, address_of(scene.m), 8);
}

void go_scene_play(uint8_t minor)
{
    const struct live_layout *layout = NULL;
    const uint64_t goexit = code_of(GOEXIT, 1);

    for (size_t i = 0; i < live_n_layouts; i++)
        if (live_layouts[i].minor == minor)
            layout = &live_layouts[i];
    memset(&scene, 0, sizeof scene);
    play_info(minor);
    if (!layout)
        return;
    play_values();
    play_functions(layout);
    play_code();
    play_module(layout);
    /* A frame is a word, and behind it the return address. */
    play_goroutine(layout, 0, LAYOUT_WAITING, MAIN, (uint64_t[]){0, code_of(MAIN, 48), 0, goexit});
    play_goroutine(layout, 1, LAYOUT_WAITING, SYSTEM, (uint64_t[]){0, goexit, 0, 0});
    play_goroutine(layout, 2, LAYOUT_WAITING | LAYOUT_SCAN, MAIN,
                   (uint64_t[]){0, code_of(MAIN, 16), 0, goexit});
    play_goroutine(layout, 3, LAYOUT_RUNNING, MAIN, (uint64_t[]){0, goexit, 0, 0});
    scene.list[0] = address_of(scene.goroutines);
    scene.list[1] = scene.list[2] = GO_SCENE_GOROUTINES;
}

void go_scene_end(void)
{
    memset(&scene, 0, sizeof scene);
}

uint8_t *go_scene_bytes(size_t *ret_size)
{
    *ret_size = sizeof scene;
    return (uint8_t *) &scene;
}
