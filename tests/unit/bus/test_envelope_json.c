/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope_sample.h"
#include "sl_alloc.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define ID   "\"event_id\":\"" SAMPLE_ID "\""
#define REST "\"aggregate_id\":\"a\",\"event_type\":\"t\",\"event_version\":1,"
#define TIME "\"timestamp\":\"2025-10-13T08:15:30.5Z\""
#define HEAD ID "," REST TIME

static char *encode(const struct bus_envelope *envelope)
{
    void *data = NULL;
    size_t size = 0;
    sl_assert_ok(bus_envelope_encode(envelope, BUS_ENVELOPE_JSON, &data, &size, &err), &err);
    char *text = strndup(data, size);
    cr_assert_eq(strlen(text), size);
    free(data);
    return text;
}

static enum sl_status attempt_to_decode(void *user, struct sl_error *failure)
{
    static const char text[] = "{" HEAD ",\"payload\":{\"total\":1}}";
    struct bus_envelope e = {.size = sizeof e};

    (void) user;
    enum sl_status status = bus_envelope_decode(text, sizeof text - 1, &e, failure);
    if (!status)
        bus_envelope_release(&e);
    return status;
}

SL_TEST(envelope_json, memory_that_is_short_is_told)
{
    cr_assert_geq(sl_alloc_fail_each(SL_ALLOC_ONE, attempt_to_decode, NULL), 1);
}

SL_TEST(envelope_json, text_is_exactly_this)
{
    struct bus_envelope e = sample_envelope("{\"total\": 12}", 13);
    char *text = encode(&e);
    cr_assert_str_eq(text, "{\"event_id\":\"" SAMPLE_ID "\",\"aggregate_id\":\"order:7/a_b-c.d\","
                           "\"event_type\":\"Order \\\"placed\\\" \\\\ \xc3\xa9\xe2\x82\xac"
                           "\xf0\x9f\x90\x9a\",\"event_version\":3,"
                           "\"timestamp\":\"2022-02-22T19:22:22.000000001Z\","
                           "\"trace_id\":\"trace 1\",\"correlation_id\":\"correlation 2\","
                           "\"payload\":{\"total\": 12}}");
    free(text);
}

SL_TEST(envelope_json, a_payload_that_is_not_json_is_marked_base64)
{
    static const char *const payloads[] = {"foobar", " 1", "1 ", "1 2", "{} {}", "[1", "\x80"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct bus_envelope e = sample_envelope(payloads[i], strlen(payloads[i]));
        char *text = encode(&e);
        cr_assert(strstr(text, ",\"payload_encoding\":\"base64\",\"payload\":\""), "%s", text);
        free(text);
    }
    struct bus_envelope e = sample_envelope("foobar", 6);
    e.trace_id = e.correlation_id = NULL;
    char *text = encode(&e);
    cr_assert(strstr(text, "\"payload\":\"Zm9vYmFy\"}"));
    cr_assert_not(strstr(text, "trace_id"));
    cr_assert_not(strstr(text, "correlation_id"));
    free(text);
}

static void check_read(const char *text, const char *payload)
{
    struct bus_envelope e = {.size = sizeof e};
    char *exact = malloc(strlen(text));
    memcpy(exact, text, strlen(text));
    sl_assert_ok(bus_envelope_decode(exact, strlen(text), &e, &err), &err);
    cr_assert_eq(e.event_version, 1);
    cr_assert_str_eq(e.event_type, "t");
    cr_assert_eq(e.timestamp_ns, UINT64_C(1760343330500000000));
    cr_assert_null(e.trace_id);
    cr_assert_null(e.correlation_id);
    cr_assert_eq(e.payload_size, strlen(payload));
    cr_assert_eq(memcmp(e.payload, payload, e.payload_size), 0);
    bus_envelope_release(&e);
    free(exact);
}

