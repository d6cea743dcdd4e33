/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/limits.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include "harness/process/thread_room.h"

#define FILES_NEEDED 64 /* pipes, connections, and what a driver opens */

static const char *const fixes[] = {
    [SL_LIMIT_THREADS_MAX] = "sysctl kernel.threads-max=100000",
    [SL_LIMIT_PID_MAX] = "sysctl kernel.pid_max=100000",
    [SL_LIMIT_MAP_COUNT] = "sysctl vm.max_map_count=262144",
    [SL_LIMIT_NPROC] = "ulimit -u unlimited",
    [SL_LIMIT_CGROUP] = "raise TasksMax of the systemd unit, or '--pids-limit' of the container",
};

static void add_limit(struct doctor *doctor, const struct sl_thread_limit *limit, const char *fix)
{
    uint64_t room = sl_thread_room(limit);

    if (limit->limit == SL_NO_LIMIT) {
        doctor_add(doctor, limit->name, DOCTOR_OK, NULL, NULL, "no limit");
        return;
    }
    doctor_add(doctor, limit->name, room < DOCTOR_THREADS_NEEDED ? DOCTOR_LIMITED : DOCTOR_OK,
               "keyed mode with 5 x 1024 workers cannot run", fix,
               "%" PRIu64 " threads, %" PRIu64 " in use", limit->limit, limit->used);
}

static void add_room(struct doctor *doctor, const struct sl_thread_limit *lowest)
{
    uint64_t room = sl_thread_room(lowest);

    doctor->thread_room = room;
    if (room == SL_NO_LIMIT) {
        doctor_add(doctor, "threads", DOCTOR_OK, NULL, NULL, "no limit is known");
        return;
    }
    bool fits = room >= DOCTOR_THREADS_NEEDED;
    doctor_add(doctor, "threads", fits ? DOCTOR_OK : DOCTOR_LIMITED,
               "keyed mode with 5 x 1024 workers cannot run; smaller pools can", NULL,
               "%" PRIu64 " more can be created (%s), 5 x 1024 workers %s", room, lowest->name,
               fits ? "fit" : "do not fit");
}

static void add_files(struct doctor *doctor)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    doctor_add(doctor, "RLIMIT_NOFILE", limit.rlim_cur < FILES_NEEDED ? DOCTOR_LIMITED : DOCTOR_OK,
               "buses and servers may fail to open files", "ulimit -n 1024",
               "%" PRIu64 " open files", (uint64_t) limit.rlim_cur);
}

void doctor_check_limits(struct doctor *doctor)
{
    bool exempt = sl_permissions_have(&doctor->permissions, CAP_SYS_RESOURCE) ||
                  sl_permissions_have(&doctor->permissions, CAP_SYS_ADMIN);
    struct sl_thread_limit limits[SL_N_THREAD_LIMITS];
    size_t lowest = 0;

    sl_thread_room_read(exempt, limits);
    for (size_t i = 0; i < SL_N_THREAD_LIMITS; i++) {
        add_limit(doctor, &limits[i], fixes[i]);
        if (sl_thread_room(&limits[i]) < sl_thread_room(&limits[lowest]))
            lowest = i;
    }
    add_room(doctor, &limits[lowest]);
    add_files(doctor);
}
