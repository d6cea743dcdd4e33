/* SPDX-License-Identifier: Apache-2.0 */
/* Dumps of goroutines in every form that a version of Go has given them. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "dump_text.h"

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

static struct sl_snapshot *parse(const char *text)
{
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};

    sl_assert_ok(sl_dump_parse("test", text, strlen(text), NULL, &snapshot, &err), &err);
    return snapshot;
}

/* debug=1 */

#define WORKER "#\t0xb\tmain.(*Pool).work+0xea\tD:/a b/pool.go:84\n"

SL_TEST(dump, a_profile_has_counts_and_whole_stacks)
{
    dump_assert_reads("goroutine profile: total 5121\n"
                      "5120 @ 0xa 0xc 0xff\n" WORKER "\n"
                      "1 @ 0xa 0xe 0xff\n"
                      "#\t0xd\tmain.main+0x1\t\t\t_testmain.go:71\n\n",
                      "5120 #0 [] / main.(*Pool).work pool.go:84\n"
                      "1 #0 [] / main.main _testmain.go:71\n");
}

SL_TEST(dump, a_record_is_many_goroutines_of_no_id_with_the_addresses_of_its_frames)
{
    SL_AUTO(sl_snapshot)
    struct sl_snapshot *snapshot = parse("goroutine profile: total 7\n7 @ 0xa 0xc 0xff\n" WORKER);
    const struct sl_thread *thread = snapshot->threads;

    cr_assert_eq(snapshot->kind, SL_SNAPSHOT_GOROUTINES);
    cr_assert_str_eq(snapshot->dump->format, "goroutine profile, debug=1");
    cr_assert_eq(snapshot->stats.threads, 7);
    cr_assert_eq(snapshot->n_threads, 1);
    cr_assert_eq(thread->count, 7);
    cr_assert_eq(thread->id, 0);
    cr_assert_eq(thread->source, SL_SOURCE_DUMP);
    cr_assert_eq(thread->stack->frames->address, 0xc, "where the call returns");
    cr_assert_str_eq(thread->stack->frames->file, "D:/a b/pool.go");
    cr_assert_null(thread->stack->frames->module);
}

SL_TEST(dump, a_profile_with_blanks_for_tabs_crlf_and_no_end_of_line_is_read)
{
    dump_assert_reads("goroutine profile: total 2\r\n"
                      "2 @ 0xa 0xc 0xff\r\n"
                      "#   0xb   main.f[...]+0xea   /x.go:8",
                      "2 #0 [] / main.f[...] x.go:8\n");
}

SL_TEST(dump, the_runtimes_own_frames_are_hidden_as_a_traceback_hides_them)
{
    dump_assert_reads("goroutine profile: total 2\n"
                      "1 @ 0xa 0xc 0xe 0xff\n"
                      "#\t0xb\tmain.main+0x1\t/m.go:1\n"
                      "#\t0xd\truntime.main+0x1\t/proc.go:2\n\n"
                      "1 @ 0xa 0xff\n"
                      "#\t0x9\truntime.bgsweep+0x1\t/mgcsweep.go:3\n",
                      "1 #0 [] / main.main m.go:1\n"
                      "1 #0 [] / runtime.bgsweep mgcsweep.go:3\n");
}

SL_TEST(dump, escapes_of_package_paths_are_undone)
{
    dump_assert_reads("goroutine profile: total 1\n1 @ 0xc 0xff\n"
                      "#\t0xb\tgopkg.in/lumberjack%2ev2.(*Logger).millRun+0x48\t/l.go:379\n",
                      "1 #0 [] / gopkg.in/lumberjack.v2.(*Logger).millRun l.go:379\n");
}

SL_TEST(dump, a_stack_that_its_profile_cut_is_not_complete)
{
    dump_assert_reads("goroutine profile: total 1\n1 @ 0xa 0xc\n" WORKER,
                      "1 #0 [] / main.(*Pool).work pool.go:84"
                      " ! the profile has only its 2 inner addresses\n");
}

SL_TEST(dump, a_stack_whose_frames_were_cut_off_is_not_complete)
{
    dump_assert_reads("goroutine profile: total 1\n1 @ 0xa 0xc 0xe 0xff\n" WORKER,
                      "1 #0 [] / main.(*Pool).work pool.go:84"
                      " ! the profile names only 2 of its 4 addresses\n");
}

