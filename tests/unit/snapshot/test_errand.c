/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/snapshot/target/errand.h"

#define LONG (20 * SL_NS_PER_S) /* what is not given up takes microseconds */

static void expect_nobody_left(void)
{
    cr_assert(waitpid(-1, NULL, __WALL | WNOHANG) < 0 && errno == ECHILD);
}

SL_TEST(errand, memory_is_read_and_a_hole_is_told)
{
    static const char text[] = "what is there";
    char copy[sizeof text];

    ssize_t got = sl_errand_read_memory(LONG, getpid(), (uintptr_t) text, copy, sizeof copy);
    if (got == -ENOSYS)
        cr_skip_test("no task can be made beside the threads");
    cr_assert_eq(got, (ssize_t) sizeof copy);
    cr_assert_str_eq(copy, text);
    cr_assert_eq(sl_errand_read_memory(LONG, getpid(), 8, copy, sizeof copy), -EFAULT);
    expect_nobody_left();
}

SL_TEST(errand, a_path_is_walked_and_its_file_system_known)
{
    int64_t type = 0;

    SL_AUTO_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    SL_AUTO_FD int proc = open("/proc/self/stat", O_PATH | O_CLOEXEC);
    int walked = sl_errand_walk(LONG, root, "proc/self/stat", 0, RESOLVE_NO_MAGICLINKS);
    if (walked == -ENOSYS)
        cr_skip_test("no task can be made beside the threads");
    cr_assert_eq(walked, 0);
    cr_assert_eq(sl_errand_walk(LONG, root, "no/such/file", 0, 0), -ENOENT);
    cr_assert_eq(sl_errand_file_system(LONG, proc, &type), 0);
    cr_assert_eq(type, PROC_SUPER_MAGIC);
    expect_nobody_left();
}

SL_TEST(errand, those_that_were_given_up_are_reaped)
{
    enum { SIZE = 4096 };
    SL_AUTO_FD int silence = (int) syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API};
    void *page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register range = {.range = {(uintptr_t) page, SIZE},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};
    char copy[1];

    if (silence < 0 || ioctl(silence, UFFDIO_API, &api) || ioctl(silence, UFFDIO_REGISTER, &range))
        cr_skip_test("no memory can be made that never answers");
    ssize_t got = sl_errand_read_memory(SL_NS_PER_MS, getpid(), (uintptr_t) page, copy, 1);
    if (got == -ENOSYS)
        cr_skip_test("no task can be made beside the threads");
    cr_assert_eq(got, -ETIMEDOUT);
    sl_errand_reap(LONG);
    expect_nobody_left();
    (void) munmap(page, SIZE);
}
