/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_processes: looks at processes that do what they can to hurt who looks at them.
 *
 * usage: hostile_processes [--seed N] [--from K] [--count N] [--only K] [--verbose]
 *                          [--seeds FOLDER]
 *
 * Target K of a seed is the same each time.  A look is taken in a process of its own, so that the
 * campaign outlives what a target does to it; what did not hold is printed with the target's
 * number.  Exit status 0 when everything held, 1 when not, 2 usage, 3 no target could be made.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "look.h"
#include "until.h"

#define MAX_TRIES 3
#define SHARE     500 /* targets of a worker */
#define MAX_FILES 64
#define BUILD_NS  (20 * SL_NS_PER_S)
#define STUCK_NS  (90 * SL_NS_PER_S)

static struct {
    uint64_t seed, from, count;
    bool verbose;
    const char *seeds;
} options = {.seed = 1, .count = 300};

/* Shared with the worker. */
struct progress {
    _Atomic uint64_t number, begun_ns;
    uint64_t n_looks, n_refused, n_unbuilt, n_faults, n_threads, n_stacks;
    uint64_t longest_ns, most_memory, longest, most; /* and whose these were */
};

static struct pulse *pulse;
static struct progress *progress;
static const struct look_limits limits = {.time_ns = 2 * SL_NS_PER_S,
                                          .memory = (uint64_t) 256 << 20};
static int keeper = -1;

static struct answer ask(enum order_kind kind, uint64_t number)
{
    struct order order = {.kind = kind, .seed = options.seed, .number = number};
    struct answer answer = {.pid = -1};

    if (write(keeper, &order, sizeof order) != sizeof order ||
        read(keeper, &answer, sizeof answer) != sizeof answer)
        exit(3);
    return answer;
}

static void report(uint64_t number, const char *fault)
{
    progress->n_faults++;
    (void) printf("target %ju: %s [ %s]\n", (uintmax_t) number, fault, pulse->kinds);
    (void) printf("  again: --seed %ju --only %ju\n", (uintmax_t) options.seed, (uintmax_t) number);
    (void) fflush(stdout);
}

static void count(uint64_t number, const struct look_result *result)
{
    progress->n_looks++;
    progress->n_refused += *result->refusal != '\0';
    progress->n_threads += result->n_threads;
    progress->n_stacks += result->n_stacks;
    if (result->time_ns > progress->longest_ns) {
        progress->longest_ns = result->time_ns;
        progress->longest = number;
    }
    if (result->memory > progress->most_memory) {
        progress->most_memory = result->memory;
        progress->most = number;
    }
    if (options.verbose)
        (void) printf("target %ju: %zu threads, %zu stacks, %.1f ms, %.1f MiB, %s[%s]\n",
                      (uintmax_t) number, result->n_threads, result->n_stacks,
                      (double) result->time_ns / 1e6, (double) result->memory / (1 << 20),
                      result->refusal, pulse->kinds);
    if (*result->fault)
        report(number, result->fault);
}

static bool is_alive(pid_t pid)
{
    char path[64], text[256];
    FILE *file;

    (void) snprintf(path, sizeof path, "/proc/%ld/stat", (long) pid);
    file = fopen(path, "r");
    bool alive = file && fgets(text, sizeof text, file) && !strstr(text, ") Z ");
    if (file)
        (void) fclose(file);
    return alive;
}

/* @return whether there was a target to look at */
static bool look_once(uint64_t number, struct look_result *ret_result)
{
    struct choice choice = {options.seed ^ number * UINT64_C(0xd1342543de82ef95)};

    memset(pulse, 0, sizeof *pulse);
    struct answer target = ask(ORDER_BEGIN, number);
    bool built = sl_test_until(atomic_load(&pulse->ready) || !is_alive(target.pid), BUILD_NS) &&
                 atomic_load(&pulse->ready);
    if (built)
        look_at(target.pid, &limits, pulse, &choice, ret_result);
    (void) ask(ORDER_END, number);
    return built;
}

/* One that was slow has to be so each time: the machine may have had other work. */
static void play(uint64_t number)
{
    struct look_result result = {.slow = true};
    bool built = true;

    for (int i = 0; i < MAX_TRIES && built && result.slow; i++)
        built = look_once(number, &result);
    if (built) {
        count(number, &result);
        return;
    }
    progress->n_unbuilt++;
    if (options.verbose)
        (void) printf("target %ju: not built [%s]\n", (uintmax_t) number, pulse->kinds);
}

/* @return whether the worker did its share */
static bool run_worker(uint64_t from, uint64_t to)
{
    int status;
    uint64_t now;

    atomic_store(&progress->begun_ns, sl_clock_now_ns());
    atomic_store(&progress->number, from);
    pid_t pid = fork();
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        look_begin();
        for (uint64_t number = from; number < to; number++) {
            atomic_store(&progress->begun_ns, sl_clock_now_ns());
            atomic_store(&progress->number, number);
            play(number);
        }
        exit(0); /* where leaked memory is told */
    }
    bool stuck = false;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        now = sl_clock_now_ns();
        stuck = stuck || now - SL_MIN(now, atomic_load(&progress->begun_ns)) > STUCK_NS;
        if (stuck)
            (void) kill(pid, SIGKILL);
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    char text[100];
    (void) snprintf(text, sizeof text,
                    stuck ? "the look does not end" : "the looker was ended, status 0x%x", status);
    report(atomic_load(&progress->number), text);
    return false;
}

