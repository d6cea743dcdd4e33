#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Goroutines that a bus in Go leaves behind its Close are found from outside, and none is found
# where none is left.
#
# usage: test_go_bus.sh STRANDLINE SOURCE_ROOT; prints TAP
strandline=$(realpath "$1")
command -v go >/dev/null || { echo "1..0 # SKIP there is no Go"; exit 0; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
(cd "$2/examples/go_bus" && GOCACHE=$work/cache GOFLAGS=-buildvcs=false \
    go build -o "$work/go_bus" .) >"$work/build" 2>&1
built=$?
cd "$work" || exit 1
n=1 failed=0 denied=
if [ "$built" != 0 ]; then
    sed "s/^/# /" build
    echo "not ok 1 - the example compiles"
    echo "1..1"
    exit 1
fi
echo "ok 1 - the example compiles"

# What a bus of two topics with eight workers each leaves, by looks before and after.
replay() {
    rm -f answers told
    mkfifo answers && : >told
    ./go_bus -topics 2 -workers 8 -unified 4 "$@" <answers >told &
    bus=$!
    exec 3>answers
    for phase in start open closed; do
        until grep -q "$phase" told; do
            kill -0 "$bus" 2>/dev/null || return 1
            sleep 0.05
        done
        "$strandline" snapshot --json "$bus" >"$phase.json" 2>err || denied=$?
        "$strandline" diff "$phase.json" "$bus" >named 2>>err
        echo >&3
    done
    exec 3>&-
    wait "$bus"
    "$strandline" diff start.json closed.json >left 2>>err
}

# check FACT WANTED OPTION...: the lines of a diff, but for fingerprints
check() {
    fact=$1
    printf '%s' "$2" >wanted
    shift 2
    replay "$@"
    if [ "$denied" = 3 ]; then
        echo "1..0 # SKIP $(head -n 1 err)"
        exit 0
    fi
    grep " x main" left | sed 's/  ([0-9a-f]*)$//' | sort >got
    n=$((n + 1))
    if cmp -s wanted got; then
        echo "ok $n - $fact"
    else
        echo "not ok $n - $fact"
        sed "s/^/# /" err got
        failed=1
    fi
}

check "what Close did not stop is found, by pool and loop" "\
appeared  0 -> 16 x main.(*KeyedWorkerPool).runWorker
appeared  0 -> 2 x main.fetch
appeared  0 -> 2 x main.fetchHelper
"
check "of a Close that stops all of it nothing is left" "" -close all
n=$((n + 1))
if grep -q ", go_bus: .* goroutine" named; then
    echo "ok $n - a look at a process in Go has its name"
else
    echo "not ok $n - a look at a process in Go has its name"
    sed "s/^/# /" named
    failed=1
fi
echo "1..$n"
exit $failed
