/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "reports/report.h"
#include "result_builder.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define FOLDER_TEMPLATE "/tmp/strandline-test-XXXXXX"

struct folder {
    char path[sizeof FOLDER_TEMPLATE];
    char report[sizeof FOLDER_TEMPLATE + 32];
};

static struct folder folder_open(void)
{
    struct folder folder = {.path = FOLDER_TEMPLATE};
    cr_assert(mkdtemp(folder.path));
    (void) snprintf(folder.report, sizeof folder.report, "%s/report.json", folder.path);
    return folder;
}

/* Names in the folder other than the report's: what a failed write may not leave. */
static size_t count_leftovers(const struct folder *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder->path);
    cr_assert(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
             strcmp(entry->d_name, "report.json") != 0;
    (void) closedir(dir);
    return n;
}

static void folder_close(const struct folder *folder)
{
    (void) unlink(folder->report);
    cr_assert_eq(rmdir(folder->path), 0, "%s: %s", folder->path, strerror(errno));
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    cr_assert(out);
    (void) fputs(text, out);
    (void) fclose(out);
}

/* A report of some 400 KiB. */
static struct sl_run_result *large_result(void)
{
    struct sl_run_result *result = result_new();
    (void) result_add_cell(result, "low", "keyed", "memory", NULL, 150);
    return result;
}

/* A write into the folder fails with text and leaves what was there. */
static void assert_old_survives(const struct folder *folder, const char *text)
{
    SL_AUTO(sl_run_result) struct sl_run_result *large = large_result();
    sl_assert_fails(sl_report_write(large, folder->report, &err), SL_ESYS, &err, text);
    cr_assert(strstr(err.text, folder->report), "%s", err.text);
    SL_AUTO_FREE char *old = result_read_file(folder->report);
    cr_assert_str_eq(old, "old");
    cr_assert_eq(count_leftovers(folder), 0);
}

SL_TEST(report_file, a_pipe_that_nobody_reads_is_not_waited_for)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    cr_assert_eq(mkfifo(folder.report, 0600), 0);
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    sl_assert_ok(sl_report_place_open(folder.report, &place, &err), &err);
    sl_assert_fails(sl_report_place_write(&place, result, &err), SL_ESYS, &err,
                    "nobody reads from it");
    int reader = open(folder.report, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char first = 0;
    sl_assert_ok(sl_report_place_write(&place, result, &err), &err);
    cr_assert_eq(read(reader, &first, 1), 1);
    cr_assert_eq(first, '{');
    (void) close(reader);
}

SL_TEST(report_file, a_link_that_somebody_makes_meanwhile_is_replaced_and_not_followed)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    char victim[sizeof folder.report];
    (void) snprintf(victim, sizeof victim, "%s/victim", folder.path);
    write_text(victim, "precious");
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    sl_assert_ok(sl_report_place_open(folder.report, &place, &err), &err);
    cr_assert_eq(symlink(victim, folder.report), 0);
    sl_assert_ok(sl_report_place_write(&place, result, &err), &err);
    SL_AUTO_FREE char *text = result_read_file(victim), *report = result_read_file(folder.report);
    cr_assert_str_eq(text, "precious");
    cr_assert_eq(report[0], '{');
    (void) unlink(victim);
}

SL_TEST(report_file, what_a_device_became_meanwhile_is_not_written_through)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    cr_assert_eq(mkfifo(folder.report, 0600), 0);
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    sl_assert_ok(sl_report_place_open(folder.report, &place, &err), &err);
    cr_assert_eq(unlink(folder.report), 0);
    write_text(folder.report, "precious");
    sl_assert_fails(sl_report_place_write(&place, result, &err), SL_ESYS, &err, "is a file now");
    SL_AUTO_FREE char *text = result_read_file(folder.report);
    cr_assert_str_eq(text, "precious");
}

SL_TEST(report_file, a_report_is_replaced_and_reads_back)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    write_text(folder.report, "old");
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    sl_assert_ok(sl_report_write(full, folder.report, &err), &err);
    cr_assert_eq(count_leftovers(&folder), 0);

    struct sl_run_result *read_raw = NULL;
    sl_assert_ok(sl_report_read(folder.report, &read_raw, &err), &err);
    SL_AUTO(sl_run_result) struct sl_run_result *read = read_raw;
    SL_AUTO_FREE char *expected = result_to_json(full), *got = result_to_json(read);
    cr_assert_str_eq(got, expected);
}

SL_TEST(report_file, what_is_written_conforms_to_the_schema)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    SL_AUTO(sl_run_result) struct sl_run_result *empty = result_new();
    const struct sl_run_result *results[] = {full, empty};
    for (size_t i = 0; i < SL_COUNT_OF(results); i++) {
        sl_assert_ok(sl_report_write(results[i], folder.report, &err), &err);
        int status = result_validate(folder.report);
        if (status == 77)
            cr_skip_test("python3-jsonschema is not installed");
        cr_assert_eq(status, 0);
    }
}

SL_TEST(report_file, a_new_report_has_the_permissions_of_any_new_file)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    struct stat stat_of;
    (void) umask(027);
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    sl_assert_ok(sl_report_write(result, folder.report, &err), &err);
    cr_assert_eq(stat(folder.report, &stat_of), 0);
    cr_assert_eq(stat_of.st_mode & 07777, 0640);
}

