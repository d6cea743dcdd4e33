#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Make the seeds of fuzz_elf anew: tests/fuzz/elf_seeds.sh [DIRECTORY]
#
# The same few functions, with the unwind tables, symbols and debug information that compilers
# and linkers make, each in one segment so that its file is small.
set -euo pipefail
cd "$(dirname "$0")"
to=${1:-corpus/elf}

make() { # NAME COMPILER OPTION...
    "$2" -fdebug-prefix-map="$PWD"=. -nostdlib -ffreestanding -fno-stack-protector -Wl,-z,noseparate-code,-z,max-page-size=512 \
        -Wl,--build-id=none,--eh-frame-hdr "${@:3}" -o "$to/$1" ../subjects/elf_seed.c
    chmod a-x "$to/$1"
}
make pie gcc -O2 -fPIE -pie
make shared gcc -O2 -fPIC -shared -s
make static gcc -O1 -static -s
make no-header gcc -O2 -static -Wl,--no-eh-frame-hdr
make build-id gcc -O2 -static -s -Wl,--build-id=sha1
make debug-frame gcc -O2 -static -fno-asynchronous-unwind-tables -fno-unwind-tables -g1
make frame-pointers gcc -O0 -static -s
make lines gcc -O2 -static -g
make lines-4 gcc -O2 -static -gdwarf-4
make compressed gcc -O2 -static -g -gz=zlib
make clang clang -O2 -static -g -fuse-ld=bfd
objcopy --only-keep-debug "$to/lines" "$to/only-debug"
