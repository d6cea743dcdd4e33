/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <sys/wait.h>

#include "harness/snapshot/capability.h"

SL_TEST(capability_probe, it_looks_at_a_child_and_leaves_none)
{
    struct sl_capability capability;
    struct sl_error err = {0};

    sl_assert_ok(sl_capability_probe(&capability, &err), &err);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
    const struct sl_snapshot_trial *used = &capability.sources[SL_SNAPSHOT_AUTO];
    if (!used->err.status) {
        cr_assert(used->complete);
        cr_assert_gt(used->duration_ns, 0);
    }
}
