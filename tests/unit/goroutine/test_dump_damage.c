/* SPDX-License-Identifier: Apache-2.0 */
/* Dumps that are damaged, packed, of another kind, or made to harm; and those of a real program. */
#include "sl_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/macros.h"
#include "dump_text.h"
#include "harness/leak/group.h"

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

#define DATA "tests/data/goroutine/"
#define PROFILE                                                                                    \
    "goroutine profile: total 7\n7 @ 0xa 0xc 0xff\n#\t0xb\tmain.work+0xea\t/pool.go:84\n"
#define TRACEBACK                                                                                  \
    "goroutine 5 [select]:\nmain.f(0x1)\n\t/m.go:4 +0x36\n"                                        \
    "created by main.main\n\t/m.go:9 +0x5c\n"
#define FIVE "1 #5 [select] / main.f m.go:4 < main.main m.go:9\n"
#define SIX  "1 #6 [select] / main.f m.go:4 < main.main m.go:9\n"

static enum sl_status parse(const char *data, size_t size, struct sl_error *err)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    *err = (struct sl_error){0};
    return sl_dump_parse("test", data, size, NULL, &snapshot, err);
}

/* A file of the data, to be freed. */
static char *load(const char *name, size_t *ret_size)
{
    char path[400], *data = NULL;

    (void) snprintf(path, sizeof path, SL_TEST_SOURCE_ROOT "/" DATA "%s", name);
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(sl_file_read_all(fd, 1 << 20, &data, ret_size), "%s", path);
    return data;
}

