/* SPDX-License-Identifier: Apache-2.0 */
/* Shared objects that must be refused as drivers; UNUSABLE says in which way. */
#include <stddef.h>

#include <strandline/driver.h>

#define WRONG_ABI   1
#define NO_NAME     2
#define NO_CALLBACK 3
#define NO_TABLE    4
#define NO_SYMBOL   5

#if UNUSABLE == NO_SYMBOL
SL_API int strandline_is_not_here(void);
int strandline_is_not_here(void)
{
    return 0;
}
#else
const struct sl_driver *strandline_driver(void)
{
    static const struct sl_driver driver = {
        .abi = UNUSABLE == WRONG_ABI ? SL_DRIVER_ABI + 1 : SL_DRIVER_ABI,
        .name = UNUSABLE == NO_NAME ? NULL : "unusable",
        .version = "1",
    };
    return UNUSABLE == NO_TABLE ? NULL : &driver;
}
#endif
