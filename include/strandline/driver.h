/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver interface: an event bus as the harness sees it.
 *
 * The harness knows a bus only through a const struct sl_driver.  The built-in
 * bus is one implementation; a shared object that exports
 *
 *     const struct sl_driver *strandline_driver(void);
 *
 * is another, loaded with `strandline run --driver FILE.so`.  A driver needs
 * this header and error.h only; it links against nothing of strandline.
 *
 * Call order, all from one thread of the subject process:
 *
 *     open -> subscribe (once per topic) -> publish... -> flush -> close -> destroy -> teardown
 *
 * publish may be called by several threads at once, each key by one thread
 * only.  open succeeded => close and destroy are called exactly once, even
 * after a failed subscribe or publish.  teardown is called once at the end,
 * also when open failed.  Times are nanoseconds, sizes bytes, unless a unit
 * stands in the name.
 *
 * docs/driver.md says what a run concludes from all this, with examples.
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

/*
 * Version of this interface.  Drivers of version 1 are still driven: their struct sl_driver ends
 * before `transports`, and nothing behind that is read.
 */
#define SL_DRIVER_ABI     2u
#define SL_DRIVER_ABI_MIN 1u
#define SL_DRIVER_SYMBOL  "strandline_driver"

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

/* Files that say who a client is and whom it believes; NULL: none.  A user with a password, or a
   token, stands in the URLs, where bytes that are neither letters nor digits may be %XX. */
struct sl_credentials {
    size_t size;          /* sizeof(struct sl_credentials) of the caller */
    const char *creds;    /* nats: a user's JWT and the seed of its key */
    const char *tls_ca;   /* PEM: certificates to trust */
    const char *tls_cert; /* PEM: the client's own certificate... */
    const char *tls_key;  /* ...and its key */
};

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

    /* Since version 2; there when size reaches beyond it. */
    const char *const *args; /* "KEY=VALUE" of each --driver-arg, in their order, NULL at the end */

    /* There when size reaches beyond it; NULL: none are needed. */
    const struct sl_credentials *credentials;
};

struct sl_driver_stats {
    size_t size;          /* set by the caller; the driver fills no more than this */
    uint64_t delivered;   /* handler calls */
    uint64_t redelivered; /* of these, with deliveries > 1 */
    uint64_t acked;       /* acknowledged to the broker */
    uint64_t handler_errors;
    uint64_t queue_full; /* times a full queue paused a topic */
    uint32_t threads;    /* living ones that the bus made and has not joined, client library
                            excluded; to claim more than the process had fails the trial */
};

/* What close did.  Filled on every return of close. */
struct sl_driver_close_report {
    size_t size;                 /* set by the caller; the driver fills no more than this */
    bool timed_out;              /* the deadline passed before everything was joined */
    uint32_t threads_abandoned;  /* living ones, not joined; as stats.threads */
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

/* A fault that config->fault may name. */
struct sl_driver_fault {
    const char *name; /* "lose"; no comma, no '=' */
    const char *keys; /* that may follow it: "nth=10,prob"; NULL: none */
    const char *text; /* what it breaks and what is to be seen then, for people; or NULL */
};

/* A key of config->args. */
struct sl_driver_arg {
    const char *name; /* "threads" */
    const char *text; /* what its value means, for people: "delivery threads (1)"; or NULL */
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
     * A driver that forgets one has broken its contract, and nothing is proved about its bus.
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

    /*
     * Since version 2: what the driver has.  A run takes its defaults from here, refuses the rest
     * before it plays, and reports as used what is declared only.  A list that is NULL is not
     * declared: everything is passed on, and reported as what was asked for.  A list ends with
     * NULL (faults and args: an entry whose name is NULL); one that has no other entry says that
     * there is none.
     */
    const char *const *transports; /* the first is the default; for "nats" a server is provided */
    const char *const *modes;      /* of "keyed", "unified", "direct"; the first is the default */
    /* Of "workers", "queue_capacity", "enqueue_wait_ns", "stack_size", "storage", "replicas":
       those members of the config that have an effect. */
    const char *const *settings;
    const struct sl_driver_fault *faults;
    const struct sl_driver_arg *args;
};

/* Exported by a driver's shared object.  @return a static table, never NULL */
SL_API const struct sl_driver *strandline_driver(void);
typedef const struct sl_driver *(*sl_driver_entry)(void);

#ifdef __cplusplus
}
#endif
#endif
