/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots from arbitrary bytes: refused with a text of one line, or read.  What was
 * read can be analysed and printed, and what is written reads back as the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/leak/group.h"
#include "harness/leak/leak.h"
#include "reports/snapshot/listing.h"
#include "reports/snapshot/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void) fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

struct prints {
    char *json, *others;
    size_t json_size, others_size;
};

static struct prints print(const struct sl_snapshot *snapshot, struct sl_arena *arena)
{
    struct sl_snapshot_listing listing = {.snapshot = snapshot, .all = true, .maps = ""};
    struct prints prints = {0};
    FILE *json = open_memstream(&prints.json, &prints.json_size);
    FILE *others = open_memstream(&prints.others, &prints.others_size);

    const struct sl_page in_json = {.out = json, .arena = arena};
    const struct sl_page page = {.out = others, .width = 80, .arena = arena};

    require(json && others, "there is memory");
    require(sl_leak_group_all(snapshot, arena, &listing.groups, &listing.n_groups, NULL) == SL_OK,
            "what was read can be grouped");
    require(snapshot_write_json(&listing, &in_json, NULL) == SL_OK, "and written");
    require(snapshot_write_text(&listing, &page, NULL) == SL_OK, "and printed");
    require(snapshot_write_threadz(&listing, &page, NULL) == SL_OK, "in every form");
    (void) fclose(json);
    (void) fclose(others);
    require(!memchr(prints.others, '\x1b', prints.others_size), "without commands to a terminal");
    return prints;
}

static void check(const struct sl_snapshot *snapshot, struct sl_arena *arena)
{
    const struct sl_snapshot none = {.ticks_per_second = 1};
    const struct sl_leak_input input = {.start = &none, .closed = snapshot, .settled = snapshot};
    struct sl_leak_report report;
    struct sl_snapshot *again = NULL;
    struct prints first = print(snapshot, arena);

    require(sl_leak_analyse(&input, arena, &report, NULL) == SL_OK,
            "what was read can be analysed");
    require(report.count <= snapshot->n_threads + snapshot->n_unjoined, "none is counted twice");
    require(sl_snapshot_parse("again", first.json, first.json_size, &again, NULL) == SL_OK,
            "what was written can be read");
    struct prints second = print(again, arena);
    require(first.json_size == second.json_size &&
                memcmp(first.json, second.json, first.json_size) == 0,
            "writing and reading change nothing");
    free(first.json);
    free(first.others);
    free(second.json);
    free(second.others);
    sl_snapshot_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};

    if (sl_snapshot_parse("fuzz.json", (const char *) data, size, &snapshot, &err) == SL_OK) {
        SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
        require(arena != NULL, "there is memory");
        check(snapshot, arena);
    } else {
        require(err.status == SL_EPARSE, "bad input is malformed input");
        require(strncmp(err.text, "fuzz.json:", 10) == 0, "the text names the input");
        require(!strpbrk(err.text, "\n\r\x1b"), "the text is one line");
    }
    sl_snapshot_free(snapshot);
    return 0;
}
