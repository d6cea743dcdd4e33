/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event bus: topics on a broker, messages of one key handled in order.
 *
 *     bus_open -> bus_subscribe (once per topic) -> bus_publish... -> bus_close -> bus_free
 *
 * Delivery is at least once.  A message whose handler fails is handled again; in
 * the modes that keep order its key waits meanwhile, other keys do not.  A full
 * queue pauses its topic; nothing taken from the broker is ever dropped.
 *
 * Threads.  Per subscribed topic one fetcher ("fetch-0"), workers by mode
 * ("k0-w17", "u-w3"), one "monitor", and one thread of the transport ("broker" in
 * memory, "pub-acks" with NATS).  All of them are joined by bus_close.  Every
 * function may be called from any thread, also from handlers, except where it
 * says otherwise.  Bus threads block all signals and have small stacks.
 *
 * Times are nanoseconds, sizes bytes.  Every text given to a function is borrowed
 * for the call.
 */
#ifndef STRANDLINE_BUS_H
#define STRANDLINE_BUS_H

#include <strandline/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bus;

enum bus_mode {
    BUS_KEYED,   /* a pool of workers per topic; a key belongs to one worker of its topic's */
    BUS_UNIFIED, /* one pool for all topics; a key belongs to one worker */
    BUS_DIRECT   /* the fetcher calls the handler itself; order is kept except after an error */
};

enum bus_storage { BUS_STORAGE_MEMORY, BUS_STORAGE_FILE };

/* Defaults of the fields of struct bus_config that are 0. */
#define BUS_DEFAULT_KEYED_WORKERS   1024u /* per topic */
#define BUS_DEFAULT_UNIFIED_WORKERS 16u   /* in all; twice the cores when that is more */
#define BUS_DEFAULT_QUEUE_CAPACITY  1000u
#define BUS_DEFAULT_ENQUEUE_WAIT_NS UINT64_C(200000000)
#define BUS_DEFAULT_STACK_SIZE      UINT64_C(65536)
#define BUS_DEFAULT_MAX_PENDING     8192u
#define BUS_DEFAULT_ACK_WAIT_NS     UINT64_C(30000000000)
#define BUS_DEFAULT_RESULT_WAIT_NS  UINT64_C(1000000000)

#define BUS_MAX_WORKERS  32768u
#define BUS_MAX_QUEUE    (1u << 20)
#define BUS_MAX_PENDING  (1u << 20)
#define BUS_MAX_STACK    (1u << 30) /* bytes */
#define BUS_MAX_REPLICAS 5u
#define BUS_MAX_RESULTS  (1u << 20)
#define BUS_MAX_KEY      256u            /* bytes */
#define BUS_MAX_PAYLOAD  (1024u * 1024u) /* a NATS server may allow less */

/* Topic of the dead letters of a topic, which begins with this. */
#define BUS_DEAD_PREFIX "dead."

/* A line about the bus, without a newline.  Called on any thread; may not close the bus. */
typedef void (*bus_log_callback)(void *user, const char *line);

struct bus_config {
    size_t size; /* sizeof(struct bus_config) of the caller */
    enum bus_mode mode;
    const char *transport;    /* "memory" or "nats" */
    const char *servers;      /* nats: comma-separated URLs; memory: ignored */
    enum bus_storage storage; /* nats: of the streams; memory: ignored */
    const char *prefix;       /* of every name made on the broker: letters, digits, '-', '_'; end it
                                 so that no other bus's begins with it; NULL: "bus_" */
    const char *fault;        /* NAME[,KEY=VALUE...][,NAME...]: break on purpose, see bus_fault.h;
                                 NULL or "": none */
    const char *const *topics;      /* every topic to be published or subscribed to: dot-separated
                                       words without blanks, '*', '>'; each once */
    size_t n_topics;                /* at least 1 */
    uint32_t workers;               /* keyed: per topic; unified: in all; direct: ignored */
    uint32_t queue_capacity;        /* messages per worker queue */
    uint64_t enqueue_wait_ns;       /* wait for room before the pause of a topic is counted */
    uint64_t stack_size;            /* bytes per bus thread; raised to what the system needs */
    uint32_t max_pending;           /* publishes without an outcome before bus_publish blocks */
    uint64_t ack_wait_ns;           /* the broker redelivers what no bus held for so long */
    sl_publish_callback on_publish; /* outcome of every publish, or NULL; may not block for long */
    void *user;                     /* first argument of on_publish */
    uint32_t replicas;    /* nats: of every stream, odd so that a majority is clear; 0: 1 */
    uint32_t max_deliver; /* tries of a message before it is given up; 0: there is no end */
    bool dead_letter;     /* what is given up goes to the topic "dead.<topic>", which the bus then
                             has for each of `topics`; else it is dropped */
    uint32_t result_capacity; /* outcomes that wait for bus_results_take; 0: none are kept */
    uint64_t result_wait_ns;  /* how long a full result queue holds outcomes up */
    bus_log_callback log;     /* or NULL; gets at most one line of a kind in a second */
    void *log_user;           /* first argument of log */
    const struct sl_credentials *credentials; /* nats: beside what stands in the URLs; or NULL */
};

