/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dumps of goroutines from arbitrary bytes: refused with a text of one line, or read.  What was
 * read keeps the promises of a snapshot, and can be grouped and printed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/goroutine/dump/dump.h"
#include "harness/leak/group.h"
#include "reports/snapshot/listing.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stack(const struct sl_stack *stack)
{
    require(stack->n_frames > 0, "a stack has frames");
    require(stack->complete == !stack->reason, "one that is not complete says why");
    require(stack->complete == (stack->grade == SL_GRADE_COMPLETE), "and has its grade");
}

static void check_threads(const struct sl_snapshot *snapshot)
{
    const struct sl_thread *threads = snapshot->threads;
    uint64_t n = 0;

    for (size_t i = 0; i < snapshot->n_threads; i++) {
        n += threads[i].count;
        require(threads[i].count > 0, "a record is of somebody");
        require(threads[i].stack || threads[i].reason, "there is a stack, or the reason");
        if (threads[i].stack)
            check_stack(threads[i].stack);
        require(!threads[i].goroutine == (snapshot->kind == SL_SNAPSHOT_THREADS),
                "goroutines are goroutines");
        require(i == 0 || threads[i - 1].id < threads[i].id ||
                    (!threads[i - 1].id && !threads[i].id),
                "ids ascend and are not given twice");
    }
    require(n == snapshot->stats.threads, "the sum is that of the records");
}

static void check_dump(const struct sl_dump *dump)
{
    require(dump != NULL && dump->format != NULL, "it is known what it is");
    require((dump->n_errors > 0) == (dump->first_error != NULL), "what was skipped is described");
}

static void print(const struct sl_snapshot *snapshot)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_snapshot_listing listing = {.snapshot = snapshot};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    const struct sl_page page = {.out = out, .width = 80, .arena = arena};

    require(arena && out, "there is memory");
    require(sl_leak_group_all(snapshot, arena, &listing.groups, &listing.n_groups, NULL) == SL_OK,
            "what was read can be grouped");
    require(snapshot_write_text(&listing, &page, NULL) == SL_OK, "and printed");
    (void) fclose(out);
    require(!memchr(text, '\x1b', size), "without commands to a terminal");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sl_dump_opts opts = {.max_memory = 64 << 20, .max_bytes = 1 << 20};
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};

    enum sl_status status =
        sl_dump_parse("fuzz", (const char *) data, size, &opts, &snapshot, &err);
    if (!status) {
        check_dump(snapshot->dump);
        check_threads(snapshot);
        print(snapshot);
    } else {
        require(status == SL_EPARSE || status == SL_ELIMIT, "bad input is malformed or too much");
        require(strncmp(err.text, "'fuzz': ", 8) == 0, "the text names the input");
        require(!strpbrk(err.text, "\n\r\x1b"), "the text is one line");
    }
    sl_snapshot_free(snapshot);
    return 0;
}
