/* SPDX-License-Identifier: Apache-2.0 */
/* What a look leaves for the next one, as who types the command sees it. */
#include "sl_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "quiet.h"
#include "sl_subject.h"
#include "strandline.h"

static void enter(void)
{
    strandline_enter();
    cr_assert_eq(setenv("XDG_CACHE_HOME", strandline_directory(), 1), 0);
}

#define CACHE_TEST(name) SL_TEST(cli_cache, name, .init = enter, .fini = strandline_leave)

/* Of the first file that is there; NULL: there is none. */
static const char *a_file(void)
{
    static char path[4200];
    bool found = false;

    (void) snprintf(path, sizeof path, "%s/strandline", strandline_directory());
    DIR *files = opendir(path);
    for (const struct dirent *entry; files && !found && (entry = readdir(files));) {
        found = entry->d_name[0] != '.';
        (void) snprintf(path, sizeof path, "%s/strandline/%s", strandline_directory(),
                        entry->d_name);
    }
    if (files)
        (void) closedir(files);
    return found ? path : NULL;
}

/* What is printed of the process, but for how long it took. */
static char *look(pid_t pid, const char *option)
{
    char text[16];

    (void) snprintf(text, sizeof text, "%ld", (long) pid);
    struct command_result result = strandline_run("snapshot", text, option, NULL);
    cr_assert_eq(result.status, 0, "%s", result.errors);
    char *took = strstr(result.output, "; took ");
    char *end = took ? strchr(took, '\n') : NULL;
    cr_assert(took && end, "%s", result.output);
    memmove(took, end, strlen(end) + 1);
    return result.output;
}

static struct sl_test_subject start(void)
{
    struct sl_test_subject subject = sl_subject("parked", "3", NULL);
    quiet_await(subject.pid);
    return subject;
}

CACHE_TEST(a_second_look_shows_what_the_first_did)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start();
    const char *first = look(subject.pid, NULL);

    cr_assert(a_file(), "nothing is kept");
    cr_assert_str_eq(look(subject.pid, NULL), first);
    cr_assert_str_eq(look(subject.pid, "--no-cache"), first);
}

CACHE_TEST(without_the_cache_nothing_is_kept)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start();

    (void) look(subject.pid, "--no-cache");
    cr_assert_null(a_file());
    (void) look(subject.pid, "--no-symbols");
    cr_assert_null(a_file());
}

CACHE_TEST(a_cache_that_cannot_be_used_changes_nothing)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = start();
    const char *first = look(subject.pid, NULL);
    const char *path = a_file();

    cr_assert(path);
    SL_AUTO_FD int file = open(path, O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(file, "lies", 4, 600), 4);
    cr_assert_str_eq(look(subject.pid, NULL), first);
    cr_assert_eq(truncate(path, 100), 0);
    cr_assert_str_eq(look(subject.pid, NULL), first);
    cr_assert_eq(chmod(path, 0666), 0);
    cr_assert_str_eq(look(subject.pid, NULL), first);
    cr_assert_eq(setenv("XDG_CACHE_HOME", "/proc/self", 1), 0);
    cr_assert_str_eq(look(subject.pid, NULL), first);
}

/* Is anything kept of the program? */
static bool is_kept(const char *name)
{
    char command[4400];

    (void) snprintf(command, sizeof command, "grep -rq '%s' '%s/strandline'", name,
                    strandline_directory());
    return system(command) == 0;
}

CACHE_TEST(only_files_of_root_and_of_the_user_are_kept)
{
    static const struct {
        mode_t mode;
        bool kept;
    } cases[] = {{0755, true}, {0775, false}, {0757, false}};
    char program[4300], command[9000];

    (void) snprintf(program, sizeof program, "%s/program", strandline_directory());
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        (void) snprintf(command, sizeof command, "rm -rf '%s/strandline'; cp '%s/parked' '%s'",
                        strandline_directory(), SL_SUBJECTS_DIR, program);
        cr_assert(system(command) == 0 && chmod(program, cases[i].mode) == 0);
        struct sl_test_subject subject = sl_subject(program, "3");
        quiet_await(subject.pid);
        const char *first = look(subject.pid, NULL);
        cr_assert_eq(is_kept("parked\\.c"), cases[i].kept, "mode %o", cases[i].mode);
        cr_assert_str_eq(look(subject.pid, NULL), first);
        cr_assert_eq(sl_subject_end(&subject), 0);
    }
}
