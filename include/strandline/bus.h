/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRANDLINE_BUS_H
#define STRANDLINE_BUS_H

#include <strandline/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The bus as a driver of the harness.
 *
 * @return a static table, never NULL
 */
SL_API const struct sl_driver *bus_driver(void);

#ifdef __cplusplus
}
#endif
#endif