SL_TEST(report_file, a_link_stays_and_its_target_is_replaced)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    struct stat stat_of;
    char link[sizeof folder.report];
    write_text(folder.report, "old");
    (void) snprintf(link, sizeof link, "%s/link", folder.path);
    cr_assert_eq(symlink("report.json", link), 0);
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    sl_assert_ok(sl_report_write(result, link, &err), &err);
    cr_assert_eq(lstat(link, &stat_of), 0);
    cr_assert(S_ISLNK(stat_of.st_mode));
    SL_AUTO_FREE char *text = result_read_file(folder.report);
    cr_assert_eq(text[0], '{');
    (void) unlink(link);
}

SL_TEST(report_file, an_old_report_is_moved_and_the_link_to_it_stays)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    struct stat stat_of;
    char link[sizeof folder.report], old[sizeof folder.report];
    write_text(folder.report, "old");
    (void) snprintf(link, sizeof link, "%s/link", folder.path);
    (void) snprintf(old, sizeof old, "%s/report.json.old", folder.path);
    cr_assert_eq(symlink("report.json", link), 0);
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    sl_assert_ok(sl_report_place_open(link, &place, &err), &err);
    cr_assert_neq(access(folder.report, F_OK), 0, "nothing is taken for the new report");
    sl_assert_ok(sl_report_write(result, place.target, &err), &err);
    cr_assert_eq(lstat(link, &stat_of), 0);
    cr_assert(S_ISLNK(stat_of.st_mode));
    SL_AUTO_FREE char *text = result_read_file(old);
    cr_assert_str_eq(text, "old");
    (void) unlink(link);
    (void) unlink(old);
}

SL_TEST(report_file, an_empty_file_is_no_old_report)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    write_text(folder.report, "");
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    sl_assert_ok(sl_report_place_open(folder.report, &place, &err), &err);
    cr_assert_null(place.kept);
    cr_assert_eq(count_leftovers(&folder), 0);
}

SL_TEST(report_file, a_full_disk_leaves_the_old_report)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        cr_skip_test("needs a mount namespace of its own: %s", strerror(errno));
    cr_assert_eq(mount("tmpfs", folder.path, "tmpfs", 0, "size=64k"), 0);
    write_text(folder.report, "old");
    assert_old_survives(&folder, "No space left on device");
    (void) umount(folder.path);
}

SL_TEST(report_file, a_file_size_limit_leaves_the_old_report)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
    write_text(folder.report, "old");
    (void) signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_old_survives(&folder, "File too large");
}

SL_TEST(report_file, a_folder_that_does_not_exist_is_an_error)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    sl_assert_fails(sl_report_write(result, "/nonexistent/r.json", &err), SL_ESYS, &err,
                    "cannot write '/nonexistent/r.json': cannot create a file in '/nonexistent/'");
}

SL_TEST(report_file, a_device_is_written_to_and_not_replaced)
{
    struct stat stat_of;
    SL_AUTO(sl_run_result) struct sl_run_result *result = result_new();
    sl_assert_fails(sl_report_write(result, "/dev/full", &err), SL_ESYS, &err,
                    "cannot write '/dev/full': cannot write the report: No space left on device");
    sl_assert_ok(sl_report_write(result, "/dev/null", &err), &err);
    cr_assert_eq(stat("/dev/null", &stat_of), 0);
    cr_assert(S_ISCHR(stat_of.st_mode));
}

SL_TEST(report_file, a_stream_that_fails_is_an_error)
{
    SL_AUTO(sl_run_result) struct sl_run_result *result = large_result();
    FILE *full = fopen("/dev/full", "w");
    cr_assert(full);
    sl_assert_fails(sl_report_print(result, full, &err), SL_ESYS, &err, "No space left on device");
    (void) fclose(full);
}

SL_TEST(report_file, what_cannot_be_opened_or_read_is_an_error)
{
    struct sl_run_result *result = NULL;
    sl_assert_fails(sl_report_read("/nonexistent.json", &result, &err), SL_ESYS, &err,
                    "cannot open '/nonexistent.json': No such file");
    sl_assert_fails(sl_report_read("/tmp", &result, &err), SL_ESYS, &err,
                    "/tmp: cannot read it: Is a directory");
    sl_assert_fails(sl_report_read("/dev/zero", &result, &err), SL_EPARSE, &err,
                    "/dev/zero: larger than 1024 MiB");
}

SL_TEST(report_file, a_dash_reads_standard_input)
{
    SL_CLEANUP(folder_close) struct folder folder = folder_open();
    SL_AUTO(sl_run_result) struct sl_run_result *full = result_new_full();
    struct sl_run_result *read_raw = NULL;
    sl_assert_ok(sl_report_write(full, folder.report, &err), &err);
    cr_assert(freopen(folder.report, "r", stdin));
    sl_assert_ok(sl_report_read("-", &read_raw, &err), &err);
    SL_AUTO(sl_run_result) struct sl_run_result *read = read_raw;
    cr_assert_eq(read->n_cells, 2);
}
