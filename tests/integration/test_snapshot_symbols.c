/* SPDX-License-Identifier: Apache-2.0 */
/* Where the names of functions come from, besides the program's own file. */
#include "sl_snapshot_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "command.h"
#include "sl_subject.h"

/* A directory with `full`, a copy of a subject that has symbols, and what a test makes of it. */
static char directory[] = "/tmp/test_symbols_XXXXXX";

/* A command of the shell, in the directory.  @return its exit status */
static int shell(const char *text)
{
    const char *const argv[] = {"sh", "-c", text, NULL};
    const struct command command = {.argv = argv, .directory = directory};
    struct command_result result = command_run(&command);
    int status = result.status;
    return status;
}

static void make_directory(void)
{
    cr_assert(mkdtemp(directory));
    if (shell("command -v strip && command -v objcopy && command -v xz")) {
        (void) rmdir(directory);
        cr_skip_test("strip, objcopy and xz are not all installed");
    }
    cr_assert(shell("cp " SL_SUBJECTS_DIR "/parked full") == 0);
}

static void remove_directory(void)
{
    char command[128];
    (void) snprintf(command, sizeof command, "cd / && rm -rf %s", directory);
    cr_assert(shell(command) == 0);
}

/* Is the function that only .symtab names on the stack of a thread of this process? */
static bool names_park(pid_t pid)
{
    await_sleep(pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(pid);
    bool named = false;
    for (size_t i = 0; i < snapshot->n_threads; i++)
        named = named || has_function(snapshot->threads[i].stack, "park");
    return named;
}

static bool is_named(const char *program)
{
    char path[128];
    const char *const argv[] = {path, "1", NULL};

    (void) snprintf(path, sizeof path, "%s/%s", directory, program);
    struct sl_test_subject subject = sl_subject_start(argv);
    bool named = names_park(subject.pid);
    cr_assert_eq(sl_subject_end(&subject), 0);
    return named;
}

SL_TEST(snapshot_symbols, a_linked_debug_file_is_found_beside_the_program_and_in_its_folder,
        .timeout = 60)
{
    make_directory();
    cr_assert(shell("strip -o none full") == 0);
    cr_assert(!is_named("none"));
    cr_assert(shell("objcopy --only-keep-debug full beside.debug && strip -o beside full &&"
                    "objcopy --add-gnu-debuglink=beside.debug beside") == 0);
    cr_assert(is_named("beside"));
    cr_assert(shell("mkdir .debug && mv beside.debug .debug") == 0);
    cr_assert(is_named("beside"));
    remove_directory();
}

/* Which is the one that the process sees, not that of this test. */
SL_TEST(snapshot_symbols, a_linked_debug_file_is_found_in_the_global_folder, .timeout = 60)
{
    char script[512];
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};

    make_directory();
    (void) snprintf(script, sizeof script,
                    "exec unshare -rm sh -c 'mount -t tmpfs none /usr/lib/debug && "
                    "mkdir -p /usr/lib/debug%s && mv global.debug /usr/lib/debug%s && "
                    "cd %s && exec ./global 1'",
                    directory, directory, directory);
    if (shell("test -d /usr/lib/debug && unshare -rm mount -t tmpfs none /usr/lib/debug")) {
        remove_directory();
        cr_skip_test("no name space in which /usr/lib/debug is another may be made");
    }
    cr_assert(shell("objcopy --only-keep-debug full global.debug && strip -o global full &&"
                    "objcopy --add-gnu-debuglink=global.debug global") == 0);
    cr_assert(chdir(directory) == 0);
    struct sl_test_subject subject = sl_subject_start(argv);
    cr_assert(names_park(subject.pid));
    cr_assert_eq(sl_subject_end(&subject), 0);
    remove_directory();
}

