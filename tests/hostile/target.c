/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_target: makes processes that are hostile to who looks at them, one after another, as
 * they are asked for (pulse.h).
 *
 * usage: hostile_target FOLDER SEED-FILE...
 *
 * It is built without sanitizers: a target has to be small, and does what they forbid.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

static struct world world; /* of the target */
static struct seeds seeds;
static struct pulse *pulse;

void world_say(struct world *to, uint32_t flags, const char *what)
{
    size_t length = strlen(to->pulse->kinds);

    (void) snprintf(to->pulse->kinds + length, sizeof to->pulse->kinds - length, "%s ", what);
    atomic_fetch_or(&to->pulse->flags, flags);
}

/* Answer, as long as somebody asks. */
static void answer(struct world *of)
{
    for (;;) {
        uint32_t ping = atomic_load(&of->pulse->ping);
        atomic_store(&of->pulse->pong, ping);
        (void) syscall(SYS_futex, &of->pulse->pong, FUTEX_WAKE, 1, NULL, NULL, 0);
        (void) syscall(SYS_futex, &of->pulse->ping, FUTEX_WAIT, ping, NULL, NULL, 0);
    }
}

/*
 * A target opens links that lead anywhere, and runs code that changes under it: it must not be able
 * to harm the machine.  What is looked at is somebody else's then, as where root looks.
 */
static void drop_rights(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct only_chroot[2] = {
        {.effective = 1 << CAP_SYS_CHROOT, .permitted = 1 << CAP_SYS_CHROOT}};

    if (geteuid() != 0)
        return;
    if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) ||
        setresgid(TARGET_USER, TARGET_USER, TARGET_USER) ||
        setresuid(TARGET_USER, TARGET_USER, TARGET_USER) ||
        syscall(SYS_capset, &header, only_chroot) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _exit(126);
    (void) prctl(PR_SET_DUMPABLE, 1);
}

static void be_target(const struct order *order, const char *folder)
{
    struct choice *choice = &world.choice;

    choice->state = order->seed * UINT64_C(0x9e3779b97f4a7c15) ^ order->number;
    (void) choose(choice);
    world.folder = folder;
    world.seeds = &seeds;
    world.pulse = pulse;
    world.bomb = one_in(choice, 40);
    if (world.bomb)
        world_say(&world, 0, "bomb");
    world.is_root = one_in(choice, 8);
    memory_make(&world);
    motion_prepare(&world);
    drop_rights();
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* which other ids clear */
    files_make(&world);
    if (world.is_root && chroot(folder) == 0 && mkdir("/tmp", 0777) == 0)
        world_say(&world, 0, "root-of-its-own");
    files_make_jit(&world);
    memory_forge(&world);
    threads_make(&world);
    bool has_leader = !one_in(choice, 10);
    if (!has_leader)
        world_say(&world, 0, "no-leader");
    motion_start(&world);
    atomic_store(&pulse->ready, 1);
    (void) syscall(SYS_futex, &pulse->ready, FUTEX_WAKE, 1, NULL, NULL, 0);
    if (!has_leader) {
        (void) thread_start(answer, &world);
        (void) syscall(SYS_exit, 0);
    }
    answer(&world);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void) info;
    (void) type;
    if (walk->level > 0)
        (void) remove(path);
    return 0;
}

static struct answer end_target(pid_t pid, const char *folder)
{
    struct answer ended = {.pid = pid};
    char path[64];

    (void) kill(pid, SIGKILL);
    while (waitpid(pid, &ended.status, 0) < 0 && errno == EINTR)
        continue;
    (void) nftw(folder, remove_one, 16, FTW_PHYS | FTW_DEPTH);
    (void) snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long) pid);
    (void) remove(path);
    return ended;
}

static void read_seed(const char *path)
{
    uint8_t block[4096];
    FILE *file = fopen(path, "rb");

    if (!file || seeds.n == sizeof seeds.files / sizeof *seeds.files)
        return;
    for (size_t got; (got = fread(block, 1, sizeof block, file));)
        bytes_put(&seeds.files[seeds.n], block, got);
    (void) fclose(file);
    seeds.n++;
}

/* A program that begins itself again: --again N */
static void again(int n)
{
    char count[16];

    (void) snprintf(count, sizeof count, "%d", n - 1);
    if (n > 0)
        (void) execl("/proc/self/exe", "hostile_target", "--again", count, (char *) NULL);
    for (;;)
        (void) pause();
}

int main(int argc, char **argv)
{
    struct order order;
    pid_t pid = 0;

    if (argc == 3 && strcmp(argv[1], "--again") == 0)
        again(atoi(argv[2]));
    if (argc < 2)
        return 2;
    for (int i = 2; i < argc; i++)
        read_seed(argv[i]);
    pulse = mmap(NULL, sizeof *pulse, PROT_READ | PROT_WRITE, MAP_SHARED, PULSE_FD, 0);
    if (pulse == MAP_FAILED)
        return 1;
    while (read(KEEPER_FD, &order, sizeof order) == sizeof order) {
        struct answer done = {0};
        if (order.kind == ORDER_BEGIN) {
            pid = fork();
            if (pid == 0)
                be_target(&order, argv[1]);
            done.pid = pid;
        } else {
            done = end_target(pid, argv[1]);
        }
        if (write(KEEPER_FD, &done, sizeof done) != sizeof done)
            break;
    }
    return 0;
}
