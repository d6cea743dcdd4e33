/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "bus/envelope/uuid7.h"

#define EXAMPLE "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

SL_TEST(uuid7, the_example_of_rfc_9562_has_this_layout)
{
    struct bus_uuid uuid;
    char text[BUS_UUID_TEXT_SIZE];
    uuid7_pack(UINT64_C(0x017f22e279b0) << 12 | 0xcc3, UINT64_C(0x18c4dc0c0c07398f), &uuid);
    bus_uuid_format(&uuid, text);
    cr_assert_str_eq(text, EXAMPLE);
    cr_assert(uuid7_is(&uuid));
}

SL_TEST(uuid7, version_and_variant_are_set_whatever_the_other_bits_are)
{
    static const uint64_t all[] = {0, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        struct bus_uuid uuid;
        uuid7_pack(all[i / 2] >> 4, all[i % 2], &uuid);
        cr_assert(uuid7_is(&uuid));
    }
}

SL_TEST(uuid7, text_is_read_in_either_case)
{
    struct sl_error err = {0};
    struct bus_uuid lower, upper;
    char text[BUS_UUID_TEXT_SIZE];
    sl_assert_ok(bus_uuid_parse(EXAMPLE, &lower, &err), &err);
    sl_assert_ok(bus_uuid_parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", &upper, &err), &err);
    cr_assert_eq(memcmp(&lower, &upper, sizeof lower), 0);
    bus_uuid_format(&upper, text);
    cr_assert_str_eq(text, EXAMPLE);
}

SL_TEST(uuid7, other_text_is_refused)
{
    static const char *const malformed[] = {
        NULL,
        "",
        "-",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e279b0-7cc3-98c4-dc0c0c07398f-",
        "017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
        "017g22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398\xff",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct sl_error err = {0};
        struct bus_uuid uuid = {{7}};
        sl_assert_fails(bus_uuid_parse(malformed[i], &uuid, &err), SL_EPARSE, &err,
                        "malformed UUID");
        cr_assert_eq(uuid.bytes[0], 7);
    }
}

static uint64_t milliseconds_of(const struct bus_uuid *uuid)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < 6; i++)
        ms = ms << 8 | uuid->bytes[i];
    return ms;
}

static uint64_t milliseconds_now(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_REALTIME, &now);
    return sl_clock_of_timespec(&now) / SL_NS_PER_MS;
}

SL_TEST(uuid7, the_first_one_has_the_time_it_is)
{
    struct sl_error err = {0};
    struct bus_uuid uuid;
    uint64_t before = milliseconds_now();
    sl_assert_ok(bus_uuid7_make(&uuid, &err), &err);
    uint64_t after = milliseconds_now();
    cr_assert(uuid7_is(&uuid));
    cr_assert_geq(milliseconds_of(&uuid), before);
    cr_assert_leq(milliseconds_of(&uuid), after);
}

#define N_THREADS 8
#define N_EACH    20000

static void *make_many(void *argument)
{
    struct bus_uuid *uuids = argument;
    for (size_t i = 0; i < N_EACH; i++) {
        if (bus_uuid7_make(&uuids[i], NULL))
            return NULL;
    }
    return argument;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bus_uuid));
}

SL_TEST(uuid7, each_is_greater_than_the_one_before_in_all_threads_together)
{
    struct bus_uuid *uuids = malloc(N_THREADS * N_EACH * sizeof *uuids);
    pthread_t threads[N_THREADS];
    void *done = NULL;
    unsigned wrong = 0;

    for (size_t i = 0; i < N_THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, make_many, uuids + i * N_EACH), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        cr_assert_eq(pthread_join(threads[i], &done), 0);
        cr_assert(done);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        for (size_t j = 1; j < N_EACH; j++)
            wrong += compare(&uuids[i * N_EACH + j - 1], &uuids[i * N_EACH + j]) >= 0;
    }
    cr_assert_eq(wrong, 0, "within a thread");
    /* The 60 bits of time alone tell them apart, so order does not depend on random bits. */
    qsort(uuids, N_THREADS * N_EACH, sizeof *uuids, compare);
    for (size_t i = 1; i < N_THREADS * N_EACH; i++)
        wrong += memcmp(&uuids[i - 1], &uuids[i], 8) >= 0;
    cr_assert_eq(wrong, 0, "between threads");
    free(uuids);
}