SL_TEST(dump, a_frame_at_the_address_of_the_next_was_inlined_into_it)
{
    dump_assert_reads("goroutine profile: total 2\n"
                      "1 @ 0xc 0xe 0xff\n"
                      "#\t0xb\tmain.small+0xb\t/m.go:1\n"
                      "#\t0xb\tmain.large+0x1\t/m.go:2\n"
                      "#\t0xd\tmain.main+0x1\t/m.go:3\n\n"
                      "1 @ 0xc 0xc 0xc 0xff\n" /* and this one calls itself */
                      "#\t0xb\tmain.f+0xb\t/m.go:4\n"
                      "#\t0xb\tmain.f+0xb\t/m.go:4\n"
                      "#\t0xb\tmain.f+0xb\t/m.go:4\n",
                      "1 #0 [] / main.small m.go:1 inlined / main.large m.go:2 / main.main m.go:3\n"
                      "1 #0 [] / main.f m.go:4 / main.f m.go:4 / main.f m.go:4\n");
}

SL_TEST(dump, one_stack_with_two_sets_of_labels_is_two_records_and_one_stack)
{
    SL_AUTO(sl_snapshot)
    struct sl_snapshot *snapshot =
        parse("goroutine profile: total 3\n"
              "2 @ 0xa 0xc 0xff\n# labels: {\"k\":\"a \\\"]}\", \"b\":\"2\"}\n" WORKER "\n"
              "1 @ 0xa 0xc 0xff\n# labels: {\"k\":\"c\"}\n" WORKER);

    cr_assert_eq(snapshot->n_threads, 2);
    cr_assert_eq(snapshot->threads[0].stack, snapshot->threads[1].stack);
    cr_assert_str_eq(snapshot->threads[0].goroutine->labels, "{\"b\":\"2\", \"k\":\"a \\\"]}\"}");
    cr_assert_str_eq(snapshot->threads[1].goroutine->labels, "{\"k\":\"c\"}");
    cr_assert_eq(snapshot->dump->n_errors, 0);
}

SL_TEST(dump, a_record_without_a_frame_has_no_stack)
{
    dump_assert_reads("goroutine profile: total 1\n1 @ 0x467ba1",
                      "1 #0 [] ! the profile shows no frame of it\n");
}

SL_TEST(dump, an_address_without_a_symbol_is_a_frame)
{
    SL_AUTO(sl_snapshot)
    struct sl_snapshot *snapshot = parse("goroutine profile: total 1\n1 @ 0xc 0xff\n#\t0xb\n");
    const struct sl_stack *stack = snapshot->threads->stack;

    cr_assert_eq(stack->n_frames, 1);
    cr_assert_null(stack->frames->function);
    cr_assert_eq(stack->frames->address, 0xc);
    cr_assert(stack->complete);
}

SL_TEST(dump, records_that_do_not_add_up_to_their_total_are_told)
{
    dump_assert_reads("goroutine profile: total 9\n7 @ 0xa 0xc 0xff\n" WORKER,
                      "7 #0 [] / main.(*Pool).work pool.go:84\n"
                      "1 skipped, line 4: the profile says 9 goroutines, its records are of 7\n");
}

SL_TEST(dump, a_profile_of_no_goroutines_is_read)
{
    dump_assert_reads("goroutineleak profile: total 0\n", "");
}

SL_TEST(dump, profiles_of_something_else_are_passed_over)
{
    dump_assert_reads("threadcreate profile: total 3\n3 @ 0x1 0x2\n#\t0x1\tf+0x1\t/f.go:1\n\n"
                      "heap profile: 1: 2 [3: 4] @ heap/1048576\n1: 2 [3: 4] @ 0x1\n\n"
                      "--- mutex:\ncycles/second=1\n"
                      "goroutine profile: total 7\n7 @ 0xa 0xc 0xff\n" WORKER "\n"
                      "threadcreate profile: total 3\n3 @ 0x1 0x2\n#\t0x1\tf+0x1\t/f.go:1\n",
                      "7 #0 [] / main.(*Pool).work pool.go:84\n");
}

