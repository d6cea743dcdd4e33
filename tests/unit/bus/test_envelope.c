/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of envelopes, what both formats have in common, and envelopes on a bus. */
#include "sl_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "envelope_sample.h"
#include "until.h"

static const enum bus_envelope_format formats[] = {BUS_ENVELOPE_JSON, BUS_ENVELOPE_BINARY};
#define N_FORMATS (sizeof formats / sizeof *formats)

static void check_round_trip(const struct bus_envelope *envelope)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        struct sl_error err = {0};
        struct bus_envelope again = {.size = sizeof again};
        void *data = NULL;
        size_t size = 0;
        sl_assert_ok(bus_envelope_encode(envelope, formats[i], &data, &size, &err), &err);
        /* In memory of its own, so that a sanitizer sees a read behind it. */
        void *exact = malloc(size);
        memcpy(exact, data, size);
        free(data);
        sl_assert_ok(bus_envelope_decode(exact, size, &again, &err), &err);
        cr_assert(is_same_envelope(envelope, &again), "format %zu", i);
        bus_envelope_release(&again);
        cr_assert_null(again.event_type);
        bus_envelope_release(&again);
        free(exact);
    }
}

SL_TEST(envelope, every_byte_of_a_payload_comes_back)
{
    static const char *const payloads[] = {
        "{\"total\":12}",
        "{ \"total\" : 1.0 }",
        "1e2",
        "12345678901234567890123",
        "null",
        "\"text\"",
        "[[],{}]",
        "{\"a\":1,\"a\":2}",
        " {}",
        "{}\n",
        "{",
        "plain text",
        "\"\\ud800\"",
        "\xff\xfe",
        "}",
        "\"",
        "\\",
    };
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct bus_envelope envelope = sample_envelope(payloads[i], strlen(payloads[i]));
        check_round_trip(&envelope);
    }
    unsigned char all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (unsigned char) i;
    for (size_t size = 1; size <= sizeof all; size++) {
        struct bus_envelope envelope = sample_envelope(all + sizeof all - size, size);
        check_round_trip(&envelope);
    }
}

SL_TEST(envelope, fields_at_their_limits_come_back)
{
    char id[BUS_MAX_AGGREGATE_ID + 1] = "", text[BUS_MAX_ENVELOPE_TEXT + 1] = "";
    char *large = calloc(1, BUS_MAX_PAYLOAD);
    memset(id, 'x', sizeof id - 1);
    memset(text, '"', sizeof text - 1);
    struct bus_envelope envelope = sample_envelope(large, BUS_MAX_PAYLOAD);
    envelope.aggregate_id = id;
    envelope.event_type = envelope.trace_id = envelope.correlation_id = text;
    envelope.event_version = INT64_MAX;
    envelope.timestamp_ns = UINT64_MAX;
    check_round_trip(&envelope);

    envelope = sample_envelope("0", 1);
    envelope.aggregate_id = envelope.event_type = "-";
    envelope.trace_id = envelope.correlation_id = NULL;
    envelope.event_version = 1;
    envelope.timestamp_ns = 1;
    check_round_trip(&envelope);
    free(large);
}

static void check_rule(const struct bus_envelope *envelope, const char *field, const char *rule)
{
    struct sl_error err = {0}, same = {0};
    char quoted[64];
    void *data = &err;
    size_t size = 7;
    (void) snprintf(quoted, sizeof quoted, "invalid envelope: '%s' ", field);
    sl_assert_fails(bus_envelope_validate(envelope, &err), SL_EINVAL, &err, quoted);
    cr_assert(strstr(err.text, rule), "'%s' lacks '%s'", err.text, rule);
    cr_assert_eq(bus_envelope_encode(envelope, BUS_ENVELOPE_JSON, &data, &size, &same), SL_EINVAL);
    cr_assert_str_eq(same.text, err.text);
    cr_assert_eq(data, &err);
    cr_assert_eq(size, 7);
}

static struct bus_envelope valid(void)
{
    return sample_envelope("{}", 2);
}

SL_TEST(envelope, each_rule_names_its_field_and_itself)
{
    char long_text[BUS_MAX_ENVELOPE_TEXT + 2] = "";
    memset(long_text, 'x', sizeof long_text - 1);

    struct bus_envelope e = valid();
    e.event_id.bytes[6] = 0x40; /* version 4 */
    check_rule(&e, "event_id", "is no UUID of version 7");
    e = valid();
    e.event_id.bytes[8] = 0xc0; /* another variant */
    check_rule(&e, "event_id", "is no UUID of version 7");
    e = (struct bus_envelope){.size = sizeof e};
    check_rule(&e, "event_id", "is no UUID of version 7");

    static const char *const bad_ids[] = {" ",   "a b", "a\tb", "a#b", "caf\xc3\xa9",
                                          "a\\", "*",   ">",    "a@b", "a\n"};
    e = valid();
    for (size_t i = 0; i < sizeof bad_ids / sizeof *bad_ids; i++) {
        e.aggregate_id = bad_ids[i];
        check_rule(&e, "aggregate_id", "has characters other than");
    }
    e.aggregate_id = NULL;
    check_rule(&e, "aggregate_id", "is empty");
    e.aggregate_id = "";
    check_rule(&e, "aggregate_id", "is empty");
    e.aggregate_id = long_text;
    check_rule(&e, "aggregate_id", "is longer than 256 bytes");

    e = valid();
    e.event_version = 0;
    check_rule(&e, "event_version", "is less than 1");
    e.event_version = -1;
    check_rule(&e, "event_version", "is less than 1");
    e = valid();
    e.timestamp_ns = 0;
    check_rule(&e, "timestamp", "is not set");
    e = valid();
    e.payload_size = 0;
    check_rule(&e, "payload", "is empty");
    e = valid();
    e.payload = NULL;
    check_rule(&e, "payload", "is empty");
    e = valid();
    e.payload_size = BUS_MAX_PAYLOAD + 1;
    check_rule(&e, "payload", "is larger than 1 MiB");
}

