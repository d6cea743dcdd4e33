/* SPDX-License-Identifier: Apache-2.0 */
#include "base/grow.h"

#include <stdint.h>

bool sl_grow_bytes(void **data, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return true;
    size_t wanted = SL_MAX(need, SL_MAX(*capacity, 8) * 2);
    if (wanted < need || wanted > SIZE_MAX / size)
        return false;
    void *grown = realloc(*data, wanted * size);
    if (!grown)
        return false;
    *data = grown;
    *capacity = wanted;
    return true;
}
