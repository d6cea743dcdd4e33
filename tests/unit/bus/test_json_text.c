/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/utf8.h"
#include "bus/envelope/json_text.h"

/* Whether the text begins with a value; *ret_at is behind it or where it is malformed. */
static bool skip(const char *data, size_t size, size_t *ret_at, const char **ret_flaw)
{
    struct json_text text = {.data = data, .size = size};
    bool skipped = json_text_skip_value(&text);
    *ret_at = text.at;
    *ret_flaw = text.flaw;
    return skipped;
}

SL_TEST(json_text, a_value_ends_at_its_last_byte)
{
    static const char *const values[] = {
        "0",
        "-0",
        "12",
        "-1.5e+10",
        "1E-9",
        "123456789012345678901234567890",
        "1e999",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\\\"b\"",
        "\"\\u00e9\\ud800\\n\\/\\\\\"",
        "\"\xc3\xa9\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1, 2,[3] ,{\"a\" : [ ]}]",
        "{\"a\":{\"b\":[{}]},\"c\":\"}\"}",
        "{\"a\":1,\"a\":2}",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[64];
        size_t at = 0, size = strlen(values[i]);
        const char *flaw = NULL;
        cr_assert(skip(values[i], size, &at, &flaw), "%s: %s", values[i], flaw);
        cr_assert_eq(at, size);
        (void) strcat(strcpy(text, values[i]), " ]x");
        cr_assert(skip(text, strlen(text), &at, &flaw));
        cr_assert_eq(at, size, "%s ends at byte %zu", text, at);
    }
}

SL_TEST(json_text, malformed_text_is_refused_where_it_is_malformed)
{
    static const struct {
        const char *text;
        size_t at;
        const char *flaw;
    } vectors[] = {
        {"", 0, "ends too early"},
        {"[", 1, "ends too early"},
        {"{\"a\"", 4, "ends too early"},
        {"[1,2", 4, "ends too early"},
        {"\"abc", 4, "ends too early"},
        {"\"\\", 2, "ends too early"},
        {"\"\\u12", 5, "ends too early"},
        {"tru", 3, "ends too early"},
        {"-", 1, "ends too early"},
        {"1.", 2, "ends too early"},
        {"1e+", 3, "ends too early"},
        {" 1", 0, "a value is expected"},
        {"x", 0, "a value is expected"},
        {"nul1", 3, "a value is expected"},
        {"+1", 0, "a value is expected"},
        {"[1,]", 3, "a value is expected"},
        {"[,1]", 1, "a value is expected"},
        {"[-a]", 2, "a digit is expected"},
        {"[1.e5]", 3, "a digit is expected"},
        {"[01]", 2, "a comma or ']'"},
        {"[1 2]", 3, "a comma or ']'"},
        {"[1}", 2, "a comma or ']'"},
        {"{\"a\":1]", 6, "a comma or '}'"},
        {"{1:2}", 1, "a string is expected"},
        {"{\"a\":1,}", 7, "a string is expected"},
        {"{\"a\" 1}", 5, "a colon is expected"},
        {"\"a\nb\"", 2, "control character"},
        {"\"\\x\"", 2, "no such escape"},
        {"\"\\u12g4\"", 5, "four hexadecimal digits"},
        {"\"\xc3\"", 1, "no UTF-8"},
        {"\"\xc0\x80\"", 1, "no UTF-8"},
        {"\"\xed\xa0\x80\"", 1, "no UTF-8"},
        {"\"\xf4\x90\x80\x80\"", 1, "no UTF-8"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        size_t at = 0;
        const char *flaw = NULL;
        cr_assert_not(skip(vectors[i].text, strlen(vectors[i].text), &at, &flaw), "%s",
                      vectors[i].text);
        cr_assert_eq(at, vectors[i].at, "%s: at byte %zu", vectors[i].text, at);
        cr_assert(strstr(flaw, vectors[i].flaw), "%s: %s", vectors[i].text, flaw);
    }
}

SL_TEST(json_text, nesting_has_a_limit_that_is_exact)
{
    char text[2 * (JSON_TEXT_MAX_DEPTH + 1)];
    const char *flaw = NULL;
    size_t at = 0;

    memset(text, '[', JSON_TEXT_MAX_DEPTH);
    memset(text + JSON_TEXT_MAX_DEPTH, ']', JSON_TEXT_MAX_DEPTH);
    cr_assert(skip(text, 2 * JSON_TEXT_MAX_DEPTH, &at, &flaw));
    memset(text, '[', JSON_TEXT_MAX_DEPTH + 1);
    cr_assert_not(skip(text, sizeof text, &at, &flaw));
    cr_assert_eq(at, JSON_TEXT_MAX_DEPTH);
    cr_assert_str_eq(flaw, "nested too deeply");
}

/* Decode as the standard defines it, without a table. */
static bool is_character(const unsigned char *bytes, size_t length)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned point = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2)
            return false;
        point = point << 6 | (bytes[i] & 0x3f);
    }
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    bool lead = length == 1 ? bytes[0] < 0x80
                            : (bytes[0] & (0xffu << (7 - length) & 0xff)) == marks[length];
    return lead && point >= smallest[length] && point <= 0x10ffff &&
           (point < 0xd800 || point > 0xdfff);
}

SL_TEST(json_text, characters_of_utf_8_are_those_of_the_standard)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < 1u << 20; i++) {
        /* Every first two bytes, with what may and may not follow them. */
        static const unsigned char tails[] = {0x00, 0x7f, 0x80, 0xbf};
        unsigned char bytes[4] = {(unsigned char) (i >> 12), (unsigned char) (i >> 4),
                                  tails[i >> 2 & 3], tails[i & 3]};
        size_t expected = 0;
        for (size_t length = 1; length <= 4 && !expected; length++)
            expected = is_character(bytes, length) ? length : 0;
        wrong += utf8_length(bytes, 4) != expected;
        wrong += expected > 0 && utf8_length(bytes, expected - 1) != 0;
    }
    cr_assert_eq(wrong, 0);
}
