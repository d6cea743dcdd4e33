/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "harness/goroutine/live/look.h"

#define DEFAULT_MAX_GOROUTINES 2000000
#define MAX_CODE               2048 /* of the function that has the list in it */
#define MAX_LIST               ((uint64_t) 1 << 32)

/* What Go has of a slice. */
struct slice {
    uint64_t data, n, capacity;
};

/*
 * Address that the instruction loads eight bytes from, relative to where it is; 0: it does not.
 * MOV r64, [RIP + disp32] is a prefix of 48 or 4C, 8B, and an operand of mode 0 with base 5.
 */
static uint64_t loaded_address(const uint8_t *code, uint64_t at)
{
    int32_t distance;

    if ((code[0] & 0xfb) != 0x48 || code[1] != 0x8b || (code[2] & 0xc7) != 0x05)
        return 0;
    memcpy(&distance, code + 3, sizeof distance);
    return at + 7 + (uint64_t) (int64_t) distance;
}

static bool is_list(const struct slice *slice)
{
    return slice->data && slice->data % 8 == 0 && slice->n && slice->n <= slice->capacity &&
           slice->capacity <= MAX_LIST;
}

/* runtime.forEachG loads start and length of the list of all goroutines, before anything else. */
static bool find_list(struct live_look *look, struct slice *ret_slice)
{
    uint8_t code[MAX_CODE];
    struct live_function function;

    if (!functions_find_named(&look->functions, "runtime.forEachG", &function))
        return false;
    size_t size = sl_reader_read(look->reader, function.code.start, code,
                                 (size_t) SL_MIN(function.code.size, (uint64_t) sizeof code));
    uint64_t before = 0;
    for (size_t i = 0; i + 7 <= size; i++) {
        uint64_t address = loaded_address(code + i, function.code.start + i);
        if (!address || address % 8)
            continue;
        uint64_t low = SL_MIN(address, before);
        if (before && SL_MAX(address, before) - low == 8 &&
            sl_reader_read_all(look->reader, low, ret_slice, sizeof *ret_slice) &&
            is_list(ret_slice))
            return true;
        before = address;
    }
    return false;
}

/* Ids follow the order of names, and what the compiler makes comes last, behind this one. */
static bool find_wrapper(struct live_look *look)
{
    struct live_function function;

    if (!functions_find_named(&look->functions, "runtime.systemstack_switch", &function) ||
        !function.id)
        return false;
    look->functions.wrapper = (uint8_t) (function.id + 1);
    return true;
}

enum sl_status live_list(struct live_look *look, struct sl_error *err)
{
    const size_t max = look->opts.max_threads ? look->opts.max_threads : DEFAULT_MAX_GOROUTINES;
    struct slice slice;

    if (!find_list(look, &slice) || !find_wrapper(look))
        return sl_fail(err, SL_ENOTSUP,
                       "process %ld is a program of %s whose list of goroutines is not found",
                       (long) look->target.pid, look->image.version);
    look->n_addresses = (size_t) SL_MIN(slice.n, (uint64_t) max);
    look->n_left_out = (size_t) slice.n - look->n_addresses;
    const size_t size = look->n_addresses * sizeof *look->addresses;
    look->addresses = sl_arena_array(look->scratch, look->n_addresses, sizeof *look->addresses);
    look->threads = sl_arena_array(look->snapshot->arena, look->n_addresses, sizeof *look->threads);
    if (!look->addresses || !look->threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu goroutines", look->n_addresses);
    if (sl_reader_read(look->reader, slice.data, look->addresses, size) != size)
        return sl_fail(err, SL_ENOTSUP,
                       "process %ld is a program of %s whose list of goroutines cannot be read",
                       (long) look->target.pid, look->image.version);
    return SL_OK;
}
