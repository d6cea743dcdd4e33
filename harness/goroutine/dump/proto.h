/* SPDX-License-Identifier: Apache-2.0 */
/* profile.proto, as runtime/pprof writes it with debug=0. */
#ifndef SL_GOROUTINE_DUMP_PROTO_H
#define SL_GOROUTINE_DUMP_PROTO_H

#include "harness/goroutine/dump/builder.h"

/*
 * Read a whole profile.
 *
 * @return SL_EPARSE where it is none, or one of something else than goroutines
 */
SL_CHECKED enum sl_status
proto_read(struct dump_builder *builder, const char *data, size_t size, struct sl_error *err);

#endif
