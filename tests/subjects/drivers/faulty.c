/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver that does one thing wrong: the simple driver of examples/ behind a layer
 * that breaks it in the way that config->fault names.
 *
 * Faults act on the messages whose token is a multiple of ten (100 messages: ten
 * of them) unless said otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <strandline/driver.h>

/* The entry of examples/driver_simple.c, which is compiled in under this name. */
const struct sl_driver *simple_driver(void);

static const struct sl_driver *simple;
static char fault[256];
static struct sl_driver_config config;
static void *bus;
static struct {
    sl_message_handler handle;
    void *user;
} handler;
static struct sl_message held; /* "reorders": the first of a pair; payload is ours */

static bool is(const char *name)
{
    return strcmp(fault, name) == 0;
}

static enum sl_status fail(struct sl_error *err, enum sl_status status, const char *text)
{
    err->status = status;
    (void) snprintf(err->text, sizeof err->text, "%s", text);
    return status;
}

static void ignore_outcome(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    (void) user, (void) token, (void) outcome; /* this layer gives its own */
}

static void answer(uint64_t token, enum sl_publish_outcome outcome)
{
    config.on_publish(config.user, token, outcome);
}

/* "servers SERVERS, ARGUMENT, ARGUMENT." */
static enum sl_status repeat(const struct sl_driver_config *from, struct sl_error *err)
{
    char text[200];
    size_t used =
        (size_t) snprintf(text, sizeof text, "servers %s", from->servers ? from->servers : "none");

    for (const char *const *arg = from->args; *arg && used < sizeof text; arg++)
        used += (size_t) snprintf(text + used, sizeof text - used, ", %s", *arg);
    (void) fail(err, SL_ECONNECT, text);
    (void) strcat(err->text, ".");
    return SL_ECONNECT;
}

static enum sl_status
open_bus(const struct sl_driver_config *from, void **ret_bus, struct sl_error *err)
{
    (void) snprintf(fault, sizeof fault, "%s", from->fault ? from->fault : "");
    if (is("repeats"))
        return repeat(from, err);
    if (is("open-fails"))
        return fail(err, SL_ECONNECT, "nobody listens there");
    if (is("open-fails-silently"))
        return SL_ELIMIT;
    simple = simple_driver();
    config = *from;
    struct sl_driver_config inner = *from;
    inner.fault = NULL;
    inner.on_publish = ignore_outcome;
    enum sl_status s = simple->open(&inner, &bus, err);
    *ret_bus = &bus;
    return s;
}

static enum sl_status handle_twice(void *user, const struct sl_message *message)
{
    struct sl_message again = *message;
    again.deliveries = 2;
    (void) user;
    (void) handler.handle(handler.user, message);
    return handler.handle(handler.user, &again);
}

static enum sl_status subscribe(void *object, const char *topic, sl_message_handler handle,
                                void *user, struct sl_error *err)
{
    (void) object;
    if (is("subscribe-fails") && strcmp(topic, "topic-0") != 0)
        return fail(err, SL_ESYS, "the broker refuses the consumer");
    handler.handle = handle;
    handler.user = user;
    if (is("redelivers"))
        return simple->subscribe(bus, topic, handle_twice, NULL, err);
    return simple->subscribe(bus, topic, handle, user, err);
}

static enum sl_status pass_on(const struct sl_message *message, struct sl_error *err)
{
    return simple->publish(bus, message, 0, err);
}

static enum sl_status pass_on_changed(const struct sl_message *message, struct sl_error *err)
{
    struct sl_message changed = *message;
    char *payload = malloc(message->payload_size);
    memcpy(payload, message->payload, message->payload_size);
    payload[message->payload_size - 1] ^= 1;
    changed.payload = payload;
    enum sl_status s = pass_on(&changed, err);
    free(payload);
    return s;
}

static enum sl_status release_held(struct sl_error *err)
{
    enum sl_status s = SL_OK;
    if (held.payload)
        s = pass_on(&held, err);
    free((void *) held.payload);
    held.payload = NULL;
    return s;
}

/* Messages of aggregate-0 change places in pairs. */
static enum sl_status reorder(const struct sl_message *message, struct sl_error *err)
{
    if (strcmp(message->key, "aggregate-0") != 0)
        return pass_on(message, err);
    if (held.payload) {
        enum sl_status s = pass_on(message, err);
        return s ? s : release_held(err);
    }
    held = *message;
    held.payload = memcpy(malloc(message->payload_size), message->payload, message->payload_size);
    return SL_OK;
}

