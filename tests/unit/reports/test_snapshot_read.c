/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots that were written as JSON and read back. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/leak/group.h"
#include "leak_scene.h"
#include "reports/snapshot/read.h"
#include "reports/snapshot/snapshot.h"
#include "result_builder.h"
#include "sl_alloc.h"

/* A full listing, to be freed. */
static char *written(const struct sl_snapshot *snapshot, struct sl_arena *arena)
{
    struct sl_snapshot_listing listing = {.snapshot = snapshot, .all = true};
    struct sl_error err = {0};

    sl_assert_ok(sl_leak_group_all(snapshot, arena, &listing.groups, &listing.n_groups, &err),
                 &err);
    return result_export(sl_snapshot_exporters, "json", &listing, NULL);
}

static struct sl_snapshot *parse(const char *text)
{
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};
    sl_assert_ok(sl_snapshot_parse("s.json", text, strlen(text), &snapshot, &err), &err);
    return snapshot;
}

/* A snapshot with something in every member that a live process fills. */
static struct sl_snapshot *build_rich(struct scene *scene)
{
    struct sl_snapshot_builder *builder = scene->builder;
    struct sl_snapshot *snapshot = sl_build_snapshot(builder, 6 * SL_NS_PER_S);
    struct sl_stack *unnamed = sl_build_stack(builder, "app@12f0:|app:main");
    struct sl_frame *frame = (struct sl_frame *) unnamed->frames;
    struct sl_stack *guessed = sl_build_partial(builder, "@20:|app:loop", "no table");
    struct sl_unjoined *unjoined = sl_arena_array(scene->arena, 2, sizeof *unjoined);

    frame->start = 0x12e0;
    frame->build_id = "00ff";
    guessed->grade = SL_GRADE_FRAME_POINTERS;
    ((struct sl_frame *) guessed->frames)[1].by_frame_pointers = true;
    (void) sl_build_thread(builder, 100, 1, unnamed);
    sl_build_threads(builder, 101, 3, 2, scene->worker);
    struct sl_thread *stopped = sl_build_thread(builder, 104, 2, guessed);
    stopped->state = 'R';
    stopped->consistent = false;
    stopped->source = SL_SOURCE_PTRACE;
    stopped->cost =
        (struct sl_stop_cost){.stopped = true, .known = true, .switches = 2, .cpu_ns = 10000000};
    stopped->wait = (struct sl_wait){.syscall_nr = -1, .held = "traced by 812 'gdb'"};
    struct sl_thread *unread = sl_build_thread(builder, 105, 3, NULL);
    unread->state = '\0';
    unread->source = SL_SOURCE_NONE;
    struct sl_thread *owned = scene_add_reader(scene, 106);
    owned->cpu_ns = 7;
    owned->switches = 8;
    owned->wait.object = 0x7f0000001000;
    owned->wait.owner = 101;
    owned->wait.timed = true;
    (void) strcpy(owned->name, "\x1b[2J \"x\\\xc3\xa9");
    for (size_t i = 0; i < 2; i++)
        unjoined[i] = (struct sl_unjoined){.pthread = 0x7f0000002000 + i, .start = frame + i};
    static const struct sl_snapshot_module modules[] = {
        {.path = "/app", .start = 0x1000, .end = 0x2000, .not_looked_at = "too much"}};
    snapshot->modules = modules;
    snapshot->n_modules = 1;
    snapshot->n_left_out = 3;
    snapshot->left_out_reason = "too many";
    snapshot->pid = 100;
    snapshot->counts_arrivals = true;
    snapshot->unjoined = unjoined;
    snapshot->n_unjoined = 2;
    snapshot->stats = (struct sl_snapshot_stats){.threads = 7, .unwound = 5, .duration_ns = 9};
    return snapshot;
}

SL_TEST(snapshot_read, what_is_read_is_written_again_byte_for_byte)
{
    SCENE(scene);
    SL_AUTO_FREE char *first = written(build_rich(&scene), scene.arena);
    struct sl_snapshot *read = parse(first);
    SL_AUTO_FREE char *second = written(read, scene.arena);
    cr_assert_str_eq(first, second);
    sl_snapshot_free(read);
}