SL_TEST(envelope_json, what_others_write_is_read)
{
    check_read("{" HEAD ",\"payload\":{\"a\":[1]}}", "{\"a\":[1]}");
    check_read(" {\n\t\"payload\" : \"x\\u0000\" ,\r\n" HEAD " } \n", "\"x\\u0000\"");
    check_read("{" HEAD ",\"payload\":null}", "null");
    check_read("{\"tenant_id\":{\"a\":[{}]}," HEAD
               ",\"payload\":1,\"\":0,\"x\\\"\":1,\"y\\ud800\":2}",
               "1");
    check_read("{" HEAD ",\"trace_id\":null,\"correlation_id\":null,\"payload\":2}", "2");
    check_read("{" HEAD ",\"payload\":\"Zm9v\",\"payload_encoding\":\"base64\"}", "foo");
    check_read("{" HEAD ",\"payload_encoding\":\"base64\",\"payload\":\"\\u002b\\/\\/+\"}",
               "\xfb\xff\xfe");
    check_read("{" HEAD ",\"payload_encoding\":null,\"payload\":\"Zm9v\"}", "\"Zm9v\"");
    check_read("{" ID
               ",\"aggregate\\u005fid\":\"a\",\"event_type\":\"\\u0074\",\"event_version\":1,"
               "\"timestamp\":\"2025-10-13T16:15:30.5+08:00\",\"payload\":3}",
               "3");
}

/* A text in which ^ stands where it is malformed, and part of the error's text. */
struct malformed {
    const char *text, *part;
};

static void check_malformed(const struct malformed *malformed)
{
    struct bus_envelope e = {.size = sizeof e, .event_version = 99};
    char text[512], end[32];
    size_t at = strcspn(malformed->text, "^");

    cr_assert_eq(malformed->text[at], '^');
    (void) stpcpy(stpncpy(text, malformed->text, at), malformed->text + at + 1);
    (void) snprintf(end, sizeof end, " at byte %zu", at);
    sl_assert_fails(bus_envelope_decode(text, strlen(text), &e, &err), SL_EPARSE, &err,
                    malformed->part);
    cr_assert(strlen(err.text) > strlen(end) &&
                  strcmp(err.text + strlen(err.text) - strlen(end), end) == 0,
              "'%s' does not end in '%s'", err.text, end);
    cr_assert_eq(strncmp(err.text, "malformed envelope: ", 20), 0);
    cr_assert_eq(err.line, 1);
    cr_assert_eq(err.column, at + 1);
    cr_assert_eq(e.event_version, 99);
}

static void check_all_malformed(const struct malformed *malformed, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_malformed(&malformed[i]);
}

SL_TEST(envelope_json, what_is_no_object_is_refused)
{
    static const struct malformed malformed[] = {
        {"^", "neither a JSON object nor the binary format"},
        {"  ^[", "neither a JSON object nor the binary format"},
        {"^hello", "neither a JSON object nor the binary format"},
        {"{^", "the text ends too early"},
        {"{^1", "a string is expected"},
        {"{\"a\" ^1}", "a colon is expected"},
        {"{\"a\":^}", "a value is expected"},
        {"{\"a\":1^", "a comma or '}' is expected"},
        {"{\"a\":1,^}", "a string is expected"},
        {"{\"a\":[1,\"^\x01\"]}", "control character"},
        {"{} ^{}", "something follows the object"},
        {"{}^", "'$.event_id' is missing"},
    };
    check_all_malformed(malformed, sizeof malformed / sizeof *malformed);
}