/* Packed as by gzip, to be freed. */
static char *pack(const char *data, size_t size, size_t *ret_size)
{
    z_stream packer = {.next_in = (unsigned char *) (uintptr_t) data, .avail_in = (uInt) size};
    const size_t room = size + 1000;
    char *packed = malloc(room);

    cr_assert_eq(deflateInit2(&packer, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    packer.next_out = (unsigned char *) packed;
    packer.avail_out = (uInt) room;
    cr_assert_eq(deflate(&packer, Z_FINISH), Z_STREAM_END);
    *ret_size = room - packer.avail_out;
    cr_assert_eq(deflateEnd(&packer), Z_OK);
    return packed;
}

SL_TEST(dump_damage, reading_goes_on_behind_what_cannot_be_read)
{
    dump_assert_reads(TRACEBACK "\nwhat is this\nand this\n\ngoroutine 6 [select]:\n"
                                "main.f(0x1)\n\t/m.go:4 +0x36\n"
                                "created by main.main\n\t/m.go:9 +0x5c\n",
                      FIVE SIX "1 skipped, line 7: not of a goroutine\n");
    dump_assert_reads("goroutine x [select]:\n\n" TRACEBACK, FIVE);
    dump_assert_reads(TRACEBACK "\ngoroutine 7 [select\n\ngoroutine 8 [sel:\n",
                      FIVE "2 skipped, line 7: not of a goroutine\n");
    dump_assert_reads(PROFILE "garbage\n\n0 @ 0x1\n", "7 #0 [] / main.work pool.go:84\n"
                                                      "2 skipped, line 4: not of a goroutine\n");
}

SL_TEST(dump_damage, a_goroutine_with_a_line_that_is_no_frame_is_not_complete)
{
    dump_assert_reads("goroutine 5 [select]:\nmain.f(0x1)\n\t/m.go:4 +0x36\nlog: hello\n"
                      "main.g(0x1)\n\t/m.go:5 +0x36\ncreated by main.main\n\t/m.go:9 +0x5c\n",
                      "1 #5 [select] / main.f m.go:4 / main.g m.go:5"
                      " ! a part of it cannot be read < main.main m.go:9\n"
                      "1 skipped, line 4: not a frame of a goroutine\n");
    dump_assert_reads("goroutine profile: total 7\n7 @ 0xa 0xc 0xff\n#\t0xb\tmain.work\n",
                      "7 #0 [] ! the profile shows no frame of it\n"
                      "1 skipped, line 3: not a frame of a profile\n");
}

SL_TEST(dump_damage, a_goroutine_at_whose_end_the_file_was_cut_is_not_complete)
{
    dump_assert_reads("goroutine 5 [select]:\nmain.f(0x1)\n\t/m.go:4 +0x36\nmain.g(0x",
                      "1 #5 [select] / main.f m.go:4 ! a part of it cannot be read\n"
                      "1 skipped, line 4: not a frame of a goroutine\n");
    dump_assert_reads("goroutine 5 [select]:\nmain.f(0x1)\n\t/m.go:4 +0x36\n",
                      "1 #5 [select] / main.f m.go:4"
                      " ! the dump ends before it tells who started it\n");
    dump_assert_reads("goroutine 5 [select]:\n", "1 #5 [select] ! the dump shows no frame of it\n");
}

SL_TEST(dump_damage, what_is_no_dump_is_refused)
{
    struct sl_error err;

    sl_assert_fails(parse("", 0, &err), SL_EPARSE, &err, "'test': it is empty");
    sl_assert_fails(parse("hello\n", 6, &err), SL_EPARSE, &err, "no goroutines are in it");
    sl_assert_fails(parse("\0\1\2\3", 4, &err), SL_EPARSE, &err, "no goroutines are in it");
    sl_assert_fails(parse("\x7f"
                          "ELF\2\1\1\0\0",
                          9, &err),
                    SL_EPARSE, &err, "no goroutines");
    sl_assert_fails(parse("\x1f\x8b", 2, &err), SL_EPARSE, &err, "");
    sl_assert_fails(parse("threadcreate profile: total 1\n1 @ 0x1\n", 39, &err), SL_EPARSE, &err,
                    "no goroutines are in it");
    /* sample_type {type: 1}, strings "" and "cpu" */
    sl_assert_fails(parse("\x0a\x02\x08\x01\x32\x00\x32\x03"
                          "cpu",
                          11, &err),
                    SL_EPARSE, &err, "it is a profile of 'cpu', not of goroutines");
}

SL_TEST(dump_damage, packed_dumps_are_read_also_when_several_follow_each_other)
{
    size_t first, second;
    SL_AUTO_FREE char *a = pack("goroutine 5 [sel", 16, &first);
    SL_AUTO_FREE char *b = pack(&TRACEBACK[16], strlen(TRACEBACK) - 16, &second);
    SL_AUTO_FREE char *both = malloc(first + second);

    memcpy(both, a, first);
    memcpy(both + first, b, second);
    SL_AUTO_FREE char *got = dump_text_read(both, first + second);
    cr_assert_str_eq(got, FIVE);
    SL_AUTO_FREE char *cut = dump_text_read(both, first + second - 9);
    cr_assert(strstr(cut, "the packed file ends before its end"), "%s", cut);
}

SL_TEST(dump_damage, a_line_without_an_end_costs_no_more_than_its_buffer)
{
    const size_t size = (size_t) 3 << 20;
    SL_AUTO_FREE char *text = malloc(size);

    memset(text, 'a', size);
    memcpy(text, TRACEBACK "\n", strlen(TRACEBACK "\n"));
    memcpy(text + size - strlen("\n\n" TRACEBACK), "\n\n" TRACEBACK, strlen("\n\n" TRACEBACK));
    text[size - strlen(TRACEBACK) + strlen("goroutine ")] = '6';
    SL_AUTO_FREE char *got = dump_text_read(text, size);
    cr_assert_str_eq(got, FIVE SIX "2 skipped, line 7: not of a goroutine\n");
}

SL_TEST(dump_damage, counts_that_no_program_has_are_not_added_up)
{
    dump_assert_reads("goroutine profile: total 4294967295\n"
                      "4294967295 @ 0xa 0xff\n\n1 @ 0xb 0xff\n#\t0xa\tmain.f+0x1\t/m.go:1\n\n"
                      "4294967296 @ 0xa\n\n99999999999999999999 @ 0xa\n",
                      "4294967295 #0 [] ! the profile shows no frame of it\n"
                      "3 skipped, line 4: more than 4294967295 goroutines\n");
}

SL_TEST(dump_damage, no_more_is_taken_than_is_allowed)
{
    const struct sl_dump_opts small = {.max_bytes = 100}, poor = {.max_memory = 100000};
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};
    char text[40000], *to = text;

    for (int i = 1; to < text + sizeof text - 100; i++)
        to += sprintf(to, "goroutine %d [select]:\nmain.f%d(0x1)\n\t/m.go:4 +0x36\n\n", i, i);
    sl_assert_fails(sl_dump_parse("test", text, strlen(text), &poor, &snapshot, &err), SL_ELIMIT,
                    &err, "'test': it needs more memory than 100000 bytes");
    sl_assert_fails(sl_dump_parse("test", text, strlen(text), &small, &snapshot, &err), SL_ELIMIT,
                    &err, "'test': it has more than 100 bytes");
}

/* Wherever a file ends, and whatever its bytes: it is read, or refused with one line. */
SL_TEST(dump_damage, a_file_may_end_anywhere_and_have_any_byte_changed)
{
    static const char *const names[] = {"waits-debug0.pb.gz", "waits-debug1.txt",
                                        "waits-debug2.txt"};

    for (size_t f = 0; f < SL_COUNT_OF(names); f++) {
        struct sl_error err;
        size_t size;
        SL_AUTO_FREE char *data = load(names[f], &size);
        for (size_t i = 0; i < size; i += 1 + f * 6) {
            enum sl_status status = parse(data, i, &err);
            cr_assert(!status || status == SL_EPARSE, "%s at %zu: %s", names[f], i, err.text);
            char kept = data[i];
            data[i] = (char) (kept ^ (1 << i % 8));
            status = parse(data, size, &err);
            cr_assert(!status || status == SL_EPARSE, "%s with %zu: %s", names[f], i, err.text);
            data[i] = kept;
        }
    }
}

struct counted {
    struct sl_arena *arena;
    const struct sl_group *groups;
    size_t n;
};

static struct counted count_groups(const char *name)
{
    struct counted counted = {.arena = sl_arena_new()};
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};
    size_t size;
    SL_AUTO_FREE char *data = load(name, &size);

    sl_assert_ok(sl_dump_parse(name, data, size, NULL, &snapshot, &err), &err);
    cr_assert_eq(snapshot->dump->n_errors, 0, "%s: %s", name, snapshot->dump->first_error);
    sl_assert_ok(sl_leak_group_all(snapshot, counted.arena, &counted.groups, &counted.n, &err),
                 &err);
    sl_snapshot_free(snapshot);
    return counted;
}

