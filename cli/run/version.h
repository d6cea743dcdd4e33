/* SPDX-License-Identifier: Apache-2.0 */
/* The commit that was built; version.c is made by the build. */
#ifndef SL_CLI_RUN_VERSION_H
#define SL_CLI_RUN_VERSION_H

extern const char version_commit[]; /* 40 hex digits, "-dirty" appended; or "unknown" */

#endif