/* The program that makes targets lies beside this one. */
static void become_keeper(const char *folder, int pulse_fd, int keeper_fd)
{
    static char paths[MAX_FILES][PATH_MAX], program[PATH_MAX];
    char *arguments[MAX_FILES + 3] = {program, (char *) folder};
    DIR *directory = options.seeds ? opendir(options.seeds) : NULL;
    size_t n = 0;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 32);

    if (length < 0)
        _exit(127);
    (void) dirname(program); /* in place */
    (void) strcat(program, "/hostile_target");
    for (struct dirent *entry; directory && n < MAX_FILES && (entry = readdir(directory));)
        if (*entry->d_name != '.')
            (void) snprintf(paths[n++], PATH_MAX, "%s/%s", options.seeds, entry->d_name);
    qsort(paths, n, sizeof *paths, (int (*)(const void *, const void *)) strcmp);
    for (size_t i = 0; i < n; i++)
        arguments[2 + i] = paths[i];
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    int high = fcntl(pulse_fd, F_DUPFD, 10), other = fcntl(keeper_fd, F_DUPFD, 11);
    (void) dup2(high, PULSE_FD);
    (void) dup2(other, KEEPER_FD);
    (void) execv(program, arguments);
    _exit(127);
}

static pid_t start_keeper(const char *folder, int pulse_fd)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become_keeper(folder, pulse_fd, fds[1]);
    (void) close(fds[1]);
    keeper = fds[0];
    return pid;
}

static void *share(size_t size, int fd)
{
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        exit(3);
    return data;
}

static void play_all(void)
{
    const uint64_t end = options.from + options.count;

    for (uint64_t at = options.from; at < end;) {
        uint64_t to = SL_MIN(at + SHARE, end);
        if (run_worker(at, to)) {
            at = to;
        } else {
            at = atomic_load(&progress->number) + 1;
            (void) ask(ORDER_END, at - 1);
        }
    }
}

static int tell(uint64_t took_ns)
{
    const double seconds = (double) took_ns / 1e9;

    (void) printf("seed %ju, targets %ju to %ju: %ju looks in %.0f s (%.0f a second), %ju threads, "
                  "%ju stacks, %ju refused, %ju not built\n",
                  (uintmax_t) options.seed, (uintmax_t) options.from,
                  (uintmax_t) (options.from + options.count - 1), (uintmax_t) progress->n_looks,
                  seconds, (double) progress->n_looks / seconds, (uintmax_t) progress->n_threads,
                  (uintmax_t) progress->n_stacks, (uintmax_t) progress->n_refused,
                  (uintmax_t) progress->n_unbuilt);
    (void) printf("longest %.0f ms (target %ju), most memory %.0f MiB (target %ju), %ju faults\n",
                  (double) progress->longest_ns / 1e6, (uintmax_t) progress->longest,
                  (double) progress->most_memory / (1 << 20), (uintmax_t) progress->most,
                  (uintmax_t) progress->n_faults);
    if (!progress->n_looks)
        return 3;
    return progress->n_faults ? 1 : 0;
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"seed", required_argument, NULL, 's'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"count", required_argument, NULL, 'c'},
                                          {"only", required_argument, NULL, 'o'},
                                          {"seeds", required_argument, NULL, 'd'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {0}};

    for (int letter; (letter = getopt_long(argc, argv, "", names, NULL)) >= 0;) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 0) : 0;
        if (letter == 's')
            options.seed = number;
        else if (letter == 'f')
            options.from = number;
        else if (letter == 'c')
            options.count = number;
        else if (letter == 'o')
            options.from = number, options.count = 1, options.verbose = true;
        else if (letter == 'd')
            options.seeds = optarg;
        else if (letter == 'v')
            options.verbose = true;
        else
            exit(2);
    }
}

int main(int argc, char **argv)
{
    char folder[] = "/dev/shm/hostile-XXXXXX";
    int pulse_fd = memfd_create("pulse", MFD_CLOEXEC), status;

    read_options(argc, argv);
    if (pulse_fd < 0 || ftruncate(pulse_fd, sizeof *pulse) || !mkdtemp(folder))
        return 3;
    if (geteuid() == 0 && chown(folder, TARGET_USER, TARGET_USER))
        return 3;
    pulse = share(sizeof *pulse, pulse_fd);
    progress = share(sizeof *progress, -1);
    (void) signal(SIGPIPE, SIG_IGN);
    pid_t pid = start_keeper(folder, pulse_fd);
    uint64_t begin_ns = sl_clock_now_ns();
    play_all();
    int exit_status = tell(sl_clock_now_ns() - begin_ns);
    (void) close(keeper);
    (void) waitpid(pid, &status, 0);
    (void) rmdir(folder);
    return exit_status;
}
