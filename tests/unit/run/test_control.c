/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/process/processes.h"
#include "harness/run/control.h"
#include "until.h"

static void ignore(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    (void) user, (void) token, (void) outcome;
}

#define MAX_OTHERS 16

/* Threads of this process that are none of the driver's: Criterion has some, busy or not. */
static pid_t others[MAX_OTHERS];

/* Threads that sleep and are no others; with `note`, all are others from now on. */
static int count_sleepers(bool note)
{
    struct processes_entry entry;
    DIR *tasks = opendir("/proc/self/task");
    int n = 0, n_noted = 0;

    cr_assert_not_null(tasks);
    for (const struct dirent *at; (at = readdir(tasks));) {
        pid_t tid = (pid_t) atoi(at->d_name);
        bool other = !tid;
        for (int i = 0; i < MAX_OTHERS; i++)
            other |= others[i] == tid;
        n += !other && processes_read(tid, &entry) && entry.state == 'S';
        if (note && tid) {
            cr_assert_lt(n_noted, MAX_OTHERS);
            others[n_noted++] = tid;
        }
    }
    (void) closedir(tasks);
    return n;
}

SL_TEST(control, every_planted_thread_sleeps_and_stays_after_close)
{
    const struct sl_driver *driver = sl_control_driver();
    const struct sl_driver_config config = {.size = sizeof config, .on_publish = ignore};
    struct sl_driver_close_report report = {.size = sizeof report};
    struct sl_error err = {0};
    void *bus;

    (void) count_sleepers(true);
    sl_assert_ok(driver->open(&config, &bus, &err), &err);
    cr_assert(sl_test_until(count_sleepers(false) == SL_CONTROL_THREADS, 20 * SL_NS_PER_S));
    sl_assert_ok(driver->close(bus, 0, &report, &err), &err);
    driver->destroy(bus);
    cr_assert_eq(count_sleepers(false), SL_CONTROL_THREADS);
}
