/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/snapshot/symbol/jit.h"
#include "until.h"

struct scene {
    struct sl_jit *jit;
    struct sl_arena *arena;
};

static struct scene parse(const char *text)
{
    struct scene scene = {.arena = sl_arena_new()};
    size_t size = strlen(text);
    char *copy = malloc(size); /* as large as the file, with nothing behind it */

    cr_assert(scene.arena && copy);
    memcpy(copy, text, size);
    scene.jit = sl_jit_parse(copy, size);
    return scene;
}

static void check(const struct scene *scene, uint64_t address, const char *expected)
{
    const char *name = scene->jit ? sl_jit_find(scene->jit, address, scene->arena) : NULL;
    cr_assert(!name == !expected && (!name || strcmp(name, expected) == 0), "%#lx: %s, not %s",
              (unsigned long) address, name, expected);
}

static void release(struct scene *scene)
{
    sl_jit_free(scene->jit);
    sl_arena_free(scene->arena);
}

SL_TEST(symbol_jit, a_name_is_that_of_the_range_which_has_the_address)
{
    struct scene scene = parse("7f0000001000 20 *outer /a b.js:3\n"
                               "0x7f0000002000 0x10 inner\n");
    check(&scene, 0x7f0000000fff, NULL);
    check(&scene, 0x7f0000001000, "*outer /a b.js:3");
    check(&scene, 0x7f000000101f, "*outer /a b.js:3");
    check(&scene, 0x7f0000001020, NULL);
    check(&scene, 0x7f000000200f, "inner");
    release(&scene);
}

SL_TEST(symbol_jit, the_last_line_about_an_address_holds)
{
    struct scene scene = parse("1000 100 first\n"
                               "1040 10 within\n"
                               "10f0 20 across\n"
                               "1000 8 again\n");
    check(&scene, 0x1000, "again");
    check(&scene, 0x1008, "first");
    check(&scene, 0x1040, "within");
    check(&scene, 0x1050, "first");
    check(&scene, 0x10ef, "first");
    check(&scene, 0x10f0, "across");
    check(&scene, 0x110f, "across");
    check(&scene, 0x1110, NULL);
    release(&scene);

    scene = parse("1010 8 old\n1000 100 new\n");
    check(&scene, 0x1010, "new");
    release(&scene);
}

/* Every address of some hundred ranges against the rule said plainly. */
SL_TEST(symbol_jit, any_overlap_gives_what_the_last_line_says)
{
    enum { N_RANGES = 300, N_ADDRESSES = 500 };
    int last[N_ADDRESSES];
    char text[N_RANGES * 32] = "", name[16];
    unsigned random = 7;
    size_t length = 0;

    memset(last, -1, sizeof last);
    for (int i = 0; i < N_RANGES; i++) {
        unsigned start = (random = random * 1103515245 + 12345) >> 8 & 0x1ff;
        unsigned size = ((random = random * 1103515245 + 12345) >> 8 & 0x3f) >> (i % 4) | 1;
        length +=
            (size_t) snprintf(text + length, sizeof text - length, "%x %x r%d\n", start, size, i);
        for (unsigned at = start; at < start + size && at < N_ADDRESSES; at++)
            last[at] = i;
    }
    struct scene scene = parse(text);
    for (unsigned at = 0; at < N_ADDRESSES; at++) {
        (void) snprintf(name, sizeof name, "r%d", last[at]);
        check(&scene, at, last[at] < 0 ? NULL : name);
    }
    release(&scene);
}

SL_TEST(symbol_jit, what_is_no_line_is_left_out)
{
    struct scene scene = parse("\n"
                               "zz 10 a\n"
                               "1000 b\n"
                               "1000 0 empty\n"
                               "1000 10 \n"
                               "ffffffffffffffff 10 beyond\n"
                               "2000 10 whole\n"
                               "3000 10 being writ");
    check(&scene, 0x1000, NULL);
    check(&scene, 0x2000, "whole");
    check(&scene, 0x3000, NULL);
    release(&scene);

    scene = parse("no line of it");
    cr_assert_null(scene.jit);
    release(&scene);
}

/* What time it was when the machine was started, in seconds and cut. */
static int64_t boot_time(void)
{
    struct timespec now, since_boot;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    (void) clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return (int64_t) ((sl_clock_of_timespec(&now) - sl_clock_of_timespec(&since_boot)) /
                      SL_NS_PER_S);
}

/* Is it the same by whole seconds?  They give one more for a part of each. */
static bool seconds_agree(void)
{
    struct timespec now, since_boot;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    (void) clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return now.tv_sec - since_boot.tv_sec == boot_time();
}

static bool has_map(const struct sl_target *target, int fd, time_t written)
{
    const struct timespec times[2] = {{.tv_sec = written}, {.tv_sec = written}};

    cr_assert_eq(futimens(fd, times), 0);
    struct sl_jit *jit = sl_jit_new(target);
    sl_jit_free(jit);
    return jit;
}

SL_TEST(symbol_jit, a_file_that_is_older_than_the_process_is_that_of_an_earlier_one)
{
    static const char line[] = "1000 10 here\n";
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    struct sl_error err = {0};
    struct sl_stat stat;
    char path[64];

    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    cr_assert_eq(sl_target_stat(&target, target.pid, &stat), 0);
    int64_t began = boot_time() + (int64_t) (stat.start_time / (uint64_t) sysconf(_SC_CLK_TCK));
    (void) snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long) getpid());
    SL_AUTO_FD int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && write(fd, line, sizeof line - 1) == sizeof line - 1);
    bool same_second = has_map(&target, fd, began), later = has_map(&target, fd, began + 10);
    cr_assert(sl_test_until(seconds_agree(), 10 * SL_NS_PER_S));
    bool earlier = has_map(&target, fd, began - 2);
    (void) unlink(path);
    cr_assert(same_second && later && !earlier);
}
