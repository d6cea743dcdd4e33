/* SPDX-License-Identifier: Apache-2.0 */
/* What programs outside see of a snapshot. */
#include <strandline/snapshot.h>

const char *sl_version(void)
{
    return SL_VERSION;
}
