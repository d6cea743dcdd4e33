/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/snapshot.h"

const struct sl_exporter sl_snapshot_exporters[] = {
    {"text", SL_SNAPSHOT_NEEDS_GROUPS, snapshot_write_text},
    {"json", SL_SNAPSHOT_NEEDS_GROUPS, snapshot_write_json},
    {"threadz", SL_SNAPSHOT_NEEDS_MAPS, snapshot_write_threadz},
    {0},
};
