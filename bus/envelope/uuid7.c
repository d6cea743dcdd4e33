/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDs of version 7 (RFC 9562, section 5.7).
 *
 * The 12 bits behind the milliseconds are a fraction of them (section 6.2, method 3).
 * Time and fraction together are a number that goes up by at least one with every
 * UUID, so a process that makes more than 4096 in a millisecond, or whose clock is set
 * back, runs ahead of the clock instead of repeating itself.
 */
#include "bus/envelope/uuid7.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/fail.h"

#define TICKS_PER_MS 4096u

static uint64_t ticks_now(void)
{
    struct timespec time;
    (void) clock_gettime(CLOCK_REALTIME, &time); /* cannot fail for this clock */
    uint64_t now_ns = sl_clock_of_timespec(&time);
    return now_ns / SL_NS_PER_MS * TICKS_PER_MS +
           now_ns % SL_NS_PER_MS * TICKS_PER_MS / SL_NS_PER_MS;
}

/* Now, or one more than last time. */
static uint64_t take_ticks(void)
{
    static atomic_uint_fast64_t last;
    uint_fast64_t before = atomic_load(&last), ticks = 0;
    uint64_t now = ticks_now();
    do
        ticks = now > before ? now : before + 1;
    while (!atomic_compare_exchange_weak(&last, &before, ticks));
    return ticks;
}

void uuid7_pack(uint64_t ticks, uint64_t random, struct bus_uuid *ret_uuid)
{
    uint64_t high = (ticks & ~UINT64_C(0xfff)) << 4 | 0x7000 | (ticks & 0xfff);
    uint64_t low = UINT64_C(1) << 63 | (random & UINT64_MAX >> 2);
    for (unsigned i = 0; i < 8; i++) {
        ret_uuid->bytes[i] = (uint8_t) (high >> (56 - 8 * i));
        ret_uuid->bytes[8 + i] = (uint8_t) (low >> (56 - 8 * i));
    }
}

bool uuid7_is(const struct bus_uuid *uuid)
{
    return uuid->bytes[6] >> 4 == 7 && uuid->bytes[8] >> 6 == 2;
}

enum sl_status bus_uuid7_make(struct bus_uuid *ret_uuid, struct sl_error *err)
{
    uint64_t random = 0;
    /* So few bytes come whole, and only before the system's first random bytes is there a wait. */
    if (getrandom(&random, sizeof random, 0) != (ssize_t) sizeof random)
        return sl_fail_errno(err, "cannot get random bytes");
    uuid7_pack(take_ticks(), random, ret_uuid);
    return SL_OK;
}

static bool has_dash_before(unsigned byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void bus_uuid_format(const struct bus_uuid *uuid, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < sizeof uuid->bytes; i++) {
        if (has_dash_before(i))
            *ret_text++ = '-';
        *ret_text++ = digits[uuid->bytes[i] >> 4];
        *ret_text++ = digits[uuid->bytes[i] & 15];
    }
    *ret_text = '\0';
}

/* @return 16 for what is no digit */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned) (c - '0');
    c |= 'a' - 'A';
    return c >= 'a' && c <= 'f' ? (unsigned) (c - 'a' + 10) : 16;
}

enum sl_status bus_uuid_parse(const char *text, struct bus_uuid *ret_uuid, struct sl_error *err)
{
    struct bus_uuid uuid = {{0}};
    bool fits = text && strlen(text) == BUS_UUID_TEXT_SIZE - 1;

    for (unsigned i = 0; i < sizeof uuid.bytes && fits; i++) {
        if (has_dash_before(i))
            fits = *text++ == '-';
        unsigned high = digit_value(*text++), low = digit_value(*text++);
        fits = fits && high < 16 && low < 16;
        uuid.bytes[i] = (uint8_t) (high << 4 | low);
    }
    if (!fits)
        return sl_fail(err, SL_EPARSE, "malformed UUID: 8-4-4-4-12 hexadecimal digits are one");
    *ret_uuid = uuid;
    return SL_OK;
}
