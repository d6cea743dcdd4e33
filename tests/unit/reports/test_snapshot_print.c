/* SPDX-License-Identifier: Apache-2.0 */
/* What people and tools see of a snapshot, as samples in tests/data/snapshot. */
#include "sl_test.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/leak/group.h"
#include "harness/leak/tree/tree.h"
#include "reports/snapshot/snapshot.h"
#include "reports/snapshot/wait_text.h"
#include "result_builder.h"
#include "snapshot_builder.h"

#define MAIN "libc.so.6:read|app:main|libc.so.6:__libc_start_main|app:_start"
#define WORKER                                                                                     \
    "libc.so.6:__futex_wait|+libc.so.6:inner|libc.so.6:pthread_cond_wait|app:take|app:worker|"     \
    "libc.so.6:start_thread"

struct scene {
    struct sl_snapshot_builder *builder;
    struct sl_arena *arena;
    struct sl_snapshot *snapshot;
    struct sl_snapshot_listing listing;
};

/* Main, four workers in two groups of names, one blocked by another, one cut off, one unread. */
static struct scene scene_new(void)
{
    struct scene scene = {.builder = sl_snapshot_builder_new(), .arena = sl_arena_new()};
    struct sl_snapshot_builder *builder = scene.builder;

    scene.snapshot = sl_build_snapshot(builder, 5 * SL_NS_PER_S);
    struct sl_thread *main_thread =
        sl_build_thread(builder, 100, 100, sl_build_stack(builder, MAIN));
    (void) strcpy(main_thread->name, "app");
    main_thread->wait = (struct sl_wait){
        .kind = SL_WAIT_IO, .syscall = "read", .syscall_nr = 0, .target = "pipe:[81]"};
    sl_build_threads(builder, 101, 4, 200, sl_build_stack(builder, WORKER));
    struct sl_thread *blocked = sl_build_thread(
        builder, 105, 200, sl_build_stack(builder, "libc.so.6:__lll_lock_wait|app:submit"));
    blocked->wait = (struct sl_wait){
        .kind = SL_WAIT_MUTEX, .syscall = "futex", .syscall_nr = 202, .owner = 101};
    (void) sl_build_thread(builder, 106, 200,
                           sl_build_partial(builder, "app:jit", "no unwind table for the address"));
    struct sl_thread *unread = sl_build_thread(builder, 107, 200, NULL);
    unread->state = 'R';
    unread->source = SL_SOURCE_NONE;
    unread->wait = (struct sl_wait){.syscall_nr = -1};
    (void) strcpy(unread->name, "\x1b[2Jx");
    static const struct sl_snapshot_module modules[] = {
        {.path = "/usr/bin/app", .build_id = "00ff", .start = 0x400000, .end = 0x402000},
        {.path = "/lib/\x1b[2J.so",
         .start = 0x500000,
         .end = 0x501000,
         .not_looked_at = "the look would read more of files than it may"}};
    scene.snapshot->modules = modules;
    scene.snapshot->n_modules = SL_COUNT_OF(modules);
    scene.snapshot->n_left_out = 2;
    scene.snapshot->left_out_reason = "the process has more threads than are looked at";
    scene.snapshot->pid = 100;
    scene.snapshot->stats = (struct sl_snapshot_stats){
        .threads = 8, .unwound = 5, .memoised = 2, .retried = 1, .duration_ns = 1210000};
    return scene;
}

static void scene_list(struct scene *scene, bool all)
{
    struct sl_snapshot_listing *listing = &scene->listing;
    struct sl_error err = {0};

    *listing = (struct sl_snapshot_listing){.snapshot = scene->snapshot, .all = all};
    sl_assert_ok(sl_leak_group_all(scene->snapshot, scene->arena, &listing->groups,
                                   &listing->n_groups, &err),
                 &err);
    sl_assert_ok(sl_wait_tree_make(scene->snapshot, scene->arena, &listing->waits, &err), &err);
}

static void scene_release(struct scene *scene)
{
    sl_arena_free(scene->arena);
    sl_snapshot_builder_free(scene->builder);
}

#define SCENE(name) SL_CLEANUP(scene_release) struct scene name = scene_new()

SL_TEST(snapshot_print, groups_as_text)
{
    SCENE(scene);
    scene_list(&scene, false);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "text", &scene.listing, NULL);
    result_assert_sample(text, "snapshot/groups.txt");
}