SL_TEST(envelope, texts_have_the_same_rules_and_only_the_type_is_needed)
{
    static const struct {
        const char *text, *rule;
    } bad[] = {
        {"", "is blank"},
        {"   ", "is blank"},
        {"a\nb", "has control characters"},
        {"\x7f", "has control characters"},
        {"a\xff", "is no UTF-8"},
        {"\xed\xa0\x80", "is no UTF-8"},
    };
    char long_text[BUS_MAX_ENVELOPE_TEXT + 2] = "";
    memset(long_text, 'x', sizeof long_text - 1);
    struct bus_envelope e = valid();
    const struct {
        const char *name;
        const char **text;
    } fields[] = {{"event_type", &e.event_type},
                  {"trace_id", &e.trace_id},
                  {"correlation_id", &e.correlation_id}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            e = valid();
            *fields[i].text = bad[j].text;
            check_rule(&e, fields[i].name, bad[j].rule);
        }
        *fields[i].text = long_text;
        check_rule(&e, fields[i].name, "is longer than 256 bytes");
    }
    e = valid();
    e.event_type = NULL;
    check_rule(&e, "event_type", "is blank");
}

SL_TEST(envelope, arguments_that_are_missing_are_refused)
{
    struct sl_error err = {0};
    struct bus_envelope e = valid();
    void *data = NULL;
    size_t size = 0;
    sl_assert_fails(bus_envelope_validate(NULL, &err), SL_EINVAL, &err, "no envelope");
    cr_assert_eq(bus_envelope_stamp(NULL, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_encode(NULL, BUS_ENVELOPE_JSON, &data, &size, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_encode(&e, BUS_ENVELOPE_JSON, NULL, &size, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_encode(&e, BUS_ENVELOPE_JSON, &data, NULL, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_decode(NULL, 1, &e, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_decode("{}", 2, NULL, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_receive(NULL, &e, NULL), SL_EINVAL);
    cr_assert_eq(bus_publish_envelope(NULL, "t", &e, BUS_ENVELOPE_JSON, 0, NULL), SL_EINVAL);
    sl_assert_fails(bus_envelope_encode(&e, (enum bus_envelope_format) 2, &data, &size, &err),
                    SL_EINVAL, &err, "no such envelope format 2");
    cr_assert_null(data);
}

SL_TEST(envelope, an_envelope_without_its_size_is_refused)
{
    struct bus_envelope e = valid(), smaller = {.size = sizeof e - 1};
    struct sl_message message = {.key = e.aggregate_id};
    struct sl_error err = {0};
    void *data = NULL;
    size_t size = 0;

    sl_assert_ok(bus_envelope_encode(&e, BUS_ENVELOPE_BINARY, &data, &size, &err), &err);
    message.payload = data;
    message.payload_size = size;
    cr_assert_eq(bus_envelope_decode(data, size, &smaller, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_receive(&message, &smaller, NULL), SL_EINVAL);
    cr_assert_eq(bus_envelope_stamp(&smaller, NULL), SL_EINVAL);
    e.size = 0;
    sl_assert_fails(bus_envelope_validate(&e, &err), SL_EINVAL, &err, "its size is not set");
    free(data);
}

SL_TEST(envelope, a_stamp_is_a_new_id_and_the_time_it_is)
{
    struct sl_error err = {0};
    struct bus_envelope e = valid(), before = e;
    struct timespec now;
    (void) clock_gettime(CLOCK_REALTIME, &now);
    sl_assert_ok(bus_envelope_stamp(&e, &err), &err);
    cr_assert_geq(e.timestamp_ns, sl_clock_of_timespec(&now));
    cr_assert_neq(memcmp(&e.event_id, &before.event_id, sizeof e.event_id), 0);
    sl_assert_ok(bus_envelope_validate(&e, &err), &err);
    struct bus_uuid first = e.event_id;
    sl_assert_ok(bus_envelope_stamp(&e, &err), &err);
    cr_assert_gt(memcmp(&e.event_id, &first, sizeof first), 0);
}

struct receiver {
    struct bus_envelope expected;
    atomic_uint good, bad;
};

static enum sl_status receive(void *user, const struct sl_message *message)
{
    struct receiver *receiver = user;
    struct bus_envelope envelope = {.size = sizeof envelope};
    if (bus_envelope_receive(message, &envelope, NULL) == SL_OK) {
        if (is_same_envelope(&envelope, &receiver->expected) &&
            strcmp(message->key, envelope.aggregate_id) == 0)
            atomic_fetch_add(&receiver->good, 1);
        bus_envelope_release(&envelope);
    } else {
        atomic_fetch_add(&receiver->bad, 1);
    }
    return SL_OK;
}

SL_TEST(envelope, on_a_bus_the_aggregate_id_is_the_key)
{
    static const char *const topics[] = {"orders"};
    struct receiver receiver = {.expected = sample_envelope("{\"total\":12}", 12)};
    struct bus_config config = {.size = sizeof config,
                                .mode = BUS_UNIFIED,
                                .transport = "memory",
                                .topics = topics,
                                .n_topics = 1,
                                .workers = 2};
    struct sl_error err = {0};
    struct bus *bus = NULL;
    struct sl_message alien = {.topic = topics[0],
                               .key = receiver.expected.aggregate_id,
                               .payload = "{}",
                               .payload_size = 2};

    sl_assert_ok(bus_open(&config, &bus, &err), &err);
    sl_assert_ok(bus_subscribe(bus, topics[0], receive, &receiver, &err), &err);
    for (size_t i = 0; i < N_FORMATS; i++)
        sl_assert_ok(bus_publish_envelope(bus, topics[0], &receiver.expected, formats[i], i, &err),
                     &err);
    sl_assert_ok(bus_publish(bus, &alien, 0, &err), &err);
    cr_assert(sl_test_until(atomic_load(&receiver.good) + atomic_load(&receiver.bad) >= 3,
                            20 * SL_NS_PER_S));
    cr_assert_eq(atomic_load(&receiver.good), 2);
    cr_assert_eq(atomic_load(&receiver.bad), 1);

    sl_assert_fails(
        bus_publish_envelope(bus, "other", &receiver.expected, BUS_ENVELOPE_JSON, 0, &err),
        SL_ENOENT, &err, "no topic 'other'");
    err = (struct sl_error){0};
    receiver.expected.event_version = 0;
    sl_assert_fails(
        bus_publish_envelope(bus, topics[0], &receiver.expected, BUS_ENVELOPE_JSON, 0, &err),
        SL_EINVAL, &err, "'event_version'");
    sl_assert_ok(bus_close(bus, 20 * SL_NS_PER_S, NULL, &err), &err);
    bus_free(bus);
}

SL_TEST(envelope, a_message_with_another_key_is_refused)
{
    struct bus_envelope e = valid(),
                        received = {.size = sizeof received, .event_type = "untouched"};
    static const char *const keys[] = {NULL, "", "order:7", "order:7/a_b-c.d "};
    for (size_t i = 0; i < N_FORMATS; i++) {
        struct sl_error err = {0};
        void *data = NULL;
        size_t size = 0;
        sl_assert_ok(bus_envelope_encode(&e, formats[i], &data, &size, &err), &err);
        for (size_t j = 0; j < sizeof keys / sizeof *keys; j++) {
            struct sl_message message = {.key = keys[j], .payload = data, .payload_size = size};
            sl_assert_fails(bus_envelope_receive(&message, &received, &err), SL_EPARSE, &err,
                            "'aggregate_id' is not the key");
            cr_assert_str_eq(received.event_type, "untouched");
        }
        free(data);
    }
}

/* Decoding has to fit into the stack of a bus thread whatever it is given. */
static void *decode_deep(void *argument)
{
    struct bus_envelope envelope = {.size = sizeof envelope};
    const char *text = argument;
    return bus_envelope_decode(text, strlen(text), &envelope, NULL) == SL_EPARSE ? argument : NULL;
}

SL_TEST(envelope, deep_nesting_does_not_need_a_deep_stack)
{
    static const char *const starts[] = {
        "", "{\"payload\":", "{\"x\":", "{\"event_id\":", "{\"event_version\":"};
    char *text = malloc(BUS_MAX_PAYLOAD);
    pthread_attr_t attributes;
    cr_assert_eq(pthread_attr_init(&attributes), 0);
    cr_assert_eq(pthread_attr_setstacksize(&attributes, BUS_DEFAULT_STACK_SIZE), 0);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        pthread_t thread;
        void *done = NULL;
        memset(text, '[', BUS_MAX_PAYLOAD - 1);
        memcpy(text, starts[i], strlen(starts[i]));
        text[BUS_MAX_PAYLOAD - 1] = '\0';
        cr_assert_eq(pthread_create(&thread, &attributes, decode_deep, text), 0);
        cr_assert_eq(pthread_join(thread, &done), 0);
        cr_assert_eq(done, text);
    }
    (void) pthread_attr_destroy(&attributes);
    free(text);
}
