/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/view.h"

#include <string.h>

static bool inside(uint64_t address, uint64_t start, uint64_t size)
{
    return address >= start && size >= sizeof(uint64_t) &&
           address - start <= size - sizeof(uint64_t);
}

/* Words behind the copy come in windows: one call for many frames. */
static bool read_window(struct sl_view *view, uint64_t address)
{
    view->window_address = address;
    view->window_size = sl_reader_read(view->reader, address, view->window,
                                       SL_MIN(SL_WINDOW_SIZE, view->stack_end - address));
    return inside(address, address, view->window_size);
}

bool sl_view_word(struct sl_view *view, uint64_t address, uint64_t *ret_value)
{
    if (!inside(address, view->sp, view->stack_end - view->sp)) {
        view->read_elsewhere = true;
        return sl_reader_read_all(view->reader, address, ret_value, sizeof *ret_value);
    }
    view->deepest = SL_MAX(view->deepest, (size_t) (address - view->sp) + sizeof *ret_value);
    if (inside(address, view->sp, view->copied)) {
        memcpy(ret_value, view->copy + (address - view->sp), sizeof *ret_value);
        return true;
    }
    if (!inside(address, view->window_address, view->window_size) && !read_window(view, address))
        return false;
    memcpy(ret_value, view->window + (address - view->window_address), sizeof *ret_value);
    return true;
}
