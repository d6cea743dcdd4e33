/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver whose Close leaves something besides threads: the simple driver of examples/, and after
 * its Close what the environment variable LEAVES names:
 *
 *     unjoined     5 threads that were made by open, have ended, and are not joined
 *     descriptors  7 of /dev/null and one end of a pipe
 *     child        a process that does nothing
 *     orphan       the same, whose parent has ended and which leads a session of its own
 *     timer        a timer that sends a signal every hour
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <strandline/driver.h>

/* The entry of examples/driver_simple.c, which is compiled in under this name. */
const struct sl_driver *simple_driver(void);

static bool leaves(const char *what)
{
    const char *wanted = getenv("LEAVES");
    return wanted && strcmp(wanted, what) == 0;
}

static void *end_at_once(void *argument)
{
    return argument;
}

static void wait_for_ever(void)
{
    for (;;)
        (void) pause();
}

static void make_processes(void)
{
    if (leaves("child") && fork() == 0)
        wait_for_ever();
    if (!leaves("orphan"))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            (void) setsid();
            wait_for_ever();
        }
        _exit(0);
    }
    (void) waitpid(pid, NULL, 0);
}

/* They have the name of who makes them from the beginning, however soon they are looked at. */
static void leave_processes(void)
{
    char name[16];

    (void) prctl(PR_GET_NAME, name);
    (void) prctl(PR_SET_NAME, "left-behind");
    make_processes();
    (void) prctl(PR_SET_NAME, name);
}

static void leave(void)
{
    int ends[2];
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG};
    const struct itimerspec hourly = {{3600, 0}, {3600, 0}};

    for (int i = 0; i < 7 && leaves("descriptors"); i++)
        (void) !open("/dev/null", O_RDONLY);
    if (leaves("descriptors") && pipe(ends) == 0)
        (void) close(ends[0]);
    if (leaves("timer") && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        (void) timer_settime(timer, 0, &hourly, NULL);
    leave_processes();
}

static enum sl_status
open_bus(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    pthread_t thread;

    for (int i = 0; i < 5 && leaves("unjoined"); i++)
        (void) pthread_create(&thread, NULL, end_at_once, NULL);
    return simple_driver()->open(config, ret_bus, err);
}

static enum sl_status close_bus(void *bus, uint64_t deadline_ns,
                                struct sl_driver_close_report *report, struct sl_error *err)
{
    enum sl_status s = simple_driver()->close(bus, deadline_ns, report, err);
    leave();
    return s;
}

const struct sl_driver *strandline_driver(void)
{
    static struct sl_driver driver;

    driver = *simple_driver();
    driver.open = open_bus;
    driver.close = close_bus;
    return &driver;
}
