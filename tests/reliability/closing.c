/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"
const struct scenario closing_scenarios[] = {{.name = NULL}};
