/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control: a driver whose close leaves a known number of threads behind and says
 * that all is well.  Played in every run, it proves that a leak would be found.  A fault is the
 * name of a state (plant.h): its threads are planted instead.
 */
#ifndef SL_RUN_CONTROL_H
#define SL_RUN_CONTROL_H

#include <strandline/driver.h>

#define SL_CONTROL_THREADS 4

/* @return a static table, never NULL */
const struct sl_driver *sl_control_driver(void);

#endif
