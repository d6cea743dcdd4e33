/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of version 1 of the interface, compiled with that version's own header.  Its table ends
 * where a page ends that nothing follows: who reads on behind it crashes.  It delivers within
 * publish and has one thread, which Close joins.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver_abi1.h"

static struct {
    sl_publish_callback on_publish;
    void *publisher, *consumer;
    sl_message_handler handler; /* the same for all topics */
    pthread_t thread;
    int end[2];
} bus;

static void *wait_for_end(void *argument)
{
    char byte;
    (void) !read(bus.end[0], &byte, 1);
    return argument;
}

static enum sl_status
bus_open(const struct sl_driver_config *config, void **ret_bus, struct sl_error *err)
{
    (void) err;
    bus.on_publish = config->on_publish;
    bus.publisher = config->user;
    if (pipe(bus.end) < 0 || pthread_create(&bus.thread, NULL, wait_for_end, NULL) != 0)
        return SL_ELIMIT;
    *ret_bus = &bus;
    return SL_OK;
}

static enum sl_status bus_subscribe(void *object, const char *topic, sl_message_handler handler,
                                    void *user, struct sl_error *err)
{
    (void) object, (void) topic, (void) err;
    bus.handler = handler;
    bus.consumer = user;
    return SL_OK;
}

static enum sl_status
bus_publish(void *object, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    struct sl_message delivered = *message;
    (void) object, (void) err;
    delivered.deliveries = 1;
    bus.on_publish(bus.publisher, token, SL_PUBLISH_ACCEPTED);
    return bus.handler(bus.consumer, &delivered);
}

static enum sl_status bus_flush(void *object, uint64_t timeout_ns, struct sl_error *err)
{
    (void) object, (void) timeout_ns, (void) err;
    return SL_OK;
}

static void bus_stats(void *object, struct sl_driver_stats *ret_stats)
{
    (void) object;
    ret_stats->threads = 1;
}

static enum sl_status bus_close(void *object, uint64_t deadline_ns,
                                struct sl_driver_close_report *report, struct sl_error *err)
{
    (void) object, (void) deadline_ns, (void) report, (void) err;
    (void) close(bus.end[1]);
    (void) pthread_join(bus.thread, NULL);
    (void) close(bus.end[0]);
    return SL_OK;
}

static void bus_destroy(void *object)
{
    (void) object;
}

const struct sl_driver *strandline_driver(void)
{
    static const struct sl_driver driver = {
        .abi = SL_DRIVER_ABI,
        .name = "abi1",
        .version = "1",
        .open = bus_open,
        .subscribe = bus_subscribe,
        .publish = bus_publish,
        .flush = bus_flush,
        .stats = bus_stats,
        .close = bus_close,
        .destroy = bus_destroy,
    };
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) < 0)
        return NULL;
    return memcpy(pages + page - sizeof driver, &driver, sizeof driver);
}