SL_TEST(snapshot_symbols, a_linked_debug_file_that_is_not_the_programs_is_not_used, .timeout = 60)
{
    make_directory();
    cr_assert(shell("objcopy --only-keep-debug full changed.debug && strip -o changed full &&"
                    "objcopy --add-gnu-debuglink=changed.debug changed && "
                    "echo more >>changed.debug") == 0);
    cr_assert(!is_named("changed"), "its checksum is another");
    if (shell("objcopy --dump-section .note.gnu.build-id=id full") == 0) {
        cr_assert(shell("printf 'another' | dd of=id bs=1 seek=16 conv=notrunc &&"
                        "objcopy --update-section .note.gnu.build-id=id full twin &&"
                        "objcopy --only-keep-debug twin twin.debug && strip -o other full &&"
                        "objcopy --add-gnu-debuglink=twin.debug other") == 0);
        cr_assert(!is_named("other"), "its build-id is another");
    }
    remove_directory();
}

SL_TEST(snapshot_symbols, packed_symbols_are_read, .timeout = 60)
{
    make_directory();
    /* First: what is known of a build-id is kept for the life of this process. */
    cr_assert(shell("strip -o broken full && printf 'no symbols at all' >text &&"
                    "objcopy --add-section .gnu_debugdata=text broken") == 0);
    cr_assert(!is_named("broken"));
    cr_assert(shell("strip -o packed full && objcopy -S --keep-symbol=park full symbols &&"
                    "xz -9 symbols &&"
                    "objcopy --add-section .gnu_debugdata=symbols.xz packed") == 0);
    cr_assert(is_named("packed"));
    remove_directory();
}

SL_TEST(snapshot_symbols, packed_symbols_that_are_too_large_are_left_out, .timeout = 60)
{
    make_directory();
    cr_assert(shell("strip -o large full && head -c 200M /dev/zero | xz -1 >large.xz &&"
                    "objcopy --add-section .gnu_debugdata=large.xz large") == 0);
    cr_assert(!is_named("large"));
    remove_directory();
}

SL_TEST(snapshot_symbols, functions_without_a_size_have_names, .timeout = 60)
{
    static const char *const names[] = {"wait_for_input", "without_size", "with_size", "main",
                                        NULL};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("no_sizes");

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert(has_functions(snapshot->threads[0].stack, names));
    cr_assert(!has_function(snapshot->threads[0].stack, "label_inside"));
}

/* The frame of the generated code: it has no unwind table, so it is the outermost. */
static struct sl_frame outermost(pid_t pid, struct sl_snapshot **ret_snapshot)
{
    *ret_snapshot = take(pid);
    const struct sl_thread *thread = thread_named(*ret_snapshot, "generated");
    cr_assert(thread && thread->stack && has_function(thread->stack, "wait_for_ever"));
    for (size_t i = 0; i + 1 < thread->stack->n_frames; i++)
        if (thread->stack->frames[i].function &&
            strcmp(thread->stack->frames[i].function, "wait_for_ever") == 0)
            return thread->stack->frames[i + 1];
    cr_assert_fail("the generated code has no frame");
    return (struct sl_frame){0};
}

SL_TEST(snapshot_symbols, generated_code_is_named_by_the_map_of_its_process, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("generated_code");
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;

    await_sleep(subject.pid);
    struct sl_frame frame = outermost(subject.pid, &snapshot);
    cr_assert_str_eq(frame.function, "*newer /some where.js:3");
    cr_assert_str_eq(frame.module, "[jit]");
}

SL_TEST(snapshot_symbols, the_map_of_another_process_names_nothing, .timeout = 60)
{
    const char *const argv[] = {"generated_code", NULL};
    const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    char path[64];

    await_sleep(subject.pid);
    (void) snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long) subject.pid);
    cr_assert(utimensat(AT_FDCWD, path, old, 0) == 0);
    cr_assert_null(outermost(subject.pid, &snapshot).function, "it is older than the process");
    cr_assert(utimensat(AT_FDCWD, path, NULL, 0) == 0);
    if (chown(path, 54321, (gid_t) -1) == 0) {
        sl_snapshot_free(snapshot);
        cr_assert_null(outermost(subject.pid, &snapshot).function, "it is another user's");
    }
    cr_assert(unlink(path) == 0 && symlink("/proc/self/maps", path) == 0);
    sl_snapshot_free(snapshot);
    cr_assert_null(outermost(subject.pid, &snapshot).function, "it is a link");
}
