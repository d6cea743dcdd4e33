/* SPDX-License-Identifier: Apache-2.0 */
#include "quiet.h"

#include <criterion/criterion.h>

#include "base/clock.h"
#include "harness/snapshot/target/target.h"

/* Sum of context switches over all threads.  @return false when one is not asleep */
static bool look(const struct sl_target *target, uint64_t *ret_switches)
{
    pid_t *tids;
    size_t n_tids;
    bool asleep = true;

    cr_assert_eq(sl_target_list(target, &tids, &n_tids, NULL), SL_OK);
    *ret_switches = 0;
    for (size_t i = 0; i < n_tids && asleep; i++) {
        struct sl_stat stat;
        struct sl_run_count count;
        asleep = sl_target_stat(target, tids[i], &stat) == 0 && stat.state == 'S' &&
                 sl_target_run_count(target, tids[i], &count) == 0;
        *ret_switches += asleep ? count.switches : 0;
    }
    free(tids);
    return asleep;
}

void quiet_await(pid_t pid)
{
    struct sl_target target;
    uint64_t until_ns = sl_clock_now_ns() + 30 * SL_NS_PER_S, before = 0, now;

    cr_assert_eq(sl_target_open(pid, &target, NULL), SL_OK);
    while (!look(&target, &now) || now != before) {
        before = now;
        cr_assert(sl_clock_now_ns() < until_ns, "process %ld does not come to rest", (long) pid);
        sl_clock_sleep_ns(10 * SL_NS_PER_MS);
    }
    sl_target_release(&target);
}