SL_TEST(snapshot_print, threads_as_text)
{
    SCENE(scene);
    scene_list(&scene, true);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "text", &scene.listing, NULL);
    result_assert_sample(text, "snapshot/all.txt");
}

SL_TEST(snapshot_print, threads_as_json)
{
    SCENE(scene);
    scene_list(&scene, true);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "json", &scene.listing, NULL);
    result_assert_sample(text, "snapshot/all.json");
    int status = result_validate(result_data_path("snapshot/all.json"));
    cr_assert(status == 0 || status == 77);
}

SL_TEST(snapshot_print, threads_that_were_not_asked_for_are_no_empty_list)
{
    SCENE(scene);
    scene_list(&scene, false);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "json", &scene.listing, NULL);
    cr_assert_not(strstr(text, "\"threads\": ["));
}

SL_TEST(snapshot_print, different_waits_of_a_group_are_counted_most_frequent_first)
{
    SCENE(scene);
    struct sl_thread *threads = (struct sl_thread *) scene.snapshot->threads;
    threads[1].wait.timed = true;
    scene_list(&scene, false);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "text", &scene.listing, NULL);
    cr_assert(strstr(text, "4 @ take [several]\n"
                           "    3 condition\n"
                           "    1 condition, with a time-out\n"),
              "%s", text);
}

/* A thread that waits for another one, both in one function. */
static void build_waiter(struct scene *scene, pid_t tid, enum sl_wait_kind kind, pid_t owner)
{
    struct sl_thread *thread = sl_build_thread(
        scene->builder, tid, 200, sl_build_stack(scene->builder, "libc.so.6:wait|app:lock_both"));

    (void) snprintf(thread->name, sizeof thread->name, "n%ld\x1b", (long) tid);
    thread->wait =
        (struct sl_wait){.kind = kind, .object = 0x1000 + (uint64_t) tid, .owner = owner};
}

SL_TEST(snapshot_print, a_deadlock_is_told_whole_before_the_groups)
{
    SCENE(scene);
    build_waiter(&scene, 201, SL_WAIT_MUTEX, 202);
    build_waiter(&scene, 202, SL_WAIT_JOIN, 203);
    build_waiter(&scene, 203, SL_WAIT_RWLOCK, 201);
    build_waiter(&scene, 204, SL_WAIT_MUTEX, 202);
    build_waiter(&scene, 205, SL_WAIT_MUTEX, 202);
    build_waiter(&scene, 206, SL_WAIT_MUTEX, 206);
    build_waiter(&scene, 207, SL_WAIT_MUTEX, 0);
    ((struct sl_thread *) &scene.snapshot->threads[14])->wait.ended_owner = 77;
    scene_list(&scene, false);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "text", &scene.listing, NULL);
    cr_assert(
        strstr(text,
               "\nwho waits for whom\n"
               "  deadlock: 3 threads wait for each other\n"
               "    thread 201 'n201?' in lock_both waits for mutex 0x10c9 held by thread 202 "
               "'n202?'\n"
               "    thread 202 'n202?' in lock_both waits for thread 203 'n203?' to end\n"
               "    thread 203 'n203?' in lock_both waits for rwlock 0x10cb held by thread 201 "
               "'n201?'\n"
               "      2 threads like 204 'n204?' in lock_both wait for 2 mutexes held by thread "
               "202 'n202?'\n"
               "  deadlock: a thread waits for itself\n"
               "    thread 206 'n206?' in lock_both waits for mutex 0x10ce held by itself\n"
               "  thread 101 'pool-101' in take [condition]: 1 waits for it\n"
               "    thread 105 'pool-105' in submit waits for mutex 0x0 held by it\n"
               "  thread 77 is not of the process any more, and never let go\n"
               "    thread 207 'n207?' in lock_both waits for mutex 0x10cf held by it\n"
               "\n"),
        "%s", text);
}

SL_TEST(snapshot_print, of_a_long_tree_the_beginning_is_told_and_how_much_there_is_more)
{
    SCENE(scene);
    for (pid_t tid = 201; tid < 301; tid++)
        build_waiter(&scene, tid, SL_WAIT_MUTEX, tid == 201 ? 106 : tid - 1);
    scene_list(&scene, false);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "text", &scene.listing, NULL);
    cr_assert(strstr(text, "thread 106 'pool-106' in jit [condition]: 100 wait for it\n"), "%s",
              text);
    cr_assert(strstr(text, "\n    and 76 more threads behind these\n"), "%s", text);
}

