/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places PID: what the symbolizer says of addresses of a process.
 *
 * Reads addresses, in hexadecimal, one a line.  Writes for each a line of JSON, a list of frames,
 * innermost first: {"function", "file", "line", "inlined"}.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/arena.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/symbol.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"

static void print_frames(const struct sl_frame *frames, size_t n_frames)
{
    SL_AUTO_FREE char *text = NULL;
    json_auto_t *list = json_array();

    for (size_t i = 0; i < n_frames; i++)
        (void) json_array_append_new(list, json_pack("{s:s?, s:s?, s:i, s:b}", "function",
                                                     frames[i].function, "file", frames[i].file,
                                                     "line", (int) frames[i].line, "inlined",
                                                     (int) frames[i].inlined));
    text = json_dumps(list, JSON_COMPACT);
    (void) puts(text ? text : "[]");
}

static int answer(struct sl_symbolizer *symbolizer, const struct sl_maps *maps)
{
    uint64_t address;

    while (scanf("%" SCNx64, &address) == 1) {
        const struct sl_pc pc = {.address = address, .exact = true};
        const struct sl_frame *frames;
        size_t n_frames;
        if (!sl_symbolizer_look_up(symbolizer, maps, &pc, &frames, &n_frames))
            return 1;
        print_frames(frames, n_frames);
    }
    return 0;
}

int main(int argc, char **argv)
{
    pid_t pid = argc == 2 ? (pid_t) strtol(argv[1], NULL, 10) : 0;
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    SL_AUTO(sl_reader) struct sl_reader *reader = NULL;
    SL_AUTO(sl_modules) struct sl_modules *modules = NULL;
    SL_AUTO(sl_symbolizer) struct sl_symbolizer *symbolizer = NULL;
    SL_AUTO(sl_maps) struct sl_maps *maps = NULL;
    struct sl_target target;
    struct sl_error err = {0};
    char *text;
    size_t size;

    if (!arena || sl_target_open(pid, &target, &err) ||
        sl_target_read_all(&target, "maps", &text, &size, &err) ||
        sl_maps_parse(text, &maps, &err) || sl_reader_new(&target, &reader, &err) ||
        sl_modules_new(&target, reader, arena, &modules, &err) ||
        sl_symbolizer_new(modules, arena, true, &symbolizer, &err)) {
        (void) fprintf(stderr, "places: %s\n", err.text);
        return 1;
    }
    return answer(symbolizer, maps);
}
