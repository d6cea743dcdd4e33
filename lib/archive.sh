#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One static library of several, in which only what is not hidden can be linked to.
#
# usage: archive.sh OUTPUT COMPILER... -- ARCHIVE...
set -e
output=$1
shift
object=${output%.a}.o
compiler=
while [ "$1" != -- ]; do
    compiler="$compiler $1"
    shift
done
shift
# shellcheck disable=SC2086 # the compiler may be several words
$compiler -r -nostdlib -o "$object" -Wl,--whole-archive "$@"
# In both libraries, and the same: who links both may have either.
objcopy --localize-hidden --weaken-symbol=sl_status_text "$object"
rm -f "$output"
ar rcs "$output" "$object"
rm "$object"