SL_TEST(dump, the_second_profile_of_a_file_is_not_added_to_the_first)
{
    dump_assert_reads("goroutine profile: total 7\n7 @ 0xa 0xc 0xff\n" WORKER "\n"
                      "goroutine profile: total 8\n8 @ 0xa 0xc 0xff\n" WORKER,
                      "7 #0 [] / main.(*Pool).work pool.go:84\nmore\n");
}

/* debug=2 */

#define BODY    "main.f(0x1, {0x2, 0x3}, ...)\n\t/a b/m.go:4 +0x36\n"
#define CREATED "created by main.main\n\t/m.go:9 +0x5c\n"

SL_TEST(dump, a_traceback_has_ids_states_and_who_started_it)
{
    dump_assert_reads("goroutine 1 [running]:\nmain.main()\n\t/m.go:3 +0x1\n\n"
                      "goroutine 18 [chan receive, 5 minutes]:\n" BODY
                      "created by main.main in goroutine 1\n\t/m.go:9 +0x5c\n",
                      "1 #1 [running] / main.main m.go:3\n"
                      "1 #18 [chan receive] 5m by 1 / main.f m.go:4 < main.main m.go:9\n");
}

SL_TEST(dump, goroutines_come_by_ascending_id)
{
    dump_assert_reads("goroutine 20 [running]:\n" BODY CREATED "\n"
                      "goroutine 3 [sleep]:\n" BODY CREATED "\n"
                      "goroutine 7 [sleep]:\n" BODY CREATED,
                      "1 #3 [sleep] / main.f m.go:4 < main.main m.go:9\n"
                      "1 #7 [sleep] / main.f m.go:4 < main.main m.go:9\n"
                      "1 #20 [running] / main.f m.go:4 < main.main m.go:9\n");
}

/* What a first line says, and what is read of it. */
static const struct {
    const char *heading, *read;
} headings[] = {
    {"goroutine 5 [select (no cases), 1 minutes, locked to thread]:",
     "[select (no cases)] 1m locked"},
    {"goroutine 5 [chan send (nil chan)]:", "[chan send (nil chan)]"},
    {"goroutine 5 [GC worker (idle)]:", "[GC worker (idle)]"},
    {"goroutine 5 [???]:", "[???]"},
    {"goroutine 5 [chan receive (scan), 3 minutes]:", "[chan receive] 3m"},
    {"goroutine 5 [select (leaked) (scan)]:", "[select] leaked"},
    {"goroutine 5 [leaked (leaked)]:", "[leaked] leaked"},
    {"goroutine 5 [chan receive (durable), synctest bubble 1]:", "[chan receive]"},
    {"goroutine 5 [sleep, 2 minutes, synctest group 3]:", "[sleep] 2m"},
    {"goroutine 5 gp=0xc000002380 m=nil [IO wait, 3 minutes]:", "[IO wait] 3m"},
    {"goroutine 5 gp=0xc000002380 m=4 mp=0xc00008c008 [running]:", "[running]"},
    /* labels, as go1.26 and go1.27 write them, on either side of the bracket */
    {"goroutine 5 [IO wait labels:{\"k\": \"v\", \"a]b\": \"c\"}]:",
     "[IO wait] {\"a]b\":\"c\", \"k\":\"v\"}"},
    {"goroutine 5 [IO wait, 4 minutes labels:{\"k\": \"v\"}]:", "[IO wait] 4m {\"k\":\"v\"}"},
    {"goroutine 5 [IO wait] {meta: \"Alias#<1.2>\", role: reader}:",
     "[IO wait] {\"meta\":\"Alias#<1.2>\", \"role\":\"reader\"}"},
    {"goroutine 5 [select {role: reader}, 6 minutes]:", "[select] 6m {\"role\":\"reader\"}"},
    /* CockroachDB's Go */
    {"goroutine 5 [select, 6 minutes, \"k\":\"v\", \"a\":\"b]\"]:",
     "[select] 6m {\"a\":\"b]\", \"k\":\"v\"}"},
    /* what a later one may say */
    {"goroutine 5 [select, 7 minutes, in deep thought, locked to thread]:", "[select] 7m locked"},
};

SL_TEST(dump, every_first_line_that_a_version_writes_is_read)
{
    for (size_t i = 0; i < SL_COUNT_OF(headings); i++) {
        char text[400], expected[400];
        (void) snprintf(text, sizeof text, "%s\n%s", headings[i].heading, BODY CREATED);
        (void) snprintf(expected, sizeof expected, "1 #5 %s / main.f m.go:4 < main.main m.go:9\n",
                        headings[i].read);
        dump_assert_reads(text, expected);
    }
}

