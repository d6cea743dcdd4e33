/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelope: an event with what its receivers need to know about it.
 *
 *     struct bus_envelope event = {.size = sizeof event,
 *                                  .aggregate_id = "order-7",
 *                                  .event_type = "OrderPlaced",
 *                                  .event_version = 1,
 *                                  .payload = "{\"total\":12}",
 *                                  .payload_size = 12};
 *     bus_envelope_stamp(&event, &err);
 *     bus_publish_envelope(bus, "orders", &event, BUS_ENVELOPE_JSON, token, &err);
 *
 * and in a handler
 *
 *     bus_envelope_receive(message, &event, &err);
 *     ...
 *     bus_envelope_release(&event);
 *
 * An envelope travels as the payload of a message, in one of two formats that a
 * reader tells apart by the first byte.  docs/bus.md describes both.
 *
 * A message is routed without a look into its payload: its key is the aggregate id.
 * On NATS that is the header BUS_KEY_HEADER.  The event id is the message id, in the
 * header BUS_ID_HEADER, so that JetStream stores an event once however often it is
 * published within the duplicate window of the stream (2 minutes).  The in-memory
 * transport stores what it is given.
 *
 * Functions that take an envelope leave it as it is and borrow it for the call.
 * Nothing here keeps state but the clock of bus_uuid7_make, so every function may be
 * called from any thread.
 */
#ifndef STRANDLINE_ENVELOPE_H
#define STRANDLINE_ENVELOPE_H

#include <strandline/bus.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BUS_KEY_HEADER "Bus-Key"
#define BUS_ID_HEADER  "Nats-Msg-Id"

#define BUS_MAX_AGGREGATE_ID  BUS_MAX_KEY /* bytes */
#define BUS_MAX_ENVELOPE_TEXT 256u        /* bytes of event type, trace and correlation id */

/* A UUID as RFC 9562 lays it out, in network byte order: memcmp() sorts version 7 by time. */
struct bus_uuid {
    uint8_t bytes[16];
};

#define BUS_UUID_TEXT_SIZE 37u /* with its NUL */

/**
 * Make a UUID of version 7: the time in 1/4096 ms, then 62 random bits.
 *
 * Every one that a process makes is greater than the one before, in all threads
 * together and also when the clock is set back.
 *
 * @return SL_OK, SL_ESYS the system has no random bytes
 */
SL_API SL_CHECKED enum sl_status bus_uuid7_make(struct bus_uuid *ret_uuid, struct sl_error *err);

/* Write the 36 characters and a NUL, in lower case. */
SL_API void bus_uuid_format(const struct bus_uuid *uuid, char *ret_text);

/* Read 36 characters, in either case, of any version.  @return SL_OK or SL_EPARSE */
SL_API SL_CHECKED enum sl_status
bus_uuid_parse(const char *text, struct bus_uuid *ret_uuid, struct sl_error *err);

struct bus_envelope {
    size_t size;                /* sizeof(struct bus_envelope) of the caller, also to receive */
    struct bus_uuid event_id;   /* of version 7 */
    const char *aggregate_id;   /* 1 to 256 of A-Z a-z 0-9 : _ - . / */
    const char *event_type;     /* 1 to 256 bytes of UTF-8, not blank, no control characters */
    int64_t event_version;      /* at least 1 */
    uint64_t timestamp_ns;      /* when it happened, since 1970 UTC; not 0 */
    const char *trace_id;       /* like event_type, or NULL */
    const char *correlation_id; /* like event_type, or NULL */
    const void *payload;        /* 1 byte to BUS_MAX_PAYLOAD */
    size_t payload_size;

    void *storage; /* of a decoded envelope; NULL in one you fill in */
};

enum bus_envelope_format {
    BUS_ENVELOPE_JSON,  /* a payload that is JSON is embedded as it is, any other in base64 */
    BUS_ENVELOPE_BINARY /* compact; decoding copies nothing */
};

/* Give an envelope a new event id and the time it is now. */
SL_API SL_CHECKED enum sl_status
bus_envelope_stamp(struct bus_envelope *envelope, struct sl_error *err);

/**
 * Hold an envelope to the rules above.
 *
 * @return SL_OK, or SL_EINVAL and a text that names the first field that breaks a
 *         rule, and the rule
 */
SL_API SL_CHECKED enum sl_status
bus_envelope_validate(const struct bus_envelope *envelope, struct sl_error *err);

/**
 * Write an envelope.
 *
 * @param ret_data  set on SL_OK only; the caller's to free()
 *
 * @return SL_OK, SL_ENOMEM
 *         SL_EINVAL  the envelope is not valid, or there is no such format
 */
SL_API SL_CHECKED enum sl_status
bus_envelope_encode(const struct bus_envelope *envelope, enum bus_envelope_format format,
                    void **ret_data, size_t *ret_size, struct sl_error *err);

/**
 * Read an envelope of either format from bytes that need not be trusted.
 *
 * The payload has every byte that was given to bus_envelope_encode.
 *
 * @param ret_envelope  its size is set by the caller, the rest on SL_OK only, and valid then;
 *                      bus_envelope_release().  It points into data, which has to stay
 *
 * @return SL_OK, SL_ENOMEM
 *         SL_EPARSE  malformed, or not a valid envelope.  The text names the field and
 *                    the byte offset; line and column are set when it is JSON
 */
SL_API SL_CHECKED enum sl_status bus_envelope_decode(const void *data, size_t size,
                                                     struct bus_envelope *ret_envelope,
                                                     struct sl_error *err);

/* Free what decoding allocated and clear the envelope but for its size.  An empty one is allowed.
 */
SL_API void bus_envelope_release(struct bus_envelope *envelope);

/**
 * Publish an envelope: as bus_publish, with the aggregate id as key and the event
 * id as message id.
 *
 * @return as bus_publish, and SL_EINVAL for an envelope that is not valid, or too
 *         large as a message
 */
SL_API SL_CHECKED enum sl_status
bus_publish_envelope(struct bus *bus, const char *topic, const struct bus_envelope *envelope,
                     enum bus_envelope_format format, uint64_t token, struct sl_error *err);

/**
 * Read the envelope of a received message: bus_envelope_decode on its payload.  The
 * envelope may not outlive the handler call.
 *
 * @return as bus_envelope_decode, and SL_EPARSE when the key of the message is not
 *         the aggregate id: it was routed, and ordered, as something else
 */
SL_API SL_CHECKED enum sl_status bus_envelope_receive(const struct sl_message *message,
                                                      struct bus_envelope *ret_envelope,
                                                      struct sl_error *err);

#ifdef __cplusplus
}
#endif
#endif
