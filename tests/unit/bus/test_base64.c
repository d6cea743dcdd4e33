/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "bus/envelope/base64.h"

static const struct {
    const char *data, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+"},
};

SL_TEST(base64, the_examples_of_rfc_4648_go_there_and_back)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[16] = "", data[16] = "";
        size_t size = strlen(vectors[i].data), decoded = 99;
        base64_encode(vectors[i].data, size, text);
        cr_assert_str_eq(text, vectors[i].text);
        cr_assert_eq(BASE64_SIZE(size), strlen(text));
        cr_assert(base64_decode(text, strlen(text), data, &decoded));
        cr_assert_eq(decoded, size);
        cr_assert_eq(memcmp(data, vectors[i].data, size), 0);
    }
}

SL_TEST(base64, every_group_of_three_bytes_goes_there_and_back_in_place)
{
    unsigned wrong = 0;
    for (unsigned group = 0; group < 1u << 24; group += 251) {
        unsigned char bytes[3] = {(unsigned char) (group >> 16), (unsigned char) (group >> 8),
                                  (unsigned char) group};
        char text[4];
        size_t size = 0;
        base64_encode(bytes, 3, text);
        wrong += !base64_decode(text, 4, text, &size) || size != 3 || memcmp(text, bytes, 3) != 0;
    }
    cr_assert_eq(wrong, 0);
}

SL_TEST(base64, what_is_not_written_so_is_refused)
{
    static const char *const malformed[] = {
        "Z",        "Zg",   "Zg=",  "Zh==",     "Zm9=",
        "====",     "=g==", "Z===", "Zg=a",     "Zm9v\n",
        "Zm9v Zg=", "Zm9-", "Zm9_", "Zg==Zg==", "\xff\xff\xff\xff",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        char data[16];
        size_t size = 99;
        cr_assert_not(base64_decode(malformed[i], strlen(malformed[i]), data, &size), "%s",
                      malformed[i]);
        cr_assert_eq(size, 99);
    }
}
