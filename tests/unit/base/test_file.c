/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/macros.h"
#include "sl_alloc.h"

static char path[64];

/* An unlinked file is not enough: one function opens it by its name. */
static int make_file(const char *text, size_t size)
{
    (void) snprintf(path, sizeof path, "/tmp/strandline-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, size), (ssize_t) size);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void remove_file(void)
{
    (void) unlink(path);
}

static int count_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

SL_TEST(file, as_much_as_there_is_room_for_is_read_and_terminated, .fini = remove_file)
{
    SL_AUTO_FD int fd = make_file("0123456789", 10);
    char room[16], small[5];
    int before = count_descriptors();

    cr_assert(fd >= 0);
    memset(room, 'x', sizeof room);
    cr_assert(sl_file_read(path, room, sizeof room));
    cr_assert_str_eq(room, "0123456789");
    cr_assert(sl_file_read(path, small, sizeof small));
    cr_assert_str_eq(small, "0123");
    cr_assert_eq(count_descriptors(), before);
}

SL_TEST(file, what_is_not_there_or_is_no_file_cannot_be_read)
{
    char room[16];

    cr_assert_not(sl_file_read("/nowhere/at/all", room, sizeof room));
    cr_assert_not(sl_file_read("/tmp", room, sizeof room));
}

SL_TEST(file, all_of_a_file_is_read_however_long, .fini = remove_file)
{
    enum { SIZE = 200000 };
    SL_AUTO_FREE char *text = malloc(SIZE), *data = NULL;
    size_t size = 0;

    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char) ('a' + i % 23);
    SL_AUTO_FD int fd = make_file(text, SIZE);
    cr_assert(sl_file_read_all(fd, SIZE_MAX, &data, &size));
    cr_assert_eq(size, SIZE);
    cr_assert_eq(memcmp(data, text, SIZE), 0);
    cr_assert_eq(data[SIZE], '\0');
}

SL_TEST(file, no_more_is_read_than_is_asked_for, .fini = remove_file)
{
    SL_AUTO_FD int fd = make_file("0123456789", 10);
    SL_AUTO_FREE char *data = NULL;
    size_t size = 0;

    cr_assert(sl_file_read_all(fd, 4, &data, &size));
    cr_assert_eq(size, 4);
    cr_assert_str_eq(data, "0123");
}

SL_TEST(file, a_descriptor_that_cannot_be_read_is_an_error_with_its_number)
{
    SL_AUTO_FREE char *data = NULL;
    size_t size = 7;

    errno = 0;
    cr_assert_not(sl_file_read_all(-1, 100, &data, &size));
    cr_assert_eq(errno, EBADF);
    cr_assert_null(data);
    cr_assert_eq(size, 7);
}

static enum sl_status attempt_to_read(void *user, struct sl_error *err)
{
    SL_AUTO_FREE char *data = NULL;
    size_t size;

    errno = 0;
    cr_assert_eq(lseek(*(int *) user, 0, SEEK_SET), 0);
    if (sl_file_read_all(*(int *) user, SIZE_MAX, &data, &size))
        return SL_OK;
    return sl_fail_errno(err, "cannot read");
}

SL_TEST(file, memory_that_is_short_is_told_by_errno, .fini = remove_file)
{
    SL_AUTO_FD int fd = make_file("0123456789", 10);

    cr_assert_geq(sl_alloc_fail_each(SL_ALLOC_ONE, attempt_to_read, &fd), 1);
}
