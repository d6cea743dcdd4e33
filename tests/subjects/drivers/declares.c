/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver that declares a fault and an argument: the simple driver of examples/, and what the
 * argument `what` says:
 *
 *     print   open prints a line with a control character, a long line and half a line
 *     write   the 50th publish writes to nowhere
 *     abort   the 50th publish makes a thread 'aborter' that aborts
 *     exit    close calls exit(7)
 *     refuse  open fails
 *     tell    open prints its servers, and fails with them in its text
 *     count   open fails with the number of processes that whoever plays it has
 *
 * It needs no `password`, but takes one.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strandline/driver.h>

/* The entry of examples/driver_simple.c, which is compiled in under this name. */
const struct sl_driver *simple_driver(void);

static char what[32];

static int is(const char *word)
{
    return strcmp(what, word) == 0;
}

/* 0: there is no such process. */
static int parent_of(int pid)
{
    char path[64];
    int parent = 0;

    (void) snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    (void) !fscanf(file, "%*d (%*[^)]) %*c %d", &parent);
    (void) fclose(file);
    return parent;
}

/* Our parent is a guard, and its parent the observer. */
static int count_children_of_observer(void)
{
    int observer = parent_of(getppid()), n = 0;
    DIR *proc = opendir("/proc");

    for (const struct dirent *at; proc && (at = readdir(proc));)
        n += atoi(at->d_name) > 0 && parent_of(atoi(at->d_name)) == observer;
    if (proc)
        (void) closedir(proc);
    return n;
}

static enum sl_status
open_bus(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    for (const char *const *arg = config->args; *arg; arg++)
        if (strncmp(*arg, "what=", 5) == 0)
            (void) snprintf(what, sizeof what, "%s", *arg + 5);
    if (is("print"))
        (void) fprintf(stderr, "red \033[31m line\n%01000d\nhalf a line", 7);
    if (is("refuse")) {
        (void) snprintf(err->text, sizeof err->text, "not today");
        return SL_ECONNECT;
    }
    if (is("count")) {
        (void) snprintf(err->text, sizeof err->text, "%d processes", count_children_of_observer());
        return SL_ECONNECT;
    }
    if (is("tell")) {
        (void) fprintf(stderr, "servers: %s\n", config->servers);
        (void) snprintf(err->text, sizeof err->text, "cannot reach '%s'", config->servers);
        return SL_ECONNECT;
    }
    return simple_driver()->open(config, ret_bus, err);
}

__attribute__((noinline)) static void write_to_nowhere(void)
{
    static int *volatile nowhere;
    *nowhere = 1;
}

static void *aborter_main(void *argument)
{
    (void) pthread_setname_np(pthread_self(), "aborter");
    abort();
    return argument;
}

static enum sl_status
publish(void *bus, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    pthread_t thread;

    if (token == 50 && is("write"))
        write_to_nowhere();
    if (token == 50 && is("abort") && pthread_create(&thread, NULL, aborter_main, NULL) == 0)
        (void) pthread_join(thread, NULL);
    return simple_driver()->publish(bus, message, token, err);
}

static enum sl_status close_bus(void *bus, uint64_t deadline_ns,
                                struct sl_driver_close_report *report, struct sl_error *err)
{
    if (is("exit"))
        exit(7);
    return simple_driver()->close(bus, deadline_ns, report, err);
}

const struct sl_driver *strandline_driver(void)
{
    static const struct sl_driver_fault faults[] = {
        {.name = "lose", .keys = "nth=10", .text = "some messages vanish"}, {.name = NULL}};
    static const struct sl_driver_arg args[] = {{.name = "what", .text = "what goes wrong"},
                                                {.name = "password", .text = "not used"},
                                                {.name = NULL}};
    static struct sl_driver driver;

    driver = *simple_driver();
    driver.name = "declares";
    driver.open = open_bus;
    driver.publish = publish;
    driver.close = close_bus;
    driver.faults = faults;
    driver.args = args;
    return &driver;
}
