#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Print "[NUMBER] = "NAME"," for every system call of the compiler's target.
# Usage: syscall_names.sh COMPILER...
set -eu
echo '#include <sys/syscall.h>' | "$@" -E -dM - |
    awk '$1 == "#define" && $2 ~ /^__NR_/ && $3 ~ /^[0-9]+$/ {
             printf "[%s] = \"%s\",\n", $3, substr($2, 6)
         }' | sort
