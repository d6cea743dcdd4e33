/* SPDX-License-Identifier: Apache-2.0 */
/* Make a right file wrong in one place, where its readers look. */
#ifndef HOSTILE_SPOIL_H
#define HOSTILE_SPOIL_H

#include "bytes.h"
#include "choice.h"

void spoil(struct bytes *file, struct choice *choice);

#endif
