/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/group.h"

#include <string.h>

int sl_group_compare(const void *left, const void *right)
{
    const struct sl_group *a = left, *b = right;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->fingerprint, b->fingerprint);
}