SL_TEST(snapshot_read, threads_with_one_stack_share_it)
{
    SCENE(scene);
    SL_AUTO_FREE char *text = written(build_rich(&scene), scene.arena);
    struct sl_snapshot *read = parse(text);
    cr_assert_eq(read->n_threads, 7);
    cr_assert_eq(read->threads[1].stack, read->threads[3].stack);
    cr_assert_neq(read->threads[1].stack, read->threads[0].stack);
    cr_assert_null(read->threads[5].stack);
    cr_assert_str_eq(read->threads[5].reason, "thread was on a CPU");
    cr_assert_eq(read->threads[5].state, '\0');
    cr_assert_eq(read->threads[5].count, 1);
    cr_assert_eq(read->n_left_out, 3);
    cr_assert_str_eq(read->modules[0].not_looked_at, "too much");
    sl_snapshot_free(read);
}

SL_TEST(snapshot_read, stacks_that_differ_in_what_they_are_worth_are_two)
{
    SCENE(scene);
    struct sl_snapshot_builder *builder = scene.builder;
    struct sl_snapshot *snapshot = sl_build_snapshot(builder, 6 * SL_NS_PER_S);
    struct sl_stack *partial = sl_build_partial(builder, "@20:|app:loop", "no table");
    struct sl_stack *other = sl_build_partial(builder, "@20:|app:loop", "cut off");
    struct sl_stack *guessed = sl_build_partial(builder, "@20:|app:loop", "no table");

    guessed->grade = SL_GRADE_FRAME_POINTERS;
    guessed->frames = other->frames = partial->frames;
    (void) sl_build_thread(builder, 100, 1, partial);
    (void) sl_build_thread(builder, 101, 1, guessed);
    (void) sl_build_thread(builder, 102, 1, other);
    (void) sl_build_thread(builder, 103, 1, guessed);
    SL_AUTO_FREE char *text = written(snapshot, scene.arena);
    struct sl_snapshot *read = parse(text);
    cr_assert_eq(read->threads[1].stack, read->threads[3].stack);
    cr_assert_eq(read->threads[1].stack->grade, SL_GRADE_FRAME_POINTERS);
    cr_assert_eq(read->threads[0].stack->grade, partial->grade);
    cr_assert_neq(read->threads[0].stack, read->threads[1].stack);
    cr_assert_neq(read->threads[0].stack, read->threads[2].stack);
    sl_snapshot_free(read);
}

/* All that an analysis says, as the report writes it; to be freed. */
static char *findings(const struct sl_leak_report *leaks)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "memory", NULL, 1);
    result_trial(result, 0, 0)->leaks = *leaks;
    return result_to_json(result);
}

SL_TEST(snapshot_read, an_analysis_finds_the_same_in_what_was_read)
{
    SCENE(scene);
    scene_begin_closed(&scene);
    sl_build_threads(scene.builder, 200, 5, 2, scene.worker);
    (void) sl_build_thread(scene.builder, 300, 2, scene.timer);
    struct sl_snapshot *closed = (struct sl_snapshot *) scene.input.closed;
    scene.input.settled = build_rich(&scene);
    closed->counts_arrivals = true;
    scene.input.settle_ns = 2 * SL_NS_PER_S;
    scene_analyse(&scene);
    SL_AUTO_FREE char *expected = findings(&scene.report);
    cr_assert_geq(scene.report.n_findings, 5);
    cr_assert(strstr(expected, "\"not-closed\""), "a witness is known by its socket");
    cr_assert_eq(scene.report.unjoined, 2);

    const struct sl_snapshot **const looks[] = {&scene.input.start, &scene.input.closed,
                                                &scene.input.settled};
    struct sl_snapshot *read[SL_COUNT_OF(looks)];
    for (size_t i = 0; i < SL_COUNT_OF(looks); i++) {
        SL_AUTO_FREE char *text = written(*looks[i], scene.arena);
        *looks[i] = read[i] = parse(text);
    }
    scene_analyse(&scene);
    SL_AUTO_FREE char *found = findings(&scene.report);
    cr_assert_str_eq(found, expected);
    for (size_t i = 0; i < SL_COUNT_OF(read); i++)
        sl_snapshot_free(read[i]);
}

static char *sample(void)
{
    return result_read_file(result_data_path("snapshot/all.json"));
}