SL_TEST(dump, what_an_angry_runtime_adds_is_not_taken_for_frames)
{
    dump_assert_reads("SIGQUIT: quit\nPC=0x46d4e1 m=0 sigcode=0\n\n"
                      "goroutine 0 gp=0x5a1 m=0 mp=0x5a2 [idle]:\n"
                      "runtime.futex()\n\t/sys.s:557 +0x21 fp=0x7ffd sp=0x7ffc pc=0x46d4e1\n\n"
                      "goroutine 1 gp=0xc0 m=nil [select (no cases)]:\n"
                      "runtime.gopark(0x0?)\n\t/proc.go:398 +0xce fp=0xc1 sp=0xc2 pc=0x43e\n"
                      "main.main()\n\t/m.go:5 +0x13 fp=0xc3 sp=0xc4 pc=0x48d\n"
                      "runtime.main()\n\t/proc.go:267 +0x2bb fp=0xc5 sp=0xc6 pc=0x43d\n"
                      "runtime.goexit({})\n\t/asm.s:1650 +0x1 fp=0xc7 sp=0xc8 pc=0x46b\n\n"
                      "rax    0xca\nrip    0x46d4e1\nexit status 2\n",
                      "1 #1 [select (no cases)] / main.main m.go:5\n");
}

SL_TEST(dump, inlined_calls_and_panics_and_their_boundary_are_frames)
{
    dump_assert_reads("panic: boom\n\ngoroutine 1 [running]:\n"
                      "panic({0x1, 0x2})\n\t/panic.go:884 +0x212\n"
                      "main.small(...)\n\t/m.go:6\n"
                      "panic({0x1, 0x2})\n\t/panic.go:884 +0x212\n"
                      "main.main()\n\t/m.go:7 +0x1d\nexit status 2\n",
                      "1 #1 [running] / main.small m.go:6 inlined / panic panic.go:884"
                      " / main.main m.go:7\n");
}

SL_TEST(dump, frames_that_the_runtime_left_out_make_a_stack_partial)
{
    dump_assert_reads("goroutine 5 [select]:\n" BODY "...23 frames elided...\n" BODY CREATED "\n"
                      "goroutine 6 [select]:\n" BODY "...additional frames elided...\n" CREATED,
                      "1 #5 [select] / main.f m.go:4 / main.f m.go:4"
                      " ! the runtime left 23 frames out of its middle < main.main m.go:9\n"
                      "1 #6 [select] / main.f m.go:4"
                      " ! the runtime left its outer frames out < main.main m.go:9\n");
}

SL_TEST(dump, a_goroutine_that_ran_elsewhere_has_no_stack)
{
    dump_assert_reads("goroutine 5 [running]:\n"
                      "\tgoroutine running on other thread; stack unavailable\n" CREATED,
                      "1 #5 [running] ! it ran on another thread, where the runtime could not look "
                      "at it < main.main m.go:9\n");
}

SL_TEST(dump, code_that_is_not_go_is_a_frame)
{
    dump_assert_reads("goroutine 5 [syscall]:\nnon-Go function at pc=0x7f01\n"
                      "wait_for_it\n\t/c.c:7 pc=0x7f02\nand_more\n\tpc=0x7f03\n" BODY CREATED,
                      "1 #5 [syscall] / ? / wait_for_it c.c:7 / and_more / main.f m.go:4"
                      " < main.main m.go:9\n");
}

SL_TEST(dump, ancestors_are_kept_with_their_stacks)
{
    dump_assert_reads("goroutine 5 [select]:\n" BODY CREATED
                      "[originating from goroutine 3]:\nmain.g(...)\n\t/m.go:5 +0x1\n"
                      "main.h(...)\n\t/m.go:6 +0x1\ncreated by main.i\n\t/m.go:7 +0x1\n"
                      "[originating from goroutine 1]:\nmain.main(...)\n\t/m.go:8 +0x1\n\n"
                      "goroutine 6 [select]:\n" BODY CREATED,
                      "1 #5 [select] / main.f m.go:4 < main.main m.go:9"
                      " ^3 / main.g m.go:5 / main.h m.go:6 ^1 / main.main m.go:8\n"
                      "1 #6 [select] / main.f m.go:4 < main.main m.go:9\n");
}