/* How many goroutines are where these frames are, 0 for a fingerprint that is not there. */
static uint32_t count_of(const struct counted *counted, const char *fingerprint)
{
    for (size_t i = 0; i < counted->n; i++)
        if (strcmp(counted->groups[i].fingerprint, fingerprint) == 0)
            return counted->groups[i].count;
    return 0;
}

SL_TEST(dump_damage, one_program_has_the_same_groups_in_every_form)
{
    struct counted forms[] = {count_groups("waits-debug0.pb.gz"), count_groups("waits-debug1.txt"),
                              count_groups("waits-debug2.txt")};

    cr_assert_eq(forms[0].n, forms[1].n);
    cr_assert_eq(forms[1].n, forms[2].n);
    for (size_t i = 0; i < forms[1].n; i++) {
        const struct sl_group *group = &forms[1].groups[i];
        cr_assert_eq(count_of(&forms[0], group->fingerprint), group->count, "%s", group->function);
        /* The one that writes the dump has other frames in each form; a deep stack was cut. */
        if (group->complete && !strstr(group->function, "runtime_goroutineProfile"))
            cr_assert(count_of(&forms[2], group->fingerprint) == group->count ||
                          strcmp(group->function, "main.main") == 0,
                      "%s", group->function);
    }
    for (size_t f = 0; f < SL_COUNT_OF(forms); f++)
        sl_arena_free(forms[f].arena);
}

SL_TEST(dump_damage, the_incident_has_its_numbers)
{
    struct counted low = count_groups("incident-low.txt");
    static const struct {
        const char *function;
        uint32_t count;
    } expected[] = {
        {"github.com/ChenBigdata421/jxt-core/sdk/pkg/eventbus.(*KeyedWorkerPool).runWorker", 5120},
        {"github.com/ChenBigdata421/jxt-core/sdk/pkg/eventbus.(*UnifiedWorker).start", 768},
        {"github.com/nats-io/nats.go.(*Subscription).Fetch.func3", 5},
        {"github.com/nats-io/nats.go.(*Subscription).nextMsgWithContext", 5},
        {"gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun", 2}};

    for (size_t i = 0; i < SL_COUNT_OF(expected); i++) {
        const struct sl_frame *frame = low.groups[i].frames;
        cr_assert_str_eq(frame->function, expected[i].function);
        cr_assert_eq(low.groups[i].count, expected[i].count);
        cr_assert(low.groups[i].complete);
    }
    sl_arena_free(low.arena);
}