/* n threads that were started with the outermost function of each stack in turn. */
static void build_unjoined(struct scene *scene, const struct sl_stack *const *stacks, size_t n)
{
    struct sl_unjoined *unjoined = sl_arena_array(scene->arena, n, sizeof *unjoined);
    cr_assert(unjoined);
    for (size_t i = 0; i < n; i++)
        unjoined[i] = (struct sl_unjoined){.pthread = i, .start = stacks[i]->frames};
    scene->snapshot->unjoined = unjoined;
    scene->snapshot->n_unjoined = n;
}

SL_TEST(snapshot_print, unjoined_threads_are_counted_by_what_they_were_started_with)
{
    SCENE(scene);
    const struct sl_stack *rare = sl_build_stack(scene.builder, "app:rare");
    const struct sl_stack *often = sl_build_stack(scene.builder, "app:often");
    const struct sl_stack *nameless = sl_build_stack(scene.builder, "app:");
    const struct sl_stack *const stacks[] = {nameless, often, rare, often};
    build_unjoined(&scene, stacks, SL_COUNT_OF(stacks));
    scene_list(&scene, false);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "text", &scene.listing, NULL);
    cr_assert(strstr(text, "4 threads ended and were never joined, started with\n"
                           "    2 @ often  src/file15.c:15\n"
                           "    1 @ 0x400010  src/file16.c:16\n"
                           "    1 @ rare  src/file14.c:14\n"),
              "%s", text);
    SL_AUTO_FREE char *json = result_export(sl_snapshot_exporters, "json", &scene.listing, NULL);
    cr_assert(strstr(json, "\"unjoined\": {\n    \"count\": 4,\n    \"reason\": null,"), "%s",
              json);
    cr_assert(strstr(json, "{\"count\": 2, \"start\": {\"function\": \"often\","), "%s", json);
}

SL_TEST(snapshot_print, unjoined_threads_that_are_not_known_are_not_none)
{
    SCENE(scene);
    scene.snapshot->unjoined_missing = "no C library";
    scene_list(&scene, false);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "text", &scene.listing, NULL);
    cr_assert(strstr(text, "threads that ended and were not joined are not known: no C library\n"));
    SL_AUTO_FREE char *json = result_export(sl_snapshot_exporters, "json", &scene.listing, NULL);
    cr_assert(strstr(json, "\"count\": null,\n    \"reason\": \"no C library\""), "%s", json);
}

/* Start of a thread and addresses of a line, as the reader of the format finds them. */
#define THREAD_START "^--- Thread ([[:xdigit:]]+) \\(name: (.*)/([0-9]+)\\) stack: ---$"
#define HEX_NUMBER   "0x[0-9a-f]+"

static size_t count_matches(const char *text, const char *pattern)
{
    regex_t regex;
    regmatch_t match;
    size_t n = 0;

    cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE), 0);
    for (; regexec(&regex, text, 1, &match, 0) == 0; n++)
        text += match.rm_eo;
    regfree(&regex);
    return n;
}

SL_TEST(snapshot_print, threadz_lists_the_addresses_of_frames_that_exist)
{
    SCENE(scene);
    scene.listing = (struct sl_snapshot_listing){.snapshot = scene.snapshot,
                                                 .maps = "400000-401000 r-xp 0 0:0 0 /app\n"};
    SL_AUTO_FREE char *text = result_export(sl_snapshot_exporters, "threadz", &scene.listing, NULL);
    char *maps = strstr(text, "--- Memory map: ---\n400000-401000 r-xp");

    cr_assert(maps, "%s", text);
    *maps = '\0';
    cr_assert_eq(strncmp(text, "--- threadz 1 ---\n", 18), 0);
    cr_assert(strstr(text, "# 1 of 8 threads are left out"));
    cr_assert_eq(count_matches(text, THREAD_START), 7);
    cr_assert_eq(count_matches(text, "\\[same as previous thread\\]"), 3);
    /* Main 4; workers 5, one of theirs being inlined; blocked 2; cut off 1. */
    cr_assert_eq(count_matches(text, HEX_NUMBER), 12);
    cr_assert(strstr(text, "--- Thread 65 (name: pool-101/101) stack: ---\n"));
}

