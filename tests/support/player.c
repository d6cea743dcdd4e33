/* SPDX-License-Identifier: Apache-2.0 */
#include "player.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define TESTS_DIR SL_SUBJECTS_DIR "/../" /* of the build */

struct sl_subject_config player_config(const char *driver, const char *fault)
{
    struct sl_subject_config config = {
        .load = {.events = 100,
                 .topics = 2,
                 .aggregates = 4,
                 .payload = 128,
                 .publishers = 1,
                 .timeout_ns = 60 * SL_NS_PER_S,
                 .close_deadline_ns = 60 * SL_NS_PER_S},
        .mode = SL_MODE_UNIFIED,
        .transport = "memory",
        .prefix = "test",
        .seed = 1,
    };
    if (driver)
        (void) snprintf(config.driver_path, sizeof config.driver_path, "%s%s", TESTS_DIR, driver);
    if (fault)
        (void) snprintf(config.fault, sizeof config.fault, "%s", fault);
    return config;
}

void player_start(struct player *player, const struct sl_subject_config *config, bool bystander)
{
    int to[2], from[2];
    char in_fd[16], out_fd[16];

    *player = (struct player){.pid = -1};
    (void) signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe2(to, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(from, O_CLOEXEC), 0);
    (void) snprintf(in_fd, sizeof in_fd, "%d", to[0]);
    (void) snprintf(out_fd, sizeof out_fd, "%d", from[1]);
    const char *program = TESTS_DIR "subject_runner";
    player->pid = fork();
    cr_assert_geq(player->pid, 0);
    if (player->pid == 0) {
        (void) fcntl(to[0], F_SETFD, 0);
        (void) fcntl(from[1], F_SETFD, 0);
        (void) execl(program, program, in_fd, out_fd, bystander ? "bystander" : NULL, NULL);
        _exit(127);
    }
    (void) close(to[0]);
    (void) close(from[1]);
    player->to_fd = to[1];
    player->from_fd = from[0];
    cr_assert_eq(sl_record_write(player->to_fd, SL_RECORD_CONFIG, config, sizeof *config, NULL),
                 SL_OK);
}

static size_t count_threads(pid_t pid)
{
    char path[64];
    size_t n = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/task", (long) pid);
    DIR *tasks = opendir(path);
    for (const struct dirent *entry; tasks && (entry = readdir(tasks));)
        n += entry->d_name[0] != '.';
    if (tasks)
        (void) closedir(tasks);
    return n;
}

static void keep_phase(struct player *player, const struct sl_phase_record *record)
{
    size_t used = strlen(player->order);

    cr_assert_lt((unsigned) record->phase, SL_N_PHASES);
    (void) snprintf(player->order + used, sizeof player->order - used, "%s%s", used ? " " : "",
                    sl_phase_text(record->phase));
    player->phases[record->phase] = *record;
    player->n_threads[record->phase] = count_threads(player->pid);
}

enum sl_status player_next(struct player *player, uint64_t timeout_ns)
{
    union {
        struct sl_phase_record phase;
        struct sl_failure_record failure;
        struct sl_driver_record driver;
    } record;
    uint64_t deadline_ns = sl_clock_now_ns() + timeout_ns;

    for (;;) {
        struct sl_record read = {.data = &record, .capacity = sizeof record};
        enum sl_status status = sl_record_read(player->from_fd, deadline_ns, &read, NULL);
        if (status)
            return status;
        switch (read.type) {
        case SL_RECORD_PHASE:
            cr_assert_eq(read.size, sizeof record.phase);
            keep_phase(player, &record.phase);
            return SL_OK;
        case SL_RECORD_FAILURE:
            cr_assert_eq(read.size, sizeof record.failure);
            cr_assert_lt(player->n_failures, PLAYER_FAILURES);
            player->failures[player->n_failures++] = record.failure;
            break;
        case SL_RECORD_DRIVER:
            cr_assert_eq(read.size, sizeof record.driver);
            cr_assert_not(player->has_driver, "the driver is described once");
            cr_assert_str_eq(player->order, "start");
            player->has_driver = true;
            player->driver = record.driver;
            break;
        default:
            cr_assert_fail("record type %d", (int) read.type);
        }
    }
}

void player_go(struct player *player)
{
    cr_assert_eq(sl_record_write(player->to_fd, SL_RECORD_GO, NULL, 0, NULL), SL_OK);
}

void player_play(struct player *player, const struct sl_subject_config *config)
{
    enum sl_status s;

    player_start(player, config, false);
    while (!(s = player_next(player, 120 * SL_NS_PER_S)))
        player_go(player);
    cr_assert_eq(s, SL_EGONE, "after '%s': %s", player->order, sl_status_text(s));
    player_end(player, false);
}

void player_end(struct player *player, bool force)
{
    (void) close(player->to_fd);
    (void) close(player->from_fd);
    if (force)
        (void) kill(player->pid, SIGKILL);
    cr_assert_eq(waitpid(player->pid, &player->wait_status, 0), player->pid);
}
