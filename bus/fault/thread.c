/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/thread.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"

struct start {
    char name[16];
    void (*run)(void *argument);
    void *argument;
};

static void *fault_thread_main(void *argument)
{
    struct start start = *(struct start *) argument;
    free(argument);
    (void) pthread_setname_np(pthread_self(), start.name);
    start.run(start.argument);
    return NULL;
}

static int create_detached(size_t stack_size, struct start *start)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;

    int number = pthread_attr_init(&attributes);
    if (number)
        return number;
    (void) sigfillset(&all);
    (void) pthread_attr_setstacksize(&attributes, stack_size);
    (void) pthread_attr_setsigmask_np(&attributes, &all);
    (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    number = pthread_create(&thread, &attributes, fault_thread_main, start);
    (void) pthread_attr_destroy(&attributes);
    return number;
}

enum sl_status fault_thread_start(struct bus *bus, const char *name, void (*run)(void *argument),
                                  void *argument, struct sl_error *err)
{
    struct start *start = calloc(1, sizeof *start);
    if (!start)
        return sl_fail(err, SL_ENOMEM, "out of memory for thread '%s'", name);
    *start = (struct start){.run = run, .argument = argument};
    (void) snprintf(start->name, sizeof start->name, "%s", name);
    if (create_detached(bus->ledger.stack_size, start)) {
        free(start);
        return sl_fail(err, SL_ELIMIT, "cannot create thread '%s' of a fault", name);
    }
    return SL_OK;
}
