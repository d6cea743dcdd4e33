/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"
const struct scenario cycle_scenarios[] = {{.name = NULL}};
