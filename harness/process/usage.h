/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory and how many descriptors a process has. */
#ifndef SL_PROCESS_USAGE_H
#define SL_PROCESS_USAGE_H

#include <sys/types.h>

#include "base/value.h"

/* VmHWM and VmRSS in bytes. */
struct sl_value sl_usage_rss_peak(pid_t pid);
struct sl_value sl_usage_rss(pid_t pid);
/* Open descriptors. */
struct sl_value sl_usage_fds(pid_t pid);

#endif
