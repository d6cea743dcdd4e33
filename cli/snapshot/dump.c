/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot/dump.h"

#include "harness/goroutine/dump/dump.h"

enum sl_status snapshot_dump_read(const struct snapshot_request *request,
                                  struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    const struct sl_dump_opts opts = {.max_memory = request->opts.max_memory,
                                      .max_bytes = request->opts.max_file_bytes};

    return sl_dump_read(request->dump, &opts, ret_snapshot, err);
}
