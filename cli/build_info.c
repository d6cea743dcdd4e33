/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/build_info.h"

#include <string.h>

#include <strandline/snapshot.h>

#include "cli/version.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

void build_info_fill(struct sl_run_result *result)
{
    static const char dirty[] = "-dirty";
    bool known = strcmp(version_commit, "unknown") != 0;
    size_t length = strlen(version_commit);
    bool changed =
        length >= sizeof dirty && strcmp(version_commit + length - (sizeof dirty - 1), dirty) == 0;

    result->tool.version = sl_version();
    result->tool.compiler = COMPILER;
    result->tool.build_type = SL_BUILD_TYPE;
    /* Where no commit is known, nobody knows of changes to it either. */
    result->tool.dirty = !known ? SL_MAYBE_UNKNOWN : changed ? SL_MAYBE_YES : SL_MAYBE_NO;
    if (changed)
        length -= sizeof dirty - 1;
    result->tool.commit =
        known ? sl_arena_printf(result->arena, "%.*s", (int) length, version_commit) : NULL;
    result->environment.libnats = SL_LIBNATS_VERSION;
    result->environment.libunwind = SL_LIBUNWIND_VERSION;
    result->environment.libdw = SL_LIBDW_VERSION;
}
