/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "harness/leak/stack/fingerprint.h"
#include "harness/leak/stack/frame.h"
#include "harness/leak/stack/names.h"
#include "harness/leak/stack/runtime.h"
#include "snapshot_builder.h"

#define START "|libc.so.6:start_thread|libc.so.6:clone3"

static uint64_t print_of(struct sl_snapshot_builder *builder, const char *frames)
{
    return fingerprint_of(sl_build_stack(builder, frames));
}

static void assert_same(const char *a, const char *b)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    cr_assert_eq(print_of(builder, a), print_of(builder, b), "'%s' differs from '%s'", a, b);
}

static void assert_differ(const char *a, const char *b)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    cr_assert_neq(print_of(builder, a), print_of(builder, b), "'%s' equals '%s'", a, b);
}

SL_TEST(leak_fingerprint, addresses_lines_and_files_do_not_count)
{
    /* The builder gives every frame another address, line and file. */
    assert_same("app:take|app:worker" START, "app:take|app:worker" START);
}

SL_TEST(leak_fingerprint, functions_modules_and_their_order_count)
{
    assert_differ("app:take|app:worker", "app:give|app:worker");
    assert_differ("app:take|app:worker", "app:worker|app:take");
    assert_differ("app:take|app:worker", "app2:take|app:worker");
    assert_differ("app:take|app:worker", "app:take|app:take|app:worker");
    assert_differ("app:ab|app:c", "app:a|app:bc");
}

SL_TEST(leak_fingerprint, a_value_is_the_same_on_every_machine)
{
    /* FNV-1a of entry, called function, end mark; checked against a computation outside. */
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    cr_assert_eq(print_of(builder, "app:take|app:worker"), UINT64_C(0xe25eb9dd0cb6fd02));
}

SL_TEST(leak_fingerprint, inlining_does_not_change_it)
{
    assert_same("app:take|app:worker" START, "+app:take|app:worker" START);
}

SL_TEST(leak_fingerprint, names_of_compiler_clones_are_those_of_the_function)
{
    static const char *const clones[] = {
        "take.part.0",          "take.constprop.0",
        "take.isra.0",          "take.cold",
        "take.cold.12",         "take.lto_priv.3",
        "take.isra.0.cold",     "take.constprop.1.isra.0",
        "take.llvm.1234567",    "take.__uniq.88",
        "take [clone .isra.0]", "take [clone .constprop.0] [clone .isra.0]",
        "take (.cold)",         "take::h0123456789abcdef",
        "take@@VERS_1.0",       "take@VERS_1.0",
    };
    for (size_t i = 0; i < SL_COUNT_OF(clones); i++) {
        char frames[96];
        (void) snprintf(frames, sizeof frames, "app:%s|app:worker", clones[i]);
        assert_same(frames, "app:take|app:worker");
    }
}

SL_TEST(leak_fingerprint, names_that_only_look_like_clones_are_kept)
{
    static const char *const names[] = {
        "take.partial",
        "take.part",
        "take.part.x",
        "take.colder",
        "take.1",
        "take::hello",
        "take.isra",
        "_take",
        "take2",
        "take._omp_fn.0",
        "take::h0123456789abcde",
    };
    for (size_t i = 0; i < SL_COUNT_OF(names); i++) {
        char frames[96];
        (void) snprintf(frames, sizeof frames, "app:%s|app:worker", names[i]);
        assert_differ(frames, "app:take|app:worker");
    }
}

SL_TEST(leak_fingerprint, a_function_and_its_outlined_part_are_one_frame)
{
    assert_same("app:take.part.0|app:take|app:worker", "app:take|app:worker");
    assert_same("app:take.part.0|app:worker", "app:take|app:worker");
    assert_differ("app:take.constprop.0|app:take|app:worker", "app:take|app:worker");
}

SL_TEST(leak_fingerprint, insides_of_the_c_library_do_not_change_it)
{
    static const char plain[] = "libc.so.6:|libc.so.6:pthread_cond_wait@@GLIBC_2.3.2|app:take"
                                "|app:worker|libc.so.6:|libc.so.6:";
    assert_same(plain, "libc.so.6:__futex_abstimed_wait_common64"
                       "|libc.so.6:__futex_abstimed_wait_cancelable64"
                       "|libc.so.6:___pthread_cond_wait|app:take|app:worker" START);
    assert_same("libc.so.6:clock_nanosleep|app:worker",
                "libc.so.6:__GI___clock_nanosleep|app:worker");
    assert_differ(plain, "libc.so.6:|libc.so.6:pthread_mutex_lock|app:take|app:worker" START);
}

SL_TEST(leak_fingerprint, functions_without_names_are_told_apart_by_their_place)
{
    assert_differ("app@12f0:|app:worker" START, "app@1300:|app:worker" START);
    assert_differ("one.so@12f0:" START, "two.so@12f0:" START);
    assert_differ("app@12f0:" START, "@12f0:" START);
    assert_same("app@12f0:|app:worker" START, "app@12f0:|app:worker" START);
    /* A name says it all. */
    assert_same("app@12f0:take|app:worker" START, "app@1300:take|app:worker" START);
}

SL_TEST(leak_fingerprint, a_callback_from_the_c_library_counts)
{
    assert_differ("app:compare|libc.so.6:qsort|app:worker" START, "app:compare|app:worker" START);
    assert_differ("app:compare|libc.so.6:qsort|app:worker" START,
                  "app:compare|libc.so.6:bsearch|app:worker" START);
}

