/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver that behaves otherwise when it is opened again in one process: the simple driver of
 * examples/ behind a layer that does what config->fault names.
 *
 *     leaks-once     the first open makes a thread, once_main, that nobody ends
 *     leaks-each     each open makes two threads, each_main, that nobody ends
 *     leaks-doubled  the n-th open makes 2^(n-1) threads, doubled_main, that nobody ends
 *     opens-once     a second open fails
 *     crashes-again  a second open aborts
 *     loses-again    a second bus loses each tenth message
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strandline/driver.h>

/* The entry of examples/driver_simple.c, which is compiled in under this name. */
const struct sl_driver *simple_driver(void);

static char fault[64];
static unsigned n_opened;
static struct {
    sl_publish_callback on_publish;
    void *user;
} answer;

static bool is(const char *name)
{
    return strcmp(fault, name) == 0;
}

static void *once_main(void *argument)
{
    for (;;)
        (void) pause();
    return argument;
}

static void *each_main(void *argument)
{
    for (;;)
        (void) pause();
    return argument;
}

static void *doubled_main(void *argument)
{
    for (;;)
        (void) pause();
    return argument;
}

static void leave(void *(*entry)(void *), unsigned n)
{
    pthread_t thread;

    while (n-- > 0)
        (void) pthread_create(&thread, NULL, entry, NULL);
}

static enum sl_status
open_bus(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    struct sl_driver_config inner = *config;

    (void) snprintf(fault, sizeof fault, "%s", config->fault ? config->fault : "");
    n_opened++;
    if (n_opened > 1 && is("opens-once")) {
        err->status = SL_EINVAL;
        (void) snprintf(err->text, sizeof err->text, "one bus for each process");
        return SL_EINVAL;
    }
    if (n_opened > 1 && is("crashes-again"))
        abort();
    if (n_opened == 1 && is("leaks-once"))
        leave(once_main, 1);
    if (is("leaks-each"))
        leave(each_main, 2);
    if (is("leaks-doubled"))
        leave(doubled_main, 1u << (n_opened - 1));
    answer.on_publish = config->on_publish;
    answer.user = config->user;
    inner.fault = NULL;
    return simple_driver()->open(&inner, ret_bus, err);
}

static enum sl_status
publish(void *bus, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    if (n_opened < 2 || token % 10 != 0 || !is("loses-again"))
        return simple_driver()->publish(bus, message, token, err);
    answer.on_publish(answer.user, token, SL_PUBLISH_ACCEPTED);
    return SL_OK;
}

const struct sl_driver *strandline_driver(void)
{
    static struct sl_driver driver;

    driver = *simple_driver();
    driver.name = "reopened";
    driver.open = open_bus;
    driver.publish = publish;
    driver.faults = NULL; /* as asked for */
    return &driver;
}
