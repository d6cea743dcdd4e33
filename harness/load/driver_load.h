/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers made elsewhere: loading them, and making sense of what they report. */
#ifndef SL_LOAD_DRIVER_LOAD_H
#define SL_LOAD_DRIVER_LOAD_H

#include <strandline/driver.h>

/**
 * Load a driver and check that it can be used.  It stays loaded until the process
 * ends: a bus may leave threads behind that still run its code.
 *
 * @return SL_ENOENT no such file; SL_EINVAL it is no driver, or one for another
 *         version of the interface, or an incomplete one
 */
SL_CHECKED enum sl_status
sl_driver_load(const char *path, const struct sl_driver **ret_driver, struct sl_error *err);

/*
 * A callback of a driver failed: put the name of the step before its text.  A driver fills an
 * error by hand, so that the status or the text may be missing.
 *
 * @return status
 */
enum sl_status sl_driver_failed(const char *step, enum sl_status status, struct sl_error *err);

#endif
