/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where every connection to NATS goes and how it proves who it is, as options of the client
 * library.
 */
#ifndef SL_NATS_ACCESS_H
#define SL_NATS_ACCESS_H

#include <strandline/driver.h>

#include "nats/library.h"

/*
 * @param servers      as in base/url.h
 * @param credentials  or NULL
 * @return NATS_INVALID_ARG not such a list, or one of more than 32
 */
natsStatus sl_nats_set_access(natsOptions *options, const char *servers,
                              const struct sl_credentials *credentials);

/* The last failure of this thread, for people: what the library says without its own source line.
   @return ret_text */
const char *sl_nats_describe(natsStatus status, char *ret_text, size_t size);

#endif
