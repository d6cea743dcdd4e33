/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/snapshot/killable/errand.h"

#define LONG (20 * SL_NS_PER_S) /* what is not given up takes microseconds */

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
    cr_assert(waitpid(-1, NULL, __WALL | WNOHANG) < 0 && errno == ECHILD, "a task is left");
}
