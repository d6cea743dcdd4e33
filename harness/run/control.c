/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/plant/plant.h"

struct control {
    sl_publish_callback on_publish;
    void *user;
    sl_message_handler handler; /* of all topics: a load has one */
    void *handler_user;
    uint32_t n_threads; /* that it says it has */
};

/* They outlive every bus, so what they wait on is not in one. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t never;
} parking = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};

/* The function that has to appear in the report. */
static void *planted_leak_main(void *argument)
{
    pthread_mutex_lock(&parking.mutex);
    for (;;)
        pthread_cond_wait(&parking.never, &parking.mutex);
    return argument;
}

/* When one can not be made the others stay: nothing but this process's end stops them. */
static enum sl_status plant_leaks(struct sl_error *err)
{
    for (int i = 0; i < SL_CONTROL_THREADS; i++) {
        pthread_t thread;
        errno = pthread_create(&thread, NULL, planted_leak_main, NULL);
        if (errno) {
            (void) sl_fail_errno(err, "cannot create planted thread %d", i + 1);
            return SL_ELIMIT;
        }
    }
    return SL_OK;
}

static enum sl_status plant_state(const char *name, struct sl_error *err)
{
    const struct sl_plant *plant = sl_plant_find(name);

    if (!plant)
        return sl_fail(err, SL_EINVAL, "nothing that can be planted is called '%s'", name);
    errno = sl_plant_open(plant);
    if (!errno)
        return SL_OK;
    (void) sl_fail_errno(err, "cannot create planted threads");
    return SL_ELIMIT;
}

static enum sl_status
control_open(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    SL_AUTO_FREE struct control *control = calloc(1, sizeof *control);
    if (!control)
        return sl_fail(err, SL_ENOMEM, "out of memory for the control");
    control->on_publish = config->on_publish;
    control->user = config->user;
    enum sl_status status = config->fault ? plant_state(config->fault, err) : plant_leaks(err);
    if (status)
        return status;
    control->n_threads = config->fault ? 0 : SL_CONTROL_THREADS; /* 0: it does not say */
    *ret_bus = SL_TAKE(control);
    return SL_OK;
}

static enum sl_status control_subscribe(void *bus, const char *topic, sl_message_handler handler,
                                        void *user, struct sl_error *err)
{
    struct control *control = bus;

    (void) topic, (void) err;
    control->handler = handler;
    control->handler_user = user;
    return SL_OK;
}

/* Handled on the spot, by the thread that publishes. */
static enum sl_status
control_publish(void *bus, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    const struct control *control = bus;
    struct sl_message delivered = *message;

    if (!control->handler)
        return sl_fail(err, SL_ENOENT, "nobody subscribed to '%s'", message->topic);
    delivered.deliveries = 1;
    control->on_publish(control->user, token, SL_PUBLISH_ACCEPTED);
    return control->handler(control->handler_user, &delivered);
}

static enum sl_status control_flush(void *bus, uint64_t timeout_ns, struct sl_error *err)
{
    (void) bus, (void) timeout_ns, (void) err;
    return SL_OK;
}

static void control_stats(void *bus, struct sl_driver_stats *ret_stats)
{
    const struct control *control = bus;

    ret_stats->threads = control->n_threads;
}

static enum sl_status control_close(void *bus, uint64_t deadline_ns,
                                    struct sl_driver_close_report *report, struct sl_error *err)
{
    (void) bus, (void) deadline_ns, (void) report, (void) err;
    sl_plant_close();
    return SL_OK; /* the lie that has to be seen through */
}

const struct sl_driver *sl_control_driver(void)
{
    static const struct sl_driver driver = {
        .abi = SL_DRIVER_ABI,
        .name = "control",
        .version = "1",
        .open = control_open,
        .subscribe = control_subscribe,
        .publish = control_publish,
        .flush = control_flush,
        .stats = control_stats,
        .close = control_close,
        .destroy = free,
    };
    return &driver;
}
