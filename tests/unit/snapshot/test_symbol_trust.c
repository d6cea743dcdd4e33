/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are read in the observer itself. */
#include "sl_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/symbol/trust.h"
#include "harness/snapshot/target/identity.h"

static struct sl_target open_self(void)
{
    struct sl_target target;
    struct sl_error err;

    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    return target;
}

static bool is_trusted(const struct sl_target *target, const char *path)
{
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0, "%s", path);
    return sl_trust_file(target, fd);
}

SL_TEST(symbol_trust, what_root_installed_is_trusted)
{
    struct sl_target target = open_self();

    cr_assert(is_trusted(&target, "/usr/bin/env"));
    cr_assert(is_trusted(&target, "/bin/sh"), "by where a link leads");
    sl_target_release(&target);
}

SL_TEST(symbol_trust, what_others_made_or_may_write_is_not)
{
    struct sl_target target = open_self();
    char path[] = "/tmp/test_trust_XXXXXX";
    SL_AUTO_FD int fd = mkstemp(path);

    cr_assert(fd >= 0);
    cr_assert(!is_trusted(&target, path), "not in /usr");
    cr_assert(!is_trusted(&target, "/proc/self/exe"));
    (void) unlink(path);
    SL_AUTO_FD int memory = memfd_create("/usr/lib/libc.so.6", MFD_CLOEXEC);
    cr_assert(!sl_trust_file(&target, memory));
    cr_assert(!is_trusted(&target, "/usr"), "no file");
    sl_target_release(&target);
}

SL_TEST(symbol_trust, only_root_may_be_able_to_write)
{
    struct sl_target target = open_self();
    static const char path[] = "/usr/lib/test_symbol_trust";

    SL_AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        sl_target_release(&target);
        cr_skip_test("no file may be made in /usr/lib");
    }
    (void) unlink(path);
    cr_assert(sl_trust_file(&target, fd));
    (void) fchmod(fd, 0664);
    cr_assert(!sl_trust_file(&target, fd));
    (void) fchmod(fd, 0646);
    cr_assert(!sl_trust_file(&target, fd));
    (void) fchmod(fd, 0644);
    if (fchown(fd, 65534, 0) == 0)
        cr_assert(!sl_trust_file(&target, fd));
    sl_target_release(&target);
}

SL_TEST(symbol_trust, files_are_told_apart)
{
    struct sl_target target = open_self();
    struct sl_file_identity env, again, other;
    SL_AUTO_FD int fd = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
    SL_AUTO_FD int second = open("/bin/sh", O_RDONLY | O_CLOEXEC);

    cr_assert(sl_file_identity_of(&target, fd, &env));
    cr_assert(sl_file_identity_of(&target, fd, &again));
    cr_assert(sl_file_identity_of(&target, second, &other));
    cr_assert(memcmp(&env, &again, sizeof env) == 0);
    cr_assert(memcmp(&env, &other, sizeof env) != 0);
    cr_assert(!sl_file_identity_of(&target, -1, &again));
    sl_target_release(&target);
}