SL_TEST(leak_fingerprint, how_the_thread_was_started_does_not_count)
{
    assert_same("app:worker" START, "app:worker|libc.so.6:|libc.so.6:");
    assert_same("app:worker" START, "app:worker|libpthread.so.0:start_thread|libc.so.6:__clone");
    assert_same("app:worker" START, "app:worker|libstdc++.so.6.0.30:" START);
    assert_same("app:worker" START, "app:worker|app:start_thread|app:__clone3");
}

SL_TEST(leak_fingerprint, frames_without_a_function_count_by_module)
{
    assert_same("libnats.so.3.4.1:|libnats.so.3.4.1:", "libnats.so.3.4.1:|libnats.so.3.4.1:");
    assert_differ("libnats.so.3.4.1:|libnats.so.3.4.1:", "libnats.so.3.4.1:");
    assert_differ("libnats.so.3.4.1:", "libuv.so.1:");
    assert_differ("libnats.so.3.4.1:", ":");
    assert_same(":|app:worker", ":|app:worker");
}

SL_TEST(leak_fingerprint, path_patch_version_and_deletion_of_a_module_do_not_count)
{
    assert_same("/usr/lib/libnats.so.3.4.1:f", "libnats.so.3.5.0:f");
    assert_same("/opt/app:f", "/tmp/app (deleted):f");
    assert_same("libnats.so.3.4.1 (deleted):f", "libnats.so.3:f");
    assert_differ("libnats.so.3.4.1:f", "libnats.so.4.0.0:f");
    assert_differ("libnats.so.3:f", "libnats.so:f");
}

SL_TEST(leak_fingerprint, a_partial_stack_differs_from_a_complete_one)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    const struct sl_stack *complete = sl_build_stack(builder, "app:take|app:worker");
    const struct sl_stack *partial = sl_build_partial(builder, "app:take|app:worker", "no table");
    const struct sl_stack *other = sl_build_partial(builder, "app:take|app:worker", "no memory");
    cr_assert_neq(fingerprint_of(complete), fingerprint_of(partial));
    cr_assert_eq(fingerprint_of(partial), fingerprint_of(other));
}

SL_TEST(leak_fingerprint, threads_without_a_stack_differ_by_reason_and_name_pattern)
{
    struct sl_thread thread = {.name = "pull-17", .reason = "thread 4711 was on a CPU"};
    struct sl_thread number = {.name = "pull-4", .reason = "thread 9 was on a CPU"};
    struct sl_thread name = {.name = "push-17", .reason = "thread 4711 was on a CPU"};
    struct sl_thread reason = {.name = "pull-17", .reason = "not permitted"};
    struct sl_thread none = {.name = "pull-17"};
    uint64_t print = fingerprint_of_thread(&thread);

    cr_assert_eq(print, fingerprint_of_thread(&number));
    cr_assert_neq(print, fingerprint_of_thread(&name));
    cr_assert_neq(print, fingerprint_of_thread(&reason));
    cr_assert_neq(print, fingerprint_of_thread(&none));
}

SL_TEST(leak_fingerprint, a_stack_without_frames_is_no_stack)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    const struct sl_stack *empty = sl_build_partial(builder, "", "first frame not readable");
    struct sl_thread with = {.name = "pull-1", .stack = empty};
    struct sl_thread without = {.name = "pull-1", .reason = "first frame not readable"};
    cr_assert_eq(fingerprint_of_thread(&with), fingerprint_of_thread(&without));
    cr_assert_eq(fingerprint_of(NULL), fingerprint_of(NULL));
}

static void assert_recognised(const char *frames, const char *function)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    const char *found = frame_telling(sl_build_stack(builder, frames))->function;
    cr_assert_eq(found == NULL, function == NULL, "%s", frames);
    if (found)
        cr_assert_str_eq(found, function);
}

SL_TEST(leak_names, a_stack_is_recognised_by_its_innermost_function_outside_the_runtime)
{
    assert_recognised("libc.so.6:futex|libc.so.6:pthread_cond_wait|app:take|app:worker" START,
                      "take");
    assert_recognised("libc.so.6:read|libssl.so.3:|app:fetch.part.0|app:pull" START,
                      "fetch.part.0");
    assert_recognised("libc.so.6:futex|libstdc++.so.6.0.30:std::thread::join()|app:Bus::stop()",
                      "Bus::stop()");
}

SL_TEST(leak_names, a_static_program_is_recognised_past_its_own_c_library)
{
    assert_recognised("app:__futex_abstimed_wait_common64|app:___pthread_cond_wait|app:take"
                      "|app:worker|app:start_thread|app:__clone3",
                      "take");
    assert_recognised("app:__futex_abstimed_wait_common64|app:start_thread|app:__clone3",
                      "__futex_abstimed_wait_common64");
}

SL_TEST(leak_names, a_stack_inside_the_runtime_is_recognised_by_its_entry)
{
    assert_recognised("libc.so.6:ppoll|libc.so.6:timer_helper_thread" START, "timer_helper_thread");
    assert_recognised("libc.so.6:|libc.so.6:", NULL);
    cr_assert_null(frame_telling(NULL));
}
