#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `meson install` puts below DESTDIR is enough to build and run the examples, with nothing but a
# compiler and pkg-config; and a build for that has no tests in it.
#
# usage: test_install.sh MESON BUILD SOURCE COMPILER [FLAG...]; prints TAP
set -u
meson=$1 build=$2 source=$3
shift 3
compiler=("$@" -std=c11 -pedantic-errors -Wall -Wextra -Werror -D_DEFAULT_SOURCE -pthread)
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
n=0 failed=0

# check FACT COMMAND...: the command succeeds
check() {
    local fact=$1 ok=ok
    shift
    n=$((n + 1))
    "$@" > "$work/out" 2>&1 < /dev/null || ok="not ok"
    echo "$ok $n - $fact"
    [ "$ok" = ok ] || { failed=1; sed 's/^/# /' "$work/out"; }
}

# ends STATUS TEXT COMMAND...: the command ends with STATUS and says TEXT
ends() {
    local expected=$1 text=$2 status=0
    shift 2
    "$@" > "$work/said" 2>&1 || status=$?
    cat "$work/said"
    [ $status -eq "$expected" ] && grep -qF -- "$text" "$work/said"
}

install() { DESTDIR=$work/root "$meson" install -C "$build" --no-rebuild --quiet; }

# Everything that README promises, wherever the prefix is.
is_installed() {
    local file
    for file in bin/strandline include/strandline/{snapshot,leak,observe,driver,bus,envelope}.h \
        man/man1/strandline.1 man/man5/strandline-scenario.5 \
        completions/strandline site-functions/_strandline strandline.fish strandline/scenarios/low.json \
        strandline/{baseline,diff,report,selftest,snapshot}.schema.json strandline/scenarios/scenario.schema.json \
        examples/{self_check,outside_observer,bus_orders,driver_simple}.c; do
        grep -q "/$file\$" "$work/files" || { echo "no $file"; return 1; }
    done
    ! grep -E '/tests?/|test_|\.p/' "$work/files"
}

# compile SOURCE KIND PACKAGE...: with the packages' libraries of this kind, shared or static
compile() {
    local source=$1 kind=$2 program flags
    program=$work/$kind/$(basename "$1" .c)
    shift 2
    if [ "$kind" = static ]; then
        flags=$(pkg-config --static --cflags --libs "$@") || return
        flags="-L$work/static $flags"
    else
        flags=$(pkg-config --cflags --libs "$@") || return
    fi
    # shellcheck disable=SC2086 # several words
    "${compiler[@]}" -o "$program" "$source" $flags && readelf -d "$program" > "$work/needs" || return
    case $kind in
        shared) grep -qF "[lib$1.so.0]" "$work/needs" ;;
        static) ! grep -F libstrandline "$work/needs" ;;
    esac
}

observe_somebody() { # observe_somebody PROGRAM: a shell that waits for a byte that never comes
    local pid status=0
    mkfifo "$work/fifo" && exec 9<> "$work/fifo" || return
    sh -c 'read -r line' < "$work/fifo" &
    pid=$!
    until [ "$(cat /proc/$pid/comm 2> /dev/null)" = sh ]; do kill -0 $pid || return; done
    ends 0 "1 x " "$1" $pid || status=1
    kill $pid
    rm "$work/fifo"
    return $status
}

has_no_tests() {
    "$meson" setup "$work/build" "$source" > "$work/log" || return
    ninja -C "$work/build" -t targets all > "$work/targets" || return
    grep -q '^lib/libstrandline.a:' "$work/targets" && ! grep '^tests/' "$work/targets"
}

check everything_can_be_installed_below_destdir install
find "$work/root" \( -type f -o -type l \) > "$work/files"
check all_that_is_promised_is_there is_installed
libraries=$(dirname "$(grep '/libstrandline\.a$' "$work/files")")
export PKG_CONFIG_PATH=$libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root
export LD_LIBRARY_PATH=$libraries
mkdir "$work/shared" "$work/static"
cat > "$work/both.c" << 'END'
#include <stdio.h>
#include <strandline/bus.h>
#include <strandline/snapshot.h>
int main(void) { return printf("%s %s %s\n", sl_version(), bus_version(), sl_status_text(SL_OK)) < 0; }
END
ln -s "$libraries"/*.a "$work/static"
for kind in shared static; do
    check "self_check_builds_$kind" compile "$source/examples/self_check.c" $kind strandline
    check "outside_observer_builds_$kind" compile "$source/examples/outside_observer.c" $kind strandline
    check "bus_orders_builds_$kind" compile "$source/examples/bus_orders.c" $kind strandline-bus
    check "one_program_links_both_$kind" compile "$work/both.c" $kind strandline strandline-bus
    check "both_say_their_version_$kind" \
        ends 0 "$(pkg-config --modversion strandline strandline-bus | xargs) success" "$work/$kind/both"
    check "a_shutdown_that_ends_all_threads_passes_its_check_$kind" \
        ends 0 "threads left: 0" "$work/$kind/self_check"
    check "a_forgotten_thread_fails_it_with_its_function_$kind" \
        ends 1 "1 x worker_main: parked" "$work/$kind/self_check" leak
    check "an_observer_outside_sees_groups_$kind" observe_somebody "$work/$kind/outside_observer"
    check "a_bus_delivers_in_order_$kind" ends 0 "order-7 OrderShipped" "$work/$kind/bus_orders"
done
check a_build_for_it_has_no_tests has_no_tests
echo "1..$n"
exit $failed