/**
 * Create a bus: connect, make the streams, start the threads that serve all topics.
 *
 * @param ret_bus  set on SL_OK only; bus_close() then bus_free()
 *
 * @return SL_OK
 *         SL_EINVAL   a field is out of range or malformed
 *         SL_ENOTSUP  unknown transport or fault, or not built in, or a fault that this bus or
 *                     transport can not have, or a server without JetStream
 *         SL_ECONNECT no server answered, or a cluster elected no leader within 20 s; the text has
 *                     the URL
 *         SL_EPROTO   the server refused a stream
 *         SL_ELIMIT   thread limit; the text says how many were made, all of them are joined
 *         SL_ENOMEM
 */
SL_API SL_CHECKED enum sl_status
bus_open(const struct bus_config *config, struct bus **ret_bus, struct sl_error *err);

/**
 * Start delivery of a topic.
 *
 * The handler runs on bus threads until bus_close returned.  Anything but SL_OK
 * from it asks for redelivery: after 10 ms, then twice as long each time, up to 1 s.
 * A message that failed max_deliver times is given up.  Its dead letter is stored before
 * it is, while its worker waits; when that fails, or the bus closes, it is tried again.
 * Dead letters may be subscribed to like any topic; they are never given up themselves.
 *
 * @return SL_OK
 *         SL_ENOENT   no such topic in the configuration
 *         SL_EBUSY    already subscribed
 *         SL_ECLOSED  the bus is closing or closed
 *         SL_ELIMIT   thread limit, as in bus_open; nothing of this topic stays
 *         SL_ECONNECT, SL_EPROTO, SL_ENOMEM
 */
SL_API SL_CHECKED enum sl_status bus_subscribe(struct bus *bus, const char *topic,
                                               sl_message_handler handler, void *user,
                                               struct sl_error *err);

/**
 * Hand a message over for publishing; message->deliveries is ignored.
 *
 * Blocks while max_pending outcomes are missing, and while the connection is lost and the
 * client library has no more room for what is to be sent then; for a tenth of a second at a
 * time while the stream of the topic has no leader.  Messages published one after
 * another by one thread are stored in that order.
 *
 * @param token  given back with the outcome
 *
 * @return SL_OK       on_publish is called exactly once with token, at the latest by bus_close
 *         SL_EINVAL   key empty, too long, with control characters or blanks at its ends; payload
 *                     too large
 *         SL_ENOENT   no such topic in the configuration
 *         SL_ECLOSED  the bus is closing or closed
 *         SL_ECONNECT connection lost for good
 *         SL_ENOMEM
 */
SL_API SL_CHECKED enum sl_status bus_publish(struct bus *bus, const struct sl_message *message,
                                             uint64_t token, struct sl_error *err);

/**
 * Wait until no publish lacks its outcome.
 *
 * @return SL_OK, SL_ETIMEDOUT some still lack it, SL_ECLOSED the bus is closing,
 *         SL_EDEADLK called from on_publish
 */
SL_API SL_CHECKED enum sl_status
bus_flush(struct bus *bus, uint64_t timeout_ns, struct sl_error *err);

/* Counters now; fills no more than ret_stats->size bytes.  Never blocks.  Without a bus, nothing.
 */
SL_API void bus_stats(const struct bus *bus, struct sl_driver_stats *ret_stats);

/**
 * Stop: take no more from the broker, handle what was taken, join every thread,
 * disconnect.
 *
 * Idempotent: every call returns what the first one found; a call made meanwhile
 * waits for it.
 *
 * @param deadline_ns  from now.  What has not ended by then is abandoned and
 *                     reported; the call returns within 100 ms more, or 8 s more
 *                     when a server has stopped reading
 * @param report       filled on every return, no more than report->size bytes; or NULL
 *
 * @return SL_OK        everything is joined and disconnected
 *         SL_ETIMEDOUT something was abandoned: report->detail
 *         SL_EDEADLK   called by a thread of this bus or from on_publish; nothing was done
 */
SL_API SL_CHECKED enum sl_status bus_close(struct bus *bus, uint64_t deadline_ns,
                                           struct sl_driver_close_report *report,
                                           struct sl_error *err);

/*
 * Free a closed bus.  NULL is allowed.  A bus with threads or callers left, and one
 * that was never closed, is kept in memory, because they still use it.
 */
SL_API void bus_free(struct bus *bus);

/**
 * End the threads of the client libraries of all transports.  No bus may be open.
 *
 * @return SL_OK        nothing is left
 *         SL_ETIMEDOUT a library object is still in use
 */
SL_API SL_CHECKED enum sl_status bus_teardown(struct sl_error *err);

/**
 * Delete every stream on config->servers whose name begins with config->prefix.
 *
 * @return SL_OK, SL_ECONNECT, SL_EPROTO, SL_ENOTSUP, SL_ENOMEM
 */
SL_API SL_CHECKED enum sl_status bus_purge(const struct bus_config *config, struct sl_error *err);

/* Version of the library that runs, "0.1.0"; a static string. */
SL_API const char *bus_version(void);

/**
 * The bus as a driver of the harness.
 *
 * @return a static table, never NULL
 */
SL_API const struct sl_driver *bus_driver(void);

#ifdef __cplusplus
}
#endif
#endif
