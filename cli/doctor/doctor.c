/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/macros.h"
#include "reports/format.h"

void doctor_add(struct doctor *doctor, const char *name, enum doctor_state state, const char *cost,
                const char *fix, const char *found, ...)
{
    char text[512];
    va_list args;

    va_start(args, found);
    (void) vsnprintf(text, sizeof text, found, args);
    va_end(args);
    if (doctor->n_checks == SL_COUNT_OF(doctor->checks))
        return;
    const char *copy = sl_format_printable(doctor->arena, text);
    doctor->checks[doctor->n_checks++] = (struct doctor_check){
        .name = name,
        .state = state,
        .found = copy ? copy : "out of memory",
        .cost = state == DOCTOR_OK ? NULL : cost,
        .fix = state == DOCTOR_OK ? NULL : fix,
    };
}
