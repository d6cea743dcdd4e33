/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "harness/server/private_dir.h"

static char parent[] = "/tmp/sl-test-XXXXXX";

/* Every test works in a directory of its own, named by TMPDIR. */
static void make_parent(void)
{
    cr_assert(mkdtemp(parent));
    cr_assert_eq(setenv("TMPDIR", parent, 1), 0);
}

static void remove_parent(void)
{
    cr_assert(sl_private_dir_remove(parent));
}

static void make_name(char path[PATH_MAX])
{
    struct sl_error err = {0};
    sl_assert_ok(sl_private_dir_name(path, &err), &err);
}

static bool exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static void make_file(const char *directory, const char *name)
{
    char path[PATH_MAX + 64];

    (void) snprintf(path, sizeof path, "%s/%s", directory, name);
    SL_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
}

/* Make a directory as its owner leaves it when it is killed: filled and not locked. */
static void leave_over(char path[PATH_MAX])
{
    int lock;

    make_name(path);
    int dir = sl_private_dir_create(path, &lock);
    cr_assert_geq(dir, 0);
    cr_assert_eq(mkdirat(dir, "store", 0700), 0);
    cr_assert_eq(mkdirat(dir, "store/stream", 0700), 0);
    make_file(path, "store/stream/1.blk");
    (void) close(lock);
    (void) close(dir);
}

SL_TEST(private_dir, two_names_differ_and_stand_below_tmpdir)
{
    char one[PATH_MAX], other[PATH_MAX];

    make_parent();
    make_name(one);
    make_name(other);
    cr_assert_eq(strncmp(one, parent, strlen(parent)), 0, "%s", one);
    cr_assert_str_neq(one, other);
    remove_parent();
}

SL_TEST(private_dir, a_relative_tmpdir_is_not_used)
{
    char path[PATH_MAX];

    cr_assert_eq(setenv("TMPDIR", "here", 1), 0);
    make_name(path);
    cr_assert_eq(strncmp(path, "/tmp/strandline-", 16), 0, "%s", path);
}

SL_TEST(private_dir, a_created_one_is_for_its_user_only)
{
    char path[PATH_MAX];
    struct stat info;
    int lock;

    make_parent();
    make_name(path);
    SL_AUTO_FD int dir = sl_private_dir_create(path, &lock);
    cr_assert_geq(dir, 0);
    cr_assert_eq(fstat(dir, &info), 0);
    cr_assert_eq(info.st_mode & 07777, 0700);
    (void) close(lock);
    remove_parent();
}

SL_TEST(private_dir, an_existing_path_is_not_taken_over)
{
    char path[PATH_MAX];
    int lock;

    make_parent();
    make_name(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    make_file(path, "precious");
    cr_assert_eq(sl_private_dir_create(path, &lock), -1);
    cr_assert_eq(errno, EEXIST);
    cr_assert_neq(rmdir(path), 0, "the file in it was removed");
    remove_parent();
}

SL_TEST(private_dir, remove_takes_the_tree_and_not_what_links_in_it_name)
{
    char path[PATH_MAX], elsewhere[PATH_MAX + 64], link[PATH_MAX + 64];

    make_parent();
    (void) snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", parent);
    cr_assert_eq(mkdir(elsewhere, 0700), 0);
    make_file(elsewhere, "precious");
    leave_over(path);
    (void) snprintf(link, sizeof link, "%s/store/link", path);
    cr_assert_eq(symlink(elsewhere, link), 0);

    cr_assert(sl_private_dir_remove(path));
    cr_assert_not(exists(path));
    cr_assert_neq(rmdir(elsewhere), 0, "the linked directory was emptied");
    cr_assert(sl_private_dir_remove(path), "what is gone already is gone");
    remove_parent();
}

SL_TEST(private_dir, sweep_removes_what_nobody_holds)
{
    char path[PATH_MAX], other[PATH_MAX];

    make_parent();
    leave_over(path);
    make_name(other);
    sl_private_dir_sweep(other);
    cr_assert_not(exists(path));
    remove_parent();
}

SL_TEST(private_dir, sweep_spares_what_is_held)
{
    char path[PATH_MAX], other[PATH_MAX];
    int lock;

    make_parent();
    make_name(path);
    SL_AUTO_FD int dir = sl_private_dir_create(path, &lock);
    cr_assert_geq(dir, 0);
    make_name(other);
    sl_private_dir_sweep(other);
    cr_assert(exists(path));
    (void) close(lock);
    remove_parent();
}

SL_TEST(private_dir, sweep_spares_what_is_not_certainly_ours)
{
    char path[PATH_MAX], other[PATH_MAX], named[PATH_MAX + 64], link[PATH_MAX + 64];

    make_parent();
    /* Ours by name, but without a lock file: it may be just being created. */
    make_name(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    make_file(path, "precious");
    /* Left over, but under a name that we do not give. */
    leave_over(other);
    (void) snprintf(named, sizeof named, "%s/strandline-notes", parent);
    cr_assert_eq(rename(other, named), 0);
    /* A link of our kind of name that leads to a directory that was left over. */
    (void) snprintf(link, sizeof link, "%s/strandline-0123456789abcdef", parent);
    cr_assert_eq(symlink(named, link), 0);

    sl_private_dir_sweep(other);
    cr_assert(exists(path));
    cr_assert_neq(rmdir(path), 0, "it was emptied");
    cr_assert(exists(named));
    cr_assert_neq(rmdir(named), 0, "it was emptied");
    cr_assert(exists(link));
    remove_parent();
}