/* The text with the first `from` in it replaced by `to`; to be freed. */
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *copy = NULL;
    cr_assert(at, "'%s' is not in the text", from);
    cr_assert(asprintf(&copy, "%.*s%s%s", (int) (at - text), text, to, at + strlen(from)) > 0);
    return copy;
}

SL_TEST(snapshot_read, a_file_of_before_reads_with_nothing_where_it_has_nothing)
{
    SL_AUTO_FREE char *now = sample();
    SL_AUTO_FREE char *half = changed(now, "  \"taken_ns\": 5000000000,\n", "");
    SL_AUTO_FREE char *before = changed(half, "\"unjoined_threads\"", "\"x\"");
    struct sl_snapshot *read = parse(before);
    cr_assert_eq(read->n_threads, 8);
    cr_assert_eq(read->taken_ns, 0);
    cr_assert_eq(read->n_unjoined, 0);
    sl_snapshot_free(read);
}

SL_TEST(snapshot_read, what_makes_no_sense_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to, *error;
    } cases[] = {
        {"strandline.snapshot/1", "strandline.report/1", "schema: not a strandline snapshot"},
        {"snapshot/1", "snapshot/2", "version 2 of the format is not understood, only 1"},
        {"\"threads\": [", "\"thread\": [", "s.json: threads: the key is missing"},
        {"\"ticks_per_second\": 100", "\"ticks_per_second\": 0", "cannot be 0"},
        {"\"tid\": 101", "\"tid\": 103", "s.json: the threads are not in the order of 'tid'"},
        {"\"tid\": 101", "\"tid\": 100", "s.json: the threads are not in the order of 'tid'"},
        {"\"tid\": 101", "\"tid\": -1", "s.json: threads[1].tid: -1 is not from 0 to"},
        {"\"state\": \"S\"", "\"state\": \"\\u001b\"", "threads[0]: 'state' has to be a letter"},
        {"\"state\": \"S\"", "\"state\": \"SS\"", "threads[0].state: longer than 1 bytes"},
        {"\"source\": \"proc\"", "\"source\": \"x\"",
         "threads[0].source: a word that is not known"},
        {"\"grade\": \"complete\",\n      \"reason\": null,\n      \"consistent\"",
         "\"grade\": \"partial\",\n      \"reason\": null,\n      \"consistent\"",
         "threads[0]: 'complete' contradicts 'grade' or 'frames'"},
        {"\"reason\": \"thread was on a CPU\",\n      \"consistent\"",
         "\"reason\": null,\n      \"consistent\"", "threads[7]: 'reason' does not say why"},
        {"\"pid\": 100,", "\"pid\": 100", "s.json:7:12: not a snapshot: "},
    };
    SL_AUTO_FREE char *text = sample();
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SL_AUTO_FREE char *wrong = changed(text, cases[i].from, cases[i].to);
        struct sl_snapshot *read = NULL;
        struct sl_error err = {0};
        sl_assert_fails(sl_snapshot_parse("s.json", wrong, strlen(wrong), &read, &err), SL_EPARSE,
                        &err, cases[i].error);
        cr_assert_null(read);
    }
}

SL_TEST(snapshot_read, every_truncation_is_refused)
{
    SL_AUTO_FREE char *text = sample();
    size_t size = strlen(text) - 1; /* without the newline at the end */
    for (size_t length = 0; length < size; length += 7) {
        struct sl_snapshot *read = NULL;
        struct sl_error err = {0};
        cr_assert_eq(sl_snapshot_parse("s.json", text, length, &read, &err), SL_EPARSE, "%zu",
                     length);
    }
}

static enum sl_status attempt_parse(void *text, struct sl_error *err)
{
    struct sl_snapshot *read = NULL;
    enum sl_status status = sl_snapshot_parse("s.json", text, strlen(text), &read, err);
    sl_snapshot_free(read);
    return status;
}

/* SL_ALLOC_REST, as the JSON library passes over one failed allocation of a long text. */
SL_TEST(snapshot_read, each_failed_allocation_is_reported_and_leaks_nothing)
{
    SL_AUTO_FREE char *text = sample();
    json_set_alloc_funcs(malloc, free); /* it allocates in its own shared object */
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_REST, attempt_parse, text), 50);
}
