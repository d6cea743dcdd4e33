/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of envelopes and their rules, for every wire format.
 *
 * Encoders get a valid envelope.  Decoders check the envelope they read with
 * envelope_check, so that the text of a failure can name the place in the input.
 */
#ifndef BUS_ENVELOPE_RULES_H
#define BUS_ENVELOPE_RULES_H

#include <strandline/envelope.h>

/* In the order of the binary format; X(number, name). */
#define ENVELOPE_FIELD_MAP(X)                                                                      \
    X(EVENT_ID, event_id)                                                                          \
    X(AGGREGATE_ID, aggregate_id)                                                                  \
    X(EVENT_TYPE, event_type)                                                                      \
    X(EVENT_VERSION, event_version)                                                                \
    X(TIMESTAMP, timestamp)                                                                        \
    X(TRACE_ID, trace_id)                                                                          \
    X(CORRELATION_ID, correlation_id)                                                              \
    X(PAYLOAD, payload)

enum envelope_field {
#define X(number, name) ENVELOPE_##number,
    ENVELOPE_FIELD_MAP(X)
#undef X
        N_ENVELOPE_FIELDS
};

const char *envelope_field_name(enum envelope_field field);

/*
 * Hold an envelope to the rules.
 *
 * @param ret_field  set when a rule is broken
 * @return NULL, or the rule, to be put behind the name of the field
 */
const char *envelope_check(const struct bus_envelope *envelope, enum envelope_field *ret_field);

#endif