SL_TEST(snapshot_print, a_wait_says_who_and_what)
{
    SCENE(scene);
    static const struct {
        struct sl_wait wait;
        const char *text;
    } cases[] = {
        {{.kind = SL_WAIT_CONDITION, .syscall = "futex"}, "condition"},
        {{.kind = SL_WAIT_SEMAPHORE, .syscall = "futex", .timed = true},
         "semaphore, with a time-out"},
        {{.kind = SL_WAIT_MUTEX, .owner = 102}, "mutex held by 102 'pool-102'"},
        {{.kind = SL_WAIT_MUTEX, .owner = 999}, "mutex held by 999"},
        {{.kind = SL_WAIT_MUTEX, .object = 0x1234}, "mutex at 0x1234"},
        {{.kind = SL_WAIT_JOIN, .owner = 103}, "join of 103 'pool-103'"},
        {{.kind = SL_WAIT_SOCKET, .syscall = "recvfrom", .target = "TCP 127.0.0.1:4222"},
         "recvfrom on TCP 127.0.0.1:4222"},
        {{.kind = SL_WAIT_SLEEP, .syscall = "clock_nanosleep", .timed = true}, "clock_nanosleep"},
        {{.kind = SL_WAIT_POLL, .syscall = "epoll_wait", .timed = true},
         "epoll_wait, with a time-out"},
        {{.kind = SL_WAIT_OTHER}, "other"},
        {{.kind = SL_WAIT_FAULT}, "page-fault"},
        {{.kind = SL_WAIT_IO, .syscall = "read", .target = "/tmp/\x1b[2J"}, "read on /tmp/?[2J"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        const struct sl_thread thread = {.state = 'S', .wait = cases[i].wait};
        cr_assert_str_eq(sl_wait_say(scene.arena, scene.snapshot, &thread), cases[i].text);
    }
    const struct sl_thread running = {.state = 'R'};
    cr_assert_str_eq(sl_wait_say(scene.arena, scene.snapshot, &running), "runnable");
}

SL_TEST(snapshot_print, waits_in_the_same_words_are_equal_and_no_others)
{
    SCENE(scene);
    const struct sl_thread threads[] = {
        {.wait = {.kind = SL_WAIT_CONDITION, .object = 1}},
        {.wait = {.kind = SL_WAIT_CONDITION, .object = 2}},
        {.wait = {.kind = SL_WAIT_CONDITION, .timed = true}},
        {.wait = {.kind = SL_WAIT_MUTEX, .object = 1}},
        {.wait = {.kind = SL_WAIT_MUTEX, .object = 2}},
        {.wait = {.kind = SL_WAIT_MUTEX, .object = 1, .owner = 101}},
        {.wait = {.kind = SL_WAIT_MUTEX, .object = 2, .owner = 101}},
        {.wait = {.kind = SL_WAIT_IO, .syscall = "read", .target = "pipe:[1]"}},
        {.wait = {.kind = SL_WAIT_IO, .syscall = "read", .target = "pipe:[2]"}},
        {.wait = {.kind = SL_WAIT_IO, .syscall = "read"}},
        {.wait = {.kind = SL_WAIT_SLEEP, .syscall = "nanosleep"}},
        {.wait = {.kind = SL_WAIT_SLEEP, .syscall = "clock_nanosleep"}},
        {.state = 'R'},
        {.state = 'D'},
        {.state = 'T'},
        {.state = 't'},
    };
    for (size_t i = 0; i < SL_COUNT_OF(threads); i++) {
        for (size_t j = 0; j < SL_COUNT_OF(threads); j++) {
            const char *a = sl_wait_say(scene.arena, scene.snapshot, &threads[i]);
            const char *b = sl_wait_say(scene.arena, scene.snapshot, &threads[j]);
            int order = sl_wait_compare(&threads[i], &threads[j]);
            cr_assert_eq(order == 0, strcmp(a, b) == 0, "'%s' and '%s'", a, b);
            cr_assert_eq((order > 0) - (order < 0),
                         -((sl_wait_compare(&threads[j], &threads[i]) > 0) -
                           (sl_wait_compare(&threads[j], &threads[i]) < 0)));
        }
    }
}
