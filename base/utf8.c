/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

#include "base/macros.h"

void sl_utf8_clean(char *text, bool controls)
{
    while (*text) {
        size_t length = sl_utf8_length(text), step = SL_MAX(length, 1);
        if (length == 0 || (controls && sl_utf8_is_control(text)))
            memset(text, '?', step);
        text += step;
    }
}
