/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 1 of include/strandline/driver.h as it was, without its comments on use: drivers that
 * were compiled with it are still driven.  Never changed.
 */
#ifndef STRANDLINE_DRIVER_H
#define STRANDLINE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SL_DRIVER_ABI    1u
#define SL_DRIVER_SYMBOL "strandline_driver"

/* What became of one published message.  Every publish that returned SL_OK gets exactly one. */
enum sl_publish_outcome {
    SL_PUBLISH_ACCEPTED, /* the bus holds it and will deliver it at least once */
    SL_PUBLISH_REJECTED, /* refused; it will not be delivered */
    SL_PUBLISH_UNKNOWN   /* no answer came; it may or may not be delivered */
};

struct sl_message {
    const char *topic;   /* NUL-terminated */
    const char *key;     /* aggregate id, NUL-terminated; NULL: no order asked for */
    const void *payload; /* borrowed for the call */
    size_t payload_size;
    uint32_t deliveries; /* handler only: 1 first delivery, more: redelivered; 0 when not known */
};

/*
 * Handles one message.  SL_OK acknowledges it; anything else asks for
 * redelivery.  Called on threads of the bus; messages of one key one at a time
 * and in publish order, in the modes that promise it.
 */
typedef enum sl_status (*sl_message_handler)(void *user, const struct sl_message *message);

/*
 * Outcome of one publish; token is the one given to publish.  Called on any
 * thread, before publish returns or later, but never after close returned.
 */
typedef void (*sl_publish_callback)(void *user, uint64_t token, enum sl_publish_outcome outcome);

struct sl_driver_config {
    size_t size;               /* sizeof(struct sl_driver_config) of the caller */
    const char *mode;          /* "keyed", "unified" or "direct" */
    const char *transport;     /* "nats" or "memory"; a driver may know others */
    const char *servers;       /* comma-separated URLs, or NULL when the transport needs none */
    const char *storage;       /* "memory" or "file": where the broker keeps messages */
    const char *prefix;        /* prepended to every name made on the broker; unique per trial */
    const char *fault;         /* NAME[,KEY=VALUE...][,NAME...] to inject, or NULL */
    const char *const *topics; /* n_topics names that will be subscribed and published to */
    size_t n_topics;
    uint32_t workers;         /* keyed: per topic; unified: in all; direct: ignored; 0: default */
    uint32_t queue_capacity;  /* messages per worker queue; 0: default */
    uint64_t enqueue_wait_ns; /* wait for room in a full queue before the topic is paused */
    uint64_t stack_size;      /* bytes per bus thread; 0: default */
    uint32_t max_pending;     /* publishes without an outcome before publish blocks; 0: default */
    uint64_t ack_wait_ns;     /* redeliver what was not acknowledged for so long; 0: default */
    sl_publish_callback on_publish; /* never NULL */
    void *user;                     /* first argument of on_publish */
    uint32_t replicas; /* servers that keep each message, where the broker has several; 0: 1 */
};

struct sl_driver_stats {
    size_t size;          /* set by the caller; the driver fills no more than this */
    uint64_t delivered;   /* handler calls */
    uint64_t redelivered; /* of these, with deliveries > 1 */
    uint64_t acked;       /* acknowledged to the broker */
    uint64_t handler_errors;
    uint64_t queue_full; /* times a full queue paused a topic */
    uint32_t threads;    /* threads the bus made and has not joined, client library excluded */
};

/* What close did.  Filled on every return of close. */
struct sl_driver_close_report {
    size_t size;                 /* set by the caller; the driver fills no more than this */
    bool timed_out;              /* the deadline passed before everything was joined */
    uint32_t threads_abandoned;  /* not joined */
    uint64_t messages_abandoned; /* taken from the broker, neither handled nor acknowledged */
    uint64_t publishes_unknown;  /* outcomes reported as unknown by close itself */
    char detail[256];            /* what was abandoned, for people; "" when nothing was */
};

enum sl_witness_wait {
    SL_WITNESS_ANY,   /* whatever it waits for */
    SL_WITNESS_SOCKET /* only one seen after close in a system call that waits on a socket */
};

/*
 * A thread that every effective close ends.  When one is alive after close
 * returned, close did not take effect, whatever else is on the stacks.
 */
struct sl_driver_witness {
    const char *module;   /* start of the file name of the module of the thread's entry function,
                             for example "libnats.so"; NULL: any */
    const char *function; /* a function that is on the stack; NULL: any */
    enum sl_witness_wait wait;
    const char *text; /* what the thread is, for people: "read loop of the NATS client" */
};

struct sl_driver {
    uint32_t abi;        /* SL_DRIVER_ABI */
    const char *name;    /* "strandline-bus" */
    const char *version; /* of the driver, for the report */

    /* Modules whose threads live until teardown and are not leaks before it; file name starts,
       NULL-terminated; or NULL. */
    const char *const *library_modules;
    /* Ends with an entry whose text is NULL; or NULL. */
    const struct sl_driver_witness *witnesses;

    /*
     * Create a bus: connections, consumers, threads.
     *
     * @param config   borrowed for the call
     * @param ret_bus  set on SL_OK only
     * @return SL_ECONNECT no server; SL_ENOTSUP unknown mode, transport or fault;
     *         SL_ELIMIT a thread or memory limit; what had been created is undone
     */
    enum sl_status (*open)(const struct sl_driver_config *config, void **ret_bus,
                           struct sl_error *err);

    /* Start delivery of one topic to handler.  On failure nothing of this topic stays. */
    enum sl_status (*subscribe)(void *bus, const char *topic, sl_message_handler handler,
                                void *user, struct sl_error *err);

    /*
     * Publish; returns when the message was handed over, not when it was stored.
     * Blocks while max_pending outcomes are missing.  The payload is copied.
     * SL_OK => on_publish is called exactly once with token; else it is not called.
     * SL_EFULL refuses this message only; any other failure ends the load.
     */
    enum sl_status (*publish)(void *bus, const struct sl_message *message, uint64_t token,
                              struct sl_error *err);

    /* Wait until no publish lacks its outcome.  SL_ETIMEDOUT when some still do. */
    enum sl_status (*flush)(void *bus, uint64_t timeout_ns, struct sl_error *err);

    /* Counters now.  Never fails, never blocks. */
    void (*stats)(void *bus, struct sl_driver_stats *ret_stats);

    /*
     * Stop: drain what was taken, join every thread, disconnect.  Idempotent.
     * Returns within deadline_ns plus a small constant; what could not be ended
     * by then is abandoned and reported.
     *
     * @return SL_OK closed; SL_ETIMEDOUT report->timed_out; SL_EDEADLK called by a bus thread
     */
    enum sl_status (*close)(void *bus, uint64_t deadline_ns, struct sl_driver_close_report *report,
                            struct sl_error *err);

    /* Free a closed bus.  A bus that abandoned threads keeps the memory those threads use. */
    void (*destroy)(void *bus);

    /* Shut the client library down, so that its own threads end.  May be NULL. */
    enum sl_status (*teardown)(struct sl_error *err);

    /*
     * Remove what a bus with this prefix left on the broker (streams,
     * consumers).  Called in a process of its own, only for brokers that outlive
     * the trial.  May be NULL.
     */
    enum sl_status (*purge)(const struct sl_driver_config *config, struct sl_error *err);
};

/* Exported by a driver's shared object.  @return a static table, never NULL */
SL_API const struct sl_driver *strandline_driver(void);
typedef const struct sl_driver *(*sl_driver_entry)(void);

#ifdef __cplusplus
}
#endif
#endif
