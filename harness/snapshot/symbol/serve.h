/* SPDX-License-Identifier: Apache-2.0 */
/* The side of a sandbox that reads names (wire.h). */
#ifndef SL_SNAPSHOT_SYMBOL_SERVE_H
#define SL_SNAPSHOT_SYMBOL_SERVE_H

#include <stdint.h>

struct sl_serve {
    uint64_t max_bytes; /* of the debug information of a file */
};

/* Answer what is asked on the socket until its other side is closed, or memory is short. */
void sl_serve_names(int socket, void *context /* struct sl_serve */);

#endif
