/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "json/locate.h"

static struct sl_locate_text text_of(const char *data)
{
    return (struct sl_locate_text){.data = data, .size = strlen(data)};
}

SL_TEST(locate, a_member_is_found_behind_look_alikes_in_texts_and_neighbours)
{
    struct sl_locate_text text =
        text_of("{\"a\": \"\\\"b\\\": {\", \"c\": {\"b\": [1, {\"b\": 2}]}, \"b\": true}");
    const struct sl_locate_path root = {0};
    const struct sl_locate_path b = {.parent = &root, .key = "b"};
    const struct sl_locate_path c = {.parent = &root, .key = "c"};
    const struct sl_locate_path c_b = {.parent = &c, .key = "b"};
    const struct sl_locate_path second = {.parent = &c_b, .index = 1};
    const struct sl_locate_path inner = {.parent = &second, .key = "b"};

    cr_assert_str_eq(text.data + sl_locate_value(&text, &b), "true}");
    cr_assert_str_eq(text.data + sl_locate_key(&text, &b), "\"b\": true}");
    cr_assert_str_eq(text.data + sl_locate_value(&text, &inner), "2}]}, \"b\": true}");
    cr_assert_eq(sl_locate_key(&text, &second), sl_locate_value(&text, &second));
    cr_assert_eq(sl_locate_value(&text, &root), 0);
}

SL_TEST(locate, a_key_is_found_also_when_it_is_written_with_escapes)
{
    struct sl_locate_text text = text_of("{\"\\u0061\\n\\\"\\u00e9\": 1, \"b\": 2}");
    const struct sl_locate_path root = {0};
    const struct sl_locate_path key = {.parent = &root, .key = "a\n\"\xc3\xa9"};
    cr_assert_str_eq(text.data + sl_locate_value(&text, &key), "1, \"b\": 2}");
}

SL_TEST(locate, what_is_not_there_is_placed_at_its_container)
{
    struct sl_locate_text text = text_of(" {\"a\": [1]}");
    const struct sl_locate_path root = {0};
    const struct sl_locate_path missing = {.parent = &root, .key = "b"};
    const struct sl_locate_path a = {.parent = &root, .key = "a"};
    const struct sl_locate_path beyond = {.parent = &a, .index = 1};

    cr_assert_eq(sl_locate_value(&text, &missing), 1);
    cr_assert_eq(sl_locate_value(&text, &beyond), 7);
}

SL_TEST(locate, columns_count_bytes_and_lines_end_with_newline)
{
    struct sl_locate_text text = text_of("\xc3\xa9x\n\r\ny");
    unsigned line, column;

    sl_locate_position(&text, 2, &line, &column);
    cr_assert(line == 1 && column == 3);
    sl_locate_position(&text, 6, &line, &column);
    cr_assert(line == 3 && column == 1);
    sl_locate_position(&text, text.size, &line, &column);
    cr_assert(line == 3 && column == 2);
}

SL_TEST(locate, the_token_before_an_offset_is_found)
{
    struct sl_locate_text text = text_of("{\"a b\": 12.5}");
    cr_assert_eq(sl_locate_token(&text, 6), 1, "behind the key");
    cr_assert_eq(sl_locate_token(&text, 9), 8, "in the number");
    cr_assert_eq(sl_locate_token(&text, 13), 12, "behind the last one");
    cr_assert_eq(sl_locate_token(&text, 0), 0);
}

SL_TEST(locate, a_way_is_shown_with_dots_and_indices)
{
    const struct sl_locate_path root = {0};
    const struct sl_locate_path variants = {.parent = &root, .key = "variants"};
    const struct sl_locate_path second = {.parent = &variants, .index = 1};
    const struct sl_locate_path pool = {.parent = &second, .key = "pool"};
    char way[64], small[8];

    sl_locate_format(&pool, way, sizeof way);
    cr_assert_str_eq(way, "variants[1].pool");
    sl_locate_format(&root, way, sizeof way);
    cr_assert_str_eq(way, "");
    sl_locate_format(&pool, small, sizeof small);
    cr_assert_str_eq(small, "variant", "cut off, not written beyond");
}

SL_TEST(locate, the_way_to_an_offset_is_found_in_text_that_breaks_off)
{
    struct sl_locate_text text = text_of("{\"a\": 1, \"b\": [{}, {\"c\": tr");
    char way[64];

    sl_locate_describe(&text, text.size, way, sizeof way);
    cr_assert_str_eq(way, "b[1].c");
    sl_locate_describe(&text, 6, way, sizeof way);
    cr_assert_str_eq(way, "a");
    sl_locate_describe(&text, 0, way, sizeof way);
    cr_assert_str_eq(way, "");
}

SL_TEST(locate, shown_texts_have_no_control_characters_and_whole_characters_only)
{
    char text[64] = "";
    sl_locate_append_quoted(text, sizeof text, "a\x1b\n\x7f", 4);
    cr_assert_str_eq(text, "a???");

    text[0] = '\0';
    const char *umlauts =
        "x\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4";
    sl_locate_append_quoted(text, sizeof text, umlauts, strlen(umlauts));
    cr_assert_eq(strlen(text), 39 + 3, "19 of the two-byte characters and three dots");
}