SL_TEST(envelope_json, a_malformed_member_is_named_with_its_place)
{
    static const struct malformed malformed[] = {
        {"{\"event_id\":^7}", "'$.event_id' is no string"},
        {"{\"event_id\":^\"7\"}", "'$.event_id' is no UUID"},
        {"{\"event_id\":^\"\\ud800\"}", "'$.event_id' has an escape that stands for no character"},
        {"{\"event_id\":^\"\\u0000\"}", "'$.event_id' has an escape"},
        {"{" ID ",^" ID "}", "'$.event_id' is there twice"},
        {"{" ID ",^\"event\\u005fid\":0}", "'$.event_id' is there twice"},
        {"{" ID "}^", "'$.aggregate_id' is missing"},
        {"{" ID ",\"aggregate_id\":^null}", "'$.aggregate_id' is no string"},
        {"{" ID ",\"aggregate_id\":\"a\"}^", "'$.event_type' is missing"},
        {"{" ID ",\"aggregate_id\":\"a\",\"event_type\":\"t\"}^", "'$.event_version' is missing"},
        {"{" ID "," REST "\"x\":0}^", "'$.timestamp' is missing"},
        {"{" HEAD "}^", "'$.payload' is missing"},
        {"{" HEAD ",\"payload\":1,^\"payload\":1}", "'$.payload' is there twice"},
    };
    check_all_malformed(malformed, sizeof malformed / sizeof *malformed);
}

#define START "{" ID ",\"aggregate_id\":\"a\",\"event_type\":\"t\","

SL_TEST(envelope_json, a_value_that_breaks_a_rule_is_named_with_its_place)
{
    static const struct malformed malformed[] = {
        {START "\"event_version\":^1.0," TIME "}", "'$.event_version' is no integer of 64 bits"},
        {START "\"event_version\":^\"1\"," TIME "}", "'$.event_version' is no integer"},
        {START "\"event_version\":^[1]," TIME "}", "'$.event_version' is no integer"},
        {START "\"event_version\":^9223372036854775808," TIME "}", "is no integer of 64 bits"},
        {START "\"event_version\":^0," TIME ",\"payload\":1}", "'$.event_version' is less than 1"},
        {"{" ID "," REST "\"timestamp\":^\"yesterday\"}", "'$.timestamp' is no date and time"},
        {"{" ID "," REST "\"timestamp\":^\"1969-12-31T23:59:59Z\"}", "is before 1970"},
        {"{" ID "," REST "\"timestamp\":^\"1970-01-01T00:00:00Z\",\"payload\":1}",
         "'$.timestamp' is not set"},
        {"{" HEAD ",\"trace_id\":^\"\",\"payload\":1}", "'$.trace_id' is blank"},
        {"{" HEAD ",\"trace_id\":^{},\"payload\":1}", "'$.trace_id' is no string"},
        {"{" HEAD ",\"payload_encoding\":^\"hex\",\"payload\":\"\"}",
         "'$.payload_encoding' is not 'base64'"},
        {"{" HEAD ",\"payload_encoding\":^64,\"payload\":\"\"}",
         "'$.payload_encoding' is no string"},
        {"{" HEAD ",\"payload_encoding\":\"base64\"}^", "'$.payload' is missing"},
        {"{" HEAD ",\"payload_encoding\":\"base64\",\"payload\":^1}", "'$.payload' is no string"},
        {"{" HEAD ",\"payload_encoding\":\"base64\",\"payload\":^\"Zg\"}",
         "'$.payload' is no base64"},
        {"{" HEAD ",\"payload_encoding\":\"base64\",\"payload\":^\"\"}", "'$.payload' is empty"},
    };
    check_all_malformed(malformed, sizeof malformed / sizeof *malformed);
}

SL_TEST(envelope_json, a_flaw_on_a_later_line_has_line_and_column)
{
    static const char text[] = "{\n \"a\": 1,\n  \"event_id\": 7\n}";
    struct bus_envelope e = {.size = sizeof e};
    sl_assert_fails(bus_envelope_decode(text, sizeof text - 1, &e, &err), SL_EPARSE, &err,
                    "is no string at byte 25");
    cr_assert_eq(err.line, 3);
    cr_assert_eq(err.column, 15);
}

SL_TEST(envelope_json, no_part_of_an_envelope_is_one)
{
    struct bus_envelope e = sample_envelope("foobar", 6), part = {.size = sizeof part};
    char *text = encode(&e);
    for (size_t size = 0; size < strlen(text); size++) {
        char *exact = malloc(size + 1);
        memcpy(exact, text, size);
        cr_assert_eq(bus_envelope_decode(exact, size, &part, NULL), SL_EPARSE);
        free(exact);
    }
    free(text);
}