SL_TEST(dump, an_indented_traceback_is_read)
{
    dump_assert_reads("    leak_test.go:7: left behind:\n"
                      "        goroutine 5 [select]:\n"
                      "        main.f(0x1)\n        \t/m.go:4 +0x36\n"
                      "        created by main.main\n        \t/m.go:9 +0x5c\n",
                      "1 #5 [select] / main.f m.go:4 < main.main m.go:9\n");
}

SL_TEST(dump, a_goroutine_that_comes_again_begins_another_dump)
{
    dump_assert_reads("goroutine 5 [select]:\n" BODY CREATED "\n"
                      "goroutine 5 [sleep]:\n" BODY CREATED,
                      "1 #5 [select] / main.f m.go:4 < main.main m.go:9\nmore\n");
}

SL_TEST(dump, equal_stacks_are_one)
{
    SL_AUTO(sl_snapshot)
    struct sl_snapshot *snapshot =
        parse("goroutine 5 [select]:\nmain.f(0x1)\n\t/m.go:4 +0x36\n" CREATED "\n"
              "goroutine 6 [select]:\nmain.f(0x2)\n\t/m.go:4 +0x36\n" CREATED);

    cr_assert_eq(snapshot->threads[0].stack, snapshot->threads[1].stack);
    cr_assert_eq(snapshot->threads[0].created_by, snapshot->threads[1].created_by);
    cr_assert_eq(snapshot->threads[0].wait.kind, SL_WAIT_CHANNEL);
}

SL_TEST(dump, old_runtimes_do_not_say_that_a_deep_stack_goes_on)
{
    char text[8000] = "goroutine 5 [select]:\n";

    for (int i = 0; i < 97; i++)
        strcat(text, "main.f(0x1)\n\t/m.go:4 +0x36\n");
    strcat(text, CREATED);
    SL_AUTO(sl_snapshot) struct sl_snapshot *old = parse(text);
    cr_assert_not(old->threads->stack->complete);
    strcpy(strstr(text, CREATED), "created by main.main in goroutine 1\n\t/m.go:9 +0x5c\n");
    SL_AUTO(sl_snapshot) struct sl_snapshot *new = parse(text);
    cr_assert(new->threads->stack->complete, "one that tells who would tell this, too");
}

/* threadz */

SL_TEST(dump, threadz_has_threads_and_where_their_code_lies_in_its_files)
{
    static const char text[] = "--- threadz 1 ---\n\n"
                               "--- Thread 7f1 (name: work/er/812) stack: ---\n"
                               "  PC: 0x0000000000401010 0x402020\n      0x403030\n"
                               "  creator: 0x401000\n"
                               "--- Thread 7f2 (name: main/811) stack: ---\n"
                               "    [same as previous thread]\n\n"
                               "--- Memory map: ---\n"
                               "00400000-00401000 r--p 00000000 fe:00 53    /usr/bin/x\n"
                               "00401000-00402000 r-xp 00001000 fe:00 53    /usr/bin/x y\n"
                               "00402000-00403000 r-xp 00000000 00:00 0 \n";
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = parse(text);
    const struct sl_frame *frames = snapshot->threads[0].stack->frames;

    cr_assert_eq(snapshot->kind, SL_SNAPSHOT_THREADS);
    cr_assert_eq(snapshot->dump->n_errors, 0);
    cr_assert_eq(snapshot->n_threads, 2);
    cr_assert_str_eq(snapshot->threads[0].name, "main");
    cr_assert_eq(snapshot->threads[1].id, 812);
    cr_assert_str_eq(snapshot->threads[1].name, "work/er");
    cr_assert_eq(snapshot->threads[0].stack, snapshot->threads[1].stack);
    cr_assert_eq(snapshot->threads[0].stack->n_frames, 3);
    cr_assert_str_eq(frames[0].module, "/usr/bin/x y");
    cr_assert_eq(frames[0].offset, 0x1010);
    cr_assert_null(frames[1].module);
    cr_assert_eq(frames[1].region, 2);
    cr_assert_eq(frames[2].offset, 0x403030, "in no mapping at all");
    cr_assert_not(snapshot->threads[0].stack->complete);
    cr_assert_null(snapshot->threads[0].goroutine);
}
