/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a file is that a look reads names from.
 *
 * Of the files that root installed for all, libraries without bounds are let read in this process:
 * who can write there needs no bug in them.  All others are read in a sandbox (remote.h).
 */
#ifndef SL_SNAPSHOT_SYMBOL_TRUST_H
#define SL_SNAPSHOT_SYMBOL_TRUST_H

#include <stdbool.h>

#include "harness/snapshot/target/target.h"

/*
 * Is the file root's, written by nobody else, below /usr or where the libraries are, and is that
 * directory of the target's the one of this process?
 */
bool sl_trust_file(const struct sl_target *target, int fd);

/*
 * The same of a file that is root's or this user's, wherever it lies: names from it may be kept for
 * later looks, for who could change it could as well change those.
 */
bool sl_trust_owner(const struct sl_target *target, int fd);

#endif
