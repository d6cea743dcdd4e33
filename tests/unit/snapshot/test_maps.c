/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/snapshot/target/maps.h"

static const char sample[] =
    "55d0c0000000-55d0c0001000 r--p 00000000 fe:01 131090                     /opt/a b/prog\n"
    "55d0c0001000-55d0c0002000 r-xp 00001000 fe:01 131090                     /opt/a b/prog\n"
    "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
    "7f1000000000-7f1000001000 r-xp 00002000 fe:01 77     /tmp/libx.so (deleted)\n"
    "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static struct sl_maps *parse(const char *text)
{
    struct sl_error err = {0};
    struct sl_maps *maps = NULL;
    sl_assert_ok(sl_maps_parse(strdup(text), &maps, &err), &err);
    return maps;
}

SL_TEST(maps, every_column_is_read)
{
    SL_AUTO(sl_maps) struct sl_maps *maps = parse(sample);
    cr_assert_eq(maps->n_mappings, 6);
    const struct sl_mapping *code = &maps->mappings[1];
    cr_assert(code->start == 0x55d0c0001000 && code->end == 0x55d0c0002000);
    cr_assert(code->offset == 0x1000 && code->inode == 131090);
    cr_assert(code->major == 0xfe && code->minor == 1);
    cr_assert(code->readable && code->executable && !code->deleted);
    cr_assert_str_eq(code->path, "/opt/a b/prog");
    cr_assert_null(maps->mappings[2].path);
    cr_assert_str_eq(maps->mappings[4].path, "[stack]");
    cr_assert(!maps->mappings[5].readable && maps->mappings[5].executable);
}

SL_TEST(maps, a_deleted_file_keeps_its_path)
{
    SL_AUTO(sl_maps) struct sl_maps *maps = parse(sample);
    cr_assert(maps->mappings[3].deleted);
    cr_assert_str_eq(maps->mappings[3].path, "/tmp/libx.so");
}

SL_TEST(maps, an_address_finds_the_mapping_that_holds_it)
{
    SL_AUTO(sl_maps) struct sl_maps *maps = parse(sample);
    cr_assert_eq(sl_maps_find(maps, 0x55d0c0000000), &maps->mappings[0]);
    cr_assert_eq(sl_maps_find(maps, 0x55d0c0000fff), &maps->mappings[0]);
    cr_assert_eq(sl_maps_find(maps, 0x55d0c0001000), &maps->mappings[1]);
    cr_assert_null(sl_maps_find(maps, 0x55d0c0002000));
    cr_assert_null(sl_maps_find(maps, 0));
    cr_assert_null(sl_maps_find(maps, UINT64_MAX));
}

SL_TEST(maps, an_empty_map_holds_nothing)
{
    SL_AUTO(sl_maps) struct sl_maps *maps = parse("");
    cr_assert_null(sl_maps_find(maps, 0x1000));
}

SL_TEST(maps, a_line_that_repeats_earlier_addresses_is_left_out)
{
    SL_AUTO(sl_maps)
    struct sl_maps *maps = parse("1000-3000 r--p 00000000 00:00 0 \n"
                                 "2000-4000 r--p 00000000 00:00 0 \n"
                                 "4000-5000 r--p 00000000 00:00 0 \n");
    cr_assert_eq(maps->n_mappings, 2);
    cr_assert_eq(maps->mappings[1].start, 0x4000);
}

SL_TEST(maps, malformed_lines_are_refused_with_their_number)
{
    static const char *const cases[] = {
        "1000-2000 r--p 00000000 00:00 0", /* no end of line */
        "1000-2000\n",
        "2000-1000 r--p 00000000 00:00 0 \n",
        "1000 2000 r--p 00000000 00:00 0 \n",
        "1000-2000 r--p 00000000 0000 0 \n",
        "garbage\n",
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_error err = {0};
        struct sl_maps *maps = NULL;
        char text[128];
        (void) snprintf(text, sizeof text, "500-600 r--p 00000000 00:00 0 \n%s", cases[i]);
        sl_assert_fails(sl_maps_parse(strdup(text), &maps, &err), SL_EPARSE, &err, "memory map");
        cr_assert_eq(err.line, 2, "%s", cases[i]);
        cr_assert_null(maps);
    }
}

SL_TEST(maps, bytes_of_a_file_are_found_in_the_nearest_mapping_of_it)
{
    SL_AUTO(sl_maps)
    struct sl_maps *maps = parse("1000-2000 r--p 00000000 fe:01 7      /a\n"
                                 "2000-3000 r-xp 00001000 fe:01 7      /a\n"
                                 "3000-4000 r--p 00000000 fe:01 8      /b\n"
                                 "4000-5000 r--p 00000000 fe:01 7      /another name\n"
                                 "8000-a000 r--p 00000000 fe:01 7      /a\n"
                                 "b000-c000 r--p 00001000 fe:01 7      /a\n");
    const struct sl_mapping *mappings = maps->mappings;
    cr_assert_eq(sl_maps_find_bytes(maps, &mappings[1], 0x10, 8), &mappings[0]);
    cr_assert_eq(sl_maps_find_bytes(maps, &mappings[5], 0x10, 8), &mappings[4]);
    cr_assert_eq(sl_maps_find_bytes(maps, &mappings[5], 0x1010, 8), &mappings[5]);
    cr_assert_eq(sl_maps_find_bytes(maps, &mappings[1], 0xffc, 8), &mappings[4], "over a border");
    cr_assert_eq(sl_maps_find_bytes(maps, &mappings[2], 0xffc, 4), &mappings[2]);
    cr_assert_null(sl_maps_find_bytes(maps, &mappings[2], 0xffc, 8));
    cr_assert_null(sl_maps_find_bytes(maps, &mappings[0], 0x2000, 1));
}