static enum sl_status deliver_foreign(const struct sl_message *message, struct sl_error *err)
{
    struct sl_message foreign = *message;
    foreign.payload = "hello";
    foreign.payload_size = 5;
    enum sl_status s = pass_on(&foreign, err);
    return s ? s : pass_on(message, err);
}

static enum sl_status deliver_to_wrong_key(const struct sl_message *message, struct sl_error *err)
{
    struct sl_message wrong = *message;
    wrong.key = "somebody else";
    return pass_on(&wrong, err);
}

/* What a fault does to one message that it acts on; *outcome is what will be answered. */
static enum sl_status publish_badly(const struct sl_message *message, uint64_t token,
                                    enum sl_publish_outcome *outcome, struct sl_error *err)
{
    if (is("loses"))
        return SL_OK;
    if (is("duplicates") && pass_on(message, err))
        return err->status;
    if (is("corrupts"))
        return pass_on_changed(message, err);
    if (is("delivers-foreign"))
        return deliver_foreign(message, err);
    if (is("changes-key"))
        return deliver_to_wrong_key(message, err);
    if (is("answers-twice"))
        answer(token, SL_PUBLISH_ACCEPTED);
    if (is("rejects-but-delivers") || is("rejects"))
        *outcome = SL_PUBLISH_REJECTED;
    if (is("unknown-but-delivers") || is("unknown"))
        *outcome = SL_PUBLISH_UNKNOWN;
    if (is("rejects") || is("unknown"))
        return SL_OK;
    if (is("stalls") && token == 0)
        (void) nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    return pass_on(message, err);
}

static enum sl_status
publish(void *object, const struct sl_message *message, uint64_t token, struct sl_error *err)
{
    enum sl_publish_outcome outcome = SL_PUBLISH_ACCEPTED;
    enum sl_status s;

    (void) object;
    if (token == 50 && is("crashes"))
        abort();
    if (token == 50 && is("publish-fails"))
        return fail(err, SL_ECONNECT, "the broker has gone");
    if (token % 10 == 0 && is("is-full"))
        return fail(err, SL_EFULL, "too many messages");
    if (is("reorders"))
        s = reorder(message, err);
    else if (token % 10 == 0)
        s = publish_badly(message, token, &outcome, err);
    else
        s = pass_on(message, err);
    if (!s && !is("never-answers") && !(token % 10 == 0 && is("forgets-answers")))
        answer(token, outcome);
    return s;
}

static enum sl_status flush(void *object, uint64_t timeout_ns, struct sl_error *err)
{
    (void) object, (void) timeout_ns;
    if (is("flush-fails"))
        return fail(err, SL_ESYS, "the connection broke");
    if (is("never-answers"))
        return fail(err, SL_ETIMEDOUT, "100 answers are missing");
    return release_held(err);
}

static void stats(void *object, struct sl_driver_stats *ret_stats)
{
    (void) object;
    simple->stats(bus, ret_stats);
}

static enum sl_status close_bus(void *object, uint64_t deadline_ns,
                                struct sl_driver_close_report *report, struct sl_error *err)
{
    (void) object;
    while (is("close-hangs"))
        (void) pause();
    enum sl_status s = simple->close(bus, deadline_ns, report, err);
    if (is("explains-without-end"))
        memset(report->detail, 'x', sizeof report->detail);
    if (is("close-fails"))
        return fail(err, SL_ESYS, "the connection broke");
    return s;
}

static void destroy(void *object)
{
    (void) object;
    if (is("answers-late"))
        answer(7, SL_PUBLISH_ACCEPTED);
    simple->destroy(bus);
}

static enum sl_status teardown(struct sl_error *err)
{
    return is("teardown-fails") ? fail(err, SL_ETIMEDOUT, "the library's threads stay") : SL_OK;
}

static enum sl_status purge(const struct sl_driver_config *from, struct sl_error *err)
{
    return from->fault && strcmp(from->fault, "purge-fails") == 0 ? repeat(from, err) : SL_OK;
}

static const char *const library_modules[] = {"libnats.so", NULL};
static const struct sl_driver_witness witnesses[] = {
    {.module = "libnats.so", .wait = SL_WITNESS_SOCKET, .text = "read loop"}, {0}};

#ifndef NAME
#define NAME "faulty"
#endif

const struct sl_driver *strandline_driver(void)
{
    static const struct sl_driver driver = {
        .abi = SL_DRIVER_ABI,
        .name = NAME,
        .version = "2.1",
        .library_modules = library_modules,
        .witnesses = witnesses,
        .open = open_bus,
        .subscribe = subscribe,
        .publish = publish,
        .flush = flush,
        .stats = stats,
        .close = close_bus,
        .destroy = destroy,
        .teardown = teardown,
        .purge = purge,
    };
    return &driver;
}
